//! The project's private server: `db` commands, and the database of last resort.
use super::Outcome;
use super::connect::{Database, private_target};
use super::session::Session;
use crate::cli::Command;
use crate::diag::{Diagnostic, Result, code};
use crate::pg::ConnectOptions;
use crate::report::{Event, Level};
use crate::server::{self, Mode, Options, Running};
use std::time::Duration;

/// Servers that nobody has used for so long are stopped when any command of the user starts one.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

fn ensure(ctx: &Session, options: &Options) -> Result<Running> {
    let lookup = |name: &str| ctx.env.get(name);
    let running = server::ensure(&ctx.project_dir(), options, &lookup)?;
    server::stop_idle(IDLE, &lookup);
    if running.started {
        let made = if running.made {
            "Made and started"
        } else {
            "Started"
        };
        let text = format!(
            "{made} a private PostgreSQL {} for this project ({}, {}); `tv1 db stop` stops it",
            running.programs.version,
            running.programs.source.name(),
            running.home.display()
        );
        ctx.reporter.emit(Event::Line {
            level: Level::Info,
            text,
            dbt: None,
        });
    }
    Ok(running)
}

/// The private server as a database; started when the command connects.
pub fn private(ctx: &Session, profile: &str, connects: bool) -> Result<Database> {
    let origin =
        "no profile, DATABASE_URL or PG* variable: the project's private server".to_string();
    let options = if connects {
        ensure(ctx, &Options::default())?.options
    } else {
        ConnectOptions {
            dbname: Options::default().database,
            user: "tv1".into(),
            ..ConnectOptions::default()
        }
    };
    let target = private_target(ctx, &options, profile, origin);
    Ok(Database {
        target,
        options,
        private: true,
    })
}

/// `db start|stop|status|url|psql`.
pub fn database(ctx: &Session) -> Result<Outcome> {
    let say = |text: String| {
        ctx.reporter.emit(Event::Output {
            text,
            header: None,
            dbt: None,
        })
    };
    match &ctx.invocation.command {
        Command::DbStart { port } => {
            let running = ensure(
                ctx,
                &Options {
                    port: *port,
                    ..Options::default()
                },
            )?;
            say(format!("running: {}", running.url()));
        }
        Command::DbStop => {
            let stopped = server::stop(&ctx.project_dir(), Mode::default())?;
            say(if stopped {
                "stopped".into()
            } else {
                "no server is running for this project".into()
            });
        }
        Command::DbUrl => say(ensure(ctx, &Options::default())?.url()),
        Command::DbStatus => status(ctx)?,
        Command::DbPsql { args } => return psql(ctx, args),
        _ => {}
    }
    Ok(Outcome::Success)
}

fn status(ctx: &Session) -> Result<()> {
    let s = server::status(&ctx.project_dir())?;
    let say = |text: String| {
        ctx.reporter.emit(Event::Output {
            text,
            header: None,
            dbt: None,
        })
    };
    match (s.major, s.pid) {
        (None, _) => say("no private server yet: `tv1 build` or `tv1 db start` makes one".into()),
        (Some(major), Some(pid)) => {
            let port = s.port.map(|p| format!(", port {p}")).unwrap_or_default();
            say(format!(
                "PostgreSQL {major} is running, process {pid}{port}"
            ));
        }
        (Some(major), None) => say(format!("PostgreSQL {major} is stopped")),
    }
    say(format!("folder: {}", s.home.display()));
    if let Some(idle) = s.idle {
        say(format!("last used {} s ago", idle.as_secs()));
    }
    Ok(())
}

fn psql(ctx: &Session, args: &[String]) -> Result<Outcome> {
    let lookup = |name: &str| ctx.env.get(name);
    let running = ensure(ctx, &Options::default())?;
    let program = running.psql(&lookup)?;
    ctx.reporter.finish();
    let status = std::process::Command::new(&program)
        .arg(running.options.url(false))
        .args(args)
        .status()
        .map_err(|e| {
            Diagnostic::error(
                code::D0638,
                format!("cannot run `{}`: {e}", program.display()),
            )
        })?;
    Ok(if status.success() {
        Outcome::Success
    } else {
        Outcome::Failed
    })
}
