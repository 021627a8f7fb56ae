//! Python objects for what the database and CSV files give: decimals, dates, timestamps.
use crate::jinja::modules;
use crate::jinja::python::json::{self, from_json};
use crate::jinja::python::{self, Decimal};
use crate::pg::Cell;
use chrono::{DateTime, Timelike, Utc};
use minijinja::value::Value;
use serde_json::Value as Json;

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
        Cell::Array(items) => dumped(&Value::from_iter(items.iter().map(in_array)), cell),
        Cell::Json(text) => match serde_json::from_str(text) {
            Ok(json @ (Json::Array(_) | Json::Object(_))) => dumped(&from_json(&json), cell),
            Ok(json) => from_json(&json),
            Err(_) => Value::from(text.as_str()),
        },
        other => Value::from(other.text().unwrap_or_default()),
    }
}

/// Arrays and documents stand in tables as dbt has them: the text that Python's `json.dumps` gives for what the driver
/// makes of them.
fn dumped(value: &Value, cell: &Cell) -> Value {
    json::dumps(value, false, None)
        .unwrap_or_else(|_| cell.text().unwrap_or_default())
        .into()
}

/// A value in an array: numbers with a fraction are floats there, dates and times ISO texts.
fn in_array(cell: &Cell) -> Value {
    let seconds = |nanos: u32| {
        if nanos == 0 {
            "%H:%M:%S"
        } else {
            "%H:%M:%S%.6f"
        }
    };
    match cell {
        Cell::Decimal(text) => text
            .parse::<f64>()
            .map_or_else(|_| text.as_str().into(), Value::from),
        Cell::Timestamp(t) => {
            let format = format!("%Y-%m-%dT{}", seconds(t.nanosecond()));
            t.format(&format).to_string().into()
        }
        Cell::TimestampTz(t) => {
            let format = format!("%Y-%m-%dT{}%:z", seconds(t.nanosecond()));
            t.format(&format).to_string().into()
        }
        Cell::Date(d) => d.to_string().into(),
        Cell::Array(items) => items.iter().map(in_array).collect(),
        other => self::cell(other),
    }
}

pub(super) fn get_text(value: &Value, key: &str) -> Option<String> {
    value
        .get_item(&Value::from(key))
        .ok()
        .filter(|v| !v.is_none() && !v.is_undefined())
        .map(|v| python::str_of(&v))
}

pub(super) fn get_list(value: &Value, key: &str) -> Vec<Value> {
    value
        .get_item(&Value::from(key))
        .ok()
        .and_then(|v| python::iterate(&v).ok())
        .unwrap_or_default()
}
