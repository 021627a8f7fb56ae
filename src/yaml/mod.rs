//! YAML as dbt's users know it (YAML 1.1, as PyYAML's safe loader reads it), with the place of every word.
//!
//! In: a source file. Out: a tree of [`Node`]s. This is the only module that knows the YAML parser.
//! Rules from YAML 1.1 that 1.2 readers lack: `yes/no/on/off` are booleans, `010` is 8, `12:30` is 750,
//! dates are dates, merge keys `<<` are merged, and of duplicate keys the last one wins.
mod load;
mod python;
mod resolve;

pub use load::{load, load_all};
pub use python::{python_repr, python_str, repr_str};

use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::text::{Place, SourceFile, nearest};
use std::ops::Range;
use std::sync::Arc;

/// A value of a YAML file and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub kind: Kind,
    /// Bytes in the file.
    pub span: Range<usize>,
}

/// The values that YAML knows.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on`, …
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// A date or a timestamp, in ISO form.
    Time(String),
    /// Text.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in the order written, each key once.
    Map(Vec<(Node, Node)>),
}

/// A file's YAML document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The top value; `Null` for an empty file.
    pub root: Node,
    /// What the reader noticed (duplicate keys).
    pub warnings: Vec<Diagnostic>,
}

impl Document {
    /// The place of a node of this document.
    pub fn place(&self, node: &Node) -> Place {
        Place::new(&self.file, node.span.clone())
    }
}

impl Node {
    /// A value without a place.
    pub fn bare(kind: Kind) -> Self {
        Self { kind, span: 0..0 }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The text of any scalar as Python's `str` would give it; `None` for lists and mappings.
    pub fn scalar_text(&self) -> Option<String> {
        Some(match &self.kind {
            Kind::Null => "None".into(),
            Kind::Bool(b) => if *b { "True" } else { "False" }.into(),
            Kind::Int(i) => i.to_string(),
            Kind::Float(x) => python_float(*x),
            Kind::Time(s) | Kind::Str(s) => s.clone(),
            Kind::Seq(_) | Kind::Map(_) => return None,
        })
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self.kind {
            Kind::Int(i) => Some(i),
            _ => None,
        }
    }

    /// The number, whole or not.
    pub fn as_number(&self) -> Option<f64> {
        match self.kind {
            Kind::Int(i) => Some(i as f64),
            Kind::Float(x) => Some(x),
            _ => None,
        }
    }

    /// The list's items; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::Seq(items) => items,
            _ => &[],
        }
    }

    /// The mapping's entries; none for anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Whether it is a mapping.
    pub fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    /// Whether it is a list.
    pub fn is_seq(&self) -> bool {
        matches!(self.kind, Kind::Seq(_))
    }

    /// The value of a text key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, v)| v)
    }

    /// Key and value of a text key of a mapping.
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.entries().iter().find(|(k, _)| k.as_str() == Some(key))
    }

    /// What a person would call its type.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Int(_) => "an integer",
            Kind::Float(_) => "a number",
            Kind::Time(_) => "a date",
            Kind::Str(_) => "text",
            Kind::Seq(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The value as JSON; keys that are not text become their Python text, dates ISO text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as J;
        match &self.kind {
            Kind::Null => J::Null,
            Kind::Bool(b) => J::Bool(*b),
            Kind::Int(i) => J::from(*i),
            Kind::Float(x) => serde_json::Number::from_f64(*x).map_or(J::Null, J::Number),
            Kind::Time(s) | Kind::Str(s) => J::String(s.clone()),
            Kind::Seq(items) => J::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => J::Object(
                entries
                    .iter()
                    .map(|(k, v)| (k.scalar_text().unwrap_or_default(), v.to_json()))
                    .collect(),
            ),
        }
    }
}

/// A float as Python prints it: always with a point or an exponent.
pub fn python_float(x: f64) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.into();
    }
    let magnitude = x.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, number) = exponent
            .strip_prefix('-')
            .map_or(("+", exponent), |n| ("-", n));
        return format!("{digits}e{sign}{number:0>2}");
    }
    let text = format!("{x}");
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

/// Reports each key of a mapping that is not among `known`, naming the nearest known one.
pub fn unknown_keys(
    file: &Arc<SourceFile>,
    map: &Node,
    known: &[&str],
    what: &str,
) -> Vec<Diagnostic> {
    map.entries()
        .iter()
        .filter(|(k, _)| k.as_str().is_none_or(|k| !known.contains(&k)))
        .map(|(k, _)| {
            let name = k.scalar_text().unwrap_or_else(|| k.type_name().to_string());
            let d = Diagnostic::error(code::Y0204, format!("{what}: unknown key `{name}`"))
                .at(Place::new(file, k.span.clone()));
            match nearest(&name, known.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("known keys: {}", known.join(", "))),
            }
        })
        .collect()
}

/// An error that a value is of the wrong type.
pub fn wrong_type(file: &Arc<SourceFile>, node: &Node, what: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error(
        code::Y0203,
        format!("{what} must be {wanted}, not {}", node.type_name()),
    )
    .at(Place::new(file, node.span.clone()))
}

/// Reads a document that must be a mapping.
pub fn load_map(file: &Arc<SourceFile>) -> Result<Document> {
    let doc = load(file)?;
    if doc.root.is_map() || doc.root.is_null() {
        Ok(doc)
    } else {
        let d = wrong_type(file, &doc.root, "the file", "a mapping of keys to values");
        Err(Stopped::from(
            d.help("write lines of the form `key: value`"),
        ))
    }
}

/// YAML text of a serialisable value, block style, with a line break at its end.
pub fn write<T: serde::Serialize>(value: &T) -> String {
    serde_saphyr::to_string(value).unwrap_or_default()
}

/// Reads YAML text that stands in no file (`--vars`, `--args`).
pub fn load_text(name: &str, text: &str) -> Result<Document> {
    load(&SourceFile::new(name, text))
}
