//! `build`, `run`, `test`, `seed`, `snapshot`: select, run, report, write artefacts.
use super::Outcome;
use super::selection::{self, purpose, selected};
use super::session::Session;
use super::setup::{self, Loaded};
use crate::artifact::{self, Kind, Meta};
use crate::cli::Command;
use crate::context::{NodeFacts, NodeScope, NodeSession, Phase, Setup, Table};
use crate::diag::{Diagnostic, Result, code};
use crate::graph::ResourceType;
use crate::outcome::{NodeResult, Status};
use crate::report::{Event, NodeInfo, Summary};
use crate::run::{self, Cancellation, HookKind, HookNames, NodeRunner, Work};
use crate::select::Purpose;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

type Results = Vec<(Arc<NodeInfo>, Arc<NodeResult>)>;

/// Runs the command.
pub fn run(ctx: &Session) -> Result<Outcome> {
    let begun = Instant::now();
    let loaded = setup::load(ctx, true)?;
    let purpose = purpose(&ctx.invocation.command);
    let ids = selected(ctx, &loaded, purpose)?;
    write_manifest(ctx, &loaded)?;
    let _ = loaded.shared.selected.set(ids.clone());
    selection::defer(ctx, &loaded)?;
    let gate = purpose == Purpose::Build;
    let runnable: Vec<String> = run::in_order(&loaded.manifest, &loaded.dag, &ids, gate)
        .into_iter()
        .filter(|id| {
            loaded
                .manifest
                .nodes
                .get(id)
                .is_none_or(|n| !n.is_empty() && n.resource_type != ResourceType::Operation)
        })
        .collect();
    if runnable.iter().all(|id| is_ephemeral(&loaded, id)) {
        ctx.nothing_to_do()?;
        finish(ctx, &loaded, Vec::new(), begun, false)?;
        return Ok(Outcome::Success);
    }
    let results = execute(ctx, &loaded, runnable, purpose, begun)?;
    let failed = results
        .0
        .iter()
        .any(|(_, r)| r.status.is_failure() || r.status == Status::Skipped);
    let interrupted = results.1;
    finish(ctx, &loaded, results.0, begun, interrupted)?;
    Ok(match (interrupted, failed) {
        (true, _) => Outcome::Interrupted,
        (false, true) => Outcome::Failed,
        (false, false) => Outcome::Success,
    })
}

/// Runs the selected simulations alone.
pub fn run_simulations(ctx: &Session) -> Result<Outcome> {
    let begun = Instant::now();
    let loaded = setup::load(ctx, true)?;
    write_manifest(ctx, &loaded)?;
    let ids = simulated_sources(ctx, &loaded)?;
    if ids.is_empty() {
        ctx.reporter.emit(Event::NothingToDo);
        return Ok(Outcome::Success);
    }
    let results = execute(ctx, &loaded, ids, Purpose::Run, begun)?;
    let failed = results.0.iter().any(|(_, r)| r.status.is_failure());
    finish(ctx, &loaded, results.0, begun, results.1)?;
    Ok(if failed {
        Outcome::Failed
    } else {
        Outcome::Success
    })
}

/// Ids of the simulated sources that the command line selects; a simulation's own name will do.
fn simulated_sources(ctx: &Session, loaded: &Loaded) -> Result<Vec<String>> {
    let flags = &ctx.invocation.flags;
    let selection = selection::chosen(ctx, loaded)?;
    let simulated = |s: &crate::graph::Source| {
        s.simulation.as_ref().is_some_and(|n| {
            selection.ids.contains(&s.unique_id) || flags.select.iter().any(|w| w == n)
        })
    };
    Ok(loaded
        .manifest
        .sources
        .values()
        .filter(|s| simulated(s))
        .map(|s| s.unique_id.clone())
        .collect())
}

/// Names of the simulations that the command line selects.
pub fn chosen_simulations(ctx: &Session, loaded: &Loaded) -> Result<Vec<String>> {
    let ids = simulated_sources(ctx, loaded)?;
    let name = |id: &String| loaded.manifest.sources.get(id)?.simulation.clone();
    Ok(ids.iter().filter_map(name).collect())
}

fn is_ephemeral(loaded: &Loaded, id: &str) -> bool {
    let node = loaded.manifest.nodes.get(id);
    node.is_some_and(crate::graph::Node::is_ephemeral)
}

