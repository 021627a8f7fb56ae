//! What dbt's own suite and the tools around dbt look for in output, logs and errors.
use crate::project::Project;
use serde_json::Value;

fn log(p: &Project) -> String {
    std::fs::read_to_string(p.folder().join("logs/dbt.log")).unwrap()
}

#[test]
fn the_log_tells_of_connections_statements_and_steps() {
    let p = Project::new(&[("models/a.sql", "select 1 as id")]);
    p.tv1(&["--log-format", "json", "run"]).expect(0, &[]);
    let text = log(&p);
    let events: Vec<Value> = text
        .lines()
        .filter_map(|l| serde_json::from_str(l).ok())
        .collect();
    let named = |name: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|e| e["info"]["name"] == name)
            .collect()
    };
    let first = |name: &str| named(name).first().copied().cloned().unwrap_or_default();
    assert_eq!(first("NodeStart")["data"]["node_info"]["node_name"], "a");
    assert_eq!(
        first("ConnectionReused")["data"]["conn_name"],
        "model.shop.a"
    );
    assert_eq!(first("NodeCompiling")["info"]["code"], "Q030");
    assert_eq!(first("NodeExecuting")["info"]["code"], "Q031");
    let used = &first("ConnectionUsed")["info"]["msg"];
    assert_eq!(used, "Using postgres connection \"model.shop.a\"");
    let query = first("SQLQuery");
    assert_eq!(query["data"]["node_info"]["unique_id"], "model.shop.a");
    let statuses: Vec<&str> = named("SQLQueryStatus")
        .iter()
        .filter_map(|e| e["data"]["status"].as_str())
        .collect();
    assert!(statuses.contains(&"CREATE VIEW"), "{statuses:?}");
    assert!(statuses.contains(&"COMMIT"), "{statuses:?}");
}

#[test]
fn the_log_is_text_by_default_and_says_what_failed() {
    let p = Project::new(&[("models/a.sql", "select nope")]);
    p.tv1(&["run"]).expect(1, &[]);
    let text = log(&p);
    assert!(
        text.contains("[debug] [Thread-1 (]: Postgres adapter: Postgres error: "),
        "{text}"
    );
    assert!(
        text.contains("Database Error in model a (models/a.sql)"),
        "{text}"
    );
}

