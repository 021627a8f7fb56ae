//! `compile`, `show` and `run-operation`: templates are rendered with a connection at hand.
use super::Outcome;
use super::run::{purpose, selected, write_with};
use super::session::Session;
use super::setup::{self, Loaded};
use crate::cli::{Command, Output};
use crate::compile::{Compiler, compiled_path};
use crate::context::{NodeFacts, NodeScope, NodeSession, Phase, Setup, Table, diagnostic};
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Compiled, Node, ResourceType};
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::report::{Event, NodeInfo};
use crate::text::SourceFile;
use chrono::Utc;
use minijinja::value::Value;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

fn connect(loaded: &Loaded) -> Result<Arc<Mutex<NodeSession>>> {
    let session = crate::pg::Session::connect(&loaded.database.options).map_err(|e| {
        e.diagnostic(None, Some(&loaded.database.options))
            .heading("Database Error")
    })?;
    Ok(Arc::new(Mutex::new(NodeSession::alone(session))))
}

/// `compile` and `show`.
pub fn compile(ctx: &Session) -> Result<Outcome> {
    let begun = Instant::now();
    let loaded = setup::load(ctx, true)?;
    let inline = match &ctx.invocation.command {
        Command::Compile { inline, .. } => inline.clone(),
        Command::Show {
            inline,
            inline_direct,
            ..
        } => inline.clone().or_else(|| inline_direct.clone()),
        _ => None,
    };
    let session = connect(&loaded)?;
    let compiler = Compiler {
        shared: loaded.shared.clone(),
        session: Some(session.clone()),
        extra: HashMap::new(),
    };
    if let Some(sql) = inline {
        return inline_query(ctx, &loaded, &compiler, &sql);
    }
    let ids = selected(ctx, &loaded, purpose(&ctx.invocation.command))?;
    let _ = loaded.shared.selected.set(ids.clone());
    crate::run::prepare(&loaded.shared, &loaded.manifest, &[], &session)?;
    let mut manifest = (*loaded.manifest).clone();
    let mut results = Vec::new();
    let mut shown = None;
    for id in &ids {
        let Some(node) = loaded.manifest.nodes.get(id).filter(|n| !n.is_empty()) else {
            continue;
        };
        let started = Utc::now();
        let mut result = NodeResult::new(id, Status::Success);
        if node.resource_type != ResourceType::Seed {
            let compiled = compiler.compile(node).map_err(|d| located(node, d))?;
            let relative = format!("compiled/{}", compiled_path(node));
            crate::fs::write(
                &loaded.shared.target_dir.join(&relative),
                compiled.sql.as_bytes(),
            )?;
            result.compiled = true;
            result.compiled_code = Some(compiled.sql.clone());
            if let Some(n) = manifest.nodes.get_mut(id) {
                for called in &compiled.macros {
                    crate::parse::push_new(&mut n.depends_on.macros, called.clone());
                }
                n.compiled = Some(Compiled {
                    code: compiled.sql.clone(),
                    extra_ctes: compiled.extra_ctes.clone(),
                    path: Some(format!("target/{relative}")),
                });
            }
            if shown.is_none() && named(ctx, node) {
                shown = Some((node.clone(), compiled.sql));
            }
        } else if shown.is_none() && named(ctx, node) {
            shown = Some((
                node.clone(),
                format!(
                    "select * from {}",
                    node.relation_name.clone().unwrap_or_default()
                ),
            ));
        }
        if node.is_ephemeral() {
            continue;
        }
        result.relation_name = node.relation_name.clone();
        result.thread_id = "Thread-1 (worker)".into();
        result.timing = [Step::Compile, Step::Execute]
            .map(|name| Timing {
                name,
                started_at: Some(started),
                completed_at: Some(Utc::now()),
            })
            .to_vec();
        results.push((NodeInfo::of_node(node), Arc::new(result)));
    }
    if ctx.invocation.flags.write_json {
        write_with(ctx, &loaded, &manifest)?;
        write_results(ctx, &loaded, &results, begun)?;
    }
    if let Some((node, sql)) = shown {
        show(ctx, &compiler, &node.name, &sql)?;
    }
    Ok(Outcome::Success)
}

fn write_results(
    ctx: &Session,
    loaded: &Loaded,
    results: &[(Arc<NodeInfo>, Arc<NodeResult>)],
    begun: Instant,
) -> Result<()> {
    let list: Vec<Arc<NodeResult>> = results.iter().map(|(_, r)| r.clone()).collect();
    let value = crate::artifact::run_results(
        &list,
        begun.elapsed(),
        ctx.invocation.flags.to_args_map(),
        &super::run::meta(ctx),
    );
    super::run::write(ctx, loaded, crate::artifact::Kind::RunResults, value)
}

/// Whether the person asked for this node rather than for all.
fn named(ctx: &Session, node: &Node) -> bool {
    let flags = &ctx.invocation.flags;
    !flags.select.is_empty() && node.resource_type != ResourceType::Test
        || flags.select.iter().any(|s| s.contains(&node.name))
}

fn located(node: &Node, d: Diagnostic) -> Diagnostic {
    d.note(format!(
        "in {} {} ({})",
        node.resource_type.as_str(),
        node.name,
        node.original_file_path
    ))
}

