//! YAML in both directions: PyYAML's `safe_load` and `safe_dump`.
use super::error::value_error;
use super::{Dict, List, is_plain_map, iterate, ops, str_of, type_name};
use crate::jinja::modules;
use crate::yaml::{Kind, Node, load_text, python_float};
use minijinja::Error;
use minijinja::value::{Value, ValueKind};

/// Reads YAML text.
pub fn load(text: &str) -> Result<Value, Error> {
    let doc = load_text("<yaml>", text).map_err(|e| value_error(e.to_string()))?;
    Ok(from_node(&doc.root))
}

/// A YAML value as a template value: lists and dicts are mutable, dates Python's dates.
pub fn from_node(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::from(()),
        Kind::Bool(b) => Value::from(*b),
        Kind::Int(i) => Value::from(*i),
        Kind::Float(x) => Value::from(*x),
        Kind::Time(text) => modules::time_value(text).unwrap_or_else(|| Value::from(text.as_str())),
        Kind::Str(text) => Value::from(text.as_str()),
        Kind::Seq(items) => List::value(items.iter().map(from_node).collect()),
        Kind::Map(entries) => Dict::value(
            entries
                .iter()
                .map(|(k, v)| (from_node(k), from_node(v)))
                .collect(),
        ),
    }
}

/// Writes YAML text as PyYAML's `safe_dump(value, sort_keys=…)` writes it.
pub fn dump(value: &Value, sort_keys: bool) -> Result<String, Error> {
    let mut out = String::new();
    let writer = Writer { sort_keys };
    if writer.is_block(value)? {
        writer.block(&mut out, value, 0, 0)?;
        return Ok(out.trim_start_matches('\n').to_string());
    }
    out.push_str(&writer.scalar(value, (0, 0), false)?);
    let plain = !out.starts_with(['\'', '"', '[', '{']);
    out.push_str(if plain { "\n...\n" } else { "\n" });
    Ok(out)
}

struct Writer {
    sort_keys: bool,
}

impl Writer {
    fn is_map(value: &Value) -> bool {
        value.kind() == ValueKind::Map && is_plain_map(value)
    }

    fn is_list(value: &Value) -> bool {
        matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) && type_name(value) != "set"
    }

    /// Whether it is written as an indented block.
    fn is_block(&self, value: &Value) -> Result<bool, Error> {
        Ok((Self::is_map(value) || Self::is_list(value)) && !iterate(value)?.is_empty())
    }

    fn block(
        &self,
        out: &mut String,
        value: &Value,
        indent: usize,
        depth: usize,
    ) -> Result<(), Error> {
        if depth > 200 {
            return Err(value_error("the value is nested too deeply"));
        }
        let pad = " ".repeat(indent);
        if Self::is_list(value) {
            for item in iterate(value)? {
                out.push_str(&format!("\n{pad}-"));
                self.item(out, &item, indent + 2, depth)?;
            }
        } else {
            let mut pairs = ops::pairs_of(value)?;
            if self.sort_keys {
                ops::sort_by_key(&mut pairs, false)?;
            }
            for (key, item) in pairs {
                let key = self.scalar(&key, (indent, indent), true)?;
                out.push_str(&format!("\n{pad}{key}:"));
                // A list within a mapping is not indented.
                let inner = if Self::is_list(&item) {
                    indent
                } else {
                    indent + 2
                };
                if self.is_block(&item)? {
                    self.block(out, &item, inner, depth + 1)?;
                } else {
                    let at = (indent + 2, indent + key.chars().count() + 2);
                    out.push_str(&format!(" {}", self.scalar(&item, at, false)?));
                }
            }
        }
        if depth == 0 {
            out.push('\n');
        }
        Ok(())
    }

    /// An item behind its dash: a nested block begins on the same line.
    fn item(
        &self,
        out: &mut String,
        item: &Value,
        indent: usize,
        depth: usize,
    ) -> Result<(), Error> {
        if !self.is_block(item)? {
            out.push_str(&format!(" {}", self.scalar(item, (indent, indent), false)?));
            return Ok(());
        }
        let mut inner = String::new();
        self.block(&mut inner, item, indent, depth + 1)?;
        out.push_str(&format!(" {}", inner.trim_start()));
        Ok(())
    }

    /// A value on its line; `at` is the indentation of further lines and the column where it begins.
    fn scalar(&self, value: &Value, at: (usize, usize), is_key: bool) -> Result<String, Error> {
        Ok(match value.kind() {
            ValueKind::None => "null".into(),
            ValueKind::Bool => if value.is_true() { "true" } else { "false" }.into(),
            ValueKind::Number if value.is_integer() => value.to_string(),
            ValueKind::Number => match f64::try_from(value.clone()).unwrap_or(0.0) {
                x if x.is_nan() => ".nan".into(),
                x if x.is_infinite() => if x > 0.0 { ".inf" } else { "-.inf" }.into(),
                x => {
                    let text = python_float(x);
                    if text.contains('e') && !text.contains('.') {
                        text.replacen('e', ".0e", 1)
                    } else {
                        text
                    }
                }
            },
            ValueKind::String => text(value.as_str().unwrap_or_default(), at, is_key),
            _ if Self::is_map(value) => "{}".into(),
            _ if Self::is_list(value) => "[]".into(),
            _ => {
                let kind = type_name(value);
                if kind.starts_with("datetime.date") {
                    str_of(value)
                } else {
                    return Err(value_error(format!(
                        "cannot represent an object: {}",
                        str_of(value)
                    )));
                }
            }
        })
    }
}

