//! `docs`: the page with lineage and descriptions; `docs generate` writes dbt's artefacts beside it.
use super::Outcome;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::artifact::{self, Kind};
use crate::cli::Command;
use crate::compile::Compiler;
use crate::context::{NodeSession, has_own_catalog};
use crate::diag::{Diagnostic, Result, code};
use crate::docs::{DocsInput, page};
use crate::graph::{Compiled, Manifest, ResourceType};
use crate::report::{Event, Level};
use crate::select::Purpose;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// `docs` and `docs generate`.
pub fn docs(ctx: &Session) -> Result<Outcome> {
    let generate = matches!(ctx.invocation.command, Command::DocsGenerate { .. });
    let loaded = setup::load(ctx, true)?;
    let chosen = chosen(ctx, &loaded)?;
    super::selection::defer(ctx, &loaded)?;
    let compiles = !matches!(
        ctx.invocation.command,
        Command::DocsGenerate { compile: false, .. }
    );
    // Before `docs generate` writes results of its own, as dbt's does: the page tells of the build before.
    let results = artifact::load_run_results(&loaded.shared.target_dir).ok();
    let manifest = match (generate, compiles) {
        (_, false) => (*loaded.manifest).clone(),
        (true, true) => generated(ctx, &loaded, chosen.as_ref())?,
        (false, true) => {
            let manifest = compiled(ctx, &loaded, chosen.as_ref())?;
            super::run::write_with(ctx, &loaded, &manifest)?;
            manifest
        }
    };
    copy_assets(&loaded)?;
    if generate {
        ctx.reporter.emit(Event::building_catalog());
    }
    let (catalog, failed) = catalog(ctx, &loaded, chosen.as_ref())?;
    if generate {
        super::run::write(ctx, &loaded, Kind::Catalog, catalog.clone())?;
        let file = loaded.shared.target_dir.join(Kind::Catalog.file_name());
        ctx.reporter
            .emit(Event::catalog_written(&file.display().to_string()));
    }
    let path = write_page(ctx, &loaded, &manifest, &catalog, results.as_ref())?;
    say(ctx, format!("Wrote {}", path.display()));
    catalog_failed(ctx, &failed);
    Ok(if !generate || catalog["errors"].is_null() {
        Outcome::Success
    } else {
        Outcome::Failed
    })
}

/// What `docs generate` cannot look up, a sentence for each database that is not the profile's. As in dbt, the rest is
/// written, and the command fails.
fn elsewhere(loaded: &Loaded) -> Vec<Diagnostic> {
    let own = &loaded.shared.target.connection.dbname;
    let nodes = loaded.manifest.nodes.values();
    let nodes = nodes.filter(|n| n.is_refable() && !n.is_ephemeral());
    let sources = loaded.manifest.sources.values();
    let all = nodes
        .map(|n| &n.database)
        .chain(sources.map(|s| &s.database));
    let others: BTreeSet<&String> = all.filter(|d| !d.eq_ignore_ascii_case(own)).collect();
    let refused = |other: &&String| {
        let text = format!("ERROR: Cross-db references not allowed in postgres ({other} vs {own})");
        Diagnostic::error(code::G0401, text).heading("Runtime Error")
    };
    others.iter().map(refused).collect()
}

fn say(ctx: &Session, text: String) {
    ctx.reporter.emit(Event::Line {
        level: Level::Info,
        text,
        dbt: None,
    });
}

/// The selected ids, if the command line selects at all.
fn chosen(ctx: &Session, loaded: &Loaded) -> Result<Option<BTreeSet<String>>> {
    let flags = &ctx.invocation.flags;
    if flags.select.is_empty() && flags.exclude.is_empty() && flags.selector.is_none() {
        return Ok(None);
    }
    let ids = super::selection::selected(ctx, loaded, Purpose::Docs)?;
    Ok(Some(ids.into_iter().collect()))
}

