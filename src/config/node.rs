//! The configuration of one node: defaults, layers from general to specific, and how values of each key combine.
//!
//! Rules: dbt's config precedence (own project tree, properties file, in-file calls, root tree over packages).
use crate::graph::ResourceType;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// Where a layer of configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Origin {
    ProjectTree,
    Properties,
    InFile,
    RootTree,
}

/// One set of configuration values.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Layer {
    pub origin: Origin,
    pub values: Map<String, Value>,
}

/// A configuration being put together.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// All keys with defaults.
    pub rendered: Map<String, Value>,
    /// Only what was said, as written.
    pub unrendered: Map<String, Value>,
    /// Whether each layer replaces what the ones before say of a key, instead of adding to it: so it is for exposures.
    replaces: bool,
}

/// Keys of every model-like node with their defaults, in dbt's order.
fn base(materialized: &str) -> Map<String, Value> {
    let value = json!({
        "enabled": true, "alias": null, "schema": null, "database": null, "tags": [], "meta": {}, "group": null,
        "materialized": materialized, "incremental_strategy": null, "batch_size": null, "lookback": 1, "begin": null,
        "persist_docs": {}, "post-hook": [], "pre-hook": [], "quoting": {}, "column_types": {}, "full_refresh": null,
        "unique_key": null, "on_schema_change": "ignore", "on_configuration_change": "apply", "grants": {},
        "packages": [], "docs": {"show": true, "node_color": null},
        "contract": {"enforced": false, "alias_types": true}, "event_time": null, "concurrent_batches": null,
    });
    as_map(value)
}

fn as_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The defaults of a kind of node.
pub fn defaults(kind: ResourceType) -> Map<String, Value> {
    // Every node asks for them, so they are put together once a kind and copied from then on.
    static KNOWN: [OnceLock<Map<String, Value>>; 32] = [const { OnceLock::new() }; 32];
    match KNOWN.get(kind as usize) {
        Some(known) => known.get_or_init(|| put_together(kind)).clone(),
        None => put_together(kind),
    }
}

fn put_together(kind: ResourceType) -> Map<String, Value> {
    let mut map = match kind {
        ResourceType::Seed => base("seed"),
        ResourceType::Snapshot => base("snapshot"),
        ResourceType::Test => as_map(json!({
            "enabled": true, "alias": null, "schema": "dbt_test__audit", "database": null, "tags": [], "meta": {},
            "group": null, "materialized": "test", "severity": "ERROR", "store_failures": null,
            "store_failures_as": null, "where": null, "limit": null, "fail_calc": "count(*)", "warn_if": "!= 0",
            "error_if": "!= 0",
        })),
        ResourceType::Source => as_map(json!({
            "enabled": true, "event_time": null, "freshness": null, "loaded_at_field": null, "loaded_at_query": null,
            "meta": {}, "tags": [],
        })),
        ResourceType::Exposure => as_map(json!({"enabled": true, "tags": [], "meta": {}})),
        ResourceType::Group => as_map(json!({"meta": {}})),
        ResourceType::UnitTest => as_map(json!({"tags": [], "meta": {}, "enabled": true})),
        ResourceType::Metric | ResourceType::SemanticModel => {
            as_map(json!({"enabled": true, "group": null, "meta": {}}))
        }
        ResourceType::SavedQuery => as_map(json!({
            "enabled": true, "group": null, "meta": {}, "export_as": null, "schema": null, "cache": {"enabled": false},
        })),
        _ => base("view"),
    };
    let more = match kind {
        ResourceType::Model => json!({"access": "protected", "freshness": null}),
        ResourceType::Seed => json!({"delimiter": ",", "quote_columns": null}),
        ResourceType::Snapshot => json!({
            "strategy": null, "target_schema": null, "target_database": null, "updated_at": null, "check_cols": null,
            "snapshot_meta_column_names": {
                "dbt_valid_to": null, "dbt_valid_from": null, "dbt_scd_id": null, "dbt_updated_at": null,
                "dbt_is_deleted": null,
            },
            "dbt_valid_to_current": null,
        }),
        _ => json!({}),
    };
    map.extend(as_map(more));
    map
}

impl NodeConfig {
    /// The defaults of a kind of node.
    pub fn new(kind: ResourceType) -> Self {
        Self {
            rendered: defaults(kind),
            unrendered: Map::new(),
            replaces: kind == ResourceType::Exposure,
        }
    }

