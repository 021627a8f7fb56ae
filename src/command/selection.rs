//! Which nodes a command works on: `--select`, `--exclude`, `--selector`, the default selector, an earlier state; and
//! which relations of that state stand in for nodes that are not built here (`--defer`).
use super::session::Session;
use super::setup::Loaded;
use crate::cli::{Command, Source};
use crate::context::{Deferred, Relation};
use crate::diag::{Diagnostic, Result, code};
use crate::report::Event;
use crate::select::{
    self, Definition, Earlier, Indirect, Purpose, Request, Selection, Selectors, State, Types,
};
use crate::text::{Place, SourceFile};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What a command selects.
pub fn purpose(command: &Command) -> Purpose {
    match command {
        Command::Build { .. } => Purpose::Build,
        Command::Test => Purpose::Test,
        Command::Seed { .. } => Purpose::Seed,
        Command::Snapshot => Purpose::Snapshot,
        Command::List { .. } => Purpose::List,
        Command::Compile { .. } => Purpose::Compile,
        Command::Show { .. } => Purpose::Show,
        Command::Clone => Purpose::Clone,
        Command::SourceFreshness { .. } => Purpose::Freshness,
        Command::Docs { .. } | Command::DocsGenerate { .. } => Purpose::Docs,
        _ => Purpose::Run,
    }
}

/// The selectors of the project's `selectors.yml`; none without the file.
pub fn selectors(ctx: &Session, render: crate::config::Render<'_>) -> Result<Selectors> {
    let path = ctx.project_dir().join("selectors.yml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Selectors::default()),
        Err(e) => {
            return Err(Diagnostic::error(
                code::P0101,
                format!("cannot read `{}`: {e}", path.display()),
            )
            .into());
        }
    };
    let document = crate::yaml::load(&SourceFile::new("selectors.yml", text))?;
    let rendered = |text: &str, place: &Place| -> Result<String> {
        if !crate::config::has_jinja(text) {
            return Ok(text.to_string());
        }
        let kind = render(text).map_err(|why| {
            Diagnostic::error(code::P0105, why)
                .heading("Compilation Error")
                .at(place.clone())
        })?;
        Ok(crate::yaml::Node::bare(kind)
            .scalar_text()
            .unwrap_or_default())
    };
    let (selectors, warnings) = Selectors::read(&document, &rendered)?;
    ctx.tell(warnings)?;
    Ok(selectors)
}

/// The artefacts of `--state`; read before this run writes its own.
pub fn state(ctx: &Session, target: &std::path::Path) -> Result<Option<State>> {
    let Some(folder) = &ctx.invocation.flags.state else {
        return Ok(None);
    };
    let folder = ctx.project_dir().join(folder);
    let mut state = State::load(&folder)?;
    state.load_current(target)?;
    if let Some(earlier) = &mut state.manifest {
        earlier.as_written = ctx
            .invocation
            .flags
            .behaviour("state_modified_compare_more_unrendered_values");
    }
    if crate::fs::absolute(&folder) == crate::fs::absolute(target) {
        let shown = ctx.invocation.flags.state.as_ref().unwrap_or(&folder);
        let shown = shown.display().to_string();
        let message = format!(
            "The state and target directories are the same: '{shown}'. This could lead to missing changes due to overwritten state including non-idempotent retries."
        );
        ctx.tell(vec![
            Diagnostic::warning(code::S0514, message)
                .event("WarnStateTargetEqual")
                .fact("state_path", shown),
        ])?;
    }
    Ok(Some(state))
}

/// The manifest that `--defer` and `clone` look into.
fn earlier<'a>(
    ctx: &Session,
    loaded: &'a Loaded,
    own: &'a mut Option<State>,
) -> Result<&'a Earlier> {
    let flags = &ctx.invocation.flags;
    let wrong = |message: String, help: &str| -> crate::diag::Stopped {
        Diagnostic::error(code::S0505, message)
            .heading("Runtime Error")
            .help(help)
            .into()
    };
    let (state, shown) = match (&flags.defer_state, &loaded.state) {
        (Some(folder), _) => {
            *own = Some(State::load(&ctx.project_dir().join(folder))?);
            (own.as_ref(), folder.clone())
        }
        (None, state) => (state.as_ref(), flags.state.clone().unwrap_or_default()),
    };
    let Some(state) = state else {
        let clone = matches!(ctx.invocation.command, Command::Clone);
        let message = if clone {
            "--state or --defer-state are required for deferral, but neither was provided"
        } else {
            "Received a --defer argument, but no value was provided to --state or --defer-state"
        };
        return Err(wrong(
            message.to_string(),
            "say with `--state DIR` where the manifest.json of the other environment is",
        ));
    };
    state.manifest.as_ref().ok_or_else(|| {
        wrong(
            format!(
                "Could not find manifest in --state path: \"{}\"",
                shown.display()
            ),
            "the folder must hold the manifest.json of the other environment",
        )
    })
}

/// Fills in the relations that stand in for nodes; nothing without `--defer` (or with the `clone` command).
pub fn defer(ctx: &Session, loaded: &Loaded) -> Result<()> {
    if let Some(deferred) = deferral(ctx, loaded)? {
        let _ = loaded.shared.deferred.set(deferred);
    }
    Ok(())
}

