//! Applies properties entries to the nodes they describe: descriptions, columns, constraints, versions, time spines.
use super::builder::Builder;
use super::properties::{Property, check_keys, texts};
use super::sql_nodes::latest_version;
use crate::diag::{Diagnostic, code};
use crate::graph::{Column, Node, ResourceType, version_text};
use crate::text::nearest;
use crate::yaml::Node as Yaml;
use indexmap::IndexMap;
use serde_json::Value;

/// Constraints as Python prints a list of dbt's objects: contracts are hashed over that text.
fn constraints_repr(class: &str, list: &[Value]) -> String {
    let one = |c: &Value| {
        let fields: Vec<String> = c
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| match value.as_str() {
                Some(kind) if key == "type" => format!("type=<ConstraintType.{kind}: '{kind}'>"),
                _ => format!("{key}={}", crate::yaml::python_repr(value)),
            })
            .collect();
        format!("{class}({})", fields.join(", "))
    };
    format!("[{}]", list.iter().map(one).collect::<Vec<_>>().join(", "))
}

impl Builder<'_> {
    /// Applies every entry that describes a model, seed, snapshot, analysis, singular test or macro.
    pub(super) fn patches(&mut self) {
        for package in 0..self.properties.len() {
            let entries = self.properties[package].clone();
            for p in entries.iter() {
                check_keys(p, &mut self.sink);
                match p.section {
                    "models" => self.patch_model(package, p),
                    "seeds" => self.patch_simple(package, p, ResourceType::Seed),
                    "snapshots" => self.patch_simple(package, p, ResourceType::Snapshot),
                    "analyses" => self.patch_simple(package, p, ResourceType::Analysis),
                    "data_tests" => self.patch_simple(package, p, ResourceType::Test),
                    "macros" => self.patch_macro(package, p),
                    _ => {}
                }
            }
        }
    }

    pub(super) fn package_name(&self, package: usize) -> String {
        self.input.packages[package].project.name.clone()
    }

    /// The id of the node that an entry means: of its own package, else of any, else a disabled one.
    fn patched_id(&self, package: usize, kind: ResourceType, name: &str) -> Option<String> {
        let own = format!("{}.{}.{name}", kind.as_str(), self.package_name(package));
        if self.manifest.nodes.contains_key(&own) {
            return Some(own);
        }
        // A node of another package comes before a disabled one of this.
        self.manifest
            .nodes
            .values()
            .find(|n| n.resource_type == kind && n.name == name && n.version.is_none())
            .map(|n| n.unique_id.clone())
            .or_else(|| self.manifest.disabled.contains_key(&own).then_some(own))
    }

    /// An entry that stands under the wrong word describes nothing, but its tests count.
    fn misplaced(&mut self, package: usize, p: &Property, kind: ResourceType) -> bool {
        let kinds = [
            ResourceType::Model,
            ResourceType::Seed,
            ResourceType::Snapshot,
        ];
        if !kinds.contains(&kind) {
            return false;
        }
        let Some((other, id)) = kinds
            .into_iter()
            .find_map(|k| Some((k, self.patched_id(package, k, &p.name)?)))
        else {
            return false;
        };
        let word = other.as_str();
        self.sink.push(
            Diagnostic::warning(
                code::G0405,
                format!(
                    "'{}' is a {word} node, but it is specified in the {} section of {}.\n\
                     To fix this error, place the `{}` specification under the {word}s key instead.",
                    p.name, p.section, p.original_file_path, p.name
                ),
            )
            .event("WrongResourceSchemaFile")
            .fact("patch_name", p.name.as_str())
            .fact("resource_type", word)
            .fact("plural_resource_type", format!("{word}s"))
            .fact("yaml_key", p.section)
            .fact("file_path", p.original_file_path.as_str())
            .at(p.name_place()),
        );
        if self.manifest.nodes.contains_key(&id) {
            self.generic_tests_of(package, p, &p.node, &id);
        }
        true
    }

    /// The tests of an entry that finds no enabled node.
    fn idle_tests(&mut self, package: usize, p: &Property, kind: ResourceType) {
        let kinds = [
            ResourceType::Model,
            ResourceType::Seed,
            ResourceType::Snapshot,
        ];
        if kinds.contains(&kind) {
            self.idle_tests_of(package, p);
        }
    }

    fn unknown(&mut self, package: usize, p: &Property, kind: ResourceType) {
        if self.misplaced(package, p, kind) {
            return;
        }
        self.idle_tests(package, p, kind);
        let word = kind.as_str();
        let same = self
            .manifest
            .nodes
            .values()
            .find(|n| n.name == p.name && n.resource_type != kind);
        let mut d = Diagnostic::warning(
            code::G0405,
            format!("Did not find matching node for patch with name '{}' in the '{}' section of file '{}'", p.name, p.section, p.original_file_path),
        )
        .event("NoNodeForYamlKey")
        .fact("patch_name", p.name.as_str())
        .fact("yaml_key", p.section)
        .fact("file_path", p.original_file_path.as_str())
        .at(p.name_place());
        if let Some(other) = same {
            d = d.help(format!(
                "`{}` is a {}: describe it under its own section",
                p.name,
                other.resource_type.as_str()
            ));
        } else {
            let names: Vec<&str> = self
                .manifest
                .nodes
                .values()
                .filter(|n| n.resource_type == kind)
                .map(|n| n.name.as_str())
                .collect();
            d = match nearest(&p.name, names) {
                Some(near) => d.help(format!("a {word} named `{near}` exists")),
                None => d.help(format!(
                    "there is no {word} of this name; correct the name or remove the entry"
                )),
            };
        }
        self.sink.push(d);
    }

    /// An entry that switches on a node of which several files are switched off: nobody knows which is meant.
    fn enables_one_of_many(&mut self, p: &Property, id: &str) -> bool {
        let wants = p.get("config").and_then(|c| c.get("enabled"));
        let many = match self.manifest.disabled.get(id) {
            Some(all) if !self.manifest.nodes.contains_key(id) => all.len(),
            _ => 0,
        };
        let Some(wants) = wants.filter(|w| w.as_bool() == Some(true) && many > 1) else {
            return false;
        };
        let kind = id.split('.').next().unwrap_or_default();
        let message = format!(
            "Found {many} matching disabled nodes for {kind} '{}'. Multiple nodes for the same unique id cannot be enabled in the schema file. They must be enabled in `dbt_project.yml` or in the sql files.",
            p.name
        );
        self.sink.push(
            Diagnostic::error(code::P0112, message)
                .heading("Parsing Error")
                .at(p.place(wants)),
        );
        true
    }

    /// Whether an entry may describe the id: the first one may, a second one is an error.
    pub(super) fn claim(&mut self, p: &Property, id: &str) -> bool {
        if let Some(first) = self.patched.get(id) {
            self.sink.push(
                Diagnostic::error(
                    code::G0403,
                    format!(
                        "dbt found two schema.yml entries for the same resource named {}",
                        p.name
                    ),
                )
                .heading("Compilation Error")
                .label(p.name_place(), "described again here")
                .label(first.clone(), "described here")
                .help("merge the two entries into one"),
            );
            return false;
        }
        self.patched.insert(id.to_string(), p.name_place());
        true
    }

    fn patch_simple(&mut self, package: usize, p: &Property, kind: ResourceType) {
        let Some(id) = self.patched_id(package, kind, &p.name) else {
            if kind == ResourceType::Test
                && p.section == "data_tests"
                && self.is_generic_test_macro(&p.name)
            {
                return;
            }
            return self.unknown(package, p, kind);
        };
        if self.enables_one_of_many(p, &id) || !self.claim(p, &id) {
            return;
        }
        let Some(mut node) = self.manifest.nodes.get(&id).cloned() else {
            return self.idle_tests(package, p, kind);
        };
        self.describe(&mut node, package, p);
        self.manifest.nodes.insert(id.clone(), node);
        let constraints = p.get("constraints");
        if let Some(given) = constraints.filter(|c| !c.items().is_empty()) {
            let d = super::sources::invalid_field("constraints", kind.as_str(), &p.name);
            self.sink.push(d.at(p.place(given)));
        }
        if matches!(kind, ResourceType::Seed | ResourceType::Snapshot) {
            self.generic_tests_of(package, p, &p.node, &id);
        }
    }

    fn is_generic_test_macro(&self, name: &str) -> bool {
        self.manifest
            .macros
            .values()
            .any(|m| m.name == format!("test_{name}"))
    }

    fn patch_model(&mut self, package: usize, p: &Property) {
        if p.get("versions").is_some_and(|v| !v.items().is_empty()) {
            return self.patch_versions(package, p);
        }
        let Some(id) = self.patched_id(package, ResourceType::Model, &p.name) else {
            return self.unknown(package, p, ResourceType::Model);
        };
        if self.enables_one_of_many(p, &id) || !self.claim(p, &id) {
            return;
        }
        let Some(mut node) = self.manifest.nodes.get(&id).cloned() else {
            return self.idle_tests(package, p, ResourceType::Model);
        };
        self.describe(&mut node, package, p);
        self.model_fields(&mut node, p, &p.node);
        self.manifest.nodes.insert(id.clone(), node);
        self.generic_tests_of(package, p, &p.node, &id);
    }

    /// The latest version is one of the model's.
    fn check_latest(&mut self, p: &Property) {
        let entries = p.get("versions").map(Yaml::items).unwrap_or_default();
        let known: Vec<String> = entries
            .iter()
            .filter_map(|e| e.get("v"))
            .map(|v| version_text(&v.to_json()))
            .collect();
        let Some(said) = p.get("latest_version").filter(|v| !v.is_null()) else {
            return;
        };
        let latest = version_text(&said.to_json());
        if !known.contains(&latest) {
            let message = format!(
                "latest_version: {latest} is not one of model '{}' versions: [{}]",
                p.name,
                known.join(", ")
            );
            self.sink.push(
                Diagnostic::error(code::Y0203, message)
                    .heading("Parsing Error")
                    .at(p.place(said))
                    .help(
                        "name one of them, or leave `latest_version` out: then it is the highest",
                    ),
            );
        }
    }

    fn patch_versions(&mut self, package: usize, p: &Property) {
        self.check_latest(p);
        let latest = latest_version(p);
        let ids: Vec<String> = self
            .manifest
            .nodes
            .values()
            .filter(|n| {
                n.name == p.name
                    && n.version.is_some()
                    && n.package_name == self.package_name(package)
            })
            .map(|n| n.unique_id.clone())
            .collect();
        for entry in p.get("versions").map(Yaml::items).unwrap_or_default() {
            let Some(v) = entry.get("v").map(Yaml::to_json) else {
                self.sink.push(
                    Diagnostic::error(code::Y0205, format!("a version of `{}` has no `v`", p.name))
                        .heading("Parsing Error")
                        .at(p.place(entry)),
                );
                continue;
            };
            let id = ids
                .iter()
                .find(|id| id.ends_with(&format!(".v{}", version_text(&v))))
                .cloned();
            let Some(id) = id else {
                let disabled = format!(
                    "model.{}.{}.v{}",
                    self.package_name(package),
                    p.name,
                    version_text(&v)
                );
                if !self.manifest.disabled.contains_key(&disabled) {
                    self.unknown(package, p, ResourceType::Model);
                }
                continue;
            };
            if !self.claim(p, &id) {
                continue;
            }
            let Some(mut node) = self.manifest.nodes.get(&id).cloned() else {
                continue;
            };
            self.describe(&mut node, package, p);
            self.model_fields(&mut node, p, &p.node);
            self.version_fields(&mut node, package, p, entry);
            node.latest_version = latest.clone();
            let owner = version_owner(p, entry);
            self.manifest.nodes.insert(id.clone(), node);
            self.generic_tests_of(package, p, &owner, &id);
        }
    }

    /// Description, columns and the like, shared by all kinds.
    fn describe(&mut self, node: &mut Node, package: usize, p: &Property) {
        let (text, blocks) = self.description(package, p, p.get("description"));
        node.description = text;
        node.doc_blocks = blocks;
        node.patch_path = Some(format!(
            "{}://{}",
            self.package_name(package),
            p.original_file_path
        ));
        node.patch_place = Some(p.name_place());
        node.columns = self.columns(package, p, p.get("columns"));
    }

    /// A rendered description and the docs blocks it uses.
    pub(super) fn description(
        &mut self,
        package: usize,
        p: &Property,
        node: Option<&Yaml>,
    ) -> (String, Vec<String>) {
        let Some(node) = node.filter(|n| !n.is_null()) else {
            return (String::new(), Vec::new());
        };
        let Some(text) = node.as_str() else {
            self.sink.push(
                crate::yaml::wrong_type(&p.file, node, "`description`", "text")
                    .heading("Parsing Error"),
            );
            return (String::new(), Vec::new());
        };
        if !crate::config::has_jinja(text) {
            return (text.to_string(), Vec::new());
        }
        let name = self.package_name(package);
        let docs = &self.manifest.docs;
        let root = &self.manifest.project_name;
        let find = |pkg: Option<&str>, block: &str| {
            let at = |p: &str| docs.get(&format!("doc.{p}.{block}"));
            let found = match pkg {
                Some(pkg) => at(pkg),
                None => at(root)
                    .or_else(|| at(&name))
                    .or_else(|| docs.values().find(|d| d.name == block)),
            };
            found.map(|d| (d.unique_id.clone(), d.block_contents.clone()))
        };
        match self.input.host.description(&name, text, &find) {
            Ok(done) => done,
            Err(message) => {
                let d = Diagnostic::error(code::P0105, message)
                    .heading("Compilation Error")
                    .at(p.place(node));
                self.sink.push(d);
                (String::new(), Vec::new())
            }
        }
    }

    fn model_fields(&mut self, node: &mut Node, p: &Property, entry: &Yaml) {
        node.constraints = self.constraints(p, entry.get("constraints"), true);
        node.deprecation_date = entry
            .get("deprecation_date")
            .filter(|n| !n.is_null())
            .and_then(Yaml::scalar_text)
            .map(|d| {
                if d.len() == 10 {
                    format!("{d}T00:00:00+00:00")
                } else {
                    d
                }
            });
        self.time_spine(node, p, entry);
        self.contract_checksum(node);
    }

    fn version_fields(&mut self, node: &mut Node, package: usize, p: &Property, entry: &Yaml) {
        if let Some(description) = entry.get("description") {
            let (text, blocks) = self.description(package, p, Some(description));
            node.description = text;
            node.doc_blocks = blocks;
        }
        if entry.get("columns").is_some() {
            let own = self.columns(package, p, entry.get("columns"));
            let mut columns = included(&node.columns, entry);
            columns.extend(own);
            node.columns = columns;
        }
        if entry.get("constraints").is_some() {
            node.constraints = self.constraints(p, entry.get("constraints"), true);
        }
        if let Some(date) = entry.get("deprecation_date").and_then(Yaml::scalar_text) {
            node.deprecation_date = Some(if date.len() == 10 {
                format!("{date}T00:00:00+00:00")
            } else {
                date
            });
        }
        self.contract_checksum(node);
    }

    /// A hash over what the contract promises, to see changes of it.
    fn contract_checksum(&self, node: &mut Node) {
        if !node.contract.enforced {
            return;
        }
        let mut names: Vec<&String> = node.columns.keys().collect();
        names.sort();
        let mut state = String::new();
        for name in names {
            let column = &node.columns[name];
            let data_type = column.data_type.clone().unwrap_or_else(|| "None".into());
            state.push_str(&format!(
                "|{name}{data_type}{}",
                constraints_repr("ColumnLevelConstraint", &column.constraints)
            ));
        }
        let kind = node.config.materialized();
        if ["table", "incremental"].contains(&kind) {
            state.push_str(kind);
            state.push_str(&constraints_repr("ModelLevelConstraint", &node.constraints));
        }
        node.contract.checksum = Some(super::builder::sha256(state.as_bytes()));
    }
}

