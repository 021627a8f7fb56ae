//! The kinds of things a project is made of, with the fields of dbt's manifest.
use crate::text::Place;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What kind of thing a unique id names. Sorted as dbt's `Found …` line is not: use `as_str` for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ResourceType {
    Model,
    Analysis,
    Test,
    Snapshot,
    Operation,
    Seed,
    SqlOperation,
    Doc,
    Source,
    Macro,
    Exposure,
    Metric,
    Group,
    SavedQuery,
    SemanticModel,
    UnitTest,
    Fixture,
}

impl ResourceType {
    /// The word in unique ids, artefacts and selectors (`model`, `unit_test`, …).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Analysis => "analysis",
            Self::Test => "test",
            Self::Snapshot => "snapshot",
            Self::Operation => "operation",
            Self::Seed => "seed",
            Self::SqlOperation => "sql_operation",
            Self::Doc => "doc",
            Self::Source => "source",
            Self::Macro => "macro",
            Self::Exposure => "exposure",
            Self::Metric => "metric",
            Self::Group => "group",
            Self::SavedQuery => "saved_query",
            Self::SemanticModel => "semantic_model",
            Self::UnitTest => "unit_test",
            Self::Fixture => "fixture",
        }
    }

    /// The type named by a word, singular.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Model,
            Self::Analysis,
            Self::Test,
            Self::Snapshot,
            Self::Operation,
            Self::Seed,
            Self::SqlOperation,
            Self::Doc,
            Self::Source,
            Self::Macro,
            Self::Exposure,
            Self::Metric,
            Self::Group,
            Self::SavedQuery,
            Self::SemanticModel,
            Self::UnitTest,
            Self::Fixture,
        ]
        .into_iter()
        .find(|t| t.as_str() == word)
    }
}

/// A node's configuration: all keys with their defaults, extra keys included, in dbt's order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Config(pub Map<String, Value>);

impl Config {
    /// The value of a key; `None` when missing or null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|v| !v.is_null())
    }

    /// A text value.
    pub fn str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// A boolean value.
    pub fn bool(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Value::as_bool)
    }

    /// The materialization (`view`, `table`, `test`, …).
    pub fn materialized(&self) -> &str {
        self.str("materialized").unwrap_or("view")
    }

    /// Whether the node is switched on.
    pub fn enabled(&self) -> bool {
        self.bool("enabled").unwrap_or(true)
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn list(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Value::Array(items)) => items.iter().map(text_of).collect(),
            Some(value) => vec![text_of(value)],
            None => Vec::new(),
        }
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_string)
}

/// Hash of what a node was read from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checksum {
    /// `sha256`, `path` (large seeds) or `none`.
    pub name: String,
    /// The hash in hex, or the path.
    pub checksum: String,
}

/// A column as described in a properties file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// Name as written.
    pub name: String,
    /// Rendered description.
    pub description: String,
    /// Free-form facts.
    pub meta: Map<String, Value>,
    /// SQL type as written.
    pub data_type: Option<String>,
    /// Constraints as written, with defaults filled in.
    pub constraints: Vec<Value>,
    /// Whether the name is to be quoted.
    pub quote: Option<bool>,
    /// `{meta, tags}`.
    pub config: Map<String, Value>,
    /// Tags, which reach the column's tests.
    pub tags: Vec<String>,
    /// Time granularity, for time spines.
    pub granularity: Option<String>,
    /// Ids of the docs blocks used in the description.
    pub doc_blocks: Vec<String>,
    /// Keys dbt does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How a node shows in the docs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Docs {
    /// Whether it is shown.
    pub show: bool,
    /// Colour of its box.
    pub node_color: Option<String>,
}

impl Default for Docs {
    fn default() -> Self {
        Self {
            show: true,
            node_color: None,
        }
    }
}

/// Arguments of one `ref` call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefArgs {
    /// The node's name.
    pub name: String,
    /// The package, when given.
    pub package: Option<String>,
    /// The version, when given (text or number).
    pub version: Option<Value>,
}

/// What a node needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DependsOn {
    /// Unique ids of macros.
    pub macros: Vec<String>,
    /// Unique ids of nodes and sources, in the order of the calls.
    pub nodes: Vec<String>,
}

/// Whether a model promises its columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contract {
    /// Whether it is enforced.
    pub enforced: bool,
    /// Whether type aliases (`string`) are translated.
    pub alias_types: bool,
    /// Hash over names and types, when enforced.
    pub checksum: Option<String>,
}

