//! Sources, macros, docs blocks, exposures, semantic entries, groups and unit tests.
use super::Fields;
use crate::graph::{
    Doc, Exposure, Group, MacroInfo, ResourceType, SemanticEntry, Source, UnitTest,
};
use serde_json::{Value, json};

/// An entry of `sources`.
pub fn source(s: &Source) -> Value {
    let quoting = |key: &str| s.quoting.get(key).cloned().unwrap_or_default();
    Fields::new()
        .put("database", s.database.as_str())
        .put("schema", s.schema.as_str())
        .put("name", s.name.as_str())
        .put("resource_type", "source")
        .put("package_name", s.package_name.as_str())
        .put("path", s.path.as_str())
        .put("original_file_path", s.original_file_path.as_str())
        .put("unique_id", s.unique_id.as_str())
        .put("fqn", s.fqn.clone())
        .put("source_name", s.source_name.as_str())
        .put("source_description", s.source_description.as_str())
        .put("loader", s.loader.as_str())
        .put("identifier", s.identifier.as_str())
        .put(
            "quoting",
            json!({
                "database": quoting("database"),
                "schema": quoting("schema"),
                "identifier": quoting("identifier"),
                "column": quoting("column"),
            }),
        )
        .text("loaded_at_field", s.loaded_at_field.as_deref())
        .text("loaded_at_query", s.loaded_at_query.as_deref())
        .put("freshness", s.freshness.clone().unwrap_or_default())
        .put("external", s.external.clone().unwrap_or_default())
        .put("description", s.description.as_str())
        .ser("columns", &s.columns)
        .put("meta", s.meta.clone())
        .put("source_meta", s.source_meta.clone())
        .put("tags", s.tags.clone())
        .ser("config", &s.config)
        .text("patch_path", s.patch_path.as_deref())
        .put("unrendered_config", s.unrendered_config.clone())
        .put("relation_name", s.relation_name.as_str())
        .put("created_at", s.created_at)
        .text("unrendered_database", s.unrendered_database.as_deref())
        .text("unrendered_schema", s.unrendered_schema.as_deref())
        .put("doc_blocks", s.doc_blocks.clone())
        .done()
}

/// An entry of `macros`.
pub fn macro_info(m: &MacroInfo) -> Value {
    Fields::new()
        .put("name", m.name.as_str())
        .put("resource_type", "macro")
        .put("package_name", m.package_name.as_str())
        .put("path", m.path.as_str())
        .put("original_file_path", m.original_file_path.as_str())
        .put("unique_id", m.unique_id.as_str())
        .put("macro_sql", m.macro_sql.as_str())
        .put("depends_on", json!({"macros": m.depends_on_macros}))
        .put("description", m.description.as_str())
        .put("meta", m.meta.clone())
        .ser("docs", &m.docs)
        .text("patch_path", m.patch_path.as_deref())
        .ser("arguments", &m.arguments)
        .put("created_at", m.created_at)
        .ser("supported_languages", &m.supported_languages)
        .done()
}

/// An entry of `docs`.
pub(super) fn doc(d: &Doc) -> Value {
    Fields::new()
        .put("name", d.name.as_str())
        .put("resource_type", "doc")
        .put("package_name", d.package_name.as_str())
        .put("path", d.path.as_str())
        .put("original_file_path", d.original_file_path.as_str())
        .put("unique_id", d.unique_id.as_str())
        .put("block_contents", d.block_contents.as_str())
        .done()
}

/// An entry of `exposures`.
pub fn exposure(e: &Exposure) -> Value {
    let sources: Vec<Value> = e.sources.iter().map(|(s, t)| json!([s, t])).collect();
    let mut fields = Fields::new();
    fields.0.clone_from(&e.fields);
    fields
        .put("name", e.name.as_str())
        .put("resource_type", "exposure")
        .put("package_name", e.package_name.as_str())
        .put("path", e.path.as_str())
        .put("original_file_path", e.original_file_path.as_str())
        .put("unique_id", e.unique_id.as_str())
        .put("fqn", e.fqn.clone())
        .put("tags", e.tags.clone())
        .ser("config", &e.config)
        .put("unrendered_config", e.unrendered_config.clone())
        .ser("depends_on", &e.depends_on)
        .ser("refs", &e.refs)
        .put("sources", sources)
        .ser("metrics", &e.metrics)
        .put("created_at", e.created_at)
        .ordered(EXPOSURE)
}

const EXPOSURE: &[&str] = &[
    "name",
    "resource_type",
    "package_name",
    "path",
    "original_file_path",
    "unique_id",
    "fqn",
    "type",
    "owner",
    "description",
    "label",
    "maturity",
    "meta",
    "tags",
    "config",
    "unrendered_config",
    "url",
    "depends_on",
    "refs",
    "sources",
    "metrics",
    "created_at",
];

