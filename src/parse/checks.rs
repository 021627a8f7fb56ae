//! What configurations promise and must keep: checks over the finished nodes, in dbt's words.
//!
//! Comes in: nodes with their merged configuration. Goes out: mistakes. Nothing is changed here.
use super::builder::Builder;
use crate::diag::{Diagnostic, code};
use crate::graph::{Column, Node, ResourceType, version_text};
use crate::text::Place;
use chrono::DateTime;
use serde_json::Value;
use std::collections::BTreeMap;

/// The names of colours that CSS knows.
const COLOURS: &[&str] = &[
    "aliceblue",
    "antiquewhite",
    "aqua",
    "aquamarine",
    "azure",
    "beige",
    "bisque",
    "black",
    "blanchedalmond",
    "blue",
    "blueviolet",
    "brown",
    "burlywood",
    "cadetblue",
    "chartreuse",
    "chocolate",
    "coral",
    "cornflowerblue",
    "cornsilk",
    "crimson",
    "cyan",
    "darkblue",
    "darkcyan",
    "darkgoldenrod",
    "darkgray",
    "darkgreen",
    "darkgrey",
    "darkkhaki",
    "darkmagenta",
    "darkolivegreen",
    "darkorange",
    "darkorchid",
    "darkred",
    "darksalmon",
    "darkseagreen",
    "darkslateblue",
    "darkslategray",
    "darkslategrey",
    "darkturquoise",
    "darkviolet",
    "deeppink",
    "deepskyblue",
    "dimgray",
    "dimgrey",
    "dodgerblue",
    "firebrick",
    "floralwhite",
    "forestgreen",
    "fuchsia",
    "gainsboro",
    "ghostwhite",
    "gold",
    "goldenrod",
    "gray",
    "green",
    "greenyellow",
    "grey",
    "honeydew",
    "hotpink",
    "indianred",
    "indigo",
    "ivory",
    "khaki",
    "lavender",
    "lavenderblush",
    "lawngreen",
    "lemonchiffon",
    "lightblue",
    "lightcoral",
    "lightcyan",
    "lightgoldenrodyellow",
    "lightgray",
    "lightgreen",
    "lightgrey",
    "lightpink",
    "lightsalmon",
    "lightseagreen",
    "lightskyblue",
    "lightslategray",
    "lightslategrey",
    "lightsteelblue",
    "lightyellow",
    "lime",
    "limegreen",
    "linen",
    "magenta",
    "maroon",
    "mediumaquamarine",
    "mediumblue",
    "mediumorchid",
    "mediumpurple",
    "mediumseagreen",
    "mediumslateblue",
    "mediumspringgreen",
    "mediumturquoise",
    "mediumvioletred",
    "midnightblue",
    "mintcream",
    "mistyrose",
    "moccasin",
    "navajowhite",
    "navy",
    "oldlace",
    "olive",
    "olivedrab",
    "orange",
    "orangered",
    "orchid",
    "palegoldenrod",
    "palegreen",
    "paleturquoise",
    "palevioletred",
    "papayawhip",
    "peachpuff",
    "peru",
    "pink",
    "plum",
    "powderblue",
    "purple",
    "rebeccapurple",
    "red",
    "rosybrown",
    "royalblue",
    "saddlebrown",
    "salmon",
    "sandybrown",
    "seagreen",
    "seashell",
    "sienna",
    "silver",
    "skyblue",
    "slateblue",
    "slategray",
    "slategrey",
    "snow",
    "springgreen",
    "steelblue",
    "tan",
    "teal",
    "thistle",
    "tomato",
    "turquoise",
    "violet",
    "wheat",
    "white",
    "whitesmoke",
    "yellow",
    "yellowgreen",
];

