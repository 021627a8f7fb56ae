//! What the page shows, picked out of the artefacts.
//!
//! In come the artefacts as JSON, out goes one serialisable value with every node once, its
//! neighbours as indexes into the list. Order is by unique id, so the same artefacts give the same page.
//! What the page does not show (checksums, paths of the machine, other packages' macros) stays out.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::columns::{Column, ColumnEdge, column_edges, columns};
use super::facts::{at, facts, test_label, text};
use super::page::DocsInput;

/// The data of the page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Site<'a> {
    pub(super) name: String,
    /// Markdown of the project's `__overview__` block.
    description: Option<&'a str>,
    adapter: Option<String>,
    version: &'static str,
    generated: &'a str,
    run: Option<RunHead<'a>>,
    nodes: Vec<Node<'a>>,
    column_edges: Vec<ColumnEdge<'a>>,
}

#[derive(Debug, Serialize)]
struct RunHead<'a> {
    command: Option<&'a str>,
    generated: Option<&'a str>,
    elapsed: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Run<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    id: &'a str,
    kind: &'a str,
    name: &'a str,
    package: &'a str,
    file: &'a str,
    description: &'a str,
    tags: BTreeSet<&'a str>,
    facts: IndexMap<&'static str, String>,
    columns: Vec<Column<'a>>,
    deps: Vec<usize>,
    #[serde(flatten)]
    rest: Rest<'a>,
}

/// What only some nodes have.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiled: Option<&'a str>,
    /// A test made from a generic one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    generic: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_label: Option<String>,
    /// The node at which a test is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a Value>,
}

/// The sections of a manifest with what they hold; `nodes` names the kind of each entry itself.
const SECTIONS: [(&str, &str); 9] = [
    ("nodes", ""),
    ("sources", "source"),
    ("simulations", "simulation"),
    ("exposures", "exposure"),
    ("metrics", "metric"),
    ("semantic_models", "semantic_model"),
    ("saved_queries", "saved_query"),
    ("unit_tests", "unit_test"),
    ("macros", "macro"),
];

/// Commands whose results say nothing of data: they only compile.
const COMPILING: [&str; 8] = [
    "compile",
    "docs",
    "generate",
    "docs generate",
    "list",
    "ls",
    "parse",
    "show",
];

/// Picks the data of the page out of the artefacts.
pub(super) fn site<'a>(input: &DocsInput<'a>) -> Site<'a> {
    let manifest = input.manifest;
    let project = text(manifest, &["metadata", "project_name"]).unwrap_or("project");
    let entries = entries(manifest, project);
    let index: BTreeMap<&str, usize> = entries.keys().enumerate().map(|(i, id)| (*id, i)).collect();
    let results = input
        .run_results
        .filter(|r| !text(r, &["args", "which"]).is_some_and(|w| COMPILING.contains(&w)));
    let result_of = results.map(by_id).unwrap_or_default();
    let made = makers(&entries);
    let nodes = entries
        .iter()
        .map(|(id, (kind, entry))| {
            node(
                id,
                kind,
                entry,
                input.catalog,
                result_of.get(id).copied(),
                &index,
                &made,
            )
        })
        .collect();
    Site {
        name: project.to_owned(),
        description: text(
            manifest,
            &[
                "docs",
                &format!("doc.{project}.__overview__"),
                "block_contents",
            ],
        ),
        adapter: text(manifest, &["metadata", "adapter_type"]).map(|a| {
            if a == "postgres" {
                "PostgreSQL".into()
            } else {
                a.to_owned()
            }
        }),
        version: concat!("tv1 ", env!("CARGO_PKG_VERSION")),
        generated: input.generated_at,
        run: results.filter(|_| !result_of.is_empty()).map(|r| RunHead {
            command: text(r, &["args", "which"]),
            generated: text(r, &["metadata", "generated_at"]),
            elapsed: r.get("elapsed_time").and_then(Value::as_f64),
        }),
        nodes,
        column_edges: input
            .column_lineage
            .map(|lineage| column_edges(lineage, &index))
            .unwrap_or_default(),
    }
}

type Entries<'a> = BTreeMap<&'a str, (&'a str, &'a Value)>;

fn entries<'a>(manifest: &'a Value, project: &str) -> Entries<'a> {
    let mut out = Entries::new();
    for (section, kind) in SECTIONS {
        for (id, entry) in manifest
            .get(section)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let kind = if kind.is_empty() {
                text(entry, &["resource_type"]).unwrap_or("model")
            } else {
                kind
            };
            let wanted = match kind {
                // hooks are no nodes to a reader
                "operation" | "sql_operation" | "rpc" => false,
                "macro" => text(entry, &["package_name"]) == Some(project),
                _ => true,
            };
            if wanted {
                out.insert(id.as_str(), (kind, entry));
            }
        }
    }
    out
}

