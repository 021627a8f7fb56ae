//! The commands that compare with an earlier run, and the small ones: state, defer, freshness, retry, clone, operations.
use crate::project::Project;
use std::fs;

const SHOP: &[(&str, &str)] = &[
    ("seeds/raw.csv", "id,at\n1,2024-01-01\n2,2024-01-02\n"),
    ("models/a.sql", "select * from {{ ref('raw') }}\n"),
    (
        "models/b.sql",
        "{{ config(materialized='table') }}\nselect id from {{ ref('a') }}\n",
    ),
    ("models/c.sql", "select * from {{ ref('b') }}\n"),
    (
        "models/p.yml",
        "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [unique]\n  - name: b\n    columns:\n      - name: id\n        data_tests:\n          - accepted_values:\n              arguments: {values: [1]}\n              config: {severity: warn}\n",
    ),
];

/// A copy of the target folder, as the state of another run.
fn keep_state(shop: &Project, name: &str) {
    let to = shop.folder().join(name);
    fs::create_dir_all(&to).unwrap();
    for file in ["manifest.json", "run_results.json", "sources.json"] {
        let from = shop.folder().join("target").join(file);
        if from.is_file() {
            fs::copy(from, to.join(file)).unwrap();
        }
    }
}

#[test]
fn what_changed_is_selected() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"]).expect(0, &["WARN=1"]);
    keep_state(&shop, "state");
    let state = ["--state", "state"];
    let ls = |criteria: &[&str]| {
        let mut args = vec!["--quiet", "ls", "--resource-type", "model", "--select"];
        args.extend(criteria);
        args.extend(state);
        shop.tv1(&args)
    };
    assert_eq!(ls(&["state:modified"]).expect(0, &[]).said, "");
    shop.write("models/b.sql", "select id + 1 as id from {{ ref('a') }}\n");
    shop.write("models/new.sql", "select 1 as id\n");
    assert_eq!(
        ls(&["state:modified"]).expect(0, &[]).said,
        "shop.b\nshop.new\n"
    );
    assert_eq!(ls(&["state:new"]).expect(0, &[]).said, "shop.new\n");
    assert_eq!(
        ls(&["state:modified.body"]).expect(0, &[]).said,
        "shop.b\nshop.new\n"
    );
    assert_eq!(
        ls(&["state:modified+,state:old"]).expect(0, &[]).said,
        "shop.b\nshop.c\n"
    );
    assert_eq!(
        ls(&["state:unmodified"]).expect(0, &[]).said,
        "shop.a\nshop.c\n"
    );
    assert_eq!(
        ls(&["result:success"]).expect(0, &[]).said,
        "shop.a\nshop.b\nshop.c\n"
    );
    shop.tv1(&["run", "--select", "state:modified", "--state", "target"])
        .expect(0, &["same"]);
    shop.tv1(&["ls", "--select", "state:modified"]).expect(
        2,
        &["Got a state selector method, but no comparison manifest"],
    );
}

#[test]
fn unselected_nodes_are_read_from_elsewhere() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build", "--vars", "{}"]).expect(0, &[]);
    keep_state(&shop, "state");
    shop.write("profiles.yml", "");
    fs::remove_file(shop.folder().join("profiles.yml")).unwrap();
    let schema = [("TV1_SCHEMA", "elsewhere")];
    let compiled = |args: &[&str]| {
        let mut all = vec!["compile", "--select", "c", "--state", "state"];
        all.extend(args);
        shop.tv1_env(&schema, &all).expect(0, &[]).said
    };
    assert!(compiled(&[]).contains("\"elsewhere\".\"b\""));
    assert!(compiled(&["--defer"]).contains("\"public\".\"b\""));
    shop.tv1_env(
        &schema,
        &["build", "--select", "c", "--defer", "--state", "state"],
    )
    .expect(0, &["PASS=1"]);
    assert_eq!(shop.rows("select count(*) from elsewhere.c"), "2");
    // What exists here goes first, unless the other environment is favoured.
    shop.tv1_env(&schema, &["build", "--select", "+b"])
        .expect(0, &[]);
    assert!(compiled(&["--defer"]).contains("\"elsewhere\".\"b\""));
    assert!(compiled(&["--defer", "--favor-state"]).contains("\"public\".\"b\""));
    assert!(
        compiled(&["--defer", "--defer-state", "state", "--favor-state"])
            .contains("\"public\".\"b\"")
    );
}

