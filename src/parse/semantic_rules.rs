//! The rules of dbt's semantic layer over whole models and metrics. In: the manifest. Out: mistakes.
use super::semantic_checks::{GRAINS, PARTS, items, name, text, wrong};
use crate::diag::Diagnostic;
use crate::graph::{Manifest, SemanticEntry};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with semantic models, one by one and beside each other.
pub(super) fn models(manifest: &Manifest, said: &mut Vec<Diagnostic>) {
    for model in manifest.semantic_models.values() {
        primary_entity(model, said);
        natural_entity(model, said);
        for measure in items(model, "measures") {
            aggregation(model, measure, said);
            time_of_measure(model, measure, said);
        }
        if let Some(default) = model
            .fields
            .get("defaults")
            .and_then(|d| text(d, "agg_time_dimension"))
            && !is_time(model, default)
        {
            let message = format!(
                "Default aggregation time dimension was specified as '{default}' which doesn't exist as a time dimension in semantic model named '{}'.",
                model.name
            );
            said.push(wrong(model, "defaults.agg_time_dimension", message));
        }
        labels(model, said);
    }
    beside_each_other(manifest, said);
}

fn is_time(model: &SemanticEntry, name: &str) -> bool {
    let found = items(model, "dimensions").find(|d| d["name"] == name);
    found.is_some_and(|d| d["type"] == "time")
}

/// The entity that tells the rows of a semantic model apart.
fn primary(model: &SemanticEntry) -> Option<&str> {
    let own = model.fields.get("primary_entity").and_then(Value::as_str);
    let entity = || items(model, "entities").find(|e| e["type"] == "primary");
    own.or_else(|| entity().and_then(|e| text(e, "name")))
}

fn primary_entity(model: &SemanticEntry, said: &mut Vec<Diagnostic>) {
    let of_type: Vec<&str> = items(model, "entities")
        .filter(|e| e["type"] == "primary")
        .filter_map(|e| text(e, "name"))
        .collect();
    let own = model.fields.get("primary_entity").and_then(Value::as_str);
    let message = match (of_type.as_slice(), own) {
        ([_, second, ..], _) => {
            let path = format!("entities.{second}");
            let message = format!(
                "Semantic models can have only one primary entity. The semantic model `{}` has {}: {}",
                model.name,
                of_type.len(),
                of_type.join(", ")
            );
            return said.push(wrong(model, &path, message));
        }
        ([one], Some(own)) => format!(
            "The semantic model `{}` has the primary entity `{one}`, and `primary_entity: {own}` beside it",
            model.name
        ),
        ([], None) if items(model, "dimensions").next().is_some() => format!(
            "The semantic model {} contains dimensions, but it does not define a primary entity.",
            model.name
        ),
        _ => return,
    };
    said.push(
        wrong(model, "primary_entity", message)
            .help("give one entity the type `primary`, or write `primary_entity:`"),
    );
}

fn natural_entity(model: &SemanticEntry, said: &mut Vec<Diagnostic>) {
    let windows =
        items(model, "dimensions").any(|d| !d["type_params"]["validity_params"].is_null());
    let natural: Vec<&str> = items(model, "entities")
        .filter(|e| e["type"] == "natural")
        .filter_map(|e| text(e, "name"))
        .collect();
    let Some(first) = natural.first() else {
        if windows {
            let message = format!(
                "Semantic model {} has dimensions with a window (`validity_params`), but no entity of the type `natural`",
                model.name
            );
            said.push(wrong(model, "entities", message));
        }
        return;
    };
    let path = format!("entities.{first}");
    if natural.len() > 1 {
        let message = format!(
            "semantic model `{}` has more than one natural entity",
            model.name
        );
        said.push(wrong(model, &path, message));
    }
    if !windows {
        let message = format!(
            "semantic model `{}` has a natural entity, which works only with dimensions that have a window (`validity_params`)",
            model.name
        );
        said.push(wrong(model, &path, message));
    }
}

