//! Warnings: dbt's names, codes and fields, what options make of them, and what dbt has given up.
use crate::project::Project;

#[test]
fn deprecations_are_shown_once_and_counted() {
    let models = "models:\n  - name: m\n    columns:\n      - name: id\n        data_tests:\n          - accepted_values: {values: [1]}\n          - accepted_values: {name: again, values: [1, 2]}\n";
    let p = Project::new(&[("models/m.sql", "select 1 as id"), ("models/m.yml", models)]);
    let said = p.tv1(&["parse"]).expect(
        0,
        &[
            "[WARNING][MissingArgumentsPropertyInGenericTestDeprecation]: Deprecated",
            "--> models/m.yml:6:31",
            "- MissingArgumentsPropertyInGenericTestDeprecation: 2 occurrences",
        ],
    );
    assert_eq!(said.said.matches("Found top-level arguments").count(), 1);
    p.tv1(&["parse", "--show-all-deprecations", "-q"])
        .expect(0, &[]);
    p.tv1(&["--warn-error", "parse"])
        .expect(2, &["Found top-level arguments to test `accepted_values`"]);
    let silent = "{silence: [MissingArgumentsPropertyInGenericTestDeprecation]}";
    let said = p
        .tv1(&["--warn-error-options", silent, "parse"])
        .expect(0, &[]);
    assert!(!said.said.contains("top-level arguments"), "{}", said.said);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nlog-path: elsewhere\nflags: {require_generic_test_arguments_property: false}\n",
    );
    let said = p.tv1(&["ls", "-m", "m"]).expect(
        0,
        &["ModelParamUsageDeprecation", "ConfigLogPathDeprecation"],
    );
    assert!(!said.said.contains("top-level arguments"), "{}", said.said);
}

/// A project with one of each warning that reading gives, as dbt-core 1.10 names them, and two of tv1's own.
fn with_warnings() -> Project {
    Project::new(&[
        ("dbt_project.yml", "name: shop\nprofile: shop\nmodels: {shop: {nothere: {+materialized: view}}}\n"),
        ("macros/m.sql", "{% macro get_incremental_microbatch_sql(arg_dict) %}{{ return(get_incremental_append_sql(arg_dict)) }}{% endmacro %}"),
        ("models/a.sql", "select 1 as id, now() as ts"),
        ("models/c.sql", "{{ config(materialized='view') }} select 1 as id"),
        ("models/b.sql", "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts', batch_size='day', begin='2024-01-01') }} select * from {{ ref('a') }}"),
        ("seeds/sd.csv", "a\n1\n"),
        (
            "models/s.yml",
            "sources:
  - {name: src, overrides: nobody, tables: [{name: b}]}
  - {name: q, config: {tags: [1, ok]}, tables: [{name: a, config: {tags: 4}}, {name: b, tags: [t]}]}
models:
  - {name: nope}
  - {name: sd}
  - {name: c, config: {contract: {enforced: true}}, columns: [{name: id, data_type: int, constraints: [{type: not_null}]}]}
  - {name: a, descripton: wrong}
seeds:
  - {name: sd, constraints: [{type: not_null}]}
macros: [{name: nomacro}]
",
        ),
    ])
}

#[test]
fn warnings_are_dbts_events_with_their_fields() {
    let p = with_warnings();
    let said = p.tv1(&["--log-format", "json", "parse"]);
    let mut found: Vec<String> = said
        .said
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok())
        .filter(|l| l["info"]["level"] == "warn")
        .map(|l| {
            let mut data = l["data"].as_object().cloned().unwrap();
            data.retain(|k, _| k != "diagnostic" && k != "msg");
            let of = |k: &str| l["info"][k].as_str().unwrap_or_default().to_string();
            let first = of("msg").lines().next().unwrap_or_default().to_string();
            format!(
                "{} {} {} | {first}",
                of("code"),
                of("name"),
                serde_json::Value::from(data)
            )
        })
        .collect();
    found.sort();
    insta::assert_snapshot!(found.join("\n"));
    let sources = std::fs::read_to_string(p.folder().join("target/manifest.json")).unwrap();
    let sources: serde_json::Value = serde_json::from_str(&sources).unwrap();
    let tags = |name: &str| sources["sources"][format!("source.shop.q.{name}")]["tags"].clone();
    assert_eq!(tags("a"), serde_json::json!(["ok"]));
    assert_eq!(tags("b"), serde_json::json!(["ok", "t"]));
}

