//! Reads a seed's CSV file and decides the type of each column as dbt does (agate's rules).
use crate::context::{Shared, Table};
use crate::diag::{Diagnostic, Result, code};
use crate::graph::Node;
use crate::text::{Place, SourceFile};
use minijinja::value::Value;
use std::path::PathBuf;

/// Types in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Date,
    DateTime,
    IsoDateTime,
    Boolean,
    Text,
}

const ORDER: [Kind; 6] = [
    Kind::Number,
    Kind::Date,
    Kind::DateTime,
    Kind::IsoDateTime,
    Kind::Boolean,
    Kind::Text,
];

/// A seed's rows as the table that templates see.
pub fn agate_table(node: &Node, shared: &Shared) -> std::result::Result<Value, Diagnostic> {
    let _ = shared;
    let path =
        PathBuf::from(node.root_path.clone().unwrap_or_default()).join(&node.original_file_path);
    let (names, rows) = read(&path, node).map_err(|s| first(s.0, node))?;
    let text_columns: Vec<bool> = names
        .iter()
        .map(|n| {
            node.config
                .get("column_types")
                .and_then(|t| t.get(n))
                .is_some()
        })
        .collect();
    let kinds: Vec<Kind> = (0..names.len())
        .map(|i| {
            if text_columns[i] {
                Kind::Text
            } else {
                kind_of(&rows, i)
            }
        })
        .collect();
    let integer: Vec<bool> = (0..names.len())
        .map(|i| kinds[i] == Kind::Number && whole(&rows, i))
        .collect();
    let values = rows
        .iter()
        .map(|r| {
            (0..names.len())
                .map(|i| {
                    value(
                        r.get(i).and_then(Option::as_deref),
                        kinds[i],
                        integer[i],
                        text_columns[i],
                    )
                })
                .collect()
        })
        .collect();
    let types = (0..names.len())
        .map(|i| {
            match kinds[i] {
                Kind::Number if integer[i] => "Integer",
                Kind::Number => "Number",
                Kind::Date => "Date",
                Kind::DateTime => "DateTime",
                Kind::IsoDateTime => "ISODateTime",
                Kind::Boolean => "Boolean",
                Kind::Text => "Text",
            }
            .to_string()
        })
        .collect();
    Ok(Table::with_types(names, types, values).value())
}

fn first(list: Vec<Diagnostic>, node: &Node) -> Diagnostic {
    list.into_iter().next().unwrap_or_else(|| {
        Diagnostic::error(code::G0409, format!("seed `{}` cannot be read", node.name))
    })
}

type Rows = Vec<Vec<Option<String>>>;

/// Header and rows; a row longer than the header is an error, a shorter one is filled with nulls.
fn read(path: &std::path::Path, node: &Node) -> Result<(Vec<String>, Rows)> {
    let file = crate::fs::read(path, &node.original_file_path)?;
    let text = file.text.trim_start_matches('\u{feff}');
    let delimiter = node
        .config
        .str("delimiter")
        .and_then(|d| d.bytes().next())
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(true)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|e| bad(&file, 1, format!("this is not a CSV file: {e}")))?;
    let names = distinct(header.iter().map(str::to_string).collect());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(1, |p| p.line() as usize);
            bad(&file, line, format!("this row cannot be read: {e}"))
        })?;
        let line = record.position().map_or(1, |p| p.line() as usize);
        let start = record.position().map_or(0, |p| p.byte() as usize);
        rows.extend(vec![vec![None; names.len()]; blank_lines(text, start)]);
        if record.len() > names.len() {
            return Err(bad(
                &file,
                line,
                format!(
                    "Row {} has {} values, but Table only has {} columns.",
                    rows.len(),
                    record.len(),
                    names.len()
                ),
            )
            .into());
        }
        let row = (0..names.len())
            .map(|i| record.get(i).filter(|c| !is_null(c)).map(str::to_string))
            .collect();
        rows.push(row);
    }
    let last = text.trim_end_matches(['\r', '\n']).len();
    let breaks = text[last..].matches('\n').count();
    rows.extend(vec![vec![None; names.len()]; breaks.saturating_sub(1)]);
    Ok((names, rows))
}

