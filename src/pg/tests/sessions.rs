//! Transactions, results of several statements, notices, cancelling, lost sessions.
use super::*;
use std::time::{Duration, Instant};

#[test]
fn transactions_are_what_the_server_says() {
    let db = scratch::database();
    let mut s = db.connect();
    assert!(!s.in_transaction());
    s.begin().unwrap();
    assert!(s.in_transaction() && !s.in_failed_transaction());
    s.execute("create table t (i int)").unwrap();
    s.execute("select nope").unwrap_err();
    assert!(s.in_failed_transaction());
    assert_eq!(s.execute("select 1").unwrap_err().sqlstate, "25P02");
    assert!(s.commit().is_err());
    assert!(!s.in_transaction());
    s.execute("begin; create table t (i int); commit; select 1")
        .unwrap();
    assert!(!s.in_transaction());
    s.begin().unwrap();
    s.describe("select nope").unwrap_err();
    assert!(s.in_failed_transaction());
    s.rollback().unwrap();
    s.rollback().unwrap();
    // Without a transaction the statements of one text stand or fall together.
    s.execute("insert into t values (1); select 1/0")
        .unwrap_err();
    assert_eq!(rows(&s.fetch("select count(*) from t").unwrap()), [["0"]]);
}

#[test]
fn the_last_statement_gives_the_rows() {
    let db = scratch::database();
    let mut s = db.connect();
    let t = s
        .fetch("select 1 as a, 2 as b; select 'x' as c union all select 'y'")
        .unwrap();
    assert_eq!(rows(&t), [["x"], ["y"]]);
    assert_eq!(
        (t.columns.len(), t.columns[0].type_name.as_str()),
        (1, "text")
    );
    let t = s.fetch("select 1 as a; create table t (i int)").unwrap();
    assert_eq!(
        (t.columns.len(), t.rows.len(), t.tag.as_str()),
        (0, 0, "CREATE TABLE")
    );
    let t = s
        .fetch("insert into t values (1), (2) returning i, i > 1 as big")
        .unwrap();
    assert_eq!(rows(&t), [["1", "f"], ["2", "t"]]);
    assert_eq!(t.tag, "INSERT 0 2");
    let t = s.fetch("select from t").unwrap();
    assert_eq!((t.columns.len(), t.rows.len()), (0, 2));
    let t = s.fetch("select * from t where false").unwrap();
    assert_eq!((t.columns.len(), t.rows.len()), (1, 0));
    let t = s
        .fetch_limited("select generate_series(1, 100000)", 3)
        .unwrap();
    assert_eq!((t.rows.len(), t.tag.as_str()), (3, "SELECT 100000"));
    assert_eq!(rows(&s.fetch("show server_encoding").unwrap()), [["UTF8"]]);
    assert_eq!(
        s.fetch("explain select 1").unwrap().columns[0].name,
        "QUERY PLAN"
    );
}

#[test]
fn values_of_many_types() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute(
        "create type mood as enum ('sad', 'it''s'); create domain posint as int check (value > 0); \
         create table t (v varchar(3), n numeric(10,2), m mood, ma mood[], p posint, ts timestamptz(3))",
    )
    .unwrap();
    let sql = "select true, 1::int2, 2::int8, 1.10, 'NaN'::numeric, 0.1::float4, 1e300::float8, date '2026-01-31', \
         time '12:00', timestamp '2026-01-31 12:00:00.25', timestamptz '2026-01-31 12:00+02', interval '1 mon 2 days', \
         '{\"a\":1}'::json, '[1, null]'::jsonb, array[1,null,3], array['a b','c'], '\\x00ff'::bytea, \
         'a1'::\"char\", null, '00000000-0000-0000-0000-000000000001'::uuid, row(1,'x')";
    let t = s.fetch(sql).unwrap();
    let shown: Vec<String> = t.rows[0].iter().map(|c| format!("{c:?}")).collect();
    insta::assert_snapshot!(shown.join("\n"));
    let t = s.fetch("select v, n, m, ma, p, ts from t").unwrap();
    let types: Vec<String> = t
        .columns
        .iter()
        .map(|c| format!("{} {}", c.sql_type(), c.driver_type()))
        .collect();
    let oid = t.columns[2].oid;
    assert_eq!(types[0], "character varying(3) STRING");
    assert_eq!(types[1], "numeric(10,2) DECIMAL");
    assert_eq!(types[2], format!("mood unknown type_code {oid}"));
    assert_eq!(t.columns[3].type_name, "mood[]");
    assert_eq!(types[4], "integer INTEGER");
    assert_eq!(types[5], "timestamp(3) with time zone DATETIMETZ");
    let described = s.describe("select v, n, m, ma, p, ts from t").unwrap();
    assert_eq!(described, t.columns);
    assert!(s.describe("create table other (i int)").unwrap().is_empty());
    assert!(s.fetch("select * from other").is_err());
}

