//! Compares with what dbt itself selected, recorded from one project: see `tests/engine/select/README.md`.
use super::fixture;
use super::{
    Changes, Earlier, Indirect, Purpose, Request, Selectors, State, Status, Types, filter, select,
};
use crate::diag::{Stopped, code};
use crate::graph::{Dag, Manifest};
use crate::text::SourceFile;
use crate::yaml;
use serde_json::Value;
use std::collections::BTreeSet;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("../../tests/engine/select/", $name))
    };
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn base() -> Manifest {
    fixture::manifest(&json(data!("manifest.json")))
}

fn selectors(text: &str) -> Result<Selectors, Stopped> {
    let doc = yaml::load(&SourceFile::new("selectors.yml", text))?;
    Selectors::read(&doc, &|text, _| Ok(text.to_string())).map(|(selectors, _)| selectors)
}

/// The ids behind `0-3 7`, numbers among all ids in order.
fn ids(manifest: &Manifest, ranges: &Value) -> BTreeSet<String> {
    let all: BTreeSet<&str> = manifest.entries().map(|e| e.unique_id()).collect();
    let all: Vec<&str> = all.into_iter().collect();
    let number = |text: &str| text.parse::<usize>().unwrap();
    let ranges = ranges.as_str().unwrap().split_whitespace();
    ranges
        .flat_map(|range| match range.split_once('-') {
            Some((from, to)) => number(from)..=number(to),
            None => number(range)..=number(range),
        })
        .map(|i| all[i].to_string())
        .collect()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|v| v.as_str().unwrap().to_string()).collect()
}

/// The options of a command line, as `list` takes them.
#[derive(Default)]
struct Options {
    select: Vec<String>,
    exclude: Vec<String>,
    types: Vec<String>,
    no_types: Vec<String>,
    selector: Option<String>,
    indirect: Indirect,
}

impl Options {
    fn read(args: &[String]) -> Self {
        let mut out = Self::default();
        let mut option = "";
        for arg in args {
            match (option, arg.as_str()) {
                (_, name) if name.starts_with("--") => option = name,
                ("--select", text) => out.select.push(text.into()),
                ("--exclude", text) => out.exclude.push(text.into()),
                ("--resource-type", text) => out.types.push(text.into()),
                ("--exclude-resource-type", text) => out.no_types.push(text.into()),
                ("--selector", text) => out.selector = Some(text.into()),
                ("--indirect-selection", text) => out.indirect = Indirect::parse(text).unwrap(),
                other => panic!("{other:?}"),
            }
        }
        out
    }

    fn run(
        &self,
        manifest: &Manifest,
        dag: &Dag,
        selectors: &Selectors,
        state: Option<&State>,
    ) -> Result<(BTreeSet<String>, Vec<String>), Stopped> {
        let selector = match &self.selector {
            Some(name) => Some(&selectors.get(name)?.definition),
            None => None,
        };
        let request = Request {
            select: &self.select,
            exclude: &self.exclude,
            selector,
            indirect: self.indirect,
            state,
        };
        let found = select(manifest, dag, &request)?;
        let types = Types::parse(Purpose::List, &self.types, &self.no_types)?;
        let unmatched = found.warnings.iter().filter(|w| w.code == code::S0504);
        let unmatched = unmatched.map(|w| w.message.split('\'').nth(1).unwrap().to_string());
        Ok((filter(manifest, &found.ids, &types), unmatched.collect()))
    }
}

type Found = Result<(BTreeSet<String>, Vec<String>), Stopped>;

