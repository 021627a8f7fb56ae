//! The command line: words and environment in, a typed [`Invocation`] out.
//!
//! Two steps, because the project's `flags:` block is the lowest layer and lies in a file that the command line
//! points to: [`parse`] gives a [`Cli`], which knows the folders; [`Cli::resolve`] takes the block and gives the
//! invocation. Options, help and dbt's compatibility rules stand in tables (`global`, `own`, `verbs`, `verbs_own`).
//! Nothing here prints, reads a file (but looks whether folders exist), or knows what a command does.
mod again;
mod arguments;
pub mod behaviour;
mod events;
mod flags;
mod global;
mod grammar;
mod invocation;
mod layers;
mod own;
mod spec;
mod value;
mod verbs;
mod verbs_own;
pub mod version;
mod window;

pub use again::words_of;
pub use events::EVENTS;
pub use flags::{Flags, IndirectSelection, LogFormat, LogLevel};
pub use invocation::{Command, MetricsQuery, Output, PackageSource, PowerBiPart};
pub use layers::{Environment, FlagsBlock, Layers, Setting, Source};
pub use value::{Events, Fate, NewPackage, Value, WarnErrorOptions};
pub use window::{Moment, Sample};

use crate::diag::{Diagnostic, Result, Stopped, code};
use clap::error::ErrorKind;
use std::path::{Path, PathBuf};

/// The process ends here: help, versions or a usage error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// What to print, with a line break at its end.
    pub text: String,
    /// The same with terminal colours.
    pub coloured: String,
    /// Exit code: 0 for help and versions, 2 for a usage error.
    pub code: u8,
    /// Whether it goes to standard output, not to standard error.
    pub stdout: bool,
}

/// A command line that has been understood, before the project is known.
#[derive(Debug)]
pub struct Cli {
    words: grammar::Words,
    layers: Layers,
    command: Command,
    typed: String,
    folder: PathBuf,
    home: Option<PathBuf>,
    notices: Vec<String>,
}

/// What is to be done and how.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What.
    pub command: Command,
    /// How.
    pub flags: Flags,
    /// Sentences to tell the user once: renamed variables, options that do nothing here.
    pub notices: Vec<String>,
    /// Warnings about the project's `flags:` block.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a command line. `args` are the words without the program's name, `env` asks the environment, `folder` is
/// the working folder.
///
/// # Errors
/// Help, versions, or everything that is wrong with the words or the environment.
pub fn parse(args: &[String], env: Environment<'_>, folder: &Path) -> Result<Cli, Stop> {
    let words = match grammar::read(args) {
        Ok(words) => words,
        Err(error) if error.kind() == ErrorKind::DisplayVersion => return Err(version_asked()),
        Err(error) => return Err(stop(&error)),
    };
    let mut notices = Vec::new();
    let layers = match Layers::new(&words, env, &mut notices) {
        Ok(layers) => layers,
        Err(bad) => {
            let lines: Vec<String> = bad
                .iter()
                .map(|b| format!("invalid value for {}: {}", b.what, b.why))
                .collect();
            return Err(usage(&words, &lines.join("\nerror: ")));
        }
    };
    let command = arguments::command(&words, &layers).map_err(|why| usage(&words, &why))?;
    if let Some(why) = conflict(&layers) {
        return Err(usage(&words, &why));
    }
    notices.extend(without_effect(&layers));
    Ok(Cli {
        layers,
        command,
        typed: std::iter::once("tv1".to_string())
            .chain(args.iter().cloned())
            .collect::<Vec<_>>()
            .join(" "),
        folder: folder.to_path_buf(),
        home: env("HOME")
            .or_else(|| env("USERPROFILE"))
            .map(PathBuf::from),
        words,
        notices,
    })
}

/// The completion script of a shell.
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut grammar::command(), "tv1", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

impl Cli {
    /// The command.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// Folder of the project: as given; else the working folder or the nearest above it with a project file; else
    /// the working folder.
    pub fn project_dir(&self) -> PathBuf {
        if let Value::Text(given) = self.layers.get("project_dir") {
            return PathBuf::from(given);
        }
        let has_project = |p: &&Path| {
            ["project.yml", "dbt_project.yml"]
                .iter()
                .any(|f| p.join(f).is_file())
        };
        let found = self.folder.ancestors().find(has_project);
        found.unwrap_or(&self.folder).to_path_buf()
    }

