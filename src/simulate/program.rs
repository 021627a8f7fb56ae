//! A compiled simulation: the chain of levels from the root table down to its own rows, as data and closures.
//!
//! `compile` makes it, `run` walks it. A level's rows belong to one row of the level above.

use super::frame::{Code, Test};
use super::segment::DayWindows;
use super::spec::Span;
use super::value::{SqlType, TableId, Val};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A compiled simulation.
pub struct Program {
    /// Its table.
    pub table: TableId,
    /// Its name.
    pub name: String,
    /// From the root to the simulation itself.
    pub levels: Vec<Level>,
    /// Counters of a frame.
    pub tally_slots: usize,
    /// What the counters count.
    pub tallies: Vec<Tally>,
    /// Tables it needs in memory.
    pub held: BTreeSet<TableId>,
    /// Simulations whose rows it recomputes one by one.
    pub recomputed: BTreeSet<TableId>,
    /// The columns that are loaded.
    pub out: Vec<Out>,
    /// Slots whose values never change.
    pub fixed: Vec<(usize, Val)>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({}, {} levels)", self.name, self.levels.len())
    }
}

/// A column that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Out {
    /// Its name.
    pub name: String,
    /// Its type.
    pub sql: SqlType,
    /// Its slot.
    pub slot: usize,
}

/// One level of the chain.
pub struct Level {
    /// Its table.
    pub table: TableId,
    /// The key of its name.
    pub salt: u64,
    /// Slot of the day, null for the stock.
    pub day: usize,
    /// Slot of the number among the parent's rows.
    pub nth: usize,
    /// Slot of the number in the table.
    pub number: usize,
    /// Slot of the number among the rows of its day.
    pub ordinal: usize,
    /// Whether rows must be counted before any is made.
    pub counted: bool,
    /// Where its rows come from.
    pub kind: LevelKind,
    /// Its columns in order.
    pub columns: Vec<ColumnCode>,
}

/// Where a level's rows come from.
pub enum LevelKind {
    /// A stock and arrivals.
    Entity {
        /// Rows on the first day.
        initial: u64,
        /// New rows of a day.
        arrivals: Option<Code>,
    },
    /// Rows of a host's table.
    Host {
        /// Slot of the row's index.
        row: usize,
    },
    /// Rows for each row of the level above.
    Per {
        /// Rows of other tables.
        lookup: Vec<(usize, Code)>,
        /// How many.
        count: Code,
        /// Width of the number among the parent's rows in packed ids; none for sequences.
        bits: Option<u32>,
    },
    /// Behaviour over time.
    Process(Box<ProcessCode>),
}

/// A column's code.
pub struct ColumnCode {
    /// Its name.
    pub name: String,
    /// Its slot.
    pub slot: usize,
    /// Its code; none where a process gives the value.
    pub code: Option<Code>,
    /// Slots it reads.
    pub needs: BTreeSet<usize>,
    /// Whether anything reads it.
    pub active: bool,
}

/// A process in code.
pub struct ProcessCode {
    /// Rows of other tables.
    pub lookup: Vec<(usize, Code)>,
    /// What is remembered, with the value at the start.
    pub state: Vec<(usize, Code)>,
    /// Whether a day counts.
    pub filter: Option<Test>,
    /// Names of the day.
    pub lets: Vec<(usize, Code)>,
    /// How many occurrences.
    pub count: Option<Code>,
    /// When they happen.
    pub at: AtCode,
    /// Assignments before the names.
    pub set: Vec<AssignCode>,
    /// Names of the occurrence.
    pub each_lets: Vec<(usize, Code)>,
    /// Its row.
    pub row: Option<RowCode>,
    /// What follows.
    pub repeat: Option<RepeatCode>,
    /// Assignments at the occurrence's end.
    pub set_after: Vec<AssignCode>,
    /// Assignments at the day's end.
    pub day_set_after: Vec<AssignCode>,
    /// Slot of the present time.
    pub now: usize,
    /// Slot of the next row's id.
    pub next_id: usize,
    /// Widths of day, parent and number in ids.
    pub bits: [u32; 3],
    /// Whether what is remembered may be text, which must then outlive the day.
    pub keeps_text: bool,
    /// Whether days depend on the days before.
    pub stateful: bool,
}

/// When occurrences happen.
pub enum AtCode {
    /// At midnight.
    Midnight,
    /// At an expression's time.
    Expr(Code),
    /// Within fixed windows.
    Fixed(DayWindows, Option<Code>, Option<Code>),
    /// Within windows that an expression gives; then gap and rounding in minutes.
    Windows(Code, Option<Code>, Option<Code>),
}

/// Assignments under a condition.
pub struct AssignCode {
    /// The condition.
    pub condition: Option<Test>,
    /// Slots and values.
    pub values: Vec<(usize, Code)>,
}

/// A row of a process.
pub struct RowCode {
    /// Columns whose values are computed.
    pub computed: Vec<(usize, Code)>,
    /// Columns whose values stand in other slots, and where.
    pub copied: Vec<(usize, usize)>,
    /// The columns that are loaded, with the slots where their values stand before any is copied.
    pub out: Vec<Out>,
}

/// Turns after an occurrence.
pub struct RepeatCode {
    /// Goes on as long as this holds.
    pub condition: Option<Test>,
    /// More turns than this are an error.
    pub limit: u64,
    /// Assignments before the names.
    pub set: Vec<AssignCode>,
    /// Names of the turn.
    pub lets: Vec<(usize, Code)>,
    /// Its row.
    pub row: Option<RowCode>,
    /// Microseconds by which time moves on.
    pub advance: Option<Code>,
    /// Assignments after the row.
    pub set_after: Vec<AssignCode>,
    /// Ends when this holds.
    pub stop: Option<Test>,
}

/// A `weights` column's counters and what is expected of them.
#[derive(Debug, Clone)]
pub struct Tally {
    /// The column.
    pub column: String,
    /// The level it belongs to.
    pub level: usize,
    /// Its place in the file.
    pub span: Span,
    /// The first counter.
    pub start: usize,
    /// For each branch of `by` (one without): its label, and values with their expected shares.
    pub branches: Vec<(String, Vec<(String, f64)>)>,
}

impl Program {
    /// The columns of a level that must be made for one of them: itself last.
    pub fn order_for(&self, level: usize, column: usize) -> Vec<usize> {
        let columns = &self.levels[level].columns;
        let by_slot: BTreeMap<usize, usize> = columns
            .iter()
            .enumerate()
            .map(|(i, c)| (c.slot, i))
            .collect();
        let mut wanted = BTreeSet::from([column]);
        for i in (0..=column).rev() {
            if wanted.contains(&i) {
                wanted.extend(columns[i].needs.iter().filter_map(|s| by_slot.get(s)));
            }
        }
        wanted.into_iter().collect()
    }

    /// Switches off the columns that nothing reads: all but the loaded ones and what they and the levels need.
    pub fn prune(&mut self, wanted: &BTreeSet<usize>) {
        let mut needed = wanted.clone();
        needed.extend(self.out.iter().map(|o| o.slot));
        for level in self.levels.iter_mut().rev() {
            for column in level.columns.iter_mut().rev() {
                column.active = needed.contains(&column.slot);
                if column.active {
                    needed.extend(column.needs.iter().copied());
                }
            }
        }
    }
}
