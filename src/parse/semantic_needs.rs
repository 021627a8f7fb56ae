//! What entries of the semantic layer need: models, semantic models, metrics, by the names that they give.
use super::builder::Builder;
use super::host::push_new;
use super::semantic_fields as fields;
use crate::diag::{Diagnostic, code};
use crate::graph::{Disabled, SemanticEntry};
use crate::text::nearest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Builder<'_> {
    /// Semantic models need their model, metrics the semantic models of their measures and the metrics they are made
    /// of, saved queries their metrics.
    pub(super) fn semantic_needs(&mut self) {
        self.node_relations();
        let mut measures: BTreeMap<String, String> = BTreeMap::new();
        for m in self.manifest.semantic_models.values() {
            let list = m.fields.get("measures").and_then(Value::as_array);
            for name in list
                .into_iter()
                .flatten()
                .filter_map(|x| x["name"].as_str())
            {
                measures
                    .entry(name.to_string())
                    .or_insert_with(|| m.unique_id.clone());
            }
        }
        let off = self.measures_switched_off();
        let ids: BTreeMap<String, String> = self
            .manifest
            .metrics
            .values()
            .map(|m| (m.name.clone(), m.unique_id.clone()))
            .collect();
        let params: BTreeMap<String, Value> = self
            .manifest
            .metrics
            .values()
            .map(|m| {
                (
                    m.name.clone(),
                    m.fields.get("type_params").cloned().unwrap_or_default(),
                )
            })
            .collect();
        let mut problems = Vec::new();
        for metric in self.manifest.metrics.values_mut() {
            let own = params.get(&metric.name).cloned().unwrap_or_default();
            needs_of(metric, &own, &measures, &ids, &off, &mut problems);
            let all = fields::input_measures(&own, &|n| params.get(n).cloned(), 0);
            if let Some(Value::Object(p)) = metric.fields.get_mut("type_params") {
                p.insert("input_measures".into(), Value::Array(all));
            }
        }
        for query in self.manifest.saved_queries.values_mut() {
            let names = query
                .fields
                .get("query_params")
                .and_then(|q| q["metrics"].as_array())
                .cloned();
            for name in names.unwrap_or_default() {
                let name = crate::yaml::python_str(&name);
                match ids.get(&name) {
                    Some(id) => push_new(&mut query.depends_on.nodes, id.clone()),
                    None => problems.push(missing(
                        "saved query",
                        query,
                        "metric",
                        &name,
                        &ids,
                        "query_params.metrics",
                    )),
                }
            }
        }
        problems.into_iter().for_each(|d| self.sink.push(d));
    }

    /// The measures of disabled semantic models, with the model's name.
    fn measures_switched_off(&self) -> BTreeMap<String, String> {
        let mut off = BTreeMap::new();
        for d in self.manifest.disabled.values().flatten() {
            let Disabled::Semantic(s) = d else { continue };
            let measures = s.fields.get("measures").and_then(Value::as_array);
            for name in measures
                .into_iter()
                .flatten()
                .filter_map(|m| m["name"].as_str())
            {
                off.insert(name.to_string(), s.name.clone());
            }
        }
        off
    }

    /// `node_relation` of every semantic model.
    fn node_relations(&mut self) {
        for m in self.manifest.semantic_models.values_mut() {
            let Some(node) = m
                .depends_on
                .nodes
                .first()
                .and_then(|id| self.manifest.nodes.get(id))
            else {
                continue;
            };
            m.fields.insert(
                "node_relation".into(),
                json!({
                    "alias": node.alias,
                    "schema_name": node.schema,
                    "database": node.database,
                    "relation_name": node.relation_name,
                }),
            );
        }
    }
}

/// Fills in what a metric needs, and tells of names that do not exist.
fn needs_of(
    metric: &mut SemanticEntry,
    params: &Value,
    measures: &BTreeMap<String, String>,
    ids: &BTreeMap<String, String>,
    off: &BTreeMap<String, String>,
    problems: &mut Vec<Diagnostic>,
) {
    let name_of = |v: &Value| v.get("name").and_then(Value::as_str).map(str::to_string);
    let conversion = &params["conversion_type_params"];
    let mut wanted: Vec<(bool, String, String)> = Vec::new();
    for (v, key) in [
        (&params["measure"], "measure"),
        (
            &conversion["base_measure"],
            "conversion_type_params.base_measure",
        ),
        (
            &conversion["conversion_measure"],
            "conversion_type_params.conversion_measure",
        ),
    ] {
        wanted.extend(name_of(v).map(|n| (true, n, key.to_string())));
    }
    for (v, key) in [
        (&params["numerator"], "numerator"),
        (&params["denominator"], "denominator"),
        (
            &params["cumulative_type_params"]["metric"],
            "cumulative_type_params.metric",
        ),
    ] {
        wanted.extend(name_of(v).map(|n| (false, n, key.to_string())));
    }
    for v in params["metrics"].as_array().into_iter().flatten() {
        wanted.extend(name_of(v).map(|n| (false, n.clone(), format!("metrics.{n}"))));
    }
    for (is_measure, name, key) in wanted {
        let (list, word) = if is_measure {
            (measures, "measure")
        } else {
            (ids, "metric")
        };
        match list.get(&name) {
            Some(id) => push_new(&mut metric.depends_on.nodes, id.clone()),
            None if is_measure && off.contains_key(&name) => problems.push(
                Diagnostic::error(
                    code::G0401,
                    format!(
                        "The measure `{name}` is referenced on disabled semantic model `{}`.",
                        off[&name]
                    ),
                )
                .heading("Parsing Error")
                .at_opt(metric.place.clone())
                .help("enable the semantic model, or disable the metric"),
            ),
            None => problems.push(missing("metric", metric, word, &name, list, &key)),
        }
    }
}

fn missing(
    what: &str,
    entry: &SemanticEntry,
    word: &str,
    name: &str,
    known: &BTreeMap<String, String>,
    path: &str,
) -> Diagnostic {
    let exact = [
        path.to_string(),
        format!("{path}.name"),
        format!("{path}.{name}"),
    ];
    let place = exact
        .iter()
        .rev()
        .find_map(|p| entry.places.get(p))
        .cloned();
    let d = Diagnostic::error(
        code::G0401,
        format!(
            "{what} `{}` takes the {word} `{name}`, which is not in the project",
            entry.name
        ),
    )
    .heading("Compilation Error")
    .at_opt(place.or(entry.place.clone()));
    match nearest(name, known.keys().map(String::as_str)) {
        Some(near) => d.help(format!("a {word} named `{near}` exists")),
        None => d,
    }
}
