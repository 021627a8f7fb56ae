//! What a manifest notes of texts: the references, the configuration as written, the text of macros. All of it was
//! recorded from dbt.
use crate::project::Project;
use serde_json::{Value, json};
use std::fs;

const CALLS: &str = "{{ config(materialized='table', tags='daily') }} select 1 from {{ ref('a') }}, {{ ref('a') }}, {{ source('s', 't') }}, {{ source('s', 't') }}\n";

fn artefact(project: &Project, name: &str) -> Value {
    let file = project.folder().join("target").join(name);
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The names of references, the sources and the configuration as written of a model.
fn noted(manifest: &Value, model: &str) -> Value {
    let node = &manifest["nodes"][format!("model.shop.{model}")];
    let refs = node["refs"].as_array().unwrap().iter();
    let refs: Vec<&Value> = refs.map(|r| &r["name"]).collect();
    json!([refs, node["sources"], node["unrendered_config"]])
}

#[test]
fn references_are_noted_as_often_as_they_are_made() {
    let rendered = format!("{{% if true %}}{{% endif %}}{CALLS}");
    let shop = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nprofile: shop\nmodels:\n  shop:\n    hooked:\n      +post-hook: \"select * from {{ ref('h') }}\"\n",
        ),
        ("models/a.sql", "select 1 as id\n"),
        ("models/h.sql", "select 1 as id\n"),
        (
            "models/s.yml",
            "sources:\n  - name: s\n    tables: [name: t]\nmodels:\n  - name: told\n    description: x\n  - name: set\n    config: {meta: {x: 1}}\n  - name: set_rendered\n    config: {meta: {x: 1}}\n",
        ),
        ("models/plain.sql", CALLS),
        ("models/told.sql", CALLS),
        ("models/set.sql", CALLS),
        ("models/rendered.sql", &rendered),
        ("models/set_rendered.sql", &rendered),
        ("models/hooked/hp.sql", "select * from {{ ref('a') }}\n"),
        (
            "models/hooked/hr.sql",
            "{% if true %}{% endif %}select * from {{ ref('a') }}\n",
        ),
    ]);
    shop.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let (once, twice) = (json!([["s", "t"]]), json!([["s", "t"], ["s", "t"]]));
    let text = json!({"materialized": "table", "tags": "daily"});
    for (model, sources, config) in [
        ("plain", &once, text.clone()),
        ("told", &once, text.clone()),
        ("rendered", &twice, text.clone()),
        (
            "set",
            &once,
            json!({"materialized": "table", "meta": {"x": 1}, "tags": ["daily"]}),
        ),
        (
            "set_rendered",
            &twice,
            json!({"materialized": "table", "meta": {"x": 1}, "tags": "daily"}),
        ),
    ] {
        assert_eq!(
            noted(&manifest, model),
            json!([["a", "a"], sources, config]),
            "{model}"
        );
    }
    assert_eq!(noted(&manifest, "hp")[0], json!(["h", "a"]));
    assert_eq!(noted(&manifest, "hr")[0], json!(["a", "h"]));
}

#[test]
fn blanks_that_a_macros_tags_trim_are_part_of_it() {
    let shop = Project::new(&[(
        "macros/m.sql",
        "{% macro one() %}1{% endmacro %}\n\n{%- macro two() -%}\n2\n{%- endmacro -%}\n\n{%- macro three() -%} 3 {%- endmacro -%}  \n\n",
    )]);
    shop.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let sql = |name: &str| manifest["macros"][format!("macro.shop.{name}")]["macro_sql"].clone();
    assert_eq!(sql("one"), "{% macro one() %}1{% endmacro %}");
    assert_eq!(
        sql("two"),
        "\n\n{%- macro two() -%}\n2\n{%- endmacro -%}\n\n"
    );
    assert_eq!(sql("three"), "{%- macro three() -%} 3 {%- endmacro -%}");
}

