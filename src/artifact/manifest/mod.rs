//! `manifest.json`, schema v12: the whole resolved project, every field in dbt's order, nulls written.
mod entity;
mod node;
mod semantic;
mod text;

pub use node::node;

use super::{Kind, Meta};
use crate::graph::{Disabled, Entry, Manifest, Node, ResourceType};
use crate::report::Masks;
use indexmap::IndexMap;
use md5::{Digest, Md5};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;

/// The manifest as JSON.
pub fn manifest(m: &Manifest, meta: &Meta) -> Value {
    Value::Object(parts(m, meta, nodes(m)))
}

/// Writes the manifest as compact JSON, secrets masked. The nodes, by far the most of it, are never held all at once as
/// anything but text.
///
/// # Errors
/// What is written to says no.
pub fn write_manifest(
    out: &mut dyn io::Write,
    m: &Manifest,
    meta: &Meta,
    masks: &Masks,
) -> io::Result<()> {
    let mut before = b'{';
    for (key, mut value) in parts(m, meta, Value::Null) {
        out.write_all(&[before])?;
        serde_json::to_writer(&mut *out, &key)?;
        out.write_all(b":")?;
        if key == "nodes" {
            text::nodes(out, m, masks)?;
        } else {
            masks.apply_json(&mut value);
            serde_json::to_writer(&mut *out, &value)?;
        }
        before = b',';
    }
    out.write_all(b"}")
}

/// Everything in its order.
fn parts(m: &Manifest, meta: &Meta, nodes: Value) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_string(), value);
    };
    put("metadata", metadata(m, meta));
    put("nodes", nodes);
    put("sources", each(&m.sources, entity::source));
    put("macros", each(&m.macros, entity::macro_info));
    put("docs", each(&m.docs, entity::doc));
    put("exposures", each(&m.exposures, entity::exposure));
    put("metrics", each(&m.metrics, entity::semantic));
    put("groups", each(&m.groups, entity::group));
    put("selectors", Value::Object(m.selectors.clone()));
    put("disabled", disabled(m));
    let (mut parents, mut children) = (m.parent_map(), m.child_map());
    for (id, test) in &m.idle {
        parents.insert(id.clone(), test.depends_on.nodes.clone());
        children.insert(id.clone(), Vec::new());
        for parent in &test.depends_on.nodes {
            children.entry(parent.clone()).or_default().push(id.clone());
        }
    }
    put("parent_map", id_map(parents));
    put("child_map", id_map(children));
    put("group_map", group_map(m));
    put("saved_queries", each(&m.saved_queries, entity::semantic));
    put(
        "semantic_models",
        each(&m.semantic_models, entity::semantic),
    );
    put("unit_tests", each(&m.unit_tests, entity::unit_test));
    out
}

/// `semantic_manifest.json`.
pub fn semantic_manifest(m: &Manifest) -> Value {
    let days = m
        .nodes
        .values()
        .filter(|n| n.resource_type == ResourceType::Model);
    let days = days.filter(|_| !m.semantic_models.is_empty());
    let days = days.map(|n| (n.unique_id.clone(), node::node(n)));
    semantic::semantic_manifest(&json!({
        "nodes": days.collect::<Map<_, _>>(),
        "semantic_models": each(&m.semantic_models, entity::semantic),
        "metrics": each(&m.metrics, entity::semantic),
        "saved_queries": each(&m.saved_queries, entity::semantic),
    }))
}

/// `graph` as templates see it: every entry by its id.
pub fn graph(m: &Manifest) -> Value {
    let mut out = Map::new();
    for (key, value) in [
        ("exposures", each(&m.exposures, entity::exposure)),
        ("groups", each(&m.groups, entity::group)),
        ("metrics", each(&m.metrics, entity::semantic)),
        ("nodes", nodes(m)),
        ("sources", each(&m.sources, entity::source)),
        (
            "semantic_models",
            each(&m.semantic_models, entity::semantic),
        ),
        ("saved_queries", each(&m.saved_queries, entity::semantic)),
    ] {
        out.insert(key.to_string(), value);
    }
    Value::Object(out)
}

/// Any entry of the graph.
pub fn entry(e: Entry<'_>) -> Value {
    match e {
        Entry::Node(n) => node::node(n),
        Entry::Source(s) => entity::source(s),
        Entry::Exposure(e) => entity::exposure(e),
        Entry::Semantic(s) => entity::semantic(s),
        Entry::UnitTest(u) => entity::unit_test(u),
    }
}