/// Runs `order`, ephemeral models among it: they are seen to compile, so that what hangs on them need not begin.
fn execute(
    ctx: &Session,
    loaded: &Loaded,
    order: Vec<String>,
    purpose: Purpose,
    begun: Instant,
) -> Result<(Results, bool)> {
    let flags = &ctx.invocation.flags;
    let cloning = purpose == Purpose::Clone;
    let ids: Vec<String> = order
        .iter()
        .filter(|id| !is_ephemeral(loaded, id))
        .cloned()
        .collect();
    let order = if cloning { ids.clone() } else { order };
    let threads = loaded.shared.target.threads;
    ctx.reporter.emit(Event::Concurrency {
        threads,
        target: loaded.shared.target.name.clone(),
        nodes: ids.len(),
    });
    let cancellation = Cancellation::default();
    on_interrupt(ctx, &cancellation);
    let connected = crate::pg::Session::connect(&loaded.database.options);
    let master = connected.map_err(|e| {
        e.diagnostic(None, Some(&loaded.database.options))
            .heading("Database Error")
    })?;
    cancellation.covers(master.cancel_handle());
    let session = Arc::new(Mutex::new(NodeSession::alone(master)));
    selection::look_around(
        loaded,
        session.lock().unwrap_or_else(PoisonError::into_inner).raw(),
    )?;
    run::prepare(&loaded.shared, &loaded.manifest, &ids, &session)?;
    super::publish::clear_left_over(ctx, loaded, &ids, &session)?;
    let runner = NodeRunner {
        shared: loaded.shared.clone(),
        session,
        batch: None,
    };
    comment(&runner)?;
    let hooks = |kind: HookKind, names: &dyn Fn() -> HookNames| {
        if cloning || !run::has_hooks(&loaded.manifest, kind) {
            return Vec::new();
        }
        run::run_hooks(&runner, &loaded.manifest, kind, &names(), &ctx.reporter)
    };
    let database = &loaded.shared.target.connection.dbname;
    let end_names = |done: &Results| run::end_names(&loaded.manifest, database, done);
    let start = hooks(HookKind::Start, &HookNames::new);
    broken(&start)?;
    let failed = start.iter().any(|(_, r)| r.status.is_failure());
    if failed && loaded.shared.flag("SKIP_NODES_IF_ON_RUN_START_FAILS") {
        let done = run::skip_all(&loaded.manifest, &ids, &ctx.reporter);
        let end = hooks(HookKind::End, &|| end_names(&done));
        broken(&end)?;
        return Ok(([start, done, end].concat(), false));
    }
    let edges = run::edges(
        &loaded.manifest,
        &loaded.dag,
        &order,
        purpose == Purpose::Build,
    );
    let edges = if cloning { Vec::new() } else { edges };
    let generate = |name: &str, progress: &dyn Fn(u64, Option<u64>)| {
        super::simulations::generate(ctx, loaded, name, progress, cancellation.flag())
    };
    let staging = staging(ctx, loaded, &order, &runner)?;
    let work = Work {
        shared: loaded.shared.clone(),
        manifest: loaded.manifest.clone(),
        ids: order,
        edges,
        threads,
        options: loaded.database.options.clone(),
        fail_fast: flags.fail_fast,
        gate: purpose != Purpose::Test,
        skips_explain: purpose == Purpose::Build,
        reporter: ctx.reporter.clone(),
        cancellation: cancellation.clone(),
        simulate: &generate,
        cloning,
        staging: staging.as_ref(),
    };
    let mut done = run::execute(&work);
    if let Some(staging) = &staging {
        super::publish::settle(
            ctx,
            loaded,
            staging,
            &mut done,
            cancellation.is_interrupted(),
        );
    }
    if cancellation.is_interrupted() {
        let mut all = start;
        all.extend(done);
        return Ok((all, true));
    }
    if let Ok(mut session) = runner.session.lock()
        && session.raw().ping().is_err()
        && let Ok(again) = crate::pg::Session::connect(&loaded.database.options)
    {
        // The server went away meanwhile and is back.
        cancellation.covers(again.cancel_handle());
        *session = NodeSession::alone(again);
    }
    let end = hooks(HookKind::End, &|| end_names(&done));
    let mut all = start;
    all.extend(done);
    if let Err(stopped) = broken(&end) {
        // What was built is built: `retry` and `result:` selectors look for it.
        keep_results(ctx, loaded, &all, begun.elapsed())?;
        return Err(stopped);
    }
    all.extend(end);
    Ok((all, cancellation.is_interrupted()))
}

