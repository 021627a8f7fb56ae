//! The newer form of semantic models, in which a model's columns say what they are and metrics carry their aggregation.
//!
//! It is translated into the older form, so that everything after (artefacts, selection, queries) knows one form only.
use super::builder::Builder;
use super::properties::{Property, json_map};
use super::semantic::Draft;
use super::semantic_fields as fields;
use super::sql_nodes::latest_version;
use crate::diag::{Diagnostic, code};
use crate::graph::{RefArgs, ResourceType};
use crate::yaml::{Kind, Node as Yaml};
use serde_json::{Map, Value, json};

/// `time` or `{type: time, …}` as a mapping.
fn typed(node: Option<&Yaml>) -> Option<Map<String, Value>> {
    let node = node.filter(|n| !n.is_null())?;
    Some(match &node.kind {
        Kind::Str(word) => Map::from_iter([("type".to_string(), Value::from(word.clone()))]),
        _ => json_map(Some(node)),
    })
}

/// A dimension or entity of a column: its name and expression follow from the column's.
fn of_column(mut map: Map<String, Value>, column: &str, entry: &Yaml) -> Value {
    let name = map
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or(column)
        .to_string();
    if name != column {
        map.insert("expr".into(), column.into());
    }
    map.insert("name".into(), name.into());
    for key in ["description", "label"] {
        let own = entry.get(key).filter(|v| !v.is_null());
        if let Some(v) = own {
            map.entry(key).or_insert_with(|| v.to_json());
        }
    }
    let mut meta = json_map(entry.get("meta"));
    meta.extend(json_map(entry.get("config").and_then(|c| c.get("meta"))));
    if let Some(Value::Object(own)) = map.get("config").and_then(|c| c.get("meta")) {
        meta.extend(own.clone());
    }
    map.insert("config".into(), json!({ "meta": meta }));
    Value::Object(map)
}

/// What a column may be, with the fields of it in manifests.
const PART_FIELDS: &[(&str, &[&str])] = &[
    (
        "dimension",
        &[
            "name",
            "type",
            "description",
            "label",
            "is_partition",
            "config",
            "validity_params",
        ],
    ),
    (
        "entity",
        &["name", "type", "description", "label", "config"],
    ),
];

/// A dimension or entity with all of its fields, those that are not said with their defaults.
fn all_fields(
    said: &Map<String, Value>,
    fields: &[&str],
    column: &str,
    description: &str,
) -> Map<String, Value> {
    let default = |field: &str| match field {
        "name" => Value::from(column),
        "description" if !description.is_empty() => Value::from(description),
        "is_partition" => Value::from(false),
        "config" => json!({}),
        _ => Value::Null,
    };
    let value = |field: &str| match said.get(field).filter(|v| !v.is_null()) {
        Some(v) => v.clone(),
        None => default(field),
    };
    fields.iter().map(|f| (f.to_string(), value(f))).collect()
}

/// A time dimension's granularity goes into `type_params`.
fn with_grain(mut v: Value, grain: Option<String>) -> Value {
    if v["type"]
        .as_str()
        .is_some_and(|t| t.eq_ignore_ascii_case("time"))
    {
        let grain = v
            .get("granularity")
            .and_then(Value::as_str)
            .map(str::to_string)
            .or(grain)
            .unwrap_or_else(|| "day".into());
        let validity = fields::of(&v, "validity_params");
        v["type_params"] = json!({"time_granularity": grain, "validity_params": validity});
    }
    v
}

/// The parts of a semantic model under construction.
#[derive(Default)]
struct Parts {
    entities: Vec<Value>,
    dimensions: Vec<Value>,
    measures: Vec<Value>,
}