#[test]
fn another_environment_is_cloned() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"]).expect(0, &[]);
    keep_state(&shop, "state");
    let schema = [("TV1_SCHEMA", "copy")];
    shop.tv1_env(&schema, &["clone", "--state", "state"])
        .expect(0, &["Done. PASS=4 WARN=0 ERROR=0 SKIP=0"]);
    let kinds = "select relname || ':' || relkind::text from pg_class where relnamespace = 'copy'::regnamespace order by 1";
    assert_eq!(shop.rows(kinds), "a:v b:v c:v raw:v");
    assert_eq!(shop.rows("select count(*) from copy.b"), "2");
    shop.tv1_env(&schema, &["clone", "--state", "state", "--select", "b"])
        .expect(0, &["already exists", "PASS=1"]);
    shop.tv1(&["clone"])
        .expect(2, &["--state or --defer-state are required"]);
}

#[test]
fn what_failed_is_taken_up() {
    let shop = Project::new(SHOP);
    shop.write(
        "models/b.sql",
        "{{ config(materialized='table') }}\nselect 1 / (id - id) as id from {{ ref('a') }}\n",
    );
    shop.tv1(&["build", "--vars", "{x: 1}"])
        .expect(1, &["division by zero", "SKIP=2"]);
    shop.tv1(&["retry"])
        .expect(1, &["1 of 3", "ERROR=1", "SKIP=2"]);
    shop.write(
        "models/b.sql",
        "select id from {{ ref('a') }} where {{ var('x') }} = 1\n",
    );
    shop.tv1(&["retry"])
        .expect(0, &["PASS=2 WARN=1 ERROR=0 SKIP=0"]);
    shop.tv1(&["retry"]).expect(0, &["Nothing to do"]);
}

#[test]
fn the_age_of_sources() {
    let sources = "sources:\n  - name: raw\n    schema: raw\n    tables:\n\
        \x20     - name: fresh\n        loaded_at_field: at\n        freshness: {error_after: {count: 1, period: day}}\n\
        \x20     - name: old\n        loaded_at_field: at\n        freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}\n\
        \x20     - name: warned\n        loaded_at_query: select max(at) from raw.old\n        freshness: {warn_after: {count: 1, period: day}}\n\
        \x20     - name: unread\n        freshness: {error_after: {count: 1, period: day}}\n\
        \x20     - name: wrong\n        loaded_at_field: nothing\n        freshness: {error_after: {count: 1, period: day}}\n\
        \x20     - name: unasked\n";
    let shop = Project::new(&[("models/s.yml", sources)]);
    shop.rows("create schema raw");
    for table in ["fresh", "old", "warned", "unread", "wrong"] {
        shop.rows(&format!("create table raw.{table} (at timestamp)"));
    }
    shop.rows("insert into raw.fresh values (now() at time zone 'utc')");
    shop.rows("insert into raw.old values (now() at time zone 'utc' - interval '3 days')");
    shop.tv1(&["source", "freshness", "--threads", "1"]).expect(
        1,
        &[
            "1 of 5 PASS freshness of raw.fresh",
            "ERROR STALE freshness of raw.old",
            "WARN freshness of raw.warned",
            "no 'loaded_at_field' provided and postgres adapter does not support metadata-based freshness checks",
            "column \"nothing\" does not exist",
            "Done.",
        ],
    );
    let text = fs::read_to_string(shop.folder().join("target/sources.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let status = |name: &str| {
        let all = json["results"].as_array().unwrap();
        let id = format!("source.shop.raw.{name}");
        all.iter()
            .find(|r| r["unique_id"] == id.as_str())
            .map(|r| r["status"].as_str().unwrap().to_string())
    };
    assert_eq!(status("fresh").as_deref(), Some("pass"));
    assert_eq!(status("old").as_deref(), Some("error"));
    assert_eq!(status("warned").as_deref(), Some("warn"));
    shop.tv1(&[
        "source",
        "snapshot-freshness",
        "--select",
        "source:raw.fresh",
    ])
    .expect(0, &["PASS freshness of raw.fresh"]);
    // What was loaded since is fresher.
    keep_state(&shop, "state");
    shop.rows("insert into raw.fresh values (now() at time zone 'utc' + interval '1 minute')");
    shop.tv1(&["source", "freshness", "--select", "source:raw.fresh"])
        .expect(0, &[]);
    let fresher = shop.tv1(&[
        "--quiet",
        "ls",
        "--select",
        "source_status:fresher",
        "--state",
        "state",
    ]);
    assert_eq!(fresher.expect(0, &[]).said, "source:shop.raw.fresh\n");
}

#[test]
fn one_macro_is_run() {
    let shop = Project::new(&[(
        "macros/m.sql",
        "{% macro make(name, n=1) %}{% do run_query('create table ' ~ name ~ ' as select ' ~ n ~ ' as id') %}{% endmacro %}\n\
         {% macro broken() %}{% do run_query('select nothing') %}{% endmacro %}\n",
    )]);
    shop.tv1(&["run-operation", "make", "--args", "{name: t, n: 3}"])
        .expect(0, &[]);
    assert_eq!(shop.rows("select id from t"), "3");
    assert_eq!(shop.statuses(), ["macro make success"]);
    shop.tv1(&["run-operation", "shop.make", "--args", "{name: t}"])
        .expect(
            1,
            &[
                "Encountered an error while running operation: Database Error",
                "already exists",
            ],
        );
    shop.tv1(&["run-operation", "broken"])
        .expect(1, &["column \"nothing\" does not exist", "macros/m.sql:2"]);
    shop.tv1(&["run-operation", "mak"]).expect(
        2,
        &["dbt could not find a macro with the name 'mak'", "`make`"],
    );
}

#[test]
fn warnings_can_be_errors_or_silent() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"]).expect(0, &["WARN=1"]);
    shop.tv1(&["--warn-error", "test", "--select", "b"])
        .expect(1, &["Got 1 result, configured to fail if", "ERROR=1"]);
    shop.tv1(&[
        "test",
        "--select",
        "b",
        "--warn-error-options",
        "{error: [LogTestResult]}",
    ])
    .expect(1, &["ERROR=1"]);
    shop.tv1(&[
        "test",
        "--select",
        "b",
        "--warn-error-options",
        "{error: all, warn: [LogTestResult]}",
    ])
    .expect(0, &["WARN=1"]);
    shop.tv1(&["run", "--select", "none", "--warn-error"])
        .expect(2, &["does not match any enabled nodes"]);
    let silent = shop.tv1(&[
        "run",
        "--select",
        "none",
        "--warn-error-options",
        "{silence: [NoNodesForSelectionCriteria]}",
    ]);
    assert!(
        !silent
            .expect(0, &["Nothing to do"])
            .said
            .contains("does not match")
    );
    let none = |options: &str| shop.tv1(&["run", "-s", "none", "--warn-error-options", options]);
    none("{error: [NothingToDo]}").expect(2, &["Nothing to do"]);
    let quiet = none("{silence: [NothingToDo]}").expect(0, &[]);
    assert!(!quiet.said.contains("Nothing to do"));
    shop.write(
        "dbt_project.yml",
        "name: shop\nflags:\n  warn_error_options:\n    include: [NoNodesForSelectionCriteria]\n",
    );
    shop.tv1(&["run", "--select", "none"])
        .expect(2, &["does not match any enabled nodes"]);
    shop.write("dbt_project.yml", "name: shop\n");
    shop.write(
        "macros/m.sql",
        "{% macro w() %}{% do exceptions.warn('careful') %}{% endmacro %}\n",
    );
    shop.tv1(&["run-operation", "w"]).expect(0, &["careful"]);
    shop.tv1(&["run-operation", "w", "--warn-error"])
        .expect(1, &["careful"]);
}

