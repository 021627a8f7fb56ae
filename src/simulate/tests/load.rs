//! Simulations in a real database: built, kept, extended, repaired, replaced.
use super::*;
use crate::diag::Stopped;
use crate::pg::Session;
use crate::server::scratch::{ScratchDb, database};
use crate::simulate::load::Surroundings;
use crate::simulate::{Action, Loaded};
use std::sync::atomic::AtomicBool;

pub fn run(
    db: &ScratchDb,
    s: &Simulations,
    name: &str,
    options: &Options,
    host: &Project,
) -> Result<Loaded> {
    let cancelled = AtomicBool::new(false);
    let connect =
        || Session::connect(&db.options).map_err(|e| Stopped::from(e.diagnostic(None, None)));
    let around = Surroundings {
        host,
        connect: &connect,
        listen: &|_| {},
        cancelled: &cancelled,
    };
    s.run_one(name, options, around)
}

pub fn one(db: &ScratchDb, sql: &str) -> String {
    let table = db.connect().fetch(sql).unwrap();
    table
        .scalar()
        .and_then(|c| c.text())
        .unwrap_or_else(|| "null".into())
}

/// All rows of a table in one hash, whatever their order.
pub fn content(db: &ScratchDb, table: &str) -> String {
    one(
        db,
        &format!("select md5(string_agg(t::text, '|' order by t::text)) from {table} t"),
    )
}

pub fn seeded(db: &ScratchDb) {
    let mut session = db.connect();
    session.execute("create schema tv_one; create table tv_one.segmentation (segment_id bigint); insert into tv_one.segmentation select generate_series(1, 8)").unwrap();
}

pub fn small() -> Project {
    let mut host = Project::tv_one();
    host.vars.insert("households".into(), 600);
    host
}

