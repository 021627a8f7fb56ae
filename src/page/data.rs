//! The data of a page in a file: every tile for every choice of slicers, each computed by a query of its own.
//!
//! Counts of different users do not add up, and a session that had two programs counts for both but once in all. So the
//! rows for "all programs" are never summed from those by program: they are asked for. Questions that differ only in
//! their metrics share a query, and so do all weeks, all months and all days.
use super::layout;
use super::query::{Asked, Scope};
use super::spec::Slicer;
use crate::diag::Result;
use crate::metrics::{Request, plan};
use chrono::{Datelike, Duration, NaiveDate};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Rows of a result as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// Runs queries on one state of the database and gives the rows of each, in order.
pub type Ask<'a> = &'a mut dyn FnMut(&[String]) -> Result<Vec<Rows>>;

/// A page's layout and data.
#[derive(Debug, Clone)]
pub struct Built {
    /// What the page needs to know before its data.
    pub page: Value,
    /// Data by question.
    pub data: Value,
    /// Rows of data.
    pub cells: usize,
    /// Slicers that tiles do not follow because their data would be too large, for people.
    pub dropped: Vec<String>,
}

/// A stretch of days on offer.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    pub key: String,
    pub kind: &'static str,
    pub days: Option<u32>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub previous: Option<String>,
    pub hidden: bool,
}

/// Values of dimensions and the days that there is data for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Values in order, with images.
    pub values: BTreeMap<String, Vec<(Option<String>, Option<String>)>>,
    /// First and last day.
    pub extent: Option<(NaiveDate, NaiveDate)>,
}

/// Questions with the same groups and slicers, and their rows.
struct Set {
    by: Vec<String>,
    slicers: Vec<String>,
    metrics: Vec<String>,
    periods: bool,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Code(i64),
    Number(Option<f64>),
}

/// Which days a query is for.
#[derive(Debug, Clone, PartialEq)]
enum When {
    Always,
    Span(usize, NaiveDate, NaiveDate),
    Each(&'static str),
}

/// Asks for values of dimensions and for the days of the page's metrics.
pub fn known(scope: &Scope<'_>, ask: Ask<'_>) -> Result<Known> {
    let mut wanted: Vec<(Option<String>, String)> = Vec::new();
    let sliced = scope.report.sliced();
    for d in scope.dimensions() {
        let shown = scope
            .report
            .tiles
            .iter()
            .any(|t| t.by.iter().any(|(b, _)| *b == d));
        if !shown && !sliced.contains(&d) {
            continue;
        }
        let image = scope
            .report
            .tiles
            .iter()
            .find(|t| t.by.first().is_some_and(|b| b.0 == d))
            .and_then(|t| t.image.as_ref());
        let image = image.or_else(|| {
            scope
                .report
                .tiles
                .iter()
                .filter(|t| t.by.first().is_some_and(|b| b.0 == d))
                .find_map(|t| t.image.as_ref())
        });
        if let Some(sql) = scope.values_sql(&d, image.map(|i| i.0.as_str())) {
            wanted.push((Some(d), sql));
        }
    }
    if let Some(time) = scope.report.time() {
        let dated: Vec<String> = scope
            .report
            .all_metrics()
            .into_iter()
            .filter(|m| {
                scope
                    .plan(std::slice::from_ref(m), &[time.to_string()], &[])
                    .is_ok()
            })
            .collect();
        if !dated.is_empty() {
            let p = scope.plan(&dated, &[time.to_string()], &[])?;
            let day = crate::metrics::ident(&p.columns[0].name);
            wanted.push((
                None,
                format!(
                    "select min({day})::date, max({day})::date from (\n{}) as days",
                    p.sql
                ),
            ));
        }
    }
    let sql: Vec<String> = wanted.iter().map(|(_, s)| s.clone()).collect();
    let mut out = Known::default();
    for ((dimension, _), rows) in wanted.into_iter().zip(ask(&sql)?) {
        match dimension {
            Some(d) => {
                let pairs = rows.into_iter().map(|mut r| {
                    let image = if r.len() > 1 { r.swap_remove(1) } else { None };
                    (r.swap_remove(0), image)
                });
                out.values.insert(d, pairs.collect());
            }
            None => {
                let day = |i: usize| rows.first()?.get(i)?.as_deref()?.parse().ok();
                let left_out = scope.report.slicers.iter().find_map(|s| match s {
                    Slicer::Time {
                        incomplete_days, ..
                    } => Some(i64::from(*incomplete_days)),
                    _ => None,
                });
                let last = |(from, to): (NaiveDate, NaiveDate)| {
                    (from, (to - Duration::days(left_out.unwrap_or(0))).max(from))
                };
                out.extent = day(0).zip(day(1)).map(last);
            }
        }
    }
    Ok(out)
}

/// Builds a page with its data.
pub fn build(scope: &Scope<'_>, logo: Option<&str>, built_at: &str, ask: Ask<'_>) -> Result<Built> {
    let mut known = known(scope, ask)?;
    let periods = periods(scope, known.extent);
    let (mut sets, uses) = sets(scope);
    let mut names = Codes::new(&mut known, scope);
    let mut cut: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let all: Vec<String> = scope.report.sliced();
    ask_round(scope, &mut sets, &periods, &mut names, None, ask)?;
    for slicer in &all {
        let before: Vec<usize> = sets.iter().map(|s| s.rows.len()).collect();
        ask_round(scope, &mut sets, &periods, &mut names, Some(slicer), ask)?;
        for (i, set) in sets.iter_mut().enumerate() {
            if set.rows.len() > scope.report.max_cells && set.slicers.contains(slicer) {
                set.rows.truncate(before[i]);
                let at = set.slicers.iter().position(|s| s == slicer).unwrap_or(0);
                let column = at + usize::from(set.periods);
                set.slicers.remove(at);
                for row in &mut set.rows {
                    row.remove(column);
                }
                cut.entry(i).or_default().push(slicer.clone());
            }
        }
    }
    let mut dropped = Vec::new();
    let mut lost: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, i) in &uses {
        for slicer in cut.get(i).into_iter().flatten() {
            let tile = id.split('.').next().unwrap_or(id);
            let list = lost.entry(tile.to_string()).or_default();
            if !list.contains(slicer) {
                dropped.push(format!("{tile} does not follow {slicer}"));
                list.push(slicer.clone());
            }
        }
    }
    let cells = sets.iter().map(|s| s.rows.len()).sum();
    let data = data_json(&sets, &uses);
    let page = layout::page(
        scope,
        &known,
        &periods,
        &layout::Options {
            live: false,
            logo,
            built_at,
            lost: &lost,
        },
    );
    Ok(Built {
        page,
        data,
        cells,
        dropped,
    })
}