#[test]
fn advice_that_dbt_does_not_give_fails_nothing() {
    let p = Project::new(&[
        ("models/a.sql", "select 1 as id"),
        (
            "models/s.yml",
            "sources: [{name: src, overrides: nobody, tables: [{name: b}]}]\nmodels: [{name: a, descripton: wrong}]\n",
        ),
    ]);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nflags: {fail_fats: true}\n",
    );
    let none = "{error: all, silence: [UnusedTables]}";
    p.tv1(&["--warn-error-options", none, "parse"]).expect(
        0,
        &[
            "unknown key `descripton`",
            "flag `fail_fats`",
            "The source property `overrides`",
        ],
    );
    p.tv1(&["--warn-error", "parse"]).expect(
        2,
        &["source overrides that had no target", "`UnusedTables`"],
    );
    p.tv1(&["--warn-error-options", "{error: [Deprecations]}", "parse"])
        .expect(0, &[]);
    for name in ["CustomKeyInObjectDeprecation", "SourceOverrideDeprecation"] {
        p.tv1(&[
            "--warn-error-options",
            &format!("{{error: [{name}]}}"),
            "parse",
        ])
        .expect(2, &[name]);
        let said = p.tv1(&[
            "--warn-error-options",
            &format!("{{silence: [{name}]}}"),
            "parse",
        ]);
        let text = if name.starts_with("Source") {
            "`overrides`"
        } else {
            "descripton"
        };
        assert!(!said.said.contains(text), "{}", said.said);
    }
}

#[test]
fn a_strategy_of_ones_own_for_batches_sees_all_rows_at_once() {
    let p = with_warnings();
    p.tv1(&["run", "-s", "+b"]).expect(
        0,
        &[
            "- MicrobatchMacroOutsideOfBatchesDeprecation: 1 occurrence",
            "OK created sql incremental model",
        ],
    );
    assert_eq!(p.rows("select id from b"), "1");
    p.write("dbt_project.yml", "name: shop\nprofile: shop\nflags: {require_batched_execution_for_custom_microbatch_strategy: true}\n");
    p.tv1(&[
        "run",
        "-s",
        "b",
        "--event-time-start",
        "2024-01-01",
        "--event-time-end",
        "2024-01-03",
    ])
    .expect(
        0,
        &[
            "has no 'ref' or 'source' input with an 'event_time'",
            "OK created sql microbatch model",
        ],
    );
}

#[test]
fn an_argument_named_arguments_is_told_of_where_it_is_not_asked_for() {
    let p = Project::new(&[
        ("models/m.sql", "select 1 as id"),
        (
            "models/m.yml",
            "models: [{name: m, columns: [{name: id, data_tests: [{accepted_values: {arguments: {values: [1]}}}]}]}]",
        ),
    ]);
    let event = "ArgumentsPropertyInGenericTestDeprecation";
    let quiet = p.tv1(&["parse"]).expect(0, &[]);
    assert!(!quiet.said.contains(event), "{}", quiet.said);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nflags: {require_generic_test_arguments_property: false}\n",
    );
    p.tv1(&["parse", "--warn-error"]).expect(
        2,
        &[
            "test definition of `accepted_values` ({'values': [1]})",
            "models/m.yml:1:73",
        ],
    );
}

#[test]
fn what_dbt_has_given_up_is_told_by_its_name() {
    let p = Project::new(&[(
        "models/m.sql",
        "select {{ modules.itertools.chain([1], [2]) | list | length }} as id {{ modules.itertools.count and '' }}",
    )]);
    let itertools = "ModulesItertoolsUsageDeprecation";
    p.tv1(&["parse"])
        .expect(0, &["[ModulesItertoolsUsageDeprecation]", "1 occurrence"]);
    p.tv1(&["--warn-error", "parse"])
        .expect(2, &["Usage of itertools modules", "models/m.sql:1:18"]);
    let older = format!("{{include: all, exclude: [{itertools}]}}");
    p.tv1(&["--warn-error-options", &older, "parse"]).expect(
        2,
        &[
            "Found `include` and `exclude` in `warn_error_options`",
            "WEOIncludeExcludeDeprecation",
        ],
    );
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nflags: {warn_error_options: {include: [DeprecatedModel]}}\n",
    );
    let said = p
        .tv1(&["parse"])
        .expect(0, &["Found `include` in `warn_error_options`"]);
    assert!(!said.said.contains("`exclude`"), "{}", said.said);
    p.write("dbt_project.yml", "name: shop\nprofile: shop\n");
    p.tv1(&["source", "freshness", "--output", "target/f.json"])
        .expect(
            0,
            &[
                "CustomOutputPathInSourceFreshnessDeprecation",
                "`--output target/f.json`",
            ],
        );
}

