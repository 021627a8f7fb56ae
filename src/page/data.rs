//! The data of a page in a file: every tile for every choice of slicers.
//!
//! Counts of different users do not add up, and a session that had two programs counts for both but once in all. So the
//! rows for "all programs" are never summed from those by program: both are folded from the rows at the finest grain,
//! or asked for where a metric cannot be folded.
use super::folded::Folded;
use super::known::{Codes, known};
use super::layout;
use super::periods::{Period, periods};
use super::query::Scope;
use super::sets::{Cell, Days, Set, choices, days, sets};
use super::spec::Kind;
use crate::diag::{Diagnostic, Result, code};
use crate::metrics::{Request, plan};
use chrono::NaiveDate;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Rows of a result as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// A query whose rows go to a sink as COPY writes them.
pub struct Pour<'a> {
    /// One SELECT.
    pub sql: &'a str,
    /// Takes the rows.
    pub to: &'a mut (dyn Write + Send),
}

/// One state of a database.
pub trait Source {
    /// Runs queries and gives the rows of each, in order.
    ///
    /// # Errors
    /// What the server says to one of them.
    fn ask(&mut self, sql: &[String]) -> Result<Vec<Rows>>;

    /// Runs queries whose rows may be many.
    ///
    /// # Errors
    /// What the server says to one of them.
    fn pour(&mut self, jobs: Vec<Pour<'_>>) -> Result<()>;
}

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
    /// What the data shows to be wrong with the page.
    pub warnings: Vec<Diagnostic>,
}

/// Builds a page with its data.
pub fn build(
    scope: &Scope<'_>,
    logo: Option<&str>,
    built_at: &str,
    source: &mut dyn Source,
) -> Result<Built> {
    let mut known = known(scope, &mut |sql| source.ask(sql))?;
    let periods = periods(scope, known.extent);
    let (mut sets, uses) = sets(scope);
    let mut names = Codes::new(&mut known, scope);
    let mut folded = Folded::ask(scope, &sets, &periods, source)?;
    if folded.is_none() {
        sets.iter_mut().for_each(|s| s.folded = false);
    }
    let mut rounds = Rounds {
        scope,
        periods: &periods,
        folded: folded.as_mut(),
    };
    let mut cut: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    rounds.round(&mut sets, &mut names, None, source)?;
    for slicer in &scope.report.sliced() {
        let before: Vec<usize> = sets.iter().map(|s| s.rows.len()).collect();
        rounds.round(&mut sets, &mut names, Some(slicer), source)?;
        for (i, set) in sets.iter_mut().enumerate() {
            let most = scope.report.max_cells;
            if (set.full || set.rows.len() > most) && set.slicers.contains(slicer) {
                set.full = false;
                drop_slicer(set, slicer, before[i]);
                cut.entry(i).or_default().push(slicer.clone());
            }
        }
    }
    if let Some(folded) = &folded {
        folded.finish(&mut sets, source)?;
    }
    let (lost, dropped) = lost(&uses, &cut);
    let warnings = off_scale(scope, &sets, &uses, &periods);
    let cells = sets.iter().map(|s| s.rows.len()).sum();
    let data = data_json(&sets, &uses);
    let options = layout::Options {
        live: false,
        logo,
        built_at,
        lost: &lost,
    };
    let page = layout::page(scope, &known, &periods, &options);
    Ok(Built {
        page,
        data,
        cells,
        dropped,
        warnings,
    })
}

/// Gauges whose value or target lies beyond the end of their scale, over all days and without a choice.
fn off_scale(
    scope: &Scope<'_>,
    sets: &[Set],
    uses: &IndexMap<String, usize>,
    periods: &[Period],
) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for tile in scope.report.tiles.iter().filter(|t| t.kind == Kind::Gauge) {
        let Some(set) = uses.get(&tile.id).map(|i| &sets[*i]) else {
            continue;
        };
        let first = usize::from(set.periods);
        let groups = first + set.slicers.len();
        let whole = |row: &&Vec<Cell>| {
            let all = |c: &Cell| matches!(c, Cell::Code(i) if periods.get(*i as usize).is_some_and(|p| p.key == "all"));
            row[..first].iter().all(all) && row[first..groups].iter().all(|c| *c == Cell::Code(-1))
        };
        let Some(row) = set.rows.iter().find(whole) else {
            continue;
        };
        let value = |metric: &String| {
            let at = set.metrics.iter().position(|m| m == metric)?;
            match row.get(groups + at) {
                Some(Cell::Number(n)) => *n,
                _ => None,
            }
        };
        let metrics = scope.report.metrics(tile);
        let Some((end, most)) = metrics.get(1).and_then(|m| Some((m, value(m)?))) else {
            continue;
        };
        for (i, what) in [(2, "target"), (0, "value")] {
            let Some((name, n)) = metrics.get(i).and_then(|m| Some((m, value(m)?))) else {
                continue;
            };
            if n > most {
                let text = format!(
                    "the {what} `{name}` of this gauge is {n}, beyond the end of its scale, `{end}`, which is {most}"
                );
                out.push(
                    Diagnostic::warning(code::R0708, text)
                        .at(tile.place.clone())
                        .help("a gauge shows a part of a whole: name a `max` that is never less than it, or correct the metric"),
                );
            }
        }
    }
    out
}