impl Builder<'_> {
    /// The semantic model that stands under a model, and the model's metrics.
    pub(super) fn model_semantics(&mut self, package: usize, p: &Property) {
        let Some(semantic) = p.get("semantic_model") else {
            return;
        };
        let enabled = match semantic.as_bool() {
            Some(on) => on,
            None => semantic
                .get("enabled")
                .and_then(Yaml::as_bool)
                .unwrap_or(true),
        };
        let project = self.input.packages[package].project.name.clone();
        let version = latest_version(p).filter(|_| p.get("versions").is_some());
        let known = self.manifest.nodes.values().any(|n| {
            n.resource_type == ResourceType::Model && n.name == p.name && n.package_name == project
        });
        if !enabled || !known {
            return;
        }
        self.note_parts(&p.name, &project);
        let name = semantic
            .get("name")
            .and_then(Yaml::scalar_text)
            .unwrap_or_else(|| p.name.clone());
        let mut parts = Parts::default();
        for column in p.get("columns").map(Yaml::items).unwrap_or_default() {
            column_parts(column, &mut parts);
        }
        let no_meta = Map::new();
        let derived = p.get("derived_semantics");
        let more = |key: &str| {
            derived
                .and_then(|d| d.get(key))
                .map(Yaml::items)
                .unwrap_or_default()
        };
        for e in more("entities") {
            parts.entities.push(fields::entity(&e.to_json(), &no_meta));
        }
        for d in more("dimensions") {
            parts
                .dimensions
                .push(fields::dimension(&with_grain(d.to_json(), None), &no_meta));
        }
        let metrics: Vec<Property> = p
            .get("metrics")
            .map(Yaml::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|m| self.nested(p, m))
            .collect();
        for m in &metrics {
            if is_simple(m) {
                let v = measure_of(m);
                parts.measures.push(fields::measure(&v, &no_meta));
            }
        }
        let time = p.text("agg_time_dimension");
        let mut out = Map::new();
        let quoted = p.name.replace('\'', "\\'");
        out.insert("model".into(), format!("ref('{quoted}')").into());
        let (description, _) = self.description(package, p, p.get("description"));
        out.insert("description".into(), description.into());
        let label = p
            .node
            .get("label")
            .filter(|l| !l.is_null())
            .map_or(Value::Null, Yaml::to_json);
        out.insert("label".into(), label);
        let defaults = time.map_or(Value::Null, |t| json!({ "agg_time_dimension": t }));
        out.insert("defaults".into(), defaults);
        out.insert("entities".into(), parts.entities.into());
        out.insert("measures".into(), parts.measures.into());
        out.insert("dimensions".into(), parts.dimensions.into());
        let primary = p.text("primary_entity").map_or(Value::Null, Value::from);
        out.insert("primary_entity".into(), primary);
        let refs = vec![RefArgs {
            name: p.name.clone(),
            package: Some(project),
            version,
        }];
        let part = self.model_part(p, semantic, &name);
        self.file_semantic(
            package,
            &part,
            Draft {
                kind: ResourceType::SemanticModel,
                fields: out,
                refs,
            },
        );
        for m in &metrics {
            self.plain_metric(package, m, Some(&name));
        }
    }

    /// The model's entry seen as that of its semantic model: of the configuration only the facts count.
    /// Columns say in the manifest what they are with all fields, as dbt writes them since it knows this form.
    fn note_parts(&mut self, model: &str, package: &str) {
        let nodes = self.manifest.nodes.values_mut().filter(|n| {
            n.resource_type == ResourceType::Model && n.name == model && n.package_name == package
        });
        for column in nodes.flat_map(|n| n.columns.values_mut()) {
            let (name, description) = (column.name.clone(), column.description.clone());
            for (key, fields) in PART_FIELDS {
                if let Some(Value::Object(said)) = column.extra.get_mut(*key) {
                    *said = all_fields(said, fields, &name, &description);
                }
            }
        }
    }

    fn model_part(&self, p: &Property, semantic: &Yaml, name: &str) -> Property {
        let config = |node: &Yaml, semantic: Option<&Yaml>| {
            let mut entries: Vec<(Yaml, Yaml)> = Vec::new();
            let mut take = |from: Option<&Yaml>| {
                for key in ["meta", "group"] {
                    if let Some(found) = from.and_then(|c| c.entry(key)) {
                        entries.retain(|(k, _)| k.as_str() != Some(key));
                        entries.push(found.clone());
                    }
                }
            };
            take(Some(node).filter(|n| n.get("meta").is_some_and(Yaml::is_map)));
            take(node.get("config"));
            take(semantic.and_then(|s| s.get("config")));
            let mut own: Vec<(Yaml, Yaml)> = node
                .entries()
                .iter()
                .filter(|(k, _)| {
                    !["config", "meta", "group", "tags"].contains(&k.as_str().unwrap_or_default())
                })
                .cloned()
                .collect();
            own.push((
                Yaml {
                    kind: Kind::Str("config".into()),
                    span: node.span.clone(),
                },
                Yaml {
                    kind: Kind::Map(entries),
                    span: node.span.clone(),
                },
            ));
            Yaml {
                kind: Kind::Map(own),
                span: node.span.clone(),
            }
        };
        Property {
            section: "semantic_models",
            name: name.to_string(),
            node: config(&p.node, Some(semantic)),
            raw: config(&p.raw, p.raw.get("semantic_model")),
            ..p.clone()
        }
    }

    /// A metric that stands under a model, as an entry of its own.
    fn nested(&mut self, p: &Property, node: &Yaml) -> Option<Property> {
        let Some(name) = node
            .get("name")
            .filter(|n| !n.is_null())
            .and_then(Yaml::scalar_text)
        else {
            self.sink.push(
                Diagnostic::error(
                    code::Y0205,
                    format!("a metric of `{}` has no `name`", p.name),
                )
                .heading("Parsing Error")
                .at(p.place(node))
                .help("add `name:`"),
            );
            return None;
        };
        let raw = p
            .raw
            .get("metrics")
            .map(Yaml::items)
            .unwrap_or_default()
            .iter()
            .find(|m| m.span == node.span)
            .unwrap_or(node);
        Some(Property {
            section: "metrics",
            name,
            node: node.clone(),
            raw: raw.clone(),
            ..p.clone()
        })
    }

    /// A metric whose settings stand beside its name. `model` is the semantic model it stands under.
    pub(super) fn plain_metric(&mut self, package: usize, p: &Property, model: Option<&str>) {
        let kind = p.text("type").unwrap_or_else(|| "simple".into());
        if kind == "simple" && model.is_none() {
            let d = Diagnostic::error(
                code::Y0205,
                format!("metric `{}` says neither its `type_params` nor which model it belongs to", p.name),
            )
            .heading("Parsing Error")
            .at(p.name_place())
            .help("a simple metric stands in `metrics:` of its model, or has `type_params: {measure: …}`");
            self.sink.push(d);
            return;
        }
        let value = |key: &str| p.get(key).map_or(Value::Null, Yaml::to_json);
        let mut params = Map::new();
        match kind.as_str() {
            "simple" => {
                let agg = p.text("agg").unwrap_or_default();
                const AGGS: &[&str] = &[
                    "sum",
                    "min",
                    "max",
                    "average",
                    "count",
                    "count_distinct",
                    "sum_boolean",
                    "median",
                    "percentile",
                ];
                if !AGGS.contains(&agg.as_str()) {
                    let d = Diagnostic::error(
                        code::Y0203,
                        format!(
                            "metric `{}`: `agg` must be one of {}",
                            p.name,
                            AGGS.join(", ")
                        ),
                    )
                    .heading("Parsing Error")
                    .at(p.place(p.get("agg").or(p.get("name")).unwrap_or(&p.node)));
                    self.sink.push(d);
                    return;
                }
                params.insert(
                    "measure".into(),
                    json!({
                        "name": p.name,
                        "join_to_timespine": value("join_to_timespine").as_bool().unwrap_or(false),
                        "fill_nulls_with": value("fill_nulls_with"),
                    }),
                );
            }
            "ratio" => {
                params.insert("numerator".into(), value("numerator"));
                params.insert("denominator".into(), value("denominator"));
            }
            "derived" => {
                params.insert("expr".into(), value("expr"));
                let inputs = match value("input_metrics") {
                    Value::Null => value("metrics"),
                    v => v,
                };
                params.insert("metrics".into(), inputs);
            }
            "cumulative" => {
                params.insert(
                    "cumulative_type_params".into(),
                    json!({
                        "window": value("window"),
                        "grain_to_date": value("grain_to_date"),
                        "period_agg": value("period_agg"),
                        "metric": value("input_metric"),
                    }),
                );
            }
            _ => {
                params.insert(
                    "conversion_type_params".into(),
                    json!({
                        "base_measure": value("base_metric"),
                        "conversion_measure": value("conversion_metric"),
                        "entity": value("entity"),
                        "calculation": value("calculation"),
                        "window": value("window"),
                        "constant_properties": value("constant_properties"),
                    }),
                );
            }
        }
        let params = fields::type_params(&kind, &Value::Object(params));
        self.file_metric(package, p, &kind, params);
    }
}

