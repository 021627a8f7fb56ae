//! Python's operators on template values: `+ - * / // % **`, comparison, `in`, `~`.
//!
//! The engine underneath knows numbers and strings only; the dialect turns every operator into a call of these.
use super::dict::hashable;
use super::error::{type_error, undefined_error, value_error};
use super::{Absorbing, Dict, List, Range, Set, decimal, is_undefined, iterate, str_of, type_name};
use crate::jinja::modules;
use indexmap::IndexMap;
use minijinja::Error;
use minijinja::value::{Tuple, Value, ValueKind};
use std::cmp::Ordering;

/// A binary arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `**`
    Pow,
}

impl Op {
    /// As it is written in error messages.
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Sub => "-",
            Op::Mul => "*",
            Op::Div => "/",
            Op::FloorDiv => "//",
            Op::Mod => "%",
            Op::Pow => "** or pow()",
        }
    }
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cmp {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// Python's name of the type of our own objects.
pub(super) fn python_type(value: &Value) -> Option<&'static str> {
    if Range::is(value) {
        return Some("range");
    }
    decimal::python_type(value).or_else(|| modules::python_type(value))
}

/// Python's `repr` of our own objects where it differs from `str`.
pub(super) fn python_repr(value: &Value) -> Option<String> {
    decimal::python_repr(value).or_else(|| modules::python_repr(value))
}

/// The error for an undefined value in an operation; the engine adds its name.
pub fn undefined(value: &Value) -> Error {
    if let Some(absorbing) = value.downcast_object_ref::<Absorbing>() {
        return undefined_error(format!("'{}' is undefined", absorbing.0));
    }
    value
        .get_attr("")
        .err()
        .unwrap_or_else(|| undefined_error("value is undefined"))
}

fn defined(value: &Value) -> Result<(), Error> {
    if is_undefined(value) {
        Err(undefined(value))
    } else {
        Ok(())
    }
}

fn as_int(value: &Value) -> Option<i128> {
    match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Bool | ValueKind::Number => f64::try_from(value.clone())
            .ok()
            .or_else(|| as_int(value).map(|i| i as f64)),
        _ => None,
    }
}

/// A whole number as a value, in the smallest form.
pub fn int_value(i: i128) -> Value {
    i64::try_from(i).map_or_else(|_| Value::from(i), Value::from)
}

/// `a <op> b`.
pub fn binary(op: Op, a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(x), Some(y)) = (as_int(a), as_int(b)) {
        return ints(op, x, y);
    }
    if let (Some(x), Some(y)) = (as_float(a), as_float(b)) {
        return floats(op, x, y);
    }
    if op == Op::Mod && a.kind() == ValueKind::String {
        return super::percent(a.as_str().unwrap_or_default(), b).map(Value::from);
    }
    defined(a)?;
    defined(b)?;
    if let Some(result) = decimal::binary(op, a, b).or_else(|| modules::binary(op, a, b)) {
        return result;
    }
    let result = match op {
        Op::Add => concat(a, b),
        Op::Mul => repeat(a, b).or_else(|| repeat(b, a)),
        Op::Sub => set_minus(a, b),
        _ => None,
    };
    result.unwrap_or_else(|| Err(unsupported(op, a, b)))
}

fn unsupported(op: Op, a: &Value, b: &Value) -> Error {
    if op == Op::Add && a.kind() == ValueKind::String {
        return type_error(format!(
            "can only concatenate str (not \"{}\") to str",
            type_name(b)
        ));
    }
    if op == Op::Add && is_list(a) {
        return type_error(format!(
            "can only concatenate list (not \"{}\") to list",
            type_name(b)
        ));
    }
    let repeatable = |v: &Value| v.kind() == ValueKind::String || v.is_tuple() || is_list(v);
    if op == Op::Mul && (repeatable(a) || repeatable(b)) {
        let times = if repeatable(a) { b } else { a };
        return type_error(format!(
            "can't multiply sequence by non-int of type '{}'",
            type_name(times)
        ));
    }
    type_error(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        op.symbol(),
        type_name(a),
        type_name(b)
    ))
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
        && !value.is_tuple()
        && value.downcast_object_ref::<Set>().is_none()
        && !Range::is(value)
}

