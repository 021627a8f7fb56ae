//! The rows of sets that are folded: few queries for the whole page, and every group of it from their answers.
use super::data::{Pour, Source};
use super::fold::{Folder, Groups, Key, Target, When, day_of};
use super::known::Codes;
use super::periods::Period;
use super::query::Scope;
use super::sets::{Cell, Days, Set, all_choices, days};
use crate::diag::Result;
use crate::metrics::{At, Cube, Formula, Universe, Wanted, cube};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Groups of one target with numbers that all parts share.
type Index = HashMap<Key, usize>;

/// The folded rows of a page.
pub struct Folded {
    cube: Cube,
    folders: Vec<Folder>,
    /// The questions: each set of dimensions once.
    wanted: Vec<Wanted>,
    /// Values of each dimension, in order.
    values: BTreeMap<usize, Vec<Option<String>>>,
    /// For each part and target the groups.
    indexes: HashMap<(usize, usize, When), Index>,
    /// Numbers of dimensions in each set: by name; none for the day.
    numbers: BTreeMap<(usize, String), Option<usize>>,
    /// Aggregates of metrics that the server has to make.
    later: Vec<Later>,
}

/// A metric of a row that is an expression over aggregates.
struct Later {
    metric: String,
    values: Vec<Option<f64>>,
}

impl Folded {
    /// Asks for the rows of all sets that are folded. None if something in them cannot be folded after all.
    pub fn ask(
        scope: &Scope<'_>,
        sets: &[Set],
        periods: &[Period],
        source: &mut dyn Source,
    ) -> Result<Option<Self>> {
        let Some((mut out, whens)) = Self::plan(scope, sets, periods) else {
            return Ok(None);
        };
        for (p, part) in out.cube.parts.iter().enumerate() {
            let targets = out.targets(p, &whens);
            let most = scope.report.max_cells + 1;
            out.folders.push(Folder::new(part, targets, most));
        }
        let jobs = out.cube.parts.iter().zip(&mut out.folders);
        let jobs: Vec<Pour<'_>> = jobs
            .map(|(part, folder)| Pour {
                sql: &part.rows.sql,
                to: folder,
            })
            .collect();
        source.pour(jobs)?;
        if out.folders.iter().any(|f| f.strange.is_some()) {
            return Ok(None);
        }
        out.share_numbers(&whens);
        Ok(Some(out))
    }

    /// Plans the queries; none if a set cannot be folded.
    fn plan(
        scope: &Scope<'_>,
        sets: &[Set],
        periods: &[Period],
    ) -> Option<(Self, Vec<BTreeSet<When>>)> {
        let mut universe = Universe::default();
        let mut numbers = BTreeMap::new();
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut whens: Vec<BTreeSet<When>> = Vec::new();
        for (s, set) in sets.iter().enumerate().filter(|(_, s)| s.folded) {
            for d in set.by.iter().chain(&set.slicers) {
                let n = universe.number(scope.layer, &set.metrics, d).ok()?;
                if n.is_none() && Some(d.as_str()) != scope.report.time() {
                    return None;
                }
                numbers.insert((s, d.clone()), n);
            }
            for choice in all_choices(&set.slicers) {
                let dims = dims(&numbers, (s, set), &choice);
                let at = wanted
                    .iter()
                    .position(|w| w.dims == dims)
                    .unwrap_or_else(|| {
                        wanted.push(Wanted {
                            metrics: Vec::new(),
                            dims,
                        });
                        whens.push(BTreeSet::new());
                        wanted.len() - 1
                    });
                for m in &set.metrics {
                    if !wanted[at].metrics.contains(m) {
                        wanted[at].metrics.push(m.clone());
                    }
                }
                whens[at].extend(
                    days(set, periods, scope.report.time())
                        .iter()
                        .map(Days::when),
                );
            }
        }
        let day = whens.iter().flatten().any(|w| *w != When::Always);
        let cube = cube(scope.layer, &universe, &wanted, day).ok()?;
        // Some table must have everything that is grouped by.
        let whole = |q: usize| cube.found[q].values().any(|a| a.whole && a.dated);
        let none = |q: usize| cube.found[q].values().any(|a| a.whole);
        for (q, when) in whens.iter().enumerate() {
            let days = when
                .iter()
                .any(|w| !matches!(w, When::Always | When::Span(..)));
            if (days && !whole(q)) || !none(q) {
                return None;
            }
        }
        let out = Self {
            cube,
            folders: Vec::new(),
            wanted,
            values: BTreeMap::new(),
            indexes: HashMap::new(),
            numbers,
            later: Vec::new(),
        };
        Some((out, whens))
    }

