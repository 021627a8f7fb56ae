//! Attributes, subscripts and calls in texts whose undefined values swallow them.
use super::macros::Package;
use crate::jinja::python::{Absorbing, Bound, is_undefined, ops};
use minijinja::value::Value;
use minijinja::{Error, ErrorKind, State};

fn swallowed(value: &Value) -> Value {
    if Absorbing::is(value) {
        value.clone()
    } else {
        Absorbing::value("")
    }
}

fn absorbed(value: Value) -> Value {
    if value.is_undefined() {
        Absorbing::value("")
    } else {
        value
    }
}

/// `value.key` and `value[key]`.
pub(super) fn get(value: &Value, key: &Value) -> Result<Value, Error> {
    if is_undefined(value) {
        return Ok(swallowed(value));
    }
    value.get_item(key).map(absorbed)
}

/// `value.name(args)`.
pub(super) fn method(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    args: &[Value],
) -> Result<Value, Error> {
    if is_undefined(value) {
        return Ok(swallowed(value));
    }
    // A macro that a package lacks: undefined, not wrong, until the node is compiled.
    let key = Value::from(name);
    if value.downcast_object_ref::<Package>().is_some()
        && !Package::is_method(name)
        && value.get_item(&key)?.is_undefined()
    {
        return Ok(Absorbing::value(name));
    }
    match value.call_method(state, name, args) {
        Err(e) if e.kind() == ErrorKind::UnknownMethod && e.line().is_none() => {
            Ok(Absorbing::value(name))
        }
        other => other,
    }
}

/// `value(args)`.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    args: &[Value],
) -> Result<Value, Error> {
    if is_undefined(value) {
        return Ok(swallowed(value));
    }
    value.call(state, args)
}

/// The callee of a `{% call %}` block.
pub(super) fn callable(value: Value) -> Value {
    value
}

/// `object.name`, to be called.
pub(super) fn bound(object: Value, name: String) -> Result<Value, Error> {
    if Absorbing::is(&object) {
        return Ok(object);
    }
    if object.is_undefined() {
        return Err(ops::undefined(&object));
    }
    Ok(Bound::value(object, name))
}
