//! What dbt refuses in a semantic layer: names, what is there twice, elements that do not fit together, no time spine.
//!
//! In: the finished semantic models and metrics. Out: mistakes, with dbt-core 1.10's exit code. tv1's own layer needs
//! few of these rules and makes its own calendar, so only a project with a `dbt_project.yml` is held to them, and only
//! as long as it is written in the form that dbt 1.10 knows: `semantic_model` under a model is beyond it.
use super::builder::Builder;
use super::semantic_rules::{metrics, models};
use crate::diag::{Diagnostic, code};
use crate::graph::{Column, Manifest, Node, SemanticEntry};
use crate::text::nearest;
use serde_json::Value;
use std::collections::BTreeMap;

/// Words that stand for a stretch of time.
pub(super) const GRAINS: &[&str] = &[
    "nanosecond",
    "microsecond",
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
];

/// Names that queries use for something else.
const TAKEN: &[&str] = &["metric_time", "mf_internal_uuid"];

/// Words that no database takes as a name.
const SQL_WORDS: &[&str] = &[
    "and", "as", "create", "distinct", "for", "from", "full", "having", "in", "inner", "into",
    "is", "join", "left", "like", "natural", "not", "null", "on", "or", "right", "select", "union",
    "using", "where", "with",
];

/// The lists of a semantic model, with the word for one of their items.
pub(super) const PARTS: &[(&str, &str)] = &[
    ("measures", "measure"),
    ("entities", "entity"),
    ("dimensions", "dimension"),
];

impl Builder<'_> {
    /// Tells what dbt refuses.
    pub(super) fn semantic_checks(&mut self) {
        let file = &self.input.packages[0].project.file.path;
        if !file.ends_with("dbt_project.yml") || self.sink.has_errors() || self.has_newer_form() {
            return;
        }
        let manifest = &self.manifest;
        let mut said: Vec<Diagnostic> = time_spine(manifest).into_iter().collect();
        manifest
            .semantic_models
            .values()
            .for_each(|m| words(m, &mut said));
        // As in dbt, a layer of one kind alone is not looked at.
        if !manifest.metrics.is_empty() && !manifest.semantic_models.is_empty() {
            names(manifest, &mut said);
            models(manifest, &mut said);
            metrics(manifest, &mut said);
            said.extend(older_fields(manifest, self.input.behaviour));
            said.extend(older_time_spine(manifest, self.input.behaviour));
        }
        said.into_iter().for_each(|d| self.sink.push(d));
    }

    fn has_newer_form(&self) -> bool {
        let packages = 0..self.input.packages.len();
        let mut models = packages.flat_map(|i| self.entries(i, "models"));
        models.any(|p| p.get("semantic_model").is_some())
    }
}

/// A mistake at a part of an entry.
pub(super) fn wrong(entry: &SemanticEntry, path: &str, message: impl Into<String>) -> Diagnostic {
    let place = entry.places.get(path).or(entry.place.as_ref());
    Diagnostic::error(code::G0417, message.into())
        .heading("Parsing Error")
        .at_opt(place.cloned())
}

/// The items of a list of an entry.
pub(super) fn items<'a>(entry: &'a SemanticEntry, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = entry.fields.get(key).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// A text of a part; nothing when it is empty.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str().filter(|s| !s.is_empty())
}

/// Semantic models need days to count along.
fn time_spine(manifest: &Manifest) -> Option<Diagnostic> {
    let first = manifest.semantic_models.values().next()?;
    let is_fine = |grain: &str| {
        let at = |word: &str| GRAINS.iter().position(|g| g.eq_ignore_ascii_case(word));
        at(grain).is_some_and(|n| Some(n) <= at("day"))
    };
    let found = manifest.nodes.values().any(|n| {
        if n.unique_id.starts_with("model.") && n.name == "metricflow_time_spine" {
            return true;
        }
        let column = spine_column(n).and_then(|c| c.granularity.as_deref());
        column.is_some_and(is_fine)
    });
    (!found).then(|| {
        wrong(
            first,
            "name",
            "The semantic layer requires a time spine model with granularity DAY or smaller in the project, but none was found.",
        )
        .help("add a model of days with `time_spine: {standard_granularity_column: …}` and the `granularity` of that column")
    })
}

/// Fields of cumulative metrics that have moved: given up, or refused where the flag for that is set.
fn older_fields(manifest: &Manifest, behaviour: &dyn Fn(&str) -> bool) -> Option<Diagnostic> {
    let is_older = |m: &&SemanticEntry| {
        let params = m.fields.get("type_params");
        let given = |key: &str| params.is_some_and(|p| !p[key].is_null());
        given("window") || given("grain_to_date")
    };
    let older: Vec<&SemanticEntry> = manifest.metrics.values().filter(is_older).collect();
    let first = older.first()?;
    if behaviour("require_nested_cumulative_type_params") {
        let names: Vec<&str> = older.iter().map(|m| m.name.as_str()).collect();
        let message = format!(
            "Cumulative fields `type_params.window` and `type_params.grain_to_date` should be nested under `type_params.cumulative_type_params.window` and `type_params.cumulative_type_params.grain_to_date`. Invalid metrics: {}",
            names.join(", ")
        );
        return Some(wrong(first, "type_params", message));
    }
    let message = "Cumulative fields `type_params.window` and `type_params.grain_to_date` have been moved and will soon be deprecated. Please nest those values under `type_params.cumulative_type_params.window` and `type_params.cumulative_type_params.grain_to_date`. See documentation on behavior changes: https://docs.getdbt.com/reference/global-configs/behavior-changes.";
    Some(
        Diagnostic::warning(code::P0110, message)
            .event("MFCumulativeTypeParamsDeprecation")
            .at_opt(first.place.clone()),
    )
}

