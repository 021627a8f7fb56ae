//! Jinja2's tests (`x is …`).
use crate::jinja::engine::MacroRef;
use crate::jinja::python::is_undefined;
use crate::jinja::python::ops::{self, Cmp, Op};
use crate::jinja::python::{Decimal, Set, str_of};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error};

/// Adds the tests.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_test("defined", |v: &Value| !is_undefined(v));
    env.add_test("undefined", is_undefined);
    env.add_test("none", Value::is_none);
    env.add_test("boolean", |v: &Value| v.kind() == ValueKind::Bool);
    env.add_test("true", |v: &Value| {
        v.kind() == ValueKind::Bool && v.is_true()
    });
    env.add_test("false", |v: &Value| {
        v.kind() == ValueKind::Bool && !v.is_true()
    });
    env.add_test("integer", Value::is_integer);
    env.add_test("float", |v: &Value| v.is_number() && !v.is_integer());
    env.add_test("number", |v: &Value| {
        v.is_number() || v.kind() == ValueKind::Bool || Decimal::of(v).is_some()
    });
    env.add_test("string", |v: &Value| v.kind() == ValueKind::String);
    env.add_test("mapping", |v: &Value| {
        v.kind() == ValueKind::Map || acts_as_mapping(v)
    });
    env.add_test("iterable", |v: &Value| {
        is_undefined(v) || acts_as_mapping(v) || (!v.is_none() && v.try_iter().is_ok())
    });
    env.add_test("sequence", |v: &Value| {
        is_undefined(v)
            || acts_as_mapping(v)
            || matches!(
                v.kind(),
                ValueKind::String | ValueKind::Seq | ValueKind::Map
            )
            || (v.kind() == ValueKind::Iterable && v.downcast_object_ref::<Set>().is_none())
    });
    env.add_test("callable", is_callable);
    env.add_test("lower", |v: &Value| is_case(&str_of(v), char::is_uppercase));
    env.add_test("upper", |v: &Value| is_case(&str_of(v), char::is_lowercase));
    env.add_test("odd", |v: &Value| {
        remainder(v, &Value::from(2)).map(|r| ops::equal(&r, &Value::from(1)))
    });
    env.add_test("even", |v: &Value| {
        remainder(v, &Value::from(2)).map(|r| ops::equal(&r, &Value::from(0)))
    });
    env.add_test("divisibleby", |v: &Value, n: &Value| {
        remainder(v, n).map(|r| ops::equal(&r, &Value::from(0)))
    });
    env.add_test("in", |v: &Value, c: &Value| ops::contains(c, v));
    for name in ["eq", "equalto", "=="] {
        env.add_test(name, ops::equal);
    }
    for name in ["ne", "!="] {
        env.add_test(name, |a: &Value, b: &Value| !ops::equal(a, b));
    }
    for (names, cmp) in [
        (["lt", "lessthan", "<"], Cmp::Lt),
        (["le", "le", "<="], Cmp::Le),
        (["gt", "greaterthan", ">"], Cmp::Gt),
        (["ge", "ge", ">="], Cmp::Ge),
    ] {
        for name in names {
            env.add_test(name, move |a: &Value, b: &Value| ops::compare(cmp, a, b));
        }
    }
}

fn remainder(v: &Value, n: &Value) -> Result<Value, Error> {
    ops::binary(Op::Mod, v, n)
}

/// `str.islower` and `str.isupper`: some letter with case, none of the other case.
fn is_case(text: &str, other: fn(char) -> bool) -> bool {
    text.chars().any(|c| c.is_lowercase() || c.is_uppercase()) && !text.chars().any(other)
}

/// Whether it can be called: macros, functions, and the host's plain objects.
fn is_callable(value: &Value) -> bool {
    if MacroRef::of(value).is_some() || is_undefined(value) {
        return true;
    }
    if let Some(kind) = crate::jinja::modules::python_type(value) {
        return kind == "type";
    }
    if Decimal::of(value).is_some() {
        return false;
    }
    // A plain object of the host may say that it is none (`adapter`, a relation).
    let says_no = |v: &Value| {
        v.get_attr("__callable__")
            .is_ok_and(|a| a.kind() == ValueKind::Bool && !a.is_true())
    };
    let own_macro = |v: &Value| {
        v.as_object()
            .is_some_and(|o| o.type_name().ends_with("::Macro"))
    };
    own_macro(value) || value.kind() == ValueKind::Plain && !says_no(value)
}

/// Whether a plain object of the host is a mapping for Python all the same: it has a mapping's methods.
fn acts_as_mapping(value: &Value) -> bool {
    let has = |name: &str| value.get_attr(name).is_ok_and(|m| !m.is_undefined());
    value.kind() == ValueKind::Plain && has("keys") && has("items")
}
