//! Objects of dbt that templates read by attribute, such as the results given to `on-run-end`.
use crate::jinja::python;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use serde_json::{Map, Value as Json};
use std::fmt;
use std::sync::Arc;

/// An object with attributes, and `to_dict()`.
#[derive(Debug)]
pub struct Record {
    class: &'static str,
    plain: Map<String, Json>,
    /// Attributes that are more than their plain form.
    special: Vec<(&'static str, Value)>,
    /// Whether attributes that are not there are none, as those of configurations are.
    lenient: bool,
}

impl Record {
    /// An object of a class; `special` stands in the place of plain values of the same name.
    pub fn value(
        class: &'static str,
        plain: Map<String, Json>,
        special: Vec<(&'static str, Value)>,
    ) -> Value {
        Value::from_object(Self {
            class,
            plain,
            special,
            lenient: false,
        })
    }

    /// A node's configuration: what it does not have is none.
    pub fn config(plain: Map<String, Json>) -> Value {
        Value::from_object(Self {
            class: "Config",
            plain,
            special: Vec::new(),
            lenient: true,
        })
    }
}

impl Object for Record {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        match self.special.iter().find(|(name, _)| *name == key) {
            Some((_, value)) => Some(value.clone()),
            None => match self.plain.get(key) {
                Some(value) => Some(python::json::from_json(value)),
                None => self.lenient.then(|| Value::from(())),
            },
        }
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let dict = python::json::from_json(&Json::Object(self.plain.clone()));
        match name {
            "to_dict" => Ok(dict),
            _ => dict.call_method(state, name, args),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .plain
            .iter()
            .map(|(key, value)| {
                let special = self.special.iter().find(|(name, _)| name == key);
                let value = special.map_or_else(|| python::json::from_json(value), |s| s.1.clone());
                format!("{key}={}", python::repr_of(&value))
            })
            .collect();
        write!(f, "{}({})", self.class, parts.join(", "))
    }
}
