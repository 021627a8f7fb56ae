//! The tag of every kind of statement is the one that `psql` shows.
use super::*;

const STATEMENTS: &[&str] = &[
    "create schema s",
    "create table t (i int primary key, x text, p numeric)",
    "create table if not exists t (i int)",
    "create temporary table tt (i int)",
    "create unlogged table u as select 1 as i",
    "create table c as select g as i from generate_series(1, 10) g",
    "create table e as select 1 as i where false",
    "create table n as select 1 as i with no data",
    "select 7 as i into si",
    "insert into t select g, 'x', g from generate_series(1, 3) g",
    "insert into t values (4) returning i",
    "insert into t values (4) on conflict do nothing",
    "update t set x = 'y' where i > 1",
    "update t set x = 'y' where false",
    "merge into t using (values (1), (9)) v(i) on t.i = v.i when matched then update set x = 'm' \
       when not matched then insert values (v.i)",
    "delete from t where i = 9",
    "truncate table u",
    "truncate u, c",
    "create view v as select * from t",
    "create or replace view v as select * from t",
    "create materialized view m as select * from t",
    "create materialized view m0 as select * from t with no data",
    "refresh materialized view m",
    "create index ti on t (x)",
    "create unique index mi on m (i)",
    "refresh materialized view concurrently m",
    "reindex index ti",
    "alter table t add column z int",
    "alter table v rename to w",
    "alter view w rename to v",
    "alter materialized view m rename to m2",
    "alter index ti rename to tj",
    "alter table u set schema s",
    "alter schema s rename to s2",
    "comment on table t is 'x'",
    "comment on column t.i is $$y$$",
    "create role scratch_tags_role",
    "grant select on t to scratch_tags_role",
    "revoke select on t from scratch_tags_role",
    "alter role scratch_tags_role with nologin",
    "drop role scratch_tags_role",
    "create sequence q",
    "alter sequence q restart",
    "drop sequence q",
    "create type mood as enum ('a', 'b')",
    "alter type mood add value 'c'",
    "create domain d as int",
    "drop domain d",
    "create function f() returns int language sql as 'select 1'",
    "create procedure pr() language sql as 'select 1'",
    "call pr()",
    "create or replace function f() returns int language sql begin atomic select 2; end",
    "alter function f() immutable",
    "drop function f()",
    "do $$ begin perform 1; end $$",
    "set search_path to public",
    "reset search_path",
    "set role none",
    "begin",
    "savepoint a",
    "rollback to savepoint a",
    "release savepoint a",
    "declare cur cursor for select 1",
    "move cur",
    "close cur",
    "lock table t",
    "rollback",
    "start transaction",
    "commit",
    "prepare st as select 1",
    "deallocate st",
    "discard plans",
    "analyze t",
    "vacuum t",
    "cluster t using t_pkey",
    "listen l",
    "unlisten l",
    "notify l",
    "create rule r as on insert to si do instead nothing",
    "drop rule r on si",
    "create policy po on t",
    "create statistics stx on i, x from t",
    "create extension if not exists plpgsql",
    "create publication pub",
    "drop publication pub",
    "security label on table t is null",
    "checkpoint",
    "drop index tj",
    "drop view v",
    "drop materialized view m2, m0",
    "drop table if exists nothing_there",
    "drop table c, e",
    "drop schema s2 cascade",
    "select 1; create table multi (i int); insert into multi values (1), (2)",
    "insert into multi select 3; -- and nothing more\n;",
];

#[test]
fn tags_are_those_that_psql_shows() {
    let (ours, theirs) = (scratch::database(), scratch::database());
    let mut script = String::new();
    for sql in STATEMENTS {
        script.push_str(&format!("{sql};\n\\echo ==\n"));
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let out = psql(&theirs, &["-t", "-f", &file.path().display().to_string()]);
    let shown = String::from_utf8(out.stdout).unwrap();
    let shown: Vec<&str> = shown.split("==\n").collect();
    assert!(STATEMENTS.len() > 80 && shown.len() == STATEMENTS.len() + 1);
    let mut s = ours.connect();
    for (sql, shown) in STATEMENTS.iter().zip(shown) {
        let tag = match s.execute(sql) {
            Ok(done) => done.tag,
            Err(e) => {
                // Both must refuse it, or psql would have said something.
                assert_eq!(shown.trim(), "", "{sql}: {e}");
                continue;
            }
        };
        let expected = shown.trim().lines().last().unwrap_or_default();
        assert_eq!(tag, expected, "{sql}");
    }
}

#[test]
fn rows_affected_and_codes() {
    let db = scratch::database();
    let mut s = db.connect();
    for (sql, code, rows) in [
        ("create table t (i int)", "CREATE TABLE", -1),
        ("insert into t values (1), (2)", "INSERT", 2),
        ("select * from t", "SELECT", 2),
        ("update t set i = 3", "UPDATE", 2),
        ("create table c as select * from t", "SELECT", 2),
        (
            "refresh materialized view m",
            "REFRESH MATERIALIZED VIEW",
            -1,
        ),
        ("show timezone", "SHOW", -1),
        ("explain select 1", "EXPLAIN", -1),
    ] {
        if sql.starts_with("refresh") {
            s.execute("create materialized view m as select 1").unwrap();
        }
        let done = s.execute(sql).unwrap();
        assert_eq!(
            (done.code().as_str(), done.rows_affected),
            (code, rows),
            "{sql}"
        );
    }
}