const METRIC: &[&str] = &[
    "name",
    "resource_type",
    "package_name",
    "path",
    "original_file_path",
    "unique_id",
    "fqn",
    "description",
    "label",
    "type",
    "type_params",
    "filter",
    "metadata",
    "time_granularity",
    "meta",
    "tags",
    "config",
    "unrendered_config",
    "sources",
    "depends_on",
    "refs",
    "metrics",
    "created_at",
    "group",
];

const SAVED_QUERY: &[&str] = &[
    "name",
    "resource_type",
    "package_name",
    "path",
    "original_file_path",
    "unique_id",
    "fqn",
    "query_params",
    "exports",
    "description",
    "label",
    "metadata",
    "config",
    "unrendered_config",
    "group",
    "depends_on",
    "created_at",
    "refs",
    "tags",
];

const SEMANTIC_MODEL: &[&str] = &[
    "name",
    "resource_type",
    "package_name",
    "path",
    "original_file_path",
    "unique_id",
    "fqn",
    "model",
    "node_relation",
    "description",
    "label",
    "defaults",
    "entities",
    "measures",
    "dimensions",
    "metadata",
    "depends_on",
    "refs",
    "created_at",
    "config",
    "unrendered_config",
    "primary_entity",
    "group",
];

/// An entry of `metrics`, `semantic_models` or `saved_queries`.
pub fn semantic(s: &SemanticEntry) -> Value {
    let mut fields = Fields::new();
    fields.0.clone_from(&s.fields);
    let empty = || Value::Object(serde_json::Map::new());
    let unrendered = s.fields.get("unrendered_config").cloned();
    let fields = fields
        .put("name", s.name.as_str())
        .put("resource_type", s.resource_type.as_str())
        .put("package_name", s.package_name.as_str())
        .put("path", s.path.as_str())
        .put("original_file_path", s.original_file_path.as_str())
        .put("unique_id", s.unique_id.as_str())
        .put("fqn", s.fqn.clone())
        .ser("config", &s.config)
        .put("unrendered_config", unrendered.unwrap_or_else(empty))
        .ser("depends_on", &s.depends_on)
        .ser("refs", &s.refs)
        .text("group", s.group.as_deref())
        .put("created_at", s.created_at);
    let list = |key: &str| s.fields.get(key).cloned().unwrap_or_else(|| json!([]));
    match s.resource_type {
        ResourceType::Metric => fields
            .put("tags", s.tags.clone())
            .put("meta", s.fields.get("meta").cloned().unwrap_or_else(empty))
            .put("sources", list("sources"))
            .put("metrics", list("metrics"))
            .ordered(METRIC),
        ResourceType::SavedQuery => fields
            .put("tags", s.tags.clone())
            .put("exports", list("exports"))
            .ordered(SAVED_QUERY),
        _ => fields
            .put("entities", list("entities"))
            .put("measures", list("measures"))
            .put("dimensions", list("dimensions"))
            .ordered(SEMANTIC_MODEL),
    }
}

/// An entry of `groups`.
pub fn group(g: &Group) -> Value {
    Fields::new()
        .put("name", g.name.as_str())
        .put("resource_type", "group")
        .put("package_name", g.package_name.as_str())
        .put("path", g.path.as_str())
        .put("original_file_path", g.original_file_path.as_str())
        .put("unique_id", g.unique_id.as_str())
        .put("owner", g.owner.clone())
        .text("description", g.description.as_deref())
        .put("config", g.config.clone())
        .done()
}

/// An entry of `unit_tests`.
pub fn unit_test(u: &UnitTest) -> Value {
    Fields::new()
        .put("model", u.model.as_str())
        .put("given", u.given.clone())
        .put("expect", u.expect.clone())
        .put("name", u.name.as_str())
        .put("resource_type", "unit_test")
        .put("package_name", u.package_name.as_str())
        .put("path", u.path.as_str())
        .put("original_file_path", u.original_file_path.as_str())
        .put("unique_id", u.unique_id.as_str())
        .put("fqn", u.fqn.clone())
        .put("description", u.description.as_str())
        .put("overrides", u.overrides.clone().unwrap_or_default())
        .ser("depends_on", &u.depends_on)
        .ser("config", &u.config)
        .put("checksum", u.checksum.as_str())
        .put("schema", u.schema.as_str())
        .put("created_at", u.created_at)
        .put("versions", u.versions.clone().unwrap_or_default())
        .put("version", u.version.clone().unwrap_or_default())
        .done()
}
