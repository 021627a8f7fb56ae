//! Answers that need no server: macros found by dispatch, grants, types, kinds of hard deletes.
use crate::context::args::Args;
use crate::context::data_type::DataType;
use crate::context::exceptions::{compilation, runtime};
use crate::context::scope::{Inner, Phase};
use crate::context::values::get_text;
use crate::jinja::MacroRef;
use crate::jinja::python::{self, Dict, List};
use minijinja::Error;
use minijinja::value::Value;
use serde_json::Value as Json;

/// Prefixes of macros for this database, the most special one first.
pub(in crate::context) const PREFIXES: &[&str] = &["postgres", "default"];

/// The macro that `adapter.dispatch` finds.
pub(in crate::context) fn dispatched(
    inner: &Inner,
    name: &str,
    namespace: Option<&str>,
) -> Result<Value, Error> {
    if let Some((package, name)) = name.split_once('.') {
        return Err(compilation(format!(
            "In adapter.dispatch, got a macro name of \"{package}.{name}\", but \".\" is not a valid macro name component. Did you mean `adapter.dispatch(\"{name}\", macro_namespace=\"{package}\")`?"
        )));
    }
    let search = inner.shared.dispatch_search(namespace);
    let registry = inner.shared.engine.registry();
    if let Some(def) = registry.dispatch(&inner.package, name, &search, PREFIXES) {
        return Ok(Value::from_object(MacroRef(def)));
    }
    // While a generic test is only read, dbt looks into every package.
    let reads_test = inner.phase == Phase::Parse
        && inner.node.map.get("resource_type").and_then(Json::as_str) == Some("test");
    if reads_test && namespace.is_none() {
        let any = |full: &str| registry.iter().find(|def| &*def.name == full).cloned();
        let found = PREFIXES.iter().find_map(|p| any(&format!("{p}__{name}")));
        if let Some(def) = found {
            return Ok(Value::from_object(MacroRef(def)));
        }
    }
    let full = |package: &Option<String>, prefix: &str| match package {
        Some(package) => format!("'{package}.{prefix}__{name}'"),
        None => format!("'{prefix}__{name}'"),
    };
    let tried: Vec<String> = search
        .iter()
        .flat_map(|p| PREFIXES.iter().map(move |x| full(p, x)))
        .collect();
    Err(compilation(format!(
        "In dispatch: No macro named '{name}' found within namespace: '{}'\n    Searched for: {}",
        namespace.unwrap_or("None"),
        tried.join(", ")
    )))
}

/// Rows of (grantee, privilege) as a dict of lists.
pub(super) fn grants(table: &Value) -> Result<Value, Error> {
    let mut out: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for row in python::iterate(table)? {
        let cell = |key: &str| {
            row.get_item(&Value::from(key))
                .ok()
                .filter(|v| !v.is_undefined())
        };
        let (Some(grantee), Some(privilege)) = (cell("grantee"), cell("privilege_type")) else {
            continue;
        };
        out.entry(python::str_of(&privilege))
            .or_default()
            .push(grantee);
    }
    Ok(Dict::value(
        out.into_iter()
            .map(|(k, v)| (Value::from(k), List::value(v)))
            .collect(),
    ))
}

pub(super) fn convert_type(args: &Args) -> Result<Value, Error> {
    let table = args.required(0, "agate_table")?;
    let index = args.required(1, "col_idx")?.as_usize().unwrap_or(0);
    let kinds = table.get_attr("column_types")?;
    let kind = kinds.get_item(&Value::from(index))?;
    let fractional = || -> Result<bool, Error> {
        let column = table.get_attr("columns")?.get_item(&Value::from(index))?;
        let numbers = python::iterate(&column)?;
        Ok(numbers.iter().any(|n| {
            python::Decimal::of(n).map_or(!n.is_integer() && !n.is_none(), |d| !d.fract().is_zero())
        }))
    };
    Ok(Value::from(
        match DataType::name_of(&kind).unwrap_or_default() {
            "Integer" => "integer",
            "Number" if !fractional()? => "integer",
            "Number" => "float8",
            "Boolean" => "boolean",
            "Date" => "date",
            "DateTime" | "ISODateTime" => "timestamp without time zone",
            _ => "text",
        },
    ))
}

pub(super) fn hard_deletes(config: &Value) -> Result<Value, Error> {
    let legacy = config
        .get_item(&Value::from("invalidate_hard_deletes"))
        .ok()
        .filter(|v| !v.is_none() && !v.is_undefined());
    let chosen = get_text(config, "hard_deletes");
    if legacy.is_some() && chosen.is_some() {
        return Err(runtime(
            "You cannot set both the invalidate_hard_deletes and hard_deletes config properties on the same snapshot.",
        ));
    }
    match (chosen.as_deref(), legacy) {
        (Some(word @ ("ignore" | "invalidate" | "new_record")), _) => Ok(Value::from(word)),
        (Some(_), _) => Err(runtime("Invalid setting for property hard_deletes.")),
        (None, Some(v)) if v.is_true() => Ok(Value::from("invalidate")),
        _ => Ok(Value::from("ignore")),
    }
}
