//! The methods of Python's `str`.
use super::error::{no_method, type_error, value_error};
use super::{List, format, iterate, tuple, type_name};
use minijinja::Error;
use minijinja::value::{Kwargs, Value, ValueKind, from_args};

/// Calls a method of a string.
pub(super) fn call(s: &str, name: &str, args: &[Value]) -> Result<Value, Error> {
    let text = |t: String| Ok(Value::from(t));
    match name {
        "format" => format::str_format(s, args).map(Value::from),
        "format_map" => {
            let (map,): (Value,) = from_args(args)?;
            format::format_map(s, &map).map(Value::from)
        }
        "join" => join(s, args),
        "replace" => {
            let (old, new, count): (&str, &str, Option<i64>) = from_args(args)?;
            text(match count.map(usize::try_from) {
                Some(Ok(n)) => s.replacen(old, new, n),
                _ => s.replace(old, new),
            })
        }
        "split" | "rsplit" => split(s, name == "rsplit", args),
        "splitlines" => {
            let (keep, kwargs): (Option<bool>, Kwargs) = from_args(args)?;
            let keep = keep.or(kwargs.get("keepends")?).unwrap_or(false);
            Ok(List::value(
                split_lines(s, keep).into_iter().map(Value::from).collect(),
            ))
        }
        "partition" | "rpartition" => {
            let (sep,): (&str,) = from_args(args)?;
            partition(s, sep, name == "rpartition")
        }
        "strip" | "lstrip" | "rstrip" => {
            let (chars,): (Option<Value>,) = from_args(args)?;
            let chars = chars.filter(|c| !c.is_none());
            let chars = chars.as_ref().map(|c| c.as_str().unwrap_or_default());
            Ok(Value::from(strip(
                s,
                name != "rstrip",
                name != "lstrip",
                chars,
            )))
        }
        "removeprefix" | "removesuffix" => {
            let (part,): (&str,) = from_args(args)?;
            let cut = if name == "removeprefix" {
                s.strip_prefix(part)
            } else {
                s.strip_suffix(part)
            };
            Ok(Value::from(cut.unwrap_or(s)))
        }
        "startswith" | "endswith" => starts_or_ends(s, name == "startswith", args),
        "find" | "rfind" | "index" | "rindex" => find(s, name, args),
        "count" => {
            let (part, start, stop): (&str, Option<i64>, Option<i64>) = from_args(args)?;
            let stretch = stretch(s, start, stop).0;
            Ok(Value::from(if part.is_empty() {
                stretch.chars().count() + 1
            } else {
                stretch.matches(part).count()
            }))
        }
        "upper" => text(s.to_uppercase()),
        "lower" => text(s.to_lowercase()),
        "casefold" => text(s.to_lowercase().replace('ß', "ss")),
        "title" => text(title(s)),
        "capitalize" => text(capitalize(s)),
        "swapcase" => text(swap_case(s)),
        "zfill" | "ljust" | "rjust" | "center" => pad(s, name, args),
        "expandtabs" => {
            let (size,): (Option<usize>,) = from_args(args)?;
            text(expand_tabs(s, size.unwrap_or(8)))
        }
        "encode" => Ok(Value::from_bytes(s.as_bytes().to_vec())),
        "__len__" => Ok(Value::from(s.chars().count())),
        "__contains__" => {
            let (part,): (&str,) = from_args(args)?;
            Ok(Value::from(s.contains(part)))
        }
        _ => is_method(s, name)
            .map(Value::from)
            .ok_or_else(|| no_method("str", name)),
    }
}

/// The `isxxx` methods.
fn is_method(s: &str, name: &str) -> Option<bool> {
    let all = |test: fn(char) -> bool| !s.is_empty() && s.chars().all(test);
    let cased = |c: char| c.is_lowercase() || c.is_uppercase();
    Some(match name {
        "isdecimal" => all(|c| format::digit_value(c).is_some()),
        "isdigit" => all(|c| {
            format::digit_value(c).is_some()
                || matches!(u32::from(c), 0xb2 | 0xb3 | 0xb9 | 0x2070 | 0x2074..=0x2079 | 0x2080..=0x2089)
        }),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isascii" => s.is_ascii(),
        "islower" => s.chars().any(cased) && !s.chars().any(char::is_uppercase),
        "isupper" => s.chars().any(cased) && !s.chars().any(char::is_lowercase),
        "istitle" => s.chars().any(cased) && title(s) == s,
        "isprintable" => super::quote(s).len() == s.len() + 2,
        "isidentifier" => {
            let mut chars = s.chars();
            chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
                && chars.all(|c| c == '_' || c.is_alphanumeric())
        }
        _ => return None,
    })
}