fn concat(a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    if let (ValueKind::String, ValueKind::String) = (a.kind(), b.kind()) {
        let (x, y) = (
            a.as_str().unwrap_or_default(),
            b.as_str().unwrap_or_default(),
        );
        return Some(Ok(Value::from([x, y].concat())));
    }
    let both = || -> Result<Vec<Value>, Error> {
        let mut items = iterate(a)?;
        items.extend(iterate(b)?);
        Ok(items)
    };
    if a.is_tuple() && b.is_tuple() {
        return Some(both().map(|items| Value::from(Tuple::from(items))));
    }
    (is_list(a) && is_list(b)).then(|| both().map(List::value))
}

/// The longest text or list that `*` may make.
const LONGEST: usize = 50_000_000;

fn repeat(what: &Value, times: &Value) -> Option<Result<Value, Error>> {
    let times = usize::try_from(as_int(times)?.max(0)).unwrap_or(usize::MAX);
    let too_long = |len: usize| len.saturating_mul(times) > LONGEST;
    if let (ValueKind::String, Some(text)) = (what.kind(), what.as_str()) {
        return Some(if too_long(text.len()) {
            Err(value_error("the repeated text is too long"))
        } else {
            Ok(Value::from(text.repeat(times)))
        });
    }
    if !is_list(what) && !what.is_tuple() {
        return None;
    }
    Some(iterate(what).and_then(|items| {
        if too_long(items.len()) {
            return Err(value_error("the repeated list is too long"));
        }
        let len = items.len() * times;
        let all: Vec<Value> = items.iter().cycle().take(len).cloned().collect();
        Ok(if what.is_tuple() {
            Value::from(Tuple::from(all))
        } else {
            List::value(all)
        })
    }))
}

fn set_minus(a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    let (x, y) = (
        a.downcast_object_ref::<Set>()?,
        b.downcast_object_ref::<Set>()?,
    );
    Some(Ok(Set::value(x.combine("difference", &y.items()))))
}

fn ints(op: Op, a: i128, b: i128) -> Result<Value, Error> {
    let result = match op {
        Op::Add => a.checked_add(b),
        Op::Sub => a.checked_sub(b),
        Op::Mul => a.checked_mul(b),
        Op::Div if b == 0 => return Err(value_error("division by zero")),
        Op::Div => return Ok(Value::from(a as f64 / b as f64)),
        Op::FloorDiv if b == 0 => return Err(value_error("integer division or modulo by zero")),
        Op::Mod if b == 0 => return Err(value_error("integer modulo by zero")),
        Op::FloorDiv => Some(a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0)),
        Op::Mod => {
            let rest = a.rem_euclid(b);
            Some(if b < 0 && rest != 0 { rest + b } else { rest })
        }
        Op::Pow if b < 0 => return floats(op, a as f64, b as f64),
        Op::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
    };
    result
        .map(int_value)
        .ok_or_else(|| value_error("integer result is too large"))
}

fn floats(op: Op, a: f64, b: f64) -> Result<Value, Error> {
    let zero = |text: &'static str| {
        if b == 0.0 {
            Err(value_error(text))
        } else {
            Ok(())
        }
    };
    Ok(Value::from(match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => {
            zero("float division by zero")?;
            a / b
        }
        Op::FloorDiv => {
            zero("float floor division by zero")?;
            let rest = python_mod(a, b);
            ((a - rest) / b).round()
        }
        Op::Mod => {
            zero("float modulo")?;
            python_mod(a, b)
        }
        Op::Pow => {
            if a == 0.0 && b < 0.0 {
                return Err(value_error("0.0 cannot be raised to a negative power"));
            }
            a.powf(b)
        }
    }))
}

fn python_mod(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) {
        rest + b
    } else {
        rest
    }
}

