//! `source freshness`: how old the newest rows of the sources are; writes `sources.json`.
use super::Outcome;
use super::selection::selected;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::artifact::{self, Kind};
use crate::context::NodeSession;
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Node, ResourceType, Source};
use crate::outcome::FreshnessResult;
use crate::report::{Event, NodeInfo};
use crate::run::{HookKind, NodeRunner, check_freshness, run_hooks};
use crate::select::Purpose;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Runs the command; `output` is another file for the results.
pub fn freshness(ctx: &Session, output: Option<&Path>) -> Result<Outcome> {
    let begun = Instant::now();
    let loaded = setup::load(ctx, true)?;
    super::run::write_manifest(ctx, &loaded)?;
    if let Some(path) = output {
        let message = format!(
            "Custom output path usage `--output {}` usage detected in `dbt source freshness` command.",
            path.display()
        );
        ctx.tell(vec![
            Diagnostic::warning(code::P0110, message)
                .event("CustomOutputPathInSourceFreshnessDeprecation")
                .fact("path", path.display().to_string()),
        ])?;
    }
    let ids = selected(ctx, &loaded, Purpose::Freshness)?;
    let sources: Vec<&Source> = ids
        .iter()
        .filter_map(|id| loaded.manifest.sources.get(id))
        .filter(|s| is_limited(s) && s.simulation.is_none())
        .collect();
    let _ = loaded
        .shared
        .selected
        .set(sources.iter().map(|s| s.unique_id.clone()).collect());
    if sources.is_empty() {
        ctx.nothing_to_do()?;
        write(ctx, &loaded, output, &[], begun)?;
        return Ok(Outcome::Success);
    }
    let threads = loaded.shared.target.threads;
    ctx.reporter.emit(Event::Concurrency {
        threads,
        target: loaded.shared.target.name.clone(),
        nodes: sources.len(),
    });
    let runner = runner(&loaded)?;
    let hooks = ctx
        .invocation
        .flags
        .behaviour("source_freshness_run_project_hooks");
    let has_hooks = |n: &Node| n.resource_type == ResourceType::Operation;
    if !hooks && loaded.manifest.nodes.values().any(has_hooks) {
        let message = "In a future version of dbt, the `source freshness` command will start running `on-run-start` and `on-run-end` hooks by default. For more information: https://docs.getdbt.com/reference/global-configs/legacy-behaviors";
        ctx.tell(vec![
            Diagnostic::warning(code::P0110, message).event("SourceFreshnessProjectHooksNotRun"),
        ])?;
    }
    let around = |kind: HookKind| {
        if !hooks {
            return Vec::new();
        }
        run_hooks(
            &runner,
            &loaded.manifest,
            kind,
            &HashMap::new(),
            &ctx.reporter,
        )
    };
    let mut nodes: Vec<Arc<NodeInfo>> = Vec::new();
    let mut failed = false;
    for (node, result) in around(HookKind::Start) {
        failed |= result.status.is_failure();
        nodes.push(node);
    }
    let done = check_freshness(
        &loaded.shared,
        &loaded.database.options,
        &sources,
        threads,
        &ctx.reporter,
    );
    nodes.extend(done.iter().map(|(n, _)| n.clone()));
    for (node, result) in around(HookKind::End) {
        failed |= result.status.is_failure();
        nodes.push(node);
    }
    ctx.reporter.emit(Event::FreshnessRan {
        nodes,
        elapsed: begun.elapsed(),
    });
    let results: Vec<Arc<FreshnessResult>> = done.iter().map(|(_, r)| r.clone()).collect();
    write(ctx, &loaded, output, &results, begun)?;
    failed |= results.iter().any(|r| r.status.is_failure());
    ctx.reporter.emit(Event::FreshnessDone(done));
    Ok(if failed {
        Outcome::Failed
    } else {
        Outcome::Success
    })
}

/// Whether a source has a limit for its age.
fn is_limited(source: &Source) -> bool {
    let limit = |key: &str| {
        let limit = source.freshness.as_ref().and_then(|f| f.get(key));
        limit.is_some_and(|l| l.get("count").is_some_and(|c| !c.is_null()))
    };
    limit("warn_after") || limit("error_after")
}

fn runner(loaded: &Loaded) -> Result<NodeRunner> {
    let session = crate::pg::Session::connect(&loaded.database.options).map_err(|e| {
        e.diagnostic(None, Some(&loaded.database.options))
            .heading("Database Error")
    })?;
    Ok(NodeRunner {
        shared: loaded.shared.clone(),
        session: Arc::new(Mutex::new(NodeSession::alone(session))),
        batch: None,
    })
}

fn write(
    ctx: &Session,
    loaded: &Loaded,
    output: Option<&Path>,
    results: &[Arc<FreshnessResult>],
    begun: Instant,
) -> Result<()> {
    if !ctx.invocation.flags.write_json {
        return Ok(());
    }
    let value = artifact::sources(results, begun.elapsed(), &super::run::meta(ctx));
    match output {
        None => super::run::write(ctx, loaded, Kind::Sources, value),
        Some(path) => artifact::write(path, value, ctx.reporter.masks()).map_err(|e| {
            Diagnostic::error(
                code::P0101,
                format!("cannot write `{}`: {e}", path.display()),
            )
            .into()
        }),
    }
}
