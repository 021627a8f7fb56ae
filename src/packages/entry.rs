//! The entries of packages.yml, dependencies.yml and package-lock.yml, rendered and checked.
//!
//! In: a file and the host's way to render Jinja. Out: typed entries with their places, and the hash by which dbt
//! knows whether the lock file still fits. Nothing here looks for a package.
use super::python::Json;
use super::semver::Specifier;
use super::{PACKAGES, Render};
use crate::diag::{Diagnostic, Result, Sink, Stopped, code};
use crate::text::{Place, SourceFile};
use crate::yaml::{self, Kind, Node};
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a package is and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// A folder.
    Local {
        /// Path, as written; relative to the root project.
        path: String,
    },
    /// A git repository.
    Git {
        /// URL.
        url: String,
        /// URL before rendering, which may name secrets instead of holding them.
        raw_url: String,
        /// Branch, tag or commit.
        revision: Option<String>,
        /// Folder of the package within the repository.
        subdirectory: Option<String>,
        /// Warn if the revision can move.
        warn_unpinned: bool,
    },
    /// A package of the hub.
    Hub {
        /// `NAMESPACE/NAME`.
        package: String,
        /// What the version must meet.
        versions: Vec<Specifier>,
        /// Versions before a release may be chosen.
        prerelease: bool,
    },
    /// An archive.
    Tarball {
        /// URL.
        url: String,
        /// URL before rendering.
        raw_url: String,
    },
}

/// An entry of one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The package.
    pub spec: Spec,
    /// `name`, where the file gives one: always for tarballs and in lock files.
    pub name: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// What dbt hashes of it.
    hashed: String,
}

/// The packages file of a project.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The file, if there is one.
    pub file: Option<Arc<SourceFile>>,
    /// Its entries.
    pub entries: Vec<Entry>,
}