/// What makes a node a generic test.
#[derive(Debug, Clone, PartialEq)]
pub struct GenericTest {
    /// The test's name (`unique`).
    pub name: String,
    /// Its arguments, `model` included.
    pub kwargs: Map<String, Value>,
    /// The package it is called from (`dbt_utils`).
    pub namespace: Option<String>,
    /// The column it stands at.
    pub column_name: Option<String>,
    /// `models.orders`, `sources.shop`.
    pub file_key_name: String,
    /// The node it tests.
    pub attached_node: Option<String>,
}

/// A CTE that stands for an ephemeral model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtraCte {
    /// Unique id of the ephemeral model.
    pub id: String,
    /// ` __dbt__cte__name as (…)`.
    pub sql: String,
}

/// A node's compiled text.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// The SQL, CTEs of ephemeral models included.
    pub code: String,
    /// The CTEs put in front.
    pub extra_ctes: Vec<ExtraCte>,
    /// File below the project folder.
    pub path: Option<String>,
}

/// A model, seed, snapshot, data test, analysis or hook: what dbt's manifest keeps under `nodes`.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its kind.
    pub resource_type: ResourceType,
    /// `model.shop.orders`.
    pub unique_id: String,
    /// Name.
    pub name: String,
    /// Package (project) it belongs to.
    pub package_name: String,
    /// Path below its resource folder.
    pub path: String,
    /// Path below the package's folder.
    pub original_file_path: String,
    /// Package, folders and name.
    pub fqn: Vec<String>,
    /// Database of its relation.
    pub database: String,
    /// Schema of its relation.
    pub schema: String,
    /// Name of its relation.
    pub alias: String,
    /// Quoted full name of its relation; `None` for what has none (ephemeral models, tests, …).
    pub relation_name: Option<String>,
    /// Hash of its source.
    pub checksum: Checksum,
    /// Configuration.
    pub config: Config,
    /// Configuration as written, before Jinja.
    pub unrendered_config: Map<String, Value>,
    /// Tags, each once.
    pub tags: Vec<String>,
    /// Rendered description.
    pub description: String,
    /// Described columns by name.
    pub columns: IndexMap<String, Column>,
    /// Free-form facts.
    pub meta: Map<String, Value>,
    /// Group.
    pub group: Option<String>,
    /// How it shows in the docs.
    pub docs: Docs,
    /// `package://path` of the properties file that describes it.
    pub patch_path: Option<String>,
    /// Ids of the docs blocks used in the description.
    pub doc_blocks: Vec<String>,
    /// Text as written.
    pub raw_code: String,
    /// `ref` calls.
    pub refs: Vec<RefArgs>,
    /// `source` calls: source and table.
    pub sources: Vec<(String, String)>,
    /// `metric` calls.
    pub metrics: Vec<Vec<String>>,
    /// What it needs.
    pub depends_on: DependsOn,
    /// Unix time of parsing, seconds.
    pub created_at: f64,
    /// Contract.
    pub contract: Contract,
    /// `private`, `protected` or `public` (models).
    pub access: Option<String>,
    /// Constraints of the whole relation, as written with defaults.
    pub constraints: Vec<Value>,
    /// Version (models).
    pub version: Option<Value>,
    /// Latest version (models).
    pub latest_version: Option<Value>,
    /// Date of deprecation, ISO (models).
    pub deprecation_date: Option<String>,
    /// Columns of the primary key, from constraints or tests (models).
    pub primary_key: Vec<String>,
    /// Time spine (models).
    pub time_spine: Option<Value>,
    /// What makes it a generic test.
    pub test: Option<GenericTest>,
    /// Position among the hooks of its kind (operations).
    pub index: Option<usize>,
    /// Absolute folder of the package (seeds).
    pub root_path: Option<String>,
    /// Compiled text, once compiled.
    pub compiled: Option<Compiled>,
    /// File of the statement that was run, once there is one.
    pub build_path: Option<String>,
    /// Where its text stands: the file, and the bytes of the body in it.
    pub place: Option<Place>,
    /// Where its properties stand.
    pub patch_place: Option<Place>,
}

impl Node {
    /// Whether it is an ephemeral model.
    pub fn is_ephemeral(&self) -> bool {
        self.resource_type == ResourceType::Model && self.config.materialized() == "ephemeral"
    }

