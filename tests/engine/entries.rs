//! What stands around the models: exposures, groups, flags in profiles.yml, descriptions of macros, pages, the graph's
//! summary. Expectations were recorded from dbt-core 1.10.23.
use crate::project::Project;
use serde_json::{Value, json};

fn artefact(p: &Project, name: &str) -> Value {
    let text = std::fs::read_to_string(p.folder().join("target").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

const FILES: &[(&str, &str)] = &[
    (
        "dbt_project.yml",
        "name: shop\nversion: \"1.0\"\nprofile: shop\nexposures:\n  shop:\n    +meta: {from: tree, k: 1}\n    +tags: [tree]\n",
    ),
    ("models/a.sql", "select 1 as id\n"),
    ("models/b.sql", "select id from {{ ref('a') }}\n"),
    (
        "models/p.yml",
        "groups:
  - name: finance
    owner: {name: O}
models:
  - name: a
    config: {group: finance}
    columns:
      - name: id
        data_tests:
          - accepted_values: {arguments: {values: [7]}}
exposures:
  - name: top
    type: dashboard
    owner: {email: a@b.c}
    meta: {own: 1, from: entry}
    tags: [entry]
    depends_on: [ref('a')]
  - name: low
    type: dashboard
    owner: {email: a@b.c}
    meta: {own: 1, from: entry}
    config: {meta: {from: config}, tags: [config]}
    depends_on: [ref('b')]
",
    ),
];

#[test]
fn exposures_do_not_wait_for_tests() {
    let shop = Project::new(FILES);
    shop.tv1(&["build"])
        .expect(1, &["PASS=1 WARN=0 ERROR=1 SKIP=2 NO-OP=1 TOTAL=5"]);
    let statuses = shop.statuses();
    assert!(
        statuses.contains(&"exposure top no-op".to_string()),
        "{statuses:?}"
    );
    assert!(
        statuses.contains(&"model b skipped".to_string()),
        "{statuses:?}"
    );
    let summary = artefact(&shop, "graph_summary.json");
    let number = |name: &str| {
        let nodes = summary["linked"].as_object().unwrap();
        let found = nodes
            .iter()
            .find(|(_, n)| n["name"].as_str().unwrap().starts_with(name));
        found.unwrap().0.clone()
    };
    let test = number("test.shop.accepted_values");
    let b: usize = number("model.shop.b").parse().unwrap();
    assert_eq!(summary["linked"][&test]["succ"], Value::Null);
    assert_eq!(summary["with_test_edges"][&test]["succ"], json!([b]));
}

#[test]
fn entries_take_what_their_surroundings_say() {
    let shop = Project::new(FILES);
    shop.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let exposures = &manifest["exposures"];
    assert_eq!(
        exposures["exposure.shop.top"]["meta"],
        json!({"own": 1, "from": "tree", "k": 1})
    );
    assert_eq!(
        exposures["exposure.shop.top"]["tags"],
        json!(["entry", "tree"])
    );
    assert_eq!(
        exposures["exposure.shop.low"]["config"]["meta"],
        json!({"own": 1, "from": "config"})
    );
    assert_eq!(exposures["exposure.shop.low"]["tags"], json!(["config"]));
    let nodes = manifest["nodes"].as_object().unwrap();
    let test = nodes
        .values()
        .find(|n| n["resource_type"] == "test")
        .unwrap();
    assert_eq!(
        (&test["group"], &test["relation_name"]),
        (&json!("finance"), &Value::Null)
    );
    shop.tv1(&["test", "--store-failures"]).expect(1, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let nodes = manifest["nodes"].as_object().unwrap();
    let test = nodes
        .values()
        .find(|n| n["resource_type"] == "test")
        .unwrap();
    assert!(test["relation_name"].is_string(), "{test}");
}

#[test]
fn flags_may_stand_in_the_profiles_file() {
    let profiles = |config: &str| {
        format!(
            "{config}\nshop:\n  target: dev\n  outputs:\n    dev: {{type: postgres, host: localhost, port: 1, user: u, password: p, dbname: d, schema: s}}\n"
        )
    };
    let shop = Project::new(&[("models/a.sql", "select 1 as id\n")]);
    shop.write("profiles.yml", &profiles("config: {warn_error: true}"));
    let parse = ["parse", "--profiles-dir", "."];
    shop.tv1(&parse)
        .expect(2, &["ProjectFlagsMovedDeprecation"]);
    shop.write("profiles.yml", &profiles("config: {log_format: json}"));
    shop.tv1(&parse).expect(
        0,
        &[
            "\"code\": \"D013\"",
            "User config should be moved from the 'config' key",
        ],
    );
    shop.write(
        "dbt_project.yml",
        "name: shop\nversion: \"1.0\"\nprofile: shop\nflags: {fail_fast: true}\n",
    );
    shop.tv1(&parse).expect(
        2,
        &[
            "Do not specify both 'config' in profiles.yml and 'flags' in dbt_project.yml",
            "profiles.yml:1",
        ],
    );
}

#[test]
fn descriptions_of_macros_are_checked_where_the_project_says_so() {
    let project = |flag: &str| format!("name: shop\nversion: \"1.0\"\nprofile: shop\n{flag}\n");
    let shop = Project::new(&[
        ("models/a.sql", "select 1 as id\n"),
        (
            "macros/m.sql",
            "{% macro one(a, b) %}{{ a }}{% endmacro %}\n{% macro two(c) %}{{ c }}{% endmacro %}\n",
        ),
        (
            "macros/m.yml",
            "macros:\n  - name: one\n    arguments:\n      - {name: a, type: 'list[int]'}\n      - {name: x, type: number}\n  - name: two\n",
        ),
    ]);
    let two = || artefact(&shop, "manifest.json")["macros"]["macro.shop.two"]["arguments"].clone();
    let said = shop.tv1(&["parse"]).expect(0, &[]).said;
    assert!(!said.contains("jinja definition"), "{said}");
    assert_eq!(two(), json!([]));
    shop.write(
        "dbt_project.yml",
        &project("flags: {validate_macro_args: true}"),
    );
    shop.tv1(&["parse"]).expect(
        0,
        &[
            "Argument x in yaml for macro one does not match the jinja definition.",
            "Argument x in the yaml for macro one has an invalid type.",
            "macros/m.yml:2",
        ],
    );
    assert_eq!(
        two(),
        json!([{"name": "c", "type": null, "description": ""}])
    );
}

#[test]
fn the_static_page_is_written_where_people_look_for_it() {
    let shop = Project::new(&[("models/a.sql", "select 1 as id\n")]);
    shop.tv1(&["docs", "generate", "--static"])
        .expect(0, &["static_index.html"]);
    let page =
        |name: &str| std::fs::read_to_string(shop.folder().join("target").join(name)).unwrap();
    assert_eq!(page("static_index.html"), page("index.html"));
}
