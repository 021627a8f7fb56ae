//! `ref.config` and `source.config`: the project as dbt's runtime holds it. Some packages read their own version,
//! the project's name or the command line's variables from there.
use super::api::Flags;
use super::args::Args;
use super::shared::Shared;
use crate::jinja::python::{self, Dict};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// The configuration of the root project or, below `dependencies`, of a package.
pub(super) struct RuntimeConfig {
    shared: Arc<Shared>,
    package: String,
}

impl std::fmt::Debug for RuntimeConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<config of {}>", self.package)
    }
}

impl RuntimeConfig {
    /// Of the root project.
    pub(super) fn root(shared: &Arc<Shared>) -> Value {
        Self::of(shared, &shared.root_name)
    }

    fn of(shared: &Arc<Shared>, package: &str) -> Value {
        Value::from_object(Self {
            shared: shared.clone(),
            package: package.to_string(),
        })
    }
}

impl Object for RuntimeConfig {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let shared = &self.shared;
        let target = &shared.target;
        let facts = shared.packages.get(&self.package)?;
        Some(match key.as_str()? {
            "args" => Value::from_object(Flags(shared.clone())),
            "cli_vars" => python::json::from_json(&Json::Object(shared.vars.cli.clone())),
            "vars" => Value::from_object(VarProvider(facts.vars.clone())),
            "dependencies" => Dict::value(
                (shared.packages.keys())
                    .map(|name| (Value::from(name.as_str()), Self::of(shared, name)))
                    .collect(),
            ),
            "profile_name" => Value::from(target.profile_name.as_str()),
            "target_name" => Value::from(target.name.as_str()),
            "threads" => Value::from(target.threads),
            "credentials" => python::json::from_json(&Json::Object(target.context())),
            "invoked_at" => super::values::moment(&shared.started_at),
            key => python::json::from_json(facts.settings.get(key)?),
        })
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match name {
            "to_target_dict" => Ok(python::json::from_json(&Json::Object(
                self.shared.target.context(),
            ))),
            "load_dependencies" => self
                .get_value(&Value::from("dependencies"))
                .ok_or_else(|| python::error::no_method("RuntimeConfig", name)),
            _ => match self.get_value(&Value::from(name)) {
                Some(value) => value.call(state, args),
                None => Err(python::error::no_method("RuntimeConfig", name)),
            },
        }
    }
}

/// `config.vars`.
#[derive(Debug)]
struct VarProvider(Map<String, Json>);

impl Object for VarProvider {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "vars" => Some(python::json::from_json(&Json::Object(self.0.clone()))),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["vars"])
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        Args::new(args)?;
        match name {
            "to_dict" => Ok(python::json::from_json(&Json::Object(self.0.clone()))),
            _ => Err(python::error::no_method("VarProvider", name)),
        }
    }
}