    /// Applies a layer of evaluated values.
    pub fn apply(&mut self, values: &Map<String, Value>) {
        for (key, value) in values {
            if self.replaces {
                self.rendered.insert(canonical(key), value.clone());
            } else {
                merge_value(&mut self.rendered, &canonical(key), value);
            }
        }
    }

    /// Applies a layer of values as written: the last one to name a key wins.
    pub fn apply_unrendered(&mut self, values: &Map<String, Value>) {
        for (key, value) in values {
            // Here dbt leaves hooks under the name with which they are written.
            let key = if key == "dbname" { "database" } else { key };
            self.unrendered.insert(key.to_string(), value.clone());
        }
    }
}

/// The `config()` calls of one text as one layer: the first one as it stands, to which lists and mappings of others add
/// up; of the rest the last one counts. As dbt does, before the layer is put over those of files.
pub fn calls_together(calls: &[Map<String, Value>]) -> Map<String, Value> {
    let mut all = Map::new();
    let first = calls.iter().position(|c| !c.is_empty()).unwrap_or_default();
    let pairs = calls.iter().enumerate();
    for (n, (key, value)) in pairs.flat_map(|(n, call)| call.iter().map(move |pair| (n, pair))) {
        let key = canonical(key);
        if n == first {
            all.insert(key, value.clone());
            continue;
        }
        match (key.as_str(), all.get_mut(&key), value) {
            ("tags" | "packages" | "pre-hook" | "post-hook", _, _) => {
                let mut list = all.get(&key).map(listed).unwrap_or_default();
                list.extend(listed(value));
                all.insert(key, list.into());
            }
            (
                "meta" | "docs" | "contract" | "quoting" | "column_types",
                Some(Value::Object(old)),
                Value::Object(new),
            ) => old.extend(new.clone()),
            ("grants", Some(Value::Object(old)), Value::Object(new)) => {
                for (privilege, grantees) in new {
                    match old.get_mut(privilege) {
                        Some(Value::Array(list)) if privilege.starts_with('+') => {
                            list.extend(listed(grantees));
                        }
                        _ => drop(old.insert(privilege.clone(), grantees.clone())),
                    }
                }
            }
            _ => drop(all.insert(key, value.clone())),
        }
    }
    all
}

/// dbt's own spelling of a key.
fn canonical(key: &str) -> String {
    match key {
        "pre_hook" => "pre-hook".into(),
        "post_hook" => "post-hook".into(),
        "dbname" => "database".into(),
        other => other.to_string(),
    }
}

/// A value as a list; a single value is a list of one, null an empty one.
fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

/// A hook as the manifest shows it: text, JSON text or mapping become `{sql, transaction, index}`.
pub fn hook_value(value: &Value) -> Value {
    let parsed = match value {
        Value::String(text) if text.trim_start().starts_with('{') => {
            serde_json::from_str::<Value>(text)
                .ok()
                .filter(|v| v.get("sql").is_some())
        }
        Value::Object(_) => Some(value.clone()),
        _ => None,
    };
    match parsed {
        Some(v) => json!({
            "sql": v.get("sql").cloned().unwrap_or(Value::Null),
            "transaction": v.get("transaction").and_then(Value::as_bool).unwrap_or(true),
            "index": null,
        }),
        None => json!({"sql": value, "transaction": true, "index": null}),
    }
}

/// Combines a value into a configuration by the key's rule: append, update, or replace.
pub fn merge_value(config: &mut Map<String, Value>, key: &str, value: &Value) {
    match key {
        "tags" | "packages" => append(config, key, listed(value)),
        "pre-hook" | "post-hook" => {
            append(config, key, listed(value).iter().map(hook_value).collect())
        }
        "meta"
        | "docs"
        | "contract"
        | "quoting"
        | "column_types"
        | "snapshot_meta_column_names" => match (config.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let counts = |name: &String| match key {
                    "docs" => ["show", "node_color"].contains(&name.as_str()),
                    "contract" => ["enforced", "alias_types"].contains(&name.as_str()),
                    _ => true,
                };
                let new = new.iter().filter(|(k, _)| counts(k));
                old.extend(new.map(|(k, v)| (k.clone(), v.clone())));
            }
            (_, Value::Null) => {}
            _ => drop(config.insert(key.to_string(), value.clone())),
        },
        "grants" => grants(config, value),
        _ => drop(config.insert(key.to_string(), value.clone())),
    }
}

