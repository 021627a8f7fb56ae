//! Nodes that are SQL files: models, snapshots, analyses, singular tests, run hooks; and seeds.
use super::builder::{Builder, Draft, fqn, sha256, text_checksum};
use super::properties::{Property, json_map};
use crate::diag::{Diagnostic, code};
use crate::graph::{Checksum, ResourceType, version_text};
use crate::jinja::python;
use crate::load::{Package, Read};
use crate::text::Place;
use crate::yaml::Node as Yaml;
use serde_json::{Map, Value};

/// Larger seeds are hashed by path only.
const MAX_HASHED_SEED: u64 = 1024 * 1024;

/// Keys that may stand beside `config:` in a model's entry (older spelling).
pub(super) const LEGACY_MODEL: &[&str] = &["meta", "docs", "access", "group"];

/// `config:` as rendered and as written.
pub(super) type PatchConfig = (Map<String, Value>, Map<String, Value>);

/// Name of a file without folders and extension.
pub(super) fn stem(read: &Read) -> String {
    stem_of(&read.found.relative).to_string()
}

fn stem_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or(name, |(s, _)| s)
}

fn whole(read: &Read) -> Place {
    let text = &read.file.text;
    let start = text.len() - text.trim_start().len();
    Place::new(&read.file, start..text.trim_end().len().max(start))
}

/// The latest version: as said, else the greatest (as numbers if all are, else as text).
pub(super) fn latest_version(patch: &Property) -> Option<Value> {
    if let Some(latest) = patch.get("latest_version") {
        return Some(latest.to_json());
    }
    let versions = patch.get("versions").map(Yaml::items).unwrap_or_default();
    let all: Vec<Value> = versions
        .iter()
        .filter_map(|e| e.get("v"))
        .map(Yaml::to_json)
        .collect();
    let number = |v: &Value| version_text(v).parse::<f64>().ok();
    if all.iter().all(|v| number(v).is_some()) {
        all.into_iter().max_by(|a, b| {
            number(a)
                .unwrap_or(0.0)
                .total_cmp(&number(b).unwrap_or(0.0))
        })
    } else {
        all.into_iter().max_by_key(version_text)
    }
}