fn inline_query(ctx: &Session, loaded: &Loaded, compiler: &Compiler, sql: &str) -> Result<Outcome> {
    let file = SourceFile::new("inline query", sql);
    let facts = NodeFacts {
        unique_id: format!("sql_operation.{}.inline_query", loaded.shared.root_name),
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
        engine
            .render_file(&file, crate::jinja::Mode::Strict, scope.dynamic())
            .map_err(|e| diagnostic(&e, None))?
            .text
    };
    show(ctx, compiler, "inline_query", &text)?;
    Ok(Outcome::Success)
}

/// Prints compiled SQL, or the rows it gives.
fn show(ctx: &Session, compiler: &Compiler, name: &str, sql: &str) -> Result<()> {
    let say = |text: String| {
        ctx.reporter.emit(Event::Output {
            text,
            header: None,
            dbt: None,
        })
    };
    match &ctx.invocation.command {
        Command::Compile { output, inline, .. } => {
            if matches!(output, Output::Json) {
                let mut map = json!({"node": name, "compiled": sql});
                if inline.is_some() {
                    map = json!({"compiled": sql});
                }
                say(serde_json::to_string_pretty(&map).unwrap_or_default());
            } else if inline.is_some() {
                say(format!("Compiled inline node is:\n{sql}"));
            } else {
                say(format!("Compiled node '{name}' is:\n{sql}"));
            }
        }
        Command::Show { output, limit, .. } => {
            let sql = match limit {
                Some(n) => format!("{}\nlimit {n}", sql.trim_end().trim_end_matches(';')),
                None => sql.to_string(),
            };
            let Some(session) = &compiler.session else {
                return Ok(());
            };
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            let table = session
                .raw()
                .fetch(&sql)
                .map_err(|e| e.diagnostic(None, None).heading("Database Error"))?;
            let table = Table::of_result(&table);
            if matches!(output, Output::Json) {
                let rows = table.to_json();
                say(
                    serde_json::to_string_pretty(&json!({"node": name, "show": rows}))
                        .unwrap_or_default(),
                );
            } else {
                say(format!(
                    "Previewing node '{name}':\n{}",
                    table.drawn(usize::MAX, usize::MAX, 50)
                ));
            }
        }
        _ => {}
    }
    Ok(())
}

/// `run-operation`.
pub fn operation(ctx: &Session) -> Result<Outcome> {
    let Command::RunOperation { macro_name, args } = &ctx.invocation.command else {
        return Ok(Outcome::Success);
    };
    let begun = Instant::now();
    let loaded = setup::load(ctx, true)?;
    super::run::write_manifest(ctx, &loaded)?;
    let registry = loaded.shared.engine.registry();
    let found = match macro_name.split_once('.') {
        Some((package, name)) => registry.get(package, name).cloned(),
        None => registry.resolve_macro(&loaded.shared.root_name, macro_name),
    };
    let Some(def) = found else {
        let names: Vec<String> = registry.iter().map(|d| d.name.clone()).collect();
        let mut d = Diagnostic::error(
            code::J0306,
            format!("dbt could not find a macro with the name '{macro_name}' in any package"),
        )
        .heading("Runtime Error");
        if let Some(near) = crate::text::nearest(macro_name, names.iter().map(String::as_str)) {
            d = d.help(format!("a macro named `{near}` exists"));
        }
        return Err(d.into());
    };
    let session = connect(&loaded)?;
    let map = json!({"name": def.name, "unique_id": def.unique_id, "package_name": def.package.to_string(), "resource_type": "macro", "macro_sql": def.macro_sql()});
    let facts = NodeFacts {
        map: map.as_object().cloned().unwrap_or_default(),
        schema: loaded.shared.target.schema.clone(),
        database: loaded.shared.target.connection.dbname.clone(),
        ..NodeFacts::default()
    };
    let scope = NodeScope::new(Setup {
        shared: loaded.shared.clone(),
        package: def.package.to_string(),
        phase: Phase::Run,
        node: facts,
        session: Some(session),
        extra: HashMap::new(),
    });
    let kwargs: Vec<(String, Value)> = match args.as_ref().map(crate::yaml::Node::to_json) {
        Some(Json::Object(map)) => map
            .iter()
            .map(|(k, v)| (k.clone(), crate::jinja::python::json::from_json(v)))
            .collect(),
        _ => Vec::new(),
    };
    let unique_id = format!("operation.{}.{}", def.package, def.name);
    let mut result = NodeResult::new(&unique_id, Status::Success);
    let outcome = loaded
        .shared
        .engine
        .call_macro(&def, &[], &kwargs, scope.dynamic());
    if let Err(e) = &outcome {
        result.status = Status::Error;
        result.message = Some(e.message.clone());
        ctx.reporter.emit(Event::Line {
            level: crate::report::Level::Error,
            text: format!(
                "Encountered an error while running operation: {}",
                diagnostic(e, None).heading.unwrap_or_default()
            ),
            dbt: None,
        });
        ctx.reporter.emit(Event::Diagnostic {
            diagnostic: diagnostic(e, None),
            dbt: None,
        });
    }
    result.execution_time = begun.elapsed().as_secs_f64();
    let info = Arc::new(NodeInfo::plain(
        &unique_id,
        &def.name,
        ResourceType::Operation,
        "",
        &def.file.path,
    ));
    if ctx.invocation.flags.write_json {
        write_results(ctx, &loaded, &[(info, Arc::new(result))], begun)?;
    }
    Ok(if outcome.is_ok() {
        Outcome::Success
    } else {
        Outcome::Failed
    })
}
