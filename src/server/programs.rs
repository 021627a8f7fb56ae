//! Where PostgreSQL's own programs are: named by the user, the system's, or those carried in this binary.
use super::bundle;
use crate::diag::{Diagnostic, code};
use crate::pg::Lookup;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest major version that serves.
pub(super) const OLDEST: u32 = 14;

/// Where the programs were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Named by `TV1_PG_BIN`.
    Named,
    /// On the `PATH`.
    Path,
    /// In one of the places where systems install them.
    System,
    /// Carried in this binary.
    Bundled,
}

impl Source {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Named => "TV1_PG_BIN",
            Self::Path => "PATH",
            Self::System => "system",
            Self::Bundled => "bundled",
        }
    }

    /// From its words.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Named, Self::Path, Self::System, Self::Bundled]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

/// A set of programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// Folder with `postgres` and `initdb`.
    pub bin: PathBuf,
    /// Version as the programs say it (`15.18`).
    pub version: String,
    /// Where they were found.
    pub source: Source,
}

impl Programs {
    /// Major version.
    pub fn major(&self) -> u32 {
        major(&self.version)
    }

    /// Path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// The programs of a folder, if `postgres` and `initdb` are in it and run.
    pub(super) fn at(bin: &Path, source: Source) -> Option<Self> {
        if !bin.join("initdb").exists() {
            return None;
        }
        let mut command = Command::new(bin.join("postgres"));
        if source == Source::Bundled {
            bundle::environment(bin, &mut command);
        }
        let out = command.arg("--version").output().ok()?;
        let text = String::from_utf8(out.stdout).ok()?;
        let version = text.split_whitespace().nth(2)?.to_owned();
        (major(&version) > 0).then(|| Self {
            // A link into another folder (as in /usr/bin) would hide the programs that are only there.
            bin: std::fs::canonicalize(bin.join("postgres"))
                .ok()
                .and_then(|p| p.parent().map(Path::to_path_buf))
                .filter(|p| p.join("initdb").exists())
                .unwrap_or_else(|| bin.to_path_buf()),
            version,
            source,
        })
    }
}

/// `15.18` → 15, `18beta1` → 18.
pub(super) fn major(version: &str) -> u32 {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|d| d.parse().ok()).unwrap_or(0)
}

/// Folders that hold one folder a version: the folder, how the names in it begin, the way on to the programs.
const PLACES: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/local", "pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/opt/local/lib", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The best there is: what the user names, then the `PATH`, then the system's newest, then ours.
    Any,
    /// Of this major version, wherever it is.
    Major(u32),
}

/// Finds programs. `cache` is the user's folder for what can be made again.
pub fn find(wanted: Wanted, env: Lookup<'_>, cache: Option<&Path>) -> Result<Programs, Diagnostic> {
    if let Some(dir) = env("TV1_PG_BIN").filter(|d| !d.is_empty()) {
        return named(&dir, wanted);
    }
    let fits = |p: &Programs| match wanted {
        Wanted::Any => p.major() >= OLDEST,
        Wanted::Major(major) => p.major() == major,
    };
    let path = env("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .filter_map(|dir| Programs::at(&dir, Source::Path))
        .find(fits);
    if let Some(programs) = on_path {
        return Ok(programs);
    }
    let mut installed: Vec<Programs> = installed(PLACES).into_iter().filter(fits).collect();
    installed.sort_by_key(|p| (p.major(), p.version.clone()));
    if let Some(programs) = installed.pop() {
        return Ok(programs);
    }
    let mut missing = not_found(wanted);
    match bundle::programs(cache) {
        Ok(Some(programs)) if fits(&programs) => return Ok(programs),
        Ok(_) => {}
        Err(reason) => missing = missing.note(reason),
    }
    Err(missing)
}

fn named(dir: &str, wanted: Wanted) -> Result<Programs, Diagnostic> {
    let programs = Programs::at(Path::new(dir), Source::Named).ok_or_else(|| {
        Diagnostic::error(
            code::D0630,
            format!("`TV1_PG_BIN` names `{dir}`, but there is no `postgres` with `initdb` in it that runs"),
        )
        .help("let it name a folder such as `/usr/lib/postgresql/17/bin`, or unset it")
    })?;
    match wanted {
        Wanted::Any if programs.major() < OLDEST => Err(Diagnostic::error(
            code::D0630,
            format!("`TV1_PG_BIN` names PostgreSQL {}, which is too old", programs.version),
        )
        .help(format!("version {OLDEST} or later is needed"))),
        Wanted::Major(major) if programs.major() != major => Err(Diagnostic::error(
            code::D0631,
            format!(
                "the project's database was made by PostgreSQL {major}, but `TV1_PG_BIN` names version {}",
                programs.version
            ),
        )
        .help("unset `TV1_PG_BIN`, or remove the database's folder to build it anew")),
        _ => Ok(programs),
    }
}

fn installed(places: &[(&str, &str, &str)]) -> Vec<Programs> {
    let mut found = Vec::new();
    for (folder, beginning, way) in places {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(beginning) {
                found.extend(Programs::at(&entry.path().join(way), Source::System));
            }
        }
    }
    found
}

