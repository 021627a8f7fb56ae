//! `compile` and `show`: the selected nodes are rendered, with a connection at hand for templates that ask the database.
use super::Outcome;
use super::run::write_with;
use super::selection::{self, purpose, selected};
use super::session::Session;
use super::setup::{self, Loaded};
use super::show::{inline_query, show};
use crate::cli::Command;
use crate::compile::{Compiler, compiled_path, shown_path};
use crate::context::NodeSession;
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Compiled, Manifest, Node, ResourceType};
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::report::{Event, NodeInfo, Subject};
use chrono::Utc;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A session in which every statement stands alone.
pub(super) fn connect(loaded: &Loaded) -> Result<Arc<Mutex<NodeSession>>> {
    connect_as(loaded, NodeSession::alone)
}

fn connect_as(
    loaded: &Loaded,
    made: fn(crate::pg::Session) -> NodeSession,
) -> Result<Arc<Mutex<NodeSession>>> {
    let session = crate::pg::Session::connect(&loaded.database.options).map_err(|e| {
        e.diagnostic(None, Some(&loaded.database.options))
            .heading("Database Error")
    })?;
    Ok(Arc::new(Mutex::new(made(session))))
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
    let shows = matches!(ctx.invocation.command, Command::Show { .. });
    let flags = &ctx.invocation.flags;
    if shows && inline.is_none() && flags.select.is_empty() && flags.selector.is_none() {
        return Err(Diagnostic::error(
            code::U0807,
            "Either --select or --inline must be passed to show",
        )
        .heading("Runtime Error")
        .help("for example `tv1 show --select NAME` or `tv1 show --inline \"select 1 as x\"`")
        .into());
    }
    // Before anything can fail: what was parsed is of use even if a node does not compile.
    super::run::write_manifest(ctx, &loaded)?;
    // What templates send while they are only rendered stands in a transaction that nobody commits, as in dbt.
    let connects = || connect_as(&loaded, NodeSession::new);
    let session = flags.introspect.then(connects).transpose()?;
    let compiler = Compiler {
        shared: loaded.shared.clone(),
        session: session.clone(),
        extra: HashMap::new(),
    };
    let ids = match &inline {
        Some(_) => Vec::new(),
        None => selected(ctx, &loaded, purpose(&ctx.invocation.command))?,
    };
    let _ = loaded.shared.selected.set(ids.clone());
    selection::defer(ctx, &loaded)?;
    if let Some(session) = &session {
        // Nothing is made, but dbt looks for the nodes' relations, and cannot in another database.
        crate::run::schemas(&loaded.shared, &loaded.manifest, &ids)?;
        let mut lock = session.lock().unwrap_or_else(PoisonError::into_inner);
        selection::look_around(&loaded, lock.raw())?;
        drop(lock);
        crate::run::prepare(&loaded.shared, &loaded.manifest, &[], session)?;
    }
    if let Some(sql) = inline {
        concurrency(ctx, &loaded, 1);
        return inline_query(ctx, &loaded, &compiler, &sql);
    }
    compile_selected(ctx, &loaded, &compiler, &ids, begun)
}

fn concurrency(ctx: &Session, loaded: &Loaded, nodes: usize) {
    ctx.reporter.emit(Event::Concurrency {
        threads: loaded.shared.target.threads,
        target: loaded.shared.target.name.clone(),
        nodes,
    });
}

/// What came of compiling the selected nodes.
pub(super) struct Done<'a> {
    /// The manifest with their SQL.
    pub manifest: Manifest,
    /// A result for each, as dbt has it in `run_results.json`.
    pub results: Vec<(Arc<NodeInfo>, Arc<NodeResult>)>,
    /// Nodes asked for by name, their SQL, and what is sent in front of it.
    shown: Vec<(&'a Node, String, Option<String>)>,
}