/// Questions put together: those with the same groups and slicers share a set.
fn sets(scope: &Scope<'_>) -> (Vec<Set>, IndexMap<String, usize>) {
    let mut sets: Vec<Set> = Vec::new();
    let mut uses = IndexMap::new();
    let time = scope.report.time();
    for tile in &scope.report.tiles {
        let blind = scope.unfiltered(tile);
        for Asked { id, metrics, by } in scope.asks(tile) {
            // What is shown whole and dimmed is not filtered by the dimension it shows.
            let own = |d: &String| by.iter().any(|b| scope.same(b, d));
            let slicers: Vec<String> = scope
                .report
                .sliced()
                .into_iter()
                .filter(|d| !blind.contains(d) && !own(d))
                .collect();
            let periods = time.is_some_and(|t| !by.iter().any(|b| b == t));
            let found = sets
                .iter()
                .position(|s| s.by == by && s.slicers == slicers && s.periods == periods);
            let at = found.unwrap_or_else(|| {
                sets.push(Set {
                    by: by.clone(),
                    slicers,
                    metrics: Vec::new(),
                    periods,
                    rows: Vec::new(),
                });
                sets.len() - 1
            });
            for m in metrics {
                if !sets[at].metrics.contains(&m) {
                    sets[at].metrics.push(m);
                }
            }
            uses.insert(id, at);
        }
    }
    (sets, uses)
}

/// Choices of slicers that are new in a round: all of the earlier ones, with and without each, together with this one.
fn choices(slicers: &[String], newest: Option<&String>) -> Vec<Vec<usize>> {
    let Some(newest) = newest else {
        return vec![Vec::new()];
    };
    let Some(at) = slicers.iter().position(|s| s == newest) else {
        return Vec::new();
    };
    (0..1_usize << at)
        .map(|mask| (0..at).filter(|i| mask >> i & 1 == 1).chain([at]).collect())
        .collect()
}

fn ask_round(
    scope: &Scope<'_>,
    sets: &mut [Set],
    periods: &[Period],
    names: &mut Codes<'_>,
    newest: Option<&String>,
    ask: Ask<'_>,
) -> Result<()> {
    let mut jobs: Vec<(usize, Vec<usize>, When)> = Vec::new();
    let mut sql = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        for choice in choices(&set.slicers, newest) {
            for when in whens(set, periods) {
                let mut group_by: Vec<String> =
                    choice.iter().map(|c| set.slicers[*c].clone()).collect();
                group_by.extend(set.by.iter().cloned());
                let (mut from, mut to) = (None, None);
                match &when {
                    When::Always => {}
                    When::Span(_, a, b) => (from, to) = (Some(*a), Some(*b)),
                    When::Each(grain) => group_by.insert(
                        0,
                        format!("{}:{grain}", scope.report.time().unwrap_or("date")),
                    ),
                }
                let request = Request {
                    metrics: set.metrics.clone(),
                    group_by,
                    from,
                    to,
                    limit: Some(scope.report.max_cells as u64 + 1),
                    ..Request::default()
                };
                sql.push(plan(scope.layer, &request)?.sql);
                jobs.push((i, choice.clone(), when));
            }
        }
    }
    for ((i, choice, when), rows) in jobs.into_iter().zip(ask(&sql)?) {
        for row in rows {
            sets[i]
                .rows
                .extend(coded(&sets[i], &choice, &when, periods, names, row));
        }
    }
    Ok(())
}

