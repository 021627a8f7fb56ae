//! Parts of semantic models, metrics and saved queries with every field that dbt's manifest gives them.
//!
//! In: JSON as written. Out: JSON in the manifest's order, with defaults filled in. Nothing here looks things up.
use crate::yaml::python_str;
use serde_json::{Map, Value, json};

/// The value of a key, null when missing.
pub(super) fn of(v: &Value, key: &str) -> Value {
    v.get(key).cloned().unwrap_or_default()
}

/// The value of a key, or another when it is missing or null.
fn or(v: &Value, key: &str, other: impl Into<Value>) -> Value {
    v.get(key)
        .filter(|x| !x.is_null())
        .cloned()
        .unwrap_or_else(|| other.into())
}

/// A word that is one of a few, which dbt takes in capitals as well.
fn word(v: &Value, key: &str) -> Value {
    match of(v, key) {
        Value::String(text) => Value::from(text.to_lowercase()),
        other => other,
    }
}

/// `config: {meta}` of a part: the semantic model's facts, overridden by the part's own.
fn config(v: &Value, meta: &Map<String, Value>) -> Value {
    let mut all = meta.clone();
    if let Some(own) = v
        .get("config")
        .and_then(|c| c.get("meta"))
        .and_then(Value::as_object)
    {
        all.extend(own.clone());
    }
    json!({ "meta": all })
}

/// An entity.
pub(super) fn entity(v: &Value, meta: &Map<String, Value>) -> Value {
    json!({
        "name": of(v, "name"),
        "type": word(v, "type"),
        "description": of(v, "description"),
        "label": of(v, "label"),
        "role": of(v, "role"),
        "expr": expr(v),
        "config": config(v, meta),
    })
}

/// `expr`, as text also when it was written as a number.
fn expr(v: &Value) -> Value {
    match of(v, "expr") {
        Value::Null => Value::Null,
        other => Value::from(python_str(&other)),
    }
}

/// A dimension.
pub(super) fn dimension(v: &Value, meta: &Map<String, Value>) -> Value {
    let params = match v.get("type_params").filter(|p| !p.is_null()) {
        Some(p) => json!({
            "time_granularity": match word(p, "time_granularity") {
                Value::Null => Value::from("day"),
                grain => grain,
            },
            "validity_params": p.get("validity_params").filter(|x| !x.is_null()).map_or(Value::Null, |x| {
                json!({"is_start": or(x, "is_start", false), "is_end": or(x, "is_end", false)})
            }),
        }),
        None => Value::Null,
    };
    json!({
        "name": of(v, "name"),
        "type": word(v, "type"),
        "description": of(v, "description"),
        "label": of(v, "label"),
        "is_partition": or(v, "is_partition", false),
        "type_params": params,
        "expr": expr(v),
        "metadata": null,
        "config": config(v, meta),
    })
}

/// A measure. `create_metric` is done with once the metric is there.
pub(super) fn measure(v: &Value, meta: &Map<String, Value>) -> Value {
    let params = v
        .get("agg_params")
        .filter(|p| !p.is_null())
        .map_or(Value::Null, |p| {
            json!({
                "percentile": of(p, "percentile"),
                "use_discrete_percentile": or(p, "use_discrete_percentile", false),
                "use_approximate_percentile": or(p, "use_approximate_percentile", false),
            })
        });
    let additive = v
        .get("non_additive_dimension")
        .filter(|p| !p.is_null())
        .map_or(Value::Null, |p| {
            json!({
                "name": of(p, "name"),
                "window_choice": or(p, "window_choice", "min"),
                "window_groupings": or(p, "window_groupings", json!([])),
            })
        });
    json!({
        "name": of(v, "name"),
        "agg": word(v, "agg"),
        "description": of(v, "description"),
        "label": of(v, "label"),
        "create_metric": false,
        "expr": expr(v),
        "agg_params": params,
        "non_additive_dimension": additive,
        "agg_time_dimension": of(v, "agg_time_dimension"),
        "config": config(v, meta),
    })
}

/// One or several conditions.
pub(super) fn filter(v: &Value) -> Value {
    let list: Vec<Value> = match v {
        Value::Null => return Value::Null,
        Value::Array(items) => items.clone(),
        Value::Object(map) if map.contains_key("where_filters") => return v.clone(),
        one => vec![one.clone()],
    };
    let list: Vec<Value> = list
        .iter()
        .map(|x| json!({"where_sql_template": python_str(x)}))
        .collect();
    json!({ "where_filters": list })
}

/// `7 days` as a count and a granularity; null for anything else.
pub(super) fn window(v: &Value) -> Value {
    let Some(text) = v.as_str() else {
        return v.clone();
    };
    let mut words = text.split_whitespace();
    let (Some(count), Some(grain), None) = (
        words.next().and_then(|w| w.parse::<i64>().ok()),
        words.next(),
        words.next(),
    ) else {
        return Value::Null;
    };
    let grain = grain.to_lowercase();
    let grain = grain.strip_suffix('s').unwrap_or(&grain);
    json!({"count": count, "granularity": grain})
}

/// A measure that a metric takes.
pub(super) fn input_measure(v: &Value) -> Value {
    match v {
        Value::Null => Value::Null,
        Value::Object(_) => json!({
            "name": of(v, "name"),
            "filter": filter(&of(v, "filter")),
            "alias": of(v, "alias"),
            "join_to_timespine": or(v, "join_to_timespine", false),
            "fill_nulls_with": of(v, "fill_nulls_with"),
        }),
        name => input_measure(&json!({ "name": name })),
    }
}

