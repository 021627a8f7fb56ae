//! The keys of a project file, one after the other, into a [`Project`].
use super::project::{Dispatch, Project, QueryComment, Quoting};
use crate::diag::{Diagnostic, Sink, code};
use crate::yaml::{self, Document, Node};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// Folder lists: key, older key, default.
const PATHS: &[(&str, &str, Option<&str>, &str)] = &[
    ("model", "model-paths", Some("source-paths"), "models"),
    ("seed", "seed-paths", Some("data-paths"), "seeds"),
    ("test", "test-paths", None, "tests"),
    ("analysis", "analysis-paths", None, "analyses"),
    ("macro", "macro-paths", None, "macros"),
    ("snapshot", "snapshot-paths", None, "snapshots"),
    ("simulation", "simulation-paths", None, "simulations"),
    ("report", "report-paths", None, "reports"),
];

const TREES: &[&str] = &[
    "models",
    "seeds",
    "snapshots",
    "sources",
    "data_tests",
    "unit_tests",
    "metrics",
    "semantic-models",
    "saved-queries",
    "exposures",
    "analyses",
];

/// Names that a project may not have, because templates use them.
pub const RESERVED_NAMES: &[&str] = &[
    "adapter",
    "api",
    "column",
    "config",
    "context",
    "database",
    "env",
    "env_var",
    "exceptions",
    "execute",
    "flags",
    "fromjson",
    "fromyaml",
    "graph",
    "invocation_id",
    "load_agate_table",
    "load_result",
    "log",
    "model",
    "modules",
    "post_hooks",
    "pre_hooks",
    "ref",
    "render",
    "return",
    "run_started_at",
    "schema",
    "source",
    "sql",
    "sql_now",
    "store_result",
    "store_raw_result",
    "target",
    "this",
    "tojson",
    "toyaml",
    "var",
    "write",
    "try_or_compiler_error",
    "_sql_results",
];

/// Values that are not evaluated when the file is read: they are templates for later.
pub(super) fn unrendered(path: &[String]) -> bool {
    let Some(first) = path.first() else {
        return false;
    };
    if ["on-run-start", "on-run-end", "query-comment", "vars"].contains(&first.as_str()) {
        return true;
    }
    ["models", "seeds", "snapshots", "tests", "data_tests"].contains(&first.as_str())
        && path.last().is_some_and(|k| {
            let k = k.trim_start_matches('+').replace('_', "-");
            k == "pre-hook" || k == "post-hook"
        })
}

/// Reads the keys of a project file; what is wrong with them goes into the sink.
pub(super) struct Reader<'a> {
    pub(super) doc: &'a Document,
    pub(super) raw: &'a Document,
    pub(super) sink: &'a mut Sink,
}

