//! Makes rows: walks a program's levels from the root down and hands each finished row to a sink.
//!
//! Every row is a pure function of the seed and its place, so any range of the root's rows can be made on any
//! thread, in any order.
mod count;
mod generate;
mod process;
mod world;

pub use count::{Counts, Ordinals, chunks, count};
pub use generate::Work;
pub use world::{Rows as HeldRows, prepare};

use super::draw::mix;
use super::frame::{Frame, Totals};
use super::program::{Level, LevelKind, Out, Program};
use super::value::{TableId, Val, int};
use super::world::World;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The key that everything starts from.
const ROOT: u64 = 0x7476_315f_7365_6564;
/// More rows than this of an entity are a mistake, as in `rows.initial`.
const MOST_ROWS: u64 = 4_000_000_000;
/// Sets the keys of arrival counts apart from those of rows.
const ARRIVALS: u64 = 0xa221_7a15;

/// The key of a table.
#[inline]
pub fn table_key(seed: u64, salt: u64) -> u64 {
    mix(mix(ROOT, seed), salt)
}

/// Why making rows stopped early.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, and in which row.
    pub message: String,
    /// The table and the name of the column whose value could not be made, where it was a column's.
    pub column: Option<(TableId, String)>,
}

impl Failure {
    /// A failure that is no column's.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            column: None,
        }
    }
}

/// A finished row, but for its values.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    /// The key of its draws.
    pub key: u64,
    /// Its day from the project's start.
    pub day: Option<i64>,
    /// The columns that are loaded, and where their values stand.
    pub out: &'r [Out],
}

/// What takes the finished rows.
pub trait RowSink {
    /// Takes the row in the frame.
    ///
    /// # Errors
    /// When the rows cannot be taken any longer.
    fn row(&mut self, frame: &mut Frame, row: Row<'_>) -> Result<(), Failure>;

    /// Whether it looks for values in the columns' own slots, and not only for what is loaded in the slots that the
    /// row names.
    fn by_column(&self) -> bool {
        true
    }
}

/// How many rows the root of a program has.
pub fn root_rows(program: &Program, world: &World) -> u64 {
    let root = &program.levels[0];
    match root.kind {
        LevelKind::Entity { .. } => world
            .arrivals
            .get(root.table)
            .and_then(Option::as_ref)
            .map_or(0, |a| a.total()),
        _ => world
            .tables
            .get(root.table)
            .and_then(Option::as_ref)
            .map_or(0, |t| t.rows as u64),
    }
}

/// Walks a program.
pub struct Walker<'p> {
    /// The program.
    pub program: &'p Program,
    /// The row being made.
    pub frame: Frame,
    /// Only rows of this day or later reach the sink; earlier ones only move what is remembered.
    pub from: Option<i64>,
    /// Whether columns are made that nothing reads.
    pub complete: bool,
    /// How deep to go: rows of this level reach the sink.
    pub depth: usize,
    /// Rows made so far by level and day class, on top of those of earlier chunks.
    ordinals: Vec<Option<Ordinals>>,
    keys: Vec<u64>,
    /// Times of the occurrences of a day, kept to be filled again.
    times: Vec<i64>,
}

impl<'p> Walker<'p> {
    /// A walker with what was counted: totals by level, and where this chunk starts.
    pub fn new(
        program: &'p Program,
        world: &Arc<World>,
        totals: &[Option<Arc<Totals>>],
        ordinals: Vec<Option<Ordinals>>,
    ) -> Self {
        let mut frame = Frame::new(world, program.tally_slots);
        frame.totals = totals.to_vec();
        for (slot, value) in &program.fixed {
            frame.slots[*slot] = *value;
        }
        Self {
            keys: program
                .levels
                .iter()
                .map(|l| table_key(world.seed, l.salt))
                .collect(),
            depth: program.levels.len() - 1,
            ordinals,
            from: None,
            complete: false,
            times: Vec::new(),
            program,
            frame,
        }
    }

    /// Makes the rows that belong to a range of the root's rows (from 0).
    ///
    /// # Errors
    /// At the first row that cannot be made.
    pub fn range(&mut self, range: Range<u64>, sink: &mut dyn RowSink) -> Result<(), Failure> {
        for i in range {
            self.root_row(i, sink)?;
            self.frame.arena.clear();
        }
        Ok(())
    }

    fn root_row(&mut self, i: u64, sink: &mut dyn RowSink) -> Result<(), Failure> {
        let program = self.program;
        let level = &program.levels[0];
        let key = match &level.kind {
            LevelKind::Host { row } => {
                let held = self
                    .frame
                    .world
                    .tables
                    .get(level.table)
                    .and_then(Option::as_ref);
                let key = held.map_or(0, |t| t.keys[i as usize]);
                self.frame.slots[*row] = Some(i);
                self.frame.slots[level.number] = Some(i + 1);
                self.frame.slots[level.day] = None;
                return self.below(0, key, sink);
            }
            _ => enter_entity(level, &mut self.frame, self.keys[0], i + 1),
        };
        self.columns(level);
        self.finish(0, key, None, sink)
    }

