//! The row being made: slots for its values, the key of its draws, an arena for its texts.

use super::calendar::{self, SECOND};
use super::distribution::Truncated;
use super::draw::{hash_bytes, mix};
use super::segment::JsonKind;
use super::value::{IN_ARENA, Type, Val};
use super::world::{Choices, QuickMap, World};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// Compiled code of an expression. Names and literals, most of all operands, need no call.
pub enum Code {
    /// The value of a slot.
    Slot(usize),
    /// A literal.
    Value(Val),
    /// Anything else.
    Call(Box<dyn Fn(&mut Frame) -> Val + Send + Sync>),
}

impl Code {
    /// Code that computes.
    pub fn new(code: impl Fn(&mut Frame) -> Val + Send + Sync + 'static) -> Self {
        Self::Call(Box::new(code))
    }

    /// Its value for the present row.
    #[inline]
    pub fn get(&self, f: &mut Frame) -> Val {
        match self {
            Self::Slot(slot) => f.slots[*slot],
            Self::Value(value) => *value,
            Self::Call(code) => code(f),
        }
    }
}

/// Compiled code of a condition: whether it holds for the present row.
pub type Test = Box<dyn Fn(&mut Frame) -> bool + Send + Sync>;

/// How many days' texts are kept: a month, and what follows it.
const SHOWN_DAYS: usize = 32;
/// Seconds in a day.
const DAY_SECONDS: u32 = 86_400;

/// Most slots of a program. The compiler refuses a simulation that needs more.
pub const SLOTS: usize = 4096;

/// The values of a row. There are always as many, so that reading one needs no look at how many there are.
#[derive(Debug)]
pub struct Slots(Box<[Val; SLOTS]>);

impl Default for Slots {
    #[expect(clippy::expect_used, reason = "the vector has the array's length")]
    fn default() -> Self {
        Self(vec![None; SLOTS].try_into().expect("as many as slots"))
    }
}

impl Index<usize> for Slots {
    type Output = Val;

    #[inline]
    fn index(&self, slot: usize) -> &Val {
        &self.0[slot % SLOTS]
    }
}

impl IndexMut<usize> for Slots {
    #[inline]
    fn index_mut(&mut self, slot: usize) -> &mut Val {
        &mut self.0[slot % SLOTS]
    }
}

/// The state of making rows on one thread.
pub struct Frame {
    /// Values of everything that has a name.
    pub slots: Slots,
    /// The key of the present row's draws.
    pub key: u64,
    /// The key of what the present row belongs to; `shuffle` permutes within it.
    pub scope: u64,
    /// What can be read besides.
    pub world: Arc<World>,
    /// Texts of the present row.
    pub arena: Vec<u8>,
    /// The first thing that went wrong.
    pub failure: Option<String>,
    /// Where in `made` the choices used by this thread are.
    pub choices: QuickMap<(usize, u64), usize>,
    /// Choices used by this thread.
    pub made: Vec<Arc<Choices>>,
    /// What was found last, by lookup: behaviour looks at the same row again and again.
    pub found: [Found; 8],
    /// Rows chosen already among the rows of the present parent, by pick.
    pub chosen: Vec<Vec<u64>>,
    /// Counts of chosen values for the checks of shares.
    pub tally: Vec<u64>,
    /// Rows before each day at each level of the chain, where they were counted.
    pub totals: Vec<Option<Arc<Totals>>>,
    /// Frames for looking at candidates and at recomputed rows, by pick or table.
    pub inner: QuickMap<usize, Box<Frame>>,
    memo: Vec<Option<([u64; 4], Truncated)>>,
    /// Days that were written last, each with the text of a timestamp of it, in quotes.
    shown_days: Box<[(u32, [u8; 21]); SHOWN_DAYS]>,
}

/// What a lookup found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    /// Which lookup, 0 for none.
    pub lookup: usize,
    /// What was asked for.
    pub values: [u64; 4],
    /// The row.
    pub row: Val,
}

/// Rows before each day class (0 the stock, then the days), with the total at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Ascending counts.
    pub before: Vec<u64>,
}

impl Frame {
    /// An empty row.
    pub fn new(world: &Arc<World>, tally: usize) -> Self {
        Self {
            slots: Slots::default(),
            key: 0,
            scope: 0,
            world: world.clone(),
            arena: Vec::with_capacity(1024),
            failure: None,
            choices: QuickMap::default(),
            made: Vec::new(),
            found: [Found::default(); 8],
            chosen: Vec::new(),
            tally: vec![0; tally],
            totals: Vec::new(),
            inner: QuickMap::default(),
            memo: vec![None; 64],
            shown_days: Box::new([(u32::MAX, [b'"'; 21]); SHOWN_DAYS]),
        }
    }

