//! Whole artefacts: the manifest, the graph of templates, run results.
use super::entries;
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Manifest, ResourceType};
use crate::outcome::NodeResult;
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// What every artefact says of the run that wrote it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Meta {
    pub invocation_id: String,
    pub started_at: DateTime<Utc>,
    pub env: BTreeMap<String, String>,
}

impl Meta {
    fn value(&self, schema: &str) -> Map<String, Value> {
        let now = Utc::now().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let started = self.started_at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let value = json!({
            "dbt_schema_version": format!("https://schemas.getdbt.com/dbt/{schema}.json"),
            "dbt_version": crate::DBT_VERSION, "generated_at": now, "invocation_id": self.invocation_id,
            "invocation_started_at": started, "env": self.env,
        });
        value.as_object().cloned().unwrap_or_default()
    }
}

fn keyed<T>(map: &IndexMap<String, T>, f: impl Fn(&T) -> Value) -> Value {
    Value::Object(map.iter().map(|(k, v)| (k.clone(), f(v))).collect())
}

/// `graph` as templates see it.
pub fn graph(m: &Manifest) -> Value {
    json!({
        "exposures": keyed(&m.exposures, entries::exposure), "groups": keyed(&m.groups, entries::group),
        "metrics": keyed(&m.metrics, entries::semantic), "nodes": keyed(&m.nodes, entries::node),
        "sources": keyed(&m.sources, entries::source),
        "semantic_models": keyed(&m.semantic_models, entries::semantic),
        "saved_queries": keyed(&m.saved_queries, entries::semantic),
    })
}

/// The manifest (schema v12).
pub fn manifest(m: &Manifest, meta: &Meta) -> Value {
    use md5::Digest;
    let mut metadata = meta.value("manifest/v12");
    metadata.insert("project_name".into(), json!(m.project_name));
    metadata.insert("project_id".into(), json!(crate::parse::generic::hex(&md5::Md5::digest(m.project_name.as_bytes()))));
    metadata.insert("user_id".into(), Value::Null);
    metadata.insert("send_anonymous_usage_stats".into(), json!(false));
    metadata.insert("adapter_type".into(), json!("postgres"));
    metadata.insert("quoting".into(), json!(m.quoting));
    let mut groups: BTreeMap<String, Vec<String>> = m.groups.values().map(|g| (g.name.clone(), Vec::new())).collect();
    for n in m.nodes.values().filter(|n| n.resource_type == ResourceType::Model) {
        if let Some(list) = n.group.as_ref().and_then(|g| groups.get_mut(g)) {
            list.push(n.unique_id.clone());
        }
    }
    let disabled: Map<String, Value> = m.disabled.iter().map(|(k, v)| (k.clone(), v.iter().map(entries::disabled).collect())).collect();
    let docs: Map<String, Value> = m
        .docs
        .iter()
        .map(|(k, d)| {
            (k.clone(), json!({"name": d.name, "resource_type": "doc", "package_name": d.package_name, "path": d.path, "original_file_path": d.original_file_path, "unique_id": d.unique_id, "block_contents": d.block_contents}))
        })
        .collect();
    json!({
        "metadata": metadata, "nodes": keyed(&m.nodes, entries::node), "sources": keyed(&m.sources, entries::source),
        "macros": keyed(&m.macros, entries::macro_info), "docs": docs,
        "exposures": keyed(&m.exposures, entries::exposure), "metrics": keyed(&m.metrics, entries::semantic),
        "groups": keyed(&m.groups, entries::group), "selectors": m.selectors, "disabled": disabled,
        "parent_map": m.parent_map(), "child_map": m.child_map(), "group_map": groups,
        "saved_queries": keyed(&m.saved_queries, entries::semantic),
        "semantic_models": keyed(&m.semantic_models, entries::semantic),
        "unit_tests": keyed(&m.unit_tests, entries::unit_test),
    })
}

/// Run results (schema v6).
pub fn run_results<'a>(results: impl Iterator<Item = &'a NodeResult>, elapsed: f64, args: &Map<String, Value>, meta: &Meta) -> Value {
    let list: Vec<Value> = results
        .map(|r| {
            let mut map = json!({
                "status": r.status.as_str(), "timing": entries::timing(&r.timing), "thread_id": r.thread_id,
                "execution_time": r.execution_time, "adapter_response": r.adapter_response, "message": r.message,
                "failures": r.failures, "unique_id": r.unique_id, "compiled": r.compiled,
                "compiled_code": r.compiled_code, "relation_name": r.relation_name,
            });
            map["batch_results"] = r.batch_results.clone().unwrap_or(Value::Null);
            map
        })
        .collect();
    json!({"metadata": meta.value("run-results/v6"), "results": list, "elapsed_time": elapsed, "args": args})
}

/// Reads an artefact back.
pub fn read(path: &Path) -> Result<Value> {
    let file = crate::fs::read(path, &path.display().to_string())?;
    serde_json::from_str(&file.text)
        .map_err(|e| Diagnostic::error(code::P0101, format!("`{}` is not JSON: {e}", path.display())).into())
}
