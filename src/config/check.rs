//! What is wrong with the known keys of a node's configuration; other keys are anyone's own.
use crate::graph::ResourceType;
use crate::yaml::python_repr;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::{Map, Value};

/// What is wrong with the known keys of a configuration, each with its key: what is wanted, then what dbt says.
pub fn validate(kind: ResourceType, config: &Map<String, Value>) -> Vec<(String, String)> {
    let is_text_or_list = |v: &Value| v.is_string() || is_list_of_texts(v);
    let mut wrong = Wrong {
        config,
        said: Vec::new(),
    };
    wrong.kind("enabled", Value::is_boolean, "true or false", "boolean");
    for key in [
        "alias",
        "schema",
        "database",
        "materialized",
        "group",
        "incremental_strategy",
        "on_schema_change",
    ] {
        wrong.kind(key, Value::is_string, "text", "string");
    }
    let tags = "text or a list of texts";
    wrong.kind("tags", is_list_of_texts, tags, "array");
    for key in [
        "meta",
        "docs",
        "grants",
        "persist_docs",
        "column_types",
        "quoting",
        "contract",
    ] {
        wrong.kind(key, Value::is_object, "a mapping", "object");
    }
    wrong.kind(
        "full_refresh",
        Value::is_boolean,
        "true or false",
        "boolean",
    );
    wrong.kind("unique_key", is_text_or_list, tags, "array");
    wrong.word("on_configuration_change", &["apply", "continue", "fail"]);
    if kind == ResourceType::Test {
        if let Some(said) = config.get("severity").and_then(Value::as_str)
            && !["warn", "error"].contains(&said.to_lowercase().as_str())
        {
            wrong.push(
                "severity",
                "warn or error",
                &format!("'{said}' does not match '^([Ww][Aa][Rr][Nn]|[Ee][Rr][Rr][Oo][Rr])$'"),
            );
        }
        wrong.kind("severity", Value::is_string, "warn or error", "string");
        wrong.word("store_failures_as", &["table", "view", "ephemeral"]);
        wrong.kind("limit", Value::is_i64, "a whole number", "integer");
    }
    if kind == ResourceType::Model {
        wrong.word("access", &["private", "protected", "public"]);
        wrong.word("batch_size", &["hour", "day", "month", "year"]);
    }
    wrong.said
}

fn is_list_of_texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|a| a.iter().all(Value::is_string))
}

/// Collects the keys whose values do not fit.
struct Wrong<'a> {
    config: &'a Map<String, Value>,
    said: Vec<(String, String)>,
}

impl Wrong<'_> {
    fn push(&mut self, key: &str, wanted: &str, words: &str) {
        let sentence = format!("`{key}` must be {wanted}: {words}");
        self.said.push((key.to_string(), sentence));
    }

    /// A value of another kind than the key's; null counts as left out.
    fn kind(&mut self, key: &str, fits: impl Fn(&Value) -> bool, wanted: &str, kind: &str) {
        if let Some(value) = self.config.get(key).filter(|v| !v.is_null() && !fits(v)) {
            let words = format!("{} is not of type '{kind}'", python_repr(value));
            self.push(key, wanted, &words);
        }
    }

    /// A value that is none of the key's words.
    fn word(&mut self, key: &str, words: &[&str]) {
        let value = self.config.get(key).filter(|v| !v.is_null());
        if let Some(value) = value.filter(|v| v.as_str().is_none_or(|s| !words.contains(&s))) {
            let (last, others) = words.split_last().map_or(("", words), |(l, o)| (*l, o));
            let list: Vec<String> = words.iter().map(|w| format!("'{w}'")).collect();
            self.push(
                key,
                &format!("{} or {last}", others.join(", ")),
                &format!("{} is not one of [{}]", python_repr(value), list.join(", ")),
            );
        }
    }
}

/// A date or time of a configuration, in UTC.
pub fn moment_of(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim().trim_end_matches('Z');
    if let Ok(t) = DateTime::parse_from_str(&text.replace(' ', "T"), "%Y-%m-%dT%H:%M:%S%.f%:z") {
        return Some(t.naive_utc());
    }
    let text = text.replace(' ', "T");
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|f| NaiveDateTime::parse_from_str(&text, f).ok())
        .or_else(|| {
            NaiveDate::parse_from_str(&text, "%Y-%m-%d")
                .ok()
                .map(|d| d.and_time(NaiveTime::MIN))
        })
}

