//! A match of a pattern.
use crate::jinja::python::arguments::Arguments;
use crate::jinja::python::error::{index_error, no_method, value_error};
use crate::jinja::python::{Dict, quote, str_of, tuple};
use fancy_regex::Captures;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text that was searched.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) text: String,
}

impl Text {
    pub(super) fn new(text: String) -> Arc<Self> {
        Arc::new(Self { text })
    }

    /// The byte where a character begins.
    pub(super) fn byte(&self, chars: usize) -> usize {
        self.text
            .char_indices()
            .nth(chars)
            .map_or(self.text.len(), |(i, _)| i)
    }

    fn chars(&self, byte: usize) -> usize {
        self.text[..byte].chars().count()
    }
}

/// A match.
pub(super) struct Match {
    text: Arc<Text>,
    groups: Vec<Option<Range<usize>>>,
    names: Vec<Option<String>>,
}

impl Match {
    pub(super) fn new(
        text: &Arc<Text>,
        captures: &Captures<'_, str>,
        names: Vec<Option<String>>,
    ) -> Self {
        let groups = (0..captures.len())
            .map(|i| captures.get(i).map(|m| m.range()))
            .collect();
        Self {
            text: text.clone(),
            groups,
            names,
        }
    }

    /// The bytes of the whole match.
    pub(super) fn whole(&self) -> Range<usize> {
        self.groups.first().cloned().flatten().unwrap_or(0..0)
    }

    /// The text of a group, or the default if it took no part.
    pub(super) fn group(&self, i: usize, default: &Value) -> Value {
        match self.groups.get(i).cloned().flatten() {
            Some(range) => Value::from(&self.text.text[range]),
            None => default.clone(),
        }
    }

    /// What `findall` gives for it.
    pub(super) fn for_findall(&self) -> Value {
        let empty = Value::from("");
        match self.groups.len() {
            1 => self.group(0, &empty),
            2 => self.group(1, &empty),
            n => tuple((1..n).map(|i| self.group(i, &empty)).collect()),
        }
    }

    fn index(&self, key: &Value) -> Result<usize, Error> {
        let by_name = || {
            let name = key.as_str()?;
            self.names.iter().position(|n| n.as_deref() == Some(name))
        };
        key.as_usize()
            .filter(|i| *i < self.groups.len() && key.is_integer())
            .or_else(by_name)
            .ok_or_else(|| index_error("no such group"))
    }

    /// A replacement template with `\1`, `\g<name>` and the usual escapes.
    pub(super) fn expand(&self, template: &str) -> Result<String, Error> {
        let mut out = String::new();
        let mut rest = template;
        let empty = Value::from("");
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(c) = rest.chars().next() else {
                return Err(value_error("bad escape (end of pattern)"));
            };
            rest = &rest[c.len_utf8()..];
            match c {
                'g' => {
                    let inner = rest.strip_prefix('<').and_then(|r| r.split_once('>'));
                    let (name, after) = inner.ok_or_else(|| value_error("missing group name"))?;
                    let key = name
                        .parse::<i64>()
                        .map_or_else(|_| Value::from(name), Value::from);
                    let i = self
                        .index(&key)
                        .map_err(|_| index_error(format!("unknown group name {}", quote(name))))?;
                    out.push_str(&str_of(&self.group(i, &empty)));
                    rest = after;
                }
                '1'..='9' => {
                    let more = rest.chars().next().filter(char::is_ascii_digit);
                    let mut number = c.to_string();
                    if let Some(d) = more {
                        number.push(d);
                        rest = &rest[1..];
                    }
                    let i = number.parse().unwrap_or(usize::MAX);
                    if i >= self.groups.len() {
                        return Err(value_error(format!("invalid group reference {number}")));
                    }
                    out.push_str(&str_of(&self.group(i, &empty)));
                }
                '0' => out.push('\0'),
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'a' => out.push('\u{7}'),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'v' => out.push('\u{b}'),
                '\\' => out.push('\\'),
                c if c.is_ascii_alphabetic() => {
                    return Err(value_error(format!("bad escape \\{c}")));
                }
                c => {
                    out.push('\\');
                    out.push(c);
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn span(&self, args: &mut Arguments) -> Result<(i64, i64), Error> {
        let i = match args.next("group")? {
            Some(key) => self.index(&key)?,
            None => 0,
        };
        let position = |byte: usize| self.text.chars(byte) as i64;
        Ok(self
            .groups
            .get(i)
            .cloned()
            .flatten()
            .map_or((-1, -1), |r| (position(r.start), position(r.end))))
    }
}

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.whole();
        write!(
            f,
            "<re.Match object; span=({}, {}), match={}>",
            self.text.chars(whole.start),
            self.text.chars(whole.end),
            quote(&self.text.text[whole.clone()])
        )
    }
}

impl Object for Match {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let none = Value::from(());
        match key.as_str() {
            Some("string") => Some(Value::from(self.text.text.as_str())),
            Some("pos") => Some(Value::from(0)),
            Some("endpos") => Some(Value::from(self.text.chars(self.text.text.len()))),
            Some("lastindex") => {
                let last = (1..self.groups.len())
                    .rev()
                    .find(|i| self.groups[*i].is_some());
                Some(last.map_or(none, Value::from))
            }
            _ => self.index(key).ok().map(|i| self.group(i, &none)),
        }
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let mut args = Arguments::new(args)?;
        let none = Value::from(());
        match name {
            "group" => {
                let keys = args.rest();
                let mut values = Vec::new();
                for key in &keys {
                    values.push(self.group(self.index(key)?, &none));
                }
                Ok(match values.len() {
                    0 => self.group(0, &none),
                    1 => values.swap_remove(0),
                    _ => tuple(values),
                })
            }
            "groups" => {
                let default = args.next("default")?.unwrap_or(none);
                Ok(tuple(
                    (1..self.groups.len())
                        .map(|i| self.group(i, &default))
                        .collect(),
                ))
            }
            "groupdict" => {
                let default = args.next("default")?.unwrap_or(none);
                let named = self
                    .names
                    .iter()
                    .enumerate()
                    .filter_map(|(i, n)| n.as_ref().map(|n| (i, n)));
                Ok(Dict::value(
                    named
                        .map(|(i, n)| (Value::from(n.as_str()), self.group(i, &default)))
                        .collect(),
                ))
            }
            "start" => self.span(&mut args).map(|s| Value::from(s.0)),
            "end" => self.span(&mut args).map(|s| Value::from(s.1)),
            "span" => self
                .span(&mut args)
                .map(|s| tuple(vec![Value::from(s.0), Value::from(s.1)])),
            "expand" => self
                .expand(&str_of(&args.need("template")?))
                .map(Value::from),
            _ => Err(no_method("re.Match", name)),
        }
    }
}
