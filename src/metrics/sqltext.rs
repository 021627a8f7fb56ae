//! Names and values as SQL that people can read.
use crate::pg::{quote_ident, quote_literal};
use crate::semantic::{Fault, Piece, scan};

/// Words that PostgreSQL does not take as a plain name of a column or table.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "interval",
    "timestamp",
    "time",
    "precision",
    "setof",
    "coalesce",
    "nullif",
    "greatest",
    "least",
];

/// A name, quoted only where PostgreSQL would not take it plain.
pub fn ident(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain {
        name.to_string()
    } else {
        quote_ident(name)
    }
}

/// Schema and name.
pub fn relation(parts: &(String, String)) -> String {
    format!("{}.{}", ident(&parts.0), ident(&parts.1))
}

/// A text as a literal.
pub fn literal(text: &str) -> String {
    quote_literal(text).trim_start().to_string()
}

/// An expression with an alias put before each of its columns.
pub fn qualified(expr: &str, alias: &str) -> Result<String, Fault> {
    let alias = ident(alias);
    Ok(scan(expr)?
        .into_iter()
        .map(|p| match p {
            Piece::Text(t) => t,
            // A name is written as the model writes it: folded by the server unless it was quoted.
            Piece::Name(n, _) | Piece::Entity(n) | Piece::Metric(n, _) => {
                format!("{alias}.{}", column(&n))
            }
        })
        .collect())
}

/// A column's name as an expression has it: plain words stay, others are quoted.
fn column(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if plain && !name.chars().any(|c| c.is_ascii_uppercase()) {
        ident(name)
    } else {
        quote_ident(name)
    }
}

/// Whether an expression is one column.
pub fn is_column(expr: &str) -> bool {
    matches!(scan(expr).as_deref(), Ok([Piece::Name(_, None)]))
}

/// An expression that may stand before an operator: in brackets unless it is a single thing.
pub fn bracketed(expr: &str) -> String {
    let single = expr
        .chars()
        .all(|c| c.is_alphanumeric() || "_.\"".contains(c));
    if single {
        expr.to_string()
    } else {
        format!("({expr})")
    }
}

/// A name made of a text: lower case, other characters as `_`.
pub fn slug(text: &str) -> String {
    let s: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    if s.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{s}")
    } else {
        s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_only_where_needed() {
        assert_eq!(ident("session_id"), "session_id");
        assert_eq!(ident("order"), "\"order\"");
        assert_eq!(ident("År"), "\"År\"");
        assert_eq!(relation(&("a b".into(), "c".into())), "\"a b\".c");
    }

    #[test]
    fn columns_of_an_expression_get_the_alias() {
        assert_eq!(
            qualified("case when paid then amount * 2 else 0 end", "o").unwrap(),
            "case when o.paid then o.amount * 2 else 0 end"
        );
        assert_eq!(qualified("1", "o").unwrap(), "1");
        assert_eq!(bracketed("a.b"), "a.b");
        assert_eq!(bracketed("a + b"), "(a + b)");
    }
}
