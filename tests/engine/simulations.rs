//! Simulations from the command line: the examples, days added, runs that are killed.
use crate::project::Project;
use std::time::{Duration, Instant};

#[test]
fn the_airport_is_built_and_goes_on() {
    let airport = Project::copy("examples/airport");
    airport.tv1(&["build"]).expect(0, &["ERROR=0"]);
    let tickets = "select count(*), count(distinct ticket_id) from airport.tickets";
    let before = airport.rows(tickets);
    let earlier = "select md5(string_agg(t::text, '|' order by ticket_id)) from airport.tickets t \
                   join airport.flights f using (flight_id) where f.scheduled_local < '2025-01-08'";
    let kept = airport.rows(earlier);
    // Nothing is made again while nothing has changed.
    airport.tv1(&["build"]).expect(0, &["UNCHANGED", "ERROR=0"]);
    airport
        .tv1(&["build", "--vars", "{days: 10}"])
        .expect(0, &["EXTEND", "days added, from 2025-01-08", "ERROR=0"]);
    assert_eq!(airport.rows(earlier), kept);
    assert_ne!(airport.rows(tickets), before);
    assert_eq!(
        airport.rows("select max(scheduled_local)::date from airport.flights"),
        "2025-01-10"
    );
}

#[test]
fn the_webshop_catches_every_fault() {
    let shop = Project::copy("examples/webshop");
    shop.tv1(&["build"]).expect(0, &["ERROR=0"]);
    let kinds = "select coalesce(string_agg(distinct kind, ' ' order by kind), 'none') from shop.payments__faults";
    assert_eq!(shop.rows(kinds), "none");
    let whole = shop.rows("select count(*) from shop.payments");
    let vars = ["build", "--vars", "{fault_rate: 0.05}"];
    shop.tv1(&vars).expect(
        0,
        &[
            "payments: made anew, because its file has changed: `faults.",
            "PASS every_fault_is_caught",
            "ERROR=0",
        ],
    );
    assert_eq!(shop.rows(kinds), "corrupted duplicate late missing");
    let sum = "select count(*) + (select count(*) filter (where kind = 'missing') - count(*) filter (where kind = 'duplicate') \
               from shop.payments__faults) from shop.payments";
    assert_eq!(shop.rows(sum), whole);
    // A pipeline that does not look is found out.
    shop.write(
        "models/payments_checked.sql",
        "select payment_id, order_id, false as is_missing, false as came_twice, false as is_late, false as is_corrupted from {{ ref('payments') }}",
    );
    shop.tv1(&vars).expect(1, &["every_fault_is_caught"]);
}

#[test]
fn a_changed_seed_makes_anew_what_reads_it_and_says_so() {
    let airport = Project::copy("examples/airport");
    airport
        .tv1(&["simulate"])
        .expect(0, &["is not in the ledger"]);
    airport.write(
        "seeds/aircraft_models.csv",
        "aircraft_model,seats\nA320,174\nA321,200\nB737,162\nE195,118\nAT76,72\n",
    );
    let said = airport.tv1(&["simulate"]).expect(
        0,
        &["simulation tickets: made anew, because the seed `aircraft_models` has changed"],
    );
    assert!(!said.said.contains("simulation flights:"), "{}", said.said);
    airport
        .tv1(&["simulate", "--profile", "--select", "delays"])
        .expect(0, &["delays: ", "expected  observed", "short: Weather"]);
    airport
        .tv1(&["simulate", "--preview", "tickets", "--limit", "3"])
        .expect(0, &["seat_number"]);
}

/// Beings and what they do: enough rows for a run to be caught in the middle.
const BEINGS: &[(&str, &str)] = &[
    (
        "project.yml",
        "name: beings\nversion: \"1\"\nprofile: beings\nsimulations: {seed: 3, start: 2025-01-01, days: 4}\n",
    ),
    (
        "simulations/beings.yml",
        "simulation: beings\nschema: s\nrows: {initial: 3000}\ncolumns: {id: {type: bigint, id: sequence, primary_key: true}}\n---\n\
         simulation: acts\nschema: s\ncolumns:\n  id: {type: bigint, id: packed, primary_key: true}\n  being: {type: bigint, references: beings.id}\n  \
         at: {type: timestamp}\n  nr: {type: integer}\n\
         process:\n  per: beings as b\n  state: {nr: 0}\n  each_day:\n    each:\n      count: \"int(1, 3)\"\n      \
         at: {windows: [{start: \"06:00\", end: \"23:00\", weight: 1}]}\n      \
         row: {being: b.id, at: now, nr: state.nr}\n      set_after: [{state: {nr: state.nr + 1}}]\n",
    ),
];

