//! `docs`: the page with lineage and descriptions; `docs generate` writes dbt's artefacts beside it.
use super::Outcome;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::artifact::{self, CatalogColumn, CatalogRelation, Kind};
use crate::cli::Command;
use crate::compile::Compiler;
use crate::context::NodeSession;
use crate::diag::{Diagnostic, Result, code};
use crate::docs::{DocsInput, page};
use crate::graph::{Compiled, Manifest, ResourceType};
use crate::report::{Event, Level};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// `docs` and `docs generate`.
pub fn docs(ctx: &Session) -> Result<Outcome> {
    let generate = matches!(ctx.invocation.command, Command::DocsGenerate { .. });
    if let Command::DocsServe { .. } = ctx.invocation.command {
        return Err(
            Diagnostic::error(code::U0804, "`docs serve` is not part of this version")
                .help("`tv1 docs` writes one page that opens in a browser without a server")
                .into(),
        );
    }
    let loaded = setup::load(ctx, true)?;
    let mut session = crate::pg::Session::connect(&loaded.database.options).ok();
    let compiles = !matches!(
        ctx.invocation.command,
        Command::DocsGenerate { compile: false, .. }
    );
    let manifest = if compiles {
        compiled(ctx, &loaded, generate)?
    } else {
        (*loaded.manifest).clone()
    };
    super::run::write_with(ctx, &loaded, &manifest)?;
    let empty = matches!(
        ctx.invocation.command,
        Command::DocsGenerate {
            empty_catalog: true,
            ..
        }
    );
    let relations = match session.as_mut().filter(|_| !empty) {
        Some(session) => relations(&loaded, session)?,
        None => Vec::new(),
    };
    let catalog = artifact::catalog(&relations, &[], &super::run::meta(ctx));
    if generate {
        super::run::write(ctx, &loaded, Kind::Catalog, catalog.clone())?;
    }
    let path = write_page(ctx, &loaded, &manifest, &catalog)?;
    ctx.reporter.emit(Event::Line {
        level: Level::Info,
        text: format!("Wrote {}", path.display()),
        dbt: None,
    });
    Ok(Outcome::Success)
}

/// The manifest with what can be compiled compiled; for `docs generate` an error stops, as in dbt.
fn compiled(ctx: &Session, loaded: &Loaded, strict: bool) -> Result<Manifest> {
    let mut manifest = (*loaded.manifest).clone();
    let session = crate::pg::Session::connect(&loaded.database.options).map_err(|e| {
        e.diagnostic(None, Some(&loaded.database.options))
            .heading("Database Error")
    })?;
    let session = Arc::new(Mutex::new(NodeSession::alone(session)));
    let compiler = Compiler {
        shared: loaded.shared.clone(),
        session: Some(session),
        extra: HashMap::new(),
    };
    for node in loaded.manifest.nodes.values() {
        let compilable = !matches!(
            node.resource_type,
            ResourceType::Seed | ResourceType::Operation
        ) && !node.is_empty();
        if !compilable {
            continue;
        }
        match compiler.compile(node) {
            Ok(c) => {
                let path = Some(format!(
                    "target/compiled/{}",
                    crate::compile::compiled_path(node)
                ));
                if let Some(n) = manifest.nodes.get_mut(&node.unique_id) {
                    n.compiled = Some(Compiled {
                        code: c.sql,
                        extra_ctes: c.extra_ctes,
                        path,
                    });
                }
            }
            Err(d) if strict => return Err(d.into()),
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

/// Every relation of the project that exists, with its columns.
fn relations(loaded: &Loaded, session: &mut crate::pg::Session) -> Result<Vec<CatalogRelation>> {
    let fail = |e: crate::pg::PgError| e.diagnostic(None, None).heading("Database Error");
    let mut wanted: HashMap<(String, String), String> = HashMap::new();
    for n in loaded
        .manifest
        .nodes
        .values()
        .filter(|n| n.is_refable() && !n.is_ephemeral())
    {
        wanted.insert((n.schema.clone(), n.alias.clone()), n.unique_id.clone());
    }
    for s in loaded.manifest.sources.values() {
        wanted.insert(
            (s.schema.clone(), s.identifier.clone()),
            s.unique_id.clone(),
        );
    }
    let schemas: std::collections::BTreeSet<String> = wanted
        .keys()
        .map(|(s, _)| crate::pg::quote_literal(s))
        .collect();
    if schemas.is_empty() {
        return Ok(Vec::new());
    }
    let list = schemas.into_iter().collect::<Vec<_>>().join(", ");
    let sql = format!(
        "select n.nspname, c.relname, case c.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' when 'f' then 'FOREIGN' \
         else 'BASE TABLE' end, pg_catalog.obj_description(c.oid, 'pg_class'), pg_catalog.pg_get_userbyid(c.relowner), a.attname, \
         a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.col_description(c.oid, a.attnum) \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where n.nspname in ({list}) and c.relkind in ('r', 'v', 'm', 'p', 'f') order by 1, 2, a.attnum"
    );
    let table = session.fetch(&sql).map_err(fail)?;
    let mut out: Vec<CatalogRelation> = Vec::new();
    for row in &table.rows {
        let text = |i: usize| row[i].text();
        let (schema, name) = (text(0).unwrap_or_default(), text(1).unwrap_or_default());
        let Some(unique_id) = wanted.get(&(schema.clone(), name.clone())).cloned() else {
            continue;
        };
        if out.last().is_none_or(|r| r.unique_id != unique_id) {
            out.push(CatalogRelation {
                unique_id,
                kind: text(2).unwrap_or_default(),
                database: loaded.shared.target.connection.dbname.clone(),
                schema,
                name,
                comment: text(3),
                owner: text(4),
                columns: Vec::new(),
            });
        }
        if let Some(r) = out.last_mut() {
            r.columns.push(CatalogColumn {
                index: row[6].as_int().unwrap_or_default(),
                name: text(5).unwrap_or_default(),
                kind: text(7).unwrap_or_default(),
                comment: text(8),
            });
        }
    }
    Ok(out)
}

fn write_page(
    ctx: &Session,
    loaded: &Loaded,
    manifest: &Manifest,
    catalog: &Value,
) -> Result<PathBuf> {
    let mut value = artifact::manifest(manifest, &super::run::meta(ctx));
    ctx.reporter.masks().apply_json(&mut value);
    let results = artifact::load_run_results(&loaded.shared.target_dir).ok();
    let now = chrono::Utc::now().to_rfc3339();
    let html = page(&DocsInput {
        manifest: &value,
        catalog: Some(catalog),
        run_results: results.as_ref(),
        column_lineage: None,
        generated_at: &now,
    });
    let path = match &ctx.invocation.command {
        Command::Docs { out: Some(out), .. } => out.clone(),
        _ => loaded.shared.target_dir.join("index.html"),
    };
    crate::fs::write(&path, html.as_bytes())?;
    Ok(path)
}
