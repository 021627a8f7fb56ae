//! Connections that die, signals, and two runs at once: afterwards every relation is as before or as after, never
//! missing, and the next run leaves nothing behind.
use crate::project::{Ended, Project};
use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

/// One model of each kind; `turn` says which run made the rows, `death` where the connection dies.
fn zoo() -> Project {
    let hooks = "pre_hook=[{'sql': \"{{ die('pre_out') }}\", 'transaction': false}, \"{{ die('pre_in') }}\"], \
        post_hook=[\"{{ die('post_in') }}\", {'sql': \"{{ die('post_out') }}\", 'transaction': false}]";
    let rows = "select {{ var('turn') }} as turn, n, 'x' || n as t from generate_series(1, 50) n \
        where 0 = {{ die('main', '0') }} {% if is_incremental() %}and {{ var('turn') }} > (select max(turn) from {{ this }}) {% endif %}";
    let p = Project::new(&[(
        "macros/die.sql",
        "{% macro die(at, other='select 1') %}{% if var('death', '') == at and execute and not (at == 'main' and model.config.materialized == 'view') %}{{ '' if at == 'main' else 'select ' }}\
         pg_terminate_backend(pg_backend_pid())::int{% else %}{{ other }}{% endif %}{% endmacro %}",
    )]);
    let model = |name: &str, config: &str| {
        let text = format!("{{{{ config({config}, {hooks}) }}}}\n{rows}\n");
        p.write(&format!("models/{name}.sql"), &text);
    };
    model(
        "a_table",
        "materialized='table', indexes=[{'columns': ['n']}]",
    );
    model("a_view", "materialized='view'");
    model("grows", "materialized='incremental'");
    model("di", "materialized='incremental', unique_key='n'");
    model(
        "merged",
        "materialized='incremental', unique_key='n', incremental_strategy='merge'",
    );
    model("rebuilt", "materialized='incremental', full_refresh=true");
    model(
        "mv",
        "materialized='materialized_view', indexes=[{'columns': ['n']}]",
    );
    model(
        "to_view",
        "materialized='view' if var('turn') % 2 == 0 else 'table'",
    );
    model(
        "to_table",
        "materialized='table' if var('turn') % 2 == 0 else 'view'",
    );
    model(
        "to_mv",
        "materialized='materialized_view' if var('turn') % 2 == 0 else 'table'",
    );
    p.write("models/m.yml", "models:\n  - name: a_table\n    description: told\n    config: {persist_docs: {relation: true}}\n  - name: a_view\n    description: told\n    config: {persist_docs: {relation: true}}\n");
    p.write("snapshots/snap.sql", &format!("{{% snapshot snap %}}{{{{ config(unique_key='n', strategy='check', check_cols='all', {hooks}) }}}}\nselect n, {{{{ var('turn') }}}} + {{{{ die('main', '0') }}}} as turn from generate_series(1, 20) n\n{{% endsnapshot %}}\n"));
    p.write("seeds/codes.csv", "code\n1\n");
    p.write("seeds/fresh.csv", "code\n1\n");
    p.write("seeds/s.yml", &"seeds:\n  - name: codes\n    config: {HOOKS}\n  - name: fresh\n    config: {HOOKS, full_refresh: true}\n".replace("HOOKS", "pre-hook: \"{{ die('pre_in') }}\", post-hook: \"{{ die('post_in') }}\""));
    p
}

fn turn(p: &Project, turn: u32, death: &str) -> Ended {
    p.write("seeds/codes.csv", &format!("code\n{turn}\n"));
    p.write("seeds/fresh.csv", &format!("code\n{turn}\n"));
    p.tv1(&[
        "build",
        "--threads",
        "4",
        "--vars",
        &format!("{{turn: {turn}, death: '{death}'}}"),
    ])
}

/// The rows of every relation of the project.
fn state(p: &Project) -> BTreeMap<String, String> {
    let names = p.rows("select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm')");
    let digest = |name: &str| {
        let columns = if name == "snap" {
            "n, turn, dbt_valid_to is null"
        } else {
            "r"
        };
        p.rows(&format!("select count(*), md5(string_agg(({columns})::text, ',' order by ({columns})::text)) from {name} r"))
    };
    names
        .split_whitespace()
        .map(|n| (n.to_string(), digest(n)))
        .collect()
}

