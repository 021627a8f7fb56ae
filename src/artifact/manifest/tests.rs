//! Turns a manifest that dbt wrote (`golden/`, a project with something of everything) into our types and writes it
//! again: every entity must come out the same, field by field, in the same order.
use super::*;
use crate::graph::{
    Checksum, Column, Compiled, Config, Contract, DependsOn, Doc, Docs, Exposure, ExtraCte,
    GenericTest, Group, MacroArgument, MacroInfo, Node, RefArgs, ResourceType, SemanticEntry,
    Source, UnitTest,
};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/dbt_manifest.json")).unwrap()
}

/// The project of the golden manifest.
pub(crate) fn rich() -> Manifest {
    manifest_of(&golden())
}

fn text(v: &Value, key: &str) -> String {
    v[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} in {v}"))
        .to_string()
}

fn maybe(v: &Value, key: &str) -> Option<String> {
    v[key].as_str().map(str::to_string)
}

fn some(v: &Value, key: &str) -> Option<Value> {
    v.get(key).filter(|v| !v.is_null()).cloned()
}

fn texts(v: &Value, key: &str) -> Vec<String> {
    let items = v[key].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .map(|t| t.as_str().unwrap().to_string())
        .collect()
}

fn values(v: &Value, key: &str) -> Vec<Value> {
    v[key].as_array().cloned().unwrap_or_default()
}

fn map(v: &Value, key: &str) -> Map<String, Value> {
    v[key].as_object().cloned().unwrap_or_default()
}

fn kind(v: &Value) -> ResourceType {
    ResourceType::parse(&text(v, "resource_type")).unwrap()
}

fn depends_on(v: &Value) -> DependsOn {
    DependsOn {
        macros: texts(&v["depends_on"], "macros"),
        nodes: texts(&v["depends_on"], "nodes"),
    }
}

fn refs(v: &Value) -> Vec<RefArgs> {
    values(v, "refs")
        .iter()
        .map(|r| RefArgs {
            name: text(r, "name"),
            package: maybe(r, "package"),
            version: some(r, "version"),
        })
        .collect()
}

fn pairs(v: &Value) -> Vec<(String, String)> {
    values(v, "sources")
        .iter()
        .map(|p| {
            (
                p[0].as_str().unwrap().to_string(),
                p[1].as_str().unwrap().to_string(),
            )
        })
        .collect()
}

fn docs(v: &Value) -> Docs {
    Docs {
        show: v["docs"]["show"].as_bool().unwrap(),
        node_color: maybe(&v["docs"], "node_color"),
    }
}

fn columns(v: &Value) -> IndexMap<String, Column> {
    map(v, "columns")
        .iter()
        .map(|(name, c)| {
            let column = Column {
                name: text(c, "name"),
                description: text(c, "description"),
                meta: map(c, "meta"),
                data_type: maybe(c, "data_type"),
                constraints: values(c, "constraints"),
                quote: c["quote"].as_bool(),
                config: map(c, "config"),
                tags: texts(c, "tags"),
                granularity: maybe(c, "granularity"),
                doc_blocks: texts(c, "doc_blocks"),
                extra: Map::new(),
            };
            (name.clone(), column)
        })
        .collect()
}

fn compiled(v: &Value) -> Option<Compiled> {
    v.get("compiled")?;
    Some(Compiled {
        code: text(v, "compiled_code"),
        extra_ctes: values(v, "extra_ctes")
            .iter()
            .map(|c| ExtraCte {
                id: text(c, "id"),
                sql: text(c, "sql"),
            })
            .collect(),
        path: maybe(v, "compiled_path"),
    })
}

fn generic(v: &Value) -> Option<GenericTest> {
    let m = v.get("test_metadata")?;
    Some(GenericTest {
        name: text(m, "name"),
        kwargs: map(m, "kwargs"),
        namespace: maybe(m, "namespace"),
        column_name: maybe(v, "column_name"),
        file_key_name: text(v, "file_key_name"),
        attached_node: maybe(v, "attached_node"),
    })
}