    /// Whether its text is Python instead of SQL.
    pub fn is_python(&self) -> bool {
        self.resource_type == ResourceType::Model
            && self
                .path
                .rsplit_once('.')
                .is_some_and(|(_, end)| end.eq_ignore_ascii_case("py"))
    }

    /// Whether its text is blank: such nodes are listed but never run.
    pub fn is_empty(&self) -> bool {
        self.resource_type != ResourceType::Seed && self.raw_code.trim().is_empty()
    }

    /// Whether it makes a relation that others may refer to.
    pub fn is_refable(&self) -> bool {
        matches!(
            self.resource_type,
            ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot
        )
    }

    /// The name to search by: `model.v2` for versions.
    pub fn search_name(&self) -> String {
        match &self.version {
            Some(v) => format!("{}.v{}", self.name, version_text(v)),
            None => self.name.clone(),
        }
    }
}

/// A version as text: `1`, `2.0`, `alpha`.
pub fn version_text(version: &Value) -> String {
    text_of(version)
}

/// A table that the project reads but does not build; with a simulation it is generated by tv1.
#[derive(Debug, Clone)]
pub struct Source {
    /// `source.shop.raw.orders`.
    pub unique_id: String,
    /// Table name in the project.
    pub name: String,
    /// Source name.
    pub source_name: String,
    /// Package.
    pub package_name: String,
    /// Properties file below the package's folder.
    pub path: String,
    /// Same.
    pub original_file_path: String,
    /// Package, folders, source, table.
    pub fqn: Vec<String>,
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Table name in the database.
    pub identifier: String,
    /// Quoted full name.
    pub relation_name: String,
    /// Description of the source as a whole.
    pub source_description: String,
    /// Description of the table.
    pub description: String,
    /// What loads it.
    pub loader: String,
    /// `{database, schema, identifier, column}`; null where not said.
    pub quoting: Map<String, Value>,
    /// Column with the load time.
    pub loaded_at_field: Option<String>,
    /// Query for the load time.
    pub loaded_at_query: Option<String>,
    /// `{warn_after, error_after, filter}`, `None` when switched off.
    pub freshness: Option<Value>,
    /// External table facts, as written.
    pub external: Option<Value>,
    /// Described columns.
    pub columns: IndexMap<String, Column>,
    /// Facts of the table.
    pub meta: Map<String, Value>,
    /// Facts of the source.
    pub source_meta: Map<String, Value>,
    /// Tags.
    pub tags: Vec<String>,
    /// Configuration.
    pub config: Config,
    /// As written.
    pub unrendered_config: Map<String, Value>,
    /// As written.
    pub unrendered_database: Option<String>,
    /// As written.
    pub unrendered_schema: Option<String>,
    /// Ids of docs blocks used.
    pub doc_blocks: Vec<String>,
    /// Always `None`; kept for the artefact.
    pub patch_path: Option<String>,
    /// Unix time of parsing.
    pub created_at: f64,
    /// Name of the simulation that generates it.
    pub simulation: Option<String>,
    /// What the simulation reads (unique ids); empty for plain sources.
    pub depends_on: Vec<String>,
    /// Where it is declared.
    pub place: Option<Place>,
}

/// A use of the data outside the project.
#[derive(Debug, Clone)]
pub struct Exposure {
    /// `exposure.shop.weekly`.
    pub unique_id: String,
    /// Name.
    pub name: String,
    /// Package.
    pub package_name: String,
    /// Path below the resource folder.
    pub path: String,
    /// Path below the package's folder.
    pub original_file_path: String,
    /// Package, folders, name.
    pub fqn: Vec<String>,
    /// The entry's own fields as in the manifest: type, owner, label, maturity, url, description, meta, tags.
    pub fields: Map<String, Value>,
    /// Configuration.
    pub config: Config,
    /// As written.
    pub unrendered_config: Map<String, Value>,
    /// Refs in `depends_on`.
    pub refs: Vec<RefArgs>,
    /// Sources in `depends_on`.
    pub sources: Vec<(String, String)>,
    /// Metrics in `depends_on`.
    pub metrics: Vec<Vec<String>>,
    /// What it needs.
    pub depends_on: DependsOn,
    /// Tags.
    pub tags: Vec<String>,
    /// Unix time of parsing.
    pub created_at: f64,
    /// Where it is declared.
    pub place: Option<Place>,
}

