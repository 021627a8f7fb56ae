//! The starter project: simulated data, a seed, models, tests; builds at once.
use super::answers::{Answers, profile};
use crate::diag::{Diagnostic, Result, code};
use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};

static STARTER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/scaffold/starter");

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Path, relative to the new project.
    pub path: PathBuf,
    /// Text.
    pub text: String,
}

/// The files of a new project, sorted by path; with a profile if a server was named.
pub fn starter(answers: &Answers) -> Vec<NewFile> {
    let mut files = Vec::new();
    collect(&STARTER, &answers.name, &mut files);
    if let Some(connection) = &answers.connection {
        files.push(NewFile {
            path: "profiles.yml".into(),
            text: profile(&answers.name, connection),
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(folder: &Dir<'_>, name: &str, out: &mut Vec<NewFile>) {
    for file in folder.files() {
        // A real `.gitignore` here would hide files of tv1's own repository.
        let path = match file.path() {
            p if p == Path::new("gitignore") => PathBuf::from(".gitignore"),
            p => p.to_path_buf(),
        };
        let text = file.contents_utf8().unwrap_or_default();
        out.push(NewFile {
            path,
            text: text.replace("__name__", name),
        });
    }
    for below in folder.dirs() {
        collect(below, name, out);
    }
}

/// Writes the files of a new project into `folder`, which must not exist or be empty: all of them or none.
///
/// # Errors
/// A folder with something in it, or the file system.
pub fn write(folder: &Path, files: &[NewFile]) -> Result<()> {
    let taken = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if taken || folder.is_file() {
        return Err(Diagnostic::error(
            code::P0114,
            format!("`{}` already exists", folder.display()),
        )
        .help("choose another name, or go into the folder and run `tv1 build`")
        .into());
    }
    let failed = |path: &Path, e: &std::io::Error| -> Diagnostic {
        Diagnostic::error(
            code::P0114,
            format!("cannot write `{}`: {e}", path.display()),
        )
    };
    let parent = match folder.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
        _ => PathBuf::from("."),
    };
    std::fs::create_dir_all(&parent).map_err(|e| failed(&parent, &e))?;
    let gathered = tempfile::Builder::new()
        .prefix(".tv1-init-")
        .tempdir_in(&parent)
        .map_err(|e| failed(&parent, &e))?;
    let new = gathered.path().join("project");
    for file in files {
        let path = new.join(&file.path);
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above).map_err(|e| failed(above, &e))?;
        }
        std::fs::write(&path, &file.text).map_err(|e| failed(&path, &e))?;
    }
    // An empty folder of that name gives way.
    std::fs::rename(&new, folder).map_err(|e| failed(folder, &e).into())
}