    /// Notes that something went wrong; the first failure counts. Gives null.
    #[cold]
    pub fn fail(&mut self, message: impl Into<String>) -> Val {
        if self.failure.is_none() {
            self.failure = Some(message.into());
        }
        None
    }

    /// The text of a handle.
    #[inline]
    pub fn text(&self, bits: u64) -> &str {
        if bits & IN_ARENA == 0 {
            return self.world.text(bits);
        }
        std::str::from_utf8(&self.arena[arena_range(bits)]).unwrap_or("")
    }

    /// The bytes of a text.
    #[inline]
    pub fn text_bytes(&self, bits: u64) -> &[u8] {
        if bits & IN_ARENA == 0 {
            self.world.text(bits).as_bytes()
        } else {
            &self.arena[arena_range(bits)]
        }
    }

    /// The bytes of a JSON value as text.
    #[inline]
    pub fn json_bytes(&self, bits: u64) -> &[u8] {
        if bits & IN_ARENA == 0 {
            self.world.json(bits).map_or(b"null", |n| n.text.as_bytes())
        } else {
            &self.arena[arena_range(bits)]
        }
    }

    /// Appends a text to the arena.
    pub fn push_text(&mut self, bits: u64) {
        if bits & IN_ARENA == 0 {
            let world = &*self.world;
            self.arena.extend_from_slice(world.text(bits).as_bytes());
        } else {
            self.arena.extend_from_within(arena_range(bits));
        }
    }

    /// Appends a JSON value's text to the arena.
    pub fn push_json(&mut self, bits: u64) {
        if bits & IN_ARENA == 0 {
            let world = &*self.world;
            self.arena
                .extend_from_slice(world.json(bits).map_or(b"null", |n| n.text.as_bytes()));
        } else {
            self.arena.extend_from_within(arena_range(bits));
        }
    }

    /// Appends a timestamp, as text has it.
    pub fn push_timestamp(&mut self, micros: i64) {
        match self.short_timestamp(micros, b' ') {
            Some(text) => self.arena.extend_from_slice(&text[1..20]),
            None => calendar::write_timestamp(&mut self.arena, micros, b' '),
        }
    }

    /// Appends a timestamp, as JSON has it.
    pub fn push_json_timestamp(&mut self, micros: i64) {
        if let Some(text) = self.short_timestamp(micros, b'T') {
            self.arena.extend_from_slice(&text);
            return;
        }
        self.arena.push(b'"');
        calendar::write_timestamp(&mut self.arena, micros, b'T');
        self.arena.push(b'"');
    }

    /// A timestamp of whole seconds from 2000 to 2136, in quotes. Its day is most often one of those that were
    /// written last, whose texts are kept.
    #[inline]
    fn short_timestamp(&mut self, micros: i64, between: u8) -> Option<[u8; 21]> {
        // What is before 2000 makes too large a number.
        let seconds = u32::try_from(micros as u64 / SECOND as u64).ok()?;
        if u64::from(seconds) * SECOND as u64 != micros as u64 {
            return None;
        }
        let day = seconds / DAY_SECONDS;
        let (known, shown) = &mut self.shown_days[day as usize % SHOWN_DAYS];
        if *known != day {
            shown[1..11].copy_from_slice(&calendar::short_date(i64::from(day))?);
            *known = day;
        }
        let seconds = seconds - day * DAY_SECONDS;
        let mut text = *shown;
        text[11] = between;
        text[12..20].copy_from_slice(&calendar::clock(seconds));
        Some(text)
    }

    /// Where the next text of the arena begins.
    #[inline]
    pub fn mark(&self) -> usize {
        self.arena.len()
    }

    /// The handle of everything appended since the mark.
    #[inline]
    pub fn since(&mut self, mark: usize) -> Val {
        let length = self.arena.len() - mark;
        if self.arena.len() > 0x7fff_0000 || length > 0x7fff_0000 {
            return self.fail("the texts of one row are larger than 2 GB");
        }
        Some(IN_ARENA | ((length as u64) << 32) | mark as u64)
    }

    /// A text as a value.
    pub fn intern(&mut self, text: &str) -> Val {
        let mark = self.mark();
        self.arena.extend_from_slice(text.as_bytes());
        self.since(mark)
    }

    /// Whether two texts are equal.
    #[inline]
    pub fn same_text(&self, a: u64, b: u64) -> bool {
        a == b || self.text_bytes(a) == self.text_bytes(b)
    }

