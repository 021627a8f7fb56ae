//! `re`: Python's regular expressions.
mod matches;
mod translate;

use super::function;
use crate::jinja::python::arguments::Arguments;
use crate::jinja::python::error::{no_method, type_error, value_error};
use crate::jinja::python::{Dict, List, quote, tuple, type_name};
use fancy_regex::Regex;
use matches::{Match, Text};
use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, State};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

pub(super) const IGNORECASE: i64 = 2;
pub(super) const MULTILINE: i64 = 8;
pub(super) const DOTALL: i64 = 16;
pub(super) const VERBOSE: i64 = 64;

/// The module's members.
pub(super) fn module() -> Vec<(&'static str, Value)> {
    let mut members = vec![
        function("compile", |_, args| {
            let mut args = Arguments::new(args)?;
            let (pattern, flags) = (args.need("pattern")?, args.int("flags")?.unwrap_or(0));
            args.finish()?;
            Pattern::of(&pattern, flags).map(Value::from_dyn_object)
        }),
        function("escape", |_, args| {
            let text = text_argument(&Arguments::new(args)?.need("pattern")?)?;
            Ok(Value::from(escape(&text)))
        }),
        function("purge", |_, _| Ok(Value::from(()))),
        function("match", |state, args| on_pattern(state, "match", args)),
        function("fullmatch", |state, args| {
            on_pattern(state, "fullmatch", args)
        }),
        function("search", |state, args| on_pattern(state, "search", args)),
        function("findall", |state, args| on_pattern(state, "findall", args)),
        function("finditer", |state, args| {
            on_pattern(state, "finditer", args)
        }),
        function("split", |state, args| on_pattern(state, "split", args)),
        function("sub", |state, args| on_pattern(state, "sub", args)),
        function("subn", |state, args| on_pattern(state, "subn", args)),
    ];
    for (names, flag) in [
        (["I", "IGNORECASE"], IGNORECASE),
        (["M", "MULTILINE"], MULTILINE),
        (["S", "DOTALL"], DOTALL),
        (["X", "VERBOSE"], VERBOSE),
        (["U", "UNICODE"], 32),
        (["A", "ASCII"], 256),
    ] {
        members.extend(names.map(|name| (name, Value::from(flag))));
    }
    members
}

/// Python's name of the type.
pub(super) fn python_type(value: &Value) -> Option<&'static str> {
    if value.downcast_object_ref::<Pattern>().is_some() {
        Some("re.Pattern")
    } else if value.downcast_object_ref::<Match>().is_some() {
        Some("re.Match")
    } else {
        None
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn text_argument(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => Ok(text.to_string()),
        _ => Err(type_error(format!(
            "expected string or bytes-like object, got '{}'",
            type_name(value)
        ))),
    }
}

/// `re.name(pattern, …)`: the method of the compiled pattern, with `flags` as the last argument.
fn on_pattern(state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
    let mut call = Arguments::new(args)?;
    let pattern = call.need("pattern")?;
    let mut rest = call.rest();
    let named = call.all_named()?;
    let mut flags = 0;
    let mut kept = Vec::new();
    let plain = match name {
        "sub" | "subn" => 3,
        "split" => 2,
        _ => 1,
    };
    if rest.len() > plain {
        flags = rest.pop().and_then(|f| f.as_i64()).unwrap_or(0);
    }
    for (key, value) in named {
        match key.as_str() {
            "flags" => flags = value.as_i64().unwrap_or(0),
            "pattern" => {}
            _ => kept.push((key, value)),
        }
    }
    if !kept.is_empty() {
        rest.push(minijinja::value::Kwargs::from_iter(kept).into());
    }
    Pattern::of(&pattern, flags)?.run(state, name, &rest)
}

/// How a pattern is tied to the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Anchor {
    Free,
    Start,
    Both,
}

/// A compiled pattern.
pub(super) struct Pattern {
    source: String,
    flags: i64,
    free: Regex,
    start: Regex,
    both: Regex,
}

type Cache = Mutex<HashMap<(String, i64), Arc<Pattern>>>;

impl Pattern {
    /// The pattern in a value, or the text compiled; compiled patterns are kept.
    fn of(value: &Value, flags: i64) -> Result<Arc<Self>, Error> {
        static CACHE: LazyLock<Cache> = LazyLock::new(Mutex::default);
        if let Some(pattern) = value.downcast_object::<Self>() {
            return Ok(pattern);
        }
        let key = (text_argument(value)?, flags);
        let lock = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = lock().get(&key) {
            return Ok(there.clone());
        }
        let pattern = Arc::new(Self::compile(key.0.clone(), flags)?);
        let mut cache = lock();
        if cache.len() > 500 {
            cache.clear();
        }
        cache.insert(key, pattern.clone());
        Ok(pattern)
    }

    fn compile(source: String, flags: i64) -> Result<Self, Error> {
        let body = translate::pattern(&source, flags);
        let build = |text: String| {
            Regex::new(&text)
                .map_err(|e| value_error(format!("{} in pattern {}", reason(&e), quote(&source))))
        };
        Ok(Self {
            free: build(body.clone())?,
            start: build(format!("\\G(?:{body})"))?,
            both: build(format!("\\G(?:{body})\\z"))?,
            source,
            flags,
        })
    }

    fn regex(&self, anchor: Anchor) -> &Regex {
        match anchor {
            Anchor::Free => &self.free,
            Anchor::Start => &self.start,
            Anchor::Both => &self.both,
        }
    }

