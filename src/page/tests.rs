//! Reading reports, and the pages made of them.
use super::periods::{Period, periods};
use super::read::read;
use super::*;
use crate::diag::{Sink, render};
use crate::semantic::Layer;
use crate::text::SourceFile;
use crate::yaml::{self, Document};
use chrono::NaiveDate;
use serde_json::json;

fn document(name: &str, text: &str) -> crate::diag::Result<Document> {
    yaml::load_map(&SourceFile::new(name, text))
}

const GOOD: &str = "
report: overview
title: Shop
theme: {colors: ['#D60000', '#000'], locale: da-DK}
parameters:
  - {name: What, metrics: [users, sessions]}
slicers:
  - {parameter: What}
  - {dimension: program__category}
  - {time: date, default: last_7_days, periods: [all, last_7_days, weeks, days]}
page:
  - - {cards: [sessions, users], trend: true, span: 8}
    - {bar: {parameter: What}, by: program__title, span: 4, rows: 2}
  - - {gauge: streaming, max: sessions, target: goal, span: 3}
    - {column: sessions, by: platform, series: region, span: 5}
";

fn reports(text: &str) -> (Vec<Report>, String) {
    let mut sink = Sink::default();
    let found = read(&[document("reports/a.yml", text).unwrap()], &mut sink);
    let said: Vec<String> = sink.said.iter().map(|d| render(d, false)).collect();
    (found.reports, said.join("\n"))
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn tiles_get_their_places_around_those_that_reach_down() {
    let (reports, said) = reports(GOOD);
    assert_eq!(said, "");
    let report = &reports[0];
    let places: Vec<_> = report
        .tiles
        .iter()
        .map(|t| (t.id.as_str(), t.row, t.column, t.span, t.rows))
        .collect();
    assert_eq!(
        places,
        [
            ("cards-1", 1, 1, 8, 1),
            ("bar-2", 1, 9, 4, 2),
            ("gauge-3", 2, 1, 3, 1),
            ("column-4", 2, 4, 5, 1)
        ]
    );
    assert_eq!(
        report.all_metrics(),
        ["users", "sessions", "streaming", "goal"]
    );
    assert_eq!(report.parameter("What").unwrap().default, ["users"]);
    assert_eq!(report.time(), Some("date"));
}

#[test]
fn every_mistake_is_told_with_its_place_and_the_near_name() {
    for (from, to, expected) in [
        (
            "cards: [sessions",
            "cardz: [sessions",
            "did you mean `cards`?",
        ),
        ("title: Shop", "titel: Shop", "did you mean `title`?"),
        (
            "last_7_days, weeks",
            "last_7_dayz, weeks",
            "did you mean `last_7_days`?",
        ),
        (
            "{parameter: What}\n  - {dim",
            "{parameter: Wat}\n  - {dim",
            "did you mean `What`?",
        ),
        (
            "span: 8",
            "span: 9",
            "the row has no room for this tile of 4 columns",
        ),
        ("span: 8", "span: 13", "must be a whole number from 1 to 12"),
        ("'#D60000'", "red", "`red` is not a colour"),
        (
            "gauge: streaming, max: sessions",
            "gauge: streaming",
            "a gauge with a `target` has a `max`",
        ),
        (
            "column: sessions, by: platform, series: region",
            "column: sessions",
            "`column` says `by` which dimension",
        ),
        (
            "column: sessions, by",
            "column: [sessions, users], by",
            "takes one metric here",
        ),
        ("trend: true", "trend: sometimes", "must be true or false"),
        ("report: overview", "report: a/b", "is no name for a report"),
        (
            "  - {time: date",
            "  - {tim: date",
            "a slicer names what it slices",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let (_, said) = reports(&GOOD.replacen(from, to, 1));
        assert!(said.contains(expected), "{to}: {said}");
        assert!(said.contains("reports/a.yml:"), "{to}: {said}");
    }
}

#[test]
fn files_without_a_report_hold_parameters_for_all() {
    let shared = "parameters: [{name: What, metrics: [a, b], default: [b]}]";
    let own =
        "report: r\nslicers: [{parameter: What}]\npage: [[{donut: {parameter: What}, by: d}]]";
    let docs = [
        document("reports/parameters.yml", shared).unwrap(),
        document("reports/r.yml", own).unwrap(),
    ];
    let mut sink = Sink::default();
    let found = read(&docs, &mut sink);
    assert!(sink.said.is_empty(), "{:?}", sink.said);
    assert_eq!(found.reports[0].parameter("What").unwrap().default, ["b"]);
}

#[test]
fn periods_are_compared_only_with_days_that_are_there() {
    let (reports, _) = reports(GOOD);
    let layer = Layer::default();
    let scope = Scope {
        layer: &layer,
        report: &reports[0],
    };
    let list = periods(&scope, Some((day("2025-01-01"), day("2025-01-15"))));
    let find = |key: &str| -> &Period { list.iter().find(|p| p.key == key).unwrap() };
    assert_eq!(
        (find("last_7_days").from, find("last_7_days").to),
        (day("2025-01-09"), day("2025-01-15"))
    );
    assert_eq!(
        find("last_7_days").previous.as_deref(),
        Some("before_last_7_days")
    );
    assert_eq!(find("before_last_7_days").from, day("2025-01-02"));
    assert!(find("before_last_7_days").hidden);
    // The first week has begun before the data has: nothing is compared with it.
    assert_eq!(find("week_2025-01-06").previous, None);
    assert_eq!(
        find("day_2025-01-02").previous.as_deref(),
        Some("day_2025-01-01")
    );
    assert_eq!(find("day_2025-01-01").previous, None);
    assert_eq!(find("all").from, day("2025-01-01"));
    // Seven days of seven are all there is.
    let few = periods(&scope, Some((day("2025-01-09"), day("2025-01-15"))));
    assert!(few.iter().all(|p| p.kind != "last"));
    assert!(periods(&scope, None).is_empty());
}

#[test]
fn nothing_in_a_page_can_end_its_element() {
    let nasty = json!({"title": "</script><script>alert(1)</script><!--", "n": "&lt;"});
    let html = page(&PageText {
        title: "<b>\"&",
        locale: "da-DK\" onload=\"x",
        page: &nasty,
        data: Some(&nasty),
    });
    assert_eq!(html.matches("</script>").count(), 3);
    assert!(html.contains("<title>&lt;b&gt;&quot;&amp;</title>"));
    assert!(html.contains("<html lang=\"da-DKonloadx\">"));
    assert!(html.contains("connect-src 'none'"));
    let live = page(&PageText {
        title: "t",
        locale: "da",
        page: &nasty,
        data: None,
    });
    assert!(live.contains("connect-src 'self'"));
    // The program and the style, with the font: what a page weighs before its data.
    assert!(live.len() < 720 * 1024, "{}", live.len());
}

#[test]
fn questions_name_metrics_and_nothing_else() {
    let ask = |text: &str| serde_json::from_str::<Question>(text);
    assert!(ask(r#"{"metrics": ["a"], "from": "2025-01-01"}"#).is_ok());
    assert!(ask(r#"{"metrics": ["a"], "sql": "select 1"}"#).is_err());
    assert!(ask(r#"{"metrics": ["a"], "from": "yesterday"}"#).is_err());
    assert!(ask(r#"{"metrics": ["a"], "filters": [{"dimension": "d", "sql": "x"}]}"#).is_err());
    let refused = answer(&Layer::default(), &ask(r#"{"metrics": ["a"]}"#).unwrap()).unwrap_err();
    assert!(
        refused.0.contains("there is no metric `a`"),
        "{}",
        refused.0
    );
    let zero = answer(
        &Layer::default(),
        &ask(r#"{"metrics": ["a"], "filters": [{"dimension": "d", "values": ["\u0000"]}]}"#)
            .unwrap(),
    )
    .unwrap_err();
    assert!(zero.0.contains("zero byte"));
}
