//! Packages: what packages.yml or dependencies.yml lists is resolved, locked and installed, as `dbt deps` does it.
//!
//! In: the project's folder, a way to render Jinja, options. Out: folders under the install path, package-lock.yml,
//! and lines for the user through a closure. The lock file is dbt's to the byte, so both tools can share a project.
//! This module knows nothing of models, of the database, or of how a package is parsed.
mod add;
mod entry;
mod files;
mod git;
mod http;
mod hub;
mod install;
mod lock;
mod python;
mod resolve;
mod semver;
mod sources;
mod tarball;

use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::text::Place;
use crate::yaml;
use resolve::Named;
use sources::Sources;
use std::path::{Path, PathBuf};

/// The files that list packages; the first is rendered, the second is not.
const PACKAGES: [&str; 2] = ["packages.yml", "dependencies.yml"];
/// The lock file.
const LOCK: &str = "package-lock.yml";

/// Renders a text of packages.yml: the value that the Jinja in it gives.
pub type Render<'a> = &'a dyn Fn(&str) -> Result<yaml::Kind>;

/// A package to be added to packages.yml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add {
    /// `NAMESPACE/NAME`, URL or folder.
    pub name: String,
    /// Version, several conditions with commas between them, or revision.
    pub version: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The package hub.
    Hub,
    /// A git repository.
    Git,
    /// A folder.
    Local,
}

/// What `deps` is asked to do.
pub struct Options<'a> {
    /// Name of the root project.
    pub project_name: String,
    /// `packages-install-path`, relative to the project.
    pub install_path: PathBuf,
    /// The version of dbt to which packages of the hub must fit; `None` with `--no-version-check`.
    pub dbt_version: Option<String>,
    /// Resolve even if the lock file fits.
    pub upgrade: bool,
    /// Write the lock file only.
    pub lock_only: bool,
    /// Add this package first.
    pub add: Option<Add>,
    /// Change nothing.
    pub dry_run: bool,
    /// Values that must not be shown: those of secret variables.
    pub secrets: Vec<String>,
    /// Asks the environment (`DBT_PACKAGE_HUB_URL`, certificates).
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// What `deps` tells while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// A line as dbt prints it.
    Line(String),
    /// A warning, with dbt's name for the event, for `warn_error_options`.
    Warning {
        /// dbt's name for it.
        event: &'static str,
        /// The text.
        text: String,
    },
    /// Packages of which newer versions exist.
    Updates(Vec<String>),
}

/// What `deps` has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The packages that are now installed.
    pub installed: Vec<PackageDir>,
    /// Whether the lock file has been written.
    pub lock_written: bool,
    /// Packages of which newer versions exist.
    pub updates: Vec<String>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageDir {
    /// Name of its folder, which is mostly the project's name.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
}

/// Resolves, locks and installs the packages of a project.
///
/// # Errors
/// Files that cannot be read, packages that cannot be had, versions that contradict each other. The packages that
/// were installed, the lock file and packages.yml are then as they were.
pub fn deps(
    project: &Path,
    options: &Options<'_>,
    render: Render<'_>,
    say: &mut dyn FnMut(Say),
) -> Result<Summary> {
    let secrets: Vec<&str> = options
        .secrets
        .iter()
        .map(String::as_str)
        .filter(|s| !s.is_empty())
        .collect();
    let hide = |text: String| secrets.iter().fold(text, |t, s| t.replace(s, "*****"));
    let mut updates = Vec::new();
    let mut say = |said: Say| match said {
        Say::Line(text) => say(Say::Line(hide(text))),
        Say::Warning { event, text } => say(Say::Warning {
            event,
            text: hide(text),
        }),
        Say::Updates(all) => updates.extend(all),
    };
    let _guard = install::guard(project);
    match work(project, options, render, &mut say) {
        Ok(summary) => Ok(Summary { updates, ..summary }),
        Err(Stopped(said)) => {
            let hidden = said.into_iter().map(|d| Diagnostic {
                message: hide(d.message),
                notes: d.notes.into_iter().map(hide).collect(),
                help: d.help.map(hide),
                ..d
            });
            Err(Stopped(hidden.collect()))
        }
    }
}

