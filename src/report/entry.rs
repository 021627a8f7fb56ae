//! One line of the report, before it is decided whether it becomes text or JSON.
use super::event::{DbtEvent, Level};
use serde_json::{Map, Value};

/// One line with everything that any of the views needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// dbt's name and code for it.
    pub event: DbtEvent,
    /// How important it is.
    pub level: Level,
    /// What a person reads; may have several lines and colour codes.
    pub msg: String,
    /// The message of JSON lines, where it is not the person's: dbt's words, without source lines.
    pub bare: Option<String>,
    /// What a tool reads, `node_info` included.
    pub data: Map<String, Value>,
    /// Whether it is an answer: no time before it, and shown at any level.
    pub answer: bool,
}

impl Entry {
    /// A line with no data.
    pub fn new(event: DbtEvent, level: Level, msg: impl Into<String>) -> Self {
        Self {
            event,
            level,
            msg: msg.into(),
            bare: None,
            data: Map::new(),
            answer: false,
        }
    }

    /// A line whose data is its message.
    pub fn said(event: DbtEvent, level: Level, msg: impl Into<String>) -> Self {
        let msg = msg.into();
        Self::new(event, level, msg.clone()).with("msg", msg)
    }

    /// With a field of data.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key.to_string(), value.into());
        self
    }

    /// With fields of data.
    pub fn with_all(mut self, fields: Map<String, Value>) -> Self {
        self.data.extend(fields);
        self
    }

    /// As an answer.
    pub fn answer(mut self) -> Self {
        self.answer = true;
        self
    }
}
