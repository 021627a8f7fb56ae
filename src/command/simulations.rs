//! Simulations as sources of the graph and as nodes of a run; `simulate`.
use super::Outcome;
use super::session::Session;
use super::setup::{self, Loaded};
use super::simulation_host::ProjectHost;
use super::simulation_views as views;
use crate::cli::Command;
use crate::context::Shared;
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::graph::Manifest;
use crate::load::Read;
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::parse::{SimulatedCheck, SimulatedSource};
use crate::report::{Event, Level};
use crate::simulate::{Action, Options, Simulations, Surroundings};
use crate::text::{Place, SourceFile};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Keys of `simulations:` in the project file.
const SETTINGS: [&str; 3] = ["seed", "start", "days"];

fn too_far(days: i64) -> Diagnostic {
    Diagnostic::error(
        code::P0103,
        format!("`simulations: days` is {days}, which leads beyond the year 9999"),
    )
}

/// The project's settings of simulations, with those of the command line over them.
fn options(ctx: &Session, settings: &Map<String, Json>, threads: usize) -> Result<Options> {
    let standard = Options::default();
    let whole = |key: &str| -> Result<Option<i64>> {
        match settings.get(key).filter(|v| !v.is_null()) {
            None => Ok(None),
            Some(v) => {
                let n = v
                    .as_i64()
                    .or_else(|| v.as_str().and_then(|s| s.trim().parse().ok()))
                    .filter(|n| *n >= 0);
                n.map(Some).ok_or_else(|| {
                    Diagnostic::error(
                        code::P0103,
                        format!("`simulations: {key}` must be a whole number, but is {v}"),
                    )
                    .into()
                })
            }
        }
    };
    if let Some(key) = settings.keys().find(|k| !SETTINGS.contains(&k.as_str())) {
        let near = crate::text::nearest(key, SETTINGS);
        return Err(Diagnostic::error(
            code::P0103,
            format!("`simulations:` has no setting `{key}`"),
        )
        .help(near.map_or_else(
            || format!("known settings: {}", SETTINGS.join(", ")),
            |n| format!("did you mean `{n}`?"),
        ))
        .into());
    }
    let flags = &ctx.invocation.flags;
    let mut options = Options {
        seed: whole("seed")?.map_or(standard.seed, |n| n as u64),
        start: match settings.get("start").filter(|v| !v.is_null()) {
            None => standard.start,
            Some(Json::String(day)) if day.parse::<chrono::NaiveDate>().is_ok() => day.clone(),
            Some(other) => {
                return Err(Diagnostic::error(
                    code::P0103,
                    format!("`simulations: start` must be a day, but is {other}"),
                )
                .help("write YYYY-MM-DD")
                .into());
            }
        },
        days: whole("days")?.map_or(Ok(standard.days), |n| {
            u32::try_from(n).map_err(|_| too_far(n))
        })?,
        threads: flags.threads.unwrap_or(threads),
        full_refresh: flags.full_refresh,
    };
    if let Command::Simulate {
        until: Some(until), ..
    } = &ctx.invocation.command
    {
        let start = options.start.parse::<chrono::NaiveDate>();
        let days = start.map(|s| (*until - s).num_days() + 1).unwrap_or(0);
        if days < 1 {
            return Err(Diagnostic::error(
                code::P0103,
                format!(
                    "--until {until} lies before the simulations' start {}",
                    options.start
                ),
            )
            .help("name a later day, or move `start` in the project file")
            .into());
        }
        options.days = days as u32;
    }
    let first = options.start.parse::<chrono::NaiveDate>().ok();
    let end = chrono::NaiveDate::from_ymd_opt(9999, 12, 31);
    if let (Some(first), Some(end)) = (first, end)
        && i64::from(options.days) > (end - first).num_days() + 1
    {
        return Err(too_far(i64::from(options.days)).into());
    }
    Ok(options)
}

