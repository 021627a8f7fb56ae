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

#[test]
fn sources_say_themselves_how_they_are_read() {
    let shop = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nversion: \"1.0\"\nprofile: shop\nsources:\n  +tags: [tree]\n  +meta: {tree: 1, own: 0}\n  +loaded_at_field: of_tree\n  +event_time: at\ndata_tests:\n  +tags: [checks]\nmodels:\n  +schema: other\n",
        ),
        (
            "models/off.sql",
            "{{ config(enabled=false) }}select 1 as id\n",
        ),
        (
            "models/s.yml",
            "sources:
  - name: raw
    tags: [legacy]
    meta: {old: 1}
    config: {meta: {own: 1}, loaded_at_field: of_source}
    tables:
      - name: plain
        columns:
          - {name: id, tags: [key], data_tests: [not_null: {config: {tags: [own]}}]}
      - name: other
        config: {tags: [extra], loaded_at_query: select 1}
        external: {location: here, more: 1}
",
        ),
    ]);
    shop.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let plain = &manifest["sources"]["source.shop.raw.plain"];
    assert_eq!(plain["tags"], json!(["legacy"]));
    assert_eq!(plain["meta"], json!({"tree": 1, "own": 1, "old": 1}));
    assert_eq!(plain["source_meta"], json!({"old": 1, "own": 1}));
    assert_eq!(plain["loaded_at_field"], "of_source");
    assert_eq!(plain["config"]["event_time"], "at");
    assert_eq!(
        plain["unrendered_config"]["meta"],
        json!({"old": 1, "own": 1})
    );
    let other = &manifest["sources"]["source.shop.raw.other"];
    assert_eq!(other["tags"], json!(["extra", "legacy"]));
    assert_eq!(other["loaded_at_field"], "of_source");
    assert_eq!(other["loaded_at_query"], "select 1");
    assert_eq!(other["external"]["file_format"], Value::Null);
    assert_eq!(other["external"]["more"], 1);
    let nodes = manifest["nodes"].as_object().unwrap();
    let test = nodes
        .values()
        .find(|n| n["resource_type"] == "test")
        .unwrap();
    assert_eq!(test["tags"], json!(["key", "legacy", "own", "checks"]));
    let off = &manifest["disabled"]["model.shop.off"][0];
    assert_eq!(off["schema"], "public_other");
    assert!(off["relation_name"].is_string(), "{off}");
}

#[test]
fn the_parts_of_semantic_models_inherit_from_the_project() {
    let shop = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nversion: \"1.0\"\nprofile: shop\nsemantic-models:\n  +meta: {tree: 1}\nmetrics:\n  +meta: {metric: 1}\nsaved-queries:\n  +export_as: view\n",
        ),
        ("models/a.sql", "select 1 as id, current_date as day\n"),
        (
            "models/s.yml",
            "semantic_models:
  - name: sem
    model: ref('a')
    config: {meta: {own: 1}}
    defaults: {agg_time_dimension: on_day}
    entities: [{name: ident, type: primary, expr: id, config: {meta: {part: 1}}}]
    dimensions: [{name: on_day, expr: day, type: time, type_params: {time_granularity: day}}]
    measures: [{name: rows, agg: count, expr: id, create_metric: true}]
metrics:
  - name: counted
    label: Counted
    type: simple
    type_params: {measure: rows}
    meta: {legacy: 1}
saved_queries:
  - name: saved
    query_params: {metrics: [counted]}
    exports: [{name: one}, {name: two, config: {export_as: table}}]
",
        ),
        (
            "models/metricflow_time_spine.sql",
            "select current_date as date_day",
        ),
    ]);
    shop.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let sem = &manifest["semantic_models"]["semantic_model.shop.sem"];
    assert_eq!(
        sem["entities"][0]["config"]["meta"],
        json!({"tree": 1, "own": 1, "part": 1})
    );
    assert_eq!(
        sem["measures"][0]["config"]["meta"],
        json!({"tree": 1, "own": 1})
    );
    let metrics = manifest["metrics"].as_object().unwrap();
    let ids: Vec<&String> = metrics.keys().collect();
    assert_eq!(ids, ["metric.shop.counted", "metric.shop.rows"]);
    assert_eq!(metrics["metric.shop.counted"]["meta"], json!({"metric": 1}));
    let exports = &manifest["saved_queries"]["saved_query.shop.saved"]["exports"];
    assert_eq!(exports[0]["config"]["export_as"], "view");
    assert_eq!(exports[1]["config"]["export_as"], "table");
}

