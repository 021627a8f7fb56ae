//! Models in batches of time. What is expected was recorded from dbt-core 1.10.
use crate::project::Project;
use serde_json::Value;
use std::fs;

const INPUT: &str = "{{ config(materialized='table', event_time='at') }}\n\
    select 1 as id, timestamp '2020-01-01 00:30:00' as at union all select 2, '2020-01-02 10:00' union all select 3, '2020-01-03 23:59'\n";

const MB: &str = "{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id', event_time='at', \
    batch_size=var('size', 'day'), begin='2020-01-01', \
    pre_hook=\"create table if not exists {{ this.schema }}.hooks (t text)\", \
    post_hook=\"insert into {{ this.schema }}.hooks values ('post {{ model.batch.id }}')\") }}\n\
    select id, at, {{ is_incremental() | string | lower }} as inc, 6 / (id - {{ var('bad', 0) }}) as q, \
    '{{ model.batch.id }} {{ model.batch.event_time_start }} {{ model.config.__dbt_internal_microbatch_event_time_end }} \
    {{ model.batch.event_time_start.strftime('%d') }}' as b from {{ ref('input') }}\n";

const RANGE: [&str; 4] = [
    "--event-time-start",
    "2020-01-01",
    "--event-time-end",
    "2020-01-04",
];

fn project() -> Project {
    let p = Project::new(&[
        ("models/input.sql", INPUT),
        ("models/mb.sql", MB),
        ("models/down.sql", "select * from {{ ref('mb') }}\n"),
    ]);
    p.tv1(&["run", "--select", "input"]).expect(0, &[]);
    p
}

fn run(p: &Project, more: &[&str]) -> crate::project::Ended {
    p.tv1(&[&["run", "--select", "mb", "down"], &RANGE[..], more].concat())
}

/// The result of the batched model.
fn result(p: &Project) -> Value {
    let text = fs::read_to_string(p.folder().join("target/run_results.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let list = all["results"].as_array().unwrap();
    list.iter()
        .find(|r| r["unique_id"] == "model.shop.mb")
        .unwrap()
        .clone()
}

fn days(v: &Value) -> Vec<&str> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|p| &p[0].as_str().unwrap()[8..10])
        .collect()
}

#[test]
fn each_batch_is_compiled_and_run_for_its_window() {
    let p = project();
    run(&p, &[]).expect(
        0,
        &[
            "START sql microbatch model public.mb",
            "Batch 1 of 3 START batch 2020-01-01 of public.mb",
            "Batch 1 of 3 OK created batch 2020-01-01 of public.mb",
            "[SELECT 1 in",
            "Batch 3 of 3 OK created batch 2020-01-03 of public.mb",
            "[MERGE 1 in",
            "OK created sql microbatch model public.mb",
            "[SUCCESS in",
        ],
    );
    assert_eq!(
        p.rows("select id, inc, b from mb order by 1"),
        "1|f|20200101 2020-01-01 00:00:00+00:00 2020-01-02 00:00:00+00:00 01 \
         2|t|20200102 2020-01-02 00:00:00+00:00 2020-01-03 00:00:00+00:00 02 \
         3|t|20200103 2020-01-03 00:00:00+00:00 2020-01-04 00:00:00+00:00 03"
    );
    assert_eq!(p.rows("select * from hooks"), "post 20200103");
    let sql = fs::read_to_string(
        p.folder()
            .join("target/compiled/shop/models/mb/mb_2020-01-02.sql"),
    )
    .unwrap();
    assert!(
        sql.contains("where at >= '2020-01-02 00:00:00+00:00' and at < '2020-01-03 00:00:00+00:00') _dbt_et_filter_subq_input"),
        "{sql}"
    );
    let r = result(&p);
    assert_eq!(
        (&r["message"], &r["compiled"]),
        (&"SUCCESS".into(), &false.into())
    );
    assert_eq!(
        r["batch_results"]["successful"][0][0],
        "2020-01-01T00:00:00+00:00"
    );
    assert_eq!(
        r["batch_results"]["successful"].as_array().unwrap().len(),
        3
    );
    // The same again changes no row.
    run(&p, &[]).expect(0, &[]);
    assert_eq!(p.rows("select count(*), count(distinct id) from mb"), "3|3");
}

#[test]
fn a_failed_batch_costs_only_itself() {
    let p = project();
    run(&p, &["--vars", "{bad: 2}"]).expect(
        1,
        &[
            "Batch 2 of 3 ERROR creating batch 2020-01-02",
            "division by zero",
            "PARTIALLY created sql microbatch model public.mb",
            "PARTIAL SUCCESS (2/3)",
            "SKIP relation public.down",
        ],
    );
    assert_eq!(p.rows("select id from mb order by 1"), "1 3");
    let r = result(&p);
    assert_eq!(r["status"], "partial success");
    assert_eq!(days(&r["batch_results"]["failed"]), ["02"]);
    assert_eq!(days(&r["batch_results"]["successful"]), ["01", "03"]);
    assert_eq!(p.debris(), "");
}

