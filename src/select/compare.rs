//! What changed between an earlier manifest and today's: `state:new`, `state:modified.body` and so on, with the reasons.
//!
//! In: the records of both sides. Out: for every entry of today whether it is new, the same, or modified and in which
//! way. Knows nothing of files and selections beyond the words behind `state:`.
use super::contract;
use super::grammar::Criterion;
use super::index::{Entries, Index};
use super::method::invalid;
use super::record::Record;
use super::state::Earlier;
use crate::diag::{Diagnostic, code};
use crate::graph::{Entry, Manifest, ResourceType};
use crate::text::{Place, nearest};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A way in which an entry can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Its text, or the hash of what has none.
    Body,
    /// Its configuration as written, without naming, tags and group.
    Configs,
    /// Where its relation is.
    Relation,
    /// Descriptions that are kept in the database.
    PersistedDescriptions,
    /// A macro it calls, at any depth.
    Macros,
    /// Its contract.
    Contract,
    /// Its qualified name.
    Fqn,
    /// Any other fact of its kind.
    Properties,
}

impl Aspect {
    /// The word behind `state:modified.`, for those that have one.
    pub fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Body => "body",
            Self::Configs => "configs",
            Self::Relation => "relation",
            Self::PersistedDescriptions => "persisted_descriptions",
            Self::Macros => "macros",
            Self::Contract => "contract",
            Self::Fqn | Self::Properties => return None,
        })
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// In which way.
    pub aspect: Aspect,
    /// For people: `materialized: "view" -> "table"`.
    pub detail: String,
    /// Whether it makes the entry modified. The text of a generic test does not: it only repeats the configuration.
    pub counts: bool,
}

/// How an entry of today compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It was not there.
    New,
    /// Nothing changed.
    Same,
    /// Something changed.
    Modified(Vec<Change>),
}

impl Status {
    /// Whether it is new, or something changed that counts.
    pub fn is_modified(&self) -> bool {
        match self {
            Self::New => true,
            Self::Same => false,
            Self::Modified(changes) => changes.iter().any(|c| c.counts),
        }
    }
}

/// A change to a contract that others may rely on.
#[derive(Debug, Clone)]
struct Breaking {
    name: String,
    path: String,
    /// Versioned models must not break.
    versioned: bool,
    reasons: Vec<String>,
    place: Option<Place>,
}

/// The comparison of all entries.
#[derive(Debug, Default)]
pub struct Changes {
    entries: BTreeMap<String, Status>,
    removed: Vec<String>,
    breaking: Vec<Breaking>,
    /// What is said of seeds that are too large for their contents to be compared.
    large: Vec<Diagnostic>,
}

impl Changes {
    /// Compares today's manifest with an earlier one.
    pub fn between(earlier: &Earlier, manifest: &Manifest) -> Self {
        let macros = changed_macros(earlier, manifest);
        let mut changes = Self::default();
        for entry in manifest.entries() {
            let id = entry.unique_id().to_string();
            let Some(old) = earlier.records.get(&id) else {
                changes.entries.insert(id, Status::New);
                continue;
            };
            let new = Record::of(entry);
            let mut found = compare(old, &new, earlier.as_written);
            changes.large.extend(large_seed(old, &new, entry));
            for called in &new.macros {
                if let Some(reason) = macros.get(called.as_str()) {
                    push(&mut found, Aspect::Macros, reason.clone());
                }
            }
            if new.kind == ResourceType::Model {
                let contract = contract::compare(old, &new);
                if contract.changed {
                    let detail = if contract.breaking.is_empty() {
                        "the contract changed".to_string()
                    } else {
                        contract.breaking.join("; ")
                    };
                    push(&mut found, Aspect::Contract, detail);
                }
                if !contract.breaking.is_empty() {
                    changes.breaking.push(Breaking {
                        name: new.name.clone(),
                        path: new.path.clone(),
                        versioned: new.version.is_some(),
                        reasons: contract.breaking,
                        place: entry.place().cloned(),
                    });
                }
            }
            let status = if found.is_empty() {
                Status::Same
            } else {
                Status::Modified(found)
            };
            changes.entries.insert(id, status);
        }
        changes.look_for_removed(earlier, manifest);
        changes
    }

