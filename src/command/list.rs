//! `ls`: the selected nodes, as selectors, names, paths or JSON lines. No database.
use super::Outcome;
use super::selection::selected;
use super::session::Session;
use super::setup;
use crate::artifact;
use crate::cli::{Command, Output};
use crate::diag::Result;
use crate::graph::{Entry, ResourceType, version_text};
use crate::report::Event;
use crate::select::Purpose;
use serde_json::{Map, Value};

const DEFAULT_KEYS: &[&str] = &[
    "alias",
    "name",
    "package_name",
    "depends_on",
    "tags",
    "config",
    "resource_type",
    "source_name",
    "original_file_path",
    "unique_id",
];

/// Runs the command.
pub fn list(ctx: &Session) -> Result<Outcome> {
    let Command::List {
        output,
        output_keys,
        ..
    } = &ctx.invocation.command
    else {
        return Ok(Outcome::Success);
    };
    let loaded = setup::load(ctx, false)?;
    super::run::write_manifest(ctx, &loaded)?;
    let mut ids = selected(ctx, &loaded, Purpose::List)?;
    ids.sort();
    if ids.is_empty() {
        ctx.reporter.emit(Event::no_nodes_selected());
    }
    let lines: Vec<String> = ids
        .iter()
        .filter_map(|id| loaded.manifest.entry(id))
        .map(|e| match output {
            Output::Json => json_line(e, output_keys),
            Output::Name => name(e),
            Output::Path => e.original_file_path().to_string(),
            _ => selector(e),
        })
        .collect();
    for text in lines {
        ctx.reporter.emit(Event::Output {
            text,
            header: None,
            dbt: None,
        });
    }
    Ok(Outcome::Success)
}

fn selector(e: Entry<'_>) -> String {
    let prefixed = |p: &str| format!("{p}:{}.{}", e.package_name(), e.name());
    match e {
        Entry::Source(s) => format!("source:{}.{}.{}", s.package_name, s.source_name, s.name),
        Entry::Exposure(_) => prefixed("exposure"),
        Entry::Semantic(s) => prefixed(s.resource_type.as_str()),
        Entry::UnitTest(u) => {
            let version = u.version.as_ref().map(|v| format!("_v{}", version_text(v)));
            let version = version.unwrap_or_default();
            format!("unit_test:{}.{}{version}", u.package_name, u.name)
        }
        Entry::Node(_) => e.fqn().join("."),
    }
}

fn name(e: Entry<'_>) -> String {
    match e {
        Entry::Source(s) => format!("{}.{}", s.source_name, s.name),
        Entry::Node(n) if n.resource_type == ResourceType::Model => n.search_name(),
        _ => e.name().to_string(),
    }
}

fn json_line(e: Entry<'_>, keys: &[String]) -> String {
    let full = artifact::entry(e);
    let Value::Object(full) = full else {
        return String::new();
    };
    let mut out = Map::new();
    if keys.is_empty() {
        let known = full
            .iter()
            .filter(|(k, _)| DEFAULT_KEYS.contains(&k.as_str()));
        out.extend(known.map(|(k, v)| (k.clone(), v.clone())));
    } else {
        // In the node's own order, as dbt has it; what lies deeper, which dbt does not know, follows.
        let wanted = full.iter().filter(|(k, _)| keys.contains(k));
        out.extend(wanted.map(|(k, v)| (k.clone(), v.clone())));
        for key in keys.iter().filter(|k| k.contains('.')) {
            let mut parts = key.split('.');
            let first = parts.next().unwrap_or_default();
            let mut value = full.get(first).cloned();
            for part in parts {
                value = value.and_then(|v| v.get(part).cloned());
            }
            if let Some(value) = value {
                out.insert(key.clone(), value);
            }
        }
    }
    super::python_json::text(&Value::Object(out))
}
