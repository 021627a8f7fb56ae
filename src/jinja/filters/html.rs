//! Filters that speak HTML or URLs. Nothing is escaped unless asked.
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::error::value_error;
use crate::jinja::python::{is_plain_map, iterate, json, ops, str_of};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error};

/// Adds the filters.
pub(super) fn register(env: &mut Environment<'static>) {
    for name in ["escape", "e", "forceescape"] {
        env.add_filter(name, |v: &Value| escape(&str_of(v)));
    }
    env.add_filter("safe", |v: &Value| str_of(v));
    env.add_filter("striptags", |v: &Value| strip_tags(&str_of(v)));
    env.add_filter("urlencode", url_encode);
    env.add_filter("xmlattr", xml_attributes);
    env.add_filter("tojson", to_json);
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn strip_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<!--") {
        let Some(end) = rest[at..].find("-->") else {
            break;
        };
        out.push_str(&rest[..at]);
        rest = &rest[at + end + 3..];
    }
    out.push_str(rest);
    let mut plain = String::with_capacity(out.len());
    let mut rest = out.as_str();
    while let Some(at) = rest.find('<') {
        let Some(end) = rest[at..].find('>') else {
            break;
        };
        plain.push_str(&rest[..at]);
        rest = &rest[at + end + 1..];
    }
    plain.push_str(rest);
    let words: Vec<&str> = plain.split_whitespace().collect();
    unescape(&words.join(" "))
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let entity = tail
            .find(';')
            .filter(|end| *end < 12)
            .and_then(|end| Some((entity(&tail[1..end])?, end)));
        match entity {
            Some((c, end)) => {
                out.push(c);
                rest = &tail[end + 1..];
            }
            None => {
                out.push('&');
                rest = &tail[1..];
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

fn quote_url(text: &str, query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if !query => out.push('/'),
            b' ' if query => out.push('+'),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn url_encode(value: &Value) -> Result<String, Error> {
    if matches!(
        value.kind(),
        ValueKind::String | ValueKind::Number | ValueKind::Bool | ValueKind::None
    ) {
        return Ok(quote_url(&str_of(value), false));
    }
    let pairs = if is_plain_map(value) {
        ops::pairs_of(value)?
    } else {
        ops::pairs_of(&crate::jinja::python::List::value(iterate(value)?))?
    };
    let parts: Vec<String> = pairs
        .iter()
        .map(|(k, v)| {
            format!(
                "{}={}",
                quote_url(&str_of(k), true),
                quote_url(&str_of(v), true)
            )
        })
        .collect();
    Ok(parts.join("&"))
}

fn xml_attributes(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let auto_space = args.flag("autospace")?.unwrap_or(true);
    args.finish()?;
    let mut parts = Vec::new();
    for (key, value) in ops::pairs_of(value)? {
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let key = str_of(&key);
        if key.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')) {
            return Err(value_error(format!(
                "Invalid character in attribute name: '{key}'"
            )));
        }
        parts.push(format!("{}=\"{}\"", escape(&key), escape(&str_of(&value))));
    }
    let text = parts.join(" ");
    Ok(if auto_space && !text.is_empty() {
        format!(" {text}")
    } else {
        text
    })
}

/// Jinja2's `tojson`: sorted keys, safe within HTML.
fn to_json(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let indent = args.int("indent")?.and_then(|n| usize::try_from(n).ok());
    args.finish()?;
    let text = json::dumps(value, true, indent)?;
    Ok(text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027"))
}