impl Builder<'_> {
    /// Checks all nodes.
    pub(super) fn checks(&mut self) {
        let mut said: Vec<Diagnostic> = Vec::new();
        for node in self.manifest.nodes.values() {
            said.extend(colour(node));
            said.extend(materialized(node));
            said.extend(public_ephemeral(node));
            if node.resource_type == ResourceType::Model && node.contract.enforced {
                said.extend(schema_change(node));
                if node.patch_path.is_some() {
                    said.extend(unsupported(node));
                    said.extend(contract(node));
                }
            }
        }
        said.extend(self.fixtures_of_one_name());
        said.extend(self.exposures_of_one_name());
        said.into_iter().for_each(|d| self.sink.push(d));
    }

    /// Models that are past the day until which they were to be kept, and models that read those, or will have to do
    /// without them some day.
    pub(super) fn deprecations(&mut self) {
        let now = DateTime::from_timestamp(self.input.now as i64, 0);
        let mut out = Vec::new();
        let nodes = &self.manifest.nodes;
        for node in nodes.values() {
            let Some(date) = node.deprecation_date.as_deref() else {
                continue;
            };
            let passed = DateTime::parse_from_rfc3339(date).is_ok_and(|d| Some(d.to_utc()) < now);
            if passed {
                out.push(deprecated(node, date));
            }
            let reads = |n: &&Node| {
                n.resource_type == ResourceType::Model
                    && n.depends_on.nodes.contains(&node.unique_id)
            };
            let children = nodes.values().filter(reads);
            out.extend(children.map(|child| reads_deprecated(child, node, date, passed)));
        }
        out.into_iter().for_each(|d| self.sink.push(d));
    }

    /// Exposures of a package have names of their own.
    fn exposures_of_one_name(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        for (index, package) in self.input.packages.iter().enumerate() {
            let project = &package.project.name;
            let mut seen: BTreeMap<String, Place> = BTreeMap::new();
            for p in self.entries(index, "exposures") {
                let Some(first) = seen.insert(p.name.clone(), p.name_place()) else {
                    continue;
                };
                let message = format!("dbt found two exposures with the name \"{}\"", p.name);
                let list = format!(
                    "- exposure.{project}.{0} ({1})\n- exposure.{project}.{0} ({2})",
                    p.name, first.file.path, p.original_file_path
                );
                out.push(
                    Diagnostic::error(code::G0402, message)
                        .heading("Compilation Error")
                        .at(p.name_place())
                        .at(first)
                        .note(list)
                        .help("change the name of one of them"),
                );
            }
        }
        out
    }

    /// A fixture is named without its folder and its ending.
    fn fixtures_of_one_name(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        for package in self.input.packages {
            let project = &package.project.name;
            let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for read in &package.files.fixtures {
                let file = read.found.relative.rsplit('/').next().unwrap_or_default();
                let name = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
                by_name.entry(name).or_default().push(&read.found.original);
            }
            for (name, paths) in by_name.into_iter().filter(|(_, p)| p.len() > 1) {
                let list: Vec<String> = paths
                    .iter()
                    .map(|p| format!("- fixture.{project}.{name} ({p})"))
                    .collect();
                let message = format!("dbt found two fixtures with the name \"{name}\"");
                out.push(
                    Diagnostic::error(code::G0402, message)
                        .heading("Compilation Error")
                        .note(list.join("\n"))
                        .help("change the name of one of them"),
                );
            }
        }
        out
    }
}

/// A model that should be gone by now.
fn deprecated(node: &Node, date: &str) -> Diagnostic {
    let message = format!(
        "Model {} has passed its deprecation date of {date}. This model should be disabled or removed.",
        with_version(node)
    );
    let place = node.patch_place.clone().or(node.place.clone());
    Diagnostic::warning(code::G0414, message)
        .event("DeprecatedModel")
        .fact("model_name", node.name.as_str())
        .fact("model_version", version_fact(node.version.as_ref()))
        .fact("deprecation_date", date)
        .at_opt(place)
}

/// A model that reads one which should be gone by now, or will be some day.
fn reads_deprecated(child: &Node, node: &Node, date: &str, passed: bool) -> Diagnostic {
    let (code, event, when, now) = if passed {
        (
            code::G0418,
            "DeprecatedReference",
            "was deprecated",
            "Migrate now",
        )
    } else {
        let event = "UpcomingReferenceDeprecation";
        (
            code::G0419,
            event,
            "is slated for deprecation",
            "Try it out",
        )
    };
    let mut message = format!(
        "While compiling '{}': Found a reference to {}, which {when} on '{date}'.",
        child.name,
        with_version(node)
    );
    let latest = node.latest_version.as_ref().map(version_text);
    if let (Some(version), Some(latest)) = (node.version.as_ref().map(version_text), latest)
        && version != latest
    {
        message += &format!(
            " A new version of '{name}' is available. {now}: {{{{ ref('{}', '{name}', v='{latest}') }}}}.",
            node.package_name,
            name = node.name,
        );
    }
    Diagnostic::warning(code, message)
        .event(event)
        .fact("model_name", child.name.as_str())
        .fact("ref_model_package", node.package_name.as_str())
        .fact("ref_model_name", node.name.as_str())
        .fact("ref_model_version", version_fact(node.version.as_ref()))
        .fact(
            "ref_model_latest_version",
            version_fact(node.latest_version.as_ref()),
        )
        .fact("ref_model_deprecation_date", date)
        .at_opt(child.place.clone())
}

/// A version in the events of dbt: a text, empty where there is none.
fn version_fact(version: Option<&Value>) -> String {
    version.map(version_text).unwrap_or_default()
}

fn with_version(node: &Node) -> String {
    match &node.version {
        Some(v) => format!("{}.v{}", node.name, version_text(v)),
        None => node.name.clone(),
    }
}

fn wrong(node: &Node, heading: &str, message: String) -> Diagnostic {
    Diagnostic::error(code::P0111, message)
        .heading(heading)
        .at_opt(node.patch_place.clone().or(node.place.clone()))
}

