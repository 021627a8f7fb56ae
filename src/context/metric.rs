//! What `metric()` gives: while parsing the names alone, later all that the manifest knows of the metric.
use crate::jinja::python;
use minijinja::value::{Object, ObjectRepr, Value};
use serde_json::{Map, Value as Json};
use std::fmt;
use std::sync::Arc;

/// A metric that a template refers to.
#[derive(Debug)]
pub(super) struct Metric {
    name: String,
    package: Option<String>,
    fields: Map<String, Json>,
}

impl Metric {
    /// The metric of a call's arguments, `('name')` or `('package', 'name')`; `graph` is the manifest as templates see
    /// it, once there is one.
    pub(super) fn value(arguments: &[String], graph: Option<&Value>) -> Value {
        let (package, name) = match arguments {
            [package, name] => (Some(package.clone()), name.clone()),
            other => (None, other.last().cloned().unwrap_or_default()),
        };
        let fields = graph.and_then(|g| fields_of(g, &name)).unwrap_or_default();
        Value::from_object(Self {
            name,
            package,
            fields,
        })
    }
}

fn fields_of(graph: &Value, name: &str) -> Option<Map<String, Json>> {
    let metrics = graph.get_item(&Value::from("metrics")).ok()?;
    let pairs = python::ops::pairs_of(&metrics).ok()?;
    let is_it = |metric: &Value| {
        let own = metric.get_item(&Value::from("name")).ok();
        own.is_some_and(|n| n.as_str() == Some(name))
    };
    let (_, found) = pairs.into_iter().find(|(_, metric)| is_it(metric))?;
    match python::json::to_json(&found) {
        Json::Object(fields) => Some(fields),
        _ => None,
    }
}

impl Object for Metric {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "metric_name" => Some(Value::from(self.name.as_str())),
            "package_name" if self.fields.is_empty() => {
                Some(self.package.as_deref().map_or(Value::from(()), Value::from))
            }
            key => self.fields.get(key).map(python::json::from_json),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
