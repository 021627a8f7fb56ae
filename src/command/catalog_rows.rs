//! Rows of a catalogue that a macro of the project made: `table_…`, `column_…` and `stats:…`, as dbt reads them.
use crate::artifact::{CatalogColumn, CatalogRelation};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

/// The relations of some rows, one row for each column.
pub fn relations(rows: &[Map<String, Value>]) -> Vec<CatalogRelation> {
    let mut out: IndexMap<[Option<String>; 3], CatalogRelation> = IndexMap::new();
    for row in rows {
        let text = |key: &str| text(row.get(key));
        let key = ["table_database", "table_schema", "table_name"].map(text);
        let relation = out.entry(key).or_insert_with(|| CatalogRelation {
            unique_id: String::new(),
            kind: text("table_type").unwrap_or_default(),
            database: text("table_database").unwrap_or_default(),
            schema: text("table_schema").unwrap_or_default(),
            name: text("table_name").unwrap_or_default(),
            comment: text("table_comment"),
            owner: text("table_owner"),
            columns: Vec::new(),
            stats: stats(row),
        });
        relation.columns.push(CatalogColumn {
            index: index(row.get("column_index")),
            name: text("column_name").unwrap_or_default(),
            kind: text("column_type").unwrap_or_default(),
            comment: text("column_comment"),
        });
    }
    out.into_values().collect()
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    }
}

/// A position, which may come as a number with a fraction or as text.
fn index(value: Option<&Value>) -> i64 {
    let number = value.and_then(|v| v.as_f64().or_else(|| v.as_str()?.parse().ok()));
    number.map_or(0, |n| n as i64)
}

/// `stats:size:label`, `…:value`, `…:description`, `…:include`: the four of each that is to be shown.
fn stats(row: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for key in row.keys() {
        let Some(id) = key
            .strip_prefix("stats:")
            .and_then(|k| k.strip_suffix(":include"))
        else {
            continue;
        };
        let part = |name: &str| {
            row.get(&format!("stats:{id}:{name}"))
                .cloned()
                .unwrap_or_default()
        };
        if part("include") == Value::Bool(true) {
            let stat = json!({
                "id": id,
                "label": part("label"),
                "value": part("value"),
                "include": true,
                "description": part("description"),
            });
            out.insert(id.to_string(), stat);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_relation_are_its_columns() {
        let row = |name: &str, column: &str, index: Value| {
            json!({
                "table_database": "d", "table_schema": "s", "table_name": name, "table_type": "VIEW",
                "table_comment": null, "column_name": column, "column_index": index, "column_type": "int",
                "stats:size:include": column == "a", "stats:size:label": "Size", "stats:size:value": 3,
                "stats:size:description": "How big",
            })
        };
        let rows = [
            row("x", "a", json!(1.0)),
            row("x", "b", json!("2")),
            row("y", "c", json!(1)),
        ];
        let rows: Vec<_> = rows.iter().filter_map(|r| r.as_object().cloned()).collect();
        let found = relations(&rows);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].columns.iter().map(|c| c.index).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(
            (&found[0].comment, found[0].stats["size"]["value"].as_i64()),
            (&None, Some(3))
        );
        assert!(found[1].stats.is_empty());
    }
}
