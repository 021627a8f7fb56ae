//! Many questions answered by few queries: rows of each table at the finest grain, for a page to fold by itself.
//!
//! In: questions (metrics by dimensions). Out: a [`Cube`]: for each table one or a few SELECTs, which question is folded
//! from which of them, and how its metrics are made of the folded aggregates. The rules are those of [`super::plan`]:
//! the same joins, bridges and conditions, written by the same [`Writer`]. What cannot be folded (medians, cumulative
//! metrics, dates moved by months) is said by [`foldable`], and is asked query by query instead.
use super::block::{Condition, Context, Finest, Writer, condition};
use super::expand::{Calc, Leaf, Leaves, Part as Piece, expand};
use super::names::{Named, Target, resolve};
use super::plan::{calc_sql, shares};
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Aggregation, Grain, Layer};
use std::collections::BTreeMap;

/// A question: metrics by dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Names of metrics.
    pub metrics: Vec<String>,
    /// Numbers of dimensions in the universe, sorted.
    pub dims: Vec<usize>,
}

/// Different dimensions of all questions.
#[derive(Debug, Default)]
pub struct Universe {
    names: Vec<Named>,
}

/// How an aggregate is put together from the parts in its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Added up; nothing is nothing.
    Sum,
    /// Added up; nothing is 0.
    Count,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// A sum and a count, in two columns.
    Mean,
    /// Different keys among the rows whose count is above 0.
    Distinct,
}

impl Fold {
    /// Whether nothing counts as 0.
    pub fn is_count(self) -> bool {
        matches!(self, Self::Count | Self::Distinct)
    }
}

/// A query and what is folded from it.
#[derive(Debug, Clone)]
pub struct Part {
    /// The query.
    pub rows: Finest,
    /// Dimensions of the universe in the order of the query's columns.
    pub dims: Vec<usize>,
    /// Aggregates by number, in the order of their columns.
    pub folds: Vec<(usize, Fold)>,
    /// Sets of dimensions of the universe to fold to, each sorted.
    pub groupings: Vec<Vec<usize>>,
}

/// Where an aggregate of a question is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The part.
    pub part: usize,
    /// The grouping of the part.
    pub grouping: usize,
    /// Number among the part's aggregates.
    pub slot: usize,
    /// Whether the table has all dimensions of the question.
    pub whole: bool,
    /// Whether the table's rows have a day.
    pub dated: bool,
    /// The SELECT of the plan that would compute it: aggregates of one have the same groups.
    pub block: usize,
    /// How it is folded.
    pub fold: Fold,
}

/// How a metric is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// An aggregate, and the value for nothing.
    Leaf(usize, Option<f64>),
    /// One by another.
    Ratio(Box<Formula>, Box<Formula>),
    /// SQL over aggregates, whose values are columns `v` and their number.
    Sql(String, Vec<usize>),
}

/// Queries and how to fold their rows.
#[derive(Debug, Clone, Default)]
pub struct Cube {
    /// Queries.
    pub parts: Vec<Part>,
    /// Metrics.
    pub metrics: BTreeMap<String, Formula>,
    /// For each question its aggregates.
    pub found: Vec<BTreeMap<usize, At>>,
}

impl Universe {
    /// The number of a dimension for metrics; none for their day.
    pub fn number(
        &mut self,
        layer: &Layer,
        metrics: &[String],
        dimension: &str,
    ) -> Result<Option<usize>> {
        let mut leaves = Leaves::default();
        for m in metrics {
            expand(layer, m, &mut leaves)?;
        }
        let mut bases: Vec<&str> = Vec::new();
        for (leaf, _) in &leaves.list {
            if !bases.contains(&leaf.table.as_str()) {
                bases.push(&leaf.table);
            }
        }
        let named = resolve(layer, dimension, &bases, false)?;
        match named.target {
            Target::Time(Grain::Day) => return Ok(None),
            Target::Time(_) => return Err(unfit("a time by another grain than the day")),
            Target::Column { .. } | Target::Metric { .. } => {}
        }
        let found = self.names.iter().position(|n| n.target == named.target);
        Ok(Some(found.unwrap_or_else(|| {
            self.names.push(named);
            self.names.len() - 1
        })))
    }
}

