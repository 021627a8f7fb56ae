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
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut written = std::fs::write(&temporary, text);
    // Most folders are there; to look first would cost more than to try again.
    if let (Err(e), Some(folder)) = (&written, path.parent())
        && e.kind() == std::io::ErrorKind::NotFound
    {
        create_dir(folder)?;
        written = std::fs::write(&temporary, text);
    }
    written
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|e| failed("write", path, &e))
}

/// The same for one of many files that a run writes again and again, mostly as they were: these are left alone.
///
/// A run of a thousand tests writes two thousand; to make and forget as many inodes takes longer than the tests.
pub fn write_if_changed(path: &Path, text: &[u8]) -> Result<()> {
    match std::fs::read(path) {
        Ok(there) if there == text => Ok(()),
        _ => write(path, text),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_once_and_only_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/model.sql");
        let modified = || std::fs::metadata(&path).unwrap().modified().unwrap();
        write_if_changed(&path, b"select 1").unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(long_ago).unwrap();
        write_if_changed(&path, b"select 1").unwrap();
        assert_eq!(modified(), long_ago);
        write_if_changed(&path, b"select 2").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"select 2");
        assert_ne!(modified(), long_ago);
        // Nothing else is left in the folder, and a folder that is a file is told.
        let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(entries.count(), 1);
        assert!(write(&path.join("below"), b"").is_err());
    }
}