    fn look_for_removed(&mut self, earlier: &Earlier, manifest: &Manifest) {
        for (id, old) in &earlier.records {
            if self.entries.contains_key(id) {
                continue;
            }
            self.removed.push(id.clone());
            if old.kind == ResourceType::Model && old.contract.enforced {
                let what = if manifest.disabled.contains_key(id) {
                    "disabled"
                } else {
                    "deleted or renamed"
                };
                self.breaking.push(Breaking {
                    name: old.name.clone(),
                    path: old.path.clone(),
                    versioned: old.version.is_some(),
                    reasons: vec![format!("Contracted model '{id}' was {what}.")],
                    place: None,
                });
            }
        }
    }

    /// How an entry of today compares; `None` for what is not in today's manifest.
    pub fn status(&self, unique_id: &str) -> Option<&Status> {
        self.entries.get(unique_id)
    }

    /// All entries of today, by unique id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Status)> {
        self.entries.iter().map(|(id, s)| (id.as_str(), s))
    }

    /// What is no longer there, by unique id.
    pub fn removed(&self) -> &[String] {
        &self.removed
    }

    /// What breaks contracts: errors (S0508) for versioned models, warnings (S0509) for others.
    pub fn breaking(&self) -> Vec<Diagnostic> {
        self.breaking.iter().map(Breaking::diagnostic).collect()
    }
}

impl Breaking {
    fn diagnostic(&self) -> Diagnostic {
        let Self { name, path, .. } = self;
        let d = if self.versioned {
            Diagnostic::error(
                code::S0508,
                format!("Breaking change to contract of versioned model {name} ({path})"),
            )
            .heading(format!(
                "Breaking change to contract Error in model {name} ({path})"
            ))
        } else {
            Diagnostic::warning(
                code::S0509,
                format!("Breaking change to contracted, unversioned model {name} ({path})"),
            )
            .event("UnversionedBreakingChange")
            .fact("model_name", name.as_str())
            .fact("model_file_path", path.as_str())
            .fact("breaking_changes", self.reasons.clone())
        };
        let which = if self.versioned {
            "a versioned"
        } else {
            "an unversioned"
        };
        let d = d.at_opt(self.place.clone()).note(format!(
            "While comparing to previous project state, dbt detected a breaking change to {which} model."
        ));
        self.reasons.iter().fold(d, |d, r| d.note(r.as_str())).help(
            "make an additive change instead if possible; otherwise create a new version of the model",
        )
    }
}

/// Adds a change, each aspect and detail once.
fn push(changes: &mut Vec<Change>, aspect: Aspect, detail: String) {
    let change = Change {
        aspect,
        detail,
        counts: true,
    };
    if !changes.contains(&change) {
        changes.push(change);
    }
}

