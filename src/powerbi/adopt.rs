//! Names and tags of an existing Power BI project, so that reports built on it go on working.
use super::Files;
use super::tmdl::{Object, parse};
use crate::diag::{Diagnostic, Sink, code};
use crate::semantic::{Aggregation, Kind, Layer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names and tags that are fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// By schema and name of the relation, parted by a point.
    pub tables: BTreeMap<String, TableNames>,
    /// Name of the measure by metric.
    pub measures: BTreeMap<String, String>,
    /// Tag by name of the measure.
    pub tags: BTreeMap<String, String>,
    /// Name of a relationship by `table.column → table.column`.
    pub relationships: BTreeMap<String, String>,
}

/// Names and tags of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableNames {
    /// Name.
    pub name: String,
    /// Tag.
    pub tag: Option<String>,
    /// Columns by the relation's columns.
    pub columns: BTreeMap<String, ColumnNames>,
}

/// Name and tag of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNames {
    /// Name.
    pub name: String,
    /// Tag.
    pub tag: Option<String>,
}

impl Names {
    /// The name of a metric's measure.
    pub fn measure(&self, metric: &str) -> Option<String> {
        self.measures.get(metric).cloned()
    }

    /// The tag of a measure.
    pub fn measure_tag(&self, name: &str) -> Option<String> {
        self.tags.get(name).cloned()
    }

    /// As JSON, for the file that keeps them.
    pub fn json(&self) -> Value {
        let tables: Map<String, Value> = self
            .tables
            .iter()
            .map(|(k, t)| {
                let columns: Map<String, Value> = t
                    .columns
                    .iter()
                    .map(|(c, n)| (c.clone(), json!({"name": n.name, "tag": n.tag})))
                    .collect();
                (
                    k.clone(),
                    json!({"name": t.name, "tag": t.tag, "columns": columns}),
                )
            })
            .collect();
        json!({"tables": tables, "measures": self.measures, "tags": self.tags, "relationships": self.relationships})
    }

    /// From JSON.
    pub fn from_json(v: &Value) -> Self {
        let text = |v: &Value, k: &str| v.get(k).and_then(Value::as_str).map(str::to_string);
        let map = |key: &str| -> BTreeMap<String, String> {
            let entries = v.get(key).and_then(Value::as_object).into_iter().flatten();
            entries
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string())))
                .collect()
        };
        let tables = v
            .get("tables")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        Self {
            tables: tables
                .map(|(k, t)| {
                    let columns = t
                        .get("columns")
                        .and_then(Value::as_object)
                        .into_iter()
                        .flatten();
                    let columns = columns
                        .map(|(c, n)| {
                            let name = text(n, "name").unwrap_or_else(|| c.clone());
                            (
                                c.clone(),
                                ColumnNames {
                                    name,
                                    tag: text(n, "tag"),
                                },
                            )
                        })
                        .collect();
                    let name = text(t, "name").unwrap_or_else(|| k.clone());
                    (
                        k.clone(),
                        TableNames {
                            name,
                            tag: text(t, "tag"),
                            columns,
                        },
                    )
                })
                .collect(),
            measures: map("measures"),
            tags: map("tags"),
            relationships: map("relationships"),
        }
    }

    /// Whether nothing is fixed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads names and tags out of the TMDL files of a project. What its measures have that no metric has is told as a note
