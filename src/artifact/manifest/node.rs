//! Models, seeds, snapshots, data tests, analyses and hooks.
use super::Fields;
use crate::graph::{Node, ResourceType};
use serde_json::{Value, json};

/// An entry of `nodes`.
pub fn node(n: &Node) -> Value {
    let fields = common(n);
    if n.resource_type == ResourceType::Seed {
        return fields
            .text("root_path", n.root_path.as_deref())
            .put("depends_on", json!({"macros": n.depends_on.macros}))
            .done();
    }
    let fields = text_facts(fields, n);
    match n.resource_type {
        ResourceType::Model => model(fields, n).done(),
        ResourceType::Test if n.test.is_some() => generic_test(fields, n).done(),
        ResourceType::Operation => fields
            .put("index", n.index.map_or(Value::Null, Value::from))
            .done(),
        _ => fields.done(),
    }
}

/// What all kinds have.
fn common(n: &Node) -> Fields {
    Fields::new()
        .put("database", n.database.as_str())
        .put("schema", n.schema.as_str())
        .put("name", n.name.as_str())
        .put("resource_type", n.resource_type.as_str())
        .put("package_name", n.package_name.as_str())
        .put("path", n.path.as_str())
        .put("original_file_path", n.original_file_path.as_str())
        .put("unique_id", n.unique_id.as_str())
        .put("fqn", n.fqn.clone())
        .put("alias", n.alias.as_str())
        .ser("checksum", &n.checksum)
        .ser("config", &n.config)
        .put("tags", n.tags.clone())
        .put("description", n.description.as_str())
        .ser("columns", &n.columns)
        .put("meta", n.meta.clone())
        .text("group", n.group.as_deref())
        .ser("docs", &n.docs)
        .text("patch_path", n.patch_path.as_deref())
        .text("build_path", n.build_path.as_deref())
        .put("unrendered_config", n.unrendered_config.clone())
        .put("created_at", n.created_at)
        .text("relation_name", n.relation_name.as_deref())
        .put("raw_code", n.raw_code.as_str())
        .put("doc_blocks", n.doc_blocks.clone())
}

/// What all kinds with a text have; the compiled text only once it is there.
fn text_facts(fields: Fields, n: &Node) -> Fields {
    let sources: Vec<Value> = n.sources.iter().map(|(s, t)| json!([s, t])).collect();
    let fields = fields
        .put("language", if n.is_python() { "python" } else { "sql" })
        .ser("refs", &n.refs)
        .put("sources", sources)
        .ser("metrics", &n.metrics)
        .ser("depends_on", &n.depends_on);
    let fields = match &n.compiled {
        None => fields.put("compiled_path", Value::Null),
        Some(compiled) => fields
            .text("compiled_path", compiled.path.as_deref())
            .put("compiled", true)
            .put("compiled_code", compiled.code.as_str())
            .put("extra_ctes_injected", true)
            .ser("extra_ctes", &compiled.extra_ctes),
    };
    fields.ser("contract", &n.contract)
}

fn model(fields: Fields, n: &Node) -> Fields {
    fields
        .put("access", n.access.as_deref().unwrap_or("protected"))
        .put("constraints", n.constraints.clone())
        .put("version", n.version.clone().unwrap_or_default())
        .put(
            "latest_version",
            n.latest_version.clone().unwrap_or_default(),
        )
        .text("deprecation_date", n.deprecation_date.as_deref())
        .put("primary_key", n.primary_key.clone())
        .put("time_spine", n.time_spine.clone().unwrap_or_default())
}

fn generic_test(fields: Fields, n: &Node) -> Fields {
    let Some(test) = &n.test else {
        return fields;
    };
    fields
        .text("column_name", test.column_name.as_deref())
        .put("file_key_name", test.file_key_name.as_str())
        .text("attached_node", test.attached_node.as_deref())
        .put(
            "test_metadata",
            json!({
                "name": test.name,
                "kwargs": test.kwargs,
                "namespace": test.namespace,
            }),
        )
}
