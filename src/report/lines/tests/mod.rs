//! Replays recorded runs and compares them with the lines that dbt printed for the same runs (`golden/`).
use super::*;
use crate::diag::{Diagnostic, code};
use crate::graph::ResourceType;
use crate::outcome::{FreshnessCriteria, FreshnessResult, Status};
use crate::report::event::{Count, FailedEphemeral, Summary};
use crate::report::testing::{at, hook, model, node, outcome, seed, test_node};
use crate::text::{Place, SourceFile};
use std::sync::Arc;
use std::time::Duration;

/// Plays a run: keeps its events and results, in dbt's order.
#[derive(Default)]
struct Script {
    events: Vec<Event>,
    results: Vec<(Arc<NodeInfo>, Arc<NodeResult>)>,
}

impl Script {
    fn new(found: &[(&str, usize)]) -> Self {
        let counts = found
            .iter()
            .map(|(kind, count)| Count {
                kind: (*kind).to_string(),
                count: *count,
            })
            .collect();
        let events = vec![
            Event::Found(counts),
            Event::Concurrency {
                threads: 1,
                target: "dev".to_string(),
                nodes: 2,
            },
        ];
        Self {
            events,
            results: Vec::new(),
        }
    }

    fn start(&mut self, node: &Arc<NodeInfo>, place: (usize, usize)) {
        self.events.push(Event::NodeStarted {
            node: node.clone(),
            index: place.0,
            total: place.1,
        });
    }

    fn end(&mut self, node: &Arc<NodeInfo>, place: (usize, usize), result: NodeResult) {
        self.end_because(node, place, result, None);
    }

    fn end_because(
        &mut self,
        node: &Arc<NodeInfo>,
        (index, total): (usize, usize),
        result: NodeResult,
        because: Option<FailedEphemeral>,
    ) {
        let result = Arc::new(NodeResult {
            unique_id: node.unique_id.clone(),
            ..result
        });
        self.results.push((node.clone(), result.clone()));
        self.events.push(Event::NodeFinished {
            node: node.clone(),
            index,
            total,
            result,
            because,
        });
    }

    fn run(&mut self, node: &Arc<NodeInfo>, place: (usize, usize), result: NodeResult) {
        self.start(node, place);
        self.end(node, place, result);
    }

    fn skip(&mut self, node: &Arc<NodeInfo>, place: (usize, usize)) {
        self.end(node, place, outcome(Status::Skipped, "", 0.0));
    }

    fn finish(mut self, seconds: f64) -> Vec<Event> {
        self.events.push(Event::Finished(Arc::new(Summary {
            results: self.results,
            elapsed: Duration::from_secs_f64(seconds),
            interrupted: false,
        })));
        self.events
    }
}

fn rep(node: &Arc<NodeInfo>) -> Arc<NodeInfo> {
    let mut node = (**node).clone();
    node.schema = node.schema.replace("marts", "rep");
    node.label = node.label.replace("marts.", "rep.");
    node.description = node.description.replace("marts.", "rep.");
    Arc::new(node)
}

fn rep_model(name: &str, materialized: &str) -> Arc<NodeInfo> {
    rep(&model(name, materialized))
}

fn failing(message: &str, failures: i64, path: &str, seconds: f64) -> NodeResult {
    NodeResult {
        failures: Some(failures),
        compiled_path: Some(format!("target/compiled/shop/{path}")),
        ..outcome(Status::Fail, message, seconds)
    }
}

fn error(message: &str, path: Option<&str>, seconds: f64) -> NodeResult {
    NodeResult {
        compiled_path: path.map(|p| format!("target/compiled/shop/{p}")),
        ..outcome(Status::Error, message, seconds)
    }
}

fn entries(events: &[Event], options: &Options) -> Vec<Entry> {
    let mut lines = Lines::new(options);
    events
        .iter()
        .flat_map(|e| lines.entries(&at(0.0, e.clone())))
        .collect()
}

/// What a person sees of a run at level info, without times.
fn console(events: &[Event], options: &Options) -> String {
    let mut out = String::new();
    for entry in entries(events, options) {
        if entry.level >= options.level || entry.answer {
            out.push_str(&entry.msg);
            out.push('\n');
        }
    }
    out
}

fn options() -> Options {
    Options::new("id")
}

fn coloured() -> Options {
    Options {
        colours: true,
        ..options()
    }
}

