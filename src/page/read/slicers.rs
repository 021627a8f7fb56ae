//! Parameters, slicers and periods.
use super::keys::{Reader, near};
use crate::diag::{Diagnostic, Sink, code};
use crate::page::spec::{Parameter, Slicer};
use crate::text::Place;
use crate::yaml::{Document, Node};

pub(super) fn parameters(doc: &Document, sink: &mut Sink) -> Vec<Parameter> {
    let Some(list) = doc.root.get("parameters").filter(|n| !n.is_null()) else {
        return Vec::new();
    };
    let mut r = Reader {
        doc,
        sink: Sink::default(),
    };
    if !list.is_seq() {
        r.wrong(list, "`parameters`", "a list");
    }
    let mut out: Vec<Parameter> = Vec::new();
    for item in list.items() {
        r.unknown(item, &["name", "metrics", "default"], "a parameter");
        let Some((name, place)) = r.text(item, "name") else {
            r.fault(item, "a parameter has a `name`".into());
            continue;
        };
        let metrics = item
            .get("metrics")
            .map(|n| r.names(n, "a metric"))
            .unwrap_or_default();
        if metrics.is_empty() {
            r.fault(item, format!("parameter `{name}` has no `metrics`"));
            continue;
        }
        let mut default = Vec::new();
        for (metric, at) in item
            .get("default")
            .map(|n| r.names(n, "a metric"))
            .unwrap_or_default()
        {
            if !metrics.iter().any(|(m, _)| *m == metric) {
                let d = Diagnostic::error(
                    code::R0708,
                    format!("`{metric}` is none of the metrics of `{name}`"),
                )
                .at(at);
                r.sink
                    .push(near(d, &metric, metrics.iter().map(|(m, _)| m.as_str())));
            }
            default.push(metric);
        }
        if default.is_empty() {
            default.push(metrics[0].0.clone());
        }
        out.push(Parameter {
            name,
            metrics,
            default,
            place,
        });
    }
    for d in r.sink.said {
        sink.push(d);
    }
    out
}

pub(super) fn known_parameter(r: &mut Reader<'_>, own: &[Parameter], name: &str, at: &Place) {
    if !own.iter().any(|p| p.name == name) {
        let d = Diagnostic::error(code::R0708, format!("there is no parameter `{name}`"))
            .at(at.clone());
        let d = if own.is_empty() {
            d.help("declare it under `parameters:` with a name and its metrics")
        } else {
            near(d, name, own.iter().map(|p| p.name.as_str()))
        };
        r.sink.push(d);
    }
}

pub(super) fn slicers(r: &mut Reader<'_>, root: &Node, own: &[Parameter]) -> Vec<Slicer> {
    let Some(list) = root.get("slicers").filter(|n| !n.is_null()) else {
        return Vec::new();
    };
    if !list.is_seq() {
        r.wrong(list, "`slicers`", "a list");
    }
    let mut out: Vec<Slicer> = Vec::new();
    for item in list.items() {
        let place = r.at(item);
        if !item.is_map() {
            r.wrong(
                item,
                "a slicer",
                "a mapping such as `{dimension: category}`",
            );
            continue;
        }
        let label = r.text(item, "label").map(|l| l.0);
        if let Some((name, at)) = r.text(item, "parameter") {
            r.unknown(item, &["parameter", "label"], "a slicer of a parameter");
            known_parameter(r, own, &name, &at);
            out.push(Slicer::Parameter { name, label, place });
        } else if let Some((dimension, at)) = r.text(item, "dimension") {
            r.unknown(
                item,
                &["dimension", "label", "hidden"],
                "a slicer of a dimension",
            );
            let twice = out
                .iter()
                .any(|s| matches!(s, Slicer::Dimension { dimension: d, .. } if *d == dimension));
            if twice {
                r.sink.push(
                    Diagnostic::error(code::R0708, format!("`{dimension}` is sliced twice"))
                        .at(at.clone()),
                );
            }
            out.push(Slicer::Dimension {
                dimension,
                label,
                hidden: r.switch(item, "hidden"),
                place: at,
            });
        } else if let Some((dimension, at)) = r.text(item, "time") {
            r.unknown(
                item,
                &["time", "label", "default", "periods", "incomplete_days"],
                "a slicer of time",
            );
            if out.iter().any(|s| matches!(s, Slicer::Time { .. })) {
                r.sink.push(
                    Diagnostic::error(code::R0708, "a page has one slicer of time").at(at.clone()),
                );
            }
            let periods = periods(r, item);
            out.push(Slicer::Time {
                dimension,
                label,
                default: r.text(item, "default"),
                periods,
                incomplete_days: r.count(item, "incomplete_days", 366).unwrap_or(0) as u32,
                place: at,
            });
        } else {
            r.sink.push(
                Diagnostic::error(code::R0708, "a slicer names what it slices")
                    .at(place)
                    .help("write `parameter: NAME`, `dimension: NAME` or `time: date`"),
            );
        }
    }
    out
}

/// The days of a name such as `last_7_days`.
pub fn last_days(name: &str) -> Option<u32> {
    name.strip_prefix("last_")?
        .strip_suffix("_days")?
        .parse()
        .ok()
        .filter(|n| (1..=3660).contains(n))
}

fn periods(r: &mut Reader<'_>, item: &Node) -> Vec<String> {
    let Some(node) = item.get("periods").filter(|n| !n.is_null()) else {
        return ["all", "last_30_days", "last_7_days", "months", "weeks"]
            .map(String::from)
            .to_vec();
    };
    let known = [
        "all",
        "weeks",
        "months",
        "days",
        "last_7_days",
        "last_30_days",
    ];
    let mut out = Vec::new();
    for (name, at) in r.names(node, "a period") {
        if !known.contains(&name.as_str()) && last_days(&name).is_none() {
            let d = Diagnostic::error(code::R0708, format!("`{name}` is no period"))
                .at(at)
                .note("periods: all, last_N_days, weeks, months, days");
            r.sink.push(near(d, &name, known));
            continue;
        }
        out.push(name);
    }
    out
}