/// `agg` and what belongs to it.
fn aggregation(model: &SemanticEntry, measure: &Value, said: &mut Vec<Diagnostic>) {
    let own = text(measure, "name").unwrap_or_default();
    let agg = text(measure, "agg").unwrap_or_default().to_lowercase();
    let path = format!("measures.{own}");
    if agg == "count" {
        match text(measure, "expr") {
            None => said.push(
                wrong(
                    model,
                    &path,
                    format!("Measure '{own}' uses a COUNT aggregation, which requires an expr to be provided."),
                )
                .help("write `expr: 1` to count all rows"),
            ),
            Some(expr) if expr.to_lowercase().starts_with("distinct ") => said.push(
                wrong(
                    model,
                    &format!("{path}.expr"),
                    format!("Measure '{own}' uses a 'count' aggregation with a DISTINCT expr: '{expr}'"),
                )
                .help("use `agg: count_distinct`"),
            ),
            Some(_) => {}
        }
    }
    if agg == "percentile" {
        let share = measure["agg_params"]["percentile"].as_f64();
        if share.is_none_or(|p| p <= 0.0 || p >= 1.0) {
            let message = format!(
                "Measure '{own}' uses a PERCENTILE aggregation, which requires agg_params.percentile between 0 and 1"
            );
            said.push(wrong(model, &path, message));
        }
    }
}

/// The time along which a measure is summed up, and the dimension along which it must not be.
fn time_of_measure(model: &SemanticEntry, measure: &Value, said: &mut Vec<Diagnostic>) {
    let own = text(measure, "name").unwrap_or_default();
    let path = format!("measures.{own}");
    let default = model
        .fields
        .get("defaults")
        .and_then(|d| text(d, "agg_time_dimension"));
    match text(measure, "agg_time_dimension").or(default) {
        None => said.push(
            wrong(
                model,
                &path,
                format!(
                    "Aggregation time dimension for measure {own} on semantic model {} is not set!",
                    model.name
                ),
            )
            .help("write `agg_time_dimension:` at the measure, or below `defaults:` of the semantic model"),
        ),
        Some(time) if !is_time(model, time) => said.push(wrong(
            model,
            &path,
            format!(
                "In semantic model '{}', measure '{own}' has the aggregation time dimension set to '{time}', which is not a valid time dimension in the semantic model",
                model.name
            ),
        )),
        Some(_) => {}
    }
    let additive = &measure["non_additive_dimension"];
    if additive.is_null() {
        return;
    }
    let dimension = text(additive, "name").unwrap_or_default();
    let entities: BTreeSet<&str> = items(model, "entities")
        .filter_map(|e| text(e, "name"))
        .collect();
    let groupings = additive["window_groupings"].as_array();
    let strangers = groupings.into_iter().flatten().filter_map(Value::as_str);
    let why = if !is_time(model, dimension) {
        format!("'{dimension}' is no time dimension of the semantic model")
    } else if !matches!(text(additive, "window_choice"), Some("min" | "max")) {
        "`window_choice` is `min` or `max`".to_string()
    } else if let Some(entity) = { strangers }.find(|e| !entities.contains(e)) {
        format!("'{entity}' of its `window_groupings` is no entity of the semantic model")
    } else {
        return;
    };
    let path = format!("{path}.non_additive_dimension");
    said.push(wrong(
        model,
        &path,
        format!("the non_additive_dimension of measure '{own}': {why}"),
    ));
}

/// Labels tell things apart.
fn labels(model: &SemanticEntry, said: &mut Vec<Diagnostic>) {
    for (key, kind) in PARTS {
        let mut seen = BTreeSet::new();
        for part in items(model, key) {
            if let Some(label) = text(part, "label").filter(|label| !seen.insert(*label)) {
                let path = format!("{key}.{}", text(part, "name").unwrap_or_default());
                let message = format!(
                    "The label `{label}` is given to more than one {kind} of semantic model `{}`",
                    model.name
                );
                said.push(wrong(model, &path, message));
            }
        }
    }
}

