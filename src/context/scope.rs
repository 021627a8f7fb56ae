//! Which name is what: the scope of one render of one node.
use super::config_object::ConfigObject;
use super::exceptions::Exceptions;
use super::functions::{FUNCTIONS, Function};
use super::relation::Relation;
use super::session::NodeSession;
use super::shared::Shared;
use crate::jinja::Scope;
use crate::jinja::python::{self, Dict, List};
use crate::parse::Recorded;
use minijinja::value::Value;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Whether a render only looks, or does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `execute` is false: calls are recorded, nothing is asked of the database.
    Parse,
    /// `execute` is true.
    Run,
}

/// What a render knows of its node.
#[derive(Debug, Clone, Default)]
pub struct NodeFacts {
    /// Unique id.
    pub unique_id: String,
    /// `model`: the node as the manifest shows it.
    pub map: Map<String, Json>,
    /// `this`.
    pub this: Option<Relation>,
    /// What it may refer to; `None` allows everything (operations, hooks).
    pub allowed: Option<Vec<String>>,
    /// Schema.
    pub schema: String,
    /// Database.
    pub database: String,
    /// The macro that is asked for a part of its name. As in dbt a variable that is not there is an error in it, though
    /// not in the node itself while it is parsed.
    pub naming: Option<&'static str>,
}

/// Everything a scope is made of.
pub struct Setup {
    /// Shared facts.
    pub shared: Arc<Shared>,
    /// Package of the code.
    pub package: String,
    /// Phase.
    pub phase: Phase,
    /// The node.
    pub node: NodeFacts,
    /// The connection, if there is one.
    pub session: Option<Arc<Mutex<NodeSession>>>,
    /// Further names, which stand before all others.
    pub extra: HashMap<String, Value>,
}

/// One render's state.
pub struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) package: String,
    pub(super) phase: Phase,
    pub(super) node: NodeFacts,
    pub(super) session: Option<Arc<Mutex<NodeSession>>>,
    pub(super) extra: Mutex<HashMap<String, Value>>,
    pub(super) recorder: Mutex<Recorded>,
    pub(super) results: Mutex<HashMap<String, Value>>,
    pub(super) ephemeral: Mutex<Vec<String>>,
    pub(super) config: Mutex<Map<String, Json>>,
    pub(super) written: Mutex<Option<String>>,
    pub(super) sent: Mutex<Vec<String>>,
    /// `model`, made when it is first looked at: what a template changes in it stays changed.
    pub(super) model: OnceLock<Value>,
    pub(super) keep: Arc<Mutex<super::keep::Keep>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<scope of {}>", self.node.unique_id)
    }
}

/// Locks without minding a panic elsewhere.
pub(super) fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// A name given for this rendering alone. The lock ends here: what callers do next may take it again.
    pub(super) fn extra(&self, name: &str) -> Option<Value> {
        lock(&self.extra).get(name).cloned()
    }

    /// The node's id, or words for what has none.
    pub(super) fn node_id(&self) -> String {
        if let Some(naming) = self.node.naming {
            naming.into()
        } else if self.node.unique_id.is_empty() {
            "master".into()
        } else {
            self.node.unique_id.clone()
        }
    }

    pub(super) fn executing(&self) -> bool {
        self.phase == Phase::Run
    }

    /// A scope over the same state.
    pub(super) fn scope(self: &Arc<Self>) -> Arc<dyn Scope> {
        Arc::new(NodeScope(self.clone()))
    }

    /// A render beside this one, of a macro that the adapter runs: code of the macro's package with results of its
    /// own, over the same connection and node.
    pub(super) fn beside(&self, package: &str) -> Arc<Self> {
        Arc::new(Self {
            shared: self.shared.clone(),
            package: package.to_string(),
            phase: self.phase,
            node: self.node.clone(),
            session: self.session.clone(),
            extra: Mutex::new(lock(&self.extra).clone()),
            recorder: Mutex::default(),
            results: Mutex::default(),
            ephemeral: Mutex::default(),
            config: Mutex::new(lock(&self.config).clone()),
            written: Mutex::default(),
            sent: Mutex::default(),
            model: OnceLock::new(),
            keep: self.keep.clone(),
        })
    }

    /// The variables that this code sees.
    pub(super) fn vars(&self) -> Map<String, Json> {
        let mut vars = self.shared.vars_of(&self.package);
        if let Some(more) = lock(&self.extra).get("__vars") {
            if let Json::Object(map) = python::json::to_json(more) {
                vars.extend(map);
            }
        }
        vars
    }
}

