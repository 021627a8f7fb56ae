//! Filters on sequences and mappings.
use super::attributes::{fold_case, get};
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::error::{type_error, value_error};
use crate::jinja::python::is_undefined;
use crate::jinja::python::ops::{self, Cmp, Op};
use crate::jinja::python::{Dict, List, iterate, repr_of, str_of, tuple, type_name};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Environment, Error};
use rand::seq::IndexedRandom;
use std::fmt;
use std::sync::Arc;

/// Adds the filters.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_filter("list", |v: &Value| iterate(v).map(List::value));
    env.add_filter("is_list", |v: &Value| {
        crate::jinja::python::is_plain_list(v)
    });
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_filter("first", |v: &Value| {
        iterate(v).map(|i| i.into_iter().next().unwrap_or_default())
    });
    env.add_filter("last", |v: &Value| {
        iterate(v)
            .map(|i| i.into_iter().next_back().unwrap_or_default())
            .map_err(|_| type_error(format!("'{}' object is not reversible", type_name(v))))
    });
    env.add_filter("random", |v: &Value| {
        iterate(v).map(|items| items.choose(&mut rand::rng()).cloned().unwrap_or_default())
    });
    env.add_filter("reverse", reverse);
    env.add_filter("join", join);
    env.add_filter("sort", sort);
    env.add_filter("unique", unique);
    env.add_filter("min", |v: &Value, args: Given| extreme(v, &args, Cmp::Lt));
    env.add_filter("max", |v: &Value, args: Given| extreme(v, &args, Cmp::Gt));
    env.add_filter("sum", sum);
    env.add_filter("batch", batch);
    env.add_filter("slice", slices);
    env.add_filter("groupby", group_by);
    env.add_filter("dictsort", dict_sort);
    env.add_filter("items", |v: &Value| -> Result<Value, Error> {
        if is_undefined(v) {
            return Ok(List::value(Vec::new()));
        }
        if v.kind() != ValueKind::Map {
            return Err(type_error("Can only get item pairs from a mapping."));
        }
        Ok(List::value(
            ops::pairs_of(v)?
                .into_iter()
                .map(|(k, v)| tuple(vec![k, v]))
                .collect(),
        ))
    });
}

pub(super) fn length(value: &Value) -> Result<usize, Error> {
    if is_undefined(value) {
        return Ok(0);
    }
    value.len().filter(|_| !value.is_none()).ok_or_else(|| {
        type_error(format!(
            "object of type '{}' has no len()",
            type_name(value)
        ))
    })
}

fn default(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let fallback = args
        .next("default_value")?
        .unwrap_or_else(|| Value::from(""));
    let boolean = args.flag("boolean")?.unwrap_or(false);
    args.finish()?;
    Ok(if is_undefined(value) || (boolean && !value.is_true()) {
        fallback
    } else {
        value.clone()
    })
}

fn reverse(value: &Value) -> Result<Value, Error> {
    if let (ValueKind::String, Some(text)) = (value.kind(), value.as_str()) {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = iterate(value).map_err(|_| type_error("argument must be iterable"))?;
    items.reverse();
    Ok(List::value(items))
}

fn join(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let between = args.text("d")?.unwrap_or_default();
    let attribute = args.next("attribute")?.filter(|a| !a.is_none());
    args.finish()?;
    let mut out = String::new();
    for (i, item) in iterate(value)?.iter().enumerate() {
        if i > 0 {
            out.push_str(&between);
        }
        match &attribute {
            Some(attribute) => out.push_str(&str_of(&get(item, attribute, None)?)),
            None => out.push_str(&str_of(item)),
        }
    }
    Ok(out)
}

/// The key to compare an item by.
fn key_of(item: &Value, attribute: Option<&Value>, mind_case: bool) -> Result<Value, Error> {
    let key = match attribute {
        Some(a) => get(item, a, None)?,
        None => item.clone(),
    };
    Ok(if mind_case { key } else { fold_case(key) })
}

fn sort(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let reverse = args.flag("reverse")?.unwrap_or(false);
    let mind_case = args.flag("case_sensitive")?.unwrap_or(false);
    let attribute = args.next("attribute")?.filter(|a| !a.is_none());
    args.finish()?;
    let paths: Vec<Value> = match &attribute {
        Some(a) if a.as_str().is_some() => a
            .as_str()
            .unwrap_or_default()
            .split(',')
            .map(Value::from)
            .collect(),
        Some(a) => vec![a.clone()],
        None => Vec::new(),
    };
    let mut keyed = Vec::new();
    for item in iterate(value)? {
        let key = match paths.as_slice() {
            [] => key_of(&item, None, mind_case)?,
            many => List::value(
                many.iter()
                    .map(|a| key_of(&item, Some(a), mind_case))
                    .collect::<Result<_, _>>()?,
            ),
        };
        keyed.push((key, item));
    }
    ops::sort_by_key(&mut keyed, reverse)?;
    Ok(List::value(
        keyed.into_iter().map(|(_, item)| item).collect(),
    ))
}

fn unique(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let mind_case = args.flag("case_sensitive")?.unwrap_or(false);
    let attribute = args.next("attribute")?.filter(|a| !a.is_none());
    args.finish()?;
    let mut seen: Vec<Value> = Vec::new();
    let mut out = Vec::new();
    for item in iterate(value)? {
        let key = key_of(&item, attribute.as_ref(), mind_case)?;
        if !seen.iter().any(|s| ops::equal(s, &key)) {
            seen.push(key);
            out.push(item);
        }
    }
    Ok(List::value(out))
}

fn extreme(value: &Value, args: &[Value], better: Cmp) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    let mind_case = args.flag("case_sensitive")?.unwrap_or(false);
    let attribute = args.next("attribute")?.filter(|a| !a.is_none());
    args.finish()?;
    let mut best: Option<(Value, Value)> = None;
    for item in iterate(value)? {
        let key = key_of(&item, attribute.as_ref(), mind_case)?;
        let wins = match &best {
            Some((other, _)) => ops::compare(better, &key, other)?,
            None => true,
        };
        if wins {
            best = Some((key, item));
        }
    }
    Ok(best.map(|(_, item)| item).unwrap_or_default())
}

