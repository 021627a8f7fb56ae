//! How Python prints values: `str(x)` and `repr(x)` to the letter, for everything a template may hold.
use super::{Dict, List, Set, is_undefined};
use crate::yaml::python_float;
pub use crate::yaml::repr_str as quote;
use indexmap::IndexMap;
use minijinja::Value;
use minijinja::value::{Kwargs, Tuple, ValueKind};

/// Python's `str(value)`; undefined is empty.
pub fn str_of(value: &Value) -> String {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => text.to_string(),
        _ if is_undefined(value) => String::new(),
        _ => {
            let mut out = String::new();
            write_repr(&mut out, value, true, &mut Vec::new());
            out
        }
    }
}

/// Python's `repr(value)`; undefined is `Undefined`.
pub fn repr_of(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value, false, &mut Vec::new());
    out
}

/// Name of the value's Python type, as error messages give it.
pub fn type_name(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => "Undefined".into(),
        ValueKind::None => "NoneType".into(),
        ValueKind::Bool => "bool".into(),
        ValueKind::Number if value.is_integer() => "int".into(),
        ValueKind::Number => "float".into(),
        ValueKind::String => "str".into(),
        ValueKind::Bytes => "bytes".into(),
        _ => object_type_name(value),
    }
}

fn object_type_name(value: &Value) -> String {
    if value.is_tuple() {
        return "tuple".into();
    }
    if is_undefined(value) {
        return "Undefined".into();
    }
    if value.downcast_object_ref::<Set>().is_some() {
        return "set".into();
    }
    if let Some(named) = super::ops::python_type(value) {
        return named.into();
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => "list".into(),
        ValueKind::Map if is_plain_map(value) => "dict".into(),
        _ => "object".into(),
    }
}

/// Whether it is a mapping of the engine's own (not a host object that merely looks like one).
pub fn is_plain_map(value: &Value) -> bool {
    value.downcast_object_ref::<Dict>().is_some()
        || value
            .downcast_object_ref::<IndexMap<Value, Value>>()
            .is_some()
        || value.is_kwargs()
}

/// Whether it is a sequence of the engine's own.
pub fn is_plain_list(value: &Value) -> bool {
    value.downcast_object_ref::<List>().is_some()
        || value.downcast_object_ref::<Vec<Value>>().is_some()
}

/// Writes the text; `top` for `str` (which differs from `repr` only at the outermost level).
fn write_repr(out: &mut String, value: &Value, top: bool, above: &mut Vec<usize>) {
    match value.kind() {
        ValueKind::Undefined => out.push_str(if top { "" } else { "Undefined" }),
        ValueKind::None => out.push_str("None"),
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number if value.is_integer() => out.push_str(&value.to_string()),
        ValueKind::Number => {
            out.push_str(&python_float(f64::try_from(value.clone()).unwrap_or(0.0)));
        }
        ValueKind::String => out.push_str(&quote(value.as_str().unwrap_or_default())),
        _ => write_object(out, value, top, above),
    }
}

fn write_object(out: &mut String, value: &Value, top: bool, above: &mut Vec<usize>) {
    let items =
        |v: &Value| -> Vec<Value> { v.try_iter().map(Iterator::collect).unwrap_or_default() };
    if is_undefined(value) {
        out.push_str("Undefined");
    } else if value.downcast_object_ref::<Tuple>().is_some() {
        let all = items(value);
        write_items(
            out,
            "(",
            &all,
            if all.len() == 1 { ",)" } else { ")" },
            above,
        );
    } else if let Some(list) = value.downcast_object_ref::<List>() {
        let id = std::ptr::from_ref(list).addr();
        if above.contains(&id) {
            return out.push_str("[...]");
        }
        above.push(id);
        write_items(out, "[", &list.items(), "]", above);
        above.pop();
    } else if let Some(dict) = value.downcast_object_ref::<Dict>() {
        let id = std::ptr::from_ref(dict).addr();
        if above.contains(&id) {
            return out.push_str("{...}");
        }
        above.push(id);
        write_pairs(out, dict.pairs(), above);
        above.pop();
    } else if let Some(set) = value.downcast_object_ref::<Set>() {
        let all = set.items();
        if all.is_empty() {
            out.push_str("set()");
        } else {
            write_items(out, "{", &all, "}", above);
        }
    } else if is_plain_list(value) {
        write_items(out, "[", &items(value), "]", above);
    } else if value.is_kwargs() {
        write_pairs(out, kwargs_pairs(value), above);
    } else if let Some(map) = value.downcast_object_ref::<IndexMap<Value, Value>>() {
        write_pairs(out, map.iter().map(|(k, v)| (k.clone(), v.clone())), above);
    } else if !top && let Some(text) = super::ops::python_repr(value) {
        out.push_str(&text);
    } else if let Some(text) = own_text(value) {
        out.push_str(&text);
    } else if value.kind() == ValueKind::Iterable && value.len().is_some() {
        write_items(out, "[", &items(value), "]", above);
    } else if !top && let Some(text) = own_repr(value) {
        out.push_str(&text);
    } else {
        out.push_str(&value.to_string());
    }
}

/// What an object of the host's is as text, though it can be iterated.
fn own_text(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    object
        .get_value(&Value::from("__str__"))?
        .as_str()
        .map(str::to_string)
}

/// What an object of the host's says of itself inside a list or a dict.
fn own_repr(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    object
        .get_value(&Value::from("__repr__"))?
        .as_str()
        .map(str::to_string)
}

fn kwargs_pairs(value: &Value) -> Vec<(Value, Value)> {
    let Ok(kwargs) = Kwargs::try_from(value.clone()) else {
        return Vec::new();
    };
    kwargs
        .args()
        .map(|k| (Value::from(k), kwargs.peek::<Value>(k).unwrap_or_default()))
        .collect()
}

fn write_items(out: &mut String, open: &str, items: &[Value], close: &str, above: &mut Vec<usize>) {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_repr(out, item, false, above);
    }
    out.push_str(close);
}

fn write_pairs(
    out: &mut String,
    pairs: impl IntoIterator<Item = (Value, Value)>,
    above: &mut Vec<usize>,
) {
    out.push('{');
    for (i, (key, value)) in pairs.into_iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_repr(out, &key, false, above);
        out.push_str(": ");
        write_repr(out, &value, false, above);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_itself_ends() {
        let list = List::value(vec![]);
        let inner = list.downcast_object_ref::<List>().expect("a list");
        inner.push(list.clone());
        assert_eq!(repr_of(&list), "[[...]]");
        inner.clear();
    }
}
