//! `retry`: takes up the last command with its own options, for what failed in it or was skipped.
use super::Outcome;
use super::selection::state_or_target;
use super::session::Session;
use crate::artifact;
use crate::cli::{self, Source};
use crate::diag::{Diagnostic, Result, Stopped, code};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// Commands whose results can be taken up.
const AGAIN: &[&str] = &[
    "build",
    "compile",
    "clone",
    "generate",
    "seed",
    "snapshot",
    "test",
    "run",
    "run-operation",
];

/// Runs the command.
pub fn retry(ctx: &Session) -> Result<Outcome> {
    let folder = state_or_target(ctx);
    let path = folder.join("run_results.json");
    if !path.is_file() {
        return Err(Diagnostic::error(
            code::A0801,
            format!(
                "Could not find previous run in '{}' target directory",
                shown_folder(ctx)
            ),
        )
        .heading("Runtime Error")
        .help("`retry` takes up a `build`, `run`, `test`, … that wrote run_results.json; `--state DIR` names its folder")
        .into());
    }
    let results = artifact::load_run_results(&folder)?;
    let args = results
        .get("args")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let which = args
        .get("which")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_string();
    if !AGAIN.contains(&which.as_str()) {
        return Err(
            Diagnostic::error(code::A0801, format!("{which} cannot be retried"))
                .heading("Runtime Error")
                .help(format!("one of {} can", AGAIN.join(", ")))
                .into(),
        );
    }
    let strict = ctx.invocation.flags.warn_error;
    let atomic = args.get("publish").and_then(Value::as_str) == Some("atomic") && failed(&results);
    let again: BTreeSet<String> = results
        .get("results")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        // Where nothing was published, what went well is to be done again.
        .filter(|r| atomic || is_open(r, strict))
        .filter_map(|r| r.get("unique_id").and_then(Value::as_str))
        .filter(|id| !id.starts_with("operation."))
        .map(str::to_string)
        .collect();
    let invocation = taken_up(ctx, args)?;
    let again = (which != "run-operation").then_some(again);
    if again.is_none() && !failed(&results) {
        ctx.nothing_to_do()?;
        return Ok(Outcome::Success);
    }
    super::run(&Session {
        invocation,
        again,
        batches: if atomic {
            HashMap::new()
        } else {
            batches(&results)
        },
        ..ctx.clone()
    })
}

fn shown_folder(ctx: &Session) -> String {
    match &ctx.invocation.flags.state {
        Some(folder) => folder.display().to_string(),
        None => ctx
            .invocation
            .flags
            .target_path
            .as_ref()
            .map_or_else(|| "target".into(), |p| p.display().to_string()),
    }
}

/// What became of the batches of models that were built in part. Where no batch was built, the model is to be built as
/// if for the first time.
fn batches(results: &Value) -> HashMap<String, Value> {
    let some = |b: &Value, key: &str| b[key].as_array().is_some_and(|list| !list.is_empty());
    let all = results["results"].as_array().into_iter().flatten();
    all.filter_map(|r| {
        let batches = r.get("batch_results")?;
        let partly = some(batches, "successful") && some(batches, "failed");
        partly.then(|| Some((r["unique_id"].as_str()?.to_string(), batches.clone())))?
    })
    .collect()
}

/// Whether a result leaves something to do.
fn is_open(result: &Value, strict: bool) -> bool {
    let status = result.get("status").and_then(Value::as_str);
    matches!(
        status,
        Some("error" | "fail" | "skipped" | "runtime error" | "partial success")
    ) || strict && status == Some("warn")
}

fn failed(results: &Value) -> bool {
    let mut all = results
        .get("results")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    all.any(|r| is_open(r, false))
}

/// The invocation of the earlier command; some settings are those of today.
fn taken_up(ctx: &Session, mut args: Map<String, Value>) -> Result<cli::Invocation> {
    const TODAYS: &[&str] = &[
        "log_path",
        "profiles_dir",
        "project_dir",
        "target_path",
        "state",
        "defer_state",
        "warn_error",
        "warn_error_options",
    ];
    let flags = &ctx.invocation.flags;
    let now = flags.every();
    for name in TODAYS {
        let set = flags.layers.source(name) != Source::Standard;
        match now.get(*name).filter(|v| !v.is_null() && set) {
            Some(value) => args.insert((*name).to_string(), value.clone()),
            None if ["state", "defer_state"].contains(name) => continue,
            None => args.remove(*name),
        };
    }
    for name in ["vars", "threads", "full_refresh", "target", "profile"] {
        if flags.layers.source(name) != Source::Standard
            && let Some(value) = now.get(name)
        {
            args.insert(name.to_string(), value.clone());
        }
    }
    args.insert(
        "project_dir".into(),
        Value::from(ctx.project_dir().display().to_string()),
    );
    let wrong = |why: String| -> Stopped {
        Diagnostic::error(
            code::A0802,
            format!("the options of the last run cannot be taken up: {why}"),
        )
        .heading("Runtime Error")
        .help("run the command itself again")
        .into()
    };
    let words = cli::words_of(&args).map_err(wrong)?;
    // The environment has already spoken when the earlier command was typed.
    let home = |name: &str| {
        ["HOME", "USERPROFILE"]
            .contains(&name)
            .then(|| ctx.env.get(name))
            .flatten()
    };
    let folder = std::env::current_dir().unwrap_or_default();
    let parsed = cli::parse(&words, &home, &folder).map_err(|stop| wrong(stop.text))?;
    let block = super::setup::flags_block(&ctx.project_dir(), &parsed.profiles_dir())?;
    let mut invocation = parsed.resolve(block.as_ref())?;
    invocation
        .flags
        .invocation_command
        .clone_from(&flags.invocation_command);
    Ok(invocation)
}