    /// Folder of profiles.yml: as given; else the working folder if it has the file; else `~/.dbt`.
    pub fn profiles_dir(&self) -> PathBuf {
        if let Value::Text(given) = self.layers.get("profiles_dir") {
            return PathBuf::from(given);
        }
        match &self.home {
            Some(home) if !self.folder.join("profiles.yml").is_file() => home.join(".dbt"),
            _ => self.folder.clone(),
        }
    }

    /// The settings so far, for what must be known before the project is read.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// `--models`, which dbt has given up for `--select`.
    fn older_select(&self) -> Option<Diagnostic> {
        let selects = self.words.verb().options.iter().any(|o| o.name == "select");
        let older = |word: &str| {
            let word = word.split('=').next().unwrap_or_default();
            ["--models", "--model", "-m"].contains(&word)
        };
        (selects && self.typed.split(' ').any(older)).then(|| {
            Diagnostic::warning(
                code::P0110,
                "Usage of `--models`, `--model`, and `-m` is deprecated in favor of `--select` or `-s`.",
            )
            .event("ModelParamUsageDeprecation")
        })
    }

    /// The invocation, with the project's `flags:` block as the lowest layer.
    ///
    /// # Errors
    /// Entries of the block that cannot be, and options that exclude each other.
    pub fn resolve(self, block: Option<&FlagsBlock>) -> Result<Invocation> {
        let (project_dir, profiles_dir) = (self.project_dir(), self.profiles_dir());
        let older = self.older_select();
        let (mut layers, mut warnings) = self.layers.with_project(block)?;
        warnings.extend(older);
        warnings.extend(block.and_then(moved));
        let set = |name: &str| layers.source(name) != Source::Standard;
        if let Value::Warnings(options) = layers.get("warn_error_options") {
            warnings.extend(older_words(options));
        }
        let listed = matches!(layers.get("warn_error_options"), Value::Warnings(w) if *w != WarnErrorOptions::default());
        if *layers.get("warn_error") == Value::Bool(true) && listed && set("warn_error_options") {
            let d = Diagnostic::error(
                code::U0801,
                "`warn_error` and `warn_error_options` exclude each other",
            )
            .note(format!(
                "`warn_error`: {}; `warn_error_options`: {}",
                layers.source("warn_error"),
                layers.source("warn_error_options")
            ))
            .help("leave out `warn_error`; `warn_error_options: {error: all}` says the same");
            return Err(Stopped::from(d));
        }
        for (name, path) in [
            ("profiles_dir", &profiles_dir),
            ("project_dir", &project_dir),
        ] {
            if let Some(setting) = layers.settings.get_mut(name) {
                setting.value = Value::Text(path.display().to_string());
            }
        }
        // As in dbt, these two are shown as absolute paths; the others as given.
        for name in ["log_path", "partial_parse_file_path"] {
            if let Some(Setting {
                value: Value::Text(path),
                ..
            }) = layers.settings.get_mut(name)
            {
                *path = self.folder.join(&*path).display().to_string();
            }
        }
        let verb = self.words.verb();
        let args = verb
            .options
            .iter()
            .map(|o| o.name)
            .filter(|n| !["dry_run", "out", "columns"].contains(n))
            .collect();
        let mut flags = Flags::new(verb.which, self.typed, project_dir, layers, args);
        flags.words = self.words.positionals;
        Ok(Invocation {
            command: self.command,
            flags,
            notices: self.notices,
            warnings,
        })
    }
}

/// Flags in profiles.yml, which dbt has moved to the project file.
fn moved(block: &FlagsBlock) -> Option<Diagnostic> {
    (block.source == Source::Profiles).then(|| {
        Diagnostic::warning(
            code::P0110,
            "User config should be moved from the 'config' key in profiles.yml to the 'flags' key in dbt_project.yml.",
        )
        .event("ProjectFlagsMovedDeprecation")
    })
}

