//! `export powerbi`: the semantic layer and the report pages as a Power BI project.
use super::Outcome;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::cli::{Command, PowerBiPart};
use crate::diag::{Diagnostic, Result, Severity, Sink, code, render};
use crate::page::{Measures, Report, Slicer};
use crate::pg::{Cell, quote_literal};
use crate::powerbi::{self, Choice, Files, Parameter, Relations, Settings, Sheet, State};
use crate::report::{Event, Level};
use crate::semantic::Layer;
use std::path::{Path, PathBuf};

/// What was asked for.
struct Asked {
    out: PathBuf,
    shown: String,
    check: bool,
    only: Option<PowerBiPart>,
    adopt: Option<PathBuf>,
}

/// Runs the command.
pub fn powerbi(ctx: &Session) -> Result<Outcome> {
    let Command::ExportPowerBi {
        out,
        check,
        only,
        adopt,
    } = &ctx.invocation.command
    else {
        return Ok(Outcome::Success);
    };
    let root = ctx.project_dir();
    let relative = out.clone().unwrap_or_else(|| PathBuf::from("powerbi"));
    let asked = Asked {
        shown: relative.display().to_string(),
        out: root.join(&relative),
        check: *check,
        only: *only,
        adopt: adopt.clone(),
    };
    let loaded = setup::load(ctx, true)?;
    let layer = super::metrics::layer(&loaded)?;
    if layer.tables.is_empty() {
        return Err(Diagnostic::error(code::R0705, "the project has no semantic models, so there is nothing to export")
            .help("add `semantic_model: {enabled: true}` to a model, and `entity:` and `dimension:` to its columns")
            .into());
    }
    if !asked.check {
        crate::fs::can_write(&asked.out.join(powerbi::FILE))?;
    }
    super::metrics::warn(&crate::semantic::lint(&layer, &loaded.manifest));
    let mut sink = Sink::default();
    let present = read_folder(&asked.out)?;
    let mut state = State::read(present.get(powerbi::FILE).map(String::as_str));
    let mut adopted = Files::new();
    if let Some(dir) = &asked.adopt {
        adopted = read_folder(dir)?;
        state.names = powerbi::adopt(&adopted, &layer, &mut sink);
    }
    let reports = reports(ctx, &mut sink);
    let settings = settings(&loaded, &present, &adopted, &culture(&reports));
    let relations = relations(ctx, &loaded, &layer);
    super::metrics::warn(&super::calendar::lint(&loaded, &layer));
    let parameters = parameters(&reports);
    let model = powerbi::build(
        &layer,
        &relations,
        &parameters,
        &settings,
        &state.names,
        &mut sink,
    );
    let mut generated = powerbi::model_files(&model, &settings);
    let sheets: Vec<Sheet> = reports.iter().map(sheet).collect();
    generated.extend(powerbi::pages(
        &layer, &model, &sheets, &settings, &mut sink,
    ));
    super::metrics::warn(&sink.finish()?);
    finish(ctx, &asked, &settings, generated, present, adopted, &state)
}

