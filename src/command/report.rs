//! `report`: one file for each page of `reports/`.
use super::Outcome;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::cli::Command;
use crate::diag::{Diagnostic, Result, Sink, Stopped, code, render};
use crate::docs::page::base64;
use crate::page::{self, PageText, Pour, Report, Scope, Source};
use crate::pg::{Cell, ConnectOptions, PgError, Session as Db};
use crate::report::{Event, Level};
use crate::semantic::Layer;
use crate::text::nearest;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Runs the command.
pub fn report(ctx: &Session) -> Result<Outcome> {
    let Command::Report { report, out, check } = &ctx.invocation.command else {
        return Ok(Outcome::Success);
    };
    let loaded = setup::load(ctx, !check)?;
    let layer = super::metrics::layer(&loaded)?;
    let reports = reports(ctx, &layer)?;
    let chosen = chosen(&reports, report.as_deref())?;
    if *check {
        say(
            ctx,
            format!(
                "{} report{} checked",
                chosen.len(),
                if chosen.len() == 1 { " is" } else { "s are" }
            ),
        );
        return Ok(Outcome::Success);
    }
    let paths: Vec<PathBuf> = chosen
        .iter()
        .map(|r| path_of(&loaded, r, out.as_deref(), chosen.len()))
        .collect::<Result<_>>()?;
    // Before the numbers are asked for: they take a while, and would have no place to go.
    for path in &paths {
        crate::fs::can_write(path)?;
    }
    for (report, path) in chosen.iter().zip(paths) {
        write(
            ctx,
            &loaded,
            &Scope {
                layer: &layer,
                report,
            },
            &path,
        )?;
    }
    Ok(Outcome::Success)
}

fn say(ctx: &Session, text: String) {
    ctx.reporter.emit(Event::Line {
        level: Level::Info,
        text,
        dbt: None,
    });
}

/// The reports of the project, checked against its semantic layer.
pub fn reports(ctx: &Session, layer: &Layer) -> Result<Vec<Report>> {
    let mut sink = Sink::default();
    let reports = page::load(&ctx.project_dir(), &mut sink).reports;
    for report in &reports {
        Scope { layer, report }.check(&mut sink);
    }
    for d in sink.finish()? {
        let _ = writeln!(std::io::stderr(), "{}\n", render(&d, false));
    }
    if reports.is_empty() {
        return Err(Diagnostic::error(code::R0708, "the project has no reports")
            .help("describe a page in `reports/NAME.yml`: `report: NAME`, `slicers:` and `page:`")
            .into());
    }
    Ok(reports)
}

fn chosen<'a>(reports: &'a [Report], name: Option<&str>) -> Result<Vec<&'a Report>> {
    let Some(name) = name else {
        return Ok(reports.iter().collect());
    };
    let found: Vec<&Report> = reports.iter().filter(|r| r.name == name).collect();
    if found.is_empty() {
        let d = Diagnostic::error(code::R0708, format!("there is no report `{name}`"));
        let names: Vec<&str> = reports.iter().map(|r| r.name.as_str()).collect();
        return Err(match nearest(name, names.iter().copied()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("reports: {}", names.join(", "))),
        }
        .into());
    }
    Ok(found)
}

/// The file of a report: as given; in the folder given; else in the target folder.
fn path_of(loaded: &Loaded, report: &Report, out: Option<&Path>, count: usize) -> Result<PathBuf> {
    let name = format!("{}.html", report.name);
    match out {
        None => Ok(loaded.shared.target_dir.join("reports").join(name)),
        Some(path) if path.is_dir() || path.extension().is_none() => Ok(path.join(name)),
        Some(path) if count == 1 => Ok(path.to_path_buf()),
        Some(path) => Err(Diagnostic::error(
            code::U0804,
            format!(
                "{count} reports do not fit into the one file `{}`",
                path.display()
            ),
        )
        .help("name one report, or give a folder")
        .into()),
    }
}

/// The logo of a report as an address that carries it.
pub fn logo(ctx: &Session, report: &Report) -> Result<Option<String>> {
    let Some((name, place)) = &report.logo else {
        return Ok(None);
    };
    let fault = |text: String| Diagnostic::error(code::R0708, text).at(place.clone());
    let kind = match Path::new(name)
        .extension()
        .and_then(|e| e.to_str())
        .map(str::to_lowercase)
        .as_deref()
    {
        Some("svg") => "svg+xml",
        Some("png") => "png",
        Some("jpg" | "jpeg") => "jpeg",
        Some("webp") => "webp",
        _ => {
            return Err(fault(format!("`{name}` is no picture"))
                .help("a logo is an SVG, PNG, JPEG or WebP file")
                .into());
        }
    };
    let bytes = std::fs::read(ctx.project_dir().join(name)).map_err(|e| {
        fault(format!("the logo `{name}` cannot be read: {e}"))
            .help("the path begins at the project folder")
    })?;
    Ok(Some(format!("data:image/{kind};base64,{}", base64(&bytes))))
}

