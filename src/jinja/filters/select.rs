//! Filters that call other filters and tests: `map`, `select` and their kin.
use super::attributes::get;
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::error::type_error;
use crate::jinja::python::{List, iterate};
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, State};

/// Adds the filters.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("map", map);
    for (name, by_attribute, keep) in [
        ("select", false, true),
        ("reject", false, false),
        ("selectattr", true, true),
        ("rejectattr", true, false),
    ] {
        env.add_filter(
            name,
            move |state: &mut State<'_, '_>, value: &Value, args: Given| {
                select(state, value, &args, by_attribute, keep)
            },
        );
    }
}

fn map(state: &mut State<'_, '_>, value: &Value, args: Given) -> Result<Value, Error> {
    // Jinja2 does not even look at the arguments then.
    if !value.is_true() {
        return Ok(List::value(Vec::new()));
    }
    let mut call = Arguments::new(&args)?;
    let items = iterate(value)?;
    let Some(filter) = call.next("filter")? else {
        let attribute = call
            .named("attribute")?
            .ok_or_else(|| type_error("map requires a filter argument"))?;
        let default = call.named("default")?;
        call.finish()?;
        let mapped = items
            .iter()
            .map(|item| get(item, &attribute, default.as_ref()));
        return mapped.collect::<Result<_, _>>().map(List::value);
    };
    let name = filter
        .as_str()
        .ok_or_else(|| type_error("map requires a filter argument"))?
        .to_string();
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let mut all = vec![item];
        all.extend(args.iter().skip(1).cloned());
        out.push(
            state
                .apply_filter(&name, &all)
                .map_err(|e| with_name(e, "filter", &name))?,
        );
    }
    Ok(List::value(out))
}

/// An unknown filter or test with its name.
fn with_name(error: Error, what: &str, name: &str) -> Error {
    match error.kind() {
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest if error.line().is_none() => {
            Error::new(error.kind(), format!("{what} {name} is unknown"))
        }
        _ => error,
    }
}

fn select(
    state: &mut State<'_, '_>,
    value: &Value,
    args: &[Value],
    by_attribute: bool,
    keep: bool,
) -> Result<Value, Error> {
    if !value.is_true() {
        return Ok(List::value(Vec::new()));
    }
    let mut call = Arguments::new(args)?;
    let attribute = if by_attribute {
        Some(
            call.next("attribute")?
                .ok_or_else(|| type_error("Missing parameter for attribute name"))?,
        )
    } else {
        None
    };
    let test = call.next("test")?;
    let mut rest = call.rest();
    let named = call.all_named()?;
    if !named.is_empty() {
        rest.push(Kwargs::from_iter(named).into());
    }
    let mut out = Vec::new();
    for item in iterate(value)? {
        let subject = match &attribute {
            Some(a) => get(&item, a, None)?,
            None => item.clone(),
        };
        let holds = match test.as_ref().and_then(|t| t.as_str()) {
            Some(name) => {
                let mut all = vec![subject];
                all.extend(rest.iter().cloned());
                state
                    .perform_test(name, &all)
                    .map_err(|e| with_name(e, "test", name))?
            }
            None => subject.is_true(),
        };
        if holds == keep {
            out.push(item);
        }
    }
    Ok(List::value(out))
}
