//! `project.yml` or `dbt_project.yml`: names, paths, configuration trees, hooks, dispatch, flags.
use super::project_keys::{Reader, unrendered};
use super::render::{Render, render_tree};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::SourceFile;
use crate::yaml::{self, Document};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether parts of a relation's name are quoted; `None` where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Quoting {
    pub database: Option<bool>,
    pub schema: Option<bool>,
    pub identifier: Option<bool>,
}

/// Where macros of a namespace are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Dispatch {
    pub macro_namespace: String,
    pub search_order: Vec<String>,
}

/// The comment that each statement carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryComment {
    /// Jinja text; `None` for dbt's default comment; empty for no comment.
    pub comment: Option<String>,
    /// Put at the end of the statement.
    pub append: bool,
}

/// A project or package.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its folder, absolute.
    pub root: PathBuf,
    /// Its project file.
    pub file: Arc<SourceFile>,
    /// Name.
    pub name: String,
    /// Version as written.
    pub version: Option<Value>,
    /// Profile to use.
    pub profile: Option<String>,
    /// Folder lists by kind: `model`, `seed`, `test`, `analysis`, `macro`, `snapshot`, `docs`, `asset`, `simulation`, `report`.
    pub paths: BTreeMap<&'static str, Vec<String>>,
    /// Folder for compiled files and artefacts.
    pub target_path: String,
    /// Folder for logs.
    pub log_path: String,
    /// Folder of installed packages.
    pub packages_install_path: String,
    /// What `clean` removes.
    pub clean_targets: Vec<String>,
    /// Quoting.
    pub quoting: Quoting,
    /// Hooks, as written.
    pub on_run_start: Vec<String>,
    /// Hooks, as written.
    pub on_run_end: Vec<String>,
    /// Version requirements, as written.
    pub require_dbt_version: Vec<String>,
    /// Dispatch rules.
    pub dispatch: Vec<Dispatch>,
    /// Configuration trees by kind (`models`, `seeds`, `snapshots`, `sources`, `data_tests`, …), Jinja evaluated.
    pub trees: BTreeMap<String, Map<String, Value>>,
    /// The same, as written.
    pub raw_trees: BTreeMap<String, Map<String, Value>>,
    /// Variables, as written.
    pub vars: Map<String, Value>,
    /// Comment on statements.
    pub query_comment: QueryComment,
    /// Whether other packages may only use public models.
    pub restrict_access: bool,
    /// `flags:`.
    pub flags: Map<String, Value>,
    /// tv1's own: settings of simulations (`seed`, `start`, `days`, …).
    pub simulations: Map<String, Value>,
    /// What was noticed while reading.
    pub warnings: Vec<Diagnostic>,
}

impl Project {
    /// The project file by the names of dbt's attributes, as templates may ask for them.
    pub fn settings(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| drop(out.insert(key.to_string(), value));
        put("project_name", self.name.as_str().into());
        put("version", self.version.clone().unwrap_or(Value::Null));
        put("config_version", 2.into());
        put("project_root", self.root.display().to_string().into());
        put(
            "profile",
            self.profile.as_deref().map_or(Value::Null, Value::from),
        );
        for (kind, folders) in &self.paths {
            put(&format!("{kind}_paths"), json!(folders));
        }
        put("target_path", self.target_path.as_str().into());
        put("log_path", self.log_path.as_str().into());
        put(
            "packages_install_path",
            self.packages_install_path.as_str().into(),
        );
        put("clean_targets", json!(self.clean_targets));
        put("on_run_start", json!(self.on_run_start));
        put("on_run_end", json!(self.on_run_end));
        for (tree, values) in &self.trees {
            put(&tree.replace('-', "_"), Value::Object(values.clone()));
        }
        let rules = self
            .dispatch
            .iter()
            .map(|d| json!({"macro_namespace": d.macro_namespace, "search_order": d.search_order}));
        put("dispatch", rules.collect());
        put("restrict_access", self.restrict_access.into());
        out
    }
}

const KEYS: &[&str] = &[
    "name",
    "version",
    "config-version",
    "profile",
    "model-paths",
    "seed-paths",
    "test-paths",
    "analysis-paths",
    "macro-paths",
    "snapshot-paths",
    "source-paths",
    "data-paths",
    "docs-paths",
    "asset-paths",
    "function-paths",
    "simulation-paths",
    "report-paths",
    "target-path",
    "log-path",
    "packages-install-path",
    "modules-path",
    "clean-targets",
    "quoting",
    "on-run-start",
    "on-run-end",
    "require-dbt-version",
    "dispatch",
    "models",
    "seeds",
    "snapshots",
    "sources",
    "tests",
    "data_tests",
    "unit_tests",
    "metrics",
    "semantic-models",
    "saved-queries",
    "exposures",
    "analyses",
    "functions",
    "vars",
    "query-comment",
    "restrict-access",
    "dbt-cloud",
    "flags",
    "packages",
    "simulations",
];

