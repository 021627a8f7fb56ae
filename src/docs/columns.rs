//! The columns of a node, and the edges between columns.
//!
//! In come a node of the manifest with its table in the catalog, and the column lineage; out
//! go columns in the order of the database and edges between indexes of nodes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::facts::{constraint, text};

/// A column as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Column<'a> {
    name: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    data_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

/// The columns: those of the database in its order, then those that are only described.
pub(super) fn columns<'a>(entry: &'a Value, table: Option<&'a Value>) -> Vec<Column<'a>> {
    let described = entry.get("columns").and_then(Value::as_object);
    let mut found: Vec<(&str, &Value)> = table
        .and_then(|t| t.get("columns")?.as_object())
        .into_iter()
        .flatten()
        .map(|(name, column)| (name.as_str(), column))
        .collect();
    found.sort_by_key(|(_, column)| column.get("index").and_then(Value::as_i64));
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let mut out = Vec::new();
    for (name, column) in &found {
        let note = described
            .into_iter()
            .flatten()
            .find(|(n, _)| same(n, name))
            .map(|(_, c)| c);
        out.push(self::column(name, note, text(column, &["type"]), None));
    }
    for (name, note) in described.into_iter().flatten() {
        if !found.iter().any(|(n, _)| same(n, name)) {
            let missing = (!found.is_empty()).then_some("not in the database");
            out.push(column(name, Some(note), None, missing));
        }
    }
    out
}

fn column<'a>(
    name: &'a str,
    described: Option<&'a Value>,
    data_type: Option<&'a str>,
    note: Option<&'static str>,
) -> Column<'a> {
    let of = |key: &str| described.and_then(|d| text(d, &[key]));
    let constraints = described.and_then(|d| d.get("constraints")?.as_array());
    Column {
        name: of("name").unwrap_or(name),
        data_type: data_type.or_else(|| of("data_type")),
        description: of("description").map(str::trim),
        constraints: constraints
            .into_iter()
            .flatten()
            .filter_map(constraint)
            .collect(),
        note,
    }
}

/// From node, column, to node, column, kind.
pub(super) type ColumnEdge<'a> = (usize, &'a str, usize, &'a str, &'a str);

/// The edges of a column lineage whose nodes are known, each once.
pub(super) fn column_edges<'a>(
    lineage: &'a Value,
    index: &BTreeMap<&str, usize>,
) -> Vec<ColumnEdge<'a>> {
    let end = |edge: &'a Value, key: &str| {
        let pair = edge.get(key)?.as_array()?;
        Some((*index.get(pair.first()?.as_str()?)?, pair.get(1)?.as_str()?))
    };
    let edge = |edge: &'a Value| {
        let (from, from_column) = end(edge, "from")?;
        let (to, to_column) = end(edge, "to")?;
        Some((
            from,
            from_column,
            to,
            to_column,
            text(edge, &["kind"]).unwrap_or("derive"),
        ))
    };
    let edges = lineage.get("edges").and_then(Value::as_array);
    let unique: BTreeSet<_> = edges.into_iter().flatten().filter_map(edge).collect();
    unique.into_iter().collect()
}
