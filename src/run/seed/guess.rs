//! The type of a seed's column, decided as dbt does (agate's rules), one cell after the other; and a cell's value.
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use minijinja::value::Value;

/// Types in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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

/// What is known of a column.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    possible: Vec<Kind>,
    /// Whether no number has a fraction.
    whole: bool,
    /// Whether a timestamp names its zone.
    zoned: bool,
    /// Declared by the project: text, taken as it is.
    pub(super) declared: bool,
}

impl Guess {
    pub(super) fn new(declared: bool) -> Self {
        Self {
            possible: if declared {
                vec![Kind::Text]
            } else {
                ORDER.to_vec()
            },
            whole: true,
            zoned: false,
            declared,
        }
    }

    /// Takes a cell into account.
    pub(super) fn see(&mut self, cell: &str) {
        if self.possible.len() == 1 {
            return;
        }
        self.possible.retain(|k| fits(cell, *k));
        match self.kind() {
            Kind::Number if self.whole => {
                let text = number(cell.trim()).unwrap_or_default();
                self.whole = is_whole(&text);
            }
            Kind::IsoDateTime => self.zoned |= iso(cell.trim()).is_some_and(|(_, zoned)| zoned),
            _ => {}
        }
    }

    /// The type, as far as is known now.
    pub(super) fn kind(&self) -> Kind {
        self.possible[0]
    }

    /// Whether the server must turn values into the zone of the session.
    pub(super) fn zoned(&self) -> bool {
        self.kind() == Kind::IsoDateTime && self.zoned
    }

    /// agate's name of the type.
    pub(super) fn name(&self) -> &'static str {
        match self.kind() {
            Kind::Number if self.whole => "Integer",
            Kind::Number => "Number",
            Kind::Date => "Date",
            Kind::DateTime => "DateTime",
            Kind::IsoDateTime => "ISODateTime",
            Kind::Boolean => "Boolean",
            Kind::Text => "Text",
        }
    }

    /// A cell as templates see it.
    pub(super) fn value(&self, cell: &str) -> Value {
        if self.declared {
            return Value::from(cell);
        }
        let trimmed = cell.trim();
        match self.kind() {
            Kind::Number => {
                let text = number(trimmed).unwrap_or_default();
                if self.whole
                    && let Some(i) = text
                        .parse::<i64>()
                        .ok()
                        .or_else(|| text.parse::<f64>().ok().map(|x| x as i64))
                {
                    return Value::from(i);
                }
                crate::context::decimal(text.trim_start_matches('+'))
            }
            Kind::Date | Kind::DateTime => crate::context::time(trimmed),
            Kind::IsoDateTime => {
                crate::context::time(&iso(trimmed).map(|(text, _)| text).unwrap_or_default())
            }
            Kind::Boolean => Value::from(trimmed.eq_ignore_ascii_case("true")),
            Kind::Text => Value::from(cell),
        }
    }

    /// A cell as PostgreSQL reads it, before escaping.
    pub(super) fn text(&self, cell: &str) -> String {
        let trimmed = cell.trim();
        match self.kind() {
            Kind::Number => {
                let text = number(trimmed).unwrap_or_default();
                if self.whole { whole_text(&text) } else { text }
            }
            Kind::Date => NaiveDate::parse_from_str(trimmed, "%Y-%m-%d")
                .map_or_else(|_| trimmed.into(), |d| d.to_string()),
            Kind::DateTime => NaiveDateTime::parse_from_str(trimmed, "%Y-%m-%d %H:%M:%S")
                .map_or_else(|_| trimmed.into(), |t| t.to_string()),
            Kind::IsoDateTime => iso(trimmed).map(|(text, _)| text).unwrap_or_default(),
            Kind::Boolean => trimmed.to_lowercase(),
            Kind::Text => cell.to_string(),
        }
    }
}

/// Nothing, blanks and the word `null` in any case are no value.
pub(super) fn is_null(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || cell.eq_ignore_ascii_case("null")
}

/// A number's text without currency signs, percent, separators and blanks, if it is a number.
fn number(cell: &str) -> Option<String> {
    const SIGNS: &str = "%$£€¥,_؋฿₴₡₫₲₭₱₨₩₪₮₦₺₸₽¢";
    if !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit()) {
        return Some(cell.to_string());
    }
    let clean: String = cell
        .chars()
        .filter(|c| !c.is_whitespace() && !SIGNS.contains(*c))
        .collect();
    let body = clean.strip_prefix(['-', '+']).unwrap_or(&clean);
    // As Python's decimals: a column of numbers may have places without one.
    if ["nan", "inf", "infinity"].contains(&body.to_ascii_lowercase().as_str()) {
        return Some(clean);
    }
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

