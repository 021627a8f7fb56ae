//! The kinds of things a project is made of, with the fields of dbt's manifest.
use crate::text::Place;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

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

    /// Whether it is an incremental model that asks for batches.
    pub fn is_microbatch(&self) -> bool {
        self.config.materialized() == "incremental"
            && self.config.str("incremental_strategy") == Some("microbatch")
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