/// The scope of one render; cloning shares its state.
#[derive(Debug, Clone)]
pub struct NodeScope(pub(super) Arc<Inner>);

impl NodeScope {
    /// A scope.
    pub fn new(setup: Setup) -> Self {
        let config = setup
            .node
            .map
            .get("config")
            .and_then(Json::as_object)
            .cloned()
            .unwrap_or_default();
        Self(Arc::new(Inner {
            shared: setup.shared,
            package: setup.package,
            phase: setup.phase,
            node: setup.node,
            session: setup.session,
            extra: Mutex::new(setup.extra),
            recorder: Mutex::default(),
            results: Mutex::default(),
            ephemeral: Mutex::default(),
            config: Mutex::new(config),
            written: Mutex::default(),
            sent: Mutex::default(),
            model: OnceLock::new(),
            keep: Arc::default(),
        }))
    }

    /// As the engine wants it.
    pub fn dynamic(&self) -> Arc<dyn Scope> {
        Arc::new(self.clone())
    }

    /// What was recorded while parsing.
    pub fn recorded(&self) -> Recorded {
        lock(&self.0.recorder).clone()
    }

    /// A configuration value as it stands after rendering, which may have set it (`config.set`).
    pub fn config(&self, key: &str) -> Option<Json> {
        lock(&self.0.config).get(key).cloned()
    }

    /// Ids of the ephemeral models that were referred to, in order.
    pub fn ephemeral(&self) -> Vec<String> {
        lock(&self.0.ephemeral).clone()
    }

    /// What the `main` statement wrote.
    pub fn written(&self) -> Option<String> {
        lock(&self.0.written).clone()
    }

    /// The stored result of a statement: its response.
    pub fn response(&self, name: &str) -> Option<Value> {
        lock(&self.0.results)
            .get(name)
            .and_then(|r| r.get_attr("response").ok())
    }

    /// Sends a statement with the query comment.
    ///
    /// # Errors
    /// The comment cannot be made, or the server refuses the statement.
    pub fn send(&self, sql: &str) -> Result<super::session::Response, super::adapter::SendError> {
        self.0.send(sql)
    }

    /// Makes the query comment, to see whether it can be made.
    ///
    /// # Errors
    /// A template of the comment fails, or the comment would end itself.
    pub fn try_comment(&self) -> Result<(), minijinja::Error> {
        self.0.commented("").map(drop)
    }

    /// A stored result.
    pub fn result(&self, name: &str) -> Option<Value> {
        lock(&self.0.results).get(name).cloned()
    }

    /// Sets a further name.
    pub fn set(&self, name: &str, value: Value) {
        lock(&self.0.extra).insert(name.to_string(), value);
    }

    /// The node's connection.
    pub fn session(&self) -> Option<Arc<Mutex<NodeSession>>> {
        self.0.session.clone()
    }

    fn function(&self, name: &str) -> Option<Value> {
        let (name, call) = FUNCTIONS.iter().find(|(n, _)| *n == name)?;
        Some(Value::from_object(Function {
            inner: self.0.clone(),
            name,
            call: *call,
        }))
    }

    /// The node as the manifest shows it, and the batch that is being run.
    fn model(&self) -> Value {
        let model = python::json::from_json(&Json::Object(self.0.node.map.clone()));
        let batch = lock(&self.0.extra).get("__model_batch").cloned();
        if let (Some(batch), Some(dict)) = (batch, model.downcast_object_ref::<Dict>()) {
            dict.insert(Value::from("batch"), batch);
        }
        model
    }

