//! The semantic manifest: what programs that answer metrics read of a project. In: the manifest as JSON. Out: its
//! semantic models, metrics and saved queries, reduced to the fields of that file, and where the project's days are.
use serde_json::{Map, Value, json};

/// The version of the format that the file follows.
const FORMAT: [&str; 3] = ["0", "9", "0"];

const ENTITY: &[&str] = &[
    "name",
    "description",
    "type",
    "role",
    "expr",
    "metadata",
    "label",
    "config",
];
const MEASURE: &[&str] = &[
    "name",
    "agg",
    "description",
    "create_metric",
    "expr",
    "agg_params",
    "metadata",
    "non_additive_dimension",
    "agg_time_dimension",
    "label",
    "config",
];
const DIMENSION: &[&str] = &[
    "name",
    "description",
    "type",
    "is_partition",
    "type_params",
    "expr",
    "metadata",
    "label",
    "config",
];
const MODEL: &[&str] = &[
    "name",
    "defaults",
    "description",
    "node_relation",
    "primary_entity",
    "entities",
    "measures",
    "dimensions",
    "label",
    "metadata",
    "config",
];
const METRIC: &[&str] = &[
    "name",
    "description",
    "type",
    "type_params",
    "filter",
    "metadata",
    "label",
    "config",
    "time_granularity",
];
const METRIC_PARAMS: &[&str] = &[
    "measure",
    "numerator",
    "denominator",
    "expr",
    "window",
    "grain_to_date",
    "metrics",
    "conversion_type_params",
    "cumulative_type_params",
    "input_measures",
];
const CUMULATIVE: &[&str] = &["window", "grain_to_date", "period_agg"];
const QUERY: &[&str] = &[
    "name",
    "query_params",
    "description",
    "metadata",
    "label",
    "exports",
    "tags",
];
const QUERY_PARAMS: &[&str] = &["metrics", "group_by", "order_by", "limit", "where"];
const EXPORT: &[&str] = &["export_as", "schema_name", "alias"];

/// `semantic_manifest.json` of a manifest.
pub fn semantic_manifest(manifest: &Value) -> Value {
    json!({
        "semantic_models": each(manifest, "semantic_models", model),
        "metrics": each(manifest, "metrics", metric),
        "project_configuration": configuration(manifest),
        "saved_queries": each(manifest, "saved_queries", query),
    })
}

fn each(manifest: &Value, part: &str, of: fn(&Value) -> Value) -> Vec<Value> {
    manifest[part]
        .as_object()
        .map(|m| m.values().map(of).collect())
        .unwrap_or_default()
}

/// These fields in this order; null where one is missing. Of a configuration only `meta` is kept.
fn only(v: &Value, fields: &[&str]) -> Map<String, Value> {
    let one = |field: &&str| {
        let value = match *field {
            "config" => {
                json!({"meta": v["config"].get("meta").cloned().unwrap_or_else(|| json!({}))})
            }
            field => v[field].clone(),
        };
        ((*field).to_string(), value)
    };
    fields.iter().map(one).collect()
}

fn list(v: &Value, fields: &[&str]) -> Value {
    let list = v.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|x| Value::Object(only(x, fields)))
        .collect()
}

fn model(v: &Value) -> Value {
    let mut out = only(v, MODEL);
    for (part, fields) in [
        ("entities", ENTITY),
        ("measures", MEASURE),
        ("dimensions", DIMENSION),
    ] {
        out.insert(part.into(), list(&v[part], fields));
    }
    Value::Object(out)
}

fn metric(v: &Value) -> Value {
    let mut out = only(v, METRIC);
    let mut params = only(&v["type_params"], METRIC_PARAMS);
    if let Some(cumulative) = params
        .get_mut("cumulative_type_params")
        .filter(|c| c.is_object())
    {
        *cumulative = Value::Object(only(cumulative, CUMULATIVE));
    }
    out.insert("type_params".into(), Value::Object(params));
    Value::Object(out)
}

