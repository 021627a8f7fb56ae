//! Values of a result: from the server's text and the column's type to a typed value, and back to the same text.
use super::types::{self, ColumnInfo};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use std::fmt::Write as _;

/// One value. What a variant cannot hold exactly (`infinity`, dates before Christ, `24:00`) stays `Text`.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// boolean.
    Bool(bool),
    /// smallint, integer, bigint, oid.
    Int(i64),
    /// numeric and the floating types: the server's digits, unchanged (`1.50`, `NaN`, `1e+20`).
    Decimal(String),
    /// date.
    Date(NaiveDate),
    /// time without time zone.
    Time(NaiveTime),
    /// timestamp without time zone.
    Timestamp(NaiveDateTime),
    /// timestamp with time zone, in the session's zone.
    TimestampTz(DateTime<FixedOffset>),
    /// interval, in the server's words (`1 mon 2 days 03:00:00`).
    Interval(String),
    /// json and jsonb, the server's text.
    Json(String),
    /// Arrays of the types that psycopg2 turns into lists.
    Array(Vec<Cell>),
    /// Everything else, as the server writes it.
    Text(String),
}

impl Cell {
    /// Reads the server's text for a value of this type.
    pub fn parse(oid: u32, text: Option<&str>) -> Self {
        let Some(text) = text else {
            return Self::Null;
        };
        typed(oid, text).unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As the server writes it; none for NULL.
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(b) => if *b { "t" } else { "f" }.to_owned(),
            Self::Int(i) => i.to_string(),
            Self::Date(d) => d.to_string(),
            Self::Time(t) => clock(*t),
            Self::Timestamp(t) => format!("{} {}", t.date(), clock(t.time())),
            Self::TimestampTz(t) => {
                format!(
                    "{} {}{}",
                    t.date_naive(),
                    clock(t.time()),
                    zone(t.offset().local_minus_utc())
                )
            }
            Self::Array(items) => array_text(items),
            Self::Decimal(s) | Self::Interval(s) | Self::Json(s) | Self::Text(s) => s.clone(),
        })
    }

    /// A whole number, also one that the server sent as a numeric without a fraction.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Decimal(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// Text of any textual value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(s) | Self::Json(s) | Self::Interval(s) | Self::Decimal(s) => Some(s),
            _ => None,
        }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }
}

fn typed(oid: u32, text: &str) -> Option<Cell> {
    Some(match oid {
        16 => Cell::Bool(match text {
            "t" => true,
            "f" => false,
            _ => return None,
        }),
        20 | 21 | 23 | 26 => Cell::Int(text.parse().ok()?),
        // Drivers in Python read these as floats, whose text always has a point or an exponent.
        700 | 701 if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
            Cell::Decimal(format!("{text}.0"))
        }
        700 | 701 | 1700 => Cell::Decimal(text.to_owned()),
        114 | 3802 => Cell::Json(text.to_owned()),
        1082 => Cell::Date(date(text)?),
        1083 => Cell::Time(time(text)?),
        1114 => {
            let (d, t) = text.split_once(' ')?;
            Cell::Timestamp(date(d)?.and_time(time(t)?))
        }
        1184 => Cell::TimestampTz(moment(text)?),
        1186 => Cell::Interval(text.to_owned()),
        _ => Cell::Array(array(types::element(oid)?, text)?),
    })
}

/// `2026-01-31`, four digits of year: more, or ` BC`, is not for this type.
fn date(text: &str) -> Option<NaiveDate> {
    (text.len() == 10)
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

fn time(text: &str) -> Option<NaiveTime> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
    let leap = text.get(6..8) == Some("60");
    (plain && !leap)
        .then(|| NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok())
        .flatten()
}

fn moment(text: &str) -> Option<DateTime<FixedOffset>> {
    let (d, rest) = text.split_once(' ')?;
    let sign = rest.rfind(['+', '-'])?;
    let (t, offset) = rest.split_at(sign);
    let mut parts = offset[1..].split(':').map(|p| p.parse::<i32>().ok());
    let mut seconds = 0;
    for unit in [3600, 60, 1] {
        if let Some(part) = parts.next() {
            seconds += part? * unit;
        }
    }
    if offset.starts_with('-') {
        seconds = -seconds;
    }
    let zone = FixedOffset::east_opt(seconds)?;
    date(d)?
        .and_time(time(t)?)
        .and_local_timezone(zone)
        .single()
}

/// The server's form: no trailing zeros in the fraction.
fn clock(t: NaiveTime) -> String {
    let text = t.format("%H:%M:%S%.6f").to_string();
    match text.strip_suffix(".000000") {
        Some(whole) => whole.to_owned(),
        None => text.trim_end_matches('0').to_owned(),
    }
}