/// with the YAML to add.
pub fn adopt(files: &Files, layer: &Layer, sink: &mut Sink) -> Names {
    let mut names = Names::default();
    let mut tables: Vec<Object> = Vec::new();
    for (path, text) in files
        .iter()
        .filter(|(p, _)| p.rsplit('.').next() == Some("tmdl"))
    {
        match parse(text) {
            Ok(objects) => {
                for o in objects {
                    match o.kind.as_str() {
                        "table" => tables.push(o),
                        "relationship" => {
                            if let (Some(from), Some(to)) = (o.get("fromColumn"), o.get("toColumn"))
                            {
                                names.relationships.insert(
                                    format!("{} → {}", plain(from), plain(to)),
                                    o.name.clone(),
                                );
                            }
                        }
                        _ => {}
                    }
                }
            }
            Err(message) => sink.push(Diagnostic::error(code::R0707, format!("{path}: {message}"))),
        }
    }
    if tables.is_empty() {
        sink.push(
            Diagnostic::error(code::R0707, "no table of a Power BI model was found")
                .help("name the folder that holds the `.SemanticModel` folder, saved as TMDL (`definition/tables/*.tmdl`)"),
        );
    }
    for t in &tables {
        let Some(relation) = t.of("partition").find_map(relation) else {
            continue;
        };
        let known = layer
            .tables
            .values()
            .find(|x| x.relation == relation || x.relation.1 == relation.1);
        let key = known.map_or_else(
            || format!("{}.{}", relation.0, relation.1),
            |x| super::model::names_key(&x.relation),
        );
        let columns = t
            .of("column")
            .filter_map(|c| {
                let source = c.get("sourceColumn")?.to_string();
                Some((
                    source,
                    ColumnNames {
                        name: c.name.clone(),
                        tag: c.get("lineageTag").map(str::to_string),
                    },
                ))
            })
            .collect();
        let tag = t.get("lineageTag").map(str::to_string);
        names.tables.insert(
            key,
            TableNames {
                name: t.name.clone(),
                tag,
                columns,
            },
        );
    }
    for t in &tables {
        for m in t.of("measure") {
            if let Some(tag) = m.get("lineageTag") {
                names.tags.insert(m.name.clone(), tag.to_string());
            }
            match metric_of(m, layer, &names) {
                Some(metric) => drop(names.measures.insert(metric, m.name.clone())),
                None => sink.push(unknown_measure(m)),
            }
        }
    }
    names
}

/// `'A b'.c` as `A b.c`.
fn plain(end: &str) -> String {
    end.replace('\'', "")
}

/// Schema and name that a partition reads.
fn relation(partition: &Object) -> Option<(String, String)> {
    let m = partition.get("source")?;
    let part = |key: &str| {
        let at = m.find(&format!("{key}=\""))? + key.len() + 2;
        let end = m[at..].find('"')?;
        Some(m[at..at + end].to_string())
    };
    Some((part("Schema")?, part("Item")?))
}

fn same(a: &str, b: &str) -> bool {
    let bare = |t: &str| {
        t.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_lowercase()
    };
    bare(a) == bare(b)
}

/// The metric that a measure is: by label or name, else by the same simple aggregate.
fn metric_of(m: &Object, layer: &Layer, names: &Names) -> Option<String> {
    let labelled = layer.metrics.values().find(|x| {
        same(&x.name.replace('_', " "), &m.name)
            || same(&x.labels.main, &m.name)
            || x.labels.by_language.values().any(|l| same(l, &m.name))
    });
    if let Some(x) = labelled {
        return Some(x.name.clone());
    }
    let dax = m.value.as_deref()?;
    let (function, rest) = dax.trim().split_once('(')?;
    let (table, column) = rest.trim().strip_suffix(')')?.split_once('[')?;
    let column = column.trim().strip_suffix(']')?;
    let (key, known) = names
        .tables
        .iter()
        .find(|(_, t)| same(&t.name, table.trim().trim_matches('\'')))?;
    let source = known
        .columns
        .iter()
        .find(|(_, c)| c.name == column)
        .map(|(s, _)| s.clone())?;
    let agg = |a: Aggregation| match a {
        Aggregation::Sum => "SUM",
        Aggregation::Average => "AVERAGE",
        Aggregation::Min => "MIN",
        Aggregation::Max => "MAX",
        Aggregation::Count => "COUNT",
        Aggregation::CountDistinct => "DISTINCTCOUNT",
        Aggregation::Median => "MEDIAN",
        _ => "",
    };
    layer
        .metrics
        .values()
        .find(|x| {
            let Kind::Simple(i) = &x.kind else {
                return false;
            };
            let found = layer
                .table_of_measure(&i.name)
                .and_then(|t| Some((t, t.measures.get(&i.name)?)));
            found.is_some_and(|(t, measure)| {
                super::model::names_key(&t.relation) == *key
                    && measure.expr == source
                    && x.filters.is_empty()
                    && i.filters.is_empty()
                    && function.trim().to_uppercase().starts_with(agg(measure.agg))
                    && !agg(measure.agg).is_empty()
            })
        })
        .map(|x| x.name.clone())
}

fn unknown_measure(m: &Object) -> Diagnostic {
    let slug: String = m
        .name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let dax = m.value.clone().unwrap_or_default().replace('\n', " ");
    Diagnostic::warning(code::R0707, format!("the measure `{}` is no metric of the project, so it is not exported", m.name))
        .note(format!("it is `{dax}`"))
        .help(format!(
            "define it as a metric named `{slug}` with `label: {}`; with `config: {{meta: {{bi: {{dax: …}}}}}}` it keeps its formula",
            m.name
        ))
}