fn plain_digits(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    body.bytes().all(|b| b.is_ascii_digit())
}

fn is_whole(text: &str) -> bool {
    plain_digits(text)
        || text.parse::<rust_decimal::Decimal>().map_or_else(
            |_| text.parse::<f64>().is_ok_and(|x| x.fract() == 0.0),
            |d| d.is_integer(),
        )
}

/// A whole number without point and exponent.
fn whole_text(text: &str) -> String {
    if plain_digits(text) {
        return text.to_string();
    }
    match text.parse::<rust_decimal::Decimal>() {
        Ok(d) => d.trunc().to_string(),
        Err(_) => text
            .parse::<f64>()
            .map_or_else(|_| text.into(), |x| format!("{x:.0}")),
    }
}

fn fits(cell: &str, kind: Kind) -> bool {
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

/// An ISO timestamp with `T`, as PostgreSQL reads it, and whether it has an offset.
fn iso(cell: &str) -> Option<(String, bool)> {
    if !cell.contains('T') {
        return None;
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(t) = NaiveDateTime::parse_from_str(cell, format) {
            return Some((t.format("%Y-%m-%d %H:%M:%S%.f").to_string(), false));
        }
    }
    DateTime::parse_from_rfc3339(cell)
        .ok()
        .map(|t| (t.format("%Y-%m-%d %H:%M:%S%.f%:z").to_string(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str]) -> (Kind, bool) {
        let mut guess = Guess::new(false);
        cells
            .iter()
            .filter(|c| !is_null(c))
            .for_each(|c| guess.see(c));
        (guess.kind(), guess.kind() == Kind::Number && guess.whole)
    }

    /// As observed with dbt-core 1.10.
    #[test]
    fn types_are_dbts() {
        assert_eq!(column(&["1", "2", ""]), (Kind::Number, true));
        assert_eq!(column(&["1", "2.5"]), (Kind::Number, false));
        assert_eq!(column(&["1.0", "2"]), (Kind::Number, true));
        assert_eq!(column(&["1.5", "2"]), (Kind::Number, false));
        assert_eq!(column(&["$1,000", "5%", "1_000"]), (Kind::Number, true));
        assert_eq!(column(&["007"]), (Kind::Number, true));
        assert_eq!(column(&["2024-01-02", "2024-1-1"]), (Kind::Date, false));
        assert_eq!(column(&["2024-01-02 03:04:05"]), (Kind::DateTime, false));
        assert_eq!(
            column(&["2024-01-02T03:04:05Z"]),
            (Kind::IsoDateTime, false)
        );
        assert_eq!(column(&["true", "FALSE", "null"]), (Kind::Boolean, false));
        assert_eq!(column(&["0", "1"]), (Kind::Number, true));
        assert_eq!(column(&["1", "NaN", "-inf"]), (Kind::Number, false));
        assert_eq!(column(&["nancy", "nan"]), (Kind::Text, false));
        assert_eq!(column(&["12:30"]), (Kind::Text, false));
        assert_eq!(column(&["", "null", "  "]), (Kind::Number, true));
        assert_eq!(
            column(&["2024-01-02", "2024-01-02 03:04:05"]),
            (Kind::Text, false)
        );
    }

    #[test]
    fn cells_are_written_as_the_server_reads_them() {
        let text = |cells: &[&str]| {
            let mut guess = Guess::new(false);
            cells.iter().for_each(|c| guess.see(c));
            guess.text(cells[0])
        };
        assert_eq!(text(&["1e5"]), "100000");
        assert_eq!(text(&["$1,000.00"]), "1000");
        assert_eq!(text(&["12345678901234567890"]), "12345678901234567890");
        assert_eq!(text(&[" 1.50", "2"]), "1.50");
        assert_eq!(text(&["2024-1-3"]), "2024-01-03");
        assert_eq!(text(&["2024-01-02 3:4:5"]), "2024-01-02 03:04:05");
        assert_eq!(text(&[" True "]), "true");
    }
}
