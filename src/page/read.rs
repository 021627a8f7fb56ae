//! From `reports/*.yml` to reports; every mistake with its place.
use super::places::{WIDTH, place};
use super::spec::{Kind, Measures, Parameter, Report, Slicer, Tile};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::{Place, nearest};
use crate::yaml::{self, Document, Node};
use std::path::Path;

/// The reports of a project.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// In the order of their files.
    pub reports: Vec<Report>,
}

const KEYS: &[&str] = &[
    "report",
    "title",
    "description",
    "theme",
    "parameters",
    "slicers",
    "page",
    "max_cells",
];

/// Reads the reports in the folder `reports` of a project; none if there is no such folder.
pub fn load(root: &Path, sink: &mut Sink) -> Loaded {
    let mut files: Vec<_> = std::fs::read_dir(root.join("reports"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "yml" || e == "yaml"))
        .collect();
    files.sort();
    let mut docs = Vec::new();
    for path in files {
        let shown = crate::fs::shown(root, &path);
        let doc = crate::fs::read(&path, &shown).and_then(|file| yaml::load_map(&file));
        docs.extend(sink.take(doc));
    }
    read(&docs, sink)
}

/// Reads reports and the parameters that they share.
pub fn read(docs: &[Document], sink: &mut Sink) -> Loaded {
    let mut shared = Vec::new();
    for doc in docs.iter().filter(|d| d.root.get("report").is_none()) {
        let what = "a file of `reports/` without `report`";
        yaml::unknown_keys(&doc.file, &doc.root, &["parameters"], what)
            .into_iter()
            .for_each(|d| sink.push(d));
        shared.extend(parameters(doc, sink));
    }
    let mut out = Loaded::default();
    for doc in docs.iter().filter(|d| d.root.get("report").is_some()) {
        if let Some(report) = sink.take(report(doc, &shared)) {
            if let Some(other) = out.reports.iter().find(|r: &&Report| r.name == report.name) {
                sink.push(
                    Diagnostic::error(
                        code::R0708,
                        format!("there are two reports named `{}`", report.name),
                    )
                    .at(report.place.clone())
                    .label(other.place.clone(), "the other"),
                );
                continue;
            }
            out.reports.push(report);
        }
    }
    out
}

/// Reads keys of one document.
struct Reader<'a> {
    doc: &'a Document,
    sink: Sink,
}

impl Reader<'_> {
    fn at(&self, node: &Node) -> Place {
        self.doc.place(node)
    }

    fn wrong(&mut self, node: &Node, what: &str, wanted: &str) {
        self.sink
            .push(yaml::wrong_type(&self.doc.file, node, what, wanted));
    }

    fn fault(&mut self, node: &Node, message: String) {
        self.sink
            .push(Diagnostic::error(code::R0708, message).at(self.at(node)));
    }

    fn unknown(&mut self, node: &Node, known: &[&str], what: &str) {
        for d in yaml::unknown_keys(&self.doc.file, node, known, what) {
            self.sink.push(d);
        }
    }

    /// A text; numbers and dates count as they are written.
    fn text(&mut self, map: &Node, key: &str) -> Option<(String, Place)> {
        let node = map.get(key).filter(|n| !n.is_null())?;
        let text = node.scalar_text();
        if text.is_none() {
            self.wrong(node, &format!("`{key}`"), "a text");
        }
        Some((text?, self.at(node)))
    }

    fn count(&mut self, map: &Node, key: &str, most: usize) -> Option<usize> {
        let node = map.get(key).filter(|n| !n.is_null())?;
        let number = node
            .as_int()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (1..=most).contains(n));
        if number.is_none() {
            let wanted = format!("a whole number from 1 to {most}");
            match node.as_int() {
                Some(n) => self.sink.push(
                    Diagnostic::error(code::R0708, format!("`{key}` must be {wanted}, not {n}"))
                        .at(self.at(node)),
                ),
                None => self.wrong(node, &format!("`{key}`"), &wanted),
            }
        }
        number
    }

    fn switch(&mut self, map: &Node, key: &str) -> bool {
        let Some(node) = map.get(key).filter(|n| !n.is_null()) else {
            return false;
        };
        if node.as_bool().is_none() {
            self.wrong(node, &format!("`{key}`"), "true or false");
        }
        node.as_bool().unwrap_or(false)
    }

    /// One name or a list of names.
    fn names(&mut self, node: &Node, what: &str) -> Vec<(String, Place)> {
        let items = if node.is_seq() {
            node.items()
        } else {
            std::slice::from_ref(node)
        };
        let mut out = Vec::new();
        for item in items {
            match item.as_str() {
                Some(name) => out.push((name.to_string(), self.at(item))),
                None => self.wrong(item, what, "a name"),
            }
        }
        out
    }
}

