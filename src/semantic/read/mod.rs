//! From the manifest to the semantic layer.
mod metrics;

use super::facts::{Labels, bi, is_on};
use super::types::{
    Aggregation, Column, Date, Dimension, Grain, Hierarchy, Key, KeyKind, Layer, Level, Measure,
    NonAdditive, Table,
};
use crate::diag::{Diagnostic, Sink, code};
use crate::graph::{Manifest, Node, SemanticEntry};
use indexmap::IndexMap;
use metrics::metric;
use serde_json::Value;

impl Layer {
    /// Reads the semantic models and metrics of a manifest. What cannot be understood goes to the sink and is left out.
    pub fn read(manifest: &Manifest, sink: &mut Sink) -> Self {
        let mut layer = Self::default();
        for entry in manifest.semantic_models.values() {
            let node = entry
                .depends_on
                .nodes
                .first()
                .and_then(|id| manifest.nodes.get(id));
            let Some(node) = node else {
                sink.push(
                    Diagnostic::error(
                        code::G0401,
                        format!(
                            "the model of semantic model `{}` is not in the project",
                            entry.name
                        ),
                    )
                    .at_opt(entry.places.get("model").or(entry.place.as_ref()).cloned())
                    .help("write `model: ref('…')` with the name of an enabled model"),
                );
                continue;
            };
            let table = table(entry, node, sink);
            layer.tables.insert(table.name.clone(), table);
        }
        layer.calendar = calendar(&layer, manifest);
        for entry in manifest.metrics.values() {
            let metric = metric(entry, sink);
            layer.metrics.insert(metric.name.clone(), metric);
        }
        layer
    }
}

/// The calendar: the table of the time spine, or one that says `date: true`, or the one with a primary entity `date`.
fn calendar(layer: &Layer, manifest: &Manifest) -> Option<String> {
    let spine = |t: &&Table| {
        manifest
            .nodes
            .get(&t.node)
            .is_some_and(|n| n.time_spine.is_some())
    };
    let said = |t: &&Table| t.bi.get("date").and_then(Value::as_bool) == Some(true);
    let named = |t: &&Table| t.primary().is_some_and(|k| k.name == "date");
    let tables = || layer.tables.values();
    tables()
        .find(said)
        .or_else(|| tables().find(spine))
        .or_else(|| tables().find(named))
        .filter(|t| t.primary().is_some())
        .map(|t| t.name.clone())
}

