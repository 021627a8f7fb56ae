//! What a page asks, put together: questions with the same groups and slicers share a set of rows.
use super::fold::{DIMS, When};
use super::periods::Period;
use super::query::{Asked, Scope};
use crate::metrics::foldable;
use chrono::NaiveDate;
use indexmap::IndexMap;

/// Questions with the same groups and slicers, and their rows.
pub struct Set {
    /// Dimensions that group.
    pub by: Vec<String>,
    /// Slicers that it follows.
    pub slicers: Vec<String>,
    /// Metrics.
    pub metrics: Vec<String>,
    /// Whether there are rows for each period.
    pub periods: bool,
    /// Whether the rows are folded from the finest grain, or asked query by query.
    pub folded: bool,
    /// Rows: period, slicers, groups, metrics.
    pub rows: Vec<Vec<Cell>>,
    /// Whether a question had more rows than wanted.
    pub full: bool,
}

/// A value in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// The number of a name.
    Code(i64),
    /// A metric.
    Number(Option<f64>),
    /// A metric that the server makes of aggregates: its number among those.
    Later(usize),
}

/// Which days rows are for, on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Days {
    /// All.
    Always,
    /// A period.
    Span(usize, NaiveDate, NaiveDate),
    /// Each period of a kind.
    Each(&'static str),
    /// Each day, as a group of its own.
    Group,
}

impl Days {
    /// How rows are folded for it.
    pub fn when(&self) -> When {
        match self {
            Self::Always => When::Always,
            Self::Span(_, from, to) => When::Span(*from, *to),
            Self::Each("week") => When::Week,
            Self::Each("month") => When::Month,
            Self::Each(_) | Self::Group => When::Day,
        }
    }
}

/// The sets of a page, and which question is answered by which.
pub fn sets(scope: &Scope<'_>) -> (Vec<Set>, IndexMap<String, usize>) {
    let mut sets: Vec<Set> = Vec::new();
    let mut uses = IndexMap::new();
    let time = scope.report.time();
    for tile in &scope.report.tiles {
        let blind = scope.unfiltered(tile);
        for Asked { id, metrics, by } in scope.asks(tile) {
            // What is shown whole and dimmed is not filtered by the dimension it shows.
            let own = |d: &String| by.iter().any(|b| scope.same(&metrics, b, d));
            let slicers: Vec<String> = scope
                .report
                .sliced()
                .into_iter()
                .filter(|d| !blind.contains(d) && !own(d))
                .collect();
            // Rows that are of no day are the same in every period.
            let dated = |t: &str| scope.plan(&metrics, &[t.to_string()], &[]).is_ok();
            let periods = time.is_some_and(|t| !by.iter().any(|b| b == t) && dated(t));
            let folded = by.len() + slicers.len() <= DIMS
                && metrics.iter().all(|m| foldable(scope.layer, m));
            let found = sets.iter().position(|s| {
                s.by == by && s.slicers == slicers && s.periods == periods && s.folded == folded
            });
            let at = found.unwrap_or_else(|| {
                sets.push(Set {
                    by: by.clone(),
                    slicers,
                    metrics: Vec::new(),
                    periods,
                    folded,
                    rows: Vec::new(),
                    full: false,
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
pub fn choices(slicers: &[String], newest: Option<&String>) -> Vec<Vec<usize>> {
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

/// All choices of slicers.
pub fn all_choices(slicers: &[String]) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new()];
    for s in slicers {
        out.extend(choices(slicers, Some(s)));
    }
    out
}

/// Days that a set has rows for.
pub fn days(set: &Set, periods: &[Period], time: Option<&str>) -> Vec<Days> {
    if !set.periods {
        let group = set.by.iter().any(|b| Some(b.as_str()) == time);
        return vec![if group { Days::Group } else { Days::Always }];
    }
    let mut out = Vec::new();
    for (i, p) in periods.iter().enumerate() {
        match p.kind {
            "week" | "month" | "day" => {
                let each = Days::Each(p.kind);
                if !out.contains(&each) {
                    out.push(each);
                }
            }
            _ => out.push(Days::Span(i, p.from, p.to)),
        }
    }
    out
}
