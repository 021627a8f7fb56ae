//! Rows in PostgreSQL's binary COPY format, and the digest of a table that no order changes.
//!
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4>. Each value is written
//! straight from its slot into the buffer that is sent.

use super::calendar::{DAY, SECOND};
use super::draw::{hash_bytes, mix};
use super::frame::Frame;
use super::program::Out;
use super::value::{SqlType, Val, as_float};

/// What a COPY stream starts with.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Rows are sent in blocks of about this many bytes: few enough to stay in the processor's cache until they are sent.
pub const BLOCK: usize = 64 * 1024;
/// What it ends with.
pub const TRAILER: [u8; 2] = [0xff, 0xff];

/// A digest of rows in any order: the sum and the exclusive-or of the rows' hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many rows.
    pub rows: u64,
    sum: u64,
    xor: u64,
}

impl Digest {
    /// Adds an encoded row.
    #[inline]
    pub fn add(&mut self, row: &[u8]) {
        let hash = hash_bytes(row);
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash);
        self.xor ^= mix(hash, 1);
    }

    /// Adds other rows.
    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
        self.xor ^= other.xor;
    }

    /// As text, for the ledger.
    pub fn text(&self) -> String {
        format!("{:016x}{:016x}", self.sum, self.xor)
    }

    /// From the ledger's text.
    pub fn read(rows: u64, text: &str) -> Option<Self> {
        let sum = u64::from_str_radix(text.get(..16)?, 16).ok()?;
        let xor = u64::from_str_radix(text.get(16..)?, 16).ok()?;
        Some(Self { rows, sum, xor })
    }
}

/// Encoded rows on their way out.
///
/// Their digest is made when the block is full, not after each row: then the hashes of several rows overlap in the
/// processor, and none waits for bytes that have only just been written in pieces of other lengths.
#[derive(Debug, Default)]
pub struct Block {
    /// Their bytes.
    pub bytes: Vec<u8>,
    /// Where rows that are not yet in the digest begin.
    starts: Vec<usize>,
}

impl Block {
    /// Appends the row in the frame.
    #[inline]
    pub fn add(&mut self, out: &[Out], frame: &Frame) {
        self.starts.push(self.bytes.len());
        encode_row(&mut self.bytes, out, frame);
    }

    /// Takes note of rows of one length that something else has appended since the block had so many bytes.
    pub fn added(&mut self, from: usize, rows: usize) {
        let length = (self.bytes.len() - from) / rows.max(1);
        self.starts.extend((0..rows).map(|i| from + i * length));
    }

    /// Adds the rows since the last time to a digest; to be called before anything but rows is appended.
    pub fn digest(&mut self, digest: &mut Digest) {
        let ends = self.starts.iter().skip(1).copied();
        for (start, end) in self.starts.iter().zip(ends.chain([self.bytes.len()])) {
            digest.add(&self.bytes[*start..end]);
        }
        self.starts.clear();
    }
}

/// Appends the row in the frame.
pub fn encode_row(buffer: &mut Vec<u8>, out: &[Out], frame: &Frame) {
    buffer.extend_from_slice(&(out.len() as i16).to_be_bytes());
    for column in out {
        encode(buffer, column.sql, frame.slots[column.slot], frame);
    }
}

/// Appends a value of a fixed length.
#[inline]
fn fixed<const N: usize>(buffer: &mut Vec<u8>, bytes: [u8; N]) {
    buffer.extend_from_slice(&(N as i32).to_be_bytes());
    buffer.extend_from_slice(&bytes);
}

/// Appends a value of eight bytes, the most frequent length, and its length in one piece.
#[inline]
fn eight(buffer: &mut Vec<u8>, bits: u64) {
    let whole = (8u128 << 64 | u128::from(bits)).to_be_bytes();
    buffer.extend_from_slice(&whole[4..]);
}