fn join(s: &str, args: &[Value]) -> Result<Value, Error> {
    let (items,): (Value,) = from_args(args)?;
    let mut out = String::new();
    let items = iterate(&items).map_err(|_| type_error("can only join an iterable"))?;
    for (i, item) in items.iter().enumerate() {
        if item.kind() != ValueKind::String {
            return Err(type_error(format!(
                "sequence item {i}: expected str instance, {} found",
                type_name(item)
            )));
        }
        if i > 0 {
            out.push_str(s);
        }
        out.push_str(item.as_str().unwrap_or_default());
    }
    Ok(Value::from(out))
}

fn split(s: &str, from_right: bool, args: &[Value]) -> Result<Value, Error> {
    let (sep, max, kwargs): (Option<Value>, Option<i64>, Kwargs) = from_args(args)?;
    let sep = match sep {
        Some(sep) => Some(sep),
        None => kwargs.get::<Option<Value>>("sep")?,
    };
    let sep = sep.filter(|v| !v.is_none());
    let max = max.or(kwargs.get("maxsplit")?).unwrap_or(-1);
    let limit = usize::try_from(max).unwrap_or(usize::MAX - 1);
    let parts: Vec<&str> = match &sep {
        Some(sep) => {
            let sep = sep.as_str().ok_or_else(|| {
                type_error(format!("must be str or None, not {}", type_name(sep)))
            })?;
            if sep.is_empty() {
                return Err(value_error("empty separator"));
            }
            if from_right {
                let mut parts: Vec<&str> = s.rsplitn(limit + 1, sep).collect();
                parts.reverse();
                parts
            } else {
                s.splitn(limit + 1, sep).collect()
            }
        }
        None => split_blanks(s, limit, from_right),
    };
    Ok(List::value(parts.into_iter().map(Value::from).collect()))
}

/// Splits at runs of blanks, at most `limit` times.
fn split_blanks(s: &str, limit: usize, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = if from_right {
        s.trim_end()
    } else {
        s.trim_start()
    };
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(if from_right {
                rest.trim_start()
            } else {
                rest.trim_end()
            });
            parts.retain(|p| !p.is_empty());
            break;
        }
        if from_right {
            let (head, word) = match rest.char_indices().rfind(|(_, c)| c.is_whitespace()) {
                Some((i, c)) => (&rest[..i], &rest[i + c.len_utf8()..]),
                None => ("", rest),
            };
            parts.push(word);
            rest = head.trim_end();
        } else {
            let at = rest.find(char::is_whitespace).unwrap_or(rest.len());
            parts.push(&rest[..at]);
            rest = rest[at..].trim_start();
        }
    }
    if from_right {
        parts.reverse();
    }
    parts
}

/// The lines of a text, as Python counts line ends.
pub fn split_lines(s: &str, keep_ends: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = s.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let ends = matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        if !ends {
            continue;
        }
        let mut end = i + c.len_utf8();
        if c == '\r' && chars.peek().is_some_and(|(_, n)| *n == '\n') {
            chars.next();
            end += 1;
        }
        lines.push(s[start..if keep_ends { end } else { i }].to_string());
        start = end;
    }
    if start < s.len() {
        lines.push(s[start..].to_string());
    }
    lines
}

fn partition(s: &str, sep: &str, from_right: bool) -> Result<Value, Error> {
    if sep.is_empty() {
        return Err(value_error("empty separator"));
    }
    let found = if from_right {
        s.rsplit_once(sep)
    } else {
        s.split_once(sep)
    };
    let parts = match found {
        Some((before, after)) => [before, sep, after],
        None if from_right => ["", "", s],
        None => [s, "", ""],
    };
    Ok(tuple(parts.into_iter().map(Value::from).collect()))
}

/// `strip` and its one-sided forms; `chars` none for blanks.
pub fn strip<'a>(s: &'a str, left: bool, right: bool, chars: Option<&str>) -> &'a str {
    let cut = |c: char| {
        chars.map_or_else(
            || c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}'),
            |set| set.contains(c),
        )
    };
    let s = if left { s.trim_start_matches(cut) } else { s };
    if right { s.trim_end_matches(cut) } else { s }
}

