//! What `compile` and `show` print: compiled SQL, or the rows that it gives.
use super::Outcome;
use super::session::Session;
use super::setup::Loaded;
use crate::cli::{Command, Output};
use crate::compile::Compiler;
use crate::context::{NodeFacts, NodeScope, Phase, Setup, Table, diagnostic, lookup_macro};
use crate::diag::{Diagnostic, Result, Stopped};
use crate::report::{Event, Subject};
use crate::text::SourceFile;
use minijinja::value::Value;
use serde_json::json;
use std::collections::HashMap;
use std::sync::PoisonError;

/// Renders and shows the SQL of `--inline` or `--inline-direct`.
pub fn inline_query(
    ctx: &Session,
    loaded: &Loaded,
    compiler: &Compiler,
    sql: &str,
) -> Result<Outcome> {
    let id = format!("sql_operation.{}.inline_query", loaded.shared.root_name);
    let direct = matches!(
        &ctx.invocation.command,
        Command::Show {
            inline_direct: Some(_),
            ..
        }
    );
    let text = if direct {
        sql.to_string()
    } else {
        rendered(loaded, compiler, &id, sql).map_err(|e| unparsed(e, &id))?
    };
    show(ctx, compiler, Subject::Inline(&id), &text, None)?;
    Ok(Outcome::Success)
}

/// A mistake in a query of the command line, in dbt's words.
fn unparsed(e: Stopped, id: &str) -> Stopped {
    let told = |mut d: Diagnostic| {
        if d.code == crate::diag::code::J0304 || d.code == crate::diag::code::G0401 {
            let operation = format!("Sql_Operation '{id}' (from remote system.sql)");
            d.message = d.message.replacen(id, &operation, 1);
        }
        d.note("Error parsing inline query")
    };
    Stopped(e.0.into_iter().map(told).collect())
}

/// Renders a query; the ephemeral models it refers to stand in front of it.
fn rendered(loaded: &Loaded, compiler: &Compiler, id: &str, sql: &str) -> Result<String> {
    let file = SourceFile::new("inline query", sql);
    let facts = NodeFacts {
        unique_id: id.to_string(),
        allowed: Some(
            loaded
                .manifest
                .entries()
                .map(|e| e.unique_id().to_string())
                .collect(),
        ),
        ..NodeFacts::default()
    };
    let scope = NodeScope::new(Setup {
        shared: loaded.shared.clone(),
        package: loaded.shared.root_name.clone(),
        phase: Phase::Run,
        node: facts,
        session: compiler.session.clone(),
        extra: HashMap::new(),
    });
    let engine = &loaded.shared.engine;
    let text = engine
        .render_file(&file, crate::jinja::Mode::Strict, scope.dynamic())
        .map_err(|e| diagnostic(&e, None))?
        .text;
    Ok(compiler.with_ephemerals(&scope.ephemeral(), text)?)
}

/// Prints compiled SQL, or the rows it gives.
pub fn show(
    ctx: &Session,
    compiler: &Compiler,
    subject: Subject<'_>,
    sql: &str,
    header: Option<&str>,
) -> Result<()> {
    let quiet = ctx.invocation.flags.quiet;
    match &ctx.invocation.command {
        Command::Compile { output, .. } => {
            let text = match (output, subject) {
                (Output::Json, Subject::Node(name, _)) => {
                    pretty(&json!({"node": name, "compiled": sql}))
                }
                (Output::Json, Subject::Inline(_)) => pretty(&json!({"compiled": sql})),
                _ => sql.to_string(),
            };
            ctx.reporter
                .emit(Event::compiled(subject, &text, word(*output), quiet));
        }
        Command::Show { output, limit, .. } => {
            let table = rows(compiler, sql, *limit, header)?;
            let text = match (output, subject) {
                (Output::Json, Subject::Node(name, _)) => {
                    pretty(&json!({"node": name, "show": table.to_json()}))
                }
                (Output::Json, Subject::Inline(_)) => pretty(&json!({"show": table.to_json()})),
                // dbt's table ends with a line break of its own.
                _ => table.drawn(usize::MAX, usize::MAX, 50) + "\n",
            };
            ctx.reporter
                .emit(Event::shown(subject, &text, word(*output), quiet));
        }
        _ => {}
    }
    Ok(())
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn word(output: Output) -> &'static str {
    match output {
        Output::Json => "json",
        _ => "text",
    }
}

/// Rows of a query, at most as many as asked for; the macro `get_show_sql` makes the query, so that a project's counts.
fn rows(compiler: &Compiler, sql: &str, limit: Option<u64>, header: Option<&str>) -> Result<Table> {
    let shared = &compiler.shared;
    let query = match lookup_macro(&shared.engine, &shared.root_name, "get_show_sql") {
        None => sql.to_string(),
        Some(call) => {
            let scope = NodeScope::new(Setup {
                shared: shared.clone(),
                package: shared.root_name.clone(),
                phase: Phase::Run,
                node: NodeFacts::default(),
                session: compiler.session.clone(),
                extra: HashMap::new(),
            });
            let limit = match limit {
                Some(n) => Value::from(n),
                None => Value::from(()),
            };
            let header = match header {
                Some(text) => Value::from(text),
                None => Value::from(()),
            };
            let args = [Value::from(sql), header, limit];
            let made = shared
                .engine
                .call(&call, &args, &[], scope.dynamic())
                .map_err(|e| diagnostic(&e, None))?;
            crate::jinja::python::str_of(&made)
        }
    };
    let Some(session) = &compiler.session else {
        return Err(Diagnostic::error(
            crate::diag::code::G0410,
            "rows need a connection, which `--no-introspect` forbids",
        )
        .into());
    };
    let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
    let table = session
        .raw()
        .fetch(query.trim())
        .map_err(|e| e.diagnostic(None, None).heading("Database Error"))?;
    Ok(Table::of_result(&table))
}
