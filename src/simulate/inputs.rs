//! What the rows of a simulation were made from, piece by piece, and what has changed since.
//!
//! A hash alone says that something changed; the pieces say what: a place in the file, a seed, another simulation.

use super::host::Host;
use super::project::Simulation;
use crate::diag::Result;
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The pieces that decide the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The file without comments and places.
    pub file: Json,
    /// Hashes of what it reads: what a person calls it, such as ``the seed `x` ``, and its hash.
    pub reads: BTreeMap<String, String>,
}

impl Inputs {
    /// From the ledger's text; nothing known when it is none.
    pub fn read(text: &str) -> Self {
        let mut all: Map<String, Json> = serde_json::from_str(text).unwrap_or_default();
        let reads = match all.remove("reads") {
            Some(Json::Object(map)) => map
                .into_iter()
                .filter_map(|(k, v)| Some((k, v.as_str()?.to_string())))
                .collect(),
            _ => BTreeMap::new(),
        };
        Self {
            file: all.remove("file").unwrap_or(Json::Null),
            reads,
        }
    }

    /// As the ledger keeps it.
    pub fn written(&self) -> String {
        serde_json::json!({"file": self.file, "reads": self.reads}).to_string()
    }

    /// What has changed from these inputs to others, for people; none where they are equal. The file is looked at
    /// only where its hash has `moved`.
    pub fn changed(&self, now: &Self, moved: bool) -> Option<String> {
        let mut said = Vec::new();
        if moved && self.file != now.file {
            let mut places = Vec::new();
            differences(&self.file, &now.file, &mut Vec::new(), &mut places);
            places.truncate(3);
            said.push(if places.is_empty() || self.file.is_null() {
                "its file has changed".to_string()
            } else {
                format!("its file has changed: {}", places.join(", "))
            });
        }
        for (name, hash) in &now.reads {
            match self.reads.get(name) {
                Some(before) if before != hash => said.push(format!("{name} has changed")),
                None if !moved => said.push(format!("it now reads {name}")),
                _ => {}
            }
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// Paths to what differs, three keys deep.
fn differences(before: &Json, now: &Json, path: &mut Vec<String>, out: &mut Vec<String>) {
    if before == now {
        return;
    }
    match (before, now) {
        (Json::Object(a), Json::Object(b)) if path.len() < 3 => {
            let more = b.keys().filter(|k| !a.contains_key(*k));
            for key in a.keys().chain(more) {
                path.push(key.clone());
                let null = &Json::Null;
                differences(
                    a.get(key).unwrap_or(null),
                    b.get(key).unwrap_or(null),
                    path,
                    out,
                );
                path.pop();
            }
        }
        _ => out.push(format!("`{}`", path.join("."))),
    }
}

/// A hash of rows, whatever their order.
pub fn rows_hash(rows: &[IndexMap<String, Json>]) -> String {
    let mut texts: Vec<String> = rows
        .iter()
        .map(|r| serde_json::to_string(r).unwrap_or_default())
        .collect();
    texts.sort_unstable();
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text);
        hasher.update([0]);
    }
    super::project::hex(&hasher.finalize()[..16])
}

impl Simulation {
    /// What its rows are made from now, with the present rows of the sources and models that it reads.
    ///
    /// # Errors
    /// When such rows cannot be read.
    pub fn inputs_now(&self, host: &dyn Host) -> Result<Inputs> {
        let mut inputs = self.inputs.clone();
        for (name, described) in &self.read_when_run {
            let rows = host.table_rows(name)?;
            inputs.reads.insert(described.clone(), rows_hash(&rows));
        }
        Ok(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inputs(file: Json, reads: &[(&str, &str)]) -> Inputs {
        let reads = reads
            .iter()
            .map(|(k, v)| ((*k).to_string(), (*v).to_string()))
            .collect();
        Inputs { file, reads }
    }

    #[test]
    fn changes_are_named() {
        let before = inputs(
            json!({"rows": {"initial": 3}, "columns": {"a": {"expr": "1"}, "b": {"expr": "2"}}}),
            &[("the seed `s`", "1"), ("the simulation `t`", "2")],
        );
        assert_eq!(before.changed(&before, true), None);
        assert_eq!(Inputs::read(&before.written()), before);
        let mut now = before.clone();
        now.file["columns"]["a"]["expr"] = json!("3");
        now.file["columns"]["c"] = json!({"expr": "4"});
        assert_eq!(
            before.changed(&now, true).unwrap(),
            "its file has changed: `columns.a.expr`, `columns.c`"
        );
        let mut now = before.clone();
        now.reads.insert("the seed `s`".into(), "9".into());
        assert_eq!(
            before.changed(&now, true).unwrap(),
            "the seed `s` has changed"
        );
        assert_eq!(
            Inputs::read("{}").changed(&before, true).unwrap(),
            "its file has changed"
        );
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        let row = |n: i64| IndexMap::from([("a".to_string(), json!(n))]);
        assert_eq!(rows_hash(&[row(1), row(2)]), rows_hash(&[row(2), row(1)]));
        assert_ne!(rows_hash(&[row(1), row(2)]), rows_hash(&[row(1)]));
        assert_ne!(rows_hash(&[row(1), row(1)]), rows_hash(&[row(1)]));
    }
}
