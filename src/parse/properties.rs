//! Properties files: splits them into entries (one model, source, exposure, …) with Jinja evaluated where dbt does.
use super::columns::COLUMN_KEYS;
use crate::config::{Render, render_tree};
use crate::diag::{Diagnostic, Sink, code};
use crate::load::Read;
use crate::text::{Place, SourceFile, nearest};
use crate::yaml::{self, Kind, Node};
use serde_json::{Map, Value};
use std::sync::Arc;

/// One entry of a properties file.
#[derive(Debug, Clone)]
pub struct Property {
    /// The list it stands in: `models`, `sources`, …
    pub section: &'static str,
    /// Its `name`.
    pub name: String,
    /// The file.
    pub file: Arc<SourceFile>,
    /// Path below the package's folder.
    pub original_file_path: String,
    /// Path below the resource folder.
    pub relative_path: String,
    /// The entry, Jinja evaluated.
    pub node: Node,
    /// The entry as written.
    pub raw: Node,
}

impl Property {
    /// The place of a node of this entry.
    pub fn place(&self, node: &Node) -> Place {
        Place::new(&self.file, node.span.clone())
    }

    /// The place of the entry's name.
    pub fn name_place(&self) -> Place {
        self.place(self.node.get("name").unwrap_or(&self.node))
    }

    /// A value that is there and not null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.node.get(key).filter(|n| !n.is_null())
    }

    /// A text value.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Node::scalar_text)
    }

    /// A mapping value as JSON.
    pub fn map(&self, key: &str) -> Map<String, Value> {
        json_map(self.get(key))
    }

    /// The description as written (Jinja not evaluated).
    pub fn description(&self) -> String {
        self.text("description").unwrap_or_default()
    }

    /// `config:` and the older top-level spellings of config keys, evaluated and as written.
    /// The same key in both places is an error.
    pub fn config(
        &self,
        legacy: &[&str],
        sink: &mut Sink,
    ) -> (Map<String, Value>, Map<String, Value>) {
        if let Some(config) = self.get("config")
            && !config.is_map()
        {
            sink.push(
                yaml::wrong_type(&self.file, config, "`config`", "a mapping")
                    .heading("Parsing Error"),
            );
        }
        let mut rendered = self.map("config");
        let mut raw = json_map(self.raw.get("config"));
        for key in legacy {
            let Some((name, value)) = self.node.entry(key).filter(|(_, v)| !v.is_null()) else {
                continue;
            };
            if rendered.contains_key(*key) {
                sink.push(
                    Diagnostic::error(
                        code::P0112,
                        format!("`{key}` stands both in `{}` and in its `config`", self.name),
                    )
                    .heading("Parsing Error")
                    .at(self.place(name))
                    .help("keep the one under `config`"),
                );
                continue;
            }
            rendered.insert((*key).to_string(), value.to_json());
            if let Some(value) = self.raw.get(key) {
                raw.insert((*key).to_string(), value.to_json());
            }
        }
        (rendered, raw)
    }
}

