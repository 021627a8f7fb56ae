//! Reads manifests written by dbt into the graph's types, so that tests can compare with what dbt itself selects.
//!
//! The files hold only what selection looks at; everything else gets its default.
use crate::graph::{
    Checksum, Column, Config, Contract, DependsOn, Disabled, Docs, Exposure, GenericTest,
    MacroInfo, Manifest, Node, ResourceType, SemanticEntry, Source, UnitTest,
};
use serde_json::{Map, Value};

/// A JSON object with lenient access.
struct Obj<'a>(&'a Value);

impl Obj<'_> {
    fn any(&self, key: &str) -> Value {
        self.0.get(key).cloned().unwrap_or_default()
    }
    fn opt(&self, key: &str) -> Option<String> {
        self.0.get(key)?.as_str().map(str::to_string)
    }
    fn text(&self, key: &str) -> String {
        self.opt(key).unwrap_or_default()
    }
    fn value(&self, key: &str) -> Option<Value> {
        self.0.get(key).filter(|v| !v.is_null()).cloned()
    }
    fn map(&self, key: &str) -> Map<String, Value> {
        self.0
            .get(key)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    }
    fn list(&self, key: &str) -> Vec<Value> {
        self.0
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    }
    fn texts(&self, key: &str) -> Vec<String> {
        self.list(key)
            .iter()
            .map(|v| v.as_str().unwrap().to_string())
            .collect()
    }
    fn kind(&self) -> ResourceType {
        ResourceType::parse(&self.text("resource_type")).unwrap()
    }
    fn depends_on(&self) -> DependsOn {
        let inner = self.any("depends_on");
        DependsOn {
            macros: Obj(&inner).texts("macros"),
            nodes: Obj(&inner).texts("nodes"),
        }
    }
    fn group(&self) -> Option<String> {
        self.opt("group")
    }
}

fn column(name: &str, o: &Obj<'_>) -> Column {
    Column {
        name: name.to_string(),
        description: o.text("description"),
        meta: o.map("meta"),
        data_type: o.opt("data_type"),
        constraints: o.list("constraints"),
        quote: None,
        config: Map::new(),
        tags: o.texts("tags"),
        granularity: None,
        doc_blocks: Vec::new(),
        extra: Map::new(),
    }
}

fn columns(o: &Obj<'_>) -> indexmap::IndexMap<String, Column> {
    o.map("columns")
        .iter()
        .map(|(k, v)| (k.clone(), column(k, &Obj(v))))
        .collect()
}

fn node(o: &Obj<'_>) -> Node {
    let (contract, checksum) = (o.any("contract"), o.any("checksum"));
    let (contract, checksum) = (Obj(&contract), Obj(&checksum));
    let test = o.value("test_metadata").map(|t| GenericTest {
        name: Obj(&t).text("name"),
        kwargs: Obj(&t).map("kwargs"),
        namespace: Obj(&t).opt("namespace"),
        column_name: o.opt("column_name"),
        file_key_name: o.text("file_key_name"),
        attached_node: o.opt("attached_node"),
    });
    Node {
        resource_type: o.kind(),
        unique_id: o.text("unique_id"),
        name: o.text("name"),
        package_name: o.text("package_name"),
        path: o.text("path"),
        original_file_path: o.text("original_file_path"),
        fqn: o.texts("fqn"),
        database: o.text("database"),
        schema: o.text("schema"),
        alias: o.text("alias"),
        relation_name: o.opt("relation_name"),
        checksum: Checksum {
            name: checksum.text("name"),
            checksum: checksum.text("checksum"),
        },
        config: Config(o.map("config")),
        unrendered_config: o.map("unrendered_config"),
        tags: o.texts("tags"),
        description: o.text("description"),
        columns: columns(o),
        meta: o.map("meta"),
        group: o.group(),
        docs: Docs::default(),
        patch_path: o.opt("patch_path"),
        doc_blocks: Vec::new(),
        raw_code: o.text("raw_code"),
        refs: Vec::new(),
        sources: Vec::new(),
        metrics: Vec::new(),
        depends_on: o.depends_on(),
        created_at: 0.0,
        contract: Contract {
            enforced: contract.any("enforced") == true,
            alias_types: true,
            checksum: contract.opt("checksum"),
        },
        access: o.opt("access"),
        constraints: o.list("constraints"),
        version: o.value("version"),
        latest_version: o.value("latest_version"),
        deprecation_date: o.opt("deprecation_date"),
        primary_key: Vec::new(),
        time_spine: o.value("time_spine"),
        test,
        index: None,
        root_path: None,
        compiled: None,
        build_path: None,
        place: None,
        patch_place: None,
    }
}

