//! Columns and constraints as properties files describe them.
use super::builder::Builder;
use super::host::push_new;
use super::properties::{Property, json_map, texts};
use crate::diag::{Diagnostic, code};
use crate::graph::Column;
use crate::yaml::Node as Yaml;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

impl Builder<'_> {
    /// The described columns of an entry.
    pub(super) fn columns(
        &mut self,
        package: usize,
        p: &Property,
        list: Option<&Yaml>,
    ) -> IndexMap<String, Column> {
        let mut out = IndexMap::new();
        for entry in list.map(Yaml::items).unwrap_or_default() {
            if !entry.is_map() {
                let d =
                    crate::yaml::wrong_type(&p.file, entry, "a column", "a mapping with a `name`");
                self.sink.push(d.heading("Parsing Error"));
                continue;
            }
            if entry.get("include").is_some() {
                continue;
            }
            let Some(name) = entry.get("name").and_then(Yaml::scalar_text) else {
                self.sink.push(
                    Diagnostic::error(
                        code::Y0205,
                        format!("a column of `{}` has no `name`", p.name),
                    )
                    .heading("Parsing Error")
                    .at(p.place(entry)),
                );
                continue;
            };
            let column = self.column(package, p, entry, &name);
            out.insert(name, column);
        }
        out
    }

    fn column(&mut self, package: usize, p: &Property, entry: &Yaml, name: &str) -> Column {
        let (description, doc_blocks) = self.description(package, p, entry.get("description"));
        let config = json_map(entry.get("config"));
        let mut meta = json_map(entry.get("meta"));
        if let Some(Value::Object(more)) = config.get("meta") {
            meta.extend(more.clone());
        }
        let mut tags = texts(entry.get("tags"));
        let from_config = config.get("tags").map(|t| match t {
            Value::Array(items) => items.iter().map(crate::yaml::python_str).collect(),
            other => vec![crate::yaml::python_str(other)],
        });
        from_config
            .into_iter()
            .flatten()
            .for_each(|t: String| push_new(&mut tags, t));
        let mut full_config = Map::new();
        full_config.insert("meta".into(), Value::Object(meta.clone()));
        full_config.insert("tags".into(), json!(tags));
        full_config.extend(
            config
                .into_iter()
                .filter(|(k, _)| k != "meta" && k != "tags"),
        );
        let extra = entry
            .entries()
            .iter()
            .filter_map(|(k, v)| Some((k.as_str()?.to_string(), v.to_json())))
            // `doc_blocks` is noted, not written.
            .filter(|(k, _)| !COLUMN_KEYS.contains(&k.as_str()) && k != "doc_blocks")
            .collect();
        Column {
            name: name.to_string(),
            description,
            meta,
            data_type: entry
                .get("data_type")
                .and_then(Yaml::scalar_text)
                .filter(|_| !entry.get("data_type").is_some_and(Yaml::is_null)),
            constraints: self.constraints(p, entry.get("constraints"), false),
            quote: entry.get("quote").and_then(Yaml::as_bool),
            config: full_config,
            tags,
            granularity: entry
                .get("granularity")
                .filter(|g| !g.is_null())
                .and_then(Yaml::scalar_text),
            doc_blocks,
            extra,
        }
    }

    /// Constraints with dbt's defaults filled in.
    pub(super) fn constraints(
        &mut self,
        p: &Property,
        list: Option<&Yaml>,
        of_model: bool,
    ) -> Vec<Value> {
        const TYPES: &[&str] = &[
            "check",
            "not_null",
            "unique",
            "primary_key",
            "foreign_key",
            "custom",
        ];
        let mut out = Vec::new();
        for entry in list.map(Yaml::items).unwrap_or_default() {
            let kind = entry.get("type").and_then(Yaml::as_str).unwrap_or_default();
            if !TYPES.contains(&kind) {
                self.sink.push(
                    Diagnostic::error(code::P0111, format!("`{kind}` is not a constraint type"))
                        .heading("Parsing Error")
                        .at(p.place(entry.get("type").unwrap_or(entry)))
                        .help(format!("one of {}", TYPES.join(", "))),
                );
                continue;
            }
            let get = |k: &str| entry.get(k).map_or(Value::Null, Yaml::to_json);
            let flag = |k: &str| entry.get(k).and_then(Yaml::as_bool).unwrap_or(true);
            let mut c = json!({
                "type": kind, "name": get("name"), "expression": get("expression"),
                "warn_unenforced": flag("warn_unenforced"), "warn_unsupported": flag("warn_unsupported"),
                "to": get("to"), "to_columns": texts(entry.get("to_columns")),
            });
            if of_model {
                c["columns"] = json!(texts(entry.get("columns")));
            }
            out.push(c);
        }
        out
    }
}

/// Keys of a column that have a field of their own.
pub(super) const COLUMN_KEYS: &[&str] = &[
    "name",
    "description",
    "data_type",
    "quote",
    "meta",
    "tags",
    "config",
    "constraints",
    "data_tests",
    "tests",
    "docs",
    "granularity",
    "include",
    "exclude",
];