/// A mapping node as JSON; empty for anything else.
pub fn json_map(node: Option<&Node>) -> Map<String, Value> {
    match node.map(Node::to_json) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The lists a properties file may have.
const SECTIONS: &[&str] = &[
    "models",
    "seeds",
    "snapshots",
    "sources",
    "macros",
    "analyses",
    "data_tests",
    "unit_tests",
    "exposures",
    "groups",
    "metrics",
    "semantic_models",
    "saved_queries",
];

/// Other keys a properties file may have at its top.
const OTHER: &[&str] = &["version", "anchors", "tests", "functions"];

/// The entries of a file. Errors and warnings go to the sink.
pub fn read(read: &Read, render: Render<'_>, sink: &mut Sink) -> Vec<Property> {
    let Some(doc) = sink.take(yaml::load(&read.file)) else {
        return Vec::new();
    };
    doc.warnings.iter().for_each(|w| sink.push(w.clone()));
    if doc.root.is_null() {
        return Vec::new();
    }
    if !doc.root.is_map() {
        sink.push(
            yaml::wrong_type(
                &read.file,
                &doc.root,
                "the file",
                "a mapping of keys to values",
            )
            .heading("Parsing Error")
            .note("Dictionary expected"),
        );
        return Vec::new();
    }
    let mut out = Vec::new();
    for (key, value) in doc.root.entries() {
        let word = key.as_str().unwrap_or_default();
        let Some(section) = SECTIONS.iter().find(|s| **s == word) else {
            unknown_section(&read.file, key, word, sink);
            continue;
        };
        if !value.is_seq() {
            let d = yaml::wrong_type(&read.file, value, &format!("`{section}`"), "a list")
                .heading("Parsing Error")
                .note(format!("'{section}' is not a list"));
            sink.push(d.help(format!("begin each entry of `{section}` with `- name: …`")));
            continue;
        }
        for item in value.items() {
            if let Some(p) = entry(read, section, item, render, sink) {
                out.push(p);
            }
        }
    }
    out
}

fn unknown_section(file: &Arc<SourceFile>, key: &Node, word: &str, sink: &mut Sink) {
    if OTHER.contains(&word) {
        return;
    }
    // dbt ignores unknown sections; a word that is nearly a section is worth a warning.
    if let Some(near) = nearest(word, SECTIONS.iter().copied()) {
        sink.push(
            Diagnostic::warning(code::Y0204, format!("unknown section `{word}` is ignored"))
                .at(Place::new(file, key.span.clone()))
                .help(format!("did you mean `{near}`?")),
        );
    }
}

fn entry(
    read: &Read,
    section: &'static str,
    item: &Node,
    render: Render<'_>,
    sink: &mut Sink,
) -> Option<Property> {
    let singular = section.trim_end_matches('s');
    if !item.is_map() {
        let d = yaml::wrong_type(
            &read.file,
            item,
            &format!("an entry of `{section}`"),
            "a mapping",
        );
        sink.push(d.heading("Parsing Error").help("write `- name: …`"));
        return None;
    }
    let Some(name) = item
        .get("name")
        .filter(|n| !n.is_null())
        .and_then(Node::scalar_text)
    else {
        // dbt goes on without such an entry of a singular test.
        let d = if section == "data_tests" {
            let file = &read.found.original;
            Diagnostic::warning(
                code::Y0205,
                format!(
                    "Unable to parse 'data_tests' section of file '{file}': Entry did not contain a name"
                ),
            )
        } else {
            Diagnostic::error(
                code::Y0205,
                format!("this entry of `{section}` has no `name`"),
            )
            .heading("Parsing Error")
        };
        sink.push(
            d.at(Place::line(
                &read.file,
                read.file.line_column(item.span.start).0,
            ))
            .help(format!("add `name:` with the {singular}'s name")),
        );
        return None;
    };
    let skip = |path: &[String]| unrendered(section, path);
    let node = render_tree(&read.file, item, render, &skip, sink);
    let name = node.get("name").and_then(Node::scalar_text).unwrap_or(name);
    Some(Property {
        section,
        name,
        file: read.file.clone(),
        original_file_path: read.found.original.clone(),
        relative_path: read.found.relative.clone(),
        node,
        raw: item.clone(),
    })
}

/// What stays a template: descriptions, tests, hooks, freshness queries, filters of metrics.
fn unrendered(section: &str, path: &[String]) -> bool {
    let Some(last) = path.last() else {
        return false;
    };
    let key = last.replace('_', "-");
    if last == "description" || key == "pre-hook" || key == "post-hook" || last == "loaded_at_query"
    {
        return true;
    }
    if (last == "tests" || last == "data_tests") && section != "unit_tests" {
        return true;
    }
    match section {
        "metrics" => last == "filter",
        "models" => path[0] == "metrics" && last == "filter",
        "saved_queries" => last == "where",
        "exposures" => last == "depends_on",
        _ => false,
    }
}

/// Keys that an entry of this section may have; `None` where extra keys are anyone's own.
pub fn strict_keys(section: &str) -> Option<&'static [&'static str]> {
    Some(match section {
        "sources" => &[
            "name",
            "description",
            "database",
            "schema",
            "loader",
            "quoting",
            "freshness",
            "loaded_at_field",
            "loaded_at_query",
            "meta",
            "tags",
            "config",
            "overrides",
            "tables",
            "unrendered_database",
            "unrendered_schema",
        ],
        "exposures" => &[
            "name",
            "type",
            "owner",
            "description",
            "label",
            "maturity",
            "url",
            "depends_on",
            "meta",
            "tags",
            "config",
        ],
        "unit_tests" => &[
            "name",
            "model",
            "description",
            "config",
            "versions",
            "overrides",
            "given",
            "expect",
        ],
        "groups" => &["name", "owner", "description", "config"],
        _ => return None,
    })
}

