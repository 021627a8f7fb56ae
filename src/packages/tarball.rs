//! Archives of packages: unpacked into one folder, never outside it.
use super::files;
use crate::diag::{Diagnostic, Result, code};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Unpacks a tar archive, gzipped or not, into a new folder and returns the package in it: the single folder at the
/// top of the archive, or the folder itself if the project file lies there.
///
/// # Errors
/// An archive that cannot be read, that writes outside its folder, or that holds no single package.
pub(super) fn unpack(bytes: &[u8], folder: &Path, url: &str) -> Result<PathBuf> {
    let shown = super::http::without_password(url);
    let bad = |why: String| -> Diagnostic {
        Diagnostic::error(code::K0907, format!("the archive {shown} {why}"))
            .heading("Runtime Error")
    };
    std::fs::create_dir_all(folder).map_err(|e| files::failed("make", folder, &e))?;
    let reader: Box<dyn Read> = if bytes.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::read::MultiGzDecoder::new(bytes))
    } else {
        Box::new(bytes)
    };
    let mut archive = tar::Archive::new(reader.take(MOST_BYTES));
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(false);
    let unreadable = |e: std::io::Error| {
        bad(format!("cannot be read: {e}")).help("the URL must give a .tar or .tar.gz file")
    };
    let mut count = 0usize;
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = entry.path().map_err(unreadable)?.into_owned();
        if !stays_inside(Path::new(""), &path) {
            return Err(bad(format!(
                "wants to write outside its folder: `{}`",
                path.display()
            ))
            .into());
        }
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let target = entry
                .link_name()
                .map_err(unreadable)?
                .unwrap_or_default()
                .into_owned();
            let from = if kind.is_symlink() {
                path.parent().unwrap_or(Path::new("")).to_path_buf()
            } else {
                PathBuf::new()
            };
            if !stays_inside(&from, &target) {
                return Err(bad(format!(
                    "holds a link that leaves its folder: `{}` to `{}`",
                    path.display(),
                    target.display()
                ))
                .into());
            }
        } else if !kind.is_file() && !kind.is_dir() {
            continue;
        }
        entry
            .unpack_in(folder)
            .map_err(|e| bad(format!("cannot be unpacked: {e}")))?;
        count += 1;
    }
    if count == 0 {
        return Err(bad("is empty".into()).into());
    }
    package_in(folder).ok_or_else(|| {
        bad("holds no dbt project".into())
            .help("an archive of a package has one folder at its top, with dbt_project.yml in it")
            .into()
    })
}

/// Larger contents are refused: no package is as large.
const MOST_BYTES: u64 = 4 << 30;

/// Whether `path`, seen from `from`, never climbs above the top.
fn stays_inside(from: &Path, path: &Path) -> bool {
    let mut depth = 0i64;
    for part in from.components().chain(path.components()) {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return false,
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

fn package_in(folder: &Path) -> Option<PathBuf> {
    if files::project_file(folder).is_some() {
        return Some(folder.to_path_buf());
    }
    let mut folders = std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|e| e.path())
        .filter(|p| p.is_dir());
    let only = folders.next()?;
    (folders.next().is_none() && files::project_file(&only).is_some()).then_some(only)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Makes an archive; a path of a link is written `path -> target`.
    pub(in super::super) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            if let Some((path, target)) = path.split_once(" -> ") {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, target).unwrap();
                continue;
            }
            header.set_size(text.len() as u64);
            // The builder refuses `..` itself, so the name is put in by hand.
            let name = path.as_bytes();
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> Result<(tempfile::TempDir, PathBuf), String> {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("in");
        unpack(bytes, &at, "http://h/x.tar.gz")
            .map(|p| (folder, p))
            .map_err(|s| s.0[0].message.clone())
    }

    #[test]
    fn the_folder_at_the_top_is_the_package() {
        let files = [("x-1/dbt_project.yml", "name: x"), ("x-1/macros/a.sql", "")];
        for bytes in [archive(&files), gzip(&archive(&files))] {
            let (_keep, path) = unpacked(&bytes).unwrap();
            assert!(path.join("macros/a.sql").is_file());
        }
        let (_keep, path) = unpacked(&archive(&[("dbt_project.yml", "name: x")])).unwrap();
        assert!(path.ends_with("in"));
    }

    #[test]
    fn nothing_is_written_outside() {
        for path in ["../x", "a/../../x", "/x"] {
            let said = unpacked(&archive(&[("p/dbt_project.yml", ""), (path, "x")])).unwrap_err();
            assert!(said.contains("outside its folder"), "{path}: {said}");
        }
        for link in ["p/l -> ../../x", "p/l -> /etc/passwd"] {
            let said = unpacked(&archive(&[(link, "")])).unwrap_err();
            assert!(said.contains("leaves its folder"), "{link}: {said}");
        }
        let inner = archive(&[
            ("p/dbt_project.yml", ""),
            ("p/m/a.sql", ""),
            ("p/l -> m/a.sql", ""),
        ]);
        assert!(unpacked(&inner).is_ok());
    }

    #[test]
    fn what_is_no_package_is_refused() {
        assert!(unpacked(b"not an archive at all").is_err());
        assert!(unpacked(&gzip(b"neither this")).is_err());
        assert!(
            unpacked(&archive(&[("a/x", ""), ("b/y", "")]))
                .unwrap_err()
                .contains("no dbt project")
        );
        assert!(unpacked(&archive(&[])).is_err());
        let whole = gzip(&archive(&[("x-1/dbt_project.yml", "name: x")]));
        assert!(unpacked(&whole[..whole.len() / 2]).is_err());
    }
}
