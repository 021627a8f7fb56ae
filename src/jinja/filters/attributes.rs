//! Attribute access that says, like Jinja2, which value lacks what; and attribute paths in filter arguments.
use crate::jinja::python::arguments::Given;
use crate::jinja::python::error::undefined_error;
use crate::jinja::python::is_undefined;
use crate::jinja::python::{is_plain_map, ops, repr_of, type_name};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error};

/// Adds `attr`, and the paths that the dialect writes.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("__path", |value: &Value, keys: Given| path(value, &keys));
    env.add_filter("__step", |value: &Value, keys: Given| {
        let found = path(value, &keys)?;
        match keys.split_last() {
            Some((last, before)) if found.is_undefined() => Err(lacks(&path(value, before)?, last)),
            _ => Ok(found),
        }
    });
    env.add_filter("attr", |value: &Value, name: &str| {
        if is_plain_map(value) {
            Ok(Value::UNDEFINED)
        } else {
            value.get_attr(name)
        }
    });
}

/// `value.a[b].c`; the last may be undefined.
fn path(value: &Value, keys: &[Value]) -> Result<Value, Error> {
    let mut current = value.clone();
    for (i, key) in keys.iter().enumerate() {
        if current.is_undefined() {
            return Err(
                match i.checked_sub(1).and_then(|at| keys.split_at_checked(at)) {
                    Some((before, rest)) => lacks(&path(value, before)?, &rest[0]),
                    None => ops::undefined(value),
                },
            );
        }
        current = step(&current, key)?;
    }
    Ok(current)
}

/// One attribute or item.
fn step(value: &Value, key: &Value) -> Result<Value, Error> {
    match key.as_str() {
        Some(name) if key.kind() == ValueKind::String && value.kind() != ValueKind::String => {
            value.get_attr(name)
        }
        _ => value.get_item(key),
    }
}

/// Jinja2's words for a value that lacks an attribute or item.
fn lacks(value: &Value, key: &Value) -> Error {
    if is_undefined(value) {
        return ops::undefined(value);
    }
    let owner = match type_name(value) {
        none if none == "NoneType" => "None".to_string(),
        name => format!("{name} object"),
    };
    undefined_error(match key.as_str() {
        Some(name) if key.kind() == ValueKind::String => {
            format!("'{owner}' has no attribute '{name}'")
        }
        _ => format!("{owner} has no element {}", repr_of(key)),
    })
}

/// An attribute path such as `a.b.0`, as filters take it.
pub(super) fn get(
    value: &Value,
    attribute: &Value,
    default: Option<&Value>,
) -> Result<Value, Error> {
    let Some(text) = attribute
        .as_str()
        .filter(|_| attribute.kind() == ValueKind::String)
    else {
        let found = value.get_item(attribute)?;
        return Ok(if found.is_undefined() {
            default.cloned().unwrap_or(found)
        } else {
            found
        });
    };
    let mut current = value.clone();
    for part in text.split('.') {
        let key = part
            .parse::<i64>()
            .map_or_else(|_| Value::from(part), Value::from);
        current = step(&current, &key)?;
        if current.is_undefined() && default.is_some() {
            return Ok(default.cloned().unwrap_or_default());
        }
    }
    Ok(current)
}

/// Text in lower case, anything else as it is: how filters compare unless told to mind the case.
pub(super) fn fold_case(value: Value) -> Value {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => Value::from(text.to_lowercase()),
        _ => value,
    }
}
