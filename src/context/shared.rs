//! What all renders of a command share.
use super::cache::Cache;
use super::relation::Relation;
use crate::config::{Dispatch, QueryComment, Target, Vars};
use crate::diag::Diagnostic;
use crate::graph::{Compiled, Manifest, Node};
use crate::jinja::Engine;
use crate::jinja::python;
use crate::outcome::Step;
use crate::parse::Names;
use chrono::{DateTime, Utc};
use minijinja::value::Value;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Something a template wants said.
#[derive(Debug, Clone)]
pub enum Say {
    /// `log(…)`: the text and whether it goes to the console.
    Log(String, bool),
    /// `print(…)`.
    Print(String),
    /// `exceptions.warn(…)` and other warnings.
    Warning(Diagnostic),
    /// A statement about to be sent, for `--debug`.
    Sql(String, String),
    /// A statement came back: command tag and seconds.
    SqlDone(String, f64),
    /// A statement failed: what the server said.
    SqlFailed(String),
    /// The node enters a new step.
    Step(Step),
    /// A notice of the server.
    Notice(String, String),
}

/// What is known of a package.
#[derive(Debug, Clone, Default)]
pub struct PackageFacts {
    /// Its `vars:`.
    pub vars: Map<String, Json>,
    /// Its project file by the names of dbt's attributes: `version`, `model_paths`, `models`, …
    pub settings: Map<String, Json>,
}

/// Relations of another environment that stand in for nodes that are not built here.
#[derive(Debug, Default)]
pub struct Deferred {
    /// By unique id.
    pub relations: HashMap<String, Relation>,
    /// Whether they go before relations that exist here (`--favor-state`).
    pub favoured: bool,
    /// Whether references use them; `clone` only looks at them.
    pub refs: bool,
    /// Relations that references use whatever exists and is selected, by unique id (`diff`).
    pub forced: HashMap<String, Relation>,
}

/// Facts shared by all renders of a command.
pub struct Shared {
    /// The template engine with all macros.
    pub engine: Engine,
    /// The chosen target.
    pub target: Target,
    /// Name of the root project.
    pub root_name: String,
    /// Packages by name.
    pub packages: BTreeMap<String, PackageFacts>,
    /// Dispatch rules of the root project.
    pub dispatch: Vec<Dispatch>,
    /// The comment statements carry.
    pub query_comment: QueryComment,
    /// Quoting of the root project: database, schema, identifier.
    pub quoting: [bool; 3],
    /// Variables.
    pub vars: Vars,
    /// Flags by upper-case name.
    pub flags: Map<String, Json>,
    /// The command's arguments as in `run_results.json`.
    pub invocation_args: Map<String, Json>,
    /// The environment, `.env` included.
    pub env: BTreeMap<String, String>,
    /// Id of this run of the program.
    pub invocation_id: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Folder for compiled and run files, absolute.
    pub target_dir: std::path::PathBuf,
    /// Where words go.
    pub say: Arc<dyn Fn(Say) + Send + Sync>,
    /// Relations known to exist.
    pub cache: Cache,
    /// The manifest, once parsed.
    pub manifest: OnceLock<Arc<Manifest>>,
    /// Names, once parsed.
    pub names: OnceLock<Names>,
    /// `graph`, once asked for.
    pub graph: OnceLock<Value>,
    /// Selected unique ids.
    pub selected: OnceLock<Vec<String>>,
    /// Relations of another environment (`--defer`, `clone`).
    pub deferred: OnceLock<Deferred>,
    /// Relations that are built under other names until they are published (`--publish atomic`).
    pub staged: super::publish::Staged,
    /// Whether a warning counts as an error (`--warn-error`, `--warn-error-options`).
    pub strict: Arc<dyn Fn(&Diagnostic) -> bool + Send + Sync>,
    /// Row limit for references (`--empty`).
    pub empty: bool,
    /// Time window for references with an event time (`--sample`).
    pub sample: Option<(String, String)>,
    /// The range of event times of this run (`--event-time-start`, `--event-time-end`), UTC.
    pub event_time: (Option<chrono::NaiveDateTime>, Option<chrono::NaiveDateTime>),
    /// What `retry` runs again in part: `batch_results` of the run before, by unique id.
    pub retried: HashMap<String, Json>,
    /// Ephemeral models that have been put into the text of others, by unique id.
    pub injected: Mutex<BTreeMap<String, Compiled>>,
    /// Environment variables that were read while parsing.
    pub env_read: Mutex<HashSet<String>>,
    /// Warnings already given once.
    pub warned: Mutex<HashSet<String>>,
}

