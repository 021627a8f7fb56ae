//! Generic test nodes: one for each test that a properties entry calls for.
use super::builder::{Builder, fqn};
use super::generic::{self, Call, Names, id_hash, names};
use super::host::Body;
use super::properties::{Property, texts};
use crate::diag::{Diagnostic, code};
use crate::graph::{Checksum, Config, GenericTest, Node, RefArgs, ResourceType, version_text};
use crate::yaml::python_repr;
use crate::yaml::{Kind, Node as Yaml};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a test is attached to.
struct Target {
    id: String,
    /// Name used in the test's name: model, `model_v1`, `source_table`.
    name: String,
    /// `ref('x')` or `source('a', 'b')`.
    call: String,
    file_key: String,
    is_source: bool,
    refs: Vec<RefArgs>,
    sources: Vec<(String, String)>,
}

impl Builder<'_> {
    /// The tests of an entry that describes a node: on the whole and on its columns.
    pub(super) fn generic_tests_of(
        &mut self,
        package: usize,
        p: &Property,
        owner: &Yaml,
        id: &str,
    ) {
        let Some(node) = self.manifest.nodes.get(id) else {
            return;
        };
        let version_arg = node
            .version
            .as_ref()
            .map(|v| format!(", version='{}'", version_text(v)))
            .unwrap_or_default();
        // What stands in another package than its description counts as attached to nothing.
        let own = node.package_name == self.input.packages[package].project.name;
        let target = Target {
            id: if own { id.to_string() } else { String::new() },
            name: match &node.version {
                Some(v) => format!("{}_v{}", node.name, version_text(v)),
                None => node.name.clone(),
            },
            call: format!("ref('{}'{version_arg})", node.name),
            file_key: format!("{}.{}", p.section, node.name),
            is_source: false,
            refs: vec![RefArgs {
                name: node.name.clone(),
                package: None,
                version: node.version.clone(),
            }],
            sources: Vec::new(),
        };
        self.tests_on(package, p, owner, &target);
    }

    /// The tests of an entry whose node is not there or switched off: they are listed but never run.
    pub(super) fn idle_tests_of(&mut self, package: usize, p: &Property) {
        let target = Target {
            id: String::new(),
            name: p.name.clone(),
            call: format!("ref('{}')", p.name),
            file_key: format!("{}.{}", p.section, p.name),
            is_source: false,
            refs: vec![RefArgs {
                name: p.name.clone(),
                package: None,
                version: None,
            }],
            sources: Vec::new(),
        };
        self.tests_on(package, p, &p.node, &target);
    }

    /// The tests of a source's table.
    pub(super) fn source_tests(
        &mut self,
        package: usize,
        p: &Property,
        table: &Yaml,
        source: &str,
        name: &str,
        id: &str,
    ) {
        let target = Target {
            id: id.to_string(),
            name: format!("{source}_{name}"),
            call: format!("source('{source}', '{name}')"),
            file_key: format!("sources.{source}"),
            is_source: true,
            refs: Vec::new(),
            sources: vec![(source.to_string(), name.to_string())],
        };
        self.tests_on(package, p, table, &target);
    }

    fn tests_on(&mut self, package: usize, p: &Property, owner: &Yaml, target: &Target) {
        // A source says it of its columns in `quoting:`, at the table or above it.
        let all_quoted = if target.is_source {
            let of = |n: &Yaml| {
                n.get("quoting")
                    .and_then(|q| q.get("column"))
                    .and_then(Yaml::as_bool)
            };
            of(owner).or_else(|| of(&p.node))
        } else {
            owner.get("quote_columns").and_then(Yaml::as_bool)
        };
        // Tags of a source and its table go over to their tests, those in `config:` do not.
        let above = if target.is_source {
            [texts(p.get("tags")), texts(owner.get("tags"))].concat()
        } else {
            Vec::new()
        };
        let nested = (self.input.behaviour)("require_generic_test_arguments_property");
        for column in owner.get("columns").map(Yaml::items).unwrap_or_default() {
            let Some(name) = column.get("name").and_then(Yaml::scalar_text) else {
                continue;
            };
            let quoted = column.get("quote").and_then(Yaml::as_bool);
            let shown = if quoted.or(all_quoted) == Some(true) {
                format!("\"{name}\"")
            } else {
                name.clone()
            };
            let mut tags = above.clone();
            tags.extend(texts(column.get("tags")));
            tags.extend(texts(column.get("config").and_then(|c| c.get("tags"))));
            let calls = generic::calls(p, column, Some(&shown), nested, &mut self.sink);
            for call in calls {
                self.generic_test(package, p, &call, target, Some(&name), &tags);
            }
        }
        let calls = generic::calls(p, owner, None, nested, &mut self.sink);
        for call in calls {
            self.generic_test(package, p, &call, target, None, &above);
        }
    }

    fn generic_test(
        &mut self,
        package: usize,
        p: &Property,
        call: &Call,
        target: &Target,
        column: Option<&str>,
        tags: &[String],
    ) {
        let pkg = &self.input.packages[package];
        let project = pkg.project.name.clone();
        let Some(config) = self.test_config(&project, call) else {
            return;
        };
        let mut call = call.clone();
        call.kwargs.insert(
            "model".into(),
            Value::from(format!("{{{{ get_where_subquery({}) }}}}", target.call)),
        );
        let named: Names = {
            let mut without = call.clone();
            without.kwargs.shift_remove("model");
            names(&without, &target.name, target.is_source)
        };
        let hash = id_hash(
            &named.full,
            &call.name,
            call.namespace.as_deref(),
            &call.kwargs,
        );
        let unique_id = format!("test.{project}.{}.{hash}", named.full);
        let mut inline = config.clone();
        if named.short != named.full && !inline.contains_key("alias") {
            inline.insert("alias".into(), Value::from(named.short.clone()));
        }
        let raw_code = raw_code(&call, &inline);
        let draft = super::builder::Draft {
            kind: ResourceType::Test,
            package: pkg,
            name: named.full.clone(),
            unique_id,
            fqn: fqn(&project, &p.relative_path, &named.full),
            path: format!("{}.sql", named.short),
            original_file_path: p.original_file_path.clone(),
            raw_code,
            place: Some(call.place.clone()),
            checksum: Checksum {
                name: "none".into(),
                checksum: String::new(),
            },
            version: None,
            patch: None,
        };
        let own = Config(config.clone()).list("tags");
        let tags: BTreeSet<String> = tags.iter().cloned().chain(own).collect();
        let tags: Vec<String> = tags.into_iter().collect();
        let mut node = self.blank_test(&draft, &call, target, column, &tags);
        (node.description, _) = self.description(package, p, call.description.as_ref());
        let recorded = self.record_test(&project, &node, &call, target);
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(d) => return self.sink.push(d),
        };
        let mut recorded = recorded;
        // Rendering sees the same call once more, behind those of the test's macro; only lists of tags show it.
        if !inline.is_empty() {
            recorded.config.insert(0, inline);
        }
        self.finish(&mut node, pkg, None, recorded);
        // A test belongs to the group of what it tests, whatever its own configuration says.
        if let Some(of) = node.test.as_ref().and_then(|t| t.attached_node.as_ref()) {
            node.group = self.manifest.nodes.get(of).and_then(|n| n.group.clone());
        }
        if !node.config.enabled() {
            return self.disable(node);
        }
        if let Some(other) = self.manifest.nodes.get(&node.unique_id) {
            let d = Diagnostic::error(
                code::G0402,
                format!(
                    "dbt found two data_tests with the name \"{}\" on the same target",
                    node.name
                ),
            )
            .heading("Compilation Error")
            .at(call.place.clone())
            .at_opt(other.place.clone())
            .help("give one of them another `name:`, or remove it");
            return self.sink.push(d);
        }
        self.manifest.nodes.insert(node.unique_id.clone(), node);
    }

    /// The configuration of a test with its values evaluated.
    fn test_config(&mut self, package: &str, call: &Call) -> Option<Map<String, Value>> {
        let mut out = Map::new();
        for (key, value) in &call.config {
            let value = match value {
                Value::String(text) if crate::config::has_jinja(text) => {
                    match self.input.host.yaml_value(package, text) {
                        // A condition is text, even when it reads like a number.
                        Ok(kind) => match Yaml::bare(kind).to_json() {
                            Value::String(text) => Value::String(text),
                            other if key == "where" => Value::String(other.to_string()),
                            other => other,
                        },
                        Err(message) => {
                            self.sink.push(
                                Diagnostic::error(code::P0105, message)
                                    .heading("Compilation Error")
                                    .at(call.place.clone()),
                            );
                            return None;
                        }
                    }
                }
                Value::String(text) => Value::String(crate::config::without_jinja(text)),
                other => other.clone(),
            };
            // Nothing is no value: what the project says of its tests goes on counting.
            if !value.is_null() {
                out.insert(key.clone(), value);
            }
        }
        Some(out)
    }

    fn blank_test(
        &mut self,
        draft: &super::builder::Draft<'_>,
        call: &Call,
        target: &Target,
        column: Option<&str>,
        tags: &[String],
    ) -> Node {
        let mut node = self.blank(draft);
        node.tags = tags.to_vec();
        node.test = Some(GenericTest {
            name: call.name.clone(),
            kwargs: call.kwargs.clone(),
            namespace: call.namespace.clone(),
            column_name: column.map(|_| {
                call.kwargs
                    .get("column_name")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_string()
            }),
            file_key_name: target.file_key.clone(),
            attached_node: (!target.is_source && !target.id.is_empty()).then(|| target.id.clone()),
        });
        node.columns = IndexMap::new();
        node
    }

    /// What the test refers to: by rendering, or at once for the simplest tests.
    fn record_test(
        &self,
        package: &str,
        node: &Node,
        call: &Call,
        target: &Target,
    ) -> Result<super::host::Recorded, Diagnostic> {
        let test = self.test_macro(package, &format!("test_{}", call.name));
        if let Some("macro.dbt.test_unique" | "macro.dbt.test_not_null") = test.as_deref() {
            return Ok(super::host::Recorded {
                refs: target.refs.clone(),
                sources: target.sources.clone(),
                macros: test.into_iter().collect(),
                ..super::host::Recorded::default()
            });
        }
        if call.config.is_empty()
            && let Some(test) = &test
            && self.looks_at_nothing_else(test, &call.kwargs)
            && let Some(recorded) = self.input.host.plain_arguments(package, &call.kwargs)
        {
            let mut macros = vec![test.clone()];
            recorded
                .macros
                .iter()
                .for_each(|id| super::host::push_new(&mut macros, id.clone()));
            return Ok(super::host::Recorded { macros, ..recorded });
        }
        let map = super::naming::node_map(node);
        let body = Body {
            package,
            node: &map,
            text: &node.raw_code,
            place: Some(&call.place),
            test_kwargs: Some(&call.kwargs),
        };
        let mut recorded = self.input.host.record(&body)?;
        let called = std::mem::take(&mut recorded.macros);
        recorded.macros = test.into_iter().collect();
        let start = recorded.macros.clone();
        for id in called {
            if id.ends_with(".get_where_subquery") || self.reaches(&start, &id) {
                super::host::push_new(&mut recorded.macros, id);
            }
        }
        Ok(recorded)
    }

    /// Whether a test is one of ours that refers to nothing but what its arguments refer to, called as it should be.
    fn looks_at_nothing_else(&self, test: &str, kwargs: &Map<String, Value>) -> bool {
        let Some(name) = test.strip_prefix("macro.dbt.") else {
            return false;
        };
        let (needed, others): (&[&str], &[&str]) = match name {
            "test_relationships" => (&["to", "field"], &[]),
            "test_accepted_values" => (&["values"], &["quote"]),
            _ => return false,
        };
        let always = ["model", "column_name"];
        let known = |k: &String| {
            let k = k.as_str();
            always.contains(&k) || needed.contains(&k) || others.contains(&k)
        };
        let replaced = |package: &str| {
            let of = |prefix: &str| format!("macro.{package}.{prefix}__{name}");
            ["postgres", "default"]
                .iter()
                .any(|p| self.manifest.macros.contains_key(&of(p)))
        };
        let mut packages = self.input.packages.iter().map(|p| p.project.name.as_str());
        kwargs.keys().all(known)
            && [&["column_name"], needed]
                .concat()
                .iter()
                .all(|k| kwargs.contains_key(*k))
            && !packages.any(replaced)
    }

    /// Whether macros call another one, over any number of steps. While dbt parses a test it knows only such macros;
    /// what else stands in the arguments is undefined to it.
    fn reaches(&self, from: &[String], to: &str) -> bool {
        let mut seen: Vec<&str> = from.iter().map(String::as_str).collect();
        let mut next = 0;
        while let Some(id) = seen.get(next).copied() {
            if id == to {
                return true;
            }
            next += 1;
            let called = self.manifest.macros.get(id);
            for below in called.into_iter().flat_map(|m| &m.depends_on_macros) {
                super::host::push_new(&mut seen, below.as_str());
            }
        }
        false
    }

    /// The id of a test's macro by its bare name, as dbt notes it while parsing: of the own package, the root, any
    /// package, dbt.
    fn test_macro(&self, package: &str, name: &str) -> Option<String> {
        let of = |package: &str| format!("macro.{package}.{name}");
        let known = |id: &String| self.manifest.macros.contains_key(id);
        let packages = self.input.packages.iter().map(|p| p.project.name.as_str());
        [package, self.root().project.name.as_str()]
            .into_iter()
            .chain(packages.rev())
            .chain(["dbt_postgres", "dbt"])
            .map(of)
            .find(known)
    }
}

/// The text dbt gives a generic test: the call, and the configuration if there is any.
fn raw_code(call: &Call, config: &Map<String, Value>) -> String {
    let macro_name = match &call.namespace {
        Some(ns) => format!("{ns}.test_{}", call.name),
        None => format!("test_{}", call.name),
    };
    let mut code = format!("{{{{ {macro_name}(**_dbt_generic_test_kwargs) }}}}");
    if !config.is_empty() {
        let parts: Vec<String> = config
            .iter()
            .map(|(k, v)| match v {
                Value::String(s) => {
                    format!("{k}=\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\""))
                }
                other => format!("{k}={}", python_repr(other)),
            })
            .collect();
        code.push_str(&format!("{{{{ config({}) }}}}", parts.join(",")));
    }
    code
}

/// Whether a node is absent: null or missing.
pub(super) fn absent(node: Option<&Yaml>) -> bool {
    node.is_none_or(|n| n.kind == Kind::Null)
}