    /// What a part is folded to.
    fn targets(&self, part: usize, whens: &[BTreeSet<When>]) -> Vec<Target> {
        let p = &self.cube.parts[part];
        let mut out: Vec<Target> = Vec::new();
        for (q, when) in whens.iter().enumerate() {
            let groupings: BTreeSet<usize> = self.cube.found[q]
                .values()
                .filter(|a| a.part == part)
                .map(|a| a.grouping)
                .collect();
            for g in groupings {
                for w in when {
                    let target = Target {
                        dims: self.positions(part, g),
                        when: if p.rows.day { *w } else { When::Always },
                    };
                    if !out.contains(&target) {
                        out.push(target);
                    }
                }
            }
        }
        out
    }

    /// Positions of a grouping's dimensions among those of the part.
    fn positions(&self, part: usize, grouping: usize) -> Vec<usize> {
        let p = &self.cube.parts[part];
        let at = |d: &usize| p.dims.iter().position(|x| x == d);
        p.groupings[grouping].iter().filter_map(at).collect()
    }

    /// Numbers the values of each dimension in their order, the same in all parts.
    fn share_numbers(&mut self, whens: &[BTreeSet<When>]) {
        let mut all: BTreeMap<usize, BTreeSet<&Option<String>>> = BTreeMap::new();
        for (part, folder) in self.cube.parts.iter().zip(&self.folders) {
            for (i, d) in part.dims.iter().enumerate() {
                all.entry(*d).or_default().extend(folder.texts(i));
            }
        }
        let values: BTreeMap<usize, Vec<Option<String>>> = all
            .into_iter()
            .map(|(d, set)| (d, set.into_iter().cloned().collect()))
            .collect();
        for (p, (part, folder)) in self.cube.parts.iter().zip(&self.folders).enumerate() {
            let shared: Vec<Vec<u32>> = part
                .dims
                .iter()
                .enumerate()
                .map(|(i, d)| {
                    let find = |t: &Option<String>| values[d].binary_search(t).unwrap_or(0) as u32;
                    folder.texts(i).iter().map(find).collect()
                })
                .collect();
            for g in 0..part.groupings.len() {
                let positions = self.positions(p, g);
                let whens: BTreeSet<When> = whens.iter().flatten().copied().collect();
                for when in whens.into_iter().chain([When::Always]) {
                    let target = Target {
                        dims: positions.clone(),
                        when,
                    };
                    let Some(groups) = folder.groups(&target) else {
                        continue;
                    };
                    let mut index = Index::new();
                    for (n, period, codes) in groups.each(positions.len()) {
                        let mut key = Key::default();
                        key[0] = period;
                        for (i, c) in codes.iter().enumerate() {
                            key[i + 1] = shared[positions[i]][*c as usize];
                        }
                        index.insert(key, n);
                    }
                    self.indexes.insert((p, g, when), index);
                }
            }
        }
        self.values = values;
    }

