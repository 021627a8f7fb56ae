//! Behaviour that dbt's own functional tests ask for and that whole projects seldom show.
use crate::project::Project;
use serde_json::{Value, json};

fn artefact(p: &Project, name: &str) -> Value {
    let text = std::fs::read_to_string(p.folder().join("target").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn test_runs_tests_whatever_resource_types_are_asked_for() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id"),
        (
            "models/m.yml",
            "models: [{name: m, columns: [{name: id, data_tests: [unique]}]}]",
        ),
    ]);
    p.tv1(&["run"]).expect(0, &["PASS=1"]);
    p.tv1(&["test", "--resource-type", "model"])
        .expect(0, &["Nothing to do"]);
    p.tv1(&["test", "--resource-type", "test"])
        .expect(0, &["PASS=1"]);
}

#[test]
fn what_was_built_is_noted_where_a_last_hook_is_broken() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id"),
        (
            "macros/rce.sql",
            "{% macro rce() %}{% if execute %}{{ exceptions.raise_compiler_error('Always in execute') }}{% endif %}{% endmacro %}",
        ),
    ]);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\non-run-end: '{{ rce() }}'\n",
    );
    p.tv1(&["run"]).expect(2, &["Always in execute"]);
    assert_eq!(p.statuses(), ["model m success"]);
}

#[test]
fn a_secret_does_not_get_past_the_masks_by_a_filter() {
    let p = Project::new(&[("models/m.sql", "select 1 as id")]);
    p.write(
        "packages.yml",
        "packages: [{git: \"file:///nowhere/{{ env_var('DBT_ENV_SECRET_T') | join(' ') }}.git\", revision: \"1\"}]\n",
    );
    let ended = p.tv1_env(&[("DBT_ENV_SECRET_T", "abc123")], &["deps"]);
    let ended = ended.expect(2, &["nowhere"]);
    assert!(!ended.said.contains("a b c 1 2 3"), "{}", ended.said);
    p.write(
        "packages.yml",
        "packages: [{git: \"file:///nowhere/{{ env_var('DBT_ENV_SECRET_T') }}.git\", revision: \"1\"}]\n",
    );
    p.tv1_env(&[("DBT_ENV_SECRET_T", "abc123")], &["deps"])
        .expect(2, &["file:///nowhere/*****.git"]);
}

#[test]
fn a_hook_that_cannot_be_rendered_ends_the_run_before_the_first_model() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id"),
        (
            "macros/a.sql",
            "{% macro ask() %}{% if execute %}{% do run_query('select * from nowhere') %}{% endif %}{% endmacro %}",
        ),
    ]);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\non-run-start: '{{ ask() }}'\n",
    );
    let said = p.tv1(&["run"]).expect(
        2,
        &["Database Error", "relation \"nowhere\" does not exist"],
    );
    assert!(!said.said.contains("OK created"), "{}", said.said);
}

#[test]
fn texts_that_are_marked_compare_as_texts() {
    let p = Project::new(&[("models/m.sql", "select 1 as id")]);
    for (enabled, shown) in [
        ("{{ target.name == 'dev' | as_bool }}", "shop.m"),
        ("{{ (target.name == 'dev') | as_bool }}", "shop.m"),
        ("{{ target.name != 'dev' | as_bool }}", "No nodes selected"),
    ] {
        p.write(
            "dbt_project.yml",
            &format!("name: shop\nprofile: shop\nmodels: {{shop: {{+enabled: \"{enabled}\"}}}}\n"),
        );
        p.tv1(&["ls"]).expect(0, &[shown]);
    }
}