/// Appends one value with its length.
#[inline]
pub fn encode(buffer: &mut Vec<u8>, sql: SqlType, value: Val, frame: &Frame) {
    let Some(bits) = value else {
        buffer.extend_from_slice(&(-1i32).to_be_bytes());
        return;
    };
    match sql {
        SqlType::SmallInt => fixed(buffer, (bits as i16).to_be_bytes()),
        SqlType::Integer | SqlType::Date => fixed(buffer, (bits as i32).to_be_bytes()),
        SqlType::BigInt | SqlType::Timestamp | SqlType::Double => eight(buffer, bits),
        SqlType::Real => fixed(buffer, (as_float(bits) as f32).to_be_bytes()),
        SqlType::Boolean => fixed(buffer, [u8::from(bits != 0)]),
        SqlType::Text | SqlType::Varchar(_) => {
            let field = frame.world.field(bits);
            if !field.is_some_and(|field| field.append(buffer)) {
                bytes(buffer, frame.text_bytes(bits));
            }
        }
        SqlType::Json => bytes(buffer, frame.json_bytes(bits)),
        SqlType::Jsonb => {
            let text = frame.json_bytes(bits);
            // The length, and the version of the format.
            let mut head = [1; 5];
            head[..4].copy_from_slice(&(text.len() as i32 + 1).to_be_bytes());
            buffer.extend_from_slice(&head);
            buffer.extend_from_slice(text);
        }
        SqlType::Interval => interval(buffer, bits as i64),
        SqlType::Numeric(_, scale) => numeric(buffer, as_float(bits), scale),
    }
}

fn bytes(buffer: &mut Vec<u8>, text: &[u8]) {
    buffer.extend_from_slice(&(text.len() as i32).to_be_bytes());
    buffer.extend_from_slice(text);
}

/// Microseconds, days, months; whole days are kept apart as PostgreSQL does for `interval '3 days'`.
fn interval(buffer: &mut Vec<u8>, micros: i64) {
    let days = if micros % DAY == 0 { micros / DAY } else { 0 };
    buffer.extend_from_slice(&16i32.to_be_bytes());
    buffer.extend_from_slice(&(micros - days * DAY).to_be_bytes());
    buffer.extend_from_slice(&(days as i32).to_be_bytes());
    buffer.extend_from_slice(&0i32.to_be_bytes());
}

/// Digits in base 10,000: count, weight of the first, sign, scale, digits.
fn numeric(buffer: &mut Vec<u8>, x: f64, scale: u8) {
    let scaled = libm::rint(x * libm::pow(10.0, f64::from(scale)));
    if !scaled.is_finite() || scaled.abs() >= 1e18 {
        buffer.extend_from_slice(&8i32.to_be_bytes());
        // Not a number.
        buffer.extend_from_slice(&[0, 0, 0, 0, 0xc0, 0, 0, 0]);
        return;
    }
    let negative = scaled < 0.0;
    let all = scaled.abs() as u64;
    let ten = 10u64.pow(u32::from(scale));
    let (mut whole, part) = (all / ten, all % ten);
    let mut digits: Vec<u16> = Vec::with_capacity(10);
    while whole > 0 {
        digits.push((whole % 10_000) as u16);
        whole /= 10_000;
    }
    digits.reverse();
    let mut weight = digits.len() as i16 - 1;
    let groups = usize::from(scale).div_ceil(4);
    // The part after the point, filled up to whole groups of four digits.
    let mut rest = u128::from(part) * 10u128.pow((groups * 4) as u32 - u32::from(scale));
    let mut tail = vec![0u16; groups];
    for digit in tail.iter_mut().rev() {
        *digit = (rest % 10_000) as u16;
        rest /= 10_000;
    }
    digits.extend(tail);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let leading = digits.iter().take_while(|d| **d == 0).count();
    digits.drain(..leading);
    weight -= leading as i16;
    if digits.is_empty() {
        weight = 0;
    }
    buffer.extend_from_slice(&(8 + 2 * digits.len() as i32).to_be_bytes());
    buffer.extend_from_slice(&(digits.len() as i16).to_be_bytes());
    buffer.extend_from_slice(&weight.to_be_bytes());
    buffer.extend_from_slice(&(if negative { 0x4000u16 } else { 0 }).to_be_bytes());
    buffer.extend_from_slice(&u16::from(scale).to_be_bytes());
    for digit in digits {
        buffer.extend_from_slice(&digit.to_be_bytes());
    }
}