/// Keys that dbt knows in an entry where extra keys are allowed; used to warn of likely typing errors.
pub fn known_keys(section: &str) -> &'static [&'static str] {
    match section {
        "models" => &[
            "name",
            "description",
            "config",
            "meta",
            "docs",
            "access",
            "group",
            "columns",
            "data_tests",
            "tests",
            "constraints",
            "latest_version",
            "versions",
            "deprecation_date",
            "time_spine",
            "quote_columns",
            "data_type",
            "semantic_model",
            "agg_time_dimension",
            "primary_entity",
            "metrics",
            "derived_semantics",
        ],
        "seeds" | "snapshots" => &[
            "name",
            "description",
            "config",
            "columns",
            "data_tests",
            "tests",
            "meta",
            "docs",
            "quote_columns",
            "relation",
            "group",
        ],
        "macros" => &["name", "description", "meta", "docs", "config", "arguments"],
        _ => &[],
    }
}

/// Warns of keys that are nearly known ones, and refuses unknown ones where dbt does.
pub fn check_keys(p: &Property, sink: &mut Sink) {
    if let Some(known) = strict_keys(p.section) {
        for d in yaml::unknown_keys(
            &p.file,
            &p.node,
            known,
            &format!("{} `{}`", p.section, p.name),
        ) {
            sink.push(d.heading("Parsing Error"));
        }
        return;
    }
    warn_near(p, &p.node, known_keys(p.section), sink);
    for column in p.node.get("columns").map(Node::items).unwrap_or_default() {
        // Those of the semantic layer are read elsewhere; `policy_tags` is for other databases.
        let more = ["policy_tags", "entity", "dimension", "label"];
        let known = [COLUMN_KEYS, &more].concat();
        warn_near(p, column, &known, sink);
    }
}

fn warn_near(p: &Property, node: &Node, known: &[&str], sink: &mut Sink) {
    for (key, _) in node.entries() {
        let Some(word) = key.as_str().filter(|w| !known.contains(w)) else {
            continue;
        };
        if let Some(near) = nearest(word, known.iter().copied()) {
            sink.push(
                Diagnostic::warning(code::Y0204, format!("unknown key `{word}` has no effect"))
                    .event("CustomKeyInObjectDeprecation")
                    .fact("key", word)
                    .fact("file", p.original_file_path.as_str())
                    .at(p.place(key))
                    .help(format!("did you mean `{near}`?")),
            );
        }
    }
}

/// A list of texts from a node that may be one text.
pub fn texts(node: Option<&Node>) -> Vec<String> {
    match node.map(|n| &n.kind) {
        Some(Kind::Seq(items)) => items.iter().filter_map(Node::scalar_text).collect(),
        Some(Kind::Null) | None => Vec::new(),
        _ => node.and_then(Node::scalar_text).into_iter().collect(),
    }
}
