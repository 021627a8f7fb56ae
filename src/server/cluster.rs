//! Makes a cluster: by `initdb`, or much faster by copying one that `initdb` made before.
use super::account::Account;
use super::programs::{Programs, Source};
use crate::diag::{Diagnostic, code};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bump when the arguments of `initdb` change: clusters in the cache are then not used any more.
const RECIPE: u32 = 1;

/// Name of the role that owns everything in a private cluster.
pub(super) const ROLE: &str = "tv1";

/// Major version of a cluster; none if there is none.
pub(super) fn major(data: &Path) -> Option<u32> {
    let text = fs::read_to_string(data.join("PG_VERSION")).ok()?;
    text.trim().parse().ok()
}

/// Makes `home/data`. Whatever stops it half-way leaves only `home/data.init`, which the next attempt clears away.
pub(super) fn create(
    programs: &Programs,
    account: &Account,
    home: &Path,
    cache: Option<&Path>,
) -> Result<(), Diagnostic> {
    let data = home.join("data");
    let fresh = home.join("data.init");
    let failed = |what: &str, e: &dyn std::fmt::Display| {
        Diagnostic::error(
            code::D0633,
            format!("the project's database cannot be made: {what}: {e}"),
        )
    };
    if fresh.exists() {
        fs::remove_dir_all(&fresh)
            .map_err(|e| failed("an unfinished one cannot be removed", &e))?;
    }
    let template = cache.map(|c| template(c, programs));
    let copied = template
        .as_ref()
        .filter(|t| t.join("PG_VERSION").exists())
        .is_some_and(|t| copy(t, &fresh, Some(account)).is_ok());
    if !copied {
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|e| failed("a copy cannot be removed", &e))?;
        }
        initdb(programs, account, home, &fresh)?;
        if let Some(template) = &template {
            // Without the cache the next cluster takes half a second longer; that is no reason to stop.
            let _ = keep(&fresh, template);
        }
    }
    fs::rename(&fresh, &data).map_err(|e| failed("it cannot be moved into place", &e))
}

/// The place in the cache of a cluster made by just these programs.
fn template(cache: &Path, programs: &Programs) -> PathBuf {
    let bundled = if programs.source == Source::Bundled {
        "-bundled"
    } else {
        ""
    };
    cache.join(format!("cluster-{}{bundled}-r{RECIPE}", programs.version))
}

fn initdb(
    programs: &Programs,
    account: &Account,
    home: &Path,
    fresh: &Path,
) -> Result<(), Diagnostic> {
    let mut said = String::new();
    // Not every system has the locale C.UTF-8; plain C sorts the same.
    for locale in ["C.UTF-8", "C"] {
        let mut command = account.command(&programs.program("initdb"), home);
        programs.prepare(&mut command);
        command
            .args([
                "-U",
                ROLE,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--no-instructions",
            ])
            .arg(format!("--locale={locale}"));
        if programs.major() >= 17 {
            command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
        }
        let out = command.arg("-D").arg(fresh).output();
        let out = out.map_err(|e| {
            Diagnostic::error(
                code::D0633,
                format!(
                    "`{}` cannot be run: {e}",
                    programs.program("initdb").display()
                ),
            )
        })?;
        if out.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        let _ = fs::remove_dir_all(fresh);
    }
    let mut d = Diagnostic::error(code::D0633, "PostgreSQL's `initdb` failed").note(&said);
    if said.contains("could not look up effective user ID") {
        d = d.help("the user that tv1 runs as has no line in /etc/passwd; PostgreSQL needs one");
    } else if said.contains("Permission denied") {
        if let Some(name) = account.name() {
            d = d.help(format!(
                "the server runs as `{name}`, who must be able to enter the folder"
            ));
        }
    } else if said.contains("No space left") {
        d = d.help("a cluster takes about 40 MB");
    }
    Err(d)
}

/// Puts a copy into the cache; whoever comes second leaves the first one's in place.
fn keep(cluster: &Path, template: &Path) -> io::Result<()> {
    let parent = template.parent().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(parent)?;
    let unfinished = tempfile::Builder::new()
        .prefix("cluster-new-")
        .tempdir_in(parent)?;
    let copied = unfinished.path().join("data");
    copy(cluster, &copied, None)?;
    if template.exists() {
        return Ok(());
    }
    fs::rename(&copied, template)
}

/// Copies a cluster that is not running; `account` becomes the owner.
fn copy(from: &Path, to: &Path, account: Option<&Account>) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target, account)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            if let Some(account) = account {
                account.own(&target)?;
            }
        }
    }
    match account {
        Some(account) => account.own(to),
        None => Ok(()),
    }
}
