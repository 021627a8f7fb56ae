//! From files to nodes: properties, SQL and seeds become the manifest's entries, with what they refer to.
//!
//! In: packages with their files, and the template engine behind [`ParseHost`]. Out: the [`Manifest`], all references
//! resolved, or every problem of the project at once. Nothing here speaks to a database.
mod builder;
mod checks;
mod columns;
mod entries;
mod exposures;
mod freshness;
pub mod generic;
mod host;
mod keys;
mod lookup;
mod macros;
mod naming;
mod patch;
mod properties;
mod python;
mod python_literal;
mod python_tokens;
mod resolve;
mod semantic;
mod semantic_checks;
mod semantic_columns;
mod semantic_fields;
mod semantic_needs;
mod semantic_rules;
mod simulated;
mod source_config;
mod sources;
mod sql_nodes;
mod tests;
mod time_spine;
mod unit_tests;

pub use builder::Input;
pub use host::{Body, NamePart, ParseHost, Recorded, push_new};
pub use lookup::{Found, Names};
pub use naming::{node_map, render_relation};
pub use resolve::word_place;
pub use simulated::{SimulatedCheck, SimulatedSource};

use crate::diag::{Diagnostic, Result, Stopped};
use crate::graph::{Doc, Manifest, Node, ResourceType};
use builder::Builder;
use entries::Entries;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What readers of the documentation see of a project that has no `__overview__` of its own. dbt has a text of this
/// name in every manifest, and programs that read manifests count on it.
const OVERVIEW: &str = "### The models of this project\n\nWrite a block `__overview__` in a `.md` file of the project to say here what it is about.";

/// Parses a project; gives the manifest and the warnings.
pub fn parse(
    input: &Input<'_>,
    simulations: &dyn Fn(&Manifest) -> Result<Vec<SimulatedSource>>,
) -> Result<(Manifest, Vec<Diagnostic>)> {
    let mut b = Builder::new(input);
    for package in input.packages {
        package
            .project
            .warnings
            .iter()
            .for_each(|w| b.sink.push(w.clone()));
        let name = package.project.name.clone();
        let render = |text: &str| input.host.yaml_value(&name, text);
        let mut all = Vec::new();
        for read in &package.files.properties {
            all.extend(properties::read(read, &render, &mut b.sink));
        }
        b.properties.push(Arc::new(Entries::new(all)));
    }
    b.docs();
    for mut m in input.host.macros() {
        if !input.validate_macro_args() {
            m.arguments.clear();
        }
        b.manifest.macros.insert(m.unique_id.clone(), m);
    }
    // A broken properties file would make every check below cry wolf.
    if b.sink.has_errors() {
        return Err(Stopped(b.sink.said));
    }
    for index in 0..input.packages.len() {
        b.models(index);
        b.snapshots(index);
        b.simple_sql(index, ResourceType::Analysis);
        b.simple_sql(index, ResourceType::Test);
        b.seeds(index);
        b.run_hooks(index);
    }
    b.patches();
    b.sources();
    for index in 0..input.packages.len() {
        b.groups(index);
        b.exposures(index);
        b.semantic(index);
        b.unit_tests(index);
    }
    match simulations(&b.manifest) {
        Ok(list) => b.simulated(&list),
        Err(Stopped(list)) => list.into_iter().for_each(|d| b.sink.push(d)),
    }
    b.checks();
    b.unknown_groups();
    b.resolve();
    b.deprecations();
    b.semantic_checks();
    b.primary_keys();
    if input.batches {
        b.concurrent_batches();
        b.unfiltered_batches();
    } else {
        b.unbatched();
    }
    b.unused_config_paths();
    b.manifest.quoting = quoting_json(b.quoting(None));
    let manifest = std::mem::take(&mut b.manifest);
    let warnings = b.sink.finish()?;
    Ok((manifest, warnings))
}

fn quoting_json(q: [bool; 3]) -> Map<String, Value> {
    let mut map = Map::new();
    for (key, on) in ["database", "schema", "identifier"].into_iter().zip(q) {
        map.insert(key.into(), Value::from(on));
    }
    map.insert("column".into(), Value::Null);
    map
}