/// dbt's hash of the entries: of their JSON texts, sorted, one a line.
pub fn hash(entries: &[Entry]) -> String {
    let mut texts: Vec<&str> = entries.iter().map(|e| e.hashed.as_str()).collect();
    texts.sort_unstable();
    let digest = Sha1::digest(texts.join("\n").as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

/// Reads the entries under `packages` of a file. `render` is left out for files whose text is taken as it is.
///
/// # Errors
/// Every entry that cannot be.
pub fn read(file: &Arc<SourceFile>, render: Option<Render<'_>>) -> Result<Vec<Entry>> {
    let document = yaml::load_map(file)?;
    let mut sink = Sink::default();
    let Some(list) = document.root.get("packages") else {
        return Ok(Vec::new());
    };
    if !list.is_seq() && !list.is_null() {
        return Err(malformed(
            file,
            list,
            format!("`packages` must be a list, not {}", list.type_name()),
        )
        .into());
    }
    let mut entries = Vec::new();
    for item in list.items() {
        let reader = Reader { file, item, render };
        if let Some(entry) = sink.take(reader.read()) {
            entries.push(entry);
        }
    }
    sink.finish()?;
    Ok(entries)
}

fn malformed(file: &Arc<SourceFile>, node: &Node, why: String) -> Diagnostic {
    Diagnostic::error(code::K0901, why)
        .heading("Runtime Error")
        .at(Place::new(file, node.span.clone()))
        .note("The packages.yml file in this project is malformed")
}

/// Reads one entry.
struct Reader<'a> {
    file: &'a Arc<SourceFile>,
    item: &'a Node,
    render: Option<Render<'a>>,
}

const KINDS: &[(&str, &[&str])] = &[
    (
        "git",
        &["git", "revision", "subdirectory", "warn-unpinned", "name"],
    ),
    (
        "package",
        &["package", "version", "install_prerelease", "name"],
    ),
    ("local", &["local", "name"]),
    ("tarball", &["tarball", "name"]),
];

impl Reader<'_> {
    fn read(&self) -> Result<Entry> {
        if self.item.get("private").is_some() {
            return Err(self.private());
        }
        let Some((kind, known)) = KINDS.iter().find(|(k, _)| self.item.get(k).is_some()) else {
            return Err(self.no_kind());
        };
        let unknown = yaml::unknown_keys(self.file, self.item, known, "package");
        if !unknown.is_empty() {
            let headed = unknown.into_iter().map(|d| Diagnostic {
                code: code::K0901,
                ..d.heading("Runtime Error")
            });
            return Err(Stopped(headed.collect()));
        }
        let rendered = self.rendered()?;
        let name = self.text(&rendered, "name")?;
        let (spec, mut hashed) = match *kind {
            "local" => self.local(&rendered)?,
            "git" => self.git(&rendered)?,
            "package" => self.hub(&rendered)?,
            _ => self.tarball(&rendered)?,
        };
        if matches!(spec, Spec::Tarball { .. }) && name.is_none() {
            let why = "a tarball needs a `name`, which becomes the name of its folder".to_string();
            return Err(malformed(self.file, self.item, why).into());
        }
        if let Some(name) = &name {
            hashed.insert("name".into(), Json::Text(name.clone()));
        }
        hashed.insert("unrendered".into(), Json::of(self.item));
        Ok(Entry {
            spec,
            name,
            place: Place::new(self.file, self.item.span.clone()),
            hashed: Json::Object(hashed).dump(),
        })
    }

    fn private(&self) -> Stopped {
        let name = self.item.get("private").and_then(Node::scalar_text);
        let why = format!(
            "private package `{}` cannot be resolved: there is no git provider to ask",
            name.unwrap_or_default()
        );
        Diagnostic::error(code::K0912, why)
            .at(Place::new(self.file, self.item.span.clone()))
            .help("use a `git:` entry with the repository's URL instead")
            .into()
    }

    fn no_kind(&self) -> Stopped {
        let mut d = malformed(
            self.file,
            self.item,
            "a package needs one of the keys `package`, `git`, `local`, `tarball`".into(),
        );
        let mut keys = self.item.entries().iter().filter_map(|(k, _)| k.as_str());
        let near = keys.find_map(|k| crate::text::nearest(k, KINDS.iter().map(|(k, _)| *k)));
        if let Some(near) = near {
            d = d.help(format!("did you mean `{near}`?"));
        }
        d.into()
    }

    /// The entry with every text of it rendered.
    fn rendered(&self) -> Result<Node> {
        fn walk(node: &Node, render: Render<'_>, file: &Arc<SourceFile>) -> Result<Node> {
            let kind = match &node.kind {
                Kind::Str(text) => render(text).map_err(|Stopped(said)| {
                    Stopped(
                        said.into_iter()
                            .map(|d| {
                                if d.labels.is_empty() {
                                    d.at(Place::new(file, node.span.clone()))
                                } else {
                                    d
                                }
                            })
                            .collect(),
                    )
                })?,
                Kind::Seq(items) => Kind::Seq(
                    items
                        .iter()
                        .map(|i| walk(i, render, file))
                        .collect::<Result<_>>()?,
                ),
                Kind::Map(entries) => Kind::Map(
                    entries
                        .iter()
                        .map(|(k, v)| Ok((k.clone(), walk(v, render, file)?)))
                        .collect::<Result<_>>()?,
                ),
                other => other.clone(),
            };
            Ok(Node {
                kind,
                span: node.span.clone(),
            })
        }
        match self.render {
            Some(render) => walk(self.item, render, self.file),
            None => Ok(self.item.clone()),
        }
    }

    /// The text of a key, if it is there and not null.
    fn text(&self, rendered: &Node, key: &str) -> Result<Option<String>> {
        match rendered.get(key) {
            None => Ok(None),
            Some(node) if node.is_null() => Ok(None),
            Some(node) => match node.scalar_text() {
                Some(text) => Ok(Some(text)),
                None => Err(self.wrong(node, key, "text")),
            },
        }
    }

    fn needed(&self, rendered: &Node, key: &str) -> Result<String> {
        match self.text(rendered, key)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(malformed(self.file, self.item, format!("`{key}` is empty")).into()),
        }
    }

    fn wrong(&self, node: &Node, key: &str, wanted: &str) -> Stopped {
        let why = format!("`{key}` must be {wanted}, not {}", node.type_name());
        malformed(self.file, node, why).into()
    }

    fn flag(&self, rendered: &Node, key: &str) -> Result<Option<bool>> {
        match rendered.get(key) {
            None => Ok(None),
            Some(node) if node.is_null() => Ok(None),
            Some(node) => match node.as_bool() {
                Some(b) => Ok(Some(b)),
                None => Err(self.wrong(node, key, "a boolean")),
            },
        }
    }

    fn raw(&self, key: &str) -> String {
        let raw = self.item.get(key).and_then(Node::scalar_text);
        raw.unwrap_or_default()
    }

    fn local(&self, rendered: &Node) -> Result<(Spec, BTreeMap<String, Json>)> {
        let path = self.needed(rendered, "local")?;
        let hashed = [("local".to_string(), Json::Text(path.clone()))];
        Ok((Spec::Local { path }, hashed.into()))
    }

    fn git(&self, rendered: &Node) -> Result<(Spec, BTreeMap<String, Json>)> {
        let url = self.needed(rendered, "git")?;
        let warn = self.flag(rendered, "warn-unpinned")?;
        let revision = match rendered.get("revision") {
            Some(node) if node.is_seq() => Some(self.one_revision(node, &url)?),
            _ => self.text(rendered, "revision")?,
        };
        let subdirectory = self.text(rendered, "subdirectory")?;
        for (key, value) in [("git", Some(&url)), ("revision", revision.as_ref())] {
            // Such a word would be taken for an option of git.
            if value.is_some_and(|v| v.starts_with('-') || v.trim().is_empty()) {
                let why = format!("`{key}` is empty or begins with a dash");
                return Err(malformed(self.file, self.item, why).into());
            }
        }
        let scalar = |key: &str| match rendered.get(key) {
            Some(node) => Json::of(node),
            None => Json::Null,
        };
        let hashed = [
            ("git".to_string(), Json::Text(url.clone())),
            ("revision".into(), scalar("revision")),
            ("subdirectory".into(), scalar("subdirectory")),
            ("warn-unpinned".into(), warn.map_or(Json::Null, Json::Bool)),
        ];
        let spec = Spec::Git {
            url,
            raw_url: self.raw("git"),
            revision,
            subdirectory,
            warn_unpinned: warn.unwrap_or(true),
        };
        Ok((spec, hashed.into()))
    }

    /// The revision of a list, which must all be the same.
    fn one_revision(&self, node: &Node, url: &str) -> Result<String> {
        let mut all: Vec<String> = node.items().iter().filter_map(Node::scalar_text).collect();
        all.dedup();
        match all.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(self.wrong(node, "revision", "a branch, a tag or a commit")),
            _ => Err(super::several_revisions(
                url,
                &all,
                &[Place::new(self.file, node.span.clone())],
            )
            .into()),
        }
    }

    fn hub(&self, rendered: &Node) -> Result<(Spec, BTreeMap<String, Json>)> {
        let package = self.needed(rendered, "package")?;
        if !package.contains('/') {
            let node = self.item.get("package").unwrap_or(self.item);
            let why = format!("package `{package}` has no namespace");
            let help = "packages of the hub have one, for example `dbt-labs/dbt_utils`";
            return Err(malformed(self.file, node, why).help(help).into());
        }
        let prerelease = self.flag(rendered, "install_prerelease")?.unwrap_or(false);
        let missing = || -> Stopped {
            malformed(
                self.file,
                self.item,
                format!("package `{package}` has no version"),
            )
            .help("add `version`, for example `version: [\">=1.0.0\", \"<2.0.0\"]`")
            .into()
        };
        let node = rendered
            .get("version")
            .filter(|n| !n.is_null())
            .ok_or_else(missing)?;
        let texts: Vec<String> = match &node.kind {
            Kind::Seq(items) => items.iter().filter_map(Node::scalar_text).collect(),
            Kind::Map(_) => return Err(self.wrong(node, "version", "a version or a list of them")),
            _ => node.scalar_text().into_iter().collect(),
        };
        let versions = self.specifiers(node, &texts)?;
        if versions.is_empty() {
            return Err(missing());
        }
        let hashed = [
            ("package".to_string(), Json::Text(package.clone())),
            ("version".into(), Json::of(node)),
            ("install_prerelease".into(), Json::Bool(prerelease)),
        ];
        let spec = Spec::Hub {
            package,
            versions,
            prerelease,
        };
        Ok((spec, hashed.into()))
    }

    /// Specifiers; beyond what dbt reads, one text may hold several with commas between them.
    fn specifiers(&self, node: &Node, texts: &[String]) -> Result<Vec<Specifier>> {
        let mut out = Vec::new();
        for text in texts {
            let parts: Vec<&str> = if text.contains(',') {
                text.split(',').map(str::trim).collect()
            } else {
                vec![text]
            };
            for part in parts {
                match Specifier::read(part) {
                    Some(s) => out.push(s),
                    None => {
                        return Err(Diagnostic::error(
                            code::K0903,
                            format!("`{part}` is not a valid semantic version"),
                        )
                        .at(Place::new(self.file, node.span.clone()))
                        .help("write `1.2.3`, or a list of conditions: `[\">=1.0.0\", \"<2.0.0\"]`")
                        .into());
                    }
                }
            }
        }
        Ok(out)
    }

    fn tarball(&self, rendered: &Node) -> Result<(Spec, BTreeMap<String, Json>)> {
        let url = self.needed(rendered, "tarball")?;
        let hashed = [("tarball".to_string(), Json::Text(url.clone()))];
        let spec = Spec::Tarball {
            url,
            raw_url: self.raw("tarball"),
        };
        Ok((spec, hashed.into()))
    }
}