/// `-a`.
pub fn negate(a: &Value) -> Result<Value, Error> {
    if let Some(i) = as_int(a) {
        return Ok(int_value(i.checked_neg().unwrap_or(i)));
    }
    if let Some(x) = as_float(a) {
        return Ok(Value::from(-x));
    }
    defined(a)?;
    decimal::negate(a)
        .or_else(|| modules::negate(a))
        .ok_or_else(|| type_error(format!("bad operand type for unary -: '{}'", type_name(a))))
}

/// `a ~ b ~ …`.
pub fn concat_text(parts: &[&Value]) -> Value {
    let mut out = String::new();
    for part in parts {
        match part.as_str() {
            Some(text) if part.kind() == ValueKind::String => out.push_str(text),
            _ => out.push_str(&str_of(part)),
        }
    }
    Value::from(out)
}

/// `a == b`.
pub fn equal(a: &Value, b: &Value) -> bool {
    let (x, y) = (a.kind(), b.kind());
    if x == y && matches!(x, ValueKind::String | ValueKind::Number | ValueKind::None) {
        return a == b;
    }
    if let Some(order) = decimal::compare(a, b).or_else(|| modules::compare(a, b)) {
        return order == Some(Ordering::Equal);
    }
    let sequence = |k: ValueKind| matches!(k, ValueKind::Seq | ValueKind::Iterable);
    if sequence(x) && sequence(y) {
        let set = |v: &Value| v.downcast_object_ref::<Set>().is_some();
        if a.is_tuple() != b.is_tuple() || set(a) != set(b) {
            return false;
        }
        if set(a) {
            return a == b;
        }
        let (Ok(left), Ok(right)) = (iterate(a), iterate(b)) else {
            return a == b;
        };
        return left.len() == right.len() && left.iter().zip(&right).all(|(l, r)| equal(l, r));
    }
    if let (Some(left), Some(right)) = (dict_pairs(a), dict_pairs(b)) {
        return same_pairs(&left, &right);
    }
    a == b
}

/// The entries if it is a mapping of ours.
fn dict_pairs(value: &Value) -> Option<IndexMap<Value, Value>> {
    if let Some(dict) = value.downcast_object_ref::<Dict>() {
        return Some(dict.pairs());
    }
    value
        .downcast_object_ref::<IndexMap<Value, Value>>()
        .cloned()
}

/// Whether two mappings have the same keys with equal values, in any order.
pub(super) fn same_pairs(a: &IndexMap<Value, Value>, b: &IndexMap<Value, Value>) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(k, v)| b.get(k).is_some_and(|other| equal(v, other)))
}

/// `a <cmp> b`; an error if Python does not order such values.
pub fn compare(op: Cmp, a: &Value, b: &Value) -> Result<bool, Error> {
    if let (Some(x), Some(y)) = (
        a.downcast_object_ref::<Set>(),
        b.downcast_object_ref::<Set>(),
    ) {
        let (left, right) = (x.items(), y.items());
        return Ok(match op {
            Cmp::Le => x.is_subset(&right),
            Cmp::Lt => x.is_subset(&right) && left.len() < right.len(),
            Cmp::Ge => y.is_subset(&left),
            Cmp::Gt => y.is_subset(&left) && right.len() < left.len(),
        });
    }
    let Some(order) = order(op, a, b)? else {
        return Ok(false);
    };
    Ok(match op {
        Cmp::Lt => order.is_lt(),
        Cmp::Le => order.is_le(),
        Cmp::Gt => order.is_gt(),
        Cmp::Ge => order.is_ge(),
    })
}