/// Takes a slicer out of a set, and the rows that it brought.
fn drop_slicer(set: &mut Set, slicer: &String, rows: usize) {
    set.rows.truncate(rows);
    let at = set.slicers.iter().position(|s| s == slicer).unwrap_or(0);
    let column = at + usize::from(set.periods);
    set.slicers.remove(at);
    for row in &mut set.rows {
        row.remove(column);
    }
}

/// By tile the slicers that it does not follow, and the same for people.
fn lost(
    uses: &IndexMap<String, usize>,
    cut: &BTreeMap<usize, Vec<String>>,
) -> (BTreeMap<String, Vec<String>>, Vec<String>) {
    let mut dropped = Vec::new();
    let mut lost: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, i) in uses {
        for slicer in cut.get(i).into_iter().flatten() {
            let tile = id.split('.').next().unwrap_or(id);
            let list = lost.entry(tile.to_string()).or_default();
            if !list.contains(slicer) {
                dropped.push(format!("{tile} does not follow {slicer}"));
                list.push(slicer.clone());
            }
        }
    }
    (lost, dropped)
}

/// Rows round by round: without slicers first, then those that each slicer adds.
struct Rounds<'a> {
    scope: &'a Scope<'a>,
    periods: &'a [Period],
    folded: Option<&'a mut Folded>,
}

impl Rounds<'_> {
    fn round(
        &mut self,
        sets: &mut [Set],
        names: &mut Codes<'_>,
        newest: Option<&String>,
        source: &mut dyn Source,
    ) -> Result<()> {
        if let Some(folded) = self.folded.as_deref_mut() {
            for (i, set) in sets.iter_mut().enumerate().filter(|(_, s)| s.folded) {
                for choice in choices(&set.slicers, newest) {
                    for d in days(set, self.periods, self.scope.report.time()) {
                        let all = folded.rows((i, set), &choice, &d, self.periods, names);
                        set.full |= !all;
                    }
                }
            }
        }
        self.asked(sets, names, newest, source)
    }

    /// Rows of sets that cannot be folded: a query for each choice and each kind of days.
    fn asked(
        &self,
        sets: &mut [Set],
        names: &mut Codes<'_>,
        newest: Option<&String>,
        source: &mut dyn Source,
    ) -> Result<()> {
        let mut jobs: Vec<(usize, Vec<usize>, Days)> = Vec::new();
        let mut sql = Vec::new();
        for (i, set) in sets.iter().enumerate().filter(|(_, s)| !s.folded) {
            for choice in choices(&set.slicers, newest) {
                for d in days(set, self.periods, self.scope.report.time()) {
                    sql.push(self.sql(set, &choice, &d)?);
                    jobs.push((i, choice.clone(), d));
                }
            }
        }
        for ((i, choice, d), rows) in jobs.into_iter().zip(source.ask(&sql)?) {
            for row in rows {
                let row = coded(&sets[i], &choice, &d, self.periods, names, row);
                sets[i].rows.extend(row);
            }
        }
        Ok(())
    }

    fn sql(&self, set: &Set, choice: &[usize], days: &Days) -> Result<String> {
        let mut group_by: Vec<String> = choice.iter().map(|c| set.slicers[*c].clone()).collect();
        group_by.extend(set.by.iter().cloned());
        let (mut from, mut to) = (None, None);
        match days {
            Days::Always | Days::Group => {}
            Days::Span(_, a, b) => (from, to) = (Some(*a), Some(*b)),
            Days::Each(grain) => {
                let time = self.scope.report.time().unwrap_or("date");
                group_by.insert(0, format!("{time}:{grain}"));
            }
        }
        let request = Request {
            metrics: set.metrics.clone(),
            group_by,
            from,
            to,
            limit: Some(self.scope.report.max_cells as u64 + 1),
            ..Request::default()
        };
        Ok(plan(self.scope.layer, &request)?.sql)
    }
}

/// A row of an answer with codes for its names; none if it belongs to no period on offer.
fn coded(
    set: &Set,
    choice: &[usize],
    days: &Days,
    periods: &[Period],
    names: &mut Codes<'_>,
    row: Vec<Option<String>>,
) -> Option<Vec<Cell>> {
    let mut cells = row.into_iter();
    let mut out = Vec::new();
    match days {
        Days::Always | Days::Group => {}
        Days::Span(i, ..) => out.push(Cell::Code(*i as i64)),
        Days::Each(kind) => {
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
        Cell::Number(None) | Cell::Later(_) => Value::Null,
        Cell::Number(Some(n)) if n.fract() == 0.0 && n.abs() < 9e15 => json!(*n as i64),
        Cell::Number(Some(n)) => json!((n * 1e6).round() / 1e6),
    }
}