/// The project folder: `start` itself when it has a project file, else the nearest folder above that has one.
pub fn find_root(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|d| project_file(d).is_some())
        .map(Path::to_path_buf)
}

fn project_file(folder: &Path) -> Option<PathBuf> {
    ["project.yml", "dbt_project.yml"]
        .into_iter()
        .map(|n| folder.join(n))
        .find(|p| p.is_file())
}

impl Project {
    /// Reads only what is needed before a profile is known: the document, the name and the profile's name (unrendered).
    pub fn peek(root: &Path, shown_prefix: &str) -> Result<Document> {
        let Some(path) = project_file(root) else {
            return Err(Diagnostic::error(
                code::P0102,
                format!("no dbt_project.yml found at expected path `{}`", root.join("dbt_project.yml").display()),
            )
            .heading("Runtime Error")
            .help("run tv1 in a project folder, name one with --project-dir, or make one with `tv1 init`")
            .into());
        };
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let file = crate::fs::read(&path, &format!("{shown_prefix}{name}"))?;
        let doc = yaml::load_map(&file)?;
        if doc.root.is_null() {
            return Err(
                Diagnostic::error(code::P0103, format!("`{}` is empty", file.path))
                    .heading("Runtime Error")
                    .help("it needs at least a line `name: my_project`")
                    .into(),
            );
        }
        Ok(doc)
    }

    /// Reads the project file of a folder, evaluating Jinja by `render`.
    pub fn load(root: &Path, shown_prefix: &str, render: Render<'_>) -> Result<Self> {
        let raw = Self::peek(root, shown_prefix)?;
        let mut sink = Sink::default();
        raw.warnings.iter().for_each(|w| sink.push(w.clone()));
        for d in yaml::unknown_keys(
            &raw.file,
            &raw.root,
            KEYS,
            "Additional properties are not allowed",
        ) {
            sink.push(d.heading("Runtime Error"));
        }
        let rendered = render_tree(&raw.file, &raw.root, render, &unrendered, &mut sink);
        let doc = Document {
            file: raw.file.clone(),
            root: rendered,
            warnings: Vec::new(),
        };
        let mut reader = Reader {
            doc: &doc,
            raw: &raw,
            sink: &mut sink,
        };
        let project = reader.project(root);
        let warnings = sink.finish()?;
        Ok(Self {
            warnings,
            ..project
        })
    }

    /// The folders of a kind.
    pub fn folders(&self, kind: &str) -> &[String] {
        self.paths.get(kind).map_or(&[], Vec::as_slice)
    }
}

/// Reads a project with no Jinja in it; for tests and for `init`.
#[cfg(test)]
pub(crate) fn load_plain(root: &Path) -> Result<Project> {
    Project::load(root, "", &|text| {
        Ok(crate::yaml::Kind::Str(text.to_string()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> Result<Project> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("dbt_project.yml"), text).unwrap();
        load_plain(dir.path())
    }

    #[test]
    fn defaults_are_dbts() {
        let p = project("name: shop\n").unwrap();
        assert_eq!(p.folders("model"), ["models"]);
        assert_eq!(p.packages_install_path, "dbt_packages");
        assert_eq!(p.clean_targets, ["target"]);
        assert_eq!(
            p.query_comment,
            QueryComment {
                comment: None,
                append: false
            }
        );
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_neighbour() {
        let e = project("name: shop\nmodel-path: [m]\n")
            .unwrap_err()
            .to_string();
        assert!(
            e.contains("did you mean `model-paths`?") && e.contains("dbt_project.yml:2:1"),
            "{e}"
        );
    }

    #[test]
    fn hooks_and_vars_stay_templates() {
        let p =
            project("name: shop\nvars: {x: '{{ y }}'}\non-run-start: '{{ hook() }}'\n").unwrap();
        assert_eq!(p.on_run_start, ["{{ hook() }}"]);
        assert_eq!(p.vars["x"], "{{ y }}");
    }

    #[test]
    fn names_must_be_words_that_templates_do_not_use() {
        assert!(project("name: 'a b'\n").is_err());
        assert!(project("name: target\n").is_err());
        assert!(project("profile: x\n").is_err());
    }
}