fn whens(set: &Set, periods: &[Period]) -> Vec<When> {
    if !set.periods {
        return vec![When::Always];
    }
    let mut out = Vec::new();
    for (i, p) in periods.iter().enumerate() {
        match p.kind {
            "week" | "month" | "day" => {
                let each = When::Each(p.kind);
                if !out.contains(&each) {
                    out.push(each);
                }
            }
            _ => out.push(When::Span(i, p.from, p.to)),
        }
    }
    out
}

/// A row of an answer with codes for its names; none if it belongs to no period on offer.
fn coded(
    set: &Set,
    choice: &[usize],
    when: &When,
    periods: &[Period],
    names: &mut Codes<'_>,
    row: Vec<Option<String>>,
) -> Option<Vec<Cell>> {
    let mut cells = row.into_iter();
    let mut out = Vec::new();
    match when {
        When::Always => {}
        When::Span(i, ..) => out.push(Cell::Code(*i as i64)),
        When::Each(kind) => {
            let day: NaiveDate = cells.next()??.get(..10)?.parse().ok()?;
            let at = periods
                .iter()
                .position(|p| p.kind == *kind && p.from <= day && day <= p.to)?;
            out.push(Cell::Code(at as i64));
        }
    }
    let mut codes = vec![-1; set.slicers.len()];
    for c in choice {
        codes[*c] = names.code(&set.slicers[*c], cells.next()?);
    }
    out.extend(codes.into_iter().map(Cell::Code));
    for d in &set.by {
        let code = names.code(d, cells.next()?);
        out.push(Cell::Code(code));
    }
    out.extend(cells.map(|v| {
        Cell::Number(
            v.and_then(|t| t.parse::<f64>().ok())
                .filter(|n| n.is_finite()),
        )
    }));
    Some(out)
}

/// Numbers for values of dimensions; values that only the data has come last.
struct Codes<'a> {
    known: &'a mut Known,
    index: BTreeMap<String, BTreeMap<Option<String>, i64>>,
}

impl<'a> Codes<'a> {
    fn new(known: &'a mut Known, scope: &Scope<'_>) -> Self {
        for d in scope.dimensions() {
            known.values.entry(d).or_default();
        }
        if let (Some((from, to)), Some(time)) = (known.extent, scope.report.time()) {
            let days = (to - from).num_days().min(20_000);
            let list = (0..=days).map(|n| (Some((from + Duration::days(n)).to_string()), None));
            known.values.insert(time.to_string(), list.collect());
        }
        let index = known
            .values
            .iter()
            .map(|(d, list)| {
                (
                    d.clone(),
                    list.iter()
                        .enumerate()
                        .map(|(i, (v, _))| (v.clone(), i as i64))
                        .collect(),
                )
            })
            .collect();
        Self { known, index }
    }

    fn code(&mut self, dimension: &str, value: Option<String>) -> i64 {
        let index = self.index.entry(dimension.to_string()).or_default();
        if let Some(code) = index.get(&value) {
            return *code;
        }
        let list = self.known.values.entry(dimension.to_string()).or_default();
        let code = list.len() as i64;
        list.push((value.clone(), None));
        index.insert(value, code);
        code
    }
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

fn data_json(sets: &[Set], uses: &IndexMap<String, usize>) -> Value {
    let list: Vec<Value> = sets
        .iter()
        .map(|set| {
            let width = usize::from(set.periods) + set.slicers.len() + set.by.len() + set.metrics.len();
            let columns: Vec<Value> = (0..width).map(|c| Value::Array(set.rows.iter().map(|r| number(&r[c])).collect())).collect();
            json!({"periods": set.periods, "slicers": set.slicers, "by": set.by, "metrics": set.metrics, "columns": columns})
        })
        .collect();
    let uses: Map<String, Value> = uses.iter().map(|(id, i)| (id.clone(), json!(i))).collect();
    json!({"sets": list, "uses": uses})
}

fn number(cell: &Cell) -> Value {
    match cell {
        Cell::Code(c) => json!(c),
        Cell::Number(None) => Value::Null,
        Cell::Number(Some(n)) if n.fract() == 0.0 && n.abs() < 9e15 => json!(*n as i64),
        Cell::Number(Some(n)) => json!((n * 1e6).round() / 1e6),
    }
}