#[test]
fn keys_are_inferred_from_whatever_tests_say() {
    let tests = "macros/c.sql";
    let combination = "{% test unique_combination_of_columns(model, combination_of_columns) %}select 1 limit 0{% endtest %}";
    let p = Project::new(&[
        (tests, combination),
        ("models/both.sql", "select 1 as a, 2 as b"),
        ("models/less.sql", "select 1 as a"),
        ("models/many.sql", "select 1 as a, 2 as b"),
        (
            "models/m.yml",
            "models:\n  - name: both\n    columns:\n      - {name: a, data_tests: [unique]}\n      - {name: b, data_tests: [unique, not_null]}\n  - name: less\n    columns: [{name: a, data_tests: [{unique: {config: {enabled: false}}}]}]\n  - name: many\n    data_tests: [{unique_combination_of_columns: {arguments: {combination_of_columns: [b, a]}}}]\n",
        ),
    ]);
    p.tv1(&["parse"]).expect(0, &[]);
    let nodes = &artefact(&p, "manifest.json")["nodes"];
    let key = |name: &str| nodes[format!("model.shop.{name}")]["primary_key"].clone();
    assert_eq!(key("both"), json!(["b"]));
    assert_eq!(key("less"), json!(["a"]));
    assert_eq!(key("many"), json!(["a", "b"]));
}

#[test]
fn arrays_and_documents_are_json_texts_in_results() {
    let p = Project::new(&[(
        "macros/a.sql",
        "{% macro ask() %}{% set r = run_query(\"select array[1,2] as a, array['x', null] as t, array[1.50] as n, '{\\\"k\\\": [1, 2.50]}'::jsonb as j, '5'::json as s, array[timestamp '2024-01-02 03:04:05'] as m\") %}{% for c in r.columns %}{% do log(c.name ~ ' = ' ~ c[0], info=true) %}{% endfor %}{% endmacro %}",
    )]);
    p.tv1(&["run-operation", "ask"]).expect(
        0,
        &[
            "a = [1, 2]",
            "t = [\"x\", null]",
            "n = [1.5]",
            "j = {\"k\": [1, 2.5]}",
            "s = 5",
            "m = [\"2024-01-02T03:04:05\"]",
        ],
    );
    let results = artefact(&p, "run_results.json");
    assert_eq!(results["results"][0]["unique_id"], "macro.shop.ask");
}

#[test]
fn values_of_another_environment_are_no_change_where_the_project_says_so() {
    let p = Project::new(&[
        (
            "models/m.sql",
            "{{ config(materialized=var('kind')) }} select 1 as id",
        ),
        (
            "models/s.yml",
            "sources: [{name: raw, schema: \"{{ var('kind') }}\", tables: [{name: t}]}]",
        ),
    ]);
    let flags = |on: bool| {
        format!(
            "name: shop\nprofile: shop\nflags: {{state_modified_compare_more_unrendered_values: {on}}}\n"
        )
    };
    for (on, changed) in [
        (false, "shop.m"),
        (true, "does not match any enabled nodes"),
    ] {
        p.write("dbt_project.yml", &flags(on));
        p.tv1(&["parse", "--vars", "kind: view", "--target-path", "before"])
            .expect(0, &[]);
        let words = [
            "ls",
            "-s",
            "state:modified",
            "--state",
            "before",
            "--vars",
            "kind: table",
        ];
        p.tv1(&words).expect(0, &[changed]);
    }
}

#[test]
fn columns_are_quoted_where_their_resource_says_so() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as \"Id\""),
        (
            "models/m.yml",
            "models:\n  - name: m\n    quote_columns: true\n    columns: [{name: Id, data_tests: [unique, not_null]}]\nsources:\n  - name: raw\n    schema: \"{{ target.schema }}\"\n    quoting: {column: true}\n    tables: [{name: t, identifier: m, columns: [{name: Id, data_tests: [not_null]}]}]\n",
        ),
    ]);
    p.tv1(&["run"]).expect(0, &[]);
    p.tv1(&["test"]).expect(0, &["PASS=3"]);
}

