//! What all artefacts say of the run that made them.
use super::Kind;
use crate::report::{DBT_VERSION, utc};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// dbt's prefix of the names of environment variables that are kept in artefacts.
const CUSTOM_ENV: &str = "DBT_ENV_CUSTOM_ENV_";

/// The run that makes an artefact.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// Identifies the run.
    pub invocation_id: String,
    /// When the command began.
    pub invocation_started_at: DateTime<Utc>,
    /// When the artefact was made.
    pub generated_at: DateTime<Utc>,
    /// Values of the environment variables `DBT_ENV_CUSTOM_ENV_…`, by the rest of their names.
    pub env: BTreeMap<String, String>,
}

impl Meta {
    /// A run that began just now, in this environment.
    pub fn new(
        invocation_id: impl Into<String>,
        started: DateTime<Utc>,
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let env = vars
            .into_iter()
            .filter_map(|(k, v)| Some((k.strip_prefix(CUSTOM_ENV)?.to_string(), v)))
            .collect();
        Self {
            invocation_id: invocation_id.into(),
            invocation_started_at: started,
            generated_at: Utc::now(),
            env,
        }
    }

    /// The `metadata` of an artefact.
    pub(super) fn json(&self, kind: Kind) -> Map<String, Value> {
        let env: Map<String, Value> = self
            .env
            .iter()
            .map(|(k, v)| (k.clone(), Value::from(v.as_str())))
            .collect();
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| {
            out.insert(key.to_string(), value);
        };
        put("dbt_schema_version", kind.schema_url().into());
        put("dbt_version", DBT_VERSION.into());
        put("generated_at", utc(self.generated_at).into());
        put("invocation_id", self.invocation_id.as_str().into());
        put(
            "invocation_started_at",
            utc(self.invocation_started_at).into(),
        );
        put("env", env.into());
        out
    }
}

/// A time with an offset, as dbt writes times of the database.
pub(super) fn offset_time(at: DateTime<Utc>) -> String {
    // As Python's `isoformat`: no fraction where there is none.
    let form = if at.timestamp_subsec_micros() == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Micros
    };
    at.to_rfc3339_opts(form, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_custom_variables_are_kept_without_their_prefix() {
        let vars = [("DBT_ENV_CUSTOM_ENV_TEAM", "data"), ("HOME", "/root")]
            .map(|(k, v)| (k.to_string(), v.to_string()));
        let meta = Meta::new("id", Utc::now(), vars);
        assert_eq!(
            meta.json(Kind::Catalog)["env"],
            serde_json::json!({"TEAM": "data"})
        );
    }

    #[test]
    fn offsets_are_written_out() {
        let at = "2024-01-02T03:04:05.6Z".parse().unwrap();
        assert_eq!(offset_time(at), "2024-01-02T03:04:05.600000+00:00");
    }
}
