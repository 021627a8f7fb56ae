//! `config.a.b:value`: compares a value of a node's configuration with what was asked for, as Python would.
use super::compare::same;
use crate::graph::Config;
use serde_json::Value;

/// Whether the configuration has the wanted value under a path of keys.
///
/// A key that is missing at the top counts as null; one that is missing deeper never matches. Lists match by
/// membership, booleans also by their name in any case, severities in any case, numbers never match text.
pub fn matches(config: &Config, path: &[String], wanted: &Value) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    let mut value = config.0.get(first).unwrap_or(&Value::Null);
    for key in rest {
        match value.as_object().and_then(|map| map.get(key)) {
            Some(inner) => value = inner,
            None => return false,
        }
    }
    match (value, wanted) {
        (Value::Array(items), _) => items.iter().any(|item| same(item, wanted)),
        (Value::Bool(own), Value::String(text)) => text.to_lowercase() == own.to_string(),
        (Value::String(own), Value::String(text)) if first == "severity" => {
            own.to_lowercase() == text.to_lowercase()
        }
        _ => same(value, wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_compare_as_in_python() {
        let Value::Object(map) = json!({
            "materialized": "table", "n": 3, "yes": true, "list": ["a", 2], "none": null, "severity": "ERROR",
            "meta": {"owner": "me", "level": 3, "deep": {"x": "y"}}
        }) else {
            panic!("a map");
        };
        let config = Config(map);
        let check = |path: &str, wanted: Value| {
            let path: Vec<String> = path.split('.').map(str::to_string).collect();
            matches(&config, &path, &wanted)
        };
        assert!(check("materialized", json!("table")));
        assert!(!check("materialized", json!("Table")));
        assert!(!check("n", json!("3")));
        assert!(check("n", json!(3)));
        assert!(check("n", json!(3.0)));
        assert!(!check("n", json!(true)));
        assert!(check("yes", json!("TRUE")));
        assert!(check("yes", json!(true)));
        assert!(check("yes", json!(1)));
        assert!(!check("yes", json!("yes")));
        assert!(check("list", json!("a")));
        assert!(check("list", json!(2)));
        assert!(!check("list", json!(["a", 2])));
        assert!(!check("none", json!("none")));
        assert!(check("none", Value::Null));
        assert!(check("nowhere", Value::Null));
        assert!(!check("meta.nowhere", Value::Null));
        assert!(check("severity", json!("error")));
        assert!(check("meta.owner", json!("me")));
        assert!(check("meta.deep.x", json!("y")));
        assert!(!check("meta", json!("owner")));
        assert!(check("meta.deep", json!({"x": "y"})));
        assert!(!check("materialized.x", json!("table")));
        assert!(!matches(&config, &[], &Value::Null));
    }
}