/// A value as people read it.
pub fn shown(sql: SqlType, value: Val, frame: &mut Frame) -> Option<String> {
    let bits = value?;
    if let SqlType::Numeric(_, scale) = sql {
        return Some(format!("{:.*}", usize::from(scale), as_float(bits)));
    }
    if sql == SqlType::Interval {
        let micros = bits as i64;
        let (days, rest) = (micros / DAY, (micros % DAY).abs() / SECOND);
        let time = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
        return Some(if days == 0 {
            time
        } else {
            format!("{days} days {time}")
        });
    }
    let mark = frame.mark();
    super::compile::write_text(frame, &sql.value_type(), bits);
    let text = String::from_utf8_lossy(&frame.arena[mark..]).into_owned();
    frame.arena.truncate(mark);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric_bytes(x: f64, scale: u8) -> Vec<i16> {
        let mut buffer = Vec::new();
        numeric(&mut buffer, x, scale);
        buffer[4..]
            .chunks(2)
            .map(|c| i16::from_be_bytes([c[0], c[1]]))
            .collect()
    }

    #[test]
    fn numerics_are_groups_of_four_digits() {
        // count, weight, sign, scale, digits: as PostgreSQL's numeric_send gives them.
        assert_eq!(numeric_bytes(12345.67, 2), [3, 1, 0, 2, 1, 2345, 6700]);
        assert_eq!(numeric_bytes(-0.05, 2), [1, -1, 0x4000, 2, 500]);
        assert_eq!(numeric_bytes(0.0, 2), [0, 0, 0, 2]);
        assert_eq!(numeric_bytes(10000.0, 0), [1, 1, 0, 0, 1]);
        assert_eq!(numeric_bytes(0.00001, 5), [1, -2, 0, 5, 1000]);
    }

    #[test]
    fn a_block_digests_each_row_once() {
        let rows = ["one", "", "three", "four"];
        let mut want = Digest::default();
        rows.iter().for_each(|r| want.add(r.as_bytes()));
        want.add(b"four");
        let (mut got, mut block) = (Digest::default(), Block::default());
        block.bytes.extend_from_slice(b"a head that is no row");
        for (i, row) in rows.iter().enumerate() {
            let from = block.bytes.len();
            let times = if *row == "four" { 2 } else { 1 };
            (0..times).for_each(|_| block.bytes.extend_from_slice(row.as_bytes()));
            block.added(from, times);
            if i == 1 {
                block.digest(&mut got);
                block.bytes.clear();
            }
        }
        // A row that never comes.
        block.added(block.bytes.len(), 0);
        block.digest(&mut got);
        block.digest(&mut got);
        assert_eq!(got, want);
    }

    #[test]
    fn digests_forget_the_order_but_not_the_rows() {
        let digest = |rows: &[&str]| {
            let mut d = Digest::default();
            for row in rows {
                d.add(row.as_bytes());
            }
            d
        };
        assert_eq!(digest(&["a", "b", "c"]), digest(&["c", "a", "b"]));
        assert_ne!(digest(&["a", "b", "b"]), digest(&["a", "a", "b"]));
        let mut halves = digest(&["a"]);
        halves.merge(digest(&["b", "c"]));
        assert_eq!(halves, digest(&["a", "b", "c"]));
        assert_eq!(Digest::read(3, &halves.text()), Some(halves));
    }
}