impl Builder<'_> {
    /// The entry of a properties section that describes a name, of the package or else of any that has nothing of that
    /// name itself.
    pub(super) fn patch_index(
        &self,
        section: &str,
        package: usize,
        name: &str,
    ) -> Option<(usize, usize)> {
        let find = |p: usize| self.properties[p].position(section, name).map(|i| (p, i));
        find(package).or_else(|| {
            (0..self.properties.len())
                .filter(|p| *p != package)
                .filter_map(find)
                .find(|(p, i)| !self.describes_own(section, *p, *i))
        })
    }

    /// Whether a package's entry describes a file of the same package.
    fn describes_own(&self, section: &str, package: usize, i: usize) -> bool {
        let files = &self.input.packages[package].files;
        let property = &self.properties[package][i];
        let any = |list: &[Read]| list.iter().any(|read| stem(read) == property.name);
        match section {
            "models" => property.get("versions").is_some() || any(&files.models),
            "seeds" => (files.seeds.iter()).any(|f| stem_of(&f.relative) == property.name),
            "snapshots" => any(&files.snapshots),
            _ => false,
        }
    }

    fn patch_config(&mut self, section: &str, package: usize, name: &str) -> Option<PatchConfig> {
        let (p, i) = self.patch_index(section, package, name)?;
        let property = self.properties[p][i].clone();
        let legacy: &[&str] = if section == "models" {
            LEGACY_MODEL
        } else {
            &["meta", "docs", "group"]
        };
        Some(property.config(legacy, &mut self.sink))
    }

    pub(super) fn models(&mut self, index: usize) {
        let package = &self.input.packages[index];
        for read in &package.files.models {
            self.model(index, package, read);
        }
    }

    fn model(&mut self, index: usize, package: &Package, read: &Read) {
        let stem = stem(read);
        let own = self.properties[index].clone();
        let version = own.version_of(&stem);
        let project = &package.project.name;
        let (name, patch, v) = match &version {
            Some(v) => {
                let (mut rendered, mut raw) = v.patch.config(LEGACY_MODEL, &mut self.sink);
                deep_merge(&mut rendered, json_map(v.entry.get("config")));
                deep_merge(&mut raw, json_map(v.entry.get("config")));
                for key in ["access", "docs"] {
                    if let Some(value) = v.entry.get(key) {
                        rendered.insert(key.into(), value.to_json());
                        raw.insert(key.into(), value.to_json());
                    }
                }
                (
                    v.patch.name.clone(),
                    Some((rendered, raw)),
                    Some(v.v.clone()),
                )
            }
            None => (
                stem.clone(),
                self.patch_config("models", index, &stem),
                None,
            ),
        };
        let mut names = fqn(project, &read.found.relative, &name);
        let mut unique_id = format!("model.{project}.{name}");
        if let Some(v) = &v {
            names.push(format!("v{}", version_text(v)));
            unique_id = format!("{unique_id}.v{}", version_text(v));
        }
        let draft = Draft {
            kind: ResourceType::Model,
            package,
            name,
            unique_id,
            fqn: names,
            path: read.found.relative.clone(),
            original_file_path: read.found.original.clone(),
            raw_code: read.file.text.trim().to_string(),
            place: Some(whole(read)),
            checksum: text_checksum(&read.file.text),
            version: v,
            patch,
        };
        if let Some(node) = self.node(draft) {
            self.add(node);
        }
    }

    /// Analyses and singular tests: whole files.
    pub(super) fn simple_sql(&mut self, index: usize, kind: ResourceType) {
        let package = &self.input.packages[index];
        let (reads, section) = match kind {
            ResourceType::Analysis => (&package.files.analyses, "analyses"),
            _ => (&package.files.singular_tests, "data_tests"),
        };
        let project = &package.project.name;
        for read in reads {
            let name = stem(read);
            let mut names = fqn(project, &read.found.relative, &name);
            let mut path = read.found.relative.clone();
            if kind == ResourceType::Analysis {
                names.insert(1, "analysis".into());
                path = format!("analysis/{path}");
            }
            let patch = self.patch_config(section, index, &name);
            let draft = Draft {
                kind,
                package,
                unique_id: format!("{}.{project}.{name}", kind.as_str()),
                name,
                fqn: names,
                path,
                original_file_path: read.found.original.clone(),
                raw_code: read.file.text.trim().to_string(),
                place: Some(whole(read)),
                checksum: text_checksum(&read.file.text),
                version: None,
                patch,
            };
            if let Some(node) = self.node(draft) {
                self.add(node);
            }
        }
    }

    /// Snapshots in `{% snapshot %}` blocks, and those defined by `relation:` in properties files.
    pub(super) fn snapshots(&mut self, index: usize) {
        let package = &self.input.packages[index];
        let project = package.project.name.clone();
        for read in &package.files.snapshots {
            let blocks = match self.input.host.snapshot_blocks(&read.file) {
                Ok(blocks) => blocks,
                Err(d) => {
                    self.sink.push(d);
                    continue;
                }
            };
            for (name, body) in blocks {
                let text = &read.file.text[body.clone()];
                let place = Place::new(&read.file, body.clone());
                let folder = read.found.relative.rsplit_once('.').map_or("", |(s, _)| s);
                let patch = self.patch_config("snapshots", index, &name);
                let draft = Draft {
                    kind: ResourceType::Snapshot,
                    package,
                    unique_id: format!("snapshot.{project}.{name}"),
                    fqn: fqn(&project, &format!("{folder}/x"), &name),
                    name,
                    path: read.found.relative.clone(),
                    original_file_path: read.found.original.clone(),
                    raw_code: text.to_string(),
                    place: Some(place),
                    checksum: text_checksum(&read.file.text),
                    version: None,
                    patch,
                };
                if let Some(node) = self.node(draft) {
                    self.check_snapshot(&node);
                    self.add(node);
                }
            }
        }
        let defined: Vec<Property> = self.properties[index]
            .iter()
            .filter(|p| p.section == "snapshots" && p.get("relation").is_some())
            .cloned()
            .collect();
        for p in defined {
            self.yaml_snapshot(package, &p);
        }
    }

    fn yaml_snapshot(&mut self, package: &Package, p: &Property) {
        let project = &package.project.name;
        let relation = p.text("relation").unwrap_or_default();
        let raw_code = format!("select * from {{{{ {relation} }}}}");
        let patch = Some(p.config(&["meta", "docs", "group"], &mut self.sink));
        let draft = Draft {
            kind: ResourceType::Snapshot,
            package,
            name: p.name.clone(),
            unique_id: format!("snapshot.{project}.{}", p.name),
            fqn: fqn(project, &p.relative_path, &p.name),
            path: format!("{}/{}.sql", p.relative_path, p.name),
            original_file_path: p.original_file_path.clone(),
            // As in dbt, the file in which it is described stands for its contents.
            checksum: text_checksum(&p.file.text),
            raw_code,
            place: None,
            version: None,
            patch,
        };
        if let Some(mut node) = self.node(draft) {
            node.patch_place = Some(p.name_place());
            self.check_snapshot(&node);
            self.add(node);
        }
    }

    /// A snapshot needs a strategy, a key, and what the strategy needs.
    fn check_snapshot(&mut self, node: &crate::graph::Node) {
        if !node.config.enabled() {
            return;
        }
        let mut wrong = |message: String, help: &str| {
            self.sink.push(
                Diagnostic::error(code::P0111, format!("snapshot `{}`: {message}", node.name))
                    .heading("Compilation Error")
                    .at_opt(node.patch_place.clone().or(node.place.clone()))
                    .help(help.to_string()),
            );
        };
        let config = &node.config;
        if config.get("strategy").is_none() || config.get("unique_key").is_none() {
            wrong(
                "Snapshots must be configured with a 'strategy' and 'unique_key'".into(),
                "add `strategy: timestamp` or `strategy: check` and `unique_key`",
            );
            return;
        }
        let columns = config
            .get("check_cols")
            .filter(|c| python::json::from_json(c).is_true());
        match config.str("strategy") {
            Some("timestamp") if config.get("updated_at").is_none() => {
                wrong(
                    "the timestamp strategy needs 'updated_at'".into(),
                    "name the column that tells when a row changed",
                );
            }
            Some("timestamp") if columns.is_some() => {
                wrong(
                    "A 'timestamp' snapshot should not have 'check_cols'".into(),
                    "take `check_cols` away, or write `strategy: check`",
                );
            }
            Some("check") => {
                let help = "list the columns to compare, or write `check_cols: all`";
                match columns {
                    None => wrong("the check strategy needs 'check_cols'".into(), help),
                    Some(c) if c.is_array() || c.as_str() == Some("all") => {}
                    Some(c) => {
                        let shown = python::str_of(&python::json::from_json(c));
                        let text = format!(
                            "Invalid value for 'check_cols': {shown}. Expected 'all' or a list of strings."
                        );
                        wrong(text, help);
                    }
                }
            }
            _ => {}
        }
    }

    /// Seeds; their text is not read here beyond the checksum.
    pub(super) fn seeds(&mut self, index: usize) {
        let package = &self.input.packages[index];
        let project = &package.project.name;
        for found in &package.files.seeds {
            let file = found.relative.rsplit('/').next().unwrap_or_default();
            let name = file.rsplit_once('.').map_or(file, |(s, _)| s).to_string();
            let size = std::fs::metadata(&found.absolute).map_or(0, |m| m.len());
            let checksum = if size > MAX_HASHED_SEED {
                Checksum {
                    name: "path".into(),
                    checksum: found.original.clone(),
                }
            } else {
                let bytes = std::fs::read(&found.absolute).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                text_checksum(&text)
            };
            let patch = self.patch_config("seeds", index, &name);
            let draft = Draft {
                kind: ResourceType::Seed,
                package,
                unique_id: format!("seed.{project}.{name}"),
                fqn: fqn(project, &found.relative, &name),
                name,
                path: found.relative.clone(),
                original_file_path: found.original.clone(),
                raw_code: String::new(),
                place: None,
                checksum,
                version: None,
                patch,
            };
            if let Some(mut node) = self.node(draft) {
                node.root_path = Some(package.project.root.display().to_string());
                self.add(node);
            }
        }
    }

    /// `on-run-start` and `on-run-end` of a package.
    pub(super) fn run_hooks(&mut self, index: usize) {
        let package = &self.input.packages[index];
        let project = &package.project.name;
        let file = &package.project.file;
        let checksum = Checksum {
            name: "sha256".into(),
            checksum: sha256(file.text.trim().as_bytes()),
        };
        for (kind, hooks) in [
            ("on-run-start", &package.project.on_run_start),
            ("on-run-end", &package.project.on_run_end),
        ] {
            for (i, hook) in hooks.iter().enumerate() {
                let name = format!("{project}-{kind}-{i}");
                let place = file
                    .text
                    .find(hook.trim())
                    .map(|at| Place::new(file, at..at + hook.trim().len()));
                let draft = Draft {
                    kind: ResourceType::Operation,
                    package,
                    unique_id: format!("operation.{project}.{name}"),
                    fqn: vec![project.clone(), "hooks".into(), name.clone()],
                    path: format!("hooks/{name}.sql"),
                    original_file_path: "./dbt_project.yml".into(),
                    name,
                    raw_code: hook.clone(),
                    place,
                    checksum: checksum.clone(),
                    version: None,
                    patch: None,
                };
                if let Some(mut node) = self.node(draft) {
                    node.index = Some(i);
                    node.tags.retain(|t| t != kind);
                    node.tags.insert(0, kind.to_string());
                    self.add(node);
                }
            }
        }
    }
}

/// Mappings are merged at every level, everything else is replaced.
pub(super) fn deep_merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => deep_merge(old, new),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