    /// Makes the columns of the row in the frame.
    fn columns(&mut self, level: &Level) {
        for column in &level.columns {
            if let (true, Some(code)) = (column.active || self.complete, &column.code) {
                self.frame.slots[column.slot] = code.get(&mut self.frame);
            }
        }
    }

    /// A row of a level is complete: on to its children, or to the sink.
    #[inline]
    fn finish(
        &mut self,
        level: usize,
        key: u64,
        out: Option<&[Out]>,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        if self.frame.failure.is_some() {
            return Err(self.failed_column(level));
        }
        if level < self.depth {
            return self.below(level, key, sink);
        }
        let day = self.day(&self.program.levels[level]);
        if self.from.is_some_and(|from| day.is_none_or(|d| d < from)) {
            return Ok(());
        }
        self.frame.key = key;
        let out = out.unwrap_or(&self.program.out);
        sink.row(&mut self.frame, Row { key, day, out })
    }

    /// The day of the present row, from the project's start.
    fn day(&self, level: &Level) -> Option<i64> {
        self.frame.slots[level.day].map(|d| d as i64 - self.frame.world.calendar.start)
    }

    fn below(&mut self, level: usize, key: u64, sink: &mut dyn RowSink) -> Result<(), Failure> {
        let next = level + 1;
        let table = mix(self.keys[next], key);
        match &self.program.levels[next].kind {
            LevelKind::Process(process) => self.process(next, process, table, sink),
            LevelKind::Per {
                lookup,
                count,
                bits,
            } => {
                self.frame.key = table;
                self.frame.scope = table;
                for (slot, code) in lookup {
                    self.frame.slots[*slot] = code.get(&mut self.frame);
                }
                let n = count.get(&mut self.frame).map_or(0, |n| n as i64);
                if self.frame.failure.is_some() {
                    return Err(self.failed(next));
                }
                self.per(next, table, n, *bits, sink)
            }
            _ => Ok(()),
        }
    }

    fn per(
        &mut self,
        at: usize,
        table: u64,
        n: i64,
        bits: Option<u32>,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        let program = self.program;
        let level = &program.levels[at];
        let parent = self.frame.slots[program.levels[at - 1].number];
        let class = self.day(level).map_or(0, |d| d + 1) as usize;
        let counting = at == self.depth
            && self
                .ordinals
                .get(at)
                .and_then(Option::as_ref)
                .is_some_and(|o| o.counting);
        if counting {
            if let Some(Some(o)) = self.ordinals.get_mut(at) {
                o.next[class] += n.max(0) as u64;
            }
            return Ok(());
        }
        for nth in 1..=n {
            let mark = self.frame.mark();
            let key = mix(table, nth as u64);
            self.frame.key = key;
            self.frame.scope = table;
            self.frame.slots[level.nth] = int(nth);
            let mut number = None;
            if let Some(Some(o)) = self.ordinals.get_mut(at) {
                let ordinal = o.next[class];
                o.next[class] += 1;
                self.frame.slots[level.ordinal] = Some(ordinal);
                if bits.is_none() {
                    let before = self
                        .frame
                        .totals
                        .get(at)
                        .and_then(Option::as_ref)
                        .map_or(0, |t| t.before[class]);
                    number = Some(before + ordinal + 1);
                }
            }
            if let Some(bits) = bits {
                number = self.packed(parent, nth as u64, bits, level);
            }
            self.frame.slots[level.number] = number;
            self.columns(level);
            self.finish(at, key, None, sink)?;
            self.frame.arena.truncate(mark);
        }
        Ok(())
    }

    /// Parent and number in one; an overflow is a failure only where the id is loaded or built upon.
    fn packed(&mut self, parent: Val, nth: u64, bits: u32, level: &Level) -> Val {
        let parent = parent?;
        if nth < 1 << bits && parent < 1 << (63 - bits) {
            return Some(parent << bits | nth);
        }
        if level
            .columns
            .iter()
            .any(|c| (c.active || self.complete) && c.needs.contains(&level.number))
        {
            let part = if nth >= 1 << bits {
                format!("the number among the parent's rows, {nth}, does not fit {bits} bits")
            } else {
                format!("the parent's id {parent} does not fit {} bits", 63 - bits)
            };
            return self
                .frame
                .fail(format!("the id overflows: {part}; widen it with `bits`"));
        }
        None
    }