/// `+02`, `-03:30`, `+01:02:03`.
fn zone(seconds: i32) -> String {
    let all = seconds.unsigned_abs();
    let (h, m, s) = (all / 3600, all / 60 % 60, all % 60);
    let mut text = format!("{}{h:02}", if seconds < 0 { '-' } else { '+' });
    if m + s > 0 {
        let _ = write!(text, ":{m:02}");
    }
    if s > 0 {
        let _ = write!(text, ":{s:02}");
    }
    text
}

/// An array literal (manual, "Array Input and Output Syntax"); a leading `[1:2]=` gives the bounds, which no list keeps.
fn array(element: u32, text: &str) -> Option<Vec<Cell>> {
    let start = text.find('{')?;
    if start > 0 && !(text.starts_with('[') && text[..start].ends_with('=')) {
        return None;
    }
    let mut rest = text[start..].chars().peekable();
    let items = array_items(element, &mut rest)?;
    rest.next().is_none().then_some(items)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn array_items(element: u32, rest: &mut Chars<'_>) -> Option<Vec<Cell>> {
    rest.next_if_eq(&'{')?;
    let mut items = Vec::new();
    if rest.next_if_eq(&'}').is_some() {
        return Some(items);
    }
    loop {
        items.push(match rest.peek()? {
            '{' => Cell::Array(array_items(element, rest)?),
            '"' => Cell::parse(element, Some(&quoted(rest)?)),
            _ => {
                let mut word = String::new();
                while let Some(c) = rest.next_if(|c| !matches!(c, ',' | '}')) {
                    word.push(c);
                }
                Cell::parse(element, (word != "NULL").then_some(&word))
            }
        });
        match rest.next()? {
            ',' => {}
            '}' => return Some(items),
            _ => return None,
        }
    }
}

fn quoted(rest: &mut Chars<'_>) -> Option<String> {
    rest.next();
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => text.push(rest.next()?),
            c => text.push(c),
        }
    }
}

fn array_text(items: &[Cell]) -> String {
    let parts: Vec<String> = items
        .iter()
        .map(|item| match item {
            Cell::Array(_) => item.text().unwrap_or_default(),
            _ => match item.text() {
                None => "NULL".to_owned(),
                Some(t) if needs_quotes(&t) => {
                    format!("\"{}\"", t.replace('\\', "\\\\").replace('"', "\\\""))
                }
                Some(t) => t,
            },
        })
        .collect();
    format!("{{{}}}", parts.join(","))
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty()
        || text.eq_ignore_ascii_case("null")
        || text.chars().any(|c| {
            matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_ascii_whitespace() || c == '\x0b'
        })
}

/// Rows of a statement that gives rows; empty for one that does not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Columns in order; names may repeat.
    pub columns: Vec<ColumnInfo>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// Command tag of the last statement (`SELECT 10`).
    pub tag: String,
}

impl Table {
    /// The first value of the first row.
    pub fn scalar(&self) -> Option<&Cell> {
        self.rows.first()?.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_keep_the_servers_text() {
        for (oid, text) in [
            (16, "t"),
            (20, "-9223372036854775808"),
            (1700, "1.50"),
            (701, "1e+20"),
            (1082, "2026-01-31"),
            (1082, "infinity"),
            (1082, "0044-03-15 BC"),
            (1083, "23:59:59.5"),
            (1083, "24:00:00"),
            (1114, "2026-01-31 00:00:00"),
            (1114, "10000-01-01 00:00:00"),
            (1184, "2026-01-31 00:00:00.000001+02"),
            (1184, "1900-01-01 00:00:00-03:30"),
            (1184, "1880-01-01 00:00:00+00:53:28"),
            (1186, "1 mon -00:00:01"),
            (1007, "{1,NULL,{2,3}}"),
            (1009, r#"{a,"b \"c\\",NULL,"NULL","",{}}"#),
            (1185, r#"{"2026-01-31 00:00:00+00"}"#),
            (3802, r#"{"a": 1}"#),
            (2950, "b1f8"),
        ] {
            let cell = Cell::parse(oid, Some(text));
            assert_eq!(cell.text().as_deref(), Some(text), "{cell:?}");
        }
        assert_eq!(
            Cell::parse(1007, Some("[2:3]={1,2}")).text().as_deref(),
            Some("{1,2}")
        );
        assert_eq!(Cell::parse(23, None), Cell::Null);
        assert!(matches!(Cell::parse(1082, Some("infinity")), Cell::Text(_)));
        assert_eq!(Cell::parse(1700, Some("3")).as_int(), Some(3));
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_something(oid in prop::sample::select(vec![16u32,20,1082,1083,1114,1184,1007,1009]), text in "\\PC{0,30}") {
            let _ = Cell::parse(oid, Some(&text)).text();
        }

        #[test]
        fn arrays_of_text_round_trip(items in proptest::collection::vec("\\PC{0,8}", 0..6)) {
            let cell = Cell::Array(items.into_iter().map(Cell::Text).collect());
            let text = cell.text().unwrap();
            prop_assert_eq!(Cell::parse(1009, Some(&text)), cell);
        }
    }
}
