//! From names to ids: what each `ref` and `source` means, whether it may be used, and the cycle check.
use super::builder::Builder;
use super::host::push_new;
use super::lookup::{Found, Names};
use crate::diag::{Diagnostic, code};
use crate::graph::{Dag, Node, ResourceType, version_text};
use crate::text::{Place, nearest};
use std::collections::{BTreeMap, HashMap};

/// Who refers to something.
struct Caller<'a> {
    unique_id: &'a str,
    package: &'a str,
    group: Option<&'a str>,
}

impl Builder<'_> {
    /// Fills `depends_on.nodes` of everything and reports what leads nowhere.
    pub(super) fn resolve(&mut self) {
        let names = Names::new(&self.manifest);
        let ids: Vec<String> = self.manifest.nodes.keys().cloned().collect();
        for id in ids {
            // It is out of the list meanwhile; the last one stands in its place until it is back.
            let Some((at, id, mut node)) = self.manifest.nodes.swap_remove_full(&id) else {
                continue;
            };
            let idle = self.resolve_node(&names, &mut node);
            let last = self.manifest.nodes.insert_full(id, node).0;
            self.manifest.nodes.swap_indices(at, last);
            if idle {
                self.set_idle(at);
            }
        }
        self.resolve_exposures(&names);
        self.resolve_semantic(&names);
        self.resolve_unit_tests();
        self.collisions();
        self.cycle();
    }

    /// A test whose targets are not there is listed, but never runs.
    fn set_idle(&mut self, at: usize) {
        if let Some((id, mut node)) = self.manifest.nodes.shift_remove_index(at) {
            node.config.0.insert("enabled".into(), false.into());
            self.manifest.idle.insert(id, node);
        }
    }

    /// What a node depends on; whether it must not run, as something that it refers to is not there.
    fn resolve_node(&mut self, names: &Names, node: &mut Node) -> bool {
        let caller = node.package_name.clone();
        let mut idle = false;
        for (source, table) in node.sources.clone() {
            match names.find_source(&source, &table, &caller) {
                Found::Node(id) => push_new(&mut node.depends_on.nodes, id),
                found => {
                    let known = names
                        .sources
                        .keys()
                        .map(|(s, t)| format!("{s}.{t}"))
                        .collect::<Vec<_>>();
                    let what = format!("{source}.{table}");
                    let near = nearest(&what, known.iter().map(String::as_str))
                        .map(|n| format!("a source named `{n}` exists"));
                    idle |= self.unresolved(
                        node,
                        "source",
                        &what,
                        "",
                        found == Found::Disabled,
                        near,
                        &table,
                    );
                }
            }
        }
        for r in node.refs.clone() {
            match names.find_ref(&r, &caller) {
                Found::Node(id) => {
                    self.check_access(node, &id);
                    push_new(&mut node.depends_on.nodes, id);
                }
                found => {
                    let version = r
                        .version
                        .as_ref()
                        .map(|v| format!(" with version '{}'", version_text(v)))
                        .unwrap_or_default();
                    let near = match names.ref_names().any(|n| n == r.name) {
                        true if found != Found::Disabled => {
                            Some(format!("`{}` is there, but not this version of it", r.name))
                        }
                        _ => nearest(&r.name, names.ref_names())
                            .map(|n| format!("a node named `{n}` exists")),
                    };
                    idle |= self.unresolved(
                        node,
                        "node",
                        &r.name,
                        &version,
                        found == Found::Disabled,
                        near,
                        &r.name,
                    );
                }
            }
        }
        for m in node.metrics.clone() {
            let name = m.last().cloned().unwrap_or_default();
            match names.find_metric(&name) {
                Found::Node(id) => push_new(&mut node.depends_on.nodes, id),
                found => {
                    let near = nearest(&name, names.metric_names())
                        .map(|n| format!("a metric named `{n}` exists"));
                    let off = found == Found::Disabled;
                    idle |= self.unresolved(node, "metric", &name, "", off, near, &name);
                }
            }
        }
        if !idle {
            self.foreign_keys(names, node);
        }
        idle
    }

    /// A target that is not there: an error, for tests a warning (or nothing, when the target is switched off).
    /// Returns whether the node is a test, which then is listed but never run.
    #[expect(
        clippy::too_many_arguments,
        reason = "all of it goes into one sentence"
    )]
    fn unresolved(
        &mut self,
        node: &Node,
        what: &str,
        name: &str,
        version: &str,
        off: bool,
        near: Option<String>,
        word: &str,
    ) -> bool {
        let is_test = node.resource_type == ResourceType::Test;
        if is_test && off {
            return true;
        }
        let kind = node.resource_type.as_str();
        let state = if off {
            "which is disabled"
        } else {
            "which was not found"
        };
        let message = format!(
            "{} '{}' ({}) depends on a {what} named '{name}'{version} {state}",
            capital(kind),
            node.unique_id,
            node.original_file_path
        );
        let d = if is_test {
            Diagnostic::warning(code::G0401, message)
                .event("NodeNotFoundOrDisabled")
                .fact("original_file_path", node.original_file_path.as_str())
                .fact("unique_id", node.unique_id.as_str())
                .fact("resource_type_title", capital(kind))
                .fact("target_name", name)
                .fact("target_kind", what)
                .fact("target_package", "")
                .fact("disabled", if off { "True" } else { "False" })
        } else {
            Diagnostic::error(code::G0401, message).heading("Compilation Error")
        };
        let help = near.filter(|_| !off).unwrap_or_else(|| {
            if off {
                "enable it, or do not refer to it".into()
            } else {
                "check the spelling, or run `tv1 deps` if it belongs to a package".into()
            }
        });
        self.sink.push(d.at_opt(word_place(node, word)).help(help));
        is_test
    }

    fn check_access(&mut self, node: &Node, id: &str) {
        let caller = Caller {
            unique_id: &node.unique_id,
            package: &node.package_name,
            group: node.group.as_deref(),
        };
        if let Some(d) = self.refused(&caller, id) {
            let name = self.manifest.nodes.get(id).map(|n| n.name.clone());
            let place = word_place(node, &name.unwrap_or_default());
            self.sink.push(d.at_opt(place));
        }
    }

    /// Why a model may not be referred to from there.
    fn refused(&self, caller: &Caller<'_>, id: &str) -> Option<Diagnostic> {
        let target = self.manifest.nodes.get(id)?;
        if target.resource_type != ResourceType::Model {
            return None;
        }
        let access = target.access.as_deref();
        let private = access == Some("private")
            && (caller.group.is_none() || target.group.as_deref() != caller.group);
        let restricts = |p: &crate::load::Package| {
            p.project.name == target.package_name && p.project.restrict_access
        };
        let restricted = target.package_name != caller.package
            && access != Some("public")
            && self.input.packages.iter().any(restricts);
        if !private && !restricted {
            return None;
        }
        let because = if private {
            let group = target.group.as_deref().unwrap_or_default();
            format!("because the referenced node is private to the '{group}' group")
        } else {
            let package = &target.package_name;
            format!("because the referenced node is protected to the '{package}' package")
        };
        let message = format!(
            "Node {} attempted to reference node {id}, which is not allowed {because}",
            caller.unique_id
        );
        Some(
            Diagnostic::error(code::G0406, message)
                .heading("Parsing Error")
                .help("make the referenced model public, or put both into one group"),
        )
    }

    /// `to: ref('x')` in constraints adds a dependency.
    fn foreign_keys(&mut self, names: &Names, node: &mut Node) {
        let targets: Vec<String> = node
            .constraints
            .iter()
            .chain(node.columns.values().flat_map(|c| c.constraints.iter()))
            .filter_map(|c| {
                c.get("to")
                    .and_then(serde_json::Value::as_str)
                    .map(str::to_string)
            })
            .collect();
        for text in targets {
            let recorded = self.input.host.references(&node.package_name, &text);
            let recorded = recorded.unwrap_or_default();
            if recorded.refs.is_empty() && recorded.sources.is_empty() {
                let message = format!(
                    "Invalid 'ref' or 'source' syntax on foreign key constraint 'to' on model {}: {text}.",
                    node.name
                );
                let d = Diagnostic::error(code::P0111, message).heading("Parsing Error");
                let place = node.patch_place.clone().or(node.place.clone());
                self.sink
                    .push(d.at_opt(place).help("for example `to: ref('orders')`"));
                continue;
            }
            for r in recorded.refs {
                match names.find_ref(&r, &node.package_name) {
                    Found::Node(id) => {
                        push_new(&mut node.refs, r);
                        push_new(&mut node.depends_on.nodes, id);
                    }
                    _ => {
                        let message = format!(
                            "Model '{}' ({}) depends on a node named '{}' which was not found",
                            node.unique_id, node.original_file_path, r.name
                        );
                        let d = Diagnostic::error(code::G0401, message);
                        let d = d.heading("Compilation Error");
                        let place = node.patch_place.clone().or(node.place.clone());
                        self.sink.push(d.at_opt(place));
                    }
                }
            }
            for (s, t) in recorded.sources {
                if let Found::Node(id) = names.find_source(&s, &t, &node.package_name) {
                    push_new(&mut node.sources, (s, t));
                    let ids = &mut node.depends_on.nodes;
                    if !ids.contains(&id) {
                        // As in dbt, sources come first wherever they are named.
                        let sources = ids.iter().take_while(|i| i.starts_with("source.")).count();
                        ids.insert(sources, id);
                    }
                }
            }
        }
    }

    fn resolve_exposures(&mut self, names: &Names) {
        let metric_ids: HashMap<String, String> = self
            .manifest
            .metrics
            .values()
            .map(|m| (m.name.clone(), m.unique_id.clone()))
            .collect();
        let mut problems = Vec::new();
        for e in self.manifest.exposures.values_mut() {
            let mut missing = |what: &str, name: &str| {
                problems.push(
                    Diagnostic::error(code::G0401, format!("Exposure '{}' ({}) depends on a {what} named '{name}' which was not found", e.unique_id, e.original_file_path))
                        .heading("Compilation Error")
                        .at_opt(e.place.clone()),
                );
            };
            for (s, t) in &e.sources {
                match names.find_source(s, t, &e.package_name) {
                    Found::Node(id) => push_new(&mut e.depends_on.nodes, id),
                    _ => missing("source", &format!("{s}.{t}")),
                }
            }
            for r in &e.refs {
                match names.find_ref(r, &e.package_name) {
                    Found::Node(id) => push_new(&mut e.depends_on.nodes, id),
                    _ => missing("node", &r.name),
                }
            }
            for m in &e.metrics {
                match m.last().and_then(|n| metric_ids.get(n)) {
                    Some(id) => push_new(&mut e.depends_on.nodes, id.clone()),
                    None => missing("metric", &m.join(".")),
                }
            }
        }
        for e in self.manifest.exposures.values() {
            let caller = Caller {
                unique_id: &e.unique_id,
                package: &e.package_name,
                group: None,
            };
            let refused = e
                .depends_on
                .nodes
                .iter()
                .filter_map(|id| self.refused(&caller, id));
            problems.extend(refused.map(|d| d.at_opt(e.place.clone())));
        }
        problems.into_iter().for_each(|d| self.sink.push(d));
    }

    fn resolve_semantic(&mut self, names: &Names) {
        let mut problems = Vec::new();
        for m in self.manifest.semantic_models.values_mut() {
            for r in &m.refs {
                let found = names.find_ref(r, &m.package_name);
                if let Found::Node(id) = found {
                    push_new(&mut m.depends_on.nodes, id);
                    continue;
                }
                let state = match found {
                    Found::Disabled => "which is disabled",
                    _ => "which was not found",
                };
                let message = format!(
                    "Semantic Model '{}' ({}) depends on a node named '{}' {state}",
                    m.unique_id, m.original_file_path, r.name
                );
                let d = Diagnostic::error(code::G0401, message)
                    .heading("Compilation Error")
                    .at_opt(m.place.clone());
                problems.push(match nearest(&r.name, names.ref_names()) {
                    Some(near) if near != r.name => d.help(format!("a node named `{near}` exists")),
                    _ => d,
                });
            }
        }
        problems.into_iter().for_each(|d| self.sink.push(d));
        self.semantic_needs();
    }

    /// A unit test also needs what its model needs, so that types can be looked up.
    fn resolve_unit_tests(&mut self) {
        let problems: Vec<Diagnostic> = self
            .manifest
            .unit_tests
            .values()
            .filter(|u| {
                u.tested_node
                    .as_ref()
                    .is_some_and(|id| !self.manifest.nodes.contains_key(id))
            })
            .map(|u| {
                Diagnostic::error(
                    code::G0401,
                    format!("unit test '{}' is for a model that is not there", u.name),
                )
                .at_opt(u.place.clone())
            })
            .collect();
        problems.into_iter().for_each(|d| self.sink.push(d));
    }

    /// Two nodes that would write the same relation.
    fn collisions(&mut self) {
        let mut seen: BTreeMap<String, &Node> = BTreeMap::new();
        let mut problems = Vec::new();
        for n in self.manifest.nodes.values().filter(|n| n.is_refable()) {
            let Some(relation) = n.relation_name.clone() else {
                continue;
            };
            if let Some(other) = seen.get(&relation) {
                problems.push(
                    Diagnostic::error(code::G0408, format!("dbt found two resources with the database representation \"{relation}\""))
                        .heading("Compilation Error")
                        .at_opt(n.place.as_ref().map(|p| Place::line(&p.file, 1)))
                        .at_opt(other.place.as_ref().map(|p| Place::line(&p.file, 1)))
                        .note(format!("dbt cannot create two resources with identical database representations: {} ({}) and {} ({})", other.unique_id, other.original_file_path, n.unique_id, n.original_file_path))
                        .help("give one of them another alias, schema or name"),
                );
            }
            seen.insert(relation, n);
        }
        problems.into_iter().for_each(|d| self.sink.push(d));
    }

    fn cycle(&mut self) {
        let dag = Dag::new(&self.manifest);
        let Err(cycle) = dag.order() else { return };
        let Some(first) = cycle.0.first() else { return };
        let mut path = cycle.0.clone();
        path.push(first.clone());
        let mut d = Diagnostic::error(
            code::G0404,
            format!("Found a cycle: {}", path.join(" --> ")),
        )
        .heading("Runtime Error");
        for pair in path.windows(2) {
            let (Some(child), Some(parent)) = (
                self.manifest.nodes.get(&pair[1]),
                self.manifest.entry(&pair[0]),
            ) else {
                continue;
            };
            if let Some(place) = word_place(child, parent.name()) {
                d = d.label(place, format!("`{}` needs `{}`", child.name, parent.name()));
            }
        }
        self.sink.push(d.help(
            "take one of these references out: a model cannot need itself, even by way of others",
        ));
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// Where a node's text names another: the quoted word, else the node's first line.
pub fn word_place(node: &Node, word: &str) -> Option<Place> {
    let place = node.place.as_ref()?;
    let text = &place.file.text[place.span.clone()];
    for quote in ['\'', '"'] {
        if let Some(at) = text.find(&format!("{quote}{word}{quote}")) {
            let start = place.span.start + at + 1;
            return Some(Place::new(&place.file, start..start + word.len()));
        }
    }
    let (line, _) = place.file.line_column(place.span.start);
    Some(Place::line(&place.file, line))
}