fn source(o: &Obj<'_>) -> Source {
    Source {
        unique_id: o.text("unique_id"),
        name: o.text("name"),
        source_name: o.text("source_name"),
        package_name: o.text("package_name"),
        path: o.text("path"),
        original_file_path: o.text("original_file_path"),
        fqn: o.texts("fqn"),
        database: o.text("database"),
        schema: o.text("schema"),
        identifier: o.text("identifier"),
        relation_name: o.text("relation_name"),
        source_description: String::new(),
        description: o.text("description"),
        loader: o.text("loader"),
        quoting: o.map("quoting"),
        loaded_at_field: o.opt("loaded_at_field"),
        loaded_at_query: o.opt("loaded_at_query"),
        freshness: o.value("freshness"),
        external: o.value("external"),
        columns: columns(o),
        meta: o.map("meta"),
        source_meta: Map::new(),
        tags: o.texts("tags"),
        config: Config(o.map("config")),
        unrendered_config: o.map("unrendered_config"),
        unrendered_database: o.opt("unrendered_database"),
        unrendered_schema: o.opt("unrendered_schema"),
        doc_blocks: Vec::new(),
        patch_path: None,
        created_at: 0.0,
        simulation: o.opt("simulation"),
        depends_on: Vec::new(),
        place: None,
    }
}

fn exposure(o: &Obj<'_>) -> Exposure {
    Exposure {
        unique_id: o.text("unique_id"),
        name: o.text("name"),
        package_name: o.text("package_name"),
        path: o.text("path"),
        original_file_path: o.text("original_file_path"),
        fqn: o.texts("fqn"),
        fields: o.0.as_object().unwrap().clone(),
        config: Config(o.map("config")),
        unrendered_config: o.map("unrendered_config"),
        refs: Vec::new(),
        sources: Vec::new(),
        metrics: Vec::new(),
        depends_on: o.depends_on(),
        tags: o.texts("tags"),
        created_at: 0.0,
        place: None,
    }
}

fn semantic(o: &Obj<'_>) -> SemanticEntry {
    SemanticEntry {
        resource_type: o.kind(),
        unique_id: o.text("unique_id"),
        name: o.text("name"),
        package_name: o.text("package_name"),
        path: o.text("path"),
        original_file_path: o.text("original_file_path"),
        fqn: o.texts("fqn"),
        fields: o.0.as_object().unwrap().clone(),
        config: Config(o.map("config")),
        depends_on: o.depends_on(),
        refs: Vec::new(),
        tags: o.texts("tags"),
        group: o.group(),
        created_at: 0.0,
        place: None,
        places: std::collections::BTreeMap::default(),
    }
}

fn unit_test(o: &Obj<'_>) -> UnitTest {
    UnitTest {
        unique_id: o.text("unique_id"),
        name: o.text("name"),
        model: o.text("model"),
        package_name: o.text("package_name"),
        path: o.text("path"),
        original_file_path: o.text("original_file_path"),
        fqn: o.texts("fqn"),
        description: o.text("description"),
        given: Vec::new(),
        expect: Value::Null,
        overrides: None,
        depends_on: o.depends_on(),
        config: Config(o.map("config")),
        tested_node: None,
        schema: String::new(),
        version: o.value("version"),
        versions: None,
        checksum: o.text("checksum"),
        created_at: 0.0,
        place: None,
    }
}

fn macro_info(o: &Obj<'_>) -> MacroInfo {
    MacroInfo {
        unique_id: o.text("unique_id"),
        name: o.text("name"),
        package_name: o.text("package_name"),
        path: o.text("path"),
        original_file_path: o.text("original_file_path"),
        macro_sql: o.text("macro_sql"),
        depends_on_macros: o.depends_on().macros,
        description: String::new(),
        meta: Map::new(),
        docs: Docs::default(),
        config: Map::new(),
        patch_path: None,
        arguments: Vec::new(),
        created_at: 0.0,
        supported_languages: None,
        place: None,
    }
}

/// The graph's manifest of a manifest's JSON.
pub fn manifest(json: &Value) -> Manifest {
    let mut out = Manifest {
        project_name: json["metadata"]["project_name"]
            .as_str()
            .unwrap()
            .to_string(),
        ..Manifest::default()
    };
    macro_rules! fill {
        ($field:ident, $read:expr) => {
            for (id, entry) in json[stringify!($field)].as_object().unwrap() {
                out.$field.insert(id.clone(), $read(&Obj(entry)));
            }
        };
    }
    fill!(nodes, node);
    fill!(sources, source);
    fill!(exposures, exposure);
    fill!(metrics, semantic);
    fill!(semantic_models, semantic);
    fill!(saved_queries, semantic);
    fill!(unit_tests, unit_test);
    fill!(macros, macro_info);
    for (id, entries) in json["disabled"].as_object().unwrap() {
        let read = |e| match Obj(e).kind() {
            ResourceType::Source => Disabled::Source(source(&Obj(e))),
            ResourceType::UnitTest => Disabled::UnitTest(unit_test(&Obj(e))),
            _ => Disabled::Node(node(&Obj(e))),
        };
        let entries = entries.as_array().unwrap().iter().map(read).collect();
        out.disabled.insert(id.clone(), entries);
    }
    out
}
