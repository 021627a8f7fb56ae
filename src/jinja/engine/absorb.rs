//! The undefined value of a node's body while it is parsed: it swallows attributes, subscripts and calls.
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// An undefined value that swallows what is done with it.
#[derive(Debug)]
pub(crate) struct Absorbing;

impl Absorbing {
    pub(crate) fn value() -> Value {
        Value::from_object(Self)
    }

    /// Whether a value is one.
    pub(crate) fn is(value: &Value) -> bool {
        value.downcast_object_ref::<Self>().is_some()
    }
}

/// Whether a value is undefined, of whatever kind.
pub(crate) fn is_undefined(value: &Value) -> bool {
    value.is_undefined() || Absorbing::is(value)
}

impl Object for Absorbing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from_dyn_object(self.clone()))
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Ok(Value::from_dyn_object(self.clone()))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, _: &str, _: &[Value]) -> Result<Value, Error> {
        Ok(Value::from_dyn_object(self.clone()))
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

fn absorbed(value: Value) -> Value {
    if value.is_undefined() { Absorbing::value() } else { value }
}

/// `value.key` and `value[key]`.
pub(super) fn get(value: &Value, key: &Value) -> Result<Value, Error> {
    if is_undefined(value) {
        return Ok(Absorbing::value());
    }
    value.get_item(key).map(absorbed)
}

/// `value.name(args)`.
pub(super) fn method(state: &mut State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if is_undefined(value) {
        return Ok(Absorbing::value());
    }
    match value.call_method(state, name, args) {
        Err(e) if e.kind() == ErrorKind::UnknownMethod && e.line().is_none() => Ok(Absorbing::value()),
        other => other,
    }
}

/// `value(args)`.
pub(super) fn call(state: &mut State<'_, '_>, value: &Value, args: &[Value]) -> Result<Value, Error> {
    if is_undefined(value) {
        return Ok(Absorbing::value());
    }
    value.call(state, args)
}

/// The callee of a `{% call %}` block.
pub(super) fn callable(value: &Value) -> Value {
    absorbed(value.clone())
}
