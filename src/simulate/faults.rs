//! Faults put into rows on purpose, each one listed in a table beside: `<table>__faults`.
//!
//! Which rows are hit is decided by the row's own key, so it is the same on every run and with any number of
//! threads, and rows without faults stay as they were.

use super::calendar::{DAY, SECOND};
use super::copy::{encode_row, shown};
use super::distribution::exponential;
use super::draw::{below, mix, salt, unit};
use super::frame::Frame;
use super::program::{Out, Program};
use super::spec::Faults;
use super::value::{SqlType, Type, as_float, float, int};
use serde_json::json;

/// Columns of the table of faults.
pub const COLUMNS: [(&str, SqlType); 3] = [
    ("row_id", SqlType::Text),
    ("kind", SqlType::Text),
    ("details", SqlType::Jsonb),
];

/// Faults ready to be put in.
pub struct Injector {
    faults: Faults,
    id: Option<Out>,
    late: Option<Out>,
    corrupted: Vec<Out>,
    salts: [u64; 5],
    /// Rows of the table of faults, encoded for COPY.
    pub list: Vec<u8>,
    /// How many.
    pub count: u64,
}

impl Injector {
    /// For a program whose file declares faults.
    pub fn new(program: &Program, faults: &Faults, id: Option<&str>) -> Self {
        let find = |name: &str| program.out.iter().find(|o| o.name == name).cloned();
        Self {
            id: id.and_then(find),
            late: faults.late.as_ref().and_then(|l| find(&l.column.text)),
            corrupted: faults
                .corrupted
                .iter()
                .flat_map(|c| &c.columns)
                .filter_map(|n| find(&n.text))
                .collect(),
            salts: ["missing", "corrupted", "late", "duplicate", "value"]
                .map(|k| salt(&format!("fault {k}"))),
            faults: faults.clone(),
            list: Vec::new(),
            count: 0,
        }
    }

    /// Encodes the row in the frame once, twice or not at all, perhaps changed.
    pub fn encode(
        &mut self,
        buffer: &mut Vec<u8>,
        out: &[Out],
        frame: &mut Frame,
        key: u64,
    ) -> u64 {
        let hit = |salt: u64, rate: f64| rate > 0.0 && unit(mix(key, salt)) < rate;
        if hit(self.salts[0], self.faults.missing) {
            self.note(frame, "missing", json!({}));
            return 0;
        }
        let mut changed = Vec::new();
        let rate = self.faults.corrupted.as_ref().map_or(0.0, |c| c.rate);
        if !self.corrupted.is_empty() && hit(self.salts[1], rate) {
            let column = self.corrupted
                [below(mix(key, self.salts[4]), self.corrupted.len() as u64) as usize]
                .clone();
            let was = frame.slots[column.slot];
            let before = shown(column.sql, was, frame);
            frame.slots[column.slot] = spoiled(frame, column.sql, was, mix(key, self.salts[4] ^ 1));
            let after = shown(column.sql, frame.slots[column.slot], frame);
            self.note(
                frame,
                "corrupted",
                json!({"column": column.name, "was": before, "now": after}),
            );
            changed.push((column.slot, was));
        }
        let late = self.faults.late.clone();
        if let (Some(late), Some(column)) = (late, self.late.clone())
            && hit(self.salts[2], late.rate)
            && let Some(was) = frame.slots[column.slot]
        {
            let minutes = exponential(unit(mix(key, self.salts[2] ^ 1)), late.minutes);
            let micros = libm::floor(minutes * 60.0) as i64 * SECOND;
            let before = shown(column.sql, Some(was), frame);
            let by = if column.sql == SqlType::Date {
                micros.div_euclid(DAY) + 1
            } else {
                micros
            };
            frame.slots[column.slot] = int((was as i64).saturating_add(by));
            let after = shown(column.sql, frame.slots[column.slot], frame);
            self.note(
                frame,
                "late",
                json!({"column": column.name, "was": before, "now": after}),
            );
            changed.push((column.slot, Some(was)));
        }
        encode_row(buffer, out, frame);
        let mut rows = 1;
        if hit(self.salts[3], self.faults.duplicate) {
            encode_row(buffer, out, frame);
            self.note(frame, "duplicate", json!({}));
            rows = 2;
        }
        for (slot, was) in changed {
            frame.slots[slot] = was;
        }
        rows
    }

    fn note(&mut self, frame: &mut Frame, kind: &str, details: serde_json::Value) {
        let id = self
            .id
            .as_ref()
            .and_then(|o| shown(o.sql, frame.slots[o.slot], frame));
        self.count += 1;
        self.list.extend_from_slice(&3i16.to_be_bytes());
        let mut put = |prefix: &[u8], text: Option<&str>| match text {
            None => self.list.extend_from_slice(&(-1i32).to_be_bytes()),
            Some(text) => {
                self.list
                    .extend_from_slice(&((prefix.len() + text.len()) as i32).to_be_bytes());
                self.list.extend_from_slice(prefix);
                self.list.extend_from_slice(text.as_bytes());
            }
        };
        put(b"", id.as_deref());
        put(b"", Some(kind));
        put(&[1], Some(&details.to_string()));
    }
}

/// A value as a broken system might write it.
fn spoiled(frame: &mut Frame, sql: SqlType, was: Option<u64>, bits: u64) -> Option<u64> {
    let value = was?;
    match sql.value_type() {
        Type::Text => match bits % 3 {
            0 => None,
            1 => {
                let text = format!(" {} ", frame.text(value).to_uppercase());
                frame.intern(&text)
            }
            _ => {
                let text: String = frame
                    .text(value)
                    .chars()
                    .rev()
                    .skip(1)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .chain(['?'])
                    .collect();
                frame.intern(&text)
            }
        },
        Type::Int if bits.is_multiple_of(2) => int(-(value as i64)),
        Type::Float if bits.is_multiple_of(2) => float(-as_float(value)),
        // Clocks that were never set.
        Type::Date if bits.is_multiple_of(2) => int(-10_957),
        Type::Timestamp if bits.is_multiple_of(2) => int(-10_957 * DAY),
        Type::Bool => Some(value ^ 1),
        _ => None,
    }
}
