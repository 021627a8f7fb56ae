//! The tiles of a page.
use super::keys::{Reader, near};
use super::slicers::known_parameter;
use crate::diag::{Diagnostic, code};
use crate::page::places::{WIDTH, place};
use crate::page::spec::{Kind, Measures, Parameter, Tile};
use crate::text::{Place, nearest};
use crate::yaml::Node;

pub(super) fn page(r: &mut Reader<'_>, root: &Node, own: &[Parameter]) -> (Vec<Tile>, Vec<f64>) {
    let Some(list) = root
        .get("page")
        .filter(|n| n.is_seq() && !n.items().is_empty())
    else {
        let node = root.get("page").unwrap_or(root).clone();
        r.wrong(&node, "`page`", "a list of rows, each a list of tiles");
        return (Vec::new(), Vec::new());
    };
    let mut rows: Vec<Vec<Tile>> = Vec::new();
    let mut heights = Vec::new();
    let mut number = 0;
    for item in list.items() {
        let mut height = None;
        let tiles = if item.is_map() && item.get("tiles").is_some() {
            r.unknown(item, &["tiles", "height"], "a row");
            if let Some(h) = item.get("height") {
                height = h.as_number().filter(|n| *n > 0.0);
                if height.is_none() {
                    r.wrong(h, "`height`", "a number above 0");
                }
            }
            item.get("tiles").unwrap_or(item)
        } else {
            item
        };
        if !tiles.is_seq() {
            r.wrong(tiles, "a row", "a list of tiles");
            continue;
        }
        let mut row = Vec::new();
        for node in tiles.items() {
            number += 1;
            row.extend(tile(r, node, number, own));
        }
        let flat = row
            .iter()
            .all(|t: &Tile| matches!(t.kind, Kind::Cards | Kind::Gauge | Kind::Top));
        heights.push(height.unwrap_or(if flat { 0.75 } else { 1.0 }));
        rows.push(row);
    }
    place(&mut rows, &mut r.sink);
    let tiles: Vec<Tile> = rows.into_iter().flatten().collect();
    let deepest = tiles.iter().map(|t| t.row + t.rows - 1).max().unwrap_or(0);
    heights.resize(heights.len().max(deepest), 1.0);
    (tiles, heights)
}

fn tile(r: &mut Reader<'_>, node: &Node, number: usize, own: &[Parameter]) -> Option<Tile> {
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|k| node.get(k.as_str()).is_some())
        .collect();
    let [kind] = kinds.as_slice() else {
        let d = Diagnostic::error(
            code::R0708,
            if kinds.is_empty() {
                "a tile has a kind"
            } else {
                "a tile has one kind"
            },
        )
        .at(r.at(node));
        let keys: Vec<&str> = node
            .entries()
            .iter()
            .filter_map(|(k, _)| k.as_str())
            .collect();
        let names = Kind::ALL.map(Kind::as_str);
        let meant = keys
            .iter()
            .filter(|k| !OTHER.contains(k))
            .find_map(|k| nearest(k, names));
        r.sink.push(match meant {
            Some(found) => d.help(format!("did you mean `{found}`?")),
            None => d.help(format!("kinds: {}", names.join(", "))),
        });
        return None;
    };
    let kind = *kind;
    let allowed: &[&str] = match kind {
        Kind::Cards => &["trend"],
        Kind::Gauge => &["max", "target"],
        Kind::Donut => &["by"],
        Kind::Column | Kind::Line => &["by", "series"],
        Kind::Bar => &["by", "n", "drill"],
        Kind::Table => &["by", "n"],
        Kind::Top => &["by", "n", "image"],
    };
    let mut known = vec![kind.as_str(), "title", "span", "rows", "show"];
    known.extend(allowed);
    r.unknown(node, &known, &format!("a tile of kind `{}`", kind.as_str()));
    let value = node.get(kind.as_str())?;
    let (measures, by) = if kind == Kind::Top {
        top(r, node, value)
    } else {
        (measures(r, node, value, kind, own), groups(r, node, kind))
    };
    let show = r.text(node, "show");
    if let Some((name, at)) = show.as_ref().filter(|(s, _)| s != "duration") {
        r.sink.push(near(
            Diagnostic::error(code::R0708, format!("`show: {name}` is not known"))
                .at(at.clone())
                .note("`show: duration` shows minutes as days, hours and minutes"),
            name,
            ["duration"],
        ));
    }
    Some(Tile {
        id: format!("{}-{number}", kind.as_str()),
        kind,
        title: r.text(node, "title").map(|t| t.0),
        measures,
        by,
        drill: node
            .get("drill")
            .map(|n| r.names(n, "a dimension"))
            .unwrap_or_default(),
        image: r.text(node, "image"),
        limit: r.count(node, "n", 1000).map(|n| n as u64),
        show: show.map(|s| s.0),
        trend: r.switch(node, "trend"),
        row: 0,
        column: 0,
        span: r.count(node, "span", WIDTH).unwrap_or(4),
        rows: r.count(node, "rows", 20).unwrap_or(1),
        place: r.at(node),
    })
}