/// Options that exclude or need each other.
fn conflict(layers: &Layers) -> Option<String> {
    let given = |name: &str| !matches!(layers.get(name), Value::Null);
    let some = |name: &str| matches!(layers.get(name), Value::List(l) if !l.is_empty());
    for inline in ["inline", "inline_direct"] {
        if given(inline) && some("select") {
            let option = inline.replace('_', "-");
            return Some(format!("`--{option}` and `--select` exclude each other"));
        }
    }
    if given("inline") && given("inline_direct") {
        return Some("`--inline` and `--inline-direct` exclude each other".into());
    }
    match (layers.get("event_time_start"), layers.get("event_time_end")) {
        (Value::Moment(start), Value::Moment(end)) if start >= end => {
            Some("Value for `--event-time-start` must be less than `--event-time-end`".into())
        }
        (Value::Moment(_), Value::Null) => Some(
            "When specifying `--event-time-start`, `--event-time-end` must also be present.".into(),
        ),
        (Value::Null, Value::Moment(_)) => Some(
            "When specifying `--event-time-end`, `--event-time-start` must also be present.".into(),
        ),
        _ => None,
    }
}

/// Options typed on the command line that ask for what tv1 does not do.
fn without_effect(layers: &Layers) -> Vec<String> {
    let table: &[(&str, bool, &str)] = &[
        ("use_experimental_parser", true, "tv1 has one parser"),
        (
            "send_anonymous_usage_stats",
            true,
            "tv1 never sends anything",
        ),
        (
            "upload_to_artifacts_ingest_api",
            true,
            "tv1 never uploads anything",
        ),
        (
            "export_saved_queries",
            true,
            "saved queries are not exported",
        ),
        (
            "macro_debugging",
            true,
            "errors name the line of the macro anyway",
        ),
    ];
    let typed = |name: &str| layers.source(name) == Source::CommandLine;
    let mut said: Vec<String> = table
        .iter()
        .filter(|(name, on, _)| typed(name) && *layers.get(name) == Value::Bool(*on))
        .map(|(name, _, why)| format!("`--{}` does nothing: {why}", name.replace('_', "-")))
        .collect();
    for (name, why) in [
        ("record_timing_info", "timings stand in run_results.json"),
        (
            "partial_parse_file_path",
            "tv1 always reads the whole project",
        ),
    ] {
        if typed(name) {
            said.push(format!(
                "`--{}` does nothing: {why}",
                name.replace('_', "-")
            ));
        }
    }
    said
}

fn version_asked() -> Stop {
    Stop {
        text: version::text(),
        coloured: version::text(),
        code: 0,
        stdout: true,
    }
}

/// A usage error in the manner of clap's own, with the usage of the verb.
fn usage(words: &grammar::Words, message: &str) -> Stop {
    let mut at = grammar::command();
    at.build();
    for verb in &words.path {
        if let Some(below) = at.find_subcommand(verb.name).cloned() {
            at = below;
        }
    }
    stop(&at.error(ErrorKind::ValueValidation, message))
}

fn stop(error: &clap::Error) -> Stop {
    let drawn = error.render();
    Stop {
        text: drawn.to_string(),
        coloured: drawn.ansi().to_string(),
        code: u8::try_from(error.exit_code()).unwrap_or(2),
        stdout: !error.use_stderr(),
    }
}

#[cfg(test)]
mod tests;

/// `include` and `exclude` of `warn_error_options`, which dbt has given up for `error` and `warn`.
fn older_words(options: &WarnErrorOptions) -> Option<Diagnostic> {
    let newer = |older: &&str| if *older == "include" { "error" } else { "warn" };
    let found: Vec<String> = options.older.iter().map(|o| format!("`{o}`")).collect();
    let instead = options.older.iter();
    let instead = instead.map(|o| format!(" Please use `{}` instead of `{o}`.", newer(o)));
    (!found.is_empty()).then(|| {
        let message = format!(
            "Found {} in `warn_error_options` specification.{}",
            found.join(" and "),
            instead.collect::<String>()
        );
        let d = Diagnostic::warning(code::P0110, message).event("WEOIncludeExcludeDeprecation");
        let has = |word: &str| options.older.contains(&word);
        d.fact("found_include", has("include"))
            .fact("found_exclude", has("exclude"))
    })
}
