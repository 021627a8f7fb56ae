//! Puts packages into the install folder, all or none.
//!
//! They are gathered in a folder beside it, which then takes its place in one step; until then the old packages stay.
use super::files;
use super::resolve::Named;
use super::sources::{Pin, Sources};
use super::{PackageDir, Say};
use crate::diag::{Diagnostic, Result, code};
use std::path::{Path, PathBuf};

/// Installs packages into `folder`, replacing what is there.
///
/// # Errors
/// A package that cannot be had, or the file system; the folder is then as it was.
pub(super) fn install(
    packages: &[Named],
    folder: &Path,
    sources: &mut Sources<'_>,
    say: &mut dyn FnMut(Say),
) -> Result<Vec<PackageDir>> {
    // A link to a shared folder is followed, not replaced.
    let folder = folder
        .canonicalize()
        .unwrap_or_else(|_| folder.to_path_buf());
    let new = beside(&folder, "new");
    files::remove(&new)?;
    let gathered = gather(packages, &new, sources, say);
    if let Err(stopped) = gathered {
        // The first error counts, not one about tidying up after it.
        let _ = files::remove(&new);
        return Err(stopped);
    }
    swap(&new, &folder)?;
    Ok(packages
        .iter()
        .map(|p| PackageDir {
            name: p.name.clone(),
            path: folder.join(&p.name),
        })
        .collect())
}

fn gather(
    packages: &[Named],
    new: &Path,
    sources: &mut Sources<'_>,
    say: &mut dyn FnMut(Say),
) -> Result<()> {
    std::fs::create_dir_all(new).map_err(|e| files::failed("make", new, &e))?;
    let mut updates = Vec::new();
    for Named { pin, name } in packages {
        say(Say::Line(format!("Installing {}", pin.shown())));
        let from = sources.folder_of(pin)?;
        let to = new.join(name);
        if matches!(pin, Pin::Local { .. }) {
            files::link_folder(&from, &to)?;
        } else {
            files::copy_tree(&from, &to)?;
        }
        if files::project_file(&to).is_none() {
            let shown = pin.shown();
            let why = format!("no dbt_project.yml found in package `{shown}`");
            return Err(Diagnostic::error(code::K0908, why)
                .heading("Runtime Error")
                .into());
        }
        say(Say::Line(format!("Installed from {}", pin.version())));
        match newer(pin, sources) {
            Some(Newer::Version(version)) => {
                say(Say::Line(format!("Updated version available: {version}")));
                updates.push(pin.shown());
            }
            Some(Newer::No) => say(Say::Line("Up to date!".into())),
            None => {}
        }
    }
    if !updates.is_empty() {
        let names: Vec<String> = updates.iter().map(|u| format!("'{u}'")).collect();
        say(Say::Line(String::new()));
        say(Say::Line(format!(
            "Updates available for packages: [{}]\nUpdate your versions in packages.yml, then run tv1 deps",
            names.join(", ")
        )));
        say(Say::Updates(updates));
    }
    Ok(())
}

/// What the hub has beyond what is installed.
enum Newer {
    /// Nothing: the latest version is installed.
    No,
    /// This version.
    Version(String),
}

/// What newer version there is of a package of the hub; `None` for other packages.
fn newer(pin: &Pin, sources: &Sources<'_>) -> Option<Newer> {
    let Pin::Hub {
        package,
        version,
        prerelease,
    } = pin
    else {
        return None;
    };
    let latest = sources.hub.latest(package, *prerelease)?;
    let behind = super::semver::Version::read(version).is_some_and(|v| v < latest);
    Some(if behind {
        Newer::Version(latest.to_string())
    } else {
        Newer::No
    })
}

/// A folder's neighbour that only tv1 uses.
fn beside(folder: &Path, what: &str) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.tv1-{what}"))
}

/// Makes `new` take the place of `folder`.
fn swap(new: &Path, folder: &Path) -> Result<()> {
    if folder.symlink_metadata().is_err() {
        return std::fs::rename(new, folder).map_err(|e| files::failed("write", folder, &e).into());
    }
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    if exchanged(new, folder) {
        return files::remove(new);
    }
    let old = beside(folder, "old");
    files::remove(&old)?;
    std::fs::rename(folder, &old).map_err(|e| files::failed("move", folder, &e))?;
    if let Err(e) = std::fs::rename(new, folder) {
        let back = std::fs::rename(&old, folder);
        let mut d = files::failed("write", folder, &e);
        if back.is_err() {
            d = d.note(format!(
                "the packages that were there are now in {}",
                old.display()
            ));
        }
        return Err(d.into());
    }
    files::remove(&old)
}

/// Exchanges two folders in one step, where the system can.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchanged(new: &Path, folder: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, new, CWD, folder, RenameFlags::EXCHANGE).is_ok()
}

/// Keeps two runs for one project apart, for as long as the value lives. Where folders cannot be locked, nothing
/// does.
pub(super) fn guard(project: &Path) -> Option<std::fs::File> {
    let folder = std::fs::File::open(project).ok()?;
    folder.lock().ok()?;
    Some(folder)
}