impl Shared {
    /// A flag by its upper-case name.
    pub fn flag(&self, name: &str) -> bool {
        self.flags
            .get(name)
            .and_then(Json::as_bool)
            .unwrap_or(false)
    }

    /// Whether microbatch models run in batches: always with our macro for it; with one of the project or of a package
    /// only when a flag asks for that, as in dbt.
    pub fn batches(&self) -> bool {
        let macros = self.engine.registry();
        let own = |package: &String| macros.get(package, "get_incremental_microbatch_sql");
        let mut places = self.packages.keys().chain([&self.root_name]);
        self.flag("REQUIRE_BATCHED_EXECUTION_FOR_CUSTOM_MICROBATCH_STRATEGY")
            || places.all(|p| own(p).is_none())
    }

    /// The relation of another environment that a reference to a node means: where the node is not selected and the
    /// other environment goes first, or where the node has no relation here.
    pub fn deferred(&self, unique_id: &str, own: &Relation) -> Option<Relation> {
        if let Some(staged) = self.staged.of(unique_id) {
            return Some(staged);
        }
        let deferred = self.deferred.get().filter(|d| d.refs)?;
        if let Some(forced) = deferred.forced.get(unique_id) {
            return Some(forced.clone());
        }
        let other = deferred.relations.get(unique_id)?;
        let selected = self
            .selected
            .get()
            .is_some_and(|s| s.iter().any(|id| id == unique_id));
        let used = deferred.favoured && !selected || !self.cache.has(own);
        used.then(|| other.clone())
    }

    /// Quoting of a node: its own over the project's: database, schema, identifier.
    pub fn quoting_of(&self, own: Option<&Json>) -> [bool; 3] {
        let get = |k: &str| own.and_then(|q| q.get(k)).and_then(Json::as_bool);
        let base = self.quoting;
        [
            get("database").unwrap_or(base[0]),
            get("schema").unwrap_or(base[1]),
            get("identifier").unwrap_or(base[2]),
        ]
    }

    /// A node's own relation.
    pub fn relation_of(&self, node: &Node) -> Relation {
        let quoting = self.quoting_of(node.config.get("quoting"));
        Relation::new(&node.database, &node.schema, &node.alias).quoted_as(quoting)
    }

    /// The variables that code of a package sees.
    pub fn vars_of(&self, package: &str) -> Map<String, Json> {
        let own = self
            .packages
            .get(package)
            .map(|p| p.vars.clone())
            .unwrap_or_default();
        self.vars.merged(package, &own)
    }

    /// The packages that `adapter.dispatch` searches for a namespace, in order; `None` stands for the plain lookup.
    pub fn dispatch_search(&self, namespace: Option<&str>) -> Vec<Option<String>> {
        let Some(ns) = namespace else {
            return vec![None];
        };
        if let Some(rule) = self.dispatch.iter().find(|d| d.macro_namespace == ns) {
            return rule.search_order.iter().cloned().map(Some).collect();
        }
        let builtin = || self.engine.registry().is_builtin(ns);
        if ns != self.root_name && (self.packages.contains_key(ns) || builtin()) {
            return vec![Some(self.root_name.clone()), Some(ns.to_string())];
        }
        vec![None]
    }

    /// The parsed project; empty while parsing.
    pub fn manifest(&self) -> Option<&Arc<Manifest>> {
        self.manifest.get()
    }

    /// Warns once per text.
    pub fn warn_once(&self, d: Diagnostic) {
        let new = self
            .warned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(d.message.clone());
        if new {
            (self.say)(Say::Warning(d));
        }
    }

    /// `graph`: all entries by unique id.
    pub fn graph_value(&self) -> Value {
        let Some(manifest) = self.manifest() else {
            return python::json::from_json(&empty_graph());
        };
        self.graph
            .get_or_init(|| python::json::from_json(&crate::artifact::graph(manifest)))
            .clone()
    }
}

fn empty_graph() -> Json {
    serde_json::json!({"exposures": {}, "groups": {}, "metrics": {}, "nodes": {}, "sources": {}, "semantic_models": {}, "saved_queries": {}})
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<shared>")
    }
}
