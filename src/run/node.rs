//! Runs one model, seed or snapshot: compile, find its materialization, let it work, keep what it says.
use super::failure::{Failure, compile_failure, database_failure, internal, node_error};
use crate::compile::{CompiledNode, Compiler, compiled_path, keep, shown_path};
use crate::context::{Batch, NodeScope, NodeSession, Relation, Say, Shared};
use crate::diag::{Diagnostic, code};
use crate::graph::{Compiled, Node, ResourceType};
use crate::jinja::MacroDef;
use crate::jinja::python;
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::text::Place;
use chrono::{DateTime, Utc};
use minijinja::value::Value;
use serde_json::{Map, Value as Json};
use std::sync::{Arc, Mutex};

/// Runs nodes on one connection.
pub struct NodeRunner {
    /// Shared facts.
    pub shared: Arc<Shared>,
    /// The connection.
    pub session: Arc<Mutex<NodeSession>>,
    /// The batch that a model is run for.
    pub batch: Option<Batch>,
}

/// The materialization macro of a name: for Postgres before the default, the root project's before packages' and ours.
/// A package may not replace one of ours unless the project takes it over by name.
pub fn find_materialization(shared: &Shared, name: &str) -> Option<Arc<MacroDef>> {
    let registry = shared.engine.registry();
    for suffix in ["postgres", "default"] {
        let full = format!("materialization_{name}_{suffix}");
        if let Some(def) = registry.get(&shared.root_name, &full) {
            return Some(def.clone());
        }
        let ours = registry
            .get("dbt", &format!("materialization_{name}_postgres"))
            .or_else(|| registry.get("dbt", &format!("materialization_{name}_default")));
        let explicit = "REQUIRE_EXPLICIT_PACKAGE_OVERRIDES_FOR_BUILTIN_MATERIALIZATIONS";
        if (ours.is_none() || !shared.flag(explicit))
            && let Some(def) = shared.packages.keys().find_map(|p| registry.get(p, &full))
        {
            if ours.is_some() {
                shared.warn_once(package_override(&def.package, name));
            }
            return Some(def.clone());
        }
        if let Some(def) = registry.get("dbt", &full) {
            return Some(def.clone());
        }
    }
    None
}

fn package_override(package: &str, name: &str) -> Diagnostic {
    let message = format!(
        "Installed package '{package}' is overriding the built-in materialization '{name}'. Overrides of built-in materializations from installed packages will be deprecated in future versions of dbt. For more information: https://docs.getdbt.com/reference/global-configs/legacy-behaviors"
    );
    Diagnostic::warning(code::P0110, message)
        .event("PackageMaterializationOverrideDeprecation")
        .fact("package_name", package)
        .fact("materialization_name", name)
}

/// What running a node gave, before it is a result.
struct Done {
    compiled: Option<CompiledNode>,
    scope: Option<NodeScope>,
    outcome: Result<(), Failure>,
}

impl NodeRunner {
    /// A compiler on this connection.
    pub fn compiler(&self) -> Compiler {
        Compiler {
            shared: self.shared.clone(),
            session: Some(self.session.clone()),
            extra: self.batch.as_ref().map(Batch::names).unwrap_or_default(),
        }
    }

    /// Ends what the node left open.
    pub fn close(&self) {
        self.session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .end();
    }

    /// Runs a model for one batch.
    pub(super) fn run_batch(&self, node: &Node, batch: &Batch) -> (NodeResult, Option<Failure>) {
        let mut node = node.clone();
        batch.configure(&mut node.config.0);
        let runner = Self {
            shared: self.shared.clone(),
            session: self.session.clone(),
            batch: Some(batch.clone()),
        };
        runner.run(&node)
    }

    /// Sees whether an ephemeral model compiles: that is all it does on its own.
    pub(super) fn ephemeral(&self, node: &Node) -> (NodeResult, Option<Failure>) {
        let Err(d) = self.compiler().compile(node) else {
            return (NodeResult::new(&node.unique_id, Status::Success), None);
        };
        let failure = compile_failure(node, d);
        let mut result = NodeResult::new(&node.unique_id, Status::Error);
        result.message = Some(failure.message.clone());
        result.diagnostic = Some(failure.diagnostic.clone());
        (result, Some(failure))
    }