fn compile_selected(
    ctx: &Session,
    loaded: &Loaded,
    compiler: &Compiler,
    ids: &[String],
    begun: Instant,
) -> Result<Outcome> {
    let done = compile_all(ctx, loaded, compiler, ids)?;
    if ctx.invocation.flags.write_json {
        write_with(ctx, loaded, &done.manifest)?;
        write_results(ctx, loaded, &done.results, begun)?;
    }
    // Of several, `compile` prints the first one.
    let most = match ctx.invocation.command {
        Command::Show { .. } => usize::MAX,
        _ => 1,
    };
    for (node, sql, header) in done.shown.iter().take(most) {
        let name = match &node.version {
            Some(v) => format!("{}.v{}", node.name, crate::graph::version_text(v)),
            None => node.name.clone(),
        };
        let subject = Subject::Node(&name, &node.unique_id);
        show(ctx, compiler, subject, sql, header.as_deref())?;
    }
    Ok(Outcome::Success)
}

/// Compiles nodes and writes their files; the first that fails ends it.
pub(super) fn compile_all<'a>(
    ctx: &Session,
    loaded: &'a Loaded,
    compiler: &Compiler,
    ids: &[String],
) -> Result<Done<'a>> {
    let mut nodes: Vec<&Node> = ids
        .iter()
        .filter_map(|id| loaded.manifest.nodes.get(id))
        .filter(|n| !n.is_empty())
        .collect();
    // What others are made of comes first, as if it were built.
    let order = loaded.dag.order().unwrap_or_default();
    let turn: HashMap<&str, usize> = (order.iter().enumerate())
        .map(|(i, id)| (id.as_str(), i))
        .collect();
    nodes.sort_by_key(|n| turn.get(n.unique_id.as_str()));
    if nodes.is_empty() {
        ctx.nothing_to_do()?;
    } else {
        concurrency(ctx, loaded, nodes.len());
    }
    let mut manifest = (*loaded.manifest).clone();
    let mut results = Vec::new();
    let mut shown: Vec<(&Node, String, Option<String>)> = Vec::new();
    for node in nodes {
        let started = Utc::now();
        let mut result = NodeResult::new(&node.unique_id, Status::Success);
        let (sql, header) = if node.resource_type == ResourceType::Seed {
            let table = node.relation_name.clone().unwrap_or_default();
            (format!("select * from {table}"), None)
        } else {
            let (sql, header) = compile_one(loaded, compiler, node, &mut manifest)?;
            if let Some(session) = &compiler.session {
                session.lock().unwrap_or_else(PoisonError::into_inner).end();
            }
            result.compiled = true;
            result.compiled_code = Some(sql.clone());
            (sql, header)
        };
        if named(ctx, node) {
            shown.push((node, sql, header));
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
    super::run::note_injected(&loaded.shared, &mut manifest);
    Ok(Done {
        manifest,
        results,
        shown,
    })
}

/// Compiles a node, writes the file, and notes it in the manifest. Gives the SQL and what is sent in front of it.
fn compile_one(
    loaded: &Loaded,
    compiler: &Compiler,
    node: &Node,
    manifest: &mut Manifest,
) -> Result<(String, Option<String>)> {
    let compiled = compiler.compile(node).map_err(|d| located(node, d))?;
    // As in dbt, a snapshot has no file of its query.
    let path = if node.resource_type == ResourceType::Snapshot {
        None
    } else {
        let relative = compiled_path(node);
        let file = loaded.shared.target_dir.join("compiled").join(&relative);
        crate::fs::write_if_changed(&file, compiled.sql.as_bytes())?;
        Some(shown_path(&loaded.shared, "compiled", &relative))
    };
    if let Some(n) = manifest.nodes.get_mut(&node.unique_id) {
        for called in &compiled.macros {
            crate::parse::push_new(&mut n.depends_on.macros, called.clone());
        }
        crate::run::resolve_keys(compiler, n)?;
        n.compiled = Some(Compiled {
            code: compiled.sql.clone(),
            extra_ctes: compiled.extra_ctes,
            path,
        });
    }
    Ok((compiled.sql, compiled.header))
}

pub(super) fn write_results(
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

/// Whether the person asked for this node by name rather than for all.
fn named(ctx: &Session, node: &Node) -> bool {
    let flags = &ctx.invocation.flags;
    flags.select.first().is_some_and(|s| s.contains(&node.name))
        || flags.select.is_empty() && flags.selector.is_some() && flags.which == "show"
}

fn located(node: &Node, d: Diagnostic) -> Diagnostic {
    d.note(format!(
        "in {} {} ({})",
        node.resource_type.as_str(),
        node.name,
        node.original_file_path
    ))
}
