//! Models, seeds, snapshots, data tests, analyses and hooks.
use super::{Fields, Object};
use crate::graph::{GenericTest, Node, ResourceType};
use serde::Serialize;
use serde_json::{Map, Value};

/// An entry of `nodes`.
pub fn node(n: &Node) -> Value {
    fill(n, Fields::new()).done()
}

/// The fields of a node.
pub(super) fn fill<O: Object>(n: &Node, fields: O) -> O {
    let fields = common(n, fields);
    if n.resource_type == ResourceType::Seed {
        let macros = Macros {
            macros: &n.depends_on.macros,
        };
        return fields
            .put("root_path", n.root_path.as_deref())
            .put("depends_on", macros);
    }
    let fields = text_facts(fields, n);
    match n.resource_type {
        ResourceType::Model => model(fields, n),
        ResourceType::Test if n.test.is_some() => generic_test(fields, n),
        ResourceType::Operation => fields.put("index", n.index),
        _ => fields,
    }
}

#[derive(Serialize)]
struct Macros<'a> {
    macros: &'a [String],
}

/// `test_metadata`.
#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    kwargs: &'a Map<String, Value>,
    namespace: Option<&'a str>,
}

/// What all kinds have.
fn common<O: Object>(n: &Node, fields: O) -> O {
    fields
        .put("database", n.database.as_str())
        .put("schema", n.schema.as_str())
        .put("name", n.name.as_str())
        .put("resource_type", n.resource_type.as_str())
        .put("package_name", n.package_name.as_str())
        .put("path", n.path.as_str())
        .put("original_file_path", n.original_file_path.as_str())
        .put("unique_id", n.unique_id.as_str())
        .put("fqn", &n.fqn)
        .put("alias", n.alias.as_str())
        .put("checksum", &n.checksum)
        .put("config", &n.config)
        .put("tags", &n.tags)
        .put("description", n.description.as_str())
        .put("columns", &n.columns)
        .put("meta", &n.meta)
        .put("group", n.group.as_deref())
        .put("docs", &n.docs)
        .put("patch_path", n.patch_path.as_deref())
        .put("build_path", n.build_path.as_deref())
        .put("unrendered_config", &n.unrendered_config)
        .put("created_at", n.created_at)
        .put("relation_name", n.relation_name.as_deref())
        .put("raw_code", n.raw_code.as_str())
        .put("doc_blocks", &n.doc_blocks)
}

/// What all kinds with a text have; the compiled text only once it is there.
fn text_facts<O: Object>(fields: O, n: &Node) -> O {
    let fields = fields
        .put("language", if n.is_python() { "python" } else { "sql" })
        .put("refs", &n.refs)
        .put("sources", &n.sources)
        .put("metrics", &n.metrics)
        .put("depends_on", &n.depends_on);
    let fields = match &n.compiled {
        None => fields.put("compiled_path", ()),
        Some(compiled) => fields
            .put("compiled_path", compiled.path.as_deref())
            .put("compiled", true)
            .put("compiled_code", compiled.code.as_str())
            .put("extra_ctes_injected", true)
            .put("extra_ctes", &compiled.extra_ctes),
    };
    fields.put("contract", &n.contract)
}

fn model<O: Object>(fields: O, n: &Node) -> O {
    fields
        .put("access", n.access.as_deref().unwrap_or("protected"))
        .put("constraints", &n.constraints)
        .put("version", &n.version)
        .put("latest_version", &n.latest_version)
        .put("deprecation_date", n.deprecation_date.as_deref())
        .put("primary_key", &n.primary_key)
        .put("time_spine", &n.time_spine)
}

fn generic_test<O: Object>(fields: O, n: &Node) -> O {
    let Some(test) = &n.test else {
        return fields;
    };
    fields
        .put("column_name", test.column_name.as_deref())
        .put("file_key_name", test.file_key_name.as_str())
        .put("attached_node", test.attached_node.as_deref())
        .put("test_metadata", metadata(test))
}

fn metadata(test: &GenericTest) -> Metadata<'_> {
    Metadata {
        name: &test.name,
        kwargs: &test.kwargs,
        namespace: test.namespace.as_deref(),
    }
}