/// Compares or writes.
fn finish(
    ctx: &Session,
    asked: &Asked,
    settings: &Settings,
    generated: Files,
    mut present: Files,
    adopted: Files,
    state: &State,
) -> Result<Outcome> {
    let (report, model) = (
        format!("{}.Report", settings.name),
        format!("{}.SemanticModel", settings.name),
    );
    // Pages that are taken over stay as they are.
    let pages = |p: &str| p.starts_with(&format!("{report}/"));
    for (path, text) in adopted.into_iter().filter(|(p, _)| pages(p)) {
        present.entry(path).or_insert(text);
    }
    let (mut wanted, next, kept) = powerbi::merge(&generated, &present, state, &report);
    wanted.insert(powerbi::FILE.to_string(), next.write());
    match asked.only {
        Some(PowerBiPart::Model) => wanted.retain(|p, _| !p.starts_with(&format!("{report}/"))),
        Some(PowerBiPart::Report) => wanted.retain(|p, _| !p.starts_with(&format!("{model}/"))),
        None => {}
    }
    let faults = powerbi::check(&if asked.only.is_none() {
        wanted.clone()
    } else {
        generated
    });
    if !faults.is_empty() {
        let mut d = Diagnostic::error(code::R0705, "the Power BI project would not hold together");
        for f in faults {
            d = d.note(f);
        }
        return Err(d.help("a page that was changed by hand may name a field that is gone; delete the page's folder to have it written anew").into());
    }
    for k in &kept {
        let note = Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::warning(
                code::R0706,
                format!("`{k}` was changed by hand and is kept as it is"),
            )
            .help("delete it to have it written anew")
        };
        ctx.reporter.emit(Event::Line {
            level: Level::Info,
            text: render(&note, false),
            dbt: None,
        });
    }
    let mut differences = powerbi::differences(&wanted, &present, &report, &model);
    match asked.only {
        Some(PowerBiPart::Model) => {
            differences.retain(|d| !d.path.starts_with(&format!("{report}/")))
        }
        Some(PowerBiPart::Report) => {
            differences.retain(|d| !d.path.starts_with(&format!("{model}/")))
        }
        None => {}
    }
    if asked.check {
        return checked(ctx, asked, &differences, wanted.len());
    }
    for d in &differences {
        let path = asked.out.join(&d.path);
        match wanted.get(&d.path) {
            Some(text) => crate::fs::write(&path, text.as_bytes())?,
            // Only what an export made is taken away again.
            None if d.path.starts_with(&format!("{model}/"))
                || state.hashes.contains_key(&d.path) =>
            {
                let _ = std::fs::remove_file(&path);
                tidy(&path, &asked.out);
            }
            None => {}
        }
    }
    // Pages that were taken over from elsewhere.
    for (path, text) in wanted.iter().filter(|(p, _)| !asked.out.join(p).exists()) {
        crate::fs::write(&asked.out.join(path), text.as_bytes())?;
    }
    say(
        ctx,
        format!("Wrote {} files to {}", wanted.len(), asked.shown),
    );
    Ok(Outcome::Success)
}

/// Removes folders that have become empty.
fn tidy(path: &Path, root: &Path) {
    let mut folder = path.parent();
    while let Some(f) = folder.filter(|f| *f != root) {
        if std::fs::remove_dir(f).is_err() {
            break;
        }
        folder = f.parent();
    }
}

fn say(ctx: &Session, text: String) {
    ctx.reporter.emit(Event::Line {
        level: Level::Info,
        text,
        dbt: None,
    });
}

fn checked(
    ctx: &Session,
    asked: &Asked,
    differences: &[powerbi::Difference],
    count: usize,
) -> Result<Outcome> {
    if differences.is_empty() {
        say(
            ctx,
            format!("{} is what the project says ({count} files)", asked.shown),
        );
        return Ok(Outcome::Success);
    }
    let mut d = Diagnostic::error(
        code::R0706,
        format!("{} is not what the project says", asked.shown),
    );
    for x in differences.iter().take(20) {
        d = d.note(format!("{}: {}", x.what, x.path));
    }
    if differences.len() > 20 {
        d = d.note(format!("and {} more", differences.len() - 20));
    }
    ctx.reporter.emit(Event::Diagnostic {
        diagnostic: d.help("`tv1 export powerbi` writes it anew"),
        dbt: None,
    });
    Ok(Outcome::Failed)
}

/// Every text file below a folder, by path; none if there is no such folder.
fn read_folder(root: &Path) -> Result<Files> {
    fn go(folder: &Path, prefix: &str, out: &mut Vec<(String, PathBuf)>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if [".pbi", ".git"].contains(&name.as_str()) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.path().is_dir() {
                go(&entry.path(), &format!("{path}/"), out);
            } else {
                out.push((path, entry.path()));
            }
        }
    }
    let mut found = Vec::new();
    go(root, "", &mut found);
    found.sort();
    let mut out = Files::new();
    for (name, path) in found {
        let bytes = std::fs::read(&path).map_err(|e| {
            Diagnostic::error(code::P0101, format!("cannot read {}: {e}", path.display()))
        })?;
        // Images and the like are nobody's text.
        if let Ok(text) = String::from_utf8(bytes) {
            let text = text
                .strip_prefix('\u{feff}')
                .map_or(text.clone(), str::to_string);
            out.insert(name, text);
        }
    }
    Ok(out)
}

/// The name of the project in a folder.
fn project_name(files: &Files) -> Option<String> {
    files.keys().find_map(|p| {
        p.strip_suffix(".pbip")
            .filter(|n| !n.contains('/'))
            .map(str::to_string)
    })
}

/// Server and database of the folder's parameters, so that the machine that exports does not matter.
fn parameter(files: &Files, name: &str) -> Option<String> {
    let text = files
        .iter()
        .find(|(p, _)| p.ends_with("/definition/expressions.tmdl"))?
        .1;
    let objects = powerbi::parse_tmdl(text).ok()?;
    let value = objects.into_iter().find(|o| o.name == name)?.value?;
    let inner = value.strip_prefix('"')?;
    Some(inner[..inner.find('"')?].to_string())
}

