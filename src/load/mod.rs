//! Finds and reads a package's files and sorts them by what they are.
//!
//! The kind of a file is decided by the folder list it lies in and its extension. Names beginning with `.`, `#`, `~`
//! or `!` are skipped, and so is what `.dbtignore` names. Seeds are only listed, since they may be large.
use crate::config::Project;
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::SourceFile;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that was found, and what is known of its path.
#[derive(Debug, Clone)]
pub struct Found {
    /// Absolute path.
    pub absolute: PathBuf,
    /// Path below its resource folder, with `/`.
    pub relative: String,
    /// Path below the package's folder, with `/`.
    pub original: String,
    /// Path as shown to people.
    pub shown: String,
}

/// A file with its text.
#[derive(Debug, Clone)]
pub struct Read {
    /// Where it was found.
    pub found: Found,
    /// Its text.
    pub file: Arc<SourceFile>,
}

/// The files of a package by kind, each list sorted by path.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PackageFiles {
    pub models: Vec<Read>,
    pub macros: Vec<Read>,
    pub snapshots: Vec<Read>,
    pub analyses: Vec<Read>,
    pub singular_tests: Vec<Read>,
    pub generic_tests: Vec<Read>,
    /// Fixtures of unit tests (`.csv`, `.sql`).
    pub fixtures: Vec<Read>,
    pub seeds: Vec<Found>,
    pub docs: Vec<Read>,
    pub properties: Vec<Read>,
    pub simulations: Vec<Read>,
    pub reports: Vec<Read>,
}

/// A project with its files.
#[derive(Debug)]
pub struct Package {
    /// The project file's contents.
    pub project: Project,
    /// Its files.
    pub files: PackageFiles,
}

/// Reads all files of a package; `shown_prefix` stands before each path shown (`dbt_packages/dbt_utils/`).
pub fn read(project: Project, shown_prefix: &str) -> Result<Package> {
    let mut walker = Walker::new(&project, shown_prefix)?;
    let mut files = PackageFiles::default();
    files.models = walker.texts("model", &["sql", "py"]);
    files.macros = walker.texts("macro", &["sql"]);
    files.snapshots = walker.texts("snapshot", &["sql"]);
    files.analyses = walker.texts("analysis", &["sql"]);
    for read in walker.texts("test", &["sql"]) {
        match read.found.relative.split('/').next() {
            Some("generic") if read.found.relative.contains('/') => files.generic_tests.push(read),
            Some("fixtures") if read.found.relative.contains('/') => files.fixtures.push(read),
            _ => files.singular_tests.push(read),
        }
    }
    files.fixtures.extend(
        walker
            .texts("test", &["csv"])
            .into_iter()
            .filter(|r| r.found.relative.starts_with("fixtures/")),
    );
    files.seeds = walker.find("seed", &["csv"]);
    files.docs = walker.texts("docs", &["md"]);
    files.simulations = walker.texts("simulation", &["yml", "yaml"]);
    files.reports = walker.texts("report", &["yml", "yaml"]);
    let mut properties: BTreeMap<PathBuf, Read> = BTreeMap::new();
    for kind in ["model", "seed", "snapshot", "analysis", "macro", "test"] {
        for read in walker.texts(kind, &["yml", "yaml"]) {
            properties
                .entry(read.found.absolute.clone())
                .or_insert(read);
        }
    }
    files.properties = properties.into_values().collect();
    walker.sink.finish()?;
    Ok(Package { project, files })
}

struct Walker<'a> {
    project: &'a Project,
    prefix: &'a str,
    ignore: Gitignore,
    sink: Sink,
}

impl<'a> Walker<'a> {
    fn new(project: &'a Project, prefix: &'a str) -> Result<Self> {
        let mut builder = GitignoreBuilder::new(&project.root);
        let path = project.root.join(".dbtignore");
        if path.is_file()
            && let Some(e) = builder.add(&path)
        {
            return Err(
                Diagnostic::error(code::P0101, format!("cannot use `.dbtignore`: {e}")).into(),
            );
        }
        let ignore = builder
            .build()
            .map_err(|e| Diagnostic::error(code::P0101, format!("cannot use `.dbtignore`: {e}")))?;
        Ok(Self {
            project,
            prefix,
            ignore,
            sink: Sink::default(),
        })
    }

