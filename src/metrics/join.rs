//! Ways between tables: from many rows to one, and back where the definition allows it.
use crate::semantic::{Date, Key, KeyKind, Layer, Measure, Table};

/// A step from a table to the one row of another that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Name of the entity.
    pub entity: String,
    /// Table of the many rows.
    pub from: String,
    /// Expression there.
    pub from_expr: String,
    /// Table of the one row.
    pub to: String,
    /// Expression there.
    pub to_expr: String,
    /// Whether filters also go back over it.
    pub both: bool,
}

/// Steps that lead from a table to one row of another. The way to the calendar is not among them: see [`time_path`].
pub fn edges(layer: &Layer, table: &Table) -> Vec<Edge> {
    let mut out = Vec::new();
    for key in table.keys.iter().filter(|k| !k.expr.is_empty()) {
        for other in layer.tables.values().filter(|t| t.name != table.name) {
            let one = other.keys.iter().find(|k| {
                k.name == key.name && matches!(k.kind, KeyKind::Primary | KeyKind::Unique)
            });
            // Two tables with the same identity are joined only from the one that names it foreign or is keyed by it.
            let Some(one) = one.filter(|_| key.kind != KeyKind::Natural) else {
                continue;
            };
            out.push(edge(table, key, other, one));
        }
    }
    out
}

fn edge(table: &Table, key: &Key, other: &Table, one: &Key) -> Edge {
    Edge {
        entity: key.name.clone(),
        from: table.name.clone(),
        from_expr: key.expr.clone(),
        to: other.name.clone(),
        to_expr: one.expr.clone(),
        both: key.both,
    }
}

/// Most steps of a way; more are no way that anybody means.
const LONGEST: usize = 6;

/// The shortest ways from a table to another whose steps contain the given entities in this order.
/// More than one means that the question is ambiguous.
pub fn paths(layer: &Layer, from: &str, to: &str, links: &[String]) -> Vec<Vec<Edge>> {
    if from == to && links.is_empty() {
        return vec![Vec::new()];
    }
    let mut level: Vec<Vec<Edge>> = vec![Vec::new()];
    let mut seen: Vec<String> = vec![from.to_string()];
    for _ in 0..LONGEST {
        let mut next = Vec::new();
        for way in &level {
            let at = way.last().map_or(from, |e| e.to.as_str());
            let Some(table) = layer.tables.get(at) else {
                continue;
            };
            for e in edges(layer, table) {
                let back = e.to == from || way.iter().any(|x| x.from == e.to);
                // Without links only the first way to a table counts.
                if back || (links.is_empty() && seen.contains(&e.to)) {
                    continue;
                }
                let mut longer = way.clone();
                longer.push(e);
                next.push(longer);
            }
        }
        let found: Vec<Vec<Edge>> = next
            .iter()
            .filter(|w| w.last().is_some_and(|e| e.to == to) && has_links(w, links))
            .cloned()
            .collect();
        if !found.is_empty() {
            return found;
        }
        seen.extend(next.iter().filter_map(|w| w.last()).map(|e| e.to.clone()));
        level = next;
        if level.is_empty() || level.len() > 10_000 {
            break;
        }
    }
    Vec::new()
}

fn has_links(way: &[Edge], links: &[String]) -> bool {
    let mut steps = way.iter();
    links.iter().all(|l| steps.any(|e| e.entity == *l))
}

/// Where the date of a measure's rows stands: the way to the table, and the time dimension or column there.
pub fn time_path(
    layer: &Layer,
    table: &Table,
    measure: Option<&Measure>,
) -> Option<(Vec<Edge>, String, String)> {
    if let Some(own) = measure.and_then(|m| m.time.as_ref()) {
        return Some((Vec::new(), table.name.clone(), own.clone()));
    }
    let mut way = Vec::new();
    let mut at = table;
    loop {
        match &at.date {
            Date::None => return None,
            Date::Own => return at.time.clone().map(|t| (way, at.name.clone(), t)),
            Date::Column(c) => return Some((way, at.name.clone(), c.clone())),
            Date::Parent(entity) => {
                let e = edges(layer, at).into_iter().find(|e| e.entity == *entity)?;
                if way.len() > LONGEST {
                    return None;
                }
                let next = layer.tables.get(&e.to)?;
                way.push(e);
                at = next;
            }
        }
    }
}

/// The expression of a time dimension or column of a table.
pub fn time_expr(table: &Table, name: &str) -> String {
    table
        .dimensions
        .get(name)
        .map_or_else(|| name.to_string(), |d| d.expr.clone())
}

/// A table from which filters go to another (`filter: both` on every step), and the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The table of the many rows.
    pub table: String,
    /// From it to the table that is filtered.
    pub way: Vec<Edge>,
}

/// The bridges to a table, the nearest first.
pub fn bridges(layer: &Layer, to: &str) -> Vec<Bridge> {
    let mut out: Vec<Bridge> = layer
        .tables
        .keys()
        .filter(|t| *t != to)
        .flat_map(|t| {
            paths(layer, t, to, &[])
                .into_iter()
                .map(move |way| (t, way))
        })
        .filter(|(_, way)| way.iter().all(|e| e.both))
        .map(|(t, way)| Bridge {
            table: t.clone(),
            way,
        })
        .collect();
    out.sort_by_key(|b| b.way.len());
    out
}
