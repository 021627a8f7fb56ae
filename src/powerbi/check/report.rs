//! The report's files: fields of visuals, literals, resources, pages.
use super::super::Files;
use super::is;
use super::model::Fields;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every JSON file, and what its visuals, resources and references name.
pub fn json_files(files: &Files, model: &Fields, out: &mut Vec<String>) {
    for (path, text) in files {
        let json = ["json", "pbir", "pbism", "pbip", "platform"]
            .iter()
            .any(|e| is(path, e));
        if !json {
            continue;
        }
        let Ok(v) = serde_json::from_str::<Value>(text) else {
            out.push(format!("{path}: not JSON"));
            continue;
        };
        if path.ends_with("/visual.json") {
            walk(path, &v, model, out);
        }
        if path.ends_with("/definition.pbir") {
            let own = path.rsplit_once('/').map_or("", |(f, _)| f);
            let to = v["datasetReference"]["byPath"]["path"]
                .as_str()
                .unwrap_or_default();
            let folder = own
                .rsplit_once('/')
                .map_or(String::new(), |(f, _)| format!("{f}/"));
            let target = format!("{folder}{}/definition.pbism", to.trim_start_matches("../"));
            if !files.contains_key(&target) {
                out.push(format!("{path}: there is no model at `{to}`"));
            }
            for folder in [
                own.to_string(),
                target
                    .rsplit_once('/')
                    .map_or(String::new(), |(f, _)| f.to_string()),
            ] {
                if !files.contains_key(&format!("{folder}/.platform")) {
                    out.push(format!("{folder}: `.platform` is missing"));
                }
            }
        }
        if path.ends_with("/definition/report.json") {
            resources(path, &v, files, out);
        }
    }
}

/// Registered resources must be there.
fn resources(path: &str, v: &Value, files: &Files, out: &mut Vec<String>) {
    let root = path.trim_end_matches("definition/report.json");
    for p in v["resourcePackages"].as_array().into_iter().flatten() {
        if p["type"] != "RegisteredResources" {
            continue;
        }
        for item in p["items"].as_array().into_iter().flatten() {
            let file = item["path"].as_str().unwrap_or_default();
            if !files.contains_key(&format!("{root}StaticResources/RegisteredResources/{file}")) {
                out.push(format!("{path}: the resource `{file}` is missing"));
            }
        }
    }
}

/// Every field of a visual must be in the model; literals must be of a known form.
fn walk(path: &str, v: &Value, model: &Fields, out: &mut Vec<String>) {
    if let Value::Object(map) = v {
        for (kind, is_measure) in [("Column", false), ("Measure", true)] {
            let Some(field) = map.get(kind).filter(|f| f.get("Property").is_some()) else {
                continue;
            };
            let table = field["Expression"]["SourceRef"]["Entity"]
                .as_str()
                .unwrap_or_default();
            let name = field["Property"].as_str().unwrap_or_default();
            let known = model.get(table).is_some_and(|(c, m)| {
                if is_measure {
                    m.contains(name)
                } else {
                    c.contains(name)
                }
            });
            // Filters name their tables by aliases.
            let aliased = field["Expression"]["SourceRef"].get("Source").is_some();
            if !known && !aliased {
                out.push(format!("{path}: {table}[{name}] is not in the model"));
            }
        }
        if let Some(literal) = map.get("Literal") {
            let text = literal["Value"].as_str().unwrap_or_default();
            let number = text
                .trim_end_matches(['D', 'L', 'M'])
                .parse::<f64>()
                .is_ok();
            let quoted = text.len() > 1 && text.starts_with('\'') && text.ends_with('\'');
            let dated = text.starts_with("datetime'");
            if !(number && text.ends_with(['D', 'L', 'M'])
                || quoted
                || dated
                || ["true", "false", "null"].contains(&text))
            {
                out.push(format!("{path}: the literal `{text}` has no known form"));
            }
        }
        map.values().for_each(|x| walk(path, x, model, out));
    }
    if let Value::Array(items) = v {
        items.iter().for_each(|x| walk(path, x, model, out));
    }
}

/// Pages are in their order, each in its folder, and their visuals have names of their own.
pub fn pages(files: &Files, out: &mut Vec<String>) {
    for (path, text) in files
        .iter()
        .filter(|(p, _)| p.ends_with("/definition/pages/pages.json"))
    {
        let root = path.trim_end_matches("pages.json");
        let v: Value = serde_json::from_str(text).unwrap_or_default();
        let order: Vec<&str> = v["pageOrder"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let folders: BTreeSet<&str> = files
            .keys()
            .filter_map(|p| p.strip_prefix(root)?.strip_suffix("/page.json"))
            .collect();
        for p in order.iter().filter(|p| !folders.contains(*p)) {
            out.push(format!("{path}: the page `{p}` is missing"));
        }
        for p in folders.iter().filter(|p| !order.contains(*p)) {
            out.push(format!("{path}: the page `{p}` is not in `pageOrder`"));
        }
        for p in folders {
            let page: Value = files
                .get(&format!("{root}{p}/page.json"))
                .and_then(|t| serde_json::from_str(t).ok())
                .unwrap_or_default();
            if page["name"] != *p {
                out.push(format!("{root}{p}/page.json: its name is not `{p}`"));
            }
            visuals(&format!("{root}{p}/visuals/"), files, out);
        }
    }
}

/// Visuals of a page: each has a name, and no two the same.
fn visuals(root: &str, files: &Files, out: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for (path, text) in files
        .iter()
        .filter(|(p, _)| p.starts_with(root) && p.ends_with("/visual.json"))
    {
        let v: Value = serde_json::from_str(text).unwrap_or_default();
        let name = v["name"].as_str().unwrap_or_default();
        if name.is_empty() || !names.insert(name.to_string()) {
            out.push(format!(
                "{path}: another visual of the page has the name `{name}`"
            ));
        }
    }
}
