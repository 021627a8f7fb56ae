//! `build --publish atomic`: everything is seen at once after its tests have passed, or nothing is.
use crate::project::Project;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const INC: &str = "{{ config(materialized='incremental', unique_key='id', grants={'select': ['publish_reader']}) }}\n\
    select id, {{ var('turn', 1) }} as turn from {{ ref('stg') }}\n\
    {% if is_incremental() %}union all select max(id) + 10, {{ var('turn', 1) }} from {{ this }}{% endif %}\n";

const PROPERTIES: &str = "models:\n\
    \x20 - name: mart\n    description: The mart.\n    config: {persist_docs: {relation: true}}\n    columns:\n\
    \x20     - name: id\n        data_tests: [unique, not_null]\n\
    \x20 - name: inc\n    columns:\n      - name: turn\n        data_tests:\n\
    \x20         - accepted_values: {arguments: {values: [1, 2]}}\n";

const SNAPSHOT: &str = "snapshots:\n  - name: snap\n    relation: ref('stg')\n\
    \x20   config: {strategy: check, unique_key: id, check_cols: [turn]}\n";

fn project() -> Project {
    let p = Project::new(&[
        ("seeds/things.csv", "id,name\n1,a\n2,b\n"),
        (
            "models/stg.sql",
            "select id, name, {{ var('turn', 1) }} as turn from {{ ref('things') }}\n",
        ),
        (
            "models/mart.sql",
            "{{ config(materialized='table', indexes=[{'columns': ['id'], 'unique': true}]) }}\n\
             select id, name, turn from {{ ref('stg') }}\n",
        ),
        ("models/inc.sql", INC),
        (
            "models/mv.sql",
            "{{ config(materialized='materialized_view') }}\nselect max(turn) as turn from {{ ref('mart') }}\n",
        ),
        ("models/properties.yml", PROPERTIES),
        ("snapshots/snap.yml", SNAPSHOT),
    ]);
    p.execute(
        "do $$ begin create role publish_reader; exception when duplicate_object or unique_violation then null; end $$",
    );
    p
}

fn build<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["build", "--publish", "atomic"], more].concat()
}

/// Names that end as those do that are not published.
fn staged(p: &Project) -> String {
    p.rows("select relname from pg_class where relname ~ '__tv1_next' order by 1")
}

fn turns(p: &Project) -> String {
    p.rows(
        "select (select max(turn) from stg), (select max(turn) from mart), (select string_agg(id || ':' || turn, ' ' \
         order by id) from inc), (select turn from mv), (select count(*) from snap)",
    )
}

