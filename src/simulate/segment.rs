//! Texts and JSON values that outlive a row: those of the files, and those of the tables held in memory. What
//! expressions and COPY do with them again and again is prepared here.

use super::alias::Shares;
use super::calendar;
use super::distribution::Truncated;
use serde_json::Value as Json;
use std::collections::HashMap;

/// Texts and JSON values that outlive a row.
#[derive(Debug, Default)]
pub struct Segment {
    /// Texts, each once.
    pub texts: Vec<Box<str>>,
    /// JSON values.
    pub json: Vec<JsonNode>,
    known: HashMap<Box<str>, u32>,
    /// The first texts as COPY takes them.
    pub(super) fields: Vec<Field>,
}

/// Texts of a segment that are kept as COPY takes them: those of files and small tables, whose few texts are in most
/// rows.
const FIELDS: usize = 1024;

/// A short text as COPY takes it: its length, then its bytes; filled up to a size that is quickly copied.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    bytes: [u8; Self::SIZE],
    /// How many bytes count; none where the text is too long.
    length: u8,
}

impl Field {
    const SIZE: usize = 32;

    fn new(text: &str) -> Self {
        let mut bytes = [0; Self::SIZE];
        let length = 4 + text.len();
        if length <= Self::SIZE {
            bytes[..4].copy_from_slice(&(text.len() as u32).to_be_bytes());
            bytes[4..length].copy_from_slice(text.as_bytes());
        }
        Self {
            bytes,
            length: if length <= Self::SIZE {
                length as u8
            } else {
                0
            },
        }
    }

    /// Appends it; says whether it could.
    #[inline]
    pub fn append(&self, out: &mut Vec<u8>) -> bool {
        let end = out.len() + usize::from(self.length);
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
        self.length > 0
    }
}

/// A JSON value, prepared for what expressions do with it.
#[derive(Debug)]
pub struct JsonNode {
    /// Its form.
    pub kind: JsonKind,
    /// As text.
    pub text: Box<str>,
    /// As `{mean, std, min, max}`.
    pub distribution: Option<Truncated>,
    /// As a list of `{start, end, weight}`.
    pub windows: Option<DayWindows>,
    /// As an object of weights: shares, and the keys as text indexes.
    pub shares: Option<(Shares, Box<[u32]>)>,
}

/// The forms of JSON values; numbers index nodes or texts of the same segment.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonKind {
    /// null
    Null,
    /// true, false
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(u32),
    /// A list.
    List(Box<[u32]>),
    /// An object.
    Object(Box<[(u32, u32)]>),
}

/// Windows of a day, ready for drawing: shares, and start and length in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct DayWindows {
    /// How likely each is.
    pub shares: Shares,
    /// Start and length of each in seconds.
    pub spans: Box<[(i64, i64)]>,
}

impl DayWindows {
    /// From a list of `{start, end, weight}`; an end at or before the start is on the next day.
    ///
    /// # Errors
    /// A sentence about the entry that is not of that form.
    pub fn from_json(value: &Json) -> Result<Self, String> {
        let list = value
            .as_array()
            .filter(|l| !l.is_empty())
            .ok_or("windows must be a list of {start, end, weight}")?;
        let (mut spans, mut weights) = (Vec::new(), Vec::new());
        for entry in list {
            let time = |key: &str| -> Result<i64, String> {
                let found = match entry.get(key) {
                    Some(Json::String(t)) => calendar::parse_time(t),
                    // YAML 1.1 reads a bare 16:00 as the number 960: minutes.
                    Some(Json::Number(n)) => n
                        .as_i64()
                        .filter(|m| (0..=1440).contains(m))
                        .map(|m| m * calendar::MINUTE),
                    _ => None,
                };
                found.map(|t| t / calendar::SECOND).ok_or_else(|| {
                    format!("`{key}` of window {entry} must be a time like \"07:30\"")
                })
            };
            let (start, end) = (time("start")?, time("end")?);
            let length = if end <= start {
                end + 86_400 - start
            } else {
                end - start
            };
            spans.push((start, length));
            weights.push(match entry.get("weight") {
                None => 1.0,
                Some(w) => w
                    .as_f64()
                    .ok_or_else(|| format!("`weight` of window {entry} must be a number"))?,
            });
        }
        let shares = Shares::new(&weights).ok_or("the weights of the windows sum to nothing")?;
        Ok(Self {
            shares,
            spans: spans.into(),
        })
    }
}

impl Segment {
    /// The index of a text, added if new.
    pub fn text(&mut self, text: &str) -> u32 {
        if let Some(i) = self.known.get(text) {
            return *i;
        }
        let i = self.texts.len() as u32;
        self.texts.push(text.into());
        if self.fields.len() < FIELDS {
            self.fields.push(Field::new(text));
        }
        self.known.insert(text.into(), i);
        i
    }

    /// Adds a JSON value and all within it.
    pub fn add_json(&mut self, value: &Json) -> u32 {
        let kind = match value {
            Json::Null => JsonKind::Null,
            Json::Bool(b) => JsonKind::Bool(*b),
            Json::Number(n) => JsonKind::Number(n.as_f64().unwrap_or(0.0)),
            Json::String(t) => JsonKind::Text(self.text(t)),
            Json::Array(items) => JsonKind::List(items.iter().map(|i| self.add_json(i)).collect()),
            Json::Object(entries) => JsonKind::Object(
                entries
                    .iter()
                    .map(|(k, v)| (self.text(k), self.add_json(v)))
                    .collect(),
            ),
        };
        let shares = match (&kind, value) {
            (JsonKind::Object(keys), Json::Object(entries)) => {
                let weights: Option<Vec<f64>> = entries.values().map(Json::as_f64).collect();
                weights
                    .and_then(|w| Shares::new(&w))
                    .map(|s| (s, keys.iter().map(|k| k.0).collect()))
            }
            _ => None,
        };
        let number = |key: &str| value.get(key).and_then(Json::as_f64);
        let distribution = number("mean").map(|mean| {
            let sd = number("std").or_else(|| number("sd")).unwrap_or(0.0);
            Truncated::new(
                mean,
                sd,
                number("min").unwrap_or(f64::NEG_INFINITY),
                number("max").unwrap_or(f64::INFINITY),
            )
        });
        let windows = value
            .is_array()
            .then(|| DayWindows::from_json(value).ok())
            .flatten();
        self.json.push(JsonNode {
            kind,
            text: value.to_string().into(),
            distribution,
            windows,
            shares,
        });
        self.json.len() as u32 - 1
    }
}
