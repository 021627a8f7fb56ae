//! dbt's functions that need no project: JSON, YAML, checksums, dictionaries of lists.
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::{Dict, List, iterate, json, ops, str_of, yaml};
use minijinja::value::Value;
use minijinja::{Environment, Error};
use std::fmt::Write;

/// Adds the functions.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_function("fromjson", |args: Given| {
        from_text(&args, "string", json::loads)
    });
    env.add_function("fromyaml", |args: Given| {
        from_text(&args, "value", yaml::load)
    });
    env.add_function("tojson", |args: Given| -> Result<String, Error> {
        let (value, sort_keys) = dump_arguments(&args)?;
        json::dumps(&value, sort_keys, None)
    });
    env.add_function("toyaml", |args: Given| -> Result<Value, Error> {
        let mut call = Arguments::new(&args)?;
        call.need("value")?;
        let default = call.next("default")?.unwrap_or_default();
        let (value, sort_keys) = dump_arguments(&args)?;
        Ok(yaml::dump(&value, sort_keys).map_or(
            if default.is_undefined() {
                Value::from(())
            } else {
                default
            },
            Value::from,
        ))
    });
    env.add_function("local_md5", |value: &Value| md5_hex(&str_of(value)));
    env.add_function("diff_of_two_dicts", diff_of_two_dicts);
}

/// `fromxxx(text, default=none)`: the default if the text cannot be read.
fn from_text(
    args: &[Value],
    name: &str,
    read: fn(&str) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    let text = args.need(name)?;
    let default = args.next("default")?.unwrap_or_else(|| Value::from(()));
    args.finish()?;
    Ok(read(&str_of(&text)).unwrap_or(default))
}

/// `toxxx(value, default=none, sort_keys=false)`.
fn dump_arguments(args: &[Value]) -> Result<(Value, bool), Error> {
    let mut args = Arguments::new(args)?;
    let value = args.need("value")?;
    args.next("default")?;
    let sort_keys = args.flag("sort_keys")?.unwrap_or(false);
    args.finish()?;
    Ok((value, sort_keys))
}

/// The MD5 checksum of a text in hexadecimal.
fn md5_hex(text: &str) -> String {
    use md5::Digest;
    md5::Md5::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// What the lists of `a` have that those of `b` lack, key by key, without minding the case.
fn diff_of_two_dicts(a: &Value, b: &Value) -> Result<Value, Error> {
    let folded = |v: &Value| str_of(v).to_lowercase();
    let mut theirs: Vec<(String, Vec<String>)> = Vec::new();
    for (key, list) in ops::pairs_of(b)? {
        theirs.push((folded(&key), iterate(&list)?.iter().map(folded).collect()));
    }
    let mut out = Vec::new();
    for (key, list) in ops::pairs_of(a)? {
        let items = iterate(&list)?;
        let there = theirs
            .iter()
            .find(|(k, _)| *k == folded(&key))
            .map(|(_, l)| l);
        let left: Vec<Value> = items
            .into_iter()
            .filter(|item| !there.is_some_and(|l| l.contains(&folded(item))))
            .collect();
        if !left.is_empty() {
            out.push((key, List::value(left)));
        }
    }
    Ok(Dict::value(out.into_iter().collect()))
}
