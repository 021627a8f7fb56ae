//! Names that people write for dimensions, and what they mean.
use super::join::{bridges, paths};
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Grain, KeyKind, Labels, Layer, Table};
use crate::text::nearest;

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The time of each metric.
    Time(Grain),
    /// A column of a table.
    Column {
        /// The table.
        table: String,
        /// Column or SQL expression there.
        expr: String,
        /// Steps that the way there must contain.
        links: Vec<String>,
        /// Period, if it is a time.
        grain: Option<Grain>,
    },
    /// A metric of each value of an entity, in a condition.
    Metric {
        /// The entity.
        key: Box<Named>,
        /// A SELECT of the entity and the metric.
        sql: String,
        /// Their columns there.
        columns: (String, String),
    },
}

/// A name and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As it was written, without the grain.
    pub name: String,
    /// Meaning.
    pub target: Target,
    /// What it is called.
    pub labels: Labels,
}

/// Whether a name stands for the time of the metrics.
fn is_time(layer: &Layer, name: &str) -> bool {
    let calendar = layer
        .calendar()
        .and_then(|t| t.primary())
        .map(|k| k.name.as_str());
    name == "metric_time" || name == "date" || Some(name) == calendar
}

/// `name:grain`, or `name__grain` when that is no dimension.
fn split_grain(layer: &Layer, text: &str) -> Result<(String, Option<Grain>)> {
    if let Some((name, grain)) = text.rsplit_once(':') {
        let Some(g) = Grain::parse(grain) else {
            let words: Vec<&str> = Grain::ALL.iter().map(|g| g.as_str()).collect();
            let d = Diagnostic::error(code::R0702, format!("`{grain}` is not a grain of time"));
            return Err(match nearest(grain, words.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{name}:{near}`?")),
                None => d.help(format!("one of {}", words.join(", "))),
            }
            .into());
        };
        return Ok((name.to_string(), Some(g)));
    }
    if let Some((name, grain)) = text.rsplit_once("__")
        && let Some(g) = Grain::parse(grain)
        && !layer
            .tables
            .values()
            .any(|t| t.dimensions.contains_key(grain))
    {
        return Ok((name.to_string(), Some(g)));
    }
    Ok((text.to_string(), None))
}

/// An entity in a condition: its key, as the rows have it. A row may name somebody whom no other table knows.
pub fn entity(layer: &Layer, name: &str, bases: &[&str]) -> Result<Named> {
    match held(layer, name, bases) {
        Some(own) => Ok(own),
        None => resolve(layer, name, bases, true),
    }
}

/// The key of an entity in the base that all bases lead to.
fn held(layer: &Layer, name: &str, bases: &[&str]) -> Option<Named> {
    let holder = |b: &&&str| {
        let table = layer.tables.get(**b)?;
        let key = table.key(name).filter(|k| !k.expr.is_empty())?;
        let all = bases
            .iter()
            .all(|other| !paths(layer, other, &table.name, &[]).is_empty());
        all.then_some((table, key))
    };
    let (table, key) = bases.iter().find_map(|b| holder(&b))?;
    Some(Named {
        name: name.to_string(),
        target: Target::Column {
            table: table.name.clone(),
            expr: key.expr.clone(),
            links: Vec::new(),
            grain: None,
        },
        labels: Labels::plain(name),
    })
}

/// Whether an entity is shown by a title instead of its key.
fn is_titled(layer: &Layer, entity: &str) -> bool {
    layer
        .tables
        .values()
        .any(|t| t.title.is_some() && t.primary().is_some_and(|k| k.name == entity))
}

/// A place in a table that a name may mean.
struct Candidate<'a> {
    table: &'a Table,
    expr: String,
    finest: Option<Grain>,
    labels: Labels,
    links: Vec<String>,
}

/// What a name means for metrics of these tables. `lenient` also finds columns that are no dimensions.
pub fn resolve(layer: &Layer, text: &str, bases: &[&str], lenient: bool) -> Result<Named> {
    let (name, grain) = split_grain(layer, text.trim())?;
    let parts: Vec<&str> = name.split("__").collect();
    let last = parts[parts.len() - 1];
    let prefix: Vec<String> = parts[..parts.len() - 1]
        .iter()
        .map(|s| (*s).to_string())
        .collect();
    let declared = layer
        .tables
        .values()
        .any(|t| t.dimensions.contains_key(&name));
    if is_time(layer, &name) && !declared {
        let labels = layer
            .calendar()
            .and_then(|t| t.primary().and_then(|k| t.columns.get(&k.expr)))
            .and_then(|c| c.labels.clone())
            .unwrap_or_else(|| Labels::plain("Date"));
        return Ok(Named {
            target: Target::Time(grain.unwrap_or(Grain::Day)),
            name,
            labels,
        });
    }
    let is_entity = prefix.is_empty()
        && !layer
            .tables
            .values()
            .any(|t| t.dimensions.contains_key(last));
    if is_entity
        && grain.is_none()
        && !is_titled(layer, last)
        && let Some(own) = held(layer, last, bases)
    {
        return Ok(own);
    }
    let mut found = candidates(layer, &prefix, last, bases, lenient);
    // `a__b` may also be the name of a dimension itself.
    if !prefix.is_empty() && found.is_empty() {
        found = candidates(layer, &[], &name, bases, lenient);
    }
    let reachable: Vec<&Candidate<'_>> = found
        .iter()
        .filter(|c| bases.iter().all(|b| reaches(layer, b, c)))
        .collect();
    let own: Vec<&Candidate<'_>> = reachable
        .iter()
        .filter(|c| bases.iter().all(|b| *b == c.table.name))
        .copied()
        .collect();
    let chosen = match (own.as_slice(), reachable.as_slice(), found.as_slice()) {
        ([one], _, _) | ([], [one], _) => *one,
        // Nobody reaches it: told later, with the line that would help.
        ([], [], [one, ..]) => one,
        ([], [], []) => return Err(unknown(layer, &name, bases).into()),
        (_, several, _) => return Err(ambiguous(&name, several).into()),
    };
    let grain = match (grain, chosen.finest) {
        (Some(g), Some(finest)) if g < finest => {
            return Err(Diagnostic::error(
                code::R0702,
                format!(
                    "`{name}` is known by {}, not by {}",
                    finest.as_str(),
                    g.as_str()
                ),
            )
            .help(format!("ask for `{name}:{}` or coarser", finest.as_str()))
            .into());
        }
        (Some(_), None) => {
            return Err(Diagnostic::error(
                code::R0702,
                format!("`{name}` is not a time, so it has no grain"),
            )
            .help(format!("ask for `{name}` alone"))
            .into());
        }
        (g, finest) => g.or(finest),
    };
    Ok(Named {
        target: Target::Column {
            table: chosen.table.name.clone(),
            expr: chosen.expr.clone(),
            links: chosen.links.clone(),
            grain,
        },
        labels: chosen.labels.clone(),
        name,
    })
}

fn candidates<'a>(
    layer: &'a Layer,
    prefix: &[String],
    last: &str,
    bases: &[&str],
    lenient: bool,
) -> Vec<Candidate<'a>> {
    let mut out: Vec<Candidate<'a>> = Vec::new();
    for table in layer.tables.values() {
        let one = |k: &&crate::semantic::Key| {
            matches!(
                k.kind,
                KeyKind::Primary | KeyKind::Unique | KeyKind::Natural
            )
        };
        let identity = |name: &str| table.keys.iter().filter(one).any(|k| k.name == name);
        // The last entity of a name is the identity of the table that has the dimension.
        let links = match prefix.split_last() {
            None => Vec::new(),
            Some((entity, _)) if !identity(entity) => continue,
            Some((entity, before)) if bases.contains(&table.name.as_str()) && before.is_empty() => {
                let _ = entity;
                Vec::new()
            }
            Some(_) => prefix.to_vec(),
        };
        let known = table
            .dimensions
            .get(last)
            .map(|d| (d.expr.clone(), d.grain, d.labels.clone()));
        let key = table
            .keys
            .iter()
            .find(|k| k.name == last && !k.expr.is_empty())
            .filter(|k| !prefix.is_empty() || k.kind == KeyKind::Primary)
            .map(|k| of_key(table, k));
        let column = table.columns.get(last).filter(|_| lenient).map(|c| {
            (
                c.name.clone(),
                None,
                c.labels
                    .clone()
                    .unwrap_or_else(|| Labels::plain(c.name.clone())),
            )
        });
        if let Some((expr, finest, labels)) = known.or(key).or(column) {
            out.push(Candidate {
                table,
                expr,
                finest,
                labels,
                links,
            });
        }
    }
    if lenient && out.len() > 1 {
        // Columns count only where no dimension has the name.
        let dims: Vec<usize> = (0..out.len())
            .filter(|i| out[*i].table.dimensions.contains_key(last))
            .collect();
        let own = out.iter().any(|c| bases == [c.table.name.as_str()]);
        if !dims.is_empty() && !own {
            let mut i = 0;
            out.retain(|_| {
                i += 1;
                dims.contains(&(i - 1))
            });
        }
    }
    out
}

/// An entity that is grouped by: its title if the table has one, else its key.
fn of_key(table: &Table, key: &crate::semantic::Key) -> (String, Option<Grain>, Labels) {
    let title = table
        .title
        .as_ref()
        .filter(|_| key.kind == KeyKind::Primary);
    if let Some(title) = title {
        if let Some(d) = table.dimensions.get(title) {
            return (d.expr.clone(), None, d.labels.clone());
        }
        if let Some(c) = table.columns.get(title) {
            return (
                c.name.clone(),
                None,
                c.labels
                    .clone()
                    .unwrap_or_else(|| Labels::plain(title.clone())),
            );
        }
    }
    (key.expr.clone(), None, Labels::plain(key.name.clone()))
}

/// Whether a metric of a table can be grouped by the candidate: forwards, or over a bridge.
fn reaches(layer: &Layer, base: &str, c: &Candidate<'_>) -> bool {
    if layer.calendar.as_deref() == Some(c.table.name.as_str()) {
        return true;
    }
    let to = c.table.name.as_str();
    !paths(layer, base, to, &c.links).is_empty()
        || bridges(layer, base)
            .iter()
            .any(|b| b.table == to || !paths(layer, &b.table, to, &c.links).is_empty())
}

/// How a dimension can be named without doubt.
pub fn full_name(table: &Table, dimension: &str) -> String {
    let identity = table
        .keys
        .iter()
        .find(|k| matches!(k.kind, KeyKind::Primary | KeyKind::Natural));
    match identity {
        Some(k) => format!("{}__{dimension}", k.name),
        None => dimension.to_string(),
    }
}

fn ambiguous(name: &str, several: &[&Candidate<'_>]) -> Diagnostic {
    let last = name.rsplit("__").next().unwrap_or(name);
    let names: Vec<String> = several
        .iter()
        .map(|c| format!("`{}`", full_name(c.table, last)))
        .collect();
    Diagnostic::error(
        code::R0702,
        format!("`{name}` is a dimension of several tables"),
    )
    .help(format!("say which: {}", names.join(" or ")))
}

fn unknown(layer: &Layer, name: &str, bases: &[&str]) -> Diagnostic {
    let mut known: Vec<String> = vec!["date".into(), "metric_time".into()];
    for table in layer.tables.values() {
        for d in table.dimensions.keys() {
            known.push(d.clone());
            known.push(full_name(table, d));
        }
        known.extend(table.primary().map(|k| k.name.clone()));
    }
    let d = Diagnostic::error(code::R0702, format!("there is no dimension `{name}`"));
    if let Some(near) = nearest(name, known.iter().map(String::as_str)) {
        return d.help(format!("did you mean `{near}`?"));
    }
    let column = layer.tables.values().find(|t| t.columns.contains_key(name));
    match column {
        Some(t) => d.help(format!(
            "`{name}` is a column of `{}`: add `dimension: {{type: categorical}}` to it to group by it",
            t.name
        )),
        None if bases.is_empty() => d,
        None => d.help("`tv1 metrics list` shows the dimensions"),
    }
}