/// Models that look at tables without referring to them find what they find in dbt.
#[test]
fn nodes_run_by_level_and_id() {
    let shop = Project::new(&[
        ("seeds/s.csv", "id\n1\n"),
        ("models/z.sql", "select 1 as id\n"),
        ("models/y.sql", "select * from {{ ref('s') }}\n"),
        ("models/x.sql", "select * from {{ ref('y') }}\n"),
        (
            "models/b.sql",
            "{{ config(materialized='ephemeral') }}select * from {{ ref('z') }}\n",
        ),
        ("models/a.sql", "select * from {{ ref('b') }}\n"),
        (
            "models/p.yml",
            "models: [{name: z, columns: [{name: id, data_tests: [unique]}]}]\nunit_tests: [{name: u, model: y, given: [{input: ref('s'), rows: [{id: 1}]}], expect: {rows: [{id: 1}]}}]\n",
        ),
    ]);
    shop.tv1(&["build", "--threads", "1"])
        .expect(0, &["PASS=7"]);
    let results = artefact(&shop, "run_results.json");
    let list = results["results"].as_array().unwrap();
    let names: Vec<&str> = list
        .iter()
        .map(|r| r["unique_id"].as_str().unwrap())
        .map(|id| {
            id.split('.')
                .nth(if id.starts_with("unit") { 3 } else { 2 })
                .unwrap()
        })
        .collect();
    assert_eq!(names, ["z", "s", "u", "y", "unique_z_id", "x", "a"]);
}

#[test]
fn values_are_kept_in_the_form_that_dbt_gives_them() {
    let shop = Project::new(&[
        (
            "models/batches.sql",
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day', begin='2024-01-01') }}select 1 as id, timestamp '2024-01-01' as at\n",
        ),
        ("models/a.sql", "select 1 as id\n"),
        (
            "models/p.yml",
            "models:
  - name: a
    config: {meta: {who: \"{{ target.type }}\"}}
    columns:
      - name: id
        data_tests: [not_null: {description: \"of {{ target.type }}\"}]
",
        ),
        (
            "snapshots/s.sql",
            "{% snapshot s %}\n{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect * from {{ ref('a') }}\n{% endsnapshot %}\n",
        ),
    ]);
    shop.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let nodes = manifest["nodes"].as_object().unwrap();
    let batches = &nodes["model.shop.batches"];
    assert_eq!(batches["config"]["begin"], "2024-01-01T00:00:00");
    assert_eq!(batches["unrendered_config"]["begin"], "2024-01-01");
    assert_eq!(
        nodes["model.shop.a"]["unrendered_config"]["meta"],
        json!({"who": "postgres"})
    );
    let test = nodes
        .values()
        .find(|n| n["resource_type"] == "test")
        .unwrap();
    assert_eq!(test["description"], "of postgres");
    let snapshot = nodes["snapshot.shop.s"]["raw_code"].as_str().unwrap();
    assert!(
        snapshot.starts_with("\n{{ config(") && snapshot.ends_with("}}\n"),
        "{snapshot:?}"
    );
}

#[test]
fn the_schemas_of_a_run_are_those_of_stored_failures_too() {
    let shop = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nversion: \"1.0\"\nprofile: shop\non-run-end: \"{{ log('schemas: ' ~ schemas | sort | join(' '), info=true) }}\"\n",
        ),
        ("models/a.sql", "select 1 as id\n"),
        (
            "models/p.yml",
            "models:
  - name: a
    columns:
      - name: id
        data_tests:
          - not_null: {config: {store_failures: true}}
          - unique
          - accepted_values: {arguments: {values: [7]}, config: {store_failures: true, schema: failed}}
",
        ),
    ]);
    shop.tv1(&["build"])
        .expect(1, &["schemas: public public_dbt_test__audit\n"]);
}

#[test]
fn private_models_are_for_their_group_alone() {
    let shop = Project::new(&[
        ("models/a.sql", "select 1 as id\n"),
        ("models/b.sql", "select id from {{ ref('a') }}\n"),
        (
            "models/p.yml",
            "models:\n  - name: a\n    access: private\n    columns: [{name: id, data_tests: [unique]}]\n",
        ),
    ]);
    shop.tv1(&["parse"]).expect(
        2,
        &[
            "Node model.shop.b attempted to reference node model.shop.a",
            "private to the '' group",
        ],
    );
    shop.write(
        "models/p.yml",
        "groups: [{name: g, owner: {name: o}}]\nmodels:\n  - name: a\n    access: private\n    config: {group: g}\n    columns: [{name: id, data_tests: [unique]}]\n  - name: b\n    config: {group: g}\n    columns: [{name: id, data_tests: [{relationships: {arguments: {to: ref('a'), field: id}}}]}]\n",
    );
    shop.tv1(&["build"]).expect(0, &["PASS=4"]);
}

#[test]
fn the_form_of_the_project_file_has_one_version() {
    let project = |version: &str| format!("name: shop\nprofile: shop\nconfig-version: {version}\n");
    let shop = Project::new(&[("dbt_project.yml", &project("1"))]);
    shop.tv1(&["parse"]).expect(
        2,
        &[
            "Got an unexpected project version=1, expected 2",
            "dbt_project.yml:3:17",
        ],
    );
    shop.write("dbt_project.yml", &project("2"));
    shop.tv1(&["parse"]).expect(0, &[]);
}

#[test]
fn the_latest_version_exists() {
    let shop = Project::new(&[
        ("models/v_v1.sql", "select 1 as id\n"),
        (
            "models/p.yml",
            "models:\n  - name: v\n    latest_version: 9\n    versions: [{v: 1}]\n",
        ),
    ]);
    shop.tv1(&["parse"]).expect(
        2,
        &[
            "latest_version: 9 is not one of model 'v' versions: [1]",
            "models/p.yml:3:21",
        ],
    );
}

#[test]
fn queries_for_the_time_of_loading_are_templates() {
    let sources = |table: &str| {
        format!(
            "sources:\n  - name: raw\n    schema: public\n    freshness: {{warn_after: {{count: 1, period: day}}}}\n    tables:\n      - name: t\n        {table}\n"
        )
    };
    let query = "loaded_at_query: \"select max({{ var('column') }}) from {{ this }} -- {{ source_node.name }}\"";
    let shop = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nversion: \"1.0\"\nprofile: shop\nvars: {column: at}\n",
        ),
        ("models/s.yml", &sources(query)),
    ]);
    shop.execute("create table public.t as select now() as at");
    shop.tv1(&["source", "freshness"])
        .expect(0, &["PASS freshness of raw.t"]);
    let both = sources("config: {loaded_at_field: at, loaded_at_query: select 1}");
    for (text, told) in [
        (
            both,
            "Cannot specify both loaded_at_field and loaded_at_query at table level.",
        ),
        (
            sources("loaded_at_field: ''"),
            "`loaded_at_field` cannot be an empty string",
        ),
    ] {
        shop.write("models/s.yml", &text);
        shop.tv1(&["parse"]).expect(2, &[told, "models/s.yml:7"]);
    }
}

