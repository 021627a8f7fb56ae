//! `graph_summary.json`: names, kinds and edges of the graph by number, for whoever looks into how a project hangs
//! together. dbt writes the same file (`dbt/compilation.py` of dbt-core 1.10, `Linker.get_graph_summary`).
use crate::graph::Manifest;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// An edge: what is needed, and what needs it.
type Edge = (String, String);

/// The summary of a manifest's graph; `gates` are the edges from tests to what waits for them, for a command that has
/// such.
pub fn graph_summary(manifest: &Manifest, gates: Option<&[Edge]>, invocation_id: &str) -> Value {
    let entries: Vec<_> = manifest
        .entries()
        .map(|e| (e.unique_id(), e.parents()))
        .collect();
    let mut out = Map::new();
    out.insert("_invocation_id".into(), invocation_id.into());
    out.insert("linked".into(), numbered(&entries, &[]));
    if let Some(gates) = gates {
        out.insert("with_test_edges".into(), numbered(&entries, gates));
    }
    Value::Object(out)
}

/// Nodes by number; each entry is an id and what it needs.
fn numbered(entries: &[(&str, &[String])], more: &[Edge]) -> Value {
    let index: IndexMap<&str, usize> = entries.iter().enumerate().map(|(i, e)| (e.0, i)).collect();
    let mut below = vec![BTreeSet::new(); entries.len()];
    let needs = entries
        .iter()
        .flat_map(|e| e.1.iter().map(|p| (p.as_str(), e.0)));
    let more = more.iter().map(|(p, c)| (p.as_str(), c.as_str()));
    for (parent, child) in needs.chain(more) {
        if let (Some(&p), Some(&c)) = (index.get(parent), index.get(child)) {
            below[p].insert(c);
        }
    }
    let nodes = entries
        .iter()
        .zip(below)
        .enumerate()
        .map(|(i, (e, below))| {
            let id = e.0;
            let kind = id.split('.').next().unwrap_or_default();
            let mut node = json!({"name": id, "type": kind});
            if !below.is_empty() {
                node["succ"] = below.into_iter().collect::<Vec<_>>().into();
            }
            (i.to_string(), node)
        });
    Value::Object(nodes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_numbers_and_say_what_comes_after() {
        let a = ["model.p.a".to_string()];
        let entries: [(&str, &[String]); 3] =
            [("model.p.a", &[]), ("model.p.b", &a), ("test.p.t", &a)];
        let gates = [("test.p.t".to_string(), "model.p.b".to_string())];
        assert_eq!(
            numbered(&entries, &[]),
            json!({
                "0": {"name": "model.p.a", "type": "model", "succ": [1, 2]},
                "1": {"name": "model.p.b", "type": "model"},
                "2": {"name": "test.p.t", "type": "test"},
            })
        );
        assert_eq!(numbered(&entries, &gates)["2"]["succ"], json!([1]));
    }
}