    /// The first match from a byte on.
    fn find(&self, anchor: Anchor, text: &Arc<Text>, from: usize) -> Result<Option<Match>, Error> {
        let found = self
            .regex(anchor)
            .captures_from_pos(text.text.as_str(), from);
        let found = found.map_err(|e| {
            value_error(format!(
                "the pattern {} took too long: {e}",
                quote(&self.source)
            ))
        })?;
        let names = || {
            self.free
                .capture_names()
                .map(|n| n.map(str::to_string))
                .collect()
        };
        Ok(found.map(|captures| Match::new(text, &captures, names())))
    }

    /// All matches, as Python walks over them: an empty one may follow directly on one that is not.
    fn all(&self, text: &Arc<Text>, limit: usize) -> Result<Vec<Match>, Error> {
        let mut out = Vec::new();
        let mut from = 0;
        while out.len() < limit && from <= text.text.len() {
            let Some(found) = self.find(Anchor::Free, text, from)? else {
                break;
            };
            let whole = found.whole();
            from = whole.end;
            if whole.is_empty() {
                from += text.text[whole.end..]
                    .chars()
                    .next()
                    .map_or(1, char::len_utf8);
            }
            out.push(found);
        }
        Ok(out)
    }

    fn groups(&self) -> usize {
        self.free.captures_len() - 1
    }

    fn run(&self, state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut args = Arguments::new(args)?;
        let anchor = match name {
            "match" => Anchor::Start,
            "fullmatch" => Anchor::Both,
            "search" => Anchor::Free,
            "findall" | "finditer" => {
                let text = Text::new(text_argument(&args.need("string")?)?);
                let found = self.all(&text, usize::MAX)?;
                let value = |m: Match| {
                    if name == "findall" {
                        m.for_findall()
                    } else {
                        Value::from_object(m)
                    }
                };
                return Ok(List::value(found.into_iter().map(value).collect()));
            }
            "split" => return self.split(args),
            "sub" | "subn" => {
                let (text, count) = self.substitute(state, args)?;
                return Ok(if name == "sub" {
                    Value::from(text)
                } else {
                    tuple(vec![Value::from(text), Value::from(count)])
                });
            }
            _ => return Err(no_method("re.Pattern", name)),
        };
        let text = Text::new(text_argument(&args.need("string")?)?);
        let from = args
            .int("pos")?
            .map_or(0, |p| text.byte(usize::try_from(p).unwrap_or(0)));
        let text = match args.int("endpos")? {
            Some(end) => {
                Text::new(text.text[..text.byte(usize::try_from(end).unwrap_or(0))].to_string())
            }
            None => text,
        };
        let found = self.find(anchor, &text, from.min(text.text.len()))?;
        Ok(found.map_or_else(|| Value::from(()), Value::from_object))
    }

    fn split(&self, mut args: Arguments) -> Result<Value, Error> {
        let text = Text::new(text_argument(&args.need("string")?)?);
        let limit = args.int("maxsplit")?.unwrap_or(0);
        let limit = if limit == 0 {
            usize::MAX
        } else {
            usize::try_from(limit).unwrap_or(0)
        };
        let mut out = Vec::new();
        let mut last = 0;
        for found in self.all(&text, limit)? {
            let whole = found.whole();
            out.push(Value::from(&text.text[last..whole.start]));
            out.extend((1..=self.groups()).map(|i| found.group(i, &Value::from(()))));
            last = whole.end;
        }
        out.push(Value::from(&text.text[last..]));
        Ok(List::value(out))
    }

    fn substitute(
        &self,
        state: &mut State<'_, '_>,
        mut args: Arguments,
    ) -> Result<(String, usize), Error> {
        let with = args.need("repl")?;
        let text = Text::new(text_argument(&args.need("string")?)?);
        let limit = args.int("count")?.unwrap_or(0);
        let limit = if limit == 0 {
            usize::MAX
        } else {
            usize::try_from(limit).unwrap_or(0)
        };
        let mut out = String::new();
        let mut last = 0;
        let found = self.all(&text, limit)?;
        let count = found.len();
        for m in found {
            let whole = m.whole();
            out.push_str(&text.text[last..whole.start]);
            match with.as_str().filter(|_| with.kind() == ValueKind::String) {
                Some(template) => out.push_str(&m.expand(template)?),
                None => {
                    let value = with.call(state, &[Value::from_object(m)])?;
                    out.push_str(&text_argument(&value)?);
                }
            }
            last = whole.end;
        }
        out.push_str(&text.text[last..]);
        Ok((out, count))
    }
}

/// Why a pattern cannot be compiled, on one line.
fn reason(error: &fancy_regex::Error) -> String {
    let text = error.to_string();
    text.lines()
        .next_back()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_string()
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "re.compile({}", quote(&self.source))?;
        let named = [
            (IGNORECASE, "re.IGNORECASE"),
            (MULTILINE, "re.MULTILINE"),
            (DOTALL, "re.DOTALL"),
            (VERBOSE, "re.VERBOSE"),
        ];
        let set: Vec<&str> = named
            .iter()
            .filter(|(bit, _)| self.flags & bit != 0)
            .map(|(_, n)| *n)
            .collect();
        if !set.is_empty() {
            write!(f, ", {}", set.join("|"))?;
        }
        f.write_str(")")
    }
}

impl Object for Pattern {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "pattern" => Value::from(self.source.as_str()),
            "flags" => Value::from(self.flags | 32),
            "groups" => Value::from(self.groups()),
            "groupindex" => Dict::value(
                self.free
                    .capture_names()
                    .enumerate()
                    .filter_map(|(i, n)| n.map(|n| (Value::from(n), Value::from(i))))
                    .collect(),
            ),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        self.run(state, name, args)
    }
}