    /// Runs a model, seed or snapshot.
    pub fn run(&self, node: &Node) -> (NodeResult, Option<Failure>) {
        let mut timing = Vec::new();
        let started = std::time::Instant::now();
        let begun = Utc::now();
        (self.shared.say)(Say::Step(Step::Compile));
        let compiled = if node.resource_type == ResourceType::Seed {
            Ok(None)
        } else {
            self.compiler().compile(node).map(Some)
        };
        timing.push(Timing {
            name: Step::Compile,
            started_at: Some(begun),
            completed_at: Some(Utc::now()),
        });
        let begun = Utc::now();
        let done = match compiled {
            Err(d) => Done {
                compiled: None,
                scope: None,
                outcome: Err(compile_failure(node, d)),
            },
            Ok(compiled) => {
                (self.shared.say)(Say::Step(Step::Execute));
                self.materialize(node, compiled, node.config.materialized(), &[])
            }
        };
        self.finish(node, done, (timing, begun, started))
    }

    /// Makes a copy of a node's relation of another environment, by the materialization `clone`.
    pub fn clone_of(&self, node: &Node) -> (NodeResult, Option<Failure>) {
        let (started, begun) = (std::time::Instant::now(), Utc::now());
        let other = self
            .shared
            .deferred
            .get()
            .and_then(|d| d.relations.get(&node.unique_id));
        let names = match other {
            Some(r) => [
                ("defer_relation", r.clone().value()),
                ("sql", Value::from(format!("select * from {}", r.shown()))),
                (
                    "compiled_code",
                    Value::from(format!("select * from {}", r.shown())),
                ),
            ],
            None => ["defer_relation", "sql", "compiled_code"].map(|n| (n, Value::from(()))),
        };
        let done = self.materialize(node, None, "clone", &names);
        let nothing = done
            .scope
            .as_ref()
            .is_some_and(|s| s.response("main").is_none());
        let timing = vec![Timing {
            name: Step::Compile,
            started_at: Some(begun),
            completed_at: Some(begun),
        }];
        let (mut result, failure) = self.finish(node, done, (timing, begun, started));
        if nothing && failure.is_none() {
            result.message = Some("No-op".into());
        }
        (result, failure)
    }

    /// The result of what was done.
    fn finish(
        &self,
        node: &Node,
        done: Done,
        (mut timing, begun, started): (Vec<Timing>, DateTime<Utc>, std::time::Instant),
    ) -> (NodeResult, Option<Failure>) {
        self.close();
        timing.push(Timing {
            name: Step::Execute,
            started_at: Some(begun),
            completed_at: Some(Utc::now()),
        });
        let mut result = NodeResult::new(&node.unique_id, Status::Success);
        result.timing = timing;
        result.execution_time = started.elapsed().as_secs_f64();
        result.relation_name = node.relation_name.clone();
        result.compiled = done.compiled.is_some();
        if let Some(compiled) = &done.compiled {
            result.compiled_code = Some(self.shared.staged.published(node, &compiled.sql));
            result.macros.clone_from(&compiled.macros);
            result.extra_ctes.clone_from(&compiled.extra_ctes);
            if node.resource_type != ResourceType::Snapshot {
                result.compiled_path = Some(self.shown_path("compiled", node));
            }
        }
        let written = done.scope.as_ref().and_then(NodeScope::written);
        result.build_path = written.map(|_| self.shown_path("run", node));
        let failure = match done.outcome {
            Ok(()) => {
                if let Some(scope) = &done.scope {
                    respond(&mut result, scope);
                }
                None
            }
            Err(f) => {
                result.status = Status::Error;
                result.message = Some(f.message.clone());
                result.diagnostic = Some(f.diagnostic.clone());
                Some(f)
            }
        };
        (result, failure)
    }

