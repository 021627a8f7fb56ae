//! Definitions that are sound but likely to be wrong.
use super::types::{Date, Input, KeyKind, Kind, Layer, Metric, Table};
use super::{Piece, scan};
use crate::diag::{Diagnostic, code};
use crate::graph::Manifest;

/// What a reader would stumble over, as warnings.
pub fn lint(layer: &Layer, manifest: &Manifest) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    duplicates(layer, &mut out);
    for m in layer.metrics.values() {
        constant_share(layer, m, &mut out);
        product_of_counts(layer, m, &mut out);
    }
    for t in layer.tables.values() {
        two_dates(layer, t, &mut out);
        untested_key(layer, manifest, t, &mut out);
    }
    out
}

fn warning(message: String) -> Diagnostic {
    Diagnostic::warning(code::R0704, message)
}

/// The definition of a metric without its name; of a simple one that of its measure.
fn definition(layer: &Layer, m: &Metric) -> String {
    let input = |i: &Input| {
        let measure = layer
            .table_of_measure(&i.name)
            .filter(|_| i.is_measure)
            .and_then(|t| {
                t.measures.get(&i.name).map(|x| {
                    format!(
                        "{}.{:?}.{}.{:?}{:?}",
                        t.name, x.agg, x.expr, x.time, x.non_additive
                    )
                })
            });
        let name = measure.unwrap_or_else(|| i.name.clone());
        format!(
            "{name}{:?}{:?}{:?}{}",
            i.filters, i.offset, i.fill, i.every_day
        )
    };
    let kind = match &m.kind {
        Kind::Simple(i) => format!("simple {}", input(i)),
        Kind::Ratio(a, b) => format!("ratio {} {}", input(a), input(b)),
        Kind::Derived { expr, inputs } => {
            let list: Vec<String> = inputs
                .iter()
                .map(|i| format!("{}={}", i.shown(), input(i)))
                .collect();
            format!("derived {expr} {}", list.join(";"))
        }
        Kind::Cumulative { input: i, over } => format!("cumulative {} {over:?}", input(i)),
        Kind::Conversion(c) => format!("conversion {c:?}"),
    };
    format!("{kind} {:?} {:?}", m.filters, m.bi.get("dax"))
}

fn duplicates(layer: &Layer, out: &mut Vec<Diagnostic>) {
    let mut seen: Vec<(String, &Metric)> = Vec::new();
    for m in layer.metrics.values() {
        let d = definition(layer, m);
        match seen.iter().find(|(other, _)| *other == d) {
            Some((_, first)) => {
                let mut w = warning(format!(
                    "the metrics `{}` and `{}` have the same definition",
                    first.name, m.name
                ));
                if let Some(p) = m.place.clone() {
                    w = w.label(p, "this one");
                }
                if let Some(p) = first.place.clone() {
                    w = w.label(p, "is defined like this one");
                }
                out.push(w.help("one of them lacks a filter, or is one too many"));
            }
            None => seen.push((d, m)),
        }
    }
}

fn constant_share(layer: &Layer, m: &Metric, out: &mut Vec<Diagnostic>) {
    let Kind::Ratio(a, b) = &m.kind else { return };
    let of = |i: &Input| layer.metrics.get(&i.name).map(|x| definition(layer, x));
    let same = a.name == b.name || of(a).is_some() && of(a) == of(b);
    if same && a.filters == b.filters && a.offset == b.offset {
        out.push(
            warning(format!(
                "the ratio `{}` is always 1: `{}` and `{}` are the same",
                m.name, a.name, b.name
            ))
            .at_opt(m.place_of("denominator"))
            .help("divide by the whole, for example the same count without its filter"),
        );
    }
}

/// A count times a count is in no unit that a scale could have.
fn product_of_counts(layer: &Layer, m: &Metric, out: &mut Vec<Diagnostic>) {
    let Kind::Derived { expr, inputs } = &m.kind else {
        return;
    };
    let is_count = |name: &str| {
        inputs
            .iter()
            .find(|i| i.shown() == name)
            .and_then(|i| layer.metrics.get(&i.name))
            .is_some_and(|x| match &x.kind {
                Kind::Simple(i) => layer
                    .table_of_measure(&i.name)
                    .and_then(|t| t.measures.get(&i.name))
                    .is_some_and(|x| x.agg.is_count()),
                _ => false,
            })
    };
    let Ok(pieces) = scan(expr) else { return };
    for w in pieces.windows(3) {
        if let [Piece::Name(a, _), Piece::Text(op), Piece::Name(b, _)] = w
            && op.trim() == "*"
            && is_count(a)
            && is_count(b)
        {
            out.push(
                warning(format!("`{}` multiplies the counts `{a}` and `{b}`", m.name))
                    .at_opt(m.place_of("expr"))
                    .help("a target is a share of a count, as in `sessions * 0.9`; as the mark of a gauge a product lies off its scale"),
            );
        }
    }
}

/// A date of its own and one through a parent may differ, at midnight for example.
fn two_dates(layer: &Layer, t: &Table, out: &mut Vec<Diagnostic>) {
    if t.date != Date::Own || t.time.is_none() || t.measures.is_empty() {
        return;
    }
    let parent = t
        .keys
        .iter()
        .filter(|k| k.kind == KeyKind::Foreign)
        .find_map(|k| {
            layer
                .tables
                .values()
                .find(|p| {
                    p.name != t.name
                        && p.primary().is_some_and(|x| x.name == k.name)
                        && p.time.is_some()
                        && p.date != Date::None
                })
                .filter(|p| Some(&p.name) != layer.calendar.as_ref() && !p.measures.is_empty())
                .map(|p| (k, p))
        });
    if let Some((key, p)) = parent {
        let own = t.time.clone().unwrap_or_default();
        out.push(
            warning(format!("`{}` has two ways to the date: `{own}` of its own, and that of `{}` through `{}`", t.name, p.name, key.name))
                .at_opt(t.place_of("agg_time_dimension"))
                .help(format!("say which: `config: {{meta: {{bi: {{date: {{via: {}}}}}}}}}` or `date: {{via: {own}}}`", key.name)),
        );
    }
}

/// Rows are joined to a primary entity as if it were unique.
fn untested_key(layer: &Layer, manifest: &Manifest, t: &Table, out: &mut Vec<Diagnostic>) {
    let Some(key) = t.primary() else { return };
    let joined = layer.tables.values().any(|x| {
        x.name != t.name
            && x.keys
                .iter()
                .any(|k| k.name == key.name && k.kind == KeyKind::Foreign)
    });
    let tested = manifest.nodes.values().any(|n| {
        n.test.as_ref().is_some_and(|x| {
            let unique = ["unique", "unique_combination_of_columns"].contains(&x.name.as_str());
            unique
                && x.attached_node.as_ref() == Some(&t.node)
                && x.column_name.as_deref().is_none_or(|c| c == key.expr)
        })
    });
    let constrained = manifest
        .nodes
        .get(&t.node)
        .is_some_and(|n| n.primary_key == [key.expr.clone()]);
    if joined && !tested && !constrained {
        out.push(
            warning(format!("nothing tests that `{}` of `{}` is unique; a value that stands twice would count rows twice", key.expr, t.name))
                .at_opt(t.place_of(&format!("columns.{}", key.expr)))
                .help("add `data_tests: [unique]` to the column"),
        );
    }
}