#[test]
fn a_group_is_told_with_what_fails_in_it() {
    let p = Project::new(&[
        ("models/a.sql", "select nope"),
        (
            "models/g.yml",
            "groups: [{name: g, owner: {name: Ann, email: [a@x, b@x]}}]\nmodels: [{name: a, group: g}]\n",
        ),
    ]);
    p.tv1(&["--log-format", "json", "run"]).expect(
        1,
        &[r#""owner": {"email": "['a@x', 'b@x']", "name": "Ann"}"#],
    );
    // The lines of results tell it, too, of what went well as of what is skipped.
    p.write("models/a.sql", "select 1 as id");
    p.write("models/b.sql", "select nope from {{ ref('a') }}");
    p.write("models/c.sql", "select * from {{ ref('b') }}");
    p.write(
        "models/g.yml",
        "groups: [{name: g, owner: {name: Ann}}]\nmodels: [{name: a, group: g}, {name: b}, {name: c, group: g}]\n",
    );
    let said = p.tv1(&["--log-format", "json", "run"]).expect(1, &[]).said;
    let lines = said
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let grouped: Vec<String> = lines
        .filter(|l| l["data"]["group"]["owner"]["name"] == "Ann")
        .map(|l| {
            format!(
                "{} {}",
                l["info"]["name"], l["data"]["node_info"]["node_name"]
            )
        })
        .collect();
    assert_eq!(
        grouped,
        [r#""LogModelResult" "a""#, r#""SkippingDetails" "c""#]
    );
}

#[test]
fn contracts_are_checked_before_anything_runs() {
    let contract = |columns: &str| {
        format!("models: [{{name: m, config: {{contract: {{enforced: true}}}}, {columns}}}]")
    };
    let p = Project::new(&[("models/m.sql", "select 1 as id, 2 as nr")]);
    let key = "constraints: [{type: primary_key}]";
    p.write("models/m.yml", &contract("description: x"));
    p.tv1(&["parse"]).expect(
        2,
        &["Constraints must be defined in a `yml` schema configuration file like `schema.yml`."],
    );
    let two = format!(
        "columns: [{{name: id, data_type: int, {key}}}, {{name: nr, data_type: int, {key}}}]"
    );
    p.write("models/m.yml", &contract(&two));
    p.tv1(&["parse"]).expect(
        2,
        &["Found 2 columns (['id', 'nr']) with primary key constraints defined"],
    );
    let both = format!(
        "constraints: [{{type: primary_key, columns: [id]}}], columns: [{{name: id, data_type: int, {key}}}]"
    );
    p.write("models/m.yml", &contract(&both));
    p.tv1(&["parse"]).expect(
        2,
        &["Primary key constraints defined at the model level and the columns level"],
    );
    p.write(
        "models/m.sql",
        "{{ config(materialized='incremental') }} select 1 as id",
    );
    p.write(
        "models/m.yml",
        &contract("columns: [{name: id, data_type: int}]"),
    );
    p.tv1(&["parse"])
        .expect(2, &["Invalid value for on_schema_change: ignore."]);
}

#[test]
fn constraints_of_views_are_warned_of_unless_that_is_unwanted() {
    let p = Project::new(&[("models/m.sql", "select 1 as id")]);
    let describe = |more: &str| {
        p.write(
            "models/m.yml",
            &format!(
                "models: [{{name: m, config: {{contract: {{enforced: true}}}}, columns: [{{name: id, data_type: int, constraints: [{{type: not_null{more}}}]}}]}}]"
            ),
        );
    };
    let warning = "Constraint types are not supported for view materializations";
    describe("");
    p.tv1(&["parse"]).expect(0, &[warning]);
    describe(", warn_unsupported: false");
    let quiet = p.tv1(&["parse"]).expect(0, &[]);
    assert!(!quiet.said.contains(warning));
    p.write("models/m.yml", "version: 2\n");
    p.write(
        "models/m.sql",
        "{{ config(contract={'enforced': true}) }} select 1 as id",
    );
    p.tv1(&["run"]).expect(
        1,
        &["This model has an enforced contract, and its 'columns' specification is missing"],
    );
}

#[test]
fn types_of_a_contract_go_by_the_adapters_names() {
    let p = Project::new(&[
        (
            "models/m.sql",
            "{{ config(materialized='table') }} select 'x'::text as a",
        ),
        (
            "models/m.yml",
            "models: [{name: m, config: {contract: {enforced: true}}, columns: [{name: a, data_type: string}]}]",
        ),
    ]);
    p.tv1(&["run"]).expect(0, &[]);
    assert_eq!(p.rows("select a from m"), "x");
}

#[test]
fn configurations_that_dbt_refuses_are_refused() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id"),
        ("seeds/s.csv", "a\n1\n"),
    ]);
    p.write(
        "models/m.yml",
        "models: [{name: m, docs: {node_color: '#12345'}}]",
    );
    p.tv1(&["parse"]).expect(
        2,
        &["Invalid color name for docs.node_color: #12345. It is neither a valid HTML color name nor a valid HEX code."],
    );
    p.write(
        "models/m.yml",
        "models: [{name: m, docs: {node_color: gold}}]",
    );
    p.tv1(&["parse"]).expect(0, &[]);
    p.write(
        "models/m.yml",
        "seeds: [{name: s, config: {materialized: table}}]",
    );
    p.tv1(&["parse"])
        .expect(2, &["A seed must have a materialized value of 'seed'"]);
    p.write(
        "models/m.yml",
        "models: [{name: m, deprecation_date: 1999-01-01}]",
    );
    p.tv1(&["parse"]).expect(
        0,
        &["Model m has passed its deprecation date of 1999-01-01T00:00:00+00:00. This model should be disabled or removed."],
    );
    p.tv1(&[
        "parse",
        "--warn-error-options",
        "{error: [DeprecatedModel]}",
    ])
    .expect(2, &[]);
}

