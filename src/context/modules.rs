//! `modules` as renders of a project see it: dbt gives `itertools` up, and says so whenever it is used.
use super::exceptions::compilation;
use super::scope::Inner;
use super::shared::Say;
use crate::diag::{Diagnostic, code};
use crate::jinja::modules::modules;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::fmt;
use std::sync::Arc;

/// The one that is given up.
const GIVEN_UP: &str = "itertools";

/// `modules`.
#[derive(Debug)]
pub(super) struct Modules(pub Arc<Inner>);

impl Object for Modules {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let module = known(&modules(), key)?;
        if key.as_str() == Some(GIVEN_UP) {
            let inner = self.0.clone();
            return Some(Value::from_object(Watched { module, inner }));
        }
        Some(module)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        members(&modules())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&modules(), f)
    }
}

/// A module whose functions say that they are given up.
#[derive(Debug)]
struct Watched {
    module: Value,
    inner: Arc<Inner>,
}

impl Object for Watched {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let function = known(&self.module, key)?;
        let inner = self.inner.clone();
        Some(Value::from_object(WatchedFunction { function, inner }))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        members(&self.module)
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if known(&self.module, &Value::from(name)).is_some() {
            warn(&self.inner)?;
        }
        self.module.call_method(state, name, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.module, f)
    }
}

/// One of its functions.
#[derive(Debug)]
struct WatchedFunction {
    function: Value,
    inner: Arc<Inner>,
}

impl Object for WatchedFunction {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        warn(&self.inner)?;
        self.function.call(state, args)
    }
}

fn known(object: &Value, key: &Value) -> Option<Value> {
    object.get_item(key).ok().filter(|v| !v.is_undefined())
}

fn members(object: &Value) -> Enumerator {
    Enumerator::Values(object.try_iter().into_iter().flatten().collect())
}

fn warn(inner: &Inner) -> Result<(), Error> {
    let message =
        "Usage of itertools modules is deprecated. Please use the built-in functions instead.";
    let d = Diagnostic::warning(code::P0110, message).event("ModulesItertoolsUsageDeprecation");
    if (inner.shared.strict)(&d) {
        return Err(compilation(message));
    }
    (inner.shared.say)(Say::Warning(d));
    Ok(())
}