/// The build with hooks, batches, a failed ephemeral model, warnings and skips.
fn build() -> Vec<Event> {
    let mut s = Script::new(&[
        ("model", 11),
        ("snapshot", 1),
        ("data test", 7),
        ("seed", 1),
        ("operation", 3),
        ("source", 5),
        ("exposure", 1),
        ("macro", 480),
        ("unit test", 2),
    ]);
    s.run(
        &hook("on-run-start", 0),
        (1, 2),
        outcome(Status::Success, "", 0.02),
    );
    s.run(
        &hook("on-run-start", 1),
        (2, 2),
        outcome(Status::Success, "", 0.01),
    );
    let undefined = "Compilation Error in model badjinja (models/badjinja.sql)\n  'nosuch' is undefined. This can \
                     happen when calling a macro that does not exist. Check for typos and/or install package \
                     dependencies with \"dbt deps\".";
    let ok = |message: &str, seconds| outcome(Status::Success, message, seconds);
    s.run(
        &rep_model("badjinja", "view"),
        (1, 22),
        error(undefined, None, 0.01),
    );
    s.run(&rep_model("ev", "table"), (2, 22), ok("SELECT 1", 0.19));
    s.run(&rep(&seed("s1")), (3, 22), ok("INSERT 3", 0.13));
    let eph = rep_model("eph", "ephemeral");
    let boom = error(
        "Compilation Error in model eph (models/eph.sql)\n  eph boom",
        None,
        0.0,
    );
    let because = FailedEphemeral {
        node: eph,
        result: Arc::new(boom),
    };
    let caused = "Compilation Error in model.shop.uses_eph, caused by compilation error in referenced ephemeral \
                  model model.shop.eph";
    s.end_because(
        &rep_model("uses_eph", "view"),
        (4, 22),
        outcome(Status::Skipped, caused, 0.0),
        Some(because),
    );
    let mut mb = (*rep_model("mb", "incremental")).clone();
    mb.description = "sql microbatch model rep.mb".to_string();
    let mb = Arc::new(mb);
    s.start(&mb, (5, 22));
    for (i, day, message, seconds) in [
        (1, "2026-11-22", "SELECT 0", 0.08),
        (2, "2026-11-23", "MERGE 1", 0.18),
    ] {
        s.events.push(Event::BatchStarted {
            node: mb.clone(),
            batch: day.to_string(),
            index: i,
            total: 2,
        });
        s.events.push(Event::BatchFinished {
            node: mb.clone(),
            batch: day.to_string(),
            index: i,
            total: 2,
            status: Status::Success,
            message: Some(message.to_string()),
            execution_time: seconds,
        });
    }
    s.end(&mb, (5, 22), ok("SUCCESS", 0.26));
    s.run(&rep_model("a", "view"), (6, 22), ok("CREATE VIEW", 0.11));
    let exposure = node(ResourceType::Exposure, "e1", "e1", "exposure e1");
    s.run(&exposure, (7, 22), outcome(Status::NoOp, "", 0.0));
    build_tests(&mut s);
    s.run(
        &hook("on-run-end", 0),
        (1, 1),
        outcome(Status::Success, "", 0.01),
    );
    s.finish(1.27)
}

fn build_tests(s: &mut Script) {
    let values = "accepted_values_a_id__False__1__2";
    let warned = NodeResult {
        status: Status::Warn,
        ..failing(
            "Got 1 result, configured to warn if != 0",
            1,
            &format!("models/p.yml/{values}.sql"),
            0.05,
        )
    };
    s.run(&test_node(values), (8, 22), warned);
    s.run(
        &test_node("av_fail"),
        (9, 22),
        failing(
            "Got 2 results, configured to fail if != 0",
            2,
            "models/p.yml/av_fail.sql",
            0.05,
        ),
    );
    for (i, name, seconds) in [
        (10, "not_null_a_id", 0.03),
        (11, "sing", 0.04),
        (12, "unique_a_id", 0.05),
    ] {
        s.run(
            &test_node(name),
            (i, 22),
            outcome(Status::Pass, "", seconds),
        );
    }
    let unit = |name: &str| {
        let label = format!("b::{name}");
        node(
            ResourceType::UnitTest,
            name,
            &label,
            &format!("unit_test {label}"),
        )
    };
    s.skip(&unit("ut_ok"), (16, 22));
    s.skip(&unit("ut_bad"), (17, 22));
    s.skip(&rep_model("b", "table"), (18, 22));
    s.skip(&rep_model("bad", "view"), (13, 22));
    s.skip(&rep_model("mv", "materialized_view"), (14, 22));
    let sn = node(ResourceType::Snapshot, "sn", "rep.sn", "snapshot rep.sn");
    s.skip(&sn, (15, 22));
    s.skip(&test_node("bad_where"), (19, 22));
    s.skip(&test_node("unique_bad_id"), (20, 22));
    s.skip(&rep_model("inc", "incremental"), (21, 22));
    s.skip(&rep_model("below", "view"), (22, 22));
}

#[test]
fn a_build_reads_as_dbts_colours_included() {
    let golden = include_str!("../golden/build.txt").replace("<ESC>", "\u{1b}");
    assert_eq!(console(&build(), &coloured()), golden);
}

