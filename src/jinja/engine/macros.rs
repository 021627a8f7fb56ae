//! Macros and packages as template values.
use super::error::InMacro;
use super::registry::{MacroDef, Registry};
use super::run;
use crate::jinja::python::{Dict, tuple};
use indexmap::IndexMap;
use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// How many macro calls may stand within each other.
pub const DEEPEST_CALL: usize = 5_000;

/// A macro as a value: callable, comparable by identity of its definition.
#[derive(Clone)]
pub struct MacroRef(pub Arc<MacroDef>);

impl MacroRef {
    /// The macro in a value, if it is one.
    pub fn of(value: &Value) -> Option<&Arc<MacroDef>> {
        value.downcast_object_ref::<Self>().map(|m| &m.0)
    }

    /// The macro within the running state, brought in at its first use.
    fn load(&self, state: &mut State<'_, '_>) -> Result<Value, Error> {
        let def = &self.0;
        let id = Arc::as_ptr(def).addr();
        let running = run::of(state)?;
        if let Some(there) = running.loaded.get(&id) {
            return Ok(there.clone());
        }
        let (loader, context) = (running.loader.clone(), running.context.clone());
        context.enter(&def.package);
        let loaded = loader.call(state, &[Value::from(def.unique_id.as_str())]);
        context.leave();
        loaded?;
        let running = run::of(state)?;
        let callable = running.stash.take().unwrap_or_default();
        running.loaded.insert(id, callable.clone());
        Ok(callable)
    }

    /// The arguments in the order of the parameters, surplus ones in `varargs` and `kwargs`.
    fn bind(&self, args: &[Value]) -> Result<Vec<Value>, Error> {
        let def = &self.0;
        let (positional, named): (&[Value], Kwargs) = from_args(args)?;
        let wrong = |text: String| Error::new(ErrorKind::TooManyArguments, text);
        let count = def.parameters.len();
        let mut bound: Vec<Value> = positional.iter().take(count).cloned().collect();
        let mut rest: IndexMap<String, Value> = IndexMap::new();
        for name in named.args() {
            rest.insert(name.to_string(), named.peek::<Value>(name)?);
        }
        for parameter in def.parameters.iter().skip(bound.len()) {
            bound.push(rest.shift_remove(&parameter.name).unwrap_or_default());
        }
        let caller = if def.caller {
            rest.shift_remove("caller")
        } else {
            None
        };
        if def.varargs {
            bound.push(tuple(positional.iter().skip(count).cloned().collect()));
        } else if positional.len() > count {
            return Err(wrong(format!(
                "macro '{}' takes not more than {count} argument(s)",
                def.symbol
            )));
        }
        if def.kwargs {
            bound.push(Dict::value(
                rest.into_iter().map(|(k, v)| (Value::from(k), v)).collect(),
            ));
        } else if let Some(name) = rest.keys().next() {
            return Err(wrong(format!(
                "macro '{}' takes no keyword argument '{name}'",
                def.symbol
            )));
        }
        if let Some(caller) = caller {
            bound.push(Kwargs::from_iter([("caller", caller)]).into());
        }
        Ok(bound)
    }
}

impl fmt::Debug for MacroRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}.{}>", self.0.package, self.0.name)
    }
}

impl Object for MacroRef {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "name" | "__name__" => Some(Value::from(self.0.name.as_str())),
            "package_name" => Some(Value::from(&*self.0.package)),
            "unique_id" => Some(Value::from(self.0.unique_id.as_str())),
            _ => None,
        }
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let running = run::of(state)?;
        let depth = running.stack.len();
        if depth >= DEEPEST_CALL {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "maximum recursion depth exceeded",
            ));
        }
        let context = running.context.clone();
        context.scope.on_macro_call(&self.0.unique_id, depth);
        let callable = match context.scope.native(&self.0.unique_id) {
            Some(native) => native,
            None => self.load(state)?,
        };
        let args = self.bind(args)?;
        run::of(state)?.stack.push(self.0.clone());
        context.enter(&self.0.package);
        let result = callable.call(state, &args);
        context.leave();
        let running = run::of(state)?;
        running.stack.truncate(depth);
        match (result, running.returned.take()) {
            (Ok(text), _) => Ok(text),
            (Err(_), Some(returned)) => Ok(returned),
            (Err(e), None) => Err(InMacro::wrap(self.0.clone(), e, depth)),
        }
    }
}

/// The macros of a package: `dbt_utils.star`.
#[derive(Debug)]
pub struct Package {
    pub(super) registry: Arc<Registry>,
    pub(super) name: Arc<str>,
}

impl Package {
    /// The package as a value.
    pub fn value(registry: &Arc<Registry>, name: &str) -> Value {
        Value::from_object(Self {
            registry: registry.clone(),
            name: Arc::from(name),
        })
    }

    /// Whether a name is one of a dict's methods, which stand before macros of that name where they are called.
    pub(super) fn is_method(name: &str) -> bool {
        matches!(
            name,
            "get"
                | "items"
                | "keys"
                | "values"
                | "copy"
                | "__contains__"
                | "__getitem__"
                | "__len__"
        )
    }

    fn find(&self, name: &str) -> Option<MacroRef> {
        self.registry
            .get(&self.name, name)
            .map(|def| MacroRef(def.clone()))
    }
}

impl Object for Package {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.find(key.as_str()?).map(Value::from_object)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.registry
                .namespace(&self.name)
                .map(|d| Value::from(d.name.as_str()))
                .collect(),
        )
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if Self::is_method(name) {
            let pairs = self.registry.namespace(&self.name);
            let pairs = pairs.map(|d| {
                (
                    Value::from(d.name.as_str()),
                    Value::from_object(MacroRef(d.clone())),
                )
            });
            return Dict::value(pairs.collect()).call_method(state, name, args);
        }
        match self.find(name) {
            Some(found) => Arc::new(found).call(state, args),
            None => Err(Error::new(
                ErrorKind::UndefinedError,
                format!("'dict object' has no attribute '{name}'"),
            )),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<package {}>", self.name)
    }
}
