//! What projects rarely do, as dbt-core 1.10 with dbt-postgres 1.11 was seen to do it.
use crate::project::Project;

/// A header that the text sets itself (`call set_sql_header`) is sent before what makes the relation.
#[test]
fn a_text_sets_its_own_header() {
    let p = Project::new(&[]);
    for (kind, more) in [
        ("table", ""),
        ("view", ""),
        ("incremental", ", unique_key='id'"),
    ] {
        p.write(
            &format!("models/of_{kind}.sql"),
            &format!("{{{{ config(materialized='{kind}'{more}) }}}}\n{{% call set_sql_header(config) %}}create or replace function f_{kind}() returns int language sql as 'select 3';{{% endcall %}}\nselect f_{kind}() as id\n"),
        );
    }
    p.tv1(&["run"]).expect(0, &["PASS=3"]);
    p.tv1(&["run"]).expect(0, &["PASS=3"]);
    assert_eq!(
        p.rows("select id from of_table union all select id from of_view union all select id from of_incremental"),
        "3 3 3"
    );
}

/// What a snapshot's strategy cannot use stops the project before anything runs.
#[test]
fn columns_to_check_must_fit_the_strategy() {
    let p = Project::new(&[]);
    for (config, said) in [
        (
            "strategy='check', check_cols='v'",
            "Invalid value for 'check_cols': v. Expected 'all' or a list of strings.",
        ),
        (
            "strategy='check', check_cols=[]",
            "the check strategy needs 'check_cols'",
        ),
        (
            "strategy='timestamp', updated_at='u', check_cols=['v']",
            "A 'timestamp' snapshot should not have 'check_cols'",
        ),
    ] {
        p.write(
            "snapshots/s.sql",
            &format!("{{% snapshot s %}}{{{{ config(unique_key='id', {config}) }}}}select 1 as id, 'a' as v, now() as u{{% endsnapshot %}}\n"),
        );
        p.tv1(&["snapshot"]).expect(2, &[said]);
    }
    assert_eq!(p.relations(), "");
    p.write("snapshots/s.sql", "{% snapshot s %}{{ config(unique_key='id', strategy='timestamp', updated_at='u', check_cols=[]) }}select 1 as id, now() as u{% endsnapshot %}\n");
    p.tv1(&["snapshot"]).expect(0, &["PASS=1"]);
}

const BATCHES: &str = "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts', \
    batch_size='day', begin='soon') }}\nselect now() as ts\n";

#[test]
fn the_beginning_of_batches_must_be_a_time() {
    let p = Project::new(&[("models/mb.sql", BATCHES)]);
    p.tv1(&["run"]).expect(
        2,
        &["must provide a 'begin' config of valid datetime (ISO format), but got: soon."],
    );
    for (given, wanted) in [
        (
            ("begin='soon'", "begin=2"),
            "must provide a 'begin' config of type datetime, but got: <class 'int'>.",
        ),
        (
            ("event_time='ts'", "event_time=1.5"),
            "must provide an 'event_time' config of type string, but got: <class 'float'>.",
        ),
    ] {
        let (from, to) = given;
        p.write("models/mb.sql", &BATCHES.replace(from, to));
        p.tv1(&["parse"]).expect(2, &[wanted]);
    }
}