fn node_of(v: &Value) -> Node {
    let contract = &v["contract"];
    Node {
        resource_type: kind(v),
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        fqn: texts(v, "fqn"),
        database: text(v, "database"),
        schema: text(v, "schema"),
        alias: text(v, "alias"),
        relation_name: maybe(v, "relation_name"),
        checksum: Checksum {
            name: text(&v["checksum"], "name"),
            checksum: text(&v["checksum"], "checksum"),
        },
        config: Config(map(v, "config")),
        unrendered_config: map(v, "unrendered_config"),
        tags: texts(v, "tags"),
        description: text(v, "description"),
        columns: columns(v),
        meta: map(v, "meta"),
        group: maybe(v, "group"),
        docs: docs(v),
        patch_path: maybe(v, "patch_path"),
        doc_blocks: texts(v, "doc_blocks"),
        raw_code: text(v, "raw_code"),
        refs: refs(v),
        sources: pairs(v),
        metrics: Vec::new(),
        depends_on: depends_on(v),
        created_at: v["created_at"].as_f64().unwrap(),
        contract: Contract {
            enforced: contract["enforced"].as_bool().unwrap_or(false),
            alias_types: contract["alias_types"].as_bool().unwrap_or(true),
            checksum: maybe(contract, "checksum"),
        },
        access: maybe(v, "access"),
        constraints: values(v, "constraints"),
        version: some(v, "version"),
        latest_version: some(v, "latest_version"),
        deprecation_date: maybe(v, "deprecation_date"),
        primary_key: texts(v, "primary_key"),
        time_spine: some(v, "time_spine"),
        test: generic(v),
        index: v["index"].as_u64().map(|i| i as usize),
        root_path: maybe(v, "root_path"),
        compiled: compiled(v),
        build_path: maybe(v, "build_path"),
        place: None,
        patch_place: None,
    }
}

