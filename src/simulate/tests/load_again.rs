//! Loads with faults, after a change of what they read, and after a broken run.
use super::load::{ITEMS, content, loaded_from, one, run};
use super::*;
use crate::diag::Stopped;
use crate::pg::Session;
use crate::server::scratch::{ScratchDb, database};
use crate::simulate::load::Surroundings;
use crate::simulate::{Action, Loaded};
use std::sync::atomic::AtomicBool;

#[test]
fn faults_are_put_in_and_listed() {
    let db = database();
    let host = Project::default();
    let clean = "
simulation: readings
schema: s
rows: {initial: 20000}
columns:
  id: {type: bigint, id: sequence, primary_key: true}
  at: {type: timestamp, expr: \"start_date + minutes(id)\"}
  value: {type: double precision, expr: \"uniform(1, 9)\"}
";
    let faulty = format!(
        "{clean}faults: {{late: {{rate: 0.02, column: at, minutes: 90}}, duplicate: 0.01, missing: 0.03, corrupted: {{rate: 0.01, columns: [value]}}}}\n"
    );
    let s = loaded(&[file("readings", clean)], &host);
    run(&db, &s, "readings", &options(3), &host).unwrap();
    db.connect()
        .execute("create table s.clean as select * from s.readings")
        .unwrap();
    let s = loaded(&[file("readings", &faulty)], &host);
    let result = run(&db, &s, "readings", &options(3), &host).unwrap_or_else(|e| panic!("{e}"));
    let n = |kind: &str| {
        one(
            &db,
            &format!("select count(*) from s.readings__faults where kind = '{kind}'"),
        )
        .parse::<u64>()
        .unwrap()
    };
    let kinds = ["missing", "duplicate", "late", "corrupted"].map(n);
    for (found, rate) in kinds.iter().zip([0.03, 0.01, 0.02, 0.01]) {
        let want = 20000.0 * rate;
        assert!(
            (*found as f64 - want).abs() < 5.0 * libm::sqrt(want),
            "{kinds:?}"
        );
    }
    assert_eq!(result.rows, 20000 - kinds[0] + kinds[1]);
    // A failed run leaves rows and list as they were.
    let failing = format!(
        "{faulty}expect: [{{name: none, sql: 'select count(*) from {{{{ this }}}}', equals: 0}}]\n"
    );
    let listed = content(&db, "s.readings__faults");
    let full = Options {
        full_refresh: true,
        ..options(3)
    };
    run(
        &db,
        &loaded(&[file("readings", &failing.replace("0.03", "0.3"))], &host),
        "readings",
        &full,
        &host,
    )
    .unwrap_err();
    assert_eq!(content(&db, "s.readings__faults"), listed);
    // Rows without a fault are as they were, and every row that differs is listed.
    assert_eq!(
        one(
            &db,
            "select count(*) from s.clean c where not exists (select from s.readings r where r = c) and c.id::text not in (select row_id from s.readings__faults)"
        ),
        "0"
    );
    assert_eq!(
        one(
            &db,
            "select count(distinct r.id) from s.readings r join s.clean c using (id) where r.at <> c.at"
        ),
        kinds[2].to_string()
    );
    assert_eq!(
        one(
            &db,
            "select count(*) from s.readings__faults f join s.clean c on c.id::text = f.row_id where kind = 'late' and (details ->> 'was')::timestamp = c.at and (details ->> 'now')::timestamp > c.at"
        ),
        kinds[2].to_string()
    );
}

/// A model that a simulation reads is not known before the run: its rows are looked at each time.
#[test]
fn a_changed_model_makes_anew_what_reads_it() {
    use crate::simulate::host::{HostTable, TableKind};
    struct WithModel<'a>(Project, &'a ScratchDb);
    impl Host for WithModel<'_> {
        fn tables(&self) -> Vec<HostTable> {
            vec![HostTable {
                name: "kinds".into(),
                kind: TableKind::Model,
                columns: vec![("kind".into(), Some("text".into()))],
                keys: Vec::new(),
            }]
        }
        fn table_rows(&self, _: &str) -> Result<Vec<IndexMap<String, Json>>> {
            let rows = self
                .1
                .connect()
                .fetch("select kind from kinds")
                .unwrap()
                .rows;
            let row = |r: &Vec<crate::pg::Cell>| {
                IndexMap::from([("kind".to_string(), Json::from(r[0].text()))])
            };
            Ok(rows.iter().map(row).collect())
        }
        fn relation(&self, name: &str) -> String {
            name.into()
        }
        fn render(&self, text: &str) -> Result<Kind> {
            self.0.render(text)
        }
        fn render_sql(&self, sql: &str, this: &str, days: u32) -> Result<String> {
            self.0.render_sql(sql, this, days)
        }
    }
    let db = database();
    db.connect()
        .execute("create table kinds (kind text); insert into kinds values ('a'), ('b')")
        .unwrap();
    let host = WithModel(Project::default(), &db);
    let text = ITEMS.replace("weights: {a: 1, b: 1}", "pick: kinds.kind");
    let s = Simulations::load(&[file("items", &text)], &host).unwrap();
    let plan = || {
        let mut session = db.connect();
        s.plan(&mut session, &options(3), &host).unwrap()[0]
            .1
            .clone()
    };
    let cancelled = AtomicBool::new(false);
    let connect =
        || Session::connect(&db.options).map_err(|e| Stopped::from(e.diagnostic(None, None)));
    let around = Surroundings {
        host: &host,
        connect: &connect,
        listen: &|_| {},
        cancelled: &cancelled,
    };
    s.run_one("items", &options(3), around).unwrap();
    assert_eq!(plan(), Action::Keep);
    db.connect()
        .execute("insert into kinds values ('c')")
        .unwrap();
    assert_eq!(
        plan(),
        Action::Build("the model `kinds` has changed".into())
    );
}

/// What a run leaves that dies while it adds days is removed even when no days are asked for.
#[test]
fn half_added_days_go_with_the_next_run() {
    let db = database();
    let host = Project::default();
    let text = ITEMS.replace("{initial: 50}", "{initial: 50, arrivals: 10}");
    let s = loaded_from(&text, &host);
    run(&db, &s, "items", &options(3), &host).unwrap();
    let before = content(&db, "s.items");
    db.connect()
        .execute("update tv1.simulations set unfinished = true; insert into s.items values (81, 'a'), (85, 'b')")
        .unwrap();
    let repaired = run(&db, &s, "items", &options(3), &host).unwrap();
    assert_eq!((repaired.action, repaired.rows), (Action::Repair, 80));
    assert_eq!(content(&db, "s.items"), before);
    let kept = run(&db, &s, "items", &options(3), &host).unwrap();
    assert_eq!(kept.action, Action::Keep);
    // Two runs at once take turns.
    let results: Vec<Loaded> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| run(&db, &s, "items", &options(5), &host).unwrap()))
            .collect();
        runs.into_iter().map(|r| r.join().unwrap()).collect()
    });
    assert!(results.iter().all(|r| r.rows == 100));
    let extended = results
        .iter()
        .filter(|r| matches!(r.action, Action::Extend(_)));
    assert_eq!(extended.count(), 1);
    assert_eq!(one(&db, "select count(*) from s.items"), "100");
}
