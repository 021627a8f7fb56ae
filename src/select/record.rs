//! What state comparison keeps of an entry, of today's manifest or of an earlier one alike.
//!
//! In: an entry of the graph, or its JSON in an earlier `manifest.json`. Out: a [`Record`]. Knows nothing of how
//! records compare. Which facts of a kind count as its contents is written here once, for both sides.
use crate::graph::{Column, Entry, Node, ResourceType};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// A column as far as state comparison goes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ColumnRecord {
    /// Name.
    pub name: String,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Data type.
    #[serde(default)]
    pub data_type: Option<String>,
    /// Constraints.
    #[serde(default)]
    pub constraints: Vec<Value>,
}

/// A contract.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ContractRecord {
    /// Whether it is enforced.
    pub enforced: bool,
    /// Hash over columns and constraints.
    pub checksum: Option<String>,
}

/// An entry as far as state comparison goes.
#[derive(Debug, Clone)]
pub struct Record {
    /// Kind.
    pub kind: ResourceType,
    /// Name.
    pub name: String,
    /// File below the package's folder.
    pub path: String,
    /// Qualified name.
    pub fqn: Vec<String>,
    /// Text, or hash of what has none (seeds).
    pub body: String,
    /// Whether it is a generic test.
    pub generic: bool,
    /// Configuration as written.
    pub unrendered: Map<String, Value>,
    /// Materialization.
    pub materialized: String,
    /// Which descriptions are kept in the database: relation, columns.
    pub persist: (bool, bool),
    /// Description.
    pub description: String,
    /// Columns by name.
    pub columns: BTreeMap<String, ColumnRecord>,
    /// Constraints of the whole relation.
    pub constraints: Vec<Value>,
    /// Contract.
    pub contract: ContractRecord,
    /// Version.
    pub version: Option<Value>,
    /// Macros it calls.
    pub macros: Vec<String>,
    /// Further facts that count as contents, by the name they have in the manifest.
    pub facts: Vec<(&'static str, Value)>,
}

/// A macro as far as state comparison goes.
#[derive(Debug, Clone, Deserialize)]
pub struct MacroRecord {
    /// Text.
    pub macro_sql: String,
}

/// The facts of a kind that count as its contents besides the body, configuration, contract and so on.
pub fn facts_of(kind: ResourceType) -> &'static [&'static str] {
    match kind {
        ResourceType::Model => &["access", "latest_version", "deprecation_date"],
        ResourceType::Source => &[
            "database",
            "schema",
            "unrendered_database",
            "unrendered_schema",
            "identifier",
            "quoting",
            "external",
        ],
        ResourceType::Exposure => &[
            "owner",
            "type",
            "maturity",
            "url",
            "description",
            "label",
            "depends_on",
        ],
        ResourceType::Metric => &["description", "label", "type"],
        ResourceType::SemanticModel => &[
            "model",
            "description",
            "defaults",
            "entities",
            "dimensions",
            "measures",
        ],
        ResourceType::UnitTest => &["checksum"],
        ResourceType::SavedQuery => &["query_params", "exports", "description", "label", "tags"],
        _ => &[],
    }
}

impl Record {
    /// The record of an entry of an earlier manifest; `None` for kinds that are not known.
    ///
    /// # Errors
    /// When the JSON has another form than a manifest's entries.
    pub fn read(json: &Value) -> serde_json::Result<Option<Self>> {
        let raw = Raw::deserialize(json)?;
        let Some(kind) = ResourceType::parse(&raw.resource_type) else {
            return Ok(None);
        };
        let config = raw.config.unwrap_or_default();
        let body = match kind {
            ResourceType::Seed => body_hash(&raw.checksum),
            _ => raw.code.unwrap_or_default(),
        };
        let materialized = config.get("materialized").and_then(Value::as_str);
        Ok(Some(Self {
            kind,
            name: raw.name,
            path: raw.original_file_path,
            fqn: raw.fqn,
            body,
            generic: raw.test_metadata.is_some(),
            materialized: materialized.unwrap_or_default().to_string(),
            persist: persisted(&config),
            unrendered: raw.unrendered_config.unwrap_or_default(),
            description: raw.description.unwrap_or_default(),
            columns: raw.columns.unwrap_or_default(),
            constraints: raw.constraints.unwrap_or_default(),
            contract: raw.contract.unwrap_or_default(),
            version: raw.version.filter(|v| !v.is_null()),
            macros: raw.depends_on.unwrap_or_default().macros,
            facts: facts_of(kind)
                .iter()
                .map(|name| {
                    (
                        *name,
                        tidy(name, json.get(*name).cloned().unwrap_or_default()),
                    )
                })
                .collect(),
        }))
    }