/// Kills whoever runs a command of this tag: `when` is `ddl_command_start` or `ddl_command_end`.
fn trap(p: &Project, when: &str, tag: &str) {
    p.execute(&format!(
        "create or replace function public.kill() returns event_trigger language plpgsql as \
         $$ begin perform pg_terminate_backend(pg_backend_pid()); end $$; \
         create event trigger trap on {when} when tag in ('{tag}') execute function public.kill()"
    ));
}

#[test]
fn whenever_a_connection_dies_nothing_is_lost_or_left() {
    let p = zoo();
    turn(&p, 1, "").expect(0, &[]);
    let all = state(&p);
    assert_eq!(all.len(), 13, "{all:?}");
    let moments = [
        "pre_out",
        "pre_in",
        "main",
        "post_in",
        "post_out",
        "ddl_command_end:CREATE TABLE AS",
        "ddl_command_end:CREATE VIEW",
        "ddl_command_end:ALTER TABLE",
        "ddl_command_start:ALTER VIEW",
        "ddl_command_end:CREATE INDEX",
        "ddl_command_end:DROP TABLE",
        "ddl_command_start:DROP VIEW",
        "ddl_command_end:COMMENT",
        "ddl_command_end:REFRESH MATERIALIZED VIEW",
        "ddl_command_end:CREATE MATERIALIZED VIEW",
        "ddl_command_start:DROP MATERIALIZED VIEW",
    ];
    for (i, moment) in moments.iter().enumerate() {
        let n = i as u32 + 2;
        let before = state(&p);
        let died = match moment.split_once(':') {
            Some((when, tag)) => {
                trap(&p, when, tag);
                let ended = turn(&p, n, "");
                p.execute("drop event trigger trap; drop function public.kill()");
                ended
            }
            None => turn(&p, n, moment),
        };
        assert!(
            died.said
                .contains("terminating connection due to administrator command")
                || *moment == "ddl_command_start:ALTER VIEW",
            "{moment}: {}",
            died.said
        );
        let between = state(&p);
        assert_eq!(p.debris(), "", "{moment}");
        turn(&p, n, "").expect(0, &[]);
        let after = state(&p);
        for (name, rows) in &after {
            let seen = between.get(name);
            assert!(
                seen == before.get(name) || seen == Some(rows),
                "{name} at {moment}: {:?}, {seen:?}, {rows}",
                before.get(name)
            );
        }
        assert_eq!(after.len(), 13, "{moment}: {after:?}");
        assert_eq!(p.debris(), "", "{moment}");
    }
}

/// Sends a signal as soon as a statement with this text runs.
fn signal(p: &Project, child: &mut Child, name: &str, text: &str) -> i32 {
    let begun = Instant::now();
    let running = format!(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and datname = current_database() and query like '%{text}%'"
    );
    while p.rows(&running) == "0" {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "`{text}` never ran"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let sent = std::process::Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let asked = Instant::now();
    let code = child.wait().unwrap().code().unwrap();
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "{name} took {:?}",
        asked.elapsed()
    );
    assert_eq!(p.rows(&running), "0");
    code
}

#[test]
fn a_signal_cancels_and_leaves_everything_as_it_was() {
    let p = Project::new(&[
        (
            "models/slow.sql",
            "{{ config(materialized='table') }}\nselect 1 as id, {{ var('turn', 1) }} as turn {% if var('turn', 1) > 1 %}, pg_sleep(60)::text as s{% endif %}\n",
        ),
        (
            "models/other.sql",
            "{{ config(materialized='incremental', post_hook=\"select pg_sleep({{ 60 if var('turn', 1) > 1 else 0 }})\") }}\nselect {{ var('turn', 1) }} as turn\n",
        ),
        ("models/after.sql", "select * from {{ ref('slow') }}\n"),
    ]);
    p.tv1(&["run"]).expect(0, &[]);
    for name in ["-INT", "-TERM"] {
        let mut child = p.spawn(&["run", "--vars", "{turn: 2}"]);
        assert_eq!(signal(&p, &mut child, name, "pg_sleep(60)"), 2, "{name}");
        assert_eq!(p.rows("select turn from slow"), "1");
        assert_eq!(p.rows("select turn from other"), "1");
        assert_eq!(p.rows("select turn from after"), "1");
        assert_eq!(p.debris(), "");
    }
    p.tv1(&["run"]).expect(0, &[]);
}

