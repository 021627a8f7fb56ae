//! A seed's CSV file: one pass finds its columns' types and its mistakes, a second one streams its rows to the server.
//! Rows are kept in memory only when a template asks for them.
mod csv;
mod guess;

use crate::context::{SeedRows, Shared, Table};
use crate::diag::{Diagnostic, code};
use crate::graph::Node;
use crate::pg::PgError;
use crate::text::Place;
use csv::Records;
use guess::{Guess, is_null};
use minijinja::value::Value;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

/// A seed's rows as the table that templates see.
pub fn agate_table(node: &Node, shared: &Shared) -> Result<Value, Diagnostic> {
    let _ = shared;
    let file = SeedFile::read(node)?;
    let names = file.names.clone();
    let types = file.columns.iter().map(|g| g.name().to_string()).collect();
    Ok(Table::of_seed(names, types, Arc::new(file)).value())
}

/// A seed file that was read once.
struct SeedFile {
    path: PathBuf,
    shown: String,
    delimiter: u8,
    names: Vec<String>,
    columns: Vec<Guess>,
    rows: usize,
}

type Reader = Records<BufReader<std::fs::File>>;

impl SeedFile {
    fn read(node: &Node) -> Result<Self, Diagnostic> {
        let root = node.root_path.clone().unwrap_or_default();
        if let Some(d) = node.config.str("delimiter").filter(|d| d.len() != 1) {
            let text = format!("\"delimiter\" must be a 1-character string, not `{d}`");
            return Err(Diagnostic::error(code::G0409, text)
                .heading("Compilation Error")
                .at_opt(node.place.clone()));
        }
        let delimiter = node.config.str("delimiter").and_then(|d| d.bytes().next());
        let mut file = Self {
            path: PathBuf::from(root).join(&node.original_file_path),
            shown: node.original_file_path.clone(),
            delimiter: delimiter.unwrap_or(b','),
            names: Vec::new(),
            columns: Vec::new(),
            rows: 0,
        };
        let mut records = file.open()?;
        let header = records.next().map_err(|e| file.unreadable(&e))?;
        if header.is_some() {
            let cells: Result<Vec<String>, Diagnostic> = (0..records.len())
                .map(|i| {
                    file.cell(&records, i, 1)
                        .map(|c| c.unwrap_or_default().to_string())
                })
                .collect();
            file.names = distinct(cells?);
        } else {
            let text = "the file is empty: its first line must name the columns";
            return Err(file.bad(1, text.into()));
        }
        let types = node.config.get("column_types");
        file.columns = file
            .names
            .iter()
            .map(|n| Guess::new(types.and_then(|t| t.get(n)).is_some()))
            .collect();
        while let Some(line) = records.next().map_err(|e| file.unreadable(&e))? {
            file.see(&records, line)?;
        }
        Ok(file)
    }