/// How many blank lines a text has from a byte on: to dbt each is a row without values.
fn blank_lines(text: &str, start: usize) -> usize {
    let mut rest = text.get(start..).unwrap_or_default();
    // The second half of the line end before.
    if text[..start.min(text.len())].ends_with('\r') {
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    let mut count = 0;
    while let Some(next) = rest
        .strip_prefix("\r\n")
        .or_else(|| rest.strip_prefix('\n'))
    {
        rest = next;
        count += 1;
    }
    count
}

fn bad(file: &std::sync::Arc<SourceFile>, line: usize, message: String) -> Diagnostic {
    Diagnostic::error(code::G0409, message)
        .heading("Runtime Error")
        .at(Place::line(file, line))
        .help(
            "quote cells that contain the delimiter, and give each row as many cells as the header",
        )
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

fn is_null(cell: &str) -> bool {
    cell.is_empty() || cell.trim().eq_ignore_ascii_case("null")
}

/// A number's text without currency signs, percent, thousands separators and blanks, if it is a number.
fn number(cell: &str) -> Option<String> {
    const SIGNS: &str = "%$£€¥,؋฿₴₡₫₲₭₱₨₩₪₮₦₺₸₽¢";
    let clean: String = cell
        .chars()
        .filter(|c| !c.is_whitespace() && !SIGNS.contains(*c))
        .collect();
    let body = clean.strip_prefix(['-', '+']).unwrap_or(&clean);
    let (mantissa, exponent) = body
        .split_once(['e', 'E'])
        .map_or((body, None), |(m, e)| (m, Some(e)));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let sound = digits(int) && digits(frac) && (!int.is_empty() || !frac.is_empty());
    let exponent_sound = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    (sound && exponent_sound).then_some(clean)
}

fn fits(cell: &str, kind: Kind) -> bool {
    use chrono::{NaiveDate, NaiveDateTime};
    let cell = cell.trim();
    match kind {
        Kind::Number => number(cell).is_some(),
        Kind::Date => NaiveDate::parse_from_str(cell, "%Y-%m-%d").is_ok(),
        Kind::DateTime => NaiveDateTime::parse_from_str(cell, "%Y-%m-%d %H:%M:%S").is_ok(),
        Kind::IsoDateTime => iso(cell).is_some(),
        Kind::Boolean => cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false"),
        Kind::Text => true,
    }
}

/// An ISO timestamp with `T`, perhaps with an offset, as PostgreSQL reads it.
fn iso(cell: &str) -> Option<String> {
    use chrono::{DateTime, NaiveDateTime};
    if !cell.contains('T') {
        return None;
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(t) = NaiveDateTime::parse_from_str(cell, format) {
            return Some(t.format("%Y-%m-%d %H:%M:%S%.f").to_string());
        }
    }
    DateTime::parse_from_rfc3339(cell)
        .ok()
        .map(|t| t.format("%Y-%m-%d %H:%M:%S%.f%:z").to_string())
}

fn kind_of(rows: &Rows, i: usize) -> Kind {
    let fits_all = |k: Kind| {
        rows.iter()
            .filter_map(|r| r[i].as_deref())
            .all(|c| fits(c, k))
    };
    ORDER
        .into_iter()
        .find(|k| fits_all(*k))
        .unwrap_or(Kind::Text)
}

/// Whether no value of a number column has a fraction.
fn whole(rows: &Rows, i: usize) -> bool {
    rows.iter()
        .filter_map(|r| r[i].as_deref())
        .filter_map(number)
        .all(|n| {
            n.parse::<rust_decimal::Decimal>().map_or_else(
                |_| n.parse::<f64>().is_ok_and(|x| x.fract() == 0.0),
                |d| d.is_integer(),
            )
        })
}

fn value(cell: Option<&str>, kind: Kind, integer: bool, verbatim: bool) -> Value {
    let Some(cell) = cell else {
        return Value::from(());
    };
    if verbatim {
        return Value::from(cell);
    }
    match kind {
        Kind::Number => {
            let text = number(cell).unwrap_or_default();
            if integer
                && let Some(i) = text
                    .parse::<i64>()
                    .ok()
                    .or_else(|| text.parse::<f64>().ok().map(|x| x as i64))
            {
                return Value::from(i);
            }
            crate::context::decimal(text.trim_start_matches('+'))
        }
        Kind::Date => crate::context::time(cell.trim()),
        Kind::DateTime => crate::context::time(cell.trim()),
        Kind::IsoDateTime => crate::context::time(&iso(cell.trim()).unwrap_or_default()),
        Kind::Boolean => Value::from(cell.trim().eq_ignore_ascii_case("true")),
        Kind::Text => Value::from(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str]) -> (Kind, bool) {
        let rows: Rows = cells
            .iter()
            .map(|c| vec![(!is_null(c)).then(|| (*c).to_string())])
            .collect();
        let kind = kind_of(&rows, 0);
        (kind, kind == Kind::Number && whole(&rows, 0))
    }

    /// As observed with dbt-core 1.10.
    #[test]
    fn types_are_dbts() {
        assert_eq!(column(&["1", "2", ""]), (Kind::Number, true));
        assert_eq!(column(&["1", "2.5"]), (Kind::Number, false));
        assert_eq!(column(&["1.0", "2"]), (Kind::Number, true));
        assert_eq!(column(&["$1,000", "5%"]), (Kind::Number, true));
        assert_eq!(column(&["007"]), (Kind::Number, true));
        assert_eq!(column(&["2024-01-02", "2024-1-1"]), (Kind::Date, false));
        assert_eq!(column(&["2024-01-02 03:04:05"]), (Kind::DateTime, false));
        assert_eq!(
            column(&["2024-01-02T03:04:05Z"]),
            (Kind::IsoDateTime, false)
        );
        assert_eq!(column(&["true", "FALSE", "null"]), (Kind::Boolean, false));
        assert_eq!(column(&["0", "1"]), (Kind::Number, true));
        assert_eq!(column(&["12:30"]), (Kind::Text, false));
        assert_eq!(column(&["", "null"]), (Kind::Number, true));
        assert_eq!(
            column(&["2024-01-02", "2024-01-02 03:04:05"]),
            (Kind::Text, false)
        );
    }

    #[test]
    fn header_names_are_made_distinct() {
        assert_eq!(
            distinct(vec!["a".into(), "a".into(), String::new()]),
            ["a", "a_2", "c"]
        );
    }
}
