//! Reads CSV record by record in little memory, the way Python's `csv` module does: a quote begins a quoted cell only
//! at the cell's start, an empty line is a record without cells, every line end counts as `\n`.
use std::io::{self, BufRead};

/// A reader of records.
pub(super) struct Records<R> {
    inner: R,
    delimiter: u8,
    /// Line at which the reader stands, from 1.
    line: usize,
    data: Vec<u8>,
    ends: Vec<usize>,
    /// A `\r` was the last byte: a `\n` right after it belongs to the same line end.
    carriage: bool,
    first: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    RecordStart,
    CellStart,
    Cell,
    Quoted,
    QuoteInQuoted,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            delimiter,
            line: 1,
            data: Vec::new(),
            ends: Vec::new(),
            carriage: false,
            first: true,
        }
    }

    /// Goes to the next record; the line on which it begins, none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<usize>> {
        self.data.clear();
        self.ends.clear();
        let begun = self.line;
        let mut at = At::RecordStart;
        loop {
            let buffer = self.inner.fill_buf()?;
            if buffer.is_empty() {
                if at == At::RecordStart {
                    return Ok(None);
                }
                self.ends.push(self.data.len());
                return Ok(Some(begun));
            }
            let mut skip = 0;
            if self.first {
                self.first = false;
                if buffer.starts_with(b"\xef\xbb\xbf") {
                    skip = 3;
                }
            }
            let mut used = buffer.len();
            let mut done = false;
            for (i, &byte) in buffer.iter().enumerate().skip(skip) {
                let byte = match byte {
                    b'\n' if self.carriage => {
                        self.carriage = false;
                        continue;
                    }
                    b'\r' => {
                        self.carriage = true;
                        b'\n'
                    }
                    other => {
                        self.carriage = false;
                        other
                    }
                };
                if byte == b'\n' {
                    self.line += 1;
                    if at == At::Quoted {
                        self.data.push(b'\n');
                        continue;
                    }
                    if at != At::RecordStart {
                        self.ends.push(self.data.len());
                    }
                    (used, done) = (i + 1, true);
                    break;
                }
                at = step(at, byte, self.delimiter, &mut self.data, &mut self.ends);
            }
            self.inner.consume(used);
            if done {
                return Ok(Some(begun));
            }
        }
    }

    /// How many cells the record has.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell of the record; none where the record is too short.
    pub(super) fn cell(&self, i: usize) -> Option<&[u8]> {
        let end = *self.ends.get(i)?;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.data.get(start..end)
    }
}

/// Takes one byte that ends no line.
fn step(at: At, byte: u8, delimiter: u8, data: &mut Vec<u8>, ends: &mut Vec<usize>) -> At {
    match at {
        At::Quoted if byte == b'"' => return At::QuoteInQuoted,
        At::Quoted => {
            data.push(byte);
            return At::Quoted;
        }
        At::QuoteInQuoted if byte == b'"' => {
            data.push(b'"');
            return At::Quoted;
        }
        At::RecordStart | At::CellStart if byte == b'"' => return At::Quoted,
        _ => {}
    }
    if byte == delimiter {
        ends.push(data.len());
        At::CellStart
    } else {
        data.push(byte);
        At::Cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<(usize, Vec<String>)> {
        let mut r = Records::new(io::BufReader::with_capacity(3, text.as_bytes()), b',');
        let mut out = Vec::new();
        while let Some(line) = r.next().unwrap() {
            let cells =
                (0..r.len()).map(|i| String::from_utf8_lossy(r.cell(i).unwrap()).into_owned());
            out.push((line, cells.collect()));
        }
        out
    }

    #[test]
    fn records_are_those_of_python() {
        let list = all("\u{feff}a,b\r\n\"x\r\ny\",\"q\"\"q\"\n\n,\n1\"2,\"3\"4\nlast");
        let want: &[(usize, &[&str])] = &[
            (1, &["a", "b"]),
            (2, &["x\ny", "q\"q"]),
            (4, &[]),
            (5, &["", ""]),
            (6, &["1\"2", "34"]),
            (7, &["last"]),
        ];
        let list: Vec<(usize, Vec<&str>)> = list
            .iter()
            .map(|(l, c)| (*l, c.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(
            list,
            want.iter()
                .map(|(l, c)| (*l, c.to_vec()))
                .collect::<Vec<_>>()
        );
        assert_eq!(
            all("a\rb\r\r\n"),
            [(1, vec!["a".into()]), (2, vec!["b".into()]), (3, vec![])]
        );
        assert_eq!(all("\"open"), [(1, vec!["open".to_string()])]);
    }

    proptest! {
        /// What is written with quotes is read back, whatever it holds.
        #[test]
        fn quoted_cells_come_back(rows in proptest::collection::vec(proptest::collection::vec("[a,\"\n é]{0,6}", 1..4), 0..6)) {
            let text: String = rows
                .iter()
                .map(|r| r.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n")
                .collect();
            let back: Vec<Vec<String>> = all(&text).into_iter().map(|(_, c)| c).collect();
            prop_assert_eq!(back, rows);
        }
    }
}