#[test]
fn selectors_by_name_and_by_default() {
    let shop = Project::new(SHOP);
    shop.write(
        "selectors.yml",
        "selectors:\n  - name: first\n    definition: {method: fqn, value: a, indirect_selection: empty}\n  - name: usual\n    default: true\n    definition: c\n",
    );
    let ls = |args: &[&str]| {
        shop.tv1(&[&["--quiet", "ls"], args].concat())
            .expect(0, &[])
            .said
    };
    assert_eq!(ls(&["--selector", "first"]), "shop.a\n");
    assert_eq!(ls(&[]), "shop.c\n");
    assert_eq!(
        ls(&["--select", "b", "--indirect-selection", "empty"]),
        "shop.b\n"
    );
    assert_eq!(
        ls(&["--select", "a", "--exclude-resource-type", "test"]),
        "shop.a\n"
    );
    let cautious = shop.tv1_env(
        &[("DBT_INDIRECT_SELECTION", "empty")],
        &["--quiet", "ls", "--select", "a"],
    );
    assert_eq!(cautious.expect(0, &[]).said, "shop.a\n");
    let json = ls(&[
        "--select",
        "raw",
        "--output",
        "json",
        "--output-keys",
        "name",
        "resource_type",
    ]);
    assert_eq!(json, "{\"name\": \"raw\", \"resource_type\": \"seed\"}\n");
}

#[test]
fn rows_and_sql_are_shown() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"]).expect(0, &[]);
    shop.tv1(&["show", "--select", "b", "--limit", "1"])
        .expect(0, &["Previewing node 'b':", "| id |", "|  1 |"]);
    let json = shop.tv1(&[
        "show",
        "--quiet",
        "--inline",
        "select count(*) as n from {{ ref('b') }}",
        "--output",
        "json",
    ]);
    assert_eq!(
        json.expect(0, &[]).said.replace([' ', '\n'], ""),
        "{\"show\":[{\"n\":2}]}"
    );
    shop.tv1(&["compile", "--inline", "select * from {{ ref('b') }}"])
        .expect(0, &["Compiled inline node is:", "\"public\".\"b\""]);
    shop.tv1(&["show", "--inline", "select * from {{ ref('nope') }}"])
        .expect(2, &["'nope'"]);
    shop.tv1(&["show"])
        .expect(2, &["Either --select or --inline must be passed to show"]);
}

