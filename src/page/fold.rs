//! Rows at the finest grain, folded to every group that a page shows while they arrive.
//!
//! Different keys (users) are counted exactly and in little room: the rows come sorted by the key, so each group only
//! remembers the last key that it has seen. A row that stands several times, once for each program of a session, is
//! taken once by each group: its copies follow each other too.
use crate::metrics::{Fold, Part};
use chrono::{Datelike, Duration, NaiveDate};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Write};

/// Most dimensions of a group.
pub const DIMS: usize = 5;
const BITS: u32 = 18;
const DAY_ZERO: NaiveDate = NaiveDate::MIN;

/// Which days a group is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// All days, and rows without one.
    Always,
    /// From a day to another.
    Span(NaiveDate, NaiveDate),
    /// Each week, from Monday.
    Week,
    /// Each month.
    Month,
    /// Each day.
    Day,
}

/// A group: period (0, or a day since the beginning of time), then values of dimensions.
pub type Key = [u32; DIMS + 1];

/// What is folded: dimensions by position among the part's, and days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Positions among the part's dimensions.
    pub dims: Vec<usize>,
    /// Days.
    pub when: When,
}

/// An aggregate of a group.
#[derive(Debug, Clone, Copy, Default)]
struct Acc {
    sum: f64,
    /// What the additions have rounded away.
    lost: f64,
    count: f64,
    some: bool,
    key: u32,
}

/// The groups of a target.
#[derive(Debug, Default)]
pub struct Groups {
    index: HashMap<u128, u32, BuildHasherDefault<Mix>>,
    keys: Vec<u128>,
    rows: Vec<u32>,
    accs: Vec<Acc>,
    /// There are more groups than wanted; those kept are worth nothing.
    pub full: bool,
}

/// A hash of numbers that are well spread by a multiplication.
#[derive(Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u128(&mut self, n: u128) {
        self.write_u64(n as u64);
        self.write_u64((n >> 64) as u64);
        self.0 ^= self.0 >> 32;
    }
}

/// Different texts of a column, numbered as they come.
#[derive(Debug, Default)]
struct Texts {
    index: HashMap<Option<Box<[u8]>>, u32>,
    list: Vec<Option<String>>,
    last: u32,
}

impl Texts {
    fn number(&mut self, raw: Option<&[u8]>) -> u32 {
        if let Some(Some(last)) = self.list.get(self.last as usize)
            && raw.is_some_and(|r| r == last.as_bytes() && !r.contains(&b'\\'))
        {
            return self.last;
        }
        let key = raw.map(Box::from);
        let next = self.list.len() as u32;
        let n = *self.index.entry(key).or_insert(next);
        if n == next {
            self.list.push(raw.map(unescaped));
        }
        self.last = n;
        n
    }
}

