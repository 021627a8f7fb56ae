//! What dbt-core 1.10 refuses in a semantic layer, one change of a sound project each; the exit codes are dbt's.
use crate::project::Project;

const SOUND: &str = "semantic_models:
- name: orders
  model: ref('o')
  defaults: {agg_time_dimension: ordered_at}
  entities: [{name: order_key, type: primary, expr: id}, {name: buyer, type: foreign, expr: id}]
  dimensions: [{name: ordered_at, type: time, expr: d, type_params: {time_granularity: day}}, {name: kind, type: categorical, expr: id}]
  measures: [{name: amount_sum, agg: sum, expr: amount}, {name: amount_max, agg: max, expr: amount}]
- name: buyers
  model: ref('o')
  entities: [{name: buyer, type: primary, expr: id}]
  dimensions: [{name: country, type: categorical, expr: id}]
metrics:
- {name: total, label: Total, type: simple, type_params: {measure: amount_sum}}
- {name: top, label: Top, type: simple, type_params: {measure: amount_max}}
- {name: sums, label: Both, type: derived, type_params: {expr: total + top, metrics: [total, top]}}
";

const DAYS: &str = "models:
- {name: days, time_spine: {standard_granularity_column: d}, columns: [{name: d, granularity: day}]}
";

/// From, to, and a word of the message.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "name: buyers",
        "name: Buyers",
        "Invalid name `Buyers` of a semantic model",
    ),
    ("name: kind", "name: month", "stands for a stretch of time"),
    ("name: kind", "name: metric_time", "is used by queries"),
    ("name: kind", "name: from", "reserved word of SQL"),
    (
        "name: kind",
        "name: buyer",
        "of a dimension and of a entity already",
    ),
    ("name: country", "name: amount_sum", "but a measure of"),
    (
        "name: country, type: categorical",
        "name: ordered_at, type: categorical",
        "another type",
    ),
    (
        "  defaults: {agg_time_dimension: ordered_at}\n",
        "",
        "is not set!",
    ),
    (
        "agg_time_dimension: ordered_at",
        "agg_time_dimension: kind",
        "which doesn't exist as a time dimension",
    ),
    (
        "{name: buyer, type: primary",
        "{name: buyer, type: foreign",
        "does not define a primary entity",
    ),
    (
        "{name: buyer, type: foreign",
        "{name: buyer, type: primary",
        "only one primary entity",
    ),
    (
        "{name: buyer, type: foreign",
        "{name: buyer, type: natural",
        "natural entity",
    ),
    ("agg: max, expr: amount", "agg: count", "requires an expr"),
    ("agg: max,", "agg: percentile,", "agg_params.percentile"),
    ("agg: max,", "agg: maxx,", "did you mean `max`?"),
    (
        "type: categorical",
        "type: category",
        "no `type` of one of the dimensions",
    ),
    ("label: Top", "label: Total", "Can't use label `Total`"),
    ("label: Top, ", "", "metric `top` has no `label`"),
    ("metrics: [total, top]", "metrics: []", "No input metrics"),
    (
        "metrics: [total, top]",
        "metrics: [total, {name: top, alias: total}]",
        "already being used",
    ),
    (
        "measure: amount_max}",
        "measure: amount_max}, filter: \"{{ Dimension('kind') }} = 1\"",
        "without its entity",
    ),
];

fn project(layer: &str, days: &str) -> Project {
    Project::new(&[
        (
            "models/o.sql",
            "select 1 as id, current_date as d, 1 as amount",
        ),
        ("models/days.sql", "select current_date as d"),
        ("models/s.yml", &format!("{layer}{days}")),
    ])
}

#[test]
fn what_dbt_refuses_in_a_semantic_layer_is_refused() {
    let p = project(SOUND, DAYS);
    p.tv1(&["parse"]).expect(0, &[]);
    for (from, to, word) in WRONG {
        assert!(SOUND.contains(from), "{from}");
        p.write(
            "models/s.yml",
            &format!("{}{DAYS}", SOUND.replacen(from, to, 1)),
        );
        p.tv1(&["parse"])
            .expect(2, &["G0417", word, "models/s.yml:"]);
    }
}

#[test]
fn words_in_capitals_are_the_same_words() {
    let p = project(SOUND, DAYS);
    let manifest = || {
        p.tv1(&["parse"]).expect(0, &[]);
        let text = std::fs::read_to_string(p.folder().join("target/manifest.json")).unwrap();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let model = &all["semantic_models"]["semantic_model.shop.orders"];
        ["entities", "dimensions", "measures"].map(|part| model[part].clone())
    };
    let plain = manifest();
    let mut loud = SOUND.to_string();
    for (from, to) in [
        ("type: primary", "type: PRIMARY"),
        ("type: foreign", "type: Foreign"),
        ("type: time", "type: TIME"),
        ("type: categorical", "type: CATEGORICAL"),
        ("agg: sum", "agg: SUM"),
        ("time_granularity: day", "time_granularity: DAY"),
    ] {
        assert!(loud.contains(from), "{from}");
        loud = loud.replace(from, to);
    }
    p.write("models/s.yml", &format!("{loud}{DAYS}"));
    assert_eq!(manifest(), plain);
}

#[test]
fn a_semantic_layer_needs_days_unless_the_project_is_tv1s_own() {
    let p = project(SOUND, "");
    let needs = "requires a time spine model";
    p.tv1(&["parse"]).expect(2, &[needs, "models/s.yml:2:9"]);
    let monthly = DAYS.replace("granularity: day}", "granularity: month}");
    p.write("models/s.yml", &format!("{SOUND}{monthly}"));
    p.tv1(&["parse"]).expect(2, &[needs]);
    p.write(
        "models/metricflow_time_spine.sql",
        "select current_date as date_day",
    );
    p.tv1(&["parse"]).expect(0, &[]);
    std::fs::remove_file(p.folder().join("models/metricflow_time_spine.sql")).unwrap();
    std::fs::remove_file(p.folder().join("dbt_project.yml")).unwrap();
    p.write("project.yml", "name: shop\nprofile: shop\n");
    p.tv1(&["parse"]).expect(0, &[]);
}

#[test]
fn a_calendar_names_columns_that_are_there() {
    let p = Project::new(&[("models/days.sql", "select current_date as d")]);
    let days = |spine: &str, columns: &str| {
        p.write(
            "models/s.yml",
            &format!("models:\n- {{name: days, time_spine: {spine}, columns: {columns}}}\n"),
        );
        p.tv1(&["parse"])
    };
    let d = "{standard_granularity_column: d}";
    days(d, "[{name: d, granularity: day}]").expect(0, &[]);
    for (spine, columns, said) in [
        (
            d,
            "[{name: e}]",
            "Got invalid column name 'd' for model 'days'. Valid names: ['e'].",
        ),
        (
            d,
            "[{name: d}]",
            "Please add one for column 'd' in model 'days'.",
        ),
        (
            "{standard_granularity_column: d, custom_granularities: [{name: fiscal}, {name: m, column_name: d}]}",
            "[{name: d, granularity: day}]",
            "Columns not found: ['fiscal']; Available columns: ['d']",
        ),
    ] {
        days(spine, columns).expect(2, &[said, "models/s.yml:2:"]);
    }
}
