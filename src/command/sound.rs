//! What a project must be beside well written: for this version of dbt, without catalogs, with names and tests that can
//! be found.
use super::session::Session;
use crate::config::Project;
use crate::context::Shared;
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::graph::Manifest;
use crate::yaml::Node;
use std::path::Path;

/// Whether a project asks for another version of dbt than the one that is followed here.
pub(super) fn check_version(ctx: &Session, project: &Project) -> Result<()> {
    let wanted = &project.require_dbt_version;
    let name = &project.name;
    let place = || {
        let doc = crate::yaml::load(&project.file).ok()?;
        let node = doc.root.get("require-dbt-version")?.clone();
        Some(doc.place(&node))
    };
    let shown: Vec<String> = wanted.iter().map(|w| format!("'{w}'")).collect();
    let d = match crate::packages::version_allowed(wanted, crate::DBT_VERSION) {
        Ok(true) => return Ok(()),
        Ok(false) if !ctx.invocation.flags.version_check => return Ok(()),
        Ok(false) => Diagnostic::error(
            code::P0104,
            format!(
                "This version of dbt is not supported with the '{name}' package.\n  Installed version of dbt: ={}\n  Required version of dbt for '{name}': [{}]",
                crate::DBT_VERSION,
                shown.join(", ")
            ),
        )
        .help(format!("check for a different version of the '{name}' package, or run again with `--no-version-check`")),
        Err(bad) => Diagnostic::error(
            code::P0104,
            format!("\"{bad}\" is not a valid semantic version"),
        )
        .help("write conditions such as `\">=1.8.0\"` or `[\">=1.8.0\", \"<2.0.0\"]`"),
    };
    Err(d.heading("Runtime Error").at_opt(place()).into())
}

/// `catalogs.yml` names places outside of a database where tables are written. PostgreSQL has none, so dbt refuses
/// whatever stands there.
pub(super) fn no_catalogs(root: &Path) -> Result<()> {
    const FILE: &str = "catalogs.yml";
    let Ok(text) = std::fs::read_to_string(root.join(FILE)) else {
        return Ok(());
    };
    let document = crate::yaml::load(&crate::text::SourceFile::new(FILE, text))?;
    let catalogs = document.root.get("catalogs").map(Node::items);
    let (message, at) = match catalogs {
        None if document.root.is_null() => (format!("the file `{FILE}` is empty"), &document.root),
        Some([first, ..]) => (
            "Catalog type is not supported: PostgreSQL has no catalogs to write to".to_string(),
            first,
        ),
        _ => return Ok(()),
    };
    let d = Diagnostic::error(code::P0119, message).heading("Runtime Error");
    Err(d
        .at(document.place(at))
        .help(format!("remove `{FILE}`, or its entries"))
        .into())
}

/// Names with spaces: an error unless the project's flags allow them, and then a warning.
pub(super) fn spaces_in_names(ctx: &Session, manifest: &Manifest) -> Result<Vec<Diagnostic>> {
    let strict = ctx
        .invocation
        .flags
        .behaviour("require_resource_names_without_spaces");
    let found = manifest.nodes.values().filter(|n| n.name.contains(' '));
    let mut told: Vec<Diagnostic> = found
        .map(|n| {
            let text = format!("Found spaces in the name of `{}`", n.unique_id);
            if strict {
                Diagnostic::error(code::G0413, text)
                    .heading("Runtime Error")
                    .note("Resource names cannot contain spaces")
                    .help("name it without spaces, or set the flag `require_resource_names_without_spaces: false`")
            } else {
                Diagnostic::warning(code::G0413, text)
                    .event("SpacesInResourceNameDeprecation")
                    .fact("unique_id", n.unique_id.as_str())
                    .fact("level", "warn")
            }
        })
        .collect();
    if strict && !told.is_empty() {
        return Err(Stopped(told));
    }
    if !told.is_empty() {
        let count = told.len();
        let debug = ctx.invocation.flags.debug;
        let mut hint = "";
        if !debug {
            // As in dbt, the first one stands for all.
            told.truncate(1);
            hint = " Run again with `--debug` to see them all.";
        }
        let message = format!(
            "Spaces found in {count} resource name(s). This is deprecated, and may lead to errors when using dbt.{hint} For more information: https://docs.getdbt.com/reference/global-configs/legacy-behaviors"
        );
        let d = Diagnostic::warning(code::P0110, message)
            .event("ResourceNamesWithSpacesDeprecation")
            .fact("count_invalid_names", count);
        told.push(d.fact("show_debug_hint", !debug));
    }
    Ok(told)
}

/// Generic tests whose macro is not there. As with dbt only running them is an error, but then it is late.
pub(super) fn unknown_tests(shared: &Shared, manifest: &Manifest) -> Vec<Diagnostic> {
    let registry = shared.engine.registry();
    let names = || registry.iter().filter_map(|d| d.name.strip_prefix("test_"));
    let mut out = Vec::new();
    for node in manifest.nodes.values() {
        let Some(test) = &node.test else {
            continue;
        };
        let wanted = format!("test_{}", test.name);
        let found = match &test.namespace {
            Some(package) => registry.get(package, &wanted).is_some(),
            None => registry.iter().any(|d| d.name == wanted),
        };
        if found {
            continue;
        }
        let word = match &test.namespace {
            Some(package) => format!("{package}.{wanted}"),
            None => wanted.clone(),
        };
        let place = node.place.as_ref().map(|p| {
            let text = &p.file.text[p.span.clone()];
            match text.find(test.name.as_str()) {
                Some(at) => {
                    let start = p.span.start + at;
                    crate::text::Place::new(&p.file, start..start + test.name.len())
                }
                None => p.clone(),
            }
        });
        let d = Diagnostic::warning(
            code::G0412,
            format!(
                "test {} ({}): '{word}' is undefined",
                node.name, node.original_file_path
            ),
        )
        .at_opt(place);
        out.push(match crate::text::nearest(&test.name, names()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d,
        });
    }
    out
}