/// What the database knows of the project's relations. Without a server the page has less to tell, but `docs generate`
/// fails as dbt's does.
fn catalog(
    ctx: &Session,
    loaded: &Loaded,
    chosen: Option<&BTreeSet<String>>,
) -> Result<(Value, Vec<Diagnostic>)> {
    let (generate, empty, compiles) = match ctx.invocation.command {
        Command::DocsGenerate {
            empty_catalog,
            compile,
            ..
        } => (true, empty_catalog, compile),
        _ => (false, false, true),
    };
    let count = compiles.then(|| super::catalog::count(loaded, chosen));
    let options = &loaded.database.options;
    let session = match crate::pg::Session::connect(options) {
        Err(e) if generate && !empty => {
            let d = e.diagnostic(None, Some(options));
            return Err(d.heading("Database Error").into());
        }
        other => other.ok(),
    };
    let mut failed = Vec::new();
    let relations = match session.filter(|_| !empty) {
        Some(session) if has_own_catalog(&loaded.shared, count) => {
            let own = super::catalog::own(loaded, chosen, count, session);
            own.unwrap_or_else(|d| {
                failed.push(d);
                Vec::new()
            })
        }
        Some(mut session) => super::catalog::relations(loaded, chosen, &mut session)?,
        None => Vec::new(),
    };
    if generate && !empty {
        failed.extend(elsewhere(loaded));
    }
    let errors: Vec<String> = failed.iter().map(told).collect();
    let value = artifact::catalog(&relations, &errors, &super::run::meta(ctx));
    Ok((value, failed))
}

/// An error as dbt keeps it in the catalogue.
fn told(d: &Diagnostic) -> String {
    let heading = d.heading.as_deref().unwrap_or("Compilation Error");
    let lines = d.message.lines().map(|l| format!("\n  {l}"));
    format!("{heading}{}", lines.collect::<String>())
}

/// Says what is missing in the catalogue; what else there is was written.
fn catalog_failed(ctx: &Session, failed: &[Diagnostic]) {
    let one = |d: &Diagnostic| {
        let shown = crate::diag::render(d, false);
        format!("Encountered an error while generating catalog: {shown}")
    };
    let count = match failed.len() {
        0 => return,
        1 => "1 failure".to_string(),
        n => format!("{n} failures"),
    };
    let count = format!("dbt encountered {count} while writing the catalog");
    for text in failed.iter().map(one).chain([count]) {
        let level = Level::Error;
        ctx.reporter.emit(Event::Line {
            level,
            text,
            dbt: None,
        });
    }
}

/// Copies the folders of `asset-paths` into the target folder, anew.
fn copy_assets(loaded: &Loaded) -> Result<()> {
    let project = &loaded.project;
    for folder in project.paths.get("asset").into_iter().flatten() {
        let from = project.root.join(folder);
        if !from.is_dir() {
            continue;
        }
        let mut walk = ignore::WalkBuilder::new(&from);
        for entry in walk.standard_filters(false).build().flatten() {
            let Ok(relative) = entry.path().strip_prefix(&project.root) else {
                continue;
            };
            if !entry.path().is_file() {
                continue;
            }
            let bytes = std::fs::read(entry.path()).map_err(|e| {
                Diagnostic::error(
                    code::P0101,
                    format!("cannot read `{}`: {e}", relative.display()),
                )
            })?;
            crate::fs::write(&loaded.shared.target_dir.join(relative), &bytes)?;
        }
    }
    Ok(())
}

/// A compiler with a session of its own.
fn compiler(loaded: &Loaded) -> Result<Compiler> {
    let session = crate::pg::Session::connect(&loaded.database.options).map_err(|e| {
        e.diagnostic(None, Some(&loaded.database.options))
            .heading("Database Error")
    })?;
    Ok(Compiler {
        shared: loaded.shared.clone(),
        session: Some(Arc::new(Mutex::new(NodeSession::new(session)))),
        extra: HashMap::new(),
    })
}

/// What `docs generate` does first: dbt's `compile`, with the same files, and an error that stops it.
fn generated(
    ctx: &Session,
    loaded: &Loaded,
    chosen: Option<&BTreeSet<String>>,
) -> Result<Manifest> {
    let begun = Instant::now();
    let compiler = compiler(loaded)?;
    let kinds = Purpose::Docs.kinds();
    let wanted = loaded.manifest.nodes.values().filter(|n| {
        chosen.map_or(kinds.contains(&n.resource_type), |c| {
            c.contains(&n.unique_id)
        })
    });
    let ids: Vec<String> = wanted.map(|n| n.unique_id.clone()).collect();
    crate::run::schemas(&loaded.shared, &loaded.manifest, &ids)?;
    let done = super::compile::compile_all(ctx, loaded, &compiler, &ids)?;
    super::run::write_with(ctx, loaded, &done.manifest)?;
    if ctx.invocation.flags.write_json {
        super::compile::write_results(ctx, loaded, &done.results, begun)?;
    }
    Ok(done.manifest)
}