fn unfit(what: &str) -> crate::diag::Stopped {
    Diagnostic::error(code::R0702, format!("{what} cannot be folded")).into()
}

/// Whether a metric can be folded from rows at the finest grain.
pub fn foldable(layer: &Layer, metric: &str) -> bool {
    let mut leaves = Leaves::default();
    let Ok(calc) = expand(layer, metric, &mut leaves) else {
        return false;
    };
    let extreme = |l: &Leaf| matches!(l.measure.agg, Aggregation::Min | Aggregation::Max);
    let leaf = |(l, _): &(Leaf, String)| {
        let kind = !matches!(
            l.measure.agg,
            Aggregation::Median | Aggregation::Percentile(..)
        );
        let rows = l.measure.non_additive.is_none() && l.follows.is_none();
        kind && rows
            && l.running.is_none()
            && l.offset.is_none()
            && !l.every_day
            && inside(layer, l)
    };
    // An expression may do with dates what it cannot do with numbers.
    let plain = !is_derived(&calc) || !leaves.list.iter().any(|(l, _)| extreme(l));
    plain && leaves.list.iter().all(leaf)
}

/// Whether all conditions of a leaf are about its own rows.
fn inside(layer: &Layer, leaf: &Leaf) -> bool {
    let cx = context(layer, &[]);
    let Ok(writer) = Writer::new(&cx, leaf) else {
        return false;
    };
    leaf.filters.iter().all(|text| {
        condition(layer, text, &[&leaf.table]).is_ok_and(|c| writer.is_behind(&c).is_ok_and(|b| !b))
    })
}

fn is_derived(calc: &Calc) -> bool {
    match calc {
        Calc::Leaf(..) => false,
        Calc::Ratio(n, d) => is_derived(n) || is_derived(d),
        Calc::Derived(_) => true,
    }
}

fn context<'a>(layer: &'a Layer, dims: &'a [(String, Named)]) -> Context<'a> {
    Context {
        layer,
        dims,
        filters: &[],
        from: None,
        to: None,
    }
}

/// SQL for the first and the last day of the rows that metrics are made of; none if they have no days.
pub fn extent_sql(layer: &Layer, metrics: &[String]) -> Result<Option<String>> {
    let mut leaves = Leaves::default();
    for m in metrics {
        expand(layer, m, &mut leaves)?;
    }
    let cx = context(layer, &[]);
    let mut list: Vec<String> = Vec::new();
    for (leaf, _) in &leaves.list {
        let plain = Leaf {
            running: None,
            offset: None,
            follows: None,
            ..leaf.clone()
        };
        if let Some(sql) = Writer::new(&cx, &plain)?.extent(&leaf.table)?
            && !list.contains(&sql)
        {
            list.push(sql);
        }
    }
    if list.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "select min(first)::date, max(last)::date\nfrom (\n{}\n) as days\n",
        list.join("\nunion all\n")
    )))
}

/// Plans the queries for questions. `day` asks for the day of the rows.
///
/// # Errors
/// Questions that have no answer, as [`super::plan`] tells of them, or that cannot be folded.
pub fn cube(layer: &Layer, universe: &Universe, wanted: &[Wanted], day: bool) -> Result<Cube> {
    let mut leaves = Leaves::default();
    let mut calcs: BTreeMap<String, Calc> = BTreeMap::new();
    for m in wanted.iter().flat_map(|w| &w.metrics) {
        if !calcs.contains_key(m) {
            calcs.insert(m.clone(), expand(layer, m, &mut leaves)?);
        }
    }
    let mut out = Cube {
        metrics: calcs
            .iter()
            .map(|(m, c)| (m.clone(), formula(c, &leaves)))
            .collect(),
        found: vec![BTreeMap::new(); wanted.len()],
        ..Cube::default()
    };
    for (block, members) in blocks(&leaves).into_iter().enumerate() {
        let mut work = BlockWork {
            layer,
            universe,
            leaves: &leaves,
            members,
            block,
        };
        work.parts(wanted, &calcs, day, &mut out)?;
    }
    Ok(out)
}