impl Builder<'_> {
    fn docs(&mut self) {
        let overview = Doc {
            unique_id: "doc.dbt.__overview__".into(),
            name: "__overview__".into(),
            package_name: "dbt".into(),
            path: "overview.md".into(),
            original_file_path: "docs/overview.md".into(),
            block_contents: OVERVIEW.into(),
        };
        let id = overview.unique_id.clone();
        self.manifest.docs.insert(id, overview);
        for package in self.input.packages {
            for read in &package.files.docs {
                if !read.file.text.contains("{%") {
                    continue;
                }
                let blocks = match self.input.host.docs_blocks(&read.file) {
                    Ok(blocks) => blocks,
                    Err(d) => {
                        self.sink.push(d);
                        continue;
                    }
                };
                for (name, contents) in blocks {
                    let project = &package.project.name;
                    let doc = Doc {
                        unique_id: format!("doc.{project}.{name}"),
                        name,
                        package_name: project.clone(),
                        path: read.found.relative.clone(),
                        original_file_path: read.found.original.clone(),
                        block_contents: contents.trim().to_string(),
                    };
                    if self
                        .manifest
                        .docs
                        .insert(doc.unique_id.clone(), doc.clone())
                        .is_some()
                    {
                        self.sink.push(
                            Diagnostic::error(
                                crate::diag::code::G0402,
                                format!("dbt found two docs with the name \"{}\"", doc.name),
                            )
                            .heading("Compilation Error")
                            .at(crate::text::Place::line(&read.file, 1)),
                        );
                    }
                }
            }
        }
    }

    /// Groups that nodes name must exist.
    fn unknown_groups(&mut self) {
        let names: Vec<String> = self
            .manifest
            .groups
            .values()
            .map(|g| g.name.clone())
            .collect();
        let mut problems = Vec::new();
        for n in self.manifest.nodes.values() {
            let Some(group) = n.group.as_ref().filter(|g| !names.contains(g)) else {
                continue;
            };
            let mut d = Diagnostic::error(
                crate::diag::code::G0401,
                format!(
                    "Invalid group '{group}', expected one of {}",
                    crate::yaml::python_repr(&serde_json::json!(names))
                ),
            )
            .heading("Parsing Error")
            .at_opt(n.patch_place.clone().or(n.place.clone()));
            if let Some(near) = crate::text::nearest(group, names.iter().map(String::as_str)) {
                d = d.help(format!("a group named `{near}` exists"));
            }
            problems.push(d);
        }
        problems.into_iter().for_each(|d| self.sink.push(d));
    }

    /// Tells of models in batches none of whose inputs has a time: each batch sees all of their rows.
    fn unfiltered_batches(&mut self) {
        let timed = |id: &String| {
            let node = self.manifest.nodes.get(id).map(|n| &n.config.0);
            let config = node.or_else(|| self.manifest.sources.get(id).map(|s| &s.config.0));
            config.is_some_and(|c| c.get("event_time").is_some_and(|t| !t.is_null()))
        };
        let nodes = self.manifest.nodes.values();
        let unfiltered =
            nodes.filter(|n| n.is_microbatch() && !n.depends_on.nodes.iter().any(timed));
        let said: Vec<Diagnostic> = unfiltered
            .map(|n| {
                let message = format!(
                    "The microbatch model '{}' has no 'ref' or 'source' input with an 'event_time' configuration. \nThis means no filtering can be applied and can result in unexpected duplicate records in the resulting microbatch model.",
                    n.name
                );
                Diagnostic::warning(crate::diag::code::G0420, message)
                    .event("MicrobatchModelNoEventTimeInputs")
                    .fact("model_name", n.name.as_str())
                    .at_opt(n.place.clone())
            })
            .collect();
        said.into_iter().for_each(|d| self.sink.push(d));
    }

    /// Says that a strategy of the project's own for batches sees all of the rows at once.
    fn unbatched(&mut self) {
        if self.manifest.nodes.values().any(Node::is_microbatch) {
            let message = "The use of a custom microbatch macro outside of batched execution is deprecated. To use it with batched execution, set `flags.require_batched_execution_for_custom_microbatch_strategy` to `True` in `dbt_project.yml`. In the future this will be the default behavior.";
            self.sink.push(
                Diagnostic::warning(crate::diag::code::P0110, message)
                    .event("MicrobatchMacroOutsideOfBatchesDeprecation"),
            );
        }
    }

    /// Says that batches run one after the other whatever a model asks for.
    fn concurrent_batches(&mut self) {
        let asks = |n: &&Node| {
            n.config.str("incremental_strategy") == Some("microbatch")
                && n.config.get("concurrent_batches").and_then(Value::as_bool) == Some(true)
        };
        let models = self.manifest.nodes.values().filter(asks).count();
        if models > 0 {
            let s = if models == 1 { "" } else { "s" };
            self.sink.push(Diagnostic::warning(
                crate::diag::code::P0116,
                format!(
                    "Found {models} microbatch model{s} with the `concurrent_batches` config set to true, but the postgres adapter does not support running batches concurrently. Batches will be run sequentially."
                ),
            )
            .event("InvalidConcurrentBatchesConfig")
            .fact("num_models", models)
            .fact("adapter_type", "postgres"));
        }
    }

    /// Warns of folders in the root project's configuration that match no node.
    fn unused_config_paths(&mut self) {
        let project = &self.root().project;
        let mut unused = Vec::new();
        for (tree, map) in &project.trees {
            let kinds: &[ResourceType] = match tree.as_str() {
                "models" => &[
                    ResourceType::Model,
                    ResourceType::Analysis,
                    ResourceType::Operation,
                ],
                "seeds" => &[ResourceType::Seed],
                "snapshots" => &[ResourceType::Snapshot],
                "data_tests" => &[ResourceType::Test],
                "sources" => &[ResourceType::Source],
                _ => continue,
            };
            let fqns: Vec<Vec<String>> = self
                .manifest
                .entries()
                .map(|e| (e.resource_type(), e.fqn().to_vec()))
                .chain(
                    self.manifest
                        .disabled
                        .values()
                        .flatten()
                        .filter_map(|d| match d {
                            crate::graph::Disabled::Node(n) => {
                                Some((n.resource_type, n.fqn.clone()))
                            }
                            crate::graph::Disabled::Source(s) => {
                                Some((ResourceType::Source, s.fqn.clone()))
                            }
                            _ => None,
                        }),
                )
                .filter(|(kind, _)| kinds.contains(kind))
                .map(|(_, fqn)| fqn)
                .collect();
            collect_unused(tree, map, &mut Vec::new(), &fqns, &mut unused);
        }
        if unused.is_empty() {
            return;
        }
        unused.sort();
        let lines: Vec<String> = unused.iter().map(|u| format!("- {u}")).collect();
        self.sink.push(
            Diagnostic::warning(
                crate::diag::code::P0109,
                format!("Configuration paths exist in your dbt_project.yml file which do not apply to any resources.\nThere are {} unused configuration paths:\n{}", unused.len(), lines.join("\n")),
            )
            .event("UnusedResourceConfigPath")
            .fact("unused_config_paths", unused)
            .help("a path begins with the project's name; remove those that no file matches"),
        );
    }
}

fn collect_unused(
    tree: &str,
    map: &Map<String, Value>,
    path: &mut Vec<String>,
    fqns: &[Vec<String>],
    out: &mut Vec<String>,
) {
    let has_config = map
        .iter()
        .any(|(k, v)| k.starts_with('+') || !v.is_object());
    if has_config && !fqns.iter().any(|f| f.starts_with(path)) {
        let parts = std::iter::once(tree).chain(path.iter().map(String::as_str));
        out.push(parts.collect::<Vec<_>>().join("."));
    }
    for (key, value) in map {
        if let (false, Value::Object(below)) = (key.starts_with('+'), value) {
            path.push(key.clone());
            collect_unused(tree, below, path, fqns, out);
            path.pop();
        }
    }
}