/// Reads the simulations of the root project and says what they give the graph.
pub fn sources(
    ctx: &Session,
    shared: &Arc<Shared>,
    files: &[Read],
    settings: &Map<String, Json>,
    manifest: &Manifest,
) -> Result<(Option<Simulations>, Vec<SimulatedSource>)> {
    if files.is_empty() {
        return Ok((None, Vec::new()));
    }
    let host = ProjectHost {
        shared,
        manifest,
        options: options(ctx, settings, 4)?,
        database: None,
    };
    let texts: Vec<Arc<SourceFile>> = files.iter().map(|f| f.file.clone()).collect();
    let simulations = Simulations::load(&texts, &host)?;
    for d in &simulations.warnings {
        ctx.reporter.emit(Event::Diagnostic {
            diagnostic: d.clone(),
            dbt: None,
        });
    }
    let list = simulations
        .list
        .iter()
        .map(|s| SimulatedSource {
            name: s.name.clone(),
            schema: s.schema.clone().unwrap_or_else(|| "public".into()),
            description: s.description.clone(),
            columns: s
                .columns
                .iter()
                .map(|c| (c.name.clone(), c.data_type.clone(), c.description.clone()))
                .collect(),
            reads: s.depends_on.clone(),
            faults: s.faults,
            spec_hash: s.spec_hash.clone(),
            original_file_path: s.place.file.path.clone(),
            place: Some(s.place.clone()),
            start: host.options.start.clone(),
            expects: s
                .expects
                .iter()
                .map(|e| SimulatedCheck {
                    name: e.name.clone(),
                    sql: e.sql.clone(),
                    holds: e.holds("observed"),
                    warn: e.warn,
                    place: Place::new(&s.place.file, e.span.clone()),
                })
                .collect(),
        })
        .collect();
    Ok((Some(simulations), list))
}

/// Generates one simulation as a node of a run.
pub fn generate(
    ctx: &Session,
    loaded: &Loaded,
    name: &str,
    progress: &dyn Fn(u64, Option<u64>),
    cancelled: &AtomicBool,
) -> NodeResult {
    let begun = chrono::Utc::now();
    let started = std::time::Instant::now();
    let id = loaded
        .manifest
        .sources
        .values()
        .find(|s| s.simulation.as_deref() == Some(name))
        .map_or(name, |s| s.unique_id.as_str());
    let mut result = NodeResult::new(id, Status::Success);
    match load_one(ctx, loaded, name, progress, cancelled) {
        Ok(done) => {
            told(ctx, &done);
            let (word, count) = match &done.action {
                Action::Build(_) => ("SIMULATE", done.rows),
                Action::Extend(_) => ("EXTEND", done.added),
                Action::Repair => ("REPAIR", done.rows),
                Action::Keep => ("UNCHANGED", done.rows),
            };
            result.message = Some(format!("{word} {count}"));
            let map = json!({"_message": format!("{word} {count}"), "code": word, "rows_affected": count, "digest": done.digest, "until": done.until});
            result.adapter_response = map.as_object().cloned().unwrap_or_default();
        }
        Err(Stopped(list)) => {
            result.status = Status::Error;
            let first = list.into_iter().find(Diagnostic::is_error);
            let message = first
                .as_ref()
                .map(|d| d.message.clone())
                .unwrap_or_default();
            result.message = Some(format!(
                "Simulation Error in simulation {name}\n  {message}"
            ));
            result.diagnostic = first;
        }
    }
    result.timing.push(Timing {
        name: Step::Execute,
        started_at: Some(begun),
        completed_at: Some(chrono::Utc::now()),
    });
    result.execution_time = started.elapsed().as_secs_f64();
    result
}

