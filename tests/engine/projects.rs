//! What whole projects of others rely on, each in a few lines.
use crate::project::Project;
use serde_json::Value;
use std::fs;

fn manifest(project: &Project) -> Value {
    let path = project.folder().join("target/manifest.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn macros_see_their_own_parameters_and_undefined_stays_undefined() {
    let project = Project::new(&[
        (
            "macros/m.sql",
            "{% macro pick(schema, name=schema, again=name ~ '!') -%}{{ schema }}-{{ name }}-{{ again }}{%- endmacro %}\n\
             {% macro nothing() %}{% set x = [] if false %}{{ return(x) }}{% endmacro %}\n",
        ),
        (
            "models/a.sql",
            "{% for x in nothing() %}{{ x }}{% endfor %}{% do context.update({'kept': 7}) %}\n\
             select '{{ pick('a') }} {{ pick('a', again='c') }} {{ context.get('kept') }} {{ ref.config.project_name }}' as x",
        ),
    ]);
    project.tv1(&["run"]).expect(0, &["PASS=1"]);
    assert_eq!(project.rows("select x from a"), "a-a-a! a-a-c 7 shop");
}

#[test]
fn tests_of_what_is_missing_or_off_are_listed_and_never_run() {
    let project = Project::new(&[
        ("models/a.sql", "select 1 as id"),
        (
            "models/off.sql",
            "{{ config(enabled=false) }} select 1 as id",
        ),
        (
            "models/s.yml",
            "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n\
             \x20         - relationships: {arguments: {to: ref('gone'), field: id}}\n\
             \x20         - unique: {config: {enabled: \"{{ target.type != 'postgres' }}\"}}\n\
             \x20         - not_null\n\
             \x20 - name: 'off'\n    columns: [{name: id, data_tests: [unique]}]\n\
             \x20 - name: gone\n    columns: [{name: id, data_tests: [unique]}]\n\
             \x20   description: |\n      the last line\n\n",
        ),
    ]);
    project
        .tv1(&["build"])
        .expect(0, &["1 data test", "PASS=2"]);
    let manifest = manifest(&project);
    let listed: Vec<String> = manifest["nodes"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(id, _)| id.starts_with("test."))
        .map(|(id, n)| {
            format!(
                "{} {}",
                id.split('.').nth(2).unwrap(),
                n["config"]["enabled"]
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            "not_null_a_id true",
            "relationships_a_id__id__ref_gone_ false",
            "unique_off_id false",
            "unique_gone_id false"
        ]
    );
    let disabled = manifest["disabled"].as_object().unwrap();
    assert!(disabled.keys().any(|id| id.contains("unique_a_id")));
}

#[test]
fn python_models_are_nodes_that_cannot_run_here() {
    let project = Project::new(&[
        ("models/a.sql", "select 1 as id"),
        (
            "models/p.py",
            "def model(dbt, session):\n    dbt.config(tags=['x'])\n    return dbt.ref('a')\n",
        ),
        ("models/b.sql", "select * from {{ ref('p') }}"),
    ]);
    project.tv1(&["run"]).expect(
        1,
        &[
            "Materialization \"materialization_table_default\" only supports languages ['sql']; got \"python\"",
            "PASS=1 WARN=0 ERROR=1 SKIP=1",
        ],
    );
    let node = manifest(&project)["nodes"]["model.shop.p"].clone();
    assert_eq!(node["language"], "python");
    assert_eq!(node["config"]["materialized"], "table");
    assert_eq!(node["depends_on"]["nodes"][0], "model.shop.a");
    let compiled = node["compiled_code"].as_str().unwrap();
    assert!(
        compiled.contains("\\\"a\\\"\"}\n    key = '.'.join(args)"),
        "{compiled}"
    );
}

#[test]
fn hooks_at_the_end_get_results_as_objects_and_compile_renders_hooks() {
    let project = Project::new(&[
        ("models/a.sql", "select 1 as id"),
        (
            "macros/m.sql",
            "{% macro keep(results) %}{% for r in results %}\n\
             create table seen as select '{{ r.node.unique_id }} {{ r.status }} {{ r.to_dict().keys() | list | length }} \
             {{ r.timing[0].to_dict().name }} {{ r.timing[0].started_at.year > 2000 }} {{ r.node is mapping }} \
             {{ r.node.config.materialized }} {{ r.node.config.nothing is none }} {{ r.node.compiled_code }}' as x\n\
             {% endfor %}{% endmacro %}",
        ),
    ]);
    project.write(
        "dbt_project.yml",
        "name: shop\nversion: \"1.0\"\nprofile: shop\non-run-start: select 1\non-run-end: \"{{ keep(results) }}\"\n",
    );
    project.tv1(&["run"]).expect(0, &["PASS=3"]);
    assert_eq!(
        project.rows("select x from seen"),
        "model.shop.a success 10 compile True False view True select 1 as id"
    );
    project.tv1(&["compile"]).expect(0, &[]);
    let hook = &manifest(&project)["nodes"]["operation.shop.shop-on-run-start-0"];
    assert_eq!(hook["compiled_code"], "select 1");
}

#[test]
fn unit_tests_replace_macros_of_packages_by_their_full_name() {
    let project = Project::new(&[
        (
            "macros/m.sql",
            "{% macro bounds() %}{{ return({'low': 1}) }}{% endmacro %}",
        ),
        ("models/a.sql", "select {{ shop.bounds().low }} as low"),
        (
            "models/s.yml",
            "unit_tests:\n  - name: u\n    model: a\n    given: []\n\
             \x20   overrides: {macros: {shop.bounds: {low: 9}}}\n    expect: {rows: [{low: 9}]}\n",
        ),
    ]);
    project.tv1(&["build"]).expect(0, &["PASS=2"]);
    assert_eq!(project.rows("select low from a"), "1");
}

#[test]
fn a_macro_that_a_package_lacks_is_found_out_when_its_node_is_compiled() {
    let project = Project::new(&[
        ("macros/m.sql", "{% macro other() %}{% endmacro %}"),
        ("models/a.sql", "select '{{ shop.no_such_macro(1) }}' as x"),
        (
            "models/b.sql",
            "select '{{ api.Column.translate_type('string') if api.Column.translate_type is defined }}' as x",
        ),
    ]);
    project.tv1(&["parse"]).expect(0, &[]);
    project.tv1(&["run"]).expect(
        1,
        &["has no attribute 'no_such_macro'", "PASS=1 WARN=0 ERROR=1"],
    );
    assert_eq!(project.rows("select x from b"), "TEXT");
}

#[test]
fn blank_lines_of_seeds_are_rows_and_names_of_sources_are_evaluated() {
    let project = Project::new(&[
        ("seeds/s.csv", "a,b\r\n1,2\r\n\r\n3,4\r\n"),
        ("seeds/t.csv", "a\n\n1\n\n\n"),
        (
            "models/s.yml",
            "sources:\n  - name: \"{{ var('src', 'public') }}\"\n    tables: [{name: s}]\n",
        ),
        ("models/m.sql", "select * from {{ source('public', 's') }}"),
    ]);
    project.tv1(&["seed"]).expect(0, &["PASS=2"]);
    project.tv1(&["run"]).expect(0, &["PASS=1"]);
    assert_eq!(project.rows("select a, b from m"), "1|2 null|null 3|4");
    assert_eq!(project.rows("select a from t"), "null 1 null null");
}
