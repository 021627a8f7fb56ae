//! `api.Relation`, `api.Column`, `flags`, and helpers that relations offer.
use super::args::Args;
use super::column::ColumnClass;
use super::exceptions::compilation;
use super::relation::{self, Relation};
use super::shared::Shared;
use crate::jinja::python::{self, List};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::sync::Arc;

/// `api`.
#[derive(Debug)]
pub(super) struct Api;

impl Object for Api {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "Relation" => Some(Value::from_object(RelationClass)),
            "Column" => Some(Value::from_object(ColumnClass)),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["Relation", "Column"])
    }
}

/// `api.Relation`.
#[derive(Debug)]
pub(super) struct RelationClass;

impl Object for RelationClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(Value::from(match key.as_str()? {
            "Table" => "table",
            "View" => "view",
            "CTE" => "cte",
            "MaterializedView" => "materialized_view",
            "External" => "external",
            name @ ("create" | "create_from" | "create_from_source" | "create_ephemeral_from") => {
                let class = Value::from_dyn_object(self.clone());
                return Some(python::Bound::value(class, name));
            }
            _ => return None,
        }))
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match name {
            "create" => Ok(relation::create(&Args::new(args)?)?.value()),
            _ => Value::from_object(Relation::new("", "", "")).call_method(state, name, args),
        }
    }
}

/// `Relation.create_from(config, node)`: the relation of a node dict.
pub(super) fn create_from(args: &Args) -> Result<Value, Error> {
    let node = args
        .required(1, "relation_config")
        .or_else(|_| args.required(0, "relation_config"))?;
    let text = |key: &str| {
        node.get_attr(key)
            .ok()
            .filter(|v| !v.is_none() && !v.is_undefined())
            .map(|v| python::str_of(&v))
    };
    let identifier = text("identifier")
        .or_else(|| text("alias"))
        .or_else(|| text("name"));
    let mut r = Relation::new(
        &text("database").unwrap_or_default(),
        &text("schema").unwrap_or_default(),
        &identifier.unwrap_or_default(),
    );
    if let Some(kind) = args.text(2, "type") {
        r.kind = Some(kind);
    }
    Ok(r.value())
}

/// `scd_args(primary_key, updated_at)`: the key's parts and the time, as one list.
pub(super) fn scd_args(args: &Args) -> Result<Value, Error> {
    let key = args.required(0, "primary_key")?;
    let mut out = if key.as_str().is_some() || key.is_none() || key.is_undefined() {
        vec![key]
    } else {
        python::iterate(&key)?
    };
    out.push(args.required(1, "updated_at")?);
    Ok(List::value(out))
}

/// The error of a broken contract: a table of what differs.
pub(super) fn contract_error(args: &Args) -> Result<Error, Error> {
    let columns = |i: usize, n: &str| -> Result<Vec<(String, String)>, Error> {
        python::iterate(&args.required(i, n)?)?
            .iter()
            .map(|c| {
                let get = |k: &str| {
                    c.get_attr(k)
                        .ok()
                        .map(|v| python::str_of(&v))
                        .unwrap_or_default()
                };
                Ok((get("name"), get("data_type")))
            })
            .collect()
    };
    let (yaml, sql) = (columns(0, "yaml_columns")?, columns(1, "sql_columns")?);
    if yaml.is_empty() {
        return Ok(compilation(
            "This model has an enforced contract, and its 'columns' specification is missing",
        ));
    }
    let mut rows: Vec<[String; 4]> = Vec::new();
    for (name, kind) in &yaml {
        match sql.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            None => rows.push([
                name.clone(),
                String::new(),
                kind.clone(),
                "missing in definition".into(),
            ]),
            Some((_, actual)) if actual != kind => {
                rows.push([
                    name.clone(),
                    actual.clone(),
                    kind.clone(),
                    "data type mismatch".into(),
                ]);
            }
            Some(_) => {}
        }
    }
    for (name, kind) in &sql {
        if !yaml.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            rows.push([
                name.clone(),
                kind.clone(),
                String::new(),
                "missing in contract".into(),
            ]);
        }
    }
    rows.sort();
    let names = [
        "column_name",
        "definition_type",
        "contract_type",
        "mismatch_reason",
    ]
    .map(String::from)
    .to_vec();
    let cells = rows
        .into_iter()
        .map(|r| r.map(Value::from).to_vec())
        .collect();
    let table = super::agate::Table::new(names, cells).drawn(50, 4, 50);
    Ok(compilation(format!(
        "This model has an enforced contract that failed.\nPlease ensure the name, data_type, and number of columns in your contract match the columns in your model's definition.\n\n{table}"
    )))
}

/// `flags`: every flag under its upper- and lower-case name.
pub(super) struct Flags(pub Arc<Shared>);

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<flags>")
    }
}

impl Object for Flags {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if key.as_str() == Some("__callable__") {
            return Some(Value::from(false));
        }
        let key = key.as_str()?.to_uppercase();
        self.0.flags.get(&key).map(python::json::from_json)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.0
                .flags
                .keys()
                .map(|k| Value::from(k.as_str()))
                .collect(),
        )
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        match name {
            "get" => {
                let value = self.get_value(&args.required(0, "key")?);
                Ok(value
                    .or(args.get(1, "default"))
                    .unwrap_or_else(|| Value::from(())))
            }
            _ => Err(python::error::no_method("Flags", name)),
        }
    }
}

/// `validation.any[…]`: accepts everything it is asked of.
#[derive(Debug)]
pub(super) struct Validation;

impl Object for Validation {
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["any"])
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from_object(Self))
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        Ok(args.first().cloned().unwrap_or_else(|| Value::from(())))
    }
}
