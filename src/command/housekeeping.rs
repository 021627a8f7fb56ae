//! Small commands: `parse`, `clean`, `explain`, `completions`.
use super::Outcome;
use super::session::Session;
use super::setup;
use crate::diag::{self, Diagnostic, Result, code};
use crate::report::{Event, Level};
use crate::scaffold::{self, CleanRules};

/// `parse`: reads everything and writes the manifest.
pub fn parse(ctx: &Session) -> Result<Outcome> {
    let loaded = setup::load(ctx, false)?;
    super::run::write_manifest(ctx, &loaded)?;
    ctx.reporter.emit(Event::Line {
        level: Level::Info,
        text: format!(
            "Performance info: {}",
            loaded.shared.target_dir.join("perf_info.json").display()
        ),
        dbt: None,
    });
    Ok(Outcome::Success)
}

/// `clean`: removes the clean targets, and nothing outside the project or among its sources.
pub fn clean(ctx: &Session, project_files_only: bool) -> Result<Outcome> {
    let render = setup::plain_render(ctx)?;
    let project = crate::config::Project::load(&ctx.project_dir(), "", &render)?;
    let kinds = [
        "model",
        "seed",
        "test",
        "analysis",
        "macro",
        "snapshot",
        "docs",
        "asset",
        "simulation",
        "report",
    ];
    let sources: Vec<String> = kinds
        .iter()
        .flat_map(|k| project.folders(k).to_vec())
        .collect();
    let targets = scaffold::clean_targets(&CleanRules {
        root: &project.root,
        targets: &project.clean_targets,
        sources: &sources,
        project_files_only,
        file: Some(&project.file),
    })?;
    let has = |folder: &str| project.clean_targets.iter().any(|t| t == folder);
    if has("dbt_modules") && !has(&project.packages_install_path) {
        let message = "The default package install path has changed from `dbt_modules` to `dbt_packages`. Please update `clean-targets` in `dbt_project.yml` and check `.gitignore` as well. Or, set `packages-install-path: dbt_modules` if you'd like to keep the current value.";
        ctx.tell(vec![
            Diagnostic::warning(diag::code::P0110, message).event("PackageInstallPathDeprecation"),
        ])?;
    }
    for path in targets {
        let shown = path.display();
        ctx.reporter
            .emit(Event::info(format!("Checking {shown}/*")));
        scaffold::remove_target(&path)?;
        ctx.reporter.emit(Event::info(format!("Cleaned {shown}/*")));
    }
    ctx.reporter
        .emit(Event::info("Finished cleaning all paths."));
    Ok(Outcome::Success)
}

/// `explain CODE`: what a diagnostic's code means; without one, all codes.
pub fn explain(ctx: &Session, id: Option<&str>) -> Result<Outcome> {
    let say = |text: String| {
        ctx.reporter.emit(Event::Output {
            text,
            header: None,
            dbt: None,
        })
    };
    let Some(id) = id else {
        diag::code::ALL.iter().for_each(|(c, text)| {
            say(format!(
                "{c}  {}",
                text.split(". ").next().unwrap_or_default()
            ))
        });
        return Ok(Outcome::Success);
    };
    match diag::code::explain(id) {
        Some((code, text)) => {
            say(format!("{code}: {text}"));
            Ok(Outcome::Success)
        }
        None => {
            let mut d = Diagnostic::error(code::U0805, format!("there is no code `{id}`"));
            if let Some(near) = crate::text::nearest(id, diag::code::ALL.iter().map(|(c, _)| *c)) {
                d = d.help(format!("did you mean `{near}`?"));
            }
            Err(d.into())
        }
    }
}

/// `completions SHELL`.
pub fn completions(ctx: &Session, shell: clap_complete::Shell) -> Result<Outcome> {
    ctx.reporter.emit(Event::Output {
        text: crate::cli::completions(shell).trim_end().to_string(),
        header: None,
        dbt: None,
    });
    Ok(Outcome::Success)
}
