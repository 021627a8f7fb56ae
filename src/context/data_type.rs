//! The types of a result table's columns: what agate's `DataType` offers to templates.
use super::args::Args;
use crate::jinja::python;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::fmt;
use std::sync::Arc;

/// A column's type by agate's name: `Integer`, `Number`, `Boolean`, `Date`, `DateTime`, `Text`.
#[derive(Debug)]
pub(super) struct DataType(String);

impl DataType {
    /// A type as a template value.
    pub(super) fn value(name: &str) -> Value {
        Value::from_object(Self(name.to_string()))
    }

    /// The name of the type in a value.
    pub(super) fn name_of(value: &Value) -> Option<&str> {
        value.downcast_object_ref::<Self>().map(|t| t.0.as_str())
    }

    /// A value as JSON holds it: numbers as floats, times as ISO text.
    fn jsonify(&self, state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
        match self.0.as_str() {
            "Integer" | "Boolean" => Ok(value.clone()),
            "Number" => Ok(Value::from(match python::Decimal::of(value) {
                Some(number) => python::Decimal(number).to_f64(),
                None => f64::try_from(value.clone())?,
            })),
            "Date" | "DateTime" => value.call_method(state, "isoformat", &[]),
            _ => Ok(Value::from(python::str_of(value))),
        }
    }

    fn csvify(&self, state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
        match self.0.as_str() {
            "Date" | "DateTime" => value.call_method(state, "isoformat", &[]),
            _ => Ok(Value::from(python::str_of(value))),
        }
    }
}

impl Object for DataType {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let value = Args::new(args)?.required(0, "d")?;
        match name {
            "jsonify" | "csvify" | "cast" if value.is_none() => Ok(value),
            "jsonify" => self.jsonify(state, &value),
            "csvify" => self.csvify(state, &value),
            "cast" => Ok(value),
            "test" => Ok(Value::from(true)),
            _ => Err(python::error::no_method(&self.0, name)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} object>", self.0)
    }
}
