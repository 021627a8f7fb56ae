//! `config`: records calls while parsing, gives values while running.
use super::args::Args;
use super::exceptions::compilation;
use super::scope::{Inner, Phase, lock};
use crate::diag::{Diagnostic, code};
use crate::jinja::python;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// `config`.
#[derive(Debug)]
pub(super) struct ConfigObject(pub Arc<Inner>);

impl ConfigObject {
    fn value(&self, key: &str) -> Option<Json> {
        let key = match key {
            "pre_hook" => "pre-hook",
            "post_hook" => "post-hook",
            other => other,
        };
        lock(&self.0.config).get(key).cloned()
    }

    /// `config.get(name, default)`.
    pub(super) fn get(&self, args: &Args) -> Result<Value, Error> {
        if self.0.phase == Phase::Parse {
            return Ok(Value::from(""));
        }
        let key = args.required_text(0, "name")?;
        let default = || args.get(1, "default").unwrap_or_else(|| Value::from(()));
        match self.value(&key) {
            Some(Json::Null) | None => {
                let in_meta = self
                    .value("meta")
                    .and_then(|m| m.get(&key).cloned())
                    .is_some();
                if in_meta {
                    self.0.shared.warn_once(
                        Diagnostic::warning(code::P0110, format!("the key '{key}' was not found using config.get('{key}'), but is in the meta section of {}", self.0.node_id()))
                            .help(format!("use config.meta_get('{key}') for it")),
                    );
                }
                Ok(default())
            }
            Some(value) => Ok(python::json::from_json(&value)),
        }
    }

    fn require(&self, args: &Args) -> Result<Value, Error> {
        if self.0.phase == Phase::Parse {
            return Ok(Value::from(""));
        }
        let key = args.required_text(0, "name")?;
        match self.value(&key) {
            Some(value) => Ok(python::json::from_json(&value)),
            None => Err(compilation(format!(
                "Model '{}' does not define a required config parameter '{key}'.",
                self.0.node_id()
            ))),
        }
    }

    fn meta(&self, args: &Args, required: bool) -> Result<Value, Error> {
        if self.0.phase == Phase::Parse {
            return Ok(Value::from(""));
        }
        let key = args.required_text(0, "name")?;
        match self.value("meta").and_then(|m| m.get(&key).cloned()) {
            Some(value) => Ok(python::json::from_json(&value)),
            None if required => Err(compilation(format!(
                "Model '{}' does not define a required config parameter '{key}' in its meta.",
                self.0.node_id()
            ))),
            None => Ok(args.get(1, "default").unwrap_or_else(|| Value::from(()))),
        }
    }

    fn persists(&self, what: &str) -> bool {
        self.value("persist_docs")
            .and_then(|p| p.get(what).and_then(Json::as_bool))
            .unwrap_or(false)
    }
}

/// The values of a `config(...)` call: keyword arguments, or one mapping.
fn call_values(args: &Args) -> Result<Map<String, Json>, Error> {
    let mut out = Map::new();
    if let Some(first) = args.positional.first() {
        let more = args.positional.len() > 1 || args.all_named().next().is_some();
        if more || !python::is_plain_map(first) {
            return Err(compilation(
                "Invalid inline model config: give keyword arguments, or one mapping",
            ));
        }
        for (k, v) in python::ops::pairs_of(first)? {
            out.insert(python::str_of(&k), python::json::to_json(&v));
        }
    }
    for (k, v) in args.all_named() {
        out.insert(k.to_string(), python::json::to_json(&v));
    }
    for (a, b) in [("pre_hook", "pre-hook"), ("post_hook", "post-hook")] {
        if out.contains_key(a) && out.contains_key(b) {
            return Err(compilation(format!(
                "`{a}` and `{b}` are the same setting; give one of them"
            )));
        }
    }
    Ok(out)
}

impl Object for ConfigObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let values = call_values(&Args::new(args)?)?;
        if self.0.phase == Phase::Parse {
            lock(&self.0.recorder).config.push(values);
        }
        Ok(Value::from(""))
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        match key {
            "model" => Some(python::json::from_json(&Json::Object(
                self.0.node.map.clone(),
            ))),
            _ => self.value(key).map(|v| python::json::from_json(&v)),
        }
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        match name {
            "get" => self.get(&args),
            "require" => self.require(&args),
            "meta_get" => self.meta(&args, false),
            "meta_require" => self.meta(&args, true),
            "set" => {
                let (key, value) = (args.required_text(0, "name")?, args.required(1, "value")?);
                // As in dbt, what a text sets counts when it is read: `set_sql_header` relies on it.
                if self.0.phase == Phase::Parse {
                    let set = Map::from_iter([(key.clone(), python::json::to_json(&value))]);
                    lock(&self.0.recorder).config.push(set);
                }
                lock(&self.0.config).insert(key, python::json::to_json(&value));
                Ok(Value::from(""))
            }
            "persist_relation_docs" => Ok(Value::from(self.persists("relation"))),
            "persist_column_docs" => Ok(Value::from(self.persists("columns"))),
            _ => Err(python::error::no_method("Config", name)),
        }
    }
}