#[test]
fn without_colours_no_escape_is_left() {
    assert!(!console(&build(), &options()).contains('\u{1b}'));
}

#[test]
fn quiet_shows_failures_only() {
    insta::assert_snapshot!(console(&build(), &options().quiet()));
}

#[test]
fn fail_fast_reads_as_dbts() {
    let mut s = Script::new(&[
        ("model", 10),
        ("seed", 2),
        ("data test", 4),
        ("source", 1),
        ("macro", 477),
        ("unit test", 1),
    ]);
    let message = "Compilation Error in model badmat (models/badmat.sql)\n  No materialization 'nosuchmat' was found \
                   for adapter postgres! (searched types 'default' and 'postgres')";
    let bad = rep_model("badmat", "nosuchmat");
    s.run(
        &bad,
        (1, 3),
        error(message, Some("models/badmat.sql"), 0.06),
    );
    let failed = s.results[0].1.clone();
    let ev = rep_model("ev", "table");
    s.start(&ev, (2, 3));
    s.events.push(Event::QueryCancelled {
        connection: "model.shop.ev".to_string(),
    });
    s.end(&ev, (2, 3), outcome(Status::Error, "cancelled", 0.23));
    s.events.push(Event::FailedFast {
        node: bad,
        result: failed,
    });
    // dbt reports what did not come to an end as skipped for this reason.
    let skipped = || Arc::new(outcome(Status::Skipped, "Skipping due to fail_fast", 0.0));
    s.results[1].1 = skipped();
    s.results.push((rep_model("m", "view"), skipped()));
    let golden = include_str!("../golden/fail_fast.txt");
    assert_eq!(console(&s.finish(1.09), &options()), golden);
}

#[test]
fn partial_success_reads_as_dbts() {
    let mut s = Script::new(&[
        ("model", 10),
        ("seed", 2),
        ("data test", 4),
        ("source", 1),
        ("macro", 477),
        ("unit test", 1),
    ]);
    s.run(
        &rep_model("ev", "table"),
        (1, 2),
        outcome(Status::Success, "SELECT 4", 0.42),
    );
    let mut mb = (*rep_model("mbpart", "incremental")).clone();
    mb.description = "sql microbatch model rep.mbpart".to_string();
    let mb = Arc::new(mb);
    s.start(&mb, (2, 2));
    for (i, day, status, message, seconds) in [
        (1, "2026-11-21", Status::Success, "SELECT 1", 0.14),
        (2, "2026-11-22", Status::Error, "", 0.08),
        (3, "2026-11-23", Status::Success, "MERGE 1", 0.33),
    ] {
        s.events.push(Event::BatchStarted {
            node: mb.clone(),
            batch: day.to_string(),
            index: i,
            total: 3,
        });
        s.events.push(Event::BatchFinished {
            node: mb.clone(),
            batch: day.to_string(),
            index: i,
            total: 3,
            status,
            message: Some(message.to_string()),
            execution_time: seconds,
        });
    }
    s.end(
        &mb,
        (2, 2),
        outcome(Status::PartialSuccess, "PARTIAL SUCCESS (2/3)", 0.57),
    );
    let golden = include_str!("../golden/partial.txt");
    assert_eq!(console(&s.finish(1.62), &options()), golden);
}

fn freshness(
    name: &str,
    status: Status,
    message: Option<&str>,
    seconds: f64,
) -> (Arc<NodeInfo>, Arc<FreshnessResult>) {
    let label = format!("raw.{name}");
    let info = node(
        ResourceType::Source,
        name,
        &label,
        &format!("freshness of {label}"),
    );
    let result = FreshnessResult {
        unique_id: info.unique_id.clone(),
        status,
        max_loaded_at: None,
        snapshotted_at: None,
        criteria: FreshnessCriteria::default(),
        adapter_response: serde_json::Map::new(),
        timing: Vec::new(),
        thread_id: String::new(),
        execution_time: seconds,
        message: message.map(str::to_string),
        diagnostic: None,
    };
    (info, Arc::new(result))
}