/// What the adapter refuses is a runtime error, without the macros on the way, as tools that read messages expect.
#[test]
fn refusals_of_the_adapter_are_runtime_errors() {
    let long = "n".repeat(64);
    let p = Project::new(&[
        (
            "models/unknown.sql",
            "{{ config(materialized='incremental', incremental_strategy='wat') }}\nselect 1 as id\n",
        ),
        (
            "snapshots/s.sql",
            "{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all', hard_deletes='wat') }}select 1 as id{% endsnapshot %}\n",
        ),
    ]);
    p.write(&format!("models/{long}.sql"), "select 1 as id\n");
    p.tv1(&["build"]).expect(1, &["ERROR=3"]);
    let text = std::fs::read_to_string(p.folder().join("target/run_results.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    for r in all["results"].as_array().unwrap() {
        let message = r["message"].as_str().unwrap();
        assert!(message.starts_with("Runtime Error in "), "{message}");
        assert!(!message.contains("> in macro"), "{message}");
    }
}

/// Hooks of a run have no response of their own in the results; a failed one and those after it count one failure each.
#[test]
fn hooks_of_a_run_in_its_results() {
    let p = Project::new(&[("models/a.sql", "select 1 as id\n")]);
    let file = p.folder().join("dbt_project.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    p.write(
        "dbt_project.yml",
        &format!("{text}\non-run-start: ['select 1', 'select 1/0', 'select 2']\n"),
    );
    p.tv1(&["run"]).expect(1, &["division by zero"]);
    let text = std::fs::read_to_string(p.folder().join("target/run_results.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let hooks: Vec<String> = all["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["unique_id"].as_str().unwrap().starts_with("operation."))
        .map(|r| {
            format!(
                "{} {} {}",
                r["status"], r["failures"], r["adapter_response"]
            )
        })
        .collect();
    assert_eq!(
        hooks,
        ["\"success\" 0 {}", "\"error\" 1 {}", "\"skipped\" 1 {}"]
    );
    assert!(text.contains("on-run-start.2 skipped"), "{text}");
}

#[test]
fn an_empty_seed_is_an_error() {
    let p = Project::new(&[("seeds/nothing.csv", "")]);
    p.tv1(&["seed"]).expect(
        1,
        &["the file is empty: its first line must name the columns"],
    );
    assert_eq!(p.relations(), "");
}

/// Numbers with places that are none, as programs write them, stay numbers.
#[test]
fn a_seed_may_have_numbers_that_are_none() {
    let p = Project::new(&[("seeds/n.csv", "a,b,name\n1.5,nan,Nan\nNaN,Infinity,Bob\n")]);
    p.tv1(&["seed"]).expect(0, &["INSERT 2"]);
    assert_eq!(
        p.rows(
            "select pg_typeof(a), pg_typeof(b), pg_typeof(name), a, b from n order by name desc"
        ),
        "double precision|double precision|text|1.5|NaN double precision|double precision|text|NaN|Infinity"
    );
}

/// A foreign table of the model's name is nobody's to replace: the model fails and the table stays.
#[test]
fn a_foreign_table_in_the_way_stays() {
    let p = Project::new(&[(
        "models/far.sql",
        "{{ config(materialized='table') }}\nselect 1 as id\n",
    )]);
    p.execute("create foreign data wrapper w; create server s foreign data wrapper w; create foreign table far (id int) server s");
    p.tv1(&["run"])
        .expect(1, &["relation \"far\" already exists"]);
    assert_eq!(
        p.rows("select relname || relkind::text from pg_class where relname like 'far%'"),
        "farf"
    );
}

#[test]
fn unit_tests_with_odd_values() {
    let p = Project::new(&[
        (
            "models/src.sql",
            "{{ config(materialized='table') }}\nselect 1 as id, array[1, 2] as list, array['a'] as words\n",
        ),
        (
            "models/m.sql",
            "select id, list || 3 as list, words, interval '48 hours' as took from {{ ref('src') }}\n",
        ),
        (
            "models/u.yml",
            "unit_tests:\n  - name: u\n    model: m\n    given:\n      - {input: ref('src'), rows: [{id: 1, list: [5, null], words: [\"it's\", 'b,c']}], fixture: unused}\n    expect:\n      rows: [{id: 1, list: [5, null, 3], words: [\"it's\", 'b,c'], took: 2 days}]\n",
        ),
    ]);
    p.tv1(&["build"]).expect(0, &["PASS=3"]);
    let text = std::fs::read_to_string(p.folder().join("target/run_results.json")).unwrap();
    assert!(text.contains("SELECT 2"), "rows of both sides: {text}");
}

/// Settings of `PGOPTIONS` reach the sessions of a profile, as they do through libpq.
#[test]
fn settings_of_the_environment_reach_the_server() {
    let p = Project::new(&[(
        "models/m.sql",
        "{{ config(materialized='table') }}\nselect current_setting('work_mem') as mem\n",
    )]);
    let setting = |name: &str| {
        p.rows(&format!(
            "select split_part(current_setting('{name}'), ',', 1)"
        ))
    };
    p.write(
        "profiles.yml",
        &format!(
            "shop:\n  target: dev\n  outputs:\n    dev: {{type: postgres, host: {}, port: {}, user: {}, password: x, dbname: {}, schema: public, threads: 1}}\n",
            setting("unix_socket_directories"),
            setting("port"),
            p.rows("select current_user"),
            p.rows("select current_database()"),
        ),
    );
    p.tv1_env(&[("PGOPTIONS", "-c work_mem=1234kB")], &["run"])
        .expect(0, &["PASS=1"]);
    assert_eq!(p.rows("select mem from m"), "1234kB");
}
