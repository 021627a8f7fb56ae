//! `manifest.json`, schema v12: the whole resolved project, every field in dbt's order, nulls written.
mod entity;
mod node;
mod semantic;

pub use node::node;
pub use semantic::semantic_manifest;

use super::{Kind, Meta};
use crate::graph::{Disabled, Entry, Manifest, Node};
use indexmap::IndexMap;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The manifest as JSON.
pub fn manifest(m: &Manifest, meta: &Meta) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_string(), value);
    };
    put("metadata", metadata(m, meta));
    put("nodes", nodes(m));
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
    Value::Object(out)
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

/// Fewer nodes than this are not worth another thread.
const FEW: usize = 256;

fn nodes(m: &Manifest) -> Value {
    let all: Vec<&Node> = m.nodes.values().chain(m.idle.values()).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = all.len().div_ceil(threads.min(8)).max(FEW);
    let of = |part: &[&Node]| -> Vec<(String, Value)> {
        let one = |n: &&Node| (n.unique_id.clone(), node::node(n));
        part.iter().map(one).collect()
    };
    let mut out = Map::new();
    std::thread::scope(|scope| {
        let mut parts = all.chunks(part);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> = parts.map(|p| (p, scope.spawn(move || of(p)))).collect();
        out.extend(of(first));
        for (part, thread) in others {
            // A thread that broke off has its nodes made here, where the panic is seen.
            out.extend(thread.join().unwrap_or_else(|_| of(part)));
        }
    });
    Value::Object(out)
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

/// A JSON object under construction, in the order of the calls.
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