/// The differences between two records of one entry, without macros and contracts.
fn compare(old: &Record, new: &Record, as_written: bool) -> Vec<Change> {
    // Where a source is counts as it was written or as it came out.
    let (place, other_place): ([&str; 2], [&str; 2]) = if as_written {
        (
            ["unrendered_database", "unrendered_schema"],
            ["database", "schema"],
        )
    } else {
        (
            ["database", "schema"],
            ["unrendered_database", "unrendered_schema"],
        )
    };
    let mut found = Vec::new();
    if old.body != new.body {
        push(&mut found, Aspect::Body, body_detail(old, new));
        for change in &mut found {
            change.counts = !new.generic;
        }
    }
    let all_counts = matches!(
        new.kind,
        ResourceType::Source | ResourceType::SemanticModel | ResourceType::SavedQuery
    );
    for key in keys(&old.unrendered, &new.unrendered) {
        let aspect = match key {
            // Of these the whole configuration counts; where a source is, its facts say.
            _ if all_counts => Aspect::Configs,
            "database" | "schema" | "alias" => Aspect::Relation,
            "tags" | "group" => continue,
            _ => Aspect::Configs,
        };
        let (a, b) = (old.unrendered.get(key), new.unrendered.get(key));
        if !same_or_missing(a, b) {
            push(&mut found, aspect, detail(key, a, b));
        }
    }
    if new.persist.0 && old.description != new.description {
        let text = "the description changed".to_string();
        push(&mut found, Aspect::PersistedDescriptions, text);
    }
    if new.persist.1 {
        let names: BTreeSet<&String> = old.columns.keys().chain(new.columns.keys()).collect();
        for name in names {
            let text = |r: &Record| r.columns.get(name).map(|c| c.description.clone());
            if text(old) != text(new) {
                let detail = format!("the description of column `{name}` changed");
                push(&mut found, Aspect::PersistedDescriptions, detail);
            }
        }
    }
    if old.fqn != new.fqn {
        let detail = format!("{} -> {}", old.fqn.join("."), new.fqn.join("."));
        push(&mut found, Aspect::Fqn, detail);
    }
    for ((name, a), (_, b)) in old.facts.iter().zip(&new.facts) {
        let is_source = new.kind == ResourceType::Source;
        if same(a, b) || is_source && other_place.contains(name) {
            continue;
        }
        let is_place = place.contains(name) || *name == "identifier";
        let aspect = if is_source && is_place {
            Aspect::Relation
        } else {
            Aspect::Properties
        };
        push(&mut found, aspect, detail(name, Some(a), Some(b)));
    }
    found
}

/// A seed above 1 MB has the checksum of its path: what that says of a change, in dbt's words.
fn large_seed(old: &Record, new: &Record, entry: Entry<'_>) -> Option<Diagnostic> {
    let Entry::Node(node) = entry else {
        return None;
    };
    if new.kind != ResourceType::Seed || !new.body.starts_with("path:") {
        return None;
    }
    let head = format!(
        "Found a seed ({}.{}) >1MB in size",
        node.package_name, node.name
    );
    let (code, event, text) = match old.body.split_once(':') {
        Some(("path", _)) if old.body == new.body => (
            code::S0515,
            "SeedExceedsLimitSamePath",
            format!(
                "{head} at the same path, dbt cannot tell if it has changed: assuming they are the same"
            ),
        ),
        Some(("path", _)) => (
            code::S0516,
            "SeedExceedsLimitAndPathChanged",
            format!(
                "{head}. The previous file was in a different location, assuming it has changed"
            ),
        ),
        _ => (
            code::S0517,
            "SeedIncreased",
            format!("{head}. The previous file was <=1MB, so it has changed"),
        ),
    };
    let d = Diagnostic::warning(code, text).event(event);
    Some(
        d.fact("package_name", node.package_name.as_str())
            .fact("name", node.name.as_str())
            .at_opt(node.place.clone()),
    )
}

fn body_detail(old: &Record, new: &Record) -> String {
    if matches!(new.kind, ResourceType::Seed) {
        return "the seed's file changed".into();
    }
    let mut lines = old.body.lines().zip(new.body.lines());
    let same = lines.by_ref().take_while(|(a, b)| a == b).count();
    format!("the text changed from line {}", same + 1)
}

/// The keys of two mappings, each once, in order.
fn keys<'a>(a: &'a Map<String, Value>, b: &'a Map<String, Value>) -> BTreeSet<&'a str> {
    a.keys().chain(b.keys()).map(String::as_str).collect()
}

fn detail(key: &str, a: Option<&Value>, b: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| value.map_or("none".to_string(), Value::to_string);
    format!("`{key}`: {} -> {}", shown(a), shown(b))
}