fn settings(loaded: &Loaded, present: &Files, adopted: &Files, culture: &str) -> Settings {
    let options = &loaded.database.options;
    let host = options.host.split(',').next().unwrap_or_default();
    let host = if host.is_empty() || host.starts_with('/') {
        "localhost"
    } else {
        host
    };
    Settings {
        name: project_name(present)
            .or(project_name(adopted))
            .unwrap_or_else(|| loaded.project.name.clone()),
        server: parameter(present, "Server").unwrap_or_else(|| format!("{host}:{}", options.port)),
        database: parameter(present, "Database").unwrap_or_else(|| options.dbname.clone()),
        culture: culture.to_string(),
    }
}

/// The columns that the relations have. Without a database the described ones must do.
fn relations(ctx: &Session, loaded: &Loaded, layer: &Layer) -> Relations {
    let mut out = Relations::new();
    let wanted: Vec<String> = layer
        .tables
        .values()
        .map(|t| {
            format!(
                "({}, {})",
                quote_literal(&t.relation.0),
                quote_literal(&t.relation.1)
            )
        })
        .collect();
    let sql = format!(
        "select n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, null) \
         from pg_catalog.pg_attribute a \
         join pg_catalog.pg_class c on c.oid = a.attrelid \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where a.attnum > 0 and not a.attisdropped and (n.nspname::text, c.relname::text) in ({}) \
         order by 1, 2, a.attnum",
        wanted.join(", ")
    );
    let rows =
        crate::pg::Session::connect(&loaded.database.options).and_then(|mut s| s.fetch(&sql));
    match rows {
        Ok(t) => {
            for r in &t.rows {
                let text = |i: usize| r.get(i).and_then(Cell::text).unwrap_or_default();
                out.entry((text(0), text(1)))
                    .or_default()
                    .push((text(2), text(3)));
            }
        }
        Err(e) => say(
            ctx,
            format!("The database cannot be asked ({e}); described columns are exported"),
        ),
    }
    out
}

/// The report pages of the project.
fn reports(ctx: &Session, sink: &mut Sink) -> Vec<Report> {
    crate::page::load(&ctx.project_dir(), sink).reports
}

/// Language and number formats of the model: those of the first page.
fn culture(reports: &[Report]) -> String {
    reports
        .first()
        .map_or_else(|| "en-US".into(), |r| r.locale.clone())
}

/// The parameters that pages use, each once.
fn parameters(reports: &[Report]) -> Vec<Parameter> {
    let mut out: Vec<Parameter> = Vec::new();
    for p in reports.iter().flat_map(|r| &r.parameters) {
        if !out.iter().any(|x| x.name == p.name) {
            out.push(Parameter {
                name: p.name.clone(),
                metrics: p.metrics.clone(),
            });
        }
    }
    out
}

/// A page as the exporter takes it.
fn sheet(r: &Report) -> Sheet {
    let choices = r.slicers.iter().filter_map(|s| match s {
        Slicer::Parameter { name, .. } => Some(Choice::Parameter(name.clone())),
        // Power BI's charts filter each other, so a slicer for that is not needed.
        Slicer::Dimension { hidden: true, .. } => None,
        Slicer::Dimension {
            dimension, place, ..
        } => Some(Choice::Dimension(dimension.clone(), place.clone())),
        Slicer::Time { .. } => Some(Choice::Time),
    });
    let tiles = r.tiles.iter().map(|t| powerbi::Tile {
        id: t.id.clone(),
        kind: t.kind.as_str(),
        title: t.title.clone(),
        metrics: match &t.measures {
            Measures::Named(list) => list.iter().map(|(m, _)| m.clone()).collect(),
            Measures::Parameter(name, _) => r
                .parameter(name)
                .map(|p| p.default.clone())
                .filter(|d| !d.is_empty())
                .unwrap_or_else(|| r.metrics(t)),
        },
        parameter: match &t.measures {
            Measures::Parameter(name, _) => Some(name.clone()),
            Measures::Named(_) => None,
        },
        by: t.by.iter().map(|(d, _)| d.clone()).collect(),
        image: t.image.as_ref().map(|(d, _)| d.clone()),
        limit: t.limit,
        at: (t.row, t.column, t.span, t.rows),
        place: t.place.clone(),
    });
    Sheet {
        name: r.name.clone(),
        title: r.title.clone(),
        colors: r.colors.clone(),
        slicers: choices.collect(),
        tiles: tiles.collect(),
        heights: r.heights.clone(),
    }
}
