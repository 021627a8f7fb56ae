//! `serve`: the reports and the documentation on this machine, live against the database.
use super::Outcome;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::cli::Command;
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::page::{self, PageText, Question, Report, Scope};
use crate::pg::{ConnectOptions, PgError, PgErrorKind, Session as Db};
use crate::report::{Event, Level};
use crate::semantic::Layer;
use crate::serve::{Fault, Site, listen, switch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Longest time that a query may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sessions with the database at once.
const SESSIONS: usize = 4;

/// Runs the command until it is interrupted.
pub fn serve(ctx: &Session) -> Result<Outcome> {
    let Command::Serve { port, browser } = ctx.invocation.command else {
        return Ok(Outcome::Success);
    };
    let loaded = setup::load(ctx, true)?;
    let layer = super::metrics::layer(&loaded)?;
    let reports = super::report::reports(ctx, &layer)?;
    let mut logos = BTreeMap::new();
    for report in &reports {
        if let Some(logo) = super::report::logo(ctx, report)? {
            logos.insert(report.name.clone(), logo);
        }
    }
    let pool = Pool::new(&loaded.database.options)?;
    let first = match reports.as_slice() {
        [one] => format!("report/{}", one.name),
        _ => String::new(),
    };
    let site = Served {
        title: loaded.project.name.clone(),
        layer,
        reports,
        logos,
        docs: docs_file(&loaded),
        pool,
    };
    let listening = listen(port).map_err(|e| {
        Diagnostic::error(
            code::U0804,
            format!("port {port} of this machine cannot be had: {e}"),
        )
        .help("another program may have it; `--port` names another")
    })?;
    let url = format!("http://{}/{first}", listening.address);
    say(ctx, format!("Serving {url} (Ctrl-C ends it)"));
    let (off, stop) = switch();
    let off = Mutex::new(Some(off));
    let _ = ctrlc::set_handler(move || {
        if let Some(off) = off.lock().ok().and_then(|mut o| o.take()) {
            let _ = off.send(());
        }
    });
    if browser {
        open(&url);
    }
    let site: Arc<dyn Site> = Arc::new(site);
    listening
        .run(site, stop)
        .map_err(|e| Diagnostic::error(code::U0804, format!("the server ended: {e}")))?;
    Ok(Outcome::Success)
}

fn say(ctx: &Session, text: String) {
    ctx.reporter.emit(Event::Line {
        level: Level::Info,
        text,
        dbt: None,
    });
}

fn docs_file(loaded: &Loaded) -> PathBuf {
    loaded.shared.target_dir.join("index.html")
}

/// Opens a page in the browser; where there is none the address stands on the terminal.
fn open(url: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let started = Process::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut child) = started {
        std::thread::spawn(move || child.wait());
    }
}

/// What is served.
struct Served {
    title: String,
    layer: Layer,
    reports: Vec<Report>,
    logos: BTreeMap<String, String>,
    docs: PathBuf,
    pool: Pool,
}

impl Site for Served {
    fn index(&self) -> Result<String, Fault> {
        let item = |href: &str, name: &str, text: &str| {
            format!(
                "<li><a href=\"{}\"><b>{}</b><span>{}</span></a></li>",
                escape(href),
                escape(name),
                escape(text)
            )
        };
        let mut list: Vec<String> = self
            .reports
            .iter()
            .map(|r| item(&format!("/report/{}", r.name), &r.title, &r.description))
            .collect();
        if self.docs.exists() {
            list.push(item(
                "/docs",
                "Documentation",
                "Models, columns, tests and lineage",
            ));
        }
        let title = escape(&self.title);
        Ok(format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{INDEX_STYLE}</style>\
             <main><h1>{title}</h1><ul>{}</ul></main></html>\n",
            list.join("")
        ))
    }

    fn report(&self, name: &str) -> Result<String, Fault> {
        let report = self
            .reports
            .iter()
            .find(|r| r.name == name)
            .ok_or_else(|| Fault::Absent(format!("there is no report `{name}`")))?;
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let logo = self.logos.get(name).map(String::as_str);
        let mut fault = None;
        let page = page::live(
            &Scope {
                layer: &self.layer,
                report,
            },
            logo,
            &now,
            &mut |sql| {
                self.pool.fetch(sql).map_err(|e| {
                    fault = Some(e);
                    Stopped::from(Diagnostic::error(
                        code::R0708,
                        "the database did not answer",
                    ))
                })
            },
        );
        let page = page.map_err(|e| {
            fault.unwrap_or_else(|| {
                Fault::Broken(e.0.first().map(|d| d.message.clone()).unwrap_or_default())
            })
        })?;
        Ok(page::page(&PageText {
            title: &report.title,
            locale: &report.locale,
            page: &page,
            data: None,
        }))
    }

    fn docs(&self) -> Result<String, Fault> {
        std::fs::read_to_string(&self.docs).map_err(|_| {
            Fault::Absent("the documentation has not been made: run `tv1 docs`".into())
        })
    }

    fn query(&self, question: &Question) -> Result<Value, Fault> {
        let answer = page::answer(&self.layer, question)
            .map_err(|page::Refused(text)| Fault::Asked(text))?;
        let mut rows = self.pool.fetch(std::slice::from_ref(&answer.plan.sql))?;
        Ok(answer.json(rows.pop().unwrap_or_default()))
    }
}