#[test]
fn generating_documentation_writes_results_and_compiled_files() {
    let shop = Project::new(&[
        ("seeds/raw.csv", "id\n1\n"),
        (
            "models/a.sql",
            "{{ config(materialized='ephemeral') }} select * from {{ ref('raw') }}\n",
        ),
        ("models/b.sql", "select * from {{ ref('a') }}\n"),
    ]);
    shop.tv1(&["docs", "generate"]).expect(0, &[]);
    let results = artefact(&shop, "run_results.json");
    assert_eq!(results["args"]["which"], "generate");
    let ids = results["results"].as_array().unwrap().iter();
    let mut ids: Vec<&str> = ids.map(|r| r["unique_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["model.shop.b", "seed.shop.raw"]);
    assert!(
        shop.folder()
            .join("target/compiled/shop/models/b.sql")
            .is_file()
    );
}

#[test]
fn a_line_end_that_closes_a_value_of_a_file_goes() {
    let shop = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nprofile: shop\nmodels:\n  shop:\n    +tags: \"t\\n\"\n",
        ),
        ("models/a.sql", "select 1 as c\n"),
        (
            "models/a.yml",
            "models:\n  - name: a\n    description: \"d\\n\"\n    config:\n      meta: {e: \"x\\n\", f: \"x\\n\\n\", g: \"\\n\", h: \" x \", n: \"a {{ 1 }}\\n\", q: \"a\\r\\n\"}\n    columns:\n      - name: c\n        description: |\n          kept\n        meta:\n          slack: |\n            @a\n        data_tests:\n          - accepted_values:\n              arguments: {values: [\"1\\n\"]}\n              config:\n                where: |\n                  1 = 1\n",
        ),
    ]);
    shop.tv1(&["build"]).expect(0, &["PASS=2"]);
    let manifest = artefact(&shop, "manifest.json");
    let node = &manifest["nodes"]["model.shop.a"];
    assert_eq!(
        node["meta"],
        json!({"e": "x", "f": "x\n", "g": "", "h": " x ", "n": "a 1", "q": "a"})
    );
    assert_eq!(node["tags"], json!(["t"]));
    assert_eq!(node["description"], "d\n");
    assert_eq!(node["columns"]["c"]["description"], "kept\n");
    assert_eq!(node["columns"]["c"]["meta"], json!({"slack": "@a"}));
    let nodes = manifest["nodes"].as_object().unwrap().values();
    let mut tests = nodes.filter(|n| n["resource_type"] == "test");
    let test = tests.next().unwrap();
    assert_eq!(test["config"]["where"], "1 = 1");
    let sql = test["compiled_code"].as_str().unwrap();
    assert!(sql.contains("'1'") && sql.contains("where 1 = 1)"), "{sql}");
}

#[test]
fn arguments_of_a_test_may_hold_what_stands_beside_them() {
    let shop = Project::new(&[
        ("models/a.sql", "select 1 as c\n"),
        (
            "models/a.yml",
            "models:\n  - name: a\n    columns:\n      - name: c\n        data_tests:\n          - accepted_values:\n              arguments: {values: [2], where: \"c = 2\", name: mine, config: {tags: [x]}}\n          - unique:\n              arguments:\n",
        ),
    ]);
    shop.tv1(&["build"]).expect(0, &["PASS=3"]);
    let manifest = artefact(&shop, "manifest.json");
    let nodes = manifest["nodes"].as_object().unwrap().values();
    let mut tests = nodes.filter(|n| n["name"] == "mine");
    let test = tests.next().unwrap();
    assert_eq!(test["config"]["where"], "c = 2");
    assert_eq!(test["tags"], json!(["x"]));
    let given = test["test_metadata"]["kwargs"].as_object().unwrap();
    assert_eq!(
        given.keys().collect::<Vec<_>>(),
        ["column_name", "values", "model"]
    );
}

#[test]
fn unit_tests_of_versions_are_listed_apart() {
    let shop = Project::new(&[
        ("models/a_v1.sql", "select 1 as id\n"),
        ("models/a_v2.sql", "select 1 as id\n"),
        (
            "models/a.yml",
            "models:\n  - name: a\n    latest_version: 2\n    versions: [{v: 1}, {v: 2}]\nunit_tests:\n  - name: u\n    model: a\n    given: []\n    expect: {rows: [{id: 1}]}\n",
        ),
    ]);
    let listed = shop.tv1(&["--quiet", "ls", "--resource-type", "unit_test"]);
    assert_eq!(
        listed.expect(0, &[]).said,
        "unit_test:shop.u_v1\nunit_test:shop.u_v2\n"
    );
}

