//! Primary keys of models as dbt infers them, from constraints or else from tests.
use super::builder::Builder;
use crate::graph::{Disabled, Node, ResourceType};
use crate::yaml::python_str;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the tests of a model say of its columns.
#[derive(Debug, Default)]
struct Tested {
    unique: BTreeSet<String>,
    unique_but_off: BTreeSet<String>,
    not_null: BTreeSet<String>,
}

impl Tested {
    fn add(&mut self, test: &Node) {
        let Some(t) = &test.test else { return };
        let columns: Vec<String> = match (
            t.kwargs.get("column_name"),
            t.kwargs.get("combination_of_columns"),
        ) {
            (Some(Value::String(column)), _) => vec![column.clone()],
            (_, Some(Value::Array(columns))) => columns
                .iter()
                .filter(|c| c.is_string())
                .map(python_str)
                .collect(),
            _ => return,
        };
        match t.name.as_str() {
            "unique" | "unique_combination_of_columns" if test.config.enabled() => {
                self.unique.extend(columns);
            }
            "unique" | "unique_combination_of_columns" => self.unique_but_off.extend(columns),
            "not_null" => self.not_null.extend(columns),
            _ => {}
        }
    }

    /// Columns that are unique and never null, else those that are unique, else those whose test of it is switched off.
    fn key(&self) -> Vec<String> {
        let is_unique = |c: &&String| self.unique.contains(*c) || self.unique_but_off.contains(*c);
        let both: Vec<String> = self.not_null.iter().filter(is_unique).cloned().collect();
        let list = |columns: &BTreeSet<String>| columns.iter().cloned().collect();
        if !both.is_empty() {
            both
        } else if !self.unique.is_empty() {
            list(&self.unique)
        } else {
            list(&self.unique_but_off)
        }
    }
}

impl Builder<'_> {
    /// Fills `primary_key` of every model.
    pub(super) fn primary_keys(&mut self) {
        let mut tested: BTreeMap<String, Tested> = BTreeMap::new();
        let off = self
            .manifest
            .disabled
            .values()
            .flatten()
            .filter_map(|d| match d {
                Disabled::Node(n) => Some(n),
                _ => None,
            });
        for test in self.manifest.nodes.values().chain(off) {
            let of = test.test.as_ref().and_then(|t| t.attached_node.clone());
            if let Some(of) = of {
                tested.entry(of).or_default().add(test);
            }
        }
        let is_model = |n: &&mut Node| n.resource_type == ResourceType::Model;
        for model in self.manifest.nodes.values_mut().filter(is_model) {
            model.primary_key = declared(model)
                .or_else(|| tested.get(&model.unique_id).map(Tested::key))
                .unwrap_or_default();
            model.primary_key.sort();
        }
    }
}

/// The key that a constraint declares.
fn declared(model: &Node) -> Option<Vec<String>> {
    let is_key = |c: &&Value| c.get("type").and_then(Value::as_str) == Some("primary_key");
    if let Some(constraint) = model.constraints.iter().find(is_key) {
        let columns = constraint.get("columns").and_then(Value::as_array);
        return Some(columns.into_iter().flatten().map(python_str).collect());
    }
    let column = model
        .columns
        .values()
        .find(|c| c.constraints.iter().any(|k| is_key(&k)))?;
    Some(vec![column.name.clone()])
}
