//! JSON in both directions, and `json.dumps` to the letter.
use super::error::{type_error, value_error};
use super::{Dict, List, is_plain_map, iterate, ops, str_of, type_name};
use crate::jinja::modules;
use crate::yaml::python_float;
use minijinja::Error;
use minijinja::value::{Value, ValueKind};
use serde_json::Value as Json;

/// A JSON value as a template value: arrays become lists, objects dicts, both mutable.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(*b),
        Json::Number(n) => n
            .as_i64()
            .map(Value::from)
            .or_else(|| n.as_u64().map(Value::from))
            .unwrap_or_else(|| Value::from(n.as_f64().unwrap_or(f64::NAN))),
        Json::String(s) => Value::from(s.as_str()),
        Json::Array(items) => List::value(items.iter().map(from_json).collect()),
        Json::Object(map) => Dict::value(
            map.iter()
                .map(|(k, v)| (Value::from(k.as_str()), from_json(v)))
                .collect(),
        ),
    }
}

/// A template value as JSON: tuples and sets become arrays, keys text, and what JSON cannot say its `str`.
/// Undefined becomes null. A float without a JSON form (NaN, infinity) becomes null.
pub fn to_json(value: &Value) -> Json {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => i64::try_from(value.clone())
            .map(Json::from)
            .or_else(|_| u64::try_from(value.clone()).map(Json::from))
            .unwrap_or_else(|_| Json::String(value.to_string())),
        ValueKind::Number => f64::try_from(value.clone())
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map_or(Json::Null, Json::Number),
        ValueKind::Seq | ValueKind::Iterable => Json::Array(
            value
                .try_iter()
                .map(|items| items.map(|v| to_json(&v)).collect())
                .unwrap_or_default(),
        ),
        ValueKind::Map if is_plain_map(value) => Json::Object(
            ops::pairs_of(value)
                .unwrap_or_default()
                .into_iter()
                .map(|(k, v)| (key_text(&k), to_json(&v)))
                .collect(),
        ),
        // In artefacts a moment stands in ISO form.
        _ if modules::is_moment(value) => Json::String(str_of(value).replacen(' ', "T", 1)),
        _ => Json::String(str_of(value)),
    }
}

/// The text of a key as `json.dumps` writes it.
fn key_text(key: &Value) -> String {
    match key.kind() {
        ValueKind::None => "null".into(),
        ValueKind::Bool => if key.is_true() { "true" } else { "false" }.into(),
        _ => str_of(key),
    }
}

/// `json.dumps(value, sort_keys=…)`: `", "` and `": "` between, ASCII only.
pub fn dumps(value: &Value, sort_keys: bool, indent: Option<usize>) -> Result<String, Error> {
    let mut out = String::new();
    Writer {
        sort_keys,
        indent,
        depth: 0,
    }
    .write(&mut out, value)?;
    Ok(out)
}

struct Writer {
    sort_keys: bool,
    indent: Option<usize>,
    depth: usize,
}

impl Writer {
    fn write(&mut self, out: &mut String, value: &Value) -> Result<(), Error> {
        if self.depth > 500 {
            return Err(value_error("Circular reference detected"));
        }
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number if value.is_integer() => out.push_str(&value.to_string()),
            ValueKind::Number => {
                let x = f64::try_from(value.clone()).unwrap_or(f64::NAN);
                out.push_str(&match x {
                    x if x.is_nan() => "NaN".into(),
                    x if x.is_infinite() => if x > 0.0 { "Infinity" } else { "-Infinity" }.into(),
                    x => python_float(x),
                });
            }
            ValueKind::String => write_string(out, value.as_str().unwrap_or_default()),
            ValueKind::Map if is_plain_map(value) => self.write_map(out, value)?,
            ValueKind::Seq | ValueKind::Iterable
                if !matches!(type_name(value).as_str(), "set" | "range") =>
            {
                let items = iterate(value)?;
                self.write_all(out, '[', ']', items.len(), |me, out, i| {
                    me.write(out, &items[i])
                })?;
            }
            _ => {
                return Err(type_error(format!(
                    "Object of type {} is not JSON serializable",
                    type_name(value).rsplit('.').next().unwrap_or_default()
                )));
            }
        }
        Ok(())
    }

    fn write_map(&mut self, out: &mut String, value: &Value) -> Result<(), Error> {
        let mut pairs = ops::pairs_of(value)?;
        for (key, _) in &pairs {
            if !matches!(
                key.kind(),
                ValueKind::String | ValueKind::Number | ValueKind::Bool | ValueKind::None
            ) {
                return Err(type_error(format!(
                    "keys must be str, int, float, bool or None, not {}",
                    type_name(key)
                )));
            }
        }
        if self.sort_keys {
            ops::sort_by_key(&mut pairs, false)?;
        }
        self.write_all(out, '{', '}', pairs.len(), |me, out, i| {
            let (key, value) = &pairs[i];
            write_string(out, &key_text(key));
            out.push_str(": ");
            me.write(out, value)
        })
    }

    fn write_all(
        &mut self,
        out: &mut String,
        open: char,
        close: char,
        len: usize,
        mut item: impl FnMut(&mut Self, &mut String, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push(open);
        self.depth += 1;
        for i in 0..len {
            if i > 0 {
                out.push(',');
            }
            match self.indent {
                Some(n) => out.push_str(&format!("\n{}", " ".repeat(n * self.depth))),
                None if i > 0 => out.push(' '),
                None => {}
            }
            item(self, out, i)?;
        }
        self.depth -= 1;
        if let (Some(n), true) = (self.indent, len > 0) {
            out.push_str(&format!("\n{}", " ".repeat(n * self.depth)));
        }
        out.push(close);
        Ok(())
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// `json.loads(text)`; NaN and infinities, which Python also reads, are errors here.
pub fn loads(text: &str) -> Result<Value, Error> {
    serde_json::from_str::<Json>(text)
        .map(|json| from_json(&json))
        .map_err(|e| value_error(e.to_string()))
}