/// What semantic models must not say differently, or both.
fn beside_each_other(manifest: &Manifest, said: &mut Vec<Diagnostic>) {
    let mut kinds: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut measures: BTreeMap<&str, &str> = BTreeMap::new();
    let mut dimensions: BTreeMap<&str, (&Value, bool)> = BTreeMap::new();
    let mut pairs: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut of_models: BTreeMap<&str, &str> = BTreeMap::new();
    let mut of_entities: BTreeMap<&str, &str> = BTreeMap::new();
    for model in manifest.semantic_models.values() {
        let label = model.fields.get("label").and_then(Value::as_str);
        if let Some(other) = label.and_then(|l| of_models.insert(l, &model.name)) {
            let message = format!(
                "the label of semantic model `{}` is that of `{other}` already",
                model.name
            );
            said.push(wrong(model, "label", message));
        }
        let parts = PARTS
            .iter()
            .flat_map(|(key, kind)| items(model, key).map(move |p| (key, kind, p)));
        for (key, kind, part) in parts {
            let Some(own) = text(part, "name") else {
                continue;
            };
            let mut tell =
                |message: String| said.push(wrong(model, &format!("{key}.{own}"), message));
            let (first, there) = *kinds.entry(own).or_insert((kind, &model.name));
            if first != *kind && there != model.name {
                tell(format!(
                    "`{own}` is a {kind} of semantic model `{}`, but a {first} of `{there}`",
                    model.name
                ));
            }
            if let Some(label) = text(part, "label").filter(|_| *kind == "entity")
                && *of_entities.entry(own).or_insert(label) != label
            {
                tell(format!(
                    "entity `{own}` has another label in another semantic model"
                ));
            }
            if *kind == "measure"
                && let Some(other) = measures.insert(own, &model.name)
            {
                tell(format!(
                    "Found measure with name {own} in multiple semantic models: `{other}`, `{}`",
                    model.name
                ));
            }
            if *kind != "dimension" {
                continue;
            }
            let partition = part["is_partition"] == true;
            let (first, was_partition) =
                *dimensions.entry(own).or_insert((&part["type"], partition));
            if *first != part["type"] || was_partition != partition {
                tell(format!(
                    "dimension `{own}` has another type, or another `is_partition`, in another semantic model"
                ));
            }
            let pair = primary(model).and_then(|p| pairs.insert((p, own), &model.name));
            if let Some(other) = pair.filter(|other| *other != model.name) {
                tell(format!(
                    "semantic model `{}` has the primary entity and the dimension `{own}` of `{other}`: no query could tell them apart",
                    model.name
                ));
            }
        }
    }
}

/// What is wrong with metrics.
pub(super) fn metrics(manifest: &Manifest, said: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for metric in manifest.metrics.values() {
        let label = metric.fields.get("label").and_then(Value::as_str);
        if let Some(other) = label.and_then(|l| seen.insert(l, &metric.name)) {
            let message = format!(
                "Can't use label `{}` for metric `{}` as it's already used for metric `{other}`",
                label.unwrap_or_default(),
                metric.name
            );
            said.push(wrong(metric, "label", message));
        }
        // A metric that `create_metric` made has no places of its own.
        if metric.places.contains_key("name") && !metric.places.contains_key("label") {
            let message = format!("metric `{}` has no `label`", metric.name);
            said.push(wrong(metric, "name", message));
        }
        if let Some(filter) = metric.fields.get("filter") {
            conditions(metric, filter, said);
        }
        let Some(params) = metric.fields.get("type_params") else {
            continue;
        };
        conditions(metric, &params["measure"]["filter"], said);
        match metric.fields.get("type").and_then(Value::as_str) {
            Some("derived") => derived(metric, params, said),
            Some("cumulative") => cumulative(metric, params, said),
            Some("conversion") => conversion(manifest, metric, params, said),
            _ => {}
        }
    }
}

