//! Relationships between the tables, and the ways to the calendar.
use super::{Model, PbTable, Relationship};
use crate::diag::{Diagnostic, Sink, code};
use crate::metrics::{Edge, edges, time_expr, time_path};
use crate::powerbi::{Names, ids};
use crate::semantic::{KeyKind, Layer, Table};
use std::collections::BTreeMap;

pub(super) fn relationships(layer: &Layer, model: &mut Model, names: &Names, sink: &mut Sink) {
    let mut out: Vec<Relationship> = Vec::new();
    for table in layer.tables.values() {
        for e in edges(layer, table) {
            let identity = table
                .key(&e.entity)
                .is_some_and(|k| k.kind != KeyKind::Foreign);
            // Of two tables with the same identity only one leads to the other.
            if identity && e.from > e.to {
                continue;
            }
            match related(model, layer, &e) {
                Ok(Some((from, to))) => {
                    out.push(relationship(from, to, e.both || identity, identity, names))
                }
                Ok(None) => {}
                Err(d) => sink.push(d),
            }
        }
    }
    if let Some((calendar, day)) = model.calendar.clone() {
        to_calendar(layer, model, names, (calendar, day), &mut out, sink);
    }
    out.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    model.relationships = out;
    several_ways(layer, model, sink);
}

/// The ways of tables with a date of their own to the calendar.
fn to_calendar(
    layer: &Layer,
    model: &Model,
    names: &Names,
    calendar: (String, String),
    out: &mut Vec<Relationship>,
    sink: &mut Sink,
) {
    for table in layer.tables.values() {
        if Some(&table.name) == layer.calendar.as_ref() {
            continue;
        }
        let mut own: Vec<(String, bool)> = Vec::new();
        if let Some((way, at, name)) = time_path(layer, table, None)
            && way.is_empty()
            && at == table.name
        {
            own.push((time_expr(table, &name), opens(layer, table)));
        }
        for m in table.measures.values() {
            if let Some(t) = &m.time {
                let expr = time_expr(table, t);
                if !own.iter().any(|(e, _)| *e == expr) {
                    own.push((expr, false));
                }
            }
        }
        for (expr, active) in own {
            let Some(c) = model.column(&table.name, &expr) else {
                continue;
            };
            if !c.is_date {
                sink.push(not_a_date(table, &expr));
                continue;
            }
            let from = (
                model
                    .table(&table.name)
                    .map(|t| t.name.clone())
                    .unwrap_or_default(),
                c.name.clone(),
            );
            let mut r = relationship(from, calendar.clone(), false, false, names);
            r.active = active;
            out.push(r);
        }
    }
}

/// Whether the way from a table's own date to the calendar is open: only if no table of many rows leads to the table,
/// since from there would then be two ways.
fn opens(layer: &Layer, table: &Table) -> bool {
    !layer.tables.values().any(|t| {
        t.name != table.name
            && time_path(layer, t, None)
                .is_some_and(|(way, at, _)| way.is_empty() || at != table.name)
            && !crate::metrics::paths(layer, &t.name, &table.name, &[]).is_empty()
    })
}

fn not_a_date(table: &Table, expr: &str) -> Diagnostic {
    Diagnostic::error(
        code::R0705,
        format!("`{expr}` of `{}` is a time and the calendar has days, so Power BI could not join them", table.name),
    )
    .at_opt(table.place_of("agg_time_dimension"))
    .help("add a column with the date to the model, and name it in `config: {meta: {bi: {date: {via: …}}}}`")
}

fn relationship(
    from: (String, String),
    to: (String, String),
    both: bool,
    one_to_one: bool,
    names: &Names,
) -> Relationship {
    let key = format!("{}.{} → {}.{}", from.0, from.1, to.0, to.1);
    let name = names
        .relationships
        .get(&key)
        .cloned()
        .unwrap_or_else(|| ids::uuid(&format!("relationship.{key}")));
    Relationship {
        name,
        from,
        to,
        both,
        one_to_one,
        active: true,
    }
}

/// The columns that a step joins.
fn related(
    model: &Model,
    layer: &Layer,
    e: &Edge,
) -> Result<Option<((String, String), (String, String))>, Diagnostic> {
    let (Some(a), Some(b)) = (model.table(&e.from), model.table(&e.to)) else {
        return Ok(None);
    };
    let find = |table: &PbTable, expr: &str| {
        table
            .columns
            .iter()
            .find(|c| c.source == *expr)
            .map(|c| (table.name.clone(), c.name.clone()))
    };
    match (find(a, &e.from_expr), find(b, &e.to_expr)) {
        (Some(x), Some(y)) => Ok(Some((x, y))),
        _ => {
            let table = layer.tables.get(&e.from);
            Err(Diagnostic::error(
                code::R0705,
                format!("`{}` and `{}` are joined by an expression or several columns, and Power BI joins by one column", e.from, e.to),
            )
            .at_opt(table.and_then(|t| t.place_of(&format!("entities.{}", e.entity))))
            .help("make a surrogate key in both models and name it as the entity"))
        }
    }
}

/// Two open ways between the same tables would be refused when the model is loaded.
fn several_ways(layer: &Layer, model: &Model, sink: &mut Sink) {
    let next = |t: &str| {
        model
            .relationships
            .iter()
            .filter(move |r| r.active && r.from.0 == t)
            .map(|r| r.to.0.clone())
            .collect::<Vec<_>>()
    };
    for t in &model.tables {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut open: Vec<(String, usize)> = vec![(t.name.clone(), 0)];
        while let Some((at, depth)) = open.pop() {
            for to in next(&at) {
                *counts.entry(to.clone()).or_default() += 1;
                if depth < 8 {
                    open.push((to, depth + 1));
                }
            }
        }
        if let Some((to, _)) = counts.iter().find(|(_, n)| **n > 1) {
            let table = layer.tables.get(&t.source);
            let is_calendar = model.calendar.as_ref().is_some_and(|(c, _)| c == to);
            let help = if is_calendar {
                "say which with `config: {meta: {bi: {date: {via: …}}}}`, naming a foreign entity or a column"
            } else {
                "leave out the foreign entity that is not meant; its column stays"
            };
            sink.push(
                Diagnostic::error(
                    code::R0704,
                    format!(
                        "there are two ways from `{}` to `{to}`, and Power BI takes only one",
                        t.name
                    ),
                )
                .at_opt(table.and_then(|x| x.place.clone()))
                .help(help),
            );
            return;
        }
    }
}