    /// Writes the compiled file and calls the materialization.
    fn materialize(
        &self,
        node: &Node,
        compiled: Option<CompiledNode>,
        name: &str,
        names: &[(&str, Value)],
    ) -> Done {
        let fail = |compiled, scope, f| Done {
            compiled,
            scope,
            outcome: Err(f),
        };
        let file = compiled.as_ref().map(|c| match node.resource_type {
            // As in dbt, a snapshot has no file of its query.
            ResourceType::Snapshot => self.shown_path("compiled", node),
            _ => self.write_compiled(node, &c.sql),
        });
        let Some(def) = find_materialization(&self.shared, name) else {
            let f = compile_failure(node, self.no_materialization(node, name));
            return fail(compiled, None, f);
        };
        if let Some(refused) = other_language(node, &def.name, &def.languages) {
            return fail(compiled, None, internal(node, &refused));
        }
        let compiler = self.compiler();
        let mut node = node.clone();
        node.compiled = compiled.as_ref().map(|c| Compiled {
            code: c.sql.clone(),
            extra_ctes: c.extra_ctes.clone(),
            path: file.clone(),
        });
        if let Err(d) = resolve_keys(&compiler, &mut node) {
            return fail(compiled, None, compile_failure(&node, d));
        }
        let facts = compiler.facts(&node);
        let scope = compiler.scope(&node, facts);
        if let Some(c) = &compiled {
            scope.set("sql", Value::from(c.sql.as_str()));
            scope.set("compiled_code", Value::from(c.sql.as_str()));
        }
        for (name, value) in names {
            scope.set(name, value.clone());
        }
        if node.resource_type == ResourceType::Seed && name != "clone" {
            match super::seed::agate_table(&node, &self.shared) {
                Ok(table) => scope.set("__agate_table", table),
                Err(d) => return fail(compiled, None, compile_failure(&node, d)),
            }
        }
        if !node
            .database
            .eq_ignore_ascii_case(&self.shared.target.connection.dbname)
        {
            let f = internal(
                &node,
                &format!(
                    "Cross-db references not allowed in postgres ({} vs {})",
                    node.database, self.shared.target.connection.dbname
                ),
            );
            return fail(compiled, None, f);
        }
        if let Err(e) = self.claim(&node) {
            let f = database_failure(&node, compiled.as_ref(), &e, "", 0, file.as_deref(), None);
            return fail(compiled, Some(scope), f);
        }
        let called = self
            .shared
            .engine
            .call_macro(&def, &[], &[], scope.dynamic());
        self.write_run(&node, &scope);
        match called {
            Ok(value) => {
                let outcome = self.remember(&node, name, &value);
                Done {
                    compiled,
                    scope: Some(scope),
                    outcome,
                }
            }
            Err(e) => {
                let shown = file.as_deref().map(|f| f.replace("/compiled/", "/run/"));
                let f = node_error(&node, compiled.as_ref(), &e, shown.as_deref());
                fail(compiled, Some(scope), f)
            }
        }
    }

    /// One run at a time works on a relation; what is there when the turn comes is what counts.
    fn claim(&self, node: &Node) -> Result<(), crate::pg::PgError> {
        let quote = self.shared.quoting;
        let fold = |text: &str, i: usize| {
            if quote[i] {
                text.to_string()
            } else {
                text.to_lowercase()
            }
        };
        let (schema, name) = (fold(&node.schema, 1), fold(&node.alias, 2));
        let mut names = vec![name.clone()];
        for suffix in ["__dbt_tmp", "__dbt_backup"] {
            let room = crate::context::MAX_NAME - suffix.len();
            names.push(name.chars().take(room).collect::<String>() + suffix);
        }
        let mut session = self
            .session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let commits = |key: &str| {
            let hooks = node.config.get(key).and_then(Json::as_array);
            hooks.is_some_and(|h| h.iter().any(|h| h["transaction"] == Json::Bool(false)))
        };
        let there = session.claim(&schema, &names, commits("pre-hook"))?;
        self.shared
            .cache
            .observe(&node.database, &schema, &names, &there);
        Ok(())
    }

