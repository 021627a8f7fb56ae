//! Text as Python writes it, where the lock file and its hash depend on it to the byte.
//!
//! dbt hashes entries in the form of Python's `json.dumps(…, sort_keys=True)` and writes the lock file with PyYAML.
use crate::yaml::{self, Kind, Node};
use std::collections::BTreeMap;

/// A value as Python's `json.dumps` writes it: sorted keys, a blank after `,` and `:`, nothing beyond ASCII.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number in Python's form.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// A value of a YAML file.
    pub fn of(node: &Node) -> Self {
        match &node.kind {
            Kind::Seq(items) => Json::List(items.iter().map(Json::of).collect()),
            Kind::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(k, v)| (k.scalar_text().unwrap_or_default(), Json::of(v)))
                    .collect(),
            ),
            kind => Json::scalar(kind),
        }
    }

    /// A value that is neither list nor mapping.
    pub fn scalar(kind: &Kind) -> Self {
        match kind {
            Kind::Bool(b) => Json::Bool(*b),
            Kind::Int(i) => Json::Number(i.to_string()),
            Kind::Float(x) => Json::Number(yaml::python_float(*x)),
            Kind::Time(s) | Kind::Str(s) => Json::Text(s.clone()),
            Kind::Null | Kind::Seq(_) | Kind::Map(_) => Json::Null,
        }
    }

    /// The text.
    pub fn dump(&self) -> String {
        match self {
            Json::Null => "null".into(),
            Json::Bool(b) => b.to_string(),
            Json::Number(n) => n.clone(),
            Json::Text(t) => quoted(t),
            Json::List(items) => {
                let items: Vec<String> = items.iter().map(Json::dump).collect();
                format!("[{}]", items.join(", "))
            }
            Json::Object(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(k, v)| format!("{}: {}", quoted(k), v.dump()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
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
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// A text in YAML as PyYAML writes it in a block: plain if it can be, else in single quotes, else in double quotes.
pub fn yaml_text(text: &str) -> String {
    if !text.chars().all(|c| matches!(c, ' '..='~')) {
        return double_quoted(text);
    }
    if plain_will_do(text) {
        text.to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn plain_will_do(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let second_blank = chars.next().is_none_or(|c| c == ' ');
    let bad_start = "#,[]{}&*!|>'\"%@`".contains(first) || ("?:-".contains(first) && second_blank);
    let is_text = || {
        yaml::load_text("text", text)
            .is_ok_and(|d| d.warnings.is_empty() && d.root.as_str() == Some(text))
    };
    !bad_start
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !["=", "<<", "y", "Y", "n", "N"].contains(&text)
        && is_text()
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            ' '..='~' => out.push(c),
            c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02X}", c as u32)),
            c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push_str(&format!("\\U{:08X}", c as u32)),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left column: text; right column: what PyYAML 6 writes for it.
    #[test]
    fn yaml_text_is_written_as_pyyaml_writes_it() {
        for (text, want) in [
            ("0.1.0", "0.1.0"),
            ("1.0", "'1.0'"),
            ("1234567", "'1234567'"),
            ("12345e7", "12345e7"),
            ("1_000", "'1_000'"),
            ("0x1f", "'0x1f'"),
            ("true", "'true'"),
            ("No", "'No'"),
            ("null", "'null'"),
            ("~", "'~'"),
            ("", "''"),
            ("2024-01-01", "'2024-01-01'"),
            ("12:30", "'12:30'"),
            ("<2.0.0", "<2.0.0"),
            (">=1.0.0", "'>=1.0.0'"),
            ("../../src/a", "../../src/a"),
            ("with space", "with space"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("a:", "'a:'"),
            ("- a", "'- a'"),
            ("-a", "-a"),
            ("it's", "it's"),
            ("'x'", "'''x'''"),
            ("{{ x }}", "'{{ x }}'"),
            ("file:///a/{{ 'util' }}.git", "file:///a/{{ 'util' }}.git"),
            ("spaced é", "\"spaced \\xE9\""),
            ("日本", "\"\\u65E5\\u672C\""),
            ("😀", "\"\\U0001F600\""),
            ("a\nb", "\"a\\nb\""),
        ] {
            assert_eq!(yaml_text(text), want, "{text:?}");
        }
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        let document =
            yaml::load_text("x", "{b: [1, 2.50, true, null], a: \"é\\\"😀\", c: {}}").unwrap();
        assert_eq!(
            Json::of(&document.root).dump(),
            r#"{"a": "\u00e9\"\ud83d\ude00", "b": [1, 2.5, true, null], "c": {}}"#
        );
    }
}
