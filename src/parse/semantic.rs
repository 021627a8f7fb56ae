//! Semantic models, metrics and saved queries: both of dbt's forms become the entries of its manifest.
//!
//! In: properties entries, the older form (`semantic_models`, `metrics` with `type_params`) and the newer one
//! (`semantic_model` under a model, metrics without measures). Out: entries as dbt writes them, with what they need.
use super::builder::{Builder, fqn};
use super::properties::{Property, texts};
use super::semantic_fields as fields;
use crate::diag::{Diagnostic, Sink, code};
use crate::graph::{Config, DependsOn, Disabled, RefArgs, ResourceType, SemanticEntry};
use crate::text::{Place, nearest};
use crate::yaml::Node as Yaml;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Places of all parts of an entry by dotted path; an item with a name goes by it.
/// `type_params` is left out of paths, so that both forms of a metric have the same ones.
pub(super) fn places(p: &Property) -> BTreeMap<String, Place> {
    fn walk(p: &Property, node: &Yaml, path: &str, out: &mut BTreeMap<String, Place>) {
        let below = |name: &str| match path {
            "" => name.to_string(),
            _ => format!("{path}.{name}"),
        };
        for (key, value) in node.entries() {
            let word = key.scalar_text().unwrap_or_default();
            let path = match word.as_str() {
                "type_params" if path.is_empty() => String::new(),
                "input_metrics" => below("metrics"),
                _ => below(&word),
            };
            let at = if value.is_map() || value.is_seq() {
                key
            } else {
                value
            };
            out.entry(path.clone()).or_insert_with(|| p.place(at));
            walk(p, value, &path, out);
        }
        for (i, item) in node.items().iter().enumerate() {
            let name = item.get("name").unwrap_or(item);
            let path = below(&name.scalar_text().unwrap_or_else(|| i.to_string()));
            out.entry(path.clone()).or_insert_with(|| p.place(name));
            walk(p, item, &path, out);
        }
    }
    let mut out = BTreeMap::new();
    walk(p, &p.node, "", &mut out);
    out
}

/// What is put together before an entry is filed.
pub(super) struct Draft {
    pub kind: ResourceType,
    pub fields: Map<String, Value>,
    pub refs: Vec<RefArgs>,
}