/// What `--publish atomic` builds aside.
fn staging(
    ctx: &Session,
    loaded: &Loaded,
    order: &[String],
    runner: &NodeRunner,
) -> Result<Option<run::Staging>> {
    if !matches!(ctx.invocation.command, Command::Build { atomic: true, .. }) {
        return Ok(None);
    }
    let mut session = runner
        .session
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let mut staging = run::Staging::new(&loaded.shared, &loaded.manifest, order);
    staging.begin(&loaded.database.options, session.raw(), &|text| {
        ctx.reporter.emit(Event::Line {
            level: crate::report::Level::Info,
            text,
            dbt: None,
        });
    })?;
    Ok(Some(staging))
}

/// A query comment that cannot be made ends the run before the first statement.
fn comment(runner: &NodeRunner) -> Result<()> {
    let scope = NodeScope::new(Setup {
        shared: runner.shared.clone(),
        package: runner.shared.root_name.clone(),
        phase: Phase::Run,
        node: NodeFacts::default(),
        session: Some(runner.session.clone()),
        extra: HashMap::new(),
    });
    scope
        .try_comment()
        .map_err(|e| crate::context::raised(&e).into())
}

/// A hook that cannot even be rendered ends the run.
fn broken(hooks: &Results) -> Result<()> {
    let problem = hooks
        .iter()
        .find(|(_, r)| r.status.is_failure() && !r.compiled)
        .and_then(|(_, r)| r.diagnostic.as_ref());
    match problem {
        Some(d) => Err(d.clone().into()),
        None => Ok(()),
    }
}

/// The first Ctrl-C cancels running statements and lets the run end; the second one ends the program. What comes right
/// after the first is the same wish: a terminal and a program between it and us may both pass it on.
fn on_interrupt(ctx: &Session, cancellation: &Cancellation) {
    const ONE_WISH: Duration = Duration::from_secs(1);
    let (cancellation, reporter) = (cancellation.clone(), ctx.reporter.clone());
    let mut first: Option<Instant> = None;
    // A second command in one process (tests) keeps the first handler.
    let _ = ctrlc::set_handler(move || {
        if first.is_some_and(|f| f.elapsed() < ONE_WISH) {
            return;
        }
        if first.is_some() {
            exit_interrupted();
        }
        first = Some(Instant::now());
        let running = cancellation.interrupt();
        reporter.emit(Event::Cancelling { running });
    });
}

#[expect(clippy::exit, reason = "the person asked twice")]
fn exit_interrupted() -> ! {
    std::process::exit(130)
}

/// What the artefacts say of this run.
pub fn meta(ctx: &Session) -> Meta {
    Meta::new(&ctx.id, ctx.started_at, ctx.env.vars.clone())
}

/// Writes an artefact into the target folder.
pub fn write(ctx: &Session, loaded: &Loaded, kind: Kind, value: serde_json::Value) -> Result<()> {
    write_file(ctx, loaded, kind.file_name(), value)
}

fn write_file(ctx: &Session, loaded: &Loaded, name: &str, value: serde_json::Value) -> Result<()> {
    let path = loaded.shared.target_dir.join(name);
    artifact::write(&path, value, ctx.reporter.masks()).map_err(|e| unwritten(&path, &e).into())
}

/// Writes `graph_summary.json`, with the edges from tests where the command waits for tests.
fn write_graph_summary(ctx: &Session, loaded: &Loaded) -> Result<()> {
    let gates = matches!(ctx.invocation.command, Command::Build { .. }).then(|| {
        let ids: Vec<String> = loaded.dag.ids().map(str::to_string).collect();
        crate::run::test_edges(&loaded.manifest, &loaded.dag, &ids)
    });
    let value = artifact::graph_summary(&loaded.manifest, gates.as_deref(), &ctx.id);
    write_file(ctx, loaded, "graph_summary.json", value)
}

