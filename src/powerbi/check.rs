//! References inside a project: what neither Microsoft's schemas nor its command line look at.
use super::Files;
use super::tmdl::{Object, parse};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a project's files, each with its path; empty if nothing is.
pub fn check(files: &Files) -> Vec<String> {
    let mut out = Vec::new();
    let model = fields(files, &mut out);
    json_files(files, &model, &mut out);
    pages(files, &mut out);
    for (path, text) in files.iter().filter(|(p, _)| is(p, "pbip")) {
        let v: Value = serde_json::from_str(text).unwrap_or_default();
        let reports: Vec<&str> = v["artifacts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|a| a["report"]["path"].as_str())
            .collect();
        if reports.is_empty() {
            out.push(format!("{path}: no report is named"));
        }
        for r in reports {
            if !files.contains_key(&format!("{r}/definition.pbir")) {
                out.push(format!("{path}: there is no report `{r}`"));
            }
        }
    }
    out
}

/// Whether a path has this extension.
fn is(path: &str, extension: &str) -> bool {
    path.rsplit('.').next() == Some(extension)
}

/// The model's fields: names of columns, hierarchies and measures by table.
type Fields = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn fields(files: &Files, out: &mut Vec<String>) -> Fields {
    let mut all: Fields = BTreeMap::new();
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    let mut refs: BTreeSet<String> = BTreeSet::new();
    let mut objects: Vec<(String, Object)> = Vec::new();
    for (path, text) in files.iter().filter(|(p, _)| is(p, "tmdl")) {
        match parse(text) {
            Ok(list) => objects.extend(list.into_iter().map(|o| (path.clone(), o))),
            Err(e) => out.push(format!("{path}: {e}")),
        }
    }
    for (path, o) in &objects {
        if o.kind == "ref table" {
            refs.insert(o.name.clone());
        }
        if o.kind != "table" {
            continue;
        }
        let columns: BTreeSet<String> = o.of("column").map(|c| c.name.clone()).collect();
        let measures: BTreeSet<String> = o.of("measure").map(|c| c.name.clone()).collect();
        let mut seen = BTreeSet::new();
        for c in o
            .children
            .iter()
            .filter(|c| ["column", "measure", "hierarchy"].contains(&c.kind.as_str()))
        {
            if !seen.insert(c.name.to_lowercase()) {
                out.push(format!("{path}: `{}` stands twice", c.name));
            }
            if let Some(tag) = c.get("lineageTag")
                && let Some(other) = tags.insert(tag.to_string(), c.name.clone())
            {
                out.push(format!(
                    "{path}: `{}` and `{other}` have one lineage tag",
                    c.name
                ));
            }
            let sort = c
                .get("sortByColumn")
                .map(|s| s.trim_matches('\'').to_string());
            if let Some(by) = sort.filter(|s| !columns.contains(s)) {
                out.push(format!(
                    "{path}: `{}` is sorted by `{by}`, which is not there",
                    c.name
                ));
            }
            for l in c.of("level") {
                let column = l.get("column").unwrap_or_default().trim_matches('\'');
                if !columns.contains(column) {
                    out.push(format!(
                        "{path}: the level `{}` has the column `{column}`, which is not there",
                        l.name
                    ));
                }
            }
        }
        if all.insert(o.name.clone(), (columns, measures)).is_some() {
            out.push(format!("{path}: the table `{}` stands twice", o.name));
        }
    }
    for t in all.keys().filter(|t| !refs.contains(*t)) {
        out.push(format!("model.tmdl: there is no `ref table {t}`"));
    }
    for t in refs.iter().filter(|t| !all.contains_key(*t)) {
        out.push(format!("model.tmdl: `ref table {t}` names no table"));
    }
    for (path, o) in objects.iter().filter(|(_, o)| o.kind == "relationship") {
        for end in ["fromColumn", "toColumn"] {
            let text = o.get(end).unwrap_or_default();
            if !split(text)
                .is_some_and(|(t, c)| all.get(&t).is_some_and(|(columns, _)| columns.contains(&c)))
            {
                out.push(format!("{path}: `{text}` is not a column"));
            }
        }
    }
    formulas(&objects, &all, out);
    all
}

/// `'A b'.c` as table and column.
fn split(end: &str) -> Option<(String, String)> {
    let bare = |t: &str| t.trim_matches('\'').replace("''", "'");
    let at = if let Some(rest) = end.strip_prefix('\'') {
        rest.find("'.")? + 2
    } else {
        end.find('.')?
    };
    Some((bare(&end[..at]), bare(&end[at + 1..])))
}

/// Every `Table[Column]` and `[Measure]` of a formula must be there, and its brackets in pairs.
fn formulas(objects: &[(String, Object)], all: &Fields, out: &mut Vec<String>) {
    let measures: BTreeSet<&String> = all.values().flat_map(|(_, m)| m).collect();
    for (path, o) in objects.iter().filter(|(_, o)| o.kind == "table") {
        for m in o.of("measure") {
            let dax = m.value.clone().unwrap_or_default();
            let parts = references(&dax);
            let Ok(parts) = parts else {
                out.push(format!(
                    "{path}: the brackets or quotes of `{}` are not in pairs",
                    m.name
                ));
                continue;
            };
            for (table, field) in parts {
                let known = match &table {
                    Some(t) => all
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(t))
                        .is_some_and(|(_, (c, ms))| c.contains(&field) || ms.contains(&field)),
                    None => measures.contains(&field),
                };
                if !known {
                    let shown = table
                        .map(|t| format!("{t}[{field}]"))
                        .unwrap_or_else(|| format!("[{field}]"));
                    out.push(format!(
                        "{path}: `{}` names {shown}, which is not there",
                        m.name
                    ));
                }
            }
        }
    }
}

/// `T[c]` and `[m]` of a formula.
fn references(dax: &str) -> Result<Vec<(Option<String>, String)>, ()> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut depth = 0i32;
    let mut chars = dax.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        None => return Err(()),
                        Some(x) if x == c && chars.peek() == Some(&c) => {
                            chars.next();
                            text.push(c);
                        }
                        Some(x) if x == c => break,
                        Some(x) => text.push(x),
                    }
                }
                word = if c == '\'' { text } else { String::new() };
            }
            '[' => {
                let mut name = String::new();
                loop {
                    match chars.next() {
                        None => return Err(()),
                        Some(']') if chars.peek() == Some(&']') => {
                            chars.next();
                            name.push(']');
                        }
                        Some(']') => break,
                        Some(x) => name.push(x),
                    }
                }
                let table = std::mem::take(&mut word);
                out.push(((!table.is_empty()).then_some(table), name));
            }
            '(' | ')' => {
                depth += if c == '(' { 1 } else { -1 };
                if depth < 0 {
                    return Err(());
                }
                word.clear();
            }
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            _ => word.clear(),
        }
    }
    if depth == 0 { Ok(out) } else { Err(()) }
}

fn json_files(files: &Files, model: &Fields, out: &mut Vec<String>) {
    for (path, text) in files {
        let json = ["json", "pbir", "pbism", "platform"]
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

fn pages(files: &Files, out: &mut Vec<String>) {
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
        }
    }
}
