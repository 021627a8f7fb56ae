//! `--log-format json`: dbt's envelope, one object a line, keys sorted, spaced as Python spaces it.
//!
//! Integrations (lineage collectors, orchestrators) read `info.name`, `info.code`, `data.node_info` and their like;
//! some of them search the text of the line, hence the spacing.
use super::Stamped;
use super::entry::Entry;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Map, Value, json};
use std::io;

/// The line of an entry, without a line break.
pub fn line(
    entry: &Entry,
    stamped: &Stamped,
    invocation_id: &str,
    extra: &Map<String, Value>,
) -> String {
    let mut info = json!({
        "category": "",
        "code": entry.event.code,
        "extra": extra,
        "invocation_id": invocation_id,
        "level": entry.level.as_str(),
        "msg": entry.bare.as_ref().unwrap_or(&entry.msg),
        "name": entry.event.name,
        "pid": std::process::id(),
        "thread": stamped.thread,
        "ts": utc(stamped.at),
    });
    let data = sorted(&Value::Object(entry.data.clone()));
    let mut envelope = Map::new();
    envelope.insert("data".to_string(), data);
    envelope.insert("info".to_string(), info.take());
    python(&Value::Object(envelope))
}

/// A time as dbt writes it: microseconds and `Z`.
pub fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A value with the keys of all its objects sorted.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            keys.into_iter()
                .map(|k| (k.clone(), sorted(&map[k])))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(sorted).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

/// A value as Python's `json.dumps` writes it: `", "`, `": "` and nothing but ASCII.
pub fn python(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Python);
    if value.serialize(&mut serializer).is_err() {
        return "null".to_string();
    }
    String::from_utf8(out).unwrap_or_default()
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        text: &str,
    ) -> io::Result<()> {
        if text.is_ascii() {
            return w.write_all(text.as_bytes());
        }
        for c in text.chars() {
            if c.is_ascii() {
                w.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(w, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::event::{Event, Level};
    use crate::report::names;

    #[test]
    fn the_envelope_is_dbts() {
        let stamped = Stamped {
            at: "2024-01-02T03:04:05.678901Z".parse().unwrap(),
            thread: "MainThread".to_string(),
            event: Event::NothingToDo,
        };
        let entry = Entry::new(names::STATS_LINE, Level::Info, "Done. é😀 \"x\"\n")
            .with("stats", json!({"warn": 1, "error": 0.5, "list": [1, 2]}));
        let text = line(&entry, &stamped, "some-id", &Map::new())
            .replace(&format!("\"pid\": {}", std::process::id()), "\"pid\": 1");
        insta::assert_snapshot!(text, @r#"{"data": {"stats": {"error": 0.5, "list": [1, 2], "warn": 1}}, "info": {"category": "", "code": "Z023", "extra": {}, "invocation_id": "some-id", "level": "info", "msg": "Done. \u00e9\ud83d\ude00 \"x\"\n", "name": "StatsLine", "pid": 1, "thread": "MainThread", "ts": "2024-01-02T03:04:05.678901Z"}}"#);
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["info"]["msg"], "Done. é😀 \"x\"\n");
    }
}
