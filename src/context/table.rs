//! `docs/context.md`: every name, method and macro that templates have, written from the code's own lists.
//!
//! The test fails when a name comes or goes without the table; with `TV1_WRITE_DOCS=1` it writes the table instead.
use super::{adapter, column, exceptions, names, relation};
use crate::jinja::{EngineBuilder, Packages, Value};
use std::fmt::Write;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/context.md");

/// Where something is not simply as in dbt.
const NOTES: &[(&str, &str)] = &[
    (
        "_sql_results",
        "a copy: what is put in is not seen by `load_result`",
    ),
    ("context_macro_stack", "there, empty"),
    ("defer_relation", "`none`"),
    (
        "submit_python_job",
        "an error: Python models do not run on PostgreSQL",
    ),
    (
        "validation",
        "accepts everything, as nothing reads its answer",
    ),
    (
        "adapter.build_catalog_relation",
        "`none`: PostgreSQL has no catalog integrations",
    ),
    (
        "adapter.get_catalog_integration",
        "an error, as in dbt without catalogs",
    ),
    (
        "adapter.get_partitions_metadata",
        "an error, as in dbt: no partitions of that kind",
    ),
    (
        "adapter.cache_added",
        "as in dbt; `none` and views of macros are passed over",
    ),
    (
        "relation.get_function_config",
        "an error: functions are resources of dbt 1.11",
    ),
    (
        "relation.Config",
        "an error: nothing in templates makes one",
    ),
    ("relation.from_dict", "an error: use `api.Relation.create`"),
    ("relation.validate", "an error: use `api.Relation.create`"),
    ("relation.replace", "an error: use `incorporate`"),
    (
        "relation.get_materialized_view_config_change_collection",
        "an error: the built-in macros find changes themselves",
    ),
    (
        "relation.create_ephemeral_from",
        "an error: `ref` gives such relations",
    ),
    (
        "relation.render_event_time_filtered",
        "an error: `ref` filters by itself",
    ),
    (
        "relation.get_default_quote_policy",
        "an error: `api.Relation.create` knows them",
    ),
    (
        "relation.get_default_include_policy",
        "an error: `api.Relation.create` knows them",
    ),
    ("relation.keys", "an error when it is called"),
    ("relation.items", "an error when it is called"),
    ("relation.values", "an error when it is called"),
];

fn section(out: &mut String, title: &str, intro: &str, prefix: &str, all: &[&str]) {
    let _ = write!(
        out,
        "\n## {title}\n\n{intro}\n\n| name | state |\n| --- | --- |\n"
    );
    let mut all = all.to_vec();
    all.sort_unstable();
    for name in all {
        let key = format!("{prefix}{name}");
        let note = NOTES.iter().find(|(n, _)| *n == key);
        let _ = writeln!(out, "| `{name}` | {} |", note.map_or("as in dbt", |n| n.1));
    }
}

fn macros(out: &mut String) {
    let mut builder = EngineBuilder::new();
    for (package, file) in crate::builtin::files() {
        builder.add_macro_file(package, &file).unwrap();
    }
    let builtins = crate::builtin::PACKAGES.map(String::from).to_vec();
    let engine = builder
        .build(Packages {
            root: "p".into(),
            builtins,
        })
        .unwrap();
    let list = include_str!("../../tests/engine/builtin/names.list");
    let dbts: Vec<&str> = list
        .lines()
        .filter(|l| !l.starts_with(['#', '-']))
        .collect();
    let known = |id: &str| {
        dbts.iter()
            .any(|l| l.split('(').next().is_some_and(|n| n == id))
    };
    let mut rows: Vec<(String, String)> = engine
        .registry()
        .iter()
        .map(|def| {
            let id = format!("{}.{}", def.package, def.name);
            let state = if known(&id) { "as in dbt" } else { "tv1's own" };
            (id, state.to_string())
        })
        .collect();
    let left_out = list.lines().filter_map(|l| l.strip_prefix("- "));
    rows.extend(left_out.filter_map(|l| {
        let (id, why) = l.split_once(": ")?;
        Some((id.to_string(), format!("left out: {why}")))
    }));
    rows.sort();
    let _ = write!(
        out,
        "\n## Macros\n\nThose that every project has. A macro of the same name in the project or in a package of the \
         search order stands in for one.\n\n| macro | state |\n| --- | --- |\n"
    );
    for (id, state) in rows {
        let _ = writeln!(out, "| `{id}` | {state} |");
    }
}

fn members(value: &Value) -> Vec<String> {
    let names = value.try_iter().unwrap();
    names.map(|n| n.as_str().unwrap().to_string()).collect()
}

fn table() -> String {
    let mut out = String::from(
        "# What templates have\n\nWritten from the code by the test `context::table`; `TV1_WRITE_DOCS=1` writes it anew. \
         \u{201c}As in dbt\u{201d} is dbt-core 1.10 with its Postgres adapter.\n",
    );
    let every = "In every render that runs code, in `context` and in `builtins`.";
    section(&mut out, "Names", every, "", names::ALWAYS);
    let nodes = "In renders of nodes and hooks; an operation lacks them.";
    section(&mut out, "Names of nodes", nodes, "", names::OF_NODES);
    let ends = "In `on-run-end` hooks alone.";
    section(
        &mut out,
        "Names at the end",
        ends,
        "",
        &["database_schemas", "results", "schemas"],
    );
    let methods = "A macro of the project or a package may stand in for what a method runs (`drop_relation`, \
                   `get_columns_in_relation`, …), by name or by dispatch.";
    section(
        &mut out,
        "Methods of `adapter`",
        methods,
        "adapter.",
        adapter::METHODS,
    );
    section(
        &mut out,
        "Methods of relations",
        "Of `this`, `ref(…)`, `api.Relation.create(…)`.",
        "relation.",
        relation::object::METHODS,
    );
    let columns: Vec<&str> = [column::METHODS, column::CLASS_METHODS].concat();
    section(
        &mut out,
        "Methods of columns",
        "Of `api.Column.create(…)`, `adapter.get_columns_in_relation(…)`.",
        "column.",
        &columns,
    );
    section(
        &mut out,
        "`exceptions`",
        "Functions.",
        "exceptions.",
        exceptions::NAMES,
    );
    let modules = crate::jinja::modules::modules();
    for name in members(&modules) {
        let all = members(&modules.get_attr(&name).unwrap());
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        section(
            &mut out,
            &format!("`modules.{name}`"),
            "Members.",
            &format!("modules.{name}."),
            &all,
        );
    }
    macros(&mut out);
    out
}

#[test]
fn the_table_of_names_is_the_codes() {
    let now = table();
    if std::env::var_os("TV1_WRITE_DOCS").is_some() {
        std::fs::write(PATH, &now).unwrap();
    }
    let written = std::fs::read_to_string(PATH).unwrap_or_default();
    let differs = now
        .lines()
        .zip(written.lines().chain(std::iter::repeat("")))
        .find(|(a, b)| a != b);
    assert!(
        now == written,
        "docs/context.md is not what the code has ({differs:?}): run this test with TV1_WRITE_DOCS=1"
    );
}

#[test]
fn notes_are_of_names_that_there_are() {
    let text = table();
    for (name, note) in NOTES {
        let plain = name.rsplit('.').next().unwrap();
        assert!(text.contains(&format!("| `{plain}` | {note} |")), "{name}");
    }
}
