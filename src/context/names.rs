//! `context` and `builtins`: the names of a scope as the dicts that templates may search, list and change.
//!
//! In: a scope. Out: exactly the names that dbt puts into its own, so that `context.get(…)`, `name in context` and
//! `context.keys()` answer alike. What a name means is the scope's business.
use super::args::Args;
use super::functions::lookup_macro;
use super::scope::{NodeScope, lock};
use crate::jinja::python::{self, Dict};
use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::sync::Arc;

/// Names of every render that runs code, in `builtins` and in `context`.
pub(super) const ALWAYS: &[&str] = &[
    "_sql_results",
    "adapter",
    "adapter_macro",
    "api",
    "column",
    "config",
    "context_macro_stack",
    "database",
    "dbt_metadata_envs",
    "dbt_version",
    "diff_of_two_dicts",
    "env",
    "env_var",
    "exceptions",
    "execute",
    "flags",
    "fromjson",
    "fromyaml",
    "graph",
    "invocation_args_dict",
    "invocation_id",
    "load_agate_table",
    "load_result",
    "local_md5",
    "log",
    "metric",
    "model",
    "modules",
    "post_hooks",
    "pre_hooks",
    "print",
    "project_name",
    "ref",
    "render",
    "return",
    "run_started_at",
    "schema",
    "selected_resources",
    "set",
    "set_strict",
    "source",
    "sql",
    "sql_now",
    "store_raw_result",
    "store_result",
    "submit_python_job",
    "target",
    "thread_id",
    "tojson",
    "toyaml",
    "try_or_compiler_error",
    "validation",
    "var",
    "write",
    "zip",
    "zip_strict",
];

/// Names of nodes and hooks, which an operation lacks.
pub(super) const OF_NODES: &[&str] = &["compiled_code", "defer_relation", "this"];

/// Methods of a dict that only look.
fn looks(name: &str) -> bool {
    matches!(
        name,
        "get" | "items" | "keys" | "values" | "copy" | "__contains__" | "__getitem__" | "__len__"
    )
}

impl NodeScope {
    /// The names that are no macros.
    fn plain_names(&self) -> Vec<&'static str> {
        let more: &[&str] = if self.0.node.unique_id.is_empty() {
            &[]
        } else {
            OF_NODES
        };
        ALWAYS.iter().chain(more).copied().collect()
    }

    fn plain(&self, name: &str) -> Option<Value> {
        if !self.plain_names().contains(&name) {
            return None;
        }
        self.named(name)
            .or_else(|| self.0.shared.engine.global(name))
    }
}

/// `builtins`: the names without what macros put over them.
#[derive(Debug)]
pub(super) struct Builtins(pub NodeScope);

impl Object for Builtins {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.plain(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.0.plain_names();
        Enumerator::Values(names.into_iter().map(Value::from).collect())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if looks(name) {
            return as_dict(self).call_method(state, name, args);
        }
        match self.0.plain(name) {
            Some(f) => f.call(state, args),
            None => Err(python::error::no_method("dict", name)),
        }
    }
}

/// The pairs of an object as they are now.
fn as_dict<T: Object + 'static>(object: &Arc<T>) -> Value {
    let mut out = IndexMap::new();
    if let Enumerator::Values(keys) = object.enumerate() {
        for key in keys {
            if let Some(value) = object.get_value(&key) {
                out.insert(key, value);
            }
        }
    }
    Dict::value(out)
}

/// `context`: every name as a dict.
#[derive(Debug)]
pub(super) struct ContextDict(pub NodeScope);

impl ContextDict {
    fn find(&self, name: &str) -> Option<Value> {
        let inner = &self.0.0;
        let engine = &inner.shared.engine;
        let own = || match name {
            "context" | "builtins" => self.0.named(name),
            _ => self.0.plain(name),
        };
        inner
            .extra(name)
            .or_else(|| lookup_macro(engine, &inner.package, name))
            .or_else(own)
    }

    /// All names: those of the render, then the macros that code of this package sees, then the packages.
    fn names(&self) -> Vec<Value> {
        let inner = &self.0.0;
        let registry = inner.shared.engine.registry();
        let mut out: indexmap::IndexSet<String> = ["context", "builtins"]
            .into_iter()
            .chain(self.0.plain_names())
            .map(String::from)
            .collect();
        let extra = lock(&inner.extra);
        let mut more: Vec<&String> = extra.keys().filter(|k| !k.starts_with("__")).collect();
        more.sort();
        out.extend(more.into_iter().cloned());
        for package in [
            crate::jinja::BUILTIN_NAMESPACE,
            &inner.shared.root_name,
            &inner.package,
        ] {
            out.extend(registry.namespace(package).map(|d| d.name.clone()));
        }
        out.extend(registry.package_names().map(str::to_string));
        out.into_iter().map(Value::from).collect()
    }

    /// The methods of a dict that change it: what is put in stands before all other names from then on.
    fn change(&self, name: &str, args: &Args) -> Result<Value, Error> {
        let put = |key: &Value, value: Value| self.0.set(&python::str_of(key), value);
        let none = || Value::from(());
        match name {
            "update" => {
                if let Some(more) = args.positional.first() {
                    for (key, value) in python::ops::pairs_of(more)? {
                        put(&key, value);
                    }
                }
                for (key, value) in args.all_named() {
                    put(&Value::from(key), value);
                }
                Ok(none())
            }
            "setdefault" => {
                let key = args.required(0, "key")?;
                if let Some(there) = self.find(&python::str_of(&key)) {
                    return Ok(there);
                }
                let value = args.get(1, "default").unwrap_or_else(none);
                put(&key, value.clone());
                Ok(value)
            }
            "pop" => {
                let key = args.required_text(0, "key")?;
                let taken = lock(&self.0.0.extra).remove(&key);
                Ok(taken.or(args.get(1, "default")).unwrap_or_else(none))
            }
            _ => Err(python::error::no_method("dict", name)),
        }
    }
}

impl Object for ContextDict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.find(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if name == "get" {
            // Without making a value of every name there is.
            let args = Args::new(args)?;
            let value = self.find(&args.required_text(0, "key")?);
            return Ok(value
                .or(args.get(1, "default"))
                .unwrap_or_else(|| Value::from(())));
        }
        if looks(name) {
            return as_dict(self).call_method(state, name, args);
        }
        match self.find(name) {
            Some(f) => f.call(state, args),
            None => self.change(name, &Args::new(args)?),
        }
    }
}

/// `context_macro_stack`: there, as in dbt, and of no use to templates.
#[derive(Debug)]
pub(super) struct MacroStack;

impl Object for MacroStack {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "__callable__").then(|| Value::from(false))
    }
}
