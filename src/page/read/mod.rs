//! From `reports/*.yml` to reports; every mistake with its place.
mod keys;
mod slicers;
mod tiles;

pub use slicers::last_days;

use super::spec::{Parameter, Report};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::Place;
use crate::yaml::{self, Document, Node};
use keys::Reader;
use slicers::{parameters, slicers};
use std::path::Path;
use tiles::page;

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
