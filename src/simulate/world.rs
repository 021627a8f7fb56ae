//! What expressions can read besides their own row: constants, tables held in memory, the calendar.
//!
//! A world is filled before a run and never changes while rows are made, so threads share it without locks; only
//! the alias tables of weighted picks are made when first needed.

use super::alias::Alias;
use super::draw::{hash_bytes, mix};
use super::index::Index;
use super::program::Program;
use super::segment::{Field, JsonNode, Segment};
use super::value::{IN_ARENA, TableId, Type, Val};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, RwLock};

/// A hasher for keys that are well mixed already, or nearly so.
#[derive(Default)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, hash_bytes(bytes));
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = mix(self.0, x);
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
    fn write_u32(&mut self, x: u32) {
        self.write_u64(u64::from(x));
    }
}

/// A map with the quick hasher.
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Mixed>>;

/// A table held in memory.
#[derive(Debug, Default)]
pub struct Held {
    /// Texts and JSON of its rows.
    pub segment: Segment,
    /// Values row by row: what is read of a row lies together. Nulls are 0 here.
    cells: Vec<u64>,
    /// A bit for each cell up to the last null.
    nulls: Vec<u64>,
    /// Values of a row.
    pub width: usize,
    /// How many rows.
    pub rows: usize,
    /// The day each row came to be, from the project's start; none for the stock.
    pub days: Vec<Option<i64>>,
    /// The keys that children's draws start from.
    pub keys: Vec<u64>,
    /// Lookups by the table's keys; none where rows share their values.
    pub indexes: Vec<Option<Index>>,
}

impl Held {
    /// An empty table with so many values in a row.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    /// Appends the next cell.
    pub fn push(&mut self, value: Val) {
        let i = self.cells.len();
        self.cells.push(value.unwrap_or(0));
        if value.is_none() {
            self.nulls.resize(i / 64 + 1, 0);
            self.nulls[i / 64] |= 1 << (i % 64);
        }
    }

    /// The value of a cell; null outside the table.
    #[inline]
    pub fn cell(&self, column: usize, row: usize) -> Val {
        let i = row * self.width + column;
        let bits = *self.cells.get(i)?;
        let null = self
            .nulls
            .get(i / 64)
            .is_some_and(|n| n >> (i % 64) & 1 == 1);
        (!null).then_some(bits)
    }

    /// What a value hashes by: its text, or its bits.
    pub fn content(&self, bits: u64, ty: &Type) -> u64 {
        match ty {
            Type::Text => hash_bytes(self.segment.texts[bits as u32 as usize].as_bytes()),
            Type::Json(_) => hash_bytes(self.segment.json[bits as u32 as usize].text.as_bytes()),
            _ => bits,
        }
    }
}

/// When the project's time starts and how far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// The first day, as a day number.
    pub start: i64,
    /// How many days.
    pub days: i64,
}

impl Calendar {
    /// The number of a day (`YYYY-MM-DD`), the first day being 0.
    pub fn day_of(&self, text: &str) -> i64 {
        super::calendar::parse_date(text).map_or(0, |d| d - self.start)
    }
}

/// How many rows an entity has on each day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Rows up to and with the stock, then up to and with each day.
    pub upto: Vec<u64>,
}

impl Arrivals {
    /// All rows.
    pub fn total(&self) -> u64 {
        self.upto.last().copied().unwrap_or(0)
    }

    /// Rows there on a day; on no day only the stock.
    pub fn on(&self, day: Option<i64>) -> u64 {
        let i = day.map_or(0, |d| (d + 1).clamp(0, self.upto.len() as i64 - 1) as usize);
        self.upto.get(i).copied().unwrap_or(0)
    }

    /// The day a row came to be and its number among those of that day, from 1.
    pub fn place(&self, number: u64) -> (Option<i64>, u64) {
        let class = self.upto.partition_point(|n| *n < number);
        match class {
            0 => (None, number),
            c => (Some(c as i64 - 1), number - self.upto[c - 1]),
        }
    }
}

/// The candidates of a pick under one set of circumstances.
#[derive(Debug)]
pub enum Choices {
    /// By weight.
    Weighted(Alias),
    /// All alike.
    Even(Box<[u32]>),
    /// Nothing to choose.
    None,
}

/// Which choices: the pick, and a hash of day and `by` values.
pub type ChoiceKey = (usize, u64);

/// All that expressions can read.
#[derive(Debug)]
pub struct World {
    /// The project's seed.
    pub seed: u64,
    /// The project's time.
    pub calendar: Calendar,
    /// Texts and JSON in the files themselves.
    pub constants: Arc<Segment>,
    /// Tables in memory, by id.
    pub tables: Vec<Option<Held>>,
    /// Rows by day of entity simulations, by id.
    pub arrivals: Vec<Option<Arrivals>>,
    /// Programs of simulations whose rows are recomputed one by one, by id.
    pub programs: Vec<Option<Arc<Program>>>,
    /// Choices made so far.
    pub choices: RwLock<QuickMap<ChoiceKey, Arc<Choices>>>,
}

impl World {
    /// A text that does not live in the arena.
    #[inline]
    pub fn text(&self, bits: u64) -> &str {
        debug_assert!(bits & IN_ARENA == 0);
        self.segment(bits)
            .map_or("", |s| &s.texts[bits as u32 as usize])
    }

    /// The text as COPY takes it, where that is kept.
    #[inline]
    pub fn field(&self, bits: u64) -> Option<&Field> {
        if bits & IN_ARENA != 0 {
            return None;
        }
        self.segment(bits)?.fields.get(bits as u32 as usize)
    }

    /// A JSON value that does not live in the arena.
    #[inline]
    pub fn json(&self, bits: u64) -> Option<&JsonNode> {
        if bits & IN_ARENA != 0 {
            return None;
        }
        self.segment(bits)?.json.get(bits as u32 as usize)
    }

    #[inline]
    fn segment(&self, bits: u64) -> Option<&Segment> {
        match (bits >> 32) as usize {
            0 => Some(&self.constants),
            n => self.tables.get(n - 1)?.as_ref().map(|t| &t.segment),
        }
    }

    /// The value of a held table's cell.
    #[inline]
    pub fn cell(&self, table: TableId, column: usize, row: u64) -> Val {
        self.tables.get(table)?.as_ref()?.cell(column, row as usize)
    }
}

/// The handle of a text or JSON value of a table.
#[inline]
pub fn handle(table: TableId, index: u32) -> u64 {
    ((table as u64 + 1) << 32) | u64::from(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_null_where_a_null_was_put() {
        let mut held = Held::new(3);
        let value = |i: u64| (i % 7 != 3 && i != 199).then_some(i % 2);
        (0..300).for_each(|i| held.push(value(i)));
        for i in 0..300 {
            assert_eq!(held.cell(i % 3, i / 3), value(i as u64), "{i}");
        }
        assert_eq!(held.cell(0, 100), None);
    }
}