/// Aggregates over the same rows, as the planner puts them together.
fn blocks(leaves: &Leaves) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::new();
    for (i, (leaf, _)) in leaves.list.iter().enumerate() {
        match out.iter_mut().find(|b| shares(&leaves.list[b[0]].0, leaf)) {
            Some(b) => b.push(i),
            None => out.push(vec![i]),
        }
    }
    out
}

/// Numbers of the aggregates of a metric.
fn used(calc: &Calc, out: &mut Vec<usize>) {
    match calc {
        Calc::Leaf(i, _) => out.push(*i),
        Calc::Ratio(n, d) => {
            used(n, out);
            used(d, out);
        }
        Calc::Derived(parts) => parts.iter().for_each(|p| {
            if let Piece::Value(c) = p {
                used(c, out);
            }
        }),
    }
}

fn formula(calc: &Calc, leaves: &Leaves) -> Formula {
    match calc {
        Calc::Leaf(i, fill) => Formula::Leaf(*i, *fill),
        Calc::Ratio(n, d) if !is_derived(calc) => {
            Formula::Ratio(Box::new(formula(n, leaves)), Box::new(formula(d, leaves)))
        }
        _ => {
            let mut list = Vec::new();
            used(calc, &mut list);
            list.sort_unstable();
            list.dedup();
            let sql = calc_sql(calc, leaves, &|i, fill| match fill {
                Some(v) => format!("coalesce(v{i}, {v})"),
                None => format!("v{i}"),
            });
            Formula::Sql(sql, list)
        }
    }
}

/// A block whose parts are being planned.
struct BlockWork<'a> {
    layer: &'a Layer,
    universe: &'a Universe,
    leaves: &'a Leaves,
    members: Vec<usize>,
    block: usize,
}

/// A question as a block sees it.
struct Seen {
    question: usize,
    /// Dimensions that the block has.
    dims: Vec<usize>,
    whole: bool,
    /// Aggregates of the block that it needs.
    leaves: Vec<usize>,
}

