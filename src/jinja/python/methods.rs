//! Methods of values that the engine itself makes: strings, numbers, tuples, plain lists and mappings.
use super::error::{no_method, type_error};
use super::{dict, iterate, ops, sequence, strings, type_name};
use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

/// The engine's callback for a method that an object does not have itself.
pub fn unknown_method(
    _: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Undefined => Err(ops::undefined(value)),
        ValueKind::String => strings::call(value.as_str().unwrap_or_default(), name, args),
        ValueKind::Number | ValueKind::Bool => number(value, name),
        ValueKind::Seq | ValueKind::Iterable
            if value.is_tuple() || super::is_plain_list(value) || super::Range::is(value) =>
        {
            list(value, name, args)
        }
        ValueKind::Map if super::is_plain_map(value) => dict::map_method(value, name, args),
        // Mappings of the host (`modules.datetime`) have the methods of a dict that only look.
        ValueKind::Map if matches!(name, "get" | "items" | "keys" | "values" | "copy") => {
            dict::map_method(value, name, args)
        }
        ValueKind::Bytes if name == "decode" => Ok(Value::from(
            String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned(),
        )),
        _ => Err(no_method(&type_name(value), name)),
    }
}

fn list(value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let kind = type_name(value);
    let items = iterate(value)?;
    match name {
        "index" => sequence::index(&items, args, &kind),
        "count" => sequence::count(&items, args),
        "copy" if kind == "list" => Ok(super::List::value(items)),
        "__len__" => Ok(Value::from(items.len())),
        "append" | "extend" | "insert" | "pop" | "remove" | "sort" | "reverse" | "clear"
            if kind == "list" =>
        {
            Err(type_error(format!(
                "this list cannot be changed by `{name}`; make a copy of it first (`x | list`)"
            )))
        }
        _ => Err(no_method(&kind, name)),
    }
}

fn number(value: &Value, name: &str) -> Result<Value, Error> {
    let float = || f64::try_from(value.clone()).unwrap_or_default();
    match name {
        "is_integer" if value.is_integer() => Ok(Value::from(true)),
        "is_integer" if value.is_number() => Ok(Value::from(float().fract() == 0.0)),
        "bit_length" if value.is_integer() => {
            let i = i128::try_from(value.clone()).unwrap_or_default();
            Ok(Value::from(128 - i.unsigned_abs().leading_zeros()))
        }
        "conjugate" => Ok(value.clone()),
        _ => Err(no_method(&type_name(value), name)),
    }
}
