//! The commands: each is a list of the pipeline's steps, from the command line to the exit code.
mod calendar;
mod catalog;
mod catalog_rows;
mod compile;
mod connect;
mod database;
mod debug;
mod deps;
mod diff;
mod docs;
mod docs_serve;
mod export;
mod failure;
mod freshness;
mod housekeeping;
mod init;
mod lineage;
mod list;
mod metrics;
mod operation;
mod publish;
mod python_json;
mod report;
mod retry;
mod run;
mod saved_query;
mod secrets;
mod selection;
mod serve;
mod session;
mod setup;
mod show;
mod simulation_host;
mod simulation_views;
mod simulations;
mod sound;
mod warnings;

use crate::cli::{self, Command};
use crate::diag::{Result, render};
use crate::report::{Event, FileOptions, Format, Level, Masks, Options, Reporter};
use session::Environment;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything went well: exit code 0.
    Success,
    /// A node failed: exit code 1.
    Failed,
    /// The run was stopped from outside before its end: exit code 2, as dbt's.
    Interrupted,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let begun = Instant::now();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = std::env::current_dir().unwrap_or_default();
    let env = Environment::read(&folder);
    let lookup = |name: &str| env.get(name);
    let cli = match cli::parse(&args, &lookup, &folder) {
        Ok(cli) => cli,
        Err(stop) => return shown(&stop),
    };
    let env = env.with_dotenv(&cli.project_dir());
    let block = setup::flags_block(&cli.project_dir(), &cli.profiles_dir());
    let invocation = match block.and_then(|b| cli.resolve(b.as_ref())) {
        Ok(i) => i,
        Err(stopped) => return refused(&stopped),
    };
    let id = uuid::Uuid::new_v4().to_string();
    // As in dbt, a variable of the command line is a secret when it is called like one of the environment.
    let given = invocation.flags.vars.to_json();
    let given = given.as_object().into_iter().flatten();
    let given = given.map(|(k, v)| (k.clone(), v.as_str().map_or(v.to_string(), str::to_string)));
    let of_env = env.vars.iter().map(|(k, v)| (k.clone(), v.clone()));
    let masks = Masks::named_secret(of_env.chain(given));
    let reporter = match Reporter::start(report_options(&invocation, &id), masks) {
        Ok(r) => r,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "error: cannot write the log: {e}");
            return ExitCode::from(2);
        }
    };
    let which = invocation.flags.which.to_string();
    let quiet_answer = matches!(
        invocation.command,
        Command::DbUrl
            | Command::Completions { .. }
            | Command::Explain { .. }
            | Command::MetricsList { .. }
            | Command::MetricsShow { .. }
            | Command::MetricsQuery(_)
            | Command::DbStart { .. }
            | Command::DbStop
            | Command::DbStatus
            | Command::DbPsql { .. }
    );
    if !quiet_answer {
        reporter.emit(Event::Started {
            command: which.clone(),
            args: invocation.flags.to_args_map(),
        });
    }
    for notice in &invocation.notices {
        reporter.emit(Event::Line {
            level: Level::Warn,
            text: notice.clone(),
            dbt: None,
        });
    }
    let ctx = session::Session {
        invocation,
        env,
        reporter: reporter.clone(),
        id,
        started_at: chrono::Utc::now(),
        again: None,
        batches: std::collections::HashMap::new(),
    };
    let outcome = warnings::of_the_command_line(&ctx).and_then(|()| run(&ctx));
    let code = match &outcome {
        Ok(Outcome::Success) => 0,
        Ok(Outcome::Failed) => 1,
        Ok(Outcome::Interrupted) => 2,
        Err(stopped) => failure::report(&reporter, stopped),
    };
    if !quiet_answer {
        reporter.emit(Event::CommandCompleted {
            command: which,
            success: code == 0,
            elapsed: begun.elapsed(),
        });
    }
    reporter.finish();
    ExitCode::from(code)
}