/// Says why a table was made anew or added to, and which checks only warn.
fn told(ctx: &Session, done: &crate::simulate::Loaded) {
    let why = match &done.action {
        Action::Build(why) => Some(format!("made anew, because {why}")),
        Action::Extend(from) => Some(format!("days added, from {from}")),
        Action::Repair => Some("days that a broken run had begun to add were removed".into()),
        Action::Keep => None,
    };
    if let Some(why) = why {
        ctx.reporter.emit(Event::Line {
            level: Level::Info,
            text: format!("simulation {}: {why}", done.name),
            dbt: None,
        });
    }
    for check in done.checks.iter().filter(|c| !c.passed && c.warn) {
        let message = format!("{}: expect `{}`: {}", done.name, check.name, check.message);
        ctx.reporter.emit(Event::Diagnostic {
            diagnostic: Diagnostic::warning(code::M0811, message),
            dbt: None,
        });
    }
}

fn load_one(
    ctx: &Session,
    loaded: &Loaded,
    name: &str,
    progress: &dyn Fn(u64, Option<u64>),
    cancelled: &AtomicBool,
) -> Result<crate::simulate::Loaded> {
    let Some(simulations) = &loaded.simulations else {
        return Err(
            Diagnostic::error(code::M0803, format!("there is no simulation `{name}`")).into(),
        );
    };
    let options = options(
        ctx,
        &loaded.project.simulations,
        loaded.shared.target.threads,
    )?;
    let connection = &loaded.database.options;
    let host = ProjectHost {
        shared: &loaded.shared,
        manifest: &loaded.manifest,
        options: options.clone(),
        database: Some(connection),
    };
    let connect = || -> Result<crate::pg::Session> {
        crate::pg::Session::connect(connection)
            .map_err(|e| e.diagnostic(None, Some(connection)).into())
    };
    let told = std::sync::Mutex::new(());
    let reporter = ctx.reporter.clone();
    let id = loaded
        .manifest
        .sources
        .values()
        .find(|s| s.simulation.as_deref() == Some(name))
        .map(|s| s.unique_id.clone())
        .unwrap_or_default();
    let listen = |p: crate::simulate::Progress<'_>| {
        let _one_at_a_time = told.lock();
        reporter.emit(Event::NodeProgress {
            unique_id: id.clone(),
            rows: p.rows,
            expected: p.expected,
        });
    };
    progress(0, None);
    simulations.run_one(
        name,
        &options,
        Surroundings {
            host: &host,
            connect: &connect,
            listen: &listen,
            cancelled,
        },
    )
}

/// `simulate`: the simulations alone, or a look at some.
pub fn simulate(ctx: &Session) -> Result<Outcome> {
    let Command::Simulate {
        preview,
        limit,
        profile,
        ..
    } = &ctx.invocation.command
    else {
        return Ok(Outcome::Success);
    };
    if preview.is_none() && !profile {
        return super::run::run_simulations(ctx);
    }
    let loaded = setup::load(ctx, false)?;
    let Some(simulations) = &loaded.simulations else {
        return Err(
            Diagnostic::error(code::M0803, "the project has no simulations")
                .help("add files to `simulations/`")
                .into(),
        );
    };
    let options = options(ctx, &loaded.project.simulations, 4)?;
    let host = ProjectHost {
        shared: &loaded.shared,
        manifest: &loaded.manifest,
        options: options.clone(),
        database: None,
    };
    let say = |text: String| {
        ctx.reporter.emit(Event::Output {
            text,
            header: None,
            dbt: None,
        });
    };
    if *profile {
        let names = match preview {
            Some(name) => vec![name.clone()],
            None => super::run::chosen_simulations(ctx, &loaded)?,
        };
        for (i, name) in names.iter().enumerate() {
            let columns = simulations.profile(name, &options, &host)?;
            let gap = if i == 0 { "" } else { "\n" };
            say(format!("{gap}{}", views::profile(name, &columns)));
        }
        return Ok(Outcome::Success);
    }
    let name = preview.as_deref().unwrap_or_default();
    let limit = usize::try_from(*limit).unwrap_or(20);
    say(views::preview(
        simulations.preview(name, limit, &options, &host)?,
    ));
    Ok(Outcome::Success)
}