pub(super) fn text(v: &Value, key: &str) -> Option<String> {
    match v.get(key)? {
        Value::String(s) => Some(s.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    }
}

pub(super) fn list(v: Option<&Value>) -> impl Iterator<Item = &Value> {
    v.and_then(Value::as_array).into_iter().flatten()
}

/// `bi` of a part; what it merely inherits from its semantic model does not count.
fn part_bi(v: &Value, model: &Value) -> Value {
    let own = bi(v.get("config").and_then(|c| c.get("meta")));
    if own == *model { bi(None) } else { own }
}

/// Facts of a column under `bi`.
fn column(name: &str, description: &str, data_type: Option<&str>, bi: &Value) -> Column {
    let caption = bi.get("caption").or(bi.get("label"));
    Column {
        name: name.to_string(),
        data_type: data_type.map(str::to_string),
        description: description.trim().to_string(),
        labels: caption.map(|c| Labels::read(Some(c), name)),
        sort_by: text(bi, "sort_by"),
        format: text(bi, "format"),
        folder: text(bi, "folder"),
        hidden: is_on(bi, "hidden"),
        data_category: text(bi, "data_category"),
        kind: text(bi, "type"),
    }
}

fn table(entry: &SemanticEntry, node: &Node, sink: &mut Sink) -> Table {
    let fields = Value::Object(entry.fields.clone());
    let mut facts = bi(entry.config.get("meta"));
    if facts.as_object().is_some_and(serde_json::Map::is_empty) {
        facts = bi(node.config.get("meta"));
    }
    let columns: IndexMap<String, Column> = node
        .columns
        .values()
        .map(|c| {
            let b = c.meta.get("bi").cloned().unwrap_or_default();
            let column = column(&c.name, &c.description, c.data_type.as_deref(), &b);
            (c.name.clone(), column)
        })
        .collect();
    let mut out = Table {
        name: entry.name.clone(),
        unique_id: entry.unique_id.clone(),
        node: node.unique_id.clone(),
        relation: (node.schema.clone(), node.alias.clone()),
        labels: labels(&fields, &facts, &entry.name),
        description: text(&fields, "description").unwrap_or_default(),
        keys: Vec::new(),
        dimensions: IndexMap::new(),
        measures: IndexMap::new(),
        time: fields
            .get("defaults")
            .and_then(|d| text(d, "agg_time_dimension")),
        date: Date::Own,
        title: text(&facts, "title"),
        hierarchies: hierarchies(&facts),
        columns,
        bi: facts,
        place: entry.place.clone(),
        places: entry.places.clone(),
    };
    if out.description.is_empty() {
        out.description.clone_from(&node.description);
    }
    for v in list(fields.get("entities")) {
        if let Some(k) = key(v, &out) {
            out.keys.push(k);
        }
    }
    if let Some(name) = text(&fields, "primary_entity")
        && out.primary().is_none()
    {
        // A primary entity that is no column: rows have an identity, but nothing joins to them.
        out.keys.push(Key {
            name,
            kind: KeyKind::Natural,
            expr: String::new(),
            both: false,
        });
    }
    for v in list(fields.get("dimensions")) {
        if let Some(d) = dimension(v, &out) {
            out.dimensions.insert(d.name.clone(), d);
        }
    }
    for v in list(fields.get("measures")) {
        match measure(v) {
            Ok(m) => drop(out.measures.insert(m.name.clone(), m)),
            Err(message) => {
                let name = text(v, "name").unwrap_or_default();
                let place = out.place_of(&format!("measures.{name}"));
                sink.push(
                    Diagnostic::error(code::R0701, format!("measure `{name}`: {message}"))
                        .at_opt(place),
                );
            }
        }
    }
    out.date = date(&out, sink);
    out
}

pub(super) fn labels(fields: &Value, facts: &Value, name: &str) -> Labels {
    let main = text(fields, "label").unwrap_or_else(|| name.to_string());
    let said = facts
        .get("labels")
        .or(facts.get("label"))
        .or(facts.get("caption"));
    Labels::read(said, &main)
}

fn key(v: &Value, table: &Table) -> Option<Key> {
    let name = text(v, "name")?;
    let kind = match text(v, "type")?.as_str() {
        "primary" => KeyKind::Primary,
        "unique" => KeyKind::Unique,
        "natural" => KeyKind::Natural,
        _ => KeyKind::Foreign,
    };
    let expr = text(v, "expr").unwrap_or_else(|| name.clone());
    let own = part_bi(v, &table.bi);
    // In the newer form the column has the fact; in the older one the entity has it, or the described column.
    let both = |b: &Value| b.get("filter").and_then(Value::as_str) == Some("both");
    Some(Key {
        both: both(&own),
        name,
        kind,
        expr,
    })
}

fn dimension(v: &Value, table: &Table) -> Option<Dimension> {
    let name = text(v, "name")?;
    let expr = text(v, "expr").unwrap_or_else(|| name.clone());
    let own = part_bi(v, &table.bi);
    let description = text(v, "description").unwrap_or_default();
    let described = table.columns.get(&expr);
    let mut facts = column(
        &name,
        &description,
        described.and_then(|c| c.data_type.as_deref()),
        &own,
    );
    if let (Some(c), true) = (
        described,
        own.as_object().is_none_or(serde_json::Map::is_empty),
    ) {
        facts = Column {
            description: facts.description,
            ..c.clone()
        };
    }
    facts.name.clone_from(&expr);
    if facts.description.is_empty() {
        facts.description = described.map(|c| c.description.clone()).unwrap_or_default();
    }
    let main = text(v, "label").unwrap_or_else(|| name.clone());
    let labels = match &facts.labels {
        Some(l) if l.main == name || l.main == expr => Labels {
            main,
            by_language: l.by_language.clone(),
        },
        Some(l) => l.clone(),
        None => Labels::plain(main),
    };
    let grain = (text(v, "type").as_deref() == Some("time")).then(|| {
        v.get("type_params")
            .and_then(|p| text(p, "time_granularity"))
            .and_then(|g| Grain::parse(&g))
            .unwrap_or(Grain::Day)
    });
    Some(Dimension {
        labels,
        description: facts.description.clone(),
        name,
        expr,
        grain,
        column: facts,
    })
}

fn measure(v: &Value) -> Result<Measure, String> {
    let name = text(v, "name").unwrap_or_default();
    let params = v.get("agg_params").cloned().unwrap_or_default();
    let agg = match text(v, "agg").unwrap_or_default().to_lowercase().as_str() {
        "sum" => Aggregation::Sum,
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "average" | "avg" => Aggregation::Average,
        "count" => Aggregation::Count,
        "count_distinct" => Aggregation::CountDistinct,
        "sum_boolean" => Aggregation::SumBoolean,
        "median" => Aggregation::Median,
        "percentile" => {
            let p = params
                .get("percentile")
                .and_then(Value::as_f64)
                .ok_or("`percentile` is missing")?;
            if !(0.0..=1.0).contains(&p) {
                return Err(format!("the percentile {p} does not lie between 0 and 1"));
            }
            Aggregation::Percentile(p, is_on(&params, "use_discrete_percentile"))
        }
        other => return Err(format!("`{other}` is not an aggregation")),
    };
    Ok(Measure {
        expr: text(v, "expr").unwrap_or_else(|| name.clone()),
        time: text(v, "agg_time_dimension"),
        non_additive: v.get("non_additive_dimension").and_then(non_additive),
        name,
        agg,
    })
}

fn non_additive(v: &Value) -> Option<NonAdditive> {
    let by = list(v.get("window_groupings"));
    Some(NonAdditive {
        dimension: text(v, "name")?,
        last: text(v, "window_choice").as_deref() == Some("max"),
        by: by.filter_map(|x| x.as_str().map(str::to_string)).collect(),
    })
}

fn hierarchies(facts: &Value) -> Vec<Hierarchy> {
    list(facts.get("hierarchies"))
        .filter_map(|h| {
            let name = text(h, "name").unwrap_or_default();
            let levels = list(h.get("levels"))
                .filter_map(|l| match (text(l, "column"), l.as_object()) {
                    (Some(column), _) => {
                        let main = text(l, "name").unwrap_or_else(|| column.clone());
                        Some(Level {
                            labels: Labels::read(l.get("labels").or(l.get("label")), &main),
                            column,
                        })
                    }
                    (None, Some(map)) => map.iter().next().and_then(|(label, column)| {
                        let column = column.as_str()?.to_string();
                        Some(Level {
                            labels: Labels::plain(label.clone()),
                            column,
                        })
                    }),
                    _ => None,
                })
                .collect::<Vec<_>>();
            let labels = Labels::read(h.get("labels").or(h.get("label")), &name);
            (!levels.is_empty()).then_some(Hierarchy { labels, levels })
        })
        .collect()
}

fn date(table: &Table, sink: &mut Sink) -> Date {
    let Some(said) = table.bi.get("date") else {
        return Date::Own;
    };
    if said.as_bool() == Some(true) {
        return Date::Own;
    }
    let none = said.as_bool() == Some(false) || said.as_str() == Some("none");
    if none {
        return Date::None;
    }
    let Some(via) = text(said, "via") else {
        return Date::Own;
    };
    let foreign = table
        .keys
        .iter()
        .any(|k| k.kind == KeyKind::Foreign && k.name == via);
    if foreign {
        return Date::Parent(via);
    }
    if table.dimensions.contains_key(&via) || table.columns.contains_key(&via) {
        return Date::Column(via);
    }
    let known: Vec<&str> = table
        .keys
        .iter()
        .filter(|k| k.kind == KeyKind::Foreign)
        .map(|k| k.name.as_str())
        .chain(table.dimensions.keys().map(String::as_str))
        .collect();
    let d = Diagnostic::error(
        code::R0701,
        format!(
            "`date: {{via: {via}}}` of `{}` names neither a foreign entity nor a column",
            table.name
        ),
    )
    .at_opt(table.place_of("config.meta.bi.date.via"));
    sink.push(match crate::text::nearest(&via, known) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => {
            d.help("name the foreign entity whose row has the date, or the column with the date")
        }
    });
    Date::Own
}