    /// The rows of a set for a choice of slicers and days; false if there are too many.
    pub fn rows(
        &mut self,
        (s, set): (usize, &mut Set),
        choice: &[usize],
        days: &Days,
        periods: &[Period],
        names: &mut Codes<'_>,
    ) -> bool {
        let dims = dims(&self.numbers, (s, set), choice);
        let Some(q) = self.wanted.iter().position(|w| w.dims == dims) else {
            return true;
        };
        let when = days.when();
        let grouped = !matches!(when, When::Always | When::Span(..));
        let mut later = std::mem::take(&mut self.later);
        let leaves = self.leaves(set, q, when);
        let mut keys: BTreeSet<Key> = BTreeSet::new();
        let mut full = false;
        for leaf in leaves.values() {
            if leaf.at.whole && (leaf.at.dated || !grouped) {
                full |= leaf.groups.full;
                keys.extend(leaf.index.keys());
            }
        }
        if dims.is_empty() && !grouped {
            keys.insert(Key::default());
        }
        if full {
            keys.clear();
        }
        let codes = self.codes((s, set), choice, &dims, names);
        let sliced: Vec<&String> = choice.iter().map(|c| &set.slicers[*c]).collect();
        let sliced: Vec<_> = sliced.into_iter().map(|d| (d, codes.of.get(d))).collect();
        let by: Vec<_> = set.by.iter().map(|d| (d, codes.of.get(d))).collect();
        let formulas: Vec<_> = set
            .metrics
            .iter()
            .map(|m| (m, self.cube.metrics.get(m)))
            .collect();
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(mut row) = period_cell(days, key[0], periods) else {
                continue;
            };
            let first = row.len();
            row.resize(first + set.slicers.len(), Cell::Code(-1));
            for (c, (name, coded)) in choice.iter().zip(&sliced) {
                row[first + c] = cell(*coded, name, &key, names);
            }
            row.extend(
                by.iter()
                    .map(|(name, coded)| cell(*coded, name, &key, names)),
            );
            for (m, formula) in &formulas {
                row.push(metric(m, *formula, &leaves, &key, &mut later));
            }
            rows.push(row);
        }
        set.rows.extend(rows);
        self.later = later;
        !full
    }

    /// Aggregates that the metrics of a set are made of.
    fn leaves(&self, set: &Set, q: usize, when: When) -> BTreeMap<usize, Found<'_>> {
        let mut wanted = Vec::new();
        for m in &set.metrics {
            if let Some(f) = self.cube.metrics.get(m) {
                parts_of(f, &mut wanted);
            }
        }
        let dims = &self.wanted[q].dims;
        let found = |(l, at): (&usize, &At)| {
            let part = &self.cube.parts[at.part];
            let when = if part.rows.day { when } else { When::Always };
            let target = Target {
                dims: self.positions(at.part, at.grouping),
                when,
            };
            let grouping = &part.groupings[at.grouping];
            let place = |d: &usize| dims.iter().position(|x| x == d);
            Some((
                *l,
                Found {
                    at: *at,
                    day: part.rows.day,
                    index: self.indexes.get(&(at.part, at.grouping, when))?,
                    groups: self.folders[at.part].groups(&target)?,
                    width: self.folders[at.part].width(),
                    places: grouping.iter().filter_map(place).collect(),
                },
            ))
        };
        let all = self.cube.found[q].iter();
        all.filter(|(l, _)| wanted.contains(l))
            .filter_map(found)
            .collect()
    }

    fn codes(
        &self,
        (s, set): (usize, &Set),
        choice: &[usize],
        dims: &[usize],
        names: &mut Codes<'_>,
    ) -> Coded {
        let mut out = Coded::default();
        let sliced = choice.iter().map(|c| &set.slicers[*c]);
        for name in sliced.chain(&set.by) {
            let Some(Some(d)) = self.numbers.get(&(s, name.clone())) else {
                continue;
            };
            let position = dims.iter().position(|x| x == d).unwrap_or(0);
            let values = self.values.get(d).map(Vec::as_slice).unwrap_or_default();
            let list = values.iter().map(|v| names.code(name, v.clone())).collect();
            out.of.insert(name.clone(), (position + 1, list));
        }
        out
    }

    /// Has the server make the metrics that are expressions over aggregates, and puts them into the rows.
    pub fn finish(&self, sets: &mut [Set], source: &mut dyn Source) -> Result<()> {
        let mut by_metric: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, l) in self.later.iter().enumerate() {
            by_metric.entry(&l.metric).or_default().push(i);
        }
        let mut made: Vec<Option<f64>> = vec![None; self.later.len()];
        for (metric, rows) in by_metric {
            let Some(Formula::Sql(text, leaves)) = self.cube.metrics.get(metric) else {
                continue;
            };
            for chunk in rows.chunks(20_000) {
                let sql = self.expression(text, leaves, chunk);
                let answer = source.ask(&[sql])?;
                for (at, row) in chunk.iter().zip(answer.into_iter().flatten()) {
                    let n = row.into_iter().next().flatten();
                    made[*at] = n
                        .and_then(|t| t.parse::<f64>().ok())
                        .filter(|n| n.is_finite());
                }
            }
        }
        for cell in sets.iter_mut().flat_map(|s| &mut s.rows).flatten() {
            if let Cell::Later(i) = cell {
                *cell = Cell::Number(made[*i]);
            }
        }
        Ok(())
    }

    fn expression(&self, text: &str, leaves: &[usize], rows: &[usize]) -> String {
        let arrays: Vec<String> = (0..leaves.len())
            .map(|i| {
                let cells: Vec<String> = rows
                    .iter()
                    .map(|r| {
                        self.later[*r].values[i].map_or_else(|| "NULL".into(), |n| n.to_string())
                    })
                    .collect();
                format!("'{{{}}}'::numeric[]", cells.join(","))
            })
            .collect();
        let columns: Vec<String> = leaves.iter().map(|l| format!("v{l}")).collect();
        format!(
            "select {text}\nfrom unnest({}) with ordinality as t({}, n)\norder by n\n",
            arrays.join(", "),
            columns.join(", ")
        )
    }
}