impl Builder<'_> {
    /// All semantic entries of a package.
    pub(super) fn semantic(&mut self, package: usize) {
        for p in self.entries(package, "models") {
            self.model_semantics(package, &p);
        }
        for p in self.entries(package, "metrics") {
            self.metric(package, &p);
        }
        for p in self.entries(package, "semantic_models") {
            self.semantic_model(package, &p);
        }
        for p in self.entries(package, "saved_queries") {
            self.saved_query(package, &p);
        }
    }

    /// What a metric may be called.
    fn check_metric_name(&mut self, p: &Property) {
        let mut wrong = Vec::new();
        if p.name.contains(' ') {
            wrong.push("cannot contain spaces");
        }
        if p.name.chars().count() > 250 {
            wrong.push("cannot contain more than 250 characters");
        }
        if !p.name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            wrong.push("must begin with a letter");
        }
        if !p
            .name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        {
            wrong.push("must contain only letters, numbers and underscores");
        }
        if !wrong.is_empty() {
            let message = format!(
                "The metric name '{}' is invalid.  It {}",
                p.name,
                wrong.join(", ")
            );
            self.sink.push(
                Diagnostic::error(code::P0103, message)
                    .heading("Parsing Error")
                    .at(p.name_place()),
            );
        }
    }

    /// Files an entry under its id.
    pub(super) fn file_semantic(&mut self, package: usize, p: &Property, draft: Draft) {
        let pkg = &self.input.packages[package];
        let project = pkg.project.name.clone();
        let names = fqn(&project, &p.relative_path, &p.name);
        // A metric's own `meta` is not part of its configuration.
        let legacy: &[&str] = match draft.kind {
            ResourceType::Metric => &["group"],
            _ => &["meta", "group"],
        };
        let patch = p.config(legacy, &mut self.sink);
        let config = self.config(draft.kind, pkg, &names, Some(&patch), &[]);
        self.check_property_config(draft.kind, p, &config);
        let mut fields = draft.fields;
        if draft.kind == ResourceType::Metric {
            let of_config = config.rendered.get("meta").and_then(Value::as_object);
            let meta = of_config.filter(|m| !m.is_empty()).cloned();
            let meta = meta.unwrap_or_else(|| p.map("meta"));
            fields.insert("meta".into(), Value::Object(meta));
            self.check_metric_name(p);
        }
        let mut unrendered = config.unrendered.clone();
        if let Some(Value::Object(said)) = fields.shift_remove("unrendered_config") {
            unrendered.extend(said);
        }
        fields.insert("unrendered_config".into(), Value::Object(unrendered));
        let tags = config
            .rendered
            .get("tags")
            .map(|t| Config(Map::from_iter([("tags".to_string(), t.clone())])).list("tags"))
            .unwrap_or_default();
        let entry = SemanticEntry {
            resource_type: draft.kind,
            unique_id: format!("{}.{project}.{}", draft.kind.as_str(), p.name),
            name: p.name.clone(),
            package_name: project,
            path: p.relative_path.clone(),
            original_file_path: p.original_file_path.clone(),
            fqn: names,
            fields,
            group: config
                .rendered
                .get("group")
                .and_then(Value::as_str)
                .map(str::to_string),
            tags: match draft.kind {
                ResourceType::SavedQuery => {
                    let all: BTreeSet<String> =
                        texts(p.get("tags")).into_iter().chain(tags).collect();
                    all.into_iter().collect()
                }
                _ => texts(p.get("tags")).into_iter().chain(tags).collect(),
            },
            config: Config(config.rendered),
            depends_on: DependsOn::default(),
            refs: draft.refs,
            created_at: self.input.now,
            place: Some(p.name_place()),
            places: places(p),
        };
        let id = entry.unique_id.clone();
        if !entry.config.enabled() {
            self.manifest
                .disabled
                .entry(id)
                .or_default()
                .push(Disabled::Semantic(entry));
            return;
        }
        let list = match draft.kind {
            ResourceType::Metric => &mut self.manifest.metrics,
            ResourceType::SemanticModel => &mut self.manifest.semantic_models,
            _ => &mut self.manifest.saved_queries,
        };
        if let Some(first) = list.get(&id) {
            let word = draft.kind.as_str();
            let d = Diagnostic::error(
                code::G0402,
                format!("dbt found two {word}s with the name \"{}\"", p.name),
            )
            .heading("Compilation Error")
            .at(p.name_place())
            .at_opt(first.place.clone())
            .help("rename or remove one of them");
            self.sink.push(d);
            return;
        }
        list.insert(id, entry);
    }

    fn semantic_model(&mut self, package: usize, p: &Property) {
        let project = self.input.packages[package].project.name.clone();
        let Some(model) = p.text("model") else {
            self.sink.push(
                Diagnostic::error(
                    code::Y0205,
                    format!("semantic model `{}` has no `model`", p.name),
                )
                .heading("Parsing Error")
                .at(p.name_place())
                .help("add `model: ref('…')` with the model that holds the rows"),
            );
            return;
        };
        let refs = match self.input.host.references(&project, &model) {
            Ok(r) => r.refs,
            Err(message) => {
                self.sink.push(
                    Diagnostic::error(code::G0401, message)
                        .heading("Parsing Error")
                        .at(p.place(p.get("model").unwrap_or(&p.node)))
                        .help("write `model: ref('model')`"),
                );
                return;
            }
        };
        let meta = self.settled(ResourceType::SemanticModel, package, p, &["meta", "group"]);
        let meta = meta.get("meta").and_then(Value::as_object).cloned();
        let meta = meta.unwrap_or_default();
        let list = |key: &str, f: fn(&Value, &Map<String, Value>) -> Value| -> Vec<Value> {
            let items = p.get(key).map(Yaml::items).unwrap_or_default();
            items.iter().map(|x| f(&x.to_json(), &meta)).collect()
        };
        let mut out = Map::new();
        out.insert("model".into(), Value::from(model));
        let description = p.get("description").filter(|d| !d.is_null());
        let description = description.map(|d| self.description(package, p, Some(d)).0);
        out.insert(
            "description".into(),
            description.map_or(Value::Null, Value::from),
        );
        out.insert(
            "label".into(),
            p.text("label").map_or(Value::Null, Value::from),
        );
        out.insert(
            "defaults".into(),
            p.get("defaults").map_or(Value::Null, Yaml::to_json),
        );
        for (key, items) in [
            ("entities", list("entities", fields::entity)),
            ("measures", list("measures", fields::measure)),
            ("dimensions", list("dimensions", fields::dimension)),
        ] {
            let items = self.described(package, p, key, items);
            out.insert(key.into(), items.into());
        }
        let primary = p.text("primary_entity").map_or(Value::Null, Value::from);
        out.insert("primary_entity".into(), primary);
        self.file_semantic(
            package,
            p,
            Draft {
                kind: ResourceType::SemanticModel,
                fields: out,
                refs,
            },
        );
        for m in p.get("measures").map(Yaml::items).unwrap_or_default() {
            if m.get("create_metric").and_then(Yaml::as_bool) == Some(true) {
                self.created_metric(package, p, m);
            }
        }
    }

    /// The configuration of an entry once all have spoken, for what its parts inherit.
    fn settled(
        &self,
        kind: ResourceType,
        package: usize,
        p: &Property,
        legacy: &[&str],
    ) -> Map<String, Value> {
        let pkg = &self.input.packages[package];
        let names = fqn(&pkg.project.name, &p.relative_path, &p.name);
        // What is wrong is told when the entry is filed.
        let patch = p.config(legacy, &mut Sink::default());
        self.config(kind, pkg, &names, Some(&patch), &[]).rendered
    }

    /// The parts of a semantic model with their descriptions evaluated.
    fn described(
        &mut self,
        package: usize,
        p: &Property,
        key: &str,
        mut items: Vec<Value>,
    ) -> Vec<Value> {
        let written = p.get(key).map(Yaml::items).unwrap_or_default();
        for (item, node) in items.iter_mut().zip(written) {
            if let Some(text) = node.get("description").filter(|d| !d.is_null()) {
                item["description"] = self.description(package, p, Some(text)).0.into();
            }
        }
        items
    }

    /// The metric that `create_metric: true` asks for.
    fn created_metric(&mut self, package: usize, p: &Property, measure: &Yaml) {
        let Some(name) = measure.get("name").and_then(Yaml::scalar_text) else {
            return;
        };
        let label = measure
            .get("label")
            .filter(|l| !l.is_null())
            .and_then(Yaml::scalar_text);
        let mut params = fields::type_params("simple", &json!({ "measure": name }));
        params["expr"] = Value::from(name.clone());
        let mut out = Map::new();
        out.insert(
            "description".into(),
            format!("Metric created from measure {name}").into(),
        );
        out.insert("label".into(), label.unwrap_or_else(|| name.clone()).into());
        out.insert("type".into(), "simple".into());
        out.insert("type_params".into(), params);
        out.insert("unrendered_config".into(), json!({"enabled": true}));
        let part = Property {
            section: "metrics",
            name,
            node: Yaml {
                kind: crate::yaml::Kind::Map(Vec::new()),
                span: measure.span.clone(),
            },
            raw: measure.clone(),
            ..p.clone()
        };
        self.file_semantic(
            package,
            &part,
            Draft {
                kind: ResourceType::Metric,
                fields: out,
                refs: Vec::new(),
            },
        );
    }

    /// A metric in the older form, or in the newer one when its settings stand beside its name.
    pub(super) fn metric(&mut self, package: usize, p: &Property) {
        if p.get("type_params").is_none() {
            return self.plain_metric(package, p, None);
        }
        let kind = p.text("type").unwrap_or_else(|| "simple".into());
        let params = fields::type_params(&kind, &Value::Object(p.map("type_params")));
        self.file_metric(package, p, &kind, params);
    }

    /// Files a metric whose `type_params` are known.
    pub(super) fn file_metric(&mut self, package: usize, p: &Property, kind: &str, params: Value) {
        const KINDS: &[&str] = &["simple", "ratio", "derived", "cumulative", "conversion"];
        if !KINDS.contains(&kind) {
            let d = Diagnostic::error(
                code::Y0203,
                format!("metric `{}`: `{kind}` is not a type of metric", p.name),
            )
            .heading("Parsing Error")
            .at(p.place(p.get("type").unwrap_or(&p.node)));
            self.sink.push(match nearest(kind, KINDS.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("one of {}", KINDS.join(", "))),
            });
            return;
        }
        let (description, _) = self.description(package, p, p.get("description"));
        let mut out = Map::new();
        out.insert("description".into(), description.into());
        let label = p.text("label").unwrap_or_else(|| p.name.clone());
        out.insert("label".into(), label.into());
        out.insert("type".into(), kind.into());
        out.insert("type_params".into(), params);
        let filter = p
            .get("filter")
            .map_or(Value::Null, |f| fields::filter(&f.to_json()));
        out.insert("filter".into(), filter);
        let grain = p.text("time_granularity").map_or(Value::Null, Value::from);
        out.insert("time_granularity".into(), grain);
        self.file_semantic(
            package,
            p,
            Draft {
                kind: ResourceType::Metric,
                fields: out,
                refs: Vec::new(),
            },
        );
    }

    fn saved_query(&mut self, package: usize, p: &Property) {
        let target = self.input.target;
        let query = self.settled(ResourceType::SavedQuery, package, p, &["meta", "group"]);
        let exports: Vec<Value> = p
            .get("exports")
            .map(Yaml::items)
            .unwrap_or_default()
            .iter()
            .map(|x| {
                fields::export(
                    &x.to_json(),
                    &query,
                    &target.schema,
                    &target.connection.dbname,
                )
            })
            .collect();
        let mut out = Map::new();
        let params = Value::Object(p.map("query_params"));
        out.insert("query_params".into(), fields::query_params(&params));
        out.insert("exports".into(), exports.into());
        let description = p.get("description").filter(|d| !d.is_null());
        let description = description.map(|d| self.description(package, p, Some(d)).0);
        out.insert(
            "description".into(),
            description.map_or(Value::Null, Value::from),
        );
        out.insert(
            "label".into(),
            p.text("label").map_or(Value::Null, Value::from),
        );
        self.file_semantic(
            package,
            p,
            Draft {
                kind: ResourceType::SavedQuery,
                fields: out,
                refs: Vec::new(),
            },
        );
    }
}
