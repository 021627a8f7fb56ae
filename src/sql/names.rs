//! Names in SQL: how PostgreSQL folds them, and what it calls an output column that is not named.
use super::RelationName;
use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, TrimWhereField,
};

/// A name as PostgreSQL keeps it: without quotes in lower case.
pub fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() {
        ident.value.clone()
    } else {
        ident.value.to_lowercase()
    }
}

/// The parts of a dotted name.
pub fn parts(name: &ObjectName) -> Vec<String> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => fold(ident),
            ObjectNamePart::Function(function) => fold(&function.name),
        })
        .collect()
}

/// The last part of a dotted name.
pub fn last(name: &ObjectName) -> String {
    parts(name).pop().unwrap_or_default()
}

/// The relation of a dotted name.
pub fn relation(name: &ObjectName) -> RelationName {
    let mut parts = parts(name);
    let last = parts.pop().unwrap_or_default();
    let schema = parts.pop();
    RelationName {
        database: parts.pop(),
        schema,
        name: last,
    }
}

/// The name PostgreSQL gives to an expression that has none.
pub fn of_expr(expr: &Expr) -> String {
    found(expr).unwrap_or_else(|| "?column?".into())
}

fn found(expr: &Expr) -> Option<String> {
    Some(match expr {
        Expr::Identifier(ident) => fold(ident),
        Expr::CompoundIdentifier(idents) => fold(idents.last()?),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|a| match a {
                sqlparser::ast::AccessExpr::Dot(Expr::Identifier(ident)) => Some(fold(ident)),
                _ => None,
            });
            return field.or_else(|| found(root));
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => return found(inner),
        Expr::Function(function) => last(&function.name),
        // A cast keeps the name of what is cast; else the type names it.
        Expr::Cast {
            expr, data_type, ..
        } => found(expr).unwrap_or_else(|| type_name(&data_type.to_string())),
        Expr::TypedString(typed) => type_name(&typed.data_type.to_string()),
        // The `else` of a case names it where that has a name.
        Expr::Case { else_result, .. } => {
            let named = else_result.as_deref().filter(|e| names_a_case(e));
            named.and_then(found).unwrap_or_else(|| "case".into())
        }
        Expr::Exists { .. } => "exists".into(),
        Expr::Subquery(query) => return of_query(query),
        Expr::Array(_) => "array".into(),
        Expr::Extract { .. } => "extract".into(),
        Expr::Ceil { .. } => "ceil".into(),
        Expr::Floor { .. } => "floor".into(),
        Expr::Position { .. } => "position".into(),
        Expr::Substring { .. } => "substring".into(),
        Expr::Trim { trim_where, .. } => match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }
        .into(),
        Expr::Overlay { .. } => "overlay".into(),
        Expr::AtTimeZone { .. } => "timezone".into(),
        Expr::Interval(_) => "interval".into(),
        Expr::Tuple(_) => "row".into(),
        _ => return None,
    })
}

/// PostgreSQL takes a column's or function's name over the word `case`.
fn names_a_case(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { .. }
        | Expr::Function(_) => true,
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => names_a_case(inner),
        Expr::Cast { expr, .. } => names_a_case(expr),
        _ => false,
    }
}

fn of_query(query: &Query) -> Option<String> {
    match query.body.as_ref() {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::UnnamedExpr(expr) => found(expr),
            SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
            _ => None,
        },
        SetExpr::Query(inner) => of_query(inner),
        SetExpr::Values(_) => Some("column1".into()),
        _ => None,
    }
}

/// The internal name of a type, by which a cast without a better name is called.
fn type_name(shown: &str) -> String {
    let lower = shown.to_lowercase();
    let plain = lower.split(['(', '[']).next().unwrap_or_default().trim();
    match plain {
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "decimal" => "numeric",
        "real" => "float4",
        "double precision" | "float" | "double" => "float8",
        "character varying" => "varchar",
        "char" | "character" => "bpchar",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        other => other.rsplit('.').next().unwrap_or(other),
    }
    .to_string()
}

/// Whether a function makes one value of many rows. Functions of the user's own are not known.
pub fn is_aggregate(name: &str) -> bool {
    matches!(
        name,
        "any_value"
            | "array_agg"
            | "avg"
            | "bit_and"
            | "bit_or"
            | "bit_xor"
            | "bool_and"
            | "bool_or"
            | "corr"
            | "count"
            | "covar_pop"
            | "covar_samp"
            | "every"
            | "json_agg"
            | "json_agg_strict"
            | "json_arrayagg"
            | "json_object_agg"
            | "json_objectagg"
            | "jsonb_agg"
            | "jsonb_agg_strict"
            | "jsonb_object_agg"
            | "max"
            | "min"
            | "mode"
            | "percentile_cont"
            | "percentile_disc"
            | "range_agg"
            | "range_intersect_agg"
            | "regr_avgx"
            | "regr_avgy"
            | "regr_count"
            | "regr_intercept"
            | "regr_r2"
            | "regr_slope"
            | "regr_sxx"
            | "regr_sxy"
            | "regr_syy"
            | "stddev"
            | "stddev_pop"
            | "stddev_samp"
            | "string_agg"
            | "sum"
            | "var_pop"
            | "var_samp"
            | "variance"
            | "xmlagg"
    )
}

/// The columns of a function in `from`: `Ok` for names that stay, `Err` for a single column that takes the alias.
pub fn of_function(name: &str) -> Option<Result<&'static [&'static str], String>> {
    Some(match name {
        "json_each" | "json_each_text" | "jsonb_each" | "jsonb_each_text" | "each" => {
            Ok(&["key", "value"])
        }
        "json_array_elements"
        | "json_array_elements_text"
        | "jsonb_array_elements"
        | "jsonb_array_elements_text" => Ok(&["value"]),
        "json_to_record"
        | "json_to_recordset"
        | "jsonb_to_record"
        | "jsonb_to_recordset"
        | "json_populate_record"
        | "json_populate_recordset"
        | "jsonb_populate_record"
        | "jsonb_populate_recordset"
        | "crosstab"
        | "dblink" => return None,
        other => Err(other.to_string()),
    })
}
