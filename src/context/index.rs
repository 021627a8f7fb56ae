//! The `indexes` of a configuration: one index as templates see it, with dbt's name for it.
use super::args::Args;
use super::exceptions::compilation;
use super::values::{get_list, get_text};
use crate::jinja::python::{self, List};
use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, State};
use std::sync::Arc;

/// An index as configured, checked, and able to name itself.
#[derive(Debug)]
struct Index {
    columns: Vec<String>,
    unique: bool,
    kind: Option<String>,
}

impl Object for Index {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "columns" => List::value(
                self.columns
                    .iter()
                    .map(|c| Value::from(c.as_str()))
                    .collect(),
            ),
            "unique" => Value::from(self.unique),
            "type" => self
                .kind
                .as_ref()
                .map_or_else(|| Value::from(()), |k| Value::from(k.as_str())),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if name != "render" {
            return Err(python::error::no_method("PostgresIndexConfig", name));
        }
        use md5::Digest;
        let relation = Args::new(args)?.required_text(0, "relation")?;
        let kind = self.kind.clone().unwrap_or_else(|| "None".into());
        let unique = if self.unique { "True" } else { "False" };
        let now = chrono::Utc::now()
            .format("%Y-%m-%dT%H:%M:%S%.6f")
            .to_string();
        let text = [
            self.columns.clone(),
            vec![relation, unique.into(), kind, now],
        ]
        .concat()
        .join("_");
        Ok(Value::from(crate::parse::generic::hex(&md5::Md5::digest(
            text.as_bytes(),
        ))))
    }
}

pub(super) fn parse_index(raw: &Value) -> Result<Value, Error> {
    if raw.is_none() || raw.is_undefined() {
        return Ok(Value::from(()));
    }
    let bad_at = |path: &str, why: String| {
        compilation(format!(
            "Could not parse index config: at path [{path}]: {why}"
        ))
    };
    let bad = |why: String| bad_at("", why);
    if !python::is_plain_map(raw) {
        return Err(compilation(format!(
            "Invalid index config:\n  Got: {}\n  Expected a dictionary with at minimum a \"columns\" key",
            python::repr_of(raw)
        )));
    }
    for (key, _) in python::ops::pairs_of(raw)? {
        if !["columns", "unique", "type"].contains(&key.as_str().unwrap_or_default()) {
            return Err(bad(format!(
                "Additional properties are not allowed ({} was unexpected)",
                python::repr_of(&key)
            )));
        }
    }
    for (key, fits, kind) in [
        ("columns", ValueKind::Seq, "array"),
        ("unique", ValueKind::Bool, "boolean"),
        ("type", ValueKind::String, "string"),
    ] {
        let value = raw.get_item(&Value::from(key)).ok();
        let given = value.filter(|v| !v.is_undefined() && !v.is_none());
        if let Some(value) = given.filter(|v| v.kind() != fits) {
            let why = format!("{} is not of type '{kind}'", python::repr_of(&value));
            return Err(bad_at(&format!("'{key}'"), why));
        }
    }
    let columns: Vec<String> = get_list(raw, "columns")
        .iter()
        .map(python::str_of)
        .collect();
    if columns.is_empty() {
        return Err(bad("'columns' is a required property".into()));
    }
    let unique = raw
        .get_item(&Value::from("unique"))
        .is_ok_and(|u| u.is_true());
    Ok(Value::from_object(Index {
        columns,
        unique,
        kind: get_text(raw, "type"),
    }))
}