/// Says what is missing and the one command of this system that brings it.
fn not_found(wanted: Wanted) -> Diagnostic {
    match wanted {
        Wanted::Any => Diagnostic::error(
            code::D0630,
            "no database server is named, and there is no PostgreSQL on this machine to start a private one",
        )
        .help(format!(
            "install it: `{}`; or name a server with DATABASE_URL or in the profile",
            install_command(None)
        )),
        Wanted::Major(major) => Diagnostic::error(
            code::D0631,
            format!("the project's database was made by PostgreSQL {major}, which is no longer on this machine"),
        )
        .help(format!(
            "install it again: `{}`; or remove the database's folder to build it anew",
            install_command(Some(major))
        )),
    }
}

/// How to get `psql` here.
pub(super) fn install_client() -> String {
    format!("it comes with PostgreSQL: `{}`", install_command(None))
}

/// The command that installs PostgreSQL here.
fn install_command(major: Option<u32>) -> String {
    let number = major.map(|m| m.to_string());
    let with = |dash: &str, otherwise: &str| match &number {
        Some(n) => format!("{dash}{n}"),
        None => otherwise.to_owned(),
    };
    if cfg!(target_os = "macos") {
        return format!("brew install postgresql@{}", major.unwrap_or(17));
    }
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is = |names: &[&str]| {
        release
            .lines()
            .filter_map(|l| l.strip_prefix("ID_LIKE=").or_else(|| l.strip_prefix("ID=")))
            .flat_map(|v| v.trim_matches('"').split(' '))
            .any(|id| names.contains(&id))
    };
    if is(&["debian", "ubuntu"]) {
        format!("apt-get install postgresql{}", with("-", ""))
    } else if is(&["fedora", "rhel", "centos"]) {
        format!("dnf install postgresql{}-server", with("", ""))
    } else if is(&["arch"]) {
        "pacman -S postgresql".to_owned()
    } else if is(&["alpine"]) {
        format!("apk add postgresql{}", with("", ""))
    } else if is(&["suse", "opensuse"]) {
        format!("zypper install postgresql{}-server", with("", ""))
    } else {
        "apt-get install postgresql, or your system's like of it".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A folder with programs that say they are of this version.
    fn fake(dir: &Path, version: &str) -> PathBuf {
        let bin = dir.join(version).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        for name in ["postgres", "initdb"] {
            let file = bin.join(name);
            std::fs::write(
                &file,
                format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version} (x)'\n"),
            )
            .unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        bin
    }

    #[test]
    fn what_the_user_names_comes_first_then_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (fake(dir.path(), "14.2"), fake(dir.path(), "16.1"));
        let ancient = fake(dir.path(), "9.6.24");
        let env = |named: Option<&Path>, path: &[&Path]| {
            let named = named.map(|p| p.display().to_string());
            let path = std::env::join_paths(path).unwrap().into_string().unwrap();
            move |name: &str| match name {
                "TV1_PG_BIN" => named.clone(),
                "PATH" => Some(path.clone()),
                _ => None,
            }
        };
        let found = find(Wanted::Any, &env(Some(&old), &[&new]), None).unwrap();
        assert_eq!(
            (found.version.as_str(), found.source),
            ("14.2", Source::Named)
        );
        let found = find(Wanted::Any, &env(None, &[&ancient, &old, &new]), None).unwrap();
        assert_eq!((found.major(), found.source), (14, Source::Path));
        let found = find(Wanted::Major(16), &env(None, &[&old, &new]), None).unwrap();
        assert_eq!(found.major(), 16);
        let e = find(Wanted::Any, &env(Some(&ancient), &[]), None).unwrap_err();
        assert!(e.message.contains("too old"), "{e:?}");
        let e = find(Wanted::Major(16), &env(Some(&old), &[]), None).unwrap_err();
        assert_eq!(e.code, code::D0631);
        let e = find(Wanted::Any, &env(Some(dir.path()), &[]), None).unwrap_err();
        assert!(e.message.contains("no `postgres`"), "{e:?}");
        let e = find(Wanted::Major(12), &env(None, &[]), None).unwrap_err();
        assert!(e.help.unwrap().contains("install it again"));
    }

    #[test]
    fn of_the_systems_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        fake(dir.path(), "14.2");
        fake(dir.path(), "18.0");
        let place = dir.path().display().to_string();
        let found = installed(&[(&place, "1", "bin"), ("/nowhere", "", "")]);
        assert_eq!(found.iter().map(Programs::major).max(), Some(18));
        assert_eq!(found.len(), 2);
        assert_eq!((major("18beta1"), major("x")), (18, 0));
    }
}