#[test]
fn older_fields_of_a_semantic_layer_are_told_of_or_refused() {
    let p = Project::new(&[
        ("models/orders.sql", "select 1 as id, now() as ts"),
        (
            "models/metricflow_time_spine.sql",
            "select current_date as date_day",
        ),
    ]);
    let layer = |params: &str, spine: &str| {
        p.write(
            "models/s.yml",
            &format!(
                "semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {{agg_time_dimension: ts}}
    entities: [{{name: order_id, type: primary, expr: id}}]
    dimensions: [{{name: ts, type: time, type_params: {{time_granularity: day}}}}]
    measures: [{{name: cnt, agg: count, expr: id}}]
metrics: [{{name: cum, label: cum, type: cumulative, type_params: {{measure: cnt, {params}}}}}]
{spine}"
            ),
        );
        p.tv1(&["parse"])
    };
    let fields = "- MFCumulativeTypeParamsDeprecation: 1 occurrence";
    let spine = "- MFTimespineWithoutYamlConfigurationDeprecation: 1 occurrence";
    layer("window: 7 days", "").expect(0, &[fields, spine]);
    let newer = layer("cumulative_type_params: {window: 7 days}", "").expect(0, &[spine]);
    assert!(!newer.said.contains(fields), "{}", newer.said);
    let described = "models: [{name: metricflow_time_spine, time_spine: {standard_granularity_column: date_day}, columns: [{name: date_day, granularity: day}]}]";
    let newest = layer("cumulative_type_params: {grain_to_date: month}", described).expect(0, &[]);
    assert!(!newest.said.contains("Deprecation"), "{}", newest.said);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nflags: {require_nested_cumulative_type_params: true}\n",
    );
    layer("window: 7 days", described).expect(2, &["Invalid metrics: cum"]);
}

#[test]
fn what_older_flags_bring_back_is_told_of() {
    let p = Project::new(&[
        ("models/a.sql", "select 1 as id"),
        ("packages.yml", "packages: [{local: pkg}]"),
        ("pkg/dbt_project.yml", "name: pkg\n"),
        (
            "pkg/macros/m.sql",
            "{% materialization view, default %}{%- set r = this.incorporate(type='view') -%}\
             {% call statement('main') %}create view {{ r }} as ({{ sql }}){% endcall %}{% do adapter.commit() %}\
             {{ return({'relations': [r]}) }}{% endmaterialization %}",
        ),
        (
            "models/s.yml",
            "sources: [{name: q, tables: [{name: t, loaded_at_field: ts, freshness: {warn_after: {count: 1, period: day}}}]}]",
        ),
    ]);
    let project = |flags: &str| {
        let text =
            format!("name: shop\nprofile: shop\non-run-start: select 1\nflags: {{{flags}}}\n");
        p.write("dbt_project.yml", &text);
    };
    project(
        "require_explicit_package_overrides_for_builtin_materializations: false, source_freshness_run_project_hooks: false",
    );
    p.tv1(&["deps"]).expect(0, &[]);
    p.tv1(&["run"]).expect(
        0,
        &[
            "Installed package 'pkg' is overriding",
            "- PackageMaterializationOverrideDeprecation",
        ],
    );
    p.tv1(&["source", "freshness"])
        .expect(1, &["- SourceFreshnessProjectHooksNotRun: 1 occurrence"]);
    project("");
    let quiet = p.tv1(&["run"]).expect(0, &[]);
    assert!(!quiet.said.contains("overriding"), "{}", quiet.said);
}

#[test]
fn times_of_a_snapshot_of_another_type_are_told_of() {
    let snapshot = |kind: &str| {
        format!(
            "{{% snapshot sn %}}{{{{ config(strategy='timestamp', unique_key='id', updated_at='ts') }}}} select 1 as id, now()::{kind} as ts{{% endsnapshot %}}"
        )
    };
    let p = Project::new(&[("snapshots/sn.sql", &snapshot("timestamp"))]);
    p.tv1(&["snapshot"]).expect(0, &[]);
    p.write("snapshots/sn.sql", &snapshot("timestamptz"));
    p.tv1(&[
        "snapshot",
        "--warn-error-options",
        "{error: [SnapshotTimestampWarning]}",
    ])
    .expect(1, &["doesn't match derived column 'updated_at'"]);
    p.tv1(&["snapshot"])
        .expect(0, &["doesn't match derived column 'updated_at'"]);
}
