//! Values of dimensions: those that the tables have, and those that only the data has.
use super::data::Rows;
use super::query::Scope;
use super::spec::{Slicer, Tile};
use crate::diag::Result;
use crate::metrics::extent_sql;
use chrono::{Duration, NaiveDate};
use std::collections::BTreeMap;

/// Runs queries on one state of the database and gives the rows of each, in order.
pub type Ask<'a> = &'a mut dyn FnMut(&[String]) -> Result<Vec<Rows>>;

/// Values of dimensions and the days that there is data for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Values in order, with images.
    pub values: BTreeMap<String, Vec<(Option<String>, Option<String>)>>,
    /// First and last day.
    pub extent: Option<(NaiveDate, NaiveDate)>,
}

/// Asks for values of dimensions and for the days of the page's metrics.
pub fn known(scope: &Scope<'_>, ask: Ask<'_>) -> Result<Known> {
    let mut wanted: Vec<(Option<String>, String)> = Vec::new();
    let sliced = scope.report.sliced();
    let shown = |d: &String| {
        let mut tiles = scope.report.tiles.iter();
        tiles.any(|t| t.by.iter().any(|(b, _)| b == d))
    };
    for d in scope.dimensions() {
        if (shown(&d) || sliced.contains(&d))
            && let Some(sql) = scope.values_sql(&d, image(scope, &d))
        {
            wanted.push((Some(d), sql));
        }
    }
    if scope.report.time().is_some()
        && let Some(sql) = extent_sql(scope.layer, &scope.report.all_metrics())?
    {
        wanted.push((None, sql));
    }
    let sql: Vec<String> = wanted.iter().map(|(_, s)| s.clone()).collect();
    let mut out = Known::default();
    for ((dimension, _), rows) in wanted.into_iter().zip(ask(&sql)?) {
        if let Some(d) = dimension {
            let pairs = rows.into_iter().map(|mut r| {
                let image = if r.len() > 1 { r.swap_remove(1) } else { None };
                (r.swap_remove(0), image)
            });
            out.values.insert(d, pairs.collect());
        } else {
            let day = |i: usize| rows.first()?.get(i)?.as_deref()?.parse().ok();
            out.extent = day(0).zip(day(1)).map(|days| complete(scope, days));
        }
    }
    Ok(out)
}

/// The column with images of a dimension's values.
fn image<'a>(scope: &Scope<'a>, dimension: &str) -> Option<&'a str> {
    let of = |t: &&Tile| t.by.first().is_some_and(|b| b.0 == dimension);
    let tiles = scope.report.tiles.iter().filter(of);
    tiles
        .filter_map(|t| t.image.as_ref())
        .map(|i| i.0.as_str())
        .next()
}

/// The days without those at the end that are not complete yet.
fn complete(scope: &Scope<'_>, (from, to): (NaiveDate, NaiveDate)) -> (NaiveDate, NaiveDate) {
    let left_out = scope.report.slicers.iter().find_map(|s| match s {
        Slicer::Time {
            incomplete_days, ..
        } => Some(i64::from(*incomplete_days)),
        _ => None,
    });
    let last = to - Duration::days(left_out.unwrap_or(0));
    (from, last.max(from))
}

/// Numbers for values of dimensions; values that only the data has come last.
pub struct Codes<'a> {
    known: &'a mut Known,
    index: BTreeMap<String, BTreeMap<Option<String>, i64>>,
}

impl<'a> Codes<'a> {
    /// Numbers for the values that are known.
    pub fn new(known: &'a mut Known, scope: &Scope<'_>) -> Self {
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

    /// The number of a value; a value that is new gets the next one.
    pub fn code(&mut self, dimension: &str, value: Option<String>) -> i64 {
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