/// What a browser is told of an error: the server's sentence, nothing of how to connect.
fn told(e: &PgError) -> Fault {
    match (e.kind, e.sqlstate.as_str()) {
        (_, "57014") => Fault::Slow(format!(
            "the query took longer than {} seconds",
            PATIENCE.as_secs()
        )),
        // A value that is not of the column's type: the question is wrong, not the database.
        (_, code) if code.starts_with("22") => Fault::Asked(e.message.clone()),
        (PgErrorKind::Connect, _) => Fault::Broken("the database cannot be reached".into()),
        _ => Fault::Broken(e.message.clone()),
    }
}

/// Sessions that may only read.
struct Pool {
    options: ConnectOptions,
    free: Mutex<Vec<Option<Db>>>,
    back: Condvar,
}

impl Pool {
    fn new(options: &ConnectOptions) -> Result<Self> {
        let first = Db::connect(options)
            .map_err(|e| e.diagnostic(None, Some(options)).heading("Database Error"))?;
        let mut free: Vec<Option<Db>> = (1..SESSIONS).map(|_| None).collect();
        free.push(Some(first));
        Ok(Self {
            options: options.clone(),
            free: Mutex::new(free),
            back: Condvar::new(),
        })
    }

    /// Runs queries in one transaction that reads only and has a time limit.
    fn fetch(&self, sql: &[String]) -> Result<Vec<page::Rows>, Fault> {
        let taken = self.free.lock().ok().and_then(|free| {
            let (mut free, late) = self
                .back
                .wait_timeout_while(free, PATIENCE, |f| f.is_empty())
                .ok()?;
            if late.timed_out() { None } else { free.pop() }
        });
        let Some(slot) = taken else {
            return Err(Fault::Broken(
                "all sessions with the database are busy".into(),
            ));
        };
        let mut session = slot;
        let mut result = run(&mut session, &self.options, sql);
        if session.as_mut().is_some_and(Db::is_closed) {
            // The server was restarted meanwhile: once more with a new session.
            session = None;
            result = run(&mut session, &self.options, sql);
        }
        if let Ok(mut free) = self.free.lock() {
            free.push(session);
        }
        self.back.notify_one();
        result.map_err(|e| told(&e))
    }
}

fn run(
    session: &mut Option<Db>,
    options: &ConnectOptions,
    sql: &[String],
) -> Result<Vec<page::Rows>, PgError> {
    let db = match session {
        Some(db) => db,
        None => session.insert(Db::connect(options)?),
    };
    db.execute(&format!("begin transaction isolation level repeatable read read only; set local statement_timeout = {}", PATIENCE.as_millis()))?;
    let rows: Result<Vec<page::Rows>, PgError> = sql
        .iter()
        .map(|text| db.fetch(text).map(super::report::rows))
        .collect();
    let ended = db.rollback();
    let rows = rows?;
    ended?;
    Ok(rows)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const INDEX_STYLE: &str = "body{margin:0;font:16px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}\
main{max-width:640px;margin:12vh auto;padding:0 24px}h1{font-size:28px;letter-spacing:-.02em}ul{list-style:none;padding:0}\
a{display:block;padding:16px 0;border-top:1px solid color-mix(in srgb,CanvasText 15%,transparent);color:inherit;text-decoration:none}\
a:hover b{color:#d60000}b,span{display:block}span{opacity:.7;font-size:14px}";