#[test]
fn metrics_are_objects_in_templates() {
    let p = Project::new(&[
        ("models/facts.sql", "select 1 as id, current_date as day"),
        (
            "models/facts.yml",
            "semantic_models:\n  - name: facts\n    model: ref('facts')\n    defaults: {agg_time_dimension: on_day}\n    entities: [{name: fact, type: primary, expr: id}]\n    dimensions: [{name: on_day, expr: day, type: time, type_params: {time_granularity: day}, description: \"{{ doc('d') }}\"}]\n    measures: [{name: rows, agg: count, expr: id}]\nmetrics:\n  - {name: facts, label: Facts of life, type: simple, type_params: {measure: rows}}\n",
        ),
        ("models/d.md", "{% docs d %}The day.{% enddocs %}"),
        (
            "models/metricflow_time_spine.sql",
            "select current_date as date_day",
        ),
        (
            "models/m.sql",
            "{% set m = metric('facts') %}select '{{ m }}' as a, '{{ m.metric_name }}' as b, '{{ m.label }}' as c",
        ),
    ]);
    p.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&p, "manifest.json");
    assert_eq!(
        manifest["nodes"]["model.shop.m"]["depends_on"]["nodes"],
        json!(["metric.shop.facts"])
    );
    let day = &manifest["semantic_models"]["semantic_model.shop.facts"]["dimensions"][0];
    assert_eq!(day["description"], "The day.");
    p.tv1(&["compile", "-s", "m"]).expect(
        0,
        &["select 'facts' as a, 'facts' as b, 'Facts of life' as c"],
    );
    p.write("models/w.sql", "select '{{ metric('fact') }}'");
    p.tv1(&["parse"]).expect(
        2,
        &[
            "depends on a metric named 'fact' which was not found",
            "a metric named `facts` exists",
        ],
    );
}

#[test]
fn the_catalogue_comes_from_the_projects_own_macro() {
    let own = "select 'd' as table_database, '{{ S }}' as table_schema, 'm' as table_name, 'ODD' as table_type, \
               'said' as table_comment, 'me' as table_owner, 'id' as column_name, 1 as column_index, 'int' as column_type, \
               null as column_comment, 'Size' as \"stats:size:label\", 7 as \"stats:size:value\", '' as \"stats:size:description\", \
               true as \"stats:size:include\"";
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id"),
        ("models/n.sql", "select 1 as id"),
    ]);
    p.tv1(&["run"]).expect(0, &[]);
    let all = |args: &[&str]| {
        p.tv1(args).expect(0, &["Catalog written"]);
        artefact(&p, "catalog.json")["nodes"].clone()
    };
    assert_eq!(all(&["docs", "generate"]).as_object().unwrap().len(), 2);
    // After it has compiled dbt asks by relation, else by schema.
    p.write(
        "macros/c.sql",
        &format!(
            "{{% macro postgres__get_catalog_relations(information_schema, relations) %}}{{% set q %}}{}{{% endset %}}\
             {{{{ return(run_query(q)) }}}}{{% endmacro %}}",
            own.replace("{{ S }}", "{{ relations[0].schema }}")
        ),
    );
    let nodes = all(&["docs", "generate"]);
    assert_eq!(nodes.as_object().unwrap().len(), 1);
    let node = &nodes["model.shop.m"];
    assert_eq!(node["metadata"]["type"], "ODD");
    assert_eq!(node["metadata"]["owner"], "me");
    assert_eq!(node["columns"]["id"]["type"], "int");
    assert_eq!(node["stats"]["size"]["value"].as_f64(), Some(7.0));
    assert_eq!(node["stats"]["has_stats"]["value"], true);
    p.write(
        "macros/c.sql",
        "{% macro get_catalog(information_schema, schemas) %}{{ exceptions.raise_compiler_error('boo') }}{% endmacro %}",
    );
    assert_eq!(all(&["docs", "generate"]).as_object().unwrap().len(), 2);
    p.tv1(&["docs", "generate", "--no-compile"]).expect(
        1,
        &["error while generating catalog", "boo", "macros/c.sql:1:"],
    );
    let errors = artefact(&p, "catalog.json")["errors"].clone();
    assert_eq!(errors, json!(["Compilation Error\n  boo"]));
}