fn beings() -> Project {
    let project = Project::empty(BEINGS);
    project.tv1(&["simulate"]).expect(0, &["ERROR=0"]);
    project
}

const CONTENT: &str = "select count(*), md5(string_agg(t::text, '|' order by id)) from s.acts t";

/// Kills a run after so long.
fn kill(project: &Project, args: &[&str], after: Duration) {
    let mut child = project.start(args);
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn a_killed_run_is_repaired_by_the_next() {
    let project = beings();
    let four = project.rows(CONTENT);
    let long = ["simulate", "--until", "2025-01-20"];
    let begin = Instant::now();
    project.tv1(&long).expect(0, &["EXTEND"]);
    let (took, whole) = (begin.elapsed(), project.rows(CONTENT));
    for (i, part) in [0.3, 0.5, 0.65, 0.8, 0.92].into_iter().enumerate() {
        project
            .tv1(&["simulate", "--full-refresh"])
            .expect(0, &["ERROR=0"]);
        assert_eq!(project.rows(CONTENT), four);
        kill(&project, &long, took.mul_f64(part));
        if i % 2 == 0 {
            // Asked for no more days than there were, the next run takes the half-added ones away again (unless the
            // killed one had come to its end).
            project.tv1(&["simulate"]).expect(0, &["ERROR=0"]);
            let now = project.rows(CONTENT);
            assert!(now == four || now == whole, "{now}");
        }
        project.tv1(&long).expect(0, &["ERROR=0"]);
        assert_eq!(project.rows(CONTENT), whole, "killed after {part}");
    }
    // The same for a table that is made whole: the old one stays until the new one is ready.
    for part in [0.4, 0.6, 0.8] {
        kill(
            &project,
            &["simulate", "--full-refresh", "--until", "2025-01-20"],
            took.mul_f64(part),
        );
        assert_eq!(project.rows(CONTENT), whole);
        project.tv1(&long).expect(0, &["ERROR=0"]);
        assert_eq!(project.rows(CONTENT), whole);
        let tables = "select string_agg(tablename, ' ' order by tablename) from pg_tables where schemaname = 's'";
        assert_eq!(project.rows(tables), "acts beings", "killed after {part}");
    }
    assert_eq!(
        project
            .rows("select unfinished, until, rows from tv1.simulations where table_name = 'acts'"),
        format!("f|2025-01-20|{}", whole.split('|').next().unwrap())
    );
}

#[test]
fn a_lost_backend_ends_the_run_and_the_next_one_repairs() {
    let project = beings();
    let four = project.rows(CONTENT);
    let mut child = project.start(&["simulate", "--until", "2025-02-10"]);
    let end = Instant::now() + Duration::from_secs(60);
    let copying = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and query ilike 'copy%acts%' and state = 'active'";
    while project.rows(copying) == "0" && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "no COPY was seen");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = child.wait().unwrap();
    if !ended.success() {
        assert_eq!(project.rows(CONTENT), four);
    }
    project
        .tv1(&["simulate", "--until", "2025-02-10"])
        .expect(0, &["ERROR=0"]);
    let whole = project.rows(CONTENT);
    project
        .tv1(&["simulate", "--until", "2025-02-10", "--full-refresh"])
        .expect(0, &["ERROR=0"]);
    assert_eq!(project.rows(CONTENT), whole);
}

