//! Sources: tables that the project reads, with quoting, overrides and tests.
use super::builder::Builder;
use super::freshness;
use super::naming::render_relation;
use super::properties::{Property, check_keys, json_map};
use super::source_config::external;
use super::tests::absent;
use crate::diag::{Diagnostic, code};
use crate::graph::{Config, Disabled, Source};
use crate::yaml::{self, Node as Yaml};
use serde_json::{Map, Value};

const TABLE_KEYS: &[&str] = &[
    "name",
    "identifier",
    "description",
    "quoting",
    "freshness",
    "loaded_at_field",
    "loaded_at_query",
    "external",
    "tags",
    "meta",
    "config",
    "columns",
    "data_tests",
    "tests",
    "data_type",
    "docs",
    "loader",
];

impl Builder<'_> {
    /// All sources of all packages; a root source may override a package's.
    pub(super) fn sources(&mut self) {
        let overrides: Vec<Property> = self.properties[0]
            .iter()
            .filter(|p| p.section == "sources" && p.get("overrides").is_some())
            .cloned()
            .collect();
        self.check_overrides(&overrides);
        self.idle_overrides(&overrides);
        for package in 0..self.properties.len() {
            let entries: Vec<Property> = self.properties[package]
                .iter()
                .filter(|p| p.section == "sources")
                .cloned()
                .collect();
            for p in entries {
                check_keys(&p, &mut self.sink);
                if p.get("overrides").is_some() {
                    continue;
                }
                let name = &self.input.packages[package].project.name;
                let over = overrides
                    .iter()
                    .find(|o| o.name == p.name && o.text("overrides").as_ref() == Some(name));
                let merged = over.map_or_else(|| p.clone(), |o| overridden(&p, o));
                self.source(package, &merged);
            }
        }
    }

    /// Overrides whose source, or table, the package does not have.
    fn idle_overrides(&mut self, overrides: &[Property]) {
        for o in overrides {
            let of = o.text("overrides").unwrap_or_default();
            let packages = self.input.packages.iter().zip(&self.properties);
            let source = packages
                .filter(|(package, _)| package.project.name == of)
                .flat_map(|(_, entries)| entries.iter())
                .find(|p| p.section == "sources" && p.name == o.name);
            let tables = |p: &Property| -> Vec<String> {
                let list = p.get("tables").map(Yaml::items).unwrap_or_default();
                let names = list.iter().filter_map(|t| t.get("name"));
                names.filter_map(Yaml::scalar_text).collect()
            };
            let full = format!("{of}.{}", o.name);
            let mut idle: Vec<String> = match source {
                None => vec![format!("Source {full}")],
                Some(source) => {
                    let known = tables(source);
                    let unknown = tables(o).into_iter().filter(|t| !known.contains(t));
                    unknown
                        .map(|t| format!("Source table {full}.{t}"))
                        .collect()
                }
            };
            idle.sort();
            if idle.is_empty() {
                continue;
            }
            let path = &o.original_file_path;
            let lines: Vec<String> = idle
                .iter()
                .map(|i| format!("  - {i} (in {path})"))
                .collect();
            let message = format!(
                "During parsing, dbt encountered source overrides that had no target:\n{}",
                lines.join("\n")
            );
            self.sink.push(
                Diagnostic::warning(code::G0405, message)
                    .event("UnusedTables")
                    .fact("unused_tables", lines)
                    .at(o.name_place()),
            );
        }
    }

    /// Each source of a package is overridden once at most, and better not at all.
    fn check_overrides(&mut self, overrides: &[Property]) {
        for (i, p) in overrides.iter().enumerate() {
            let of = p.text("overrides").unwrap_or_default();
            let place = p.node.entry("overrides").map(|(key, _)| p.place(key));
            let message = format!(
                "The source property `overrides` is deprecated but was found on source `{}` in file `{}`. Instead, `enabled` should be used to disable the unwanted source.",
                p.name, p.original_file_path
            );
            self.sink.push(
                Diagnostic::warning(code::P0110, message)
                    .event("SourceOverrideDeprecation")
                    .fact("source_name", p.name.as_str())
                    .fact("file", p.original_file_path.as_str())
                    .at_opt(place.clone()),
            );
            let first = overrides[..i]
                .iter()
                .find(|o| o.name == p.name && o.text("overrides").as_deref() == Some(&of));
            if let Some(first) = first {
                let message = format!(
                    "dbt found two schema.yml entries for the same source named {} in package {of}. Sources may only be overridden a single time. To fix this, remove the definition in one of these files.",
                    p.name
                );
                self.sink.push(
                    Diagnostic::error(code::G0403, message)
                        .heading("Compilation Error")
                        .at_opt(place)
                        .at(first.name_place())
                        .help("remove one of them"),
                );
            }
        }
    }

    fn source(&mut self, package: usize, p: &Property) {
        let tables = p.get("tables");
        if tables.is_some_and(|t| !t.is_seq()) {
            let d = yaml::wrong_type(&p.file, tables.unwrap_or(&p.node), "`tables`", "a list")
                .heading("Parsing Error");
            self.sink.push(d);
        }
        self.check_ways_to_tell(p, &p.node, "source");
        for table in tables.map(Yaml::items).unwrap_or_default() {
            for d in yaml::unknown_keys(
                &p.file,
                table,
                TABLE_KEYS,
                &format!("table of source `{}`", p.name),
            ) {
                // Unknown table keys are kept by dbt; only likely typing errors are worth a word.
                if d.help
                    .as_deref()
                    .is_some_and(|h| h.starts_with("did you mean"))
                {
                    self.sink.push(Diagnostic {
                        severity: crate::diag::Severity::Warning,
                        ..d
                    });
                }
            }
            let Some(name) = table.get("name").and_then(Yaml::scalar_text) else {
                self.sink.push(
                    Diagnostic::error(
                        code::Y0205,
                        format!("a table of source `{}` has no `name`", p.name),
                    )
                    .heading("Parsing Error")
                    .at(p.place(table)),
                );
                continue;
            };
            self.table(package, p, table, &name);
        }
    }

    fn table(&mut self, package: usize, p: &Property, table: &Yaml, name: &str) {
        let project = self.input.packages[package].project.name.clone();
        let unique_id = format!("source.{project}.{}.{name}", p.name);
        let mut fqn = vec![project.clone()];
        let folders = p.relative_path.rsplit_once('/').map_or("", |(d, _)| d);
        fqn.extend(
            folders
                .split('/')
                .filter(|d| !d.is_empty())
                .map(str::to_string),
        );
        fqn.extend([p.name.clone(), name.to_string()]);
        let mut config = self.source_config(package, p, table, &fqn);
        self.tags_are_texts(p, table, &mut config.rendered);
        let (source_description, _) = self.description(package, p, p.get("description"));
        let (description, doc_blocks) = self.description(package, p, table.get("description"));
        let quoting = source_quoting(p, table);
        let database = p
            .text("database")
            .unwrap_or_else(|| self.input.target.connection.dbname.clone());
        let schema = p.text("schema").unwrap_or_else(|| p.name.clone());
        let identifier = table
            .get("identifier")
            .and_then(Yaml::scalar_text)
            .unwrap_or_else(|| name.to_string());
        let policy = self.quoting(Some(&Value::Object(quoting.clone())));
        let columns = self.columns(package, p, table.get("columns"));
        let text = |key: &str| {
            config
                .rendered
                .get(key)
                .and_then(Value::as_str)
                .map(str::to_string)
        };
        let raw = |key: &str| p.raw.get(key).and_then(Yaml::scalar_text);
        let source = Source {
            relation_name: render_relation(policy, &database, &schema, &identifier),
            unique_id: unique_id.clone(),
            name: name.to_string(),
            source_name: p.name.clone(),
            package_name: project,
            path: p.original_file_path.clone(),
            original_file_path: p.original_file_path.clone(),
            fqn,
            database,
            schema,
            identifier,
            source_description,
            description,
            loader: table
                .get("loader")
                .and_then(Yaml::scalar_text)
                .or_else(|| p.text("loader"))
                .unwrap_or_default(),
            quoting,
            loaded_at_field: text("loaded_at_field"),
            loaded_at_query: text("loaded_at_query"),
            freshness: config
                .rendered
                .get("freshness")
                .filter(|f| !f.is_null())
                .cloned(),
            external: table.get("external").filter(|e| !e.is_null()).map(external),
            columns,
            meta: config
                .rendered
                .get("meta")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            source_meta: {
                let mut meta = p.map("meta");
                meta.extend(json_map(p.get("config").and_then(|c| c.get("meta"))));
                meta
            },
            tags: Config(config.rendered.clone())
                .list("tags")
                .into_iter()
                .fold(Vec::new(), |mut all, t| {
                    super::host::push_new(&mut all, t);
                    all
                }),
            config: Config(config.rendered),
            unrendered_config: config.unrendered,
            unrendered_database: raw("database"),
            unrendered_schema: raw("schema"),
            doc_blocks,
            patch_path: None,
            created_at: self.input.now,
            simulation: None,
            depends_on: Vec::new(),
            place: Some(p.place(table.get("name").unwrap_or(table))),
        };
        let enabled = source.config.enabled();
        if !enabled {
            self.manifest
                .disabled
                .entry(unique_id.clone())
                .or_default()
                .push(Disabled::Source(source));
        } else if let Some(other) = self.manifest.sources.get(&unique_id) {
            let d = Diagnostic::error(
                code::G0402,
                format!("dbt found two sources with the name \"{}_{name}\"", p.name),
            )
            .heading("Compilation Error")
            .at_opt(source.place.clone())
            .at_opt(other.place.clone())
            .help("rename one of them, or merge their entries");
            return self.sink.push(d);
        } else {
            self.check_loaded_at(&source);
            self.manifest.sources.insert(unique_id.clone(), source);
        }
        self.source_tests(package, p, table, &p.name, name, &unique_id);
    }

    /// Tags of sources are texts; dbt leaves out the others and says so.
    fn tags_are_texts(&mut self, p: &Property, table: &Yaml, config: &mut Map<String, Value>) {
        let name = table.get("name").and_then(Yaml::scalar_text);
        let blocks = [
            (p.get("config"), Some(p.name.clone())),
            (table.get("config"), name),
        ];
        let mut idle: Vec<String> = Vec::new();
        for (block, name) in blocks {
            let Some(tags) = block.and_then(|c| c.get("tags")) else {
                continue;
            };
            let value = tags.to_json();
            let items = if tags.is_seq() {
                tags.items()
            } else {
                std::slice::from_ref(tags)
            };
            let others = items
                .iter()
                .filter(|t| !t.is_null() && t.as_str().is_none());
            let before = idle.len();
            idle.extend(others.filter_map(Yaml::scalar_text));
            if idle.len() == before {
                continue;
            }
            let field = format!("`config.tags`: {}", crate::yaml::python_repr(&value));
            let name = name.unwrap_or_default();
            self.sink.push(
                invalid_field(&field, "source", &name)
                    .at(p.place(tags))
                    .help("write tags as texts, in quotes where they look like numbers"),
            );
        }
        if let Some(Value::Array(tags)) = config.get_mut("tags") {
            tags.retain(|t| !t.as_str().is_some_and(|t| idle.iter().any(|i| i == t)));
        }
    }

    /// A limit of age is of no use without a column that tells it: PostgreSQL does not know when a table last changed.
    fn check_loaded_at(&mut self, source: &Source) {
        let limits = source.freshness.as_ref().and_then(Value::as_object);
        let told = source.loaded_at_field.is_some() || source.loaded_at_query.is_some();
        if !told && limits.is_some_and(freshness::has_limit) {
            let message = format!(
                "The configured adapter does not support metadata-based freshness. A loaded_at_field must be specified for source '{}.{}'.",
                source.source_name, source.name
            );
            self.sink.push(
                Diagnostic::warning(code::G0416, message.as_str())
                    .event("FreshnessConfigProblem")
                    .fact("msg", message)
                    .at_opt(source.place.clone())
                    .help("name the column with the time of loading in `config.loaded_at_field`"),
            );
        }
    }
}