#[test]
fn a_server_that_comes_back_costs_only_what_was_running() {
    let p = Project::empty(&[
        (
            "dbt_project.yml",
            "name: shop\nversion: \"1.0\"\nprofile: shop\non-run-end: \"create table ended as select 1 as n\"\n",
        ),
        ("models/a.sql", "select 1 as id\n"),
        (
            "models/b.sql",
            "{{ config(materialized='table') }}\nselect id, (select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()) as killed from {{ ref('a') }}\n",
        ),
        ("models/c.sql", "select * from {{ ref('b') }}\n"),
        ("models/d.sql", "select * from {{ ref('c') }}\n"),
    ]);
    p.tv1(&["run", "--threads", "3"]).expect(0, &["PASS=5"]);
    assert_eq!(p.relations(), "a:v b:r c:v d:v ended:r");
}

#[test]
fn two_runs_at_once_take_turns() {
    let p = zoo();
    turn(&p, 1, "").expect(0, &[]);
    for n in 2..5 {
        let vars = format!("{{turn: {n}}}");
        let run = |folder: &str| {
            p.spawn(&[
                "run",
                "--threads",
                "4",
                "--vars",
                &vars,
                "--target-path",
                folder,
            ])
        };
        let (a, b) = (run("target_a"), run("target_b"));
        for child in [a, b] {
            let done = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            assert_eq!(done.status.code(), Some(0), "{said}");
        }
        assert_eq!(p.debris(), "");
        assert_eq!(
            p.rows(&format!("select count(*) from a_table where turn = {n}")),
            "50"
        );
        assert_eq!(
            p.rows("select count(*), count(distinct (turn, n)) from di"),
            "50|50"
        );
        assert_eq!(
            p.rows(&format!("select count(*) from to_view where turn = {n}")),
            "50"
        );
    }
}

#[test]
fn a_disk_or_quota_that_is_full_fails_the_node_alone() {
    let p = zoo();
    turn(&p, 1, "").expect(0, &[]);
    let before = p.rows("select md5(string_agg(r::text, ',' order by n)) from a_table r");
    // The server's way to say so: the limit of temporary files of a session.
    p.execute("do $$ begin execute format('alter database %I set temp_file_limit = 64', current_database()); end $$");
    p.write("models/a_table.sql", "{{ config(materialized='table') }}\nselect n, md5(n::text) as t from generate_series(1, 600000) n order by 2\n");
    turn(&p, 2, "").expect(1, &["temporary file size exceeds temp_file_limit"]);
    assert_eq!(
        p.rows("select md5(string_agg(r::text, ',' order by n)) from a_table r"),
        before
    );
    assert_eq!(p.debris(), "");
}

/// A node that stands still says whose lock it waits for, and goes on when that is given back.
#[test]
fn who_holds_the_lock_is_told() {
    let p = Project::new(&[(
        "models/held.sql",
        "{{ config(materialized='table') }}\nselect 1 as id\n",
    )]);
    p.tv1(&["run"]).expect(0, &[]);
    let mut other = p.connect();
    other
        .execute("set application_name = 'the other one'; begin; lock table held in access exclusive mode")
        .unwrap();
    let run = p.spawn(&["run"]);
    std::thread::sleep(Duration::from_secs(8));
    other.execute("rollback").unwrap();
    let said = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).to_string();
    assert!(said.status.success(), "{text}");
    assert!(
        text.contains("held waits for a lock that the server's process")
            && text.contains("the other one, idle in transaction: "),
        "{text}"
    );
    assert_eq!(text.matches("waits for a lock").count(), 1, "{text}");
}

/// A server with fewer connections than threads costs threads, not nodes.
#[test]
fn too_few_connections_make_fewer_threads() {
    let p = Project::new(&[]);
    for n in 0..8 {
        let text = "{{ config(materialized='table') }}\nselect 1 as id, pg_sleep(0.1)::text as s\n";
        p.write(&format!("models/m{n}.sql"), text);
    }
    let setting = |name: &str| {
        p.rows(&format!(
            "select split_part(current_setting('{name}'), ',', 1)"
        ))
    };
    let database = p.rows("select current_database()");
    let role = format!("few_{database}");
    p.execute(&format!(
        "create role \"{role}\" login connection limit 3; grant all on schema public to \"{role}\""
    ));
    p.write(
        "profiles.yml",
        &format!(
            "shop:\n  target: dev\n  outputs:\n    dev: {{type: postgres, host: {}, port: {}, user: {role}, password: x, dbname: {database}, schema: public, threads: 6}}\n",
            setting("unix_socket_directories"),
            setting("port"),
        ),
    );
    let ended = p.tv1(&["run"]);
    p.execute(&format!("drop owned by \"{role}\"; drop role \"{role}\""));
    ended.expect(
        0,
        &[
            "PASS=8",
            "one thread fewer from here on",
            "too many connections",
        ],
    );
}