/// The columns of a version: its own plus those of the model that it includes.
fn included(all: &IndexMap<String, Column>, version: &Yaml) -> IndexMap<String, Column> {
    let rule = version
        .get("columns")
        .map(Yaml::items)
        .unwrap_or_default()
        .iter()
        .find(|c| c.get("include").is_some());
    let Some(rule) = rule else {
        return IndexMap::new();
    };
    let include = texts(rule.get("include"));
    let exclude = texts(rule.get("exclude"));
    let everything = include.iter().any(|i| i == "*" || i == "all");
    all.iter()
        .filter(|(name, _)| (everything || include.contains(name)) && !exclude.contains(name))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// The entry whose tests count for a version: its own tests and columns where given, else the model's.
fn version_owner(p: &Property, version: &Yaml) -> Yaml {
    let mut owner = p.node.clone();
    let crate::yaml::Kind::Map(entries) = &mut owner.kind else {
        return owner;
    };
    for key in ["data_tests", "tests"] {
        // Null says nothing, so that the model's own tests count.
        if let Some(pair) = version.entry(key).filter(|(_, v)| !v.is_null()) {
            entries.retain(|(k, _)| !matches!(k.as_str(), Some("data_tests" | "tests")));
            entries.push(pair.clone());
            break;
        }
    }
    if let Some((key, own)) = version.entry("columns") {
        let rule = own.items().iter().find(|c| c.get("include").is_some());
        let include = texts(rule.and_then(|r| r.get("include")));
        let exclude = texts(rule.and_then(|r| r.get("exclude")));
        let everything = include.iter().any(|i| i == "*" || i == "all");
        let own_columns: Vec<Yaml> = own
            .items()
            .iter()
            .filter(|c| c.get("include").is_none())
            .cloned()
            .collect();
        let mut columns: Vec<Yaml> = p
            .get("columns")
            .map(Yaml::items)
            .unwrap_or_default()
            .iter()
            .filter(|c| {
                let name = c
                    .get("name")
                    .and_then(Yaml::scalar_text)
                    .unwrap_or_default();
                (everything || include.contains(&name))
                    && !exclude.contains(&name)
                    && !own_columns
                        .iter()
                        .any(|o| o.get("name").and_then(Yaml::scalar_text).as_ref() == Some(&name))
            })
            .cloned()
            .collect();
        columns.extend(own_columns);
        entries.retain(|(k, _)| k.as_str() != Some("columns"));
        entries.push((
            key.clone(),
            Yaml {
                kind: crate::yaml::Kind::Seq(columns),
                span: own.span.clone(),
            },
        ));
    }
    owner
}