/// The begin of a model in batches as dbt keeps it: the text of a moment, whatever form it was given in.
pub fn settle_begin(kind: ResourceType, config: &mut Map<String, Value>) {
    if !in_batches(kind, config) {
        return;
    }
    let Some(Value::String(begin)) = config.get_mut("begin") else {
        return;
    };
    let given = begin.trim().replace(' ', "T");
    let zoned = DateTime::parse_from_rfc3339(&given).ok();
    let text = match (zoned, moment_of(begin)) {
        (Some(at), _) => at.format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
        (None, Some(at)) => at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        (None, None) => return,
    };
    // Python shows fractions of a second only where there are some.
    *begin = text.replacen(".000000", "", 1);
}

/// What Python calls the class of a value.
fn python_class(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn in_batches(kind: ResourceType, config: &Map<String, Value>) -> bool {
    let is = |key: &str, word: &str| config.get(key).and_then(Value::as_str) == Some(word);
    kind == ResourceType::Model
        && is("materialized", "incremental")
        && is("incremental_strategy", "microbatch")
}

/// What a model in batches fails to say, in dbt's words.
pub fn microbatch_mistakes(
    kind: ResourceType,
    name: &str,
    config: &Map<String, Value>,
) -> Vec<String> {
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    if !in_batches(kind, config) {
        return Vec::new();
    }
    let must = |what: &str| format!("Microbatch model '{name}' must provide {what}");
    let of_another_type = |key: &str, fits: fn(&Value) -> bool| {
        let value = config.get(key).filter(|v| !v.is_null() && !fits(v))?;
        Some(format!("<class '{}'>", python_class(value)))
    };
    let mut wrong = Vec::new();
    if config.get("event_time").is_none_or(Value::is_null) {
        wrong.push(must(
            "an 'event_time' (string) config that indicates the name of the event time column.",
        ));
    } else if let Some(class) = of_another_type("event_time", Value::is_string) {
        wrong.push(must(&format!(
            "an 'event_time' config of type string, but got: {class}."
        )));
    }
    if config.get("begin").is_none_or(Value::is_null) {
        wrong.push(must("a 'begin' (datetime) config that indicates the earliest timestamp the microbatch model should be built from."));
    } else if let Some(begin) = text("begin").filter(|b| moment_of(b).is_none()) {
        wrong.push(must(&format!(
            "a 'begin' config of valid datetime (ISO format), but got: {begin}."
        )));
    } else if let Some(class) = of_another_type("begin", Value::is_string) {
        wrong.push(must(&format!(
            "a 'begin' config of type datetime, but got: {class}."
        )));
    }
    if config.get("batch_size").is_none_or(Value::is_null) {
        wrong.push(must(
            "a 'batch_size' config that is one of ['hour', 'day', 'month', 'year'], but got: None.",
        ));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn known_keys_have_types_and_extra_keys_are_free() {
        let bad = object(json!({"materialized": 5, "enabled": "no", "anything": {"goes": 1}}));
        let keys: Vec<String> = validate(ResourceType::Model, &bad)
            .into_iter()
            .map(|(k, _)| k)
            .collect();
        assert_eq!(keys, ["enabled", "materialized"]);
    }

    #[test]
    fn wrong_values_are_told_in_dbts_words_too() {
        let bad = object(json!({"enabled": "True and False", "access": "open", "severity": "wrn"}));
        let said = |kind| {
            validate(kind, &bad)
                .into_iter()
                .map(|(_, s)| s)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            said(ResourceType::Model),
            [
                "`enabled` must be true or false: 'True and False' is not of type 'boolean'",
                "`access` must be private, protected or public: 'open' is not one of ['private', 'protected', 'public']",
            ]
        );
        assert!(said(ResourceType::Test)[1].starts_with("`severity` must be warn or error: 'wrn'"));
    }
}