/// Numbers of a set's dimensions for a choice of slicers, each once, sorted.
fn dims(
    numbers: &BTreeMap<(usize, String), Option<usize>>,
    (s, set): (usize, &Set),
    choice: &[usize],
) -> Vec<usize> {
    let sliced = choice.iter().map(|c| &set.slicers[*c]);
    let mut dims: Vec<usize> = sliced
        .chain(&set.by)
        .filter_map(|d| numbers.get(&(s, d.clone())).copied().flatten())
        .collect();
    dims.sort_unstable();
    dims.dedup();
    dims
}

/// Where the values of an aggregate are.
struct Found<'a> {
    at: At,
    day: bool,
    index: &'a Index,
    groups: &'a Groups,
    width: usize,
    /// Position of each of its dimensions in the keys of the question.
    places: Vec<usize>,
}

impl Found<'_> {
    fn value(&self, key: &Key) -> Option<f64> {
        let mut own = Key::default();
        if self.day {
            own[0] = key[0];
        }
        for (i, place) in self.places.iter().enumerate() {
            own[i + 1] = key[place + 1];
        }
        match self.index.get(&own) {
            Some(group) => self
                .groups
                .value(*group, self.at.slot, self.width, self.at.fold),
            None => self.at.fold.is_count().then_some(0.0),
        }
    }
}

/// Numbers of values on the page, by name of the dimension: position in the key, and for each value its number.
#[derive(Default)]
struct Coded {
    of: BTreeMap<String, (usize, Vec<i64>)>,
}

/// The number of a group's value; of a day where the dimension is that of the time.
fn cell(coded: Option<&(usize, Vec<i64>)>, name: &str, key: &Key, names: &mut Codes<'_>) -> Cell {
    Cell::Code(match coded {
        Some((position, list)) => list.get(key[*position] as usize).copied().unwrap_or(-1),
        None => names.code(name, day_of(key[0]).map(|d| d.to_string())),
    })
}

/// The value of a metric, or a place for one that the server makes.
fn metric(
    name: &str,
    formula: Option<&Formula>,
    leaves: &BTreeMap<usize, Found<'_>>,
    key: &Key,
    later: &mut Vec<Later>,
) -> Cell {
    let leaf = |i: usize| leaves.get(&i)?.value(key);
    match formula {
        None => Cell::Number(None),
        Some(Formula::Sql(_, list)) => {
            later.push(Later {
                metric: name.to_string(),
                values: list.iter().map(|i| leaf(*i)).collect(),
            });
            Cell::Later(later.len() - 1)
        }
        Some(plain) => Cell::Number(number(plain, &leaf).filter(|n| n.is_finite())),
    }
}

/// The period of a row on the page; none if it is not on offer.
fn period_cell(days: &Days, period: u32, periods: &[Period]) -> Option<Vec<Cell>> {
    Some(match days {
        Days::Always | Days::Group => Vec::new(),
        Days::Span(i, ..) => vec![Cell::Code(*i as i64)],
        Days::Each(kind) => {
            let day: NaiveDate = day_of(period)?;
            let at = periods
                .iter()
                .position(|p| p.kind == *kind && p.from <= day && day <= p.to)?;
            vec![Cell::Code(at as i64)]
        }
    })
}

fn parts_of(formula: &Formula, out: &mut Vec<usize>) {
    match formula {
        Formula::Leaf(i, _) => out.push(*i),
        Formula::Ratio(n, d) => {
            parts_of(n, out);
            parts_of(d, out);
        }
        Formula::Sql(_, list) => out.extend(list),
    }
}

fn number(formula: &Formula, leaf: &dyn Fn(usize) -> Option<f64>) -> Option<f64> {
    match formula {
        Formula::Leaf(i, fill) => leaf(*i).or(*fill),
        Formula::Ratio(n, d) => {
            let d = number(d, leaf).filter(|d| *d != 0.0)?;
            Some(number(n, leaf)? / d)
        }
        Formula::Sql(..) => None,
    }
}