fn is_simple(p: &Property) -> bool {
    p.text("type").is_none_or(|t| t == "simple")
}

/// The measure behind a simple metric.
fn measure_of(p: &Property) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), p.name.clone().into());
    for key in [
        "agg",
        "expr",
        "non_additive_dimension",
        "agg_time_dimension",
    ] {
        if let Some(v) = p.get(key) {
            out.insert(key.into(), v.to_json());
        }
    }
    if let Some(v) = p.get("percentile") {
        let discrete = p.text("percentile_type").as_deref() == Some("discrete");
        out.insert(
            "agg_params".into(),
            json!({"percentile": v.to_json(), "use_discrete_percentile": discrete}),
        );
    }
    Value::Object(out)
}

fn column_parts(column: &Yaml, parts: &mut Parts) {
    let Some(name) = column.get("name").and_then(Yaml::scalar_text) else {
        return;
    };
    let no_meta = Map::new();
    if let Some(map) = typed(column.get("entity")) {
        parts
            .entities
            .push(fields::entity(&of_column(map, &name, column), &no_meta));
    }
    if let Some(map) = typed(column.get("dimension")) {
        let grain = column.get("granularity").and_then(Yaml::scalar_text);
        let v = with_grain(of_column(map, &name, column), grain);
        parts.dimensions.push(fields::dimension(&v, &no_meta));
    }
}
