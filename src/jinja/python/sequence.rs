//! What lists and tuples share: `index`, `count`, slicing, and walking over anything Python can walk over.
use super::error::{type_error, value_error};
use super::{List, Set, ops, repr_of, type_name};
use minijinja::Error;
use minijinja::value::{Tuple, Value, ValueKind, from_args};

/// `x.index(value[, start[, stop]])`.
pub(super) fn index(items: &[Value], args: &[Value], kind: &str) -> Result<Value, Error> {
    let (item, start, stop): (Value, Option<i64>, Option<i64>) = from_args(args)?;
    let (from, to) = bounds(start, stop, items.len());
    items
        .iter()
        .take(to)
        .skip(from)
        .position(|x| ops::equal(x, &item))
        .map(|i| Value::from(i + from))
        .ok_or_else(|| match kind {
            "list" => value_error(format!("{} is not in list", repr_of(&item))),
            _ => value_error("tuple.index(x): x not in tuple"),
        })
}

/// `x.count(value)`.
pub(super) fn count(items: &[Value], args: &[Value]) -> Result<Value, Error> {
    let (item,): (Value,) = from_args(args)?;
    Ok(Value::from(
        items.iter().filter(|x| ops::equal(x, &item)).count(),
    ))
}

/// Start and stop of a stretch, Python's way: negative from the end, clamped.
pub(super) fn bounds(start: Option<i64>, stop: Option<i64>, len: usize) -> (usize, usize) {
    let clamp = |i: i64| {
        let i = if i < 0 { i + len as i64 } else { i };
        usize::try_from(i).unwrap_or(0).min(len)
    };
    (start.map_or(0, clamp), stop.map_or(len, clamp))
}

/// Positions that `[start:stop:step]` picks of `len` items.
fn picks(start: Option<i64>, stop: Option<i64>, step: i64, len: usize) -> Vec<usize> {
    let len = len as i64;
    let clamp = |i: i64, low: i64, high: i64| (if i < 0 { i + len } else { i }).clamp(low, high);
    let mut out = Vec::new();
    if step > 0 {
        let stop = stop.map_or(len, |i| clamp(i, 0, len));
        let mut i = start.map_or(0, |i| clamp(i, 0, len));
        while i < stop {
            out.push(i as usize);
            i = i.saturating_add(step);
        }
    } else {
        let stop = stop.map_or(-1, |i| clamp(i, -1, len - 1));
        let mut i = start.map_or(len - 1, |i| clamp(i, -1, len - 1));
        while i > stop {
            out.push(i as usize);
            i = i.saturating_add(step);
        }
    }
    out
}

/// Python's `value[start:stop:step]`: text gives text, a tuple a tuple, any other sequence a new list.
pub fn slice(value: &Value, start: &Value, stop: &Value, step: &Value) -> Result<Value, Error> {
    let bound = |v: &Value| -> Result<Option<i64>, Error> {
        if v.is_none() || v.is_undefined() {
            return Ok(None);
        }
        v.as_i64().map(Some).ok_or_else(|| {
            type_error("slice indices must be integers or None or have an __index__ method")
        })
    };
    let (start, stop, step) = (bound(start)?, bound(stop)?, bound(step)?.unwrap_or(1));
    if step == 0 {
        return Err(value_error("slice step cannot be zero"));
    }
    match value.kind() {
        ValueKind::Undefined => Err(ops::undefined(value)),
        ValueKind::String => {
            let chars: Vec<char> = value.as_str().unwrap_or_default().chars().collect();
            let picked: String = picks(start, stop, step, chars.len())
                .into_iter()
                .filter_map(|i| chars.get(i))
                .collect();
            Ok(Value::from(picked))
        }
        ValueKind::Seq | ValueKind::Iterable if value.downcast_object_ref::<Set>().is_none() => {
            let items: Vec<Value> = value.try_iter()?.collect();
            let picked = picks(start, stop, step, items.len())
                .into_iter()
                .filter_map(|i| items.get(i).cloned())
                .collect::<Vec<_>>();
            Ok(if value.is_tuple() {
                Value::from(Tuple::from(picked))
            } else {
                List::value(picked)
            })
        }
        ValueKind::Map if super::is_plain_map(value) => Err(type_error("unhashable type: 'slice'")),
        _ => Err(type_error(format!(
            "'{}' object is not subscriptable",
            type_name(value)
        ))),
    }
}

/// The items of anything Python can iterate over; `None`, numbers and plain objects cannot be.
pub fn iterate(value: &Value) -> Result<Vec<Value>, Error> {
    let not_iterable = || type_error(format!("'{}' object is not iterable", type_name(value)));
    if value.is_none() {
        return Err(not_iterable());
    }
    let iter = value.try_iter().map_err(|_| not_iterable())?;
    Ok(iter.collect())
}