fn sum(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let attribute = args.next("attribute")?.filter(|a| !a.is_none());
    let mut total = args.next("start")?.unwrap_or_else(|| Value::from(0));
    args.finish()?;
    for item in iterate(value)? {
        let item = match &attribute {
            Some(a) => get(&item, a, None)?,
            None => item,
        };
        total = ops::binary(Op::Add, &total, &item)?;
    }
    Ok(total)
}

fn batch(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let count = args
        .int("linecount")?
        .and_then(|n| usize::try_from(n).ok())
        .filter(|n| *n > 0);
    let fill = args.next("fill_with")?.filter(|v| !v.is_none());
    args.finish()?;
    let count = count.ok_or_else(|| value_error("batch needs a positive number of items"))?;
    let lines = iterate(value)?
        .chunks(count)
        .map(|line| {
            let mut line = line.to_vec();
            if let Some(fill) = &fill {
                line.resize(count, fill.clone());
            }
            List::value(line)
        })
        .collect();
    Ok(List::value(lines))
}

fn slices(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let count = args
        .int("slices")?
        .and_then(|n| usize::try_from(n).ok())
        .filter(|n| (1..100_000).contains(n));
    let fill = args.next("fill_with")?.filter(|v| !v.is_none());
    args.finish()?;
    let count = count.ok_or_else(|| value_error("slice needs a positive number of slices"))?;
    let items = iterate(value)?;
    let (each, extra) = (items.len() / count, items.len() % count);
    let mut rest = items.into_iter();
    let mut out = Vec::new();
    for n in 0..count {
        let mut part: Vec<Value> = rest.by_ref().take(each + usize::from(n < extra)).collect();
        if let Some(fill) = fill.as_ref().filter(|_| n >= extra) {
            part.push(fill.clone());
        }
        out.push(List::value(part));
    }
    Ok(List::value(out))
}

/// A group of `groupby`: a pair that also knows its parts as `grouper` and `list`.
#[derive(Debug)]
struct Group {
    grouper: Value,
    list: Value,
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_str(), key.as_i64()) {
            (Some("grouper"), _) | (None, Some(0)) => Some(self.grouper.clone()),
            (Some("list"), _) | (None, Some(1)) => Some(self.list.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", repr_of(&self.grouper), repr_of(&self.list))
    }
}

fn group_by(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let attribute = args.need("attribute")?;
    let default = args.next("default")?.filter(|v| !v.is_none());
    let mind_case = args.flag("case_sensitive")?.unwrap_or(false);
    args.finish()?;
    let mut keyed = Vec::new();
    for item in iterate(value)? {
        let key = get(&item, &attribute, default.as_ref())?;
        keyed.push((if mind_case { key } else { fold_case(key) }, item));
    }
    ops::sort_by_key(&mut keyed, false)?;
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in keyed {
        match groups.last_mut() {
            Some((last, items)) if ops::equal(last, &key) => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut out = Vec::new();
    for (key, items) in groups {
        let grouper = match items.first() {
            Some(first) if !mind_case => get(first, &attribute, default.as_ref())?,
            _ => key,
        };
        out.push(Value::from_object(Group {
            grouper,
            list: List::value(items),
        }));
    }
    Ok(List::value(out))
}

fn dict_sort(value: &Value, args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let mind_case = args.flag("case_sensitive")?.unwrap_or(false);
    let by = args.text("by")?.unwrap_or_else(|| "key".into());
    let reverse = args.flag("reverse")?.unwrap_or(false);
    args.finish()?;
    if !matches!(by.as_str(), "key" | "value") {
        return Err(value_error(
            "You can only sort by either \"key\" or \"value\"",
        ));
    }
    if value.kind() != ValueKind::Map && value.downcast_object_ref::<Dict>().is_none() {
        return Err(type_error(format!(
            "'{} object' has no attribute 'items'",
            type_name(value)
        )));
    }
    let mut keyed: Vec<(Value, Value)> = ops::pairs_of(value)?
        .into_iter()
        .map(|(k, v)| {
            let key = if by == "key" { k.clone() } else { v.clone() };
            (
                if mind_case { key } else { fold_case(key) },
                tuple(vec![k, v]),
            )
        })
        .collect();
    ops::sort_by_key(&mut keyed, reverse)?;
    Ok(List::value(
        keyed.into_iter().map(|(_, pair)| pair).collect(),
    ))
}