/// Names are unique within a package alone: what a package says of its model is not said of another's.
#[test]
fn models_of_one_name_in_two_packages_have_properties_of_their_own() {
    let p = Project::new(&[
        ("packages.yml", "packages:\n- local: dep\n"),
        ("models/m.sql", "select 1 as id"),
        ("dep/dbt_project.yml", "name: dep\nversion: '1'\n"),
        ("dep/models/m.sql", "select 2 as id"),
        (
            "dep/models/m.yml",
            "models:\n- {name: m, config: {alias: theirs, tags: [t]}, columns: [{name: id, data_tests: [unique]}]}\n",
        ),
    ]);
    p.tv1(&["deps"]).expect(0, &[]);
    let list = |p: &Project| {
        let keys = "unique_id alias tags";
        p.tv1(&[
            "-q",
            "ls",
            "--resource-type",
            "model",
            "--output",
            "json",
            "--output-keys",
            keys,
        ])
        .expect(0, &[])
        .said
    };
    let own = "{\"unique_id\": \"model.shop.m\", \"alias\": \"m\", \"tags\": []}\n";
    assert_eq!(
        list(&p),
        format!(
            "{{\"unique_id\": \"model.dep.m\", \"alias\": \"theirs\", \"tags\": [\"t\"]}}\n{own}"
        )
    );
    p.write("dbt_packages/dep/models/m_v1.sql", "select 1 as id");
    p.write(
        "dbt_packages/dep/models/m.yml",
        "models:\n- name: m\n  latest_version: 1\n  config: {alias: one}\n  versions: [{v: 1}, {v: 2, defined_in: m, config: {alias: two}}]\n",
    );
    assert_eq!(
        list(&p),
        format!(
            "{{\"unique_id\": \"model.dep.m.v1\", \"alias\": \"one\", \"tags\": []}}\n\
             {{\"unique_id\": \"model.dep.m.v2\", \"alias\": \"two\", \"tags\": []}}\n{own}"
        )
    );
}

/// A column's test is of that column, but for what `arguments:` say. Names and ids were recorded from dbt.
#[test]
fn tests_of_columns_are_of_their_column() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id, 2 as c"),
        (
            "macros/t.sql",
            "{% test t(model, column_name, custom) %}select 1 where false{% endtest %}",
        ),
        (
            "models/m.yml",
            "models:\n- name: m\n  data_tests: [{t: {column_name: id, custom: arg}}]\n  columns:\n  - name: c\n    data_tests:\n    \
             - t: {column_name: id, custom: arg}\n    - t: {name: named, arguments: {column_name: id, custom: arg}}\n",
        ),
    ]);
    p.tv1(&[
        "-q",
        "ls",
        "--resource-type",
        "test",
        "--output",
        "json",
        "--output-keys",
        "unique_id",
    ])
    .expect(
        0,
        &[
            "\"test.shop.t_m_id__arg.b031b95823\"",
            "\"test.shop.t_m_c__arg.80a9f3d5cc\"",
            "\"test.shop.named.fc0482e499\"",
        ],
    );
}