/// Dimensions in conditions go by the entity through which they are reached.
fn conditions(metric: &SemanticEntry, filter: &Value, said: &mut Vec<Diagnostic>) {
    let list = filter["where_filters"].as_array().into_iter().flatten();
    for condition in list.filter_map(|c| text(c, "where_sql_template")) {
        for (_, rest) in condition
            .match_indices("Dimension(")
            .map(|(i, w)| condition.split_at(i + w.len()))
        {
            let rest = rest.trim_start();
            let Some(quote) = rest.chars().next().filter(|c| ['\'', '"'].contains(c)) else {
                continue;
            };
            let Some((own, _)) = rest[1..].split_once(quote) else {
                continue;
            };
            if !own.contains("__") && own != "metric_time" {
                let message = format!(
                    "the filter of metric `{}` names the dimension `{own}` without its entity",
                    metric.name
                );
                said.push(
                    wrong(metric, "filter", message)
                        .help(format!("write `Dimension('ENTITY__{own}')` with the primary entity of its semantic model")),
                );
            }
        }
    }
}

fn derived(metric: &SemanticEntry, params: &Value, said: &mut Vec<Diagnostic>) {
    let inputs = params["metrics"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if inputs.is_empty() {
        let message = format!(
            "No input metrics found for derived metric '{}'. Please add metrics to type_params.metrics.",
            metric.name
        );
        said.push(wrong(metric, "metrics", message));
    }
    let used: BTreeSet<&str> = inputs.iter().filter_map(|i| text(i, "name")).collect();
    for input in inputs {
        let own = text(input, "name").unwrap_or_default();
        let path = format!("metrics.{own}");
        if let Some(alias) = text(input, "alias") {
            said.extend(name(metric, &path, "alias", alias));
            if used.contains(alias) {
                let message =
                    format!("Alias '{alias}' for input metric: '{own}' is already being used");
                said.push(wrong(metric, &path, message));
            }
        }
        if !input["offset_window"].is_null() && !input["offset_to_grain"].is_null() {
            let message = format!(
                "Both offset_window and offset_to_grain set for derived metric '{}' on input metric '{own}'",
                metric.name
            );
            said.push(wrong(metric, &path, message));
        }
    }
}

fn cumulative(metric: &SemanticEntry, params: &Value, said: &mut Vec<Diagnostic>) {
    let nested = &params["cumulative_type_params"];
    let either = |key: &str| {
        [&nested[key], &params[key]]
            .into_iter()
            .find(|v| !v.is_null())
    };
    let (window, grain) = (either("window"), either("grain_to_date"));
    if window.is_some() && grain.is_some() {
        let message =
            "Both window and grain_to_date set for cumulative metric. Please set one or the other.";
        said.push(wrong(metric, "cumulative_type_params", message));
    }
    let word = window
        .and_then(|w| text(w, "granularity"))
        .or(grain.and_then(Value::as_str));
    if let Some(word) = word.filter(|w| !GRAINS.contains(&w.to_lowercase().as_str())) {
        let message = format!(
            "cumulative metric `{}`: `{word}` is no stretch of time",
            metric.name
        );
        said.push(wrong(metric, "cumulative_type_params", message));
    }
}

fn conversion(
    manifest: &Manifest,
    metric: &SemanticEntry,
    params: &Value,
    said: &mut Vec<Diagnostic>,
) {
    let params = &params["conversion_type_params"];
    let Some(entity) = text(params, "entity") else {
        return;
    };
    for key in ["base_measure", "conversion_measure"] {
        let Some(measure) = text(&params[key], "name") else {
            continue;
        };
        let model = manifest
            .semantic_models
            .values()
            .find(|m| items(m, "measures").any(|x| x["name"] == measure));
        let Some(model) = model else { continue };
        if !items(model, "entities").any(|e| e["name"] == entity) {
            let message = format!(
                "conversion metric `{}`: semantic model `{}` of its {key} has no entity `{entity}`",
                metric.name, model.name
            );
            said.push(wrong(metric, "conversion_type_params.entity", message));
        }
    }
}