#[test]
fn unit_tests_are_checked_and_know_only_what_they_are_given() {
    let p = Project::new(&[
        ("models/a.sql", "select 1 as id"),
        ("models/b.sql", "select 1 as id"),
        (
            "models/m.sql",
            "select a.id from {{ ref('a') }} a join {{ ref('b') }} b using (id)",
        ),
        (
            "models/i.sql",
            "{{ config(materialized='incremental') }} select id from {{ ref('s') }}\n\
             {% if is_incremental() %} where id > (select max(id) from {{ this }}){% endif %}",
        ),
        ("seeds/s.csv", "id\n7\n"),
    ]);
    let tests = |text: &str| p.write("models/u.yml", &format!("unit_tests:\n  - {text}\n"));
    tests(
        "{name: t, model: m, given: [{input: ref('a'), rows: [{id: 1}]}], expect: {rows: [{id: 1}]}}",
    );
    p.tv1(&["build", "-s", "+m"]).expect(
        1,
        &[
            "Compilation Error in unit_test t (models/u.yml)",
            "Unit_Test 'unit_test.shop.m.t' (models/u.yml) depends on a node named 'b' which was not found",
        ],
    );
    tests("{name: t, model: m, given: [{input: ref('x'), rows: []}], expect: {rows: []}}");
    p.tv1(&["test"]).expect(
        1,
        &["Unit test 't' had an input (ref('x')) which was not found in the manifest."],
    );
    tests("{name: t, model: i, given: [], expect: {rows: []}}");
    p.tv1(&["parse"]).expect(
        2,
        &["Boolean override for 'is_incremental' must be provided for unit test 't' in model 'i'"],
    );
    tests(
        "{name: t, model: i, overrides: {macros: {is_incremental: true}}, given: [], expect: {rows: []}}",
    );
    p.tv1(&["parse"]).expect(
        2,
        &["Unit test 't' for incremental model 'i' must have a 'this' input"],
    );
    tests(
        "{name: t, model: i, overrides: {macros: {is_incremental: false}}, given: [{input: ref('s')}], expect: {rows: [{id: 7}]}}",
    );
    p.tv1(&["seed"]).expect(0, &[]);
    p.tv1(&["test"]).expect(0, &["PASS=1"]);
    tests("{name: t, model: a, given: [{input: ref('x')}], expect: {rows: []}}");
    p.tv1(&["parse"]).expect(
        2,
        &["Unable to find seed 'shop.x' for unit tests in directories: ['seeds']"],
    );
    tests("{name: t, model: a, versions: {include: [1]}, given: [], expect: {rows: []}}");
    p.tv1(&["parse"]).expect(
        2,
        &["Unit test 't' should not have a versions include or exclude when referencing non-versioned model 'a'"],
    );
}

#[test]
fn hooks_that_fail_say_so_and_hooks_that_cannot_be_rendered_stop() {
    let p = Project::new(&[("models/a.sql", "select 1 as id")]);
    let project = |more: &str| {
        p.write(
            "dbt_project.yml",
            &format!("name: shop\nprofile: shop\n{more}"),
        );
    };
    project("on-run-start: ['select nope']\nflags: {skip_nodes_if_on_run_start_fails: true}\n");
    p.tv1(&["run"]).expect(
        1,
        &[
            "shop.on-run-start.0 failed, error:",
            "SKIP relation",
            "LINE 2: select nope",
        ],
    );
    project("on-run-start: ['select {{ nope() }}']\n");
    p.tv1(&["run"]).expect(
        2,
        &[
            "Encountered an error:",
            "'nope' is undefined",
            "dbt_project.yml:3",
        ],
    );
    project("query-comment: 'a */ b'\n");
    p.tv1(&["run"]).expect(
        2,
        &[
            "Runtime Error",
            "query comment contains illegal value \"*/\": a */ b",
        ],
    );
}

#[test]
fn a_broken_ephemeral_model_skips_what_reads_it() {
    let p = Project::new(&[
        (
            "models/e.sql",
            "{{ config(materialized='ephemeral') }} select {{ exceptions.raise_compiler_error('boo') if execute }}",
        ),
        ("models/m.sql", "select * from {{ ref('e') }}"),
    ]);
    p.tv1(&["run"]).expect(
        1,
        &[
            "due to ephemeral model status 'error'",
            "Compilation Error in model e (models/e.sql)",
            "SKIP=1",
        ],
    );
}

#[test]
fn the_projects_own_macros_stand_in_for_the_adapters_methods() {
    let p = Project::new(&[
        (
            "macros/c.sql",
            "{% macro get_columns_in_relation(relation) %}{{ return('mine') }}{% endmacro %}",
        ),
        (
            "models/a.sql",
            "select '{{ adapter.get_columns_in_relation(this) if execute }}' as x",
        ),
    ]);
    p.tv1(&["run"]).expect(0, &[]);
    assert_eq!(p.rows("select x from a"), "mine");
}

