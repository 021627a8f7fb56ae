//! Small commands: `parse`, `clean`, `explain`, `completions`.
use super::Outcome;
use super::session::Session;
use super::setup;
use crate::diag::{self, Diagnostic, Result, code};
use crate::report::{Event, Level};
use std::path::Path;

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
pub fn clean(ctx: &Session) -> Result<Outcome> {
    let target = setup::no_target();
    let packages = setup::packages(ctx, &target)?;
    let project = &packages[0].project;
    let root = &project.root;
    for relative in &project.clean_targets {
        let path = crate::fs::absolute(&root.join(relative));
        let clean: std::path::PathBuf = path.components().collect();
        if !clean.starts_with(root) || clean == *root || relative.split('/').any(|p| p == "..") {
            return Err(Diagnostic::error(code::P0113, format!("dbt will not clean the following directories outside the project: [PosixPath('{}')]", clean.display()))
                .heading("Runtime Error")
                .at_opt(project.file.text.find(relative.as_str()).map(|at| crate::text::Place::new(&project.file, at..at + relative.len())))
                .into());
        }
        if is_source(project, relative) {
            return Err(Diagnostic::error(
                code::P0113,
                format!("`{relative}` holds sources of the project and is not cleaned"),
            )
            .heading("Runtime Error")
            .into());
        }
        remove(&clean)?;
        ctx.reporter.emit(Event::Line {
            level: Level::Info,
            text: format!("Cleaned {}", clean.display()),
            dbt: None,
        });
    }
    ctx.reporter.emit(Event::Line {
        level: Level::Info,
        text: "Finished cleaning all paths.".into(),
        dbt: None,
    });
    Ok(Outcome::Success)
}

fn is_source(project: &crate::config::Project, relative: &str) -> bool {
    let relative = relative.trim_end_matches('/');
    [
        "model",
        "seed",
        "test",
        "analysis",
        "macro",
        "snapshot",
        "simulation",
        "report",
    ]
    .iter()
    .any(|k| project.folders(k).iter().any(|f| f == relative))
}

fn remove(path: &Path) -> Result<()> {
    let gone = if path.is_dir() && !path.is_symlink() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match gone {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Diagnostic::error(
            code::P0101,
            format!("cannot remove `{}`: {e}", path.display()),
        )
        .into()),
        _ => Ok(()),
    }
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