/// Values of the manifest that dbt-core 1.10.23 writes for this project: a state of dbt's finds nothing changed.
#[test]
fn what_is_written_for_a_state_is_written_as_dbt_writes_it() {
    let p = Project::new(&[
        (
            "models/a.sql",
            "{{ config(pre_hook='select 1', tags='one') }} select 1 as id",
        ),
        (
            "models/b.sql",
            "{{ config(materialized='table', tags='one') }} select 1 as id",
        ),
        (
            "models/c.sql",
            "{{ config(materialized='table', tags='one') }} select 1 as id",
        ),
        (
            "models/d.sql",
            "{{ config(tags='one') }} {{ config(tags=['two']) }} {{ 1 + 1 }} select 1 as id",
        ),
        ("models/k.sql", "select 1 as id"),
        ("tests/fixtures/fx.csv", "id\n1\n"),
        (
            "models/p.yml",
            "models:\n- {name: b, config: {meta: {x: 1}}}\n- {name: c, description: x}\n\
             - {name: k, config: {pre_hook: select 1}, columns: [{name: id, data_tests: [not_null: {tags: z}]}]}\n\
             unit_tests:\n- {name: u, model: k, given: [], expect: {fixture: fx, format: csv}}\n",
        ),
        (
            "dbt_project.yml",
            "name: shop\nprofile: shop\nmodels: {+pre-hook: select 0}\nflags: {require_generic_test_arguments_property: false}\n",
        ),
    ]);
    p.tv1(&["parse"]).expect(0, &[]);
    let manifest = artefact(&p, "manifest.json");
    let written = |id: &str| manifest["nodes"][id]["unrendered_config"].clone();
    assert_eq!(
        written("model.shop.a"),
        json!({"pre-hook": "select 1", "tags": "one"})
    );
    // dbt's own static reader and a configuration in a properties file together make a list of it.
    assert_eq!(written("model.shop.b")["tags"], json!(["one"]));
    assert_eq!(written("model.shop.c")["tags"], json!("one"));
    assert_eq!(written("model.shop.d")["tags"], json!(["one", "two"]));
    assert_eq!(
        written("model.shop.k"),
        json!({"pre-hook": "select 0", "pre_hook": "select 1"})
    );
    let tests = manifest["nodes"].as_object().unwrap();
    let test = tests
        .values()
        .find(|n| n["resource_type"] == "test")
        .unwrap();
    assert_eq!(test["unrendered_config"]["tags"], "z");
    let unit_test = &manifest["unit_tests"]["unit_test.shop.k.u"];
    assert_eq!(
        unit_test["checksum"],
        "ce4489b9de4d204011247bc3b7dd66b6ef4d9523132b891b43f4f061facb2575"
    );
}

#[test]
fn catalogs_are_refused_as_there_are_none() {
    let p = Project::new(&[("models/m.sql", "select 1 as id")]);
    p.write("catalogs.yml", "catalogs: []\n");
    p.tv1(&["parse"]).expect(0, &[]);
    p.write(
        "catalogs.yml",
        "catalogs:\n- name: c\n  write_integrations: [{name: w, catalog_type: iceberg_rest}]\n",
    );
    p.tv1(&["build"])
        .expect(2, &["Catalog type is not supported", "catalogs.yml:2:3"]);
    p.tv1(&["ls"]).expect(0, &["shop.m"]);
    p.write("catalogs.yml", "");
    p.tv1(&["build"]).expect(2, &["`catalogs.yml` is empty"]);
}