#[test]
fn words_of_the_command_line() {
    let p = Project::new(&[
        ("models/a.sql", "select 1 as id, 2.0::numeric as n"),
        (
            "models/a.yml",
            "sources: [{name: raw, tables: [{name: t}]}]\n",
        ),
    ]);
    p.tv1(&["ls", "--resource-types", "model source"])
        .expect(0, &["shop.a", "source:shop.raw.t"]);
    p.tv1(&["build", "--event-time-start", "2024-01-01"])
        .expect(
            2,
            &["When specifying `--event-time-start`, `--event-time-end` must also be present."],
        );
    p.tv1(&[
        "build",
        "--warn-error-options",
        "{include: all, error: all}",
    ])
    .expect(2, &["Only `include` or `error` can be specified"]);
    p.tv1(&["run"]).expect(0, &[]);
    p.tv1(&["show", "-s", "a", "--output", "json"])
        .expect(0, &["\"n\": 2.0", "\"id\": 1"]);
    p.tv1_env(
        &[("DBT_ENV_CUSTOM_ENV_TEAM", "data")],
        &["--log-format", "json", "parse"],
    )
    .expect(0, &[r#""extra": {"TEAM": "data"}"#]);
}

#[test]
fn models_that_read_what_is_given_up_are_told_of() {
    let p = Project::new(&[
        ("models/gone.sql", "select 1 as id"),
        ("models/later.sql", "select 1 as id"),
        ("models/vers_v1.sql", "select 1 as id"),
        ("models/vers_v2.sql", "select 1 as id"),
        (
            "models/reader.sql",
            "select * from {{ ref('gone') }}, {{ ref('later') }}, {{ ref('vers', v=1) }}",
        ),
        (
            "models/m.yml",
            "models:\n- {name: gone, deprecation_date: 1999-01-01}\n- {name: later, deprecation_date: 2999-01-01}\n\
             - {name: vers, latest_version: 2, versions: [{v: 1, deprecation_date: 1999-01-01}, {v: 2}]}\n",
        ),
    ]);
    let found = "While compiling 'reader': Found a reference to";
    let day = "'1999-01-01T00:00:00+00:00'.";
    p.tv1(&["parse"]).expect(
        0,
        &[
            &format!("{found} gone, which was deprecated on {day}"),
            &format!("{found} later, which is slated for deprecation on '2999-01-01T00:00:00+00:00'."),
            &format!("{found} vers.v1, which was deprecated on {day} A new version of 'vers' is available. Migrate now: {{{{ ref('shop', 'vers', v='2') }}}}."),
        ],
    );
    for event in ["DeprecatedReference", "UpcomingReferenceDeprecation"] {
        let options = format!("{{error: [{event}]}}");
        p.tv1(&["parse", "--warn-error-options", &options])
            .expect(2, &[event]);
    }
}

#[test]
fn a_variable_that_is_not_there_is_an_error_where_names_are_made() {
    let p = Project::new(&[
        ("models/m.sql", "select '{{ var('unknown') }}' as id"),
        (
            "macros/names.sql",
            "{% macro generate_schema_name(custom_schema_name, node) %}\n{% do var('place') %}\n\
             {% do return(default__generate_schema_name(custom_schema_name, node)) %}\n{% endmacro %}",
        ),
    ]);
    p.tv1(&["parse"]).expect(
        2,
        &[
            "Required var 'place' not found in config",
            "Vars supplied to generate_schema_name = {}",
            "macros/names.sql:2:",
        ],
    );
    p.tv1(&["parse", "--vars", "{place: here}"]).expect(0, &[]);
}

#[test]
fn variables_that_are_called_secrets_are_told_nowhere() {
    let p = Project::new(&[(
        "models/m.sql",
        "select '{{ var('DBT_ENV_SECRET_key') }}' as a, '{{ var('missing') }}' as b",
    )]);
    let vars = "{DBT_ENV_SECRET_key: hush-hush, DBT_ENV_SECRET_number: 94807}";
    let ended = p.tv1(&["run", "--vars", vars, "--log-level", "debug"]);
    let ended = ended.expect(1, &["\"DBT_ENV_SECRET_key\": \"*****\""]);
    assert!(!ended.said.contains("hush-hush"));
    assert!(
        ended.said.contains("\n      \"DBT_ENV_SECRET_key\""),
        "{}",
        ended.said
    );
    let read = |file: &str| std::fs::read_to_string(p.folder().join(file)).unwrap();
    for file in ["target/run_results.json", "logs/dbt.log"] {
        assert!(!read(file).contains("hush-hush"), "{file}");
        assert!(!read(file).contains("94807"), "{file}");
    }
}

#[test]
fn an_operation_without_a_server_has_failed() {
    let p = Project::new(&[("macros/m.sql", "{% macro op() %}{% endmacro %}")]);
    p.tv1_at(
        "postgres://nobody@127.0.0.1:1/none",
        &["run-operation", "op"],
    )
    .expect(
        1,
        &[
            "Encountered an error while running operation: Database Error",
            "127.0.0.1",
        ],
    );
}
