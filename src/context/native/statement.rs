//! `statement` and what is made of it: hooks, results without a statement.
use super::Body;
use super::call::{Block, Call, attribute, is_nothing, named, none};
use crate::context::exceptions::compilation;
use crate::context::functions::render_text;
use crate::context::scope::lock;
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

pub(super) const BODIES: &[(&str, Body)] = &[
    ("statement", statement),
    ("noop_statement", noop_statement),
    ("run_hooks", run_hooks),
];

/// Keeps what the statement `main` sends: it is written to the run folder.
fn keep_main(c: &Call<'_, '_, '_>, name: &Value, text: &str, what: &str) {
    if name.as_str() != Some("main") {
        return;
    }
    let id = &c.inner.node.unique_id;
    c.log(format!("Writing runtime {what} for node \"{id}\""));
    *lock(&c.inner.written) = Some(text.to_string());
}

fn statement(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    if !c.inner.executing() {
        return Ok(Value::from(""));
    }
    let name = c.arg(0);
    let language = c.arg(3);
    let language = if language.is_undefined() {
        "sql".to_string()
    } else {
        python::str_of(&language)
    };
    let text = c.block()?;
    keep_main(c, &name, &text, &language);
    if language != "sql" {
        return Err(compilation("statement macro didn't get supported language"));
    }
    let (fetch, auto_begin) = (c.flag(1, false), c.flag(2, true));
    if auto_begin {
        c.inner.connection()?.want_transaction();
    }
    let (response, table) = c.inner.run(&text, fetch, None)?;
    if !is_nothing(&name) {
        let kept = [
            ("response", Value::from_object(response)),
            ("agate_table", table.value()),
        ];
        c.run("store_result", &[name, named(kept)])?;
    }
    Ok(Value::from(""))
}

fn noop_statement(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let text = c.block()?;
    let name = c.arg(0);
    keep_main(c, &name, &text, "SQL");
    if !is_nothing(&name) {
        let given = |i: usize| {
            if c.arg(i).is_undefined() {
                none()
            } else {
                c.arg(i)
            }
        };
        let kept = [
            ("message", given(1)),
            ("code", given(2)),
            ("rows_affected", given(3)),
            ("agate_table", given(4)),
        ];
        c.run("store_raw_result", &[name, named(kept)])?;
    }
    Ok(Value::from(""))
}

fn run_hooks(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let inside = c.flag(1, true);
    let mut first = true;
    for hook in python::iterate(&c.arg(0))? {
        let transaction = attribute(&hook, "transaction");
        if transaction != Value::from(inside) {
            continue;
        }
        if !inside && std::mem::take(&mut first) {
            let commit = "\n        commit;\n      ".to_string();
            c.statement(None, Block::Text(commit), false, inside)?;
        }
        let sql = c.method(&hook, "get", &[Value::from("sql")])?;
        let text = render_text(c.inner, &python::str_of(&sql))?;
        let text = text.trim();
        if !text.is_empty() {
            let text = format!("\n        {text}\n      ");
            c.statement(None, Block::Text(text), false, inside)?;
        }
    }
    Ok(Value::from(""))
}
