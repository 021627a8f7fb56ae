//! `run_results.json`, schema v6: what became of each node, in the order of completion.
use super::{Kind, Meta};
use crate::outcome::{NodeResult, Status, Timing};
use crate::report::utc;
use serde_json::{Map, Value, json};
use std::borrow::Borrow;
use std::time::Duration;

/// The results as JSON; `args` are the flags of the command, `which` among them.
pub fn run_results<R: Borrow<NodeResult>>(
    results: &[R],
    elapsed: Duration,
    args: Map<String, Value>,
    meta: &Meta,
) -> Value {
    let results: Vec<Value> = results.iter().map(|r| result(r.borrow())).collect();
    let mut out = Map::new();
    out.insert("metadata".to_string(), meta.json(Kind::RunResults).into());
    out.insert("results".to_string(), results.into());
    out.insert("elapsed_time".to_string(), elapsed.as_secs_f64().into());
    out.insert("args".to_string(), args.into());
    Value::Object(out)
}

fn result(r: &NodeResult) -> Value {
    let kind = r.unique_id.split('.').next().unwrap_or_default();
    // What has no text of its own has neither compiled text nor relation here, as in dbt.
    let has_text = !matches!(kind, "seed" | "source" | "exposure" | "saved_query");
    let tried = has_text && (kind != "unit_test" || r.status != Status::Skipped);
    let compiled = if tried {
        r.compiled.into()
    } else {
        Value::Null
    };
    let relation = r.relation_name.as_ref().filter(|_| has_text);
    json!({
        "status": r.status.as_str(),
        "timing": timings(&r.timing),
        "thread_id": r.thread_id,
        "execution_time": r.execution_time,
        "adapter_response": r.adapter_response,
        "message": r.message,
        "failures": r.failures,
        "unique_id": r.unique_id,
        "compiled": compiled,
        "compiled_code": r.compiled_code,
        "relation_name": relation,
        "batch_results": r.batch_results,
    })
}

/// The steps of a result.
pub fn timings(timings: &[Timing]) -> Value {
    timings
        .iter()
        .map(|t| {
            json!({
                "name": t.name.as_str(),
                "started_at": t.started_at.map(utc),
                "completed_at": t.completed_at.map(utc),
            })
        })
        .collect::<Vec<_>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Step;

    fn meta() -> Meta {
        let at = "2024-01-02T03:04:05.678901Z".parse().unwrap();
        Meta {
            generated_at: at,
            ..Meta::new("some-id", at, [])
        }
    }

    #[test]
    fn results_have_dbts_fields_in_dbts_order() {
        let at = meta().generated_at;
        let mut built = NodeResult::new("model.shop.orders", Status::Success);
        built.timing = vec![Timing {
            name: Step::Compile,
            started_at: Some(at),
            completed_at: None,
        }];
        built.thread_id = "Thread-1 (worker)".to_string();
        built.execution_time = 0.25;
        built.adapter_response =
            json!({"_message": "SELECT 3", "code": "SELECT", "rows_affected": 3})
                .as_object()
                .cloned()
                .unwrap();
        built.message = Some("SELECT 3".to_string());
        built.compiled = true;
        built.compiled_code = Some("select 1".to_string());
        built.relation_name = Some("\"d\".\"s\".\"orders\"".to_string());
        let skipped = NodeResult::new("unit_test.shop.orders.ut", Status::Skipped);
        let args = json!({"which": "build"}).as_object().cloned().unwrap();
        let value = run_results(
            &[built, skipped],
            Duration::from_millis(1500),
            args,
            &meta(),
        );
        insta::assert_json_snapshot!(value);
    }

    #[test]
    fn a_seed_has_neither_text_nor_relation() {
        let mut seed = NodeResult::new("seed.shop.countries", Status::Success);
        seed.relation_name = Some("x".to_string());
        let value = result(&seed);
        assert_eq!(
            (&value["compiled"], &value["relation_name"]),
            (&Value::Null, &Value::Null)
        );
    }
}
