//! `catalog.json`, schema v1: the relations of the project as the database has them.
use super::{Kind, Meta};
use serde_json::{Map, Value, json};

/// A column as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Name.
    pub name: String,
    /// Type as the server writes it (`timestamp with time zone`).
    pub kind: String,
    /// Position from 1.
    pub index: i64,
    /// Comment.
    pub comment: Option<String>,
}

/// A relation as the database has it, with the node or source it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogRelation {
    /// Unique id in the manifest; one relation may stand for several.
    pub unique_id: String,
    /// `BASE TABLE`, `VIEW`, `MATERIALIZED VIEW`, …
    pub kind: String,
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Comment.
    pub comment: Option<String>,
    /// Owner.
    pub owner: Option<String>,
    /// Columns in order.
    pub columns: Vec<CatalogColumn>,
    /// What else is known of it: `{id, label, value, include, description}` by id.
    pub stats: Map<String, Value>,
}

/// The catalogue as JSON, sorted by unique id; `errors` are the queries that failed, if any.
pub fn catalog(relations: &[CatalogRelation], errors: &[String], meta: &Meta) -> Value {
    let mut sorted: Vec<&CatalogRelation> = relations.iter().collect();
    sorted.sort_by(|a, b| a.unique_id.cmp(&b.unique_id));
    let (mut nodes, mut sources) = (Map::new(), Map::new());
    for r in sorted {
        let to = if r.unique_id.starts_with("source.") {
            &mut sources
        } else {
            &mut nodes
        };
        to.insert(r.unique_id.clone(), relation(r));
    }
    let errors = if errors.is_empty() {
        Value::Null
    } else {
        errors.into()
    };
    let mut out = Map::new();
    out.insert("metadata".to_string(), meta.json(Kind::Catalog).into());
    out.insert("nodes".to_string(), nodes.into());
    out.insert("sources".to_string(), sources.into());
    out.insert("errors".to_string(), errors);
    Value::Object(out)
}

fn relation(r: &CatalogRelation) -> Value {
    let columns: Map<String, Value> = r
        .columns
        .iter()
        .map(|c| {
            let column = json!({
                "type": c.kind,
                "index": c.index,
                "name": c.name,
                "comment": c.comment,
            });
            (c.name.clone(), column)
        })
        .collect();
    let mut stats = r.stats.clone();
    let has = json!({
        "id": "has_stats",
        "label": "Has Stats?",
        "value": !stats.is_empty(),
        "include": false,
        "description": "Indicates whether there are statistics for this table",
    });
    stats.insert("has_stats".to_string(), has);
    json!({
        "metadata": {
            "type": r.kind,
            "schema": r.schema,
            "name": r.name,
            "database": r.database,
            "comment": r.comment,
            "owner": r.owner,
        },
        "columns": columns,
        "stats": stats,
        "unique_id": r.unique_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_sorted_and_sources_stand_apart() {
        let relation = |id: &str, name: &str| CatalogRelation {
            unique_id: id.to_string(),
            kind: "BASE TABLE".to_string(),
            database: "d".to_string(),
            schema: "s".to_string(),
            name: name.to_string(),
            comment: None,
            owner: Some("me".to_string()),
            columns: vec![CatalogColumn {
                name: "id".to_string(),
                kind: "integer".to_string(),
                index: 1,
                comment: Some("key".to_string()),
            }],
            stats: Map::new(),
        };
        let relations = [
            relation("source.shop.raw.t", "t"),
            relation("model.shop.b", "b"),
            relation("model.shop.a", "a"),
        ];
        let at = "2024-01-02T03:04:05Z".parse().unwrap();
        let meta = Meta {
            generated_at: at,
            ..Meta::new("some-id", at, [])
        };
        let value = catalog(&relations, &[], &meta);
        let ids: Vec<&String> = value["nodes"].as_object().unwrap().keys().collect();
        assert_eq!(ids, ["model.shop.a", "model.shop.b"]);
        insta::assert_json_snapshot!(value["sources"]);
        let failed = catalog(&[], &["permission denied".to_string()], &meta);
        assert_eq!(failed["errors"], json!(["permission denied"]));
    }
}