/// A time spine that is one by its name alone.
fn older_time_spine(manifest: &Manifest, behaviour: &dyn Fn(&str) -> bool) -> Option<Diagnostic> {
    let models = || {
        manifest
            .nodes
            .values()
            .filter(|n| n.unique_id.starts_with("model."))
    };
    let legacy = models().find(|n| n.name == "metricflow_time_spine")?;
    if behaviour("require_yaml_configuration_for_mf_time_spines") || models().any(counts_days) {
        return None;
    }
    let message = "Time spines without YAML configuration are in the process of deprecation. Please add YAML configuration for your 'metricflow_time_spine' model. See documentation on MetricFlow time spines: https://docs.getdbt.com/docs/build/metricflow-time-spine and behavior change documentation: https://docs.getdbt.com/reference/global-configs/behavior-changes.";
    Some(
        Diagnostic::warning(code::P0110, message)
            .event("MFTimespineWithoutYamlConfigurationDeprecation")
            .at_opt(legacy.place.clone()),
    )
}

/// Whether a model is a time spine by its properties whose column has days.
fn counts_days(node: &Node) -> bool {
    let column = spine_column(node).and_then(|c| c.granularity.as_deref());
    column.is_some_and(|g| g.eq_ignore_ascii_case("day"))
}

/// The column that a time spine counts along.
fn spine_column(node: &Node) -> Option<&Column> {
    let column = text(node.time_spine.as_ref()?, "standard_granularity_column")?;
    node.columns.values().find(|c| c.name == column)
}

/// Words that are one of a few.
const WORDS: &[(&str, &str, &[&str])] = &[
    (
        "entities",
        "type",
        &["foreign", "natural", "primary", "unique"],
    ),
    ("dimensions", "type", &["categorical", "time"]),
    ("dimensions", "time_granularity", GRAINS),
    (
        "measures",
        "agg",
        &[
            "sum",
            "min",
            "max",
            "count_distinct",
            "sum_boolean",
            "average",
            "percentile",
            "median",
            "count",
        ],
    ),
];

fn words(model: &SemanticEntry, said: &mut Vec<Diagnostic>) {
    for (list, key, known) in WORDS {
        for part in items(model, list) {
            let word = text(part, key).or_else(|| text(&part["type_params"], key));
            let Some(word) = word.filter(|w| !known.contains(&w.to_lowercase().as_str())) else {
                continue;
            };
            let own = text(part, "name").unwrap_or_default();
            let message = format!("`{word}` is no `{key}` of one of the {list} ({own})");
            let d = wrong(model, &format!("{list}.{own}"), message);
            said.push(match nearest(word, known.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("one of {}", known.join(", "))),
            });
        }
    }
}

/// Why something may not have a name.
fn misnamed(name: &str) -> Option<String> {
    let form = name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !form {
        return Some(
            "a name has at least two lower case letters, digits and single underscores, begins with a letter and does not end with an underscore"
                .into(),
        );
    }
    let grain = GRAINS
        .contains(&name)
        .then_some("stands for a stretch of time");
    let taken = TAKEN.contains(&name).then_some("is used by queries");
    grain.or(taken).map(|why| format!("this word {why}"))
}

/// Tells of a name that is of another form.
pub(super) fn name(
    entry: &SemanticEntry,
    path: &str,
    kind: &str,
    name: &str,
) -> Option<Diagnostic> {
    let why = misnamed(name)?;
    Some(wrong(
        entry,
        path,
        format!("Invalid name `{name}` of a {kind}: {why}"),
    ))
}

fn names(manifest: &Manifest, said: &mut Vec<Diagnostic>) {
    let lists = [
        (&manifest.semantic_models, "semantic model"),
        (&manifest.metrics, "metric"),
        (&manifest.saved_queries, "saved query"),
    ];
    for (list, kind) in lists {
        let mut seen: BTreeMap<&str, &SemanticEntry> = BTreeMap::new();
        for entry in list.values() {
            said.extend(name(entry, "name", kind, &entry.name));
            if let Some(first) = seen.insert(&entry.name, entry) {
                let message = format!("two {kind}s are named `{}`", entry.name);
                said.push(wrong(entry, "name", message).at_opt(first.place.clone()));
            }
        }
    }
    for model in manifest.semantic_models.values() {
        names_of_parts(model, said);
    }
}

fn names_of_parts(model: &SemanticEntry, said: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, kind) in PARTS {
        for part in items(model, key) {
            let Some(own) = text(part, "name") else {
                continue;
            };
            let path = format!("{key}.{own}");
            if let Some(first) = seen.insert(own, kind) {
                let message = format!(
                    "In semantic model `{}`, `{own}` is the name of a {kind} and of a {first} already",
                    model.name
                );
                said.push(wrong(model, &path, message));
            }
            said.extend(name(model, &path, kind, own));
            if SQL_WORDS.contains(&own.to_lowercase().as_str()) {
                let message =
                    format!("'{own}' is a reserved word of SQL, and no name for a {kind}");
                said.push(
                    wrong(model, &path, message)
                        .help("give it another name, and the column as `expr`"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::misnamed;

    #[test]
    fn names_have_a_form() {
        for good in ["ab", "a1", "a_b", "revenue_2024"] {
            assert_eq!(misnamed(good), None, "{good}");
        }
        for bad in [
            "a",
            "A1",
            "a_",
            "a__b",
            "1a",
            "_ab",
            "a-b",
            "day",
            "metric_time",
            "ä1",
            "",
        ] {
            assert!(misnamed(bad).is_some(), "{bad}");
        }
    }
}
