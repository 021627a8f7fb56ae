//! Models that are the calendar of a semantic layer: `time_spine` of their properties.
use super::builder::Builder;
use super::properties::{Property, json_map};
use crate::diag::{Diagnostic, code};
use crate::graph::Node;
use crate::yaml::{Node as Yaml, python_repr};
use serde_json::{Map, Value, json};

impl Builder<'_> {
    /// Reads `time_spine` of a model whose columns are known already.
    pub(super) fn time_spine(&mut self, node: &mut Node, p: &Property, entry: &Yaml) {
        let Some(spine) = entry.get("time_spine").filter(|n| n.is_map()) else {
            return;
        };
        let mut map = json_map(Some(spine));
        map.entry("custom_granularities")
            .or_insert_with(|| json!([]));
        // The columns of the other versions may be others.
        if node.version == node.latest_version
            && let Some(message) = mistake(node, &map)
        {
            let d = Diagnostic::error(code::P0111, message)
                .heading("Parsing Error")
                .at(p.place(spine));
            self.sink.push(d);
        }
        node.time_spine = Some(Value::Object(map));
    }
}

/// What is wrong with the columns that it names, in dbt's words.
fn mistake(node: &Node, spine: &Map<String, Value>) -> Option<String> {
    let names = || -> Vec<&str> { node.columns.values().map(|c| c.name.as_str()).collect() };
    let column = |name: &str| node.columns.values().find(|c| c.name == name);
    let standard = spine.get("standard_granularity_column")?.as_str()?;
    let Some(found) = column(standard) else {
        let latest = if node.latest_version.is_some() {
            " for latest version"
        } else {
            ""
        };
        return Some(format!(
            "Time spine standard granularity column must be defined on the model. Got invalid column name '{standard}' for model '{}'. Valid names{latest}: {}.",
            node.name,
            python_repr(&json!(names()))
        ));
    };
    if found.granularity.is_none() {
        return Some(format!(
            "Time spine standard granularity column must have a granularity defined. Please add one for column '{standard}' in model '{}'.",
            node.name
        ));
    }
    let custom = spine.get("custom_granularities")?.as_array()?;
    let name_of = |c: &Value| {
        let name = c.get("column_name").filter(|v| !v.is_null());
        Some(name.or_else(|| c.get("name"))?.as_str()?.to_string())
    };
    let missing: Vec<String> = custom
        .iter()
        .filter_map(name_of)
        .filter(|name| column(name).is_none())
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "Time spine custom granularity columns do not exist in the model. Columns not found: {}; Available columns: {}",
            python_repr(&json!(missing)),
            python_repr(&json!(names()))
        )
    })
}
