//! Where packages come from, behind one door: what a package is called, what it needs, and its files.
//!
//! Everything fetched goes to one temporary folder and is fetched once.
use super::entry::{self, Entry, Spec};
use super::git::Git;
use super::http::Http;
use super::hub::Hub;
use super::{Options, Render, files, tarball};
use crate::diag::{Diagnostic, Result, code};
use crate::text::SourceFile;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A package with nothing left to choose, as the lock file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pin {
    /// A folder.
    Local {
        /// Path, relative to the root project.
        path: String,
    },
    /// A commit.
    Git {
        /// URL.
        url: String,
        /// URL before rendering, for the lock file.
        raw_url: String,
        /// Commit.
        revision: String,
        /// Folder in the repository.
        subdirectory: Option<String>,
    },
    /// A version.
    Hub {
        /// `NAMESPACE/NAME`.
        package: String,
        /// Version, as the hub writes it.
        version: String,
        /// Whether an update may be a version before a release.
        prerelease: bool,
    },
    /// An archive.
    Tarball {
        /// URL.
        url: String,
        /// URL before rendering, for the lock file.
        raw_url: String,
        /// Name given in the entry.
        name: String,
    },
}

impl Pin {
    /// How people know it.
    pub(super) fn shown(&self) -> String {
        match self {
            Pin::Local { path } => path.clone(),
            Pin::Git {
                url, subdirectory, ..
            } => match subdirectory {
                Some(sub) => format!("{url}/{sub}"),
                None => url.clone(),
            },
            Pin::Hub { package, .. } => package.clone(),
            Pin::Tarball { name, .. } => name.clone(),
        }
    }

    /// What of it is installed, in dbt's words.
    pub(super) fn version(&self) -> String {
        match self {
            Pin::Local { path } => format!("<local @ {path}>"),
            Pin::Git {
                revision,
                subdirectory,
                ..
            } => match subdirectory {
                Some(sub) => format!("revision {revision}\n   and subdirectory {sub}"),
                None => format!("revision {revision}"),
            },
            Pin::Hub { version, .. } => format!("version {version}"),
            Pin::Tarball { url, .. } => format!("tarball (url: {url})"),
        }
    }
}

/// What is known of a pinned package.
pub(super) struct Metadata {
    /// Name of its folder.
    pub(super) name: String,
    /// What it needs.
    pub(super) dependencies: Vec<Entry>,
}

/// Everything that can be asked for packages.
pub(super) struct Sources<'a> {
    /// The hub.
    pub(super) hub: Hub,
    /// HTTP.
    pub(super) http: Http,
    /// git.
    pub(super) git: Git,
    project: &'a Path,
    render: Render<'a>,
    folder: PathBuf,
    archives: BTreeMap<String, PathBuf>,
}

impl<'a> Sources<'a> {
    /// Sources that fetch into `folder`.
    ///
    /// # Errors
    /// A file of certificates that cannot be read.
    pub(super) fn new(
        project: &'a Path,
        options: &Options<'_>,
        render: Render<'a>,
        folder: &Path,
    ) -> Result<Self> {
        let asked = |name: &str| (options.env)(name).filter(|v| !v.is_empty());
        let certificates = asked("SSL_CERT_FILE").or_else(|| asked("REQUESTS_CA_BUNDLE"));
        let dbt = options.dbt_version.as_deref();
        Ok(Self {
            hub: Hub::new(
                asked("DBT_PACKAGE_HUB_URL").as_deref(),
                dbt.and_then(super::semver::Version::read),
            ),
            http: Http::new(certificates.as_deref().map(Path::new))?,
            git: Git::new(folder.to_path_buf(), project.to_path_buf()),
            project,
            render,
            folder: folder.to_path_buf(),
            archives: BTreeMap::new(),
        })
    }

    /// Folder of a local package.
    pub(super) fn local(&self, path: &str) -> PathBuf {
        let home = (path == "~" || path.starts_with("~/"))
            .then(std::env::home_dir)
            .flatten();
        match home {
            Some(home) => home.join(path.trim_start_matches('~').trim_start_matches('/')),
            None => self.project.join(path),
        }
    }

    /// Name and needs of a pinned package.
    ///
    /// # Errors
    /// A package that cannot be had, or is none.
    pub(super) fn metadata(&mut self, pin: &Pin) -> Result<Metadata> {
        if let Pin::Hub {
            package, version, ..
        } = pin
        {
            let release = self.hub.release(&self.http, package, version)?;
            let dependencies = release.dependencies()?;
            let name = release.name;
            return Ok(Metadata { name, dependencies });
        }
        let folder = self.folder_of(pin)?;
        let name = match pin {
            Pin::Tarball { name, .. } => name.clone(),
            _ => files::project_name(&folder, &pin.shown())?,
        };
        let mut dependencies = self.needs(&folder, pin)?;
        if let Pin::Local { path } = pin {
            for entry in &mut dependencies {
                self.relocate(entry, path);
            }
        }
        Ok(Metadata { name, dependencies })
    }

    /// The packages that a package lists; places in them name the package.
    fn needs(&self, folder: &Path, pin: &Pin) -> Result<Vec<Entry>> {
        for (index, name) in super::PACKAGES.iter().enumerate() {
            let Some(file) = files::source(folder, name)? else {
                continue;
            };
            let file = SourceFile::new(format!("{}/{name}", pin.shown()), file.text.clone());
            let entries = entry::read(&file, (index == 0).then_some(self.render))?;
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }

    /// Paths in a local package are relative to the root project, as in dbt; one that leads nowhere from there but
    /// somewhere from the package's own folder is taken from there.
    fn relocate(&self, entry: &mut Entry, from: &str) {
        let Spec::Local { path } = &mut entry.spec else {
            return;
        };
        let beside = format!("{}/{path}", from.trim_end_matches('/'));
        if !self.local(path).exists() && self.local(&beside).exists() {
            *path = tidy(&beside);
        }
    }

    /// The folder with the files of a pinned package, fetched if need be.
    ///
    /// # Errors
    /// A package that cannot be had.
    pub(super) fn folder_of(&mut self, pin: &Pin) -> Result<PathBuf> {
        match pin {
            Pin::Local { path } => {
                let folder = self.local(path);
                if folder.is_dir() {
                    return Ok(folder);
                }
                Err(Diagnostic::error(code::K0908, format!("there is no folder `{path}`"))
                    .heading("Runtime Error")
                    .note(format!("looked at {}", folder.display()))
                    .help("paths of local packages are relative to the folder of the root project")
                    .into())
            }
            Pin::Git {
                url,
                revision,
                subdirectory,
                ..
            } => Ok(self
                .git
                .checkout(url, Some(revision), subdirectory.as_deref())?
                .folder),
            Pin::Hub {
                package, version, ..
            } => {
                let release = self.hub.release(&self.http, package, version)?;
                self.archive(&release.tarball, &format!("package `{package}` {version}"))
            }
            Pin::Tarball { url, name, .. } => self.archive(url, &format!("package `{name}`")),
        }
    }

    fn archive(&mut self, url: &str, what: &str) -> Result<PathBuf> {
        if let Some(done) = self.archives.get(url) {
            return Ok(done.clone());
        }
        let bytes = self.http.get(url, what)?;
        let into = self.folder.join(format!("tar-{}", self.archives.len()));
        let folder = tarball::unpack(&bytes, &into, url)?;
        self.archives.insert(url.to_string(), folder.clone());
        Ok(folder)
    }
}

/// A relative path without `name/..`.
fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|p| *p != ".." && !p.is_empty()) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