/// A text as COPY writes it.
fn unescaped(raw: &[u8]) -> String {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(b) = bytes.next() {
        out.push(match (b, b == &b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'v') => 11,
                Some(c) => *c,
                None => b'\\',
            },
            (b, false) => *b,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Takes the rows of a part and folds them.
#[derive(Debug)]
pub struct Folder {
    folds: Vec<Fold>,
    has_key: bool,
    bridged: bool,
    has_day: bool,
    dims: usize,
    /// Columns that make a row of the base.
    own: usize,
    most: usize,
    targets: Vec<(Target, Groups)>,
    texts: Vec<Texts>,
    line: Vec<u8>,
    key: Vec<u8>,
    keys: u32,
    row: Vec<u8>,
    rows: u32,
    days: HashMap<Box<[u8]>, Option<NaiveDate>>,
    values: Vec<(f64, f64, bool)>,
    codes: Vec<u32>,
    /// What could not be read as a number.
    pub strange: Option<String>,
}

impl Folder {
    /// A folder for a part; groups beyond `most` of a target are too many.
    pub fn new(part: &Part, targets: Vec<Target>, most: usize) -> Self {
        let dims = part.dims.len();
        let before = usize::from(part.rows.key)
            + usize::from(part.rows.bridged)
            + usize::from(part.rows.day);
        Self {
            folds: part.folds.iter().map(|(_, f)| *f).collect(),
            has_key: part.rows.key,
            bridged: part.rows.bridged,
            has_day: part.rows.day,
            dims,
            own: before + dims - part.rows.behind,
            most,
            targets: targets
                .into_iter()
                .map(|t| (t, Groups::default()))
                .collect(),
            texts: (0..dims).map(|_| Texts::default()).collect(),
            line: Vec::new(),
            key: Vec::new(),
            keys: 0,
            row: Vec::new(),
            rows: 0,
            days: HashMap::new(),
            values: Vec::new(),
            codes: Vec::new(),
            strange: None,
        }
    }

    /// Different values of a dimension, by position.
    pub fn texts(&self, dim: usize) -> &[Option<String>] {
        &self.texts[dim].list
    }

    /// The groups of a target.
    pub fn groups(&self, target: &Target) -> Option<&Groups> {
        let found = self.targets.iter().find(|(t, _)| t == target);
        found.map(|(_, g)| g)
    }

    /// How many aggregates each group has.
    pub fn width(&self) -> usize {
        self.folds.len()
    }

    fn take(&mut self, line: &[u8]) {
        if self.strange.is_some() {
            return;
        }
        let cells: Vec<Option<&[u8]>> = line
            .split(|b| *b == b'\t')
            .map(|c| (c != b"\\N").then_some(c))
            .collect();
        let mut at = 0;
        let mut has_key = true;
        if self.has_key {
            let raw = cells.first().copied().flatten();
            has_key = raw.is_some();
            let raw = raw.unwrap_or(b"\\N");
            if self.keys == 0 || raw != self.key {
                self.keys += 1;
                self.key.clear();
                self.key.extend_from_slice(raw);
            }
            at = 1;
        }
        if self.bridged {
            let end: usize = cells[..self.own.min(cells.len())]
                .iter()
                .map(|c| c.map_or(2, <[u8]>::len) + 1)
                .sum();
            let own = &line[..end.saturating_sub(1).min(line.len())];
            if self.rows == 0 || own != self.row {
                self.rows += 1;
                self.row.clear();
                self.row.extend_from_slice(own);
            }
            at += 1;
        }
        let mut day = None;
        if self.has_day {
            day = cells.get(at).copied().flatten().and_then(|c| self.day(c));
            at += 1;
        }
        self.codes.clear();
        for d in 0..self.dims {
            let raw = cells.get(at + d).copied().flatten();
            let code = self.texts[d].number(raw);
            self.codes.push(code);
        }
        if !self.read(&cells, at + self.dims) {
            return;
        }
        let Self {
            targets,
            folds,
            codes,
            values,
            most,
            keys,
            rows,
            bridged,
            ..
        } = self;
        for (target, groups) in targets.iter_mut().filter(|(_, g)| !g.full) {
            let Some(period) = period(target.when, day) else {
                continue;
            };
            let Some(packed) = packed(period, &target.dims, codes) else {
                groups.full = true;
                continue;
            };
            let Some(n) = groups.group(packed, folds.len(), *most) else {
                continue;
            };
            if *bridged {
                if groups.rows[n] == *rows {
                    continue;
                }
                groups.rows[n] = *rows;
            }
            for (i, fold) in folds.iter().enumerate() {
                let acc = &mut groups.accs[n * folds.len() + i];
                acc.add(*fold, values[i], has_key.then_some(*keys));
            }
        }
    }

    /// Reads the parts of the aggregates; false if one is no number.
    fn read(&mut self, cells: &[Option<&[u8]>], mut at: usize) -> bool {
        self.values.clear();
        for fold in &self.folds {
            let mut number = || {
                let raw = cells.get(at).copied().flatten();
                at += 1;
                match raw.map(|r| std::str::from_utf8(r).unwrap_or_default()) {
                    None => Some((0.0, false)),
                    Some(text) => match text.parse::<f64>() {
                        Ok(n) => Some((n, true)),
                        Err(_) => {
                            self.strange = Some(text.to_string());
                            None
                        }
                    },
                }
            };
            let Some((n, some)) = number() else {
                return false;
            };
            let mut count = 0.0;
            if *fold == Fold::Mean {
                let Some((c, _)) = number() else { return false };
                count = c;
            }
            self.values.push((n, count, some));
        }
        true
    }

    fn day(&mut self, raw: &[u8]) -> Option<NaiveDate> {
        if let Some(day) = self.days.get(raw) {
            return *day;
        }
        let day = std::str::from_utf8(raw).ok().and_then(|t| t.parse().ok());
        self.days.insert(raw.into(), day);
        day
    }
}

/// The period of a row: none if it is outside.
fn period(when: When, day: Option<NaiveDate>) -> Option<u32> {
    let number = |d: NaiveDate| d.signed_duration_since(DAY_ZERO).num_days() as u32 + 1;
    match (when, day) {
        (When::Always, _) | (When::Day, None) => Some(0),
        (When::Span(from, to), Some(d)) => (from <= d && d <= to).then_some(0),
        (When::Day, Some(d)) => Some(number(d)),
        (When::Week, Some(d)) => Some(number(
            d - Duration::days(i64::from(d.weekday().num_days_from_monday())),
        )),
        (When::Month, Some(d)) => Some(number(d.with_day(1)?)),
        (_, None) => None,
    }
}

/// The day of a period.
pub fn day_of(period: u32) -> Option<NaiveDate> {
    (period > 0).then(|| DAY_ZERO + Duration::days(i64::from(period) - 1))
}

fn packed(period: u32, dims: &[usize], codes: &[u32]) -> Option<u128> {
    let mut out = u128::from(period);
    for d in dims {
        let code = codes[*d];
        if code >> BITS > 0 {
            return None;
        }
        out = out << BITS | u128::from(code);
    }
    Some(out)
}

impl Acc {
    fn add(&mut self, fold: Fold, (n, count, some): (f64, f64, bool), key: Option<u32>) {
        match fold {
            Fold::Count | Fold::Sum | Fold::Mean => {
                if some {
                    // Neumaier's sum: as exact as the server's decimal one, to all digits that are shown.
                    let sum = self.sum + n;
                    self.lost += if self.sum.abs() >= n.abs() {
                        (self.sum - sum) + n
                    } else {
                        (n - sum) + self.sum
                    };
                    self.sum = sum;
                    self.count += count;
                }
            }
            Fold::Min if some && (!self.some || n < self.sum) => self.sum = n,
            Fold::Max if some && (!self.some || n > self.sum) => self.sum = n,
            Fold::Min | Fold::Max => {}
            Fold::Distinct => {
                if let Some(key) = key.filter(|k| n > 0.0 && *k != self.key) {
                    self.sum += 1.0;
                    self.key = key;
                }
            }
        }
        self.some |= some;
    }

    fn value(&self, fold: Fold) -> Option<f64> {
        let total = if self.lost.is_finite() {
            self.sum + self.lost
        } else {
            self.sum
        };
        match fold {
            Fold::Count => Some(total),
            Fold::Distinct => Some(self.sum),
            Fold::Sum => self.some.then_some(total),
            Fold::Mean => (self.count > 0.0).then(|| total / self.count),
            Fold::Min | Fold::Max => self.some.then_some(self.sum),
        }
    }
}

impl Groups {
    /// The number of a group, made if need be; none if there are too many.
    fn group(&mut self, key: u128, width: usize, most: usize) -> Option<usize> {
        if let Some(n) = self.index.get(&key) {
            return Some(*n as usize);
        }
        let n = self.keys.len();
        if n >= most {
            self.full = true;
            self.index.clear();
            self.keys.clear();
            self.accs.clear();
            return None;
        }
        self.index.insert(key, n as u32);
        self.keys.push(key);
        self.rows.push(0);
        self.accs.resize(self.accs.len() + width, Acc::default());
        Some(n)
    }

    /// Groups with their periods and the numbers of their values.
    pub fn each(&self, dims: usize) -> impl Iterator<Item = (usize, u32, Vec<u32>)> + '_ {
        self.keys.iter().enumerate().map(move |(n, key)| {
            let mut key = *key;
            let mut codes = vec![0; dims];
            for c in codes.iter_mut().rev() {
                *c = (key & ((1 << BITS) - 1)) as u32;
                key >>= BITS;
            }
            (n, key as u32, codes)
        })
    }

    /// The value of a group's aggregate.
    pub fn value(&self, group: usize, slot: usize, width: usize, fold: Fold) -> Option<f64> {
        self.accs.get(group * width + slot)?.value(fold)
    }
}

impl Write for Folder {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut rest = data;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (line, more) = (&rest[..end], &rest[end + 1..]);
            if self.line.is_empty() {
                self.take(line);
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.take(&whole);
                whole.clear();
                self.line = whole;
            }
            rest = more;
        }
        self.line.extend_from_slice(rest);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
