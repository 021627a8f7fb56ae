//! The model's objects: names, tags, ends of relationships, the order of tables.
use super::super::Files;
use super::super::tmdl::{Object, parse};
use super::{formula, grammar, is};
use std::collections::{BTreeMap, BTreeSet};

/// The model's fields: names of columns, hierarchies and measures by table.
pub type Fields = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

/// Reads the model, with what is wrong in it.
pub fn fields(files: &Files, out: &mut Vec<String>) -> Fields {
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
        grammar::check(path, o, "", out);
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
    let mut names = BTreeSet::new();
    for (path, o) in objects.iter().filter(|(_, o)| o.kind == "relationship") {
        if !names.insert(&o.name) {
            out.push(format!(
                "{path}: the relationship `{}` stands twice",
                o.name
            ));
        }
        for end in ["fromColumn", "toColumn"] {
            let text = o.get(end).unwrap_or_default();
            if !split(text)
                .is_some_and(|(t, c)| all.get(&t).is_some_and(|(columns, _)| columns.contains(&c)))
            {
                out.push(format!("{path}: `{text}` is not a column"));
            }
        }
    }
    formula::check(&objects, &all, out);
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