/// A property that a resource of this kind does not have.
pub(super) fn invalid_field(field: &str, kind: &str, name: &str) -> Diagnostic {
    let message = format!("Field {field} is not valid for {kind} ({name})");
    Diagnostic::warning(code::P0120, message)
        .event("ValidationWarning")
        .fact("field_name", field)
        .fact("resource_type", kind)
        .fact("node_name", name)
}

pub(super) fn source_quoting_map(value: impl Fn(&str) -> Value) -> Map<String, Value> {
    ["database", "schema", "identifier", "column"]
        .into_iter()
        .map(|k| (k.to_string(), value(k)))
        .collect()
}

fn source_quoting(p: &Property, table: &Yaml) -> Map<String, Value> {
    source_quoting_map(|key| {
        let of = |n: &Yaml| {
            n.get("quoting")
                .and_then(|q| q.get(key))
                .filter(|v| !absent(Some(v)))
                .map(Yaml::to_json)
        };
        of(table).or_else(|| of(&p.node)).unwrap_or(Value::Null)
    })
}

/// A package's source with the keys of the root's `overrides:` entry in place of its own; tables merge by name.
fn overridden(p: &Property, over: &Property) -> Property {
    let mut merged = p.clone();
    let yaml::Kind::Map(entries) = &mut merged.node.kind else {
        return merged;
    };
    for (key, value) in over.node.entries() {
        match key.as_str() {
            Some("name" | "overrides") => {}
            Some("tables") => {
                let mut tables: Vec<Yaml> = p
                    .get("tables")
                    .map(Yaml::items)
                    .unwrap_or_default()
                    .to_vec();
                for table in value.items() {
                    let name = table.get("name").and_then(Yaml::scalar_text);
                    match tables
                        .iter_mut()
                        .find(|t| t.get("name").and_then(Yaml::scalar_text) == name)
                    {
                        Some(old) => {
                            let yaml::Kind::Map(fields) = &mut old.kind else {
                                continue;
                            };
                            for (k, v) in table.entries() {
                                fields.retain(|(f, _)| f.kind != k.kind);
                                fields.push((k.clone(), v.clone()));
                            }
                        }
                        None => tables.push(table.clone()),
                    }
                }
                entries.retain(|(k, _)| k.as_str() != Some("tables"));
                entries.push((
                    key.clone(),
                    Yaml {
                        kind: yaml::Kind::Seq(tables),
                        span: value.span.clone(),
                    },
                ));
            }
            _ => {
                entries.retain(|(k, _)| k.kind != key.kind);
                entries.push((key.clone(), value.clone()));
            }
        }
    }
    merged
}