/// Writes `manifest.json` and `semantic_manifest.json`, and what is known of the graph.
pub fn write_manifest(ctx: &Session, loaded: &Loaded) -> Result<()> {
    if !matches!(ctx.invocation.command, Command::Parse) {
        write_graph_summary(ctx, loaded)?;
    }
    if !ctx.invocation.flags.write_json {
        return Ok(());
    }
    write_with(ctx, loaded, &loaded.manifest)?;
    let semantic = artifact::semantic_manifest(&loaded.manifest);
    write_file(ctx, loaded, "semantic_manifest.json", semantic)
}

/// Writes a manifest whose nodes may be compiled.
pub fn write_with(ctx: &Session, loaded: &Loaded, manifest: &crate::graph::Manifest) -> Result<()> {
    let path = loaded.shared.target_dir.join(Kind::Manifest.file_name());
    artifact::write_manifest(&path, manifest, &meta(ctx), ctx.reporter.masks())
        .map_err(|e| unwritten(&path, &e).into())
}

fn unwritten(path: &std::path::Path, e: &std::io::Error) -> Diagnostic {
    Diagnostic::error(
        code::P0101,
        format!("cannot write `{}`: {e}", path.display()),
    )
}

/// Writes `run_results.json`, and the manifest with what was compiled.
fn keep_results(
    ctx: &Session,
    loaded: &Loaded,
    results: &Results,
    elapsed: Duration,
) -> Result<()> {
    if !ctx.invocation.flags.write_json {
        return Ok(());
    }
    let list: Vec<Arc<NodeResult>> = results.iter().map(|(_, r)| r.clone()).collect();
    let value = artifact::run_results(
        &list,
        elapsed,
        ctx.invocation.flags.to_args_map(),
        &meta(ctx),
    );
    write(ctx, loaded, Kind::RunResults, value)?;
    let mut manifest = (*loaded.manifest).clone();
    for (_, r) in results {
        let Some(n) = manifest.nodes.get_mut(&r.unique_id) else {
            continue;
        };
        n.build_path.clone_from(&r.build_path);
        if let Some(code) = &r.compiled_code {
            for called in &r.macros {
                crate::parse::push_new(&mut n.depends_on.macros, called.clone());
            }
            n.compiled = Some(crate::graph::Compiled {
                code: code.clone(),
                extra_ctes: r.extra_ctes.clone(),
                path: r.compiled_path.clone(),
            });
        }
    }
    note_injected(&loaded.shared, &mut manifest);
    write_with(ctx, loaded, &manifest)
}

/// Writes `run_results.json` and says how it went.
pub fn finish(
    ctx: &Session,
    loaded: &Loaded,
    results: Results,
    begun: Instant,
    interrupted: bool,
) -> Result<()> {
    let elapsed = begun.elapsed();
    keep_results(ctx, loaded, &results, elapsed)?;
    if let Command::Seed { show: true } | Command::Build { show: true, .. } = ctx.invocation.command
    {
        show_seeds(ctx, loaded, &results);
    }
    if !results.is_empty() {
        ctx.reporter.emit(Event::Finished(Arc::new(Summary {
            results,
            elapsed,
            interrupted,
        })));
    }
    Ok(())
}

/// Ephemeral models that went into the text of others are compiled too.
pub(super) fn note_injected(
    shared: &crate::context::Shared,
    manifest: &mut crate::graph::Manifest,
) {
    let injected = shared.injected.lock();
    for (id, compiled) in injected
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .iter()
    {
        if let Some(n) = manifest.nodes.get_mut(id).filter(|n| n.compiled.is_none()) {
            n.compiled = Some(compiled.clone());
        }
    }
}

/// `--show`: some rows of every seed that was loaded.
fn show_seeds(ctx: &Session, loaded: &Loaded, results: &Results) {
    let seeds = results.iter().filter(|(_, r)| !r.status.is_failure());
    for (info, result) in seeds {
        let node = loaded.manifest.nodes.get(&result.unique_id);
        let Some(node) = node.filter(|n| n.resource_type == ResourceType::Seed) else {
            continue;
        };
        let Ok(value) = run::agate_table(node, &loaded.shared) else {
            continue;
        };
        if let Some(table) = value.downcast_object_ref::<Table>() {
            for line in Event::seed_header(&info.schema, &info.alias) {
                ctx.reporter.emit(line);
            }
            ctx.reporter
                .emit(Event::answer(table.drawn(10, usize::MAX, 50)));
        }
    }
}