/// The order of two values; none for a NaN.
fn order(op: Cmp, a: &Value, b: &Value) -> Result<Option<Ordering>, Error> {
    if let (Some(x), Some(y)) = (as_int(a), as_int(b)) {
        return Ok(Some(x.cmp(&y)));
    }
    if let (Some(x), Some(y)) = (as_float(a), as_float(b)) {
        return Ok(x.partial_cmp(&y));
    }
    if let (ValueKind::String, ValueKind::String) = (a.kind(), b.kind()) {
        return Ok(Some(a.as_str().cmp(&b.as_str())));
    }
    defined(a)?;
    defined(b)?;
    if let Some(order) =
        decimal::compare(a, b).or_else(|| modules::compare(a, b).filter(Option::is_some))
    {
        return Ok(order);
    }
    if (a.is_tuple() && b.is_tuple()) || (is_list(a) && is_list(b)) {
        let (left, right) = (iterate(a)?, iterate(b)?);
        for (x, y) in left.iter().zip(&right) {
            if !equal(x, y) {
                return order(op, x, y);
            }
        }
        return Ok(Some(left.len().cmp(&right.len())));
    }
    let symbol = match op {
        Cmp::Lt => "<",
        Cmp::Le => "<=",
        Cmp::Gt => ">",
        Cmp::Ge => ">=",
    };
    if let Some(text) = modules::no_order(a, b) {
        return Err(type_error(text));
    }
    Err(type_error(format!(
        "'{symbol}' not supported between instances of '{}' and '{}'",
        type_name(a),
        type_name(b)
    )))
}

/// Sorts by the first of each pair, stably, as Python's `sort`; an error if two keys cannot be ordered.
pub fn sort_by_key(items: &mut [(Value, Value)], reverse: bool) -> Result<(), Error> {
    let mut failed = None;
    items.sort_by(|(a, _), (b, _)| {
        if failed.is_some() {
            return Ordering::Equal;
        }
        match order(Cmp::Lt, a, b) {
            Ok(o) => {
                let o = o.unwrap_or(Ordering::Equal);
                if reverse { o.reverse() } else { o }
            }
            Err(e) => {
                failed = Some(e);
                Ordering::Equal
            }
        }
    });
    failed.map_or(Ok(()), Err)
}

/// `item in container`.
pub fn contains(container: &Value, item: &Value) -> Result<bool, Error> {
    match container.kind() {
        ValueKind::Undefined => Ok(false),
        ValueKind::String => match item.kind() {
            ValueKind::String => Ok(container
                .as_str()
                .unwrap_or_default()
                .contains(item.as_str().unwrap_or_default())),
            _ => Err(type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                type_name(item)
            ))),
        },
        ValueKind::Map if container.downcast_object_ref::<Dict>().is_some() => {
            hashable(item)?;
            Ok(container
                .downcast_object_ref::<Dict>()
                .is_some_and(|d| d.get(item).is_some()))
        }
        ValueKind::Map => Ok(container
            .as_object()
            .is_some_and(|o| o.get_value(item).is_some())),
        ValueKind::Seq | ValueKind::Iterable => {
            if let Some(set) = container.downcast_object_ref::<Set>() {
                hashable(item)?;
                return Ok(set.contains(item));
            }
            Ok(iterate(container)?.iter().any(|x| equal(x, item)))
        }
        _ => match container.try_iter() {
            Ok(mut items) if !container.is_none() => Ok(items.any(|x| equal(&x, item))),
            _ => Err(type_error(format!(
                "argument of type '{}' is not iterable",
                type_name(container)
            ))),
        },
    }
}

/// The entries of a mapping, or of a list of pairs, as `dict(x)` and `update(x)` take them.
pub fn pairs_of(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if let Some(dict) = value.downcast_object_ref::<Dict>() {
        return Ok(dict.pairs().into_iter().collect());
    }
    if value.kind() == ValueKind::Map
        && let Some(pairs) = value.as_object().and_then(|o| o.try_iter_pairs())
    {
        return Ok(pairs.collect());
    }
    iterate(value)?
        .iter()
        .enumerate()
        .map(|(i, pair)| match iterate(pair)?.as_slice() {
            [key, value] => Ok((key.clone(), value.clone())),
            other => Err(value_error(format!(
                "dictionary update sequence element #{i} has length {}; 2 is required",
                other.len()
            ))),
        })
        .collect()
}
