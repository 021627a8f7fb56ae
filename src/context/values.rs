//! Python objects for what the database and CSV files give: decimals, dates, timestamps.
use crate::jinja::modules;
use crate::jinja::python::Decimal;
use crate::pg::Cell;
use chrono::{DateTime, Utc};
use minijinja::value::Value;

/// A decimal number; text that is none stays text.
pub(crate) fn decimal(text: &str) -> Value {
    match text
        .parse::<rust_decimal::Decimal>()
        .or_else(|_| rust_decimal::Decimal::from_scientific(text))
    {
        Ok(number) => Decimal::value(number),
        Err(_) => text
            .parse::<f64>()
            .map_or_else(|_| Value::from(text), Value::from),
    }
}

/// A date or timestamp in ISO form.
pub(crate) fn time(text: &str) -> Value {
    modules::time_value(text).unwrap_or_else(|| Value::from(text))
}

/// A moment, aware of UTC.
pub(crate) fn moment(at: &DateTime<Utc>) -> Value {
    time(&at.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string())
}

/// A moment in whole seconds, aware of UTC.
pub(crate) fn moment_plain(at: &DateTime<Utc>) -> Value {
    time(&at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

/// A cell as Python would hold it.
pub(crate) fn cell(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::from(()),
        Cell::Bool(b) => Value::from(*b),
        Cell::Int(i) => Value::from(*i),
        Cell::Decimal(text) => decimal(text),
        Cell::Date(_) | Cell::Timestamp(_) | Cell::TimestampTz(_) => {
            let text = cell.text().unwrap_or_default();
            modules::time_value(&text).unwrap_or_else(|| Value::from(text))
        }
        other => Value::from(other.text().unwrap_or_default()),
    }
}