/// `docs.node_color` is a colour of CSS, by name or as `#rgb` or `#rrggbb`.
fn colour(node: &Node) -> Option<Diagnostic> {
    let colour = node.docs.node_color.as_deref()?;
    let hex = colour.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 6) && digits.chars().all(|c| c.is_ascii_hexdigit())
    });
    if hex || COLOURS.contains(&colour.to_ascii_lowercase().as_str()) {
        return None;
    }
    let message = format!(
        "Invalid color name for docs.node_color: {colour}. It is neither a valid HTML color name nor a valid HEX code."
    );
    Some(wrong(node, "Validation Error", message))
}

/// What other projects may read must be there to be read.
fn public_ephemeral(node: &Node) -> Option<Diagnostic> {
    let public = node.access.as_deref() == Some("public") && node.is_ephemeral();
    public.then(|| {
        let message = format!(
            "Node {} with 'ephemeral' materialization has an invalid value (public) for the access field",
            node.unique_id
        );
        wrong(node, "Parsing Error", message).help("build it as a view or a table, or make it `protected`")
    })
}

/// Seeds, tests and snapshots have one materialization each.
fn materialized(node: &Node) -> Option<Diagnostic> {
    let (kind, heading, at) = match node.resource_type {
        ResourceType::Seed => ("seed", "Parsing Error", "at path []: "),
        ResourceType::Test => ("test", "Parsing Error", "at path []: "),
        ResourceType::Snapshot => ("snapshot", "Validation Error", ""),
        _ => return None,
    };
    let given = node.config.str("materialized").unwrap_or(kind);
    (given != kind).then(|| {
        wrong(
            node,
            heading,
            format!("{at}A {kind} must have a materialized value of '{kind}'"),
        )
        .help(format!(
            "take `materialized: {given}` away; it stands in the configuration of {}",
            node.name
        ))
    })
}

/// With a contract, an incremental model cannot ignore changes of its columns.
fn schema_change(node: &Node) -> Option<Diagnostic> {
    if node.config.str("materialized") != Some("incremental") {
        return None;
    }
    let given = node.config.str("on_schema_change").unwrap_or("ignore");
    if ["append_new_columns", "fail"].contains(&given) {
        return None;
    }
    let message = format!(
        "Invalid value for on_schema_change: {given}. Models materialized as incremental with contracts enabled must set on_schema_change to 'append_new_columns' or 'fail'"
    );
    Some(wrong(node, "Validation Error", message))
}

/// Only tables keep constraints.
fn unsupported(node: &Node) -> Option<Diagnostic> {
    let kind = node.config.materialized();
    if ["table", "incremental"].contains(&kind) {
        return None;
    }
    let of_columns = node.columns.values().flat_map(|c| c.constraints.iter());
    let mut all = node.constraints.iter().chain(of_columns);
    let place = node.patch_place.clone().or(node.place.clone());
    all.any(|c| c["warn_unsupported"] != false).then(|| {
        let message = format!(
            "Constraint types are not supported for {kind} materializations and will be ignored.  Set 'warn_unsupported: false' on this constraint to ignore this warning."
        );
        Diagnostic::warning(code::G0415, message)
            .event("UnsupportedConstraintMaterialization")
            .fact("materialized", kind)
            .at_opt(place)
    })
}

/// What a contract needs beside its columns.
fn contract(node: &Node) -> Option<Diagnostic> {
    let mut lacks = Vec::new();
    if node.columns.is_empty() {
        lacks.push(
            "Constraints must be defined in a `yml` schema configuration file like `schema.yml`."
                .to_string(),
        );
    }
    if node.is_python() {
        lacks.push("Language Error: Expected 'sql' but found 'python'".to_string());
    }
    let path = &node.original_file_path;
    if !lacks.is_empty() {
        let message = format!(
            "Contract enforcement failed for: ({path})\n{}",
            lacks.join("\n")
        );
        return Some(wrong(node, "Parsing Error", message));
    }
    let keys = |list: &[Value]| list.iter().any(|c| c["type"] == "primary_key");
    let columns: Vec<&Column> = node
        .columns
        .values()
        .filter(|c| keys(&c.constraints))
        .collect();
    let problem = if columns.len() > 1 {
        let names: Vec<String> = columns.iter().map(|c| format!("'{}'", c.name)).collect();
        format!(
            "Found {} columns ([{}]) with primary key constraints defined. Primary keys for multiple columns must be defined as a model level constraint.",
            columns.len(),
            names.join(", ")
        )
    } else if columns.len() == 1 && keys(&node.constraints) {
        "Primary key constraints defined at the model level and the columns level. Primary keys can be defined at the model level or the column level, not both."
            .to_string()
    } else {
        return None;
    };
    let message = format!("Primary key constraint error: ({path})\n{problem}");
    Some(wrong(node, "Parsing Error", message))
}
