//! Files and folders of packages, with the path in every error.
use crate::diag::{Diagnostic, Result, code};
use crate::text::SourceFile;
use crate::yaml;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names of the file that makes a folder a project.
pub(super) const PROJECT_FILES: [&str; 2] = ["dbt_project.yml", "project.yml"];

/// An error of the file system.
pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error(
        code::K0914,
        format!("cannot {what} `{}`: {error}", path.display()),
    )
}

/// The text of a file in a folder, if the file is there.
pub(super) fn source(folder: &Path, name: &str) -> Result<Option<Arc<SourceFile>>> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(SourceFile::new(name, text))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", &path, &e).into()),
    }
}

/// The project file of a folder.
pub(super) fn project_file(folder: &Path) -> Option<PathBuf> {
    PROJECT_FILES
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// The `name` of the project in a folder; `shown` is how people know the package.
pub(super) fn project_name(folder: &Path, shown: &str) -> Result<String> {
    let Some(path) = project_file(folder) else {
        return Err(Diagnostic::error(
            code::K0908,
            format!("no dbt_project.yml found in package `{shown}`"),
        )
        .heading("Runtime Error")
        .note(format!("looked in {}", folder.display()))
        .help("a package is a dbt project; check the path, the revision and the `subdirectory`")
        .into());
    };
    let text = std::fs::read_to_string(&path).map_err(|e| failed("read", &path, &e))?;
    let file = SourceFile::new(path.display().to_string(), text);
    let document = yaml::load_map(&file)?;
    let name = document.root.get("name").and_then(yaml::Node::as_str);
    match name {
        Some(name) if is_name(name) => Ok(name.to_string()),
        Some(name) => {
            let d = Diagnostic::error(
                code::K0908,
                format!("`{name}` is not a name that a project can have"),
            );
            let place = document.root.get("name").map(|n| document.place(n));
            Err(d
                .at_opt(place)
                .help("names consist of letters, digits and `_`, and do not begin with a digit")
                .into())
        }
        None => Err(Diagnostic::error(
            code::K0908,
            format!("the project file of package `{shown}` gives no `name`"),
        )
        .at(document.place(&document.root))
        .into()),
    }
}

/// Whether a text can be the name of a project, and therefore of a folder.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// Copies a folder with everything in it but `.git`.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).map_err(|e| failed("make", to, &e))?;
    let entries = std::fs::read_dir(from).map_err(|e| failed("read", from, &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| failed("read", from, &e))?;
        let (path, name) = (entry.path(), entry.file_name());
        if name == ".git" {
            continue;
        }
        let target = to.join(&name);
        let kind = entry.file_type().map_err(|e| failed("read", &path, &e))?;
        if kind.is_dir() {
            copy_tree(&path, &target)?;
        } else if kind.is_symlink() {
            copy_link(&path, &target)?;
        } else if kind.is_file() {
            std::fs::copy(&path, &target).map_err(|e| failed("copy", &path, &e))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn copy_link(path: &Path, target: &Path) -> Result<()> {
    let to = std::fs::read_link(path).map_err(|e| failed("read", path, &e))?;
    std::os::unix::fs::symlink(to, target).map_err(|e| failed("copy", path, &e).into())
}

#[cfg(not(unix))]
fn copy_link(path: &Path, target: &Path) -> Result<()> {
    if path.is_dir() {
        return copy_tree(path, target);
    }
    std::fs::copy(path, target)
        .map(|_| ())
        .map_err(|e| failed("copy", path, &e).into())
}

/// Makes `to` a link to the folder `from`, or a copy of it where links cannot be had.
pub(super) fn link_folder(from: &Path, to: &Path) -> Result<()> {
    let from = std::path::absolute(from).map_err(|e| failed("find", from, &e))?;
    let from = from.canonicalize().unwrap_or(from);
    #[cfg(unix)]
    if std::os::unix::fs::symlink(&from, to).is_ok() {
        return Ok(());
    }
    copy_tree(&from, to)
}

/// Removes what is at a path: a link itself, a folder with everything in it, or nothing.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => Err(e),
        Ok(m) if m.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    };
    removed.map_err(|e| failed("remove", path, &e).into())
}
