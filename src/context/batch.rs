//! One batch of a microbatch model, as templates see it.
use crate::jinja::python::Dict;
use chrono::{DateTime, Utc};
use minijinja::value::Value;
use serde_json::Value as Json;
use std::collections::HashMap;

/// A window of time that a model is run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// `20240131`, `20240131T23`.
    pub id: String,
    /// `2024-01-31`, `2024-01-31T23`.
    pub name: String,
    /// First moment.
    pub start: DateTime<Utc>,
    /// First moment after it.
    pub end: DateTime<Utc>,
    /// Whether it is the first of the run, which the pre-hooks go with.
    pub first: bool,
    /// Whether it is the last, which the post-hooks go with.
    pub last: bool,
    /// Whether it adds to a table that is there.
    pub incremental: bool,
}

/// A moment as filters and configurations show it.
fn text(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S+00:00").to_string()
}

impl Batch {
    /// Names for the templates: the window of the inputs, and what `is_incremental` says.
    pub fn names(&self) -> HashMap<String, Value> {
        let mut names = HashMap::new();
        let window = [("start", text(&self.start)), ("end", text(&self.end))];
        names.insert(
            "__batch".to_string(),
            Value::from(std::collections::BTreeMap::from(window)),
        );
        let own = [
            ("id", Value::from(self.id.as_str())),
            ("event_time_start", super::values::moment_plain(&self.start)),
            ("event_time_end", super::values::moment_plain(&self.end)),
        ];
        names.insert(
            "__model_batch".to_string(),
            Dict::value(own.into_iter().map(|(k, v)| (Value::from(k), v)).collect()),
        );
        if self.incremental {
            names.insert("is_incremental".into(), Value::from_function(|| true));
            names.insert("should_full_refresh".into(), Value::from_function(|| false));
        }
        names
    }

    /// What a batch changes in the configuration of its model.
    pub fn configure(&self, config: &mut serde_json::Map<String, Json>) {
        for (key, at) in [("start", &self.start), ("end", &self.end)] {
            config.insert(
                format!("__dbt_internal_microbatch_event_time_{key}"),
                Json::from(text(at)),
            );
        }
        for (key, kept) in [("pre-hook", self.first), ("post-hook", self.last)] {
            if !kept {
                config.insert(key.into(), Json::Array(Vec::new()));
            }
        }
    }
}