/// A metric that a metric takes.
pub(super) fn input_metric(v: &Value) -> Value {
    match v {
        Value::Null => Value::Null,
        Value::Object(_) => json!({
            "name": of(v, "name"),
            "filter": filter(&of(v, "filter")),
            "alias": of(v, "alias"),
            "offset_window": window(&of(v, "offset_window")),
            "offset_to_grain": of(v, "offset_to_grain"),
        }),
        name => input_metric(&json!({ "name": name })),
    }
}

/// `type_params` of a metric, without `input_measures`, which need all metrics.
pub(super) fn type_params(kind: &str, v: &Value) -> Value {
    let metrics: Vec<Value> = v
        .get("metrics")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(input_metric)
        .collect();
    let conversion = v
        .get("conversion_type_params")
        .filter(|p| !p.is_null())
        .map_or(Value::Null, |p| {
            json!({
                "base_measure": input_measure(&of(p, "base_measure")),
                "conversion_measure": input_measure(&of(p, "conversion_measure")),
                "entity": of(p, "entity"),
                "calculation": or(p, "calculation", "conversion_rate"),
                "window": window(&of(p, "window")),
                "constant_properties": of(p, "constant_properties"),
            })
        });
    let cumulative = if kind == "cumulative" {
        let p = or(v, "cumulative_type_params", json!({}));
        let either = |key: &str| match of(&p, key) {
            Value::Null => of(v, key),
            other => other,
        };
        json!({
            "window": window(&either("window")),
            "grain_to_date": either("grain_to_date"),
            "period_agg": or(&p, "period_agg", "first"),
            "metric": input_metric(&of(&p, "metric")),
        })
    } else {
        Value::Null
    };
    json!({
        "measure": input_measure(&of(v, "measure")),
        "input_measures": [],
        "numerator": input_metric(&of(v, "numerator")),
        "denominator": input_metric(&of(v, "denominator")),
        "expr": expr(v),
        "window": window(&of(v, "window")),
        "grain_to_date": of(v, "grain_to_date"),
        "metrics": metrics,
        "conversion_type_params": conversion,
        "cumulative_type_params": cumulative,
        "metric_aggregation_params": null,
    })
}

/// `query_params` of a saved query.
pub(super) fn query_params(v: &Value) -> Value {
    json!({
        "metrics": or(v, "metrics", json!([])),
        "group_by": or(v, "group_by", json!([])),
        "where": filter(&of(v, "where")),
        "order_by": or(v, "order_by", json!([])),
        "limit": of(v, "limit"),
    })
}

/// An export of a saved query; what it does not say comes from the query's configuration and the target.
pub(super) fn export(v: &Value, query: &Map<String, Value>, schema: &str, database: &str) -> Value {
    let written = or(v, "config", json!({}));
    let said = |key: &str| {
        written
            .get(key)
            .or(query.get(key))
            .filter(|x| !x.is_null())
            .cloned()
    };
    json!({
        "name": of(v, "name"),
        "config": {
            "export_as": said("export_as").unwrap_or_else(|| "table".into()),
            "schema_name": said("schema").unwrap_or_else(|| schema.into()),
            "alias": said("alias").unwrap_or_else(|| of(v, "name")),
            "database": said("database").unwrap_or_else(|| database.into()),
        },
        "unrendered_config": written,
    })
}

/// The measures that a metric is made of in the end, each as the metric takes it, in order and each once.
pub(super) fn input_measures(
    params: &Value,
    metric: &dyn Fn(&str) -> Option<Value>,
    depth: usize,
) -> Vec<Value> {
    // A circle of metrics is told elsewhere.
    if depth > 32 {
        return Vec::new();
    }
    let mut out: Vec<Value> = Vec::new();
    let mut add = |v: Value| {
        if !v.is_null() && !out.contains(&v) {
            out.push(v);
        }
    };
    add(of(params, "measure"));
    let conversion = of(params, "conversion_type_params");
    add(of(&conversion, "base_measure"));
    add(of(&conversion, "conversion_measure"));
    let mut inputs = vec![
        of(params, "numerator"),
        of(params, "denominator"),
        of(&of(params, "cumulative_type_params"), "metric"),
    ];
    if let Value::Array(more) = of(params, "metrics") {
        inputs.extend(more);
    }
    for input in inputs {
        let below = input.get("name").and_then(Value::as_str).and_then(metric);
        for m in below.map_or_else(Vec::new, |p| input_measures(&p, metric, depth + 1)) {
            add(m);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_filters_have_one_form() {
        assert_eq!(
            window(&json!("7 days")),
            json!({"count": 7, "granularity": "day"})
        );
        assert_eq!(
            window(&json!("1 month")),
            json!({"count": 1, "granularity": "month"})
        );
        assert_eq!(window(&json!("soon")), Value::Null);
        assert_eq!(
            filter(&json!("a > 1")),
            json!({"where_filters": [{"where_sql_template": "a > 1"}]})
        );
        assert_eq!(filter(&Value::Null), Value::Null);
    }

    #[test]
    fn an_input_may_be_a_name_or_a_mapping() {
        assert_eq!(
            input_metric(&json!("a")),
            input_metric(&json!({"name": "a"}))
        );
        assert_eq!(
            input_measure(&json!("a")),
            json!({"name": "a", "filter": null, "alias": null, "join_to_timespine": false, "fill_nulls_with": null})
        );
    }

    #[test]
    fn cumulative_settings_are_read_in_the_old_and_the_new_place() {
        let old = type_params(
            "cumulative",
            &json!({"measure": "m", "grain_to_date": "month"}),
        );
        let new = type_params(
            "cumulative",
            &json!({"measure": "m", "cumulative_type_params": {"grain_to_date": "month"}}),
        );
        assert_eq!(old["cumulative_type_params"], new["cumulative_type_params"]);
        assert_eq!(old["cumulative_type_params"]["period_agg"], "first");
    }
}
