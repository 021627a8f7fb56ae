//! Exposures and groups.
use super::builder::{Builder, fqn};
use super::host::Recorded;
use super::properties::{Property, json_map};
use crate::diag::{Diagnostic, code};
use crate::graph::{Config, DependsOn, Disabled, Exposure, Group, ResourceType};
use crate::load::Package;
use crate::yaml::Node as Yaml;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Tags and `meta` of an exposure: those of its configuration, of the entry itself, and of the first level of the
/// project's tree (written without `+`) come together; for `meta` the configuration counts most.
fn tags_and_meta(package: &Package, p: &Property, config: &mut Map<String, Value>) {
    let tree = package.project.trees.get("exposures");
    let layers = |key: &str| {
        let of_tree = tree.and_then(|t| t.get(key)).cloned();
        let own = p.get(key).map(Yaml::to_json);
        [of_tree, own, config.get(key).cloned()]
            .into_iter()
            .flatten()
            .map(|value| Config([(key.to_string(), value)].into_iter().collect()))
            .collect::<Vec<_>>()
    };
    let tags: BTreeSet<String> = layers("tags").iter().flat_map(|c| c.list("tags")).collect();
    let mut meta = Map::new();
    for layer in layers("meta") {
        meta.extend(
            layer
                .get("meta")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        );
    }
    config.insert("tags".into(), json!(tags));
    config.insert("meta".into(), Value::Object(meta));
}

const EXPOSURE_TYPES: &[&str] = &["dashboard", "notebook", "analysis", "ml", "application"];

