//! What is already in the folder: which files are ours as we left them, which were changed by hand, and what is to be
//! written.
use super::{Files, Names};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The file that remembers what was exported.
pub const FILE: &str = "tv1.json";

/// What was exported last, and the names that were taken over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Hash of each file of the report as it was written.
    pub hashes: BTreeMap<String, String>,
    /// Fixed names.
    pub names: Names,
}

/// A difference between the folder and what would be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Path in the folder.
    pub path: String,
    /// `missing`, `changed` or `left over`.
    pub what: &'static str,
}

/// A hash that line ends do not change, since Desktop writes those of Windows.
pub fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.replace("\r\n", "\n").as_bytes());
    digest.iter().take(12).map(|b| format!("{b:02x}")).collect()
}

impl State {
    /// Reads the file's text.
    pub fn read(text: Option<&str>) -> Self {
        let v: Value = text
            .and_then(|t| serde_json::from_str(t).ok())
            .unwrap_or_default();
        let hashes = v
            .get("report")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        Self {
            hashes: hashes
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string())))
                .collect(),
            names: v.get("names").map(Names::from_json).unwrap_or_default(),
        }
    }

    /// The file's text.
    pub fn write(&self) -> String {
        let mut map = Map::new();
        map.insert("about".into(), "Written by `tv1 export powerbi`: which report files are as exported, and names taken over. Commit it.".into());
        map.insert("report".into(), json!(self.hashes));
        if !self.names.is_empty() {
            map.insert("names".into(), self.names.json());
        }
        serde_json::to_string_pretty(&Value::Object(map)).unwrap_or_default() + "\n"
    }

    /// Whether a file is there and no longer as it was exported.
    fn by_hand(&self, path: &str, present: &Files) -> bool {
        match (present.get(path), self.hashes.get(path)) {
            (Some(text), Some(known)) => hash(text) != *known,
            // There before the first export: somebody else's.
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

/// The folder of a page or the file itself: what is kept or written as one.
fn unit(path: &str) -> String {
    match path.find("/definition/pages/") {
        Some(i) => {
            let rest = &path[i + "/definition/pages/".len()..];
            match rest.split_once('/') {
                Some((page, _)) => format!("{}/definition/pages/{page}", &path[..i]),
                None => path.to_string(),
            }
        }
        None => path.to_string(),
    }
}

/// What the folder should hold: the model as generated, the report's pages as generated unless changed by hand, and
/// pages of others as they are. Also the units that were kept.
pub fn merge(
    generated: &Files,
    present: &Files,
    state: &State,
    report: &str,
) -> (Files, State, Vec<String>) {
    let of_report = |p: &str| p.starts_with(&format!("{report}/"));
    let mut kept: Vec<String> = Vec::new();
    for path in present.keys().filter(|p| of_report(p)) {
        let touched = state.by_hand(path, present) && !path.ends_with("/pages.json");
        let unit = unit(path);
        if touched && !kept.contains(&unit) {
            kept.push(unit);
        }
    }
    // A file of ours that was taken away by hand stays away with its page.
    for path in state.hashes.keys() {
        let unit = unit(path);
        let page = unit != *path;
        if page
            && generated.contains_key(path)
            && !present.contains_key(path)
            && !kept.contains(&unit)
            && present.keys().any(|p| p.starts_with(&format!("{unit}/")))
        {
            kept.push(unit);
        }
    }
    let is_kept = |path: &str| kept.contains(&unit(path));
    let mut out = Files::new();
    let mut hashes = BTreeMap::new();
    for (path, text) in generated {
        if of_report(path) && is_kept(path) {
            continue;
        }
        let text = if path.ends_with("/pages/pages.json") {
            pages(text, present.get(path), &kept)
        } else {
            text.clone()
        };
        if of_report(path) {
            hashes.insert(path.clone(), hash(&text));
        }
        out.insert(path.clone(), text);
    }
    for (path, text) in present.iter().filter(|(p, _)| of_report(p)) {
        if is_kept(path) {
            out.insert(path.clone(), text.clone());
            if let Some(known) = state.hashes.get(path) {
                hashes.insert(path.clone(), known.clone());
            }
        }
    }
    let next = State {
        hashes,
        names: state.names.clone(),
    };
    let names: Vec<String> = kept
        .into_iter()
        .filter(|k| generated.keys().any(|g| unit(g) == *k))
        .collect();
    (out, next, names)
}

/// The order of pages: as it is in the folder, new ones at the end, pages that are gone left out.
fn pages(ours: &str, theirs: Option<&String>, kept: &[String]) -> String {
    let read = |t: &str| serde_json::from_str::<Value>(t).unwrap_or_default();
    let mut v = read(ours);
    let Some(old) = theirs.map(|t| read(t)) else {
        return ours.to_string();
    };
    let list = |v: &Value| -> Vec<String> {
        let items = v
            .get("pageOrder")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        items
            .filter_map(|x| x.as_str().map(str::to_string))
            .collect()
    };
    let own = list(&v);
    let held = |p: &String| own.contains(p) || kept.iter().any(|k| k.ends_with(&format!("/{p}")));
    let mut order: Vec<String> = list(&old).into_iter().filter(held).collect();
    order.extend(
        own.iter()
            .filter(|p| !order.contains(p))
            .cloned()
            .collect::<Vec<_>>(),
    );
    let active = old
        .get("activePageName")
        .and_then(Value::as_str)
        .filter(|a| order.iter().any(|p| p == a))
        .map(str::to_string);
    v["pageOrder"] = json!(order);
    if let Some(active) = active {
        v["activePageName"] = active.into();
    }
    super::write::json_text(&v)
}

/// How a folder differs from what it should hold. Files that are not ours do not count.
pub fn differences(wanted: &Files, present: &Files, report: &str, model: &str) -> Vec<Difference> {
    let same = |a: &str, b: &str| a.replace("\r\n", "\n") == b.replace("\r\n", "\n");
    let mut out = Vec::new();
    for (path, text) in wanted {
        match present.get(path) {
            None => out.push(Difference {
                path: path.clone(),
                what: "missing",
            }),
            Some(t) if !same(t, text) => out.push(Difference {
                path: path.clone(),
                what: "changed",
            }),
            Some(_) => {}
        }
    }
    for path in present.keys() {
        let ours =
            path.starts_with(&format!("{model}/")) || path.starts_with(&format!("{report}/"));
        if ours && !wanted.contains_key(path) && !path.contains("/.pbi/") {
            out.push(Difference {
                path: path.clone(),
                what: "left over",
            });
        }
    }
    out
}