    fn see(&mut self, records: &Reader, line: usize) -> Result<(), Diagnostic> {
        if records.len() > self.names.len() {
            let message = format!(
                "Row {} has {} values, but Table only has {} columns.",
                self.rows,
                records.len(),
                self.names.len()
            );
            return Err(self.bad(line, message));
        }
        for i in 0..records.len() {
            let cell = self.cell(records, i, line)?.filter(|c| !is_null(c));
            if let Some(cell) = cell {
                self.columns[i].see(cell);
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn cell<'r>(
        &self,
        records: &'r Reader,
        i: usize,
        line: usize,
    ) -> Result<Option<&'r str>, Diagnostic> {
        let Some(bytes) = records.cell(i) else {
            return Ok(None);
        };
        std::str::from_utf8(bytes).map(Some).map_err(|_| {
            let column = self
                .names
                .get(i)
                .map_or_else(|| (i + 1).to_string(), |n| format!("`{n}`"));
            self.bad(
                line,
                format!("the cell in column {column} is not UTF-8 text"),
            )
            .help("save the file as UTF-8")
        })
    }

    fn open(&self) -> Result<Reader, Diagnostic> {
        let file = crate::fs::open(&self.path, &self.shown).map_err(|s| {
            s.0.into_iter()
                .next()
                .unwrap_or_else(|| Diagnostic::error(code::G0409, "the seed cannot be read"))
        })?;
        Ok(Records::new(
            BufReader::with_capacity(1 << 16, file),
            self.delimiter,
        ))
    }

    fn unreadable(&self, e: &std::io::Error) -> Diagnostic {
        Diagnostic::error(code::G0409, format!("`{}` cannot be read: {e}", self.shown))
    }

    /// A mistake in a line. The text is read for the drawing only now.
    fn bad(&self, line: usize, message: String) -> Diagnostic {
        let d = Diagnostic::error(code::G0409, message)
            .heading("Compilation Error")
            .note(format!("{}, line {line}", self.shown))
            .help("quote cells that contain the delimiter, and give each row as many cells as the header");
        match crate::fs::read(&self.path, &self.shown) {
            Ok(file) => d.at(Place::line(&file, line)),
            Err(_) => d,
        }
    }

    /// Goes through the rows once more; stops at the first error.
    fn each<E>(
        &self,
        mut take: impl FnMut(usize, &Reader) -> Result<(), E>,
    ) -> Result<std::io::Result<()>, E> {
        let Ok(mut records) = self.open() else {
            return Ok(Err(std::io::Error::other("the file is gone")));
        };
        let mut header = true;
        loop {
            match records.next() {
                Ok(None) => return Ok(Ok(())),
                Ok(Some(_)) if header => header = false,
                Ok(Some(line)) => take(line, &records)?,
                Err(e) => return Ok(Err(e)),
            }
        }
    }

    fn text(records: &Reader, i: usize) -> Option<&str> {
        let bytes = records.cell(i)?;
        std::str::from_utf8(bytes).ok().filter(|c| !is_null(c))
    }
}

impl SeedRows for SeedFile {
    fn count(&self) -> usize {
        self.rows
    }

    fn rows(&self) -> Vec<Vec<Value>> {
        let mut out = Vec::with_capacity(self.rows);
        let columns = || self.columns.iter().enumerate();
        // What cannot be read a second time has no further rows.
        let _ = self.each(|_, records| -> Result<(), ()> {
            let cell = |(i, g): (usize, &Guess)| {
                Self::text(records, i).map_or_else(|| Value::from(()), |c| g.value(c))
            };
            out.push(columns().map(cell).collect());
            Ok(())
        });
        out
    }

    fn can_copy(&self) -> bool {
        !self.names.is_empty() && !self.columns.iter().any(Guess::zoned)
    }

    fn copy(&self, send: &mut dyn FnMut(&[u8]) -> Result<(), PgError>) -> Result<(), PgError> {
        let mut line: Vec<u8> = Vec::with_capacity(1 << 12);
        let read = self.each(|_, records| {
            line.clear();
            for (i, guess) in self.columns.iter().enumerate() {
                if i > 0 {
                    line.push(b'\t');
                }
                match Self::text(records, i) {
                    None => line.extend_from_slice(b"\\N"),
                    Some(cell) => escape(guess.text(cell).as_bytes(), &mut line),
                }
            }
            line.push(b'\n');
            send(&line)
        })?;
        read.map_err(|e| PgError::usage(format!("`{}` cannot be read: {e}", self.shown)))
    }

    fn place(&self, row: usize) -> Option<String> {
        let mut found = None;
        let mut n = 0;
        let _ = self.each(|line, _| {
            n += 1;
            if n == row {
                found = Some(line);
                return Err(());
            }
            Ok(())
        });
        found.map(|line| format!("{}, line {line}", self.shown))
    }
}

/// A text in COPY's text format.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        let short = match byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

/// Blank names get letters, second ones a number.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() { letter(i) } else { name };
        let mut candidate = name.clone();
        let mut n = 2;
        while out.contains(&candidate) {
            candidate = format!("{name}_{n}");
            n += 1;
        }
        out.push(candidate);
    }
    out
}

/// a, b, …, z, aa, bb, …
fn letter(i: usize) -> String {
    let c = char::from(b'a' + (i % 26) as u8);
    std::iter::repeat_n(c, i / 26 + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_made_distinct() {
        assert_eq!(
            distinct(vec!["a".into(), "a".into(), String::new()]),
            ["a", "a_2", "c"]
        );
    }

    #[test]
    fn cells_are_escaped_for_copy() {
        let mut out = Vec::new();
        escape("a\tb\\N\n\r".as_bytes(), &mut out);
        assert_eq!(out, b"a\\tb\\\\N\\n\\r");
    }
}