/// Relations with the nodes that make them, so that a source can be tied to its maker.
fn makers<'a>(entries: &Entries<'a>) -> BTreeMap<&'a str, &'a str> {
    let makes = |kind: &str| matches!(kind, "simulation" | "seed" | "model" | "snapshot");
    let pairs = entries.iter().filter(|(_, (kind, _))| makes(kind));
    pairs
        .filter_map(|(id, (_, entry))| Some((text(entry, &["relation_name"])?, *id)))
        .collect()
}

fn by_id(results: &Value) -> BTreeMap<&str, &Value> {
    let list = results.get("results").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|r| Some((text(r, &["unique_id"])?, r)))
        .collect()
}

fn node<'a>(
    id: &'a str,
    kind: &'a str,
    entry: &'a Value,
    catalog: Option<&'a Value>,
    result: Option<&'a Value>,
    index: &BTreeMap<&str, usize>,
    makers: &BTreeMap<&str, &str>,
) -> Node<'a> {
    let table = catalog.and_then(|c| at(c, &["nodes", id]).or_else(|| at(c, &["sources", id])));
    let mut deps = depends_on(entry, index);
    let relation = text(entry, &["relation_name"]);
    if kind == "source" && deps.is_empty() {
        deps.extend(
            relation
                .and_then(|r| makers.get(r))
                .and_then(|maker| index.get(maker)),
        );
    }
    let on = match kind {
        "test" => text(entry, &["attached_node"])
            .and_then(|n| index.get(n))
            .copied(),
        "unit_test" => deps.first().copied(),
        _ => None,
    };
    let raw = text(entry, &["raw_code"])
        .or_else(|| text(entry, &["macro_sql"]))
        .map(str::trim_end);
    let compiled = text(entry, &["compiled_code"])
        .or_else(|| result.and_then(|r| text(r, &["compiled_code"])));
    let owner = table.and_then(|t| text(t, &["metadata", "owner"]));
    Node {
        id,
        kind,
        name: text(entry, &["name"]).unwrap_or(id),
        package: text(entry, &["package_name"]).unwrap_or_default(),
        file: text(entry, &["original_file_path"]).unwrap_or_default(),
        description: text(entry, &["description"])
            .map(str::trim)
            .unwrap_or_default(),
        tags: list(entry.get("tags")).collect(),
        facts: facts(kind, entry, owner),
        columns: columns(entry, table),
        rest: Rest {
            label: text(entry, &["label"]),
            source: text(entry, &["source_name"]),
            version: entry
                .get("version")
                .filter(|v| !v.is_null())
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)),
            schema: text(entry, &["schema"]),
            relation: relation.map(plain_relation),
            raw,
            compiled: compiled.filter(|c| kind != "seed" && raw.map(str::trim) != Some(c.trim())),
            generic: entry.get("test_metadata").is_some_and(Value::is_object),
            test_label: if kind == "test" {
                test_label(entry)
            } else {
                None
            },
            on,
            column: if kind == "test" {
                text(entry, &["column_name"])
            } else {
                None
            },
            run: result.and_then(run),
            meta: meta(kind, entry),
            arguments: entry
                .get("arguments")
                .filter(|a| a.as_array().is_some_and(|a| !a.is_empty())),
        },
        deps,
    }
}

fn run(result: &Value) -> Option<Run<'_>> {
    let time = result.get("execution_time").and_then(Value::as_f64);
    Some(Run {
        status: text(result, &["status"])?,
        // a thousandth of a second is fine enough, and short
        time: time.map(|t| (t * 1000.0).round() / 1000.0),
        message: text(result, &["message"]).map(str::trim),
    })
}

fn depends_on(entry: &Value, index: &BTreeMap<&str, usize>) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let all = list(at(entry, &["depends_on", "nodes"])).filter_map(|id| index.get(id).copied());
    all.filter(|i| seen.insert(*i)).collect()
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn meta(kind: &str, entry: &Value) -> Option<Value> {
    if kind == "unit_test" {
        return Some(json!({"given": entry.get("given"), "expect": entry.get("expect")}));
    }
    let own = entry
        .get("meta")
        .or_else(|| at(entry, &["config", "meta"]))?;
    own.as_object()
        .filter(|m| !m.is_empty())
        .map(|m| Value::Object(m.clone()))
}