fn starts_or_ends(s: &str, starts: bool, args: &[Value]) -> Result<Value, Error> {
    let (what, start, stop): (Value, Option<i64>, Option<i64>) = from_args(args)?;
    let (stretch, _) = stretch(s, start, stop);
    let one = |part: &str| {
        if starts {
            stretch.starts_with(part)
        } else {
            stretch.ends_with(part)
        }
    };
    if let (ValueKind::String, Some(part)) = (what.kind(), what.as_str()) {
        return Ok(Value::from(one(part)));
    }
    if what.is_tuple() {
        return Ok(Value::from(
            iterate(&what)?.iter().any(|p| p.as_str().is_some_and(one)),
        ));
    }
    let name = if starts { "startswith" } else { "endswith" };
    Err(type_error(format!(
        "{name} first arg must be str or a tuple of str, not {}",
        type_name(&what)
    )))
}

/// The part between two character positions and how many characters stand before it.
fn stretch(s: &str, start: Option<i64>, stop: Option<i64>) -> (&str, usize) {
    if start.is_none() && stop.is_none() {
        return (s, 0);
    }
    let len = s.chars().count();
    let (from, to) = super::sequence::bounds(start, stop, len);
    let byte = |n: usize| s.char_indices().nth(n).map_or(s.len(), |(i, _)| i);
    let (a, b) = (byte(from), byte(to));
    (&s[a..b.max(a)], from)
}

fn find(s: &str, name: &str, args: &[Value]) -> Result<Value, Error> {
    let (part, start, stop): (&str, Option<i64>, Option<i64>) = from_args(args)?;
    let (stretch, before) = stretch(s, start, stop);
    let at = if name.starts_with('r') {
        stretch.rfind(part)
    } else {
        stretch.find(part)
    };
    match at {
        Some(at) => Ok(Value::from(stretch[..at].chars().count() + before)),
        None if name.ends_with("find") => Ok(Value::from(-1)),
        None => Err(value_error("substring not found")),
    }
}

/// `str.title`: the first letter of every run of letters in upper case.
pub fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        let cased = c.is_lowercase() || c.is_uppercase();
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = cased;
    }
    out
}

/// `str.capitalize`.
pub fn capitalize(s: &str) -> String {
    let mut chars = s.chars();
    chars.next().map_or_else(String::new, |first| {
        first
            .to_uppercase()
            .chain(chars.as_str().to_lowercase().chars())
            .collect()
    })
}

fn swap_case(s: &str) -> String {
    s.chars()
        .flat_map(|c| -> Vec<char> {
            if c.is_uppercase() {
                c.to_lowercase().collect()
            } else {
                c.to_uppercase().collect()
            }
        })
        .collect()
}

fn pad(s: &str, name: &str, args: &[Value]) -> Result<Value, Error> {
    let (width, fill): (i64, Option<&str>) = from_args(args)?;
    let fill = fill.unwrap_or(" ");
    let mut chars = fill.chars();
    let (Some(fill), None) = (chars.next(), chars.next()) else {
        return Err(type_error(
            "the fill character must be exactly one character long",
        ));
    };
    let len = s.chars().count();
    let missing = usize::try_from(width)
        .unwrap_or(0)
        .min(1_000_000)
        .saturating_sub(len);
    let run = |n: usize, c: char| std::iter::repeat_n(c, n).collect::<String>();
    Ok(Value::from(match name {
        "ljust" => format!("{s}{}", run(missing, fill)),
        "rjust" => format!("{}{s}", run(missing, fill)),
        "center" => {
            let left = missing / 2 + (missing & usize::try_from(width).unwrap_or(0) & 1);
            format!("{}{s}{}", run(left, fill), run(missing - left, fill))
        }
        _ => match s.strip_prefix(['+', '-']) {
            Some(rest) => format!("{}{}{rest}", &s[..1], run(missing, '0')),
            None => format!("{}{s}", run(missing, '0')),
        },
    }))
}

fn expand_tabs(s: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in s.chars() {
        match c {
            '\t' if size > 0 => {
                let n = size - column % size;
                out.extend(std::iter::repeat_n(' ', n));
                column += n;
            }
            '\t' => {}
            c => {
                column = if matches!(c, '\n' | '\r') {
                    0
                } else {
                    column + 1
                };
                out.push(c);
            }
        }
    }
    out
}