fn run(ctx: &session::Session) -> Result<Outcome> {
    match &ctx.invocation.command {
        Command::Build { .. }
        | Command::Run
        | Command::Test
        | Command::Seed { .. }
        | Command::Clone
        | Command::Snapshot => run::run(ctx),
        Command::Retry => retry::retry(ctx),
        Command::SourceFreshness { output } => freshness::freshness(ctx, output.as_deref()),
        Command::Init {
            project_name,
            skip_profile_setup,
        } => init::init(ctx, project_name.as_deref(), *skip_profile_setup),
        Command::DocsServe {
            host,
            port,
            browser,
        } => docs_serve::docs(ctx, host, *port, *browser),
        Command::Compile { .. } | Command::Show { .. } => compile::compile(ctx),
        Command::Parse => housekeeping::parse(ctx),
        Command::List { .. } => list::list(ctx),
        Command::MetricsList { .. } | Command::MetricsShow { .. } | Command::MetricsQuery(_) => {
            metrics::metrics(ctx)
        }
        Command::ExportPowerBi { .. } => export::powerbi(ctx),
        Command::Simulate { .. } => simulations::simulate(ctx),
        Command::Docs { .. } | Command::DocsGenerate { .. } => docs::docs(ctx),
        Command::Debug { .. } => debug::debug(ctx),
        Command::DbStart { .. }
        | Command::DbStop
        | Command::DbStatus
        | Command::DbUrl
        | Command::DbPsql { .. } => database::database(ctx),
        Command::Clean { project_files_only } => housekeeping::clean(ctx, *project_files_only),
        Command::Explain { code } => housekeeping::explain(ctx, code.as_deref()),
        Command::Completions { shell } => housekeeping::completions(ctx, *shell),
        Command::Deps { .. } => deps::deps(ctx),
        Command::Report { .. } => report::report(ctx),
        Command::Serve { .. } => serve::serve(ctx),
        Command::Lineage { .. } => lineage::lineage(ctx),
        Command::Diff { limit, output } => diff::diff(ctx, *limit, *output),
        Command::RunOperation { macro_name, args } => {
            operation::operation(ctx, macro_name, args.as_ref())
        }
    }
}

fn shown(stop: &cli::Stop) -> ExitCode {
    // A reader that went away wants no more help.
    let _ = if stop.stdout {
        let text = if std::io::stdout().is_terminal() {
            &stop.coloured
        } else {
            &stop.text
        };
        std::io::stdout().write_all(text.as_bytes())
    } else {
        let text = if std::io::stderr().is_terminal() {
            &stop.coloured
        } else {
            &stop.text
        };
        std::io::stderr().write_all(text.as_bytes())
    };
    ExitCode::from(stop.code)
}

fn refused(stopped: &crate::diag::Stopped) -> ExitCode {
    let colour = std::io::stderr().is_terminal();
    for d in &stopped.0 {
        let _ = writeln!(std::io::stderr(), "{}", render(d, colour));
    }
    ExitCode::from(2)
}

fn report_options(i: &cli::Invocation, id: &str) -> Options {
    let f = &i.flags;
    let format = |l: cli::LogFormat, file: bool| match l {
        cli::LogFormat::Json => Format::Json,
        cli::LogFormat::Debug => Format::Debug,
        cli::LogFormat::Default if file => Format::Debug,
        _ => Format::Text,
    };
    let level = |l: cli::LogLevel| match l {
        cli::LogLevel::Debug => Level::Debug,
        cli::LogLevel::Info => Level::Info,
        cli::LogLevel::Warn => Level::Warn,
        cli::LogLevel::Error => Level::Error,
        cli::LogLevel::None => Level::None,
    };
    let terminal = std::io::stdout().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let file = Some(FileOptions {
        format: format(f.log_format_file, true),
        level: level(f.log_level_file),
        colours: f.use_colors_file && f.layers.source("use_colors_file") != cli::Source::Standard,
        max_bytes: f.log_file_max_bytes,
        ..FileOptions::new(f.log_folder())
    });
    let options = Options {
        format: format(f.log_format, false),
        level: level(f.log_level),
        quiet: false,
        print: f.print,
        all_deprecations: f.show_all_deprecations,
        colours: f.colours(terminal, no_color),
        width: f.printer_width,
        terminal: terminal
            && f.log_format != cli::LogFormat::Json
            && std::io::stderr().is_terminal(),
        extra: std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .filter_map(|(k, v)| {
                let name = k.strip_prefix("DBT_ENV_CUSTOM_ENV_")?.to_string();
                Some((name, v.into()))
            })
            .collect(),
        file,
        ..Options::new(id)
    };
    let options = if f.debug { options.debug() } else { options };
    // Their answer is all that belongs on stdout, so that it can be piped.
    let answers = matches!(
        i.command,
        Command::MetricsList { .. } | Command::MetricsShow { .. } | Command::MetricsQuery(_)
    );
    if f.quiet || (answers && !f.debug) {
        options.quiet()
    } else {
        options
    }
}