/// `"db"."schema"."Name"` without the quotes that the server does not need.
fn plain_relation(relation: &str) -> String {
    if relation.contains("\"\"") {
        return relation.to_owned();
    }
    let mut out = String::new();
    // names stand at odd places
    for (k, piece) in relation.split('"').enumerate() {
        let simple = piece.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && piece
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if k % 2 == 0 || simple {
            out.push_str(piece);
        } else {
            out.push_str(&format!("\"{piece}\""));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Value {
        json!({
            "metadata": {"project_name": "shop", "adapter_type": "postgres"},
            "docs": {"doc.shop.__overview__": {"block_contents": "# Butik"}},
            "nodes": {
                "model.shop.orders": {
                    "resource_type": "model", "name": "orders", "package_name": "shop", "relation_name": "\"Db\".\"s\".\"orders\"",
                    "raw_code": "select 1\n", "compiled_code": "select 1", "tags": ["b", "a", "b"],
                    "columns": {"ID": {"name": "ID", "description": "Nøgle"}, "gone": {"name": "gone"}},
                    "depends_on": {"nodes": ["source.shop.raw.orders", "source.shop.raw.orders", "model.shop.unknown"]},
                },
                "test.shop.t": {"resource_type": "test", "name": "t", "attached_node": "model.shop.orders", "column_name": "ID",
                    "test_metadata": {"name": "unique", "kwargs": {}}, "depends_on": {"nodes": ["model.shop.orders"]}},
                "operation.shop.hook": {"resource_type": "operation", "name": "hook"},
                "seed.shop.orders": {"resource_type": "seed", "name": "orders", "relation_name": "\"Db\".\"raw\".\"orders\""},
            },
            "sources": {"source.shop.raw.orders": {"name": "orders", "source_name": "raw", "relation_name": "\"Db\".\"raw\".\"orders\""}},
            "macros": {"macro.shop.m": {"name": "m", "package_name": "shop"}, "macro.dbt.m": {"name": "m", "package_name": "dbt"}},
        })
    }

    fn shown(input: &DocsInput) -> Value {
        serde_json::to_value(site(input)).unwrap()
    }

    #[test]
    fn nodes_are_ordered_and_tied() {
        let manifest = manifest();
        let catalog = json!({"nodes": {"model.shop.orders": {"metadata": {"owner": "etl"}, "columns": {
            "total": {"name": "total", "index": 2, "type": "numeric"}, "id": {"name": "id", "index": 1, "type": "bigint"}}}}});
        let results = json!({"args": {"which": "build"}, "elapsed_time": 1.5, "metadata": {"generated_at": "2025-01-01T00:00:00Z"},
            "results": [{"unique_id": "model.shop.orders", "status": "error", "message": " no \n", "execution_time": 0.123_456}]});
        let lineage = json!({"edges": [
            {"from": ["source.shop.raw.orders", "id"], "to": ["model.shop.orders", "ID"], "kind": "copy"},
            {"from": ["source.shop.raw.orders", "id"], "to": ["model.shop.orders", "ID"], "kind": "copy"},
            {"from": ["model.x.y", "id"], "to": ["model.shop.orders", "ID"], "kind": "copy"}, "?"]});
        let mut site = shown(&DocsInput {
            manifest: &manifest,
            catalog: Some(&catalog),
            run_results: Some(&results),
            column_lineage: Some(&lineage),
            generated_at: "now",
        });
        site["version"] = json!("tv1");
        insta::assert_json_snapshot!(site);
    }

    #[test]
    fn results_of_a_compilation_are_no_run() {
        let manifest = manifest();
        let results = json!({"args": {"which": "generate"}, "results": [{"unique_id": "model.shop.orders", "status": "success"}]});
        let site = shown(&DocsInput {
            manifest: &manifest,
            catalog: None,
            run_results: Some(&results),
            column_lineage: None,
            generated_at: "now",
        });
        assert_eq!(site["run"], Value::Null);
        assert!(
            site["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .all(|n| n.get("run").is_none())
        );
    }

    #[test]
    fn odd_artefacts_give_a_page_all_the_same() {
        for manifest in [
            json!(null),
            json!([]),
            json!({"nodes": {"a": null, "b": {"columns": 3, "tags": "x", "depends_on": []}}, "sources": 7}),
        ] {
            let input = DocsInput {
                manifest: &manifest,
                catalog: Some(&manifest),
                run_results: Some(&manifest),
                column_lineage: Some(&manifest),
                generated_at: "",
            };
            assert!(shown(&input)["nodes"].is_array());
        }
    }

    #[test]
    fn quotes_go_where_they_are_not_needed() {
        assert_eq!(
            plain_relation(r#""db"."tv1_marts"."mart""#),
            "db.tv1_marts.mart"
        );
        assert_eq!(plain_relation(r#""Db"."a b"."mart""#), r#""Db"."a b".mart"#);
        assert_eq!(plain_relation("read_csv('a')"), "read_csv('a')");
        assert_eq!(plain_relation(r#""s"."say ""x""""#), r#""s"."say ""x""""#);
    }
}