/// A metric, semantic model or saved query: parsed, kept, and shown in the manifest.
#[derive(Debug, Clone)]
pub struct SemanticEntry {
    /// Its kind.
    pub resource_type: ResourceType,
    /// `metric.shop.revenue`.
    pub unique_id: String,
    /// Name.
    pub name: String,
    /// Package.
    pub package_name: String,
    /// Path below the resource folder.
    pub path: String,
    /// Path below the package's folder.
    pub original_file_path: String,
    /// Package, folders, name.
    pub fqn: Vec<String>,
    /// The remaining fields, as the manifest shows them.
    pub fields: Map<String, Value>,
    /// Configuration.
    pub config: Config,
    /// What it needs.
    pub depends_on: DependsOn,
    /// Refs.
    pub refs: Vec<RefArgs>,
    /// Tags.
    pub tags: Vec<String>,
    /// Group.
    pub group: Option<String>,
    /// Unix time of parsing.
    pub created_at: f64,
    /// Where it is declared.
    pub place: Option<Place>,
    /// Places of its parts by dotted path, named items by name (`measures.revenue.expr`, `numerator`).
    pub places: BTreeMap<String, Place>,
}

/// A unit test of a model.
#[derive(Debug, Clone)]
pub struct UnitTest {
    /// `unit_test.shop.orders.name`.
    pub unique_id: String,
    /// Name.
    pub name: String,
    /// Model under test, by name.
    pub model: String,
    /// Package.
    pub package_name: String,
    /// Path below the resource folder.
    pub path: String,
    /// Path below the package's folder.
    pub original_file_path: String,
    /// Package, folders, model, name.
    pub fqn: Vec<String>,
    /// Description.
    pub description: String,
    /// Inputs: `{input, rows, format, fixture}`.
    pub given: Vec<Value>,
    /// Expected rows: `{rows, format, fixture}`.
    pub expect: Value,
    /// `{macros, vars, env_vars}`.
    pub overrides: Option<Value>,
    /// What it needs: the model first, then its inputs.
    pub depends_on: DependsOn,
    /// Configuration.
    pub config: Config,
    /// Unique id of the model under test.
    pub tested_node: Option<String>,
    /// Schema of the model.
    pub schema: String,
    /// Version of the model this test is for.
    pub version: Option<Value>,
    /// `{include, exclude}`.
    pub versions: Option<Value>,
    /// Hash of the definition.
    pub checksum: String,
    /// Unix time of parsing.
    pub created_at: f64,
    /// Where it is declared.
    pub place: Option<Place>,
}

/// A group of models with an owner.
#[derive(Debug, Clone)]
pub struct Group {
    /// `group.shop.finance`.
    pub unique_id: String,
    /// Name.
    pub name: String,
    /// Package.
    pub package_name: String,
    /// Path below the resource folder.
    pub path: String,
    /// Path below the package's folder.
    pub original_file_path: String,
    /// Owner.
    pub owner: Map<String, Value>,
    /// Description.
    pub description: Option<String>,
    /// Configuration.
    pub config: Map<String, Value>,
}

/// A block of documentation.
#[derive(Debug, Clone)]
pub struct Doc {
    /// `doc.shop.orders`.
    pub unique_id: String,
    /// Name.
    pub name: String,
    /// Package.
    pub package_name: String,
    /// Path below the docs folder.
    pub path: String,
    /// Path below the package's folder.
    pub original_file_path: String,
    /// The text.
    pub block_contents: String,
}

/// A macro's argument as described.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MacroArgument {
    /// Name.
    pub name: String,
    /// Type, free text.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Description.
    pub description: String,
}

/// A macro as the manifest shows it.
#[derive(Debug, Clone)]
pub struct MacroInfo {
    /// `macro.shop.cents`.
    pub unique_id: String,
    /// Name.
    pub name: String,
    /// Package.
    pub package_name: String,
    /// Path below the package's folder.
    pub path: String,
    /// Same.
    pub original_file_path: String,
    /// The whole block.
    pub macro_sql: String,
    /// Macros it calls.
    pub depends_on_macros: Vec<String>,
    /// Description.
    pub description: String,
    /// Free-form facts.
    pub meta: Map<String, Value>,
    /// How it shows.
    pub docs: Docs,
    /// `{meta, docs}`.
    pub config: Map<String, Value>,
    /// Properties file.
    pub patch_path: Option<String>,
    /// Described arguments.
    pub arguments: Vec<MacroArgument>,
    /// Unix time of parsing.
    pub created_at: f64,
    /// `["sql"]` for materializations.
    pub supported_languages: Option<Vec<String>>,
    /// Where it stands.
    pub place: Option<Place>,
}