impl Reader<'_> {
    fn get(&self, key: &str) -> Option<&Node> {
        self.doc.root.get(key).filter(|n| !n.is_null())
    }

    fn wrong(&mut self, node: &Node, what: &str, wanted: &str) {
        let d = yaml::wrong_type(&self.doc.file, node, what, wanted).heading("Runtime Error");
        self.sink.push(d);
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let node = self.get(key)?.clone();
        let text = node.as_str().map(str::to_string);
        if text.is_none() {
            self.wrong(&node, &format!("`{key}`"), "text");
        }
        text
    }

    fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let node = self.get(key)?.clone();
        if let Some(text) = node.as_str() {
            return Some(vec![text.to_string()]);
        }
        let texts: Option<Vec<String>> = node
            .is_seq()
            .then(|| node.items().iter().filter_map(Node::scalar_text).collect());
        if texts.is_none() {
            self.wrong(&node, &format!("`{key}`"), "a list of texts");
        }
        texts
    }

    fn map(&mut self, key: &str) -> Map<String, Value> {
        let Some(node) = self.get(key).cloned() else {
            return Map::new();
        };
        match node.to_json() {
            Value::Object(map) => map,
            _ => {
                self.wrong(&node, &format!("`{key}`"), "a mapping");
                Map::new()
            }
        }
    }

    /// The project in `root` that the file describes.
    pub(super) fn project(&mut self, root: &Path) -> Project {
        self.config_version();
        let name = self.name();
        let paths = self.paths();
        let target_path = self.text("target-path").unwrap_or_else(|| "target".into());
        let clean_targets = self
            .texts("clean-targets")
            .unwrap_or_else(|| vec![target_path.clone()]);
        let (trees, raw_trees) = self.trees();
        self.dbt_cloud();
        self.own_folder("log-path", "logs", "ConfigLogPathDeprecation");
        self.own_folder("target-path", "target", "ConfigTargetPathDeprecation");
        Project {
            root: root.to_path_buf(),
            file: self.doc.file.clone(),
            name,
            version: self.version(),
            profile: self.text("profile"),
            paths,
            target_path,
            log_path: self.text("log-path").unwrap_or_else(|| "logs".into()),
            packages_install_path: self
                .text("packages-install-path")
                .or_else(|| self.text("modules-path"))
                .unwrap_or_else(|| "dbt_packages".into()),
            clean_targets,
            quoting: self.quoting(),
            on_run_start: self.texts("on-run-start").unwrap_or_default(),
            on_run_end: self.texts("on-run-end").unwrap_or_default(),
            require_dbt_version: self.versions(),
            dispatch: self.dispatch(),
            trees,
            raw_trees,
            vars: self.map("vars"),
            query_comment: self.query_comment(),
            restrict_access: self
                .get("restrict-access")
                .and_then(Node::as_bool)
                .unwrap_or(false),
            flags: self.map("flags"),
            simulations: self.map("simulations"),
            warnings: Vec::new(),
        }
    }

    /// There has been one version of the file's form for long.
    fn config_version(&mut self) {
        let Some(node) = self.get("config-version").cloned() else {
            return;
        };
        if !node.is_null() && node.as_int() != Some(2) {
            let said = node.scalar_text().unwrap_or_default();
            let message = format!("Got an unexpected project version={said}, expected 2");
            self.sink.push(
                Diagnostic::error(code::P0103, message)
                    .heading("Runtime Error")
                    .at(self.doc.place(&node))
                    .help("write `config-version: 2`, or leave it out"),
            );
        }
    }

    fn name(&mut self) -> String {
        let Some(node) = self.get("name").cloned() else {
            self.sink.push(
                Diagnostic::error(code::P0103, "the project has no `name`")
                    .heading("Runtime Error")
                    .at(crate::text::Place::line(&self.doc.file, 1))
                    .help("add a line `name: my_project`"),
            );
            return String::new();
        };
        let name = node.scalar_text().unwrap_or_default();
        let word = name
            .chars()
            .enumerate()
            .all(|(i, c)| c == '_' || c.is_alphabetic() || (i > 0 && c.is_numeric()));
        if name.is_empty() || !word || RESERVED_NAMES.contains(&name.as_str()) {
            let why = if word && !name.is_empty() {
                "a name that templates use"
            } else {
                "not a valid name"
            };
            self.sink.push(
                Diagnostic::error(code::P0103, format!("the project name `{name}` is {why}"))
                    .heading("Runtime Error")
                    .at(self.doc.place(&node))
                    .help("use letters, digits and `_`, not beginning with a digit"),
            );
        }
        name
    }

    fn paths(&mut self) -> BTreeMap<&'static str, Vec<String>> {
        let mut paths = BTreeMap::new();
        for (kind, key, old, default) in PATHS {
            let newer = self.texts(key);
            let older = old.and_then(|k| self.texts(k).map(|v| (k, v)));
            if let Some((old, _)) = &older {
                let place = self.doc.root.entry(old).map(|(k, _)| self.doc.place(k));
                let d = if newer.is_some() {
                    Diagnostic::error(
                        code::P0112,
                        format!("`{key}` and the older `{old}` are both given"),
                    )
                } else {
                    let event = match *old {
                        "source-paths" => "ConfigSourcePathDeprecation",
                        _ => "ConfigDataPathDeprecation",
                    };
                    let message = format!("The `{old}` config has been renamed to `{key}`.");
                    Diagnostic::warning(code::P0110, message).event(event)
                };
                self.sink
                    .push(d.at_opt(place).help(format!("write `{key}` only")));
            }
            let list = newer
                .or(older.map(|(_, v)| v))
                .unwrap_or_else(|| vec![(*default).to_string()]);
            paths.insert(*kind, list.into_iter().map(|p| clean_path(&p)).collect());
        }
        let docs = self.texts("docs-paths").unwrap_or_else(|| {
            let mut all: Vec<String> = Vec::new();
            for kind in ["model", "seed", "snapshot", "analysis", "macro", "test"] {
                all.extend(paths.get(kind).cloned().unwrap_or_default());
            }
            all
        });
        paths.insert("docs", docs);
        paths.insert("asset", self.texts("asset-paths").unwrap_or_default());
        paths
    }

    fn quoting(&mut self) -> Quoting {
        let map = self.map("quoting");
        let flag = |key: &str| map.get(key).and_then(Value::as_bool);
        Quoting {
            database: flag("database"),
            schema: flag("schema"),
            identifier: flag("identifier"),
        }
    }

    fn versions(&mut self) -> Vec<String> {
        self.texts("require-dbt-version")
            .unwrap_or_default()
            .iter()
            .flat_map(|v| v.split(','))
            .map(|v| v.trim().to_string())
            .filter(|v| !v.is_empty())
            .collect()
    }

    fn dispatch(&mut self) -> Vec<Dispatch> {
        let items: Vec<Node> = self
            .get("dispatch")
            .map(|n| n.items().to_vec())
            .unwrap_or_default();
        let mut out = Vec::new();
        for item in items {
            let namespace = item.get("macro_namespace").and_then(Node::as_str);
            let order = item.get("search_order").filter(|n| n.is_seq());
            match (namespace, order) {
                (Some(ns), Some(order)) => out.push(Dispatch {
                    macro_namespace: ns.to_string(),
                    search_order: order.items().iter().filter_map(Node::scalar_text).collect(),
                }),
                _ => self.sink.push(
                    Diagnostic::error(
                        code::P0103,
                        "a `dispatch` entry needs `macro_namespace` and a list `search_order`",
                    )
                    .heading("Runtime Error")
                    .at(self.doc.place(&item)),
                ),
            }
        }
        out
    }

    /// `version:`, a number or three; nothing is done with it.
    fn version(&mut self) -> Option<Value> {
        let node = self.doc.root.get("version").filter(|n| !n.is_null())?;
        let value = node.to_json();
        let text = node.scalar_text().unwrap_or_default();
        if text.parse::<f64>().is_err() && !is_semantic(&text) {
            let d = self.of_no_schema("version", node, "write a number or three, as in '1.0.0'");
            self.sink.push(d);
        }
        Some(value)
    }

    /// A folder that the project file should no longer choose.
    fn own_folder(&mut self, key: &str, usual: &str, event: &'static str) {
        let Some((name, value)) = self.doc.root.entry(key) else {
            return;
        };
        if value.scalar_text().is_none_or(|v| v == usual) {
            return;
        }
        let variable = key.to_uppercase().replace('-', "_");
        let message = format!(
            "The `{key}` config in dbt_project.yml has been deprecated and will no longer be supported in a future version of dbt-core."
        );
        let d = Diagnostic::warning(code::P0110, message)
            .event(event)
            .at(self.doc.place(name))
            .help(format!(
                "choose another folder by `--{key}` or DBT_{variable}"
            ));
        self.sink.push(d);
    }

    /// `dbt-cloud:`, a mapping; nothing is done with it.
    fn dbt_cloud(&mut self) {
        let node = self.doc.root.get("dbt-cloud");
        if let Some(node) = node.filter(|n| !n.is_map() && !n.is_null()) {
            let d = self.of_no_schema(
                "dbt-cloud",
                node,
                "`dbt-cloud` holds keys such as `project-id`",
            );
            self.sink.push(d);
        }
    }

    /// A value that has none of the forms that its key may have.
    fn of_no_schema(&self, key: &str, node: &Node, help: &str) -> Diagnostic {
        let shown = node
            .as_str()
            .map_or_else(|| node.to_json().to_string(), |s| format!("'{s}'"));
        Diagnostic::error(
            code::P0103,
            format!("at path ['{key}']: {shown} is not valid under any of the given schemas"),
        )
        .heading("Runtime Error")
        .at(self.doc.place(node))
        .help(help)
    }

    fn query_comment(&mut self) -> QueryComment {
        let default = QueryComment {
            comment: None,
            append: false,
        };
        let Some(node) = self.doc.root.get("query-comment") else {
            return default;
        };
        if node.is_null() {
            return QueryComment {
                comment: Some(String::new()),
                append: false,
            };
        }
        if let Some(text) = node.as_str() {
            return QueryComment {
                comment: Some(text.to_string()),
                append: false,
            };
        }
        QueryComment {
            comment: node
                .get("comment")
                .map(|c| c.as_str().unwrap_or_default().to_string()),
            append: node.get("append").and_then(Node::as_bool).unwrap_or(false),
        }
    }

    #[expect(clippy::type_complexity, reason = "two maps of the same shape")]
    fn trees(
        &mut self,
    ) -> (
        BTreeMap<String, Map<String, Value>>,
        BTreeMap<String, Map<String, Value>>,
    ) {
        let (mut trees, mut raw) = (BTreeMap::new(), BTreeMap::new());
        if let (Some(_), Some((key, _))) = (
            self.doc.root.get("data_tests"),
            self.doc.root.entry("tests"),
        ) {
            self.sink.push(
                Diagnostic::error(
                    code::P0112,
                    "Invalid project config: cannot have both 'tests' and 'data_tests' defined",
                )
                .heading("Runtime Error")
                .at(self.doc.place(key))
                .help("keep `data_tests` only"),
            );
        }
        for kind in TREES {
            let key = if *kind == "data_tests" && self.doc.root.get("data_tests").is_none() {
                "tests"
            } else {
                kind
            };
            trees.insert((*kind).to_string(), self.map(key));
            let written = self.raw.root.get(key).map(Node::to_json);
            raw.insert(
                (*kind).to_string(),
                written
                    .and_then(|v| v.as_object().cloned())
                    .unwrap_or_default(),
            );
        }
        (trees, raw)
    }
}

/// `./models/` and `models` are the same folder.
fn clean_path(path: &str) -> String {
    let clean = path.trim_start_matches("./").trim_end_matches('/');
    if clean.is_empty() {
        ".".into()
    } else {
        clean.to_string()
    }
}

/// Whether a text is a version such as `1.2.3-rc1+4`.
fn is_semantic(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    core.split('.').all(digits)
}
