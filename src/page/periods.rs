//! Stretches of days that a page offers, and which of them are compared with which.
use super::query::Scope;
use super::spec::Slicer;
use chrono::{Datelike, Duration, NaiveDate};

/// A stretch of days on offer.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Name in the address of the page.
    pub key: String,
    /// `all`, `last`, `week`, `month` or `day`.
    pub kind: &'static str,
    pub days: Option<u32>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub previous: Option<String>,
    pub hidden: bool,
}

/// The periods on offer, for the days that there is data for.
pub fn periods(scope: &Scope<'_>, extent: Option<(NaiveDate, NaiveDate)>) -> Vec<Period> {
    let slicer = scope.report.slicers.iter().find_map(|s| match s {
        Slicer::Time {
            periods, default, ..
        } => Some((periods, default)),
        _ => None,
    });
    let (Some((wanted, default)), Some((first, last))) = (slicer, extent) else {
        return Vec::new();
    };
    let mut keys: Vec<String> = wanted.clone();
    keys.extend(
        default
            .iter()
            .map(|d| d.0.clone())
            .filter(|d| !wanted.contains(d)),
    );
    let mut out: Vec<Period> = Vec::new();
    let length = (last - first).num_days() + 1;
    for key in &keys {
        let span = |key: &str, kind, days, from, to| Period {
            key: key.to_string(),
            kind,
            days,
            from,
            to,
            previous: None,
            hidden: false,
        };
        match key.as_str() {
            "all" => out.push(span("all", "all", None, first, last)),
            "weeks" => out.extend(grains("week", first, last)),
            "months" => out.extend(grains("month", first, last)),
            "days" => out.extend(grains("day", first, last)),
            other => {
                let Some(n) = super::read::last_days(other) else {
                    continue;
                };
                if i64::from(n) < length {
                    let from = last - Duration::days(i64::from(n) - 1);
                    let mut p = span(other, "last", Some(n), from, last);
                    let before = from - Duration::days(i64::from(n));
                    if before >= first {
                        p.previous = Some(format!("before_{other}"));
                        out.push(Period {
                            key: format!("before_{other}"),
                            hidden: true,
                            ..span("", "last", Some(n), before, from - Duration::days(1))
                        });
                    }
                    out.push(p);
                }
            }
        }
    }
    if !out.iter().any(|p| p.key == "all") {
        out.insert(
            0,
            Period {
                key: "all".into(),
                kind: "all",
                days: None,
                from: first,
                to: last,
                previous: None,
                hidden: false,
            },
        );
    }
    out
}

/// Most weeks, months or days that are offered, the latest first.
const MOST: usize = 62;

fn grains(kind: &'static str, first: NaiveDate, last: NaiveDate) -> Vec<Period> {
    let begin = |day: NaiveDate| match kind {
        "week" => day - Duration::days(i64::from(day.weekday().num_days_from_monday())),
        "month" => day.with_day(1).unwrap_or(day),
        _ => day,
    };
    let end = |from: NaiveDate| match kind {
        "week" => from + Duration::days(6),
        "month" => (from + Duration::days(31))
            .with_day(1)
            .map_or(from, |d| d - Duration::days(1)),
        _ => from,
    };
    let whole = |from: NaiveDate| from >= first && end(from) <= last;
    let mut out = Vec::new();
    let mut from = begin(last);
    while end(from) >= first && out.len() < MOST {
        let before = begin(from - Duration::days(1));
        let previous = (whole(from) && whole(before) && out.len() + 1 < MOST)
            .then(|| format!("{kind}_{before}"));
        out.push(Period {
            key: format!("{kind}_{from}"),
            kind,
            days: None,
            from,
            to: end(from),
            previous,
            hidden: false,
        });
        from = before;
    }
    out
}
