//! package-lock.yml, byte for byte as dbt writes it.
use super::entry::{self, Entry, Spec};
use super::python::yaml_text;
use super::resolve::Named;
use super::sources::Pin;
use super::{LOCK, Render, files};
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::text::Place;
use crate::yaml::{self, Node};
use std::path::Path;

/// What the lock file says.
pub(super) struct Lock {
    /// Its entries.
    pub(super) entries: Vec<Entry>,
    /// The hash of the entries that it was made from.
    pub(super) hash: Option<String>,
}

/// The text of the file.
pub(super) fn text(packages: &[Named], hash: &str) -> String {
    let mut out = String::from("packages:\n");
    for Named { pin, name } in packages {
        let mut pairs: Vec<(&str, &str)> = vec![("name", name)];
        match pin {
            Pin::Local { path } => pairs.push(("local", path)),
            Pin::Git {
                raw_url,
                revision,
                subdirectory,
                ..
            } => {
                pairs.extend([("git", raw_url.as_str()), ("revision", revision)]);
                pairs.extend(subdirectory.as_deref().map(|s| ("subdirectory", s)));
            }
            Pin::Hub {
                package, version, ..
            } => {
                pairs.extend([("package", package.as_str()), ("version", version)]);
            }
            Pin::Tarball { raw_url, .. } => pairs.push(("tarball", raw_url)),
        }
        pairs.sort_unstable();
        for (i, (key, value)) in pairs.iter().enumerate() {
            let lead = if i == 0 { "  - " } else { "    " };
            out.push_str(&format!("{lead}{key}: {}\n", yaml_text(value)));
        }
    }
    out.push_str(&format!("sha1_hash: {}\n", yaml_text(hash)));
    out
}

/// Reads the lock file, if there is one.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn read(project: &Path, render: Render<'_>) -> Result<Option<Lock>> {
    let Some(file) = files::source(project, LOCK)? else {
        return Ok(None);
    };
    let broken = |Stopped(mut said): Stopped| {
        if let Some(first) = said.first_mut() {
            let note = "`tv1 deps --upgrade` writes package-lock.yml anew";
            first.notes.push(note.into());
        }
        Stopped(said)
    };
    let document = yaml::load_map(&file).map_err(broken)?;
    let entries = entry::read(&file, Some(render)).map_err(broken)?;
    for entry in &entries {
        if let Spec::Hub { versions, .. } = &entry.spec
            && versions.len() != 1
        {
            return Err(not_one(&entry.place));
        }
    }
    let hash = document.root.get("sha1_hash").and_then(Node::scalar_text);
    Ok(Some(Lock { entries, hash }))
}

fn not_one(place: &Place) -> Stopped {
    Diagnostic::error(
        code::K0913,
        "a package in package-lock.yml must have exactly one version",
    )
    .at(place.clone())
    .help("`tv1 deps --upgrade` writes package-lock.yml anew")
    .into()
}

/// The pins of the file's entries, with the names where they stand there.
pub(super) fn pins(lock: &Lock) -> Vec<(Pin, Option<String>, Place)> {
    let pin = |entry: &Entry| match &entry.spec {
        Spec::Local { path } => Pin::Local { path: path.clone() },
        Spec::Git {
            url,
            raw_url,
            revision,
            subdirectory,
            ..
        } => Pin::Git {
            url: url.clone(),
            raw_url: raw_url.clone(),
            revision: revision.clone().unwrap_or_else(|| "HEAD".into()),
            subdirectory: subdirectory.clone(),
        },
        Spec::Hub {
            package,
            versions,
            prerelease,
        } => Pin::Hub {
            package: package.clone(),
            version: versions
                .first()
                .map(|s| s.version.to_string())
                .unwrap_or_default(),
            prerelease: *prerelease,
        },
        Spec::Tarball { url, raw_url } => Pin::Tarball {
            url: url.clone(),
            raw_url: raw_url.clone(),
            name: entry.name.clone().unwrap_or_default(),
        },
    };
    lock.entries
        .iter()
        .map(|e| (pin(e), e.name.clone(), e.place.clone()))
        .collect()
}