#[test]
fn notices_arrive_in_order() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("do $$ begin raise notice 'one'; raise warning 'two' using hint = 'h'; end $$; drop table if exists nope")
        .unwrap();
    let said: Vec<_> = s
        .take_notices()
        .into_iter()
        .map(|n| (n.severity, n.message, n.hint))
        .collect();
    let own =
        |a: &str, b: &str, c: Option<&str>| (a.to_owned(), b.to_owned(), c.map(str::to_owned));
    assert_eq!(
        said,
        [
            own("NOTICE", "one", None),
            own("WARNING", "two", Some("h")),
            own("NOTICE", "table \"nope\" does not exist, skipping", None)
        ]
    );
    assert!(s.take_notices().is_empty());
}

#[test]
fn options_reach_the_session() {
    let mut db = scratch::database();
    db.connect().execute("create role scratch_worker; create schema \"a b\" authorization scratch_worker; grant scratch_worker to tv1").unwrap();
    db.options.search_path = Some("\"a b\", public".into());
    db.options.application_name = "tested".into();
    db.options.role = Some("scratch_worker".into());
    let mut s = db.connect();
    let t = s.fetch("select current_schema, current_user, current_setting('application_name'), session_user").unwrap();
    assert_eq!(rows(&t), [["a b", "scratch_worker", "tested", "tv1"]]);
    assert!(s.server_version() > 140_000);
    assert!(s.backend_pid() > 0);
    db.options.role = None;
    db.options.search_path = None;
    db.options.options = Some("-c datestyle=German".into());
    let t = db.connect().fetch("select date '2026-01-31'").unwrap();
    assert_eq!(rows(&t), [["2026-01-31"]]);
    db.options.options = None;
    db.connect()
        .execute("drop owned by scratch_worker; drop role scratch_worker")
        .unwrap();
}

#[test]
fn a_running_statement_is_cancelled_from_another_thread() {
    let db = scratch::database();
    let mut s = db.connect();
    let handle = s.cancel_handle();
    let begin = Instant::now();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        handle.clone().cancel()
    });
    let e = s.execute("select pg_sleep(60)").unwrap_err();
    canceller.join().unwrap().unwrap();
    assert_eq!(
        (e.kind, e.sqlstate.as_str()),
        (PgErrorKind::Cancelled, "57014")
    );
    assert!(begin.elapsed() < Duration::from_secs(20));
    s.ping().unwrap();
    // With nothing to cancel, the next statement is not hit.
    s.cancel_handle().cancel().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    s.ping().unwrap();
    assert_eq!(s.execute("select 1").unwrap().tag, "SELECT 1");
}

#[test]
fn a_session_that_the_server_ends_says_why() {
    let db = scratch::database();
    let mut s = db.connect();
    let e = s
        .execute("select pg_terminate_backend(pg_backend_pid())")
        .unwrap_err();
    assert_eq!(
        (e.kind, e.sqlstate.as_str()),
        (PgErrorKind::Closed, "57P01")
    );
    assert!(s.is_closed() && e.is_transient());
    let mut s = db.connect();
    assert!(!s.is_closed());
    db.connect()
        .execute(&format!(
            "select pg_terminate_backend({}, 10000)",
            s.backend_pid()
        ))
        .unwrap();
    assert!(s.is_closed());
    let e = s.fetch("select 1").unwrap_err();
    assert_eq!(
        e.message,
        "terminating connection due to administrator command"
    );
    assert!(s.rollback().is_ok());
    assert_eq!(e.kind, PgErrorKind::Closed);
}

