//! One call of a macro that is done in Rust: its arguments, and what it asks of templates, adapter and configuration.
use crate::context::adapter::{Adapter, dispatched};
use crate::context::config_object::ConfigObject;
use crate::context::exceptions::compilation;
use crate::context::scope::Inner;
use crate::context::shared::Say;
use crate::jinja::python;
use minijinja::value::{Kwargs, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::sync::Arc;

/// Nothing: Python's `None`.
pub(super) fn none() -> Value {
    Value::from(())
}

/// Whether there is nothing: none, or what was never given.
pub(super) fn is_nothing(value: &Value) -> bool {
    value.is_none() || value.is_undefined()
}

/// An attribute of a value; none has none.
pub(super) fn attribute(value: &Value, name: &str) -> Value {
    value.get_attr(name).unwrap_or_default()
}

/// Keyword arguments.
pub(super) fn named<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Kwargs::from_iter(pairs).into()
}

/// What a materialization returns.
pub(super) fn relations(made: Vec<Value>) -> Value {
    let pair = (Value::from("relations"), python::List::value(made));
    python::Dict::value(std::iter::once(pair).collect())
}

/// What stands in a call block.
pub(super) enum Block {
    /// This text.
    Text(String),
    /// What a macro gives for these arguments, once it is asked for: it counts as called from within the block.
    Of(&'static str, Vec<Value>),
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<caller>")
    }
}

impl Object for Block {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        match &**self {
            Self::Text(text) => Ok(Value::from(text.as_str())),
            Self::Of(name, args) => {
                let text = called(state, name, args)?;
                Ok(Value::from(python::str_of(&text)))
            }
        }
    }
}

/// Calls a macro or function by its name: the project's own, a package's or the built-in one.
fn called(state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
    let Some(callee) = crate::jinja::lookup(state, name)? else {
        return Err(compilation(format!("'{name}' is undefined")));
    };
    callee.call(state, args)
}

/// A running call.
pub(in crate::context) struct Call<'a, 's, 'e> {
    pub(super) inner: &'a Arc<Inner>,
    state: &'a mut State<'s, 'e>,
    args: &'a [Value],
    caller: Option<Value>,
}

impl<'a, 's, 'e> Call<'a, 's, 'e> {
    pub(super) fn new(
        inner: &'a Arc<Inner>,
        state: &'a mut State<'s, 'e>,
        args: &'a [Value],
        caller: Option<Value>,
    ) -> Self {
        Self {
            inner,
            state,
            args,
            caller,
        }
    }

