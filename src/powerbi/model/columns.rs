//! Tables and their columns: from the relation, with the facts of the semantic layer.
use super::{PbColumn, PbTable};
use crate::diag::{Diagnostic, Sink, code};
use crate::powerbi::{Names, Relations, ids};
use crate::semantic::{KeyKind, Labels, Layer, Table};
use std::collections::{BTreeMap, BTreeSet};

/// TMDL's type of PostgreSQL's, its format, and whether it is a date; none for types that have no counterpart.
fn kind(pg: &str) -> Option<(&'static str, Option<&'static str>, bool)> {
    let base = pg.split('(').next().unwrap_or(pg).trim();
    Some(match base {
        "bigint" | "integer" | "smallint" | "int" | "int2" | "int4" | "int8" => {
            ("int64", Some("0"), false)
        }
        "text" | "character varying" | "varchar" | "character" | "char" | "uuid" | "name"
        | "citext" => ("string", None, false),
        "boolean" | "bool" => (
            "boolean",
            Some("\"\"\"TRUE\";\"\"TRUE\"\";\"\"FALSE\"\"\""),
            false,
        ),
        "double precision" | "real" | "numeric" | "decimal" | "float8" | "float4" => {
            ("double", None, false)
        }
        "date" => ("dateTime", Some("Long Date"), true),
        "timestamp"
        | "timestamptz"
        | "timestamp without time zone"
        | "timestamp with time zone" => ("dateTime", Some("General Date"), false),
        "time" | "time without time zone" => ("dateTime", Some("Long Time"), false),
        _ => return None,
    })
}

pub(super) fn pb_table(
    layer: &Layer,
    table: &Table,
    relations: &Relations,
    culture: &str,
    names: &Names,
    sink: &mut Sink,
) -> Option<PbTable> {
    if table.bi.get("export").and_then(serde_json::Value::as_bool) == Some(false) {
        return None;
    }
    let described: Vec<(String, String)> = table
        .columns
        .values()
        .filter_map(|c| Some((c.name.clone(), c.data_type.clone()?)))
        .collect();
    let columns = relations.get(&table.relation).cloned().unwrap_or(described);
    if columns.is_empty() {
        sink.push(
            Diagnostic::error(
                code::R0705,
                format!(
                    "the columns of `{}.{}` are not known",
                    table.relation.0, table.relation.1
                ),
            )
            .at_opt(table.place.clone())
            .help("build the model first, or give its columns a `data_type`"),
        );
        return None;
    }
    let said = table.bi.get("table").and_then(serde_json::Value::as_str);
    let main = said.map_or_else(|| table.labels.get(culture).to_string(), str::to_string);
    let known = names.tables.get(&names_key(&table.relation));
    let mut out = PbTable {
        name: known.map_or(main, |k| k.name.clone()),
        labels: table.labels.clone(),
        source: table.name.clone(),
        relation: table.relation.clone(),
        description: table.description.trim().to_string(),
        tag: known
            .and_then(|k| k.tag.clone())
            .unwrap_or_else(|| ids::uuid(&table.unique_id)),
        calendar: layer.calendar.as_ref() == Some(&table.name),
        columns: Vec::new(),
        hierarchies: Vec::new(),
        unique_id: table.unique_id.clone(),
    };
    for (name, pg) in &columns {
        out.columns
            .extend(pb_column(table, name, pg, culture, names, out.calendar));
    }
    unique_columns(table, &mut out, sink);
    sorts(table, &mut out, sink);
    hierarchies(table, &mut out, sink);
    missing_columns(table, &columns, sink);
    Some(out)
}

/// The key under which names of a table are kept.
pub fn names_key(relation: &(String, String)) -> String {
    format!("{}.{}", relation.0, relation.1)
}

fn pb_column(
    table: &Table,
    name: &str,
    pg: &str,
    culture: &str,
    names: &Names,
    calendar: bool,
) -> Option<PbColumn> {
    let (data_type, format, is_date) = kind(pg)?;
    let dimension = table.dimensions.values().find(|d| d.expr == *name);
    let facts = table.columns.get(name).or(dimension.map(|d| &d.column));
    let labels = dimension
        .map(|d| d.labels.clone())
        .filter(|l| l.main != *name || !l.by_language.is_empty())
        .or_else(|| facts.and_then(|f| f.labels.clone()));
    let labels = labels.unwrap_or_else(|| Labels::plain(name));
    let key = table.keys.iter().find(|k| k.expr == *name);
    let known = names
        .tables
        .get(&names_key(&table.relation))
        .and_then(|t| t.columns.get(name));
    let primary = key.is_some_and(|k| k.kind == KeyKind::Primary);
    let captioned = facts.is_some_and(|f| f.labels.is_some()) || dimension.is_some();
    let fact = !table.measures.is_empty();
    let money = facts.and_then(|f| f.kind.as_deref()) == Some("decimal");
    Some(PbColumn {
        name: known.map_or_else(|| labels.get(culture).to_string(), |k| k.name.clone()),
        labels,
        source: name.to_string(),
        data_type: if money && data_type == "double" {
            "decimal"
        } else {
            data_type
        },
        is_date,
        format: facts
            .and_then(|f| f.format.clone())
            .or(format.map(str::to_string)),
        hidden: facts.is_some_and(|f| f.hidden)
            || (key.is_some() && !(primary && calendar))
            || (fact && !captioned),
        key: primary,
        category: facts.and_then(|f| f.data_category.clone()),
        folder: facts.and_then(|f| f.folder.clone()),
        sort_by: facts.and_then(|f| f.sort_by.clone()),
        description: facts.map(|f| f.description.clone()).unwrap_or_default(),
        tag: known
            .and_then(|k| k.tag.clone())
            .unwrap_or_else(|| ids::uuid(&format!("{}.{name}", table.unique_id))),
    })
}

