//! The numbers of a report page against `metrics query`, for every choice of slicers and every period.
use crate::metrics::shop;
use crate::project::Project;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = "
report: all
title: All
slicers:
  - {dimension: category}
  - {dimension: platform}
  - {dimension: region}
  - {time: date, periods: [all, last_30_days, weeks, months, days]}
page:
  - - {cards: [sessions, tv_sessions, active_users, length, mean_length, longest, tv_share], trend: true, span: 6}
    - {cards: [watched, plays, plays_finished, double_watched, minutes_per_session, gap], span: 6}
  - - {bar: [sessions, active_users, minutes_per_session], by: program__title, span: 4}
    - {column: active_share, by: user__region, span: 4}
    - {column: sessions, by: platform, series: user__region, span: 4}
  - - {cards: [users], span: 4}
    - {cards: [median_length, users_3d], span: 4}
    - {line: [sessions, users], by: date, span: 4}
";

/// The JSON of an element of a page.
fn element(html: &str, id: &str) -> Value {
    let start = html.find(&format!("id=\"{id}\">")).unwrap() + id.len() + 6;
    let end = html[start..].find("</script>").unwrap() + start;
    let text = &html[start..end];
    if text.starts_with('{') {
        return serde_json::from_str(text).unwrap();
    }
    let packed = bytes(text);
    serde_json::from_reader(flate2::read::GzDecoder::new(packed.as_slice())).unwrap()
}

/// The bytes of a text in base64.
fn bytes(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |c: u8| digits.iter().position(|d| *d == c).map(|n| n as u32);
    let mut out = Vec::new();
    for four in text.trim().as_bytes().chunks(4) {
        let known: Vec<u32> = four.iter().filter_map(|c| value(*c)).collect();
        let n = known.iter().fold(0, |n, d| n << 6 | d) << (6 * (4 - known.len()));
        out.extend_from_slice(&n.to_be_bytes()[1..known.len()]);
    }
    out
}

type Numbers = BTreeMap<Vec<String>, Vec<Option<f64>>>;

/// Rows of a set for a choice of slicers and a kind of period: names of groups, and numbers.
fn on_page(page: &Value, set: &Value, choice: &BTreeSet<&str>, period: &str) -> Numbers {
    let names = |key: &str| -> Vec<String> {
        let list = set[key].as_array().unwrap().iter();
        list.map(|v| v.as_str().unwrap().to_string()).collect()
    };
    let (slicers, by) = (names("slicers"), names("by"));
    let dated = set["periods"].as_bool().unwrap();
    let time = page["slicers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["kind"] == "time")
        .unwrap();
    let columns = set["columns"].as_array().unwrap();
    let mut out = Numbers::new();
    for r in 0..columns[0].as_array().unwrap().len() {
        let at = |c: usize| &columns[c][r];
        let mut key = Vec::new();
        let first = usize::from(dated);
        if dated {
            let p = &time["periods"][at(0).as_u64().unwrap() as usize];
            let grain = ["week", "month", "day"].contains(&period);
            if (grain && p["kind"] != period) || (!grain && p["key"] != period) {
                continue;
            }
            if grain {
                key.push(p["from"].as_str().unwrap().to_string());
            }
        }
        let chosen: BTreeSet<&str> = slicers
            .iter()
            .enumerate()
            .filter(|(i, _)| at(first + i).as_i64().unwrap() >= 0)
            .map(|(_, s)| s.as_str())
            .collect();
        if chosen != *choice {
            continue;
        }
        let dims = slicers.iter().chain(&by).enumerate();
        for (i, d) in dims.filter(|(i, d)| *i >= slicers.len() || chosen.contains(d.as_str())) {
            let code = at(first + i).as_u64().unwrap() as usize;
            let value = &page["dimensions"][d]["values"][code];
            key.push(value.as_str().unwrap_or("").to_string());
        }
        let numbers = (first + slicers.len() + by.len()..columns.len()).map(|c| at(c).as_f64());
        assert!(
            out.insert(key.clone(), numbers.collect()).is_none(),
            "{key:?} stands twice"
        );
    }
    out
}

/// The same from `metrics query`.
fn asked(
    shop: &Project,
    set: &Value,
    choice: &BTreeSet<&str>,
    page: &Value,
    period: &str,
) -> Numbers {
    let list = |v: &Value| -> Vec<String> {
        let list = v.as_array().unwrap().iter();
        list.map(|v| v.as_str().unwrap().to_string()).collect()
    };
    let metrics = list(&set["metrics"]).join(",");
    let mut groups: Vec<String> = Vec::new();
    let mut words = vec!["metrics", "query", "-o", "csv", "-m", &metrics];
    let dated = set["periods"].as_bool().unwrap();
    let mut from = String::new();
    let to;
    if dated {
        if ["week", "month", "day"].contains(&period) {
            groups.push(format!("date:{period}"));
        } else {
            let time = page["slicers"]
                .as_array()
                .unwrap()
                .iter()
                .find(|s| s["kind"] == "time")
                .unwrap();
            let p = time["periods"]
                .as_array()
                .unwrap()
                .iter()
                .find(|p| p["key"] == period)
                .unwrap();
            from = p["from"].as_str().unwrap().to_string();
            to = p["to"].as_str().unwrap().to_string();
            words.extend(["--from", &from, "--to", &to]);
        }
    }
    let slicers = list(&set["slicers"]);
    groups.extend(slicers.into_iter().filter(|s| choice.contains(s.as_str())));
    groups.extend(list(&set["by"]));
    let grouped = groups.join(",");
    if !groups.is_empty() {
        words.extend(["-g", &grouped]);
    }
    let said = shop.tv1(&words).expect(0, &[]).said;
    let mut out = Numbers::new();
    for line in said.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (keys, numbers) = cells.split_at(groups.len());
        let key: Vec<String> = keys.iter().map(|k| (*k).to_string()).collect();
        // Rows without a date are of no period, and only the last days are periods.
        if dated && from.is_empty() && !listed(page, period, &key[0]) {
            continue;
        }
        out.insert(key, numbers.iter().map(|n| n.parse().ok()).collect());
    }
    out
}