fn work(
    project: &Path,
    options: &Options<'_>,
    render: Render<'_>,
    say: &mut dyn FnMut(Say),
) -> Result<Summary> {
    let edit = match &options.add {
        Some(add) => Some(add::edit(project, add, say)?),
        None => None,
    };
    let listed = match &edit {
        // The file is written only when its packages have been had.
        Some(edit) => {
            let file = crate::text::SourceFile::new(edit.name, edit.text.clone());
            let rendered = edit.name == PACKAGES[0];
            entry::read(&file, rendered.then_some(render))?
        }
        None => entry::listed(project, render)?.entries,
    };
    let temporary =
        tempfile::tempdir().map_err(|e| files::failed("make", &std::env::temp_dir(), &e))?;
    let mut sources = Sources::new(project, options, render, temporary.path())?;
    let hash = entry::hash(&listed);
    let lock = match lock::read(project, render) {
        Err(stopped) if !options.upgrade => return Err(stopped),
        other => other.ok().flatten(),
    };
    if listed.is_empty() && options.add.is_none() {
        let text = "No packages were found in packages.yml".to_string();
        let event = "DepsNoPackagesFound";
        say(Say::Warning { event, text });
    }
    let fits = match &lock {
        Some(lock) => listed.is_empty() || lock.hash.as_deref() == Some(hash.as_str()),
        None => listed.is_empty(),
    };
    let anew = !listed.is_empty() && (options.upgrade || !fits);
    let packages = if anew {
        resolve::resolve(&listed, &options.project_name, &mut sources, say)?
    } else {
        locked(lock.as_ref(), &options.project_name, &mut sources)?
    };
    let folder = project.join(&options.install_path);
    if options.dry_run {
        planned(&packages, anew, say);
        return Ok(Summary::default());
    }
    let mut summary = Summary::default();
    let lock_path = project.join(LOCK);
    if anew {
        let path = lock_path.display();
        say(Say::Line(format!(
            "Updating lock file in file path: {path}"
        )));
    } else if options.lock_only && lock.is_some() {
        say(Say::Line(format!(
            "Lock file is up to date: {}",
            lock_path.display()
        )));
    }
    if !options.lock_only {
        summary.installed = install::install(&packages, &folder, &mut sources, say)?;
    }
    if let Some(edit) = edit {
        write(&project.join(edit.name), &edit.text)?;
    }
    if anew {
        write(&lock_path, &lock::text(&packages, &hash))?;
        summary.lock_written = true;
    }
    Ok(summary)
}

/// The packages of the lock file.
fn locked(lock: Option<&lock::Lock>, root: &str, sources: &mut Sources<'_>) -> Result<Vec<Named>> {
    let mut out: Vec<Named> = Vec::new();
    for (pin, _, place) in lock.map(lock::pins).unwrap_or_default() {
        let name = sources
            .metadata(&pin)
            .map_err(|s| resolve::located(s, &place))?
            .name;
        resolve::check_name(&name, &pin, root, &out, &place)?;
        out.push(Named { pin, name });
    }
    Ok(out)
}

/// What a dry run tells.
fn planned(packages: &[Named], anew: bool, say: &mut dyn FnMut(Say)) {
    if anew {
        say(Say::Line(format!("Would write {LOCK}")));
    }
    for Named { pin, name } in packages {
        say(Say::Line(format!(
            "Would install {} as {name} from {}",
            pin.shown(),
            pin.version()
        )));
    }
}