#[test]
fn the_schema_that_an_export_takes_from_the_target_is_no_change() {
    let layer = |schema: &str| {
        format!(
            "semantic_models:\n- name: facts\n  model: ref('facts')\n  defaults: {{agg_time_dimension: on_day}}\n  entities: [{{name: fact, type: primary, expr: id}}]\n  dimensions: [{{name: on_day, type: time, type_params: {{time_granularity: day}}}}]\n  measures: [{{name: rows, agg: count, expr: id}}]\n\
             metrics:\n- {{name: facts, label: Facts, type: simple, type_params: {{measure: rows}}}}\n\
             saved_queries:\n- {{name: saved, query_params: {{metrics: [facts]}}, exports: [{{name: one, config: {{export_as: table{schema}}}}}]}}\n"
        )
    };
    let p = Project::new(&[
        ("models/facts.sql", "select 1 as id, current_date as on_day"),
        (
            "models/metricflow_time_spine.sql",
            "select current_date as date_day",
        ),
        ("models/facts.yml", &layer("")),
    ]);
    p.tv1(&["parse"]).expect(0, &[]);
    let path = p.folder().join("target/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut manifest: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        manifest["docs"]["doc.dbt.__overview__"]["path"],
        "overview.md"
    );
    let export = &mut manifest["saved_queries"]["saved_query.shop.saved"]["exports"][0];
    export["config"]["schema_name"] = "elsewhere".into();
    p.write("before/manifest.json", &manifest.to_string());
    let modified = ["ls", "--select", "state:modified", "--state", "before"];
    p.tv1(&modified).expect(0, &["No nodes selected"]);
    p.write("models/facts.yml", &layer(", schema: other"));
    p.tv1(&modified).expect(0, &["saved_query:shop.saved"]);
}

#[test]
fn keys_that_contracts_and_docs_do_not_have_are_left_out() {
    let p = Project::new(&[
        ("models/a.sql", "select 1 as id"),
        (
            "models/m.sql",
            "{{ config(contract={'enforce': true}, docs={'x': 1, 'show': false}, materialized='table') }} select id from {{ ref('a') }}",
        ),
        (
            "models/m.yml",
            "sources: [{name: q, tables: [{name: t}]}]
models:
  - name: m
    config: {docs: {node_color: gold, y: 2}}
    columns:
      - {name: id, data_type: int, constraints: [{type: foreign_key, to: \"source('q', 't')\", to_columns: [id]}]}
",
        ),
    ]);
    p.tv1(&["parse"]).expect(0, &[]);
    let node = artefact(&p, "manifest.json")["nodes"]["model.shop.m"].clone();
    assert_eq!(
        node["config"]["contract"],
        json!({"enforced": false, "alias_types": true})
    );
    assert_eq!(
        node["config"]["docs"],
        json!({"show": false, "node_color": "gold"})
    );
    // Sources come first, wherever they are named.
    assert_eq!(
        node["depends_on"]["nodes"],
        json!(["source.shop.q.t", "model.shop.a"])
    );
}

#[test]
fn columns_of_a_semantic_model_say_all_in_the_manifest() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id, 'x' as kind, now() as at"),
        (
            "models/m.yml",
            "models:
  - name: m
    semantic_model: true
    agg_time_dimension: at
    columns:
      - {name: id, entity: {type: primary, name: thing}}
      - {name: kind, description: What it is, dimension: {type: categorical, label: Kind}}
      - {name: at, granularity: day, dimension: time}
    metrics: [{name: things, type: simple, agg: count, expr: id}]
",
        ),
    ]);
    p.tv1(&["parse"]).expect(0, &[]);
    let columns = artefact(&p, "manifest.json")["nodes"]["model.shop.m"]["columns"].clone();
    assert_eq!(
        columns["id"]["entity"],
        json!({"name": "thing", "type": "primary", "description": null, "label": null, "config": {}})
    );
    assert_eq!(
        columns["kind"]["dimension"],
        json!({
            "name": "kind", "type": "categorical", "description": "What it is", "label": "Kind", "is_partition": false,
            "config": {}, "validity_params": null,
        })
    );
    assert_eq!(columns["at"]["dimension"], "time");
}
