//! Names of relations: database, schema, alias, and the quoted full name.
use super::builder::Builder;
use super::host::NamePart;
use crate::config::Quoting;
use crate::diag::Sink;
use crate::graph::{Node, ResourceType};
use crate::load::Package;
use serde_json::{Map, Value};

impl Builder<'_> {
    /// Database, schema, alias and the relation's full name.
    pub(super) fn names(&mut self, node: &mut Node, package: &Package) {
        let part = |part: NamePart, key: &str, sink: &mut Sink| {
            let custom = node.config.get(key).and_then(Value::as_str).map(str::trim);
            match self
                .input
                .host
                .generate_name(part, custom, &package.project.name, node)
            {
                Ok(name) => name.trim().to_string(),
                Err(d) => {
                    sink.push(d.at_opt(node.place.clone()));
                    String::new()
                }
            }
        };
        let mut sink = Sink::default();
        let database = part(NamePart::Database, "database", &mut sink);
        let schema = part(NamePart::Schema, "schema", &mut sink);
        let alias = part(NamePart::Alias, "alias", &mut sink);
        sink.said.into_iter().for_each(|d| self.sink.push(d));
        (node.database, node.schema, node.alias) = (database, schema, alias);
        if node.resource_type == ResourceType::Snapshot {
            if let Some(schema) = node.config.str("target_schema") {
                node.schema = schema.to_string();
            }
            if let Some(database) = node.config.str("target_database") {
                node.database = database.to_string();
            }
        }
        if node.resource_type == ResourceType::Test {
            stored_failures(&mut node.config.0);
        }
        node.relation_name = self.relation_name(node);
    }

    /// The quoted full name, for what makes a relation.
    fn relation_name(&self, node: &Node) -> Option<String> {
        let stored = node.resource_type == ResourceType::Test
            && (self.input.store_failures || node.config.bool("store_failures") == Some(true));
        if !(node.is_refable() && !node.is_ephemeral() || stored) {
            return None;
        }
        let quoting = self.quoting(node.config.get("quoting"));
        Some(render_relation(
            quoting,
            &node.database,
            &node.schema,
            &node.alias,
        ))
    }

    /// Quoting: on by default, then the root project's, then the node's.
    pub(super) fn quoting(&self, own: Option<&Value>) -> [bool; 3] {
        let Quoting {
            database,
            schema,
            identifier,
        } = self.root().project.quoting;
        let own = |key: &str| own.and_then(|q| q.get(key)).and_then(Value::as_bool);
        [
            own("database").or(database).unwrap_or(true),
            own("schema").or(schema).unwrap_or(true),
            own("identifier").or(identifier).unwrap_or(true),
        ]
    }
}

/// `"db"."schema"."name"` by a quoting policy of database, schema, identifier.
pub fn render_relation(
    quoting: [bool; 3],
    database: &str,
    schema: &str,
    identifier: &str,
) -> String {
    let quote = |on: bool, part: &str| {
        if on {
            format!("\"{part}\"")
        } else {
            part.to_string()
        }
    };
    [
        quote(quoting[0], database),
        quote(quoting[1], schema),
        quote(quoting[2], identifier),
    ]
    .into_iter()
    .filter(|p| !p.is_empty() && p != "\"\"")
    .collect::<Vec<_>>()
    .join(".")
}

/// A node as templates see it (`model`, the `node` of naming macros).
pub fn node_map(node: &Node) -> Map<String, Value> {
    match crate::artifact::node(node) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// `store_failures` and `store_failures_as` of a test agree: the second one decides, and each sets the other.
fn stored_failures(config: &mut Map<String, Value>) {
    let kept = config.get("store_failures").and_then(Value::as_bool);
    match config.get("store_failures_as").and_then(Value::as_str) {
        Some(kind) => {
            let kept = kind != "ephemeral";
            config.insert("store_failures".into(), Value::Bool(kept));
        }
        None => {
            if let Some(kept) = kept {
                let kind = if kept { "table" } else { "ephemeral" };
                config.insert("store_failures_as".into(), Value::from(kind));
            }
        }
    }
}
