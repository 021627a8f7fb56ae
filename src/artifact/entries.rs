//! One function a kind of entry: its JSON in dbt's manifest.
use crate::graph::{
    Disabled, Exposure, Group, MacroInfo, Node, ResourceType, SemanticEntry, Source, UnitTest,
};
use crate::outcome::Timing;
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A model, seed, snapshot, test, analysis or hook.
pub fn node(n: &Node) -> Value {
    let mut map = object(json!({
        "database": n.database, "schema": n.schema, "name": n.name, "resource_type": n.resource_type,
        "package_name": n.package_name, "path": n.path, "original_file_path": n.original_file_path,
        "unique_id": n.unique_id, "fqn": n.fqn, "alias": n.alias, "checksum": n.checksum, "config": n.config,
        "tags": n.tags, "description": n.description, "columns": n.columns, "meta": n.meta, "group": n.group,
        "docs": n.docs, "patch_path": n.patch_path, "build_path": null, "unrendered_config": n.unrendered_config,
        "created_at": n.created_at, "relation_name": n.relation_name, "raw_code": n.raw_code,
        "doc_blocks": n.doc_blocks,
    }));
    if n.resource_type == ResourceType::Seed {
        map.insert("root_path".into(), json!(n.root_path));
        map.insert("depends_on".into(), json!({"macros": n.depends_on.macros}));
        return Value::Object(map);
    }
    map.extend(object(json!({
        "language": "sql", "refs": n.refs, "sources": n.sources, "metrics": n.metrics, "depends_on": n.depends_on,
        "compiled_path": n.compiled.as_ref().and_then(|c| c.path.clone()),
    })));
    if let Some(c) = &n.compiled {
        map.extend(object(json!({
            "compiled": true, "compiled_code": c.code, "extra_ctes_injected": true, "extra_ctes": c.extra_ctes,
        })));
    }
    map.insert("contract".into(), json!(n.contract));
    match n.resource_type {
        ResourceType::Model => map.extend(object(json!({
            "access": n.access, "constraints": n.constraints, "version": n.version,
            "latest_version": n.latest_version, "deprecation_date": n.deprecation_date,
            "primary_key": n.primary_key, "time_spine": n.time_spine,
        }))),
        ResourceType::Operation => drop(map.insert("index".into(), json!(n.index))),
        _ => {}
    }
    if let Some(t) = &n.test {
        map.extend(object(json!({
            "column_name": t.column_name, "file_key_name": t.file_key_name, "attached_node": t.attached_node,
            "test_metadata": {"name": t.name, "kwargs": t.kwargs, "namespace": t.namespace},
        })));
    }
    Value::Object(map)
}

/// A source.
pub fn source(s: &Source) -> Value {
    json!({
        "database": s.database, "schema": s.schema, "name": s.name, "resource_type": "source",
        "package_name": s.package_name, "path": s.path, "original_file_path": s.original_file_path,
        "unique_id": s.unique_id, "fqn": s.fqn, "source_name": s.source_name,
        "source_description": s.source_description, "loader": s.loader, "identifier": s.identifier,
        "quoting": s.quoting, "loaded_at_field": s.loaded_at_field, "loaded_at_query": s.loaded_at_query,
        "freshness": s.freshness, "external": s.external, "description": s.description, "columns": s.columns,
        "meta": s.meta, "source_meta": s.source_meta, "tags": s.tags, "config": s.config, "patch_path": null,
        "unrendered_config": s.unrendered_config, "relation_name": s.relation_name, "created_at": s.created_at,
        "unrendered_database": s.unrendered_database, "unrendered_schema": s.unrendered_schema,
        "doc_blocks": s.doc_blocks,
    })
}

/// An exposure.
pub fn exposure(e: &Exposure) -> Value {
    let f = |k: &str| e.fields.get(k).cloned().unwrap_or(Value::Null);
    json!({
        "name": e.name, "resource_type": "exposure", "package_name": e.package_name, "path": e.path,
        "original_file_path": e.original_file_path, "unique_id": e.unique_id, "fqn": e.fqn, "type": f("type"),
        "owner": f("owner"), "description": f("description"), "label": f("label"), "maturity": f("maturity"),
        "meta": f("meta"), "tags": e.tags, "config": e.config, "unrendered_config": e.unrendered_config,
        "url": f("url"), "depends_on": e.depends_on, "refs": e.refs, "sources": e.sources, "metrics": e.metrics,
        "created_at": e.created_at,
    })
}