    fn find(&mut self, kind: &str, extensions: &[&str]) -> Vec<Found> {
        let mut out: BTreeMap<PathBuf, Found> = BTreeMap::new();
        for folder in self.project.folders(kind) {
            let base = self.project.root.join(folder);
            let mut stack = vec![base.clone()];
            while let Some(dir) = stack.pop() {
                let Ok(entries) = std::fs::read_dir(&dir) else {
                    continue;
                };
                for entry in entries.flatten() {
                    let path = entry.path();
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let is_dir = path.is_dir();
                    if name.starts_with(['.', '#', '~', '!']) && !is_dir || name == ".git" {
                        continue;
                    }
                    if self
                        .ignore
                        .matched_path_or_any_parents(&path, is_dir)
                        .is_ignore()
                    {
                        continue;
                    }
                    if is_dir {
                        // As in dbt, links to folders are not followed, so that no circle of them goes on for ever.
                        let linked = entry.file_type().is_ok_and(|t| t.is_symlink());
                        if !linked && !self.is_installed_packages(&path) {
                            stack.push(path);
                        }
                    } else if path
                        .extension()
                        .is_some_and(|e| extensions.iter().any(|x| e.eq_ignore_ascii_case(x)))
                    {
                        out.insert(path.clone(), self.found(&base, path));
                    }
                }
            }
        }
        out.into_values().collect()
    }

    /// A folder list of `.` must not read the packages, the target or version control.
    fn is_installed_packages(&self, path: &Path) -> bool {
        [
            &self.project.packages_install_path,
            &self.project.target_path,
        ]
        .into_iter()
        .any(|p| path == self.project.root.join(p))
    }

    fn found(&self, base: &Path, absolute: PathBuf) -> Found {
        let original = crate::fs::shown(&self.project.root, &absolute);
        Found {
            relative: crate::fs::shown(base, &absolute),
            shown: format!("{}{original}", self.prefix),
            original,
            absolute,
        }
    }

    fn texts(&mut self, kind: &str, extensions: &[&str]) -> Vec<Read> {
        let found = self.find(kind, extensions);
        let mut out = Vec::with_capacity(found.len());
        for f in found {
            let file = crate::fs::read(&f.absolute, &f.shown);
            if let Some(file) = self.sink.take(file) {
                out.push(Read { found: f, file });
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_by_kind_and_ignored_ones_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let p = dir.path().join(path);
            std::fs::create_dir_all(p.parent().unwrap()).unwrap();
            std::fs::write(p, "x").unwrap();
        };
        for p in [
            "models/a.sql",
            "models/sub/b.sql",
            "models/sub/p.yml",
            "models/~c.sql",
            "models/old/d.sql",
        ] {
            put(p);
        }
        for p in [
            "tests/t.sql",
            "tests/generic/g.sql",
            "tests/fixtures/f.csv",
            "seeds/s.csv",
            "models/d.md",
        ] {
            put(p);
        }
        std::fs::write(dir.path().join(".dbtignore"), "models/old/\n").unwrap();
        std::fs::write(dir.path().join("dbt_project.yml"), "name: x\n").unwrap();
        let project =
            Project::load(dir.path(), "", &|t| Ok(crate::yaml::Kind::Str(t.into()))).unwrap();
        let p = read(project, "").unwrap().files;
        let names = |reads: &[Read]| {
            reads
                .iter()
                .map(|r| r.found.relative.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&p.models), ["a.sql", "sub/b.sql"]);
        assert_eq!(names(&p.properties), ["sub/p.yml"]);
        assert_eq!(names(&p.singular_tests), ["t.sql"]);
        assert_eq!(names(&p.generic_tests), ["generic/g.sql"]);
        assert_eq!(names(&p.fixtures), ["fixtures/f.csv"]);
        assert_eq!((p.seeds.len(), p.docs.len()), (1, 1));
    }
}