#[test]
fn all_types_arrive_as_they_were_made() {
    let db = database();
    let host = Project::default();
    let text = "
simulation: t
schema: s
rows: {initial: 500}
columns:
  id: {type: bigint, id: sequence, primary_key: true}
  small: {type: smallint, expr: \"int(-30000, 30000)\"}
  whole: {type: integer, expr: \"int(-2000000000, 2000000000)\"}
  single: {type: real, expr: \"uniform(-1, 1)\"}
  double: {type: double precision, expr: \"normal(0, 1e6)\"}
  exact: {type: 'numeric(12,3)', expr: \"if(id % 50 = 0, 0, uniform(-90000, 900000))\"}
  word: {type: text, weights: {Sjælland: 1, \"it's\": 1, '\\\\': 1}}
  flag: {type: boolean, expr: chance(0.5)}
  born: {type: date, expr: \"start_date + int(-9000, 9000)\"}
  at: {type: timestamp, expr: \"between(date('1999-12-31'), timestamp('2031-01-01 00:00:00'))\"}
  lasts: {type: interval, expr: \"seconds(int(-100000, 9000000))\"}
  doc: {type: jsonb, expr: word}
  raw: {type: json, expr: \"if(flag, null, double)\"}
";
    let s = loaded(&[file("t", text)], &host);
    let loaded = run(&db, &s, "t", &options(3), &host).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((loaded.rows, loaded.added), (500, 500));
    let preview = rows(&s, "t", 500, 3, &host);
    let table = db
        .connect()
        .fetch("select id::text, small::text, whole::text, single::text, double::text, exact::text, word, flag::text, born::text, at::text, extract(epoch from lasts)::bigint::text, doc::text, raw::text from s.t order by t.id")
        .unwrap();
    for (i, row) in table.rows.iter().enumerate() {
        for (j, cell) in row.iter().enumerate() {
            let (got, want) = (cell.text(), preview[i][j].clone());
            match j {
                // Shown by us to 17 digits or as an interval; compared as numbers.
                3 | 4 | 12 => {
                    let number = |t: &Option<String>| t.as_ref().map(|t| t.parse::<f64>().unwrap());
                    let (a, b) = (number(&got), number(&want));
                    assert!(
                        a == b || (a.unwrap() - b.unwrap()).abs() <= 1e-6 * b.unwrap().abs(),
                        "{a:?} {b:?}"
                    );
                }
                10 => {}
                _ => assert_eq!(got, want, "row {i} column {j}"),
            }
        }
    }
}

#[test]
fn a_run_builds_keeps_extends_and_says_why() {
    let db = database();
    seeded(&db);
    let host = small();
    let s = loaded(&tv_one_files(), &host);
    for name in ["programs", "seasons", "episodes", "users", "tracking"] {
        let loaded = run(&db, &s, name, &options(8), &host).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(
            loaded.action,
            Action::Build("it is not in the ledger".into()),
            "{name}"
        );
        assert_eq!(
            loaded.rows.to_string(),
            one(&db, &format!("select count(*) from tv_one.{name}")),
            "{name}"
        );
        assert!(
            loaded.checks.iter().all(|c| c.passed || c.warn),
            "{:?}",
            loaded.checks
        );
        let again = run(&db, &s, name, &options(8), &host).unwrap();
        assert_eq!(
            (again.action, again.rows, again.digest),
            (Action::Keep, loaded.rows, loaded.digest),
            "{name}"
        );
    }
    // More days, in two steps and with the debris of a broken run, are the same as all days at once.
    for name in ["users", "tracking"] {
        run(&db, &s, name, &options(11), &host).unwrap();
        let (big, id) = if name == "users" {
            (1_000_000_000i64, "user_id")
        } else {
            (1i64 << 60, "tracking_id")
        };
        db.connect()
            .execute(&format!(
                "insert into tv_one.{name} ({id}) values ({big}), ({big} + 1)"
            ))
            .unwrap();
        let loaded = run(&db, &s, name, &options(15), &host).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.action, Action::Extend("2025-01-12".into()));
        assert_eq!(loaded.until, "2025-01-15");
        let extended = content(&db, &format!("tv_one.{name}"));
        let full = run(
            &db,
            &s,
            name,
            &Options {
                full_refresh: true,
                ..options(15)
            },
            &host,
        )
        .unwrap();
        assert_eq!(
            full.action,
            Action::Build("a full refresh was asked for".into())
        );
        assert_eq!(
            (full.rows, full.digest),
            (loaded.rows, loaded.digest),
            "{name}"
        );
        assert_eq!(content(&db, &format!("tv_one.{name}")), extended, "{name}");
        // Asking for fewer days takes nothing away.
        let kept = run(&db, &s, name, &options(8), &host).unwrap();
        assert_eq!(
            (kept.action, kept.until.as_str()),
            (Action::Keep, "2025-01-15")
        );
    }
    let other = Options {
        seed: 7,
        ..options(15)
    };
    assert_eq!(
        run(&db, &s, "programs", &other, &host).unwrap().action,
        Action::Build("the seed has changed".into())
    );
    // A changed file is made anew for as many days as the table had.
    let longer = run(&db, &s, "programs", &options(3), &host).unwrap();
    assert_eq!(longer.until, "2025-01-15");
    let mut more = small();
    more.vars.insert("households".into(), 601);
    let changed = loaded_again(&more);
    let plan = changed
        .plan(&mut db.connect(), &options(15), &more)
        .unwrap();
    let why = |name: &str| {
        plan.iter()
            .find(|p| p.0 == name)
            .map(|p| p.1.clone())
            .unwrap()
    };
    assert_eq!(
        why("users"),
        Action::Build("its file has changed: `rows.initial`, `rows.arrivals`".into())
    );
    assert_eq!(
        why("tracking"),
        Action::Build("the simulation `users` has changed".into())
    );
    assert_eq!(why("episodes"), Action::Keep);
    db.connect().execute("drop table tv_one.seasons").unwrap();
    assert_eq!(
        run(&db, &s, "seasons", &options(15), &host).unwrap().action,
        Action::Build("its table is gone".into())
    );
}

pub fn loaded_again(host: &Project) -> Simulations {
    loaded(&tv_one_files(), host)
}

pub const ITEMS: &str = "
simulation: items
schema: s
rows: {initial: 50}
columns:
  id: {type: bigint, id: sequence, primary_key: true}
  kind: {type: text, weights: {a: 1, b: 1}}
unique: [[kind, id]]
indexes: [kind]
";

#[test]
fn a_replaced_table_keeps_its_views_rights_and_comments() {
    let db = database();
    let host = Project::default();
    let s = loaded(&[file("items", ITEMS)], &host);
    run(&db, &s, "items", &options(3), &host).unwrap();
    let mut session = db.connect();
    session
        .execute(
            "create role reader_of_items; grant select on s.items to reader_of_items; comment on table s.items is 'all items';
             comment on column s.items.kind is 'which'; create view s.v as select id, kind from s.items;
             create view s.w as select count(*) as n from s.v; grant select on s.w to reader_of_items",
        )
        .unwrap();
    let full = Options {
        full_refresh: true,
        ..options(3)
    };
    for _ in 0..2 {
        run(&db, &s, "items", &full, &host).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(one(&db, "select n from s.w"), "50");
        assert_eq!(
            one(&db, "select obj_description('s.items'::regclass)"),
            "all items"
        );
        assert_eq!(
            one(&db, "select col_description('s.items'::regclass, 2)"),
            "which"
        );
        assert_eq!(
            one(
                &db,
                "select has_table_privilege('reader_of_items', 's.items', 'select') and has_table_privilege('reader_of_items', 's.w', 'select')"
            ),
            "t"
        );
        assert_eq!(
            one(
                &db,
                "select string_agg(indexrelid::regclass::text, ' ' order by 1) from (select indexrelid from pg_index where indrelid = 's.items'::regclass order by indexrelid::regclass::text) x"
            ),
            "s.items_kind_id_key s.items_kind_idx s.items_pkey"
        );
    }
    // What cannot be made again stops the swap, and everything is as before.
    session
        .execute(
            "create function s.f() returns bigint begin atomic select count(*) from s.items; end; \
             create view s.of_f as select s.f() as n",
        )
        .unwrap();
    let e = run(&db, &s, "items", &full, &host).unwrap_err();
    assert!(
        e.to_string().contains("function s.f() depends on it"),
        "{e}"
    );
    assert_eq!(one(&db, "select s.f()"), "50");
    assert_eq!(
        one(
            &db,
            "select count(*) from pg_class where relname like '%tv1_new%'"
        ),
        "0"
    );
    session
        .execute("drop view s.of_f; drop function s.f(); drop schema s cascade; drop role reader_of_items")
        .unwrap();
}

#[test]
fn what_somebody_else_made_is_left_as_it_is() {
    let db = database();
    let host = Project::default();
    let s = loaded_from(ITEMS, &host);
    let ask = |options: &Options| run(&db, &s, "items", options, &host);
    let said = |options: &Options| ask(options).unwrap_err().to_string();
    let sql = |sql: &str| db.connect().execute(sql).map(drop).unwrap();
    sql("create schema s; create table s.items (mine int); insert into s.items values (7)");
    assert!(said(&options(2)).contains("has rows that tv1 has not made"));
    assert_eq!(one(&db, "select mine from s.items"), "7");
    let anew = Options {
        full_refresh: true,
        ..options(2)
    };
    assert_eq!(ask(&anew).unwrap().rows, 50);
    // An empty table is what a script made for the rows to come.
    sql("drop schema tv1 cascade; truncate s.items");
    assert_eq!(ask(&options(2)).unwrap().rows, 50);
    sql("drop schema tv1 cascade; drop table s.items; create view s.items as select 1 as mine");
    for options in [options(2), anew] {
        assert!(said(&options).contains("is no table"), "{}", said(&options));
    }
    assert_eq!(one(&db, "select mine from s.items"), "1");
}

#[test]
fn a_failed_check_leaves_the_old_table() {
    let db = database();
    let host = Project::default();
    let s = loaded(&[file("items", ITEMS)], &host);
    run(&db, &s, "items", &options(3), &host).unwrap();
    let before = content(&db, "s.items");
    let text = ITEMS.replace("50}", "60}")
        + "expect:\n  - {name: few, sql: 'select count(*) from {{ this }}', between: [1, 55]}\n  - {name: some, sql: 'select count(*) from {{ this }}', equals: 61, severity: warn}\n";
    let s = loaded(&[file("items", &text)], &host);
    let e = run(&db, &s, "items", &options(3), &host)
        .unwrap_err()
        .to_string();
    assert!(e.contains("items: expect `few`: 60, outside 1..55"), "{e}");
    assert_eq!(content(&db, "s.items"), before);
    assert_eq!(
        one(
            &db,
            "select count(*) from pg_class where relname like '%tv1_new%'"
        ),
        "0"
    );
    let text = text.replace("55]", "65]");
    let loaded = run(&db, &loaded_from(&text, &host), "items", &options(3), &host).unwrap();
    let warned: Vec<&str> = loaded
        .checks
        .iter()
        .filter(|c| !c.passed)
        .map(|c| c.message.as_str())
        .collect();
    assert_eq!(warned, ["60, not 61"]);
}

pub fn loaded_from(text: &str, host: &Project) -> Simulations {
    loaded(&[file("items", text)], host)
}

#[test]
fn references_to_seeds_are_checked() {
    let db = database();
    let mut host = Project::default();
    host.csv("kinds", "kind\na\n");
    let text = ITEMS.replace(
        "kind: {type: text,",
        "kind: {type: text, references: kinds.kind,",
    );
    let s = loaded(&[file("items", &text)], &host);
    let e = run(&db, &s, "items", &options(3), &host)
        .unwrap_err()
        .to_string();
    assert!(
        e.contains("items.kind: 1 values are not in kinds.kind"),
        "{e}"
    );
    host.csv("kinds", "kind\na\nb\n");
    run(&db, &s, "items", &options(3), &host).unwrap();
}

#[test]
fn a_cancelled_run_and_a_failing_row_leave_nothing() {
    let db = database();
    let host = Project::default();
    let text = ITEMS.replace(
        "weights: {a: 1, b: 1}",
        "expr: \"text(shuffle(id + 20, 50))\"",
    );
    let s = loaded(&[file("items", &text)], &host);
    let e = run(&db, &s, "items", &options(3), &host)
        .unwrap_err()
        .to_string();
    assert!(
        e.contains("shuffle(51, 50): the first number must be from 1 to 50 (row 31)"),
        "{e}"
    );
    let cancelled = AtomicBool::new(true);
    let connect =
        || Session::connect(&db.options).map_err(|e| Stopped::from(e.diagnostic(None, None)));
    let around = Surroundings {
        host: &host,
        connect: &connect,
        listen: &|_| {},
        cancelled: &cancelled,
    };
    let s = loaded(&[file("items", ITEMS)], &host);
    assert!(s.run_one("items", &options(3), around).is_err());
    assert_eq!(
        one(
            &db,
            "select count(*) from pg_class where relname like 'items%'"
        ),
        "0"
    );
}
