//! `sources.json`, schema v3: how fresh the sources are.
use super::metadata::offset_time;
use super::run_results::timings;
use super::{Kind, Meta};
use crate::outcome::{AgeLimit, FreshnessResult, Status};
use serde_json::{Map, Value, json};
use std::borrow::Borrow;
use std::time::Duration;

/// The results of freshness checks as JSON; checks that could not be run are left out, as dbt leaves them out.
pub fn sources<R: Borrow<FreshnessResult>>(results: &[R], elapsed: Duration, meta: &Meta) -> Value {
    let results: Vec<Value> = results.iter().filter_map(|r| result(r.borrow())).collect();
    let mut out = Map::new();
    out.insert("metadata".to_string(), meta.json(Kind::Sources).into());
    out.insert("results".to_string(), results.into());
    out.insert("elapsed_time".to_string(), elapsed.as_secs_f64().into());
    Value::Object(out)
}

fn result(r: &FreshnessResult) -> Option<Value> {
    if r.status == Status::RuntimeError {
        return None;
    }
    Some(json!({
        "unique_id": r.unique_id,
        "max_loaded_at": r.max_loaded_at.map(offset_time),
        "snapshotted_at": r.snapshotted_at.map(offset_time),
        "max_loaded_at_time_ago_in_s": r.age(),
        "status": r.status.as_str(),
        "criteria": {
            "warn_after": limit(r.criteria.warn_after.as_ref()),
            "error_after": limit(r.criteria.error_after.as_ref()),
            "filter": r.criteria.filter,
        },
        "adapter_response": r.adapter_response,
        "timing": timings(&r.timing),
        "thread_id": r.thread_id,
        "execution_time": r.execution_time,
    }))
}

fn limit(limit: Option<&AgeLimit>) -> Value {
    limit.map_or(
        Value::Null,
        |l| json!({"count": l.count, "period": l.period}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::FreshnessCriteria;

    #[test]
    fn checks_that_failed_are_left_out() {
        let at = "2024-01-02T03:04:05Z".parse().unwrap();
        let fresh = FreshnessResult {
            unique_id: "source.shop.raw.orders".to_string(),
            status: Status::Warn,
            max_loaded_at: Some("2024-01-01T03:04:04.5Z".parse().unwrap()),
            snapshotted_at: Some(at),
            criteria: FreshnessCriteria {
                warn_after: Some(AgeLimit {
                    count: Some(1),
                    period: Some("day".to_string()),
                }),
                error_after: None,
                filter: Some("id > 0".to_string()),
            },
            adapter_response: Map::new(),
            timing: Vec::new(),
            thread_id: "Thread-1 (worker)".to_string(),
            execution_time: 0.5,
            message: None,
            diagnostic: None,
        };
        let failed = FreshnessResult {
            unique_id: "source.shop.raw.missing".to_string(),
            status: Status::RuntimeError,
            max_loaded_at: None,
            snapshotted_at: None,
            message: Some("Database Error".to_string()),
            ..fresh.clone()
        };
        let meta = Meta {
            generated_at: at,
            ..Meta::new("some-id", at, [])
        };
        let value = sources(&[fresh, failed], Duration::from_secs(1), &meta);
        insta::assert_json_snapshot!(value);
    }
}
