//! `debug`: versions, files and settings, and whether the database answers.
use super::Outcome;
use super::connect::{Database, choose};
use super::session::Session;
use super::setup;
use crate::config::{self, Project};
use crate::diag::{Result, Stopped};
use crate::report::{ADAPTER_VERSION, DBT_VERSION, Event, TV1_VERSION};
use serde_json::Value;
use std::path::PathBuf;

/// Keys of a target that are shown.
const SHOWN: &[&str] = &[
    "host",
    "port",
    "user",
    "database",
    "schema",
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
    "threads",
];

/// Runs the command; with `connection` only that is tried, with `config_dir` only the folder of profiles is said.
pub fn debug(ctx: &Session, connection: bool, config_dir: bool) -> Result<Outcome> {
    let line = |text: String| ctx.reporter.emit(Event::debug_line(text));
    let profiles = profiles_file(ctx);
    if config_dir {
        let folder = ctx
            .invocation
            .flags
            .profiles_dir
            .clone()
            .unwrap_or_default();
        let shown = profiles
            .as_ref()
            .and_then(|p| p.parent())
            .unwrap_or(&folder);
        line(format!(
            "To view your profiles.yml file, run:\n\nopen {}",
            shown.display()
        ));
        return Ok(Outcome::Success);
    }
    line(format!("dbt version: {DBT_VERSION}"));
    line(format!("tv1 version: {TV1_VERSION}"));
    line(format!(
        "os info: {}-{}",
        std::env::consts::OS,
        std::env::consts::ARCH
    ));
    let root = ctx.project_dir();
    let project_file = ["project.yml", "dbt_project.yml"]
        .iter()
        .map(|f| root.join(f))
        .find(|p| p.is_file());
    match &profiles {
        Some(file) => {
            let folder = file.parent().unwrap_or(file);
            line(format!("Using profiles dir at {}", folder.display()));
            line(format!("Using profiles.yml file at {}", file.display()));
        }
        None => line("No profiles.yml file".into()),
    }
    if let Some(file) = &project_file {
        line(format!("Using dbt_project.yml file at {}", file.display()));
    }
    line("adapter type: postgres".into());
    line(format!("adapter version: {ADAPTER_VERSION}"));
    let database = choose(ctx, true);
    let mut errors: Vec<Stopped> = Vec::new();
    if connection {
        line("Skipping steps before connection verification".into());
    } else {
        configuration(ctx, database.as_ref().err(), &mut errors);
    }
    let connected = match database {
        Ok(database) => tried(ctx, &database),
        Err(stopped) => {
            if connection {
                errors.push(stopped);
            }
            false
        }
    };
    for stopped in &errors {
        super::failure::report(&ctx.reporter, stopped);
    }
    let failed = errors.len() + usize::from(!connected);
    ctx.reporter.emit(Event::debug_result(if failed == 0 {
        "All checks passed!".to_string()
    } else {
        format!(
            "{failed} check{} failed",
            if failed == 1 { "" } else { "s" }
        )
    }));
    Ok(if failed == 0 {
        Outcome::Success
    } else {
        Outcome::Failed
    })
}

fn profiles_file(ctx: &Session) -> Option<PathBuf> {
    let flags = &ctx.invocation.flags;
    let given = flags.layers.source("profiles_dir") != crate::cli::Source::Standard;
    let home = ctx.env.get("HOME").map(PathBuf::from);
    config::profiles_file(
        flags.profiles_dir.as_deref().filter(|_| given),
        &ctx.project_dir(),
        home.as_deref(),
    )
    .filter(|p| p.is_file())
}

/// Whether the files are sound, and git is there.
fn configuration(ctx: &Session, profile: Option<&Stopped>, errors: &mut Vec<Stopped>) {
    let line = |text: String| ctx.reporter.emit(Event::debug_line(text));
    let word = |ok: bool| {
        if ok {
            "OK found and valid"
        } else {
            "ERROR invalid"
        }
    };
    line("Configuration:".into());
    let project =
        setup::plain_render(ctx).and_then(|render| Project::load(&ctx.project_dir(), "", &render));
    line(format!("  profiles.yml file [{}]", word(profile.is_none())));
    line(format!(
        "  dbt_project.yml file [{}]",
        word(project.is_ok())
    ));
    // A mistake of the project file keeps the profile from being found, and is told once.
    if let Some(stopped) = profile {
        errors.push(stopped.clone());
    }
    if let Err(stopped) = project
        && errors.iter().all(|e| *e != stopped)
    {
        errors.push(stopped);
    }
    line("Required dependencies:".into());
    let git = std::process::Command::new("git").arg("--version").output();
    let git = git.is_ok_and(|o| o.status.success());
    line(format!(
        " - git [{}]\n",
        if git {
            "OK found"
        } else {
            "ERROR: `deps` needs it for git packages"
        }
    ));
}

/// Shows the settings and connects.
fn tried(ctx: &Session, database: &Database) -> bool {
    let line = |text: String| ctx.reporter.emit(Event::debug_line(text));
    line("Connection:".into());
    line(format!("  chosen by: {}", database.target.origin));
    let settings = database.target.context();
    for key in SHOWN {
        let Some((_, value)) = settings.iter().find(|(k, _)| k == key) else {
            continue;
        };
        let text = match value {
            Value::Null => "None".to_string(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        line(format!("  {key}: {text}"));
    }
    let answer = crate::pg::Session::connect(&database.options).and_then(|mut s| {
        let table = s.fetch("select version()")?;
        Ok(table
            .scalar()
            .and_then(crate::pg::Cell::text)
            .unwrap_or_default())
    });
    match answer {
        Ok(version) => {
            line("  Connection test: [OK connection ok]".into());
            line(format!("  server: {version}\n"));
            true
        }
        Err(e) => {
            line("  Connection test: [ERROR]".into());
            let d = e
                .diagnostic(None, Some(&database.options))
                .heading("Database Error");
            ctx.reporter.emit(Event::Diagnostic {
                diagnostic: d,
                dbt: None,
            });
            false
        }
    }
}