fn write(ctx: &Session, loaded: &Loaded, scope: &Scope<'_>, path: &Path) -> Result<()> {
    let logo = logo(ctx, scope.report)?;
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let readers = usize::from(loaded.shared.target.threads as u16).clamp(1, 8);
    let mut state = OneState::open(&loaded.database.options, readers)?;
    let built = page::build(scope, logo.as_deref(), &now, &mut state)?;
    let html = page::page(&PageText {
        title: &scope.report.title,
        locale: &scope.report.locale,
        page: &built.page,
        data: Some(&built.data),
    });
    crate::fs::write(path, html.as_bytes())?;
    for diagnostic in built.warnings {
        ctx.reporter.emit(Event::Diagnostic {
            diagnostic,
            dbt: None,
        });
    }
    for d in &built.dropped {
        let text = format!(
            "report `{}`: {d}, for its data would have more than {} rows; `max_cells` allows more",
            scope.report.name, scope.report.max_cells
        );
        ctx.reporter.emit(Event::Line {
            level: Level::Warn,
            text,
            dbt: None,
        });
    }
    say(
        ctx,
        format!(
            "Wrote {} ({} KB, {} rows of data)",
            path.display(),
            html.len() / 1024,
            built.cells
        ),
    );
    Ok(())
}

/// Rows as texts; truth in words.
pub fn rows(table: crate::pg::Table) -> Vec<Vec<Option<String>>> {
    let text = |c: &Cell| match c {
        Cell::Bool(b) => Some(b.to_string()),
        other => other.text(),
    };
    table
        .rows
        .iter()
        .map(|r| r.iter().map(text).collect())
        .collect()
}

/// Several sessions that see one state of the database, so that the numbers of a page belong together.
struct OneState {
    sessions: Vec<Mutex<Db>>,
}

impl OneState {
    fn open(options: &ConnectOptions, count: usize) -> Result<Self> {
        let fail =
            |e: PgError| Stopped::from(e.diagnostic(None, Some(options)).heading("Database Error"));
        let begin = "begin transaction isolation level repeatable read read only";
        let mut first = Db::connect(options).map_err(fail)?;
        first.execute(begin).map_err(fail)?;
        // Many short queries: compiling them would take longer than running them, sorting on disk too.
        let tuned = "set local jit = off; set local work_mem = '64MB'";
        first.execute(tuned).map_err(fail)?;
        let snapshot = first
            .fetch("select pg_catalog.pg_export_snapshot()")
            .ok()
            .and_then(|t| t.scalar()?.text());
        let mut sessions = vec![Mutex::new(first)];
        // Further sessions only make it quicker: where they cannot be had, one does it all.
        while let (Some(snapshot), true) = (&snapshot, sessions.len() < count) {
            let Ok(mut next) = Db::connect(options) else {
                break;
            };
            let same = format!(
                "{begin}; set transaction snapshot {}; {tuned}",
                crate::pg::quote_literal(snapshot)
            );
            if next.execute(&same).is_err() {
                break;
            }
            sessions.push(Mutex::new(next));
        }
        Ok(Self { sessions })
    }

    /// Runs jobs on all sessions, the first error ends it.
    fn spread<J: Send, T: Send>(
        &mut self,
        jobs: Vec<J>,
        run: impl Fn(&mut Db, J) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let count = jobs.len();
        let waiting = Mutex::new(jobs.into_iter().enumerate());
        let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
        let failed: Mutex<Option<Stopped>> = Mutex::new(None);
        let work = |session: &Mutex<Db>| {
            let Ok(mut db) = session.lock() else { return };
            loop {
                let stopped = failed.lock().is_ok_and(|f| f.is_some());
                let next = waiting.lock().ok().and_then(|mut w| w.next());
                let Some((at, job)) = next.filter(|_| !stopped) else {
                    return;
                };
                match run(&mut db, job) {
                    Ok(value) => {
                        if let Ok(mut done) = done.lock() {
                            done.push((at, value));
                        }
                    }
                    Err(e) => {
                        if let Ok(mut failed) = failed.lock() {
                            *failed = Some(e);
                        }
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for session in &self.sessions {
                scope.spawn(|| work(session));
            }
        });
        if let Ok(Some(e)) = failed.into_inner() {
            return Err(e);
        }
        let mut done = done.into_inner().unwrap_or_default();
        if done.len() < count {
            return Err(Diagnostic::error(code::R0708, "a query of the page was not run").into());
        }
        done.sort_by_key(|(at, _)| *at);
        Ok(done.into_iter().map(|(_, value)| value).collect())
    }
}

impl Source for OneState {
    fn ask(&mut self, sql: &[String]) -> Result<Vec<page::Rows>> {
        let jobs: Vec<&String> = sql.iter().collect();
        self.spread(jobs, |db, text| {
            db.fetch(text).map(rows).map_err(|e| failed(&e, text))
        })
    }

    fn pour(&mut self, jobs: Vec<Pour<'_>>) -> Result<()> {
        let done = self.spread(jobs, |db, job| {
            let copy = format!("copy (\n{}\n) to stdout", job.sql);
            db.copy_out(&copy, job.to)
                .map(drop)
                .map_err(|e| failed(&e, job.sql))
        });
        done.map(drop)
    }
}

/// What the server said to a query of the page.
fn failed(e: &PgError, sql: &str) -> Stopped {
    let note = format!("the query was:\n{}", sql.trim_end());
    let said = e.diagnostic(None, None).heading("Database Error");
    Stopped::from(said.note(note))
}