fn append(config: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
    match config.get_mut(key) {
        Some(Value::Array(old)) => old.extend(items),
        _ => drop(config.insert(key.to_string(), Value::Array(items))),
    }
}

/// Grants: a privilege replaces the inherited list, `+privilege` extends it.
fn grants(config: &mut Map<String, Value>, value: &Value) {
    let Value::Object(new) = value else {
        config.insert("grants".into(), value.clone());
        return;
    };
    let old = config.entry("grants").or_insert_with(|| json!({}));
    let Value::Object(old) = old else { return };
    for (privilege, grantees) in new {
        match privilege.strip_prefix('+') {
            Some(privilege) => append(old, privilege, listed(grantees)),
            None => drop(old.insert(privilege.clone(), Value::Array(listed(grantees)))),
        }
    }
}

/// The configuration that a tree of the project file gives a node, one map a level, general to specific.
pub fn tree_layers(tree: &Map<String, Value>, fqn: &[String]) -> Vec<Map<String, Value>> {
    let mut layers = vec![level(tree)];
    let mut at = tree;
    for name in fqn {
        match at.get(name) {
            Some(Value::Object(below)) => {
                layers.push(level(below));
                at = below;
            }
            _ => break,
        }
    }
    layers.retain(|l| !l.is_empty());
    layers
}

/// The configuration keys of one level: those with `+`, and those without whose value is no mapping.
fn level(tree: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in tree {
        if let Some(key) = key.strip_prefix('+') {
            out.insert(key.trim().to_string(), value.clone());
        } else if !value.is_object() {
            out.insert(key.clone(), value.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(v: Value) -> Map<String, Value> {
        as_map(v)
    }

    #[test]
    fn several_config_calls_add_up() {
        let calls = [
            map(json!({"tags": "a", "materialized": "view", "meta": {"x": 1}, "pre_hook": "one"})),
            map(
                json!({"tags": ["b"], "materialized": "table", "meta": {"y": 2}, "pre_hook": "two"}),
            ),
        ];
        assert_eq!(
            Value::Object(calls_together(&calls)),
            json!({"tags": ["a", "b"], "materialized": "table", "meta": {"x": 1, "y": 2}, "pre-hook": ["one", "two"]})
        );
        let one = calls_together(&[map(json!({})), map(json!({"tags": "a", "pre_hook": "one"}))]);
        assert_eq!(Value::Object(one), json!({"tags": "a", "pre-hook": "one"}));
        let later = [
            map(json!({"materialized": "view"})),
            map(json!({"tags": "a"})),
        ];
        assert_eq!(calls_together(&later)["tags"], json!(["a"]));
    }

    #[test]
    fn trees_descend_by_fqn_and_plus_marks_mappings() {
        let tree = map(
            json!({"materialized": "view", "shop": {"+tags": ["a"], "marts": {"+meta": {"o": 1}, "materialized": "table"}}}),
        );
        let fqn: Vec<String> = ["shop", "marts", "orders"].map(String::from).to_vec();
        let layers = tree_layers(&tree, &fqn);
        assert_eq!(layers.len(), 3);
        let mut c = NodeConfig::new(ResourceType::Model);
        layers.iter().for_each(|l| c.apply(l));
        assert_eq!(c.rendered["materialized"], "table");
        assert_eq!(c.rendered["tags"], json!(["a"]));
        assert_eq!(c.rendered["meta"], json!({"o": 1}));
    }

    #[test]
    fn each_key_has_its_rule() {
        let mut c = NodeConfig::new(ResourceType::Model);
        c.apply(&map(json!({"tags": "a", "grants": {"select": ["x"]}, "pre-hook": "select 1", "meta": {"a": 1}})));
        c.apply(&map(json!({"tags": ["b"], "grants": {"+select": "y"}, "pre_hook": {"sql": "q", "transaction": false}, "meta": {"b": 2}})));
        assert_eq!(c.rendered["tags"], json!(["a", "b"]));
        assert_eq!(c.rendered["grants"], json!({"select": ["x", "y"]}));
        assert_eq!(c.rendered["meta"], json!({"a": 1, "b": 2}));
        assert_eq!(
            c.rendered["pre-hook"],
            json!([{"sql": "select 1", "transaction": true, "index": null}, {"sql": "q", "transaction": false, "index": null}])
        );
    }
}
