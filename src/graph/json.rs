//! A node as JSON, as templates and the manifest show it.
use super::Node;
use serde_json::{Value, json};

/// The fields of a node that every kind has.
pub fn node_json(n: &Node) -> Value {
    json!({"name": n.name, "config": n.config, "unique_id": n.unique_id})
}