fn freshness_run() -> Vec<Event> {
    let mut s = Script::new(&[
        ("model", 11),
        ("snapshot", 1),
        ("data test", 7),
        ("seed", 1),
        ("operation", 3),
        ("source", 5),
        ("exposure", 1),
        ("macro", 480),
        ("unit test", 2),
    ]);
    s.run(
        &hook("on-run-start", 0),
        (1, 2),
        outcome(Status::Success, "", 0.02),
    );
    s.run(
        &hook("on-run-start", 1),
        (2, 2),
        outcome(Status::Success, "", 0.01),
    );
    let missing = "Database Error in source missing (models/p.yml)\n  relation \"rep.missing\" does not exist\n  \
                   LINE 5:     from \"postgres\".\"rep\".\"missing\"\n                   ^";
    let done = vec![
        freshness("fresh", Status::Pass, None, 0.03),
        freshness("missing", Status::RuntimeError, Some(missing), 0.03),
        freshness("stale", Status::Error, None, 0.01),
        freshness("warny", Status::Warn, None, 0.02),
    ];
    for (i, (source, result)) in done.iter().enumerate() {
        s.start(source, (i + 1, 4));
        s.events.push(Event::FreshnessFinished {
            node: source.clone(),
            index: i + 1,
            total: 4,
            result: result.clone(),
        });
    }
    s.run(
        &hook("on-run-end", 0),
        (1, 1),
        outcome(Status::Success, "", 0.01),
    );
    let nodes = s
        .results
        .iter()
        .map(|(n, _)| n.clone())
        .chain(done.iter().map(|(n, _)| n.clone()))
        .collect();
    s.events.push(Event::FreshnessRan {
        nodes,
        elapsed: Duration::from_secs_f64(0.33),
    });
    s.events.push(Event::FreshnessDone(done));
    s.events
}

#[test]
fn freshness_reads_as_dbts() {
    assert_eq!(
        console(&freshness_run(), &options()),
        include_str!("../golden/freshness.txt")
    );
}

#[test]
fn long_names_push_the_status_and_wide_printers_move_it() {
    let name = "a_very_long_test_name_that_does_not_fit_into_the_line_of_eighty_characters_at_all";
    let mut s = Script::default();
    s.start(&test_node(name), (10, 15));
    let golden = "10 of 15 START test a_very_long_test_name_that_does_not_fit_into_the_line_of_eighty_characters_at_all  [RUN]\n";
    assert_eq!(console(&s.events, &options()), golden);
    let mut s = Script::default();
    s.start(&test_node("unique_m_id"), (2, 4));
    let wide = Options {
        width: 120,
        ..options()
    };
    let golden = "2 of 4 START test unique_m_id .......................................................................................... [RUN]\n";
    assert_eq!(console(&s.events, &wide), golden);
}

#[test]
fn kept_rows_of_a_test_are_pointed_at() {
    let kept = NodeResult {
        relation_name: Some("\"postgres\".\"rep_dbt_test__audit\".\"unique_m_id\"".to_string()),
        ..failing(
            "Got 1 result, configured to fail if != 0",
            1,
            "models/p.yml/unique_m_id.sql",
            0.04,
        )
    };
    let event = Event::FailedFast {
        node: test_node("unique_m_id"),
        result: Arc::new(kept),
    };
    let ours = console(&[event], &options());
    let golden = include_str!("../golden/failures.txt");
    assert!(golden.contains(&ours), "{ours}");
}

#[test]
fn a_diagnostic_stands_below_dbts_words() {
    let file = SourceFile::new(
        "models/bad.sql",
        "select\n  wrong_col\nfrom {{ ref('a') }}\n",
    );
    let d = Diagnostic::error(code::Y0203, "column `wrong_col` does not exist")
        .label(Place::new(&file, 9..18), "PostgreSQL 42703")
        .help("a column named `right_col` exists");
    let message = "Database Error in model bad (models/bad.sql)\n  column \"wrong_col\" does not exist\n  LINE 8:   \
                   wrong_col\n            ^\n  compiled code at target/run/shop/models/bad.sql";
    let result = NodeResult {
        diagnostic: Some(d),
        ..error(message, Some("models/bad.sql"), 0.06)
    };
    let event = Event::FailedFast {
        node: rep_model("bad", "view"),
        result: Arc::new(result),
    };
    insta::assert_snapshot!(console(std::slice::from_ref(&event), &options()));
    let said = entries(&[event], &options());
    let json = &said
        .iter()
        .find(|e| e.event == names::RUN_RESULT_ERROR)
        .unwrap()
        .data;
    assert_eq!(json["diagnostic"]["places"][0]["line"], 2);
    assert_eq!(json["msg"], message);
}

#[test]
fn errors_of_the_project_stand_below_one_heading() {
    let file = SourceFile::new("dbt_project.yml", "name: 1\n");
    let first = Diagnostic::error(code::Y0203, "`name` must be text")
        .heading("Parsing Error")
        .at(Place::new(&file, 6..7));
    let second = Diagnostic::error(code::Y0205, "`profile` is missing").heading("Parsing Error");
    let warning =
        Diagnostic::warning(code::Y0204, "`nam` is not known").help("did you mean `name`");
    let events: Vec<Event> = [warning, first, second]
        .into_iter()
        .map(|diagnostic| Event::Diagnostic {
            diagnostic,
            dbt: None,
        })
        .collect();
    insta::assert_snapshot!(console(&events, &options()));
    let exc = &entries(&events, &options())[1].data["exc"];
    assert_eq!(
        *exc,
        "Parsing Error\n  `name` must be text (dbt_project.yml:1:7)"
    );
}

mod words;