    /// What a value hashes by in lookups: its text, or its bits.
    #[inline]
    pub fn content(&self, bits: u64, ty: &Type) -> u64 {
        match ty {
            Type::Text => hash_bytes(self.text_bytes(bits)),
            Type::Json(_) => hash_bytes(self.json_bytes(bits)),
            _ => bits,
        }
    }

    /// The field of a JSON object, as a handle.
    pub fn json_field(&self, bits: u64, name: &str) -> Val {
        let node = self.world.json(bits)?;
        let JsonKind::Object(entries) = &node.kind else {
            return None;
        };
        let segment = bits & !0xffff_ffff;
        let (_, value) = entries
            .iter()
            .find(|(k, _)| self.world.text(segment | u64::from(*k)) == name)?;
        Some(segment | u64::from(*value))
    }

    /// The number in a JSON value.
    #[inline]
    pub fn json_number(&mut self, bits: u64) -> Val {
        match self.world.json(bits).map(|n| &n.kind) {
            Some(JsonKind::Number(x)) => Some(x.to_bits()),
            Some(JsonKind::Null) => None,
            _ => {
                let shown = String::from_utf8_lossy(self.json_bytes(bits)).into_owned();
                self.fail(format!("the JSON value {shown} is not a number"))
            }
        }
    }

    /// The text in a JSON value.
    pub fn json_text(&mut self, bits: u64) -> Val {
        match self.world.json(bits).map(|n| &n.kind) {
            Some(JsonKind::Text(i)) => Some((bits & !0xffff_ffff) | u64::from(*i)),
            Some(JsonKind::Null) => None,
            _ => {
                let shown = String::from_utf8_lossy(self.json_bytes(bits)).into_owned();
                self.fail(format!("the JSON value {shown} is not text"))
            }
        }
    }

    /// The truth value in a JSON value.
    pub fn json_bool(&mut self, bits: u64) -> Val {
        match self.world.json(bits).map(|n| &n.kind) {
            Some(JsonKind::Bool(b)) => Some(u64::from(*b)),
            Some(JsonKind::Null) => None,
            _ => {
                let shown = String::from_utf8_lossy(self.json_bytes(bits)).into_owned();
                self.fail(format!("the JSON value {shown} is not true or false"))
            }
        }
    }

    /// A truncated normal distribution; the last 64 are remembered, because files use few.
    pub fn truncated(&mut self, mean: f64, sd: f64, low: f64, high: f64) -> Truncated {
        let id = [mean.to_bits(), sd.to_bits(), low.to_bits(), high.to_bits()];
        let at = (mix(mix(id[0], id[1]), mix(id[2], id[3])) >> 58) as usize;
        match &self.memo[at] {
            Some((known, t)) if *known == id => *t,
            _ => {
                let t = Truncated::new(mean, sd, low, high);
                self.memo[at] = Some((id, t));
                t
            }
        }
    }
}

#[inline]
fn arena_range(bits: u64) -> std::ops::Range<usize> {
    let start = bits as u32 as usize;
    start..start + ((bits >> 32) & 0x7fff_ffff) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::calendar::DAY;
    use crate::simulate::world::Calendar;

    #[test]
    fn timestamps_are_written_as_the_calendar_writes_them() {
        let world = Arc::new(World {
            seed: 0,
            calendar: Calendar { start: 0, days: 1 },
            constants: Arc::default(),
            tables: Vec::new(),
            arrivals: Vec::new(),
            programs: Vec::new(),
            choices: std::sync::RwLock::default(),
        });
        let mut frame = Frame::new(&world, 0);
        // The same day again, days next to each other, before 2000, beyond year 9999, parts of a second.
        let far = 3_000_000 * DAY;
        let kept = SHOWN_DAYS as i64 * DAY;
        let last = i64::from(u32::MAX) * SECOND;
        for micros in [
            0,
            1,
            DAY - 1,
            DAY,
            5,
            -1,
            -DAY,
            far,
            far + 7,
            3 * SECOND,
            kept,
            0,
            last,
            last + SECOND,
        ] {
            let (mark, mut want) = (frame.mark(), Vec::new());
            frame.push_json_timestamp(micros);
            frame.push_timestamp(micros);
            want.push(b'"');
            calendar::write_timestamp(&mut want, micros, b'T');
            want.push(b'"');
            calendar::write_timestamp(&mut want, micros, b' ');
            let got = String::from_utf8_lossy(&frame.arena[mark..]);
            assert_eq!(got, String::from_utf8_lossy(&want));
        }
    }
}
