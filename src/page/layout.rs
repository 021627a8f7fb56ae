//! What a page needs to know before its data: layout, names, formats, values, periods.
use super::known::Known;
use super::periods::Period;
use super::query::Scope;
use super::spec::{Measures, Slicer, Tile};
use crate::semantic::{Aggregation, Kind, Metric};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is not in the report or the database.
pub struct Options<'a> {
    /// The page asks a server.
    pub live: bool,
    /// The logo as a data address.
    pub logo: Option<&'a str>,
    /// When the page is made, RFC 3339.
    pub built_at: &'a str,
    /// Slicers that tiles do not follow for the size of their data.
    pub lost: &'a BTreeMap<String, Vec<String>>,
}

/// The layout as JSON.
pub fn page(scope: &Scope<'_>, known: &Known, periods: &[Period], options: &Options<'_>) -> Value {
    let report = scope.report;
    let metrics: Map<String, Value> = report
        .all_metrics()
        .iter()
        .filter_map(|m| Some((m.clone(), metric(scope, scope.layer.metrics.get(m)?))))
        .collect();
    let dimensions: Map<String, Value> = scope
        .dimensions()
        .into_iter()
        .map(|d| (d.clone(), dimension(scope, known, &d, options.live)))
        .collect();
    let heights: Vec<Value> = report.heights.iter().map(|h| json!(h)).collect();
    json!({
        "name": report.name,
        "title": report.title,
        "description": report.description,
        "locale": report.locale,
        "builtAt": options.built_at,
        "from": known.extent.map(|e| e.0.to_string()),
        "to": known.extent.map(|e| e.1.to_string()),
        "live": options.live,
        "theme": {"colors": report.colors, "logo": options.logo},
        "heights": heights,
        "metrics": metrics,
        "dimensions": dimensions,
        "slicers": report.slicers.iter().filter_map(|s| slicer(scope, s, periods)).collect::<Vec<_>>(),
        "tiles": report.tiles.iter().map(|t| tile(scope, t, options)).collect::<Vec<_>>(),
        "time": report.time(),
    })
}

/// Whether the parts of a metric add up to the whole.
fn additive(scope: &Scope<'_>, metric: &Metric) -> bool {
    let Kind::Simple(input) = &metric.kind else {
        return false;
    };
    let measure = scope
        .layer
        .table_of_measure(&input.name)
        .and_then(|t| t.measures.get(&input.name));
    measure.is_some_and(|m| {
        matches!(
            m.agg,
            Aggregation::Sum | Aggregation::Count | Aggregation::SumBoolean
        )
    })
}

fn metric(scope: &Scope<'_>, m: &Metric) -> Value {
    json!({
        "label": m.labels.get(&scope.report.locale),
        "description": m.description,
        "format": m.format,
        "additive": additive(scope, m),
    })
}

fn dimension(scope: &Scope<'_>, known: &Known, name: &str, live: bool) -> Value {
    let facts = scope.facts(name);
    let sorted = scope.is_time(name)
        || facts
            .as_ref()
            .and_then(|f| f.dimension)
            .is_some_and(|d| d.column.sort_by.is_some());
    let mut out = json!({
        "label": scope.label(name),
        "description": facts.and_then(|f| f.dimension).map(|d| d.description.clone()).unwrap_or_default(),
        "time": scope.is_time(name),
        "sorted": sorted,
    });
    let Some(values) = known
        .values
        .get(name)
        .filter(|v| !(v.is_empty() || live && scope.is_time(name)))
    else {
        return out;
    };
    out["values"] = values.iter().map(|(v, _)| json!(v)).collect();
    if values.iter().any(|(_, i)| i.is_some()) {
        // A file must not fetch pictures; only those that it carries are kept.
        let kept = |i: &Option<String>| {
            i.clone()
                .filter(|i| i.starts_with("data:image/") || (live && i.starts_with("https:")))
        };
        out["images"] = values.iter().map(|(_, i)| json!(kept(i))).collect();
    }
    out
}

fn slicer(scope: &Scope<'_>, slicer: &Slicer, periods: &[Period]) -> Option<Value> {
    Some(match slicer {
        Slicer::Parameter { name, label, .. } => {
            let p = scope.report.parameter(name)?;
            let metrics: Vec<&String> = p.metrics.iter().map(|(m, _)| m).collect();
            json!({"kind": "parameter", "name": name, "label": label.as_ref().unwrap_or(name), "metrics": metrics, "default": p.default})
        }
        Slicer::Dimension {
            dimension,
            label,
            hidden,
            ..
        } => {
            json!({"kind": "dimension", "dimension": dimension, "label": label.clone().unwrap_or_else(|| scope.label(dimension)), "hidden": hidden})
        }
        Slicer::Time {
            dimension,
            label,
            default,
            ..
        } => {
            let wanted = default
                .as_ref()
                .map(|d| d.0.as_str())
                .filter(|d| periods.iter().any(|p| p.key == *d));
            json!({
                "kind": "time",
                "dimension": dimension,
                "label": label.clone().unwrap_or_else(|| scope.label(dimension)),
                "periods": periods.iter().map(period).collect::<Vec<_>>(),
                "default": wanted.unwrap_or("all"),
            })
        }
    })
}

fn period(p: &Period) -> Value {
    let mut out =
        json!({"key": p.key, "kind": p.kind, "from": p.from.to_string(), "to": p.to.to_string()});
    if let Some(days) = p.days {
        out["days"] = json!(days);
    }
    if let Some(previous) = &p.previous {
        out["previous"] = json!(previous);
    }
    if p.hidden {
        out["hidden"] = json!(true);
    }
    out
}

fn tile(scope: &Scope<'_>, t: &Tile, options: &Options<'_>) -> Value {
    let metrics = scope.report.metrics(t);
    let by: Vec<String> = t.by.iter().map(|(d, _)| d.clone()).collect();
    let mut unfiltered = scope.unfiltered(t);
    unfiltered.extend(options.lost.get(&t.id).into_iter().flatten().cloned());
    let mut out = json!({
        "id": t.id,
        "kind": t.kind.as_str(),
        "title": t.title.clone().unwrap_or_default(),
        "row": t.row,
        "column": t.column,
        "span": t.span,
        "rows": t.rows,
        "metrics": metrics,
    });
    let mut set = |key: &str, value: Value| out[key] = value;
    if let Measures::Parameter(name, _) = &t.measures {
        set("parameter", json!(name));
    }
    if let Some(d) = by.first() {
        set("by", json!(d));
    }
    if let Some(d) = by.get(1) {
        set("series", json!(d));
    }
    if let Some(n) = t.limit {
        set("n", json!(n));
    }
    if !t.drill.is_empty() {
        set("drill", t.drill.iter().map(|(d, _)| json!(d)).collect());
    }
    if let Some(show) = &t.show {
        set("show", json!(show));
    }
    if t.trend {
        set("trend", json!(true));
    }
    if !unfiltered.is_empty() {
        set("unfiltered", json!(unfiltered));
    }
    if let Ok(plan) = scope.plan(&metrics, &by, &[]) {
        set("sql", json!(plan.sql.trim_end()));
    }
    out
}
