//! Errors say what `psql` says, place included.
use super::*;

const WRONG: &[&str] = &[
    "select 1\nfrom x",
    "select 1 as a,\n\t  'æøå日本', nope from pg_class",
    "selec 1",
    "select 1/0",
    "select 'x'::int",
    "select aaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccccc, nope, ddddddddddddddddddddddddddd, eeee from pg_class",
    "create table t (i int primary key); insert into t values (1), (1)",
    "create table t (i int not null); insert into t values (null)",
    "create table t (i int check (i > 0)); insert into t values (0)",
    "select nosuch(1)",
    "create view v as select 1 as a; drop table v",
    "do $$ begin raise exception 'told you' using hint = 'go home', detail = 'because'; end $$",
    "do $$ begin perform 1 from nowhere; end $$",
    "create function f() returns int language sql as 'select 1 from nowhere'",
    "drop schema nope",
    "select * from nope.t",
    "select (1",
    "select 'open",
    "insert into pg_class select 1",
    "create table t (i int); create view v as select * from t; drop table t",
    "select relname from pg_class group by relkind",
    "select 1 union select 'a'",
    "with a as (select 1 as x) select x.y from a",
    "select 1\r\nfrom nope\r\nwhere true",
    "grant select on nope to nobody_there",
    "select count(*)\n\n  from pg_class\n where relname =\n   any",
];

#[test]
fn texts_are_those_of_psql() {
    let db = scratch::database();
    let mut s = db.connect();
    for sql in WRONG {
        s.begin().unwrap();
        let e = s.execute(sql).unwrap_err();
        s.rollback().unwrap();
        let out = psql(&db, &["-q", "-c", "begin", "-c", sql]);
        let text = String::from_utf8(out.stderr).unwrap();
        let text = text
            .lines()
            .skip_while(|l| !l.starts_with("ERROR:  "))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(format!("ERROR:  {e}"), text, "{sql}");
        assert_eq!(e.kind, PgErrorKind::Database);
        assert_eq!(e.sqlstate.len(), 5);
    }
}

#[test]
fn errors_carry_their_parts() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create schema z; create table z.t (i int constraint positive check (i > 0))")
        .unwrap();
    let e = s.execute("insert into z.t values (-1)").unwrap_err();
    assert_eq!(
        (
            e.schema.as_deref(),
            e.table.as_deref(),
            e.constraint.as_deref()
        ),
        (Some("z"), Some("t"), Some("positive"))
    );
    assert_eq!(e.code().0, "D0608");
    let e = s.fetch("select æ, nope from z.t").unwrap_err();
    assert_eq!(e.position, Some(8));
    let e = s.describe("select nope").unwrap_err();
    assert_eq!(e.position, Some(8));
    assert!(!s.in_transaction());
    for empty in ["", " -- x\n;", ";"] {
        assert_eq!(
            s.execute(empty).unwrap_err().message,
            "can't execute an empty query"
        );
    }
}

#[test]
fn every_class_has_a_code_of_its_own() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create table t (i int); create view v as select * from t; create role scratch_poor")
        .unwrap();
    for (sql, code) in [
        ("select * from nope", "D0602"),
        ("set role scratch_poor; create schema x", "D0605"),
        ("reset role; selec", "D0606"),
        ("select 1/0", "D0607"),
        ("set statement_timeout = 1; select pg_sleep(1)", "D0610"),
        ("set statement_timeout = 0; drop table t", "D0614"),
        ("create table t (i int)", "D0615"),
        ("select coalesce(1, 'a'::text)", "D0616"),
        ("do $$ begin raise exception 'x'; end $$", "D0622"),
        (
            "create temp table a (i int); alter table a inherit t, set (fillfactor = 1)",
            "D0607",
        ),
    ] {
        let e = s.execute(sql).unwrap_err();
        assert_eq!(e.code().0, code, "{sql}: {} {e}", e.sqlstate);
        let _ = s.execute("reset statement_timeout");
    }
    s.execute("drop role scratch_poor").unwrap();
}

#[test]
fn a_diagnostic_has_place_notes_and_help() {
    let db = scratch::database();
    let e = db.connect().execute("select *\nfrom nope").unwrap_err();
    let d = e.diagnostic(None, Some(&db.options));
    insta::assert_snapshot!(crate::diag::render(&d, false), @r#"
    Database Error
    error[D0602]: relation "nope" does not exist
     |
     = note: LINE 2: from nope
                          ^
    "#);
}
