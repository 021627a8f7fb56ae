//! The file system with errors that name the path.
use crate::diag::{Diagnostic, Result, code};
use crate::text::SourceFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn failed(what: &str, path: &Path, e: &std::io::Error) -> crate::diag::Stopped {
    Diagnostic::error(
        code::P0101,
        format!("cannot {what} `{}`: {e}", path.display()),
    )
    .into()
}

/// Reads a text file; `shown` is the path that people see. Invalid UTF-8 is an error.
pub fn read(path: &Path, shown: &str) -> Result<Arc<SourceFile>> {
    let bytes = std::fs::read(path).map_err(|e| failed("read", path, &e))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(shown, text)),
        Err(e) => Err(Diagnostic::error(
            code::P0101,
            format!(
                "`{shown}` is not UTF-8 text (byte {})",
                e.utf8_error().valid_up_to()
            ),
        )
        .help("save the file as UTF-8")
        .into()),
    }
}

/// Opens a file for reading; `shown` is the path that people see.
pub fn open(path: &Path, shown: &str) -> Result<std::fs::File> {
    std::fs::File::open(path).map_err(|e| failed("read", Path::new(shown), &e))
}

/// Writes a file by way of a temporary one, so that readers see the old or the new text and nothing between.
pub fn write(path: &Path, text: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        create_dir(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    std::fs::write(&temporary, text)
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|e| failed("write", path, &e))
}

/// Makes sure that a file can be written there, before the work for it is done.
pub fn can_write(path: &Path) -> Result<()> {
    let absolute = absolute(path);
    let above = absolute.ancestors().skip(1).find(|p| p.exists());
    let folder = above.unwrap_or(Path::new("/"));
    if path.is_dir() {
        let e = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(failed("write", path, &e));
    }
    tempfile::tempfile_in(folder)
        .map(drop)
        .map_err(|e| failed("write", path, &e))
}

/// Makes a folder and those above it.
pub fn create_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| failed("create the folder", path, &e))
}

/// A path with `/`, relative to `root` where it lies below it.
pub fn shown(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative
        .components()
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join("/")
}

/// The path made absolute without asking the file system about links.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
