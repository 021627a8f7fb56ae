//! Python's operators under the names that the dialect gives them.
use crate::jinja::python::arguments::Given;
use crate::jinja::python::ops::{self, Cmp, Op};
use crate::jinja::python::{List, dict_literal, iterate, list_literal, slice, str_of};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, Output};

/// Adds the operators and the way values are printed.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("__list", list_literal);
    env.add_filter("__dict", dict_literal);
    env.add_filter(
        "__slice",
        |value: &Value, start: &Value, stop: &Value, step: Option<Value>| {
            slice(value, start, stop, &step.unwrap_or_default())
        },
    );
    env.add_filter("__iter", iterable);
    arithmetic(env);
    comparison(env);
}

fn arithmetic(env: &mut Environment<'static>) {
    for (name, op) in [
        ("__add", Op::Add),
        ("__sub", Op::Sub),
        ("__mul", Op::Mul),
        ("__div", Op::Div),
        ("__floordiv", Op::FloorDiv),
        ("__mod", Op::Mod),
        ("__pow", Op::Pow),
    ] {
        env.add_filter(name, move |a: &Value, b: &Value| ops::binary(op, a, b));
    }
    env.add_filter("__neg", ops::negate);
    env.add_filter("__pos", |a: &Value| {
        ops::negate(a).and_then(|n| ops::negate(&n))
    });
    env.add_filter("__concat", |a: &Value, more: Given| {
        let mut parts = vec![a];
        parts.extend(more.iter());
        ops::concat_text(&parts)
    });
}

fn comparison(env: &mut Environment<'static>) {
    env.add_filter("__eq", ops::equal);
    env.add_filter("__ne", |a: &Value, b: &Value| !ops::equal(a, b));
    for (name, cmp) in [
        ("__lt", Cmp::Lt),
        ("__le", Cmp::Le),
        ("__gt", Cmp::Gt),
        ("__ge", Cmp::Ge),
    ] {
        env.add_filter(name, move |a: &Value, b: &Value| ops::compare(cmp, a, b));
    }
    env.add_filter("__in", |a: &Value, b: &Value| ops::contains(b, a));
    env.add_filter("__not_in", |a: &Value, b: &Value| {
        ops::contains(b, a).map(|c| !c)
    });
    env.add_filter("__compare", chained);
}

/// `a < b <= c`: operators and operands by turns.
fn chained(first: &Value, rest: Given) -> Result<bool, Error> {
    let mut left = first;
    for pair in rest.chunks(2) {
        let [symbol, right] = pair else { break };
        let holds = match symbol.as_str().unwrap_or_default() {
            "==" => ops::equal(left, right),
            "!=" => !ops::equal(left, right),
            "<" => ops::compare(Cmp::Lt, left, right)?,
            "<=" => ops::compare(Cmp::Le, left, right)?,
            ">" => ops::compare(Cmp::Gt, left, right)?,
            ">=" => ops::compare(Cmp::Ge, left, right)?,
            "in" => ops::contains(right, left)?,
            _ => !ops::contains(right, left)?,
        };
        if !holds {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

/// What `for` walks over: a list as it is now, so that changing it in the loop is safe; `None` is an error.
fn iterable(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map | ValueKind::Undefined => {
            Ok(value.clone())
        }
        _ => iterate(value).map(List::value),
    }
}

/// How `{{ value }}` prints.
pub(in crate::jinja) fn print(out: &mut Output<'_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => out.write_str(text)?,
        _ if value.is_undefined() => {}
        _ => out.write_str(&str_of(value))?,
    }
    Ok(())
}