fn same_or_missing(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Whether two values are equal in Python: `1`, `1.0` and `true` are, `1` and `"1"` are not.
pub fn same(a: &Value, b: &Value) -> bool {
    let number = |v: &Value| match v {
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        Value::Number(n) => n.as_f64(),
        _ => None,
    };
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w)))
        }
        _ if a == b => true,
        _ => match (number(a), number(b)) {
            // Equality of floats is what Python compares by.
            #[expect(clippy::float_cmp, reason = "Python's equality of numbers is meant")]
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

/// The macros that changed or were added, or that call such a macro, with what changed.
///
/// The macros that come with the tool are left out: an upgrade of it changes no project.
fn changed_macros<'a>(earlier: &Earlier, manifest: &'a Manifest) -> HashMap<&'a str, String> {
    let mut why: HashMap<&str, String> = HashMap::new();
    let mut callers: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut edge = Vec::new();
    for (id, info) in &manifest.macros {
        for called in &info.depends_on_macros {
            callers.entry(called).or_default().push(id);
        }
        if matches!(info.package_name.as_str(), "dbt" | "dbt_postgres") {
            continue;
        }
        let reason = match earlier.macros.get(id) {
            None => format!("macro `{id}` was added"),
            Some(old) if old.macro_sql != info.macro_sql => format!("macro `{id}` changed"),
            Some(_) => continue,
        };
        why.insert(id, reason);
        edge.push(id.as_str());
    }
    while let Some(id) = edge.pop() {
        let reason = why.get(id).cloned().unwrap_or_default();
        for caller in callers.get(id).into_iter().flatten() {
            if !why.contains_key(caller) {
                why.insert(caller, reason.clone());
                edge.push(caller);
            }
        }
    }
    why
}

/// The words behind `state:`.
const WORDS: &[&str] = &[
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

/// The entries that a criterion `state:text` names.
///
/// # Errors
/// S0503 for a word that is not known, S0508 for breaking changes where contracts are looked at.
pub fn search(
    changes: &Changes,
    index: &Index<'_>,
    c: &Criterion,
    text: &str,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Entries, Vec<Diagnostic>> {
    if !WORDS.contains(&text) {
        let d = invalid(
            c,
            format!(
                "Got an invalid selector \"{text}\", expected one of {}",
                WORDS.join(", ")
            ),
        );
        return Err(vec![match nearest(text, WORDS.iter().copied()) {
            Some(near) => d.help(format!("did you mean `state:{near}`?")),
            None => d,
        }]);
    }
    if matches!(text, "modified" | "unmodified" | "modified.body") {
        warnings.extend(changes.large.iter().cloned());
    }
    if matches!(text, "modified" | "unmodified" | "modified.contract") {
        let (errors, allowed): (Vec<_>, Vec<_>) = changes
            .breaking()
            .into_iter()
            .partition(Diagnostic::is_error);
        if !errors.is_empty() {
            return Err(errors);
        }
        warnings.extend(allowed);
    }
    Ok(index.filter(|e| {
        changes
            .status(e.unique_id())
            .is_some_and(|status| named(status, text))
    }))
}

fn named(status: &Status, text: &str) -> bool {
    match text {
        "new" => *status == Status::New,
        "old" => *status != Status::New,
        "unmodified" => !status.is_modified(),
        "modified" => status.is_modified(),
        _ => match status {
            // What was not there differs in all that an entry has by itself.
            Status::New => text != "modified.macros",
            Status::Same => false,
            Status::Modified(changes) => {
                let word = text.strip_prefix("modified.");
                changes.iter().any(|c| c.aspect.word() == word)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_equal_as_in_python() {
        for (a, b, equal) in [
            (json!(1), json!(1.0), true),
            (json!(1), json!(true), true),
            (json!(0), json!(false), true),
            (json!(1), json!("1"), false),
            (json!(null), json!(false), false),
            (json!([1, [2.0]]), json!([1.0, [2]]), true),
            (json!({"a": 1, "b": 2}), json!({"b": 2, "a": true}), true),
            (json!({"a": 1}), json!({"a": 1, "b": null}), false),
        ] {
            assert_eq!(same(&a, &b), equal, "{a} {b}");
        }
    }
}