#[test]
fn everything_is_seen_at_once() {
    let p = project();
    // While the build runs, none of it is there.
    p.write(
        "tests/unseen.sql",
        "-- {{ ref('mv') }} {{ ref('inc') }} {{ ref('snap') }}\n\
         select relname from pg_class where relname in ('stg', 'mart', 'inc', 'mv', 'snap', 'things')\n",
    );
    p.tv1(&build(&[]))
        .expect(0, &["Published 6 relations in one transaction"]);
    assert_eq!(turns(&p), "1|1|1:1 2:1|1|2");
    p.execute(
        "create unique index by_hand on inc (turn, id); create index on inc (turn, id); \
         create table parents (id int primary key); insert into parents values (1), (2), (12); \
         alter table inc add primary key (id), add constraint inc_parent foreign key (id) references parents",
    );
    p.write(
        "tests/unseen.sql",
        "select max(turn) from mart having max(turn) <> 1 -- {{ ref('mv') }}\n",
    );
    p.tv1(&build(&["--vars", "{turn: 2}"]))
        .expect(0, &["Published 6 relations in one transaction"]);
    // What goes on from what is there has gone on from it.
    assert_eq!(turns(&p), "2|2|1:2 2:2 12:2|2|4");
    assert_eq!(staged(&p), "");
    assert_eq!(p.debris(), "");
    let mart = "select count(*) from pg_index where indrelid = 'mart'::regclass and indisunique";
    assert_eq!(p.rows(mart), "1");
    assert_eq!(
        p.rows("select obj_description('mart'::regclass)"),
        "The mart."
    );
    let view = p.rows("select pg_get_viewdef('stg'::regclass)");
    assert!(view.contains("FROM things"), "{view}");
    let reads = "select has_table_privilege('publish_reader', 'inc', 'select')";
    assert_eq!(p.rows(reads), "t");
    // Names that were given stay; none tells of how it came about.
    let names = "select string_agg(relname, ' ' order by relname) from pg_class where relname ~ 'by_hand|inc_turn_id|tv1_next'";
    assert_eq!(p.rows(names), "by_hand inc_turn_id_idx");
    let keys = "select string_agg(conname || ' ' || contype::text, ', ' order by conname) from pg_constraint where conrelid = 'inc'::regclass";
    assert_eq!(p.rows(keys), "inc_parent f, inc_pkey p");
    // Artefacts and compiled SQL speak of the relations as they are called now; `run` holds what was sent.
    let all = files(&p.folder().join("target"));
    for file in all
        .iter()
        .filter(|f| !f.starts_with(p.folder().join("target/run")))
    {
        let text = fs::read_to_string(file).unwrap_or_default();
        assert!(!text.contains("__tv1_next"), "{}", file.display());
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let below = |path: std::path::PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    entries.flat_map(below).collect()
}

#[test]
fn a_failing_test_leaves_everything_as_it_was() {
    let p = project();
    p.tv1(&build(&[])).expect(0, &[]);
    let before = (
        turns(&p),
        p.rows(
            "select oid from pg_class where relname ~ '^(stg|mart|inc|mv|snap|things)$' order by 1",
        ),
    );
    let failed = build(&["--vars", "{turn: 3}"]);
    p.tv1(&failed).expect(
        1,
        &["Nothing was published, 1 of 9 nodes failed or were skipped"],
    );
    let after = (
        turns(&p),
        p.rows(
            "select oid from pg_class where relname ~ '^(stg|mart|inc|mv|snap|things)$' order by 1",
        ),
    );
    assert_eq!(before, after);
    assert_eq!(staged(&p), "");
    // Nothing of it was published, so all of it is done again.
    p.write("models/inc.sql", &INC.replace("var('turn', 1)", "2"));
    p.tv1(&["retry"]).expect(0, &["Published 6 relations"]);
    assert_eq!(turns(&p), "3|3|1:2 2:2 12:2|3|4");
}

#[test]
fn what_others_have_hung_on_a_relation_stays_or_stops_the_build() {
    let p = project();
    p.tv1(&build(&[])).expect(0, &[]);
    p.execute("create view mine as select m.id, s.turn from mart m join stg s using (id)");
    p.tv1(&build(&["--vars", "{turn: 2}"])).expect(0, &[]);
    assert_eq!(p.rows("select max(turn) from mine"), "2");
    // A column that the view needs goes.
    p.write(
        "models/mart.sql",
        "{{ config(materialized='table') }}\nselect id as key, turn from {{ ref('stg') }}\n",
    );
    p.write("models/properties.yml", "");
    p.tv1(&build(&["--vars", "{turn: 3}"]))
        .expect(1, &["Nothing was published", "model.shop.mart", "mine"]);
    assert_eq!(turns(&p).split('|').next(), Some("2"));
    assert_eq!(p.rows("select max(turn) from mine"), "2");
    assert_eq!(staged(&p) + &p.debris(), "");
}

#[test]
fn a_table_that_a_copy_would_harm_is_left_alone() {
    let p = project();
    p.tv1(&build(&[])).expect(0, &[]);
    p.execute(
        "create function noted() returns trigger language plpgsql as 'begin return new; end'; \
         create trigger noted before insert on inc for each row execute function noted()",
    );
    p.tv1(&build(&["--vars", "{turn: 2}"])).expect(
        1,
        &[
            "inc\" cannot be built aside and published with the rest: it has triggers",
            "Nothing was published",
        ],
    );
    assert_eq!(turns(&p), "1|1|1:1 2:1|1|2");
    p.tv1(&["build", "--vars", "{turn: 2}"]).expect(0, &[]);
    assert_eq!(turns(&p), "2|2|1:2 2:2 12:2|2|4");
}

#[test]
fn a_build_that_was_killed_is_made_good_by_the_next() {
    let p = project();
    p.tv1(&build(&[])).expect(0, &[]);
    p.write(
        "tests/slow.sql",
        "select pg_sleep(30) from {{ ref('mv') }} where false or pg_sleep(30) is null\n",
    );
    let mut child = p.start(&build(&["--vars", "{turn: 2}"]));
    let begun = Instant::now();
    while !staged(&p).contains("mv__tv1_next") {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", staged(&p));
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(turns(&p), "1|1|1:1 2:1|1|2");
    p.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
    fs::remove_file(p.folder().join("tests/slow.sql")).unwrap();
    // What somebody has hung on it stays, and is told.
    p.execute("create view peeks as select * from mv__tv1_next");
    p.tv1(&["run", "--select", "stg"])
        .expect(0, &["could not be dropped", "mv__tv1_next"]);
    p.execute("drop view peeks");
    // Another command clears away what was left, too, even where that hangs on what it replaces.
    p.write(
        "models/stg.sql",
        "select id, 1 as turn, name as called from {{ ref('things') }}\n",
    );
    p.tv1(&["run", "--select", "stg"]).expect(0, &[]);
    assert_eq!(staged(&p), "");
    p.write(
        "models/stg.sql",
        "select id, name, {{ var('turn', 1) }} as turn from {{ ref('things') }}\n",
    );
    p.tv1(&build(&["--vars", "{turn: 2}"])).expect(0, &[]);
    assert_eq!(turns(&p), "2|2|1:2 2:2 12:2|2|4");
    assert_eq!(staged(&p) + &p.debris(), "");
}

#[test]
fn long_and_unquoted_names_and_the_rest_of_the_project() {
    let long = "a_model_with_a_name_that_is_nearly_as_long_as_names_may_be_1";
    let other = "a_model_with_a_name_that_is_nearly_as_long_as_names_may_be_2";
    let p = Project::new(&[
        (
            "dbt_project.yml",
            "name: shop\nprofile: shop\nquoting: {identifier: false, schema: false}\n",
        ),
        (&format!("models/{long}.sql"), "select 1 as id\n"),
        (
            &format!("models/{other}.sql"),
            &format!(
                "{{{{ config(materialized='table') }}}}\nselect id + 1 as id from {{{{ ref('{long}') }}}}\n"
            ),
        ),
        (
            "models/Mixed.sql",
            &format!("select * from {{{{ ref('{other}') }}}}\n"),
        ),
        ("models/apart.sql", "select 1 as id\n"),
    ]);
    p.tv1(&["build"]).expect(0, &[]);
    // A model that is not selected, and reads one that is, goes on reading it.
    p.write(&format!("models/{long}.sql"), "select 5 as id\n");
    p.tv1(&build(&["--select", other, long]))
        .expect(0, &["Published 2 relations"]);
    assert_eq!(p.rows("select id from mixed"), "6");
    p.tv1(&build(&["--full-refresh"]))
        .expect(0, &["Published 4 relations"]);
    assert_eq!(p.rows("select id from mixed"), "6");
    assert_eq!(staged(&p) + &p.debris(), "");
}

#[test]
fn another_command_leaves_a_build_at_work_alone() {
    let p = project();
    p.tv1(&build(&[])).expect(0, &[]);
    p.write(
        "tests/slow.sql",
        "select 1 from {{ ref('mv') }} where pg_sleep(3)::text = 'x'\n",
    );
    let at_work = p.spawn(&build(&["--vars", "{turn: 2}"]));
    let begun = Instant::now();
    while !staged(&p).contains("mv__tv1_next") {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", staged(&p));
        std::thread::sleep(Duration::from_millis(50));
    }
    p.tv1(&["run", "--select", "stg"]).expect(0, &[]);
    assert!(staged(&p).contains("mv__tv1_next"));
    let output = at_work.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(turns(&p), "2|2|1:2 2:2 12:2|2|4");
    assert_eq!(staged(&p) + &p.debris(), "");
}

#[test]
fn two_builds_wait_for_each_other() {
    let p = project();
    p.write(
        "tests/slow.sql",
        "select 1 from {{ ref('mv') }} where pg_sleep(2)::text = 'x'\n",
    );
    let first = p.spawn(&build(&[]));
    let second = p.spawn(&build(&["--vars", "{turn: 2}"]));
    for child in [first, second] {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
    }
    let got = turns(&p);
    assert!(got.starts_with("2|2|") || got.starts_with("1|1|"), "{got}");
    assert_eq!(staged(&p) + &p.debris(), "");
}