    /// The record of an entry of today's manifest.
    pub fn of(entry: Entry<'_>) -> Self {
        let kind = entry.resource_type();
        let config = entry.config();
        let empty = Self {
            kind,
            name: entry.name().to_string(),
            path: entry.original_file_path().to_string(),
            fqn: entry.fqn().to_vec(),
            body: String::new(),
            generic: false,
            unrendered: Map::new(),
            materialized: config.str("materialized").unwrap_or_default().to_string(),
            persist: persisted(&config.0),
            description: String::new(),
            columns: BTreeMap::new(),
            constraints: Vec::new(),
            contract: ContractRecord::default(),
            version: None,
            macros: Vec::new(),
            facts: facts_of(kind)
                .iter()
                .map(|name| (*name, tidy(name, fact(entry, name))))
                .collect(),
        };
        match entry {
            Entry::Node(n) => empty.with_node(n),
            Entry::Source(s) => Self {
                unrendered: s.unrendered_config.clone(),
                ..empty
            },
            Entry::Exposure(e) => Self {
                unrendered: e.unrendered_config.clone(),
                macros: e.depends_on.macros.clone(),
                ..empty
            },
            Entry::Semantic(s) => Self {
                unrendered: match s.fields.get("unrendered_config") {
                    Some(Value::Object(map)) => map.clone(),
                    _ => Map::new(),
                },
                macros: s.depends_on.macros.clone(),
                ..empty
            },
            Entry::UnitTest(u) => Self {
                macros: u.depends_on.macros.clone(),
                ..empty
            },
        }
    }

    fn with_node(self, n: &Node) -> Self {
        Self {
            body: match n.resource_type {
                ResourceType::Seed => body_hash(&json!(n.checksum)),
                _ => n.raw_code.clone(),
            },
            generic: n.test.is_some(),
            unrendered: n.unrendered_config.clone(),
            description: n.description.clone(),
            columns: n
                .columns
                .iter()
                .map(|(name, column)| (name.clone(), ColumnRecord::of(column)))
                .collect(),
            constraints: n.constraints.clone(),
            contract: ContractRecord {
                enforced: n.contract.enforced,
                checksum: n.contract.checksum.clone(),
            },
            version: n.version.clone(),
            macros: n.depends_on.macros.clone(),
            ..self
        }
    }
}

impl ColumnRecord {
    fn of(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            description: column.description.clone(),
            data_type: column.data_type.clone(),
            constraints: column.constraints.clone(),
        }
    }
}

/// A fact in the form in which it is compared: of dependencies only the nodes, of a query not its order and limit.
fn tidy(name: &str, value: Value) -> Value {
    match value {
        Value::Object(mut map) if name == "depends_on" => {
            filled(map.remove("nodes").unwrap_or_default())
        }
        Value::Object(mut map) if name == "query_params" => {
            map.retain(|key, _| matches!(key.as_str(), "metrics" | "group_by" | "where"));
            filled(Value::Object(map))
        }
        // Of an export counts what is written: the schema that it takes when nothing is written is the target's.
        Value::Array(exports) if name == "exports" => {
            let part = |export: &Value| {
                let written = &export["unrendered_config"];
                let mut own = Map::from_iter([("name".to_string(), export["name"].clone())]);
                for key in ["export_as", "schema", "alias"] {
                    own.insert(key.to_string(), written[key].clone());
                }
                filled(Value::Object(own))
            };
            Value::Array(exports.iter().map(part).collect())
        }
        // Here false is not the same as nothing said.
        Value::Object(mut map) if name == "quoting" => {
            map.retain(|_, value| !value.is_null());
            Value::Object(map)
        }
        value => filled(value),
    }
}