    /// The arguments in the order of the macro's parameters; undefined where none was given.
    pub(super) fn args(&self) -> &'a [Value] {
        self.args
    }

    /// One argument; undefined if it was not given.
    pub(super) fn arg(&self, index: usize) -> Value {
        self.args.get(index).cloned().unwrap_or_default()
    }

    /// A truth value among the arguments, or what it is without.
    pub(super) fn flag(&self, index: usize, default: bool) -> bool {
        let given = self.arg(index);
        if given.is_undefined() {
            default
        } else {
            given.is_true()
        }
    }

    /// What the call block around the call says.
    pub(super) fn block(&mut self) -> Result<String, Error> {
        let Some(caller) = self.caller.clone() else {
            return Err(compilation("No caller defined"));
        };
        caller.call(self.state, &[]).map(|v| python::str_of(&v))
    }

    /// What a name means here.
    pub(super) fn name(&mut self, name: &str) -> Result<Value, Error> {
        Ok(crate::jinja::lookup(self.state, name)?.unwrap_or_default())
    }

    /// Calls a macro or function by its name: the project's own, a package's or the built-in one.
    pub(super) fn run(&mut self, name: &str, args: &[Value]) -> Result<Value, Error> {
        called(self.state, name, args)
    }

    /// The text that a macro gives.
    pub(super) fn text(&mut self, name: &str, args: &[Value]) -> Result<String, Error> {
        self.run(name, args).map(|v| python::str_of(&v))
    }

    /// Calls a value: a macro that was handed on.
    pub(super) fn invoke(&mut self, callee: &Value, args: &[Value]) -> Result<Value, Error> {
        callee.call(self.state, args)
    }

    /// `adapter.dispatch(name, 'dbt')(…)`.
    pub(super) fn dispatch(&mut self, name: &str, args: &[Value]) -> Result<Value, Error> {
        let found = dispatched(self.inner, name, Some(crate::jinja::BUILTIN_NAMESPACE))?;
        found.call(self.state, args)
    }

    /// `adapter.name(…)`.
    pub(super) fn adapter(&mut self, name: &str, args: &[Value]) -> Result<Value, Error> {
        Arc::new(Adapter(self.inner.clone())).call_method(self.state, name, args)
    }

    /// `value.name(…)`.
    pub(super) fn method(
        &mut self,
        value: &Value,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        value.call_method(self.state, name, args)
    }

    /// `exceptions.name(…)`: raises an error, or warns.
    pub(super) fn exception(&mut self, name: &str, args: &[Value]) -> Result<Value, Error> {
        let exceptions = self.name("exceptions")?;
        self.method(&exceptions, name, args)
    }

    /// `config.get(key)`.
    pub(super) fn config(&mut self, key: &str) -> Result<Value, Error> {
        let config = Arc::new(ConfigObject(self.inner.clone()));
        config.call_method(self.state, "get", &[Value::from(key)])
    }

    /// `config.name()`, where the answer is yes or no.
    pub(super) fn config_says(&mut self, name: &str) -> Result<bool, Error> {
        let config = Arc::new(ConfigObject(self.inner.clone()));
        Ok(config.call_method(self.state, name, &[])?.is_true())
    }

    /// `flags.NAME`.
    pub(super) fn run_flag(&mut self, name: &str) -> Result<Value, Error> {
        Ok(attribute(&self.name("flags")?, name))
    }

    /// Writes to the log.
    pub(super) fn log(&self, text: String) {
        (self.inner.shared.say)(Say::Log(text, false));
    }

    /// A relation as another kind of relation.
    pub(super) fn typed(&mut self, relation: &Value, kind: &Value) -> Result<Value, Error> {
        self.method(relation, "incorporate", &[named([("type", kind.clone())])])
    }

    /// Sends a text under the name of its result; with `fetch` the rows are kept.
    pub(super) fn statement(
        &mut self,
        name: Option<&str>,
        block: Block,
        fetch: bool,
        auto_begin: bool,
    ) -> Result<(), Error> {
        let name = name.map_or_else(none, Value::from);
        let caller = Value::from_object(block);
        let args = [
            name,
            Value::from(fetch),
            Value::from(auto_begin),
            named([("caller", caller)]),
        ];
        self.run("statement", &args).map(drop)
    }

    /// Stores a result under a name, beside a text that was not sent as it stands.
    pub(super) fn noop_statement(&mut self, args: &[Value], text: String) -> Result<(), Error> {
        let caller = named([("caller", Value::from_object(Block::Text(text)))]);
        let args = [args, &[caller]].concat();
        self.run("noop_statement", &args).map(drop)
    }

    /// Runs the hooks of one kind.
    pub(super) fn hooks(&mut self, kind: &str, inside_transaction: bool) -> Result<(), Error> {
        let hooks = self.name(kind)?;
        self.run_hooks(hooks, inside_transaction)
    }

    /// Runs those of some hooks that want to be in the transaction, or those that do not.
    pub(super) fn run_hooks(
        &mut self,
        hooks: Value,
        inside_transaction: bool,
    ) -> Result<(), Error> {
        let inside = named([("inside_transaction", Value::from(inside_transaction))]);
        self.run("run_hooks", &[hooks, inside]).map(drop)
    }

    /// The relation as it is known to be in the database, or none.
    pub(super) fn cached(&mut self, relation: &Value) -> Result<Value, Error> {
        self.run("load_cached_relation", std::slice::from_ref(relation))
    }

    /// Drops a relation if there is one.
    pub(super) fn drop_if_there(&mut self, relation: Value) -> Result<(), Error> {
        self.run("drop_relation_if_exists", &[relation]).map(drop)
    }

    /// What every materialization ends with: grants, comments.
    pub(super) fn grant(
        &mut self,
        target: &Value,
        grants: &Value,
        existing: &Value,
        full_refresh: bool,
    ) -> Result<(), Error> {
        let mode = named([("full_refresh_mode", Value::from(full_refresh))]);
        let revoke = self.run("should_revoke", &[existing.clone(), mode])?;
        let revoke = named([("should_revoke", revoke)]);
        self.run("apply_grants", &[target.clone(), grants.clone(), revoke])
            .map(drop)
    }

    /// Comments of the relation and its columns.
    pub(super) fn document(&mut self, target: &Value) -> Result<(), Error> {
        let model = self.name("model")?;
        self.run("persist_docs", &[target.clone(), model]).map(drop)
    }

    /// Ends the transaction, and runs the hooks that want none.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.adapter("commit", &[])?;
        self.hooks("post_hooks", false)
    }
}