fn source_of(v: &Value) -> Source {
    Source {
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        source_name: text(v, "source_name"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        fqn: texts(v, "fqn"),
        database: text(v, "database"),
        schema: text(v, "schema"),
        identifier: text(v, "identifier"),
        relation_name: text(v, "relation_name"),
        source_description: text(v, "source_description"),
        description: text(v, "description"),
        loader: text(v, "loader"),
        quoting: map(v, "quoting"),
        loaded_at_field: maybe(v, "loaded_at_field"),
        loaded_at_query: maybe(v, "loaded_at_query"),
        freshness: some(v, "freshness"),
        external: some(v, "external"),
        columns: columns(v),
        meta: map(v, "meta"),
        source_meta: map(v, "source_meta"),
        tags: texts(v, "tags"),
        config: Config(map(v, "config")),
        unrendered_config: map(v, "unrendered_config"),
        unrendered_database: maybe(v, "unrendered_database"),
        unrendered_schema: maybe(v, "unrendered_schema"),
        doc_blocks: texts(v, "doc_blocks"),
        patch_path: None,
        created_at: v["created_at"].as_f64().unwrap(),
        simulation: None,
        depends_on: Vec::new(),
        place: None,
    }
}

fn macro_of(v: &Value) -> MacroInfo {
    MacroInfo {
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        macro_sql: text(v, "macro_sql"),
        depends_on_macros: texts(&v["depends_on"], "macros"),
        description: text(v, "description"),
        meta: map(v, "meta"),
        docs: docs(v),
        config: Map::new(),
        patch_path: maybe(v, "patch_path"),
        arguments: values(v, "arguments")
            .iter()
            .map(|a| MacroArgument {
                name: text(a, "name"),
                kind: maybe(a, "type"),
                description: text(a, "description"),
            })
            .collect(),
        created_at: v["created_at"].as_f64().unwrap(),
        supported_languages: some(v, "supported_languages")
            .map(|_| texts(v, "supported_languages")),
        place: None,
    }
}

fn doc_of(v: &Value) -> Doc {
    Doc {
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        block_contents: text(v, "block_contents"),
    }
}

fn only(v: &Value, keys: &[&str]) -> Map<String, Value> {
    keys.iter()
        .map(|k| ((*k).to_string(), v[*k].clone()))
        .collect()
}

fn exposure_of(v: &Value) -> Exposure {
    let own = [
        "type",
        "owner",
        "description",
        "label",
        "maturity",
        "meta",
        "url",
    ];
    Exposure {
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        fqn: texts(v, "fqn"),
        fields: only(v, &own),
        config: Config(map(v, "config")),
        unrendered_config: map(v, "unrendered_config"),
        refs: refs(v),
        sources: pairs(v),
        metrics: Vec::new(),
        depends_on: depends_on(v),
        tags: texts(v, "tags"),
        created_at: v["created_at"].as_f64().unwrap(),
        place: None,
    }
}

fn semantic_of(v: &Value) -> SemanticEntry {
    let own: &[&str] = match kind(v) {
        ResourceType::Metric => &[
            "meta",
            "type_params",
            "type",
            "label",
            "description",
            "filter",
            "metadata",
            "time_granularity",
        ],
        ResourceType::SavedQuery => &[
            "query_params",
            "exports",
            "description",
            "label",
            "metadata",
        ],
        _ => &[
            "model",
            "node_relation",
            "description",
            "label",
            "defaults",
            "entities",
            "measures",
            "dimensions",
            "metadata",
            "primary_entity",
        ],
    };
    SemanticEntry {
        resource_type: kind(v),
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        fqn: texts(v, "fqn"),
        fields: only(v, own),
        config: Config(map(v, "config")),
        depends_on: depends_on(v),
        refs: refs(v),
        tags: texts(v, "tags"),
        group: maybe(v, "group"),
        created_at: v["created_at"].as_f64().unwrap(),
        place: None,
        places: std::collections::BTreeMap::default(),
    }
}

fn group_of(v: &Value) -> Group {
    Group {
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        owner: map(v, "owner"),
        description: maybe(v, "description"),
        config: map(v, "config"),
    }
}

fn unit_test_of(v: &Value) -> UnitTest {
    UnitTest {
        unique_id: text(v, "unique_id"),
        name: text(v, "name"),
        model: text(v, "model"),
        package_name: text(v, "package_name"),
        path: text(v, "path"),
        original_file_path: text(v, "original_file_path"),
        fqn: texts(v, "fqn"),
        description: text(v, "description"),
        given: values(v, "given"),
        expect: v["expect"].clone(),
        overrides: some(v, "overrides"),
        depends_on: depends_on(v),
        config: Config(map(v, "config")),
        tested_node: None,
        schema: text(v, "schema"),
        version: some(v, "version"),
        versions: some(v, "versions"),
        checksum: text(v, "checksum"),
        created_at: v["created_at"].as_f64().unwrap(),
        place: None,
    }
}

fn all<T>(v: &Value, key: &str, one: fn(&Value) -> T) -> IndexMap<String, T> {
    map(v, key)
        .iter()
        .map(|(id, e)| (id.clone(), one(e)))
        .collect()
}

fn manifest_of(v: &Value) -> Manifest {
    Manifest {
        idle: IndexMap::new(),
        project_name: text(&v["metadata"], "project_name"),
        nodes: all(v, "nodes", node_of),
        sources: all(v, "sources", source_of),
        exposures: all(v, "exposures", exposure_of),
        metrics: all(v, "metrics", semantic_of),
        semantic_models: all(v, "semantic_models", semantic_of),
        saved_queries: all(v, "saved_queries", semantic_of),
        unit_tests: all(v, "unit_tests", unit_test_of),
        groups: all(v, "groups", group_of),
        macros: all(v, "macros", macro_of),
        docs: all(v, "docs", doc_of),
        disabled: map(v, "disabled")
            .iter()
            .map(|(id, list)| {
                let nodes = list.as_array().unwrap().iter();
                (
                    id.clone(),
                    nodes.map(|n| Disabled::Node(node_of(n))).collect(),
                )
            })
            .collect(),
        selectors: map(v, "selectors"),
        quoting: map(&v["metadata"], "quoting"),
    }
}

fn meta_of(v: &Value) -> Meta {
    let m = &v["metadata"];
    let at = |key: &str| text(m, key).parse().unwrap();
    Meta {
        generated_at: at("generated_at"),
        ..Meta::new(
            text(m, "invocation_id"),
            at("invocation_started_at"),
            [("DBT_ENV_CUSTOM_ENV_TEAM".to_string(), "data".to_string())],
        )
    }
}

fn lines(v: &Value) -> Vec<String> {
    match v {
        Value::Object(entries) => entries
            .iter()
            .map(|(k, e)| format!("{k}: {}", serde_json::to_string(e).unwrap()))
            .collect(),
        other => vec![other.to_string()],
    }
}

#[test]
fn a_manifest_of_dbt_comes_out_as_it_went_in() {
    let golden = golden();
    let ours = manifest(&manifest_of(&golden), &meta_of(&golden));
    let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&ours), keys(&golden));
    for section in keys(&golden) {
        let (ours, theirs) = (&ours[&section], &golden[&section]);
        if section.ends_with("_map") {
            // dbt keeps the order of parsing here; ours is sorted by id.
            assert_eq!(ours, theirs, "{section}");
            continue;
        }
        for (a, b) in lines(ours).iter().zip(lines(theirs)) {
            assert_eq!(*a, b, "{section}");
        }
        assert_eq!(lines(ours).len(), lines(theirs).len(), "{section}");
    }
}

#[test]
fn every_kind_of_node_is_in_the_golden_manifest() {
    let golden = golden();
    let kinds: std::collections::BTreeSet<String> = golden["nodes"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| text(n, "resource_type"))
        .collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["analysis", "model", "operation", "seed", "snapshot", "test"]
    );
    for section in [
        "exposures",
        "metrics",
        "semantic_models",
        "saved_queries",
        "unit_tests",
        "groups",
        "disabled",
    ] {
        assert!(!map(&golden, section).is_empty(), "{section}");
    }
}