#[test]
fn what_stands_in_another_database_cannot_be_compiled() {
    let shop = Project::new(&[
        (
            "models/a.sql",
            "{{ config(database='elsewhere') }}select 1 as id\n",
        ),
        ("models/b.sql", "select 1 as id\n"),
    ]);
    for command in [&["compile"][..], &["docs", "generate"]] {
        shop.tv1(command)
            .expect(2, &["Cross-db references not allowed"]);
    }
    shop.tv1(&["compile", "--select", "b"]).expect(0, &[]);
}

#[test]
fn a_catalogue_without_what_stands_elsewhere_is_a_failure() {
    let shop = Project::new(&[
        ("models/a.sql", "select 1 as c\n"),
        (
            "models/s.yml",
            "sources:\n  - name: s\n    database: elsewhere\n    tables: [name: t]\n",
        ),
    ]);
    shop.tv1(&["build"]).expect(0, &[]);
    shop.tv1(&["docs", "generate"]).expect(
        1,
        &["Cross-db references not allowed in postgres (elsewhere vs"],
    );
    let catalog = artefact(&shop, "catalog.json");
    assert_eq!(catalog["errors"].as_array().unwrap().len(), 1);
    assert!(catalog["nodes"]["model.shop.a"].is_object());
    shop.tv1(&["docs", "generate", "--empty-catalog"])
        .expect(0, &[]);
}

#[test]
fn rows_of_unit_tests_are_rendered_like_all_that_files_say() {
    let shop = Project::new(&[
        ("models/a.sql", "select 1 as c\n"),
        (
            "models/a.yml",
            "unit_tests:\n  - name: sql\n    model: a\n    given: []\n    expect: {format: sql, rows: \"select {{ var('x', 1) }} as c\\n\"}\n  - name: rows\n    model: a\n    given: []\n    expect: {rows: [{c: \"{{ var('x', 1) }}\"}]}\n",
        ),
    ]);
    shop.tv1(&["build"]).expect(0, &["PASS=3"]);
    let manifest = artefact(&shop, "manifest.json");
    let rows = |name: &str| {
        manifest["unit_tests"][format!("unit_test.shop.a.{name}")]["expect"]["rows"].clone()
    };
    assert_eq!(rows("sql"), "select 1 as c");
    assert_eq!(rows("rows"), json!([{"c": 1}]));
}

#[test]
fn hooks_of_a_run_have_a_file_below_the_project_file() {
    let shop = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nprofile: shop\non-run-end: select 1\n",
        ),
        ("models/a.sql", "select 1 as c\n"),
    ]);
    for command in [&["build"][..], &["compile"]] {
        shop.tv1(command).expect(0, &[]);
        let manifest = artefact(&shop, "manifest.json");
        let path = &manifest["nodes"]["operation.shop.shop-on-run-end-0"]["compiled_path"];
        assert_eq!(
            *path,
            "target/compiled/shop/./dbt_project.yml/hooks/shop-on-run-end-0.sql"
        );
        assert!(shop.folder().join(path.as_str().unwrap()).is_file());
    }
}

#[test]
fn doc_blocks_are_noted_and_not_taken_as_written() {
    let shop = Project::new(&[
        ("models/m.sql", "select 1 as id, 2 as n\n"),
        (
            "models/m.yml",
            "models:\n- {name: m, doc_blocks: 2, columns: [{name: id, doc_blocks: 2}, {name: n, doc_blocks: [a], description: \"{{ doc('d') }}\"}]}\n",
        ),
        ("models/d.md", "{% docs d %}a text{% enddocs %}\n"),
    ]);
    shop.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&shop, "manifest.json");
    let model = &manifest["nodes"]["model.shop.m"];
    let columns = &model["columns"];
    assert_eq!(
        json!([
            model["doc_blocks"],
            columns["id"]["doc_blocks"],
            columns["n"]["doc_blocks"]
        ]),
        json!([[], [], ["doc.shop.d"]])
    );
}

#[test]
fn chosen_keys_stand_in_the_nodes_own_order() {
    let shop = Project::new(&[("models/m.sql", "select 1 as id\n")]);
    let keys = "alias config.enabled name nothing";
    shop.tv1(&["-q", "ls", "--output", "json", "--output-keys", keys])
        .expect(
            0,
            &["{\"name\": \"m\", \"alias\": \"m\", \"config.enabled\": true}"],
        );
}
