//! What one render keeps: the macros it has loaded, those that are running, and the value that `return` carries.
use super::registry::MacroDef;
use super::scope::Context;
use minijinja::value::{Object, ObjectRepr, Rest, Value};
use minijinja::{Error, ErrorKind, State};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Stands before every rendered text. A macro must be defined in the running state to accept `caller`, so this gives
/// the host a macro that brings other templates into the running state.
pub(super) const PRELUDE: &str =
    "{% macro __load(__t) %}{% include __t %}{% endmacro %}{% set __ = __boot(__load) %}";

/// State of one render.
pub(super) struct Run {
    pub(super) context: Arc<Context>,
    pub(super) loader: Value,
    pub(super) stash: Option<Value>,
    pub(super) loaded: HashMap<usize, Value>,
    pub(super) stack: Vec<Arc<MacroDef>>,
    pub(super) returned: Option<Value>,
}

/// The render that a state belongs to.
pub(super) fn of<'a>(state: &'a mut State<'_, '_>) -> Result<&'a mut Run, Error> {
    state
        .get_extension_mut::<Run>()
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "macros cannot be called here"))
}

/// What a name means in a running render: what the template that called would see, without its own `set`s.
///
/// # Errors
/// Nothing is being rendered.
pub fn lookup(state: &mut State<'_, '_>, name: &str) -> Result<Option<Value>, Error> {
    let found = of(state)?.context.find(name);
    Ok(found.or_else(|| state.lookup(name)))
}

/// `__boot(loader)`.
pub(super) struct Boot(pub(super) Arc<Context>);

impl fmt::Debug for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<boot>")
    }
}

impl Object for Boot {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let loader = args.first().cloned().unwrap_or_default();
        let context = self.0.clone();
        state.get_or_insert_extension_with(|| Run {
            context,
            loader,
            stash: None,
            loaded: HashMap::new(),
            stack: Vec::new(),
            returned: None,
        });
        Ok(Value::from(()))
    }
}

/// `__stash(macro)`: hands a macro that was just defined to the host.
#[derive(Debug)]
pub(super) struct Stash;

impl Object for Stash {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        of(state)?.stash = args.first().cloned();
        Ok(Value::from(()))
    }
}

/// `return(value)`: the value is kept and an error unwinds to the running macro's call.
pub(super) fn return_value(state: &mut State<'_, '_>, values: Rest<Value>) -> Result<Value, Error> {
    let run = of(state)?;
    if run.stack.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "`return` stands outside of a macro",
        ));
    }
    // What is undefined stays so: callers may loop over it or ask for its length.
    run.returned = Some(values.first().cloned().unwrap_or_else(|| Value::from(())));
    Err(Error::new(ErrorKind::InvalidOperation, "return"))
}

/// `__main()`: what the host wants done inside a running state.
pub(super) struct Main {
    callee: Value,
    args: Vec<Value>,
    result: Mutex<Option<Value>>,
}

impl Main {
    pub(super) fn new(callee: Value, args: Vec<Value>) -> Self {
        Self {
            callee,
            args,
            result: Mutex::default(),
        }
    }

    pub(super) fn take(&self) -> Value {
        self.result
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_default()
    }
}

impl fmt::Debug for Main {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<main>")
    }
}

impl Object for Main {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        let value = self.callee.call(state, &self.args)?;
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(Value::from(()))
    }
}
