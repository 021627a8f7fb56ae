//! COPY in both directions, refused and given up.
use super::*;

#[test]
fn a_million_rows_go_in_and_out() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create table t (i int, x text)").unwrap();
    let mut w = s.copy_in("copy t from stdin (format csv)").unwrap();
    for i in 0..100_000 {
        w.send(format!("{i},\"a \"\"b\"\" {i}\"\n").as_bytes())
            .unwrap();
    }
    assert_eq!(w.finish().unwrap(), 100_000);
    let t = s.fetch("select count(*), max(x) from t").unwrap();
    assert_eq!(rows(&t), [["100000", "a \"b\" 99999"]]);
    let mut out = Vec::new();
    let length = s
        .copy_out("copy (select i from t order by i) to stdout", &mut out)
        .unwrap();
    assert_eq!(length, out.len() as u64);
    assert!(out.starts_with(b"0\n1\n2\n"));
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 100_000);
    assert_eq!(s.execute("select 1").unwrap().tag, "SELECT 1");
}

#[test]
fn an_empty_copy_is_fine() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create table t (i int)").unwrap();
    assert_eq!(s.copy_in("copy t from stdin").unwrap().finish().unwrap(), 0);
}

#[test]
fn the_servers_refusal_arrives_early_and_leaves_the_session_usable() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create table t (i int)").unwrap();
    s.begin().unwrap();
    let mut w = s.copy_in("copy t from stdin").unwrap();
    w.send(b"1\nx\n").unwrap();
    let mut pieces = 0;
    let e = loop {
        match w.send(&b"2\n".repeat(50_000)) {
            Ok(()) if pieces < 10_000 => pieces += 1,
            Ok(()) => panic!("the refusal never came"),
            Err(e) => break e,
        }
    };
    drop(w);
    assert_eq!(e.sqlstate, "22P02");
    assert_eq!(e.where_.as_deref(), Some("COPY t, line 2, column i: \"x\""));
    assert!(s.in_failed_transaction());
    s.rollback().unwrap();
    for (sql, state) in [
        ("copy nope from stdin", "42P01"),
        ("copy t from stdin (format nope)", "22023"),
        ("copy", "42601"),
    ] {
        let e = s.copy_in(sql).map(drop).unwrap_err();
        assert_eq!(e.sqlstate, state);
        assert!(!s.in_transaction());
    }
    let mut w = s.copy_in("copy t from stdin").unwrap();
    w.send(b"x\n").unwrap();
    assert_eq!(w.finish().unwrap_err().sqlstate, "22P02");
    assert_eq!(rows(&s.fetch("select count(*) from t").unwrap()), [["0"]]);
}

#[test]
fn a_copy_given_up_leaves_nothing() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create table t (i int)").unwrap();
    for by_drop in [true, false] {
        let mut w = s.copy_in("copy t from stdin").unwrap();
        w.send(&b"2\n".repeat(100_000)).unwrap();
        if by_drop {
            drop(w);
        } else {
            w.abort();
        }
        assert_eq!(rows(&s.fetch("select count(*) from t").unwrap()), [["0"]]);
    }
}

#[test]
fn whole_buffers_and_pieces_arrive_in_order() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create table t (n serial, i int)").unwrap();
    let mut w = s.copy_in("copy t (i) from stdin").unwrap();
    let (mut next, mut block) = (0, Vec::new());
    for size in [1, 3, 40_000, 2, 25_000] {
        for whole in [true, false] {
            block.clear();
            for _ in 0..size {
                block.extend_from_slice(format!("{next}\n").as_bytes());
                next += 1;
            }
            if whole {
                w.send_all(&mut block).unwrap();
                assert!(block.is_empty());
            } else {
                w.send(&block).unwrap();
            }
        }
    }
    assert_eq!(w.finish().unwrap(), next);
    // Rows are numbered in the order in which they came.
    let sql = "select count(*), min(i - n), max(i - n) from t";
    assert_eq!(
        rows(&s.fetch(sql).unwrap()),
        [[next.to_string().as_str(), "-1", "-1"]]
    );
}

#[test]
fn copy_as_a_plain_statement_is_refused() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create table t (i int)").unwrap();
    let e = s.execute("copy t to stdout").unwrap_err();
    assert_eq!(e.kind, PgErrorKind::Usage, "{e}");
    assert_eq!(rows(&s.fetch("select 1").unwrap()), [["1"]]);
    let e = s.execute("copy t from stdin").unwrap_err();
    assert_eq!(e.kind, PgErrorKind::Usage, "{e}");
    assert!(s.is_closed());
    assert_eq!(s.execute("select 1").unwrap_err(), e);
}