/// Reads the packages of a project, from packages.yml or dependencies.yml.
///
/// # Errors
/// Malformed files, or packages in both.
pub fn listed(project: &std::path::Path, render: Render<'_>) -> Result<Listed> {
    let mut found: Option<Listed> = None;
    for (index, name) in PACKAGES.iter().enumerate() {
        let Some(file) = super::files::source(project, name)? else {
            continue;
        };
        let rendered = index == 0;
        if rendered {
            let document = yaml::load_map(&file)?;
            if let Some((key, _)) = document.root.entry("projects") {
                let why = "`projects` cannot stand in packages.yml".to_string();
                return Err(malformed(&file, key, why)
                    .help("move it to dependencies.yml")
                    .into());
            }
            let known = yaml::unknown_keys(&file, &document.root, &["packages"], "packages.yml");
            if !known.is_empty() {
                return Err(Stopped(known));
            }
        }
        let entries = read(&file, rendered.then_some(render))?;
        match &found {
            Some(first) if !first.entries.is_empty() && !entries.is_empty() => {
                let place = entries[0].place.clone();
                let why = "packages stand in both packages.yml and dependencies.yml";
                return Err(Diagnostic::error(code::K0902, why)
                    .heading("Runtime Error")
                    .at(first.entries[0].place.clone())
                    .label(place, "and here")
                    .help("keep them in one of the two files")
                    .into());
            }
            Some(first) if entries.is_empty() && !first.entries.is_empty() => {}
            _ => {
                found = Some(Listed {
                    file: Some(file),
                    entries,
                });
            }
        }
    }
    Ok(found.unwrap_or(Listed {
        file: None,
        entries: Vec::new(),
    }))
}