fn query(v: &Value) -> Value {
    let mut out = only(v, QUERY);
    out.insert(
        "query_params".into(),
        Value::Object(only(&v["query_params"], QUERY_PARAMS)),
    );
    let exports = v["exports"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let exports = exports.iter().map(|e| {
        let config: Map<String, Value> = EXPORT
            .iter()
            .map(|f| ((*f).to_string(), e["config"][*f].clone()))
            .collect();
        json!({"name": e["name"], "config": config})
    });
    out.insert("exports".into(), exports.collect());
    Value::Object(out)
}

/// Where the project's days are: models with `time_spine`, and the model that is known by its name alone.
fn configuration(manifest: &Value) -> Value {
    let has_models = manifest["semantic_models"]
        .as_object()
        .is_some_and(|m| !m.is_empty());
    let nodes = manifest["nodes"].as_object().filter(|_| has_models);
    let models = || {
        nodes
            .into_iter()
            .flat_map(Map::values)
            .filter(|n| n["resource_type"] == "model")
    };
    let by_name: Vec<Value> = models()
        .filter(|n| n["name"] == "metricflow_time_spine")
        .map(|n| json!({"location": n["relation_name"], "column_name": "date_day", "grain": "day"}))
        .collect();
    let spines: Vec<Value> = models().filter_map(spine).collect();
    json!({
        "time_spine_table_configurations": by_name,
        "metadata": null,
        "dsi_package_version": {
            "major_version": FORMAT[0],
            "minor_version": FORMAT[1],
            "patch_version": FORMAT[2],
        },
        "time_spines": spines,
    })
}

fn spine(n: &Value) -> Option<Value> {
    let spine = n["time_spine"].as_object()?;
    let column = spine.get("standard_granularity_column")?.as_str()?;
    let mut custom: Vec<Value> = Vec::new();
    for c in spine
        .get("custom_granularities")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
    {
        custom.push(json!({"name": c["name"], "column_name": c["column_name"]}));
    }
    Some(json!({
        "node_relation": {
            "alias": n["alias"],
            "schema_name": n["schema"],
            "database": n["database"],
            "relation_name": n["relation_name"],
        },
        "primary_column": {
            "name": column,
            "time_granularity": n["columns"][column]["granularity"],
        },
        "custom_granularities": custom,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields as observed with dbt-core 1.10.
    #[test]
    fn parts_are_reduced_to_the_fields_of_the_file() {
        let manifest = json!({
            "nodes": {
                "model.p.days": {
                    "resource_type": "model", "name": "days", "alias": "days", "schema": "s", "database": "d",
                    "relation_name": "\"d\".\"s\".\"days\"",
                    "columns": {"day": {"name": "day", "granularity": "day"}},
                    "time_spine": {
                        "standard_granularity_column": "day",
                        "custom_granularities": [{"name": "week_no", "column_name": null, "more": 1}],
                    },
                },
                "test.p.t": {"resource_type": "test", "name": "metricflow_time_spine"},
            },
            "semantic_models": {"semantic_model.p.s": {
                "name": "s", "unique_id": "semantic_model.p.s", "config": {"enabled": true, "meta": {"a": 1}},
                "entities": [{"name": "e", "type": "primary", "config": {"meta": {}}, "other": true}],
                "measures": [], "dimensions": [],
            }},
            "metrics": {"metric.p.m": {
                "name": "m", "type": "cumulative",
                "type_params": {"cumulative_type_params": {"window": null, "grain_to_date": "month", "period_agg": "first", "metric": null}},
            }},
            "saved_queries": {"saved_query.p.q": {
                "name": "q", "query_params": {"metrics": ["m"], "more": 1},
                "exports": [{"name": "x", "config": {"export_as": "table", "schema_name": "s", "alias": "x", "database": "d"}}],
            }},
        });
        let out = semantic_manifest(&manifest);
        assert_eq!(
            out["semantic_models"][0]["entities"],
            json!([{
                "name": "e", "description": null, "type": "primary", "role": null, "expr": null, "metadata": null,
                "label": null, "config": {"meta": {}},
            }])
        );
        assert_eq!(
            out["semantic_models"][0]["config"],
            json!({"meta": {"a": 1}})
        );
        assert_eq!(
            out["metrics"][0]["type_params"]["cumulative_type_params"],
            json!({"window": null, "grain_to_date": "month", "period_agg": "first"})
        );
        assert_eq!(
            out["saved_queries"][0]["exports"],
            json!([{"name": "x", "config": {"export_as": "table", "schema_name": "s", "alias": "x"}}])
        );
        let project = &out["project_configuration"];
        assert_eq!(project["time_spine_table_configurations"], json!([]));
        assert_eq!(
            project["time_spines"],
            json!([{
                "node_relation": {"alias": "days", "schema_name": "s", "database": "d", "relation_name": "\"d\".\"s\".\"days\""},
                "primary_column": {"name": "day", "time_granularity": "day"},
                "custom_granularities": [{"name": "week_no", "column_name": null}],
            }])
        );
    }
}