impl BlockWork<'_> {
    fn leaf(&self, i: usize) -> &Leaf {
        &self.leaves.list[i].0
    }

    fn named(&self, dims: &[usize]) -> Vec<(String, Named)> {
        dims.iter()
            .map(|d| (format!("d{d}"), self.universe.names[*d].clone()))
            .collect()
    }

    fn parts(
        &mut self,
        wanted: &[Wanted],
        calcs: &BTreeMap<String, Calc>,
        day: bool,
        out: &mut Cube,
    ) -> Result<()> {
        let mut by_bridge: BTreeMap<Option<String>, Vec<Seen>> = BTreeMap::new();
        let mut dated = false;
        for (question, w) in wanted.iter().enumerate() {
            let mut leaves = Vec::new();
            for m in &w.metrics {
                if let Some(calc) = calcs.get(m) {
                    used(calc, &mut leaves);
                }
            }
            leaves.retain(|l| self.members.contains(l));
            leaves.sort_unstable();
            leaves.dedup();
            if leaves.is_empty() {
                continue;
            }
            let named = self.named(&w.dims);
            let cx = context(self.layer, &named);
            let mut writer = Writer::new(&cx, self.leaf(self.members[0]))?;
            dated = writer.is_dated();
            let dims: Vec<usize> = writer.present()?.iter().map(|i| w.dims[*i]).collect();
            let bridge = writer.bridge_for_dims()?;
            by_bridge.entry(bridge).or_default().push(Seen {
                question,
                whole: dims.len() == w.dims.len(),
                dims,
                leaves,
            });
        }
        for (bridge, seen) in by_bridge {
            self.split(bridge.is_some(), &seen, dated, day, out)?;
        }
        Ok(())
    }

    /// One query for each key whose values are counted. What is only added up has a query of its own, whose rows the
    /// server has already put together, unless the rows come one by one anyway.
    fn split(
        &self,
        bridged: bool,
        seen: &[Seen],
        dated: bool,
        day: bool,
        out: &mut Cube,
    ) -> Result<()> {
        let mut keys: Vec<(Option<&str>, Vec<usize>)> = Vec::new();
        for i in &self.members {
            if !seen.iter().any(|s| s.leaves.contains(i)) {
                continue;
            }
            let measure = &self.leaf(*i).measure;
            let key = (measure.agg == Aggregation::CountDistinct).then_some(measure.expr.as_str());
            match keys.iter_mut().find(|(k, _)| *k == key) {
                Some((_, list)) => list.push(*i),
                None => keys.push((key, vec![*i])),
            }
        }
        if let (true, Some(at)) = (bridged, keys.iter().position(|(k, _)| k.is_none()))
            && keys.len() > 1
        {
            let (_, plain) = keys.remove(at);
            keys[0].1.extend(plain);
        }
        for (key, leaves) in keys {
            self.part(key, &leaves, seen, dated, day, out)?;
        }
        Ok(())
    }

    fn part(
        &self,
        key: Option<&str>,
        leaves: &[usize],
        seen: &[Seen],
        dated: bool,
        day: bool,
        out: &mut Cube,
    ) -> Result<()> {
        let mut dims: Vec<usize> = Vec::new();
        let mut groupings: Vec<Vec<usize>> = Vec::new();
        for s in seen
            .iter()
            .filter(|s| s.leaves.iter().any(|l| leaves.contains(l)))
        {
            dims.extend(&s.dims);
            let grouping = groupings
                .iter()
                .position(|g| *g == s.dims)
                .unwrap_or_else(|| {
                    groupings.push(s.dims.clone());
                    groupings.len() - 1
                });
            for (slot, l) in leaves.iter().enumerate() {
                if s.leaves.contains(l) {
                    let at = At {
                        part: out.parts.len(),
                        grouping,
                        slot,
                        whole: s.whole,
                        dated,
                        block: self.block,
                        fold: fold(self.leaf(*l)),
                    };
                    out.found[s.question].insert(*l, at);
                }
            }
        }
        dims.sort_unstable();
        dims.dedup();
        let named = self.named(&dims);
        let cx = context(self.layer, &named);
        let mut list: Vec<(&Leaf, Vec<Condition>)> = Vec::new();
        for l in leaves {
            let leaf = self.leaf(*l);
            let conditions = leaf
                .filters
                .iter()
                .map(|text| condition(self.layer, text, &[&leaf.table]))
                .collect::<Result<Vec<_>>>()?;
            list.push((leaf, conditions));
        }
        let first = self.leaf(leaves[0]);
        let rows = Writer::new(&cx, first)?.write_finest(&first.table, &list, key, day)?;
        out.parts.push(Part {
            dims: rows.dims.iter().map(|i| dims[*i]).collect(),
            folds: leaves.iter().map(|l| (*l, fold(self.leaf(*l)))).collect(),
            groupings,
            rows,
        });
        Ok(())
    }
}

fn fold(leaf: &Leaf) -> Fold {
    match leaf.measure.agg {
        Aggregation::Min => Fold::Min,
        Aggregation::Max => Fold::Max,
        Aggregation::Average => Fold::Mean,
        Aggregation::CountDistinct => Fold::Distinct,
        Aggregation::Count | Aggregation::SumBoolean => Fold::Count,
        Aggregation::Sum | Aggregation::Median | Aggregation::Percentile(..) => Fold::Sum,
    }
}
