//! Files written whole or not at all: a new file beside the old one takes its place in one step.
use super::Meta;
use crate::graph::Manifest;
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
    put(path, &mut |out| Ok(serde_json::to_writer(out, &value)?))
}

/// Writes the manifest as compact JSON, secrets masked; makes the folder.
///
/// # Errors
/// As [`write`].
pub fn write_manifest(path: &Path, m: &Manifest, meta: &Meta, masks: &Masks) -> io::Result<()> {
    put(path, &mut |out| {
        super::manifest::write_manifest(out, m, meta, masks)
    })
}

/// Makes a file whole or not at all.
fn put(path: &Path, fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = NamedTempFile::new_in(folder)?;
    {
        let mut out = BufWriter::new(&file);
        fill(&mut out)?;
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