/// Keys of tiles that are no kinds.
const OTHER: &[&str] = &[
    "title", "span", "rows", "show", "trend", "max", "target", "by", "series", "n", "drill",
    "image",
];

fn top(r: &mut Reader<'_>, node: &Node, value: &Node) -> (Measures, Vec<(String, Place)>) {
    let dimension = r.names(value, "`top`");
    let metric = node
        .get("by")
        .map(|n| r.names(n, "a metric"))
        .unwrap_or_default();
    if dimension.len() != 1 || metric.len() != 1 {
        r.fault(
            node,
            "`top` names one dimension, and `by` the metric that ranks it".into(),
        );
    }
    (Measures::Named(metric), dimension)
}

fn measures(
    r: &mut Reader<'_>,
    node: &Node,
    value: &Node,
    kind: Kind,
    own: &[Parameter],
) -> Measures {
    if value.is_map() {
        r.unknown(value, &["parameter"], "metrics of a tile");
        let Some((name, at)) = r.text(value, "parameter") else {
            r.fault(value, "metrics are names, or `{parameter: NAME}`".into());
            return Measures::Named(Vec::new());
        };
        known_parameter(r, own, &name, &at);
        if kind == Kind::Gauge {
            r.fault(value, "a gauge measures one metric of its own".into());
        }
        return Measures::Parameter(name, at);
    }
    let mut list = r.names(value, "a metric");
    let single = matches!(kind, Kind::Gauge | Kind::Donut)
        || node.get("series").is_some_and(|s| !s.is_null());
    if list.is_empty() || (single && list.len() != 1) {
        r.fault(
            value,
            format!(
                "`{}` takes {} here",
                kind.as_str(),
                if single {
                    "one metric"
                } else {
                    "at least one metric"
                }
            ),
        );
    }
    if kind == Kind::Gauge {
        let max = r.text(node, "max");
        let target = r.text(node, "target");
        if max.is_none() && target.is_some() {
            r.fault(node, "a gauge with a `target` has a `max`".into());
        }
        list.extend([max, target].into_iter().flatten());
    }
    Measures::Named(list)
}

fn groups(r: &mut Reader<'_>, node: &Node, kind: Kind) -> Vec<(String, Place)> {
    let mut by = node
        .get("by")
        .filter(|n| !n.is_null())
        .map(|n| r.names(n, "a dimension"))
        .unwrap_or_default();
    let most = if kind == Kind::Table { 2 } else { 1 };
    if by.len() > most {
        let (_, at) = by[most].clone();
        r.sink.push(
            Diagnostic::error(
                code::R0708,
                format!(
                    "`{}` is grouped by {most} dimension{}",
                    kind.as_str(),
                    if most == 1 { "" } else { "s" }
                ),
            )
            .at(at),
        );
    }
    if by.is_empty() && !matches!(kind, Kind::Cards | Kind::Gauge) {
        r.sink.push(
            Diagnostic::error(
                code::R0708,
                format!("`{}` says `by` which dimension", kind.as_str()),
            )
            .at(r.at(node)),
        );
    }
    by.extend(r.text(node, "series"));
    by
}