/// A value without what says nothing (null, false, empty), because manifests of different age and origin disagree
/// about whether they write it.
fn filled(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map = map.into_iter().map(|(key, value)| (key, filled(value)));
            let map: Map<String, Value> = map.filter(|(_, value)| !value.is_null()).collect();
            if map.is_empty() {
                Value::Null
            } else {
                Value::Object(map)
            }
        }
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => Value::Array(items.into_iter().map(filled).collect()),
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Bool(false) => Value::Null,
        value => value,
    }
}

/// A fact of an entry, as the manifest would show it.
fn fact(entry: Entry<'_>, name: &str) -> Value {
    let field = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
    match entry {
        Entry::Node(n) => match name {
            "access" => json!(n.access),
            "latest_version" => json!(n.latest_version),
            "deprecation_date" => json!(n.deprecation_date),
            _ => Value::Null,
        },
        Entry::Source(s) => match name {
            "database" => json!(s.database),
            "schema" => json!(s.schema),
            "unrendered_database" => json!(s.unrendered_database),
            "unrendered_schema" => json!(s.unrendered_schema),
            "identifier" => json!(s.identifier),
            "quoting" => json!(s.quoting),
            "external" => json!(s.external),
            _ => Value::Null,
        },
        Entry::Exposure(e) if name == "depends_on" => json!(e.depends_on),
        Entry::Exposure(e) => field(&e.fields),
        Entry::Semantic(s) if name == "tags" => json!(s.tags),
        Entry::Semantic(s) => field(&s.fields),
        Entry::UnitTest(u) => json!(u.checksum),
    }
}

/// A checksum as text: `sha256:…`, `path:…`.
fn body_hash(checksum: &Value) -> String {
    match checksum {
        Value::Object(map) => {
            let part = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
            format!("{}:{}", part("name"), part("checksum"))
        }
        _ => String::new(),
    }
}

/// Which descriptions a configuration keeps in the database: relation, columns.
fn persisted(config: &Map<String, Value>) -> (bool, bool) {
    let docs = config.get("persist_docs");
    let on = |key| docs.and_then(|d| d.get(key)).and_then(Value::as_bool) == Some(true);
    (on("relation"), on("columns"))
}

/// The part of a manifest's entry that is read. Old manifests lack some of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    resource_type: String,
    name: String,
    original_file_path: String,
    fqn: Vec<String>,
    checksum: Value,
    #[serde(alias = "raw_sql")]
    #[serde(rename = "raw_code")]
    code: Option<String>,
    test_metadata: Option<IgnoredAny>,
    config: Option<Map<String, Value>>,
    unrendered_config: Option<Map<String, Value>>,
    description: Option<String>,
    columns: Option<BTreeMap<String, ColumnRecord>>,
    constraints: Option<Vec<Value>>,
    contract: Option<ContractRecord>,
    version: Option<Value>,
    depends_on: Option<Calls>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Calls {
    macros: Vec<String>,
}

/// The keys of a manifest's entry that any kind of record, or the relation of an entry, is made from.
const KEYS: &[&str] = &[
    "resource_type",
    "name",
    "original_file_path",
    "fqn",
    "checksum",
    "raw_code",
    "raw_sql",
    "test_metadata",
    "config",
    "unrendered_config",
    "description",
    "columns",
    "constraints",
    "contract",
    "version",
    "depends_on",
    "alias",
    "relation_name",
    // Facts.
    "access",
    "latest_version",
    "deprecation_date",
    "database",
    "schema",
    "unrendered_database",
    "unrendered_schema",
    "identifier",
    "quoting",
    "external",
    "owner",
    "type",
    "maturity",
    "url",
    "label",
    "model",
    "defaults",
    "entities",
    "dimensions",
    "measures",
    "query_params",
    "exports",
    "tags",
];

/// A manifest's entry with only the keys that matter, so that compiled text and the like are never kept.
#[derive(Debug)]
pub struct Sieved(pub Value);

impl<'de> Deserialize<'de> for Sieved {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Sieved;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an entry of a manifest")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sieved, A::Error> {
                let mut kept = Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    if KEYS.contains(&key.as_str()) {
                        kept.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Sieved(Value::Object(kept)))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fact_is_sieved_out() {
        for kind in [
            "model",
            "source",
            "exposure",
            "metric",
            "semantic_model",
            "saved_query",
            "unit_test",
        ] {
            for fact in facts_of(ResourceType::parse(kind).unwrap()) {
                assert!(KEYS.contains(fact), "{fact}");
            }
        }
    }
}