#[test]
fn a_declared_check_that_only_warns_is_said() {
    let project = Project::empty(&[
        BEINGS[0],
        (
            "simulations/t.yml",
            "simulation: t\nschema: s\nrows: {initial: 5}\ncolumns: {id: {type: bigint, id: sequence, primary_key: true}}\n\
             expect: [{name: many, sql: \"select count(*) from {{ this }}\", between: [6, 9], severity: warn}]\n",
        ),
    ]);
    project
        .tv1(&["simulate"])
        .expect(0, &["t: expect `many`: 5, outside 6..9"]);
    project.write(
        "simulations/t.yml",
        "simulation: t\nschema: s\nrows: {initial: 5}\ncolumns: {id: {type: bigint, id: sequence, primary_key: true}}\n\
         expect: [{name: bad, sql: \"selec 1\", equals: 1}]\n",
    );
    project.tv1(&["simulate", "--full-refresh"]).expect(
        1,
        &["t: expect `bad`: syntax error", "simulations/t.yml:5:10"],
    );
    // The table that was there is still there.
    assert_eq!(project.rows("select count(*) from s.t"), "5");
}

#[test]
fn declared_checks_are_tests_of_the_table_too() {
    let project = Project::empty(&[
        (
            "project.yml",
            "name: beings\nversion: \"1\"\nprofile: beings\nsimulations: {seed: 3, start: 2025-01-01, days: 4}\n",
        ),
        (
            "simulations/t.yml",
            "simulation: t\nschema: s\nrows: {initial: 5, arrivals: 2}\ncolumns: {id: {type: bigint, id: sequence, primary_key: true}}\n\
             expect:\n  - {name: \"Rows: as many as days make\", sql: \"select count(*) - 2 * {{ sim_days }} from {{ this }}\", equals: 5}\n  \
             - {name: \"rows, as many as days make\", sql: \"select count(*) from {{ this }} where '{{ start_date }}' = '2025-01-01'\", between: [50, 100], severity: warn}\n  \
             - {name: few, sql: \"select max(id) from {{ this }};\", between: [10, 40]}\n",
        ),
    ]);
    project.tv1(&["simulate"]).expect(
        0,
        &["expect `rows, as many as days make`: 13, outside 50..100"],
    );
    let tests = project.tv1(&["ls", "--resource-type", "test", "--output", "name"]);
    for name in [
        "expect_t_rows_as_many_as_days_make",
        "expect_t_rows_as_many_as_days_make_2",
        "expect_t_few",
    ] {
        assert!(
            tests.said.lines().any(|l| l.trim() == name),
            "{}",
            tests.said
        );
    }
    project
        .tv1(&[
            "test",
            "--select",
            "expect_t_few",
            "expect_t_rows_as_many_as_days_make",
        ])
        .expect(0, &["PASS=2"]);
    project
        .tv1(&["test", "--select", "expect_t_rows_as_many_as_days_make_2"])
        .expect(0, &["WARN=1"]);
    // They know how far the table goes, whatever the project file says.
    project
        .tv1(&["simulate", "--until", "2025-01-10"])
        .expect(0, &["EXTEND"]);
    project
        .tv1(&["test", "--select", "expect_t_rows_as_many_as_days_make"])
        .expect(0, &["PASS=1"]);
    // And find what has been changed behind the run's back.
    project
        .rows("with gone as (delete from s.t where id > 7 returning 1) select count(*) from gone");
    project
        .tv1(&["test", "--select", "expect_t_few"])
        .expect(1, &["expect_t_few"]);
}

#[test]
fn wrong_settings_of_simulations_are_said() {
    for (settings, words) in [
        ("{sed: 3}", "did you mean `seed`?"),
        ("{weeks: 3}", "known settings: seed, start, days"),
        ("{days: 99999999999}", "leads beyond the year 9999"),
        ("{days: 4000000000}", "leads beyond the year 9999"),
        ("{start: 9999-12-30, days: 3}", "leads beyond the year 9999"),
        ("{days: -1}", "must be a whole number"),
        ("{start: 2025-02-30}", "must be a day"),
    ] {
        let text =
            format!("name: beings\nversion: \"1\"\nprofile: beings\nsimulations: {settings}\n");
        let project = Project::empty(&[("project.yml", &text), BEINGS[1]]);
        project.tv1(&["parse"]).expect(2, &[words]);
    }
}