#[test]
fn a_sample_of_what_has_a_time() {
    let shop = Project::new(SHOP);
    shop.write(
        "models/a.sql",
        "select id, at::timestamptz as at from {{ ref('raw') }}\n",
    );
    shop.write(
        "models/e.yml",
        "models:\n  - name: x\n    config: {event_time: at}\n",
    );
    shop.write("models/x.sql", "select * from {{ ref('a') }}\n");
    shop.write(
        "models/y.sql",
        "{{ config(materialized='table') }} select * from {{ ref('x') }}\n",
    );
    shop.tv1(&[
        "build",
        "--select",
        "+y",
        "--sample",
        "{start: 2024-01-02, end: 2024-01-03}",
    ])
    .expect(0, &[]);
    assert_eq!(shop.rows("select count(*) from y"), "1");
    shop.tv1(&["run", "--select", "y", "--empty"])
        .expect(0, &[]);
    assert_eq!(shop.rows("select count(*) from y"), "0");
}

#[test]
fn a_new_project_without_a_terminal() {
    let shop = Project::new(&[]);
    let outside = tempfile::tempdir().unwrap();
    shop.tv1_in(outside.path(), &["init", "fresh"])
        .expect(0, &["\"fresh\" was created"]);
    shop.tv1_in(outside.path(), &["init", "fresh"])
        .expect(2, &["already exists"]);
    shop.tv1_in(outside.path(), &["init"])
        .expect(2, &["a new project needs a name"]);
    shop.tv1_in(&outside.path().join("fresh"), &["parse"])
        .expect(0, &[]);
}

#[test]
fn results_are_cleaned_and_sources_are_not() {
    let shop = Project::new(SHOP);
    shop.tv1(&["parse"]).expect(0, &[]);
    assert!(shop.folder().join("target/manifest.json").is_file());
    shop.tv1(&["clean"])
        .expect(0, &["Finished cleaning all paths."]);
    assert!(!shop.folder().join("target").exists());
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("x")).unwrap();
    let target = outside.path().join("x");
    shop.write(
        "dbt_project.yml",
        &format!("name: shop\nclean-targets: [\"{}\"]\n", target.display()),
    );
    shop.tv1(&["clean"])
        .expect(2, &["outside the project", "--no-clean-project-files-only"]);
    assert!(target.exists());
    shop.tv1(&["clean", "--no-clean-project-files-only"])
        .expect(0, &[]);
    assert!(!target.exists());
    shop.write("dbt_project.yml", "name: shop\nclean-targets: [models]\n");
    shop.tv1(&["clean", "--no-clean-project-files-only"])
        .expect(2, &["source paths"]);
}

#[test]
fn packages_that_are_not_installed() {
    let shop = Project::new(SHOP);
    shop.write("packages.yml", "packages:\n  - local: shared\n");
    shop.write("shared/dbt_project.yml", "name: shared\n");
    shop.tv1(&["parse"]).expect(2, &["K0910", "tv1 deps"]);
    shop.tv1(&["deps"]).expect(0, &[]);
    shop.tv1(&["parse"]).expect(0, &[]);
}

#[test]
fn the_first_failure_stops_the_rest() {
    let shop = Project::new(&[
        (
            "models/a.sql",
            "{{ config(materialized='table') }} select 1 / (x - x) as id from (values (1)) as t(x)\n",
        ),
        ("models/b.sql", "select 1 as id\n"),
        ("models/c.sql", "select * from {{ ref('a') }}\n"),
    ]);
    shop.tv1(&["run", "--fail-fast", "--threads", "1"])
        .expect(1, &["ERROR=1 SKIP=2"]);
    let results = fs::read_to_string(shop.folder().join("target/run_results.json")).unwrap();
    assert!(results.contains("Skipping due to fail_fast"), "{results}");
}

#[test]
fn documentation_is_served_on_this_machine_only() {
    use std::io::{BufRead, BufReader, Read, Write};
    let shop = Project::new(SHOP);
    shop.tv1(&["docs", "serve", "--no-browser"])
        .expect(2, &["docs generate"]);
    shop.tv1(&["docs", "generate"]).expect(0, &[]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let mut child = shop
        .command(&["docs", "serve", "--port", &port, "--no-browser"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("http://127.0.0.1:") && said.read_line(&mut line).unwrap() > 0 {}
    assert!(line.contains(&port), "{line}");
    let address = format!("127.0.0.1:{port}");
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let (page, manifest, outside) = (get("/"), get("/manifest.json"), get("/../dbt_project.yml"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("<html"),
        "{page}"
    );
    assert!(manifest.contains("model.shop.a"));
    assert!(outside.starts_with("HTTP/1.1 404"), "{outside}");
}