impl Builder<'_> {
    pub(super) fn entries(&self, package: usize, section: &str) -> Vec<Property> {
        self.properties[package]
            .iter()
            .filter(|p| p.section == section)
            .cloned()
            .collect()
    }

    /// Exposures.
    pub(super) fn exposures(&mut self, package: usize) {
        for p in self.entries(package, "exposures") {
            let pkg = &self.input.packages[package];
            let project = pkg.project.name.clone();
            let names = fqn(&project, &p.relative_path, &p.name);
            let patch = p.config(&[], &mut self.sink);
            let mut config = self.config(ResourceType::Exposure, pkg, &names, Some(&patch), &[]);
            self.check_property_config(ResourceType::Exposure, &p, &config);
            tags_and_meta(pkg, &p, &mut config.rendered);
            self.check_exposure(&p);
            let mut recorded = Recorded::default();
            for item in p.get("depends_on").map(Yaml::items).unwrap_or_default() {
                let text = item.scalar_text().unwrap_or_default();
                match self.input.host.references(&project, &text) {
                    Ok(more) => recorded.absorb(more),
                    Err(message) => self.sink.push(
                        Diagnostic::error(code::G0401, message)
                            .heading("Parsing Error")
                            .at(p.place(item))
                            .help(
                                "write ref('model'), source('source', 'table') or metric('metric')",
                            ),
                    ),
                }
            }
            let (description, _) = self.description(package, &p, p.get("description"));
            let owner = json_map(p.get("owner"));
            let mut fields = Map::new();
            fields.insert(
                "type".into(),
                p.text("type").map_or(Value::Null, Value::from),
            );
            let mut shown_owner = Map::new();
            shown_owner.insert(
                "email".into(),
                owner.get("email").cloned().unwrap_or(Value::Null),
            );
            shown_owner.insert(
                "name".into(),
                owner.get("name").cloned().unwrap_or(Value::Null),
            );
            shown_owner.extend(
                owner
                    .into_iter()
                    .filter(|(k, _)| k != "name" && k != "email"),
            );
            fields.insert("owner".into(), Value::Object(shown_owner));
            fields.insert("description".into(), Value::from(description));
            for key in ["label", "maturity", "url"] {
                fields.insert(key.into(), p.text(key).map_or(Value::Null, Value::from));
            }
            let config_value = Config(config.rendered);
            fields.insert(
                "meta".into(),
                config_value
                    .get("meta")
                    .cloned()
                    .unwrap_or_else(|| json!({})),
            );
            let exposure = Exposure {
                unique_id: format!("exposure.{project}.{}", p.name),
                name: p.name.clone(),
                package_name: project,
                path: p.relative_path.clone(),
                original_file_path: p.original_file_path.clone(),
                fqn: names,
                fields,
                tags: config_value.list("tags"),
                config: config_value,
                unrendered_config: config.unrendered,
                refs: recorded.refs,
                sources: recorded.sources,
                metrics: recorded.metrics,
                depends_on: DependsOn::default(),
                created_at: self.input.now,
                place: Some(p.name_place()),
            };
            let id = exposure.unique_id.clone();
            if exposure.config.enabled() {
                self.manifest.exposures.insert(id, exposure);
            } else {
                self.manifest
                    .disabled
                    .entry(id)
                    .or_default()
                    .push(Disabled::Exposure(exposure));
            }
        }
    }

    fn check_exposure(&mut self, p: &Property) {
        let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if !p.name.chars().all(fits) {
            let message = format!(
                "Starting in v1.3, the 'name' of an exposure should contain only letters, numbers, and underscores. Exposures support a new property, 'label', which may contain spaces, capital letters, and special characters. {} does not follow this pattern. Please update the 'name', and use the 'label' property for a human-friendly title. This will raise an error in a future version of dbt-core.",
                p.name
            );
            self.sink.push(
                Diagnostic::warning(code::P0110, message)
                    .event("ExposureNameDeprecation")
                    .fact("exposure", p.name.as_str())
                    .at(p.name_place()),
            );
        }
        let mut wrong = |message: String, node: Option<&Yaml>, help: String| {
            let place = node.map_or_else(|| p.name_place(), |n| p.place(n));
            self.sink.push(
                Diagnostic::error(code::Y0203, message)
                    .heading("Parsing Error")
                    .at(place)
                    .help(help),
            );
        };
        let kind = p.text("type").unwrap_or_default();
        if !EXPOSURE_TYPES.contains(&kind.as_str()) {
            let message = format!(
                "exposure `{}`: `type` must be one of {}",
                p.name,
                EXPOSURE_TYPES.join(", ")
            );
            wrong(
                message,
                p.get("type"),
                "say what kind of use this is, e.g. `type: dashboard`".into(),
            );
        }
        let owner = p.get("owner");
        if owner
            .and_then(|o| o.get("name").or(o.get("email")))
            .is_none()
        {
            wrong(
                format!(
                    "exposure `{}` must have an owner with at least a name or an email",
                    p.name
                ),
                owner,
                "add `owner: {name: …}` or `owner: {email: …}`".into(),
            );
        }
        if let Some(m) = p
            .text("maturity")
            .filter(|m| !["low", "medium", "high"].contains(&m.as_str()))
        {
            wrong(
                format!(
                    "exposure `{}`: maturity `{m}` is not low, medium or high",
                    p.name
                ),
                p.get("maturity"),
                "use low, medium or high".into(),
            );
        }
    }

    /// Groups.
    pub(super) fn groups(&mut self, package: usize) {
        for p in self.entries(package, "groups") {
            let pkg = &self.input.packages[package];
            let project = pkg.project.name.clone();
            let names = fqn(&project, &p.relative_path, &p.name);
            let patch = p.config(&[], &mut self.sink);
            let config = self.config(ResourceType::Group, pkg, &names, Some(&patch), &[]);
            let owner = json_map(p.get("owner"));
            if owner
                .get("name")
                .or(owner.get("email"))
                .is_none_or(Value::is_null)
            {
                self.sink.push(
                    Diagnostic::error(
                        code::Y0205,
                        format!(
                            "group `{}` must have an owner with a name or an email",
                            p.name
                        ),
                    )
                    .heading("Parsing Error")
                    .at(p.name_place())
                    .help("add `owner: {name: …}`"),
                );
            }
            let mut shown = Map::new();
            shown.insert(
                "email".into(),
                owner.get("email").cloned().unwrap_or(Value::Null),
            );
            shown.insert(
                "name".into(),
                owner.get("name").cloned().unwrap_or(Value::Null),
            );
            shown.extend(
                owner
                    .into_iter()
                    .filter(|(k, _)| k != "name" && k != "email"),
            );
            let kept = config.rendered;
            let group = Group {
                unique_id: format!("group.{project}.{}", p.name),
                name: p.name.clone(),
                package_name: project,
                path: p.relative_path.clone(),
                original_file_path: p.original_file_path.clone(),
                owner: shown,
                description: p.text("description"),
                config: kept,
            };
            self.manifest.groups.insert(group.unique_id.clone(), group);
        }
    }
}
