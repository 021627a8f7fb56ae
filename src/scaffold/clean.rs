//! Which folders `clean` may remove.
use crate::diag::{Diagnostic, Result, code};
use crate::text::{Place, SourceFile};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What `clean` is to remove and must not touch.
#[derive(Debug, Clone)]
pub struct CleanRules<'a> {
    /// Folder of the project, absolute.
    pub root: &'a Path,
    /// `clean-targets`, relative to the project.
    pub targets: &'a [String],
    /// Folders with sources (models, seeds, macros, …), relative to the project.
    pub sources: &'a [String],
    /// Refuse what lies outside the project.
    pub project_files_only: bool,
    /// The project file, for places in errors.
    pub file: Option<&'a Arc<SourceFile>>,
}

/// The folders to remove, absolute, sorted, each once.
///
/// # Errors
/// All targets that are or hold sources of the project, or the project itself; all that lie outside it.
pub fn clean_targets(rules: &CleanRules<'_>) -> Result<Vec<PathBuf>> {
    let root = resolved(rules.root);
    let sources: Vec<PathBuf> = rules
        .sources
        .iter()
        .map(|s| resolved(&root.join(s)))
        .collect();
    let mut out = Vec::new();
    let (mut precious, mut outside): (Vec<&String>, Vec<&String>) = (Vec::new(), Vec::new());
    for target in rules.targets {
        let path = resolved(&root.join(target));
        if !path.starts_with(&root) && rules.project_files_only {
            outside.push(target);
        } else if sources.iter().any(|s| s.starts_with(&path)) || root.starts_with(&path) {
            precious.push(target);
        } else {
            out.push(path);
        }
    }
    if !precious.is_empty() {
        let why = "dbt will not clean the following source paths";
        let help = "take them out of `clean-targets`";
        return Err(refused(rules, &precious, why, help));
    }
    if !outside.is_empty() {
        let why = "dbt will not clean the following directories outside the project";
        let help = "`--no-clean-project-files-only` removes them, too";
        return Err(refused(rules, &outside, why, help));
    }
    out.sort();
    out.dedup();
    Ok(out)
}

fn refused(
    rules: &CleanRules<'_>,
    targets: &[&String],
    why: &str,
    help: &str,
) -> crate::diag::Stopped {
    let shown: Vec<String> = targets.iter().map(|t| format!("`{t}`")).collect();
    let mut d = Diagnostic::error(code::P0113, format!("{why}: {}", shown.join(", ")))
        .heading("Runtime Error")
        .help(help);
    for target in targets {
        if let Some(place) = rules.file.and_then(|f| place(f, target)) {
            d = d.at(place);
        }
    }
    d.into()
}

/// Where a target stands in the project file.
fn place(file: &Arc<SourceFile>, target: &str) -> Option<Place> {
    let document = crate::yaml::load(file).ok()?;
    let list = document.root.get("clean-targets")?;
    let mut all = list.items().iter().chain(std::iter::once(list));
    let node = all.find(|n| n.as_str() == Some(target))?;
    Some(Place::new(file, node.span.clone()))
}

/// A path with links followed as far as it exists and without `.` and `..` in the rest.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
        if let Ok(real) = out.canonicalize() {
            out = real;
        }
    }
    out
}

/// Removes a folder with everything in it; links in it are removed, not followed. A file stays, as in dbt. Returns
/// whether something was there.
///
/// # Errors
/// The file system.
pub fn remove_target(path: &Path) -> Result<bool> {
    if !path.is_dir() {
        return Ok(false);
    }
    match std::fs::remove_dir_all(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Diagnostic::error(
            code::P0113,
            format!("cannot remove `{}`: {e}", path.display()),
        )
        .into()),
    }
}
