//! Files written whole or not at all: a new file beside the old one takes its place in one step.
use crate::report::Masks;
use serde_json::Value;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes a value as compact JSON, secrets masked; makes the folder.
///
/// # Errors
/// The folder cannot be made or the file cannot be written; an older file is then as it was.
pub fn write(path: &Path, mut value: Value, masks: &Masks) -> io::Result<()> {
    masks.apply_json(&mut value);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = NamedTempFile::new_in(folder)?;
    {
        let mut out = BufWriter::new(&file);
        serde_json::to_writer(&mut out, &value)?;
        out.flush()?;
    }
    readable_by_all(&file)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Temporary files are private; artefacts are not.
#[cfg(unix)]
fn readable_by_all(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &NamedTempFile) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_file_is_compact_masked_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target/manifest.json");
        let masks = Masks::default();
        masks.add("s3cret");
        write(&path, json!({"old": 1}), &masks).unwrap();
        write(&path, json!({"b": "a s3cret", "a": null}), &masks).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, r#"{"b":"a *****","a":null}"#);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("target"), "a file").unwrap();
        let path = folder.path().join("target/manifest.json");
        assert!(write(&path, json!(1), &Masks::default()).is_err());
    }
}