    fn no_materialization(&self, node: &Node, name: &str) -> Diagnostic {
        let registry = self.shared.engine.registry();
        let known: std::collections::BTreeSet<&str> = registry
            .iter()
            .filter_map(|d| d.name.strip_prefix("materialization_"))
            .filter_map(|n| n.strip_suffix("_default").or(n.strip_suffix("_postgres")))
            .collect();
        let d = Diagnostic::error(
            code::G0411,
            format!(
                "No materialization '{name}' was found for adapter postgres! (searched types 'default' and 'postgres')"
            ),
        )
        .heading("Compilation Error")
        .at_opt(node.place.as_ref().map(|p| word_in(p, name)));
        match crate::text::nearest(name, known) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d,
        }
    }

    /// The relations a materialization made are known from now on.
    fn remember(&self, node: &Node, name: &str, value: &Value) -> Result<(), Failure> {
        let relations = value
            .get_item(&Value::from("relations"))
            .ok()
            .filter(|v| !v.is_undefined());
        let Some(relations) = relations.and_then(|r| python::iterate(&r).ok()) else {
            if value.is_none() || value.as_str().is_some() {
                let message = format!(
                    "The materialization (\"{name}\") did not explicitly return a list of relations to add to the cache."
                );
                let d = Diagnostic::error(code::G0410, message)
                    .heading("Compilation Error")
                    .at_opt(node.place.clone())
                    .help("end it with `{{ return({'relations': [target_relation]}) }}`");
                return Err(compile_failure(node, d));
            }
            return Err(internal(
                node,
                &format!(
                    "Invalid return value from materialization \"{name}\": expected a dict with a list of relations under the key 'relations', but it returned something else"
                ),
            ));
        };
        for r in &relations {
            if let Some(r) = Relation::of(r) {
                self.shared.cache.add(r);
            }
        }
        Ok(())
    }

    /// Writes the compiled text; gives the path below the project folder.
    pub fn write_compiled(&self, node: &Node, sql: &str) -> String {
        self.write("compiled", node, &self.shared.staged.published(node, sql))
    }

    fn write(&self, kind: &str, node: &Node, text: &str) -> String {
        let mut path = compiled_path(node);
        if let Some(batch) = &self.batch {
            let stem = path.strip_suffix(".sql").unwrap_or(&path);
            path = format!("{stem}/{}_{}.sql", node.name, batch.name);
        }
        keep(&self.shared, kind, &path, text);
        self.shown_path(kind, node)
    }

    /// The path of a written file as people see it, below the project folder.
    fn shown_path(&self, kind: &str, node: &Node) -> String {
        shown_path(&self.shared, kind, &compiled_path(node))
    }

    /// Writes the statement that the node ran; gives its path.
    pub(super) fn write_run(&self, node: &Node, scope: &NodeScope) -> Option<String> {
        scope.written().map(|text| self.write("run", node, &text))
    }
}

/// `to: ref('x')` in constraints becomes the name of the relation.
pub fn resolve_keys(compiler: &Compiler, node: &mut Node) -> Result<(), crate::diag::Diagnostic> {
    let is_call = |text: &str| {
        text.trim_start().starts_with("ref(") || text.trim_start().starts_with("source(")
    };
    let scope = compiler.scope(node, compiler.facts(node));
    let name = node.original_file_path.clone();
    let of_columns = node
        .columns
        .values_mut()
        .flat_map(|c| c.constraints.iter_mut());
    for constraint in node.constraints.iter_mut().chain(of_columns) {
        let Some(text) = constraint
            .get("to")
            .and_then(Json::as_str)
            .filter(|t| is_call(t))
        else {
            continue;
        };
        let relation = compiler.render_text(&scope, &name, &format!("{{{{ {text} }}}}"))?;
        constraint["to"] = Json::from(relation.trim());
    }
    Ok(())
}

/// The first place in a node's text where a word stands; else its first line.
fn word_in(place: &Place, word: &str) -> Place {
    let text = &place.file.text[place.span.clone()];
    match text.find(word) {
        Some(at) => {
            let start = place.span.start + at;
            Place::new(&place.file, start..start + word.len())
        }
        None => Place::line(&place.file, place.file.line_column(place.span.start).0),
    }
}

/// The response of the `main` statement as message and adapter response.
pub fn respond(result: &mut NodeResult, scope: &NodeScope) {
    let Some(response) = scope.response("main") else {
        return;
    };
    let get = |k: &str| response.get_attr(k).ok().filter(|v| !v.is_undefined());
    let message = get("_message").map_or_else(|| python::str_of(&response), |m| python::str_of(&m));
    let mut map = Map::new();
    map.insert("_message".into(), Json::from(message.clone()));
    if let Some(code) = get("code") {
        map.insert("code".into(), Json::from(python::str_of(&code)));
    }
    if let Some(rows) = get("rows_affected").and_then(|r| r.as_i64()) {
        map.insert("rows_affected".into(), Json::from(rows));
    }
    result.message = Some(message);
    result.adapter_response = map;
}

/// Why a materialization cannot take a node written in this language: it names those that it can take, else it is SQL.
fn other_language(node: &Node, name: &str, languages: &[String]) -> Option<String> {
    let own = if node.is_python() { "python" } else { "sql" };
    let known = match languages {
        [] => vec!["sql"],
        _ => languages.iter().map(String::as_str).collect(),
    };
    (!known.contains(&own)).then(|| {
        let known = known.join("', '");
        format!("Materialization \"{name}\" only supports languages ['{known}']; got \"{own}\"")
    })
}
