//! Draws recorded runs into a terminal in memory.
use super::*;
use crate::graph::ResourceType;
use crate::report::event::NodeInfo;
use crate::report::testing::{at, model, node, outcome, start, summary};
use chrono::TimeDelta;
use indicatif::InMemoryTerm;
use std::sync::Arc;

fn simulation() -> Arc<NodeInfo> {
    let mut s = (*node(
        ResourceType::Source,
        "sessions",
        "raw.sessions",
        "simulation raw.sessions",
    ))
    .clone();
    s.materialized = "simulation".to_string();
    Arc::new(s)
}

fn started(seconds: f64, node: &Arc<NodeInfo>, index: usize) -> Stamped {
    at(
        seconds,
        Event::NodeStarted {
            node: node.clone(),
            index,
            total: 12,
        },
    )
}

fn finished(seconds: f64, node: &Arc<NodeInfo>, status: Status) -> Stamped {
    at(
        seconds,
        Event::NodeFinished {
            node: node.clone(),
            index: 1,
            total: 12,
            result: Arc::new(outcome(status, "", 1.0)),
            because: None,
        },
    )
}

fn rows(seconds: f64, node: &NodeInfo, rows: u64, expected: Option<u64>) -> Stamped {
    at(
        seconds,
        Event::NodeProgress {
            unique_id: node.unique_id.clone(),
            rows,
            expected,
        },
    )
}

fn moment(seconds: f64) -> DateTime<Utc> {
    start() + TimeDelta::milliseconds((seconds * 1000.0) as i64)
}

/// A run with something of everything, as it is after four and a half seconds.
fn busy() -> Vec<Stamped> {
    let (users, orders, bad) = (
        model("users", "view"),
        model(
            "orders_with_a_name_that_is_much_too_long_for_a_narrow_terminal",
            "table",
        ),
        model("bad", "view"),
    );
    let sessions = simulation();
    vec![
        started(0.0, &users, 1),
        started(0.0, &sessions, 2),
        finished(0.5, &users, Status::Success),
        started(0.5, &bad, 3),
        finished(0.7, &bad, Status::Error),
        finished(0.7, &model("below", "view"), Status::Skipped),
        started(1.0, &orders, 5),
        rows(4.0, &sessions, 1_200_000, Some(5_000_000)),
    ]
}

#[test]
fn the_terminal_shows_what_runs_and_how_far_it_is() {
    let term = InMemoryTerm::new(24, 80);
    let mut bars = Bars::new(ProgressDrawTarget::term_like(Box::new(term.clone())), 80);
    for event in busy() {
        bars.note(&event);
    }
    bars.draw(moment(4.5));
    insta::assert_snapshot!(term.contents());
    bars.draw(moment(75.0));
    insta::assert_snapshot!("later", term.contents());
}

#[test]
fn lines_are_printed_above_and_nothing_stays_at_the_end() {
    let term = InMemoryTerm::new(24, 80);
    let mut bars = Bars::new(ProgressDrawTarget::term_like(Box::new(term.clone())), 80);
    for event in busy() {
        bars.note(&event);
    }
    bars.draw(moment(1.2));
    bars.above(|| indicatif::TermLike::write_line(&term, "03:04:06  1 of 12 OK").unwrap());
    bars.draw(moment(1.3));
    let shown = term.contents();
    assert!(
        shown.starts_with("03:04:06  1 of 12 OK\n  [===="),
        "{shown}"
    );
    bars.note(&finished(1.4, &simulation(), Status::Success));
    bars.draw(moment(1.4));
    assert!(
        !term.contents().contains("simulation"),
        "{}",
        term.contents()
    );
    assert_eq!(term.contents().lines().count(), 3);
    bars.note(&at(5.0, Event::Finished(Arc::new(summary(Vec::new())))));
    bars.draw(moment(5.0));
    assert_eq!(term.contents(), "03:04:06  1 of 12 OK");
}

#[test]
fn many_running_nodes_are_cut_short() {
    let mut progress = Progress::default();
    for i in 0..11 {
        progress.note(&started(0.0, &model(&format!("m{i}"), "view"), i + 1));
    }
    progress.note(&at(0.0, Event::Cancelling { running: 11 }));
    let lines = progress.lines(moment(1.0), 80);
    assert_eq!(lines.len(), 10);
    assert_eq!(lines[9], "  and 3 more");
    assert!(lines[0].contains("11 being cancelled"));
    assert!(progress.lines(moment(1.0), 20).iter().all(|l| l.len() < 20));
}

#[test]
fn durations_and_numbers_are_readable() {
    assert_eq!(duration(3.24), "3.2s");
    assert_eq!(duration(59.99), "1m 00s");
    assert_eq!(duration(125.0), "2m 05s");
    assert_eq!(duration(3725.0), "1h 02m");
    assert_eq!(grouped(1_234_567), "1,234,567");
    assert_eq!(grouped(999), "999");
    assert_eq!(rows_of(1), "1 row");
    assert_eq!(
        [950, 12_340, 1_200_000, 5_000_000_000].map(compact),
        ["950", "12.3k", "1.2M", "5G"]
    );
}
