//! Results of statements: `store_result`, `load_result`; and the table of a seed.
use super::agate::Table;
use super::args::Args;
use super::exceptions::compilation;
use super::functions::empty_dict;
use super::scope::{Inner, lock};
use super::session::Response;
use crate::jinja::python::{self, Dict, List};
use minijinja::value::Value;
use minijinja::{Error, State};
use std::sync::Arc;

fn entry(response: Value, table: Value) -> Value {
    let data = table.downcast_object_ref::<Table>().map_or_else(
        || List::value(Vec::new()),
        |t| {
            List::value(
                t.rows()
                    .iter()
                    .map(|r| python::tuple(r.cells.clone()))
                    .collect(),
            )
        },
    );
    Dict::value(
        [
            (Value::from("response"), response),
            (Value::from("data"), data),
            (Value::from("table"), table),
        ]
        .into_iter()
        .collect(),
    )
}

pub(super) fn store_result(
    inner: &Arc<Inner>,
    _: &mut State<'_, '_>,
    args: Args,
) -> Result<Value, Error> {
    let name = args.required_text(0, "name")?;
    let response = args.required(1, "response")?;
    let table = args
        .get(2, "agate_table")
        .filter(|t| !t.is_none())
        .unwrap_or_else(|| Table::default().value());
    lock(&inner.results).insert(name, entry(response, table));
    Ok(Value::from(""))
}

pub(super) fn store_raw_result(
    inner: &Arc<Inner>,
    _: &mut State<'_, '_>,
    args: Args,
) -> Result<Value, Error> {
    let name = args.required_text(0, "name")?;
    let response = Response {
        message: args.text(1, "message").unwrap_or_default(),
        code: args.text(2, "code").unwrap_or_default(),
        rows_affected: args
            .text(3, "rows_affected")
            .and_then(|n| n.parse().ok())
            .unwrap_or(-1),
    };
    let table = args
        .get(4, "agate_table")
        .filter(|t| !t.is_none())
        .unwrap_or_else(|| Table::default().value());
    lock(&inner.results).insert(name, entry(Value::from_object(response), table));
    Ok(Value::from(""))
}

/// A stored result, to be read once; `main` may be read again. Unknown names give none.
pub(super) fn load_result(
    inner: &Arc<Inner>,
    _: &mut State<'_, '_>,
    args: Args,
) -> Result<Value, Error> {
    let name = args.required_text(0, "name")?;
    let mut results = lock(&inner.results);
    let Some(found) = results.get(&name).cloned() else {
        return Ok(Value::from(()));
    };
    if found.is_none() {
        return Err(compilation(format!(
            "The 'statement' result named '{name}' has already been loaded into a variable"
        )));
    }
    if name != "main" {
        results.insert(name, Value::from(()));
    }
    Ok(found)
}

/// The rows of the seed that is being run.
pub(super) fn load_agate_table(
    inner: &Arc<Inner>,
    _: &mut State<'_, '_>,
    _: Args,
) -> Result<Value, Error> {
    let loaded = lock(&inner.extra).get("__agate_table").cloned();
    loaded
        .ok_or_else(|| {
            compilation("can only load_agate_table for seeds (got another kind of node)")
        })
        .or_else(|e| {
            if inner.executing() {
                Err(e)
            } else {
                Ok(empty_dict())
            }
        })
}
