//! `run-operation`: one macro, called by name.
use super::Outcome;
use super::compile::{connect, write_results};
use super::session::Session;
use super::setup::{self, Loaded};
use crate::context::{NodeFacts, NodeScope, Phase, Setup, diagnostic, message};
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::graph::ResourceType;
use crate::jinja::MacroDef;
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::report::{Event, NodeInfo};
use crate::text::Place;
use chrono::Utc;
use minijinja::value::Value;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Runs the command; `args` are keyword arguments.
pub fn operation(ctx: &Session, name: &str, args: Option<&crate::yaml::Node>) -> Result<Outcome> {
    let begun = Instant::now();
    let loaded = setup::load(ctx, true)?;
    super::run::write_manifest(ctx, &loaded)?;
    let def = find(&loaded, name)?;
    let unique_id = format!("macro.{}.{}", def.package, def.name);
    let map = json!({"name": def.name, "unique_id": unique_id, "package_name": def.package.to_string(), "resource_type": "macro", "macro_sql": def.macro_sql()});
    let facts = NodeFacts {
        map: map.as_object().cloned().unwrap_or_default(),
        schema: loaded.shared.target.schema.clone(),
        database: loaded.shared.target.connection.dbname.clone(),
        ..NodeFacts::default()
    };
    let kwargs: Vec<(String, Value)> = match args.map(crate::yaml::Node::to_json) {
        Some(Json::Object(map)) => map
            .iter()
            .map(|(k, v)| (k.clone(), crate::jinja::python::json::from_json(v)))
            .collect(),
        _ => Vec::new(),
    };
    let mut result = NodeResult::new(&unique_id, Status::Success);
    let started = Utc::now();
    let outcome = match connect(&loaded) {
        Ok(session) => {
            let scope = NodeScope::new(Setup {
                shared: loaded.shared.clone(),
                package: def.package.to_string(),
                phase: Phase::Run,
                node: facts,
                session: Some(session),
                extra: HashMap::new(),
            });
            let engine = &loaded.shared.engine;
            let called = engine.call_macro(&def, &[], &kwargs, scope.dynamic());
            called.map_err(|e| (failed(&def, &e, &kwargs), message(&e)))
        }
        Err(stopped) => match stopped.0.into_iter().next() {
            // As with dbt, an operation that finds no server has failed like any other.
            Some(d) => {
                let words = d.message.clone();
                Err((d, words))
            }
            None => return Err(Stopped(Vec::new())),
        },
    };
    result.execution_time = begun.elapsed().as_secs_f64();
    result.thread_id = "MainThread".into();
    result.timing = vec![
        Timing {
            name: Step::Compile,
            started_at: Some(started),
            completed_at: Some(started),
        },
        Timing {
            name: Step::Execute,
            started_at: Some(started),
            completed_at: Some(Utc::now()),
        },
    ];
    if let Err((d, words)) = &outcome {
        let heading = d.heading.as_deref().unwrap_or("Compilation Error");
        let lines: String = words.lines().map(|l| format!("\n  {l}")).collect();
        let told = format!("{heading}{lines}");
        let drawn = crate::diag::render(
            &Diagnostic {
                heading: None,
                ..d.clone()
            },
            false,
        );
        ctx.reporter
            .emit(Event::operation_failed(&format!("{told}\n{drawn}")));
        result.status = Status::Error;
        result.message = Some(told);
        result.diagnostic = Some(d.clone());
    }
    let info = Arc::new(NodeInfo::plain(
        &unique_id,
        &def.name,
        ResourceType::Operation,
        "",
        &def.file.path,
    ));
    let results = vec![(info, Arc::new(result))];
    if ctx.invocation.flags.write_json {
        write_results(ctx, &loaded, &results, begun)?;
    }
    Ok(if outcome.is_ok() {
        Outcome::Success
    } else {
        Outcome::Failed
    })
}

/// The error of an operation; one without a place stands at the macro.
fn failed(def: &MacroDef, e: &crate::jinja::JinjaError, given: &[(String, Value)]) -> Diagnostic {
    let d = diagnostic(e, Some(&Place::new(&def.file, def.name_span.clone())));
    let known: Vec<&str> = def.parameters.iter().map(|p| p.name.as_str()).collect();
    let unknown = given.iter().find(|(k, _)| !known.contains(&k.as_str()));
    match unknown.and_then(|(k, _)| crate::text::nearest(k, known.iter().copied())) {
        Some(near) => d.help(format!("did you mean the argument `{near}`?")),
        None => d,
    }
}

fn find(loaded: &Loaded, name: &str) -> Result<Arc<MacroDef>> {
    let registry = loaded.shared.engine.registry();
    let (package, plain) = match name.split_once('.') {
        Some((package, plain)) => (Some(package), plain),
        None => (None, name),
    };
    let found = match package {
        Some(package) => registry.get(package, plain).cloned(),
        None => registry
            .resolve_macro(&loaded.shared.root_name, name)
            .or_else(|| registry.iter().find(|d| d.name == name).cloned()),
    };
    if let Some(def) = found {
        return Ok(def);
    }
    let mut d = Diagnostic::error(
        code::J0306,
        format!(
            "dbt could not find a macro with the name '{plain}' in {}",
            package.unwrap_or("any package")
        ),
    )
    .heading("Runtime Error");
    let names: Vec<String> = registry.iter().map(|d| d.name.clone()).collect();
    if let Some(near) = crate::text::nearest(plain, names.iter().map(String::as_str)) {
        d = d.help(format!("a macro named `{near}` exists"));
    }
    Err(d.into())
}