/// The relations that stand in for nodes; `None` without `--defer` (or with the `clone` command).
pub fn deferral(ctx: &Session, loaded: &Loaded) -> Result<Option<Deferred>> {
    let flags = &ctx.invocation.flags;
    let cloning = matches!(ctx.invocation.command, Command::Clone);
    if !flags.defer && !cloning {
        return Ok(None);
    }
    let mut own = None;
    let earlier = earlier(ctx, loaded, &mut own)?;
    let nodes = loaded
        .manifest
        .nodes
        .values()
        .filter(|n| n.is_refable() && !n.is_ephemeral());
    let relations = nodes
        .filter_map(|n| {
            let r = earlier.relation(&n.unique_id)?;
            r.relation_name.as_ref()?;
            let relation = Relation::new(&r.database, &r.schema, &r.alias)
                .quoted_as(loaded.shared.quoting_of(n.config.get("quoting")));
            Some((n.unique_id.clone(), relation))
        })
        .collect();
    Ok(Some(Deferred {
        relations,
        favoured: flags.favor_state,
        refs: !cloning,
        ..Deferred::default()
    }))
}

/// Reads what exists in all schemas of the project, so that missing relations can be told.
pub fn look_around(loaded: &Loaded, session: &mut crate::pg::Session) -> Result<()> {
    let Some(deferred) = loaded.shared.deferred.get() else {
        return Ok(());
    };
    let own = loaded
        .manifest
        .nodes
        .values()
        .filter(|n| n.is_refable() && !n.is_ephemeral())
        .map(|n| n.schema.clone());
    let others = deferred
        .relations
        .values()
        .filter(|_| !deferred.refs)
        .filter_map(|r| r.schema.clone());
    let schemas: BTreeSet<String> = own.chain(others).collect();
    let schemas: Vec<String> = schemas.into_iter().collect();
    loaded
        .shared
        .cache
        .fill(session, &loaded.shared.target.connection.dbname, &schemas)
        .map_err(|e| e.diagnostic(None, None).heading("Database Error").into())
}

/// What the criteria select, of all resource types.
pub fn chosen(ctx: &Session, loaded: &Loaded) -> Result<Selection> {
    let flags = &ctx.invocation.flags;
    let models: &[String] = match &ctx.invocation.command {
        Command::List { models, .. } => models,
        _ => &[],
    };
    let asked: &[String] = if flags.select.is_empty() {
        models
    } else {
        &flags.select
    };
    let selector: Option<&Definition> = match &flags.selector {
        Some(name) => Some(&loaded.selectors.get(name)?.definition),
        None if asked.is_empty() && flags.exclude.is_empty() => {
            let default = loaded.selectors.default_selector();
            if let Some(s) = default {
                ctx.reporter.emit(Event::default_selector(&s.name));
            }
            default.map(|s| &s.definition)
        }
        None => None,
    };
    let request = Request {
        select: asked,
        exclude: &flags.exclude,
        selector,
        indirect: indirect(flags.indirect_selection),
        state: loaded.state.as_ref(),
    };
    let selection = select::select(&loaded.manifest, &loaded.dag, &request)?;
    ctx.tell(selection.warnings.clone())?;
    Ok(selection)
}

/// The resource types of a command.
fn types(ctx: &Session, purpose: Purpose) -> Result<Types> {
    let flags = &ctx.invocation.flags;
    let models =
        matches!(&ctx.invocation.command, Command::List { models, .. } if !models.is_empty());
    if models && flags.select.is_empty() {
        if flags.layers.source("resource_types") != Source::Standard {
            return Err(Diagnostic::error(
                code::U0801,
                "\"models\" and \"resource_type\" are mutually exclusive arguments",
            )
            .heading("Runtime Error")
            .into());
        }
        return Types::parse(purpose, &["model".to_string()], &[]);
    }
    Types::parse(
        purpose,
        &flags.resource_types,
        &flags.exclude_resource_types,
    )
}

/// The selected ids of a command, in the order of the manifest; for `retry` those that are to run again.
pub fn selected(ctx: &Session, loaded: &Loaded, purpose: Purpose) -> Result<Vec<String>> {
    let flags = &ctx.invocation.flags;
    let chosen: BTreeSet<String> = if let Some(again) = &ctx.again {
        let known: BTreeSet<&str> = loaded.manifest.entries().map(|e| e.unique_id()).collect();
        if let Some(gone) = again.iter().find(|id| !known.contains(id.as_str())) {
            let kind = gone.split('.').next().unwrap_or_default();
            let message =
                format!("Couldn't find {kind} '{gone}', which failed in the run that is taken up");
            let d = Diagnostic::error(code::A0801, message).heading("Runtime Error");
            return Err(d
                .help("it was removed or switched off; run the command itself anew")
                .into());
        }
        again.clone()
    } else {
        let selection = chosen(ctx, loaded)?;
        let types = types(ctx, purpose)?;
        let mut chosen = select::filter(&loaded.manifest, &selection.ids, &types);
        if purpose == Purpose::Build && flags.resource_types.is_empty() {
            let simulated = |id: &&String| {
                let source = loaded.manifest.sources.get(*id);
                source.is_some_and(|s| s.simulation.is_some())
            };
            chosen.extend(selection.ids.iter().filter(simulated).cloned());
        }
        chosen
    };
    Ok(loaded
        .manifest
        .entries()
        .map(|e| e.unique_id().to_string())
        .filter(|id| chosen.contains(id))
        .collect())
}

/// The folder of the state as given, else the target folder: where `retry` looks.
pub fn state_or_target(ctx: &Session) -> PathBuf {
    match &ctx.invocation.flags.state {
        Some(folder) => ctx.project_dir().join(folder),
        None => super::setup::target_dir_of_project(ctx),
    }
}

fn indirect(mode: crate::cli::IndirectSelection) -> Indirect {
    match mode {
        crate::cli::IndirectSelection::Eager => Indirect::Eager,
        crate::cli::IndirectSelection::Cautious => Indirect::Cautious,
        crate::cli::IndirectSelection::Buildable => Indirect::Buildable,
        crate::cli::IndirectSelection::Empty => Indirect::Empty,
    }
}