/// Writes a file in one step.
fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = tempfile::Builder::new()
        .prefix(".tv1-")
        .tempfile_in(folder)
        .and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            let kept = std::fs::metadata(path).map(|m| m.permissions());
            #[cfg(unix)]
            let kept = kept.or_else(|_| {
                Ok::<_, std::io::Error>(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            });
            if let Ok(permissions) = kept {
                std::fs::set_permissions(file.path(), permissions)?;
            }
            file.persist(path).map_err(|e| e.error)?;
            Ok(())
        });
    written.map_err(|e| files::failed("write", path, &e).into())
}

/// The packages in the install folder, sorted by the names of their folders, listed anywhere or not. Folders whose
/// name begins with `__` or a dot are none.
///
/// # Errors
/// A folder without a project file, or one that cannot be read.
pub fn installed(project: &Path, install_path: &Path) -> Result<Vec<PackageDir>> {
    let folder = project.join(install_path);
    let mut out = Vec::new();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(out),
        Err(e) => return Err(files::failed("read", &folder, &e).into()),
    };
    let mut broken = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| files::failed("read", &folder, &e))?;
        let (name, path) = (
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        );
        let link = entry.file_type().is_ok_and(|t| t.is_symlink());
        if name.starts_with("__") || name.starts_with('.') || !(path.is_dir() || link) {
            continue;
        }
        if files::project_file(&path).is_none() {
            let d = Diagnostic::error(
                code::K0908,
                format!(
                    "failed to read package: no dbt_project.yml found in {}",
                    path.display()
                ),
            )
            .heading("Runtime Error");
            broken.push(if link && !path.exists() {
                d.help("it is a link to a folder that is gone; `tv1 deps` makes it anew")
            } else {
                d.help("`tv1 deps` puts the folder in order")
            });
            continue;
        }
        out.push(PackageDir { name, path });
    }
    if !broken.is_empty() {
        broken.sort_by(|a, b| a.message.cmp(&b.message));
        return Err(Stopped(broken));
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

/// Checks, for commands other than `deps`, that as many packages are installed as are listed, and returns them.
///
/// # Errors
/// Fewer installed than listed, or files that cannot be read.
pub fn check_installed(
    project: &Path,
    install_path: &Path,
    render: Render<'_>,
) -> Result<Vec<PackageDir>> {
    let listed = entry::listed(project, render)?;
    let installed = installed(project, install_path)?;
    let (wanted, there) = (listed.entries.len(), installed.len());
    if there >= wanted {
        return Ok(installed);
    }
    let file = listed
        .file
        .as_ref()
        .map_or(PACKAGES[0], |f| f.path.as_str());
    let message = format!(
        "found {wanted} package(s) specified in {file}, but only {there} package(s) installed in {}. \
         Run \"tv1 deps\" to install package dependencies",
        install_path.display()
    );
    Err(Diagnostic::error(code::K0910, message)
        .heading("Compilation Error")
        .at_opt(listed.entries.first().map(|e| e.place.clone()))
        .help("run `tv1 deps`")
        .into())
}

/// Whether conditions such as `>=1.0.0` and `<2.0.0` allow a version; `Err` has the condition that cannot be read.
///
/// # Errors
/// The first condition that is none.
pub fn version_allowed(conditions: &[String], version: &str) -> Result<bool, String> {
    let mut all = Vec::new();
    for text in conditions {
        all.push(semver::Specifier::read(text).ok_or_else(|| text.clone())?);
    }
    let Some(version) = semver::Version::read(version) else {
        return Ok(true);
    };
    Ok(all.iter().all(|s| s.allows(&version)))
}

/// The error that a repository is wanted at several revisions.
fn several_revisions(url: &str, revisions: &[String], places: &[Place]) -> Diagnostic {
    let shown: Vec<String> = revisions.iter().map(|r| format!("`{r}`")).collect();
    let mut d = Diagnostic::error(
        code::K0911,
        format!(
            "git dependencies should contain exactly one version: {url} is asked for at {}",
            shown.join(", ")
        ),
    );
    for place in places {
        d = d.label(place.clone(), "asked for here");
    }
    d.help("give all entries of the repository the same `revision`")
}

#[cfg(test)]
mod tests;