/// The batches and their results are dbt's; dbt loses the others' rows when the earlier command was a full refresh.
#[test]
fn a_retry_runs_the_failed_batches_alone() {
    let p = project();
    // What a retry takes over of the earlier command does not build the table anew.
    run(&p, &["--vars", "{bad: 2}", "--full-refresh"]).expect(1, &["PARTIAL SUCCESS (2/3)"]);
    let said = p.tv1(&["retry", "--vars", "{bad: 0}"]).expect(
        0,
        &[
            "Batch 1 of 1 OK created batch 2020-01-02 of public.mb",
            "[SUCCESS in",
        ],
    );
    assert!(!said.said.contains("batch 2020-01-01"), "{}", said.said);
    assert_eq!(p.rows("select id, inc from mb order by 1"), "1|f 2|t 3|t");
    let r = result(&p);
    assert_eq!(days(&r["batch_results"]["successful"]), ["02", "01", "03"]);
    assert_eq!(days(&r["batch_results"]["failed"]), [""; 0]);
    assert_eq!(p.rows("select count(*) from down"), "3");
}

#[test]
fn without_the_first_batch_the_others_do_not_begin() {
    let p = project();
    run(&p, &["--vars", "{bad: 1}"]).expect(
        1,
        &[
            "Batch 1 of 3 ERROR creating",
            "Batch 2 of 3 SKIP batch 2020-01-02",
            "Batch 3 of 3 SKIP",
            "ERROR creating sql microbatch model",
        ],
    );
    assert_eq!(p.relations(), "input:r");
    assert_eq!(
        days(&result(&p)["batch_results"]["failed"]),
        ["01", "02", "03"]
    );
    run(&p, &[]).expect(0, &[]);
    // A full refresh whose first batch fails leaves the table that was there.
    run(&p, &["--full-refresh", "--vars", "{bad: 1}"]).expect(1, &[]);
    assert_eq!(p.rows("select id from mb order by 1"), "1 2 3");
    // The same on a table that is there: what the first batch cannot do is not tried again.
    run(&p, &["--vars", "{bad: 1}"]).expect(1, &["Batch 2 of 3 SKIP batch 2020-01-02"]);
}

#[test]
fn batches_side_by_side_are_not_to_be_had() {
    let p = project();
    p.write(
        "models/mb.yml",
        "models:\n  - name: mb\n    config: {concurrent_batches: true}\n",
    );
    run(&p, &[]).expect(
        0,
        &["Found 1 microbatch model with the `concurrent_batches` config set to true"],
    );
}

#[test]
fn what_a_batched_model_must_say() {
    let p = project();
    for (key, words) in [
        ("event_time='at', ", "'event_time'"),
        ("batch_size=var('size', 'day'), ", "'batch_size'"),
        ("begin='2020-01-01', ", "'begin'"),
    ] {
        p.write("models/mb.sql", &MB.replace(key, ""));
        let ended = p.tv1(&["run", "--select", "mb"]);
        assert_ne!(ended.code, 0, "{}", ended.said);
        assert!(ended.said.contains(words), "{}", ended.said);
    }
    p.write("models/mb.sql", &MB.replace("unique_key='id', ", ""));
    run(&p, &[]).expect(
        1,
        &["dbt-postgres 'microbatch' requires a `unique_key` config"],
    );
}

#[test]
fn hours_and_lookback() {
    let p = project();
    p.tv1(&[
        "run",
        "--select",
        "mb",
        "--vars",
        "{size: hour}",
        "--event-time-start",
        "2020-01-01T22:30:00",
        "--event-time-end",
        "2020-01-02T00:30:00",
    ])
    .expect(
        0,
        &[
            "Batch 1 of 3 START batch 2020-01-01T22 of",
            "batch 2020-01-02T00 of",
        ],
    );
    p.write(
        "models/mb.sql",
        &MB.replace(
            "'2020-01-01'",
            "(run_started_at - modules.datetime.timedelta(days=4)).strftime('%Y-%m-%d')",
        ),
    );
    p.execute("drop table mb cascade");
    p.tv1(&["run", "--select", "mb"])
        .expect(0, &["Batch 5 of 5 OK"]);
    p.tv1(&["run", "--select", "mb"])
        .expect(0, &["Batch 2 of 2 OK"]);
}

/// Each batch makes a temporary table. Those of the batches before it are gone.
#[test]
fn temporary_tables_of_batches_do_not_pile_up() {
    let p = project();
    let count = "(select count(*) from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'r')";
    let model = MB.replace("as b from", &format!("as b, {count} as temporary from"));
    fs::write(p.folder().join("models/mb.sql"), model).unwrap();
    run(&p, &["--full-refresh"]).expect(0, &["Batch 3 of 3 OK"]);
    assert_eq!(
        p.rows("select id, temporary from mb order by id"),
        "1|0 2|0 3|0"
    );
}

#[test]
fn batches_whose_inputs_have_no_time_are_told_of() {
    let p = project();
    let said = "The microbatch model 'mb' has no 'ref' or 'source' input with an 'event_time' configuration.";
    let warned = |p: &Project, options: &[&str]| p.tv1(&[&["parse"], options].concat());
    assert!(!warned(&p, &[]).expect(0, &[]).said.contains(said));
    p.write("models/input.sql", &INPUT.replace(", event_time='at'", ""));
    warned(&p, &[]).expect(0, &[said]);
    // As with dbt it is no error, unless the project says that every warning can be one.
    warned(&p, &["--warn-error"]).expect(0, &[said]);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nflags: {require_all_warnings_handled_by_warn_error: true}\n",
    );
    warned(&p, &["--warn-error"]).expect(2, &[said]);
}
