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
        2,
        &["Cross-db references not allowed in postgres (elsewhere vs"],
    );
}

/// Where dbt-core 1.10 succeeds, as it does: indexes that are no longer asked for go, new ones come, the rest stay.
#[test]
fn indexes_of_a_materialized_view_follow_the_configuration() {
    let p = Project::new(&[(
        "models/mv.sql",
        "{{ config(materialized='materialized_view', indexes=var('ix')) }}\nselect 1 as id, 2 as at\n",
    )]);
    let run = |ix: &str, more: &[&str]| {
        let vars = format!("{{ix: {ix}}}");
        p.tv1(&[&["run", "--vars", &vars], more].concat())
    };
    let indexes = || {
        p.rows(
            "select replace(indexdef, indexname, 'x') from pg_indexes where tablename = 'mv' order by 1",
        )
    };
    run("[{columns: [id]}]", &[]).expect(0, &["OK created"]);
    let first = indexes();
    assert!(first.contains("btree (id)"), "{first}");
    run("[{columns: [id]}]", &[]).expect(0, &["REFRESH MATERIALIZED VIEW"]);
    assert_eq!(indexes(), first);
    run(
        "[{columns: [id], unique: true}, {columns: [at], type: hash}]",
        &[],
    )
    .expect(0, &[]);
    let second = indexes();
    assert!(
        second.contains("UNIQUE INDEX") && second.contains("hash (at)"),
        "{second}"
    );
    run("[]", &[]).expect(0, &["DROP INDEX"]);
    assert_eq!(indexes(), "");
}