    fn member(&self, name: &str) -> Option<Value> {
        let inner = &self.0;
        let shared = &inner.shared;
        let json = |v: &Json| python::json::from_json(v);
        Some(match name {
            "execute" => Value::from(inner.executing()),
            // An operation has none, and says so to `this is defined`.
            "this" if inner.node.unique_id.is_empty() && inner.node.this.is_none() => return None,
            "_sql_results" => Dict::value(
                lock(&inner.results)
                    .iter()
                    .map(|(k, v)| (Value::from(k.as_str()), v.clone()))
                    .collect(),
            ),
            "this" => inner
                .node
                .this
                .clone()
                .map_or_else(|| Value::from(()), Relation::value),
            "target" | "env" => json(&Json::Object(shared.target.context())),
            "model" => inner.model.get_or_init(|| self.model()).clone(),
            "schema" => Value::from(inner.node.schema.as_str()),
            "database" => Value::from(inner.node.database.as_str()),
            "config" => Value::from_object(ConfigObject(inner.clone())),
            "adapter" => Value::from_object(super::adapter::Adapter(inner.clone())),
            "api" => Value::from_object(super::api::Api),
            "column" => Value::from_object(super::column::ColumnClass),
            "exceptions" => Value::from_object(Exceptions(inner.clone())),
            "flags" => Value::from_object(super::api::Flags(shared.clone())),
            "var" => Value::from_object(super::functions::Var(inner.clone())),
            "builtins" => Value::from_object(super::names::Builtins(self.clone())),
            "context" => Value::from_object(super::names::ContextDict(self.clone())),
            "graph" => shared.graph_value(),
            "project_name" => Value::from(shared.root_name.as_str()),
            "invocation_id" => Value::from(shared.invocation_id.as_str()),
            "run_started_at" => super::values::moment(&shared.started_at),
            "dbt_version" => Value::from(crate::DBT_VERSION),
            "thread_id" => Value::from(crate::outcome::thread_name()),
            "invocation_args_dict" => json(&Json::Object(shared.invocation_args.clone())),
            "dbt_metadata_envs" => {
                let custom = shared
                    .env
                    .iter()
                    .filter_map(|(k, v)| Some((k.strip_prefix("DBT_ENV_CUSTOM_ENV_")?, v)));
                Dict::value(
                    custom
                        .map(|(k, v)| (Value::from(k), Value::from(v.as_str())))
                        .collect(),
                )
            }
            "selected_resources" => {
                let ids = shared.selected.get().map(Vec::as_slice).unwrap_or_default();
                List::value(ids.iter().map(|i| Value::from(i.as_str())).collect())
            }
            "sql_now" => Value::from("now()"),
            // An operation has no node to hook on.
            "pre_hooks" | "post_hooks" if inner.node.unique_id.is_empty() => Value::from(()),
            "pre_hooks" | "post_hooks" => {
                let key = if name == "pre_hooks" {
                    "pre-hook"
                } else {
                    "post-hook"
                };
                let hooks = lock(&inner.config)
                    .get(key)
                    .cloned()
                    .unwrap_or_else(|| Json::Array(Vec::new()));
                json(&hooks)
            }
            "sql" | "compiled_code" | "compiled_sql" => inner
                .node
                .map
                .get("compiled_code")
                .map_or_else(|| Value::from(()), json),
            "defer_relation" => Value::from(()),
            "context_macro_stack" => Value::from_object(super::names::MacroStack),
            "modules" => Value::from_object(super::modules::Modules(inner.clone())),
            "validation" => Value::from_object(super::api::Validation),
            _ => return self.function(name),
        })
    }

    /// A name as `builtins` and `context` show it.
    pub(super) fn named(&self, name: &str) -> Option<Value> {
        self.0.extra(name).or_else(|| self.member(name))
    }
}

impl Scope for NodeScope {
    fn package(&self) -> &str {
        &self.0.package
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        self.member(name)
    }

    fn before_macros(&self, name: &str) -> Option<Value> {
        self.0.extra(name)
    }

    fn on_macro_call(&self, unique_id: &str, depth: usize) {
        if depth == 0 {
            crate::parse::push_new(&mut lock(&self.0.recorder).macros, unique_id.to_string());
        }
    }

    fn native(&self, unique_id: &str) -> Option<Value> {
        super::native::native(&self.0, unique_id)
    }
}
