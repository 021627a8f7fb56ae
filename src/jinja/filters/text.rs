//! Filters on text.
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::error::type_error;
use crate::jinja::python::strings::{capitalize, split_lines, strip};
use crate::jinja::python::{
    Dict, is_plain_list, iterate, percent, repr_of, str_of, tuple, type_name,
};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error};

/// Adds the filters.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("string", |v: &Value| str_of(v));
    env.add_filter("lower", |v: &Value| str_of(v).to_lowercase());
    env.add_filter("upper", |v: &Value| str_of(v).to_uppercase());
    env.add_filter("capitalize", |v: &Value| capitalize(&str_of(v)));
    env.add_filter("title", |v: &Value| title(&str_of(v)));
    env.add_filter("trim", trim);
    env.add_filter("replace", replace);
    env.add_filter("center", center);
    env.add_filter("indent", indent);
    env.add_filter("truncate", truncate);
    env.add_filter("wordcount", |v: &Value| {
        let text = str_of(v);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        text.split(|c| !is_word(c))
            .filter(|w| !w.is_empty())
            .count()
    });
    env.add_filter("wordwrap", super::wrap::wordwrap);
    env.add_filter("format", format_filter);
    env.add_filter("pprint", |v: &Value| pretty(v, 0, 0));
}

/// Jinja2's `title`: words also begin behind `-`, brackets and `<`.
fn title(s: &str) -> String {
    let begins = |c: char| c.is_whitespace() || matches!(c, '-' | '(' | '{' | '[' | '<');
    let mut out = String::with_capacity(s.len());
    let mut first = true;
    for c in s.chars() {
        if begins(c) {
            out.push(c);
            first = true;
        } else if first {
            out.extend(c.to_uppercase());
            first = false;
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

fn trim(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let chars = args.text("chars")?;
    args.finish()?;
    Ok(strip(&str_of(value), true, true, chars.as_deref()).to_string())
}

fn replace(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let (old, new) = (str_of(&args.need("old")?), str_of(&args.need("new")?));
    let count = args.int("count")?;
    args.finish()?;
    let text = str_of(value);
    Ok(match count.map(usize::try_from) {
        Some(Ok(n)) => text.replacen(&old, &new, n),
        _ => text.replace(&old, &new),
    })
}

fn center(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let width = usize::try_from(args.int("width")?.unwrap_or(80))
        .unwrap_or(0)
        .min(100_000);
    args.finish()?;
    let text = str_of(value);
    let missing = width.saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width & 1);
    Ok(format!(
        "{}{text}{}",
        " ".repeat(left),
        " ".repeat(missing - left)
    ))
}

fn indent(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let by = match args.next("width")? {
        Some(v) if v.as_str().is_some() => str_of(&v),
        Some(v) => " ".repeat(
            usize::try_from(v.as_i64().unwrap_or(4))
                .unwrap_or(0)
                .min(10_000),
        ),
        None => "    ".into(),
    };
    let first = args.flag("first")?.unwrap_or(false);
    let blank = args.flag("blank")?.unwrap_or(false);
    args.finish()?;
    if is_plain_list(value) {
        return Err(type_error("'list' object has no attribute 'splitlines'"));
    }
    if value.kind() != ValueKind::String {
        return Err(type_error(format!(
            "unsupported operand type(s) for +=: '{}' and 'str'",
            type_name(value)
        )));
    }
    let text = str_of(value) + "\n";
    let mut out = String::new();
    for (i, line) in split_lines(&text, false).iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if (i == 0 && first) || (i > 0 && (blank || !line.is_empty())) {
            out.push_str(&by);
        }
        out.push_str(line);
    }
    Ok(out)
}

fn truncate(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let length = usize::try_from(args.int("length")?.unwrap_or(255)).unwrap_or(0);
    let kill_words = args.flag("killwords")?.unwrap_or(false);
    let end = args.text("end")?.unwrap_or_else(|| "...".into());
    let leeway = usize::try_from(args.int("leeway")?.unwrap_or(5)).unwrap_or(0);
    args.finish()?;
    if super::sequence::length(value)? <= length + leeway {
        return Ok(value.clone());
    }
    let text = str_of(value);
    let keep = length.checked_sub(end.chars().count()).ok_or_else(|| {
        type_error(format!(
            "expected length >= {}, got {length}",
            end.chars().count()
        ))
    })?;
    let head: String = text.chars().take(keep).collect();
    let head = match head.rsplit_once(' ') {
        Some((words, _)) if !kill_words => words,
        _ => &head,
    };
    Ok(Value::from(format!("{head}{end}")))
}

/// `'…' | format(args)`: the `%` operator.
fn format_filter(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let positional = args.rest();
    let named = args.all_named()?;
    if !named.is_empty() && !positional.is_empty() {
        return Err(type_error(
            "can't handle positional and keyword arguments at the same time",
        ));
    }
    let values = if named.is_empty() {
        tuple(positional)
    } else {
        Dict::value(
            named
                .into_iter()
                .map(|(k, v)| (Value::from(k), v))
                .collect(),
        )
    };
    percent(&str_of(value), &values)
}

/// Python's `pprint.pformat`: one line if it fits in 80 columns, else an item a line. `column` is where the text
/// begins, `behind` how many characters must fit behind it.
fn pretty(value: &Value, column: usize, behind: usize) -> String {
    let line = sorted_repr(value);
    if line.chars().count() + column + behind <= 80 {
        return line;
    }
    let inner = column + 1;
    let between = format!(",\n{}", " ".repeat(inner));
    let room = |i: usize, len: usize| if i + 1 == len { behind + 1 } else { 1 };
    if let Some(pairs) = sorted_pairs(value) {
        let items: Vec<String> = pairs
            .iter()
            .enumerate()
            .map(|(i, (key, item))| {
                let key = sorted_repr(key);
                let at = inner + key.chars().count() + 2;
                format!("{key}: {}", pretty(item, at, room(i, pairs.len())))
            })
            .collect();
        return format!("{{{}}}", items.join(&between));
    }
    if let Some((open, all, close)) = sequence_parts(value) {
        let items: Vec<String> = all
            .iter()
            .enumerate()
            .map(|(i, item)| pretty(item, inner, room(i, all.len())))
            .collect();
        return format!("{open}{}{close}", items.join(&between));
    }
    line
}

fn sequence_parts(value: &Value) -> Option<(&'static str, Vec<Value>, &'static str)> {
    let items = || iterate(value).unwrap_or_default();
    if value.is_tuple() {
        let all = items();
        let close = if all.len() == 1 { ",)" } else { ")" };
        return Some(("(", all, close));
    }
    is_plain_list(value).then(|| ("[", items(), "]"))
}

/// The entries of a mapping in the order of their keys.
fn sorted_pairs(value: &Value) -> Option<Vec<(Value, Value)>> {
    let dict = value.downcast_object_ref::<Dict>()?;
    let mut pairs: Vec<(Value, Value)> = dict.pairs().into_iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Some(pairs)
}

/// `repr` with the keys of mappings in order.
fn sorted_repr(value: &Value) -> String {
    if let Some(pairs) = sorted_pairs(value) {
        let items: Vec<String> = pairs
            .iter()
            .map(|(k, v)| format!("{}: {}", sorted_repr(k), sorted_repr(v)))
            .collect();
        return format!("{{{}}}", items.join(", "));
    }
    match sequence_parts(value) {
        Some((open, all, close)) => {
            let items: Vec<String> = all.iter().map(sorted_repr).collect();
            format!("{open}{}{close}", items.join(", "))
        }
        None => repr_of(value),
    }
}
