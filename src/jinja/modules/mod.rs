//! Python's modules as `modules.*` shows them: `datetime`, `re`, `pytz`, `itertools`.
//!
//! In and out: template values. The operators of `python` ask here what their objects are, print as and give.
pub mod datetime;
mod itertools;
mod pytz;
mod re;

use crate::jinja::python::ops::Op;
use minijinja::Error;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{ErrorKind, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// `modules`.
pub fn modules() -> Value {
    static ALL: LazyLock<Value> = LazyLock::new(|| {
        let member = |name: &'static str, members: Vec<(&'static str, Value)>| {
            (name, Value::from_object(Module { name, members }))
        };
        let members = vec![
            member("pytz", pytz::module()),
            member("datetime", datetime::module()),
            member("re", re::module()),
            member("itertools", itertools::module()),
        ];
        Value::from_object(Module {
            name: "modules",
            members,
        })
    });
    ALL.clone()
}

/// A module: names and their values.
#[derive(Debug)]
struct Module {
    name: &'static str,
    members: Vec<(&'static str, Value)>,
}

impl Module {
    fn member(&self, name: &str) -> Option<&Value> {
        self.members
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }
}

impl Object for Module {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.member(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.members
                .iter()
                .map(|(name, _)| Value::from(*name))
                .collect(),
        )
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match self.member(name) {
            Some(member) => member.call(state, args),
            None => Err(Error::new(
                ErrorKind::UnknownMethod,
                format!("module '{}' has no attribute '{name}'", self.name),
            )),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<module '{}'>", self.name)
    }
}

/// A function of a module.
type Body = fn(&mut State<'_, '_>, &[Value]) -> Result<Value, Error>;

struct Function {
    name: &'static str,
    body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        (self.body)(state, args)
    }
}

/// A member that is a function.
fn function(name: &'static str, body: Body) -> (&'static str, Value) {
    (name, Value::from_object(Function { name, body }))
}

/// Python's name of the type, if it is one of these modules.
pub(crate) fn python_type(value: &Value) -> Option<&'static str> {
    let module = || value.downcast_object_ref::<Module>().map(|_| "dict");
    datetime::python_type(value)
        .or_else(|| re::python_type(value))
        .or_else(module)
}

/// Whether a value is a `datetime.datetime`.
pub(crate) fn is_moment(value: &Value) -> bool {
    value.downcast_object_ref::<datetime::DateTime>().is_some()
}

/// Python's `repr`, if it is one of these modules' objects.
pub(crate) fn python_repr(value: &Value) -> Option<String> {
    datetime::python_repr(value)
}

/// `a <op> b` of these modules' objects.
pub(crate) fn binary(op: Op, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    datetime::binary(op, a, b)
}

/// `-a` of these modules' objects.
pub(crate) fn negate(a: &Value) -> Option<Value> {
    let delta = a.downcast_object_ref::<datetime::Delta>()?;
    Some(Value::from_object(delta.negated()))
}

/// Order of two of these modules' objects.
#[expect(
    clippy::option_option,
    reason = "outer: not our types; inner: no order between these two"
)]
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    datetime::compare(a, b)
}

/// Why two of these modules' objects have no order, in Python's words.
pub(crate) fn no_order(a: &Value, b: &Value) -> Option<&'static str> {
    datetime::no_order(a, b)
}

/// `format(value, spec)` of these modules' objects.
pub(crate) fn format_spec(value: &Value, spec: &str) -> Option<Result<String, Error>> {
    datetime::format_spec(value, spec)
}

/// A YAML date or timestamp as Python's object.
pub(crate) fn time_value(text: &str) -> Option<Value> {
    datetime::from_yaml(text)
}