/// Says how a result differs from what is expected.
fn differs(found: &Found, manifest: &Manifest, case: &Value) -> Option<String> {
    let error = case["error"].as_str();
    match (found, error) {
        (Err(e), Some(text)) => {
            let first = text.lines().last().unwrap_or_default().trim();
            let said =
                e.0.iter()
                    .any(|d| d.message.contains(first) || first.contains(&d.message));
            (!said && !KNOWN_TEXTS.iter().any(|t| text.contains(t)))
                .then(|| format!("says {:?}, expected {text:?}", e.0[0].message))
        }
        (Err(e), None) => Some(format!("fails: {e}")),
        (Ok(_), Some(text)) => Some(format!("should fail with {text:?}")),
        (Ok((found, unmatched)), None) => {
            let expected = ids(manifest, &case["ids"]);
            let missing: Vec<_> = expected.difference(found).collect();
            let extra: Vec<_> = found.difference(&expected).collect();
            if !missing.is_empty() || !extra.is_empty() {
                return Some(format!("lacks {missing:?}, has too much {extra:?}"));
            }
            let expected = texts(&case["unmatched"]);
            (*unmatched != expected).then(|| format!("warns {unmatched:?}, expected {expected:?}"))
        }
    }
}

/// Errors that are said in other words here than in dbt.
const KNOWN_TEXTS: &[&str] = &[
    "Could not parse selector file data",
    "Sources must be of the form",
    "must be of the form",
    "Invalid value type <class",
    "Expected all keys to",
    "could not handle parent depth",
    "Invalid node spec {'method'",
    "You cannot provide multiple exclude arguments",
    "Found multiple selectors with `default: true`",
];