fn metadata(m: &Manifest, meta: &Meta) -> Value {
    let mut out = meta.json(Kind::Manifest);
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_string(), value);
    };
    put("project_name", m.project_name.as_str().into());
    put(
        "project_id",
        hex(&Md5::digest(m.project_name.as_bytes())).into(),
    );
    put("user_id", Value::Null);
    put("send_anonymous_usage_stats", false.into());
    put("adapter_type", "postgres".into());
    let quoting = |key: &str| m.quoting.get(key).cloned().unwrap_or(true.into());
    put(
        "quoting",
        json!({
            "database": quoting("database"),
            "schema": quoting("schema"),
            "identifier": quoting("identifier"),
            "column": null,
        }),
    );
    Value::Object(out)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

fn each<T>(entries: &IndexMap<String, T>, json: fn(&T) -> Value) -> Value {
    entries
        .iter()
        .map(|(id, entry)| (id.clone(), json(entry)))
        .collect::<Map<_, _>>()
        .into()
}

fn nodes(m: &Manifest) -> Value {
    let all = m.nodes.values().chain(m.idle.values());
    let one = |n: &Node| (n.unique_id.clone(), node::node(n));
    all.map(one).collect::<Map<_, _>>().into()
}

fn disabled(m: &Manifest) -> Value {
    let one = |d: &Disabled| match d {
        Disabled::Node(n) => node::node(n),
        Disabled::Source(s) => entity::source(s),
        Disabled::Exposure(e) => entity::exposure(e),
        Disabled::Semantic(s) => entity::semantic(s),
        Disabled::UnitTest(u) => entity::unit_test(u),
    };
    m.disabled
        .iter()
        .map(|(id, list)| (id.clone(), list.iter().map(one).collect::<Vec<_>>().into()))
        .collect::<Map<_, _>>()
        .into()
}

fn id_map(map: BTreeMap<String, Vec<String>>) -> Value {
    map.into_iter()
        .map(|(id, ids)| (id, ids.into()))
        .collect::<Map<_, _>>()
        .into()
}

/// The ids of each group's members, by the group's name; groups without members too.
fn group_map(m: &Manifest) -> Value {
    let mut map: Map<String, Value> = m
        .groups
        .values()
        .map(|g| (g.name.clone(), Value::Array(Vec::new())))
        .collect();
    let members = m
        .nodes
        .values()
        .map(|n| (n.group.as_ref(), &n.unique_id))
        .chain(
            m.saved_queries
                .values()
                .chain(m.semantic_models.values())
                .chain(m.metrics.values())
                .map(|s| (s.group.as_ref(), &s.unique_id)),
        );
    for (group, id) in members {
        if let Some(Value::Array(ids)) = group.and_then(|g| map.get_mut(g)) {
            ids.push(id.as_str().into());
        }
    }
    Value::Object(map)
}

/// A JSON object under construction, in the order of the calls: as a value, or at once as text.
trait Object: Sized {
    /// Adds a field. What cannot be JSON is null; the types of the graph all can.
    fn put(self, key: &str, value: impl Serialize) -> Self;
}

impl Object for Fields {
    fn put(self, key: &str, value: impl Serialize) -> Self {
        self.ser(key, &value)
    }
}

/// A JSON object under construction, as a value.
struct Fields(Map<String, Value>);

impl Fields {
    fn new() -> Self {
        Self(Map::new())
    }

    fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_string(), value.into());
        self
    }

    /// A value that serialises into plain JSON; the types of the graph all do.
    fn ser(self, key: &str, value: &impl serde::Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.put(key, value)
    }

    fn text(self, key: &str, value: Option<&str>) -> Self {
        self.put(key, value.map_or(Value::Null, Value::from))
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }

    /// In a given order; keys of the order that are missing are null, other keys come last.
    fn ordered(mut self, order: &[&str]) -> Value {
        let mut out: Map<String, Value> = order
            .iter()
            .map(|key| {
                let value = self.0.shift_remove(*key).unwrap_or_default();
                ((*key).to_string(), value)
            })
            .collect();
        out.extend(self.0);
        Value::Object(out)
    }
}

#[cfg(test)]
pub(super) mod tests;