fn report(doc: &Document, shared: &[Parameter]) -> Result<Report> {
    let mut r = Reader {
        doc,
        sink: Sink::default(),
    };
    let root = &doc.root;
    r.unknown(root, KEYS, "a report");
    let (name, at) = r
        .text(root, "report")
        .unwrap_or_else(|| (String::new(), r.at(root)));
    if name.is_empty()
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    {
        r.sink.push(
            Diagnostic::error(code::R0708, format!("`{name}` is no name for a report"))
                .at(at.clone())
                .help("a name is made of letters, digits, `_` and `-`, and becomes part of a file's name"),
        );
    }
    let mut own = parameters(doc, &mut r.sink);
    own.extend(
        shared
            .iter()
            .filter(|s| !own.iter().any(|p| p.name == s.name))
            .cloned()
            .collect::<Vec<_>>(),
    );
    let (colors, logo, locale) = theme(&mut r, root);
    let slicers = slicers(&mut r, root, &own);
    let (tiles, heights) = page(&mut r, root, &own);
    let report = Report {
        title: r.text(root, "title").map_or_else(|| name.clone(), |t| t.0),
        description: r.text(root, "description").map(|t| t.0).unwrap_or_default(),
        max_cells: r.count(root, "max_cells", 5_000_000).unwrap_or(50_000),
        name,
        locale,
        colors,
        logo,
        parameters: own,
        slicers,
        tiles,
        heights,
        place: at,
    };
    r.sink.finish()?;
    Ok(report)
}

fn theme(r: &mut Reader<'_>, root: &Node) -> (Vec<String>, Option<(String, Place)>, String) {
    let none = Node::bare(yaml::Kind::Null);
    let node = root.get("theme").unwrap_or(&none);
    if !node.is_map() && !node.is_null() {
        r.wrong(node, "`theme`", "a mapping");
    }
    r.unknown(node, &["colors", "logo", "locale"], "`theme`");
    let mut colors = Vec::new();
    if let Some(list) = node.get("colors") {
        for (color, at) in r.names(list, "a colour") {
            let hex = color.strip_prefix('#').is_some_and(|h| {
                (h.len() == 3 || h.len() == 6) && h.chars().all(|c| c.is_ascii_hexdigit())
            });
            if !hex {
                r.sink.push(
                    Diagnostic::error(code::R0708, format!("`{color}` is not a colour"))
                        .at(at)
                        .help("write it as '#D60000'"),
                );
            }
            colors.push(color);
        }
    }
    let locale = r
        .text(node, "locale")
        .map_or_else(|| "en-GB".into(), |l| l.0);
    (colors, r.text(node, "logo"), locale)
}

fn parameters(doc: &Document, sink: &mut Sink) -> Vec<Parameter> {
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

fn near<'a>(d: Diagnostic, word: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    match nearest(word, known) {
        Some(found) => d.help(format!("did you mean `{found}`?")),
        None => d,
    }
}

fn known_parameter(r: &mut Reader<'_>, own: &[Parameter], name: &str, at: &Place) {
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

fn slicers(r: &mut Reader<'_>, root: &Node, own: &[Parameter]) -> Vec<Slicer> {
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

fn page(r: &mut Reader<'_>, root: &Node, own: &[Parameter]) -> (Vec<Tile>, Vec<f64>) {
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