/// Whether a day, week or month is one of the page's periods.
fn listed(page: &Value, kind: &str, from: &str) -> bool {
    let mut slicers = page["slicers"].as_array().unwrap().iter();
    let time = slicers.find(|s| s["kind"] == "time").unwrap();
    let mut periods = time["periods"].as_array().unwrap().iter();
    periods.any(|p| p["kind"] == kind && p["from"] == from)
}

#[test]
fn every_number_of_a_page_is_that_of_its_query() {
    let shop = shop();
    shop.write("reports/all.yml", PAGE);
    shop.tv1(&["report", "all", "--out", "all.html"])
        .expect(0, &["Wrote"]);
    let html = std::fs::read_to_string(shop.folder().join("all.html")).unwrap();
    let (page, data) = (element(&html, "page"), element(&html, "data"));
    let mut compared = 0;
    for set in data["sets"].as_array().unwrap() {
        let slicers: Vec<&str> = set["slicers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_str().unwrap())
            .collect();
        let periods: &[&str] = if set["periods"] == true {
            &["all", "last_30_days", "week", "month", "day"]
        } else {
            &[""]
        };
        // Every slicer alone and all together; each period with some of them.
        let mut choices: Vec<BTreeSet<&str>> = vec![BTreeSet::new()];
        choices.extend(slicers.iter().map(|s| BTreeSet::from([*s])));
        choices.push(slicers.iter().copied().collect());
        choices.dedup();
        for (i, choice) in choices.iter().enumerate() {
            for period in periods
                .iter()
                .skip(i % 2)
                .step_by(if i == 0 { 1 } else { 2 })
            {
                let shown = on_page(&page, set, choice, period);
                let asked = asked(&shop, set, choice, &page, period);
                assert_eq!(
                    shown.keys().collect::<Vec<_>>(),
                    asked.keys().collect::<Vec<_>>(),
                    "{} by {} for {choice:?} in `{period}`",
                    set["metrics"],
                    set["by"]
                );
                for (key, numbers) in &shown {
                    for (a, b) in numbers.iter().zip(&asked[key]) {
                        let same = match (a, b) {
                            (Some(a), Some(b)) => (a - b).abs() < 2e-6,
                            (a, b) => a == b,
                        };
                        assert!(
                            same,
                            "{key:?} {choice:?} `{period}`: {a:?} is not {b:?} of {}",
                            set["metrics"]
                        );
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn reports_and_their_tiles_are_nodes_of_the_graph() {
    let project = Project::new(crate::metrics::SEEDS);
    let listed = |words: &[&str]| {
        let mut args = vec!["ls", "--quiet"];
        args.extend(words);
        project.tv1(&args).expect(0, &[]).said
    };
    assert!(!listed(&[]).contains("exposure:"));
    project.write("reports/all.yml", PAGE);
    let exposures = listed(&["--resource-type", "exposure"]);
    assert_eq!(exposures.lines().count(), 9, "{exposures}");
    let above = listed(&["--select", "+exposure:all__column_4"]);
    for node in ["metric:", "semantic_model:", "active_share", "users"] {
        assert!(above.contains(node), "{node}: {above}");
    }
    assert!(!above.contains("programs"), "{above}");
    let below = listed(&["--select", "programs+"]);
    assert!(
        below.contains("all__bar_3") && below.contains("exposure:"),
        "{below}"
    );
    assert!(!below.contains("all__column_4"), "{below}");
    project.write("reports/other.yml", "title: something else\npages: [1]\n");
    // A file that is no report of ours is nobody's business here.
    assert!(listed(&[]).contains("exposure:"));
}

#[test]
fn a_gauge_beyond_its_scale_is_told_from_the_data() {
    let shop = shop();
    let page =
        "report: odd\npage:\n  - - {gauge: tv_sessions, max: users, target: sessions, span: 4}\n";
    shop.write("reports/odd.yml", page);
    shop.tv1(&["report", "odd"]).expect(
        0,
        &[
            "the target `sessions` of this gauge is 8, beyond the end of its scale, `users`, which is 5",
            "reports/odd.yml:3",
            "name a `max` that is never less",
        ],
    );
    shop.write(
        "reports/odd.yml",
        &page.replace("max: users, target: sessions", "max: sessions"),
    );
    let said = shop.tv1(&["report", "odd"]).expect(0, &["Wrote"]).said;
    assert!(!said.contains("beyond"), "{said}");
}
