//! Python's modules as `modules.*` shows them.
use crate::jinja::python::ops::Op;
use minijinja::Error;
use minijinja::value::Value;
use std::cmp::Ordering;

/// Python's name of the type, if it is one of these modules.
pub(crate) fn python_type(_value: &Value) -> Option<&'static str> {
    None
}

/// Python's `repr`, if it is one of these modules' objects.
pub(crate) fn python_repr(_value: &Value) -> Option<String> {
    None
}

/// `a <op> b` of these modules' objects.
pub(crate) fn binary(_op: Op, _a: &Value, _b: &Value) -> Option<Result<Value, Error>> {
    None
}

/// `-a` of these modules' objects.
pub(crate) fn negate(_a: &Value) -> Option<Value> {
    None
}

/// Order of two of these modules' objects.
#[expect(clippy::option_option, reason = "outer: not our types; inner: no order between these two")]
pub(crate) fn compare(_a: &Value, _b: &Value) -> Option<Option<Ordering>> {
    None
}

/// `format(value, spec)` of these modules' objects.
pub(crate) fn format_spec(_value: &Value, _spec: &str) -> Option<Result<String, Error>> {
    None
}

/// A YAML date or timestamp as Python's object.
pub(crate) fn time_value(_text: &str) -> Option<Value> {
    None
}
