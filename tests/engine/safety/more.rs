//! The same again changes nothing; what is refused; unit tests without tables.
use crate::project::Project;

#[test]
fn the_same_again_changes_nothing() {
    let p = Project::new(&[
        ("seeds/people.csv", "id,name\n1,ann\n2,bob\n"),
        (
            "models/di.sql",
            "{{ config(materialized='incremental', unique_key='id') }}\nselect * from {{ ref('people') }}\n",
        ),
        (
            "models/merged.sql",
            "{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }}\nselect * from {{ ref('people') }}\n",
        ),
        (
            "models/grows.sql",
            "{{ config(materialized='incremental') }}\nselect * from {{ ref('people') }} {% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n",
        ),
        (
            "models/t.sql",
            "{{ config(materialized='table') }}\nselect * from {{ ref('people') }}\n",
        ),
        (
            "models/mv.sql",
            "{{ config(materialized='materialized_view', indexes=[{'columns': ['id']}]) }}\nselect * from {{ ref('people') }}\n",
        ),
        (
            "snapshots/s.sql",
            "{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all', hard_deletes='new_record') }}select * from {{ ref('people') }}{% endsnapshot %}\n",
        ),
    ]);
    let state = |p: &Project| {
        ["di", "merged", "grows", "t", "mv", "s"]
            .map(|t| {
                p.rows(&format!(
                    "select string_agg(r::text, ' ' order by r::text) from {t} r"
                ))
            })
            .join("\n")
    };
    p.tv1(&["build"]).expect(0, &[]);
    let first = state(&p);
    let kept = "select string_agg(relname || relfilenode, ' ' order by relname) from pg_class where relname in ('di', 'merged', 'grows', 's')";
    let files = p.rows(kept);
    for _ in 0..2 {
        p.tv1(&["build"]).expect(0, &[]);
        assert_eq!(state(&p), first);
        assert_eq!(p.rows(kept), files);
    }
}

#[test]
fn unit_tests_need_no_tables() {
    let p = Project::new(&[
        ("models/src.sql", "select 1 as id, 'x' as name\n"),
        (
            "models/inc.sql",
            "{{ config(materialized='incremental', unique_key='id') }}\nselect s.id, upper(s.name) as name from {{ ref('src') }} s\n{% if is_incremental() %}where s.id > (select max(id) from {{ this }}){% endif %}\n",
        ),
        (
            "models/u.yml",
            "unit_tests:\n  - name: first\n    model: inc\n    overrides: {macros: {is_incremental: false}}\n    given: [{input: ref('src'), rows: [{id: 1, name: a}]}]\n    expect: {rows: [{id: 1, name: A}]}\n\
             \x20 - name: later\n    model: inc\n    overrides: {macros: {is_incremental: true}}\n    given:\n      - {input: ref('src'), rows: [{id: 1, name: a}, {id: 2, name: b}]}\n      - {input: this, rows: [{id: 1}]}\n    expect: {rows: [{id: 2, name: B}]}\n",
        ),
    ]);
    p.tv1(&["test"]).expect(0, &["PASS=2"]);
    assert_eq!(p.relations(), "");
}

#[test]
fn other_databases_are_refused() {
    let p = Project::new(&[(
        "models/a.sql",
        "{{ config(database='elsewhere') }}\nselect 1 as id\n",
    )]);
    p.tv1(&["run"]).expect(
        1,
        &["Cross-db references not allowed in postgres (elsewhere vs"],
    );
}