/// Two columns with one caption: the later one keeps its own name.
fn unique_columns(table: &Table, out: &mut PbTable, sink: &mut Sink) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for c in &mut out.columns {
        if taken.insert(c.name.to_lowercase()) {
            continue;
        }
        sink.push(
            Diagnostic::warning(
                code::R0704,
                format!("two columns of `{}` are called `{}`", table.name, c.name),
            )
            .at_opt(table.place_of(&format!("columns.{}", c.source)))
            .help(format!(
                "`{}` keeps its own name in Power BI; give it a `caption` of its own",
                c.source
            )),
        );
        c.name.clone_from(&c.source);
        taken.insert(c.name.to_lowercase());
    }
}

/// Sorting columns by the names they have in the model.
fn sorts(table: &Table, out: &mut PbTable, sink: &mut Sink) {
    let names: BTreeMap<String, String> = out
        .columns
        .iter()
        .map(|c| (c.source.clone(), c.name.clone()))
        .collect();
    for c in &mut out.columns {
        let Some(by) = c.sort_by.take() else { continue };
        match names.get(&by) {
            Some(name) => c.sort_by = Some(name.clone()),
            None => sink.push(no_column(
                table,
                &by,
                &format!("`{}` is sorted by", c.source),
                &names,
                &format!("columns.{}.config.meta.bi.sort_by", c.source),
            )),
        }
    }
}

fn no_column(
    table: &Table,
    column: &str,
    what: &str,
    known: &BTreeMap<String, String>,
    at: &str,
) -> Diagnostic {
    let d = Diagnostic::error(
        code::R0704,
        format!(
            "{what} `{column}`, which `{}` does not have",
            table.relation.1
        ),
    )
    .at_opt(table.place_of(at));
    match crate::text::nearest(column, known.keys().map(String::as_str)) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help("correct the name, or build the model anew if the column is new"),
    }
}

fn hierarchies(table: &Table, out: &mut PbTable, sink: &mut Sink) {
    let names: BTreeMap<String, String> = out
        .columns
        .iter()
        .map(|c| (c.source.clone(), c.name.clone()))
        .collect();
    for h in &table.hierarchies {
        let mut kept = h.clone();
        kept.levels.retain(|l| {
            let known = names.contains_key(&l.column);
            if !known {
                sink.push(no_column(
                    table,
                    &l.column,
                    &format!("the hierarchy `{}` has the column", h.labels.main),
                    &names,
                    "config.meta.bi.hierarchies",
                ));
            }
            known
        });
        if kept.levels.len() == h.levels.len() {
            let tag = ids::uuid(&format!("{}.hierarchy.{}", table.unique_id, h.labels.main));
            out.hierarchies.push((kept, tag));
        }
    }
}

/// Columns that definitions name and the relation lacks.
fn missing_columns(table: &Table, columns: &[(String, String)], sink: &mut Sink) {
    let known: BTreeMap<String, String> = columns
        .iter()
        .map(|(n, t)| (n.clone(), t.clone()))
        .collect();
    let check = |expr: &str, what: String, at: &str, sink: &mut Sink| {
        if let Ok(pieces) = crate::semantic::scan(expr) {
            for p in pieces {
                if let crate::semantic::Piece::Name(n, _) = p
                    && !known.contains_key(&n)
                {
                    sink.push(no_column(table, &n, &what, &known, at));
                }
            }
        }
    };
    for k in &table.keys {
        check(
            &k.expr,
            format!("the entity `{}` is", k.name),
            &format!("entities.{}", k.name),
            sink,
        );
    }
    for d in table.dimensions.values() {
        check(
            &d.expr,
            format!("the dimension `{}` is", d.name),
            &format!("dimensions.{}", d.name),
            sink,
        );
    }
    for m in table.measures.values() {
        check(
            &m.expr,
            format!("the measure `{}` is made of", m.name),
            &format!("measures.{}", m.name),
            sink,
        );
    }
}