    /// The failure in the frame, with the column it happened in, found by making the row once more.
    #[cold]
    fn failed_column(&mut self, at: usize) -> Failure {
        let program = self.program;
        let first = self.frame.failure.take();
        for column in &program.levels[at].columns {
            if let (true, Some(code)) = (column.active || self.complete, &column.code) {
                self.frame.slots[column.slot] = code.get(&mut self.frame);
            }
            if let Some(message) = self.frame.failure.take() {
                self.frame.failure = Some(format!("column `{}`: {message}", column.name));
                let mut failure = self.failed(at);
                failure.column = Some((program.levels[at].table, column.name.clone()));
                return failure;
            }
        }
        self.frame.failure = first;
        self.failed(at)
    }

    /// The failure in the frame, with the row it happened in.
    #[cold]
    fn failed(&mut self, level: usize) -> Failure {
        let message = self.frame.failure.take().unwrap_or_default();
        let mut place = Vec::new();
        for above in &self.program.levels[..level] {
            if let Some(number) = self.frame.slots[above.number] {
                place.push(format!("parent {number}"));
            }
        }
        let level = &self.program.levels[level];
        if let Some(day) = self.frame.slots[level.day] {
            place.push(format!("day {}", super::calendar::date_text(day as i64)));
        }
        if let (true, Some(n)) = (
            matches!(level.kind, LevelKind::Entity { .. }),
            self.frame.slots[level.number],
        ) {
            place.push(format!("row {n}"));
        }
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" ({})", place.join(", "))
        };
        Failure::new(format!("{message}{place}"))
    }
}

/// Starts a row of an entity; gives its key.
fn enter_entity(level: &Level, frame: &mut Frame, table: u64, number: u64) -> u64 {
    let (day, nth) = frame
        .world
        .arrivals
        .get(level.table)
        .and_then(Option::as_ref)
        .map_or((None, number), |a| a.place(number));
    let class = day.map_or(0, |d| d as u64 + 1);
    let key = mix(mix(table, class), nth);
    frame.key = key;
    frame.scope = table;
    frame.slots[level.number] = Some(number);
    frame.slots[level.nth] = Some(nth);
    frame.slots[level.day] = day.map(|d| (d + frame.world.calendar.start) as u64);
    key
}

/// One value of one row of an entity; only the columns it depends on are made.
pub fn entity_value(program: &Program, frame: &mut Frame, number: u64, column: usize) -> Val {
    let level = &program.levels[0];
    frame.arena.clear();
    enter_entity(
        level,
        frame,
        table_key(frame.world.seed, level.salt),
        number,
    );
    // The table's id among columns is its place in the file.
    let slot = level.columns[column].slot;
    for i in program.order_for(0, column) {
        if let Some(code) = &level.columns[i].code {
            frame.slots[level.columns[i].slot] = code.get(frame);
        }
    }
    frame.slots[slot]
}

/// Runs tasks on threads; results in order, or the failure of the first task that failed.
///
/// # Errors
/// The first failure.
pub fn parallel<T: Send>(
    tasks: usize,
    threads: usize,
    task: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Mutex<BTreeMap<usize, Result<T, Failure>>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, tasks.max(1)) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= tasks {
                        break;
                    }
                    let result = task(i);
                    if result.is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    if let Ok(mut all) = results.lock() {
                        all.insert(i, result);
                    }
                }
            });
        }
    });
    results
        .into_inner()
        .unwrap_or_default()
        .into_values()
        .collect()
}

/// How many rows arrive on each day, for an entity.
pub fn arrivals(program: &Program, world: &Arc<World>) -> Result<super::world::Arrivals, Failure> {
    let level = &program.levels[0];
    let LevelKind::Entity { initial, arrivals } = &level.kind else {
        return Ok(super::world::Arrivals::default());
    };
    let mut upto = vec![*initial];
    let mut frame = Frame::new(world, program.tally_slots);
    let table = mix(table_key(world.seed, level.salt), ARRIVALS);
    for day in 0..world.calendar.days {
        let mut n = 0;
        if let Some(code) = arrivals {
            frame.key = mix(table, day as u64);
            frame.slots[level.day] = int(day + world.calendar.start);
            n = code.get(&mut frame).map_or(0, |n| n as i64).max(0);
        }
        if let Some(message) = frame.failure.take() {
            return Err(Failure::new(format!(
                "rows.arrivals: {message} (day {})",
                super::calendar::date_text(day + world.calendar.start)
            )));
        }
        let all = upto.last().copied().unwrap_or(0).saturating_add(n as u64);
        if all > MOST_ROWS {
            return Err(Failure::new(format!(
                "rows.arrivals: {n} rows arrive, {all} in all; at most {MOST_ROWS} are made (day {})",
                super::calendar::date_text(day + world.calendar.start)
            )));
        }
        upto.push(all);
    }
    Ok(super::world::Arrivals { upto })
}