/// A metric, semantic model or saved query.
pub fn semantic(s: &SemanticEntry) -> Value {
    let mut map = object(json!({
        "name": s.name, "resource_type": s.resource_type, "package_name": s.package_name, "path": s.path,
        "original_file_path": s.original_file_path, "unique_id": s.unique_id, "fqn": s.fqn,
    }));
    let mut more = |defaults: Value| {
        for (key, default) in object(defaults) {
            map.insert(key.clone(), s.fields.get(&key).cloned().unwrap_or(default));
        }
    };
    match s.resource_type {
        ResourceType::Metric => {
            more(json!({"description": "", "label": "", "type": "simple", "type_params": {}, "filter": null, "metadata": null, "time_granularity": null, "meta": {}}));
            map.extend(object(json!({"tags": s.tags, "config": s.config, "unrendered_config": {}, "sources": [], "depends_on": s.depends_on, "refs": s.refs, "metrics": [], "created_at": s.created_at, "group": s.group})));
        }
        ResourceType::SemanticModel => {
            more(json!({"model": "", "node_relation": null, "description": null, "label": null, "defaults": null, "entities": [], "measures": [], "dimensions": [], "metadata": null}));
            map.extend(object(json!({"depends_on": s.depends_on, "refs": s.refs, "created_at": s.created_at, "config": s.config, "unrendered_config": {}, "primary_entity": null, "group": s.group})));
        }
        _ => {
            more(json!({"query_params": {}, "exports": [], "description": null, "label": null, "metadata": null}));
            map.extend(object(json!({"config": s.config, "unrendered_config": {}, "group": s.group, "depends_on": s.depends_on, "created_at": s.created_at, "refs": [], "tags": s.tags})));
        }
    }
    Value::Object(map)
}

/// A unit test.
pub fn unit_test(u: &UnitTest) -> Value {
    json!({
        "model": u.model, "given": u.given, "expect": u.expect, "name": u.name, "resource_type": "unit_test",
        "package_name": u.package_name, "path": u.path, "original_file_path": u.original_file_path,
        "unique_id": u.unique_id, "fqn": u.fqn, "description": u.description, "overrides": u.overrides,
        "depends_on": u.depends_on, "config": u.config, "checksum": u.checksum, "schema": u.schema,
        "created_at": u.created_at, "versions": u.versions, "version": u.version,
    })
}

/// A macro.
pub fn macro_info(m: &MacroInfo) -> Value {
    json!({
        "name": m.name, "resource_type": "macro", "package_name": m.package_name, "path": m.path,
        "original_file_path": m.original_file_path, "unique_id": m.unique_id, "macro_sql": m.macro_sql,
        "depends_on": {"macros": m.depends_on_macros}, "description": m.description, "meta": m.meta, "docs": m.docs,
        "patch_path": m.patch_path, "arguments": m.arguments, "created_at": m.created_at,
        "supported_languages": m.supported_languages,
    })
}

/// A group.
pub(super) fn group(g: &Group) -> Value {
    json!({
        "name": g.name, "resource_type": "group", "package_name": g.package_name, "path": g.path,
        "original_file_path": g.original_file_path, "unique_id": g.unique_id, "owner": g.owner,
        "description": g.description, "config": g.config,
    })
}

/// Something switched off.
pub(super) fn disabled(d: &Disabled) -> Value {
    match d {
        Disabled::Node(n) => node(n),
        Disabled::Source(s) => source(s),
        Disabled::Exposure(e) => exposure(e),
        Disabled::Semantic(s) => semantic(s),
        Disabled::UnitTest(u) => unit_test(u),
    }
}

/// The steps of a result.
pub fn timing(list: &[Timing]) -> Value {
    let at = |t: Option<chrono::DateTime<chrono::Utc>>| t.map(|t| t.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
    list.iter().map(|t| json!({"name": t.name.as_str(), "started_at": at(t.started_at), "completed_at": at(t.completed_at)})).collect()
}