/// The manifest with what can be compiled compiled.
fn compiled(ctx: &Session, loaded: &Loaded, chosen: Option<&BTreeSet<String>>) -> Result<Manifest> {
    let mut manifest = (*loaded.manifest).clone();
    let compiler = compiler(loaded)?;
    for node in loaded.manifest.nodes.values() {
        let compilable = !matches!(
            node.resource_type,
            ResourceType::Seed | ResourceType::Operation
        ) && !node.is_empty();
        if !compilable || chosen.is_some_and(|c| !c.contains(&node.unique_id)) {
            continue;
        }
        let done = compiler.compile(node);
        if let Some(session) = &compiler.session {
            session.lock().unwrap_or_else(PoisonError::into_inner).end();
        }
        match done {
            Ok(c) => {
                let path = (node.resource_type != ResourceType::Snapshot).then(|| {
                    let relative = crate::compile::compiled_path(node);
                    crate::compile::shown_path(&loaded.shared, "compiled", &relative)
                });
                if let Some(n) = manifest.nodes.get_mut(&node.unique_id) {
                    n.compiled = Some(Compiled {
                        code: c.sql,
                        extra_ctes: c.extra_ctes,
                        path,
                    });
                }
            }
            Err(d) => ctx.reporter.emit(Event::Diagnostic {
                diagnostic: Diagnostic {
                    severity: crate::diag::Severity::Warning,
                    ..d
                },
                dbt: None,
            }),
        }
    }
    Ok(manifest)
}

fn write_page(
    ctx: &Session,
    loaded: &Loaded,
    manifest: &Manifest,
    catalog: &Value,
    results: Option<&Value>,
) -> Result<PathBuf> {
    let mut value = artifact::manifest(manifest, &super::run::meta(ctx));
    ctx.reporter.masks().apply_json(&mut value);
    let now = chrono::Utc::now().to_rfc3339();
    let wanted = !matches!(ctx.invocation.command, Command::Docs { columns: false, .. });
    let lineage = wanted.then(|| {
        let known = catalogued(manifest, catalog);
        crate::sql::project_lineage(manifest, &|id| known.get(id).cloned())
    });
    let html = page(&DocsInput {
        manifest: &value,
        catalog: Some(catalog),
        run_results: results,
        column_lineage: lineage.as_ref(),
        generated_at: &now,
    });
    let path = match &ctx.invocation.command {
        Command::Docs { out: Some(out), .. } => out.clone(),
        _ => loaded.shared.target_dir.join("index.html"),
    };
    crate::fs::write(&path, html.as_bytes())?;
    if let Command::DocsGenerate {
        static_page: true, ..
    } = ctx.invocation.command
    {
        // The page never needs another file; people who ask for dbt's static page look for it under this name.
        let path = loaded.shared.target_dir.join("static_index.html");
        crate::fs::write(&path, html.as_bytes())?;
        return Ok(path);
    }
    Ok(path)
}

/// Columns by unique id: those of the database in its order, else those that are described.
fn catalogued(manifest: &Manifest, catalog: &Value) -> BTreeMap<String, Vec<String>> {
    let mut out = BTreeMap::new();
    for part in ["nodes", "sources"] {
        for (id, table) in catalog[part].as_object().into_iter().flatten() {
            let mut columns: Vec<(i64, String)> = table["columns"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, c)| (c["index"].as_i64().unwrap_or(i64::MAX), name.clone()))
                .collect();
            columns.sort();
            out.insert(id.clone(), columns.into_iter().map(|c| c.1).collect());
        }
    }
    for n in manifest.nodes.values().filter(|n| !n.columns.is_empty()) {
        out.entry(n.unique_id.clone())
            .or_insert_with(|| n.columns.values().map(|c| c.name.clone()).collect());
    }
    for s in manifest.sources.values().filter(|s| !s.columns.is_empty()) {
        out.entry(s.unique_id.clone())
            .or_insert_with(|| s.columns.values().map(|c| c.name.clone()).collect());
    }
    out
}

/// The manifest with its SQL, and the columns of every relation; for lineage.
pub fn columns(
    ctx: &Session,
    loaded: &Loaded,
) -> Result<(Manifest, BTreeMap<String, Vec<String>>)> {
    let manifest = compiled(ctx, loaded, None)?;
    let (catalog, _) = catalog(ctx, loaded, None)?;
    let known = catalogued(&manifest, &catalog);
    Ok((manifest, known))
}