fn report(failed: Vec<String>, all: usize) {
    assert!(
        failed.is_empty(),
        "{} of {all} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn selections_are_dbts() {
    let manifest = base();
    let dag = Dag::new(&manifest);
    let selectors = selectors(data!("selectors.yml")).unwrap();
    let cases = json(data!("selections.json"));
    let cases = cases["selections"].as_array().unwrap();
    let failed = cases.iter().filter_map(|case| {
        let args = texts(&case["args"]);
        let found = Options::read(&args).run(&manifest, &dag, &selectors, None);
        differs(&found, &manifest, case).map(|d| format!("{args:?}: {d}"))
    });
    report(failed.collect(), cases.len());
    assert!(cases.len() > 400);
}

#[test]
fn selectors_are_dbts() {
    let manifest = base();
    let dag = Dag::new(&manifest);
    let cases = json(data!("selectors.json"));
    let cases = cases["selectors"].as_array().unwrap();
    let failed = cases.iter().filter_map(|case| {
        let options = Options {
            selector: Some("t".into()),
            ..Options::default()
        };
        let found = selectors(case["yaml"].as_str().unwrap())
            .and_then(|s| options.run(&manifest, &dag, &s, None));
        differs(&found, &manifest, case).map(|d| format!("{}: {d}", case["name"]))
    });
    report(failed.collect(), cases.len());
    assert!(cases.len() > 100);
}

#[test]
fn the_manifest_shows_selectors_as_dbts() {
    let selectors = selectors(data!("selectors.yml")).unwrap();
    let expected = json(data!("selectors_manifest.json"));
    let shown = selectors.manifest();
    assert_eq!(shown.len(), expected.as_object().unwrap().len());
    for (name, selector) in &shown {
        assert_eq!(selector.to_string(), expected[name].to_string());
    }
}

/// The manifest's JSON after a change: entries that changed have their new fields, those that are gone are null.
fn changed(now: &Value) -> Value {
    let mut json = json(data!("manifest.json"));
    for (section, entries) in now.as_object().unwrap() {
        let all = json[section].as_object_mut().unwrap();
        for (id, fields) in entries.as_object().unwrap() {
            match (all.get_mut(id).and_then(Value::as_object_mut), fields) {
                (_, Value::Null) => {
                    all.shift_remove(id);
                }
                (Some(entry), Value::Object(fields)) => {
                    for (key, value) in fields {
                        if value.is_null() {
                            entry.shift_remove(key);
                        } else {
                            entry.insert(key.clone(), value.clone());
                        }
                    }
                }
                (_, fields) => {
                    all.insert(id.clone(), fields.clone());
                }
            }
        }
    }
    json
}

const WORDS: [&str; 10] = [
    "new",
    "old",
    "modified",
    "unmodified",
    "modified.body",
    "modified.configs",
    "modified.persisted_descriptions",
    "modified.relation",
    "modified.macros",
    "modified.contract",
];

#[test]
fn state_comparison_is_dbts() {
    let earlier = Earlier::from_json(&json(data!("manifest.json"))).unwrap();
    let state = State {
        manifest: Some(earlier),
        ..State::default()
    };
    let cases = json(data!("state.json"));
    let cases = cases["changes"].as_array().unwrap();
    let mut failed = Vec::new();
    for case in cases {
        let manifest = fixture::manifest(&changed(&case["now"]));
        let dag = Dag::new(&manifest);
        let all: BTreeSet<String> = manifest.entries().map(|e| e.unique_id().into()).collect();
        let expected =
            |word: &str| -> BTreeSet<String> { texts(&case["ids"][word]).into_iter().collect() };
        for word in WORDS {
            let options = Options {
                select: vec![format!("state:{word}")],
                types: vec!["all".into()],
                indirect: Indirect::Empty,
                ..Options::default()
            };
            let found = options.run(&manifest, &dag, &Selectors::default(), Some(&state));
            let ids = match word {
                "old" => &all - &expected("new"),
                "unmodified" => &all - &expected("modified"),
                _ => expected(word),
            };
            let about_contracts = matches!(word, "modified" | "unmodified" | "modified.contract");
            let error = case["error"]["modified"]
                .as_str()
                .filter(|_| about_contracts);
            match (found, error) {
                (Err(e), Some(error))
                    if e.0.iter().any(|d| d.heading.as_deref() == Some(error)) => {}
                (Ok((found, _)), None) if found == ids => {}
                (Ok((found, _)), None) => failed.push(format!(
                    "{} {word}: lacks {:?}, has too much {:?}",
                    case["name"],
                    ids.difference(&found).collect::<Vec<_>>(),
                    found.difference(&ids).collect::<Vec<_>>()
                )),
                (found, error) => failed.push(format!(
                    "{} {word}: {:?}, expected {error:?}",
                    case["name"],
                    found.map(|f| f.0.len()).map_err(|e| e.to_string())
                )),
            }
        }
        let warnings: BTreeSet<String> =
            Changes::between(state.manifest.as_ref().unwrap(), &manifest)
                .breaking()
                .into_iter()
                .filter(|d| !d.is_error())
                .map(|d| d.message)
                .collect();
        let expected: BTreeSet<String> = texts(&case["warnings"]).into_iter().collect();
        if warnings != expected {
            failed.push(format!(
                "{}: warns {warnings:?}, expected {expected:?}",
                case["name"]
            ));
        }
    }
    report(failed, cases.len());
}

#[test]
fn groups_are_those_of_nodes_and_metrics() {
    let mut manifest = base();
    let group = serde_json::json!("kpis");
    for entries in [
        &mut manifest.metrics,
        &mut manifest.semantic_models,
        &mut manifest.saved_queries,
    ] {
        for entry in entries.values_mut() {
            entry.config.0.insert("group".into(), group.clone());
        }
    }
    let options = Options {
        select: vec!["group:kpis".into()],
        ..Options::default()
    };
    let dag = Dag::new(&manifest);
    let (found, _) = options
        .run(&manifest, &dag, &Selectors::default(), None)
        .unwrap();
    assert!(found.iter().all(|id| id.starts_with("metric.")) && found.len() == 2);
}

#[test]
fn every_change_says_why() {
    let earlier = Earlier::from_json(&json(data!("manifest.json"))).unwrap();
    let cases = json(data!("state.json"));
    let lines = cases["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|case| {
            let manifest = fixture::manifest(&changed(&case["now"]));
            let changes = Changes::between(&earlier, &manifest);
            let name = case["name"].as_str().unwrap().to_string();
            let mut lines: Vec<String> = Vec::new();
            for (id, status) in changes.iter() {
                match status {
                    Status::Same => {}
                    Status::New => lines.push(format!("{name}: {id} is new")),
                    Status::Modified(changes) => lines.extend(
                        changes
                            .iter()
                            .map(|c| format!("{name}: {id} {:?}: {}", c.aspect, c.detail)),
                    ),
                }
            }
            lines.extend(
                changes
                    .removed()
                    .iter()
                    .map(|id| format!("{name}: {id} is gone")),
            );
            // A change to the whole project says the same of each node.
            lines.truncate(4);
            lines
        });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}