/// A string: plain if it cannot be taken for anything else, else in quotes; long text is folded at 80 columns.
fn text(s: &str, at: (usize, usize), is_key: bool) -> String {
    let special = s.chars().any(|c| !matches!(c, '\n' | ' '..='~'));
    if special {
        return double_quoted(s);
    }
    let (body, open, close) = if is_plain(s, is_key) {
        (s.to_string(), "", "")
    } else if s.contains('\n') && (s.contains(" \n") || s.contains("\n ")) {
        return double_quoted(s);
    } else {
        (s.replace('\'', "''"), "'", "'")
    };
    if is_key {
        return format!("{open}{body}{close}");
    }
    format!("{open}{}{close}", fold(&body, at.0, at.1 + open.len()))
}

/// Line breaks doubled, and long lines broken at single blanks, as PyYAML folds them.
fn fold(s: &str, indent: usize, mut column: usize) -> String {
    let pad = " ".repeat(indent);
    let mut out = String::new();
    let lines: Vec<&str> = s.split('\n').collect();
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            out.push('\n');
            let blank_before = lines[i - 1].is_empty() && i > 1;
            if !blank_before {
                out.push('\n');
            }
            if !line.is_empty() {
                out.push_str(&pad);
                column = indent;
            }
        }
        for (n, word) in line.split(' ').enumerate() {
            if n > 0 {
                let single = !word.is_empty() && !out.ends_with(' ');
                if single && column > 80 {
                    out.push_str(&format!("\n{pad}"));
                    column = indent;
                } else {
                    out.push(' ');
                    column += 1;
                }
            }
            out.push_str(word);
            column += word.len();
        }
    }
    out
}

/// Whether PyYAML writes it without quotes.
fn is_plain(s: &str, is_key: bool) -> bool {
    if s.is_empty() || s.contains('\n') || s.starts_with(' ') || s.ends_with(' ') {
        return false;
    }
    let first = s.chars().next().unwrap_or(' ');
    if "#,[]{}&*!|>'\"%@`".contains(first) || s.starts_with("---") || s.starts_with("...") {
        return false;
    }
    let second_blank = s.len() == 1 || s[first.len_utf8()..].starts_with(' ');
    if matches!(first, '-' | '?' | ':') && second_blank {
        return false;
    }
    if s.contains(": ") || s.contains(" #") || s.ends_with(':') {
        return false;
    }
    if is_key && s.len() > 128 {
        return false;
    }
    // A text that would be read as another type needs quotes.
    let doc = load_text("<text>", s);
    doc.is_ok_and(|d| matches!(&d.root.kind, Kind::Str(t) if t == s)) && !matches!(s, "=" | "<<")
}

fn double_quoted(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            ' '..='~' => out.push(c),
            c => match u32::from(c) {
                n @ 0..=0xff => out.push_str(&format!("\\x{n:02X}")),
                n @ 0x100..=0xffff => out.push_str(&format!("\\u{n:04X}")),
                n => out.push_str(&format!("\\U{n:08X}")),
            },
        }
    }
    out.push('"');
    out
}