#[test]
fn a_killed_backend_takes_all_sessions_along_and_the_server_comes_back() {
    let server = scratch::launch(&scratch::Setup::default()).unwrap();
    let mut options = server.options().clone();
    let (mut a, mut b) = (
        Session::connect(&options).unwrap(),
        Session::connect(&options).unwrap(),
    );
    let pid = rustix::process::Pid::from_raw(a.backend_pid()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let e = a.execute("select 1").unwrap_err();
    assert_eq!(e.kind, PgErrorKind::Closed, "{e}");
    assert!(e.is_transient());
    let e = b.execute("select pg_sleep(5)").unwrap_err();
    assert!(e.is_transient(), "{e:?}");
    // At once, after one and after four seconds: by then it has recovered.
    options.retries = 3;
    assert_eq!(
        Session::connect(&options)
            .unwrap()
            .execute("select 1")
            .unwrap()
            .tag,
        "SELECT 1"
    );
}

#[test]
fn catalogue_names_are_quoted_safely() {
    let db = scratch::database();
    let mut s = db.connect();
    for text in ["a'b", "a\\'b", "a\"b\\", "æ; drop table x --", "$$"] {
        let t = s
            .fetch(&format!(
                "select {} as {}",
                quote_literal(text),
                quote_ident(text)
            ))
            .unwrap();
        assert_eq!(t.rows[0][0], Cell::Text(text.into()));
        assert_eq!(t.columns[0].name, text);
    }
}

/// A transaction begun together with its first statement is like any other, whatever the first statement is.
#[test]
fn a_transaction_begins_with_its_first_statement() {
    let db = scratch::database();
    let (mut s, mut other) = (db.connect(), db.connect());
    s.execute("create table t (i int)").unwrap();
    let mut count = || rows(&other.fetch("select count(*) from t").unwrap());

    s.begin_with_next();
    assert!(s.in_transaction());
    let done = s.execute("insert into t values (1); insert into t values (2), (3)");
    assert_eq!(done.unwrap().tag, "INSERT 0 2");
    assert_eq!(count(), [["0"]]);
    s.commit().unwrap();
    assert_eq!(count(), [["3"]]);

    // Nothing was sent.
    s.begin_with_next();
    s.commit().unwrap();
    s.begin_with_next();
    s.rollback().unwrap();
    assert!(!s.in_transaction());

    // What cannot be read, and what fails when it runs, leave a transaction that can only be rolled back; both are
    // told as if the statement had been sent alone.
    for bad in [
        "selec 1",
        "select 1,\n  nope from t",
        "insert into t values (1 / 0)",
    ] {
        let alone = s.execute(bad).unwrap_err();
        s.begin_with_next();
        let behind = s.fetch(bad).unwrap_err();
        assert_eq!(behind, alone);
        assert!(s.in_failed_transaction(), "{bad}");
        assert!(s.execute("select 1").is_err());
        s.rollback().unwrap();
    }

    // A text without a statement, one that ends the transaction itself, and one that fails after that.
    s.begin_with_next();
    assert!(
        s.execute("-- nothing")
            .unwrap_err()
            .message
            .contains("empty")
    );
    s.rollback().unwrap();
    s.begin_with_next();
    s.execute("insert into t values (4); commit").unwrap();
    assert!(!s.in_transaction());
    s.begin_with_next();
    s.execute("insert into t values (5); commit; select 1 / 0")
        .unwrap_err();
    assert_eq!(count(), [["5"]]);

    // Other ways to the server see the transaction as well.
    s.begin_with_next();
    assert_eq!(s.describe("select i from t").unwrap().len(), 1);
    assert!(s.in_transaction());
    s.rollback().unwrap();
}

#[test]
fn a_session_forgets_what_was_left_in_it() {
    let db = scratch::database();
    let mut s = db.connect();
    let settings =
        "select current_setting('search_path'), current_setting('work_mem'), current_user";
    let before = s.fetch(settings).unwrap().rows;
    for open in [false, true] {
        if open {
            s.begin_with_next();
        }
        s.execute(
            "set search_path to pg_catalog; set work_mem to '1MB'; set role pg_read_all_data; \
             create temporary table left_behind (i int); prepare p as select 1; listen l; \
             select pg_advisory_lock(1)",
        )
        .unwrap();
        s.forget().unwrap();
        assert!(!s.in_transaction());
        assert_eq!(s.fetch(settings).unwrap().rows, before);
        let left = "select to_regclass('left_behind'), (select count(*) from pg_prepared_statements), \
                    (select count(*) from pg_locks where locktype = 'advisory')";
        let left = s.fetch(left).unwrap();
        assert_eq!(left.rows[0], [Cell::Null, Cell::Int(0), Cell::Int(0)]);
    }
}
