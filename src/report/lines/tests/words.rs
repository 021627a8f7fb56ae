//! The words of commands, and the data of JSON lines.
use super::*;
use crate::report::Subject;
use std::collections::BTreeSet;

/// Words of the command, templates and the server.
fn spoken() -> Vec<Event> {
    let node = Some(rep_model("m", "view"));
    let args = json!({"which": "run", "threads": 4});
    vec![
        Event::Started {
            command: "run".to_string(),
            args: args.as_object().cloned().unwrap(),
        },
        Event::AdapterRegistered,
        Event::ArtifactWritten {
            path: "target/manifest.json".to_string(),
            kind: "manifest",
        },
        Event::Log {
            level: Level::Info,
            text: "hello".to_string(),
            node: node.clone(),
        },
        Event::Log {
            level: Level::Debug,
            text: "details".to_string(),
            node: node.clone(),
        },
        Event::Log {
            level: Level::Warn,
            text: "take care".to_string(),
            node: None,
        },
        Event::Print {
            text: "printed".to_string(),
            node: node.clone(),
        },
        Event::Sql {
            connection: "model.shop.m".to_string(),
            node: node.clone(),
            text: "select 1".to_string(),
        },
        Event::SqlStatus {
            connection: "model.shop.m".to_string(),
            node,
            status: "SELECT 1".to_string(),
            elapsed: 0.0123,
        },
        Event::Notice {
            connection: "model.shop.m".to_string(),
            severity: "WARNING".to_string(),
            text: "mind the gap".to_string(),
        },
        Event::NothingToDo,
        Event::building_catalog(),
        Event::catalog_written("target/catalog.json"),
        Event::no_nodes_for("tag:x"),
        Event::no_nodes_selected(),
        Event::operation_failed("Database Error\n  boom"),
        Event::debug_line("  host: localhost"),
        Event::debug_result("All checks passed!"),
        Event::info("wrote target/index.html"),
        Event::warn("something is odd"),
        Event::answer("shop.a"),
        Event::compiled(
            Subject::Node("m", "model.shop.m"),
            "select 1",
            "text",
            false,
        ),
        Event::shown(
            Subject::Inline("sql_operation.shop.inline_query"),
            "{}",
            "json",
            false,
        ),
        Event::Cancelling { running: 2 },
        Event::shown(
            Subject::Node("a", "model.shop.a"),
            "| id |\n| -- |\n|  1 |\n",
            "text",
            false,
        ),
        Event::CommandCompleted {
            command: "run".to_string(),
            success: false,
            elapsed: Duration::from_millis(2900),
        },
    ]
}

#[test]
fn the_words_of_a_command() {
    insta::assert_snapshot!(console(&spoken(), &options().debug()));
    insta::assert_snapshot!(
        "the_answers_of_a_quiet_command",
        console(&spoken(), &options().quiet())
    );
    let silent = Options {
        print: false,
        ..options()
    };
    assert!(!console(&spoken(), &silent).contains("printed"));
}

#[test]
fn the_first_line_begins_with_the_words_that_wrappers_look_for() {
    let first = &entries(&spoken(), &options())[0];
    let version = first.msg.strip_prefix("Running with dbt=").unwrap();
    assert!(version.starts_with("1.10."));
    assert!(
        first
            .msg
            .ends_with(&format!("tv1={}", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(first.data["version"], "=1.10.23");
}

#[test]
fn json_data_has_the_fields_of_dbts() {
    let golden: Value = serde_json::from_str(include_str!("../golden/dbt_events.json")).unwrap();
    let mut seen = BTreeSet::new();
    for events in [build(), freshness_run(), spoken()] {
        let samples = Event::seed_header("marts", "s1");
        for entry in entries(&events, &options())
            .into_iter()
            .chain(entries(&samples, &options()))
        {
            let Some(known) = golden.get(entry.event.name) else {
                continue;
            };
            seen.insert(entry.event.name);
            assert_eq!(known["code"], entry.event.code, "{}", entry.event.name);
            for key in known["data"].as_array().unwrap() {
                let key = key.as_str().unwrap();
                assert!(
                    entry.data.contains_key(key),
                    "{} lacks {key}",
                    entry.event.name
                );
            }
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
}

#[test]
fn node_info_follows_the_node_through_its_life() {
    let node = rep_model("m", "table");
    let mut lines = Lines::new(&options());
    let mut info = |seconds: f64, event: Event| -> Value {
        let said = lines.entries(&at(seconds, event));
        said.iter()
            .find_map(|e| e.data.get("node_info").cloned())
            .unwrap()
    };
    let started = info(
        0.0,
        Event::NodeStarted {
            node: node.clone(),
            index: 1,
            total: 1,
        },
    );
    assert_eq!(started["node_status"], "started");
    let step = Event::NodeStep {
        node: node.clone(),
        step: Step::Execute,
    };
    assert_eq!(info(0.1, step)["node_status"], "executing");
    let sql = Event::Sql {
        connection: "c".to_string(),
        node: Some(node.clone()),
        text: "select 1".to_string(),
    };
    assert_eq!(info(0.2, sql)["node_status"], "executing");
    let finished = info(
        1.5,
        Event::NodeFinished {
            node,
            index: 1,
            total: 1,
            result: Arc::new(outcome(Status::Success, "SELECT 1", 1.5)),
            because: None,
        },
    );
    insta::assert_json_snapshot!(finished);
}
