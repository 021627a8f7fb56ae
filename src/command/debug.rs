//! `debug`: says which database is used and why, whether profile and project are sound, and tries the connection.
//! In: the session. Out: dbt's lines, so that what reads them reads ours, with where the connection comes from added.
use super::Outcome;
use super::connect::{Database, choose_or};
use super::session::Session;
use super::setup;
use crate::cli::{Command, Source};
use crate::config;
use crate::diag::{Diagnostic, Result, Stopped, render};
use crate::report::Event;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What `debug` shows of a target.
const SHOWN: [&str; 16] = [
    "host",
    "port",
    "user",
    "database",
    "schema",
    "threads",
    "connect_timeout",
    "role",
    "search_path",
    "keepalives_idle",
    "sslmode",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "application_name",
    "retries",
];

fn line(ctx: &Session, text: impl Into<String>) {
    ctx.reporter.emit(Event::Output {
        text: text.into(),
        header: None,
        dbt: None,
    });
}

/// Runs the command.
pub fn debug(ctx: &Session) -> Result<Outcome> {
    let (connection, config_dir) = match ctx.invocation.command {
        Command::Debug {
            connection,
            config_dir,
        } => (connection, config_dir),
        _ => (false, false),
    };
    let folder = profiles_folder(ctx);
    if config_dir {
        line(ctx, "To view your profiles.yml file, run:\n");
        line(ctx, format!("xdg-open {}", folder.display()));
        return Ok(Outcome::Success);
    }
    // As in dbt, a file with one profile alone leaves no doubt, even when the project cannot be read.
    let database = choose_or(ctx, true, only_profile(&folder));
    head(ctx, &folder, database.as_ref().ok());
    let mut failures = Vec::new();
    if let Err(stopped) = &database {
        let given = ctx.invocation.flags.layers.source("profiles_dir") != Source::Standard;
        let file = folder.join("profiles.yml");
        failures.push(if given && !file.is_file() {
            format!(
                "dbt looked for a profiles.yml file in {}, but did not find one",
                file.display()
            )
        } else {
            failed("Profile", stopped)
        });
    }
    if connection {
        line(ctx, "Skipping steps before connection verification");
    } else {
        failures.extend(configuration(ctx, database.as_ref().ok()));
    }
    match &database {
        Ok(database) => failures.extend(connect(ctx, database)),
        Err(_) => line(ctx, "Connection test skipped since no profile was found"),
    }
    if failures.is_empty() {
        line(ctx, "All checks passed!");
        return Ok(Outcome::Success);
    }
    let (n, s) = (failures.len(), if failures.len() == 1 { "" } else { "s" });
    line(ctx, format!("{n} check{s} failed:"));
    for failure in failures {
        line(ctx, failure);
    }
    Ok(Outcome::Failed)
}

/// The name of the one profile in a folder's profiles.yml.
fn only_profile(folder: &std::path::Path) -> Option<String> {
    let file = crate::fs::read(&folder.join("profiles.yml"), "profiles.yml").ok()?;
    let doc = crate::yaml::load_map(&file).ok()?;
    let names = doc.root.entries().iter().filter_map(|(k, _)| k.as_str());
    let mut profiles = names.filter(|name| *name != "config");
    let first = profiles.next()?.to_string();
    profiles.next().is_none().then_some(first)
}

fn profiles_folder(ctx: &Session) -> PathBuf {
    let flags = &ctx.invocation.flags;
    let given = flags.layers.source("profiles_dir") != Source::Standard;
    if let Some(folder) = flags.profiles_dir.as_ref().filter(|_| given) {
        return folder.clone();
    }
    let home = ctx.env.get("HOME").map(PathBuf::from);
    let found = config::profiles_file(None, &ctx.project_dir(), home.as_deref());
    found
        .and_then(|f| f.parent().map(std::path::Path::to_path_buf))
        .or_else(|| home.map(|h| h.join(".dbt")))
        .unwrap_or_default()
}

fn head(ctx: &Session, folder: &std::path::Path, database: Option<&Database>) {
    line(
        ctx,
        format!(
            "tv1 version: {} (compatible with dbt-core {})",
            env!("CARGO_PKG_VERSION"),
            crate::DBT_VERSION
        ),
    );
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    line(ctx, format!("os info: {os} {arch}"));
    let file = folder.join("profiles.yml");
    line(ctx, format!("Using profiles dir at {}", folder.display()));
    line(
        ctx,
        format!("Using profiles.yml file at {}", file.display()),
    );
    let project = ctx.project_dir().join("dbt_project.yml");
    line(
        ctx,
        format!("Using dbt_project.yml file at {}", project.display()),
    );
    if let Some(d) = database {
        line(ctx, "adapter type: postgres");
        line(ctx, format!("connection chosen by: {}", d.target.origin));
    }
}

/// Whether the files are sound.
fn configuration(ctx: &Session, database: Option<&Database>) -> Option<String> {
    let target = database.map_or_else(setup::no_target, |d| d.target.clone());
    let project = setup::packages(ctx, &target);
    let word = |ok: bool| {
        if ok {
            "OK found and valid"
        } else {
            "ERROR invalid"
        }
    };
    line(ctx, "Configuration:");
    line(
        ctx,
        format!("  profiles.yml file [{}]", word(database.is_some())),
    );
    line(
        ctx,
        format!("  dbt_project.yml file [{}]", word(project.is_ok())),
    );
    line(ctx, "");
    project.err().map(|stopped| failed("Project", &stopped))
}

/// Tries the connection.
fn connect(ctx: &Session, database: &Database) -> Option<String> {
    line(ctx, "Connection:");
    let context = database.target.context();
    for key in SHOWN {
        let value = context.get(key).cloned().unwrap_or_default();
        let text = match &value {
            serde_json::Value::Null => "None".to_string(),
            serde_json::Value::String(s) => s.clone(),
            other => other.to_string(),
        };
        line(ctx, format!("  {key}: {text}"));
    }
    let tried = crate::pg::Session::connect(&database.options).and_then(|mut s| {
        let version = s.fetch("select version()")?;
        Ok(version.scalar().and_then(crate::pg::Cell::text))
    });
    match tried {
        Ok(version) => {
            line(ctx, "  Connection test: [OK connection ok]\n");
            line(ctx, version.unwrap_or_default());
            None
        }
        Err(e) => {
            line(ctx, "  Connection test: [ERROR]\n");
            let d = e
                .diagnostic(None, Some(&database.options))
                .heading("Database Error");
            Some(format!(
                "dbt was unable to connect to the specified database.\nThe database returned the following error:\n\n{}\n\n\
                 Check your database credentials and try again.",
                told(&d)
            ))
        }
    }
}

fn failed(what: &str, stopped: &Stopped) -> String {
    let mut text = format!("{what} loading failed for the following reason:");
    for d in stopped.0.iter().filter(|d| d.is_error()) {
        let _ = write!(text, "\n{}", told(d));
    }
    text
}

/// A mistake with its place; the message begins as a sentence does.
fn told(d: &Diagnostic) -> String {
    let mut d = d.clone();
    let mut letters = d.message.chars();
    if let Some(first) = letters.next() {
        d.message = first.to_uppercase().chain(letters).collect();
    }
    render(&d, false)
}
