//! Jinja2's global functions, and dbt's `zip` and `set`.
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::error::{type_error, value_error};
use crate::jinja::python::{Dict, List, Range, Set, iterate, ops, tuple};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Environment, Error, ErrorKind, State};
use std::sync::{Arc, Mutex, PoisonError};

/// The longest `range` that the sandbox allows.
const LONGEST_RANGE: i64 = 100_000;

/// Adds the functions.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_global("modules", crate::jinja::modules::modules());
    env.add_function("range", range);
    env.add_function("dict", dict);
    env.add_function("cycler", |items: Given| -> Result<Value, Error> {
        if items.is_empty() {
            return Err(type_error("at least one item has to be provided"));
        }
        Ok(Value::from_object(Cycler {
            items: items.to_vec(),
            at: Mutex::new(0),
        }))
    });
    env.add_function("joiner", |args: Given| -> Result<Value, Error> {
        let sep = Arguments::new(&args)?
            .text("sep")?
            .unwrap_or_else(|| ", ".into());
        Ok(Value::from_object(Joiner {
            sep,
            used: Mutex::new(false),
        }))
    });
    env.add_function("lipsum", |args: Given| -> Result<Value, Error> {
        let count = Arguments::new(&args)?.int("n")?.unwrap_or(5);
        let paragraph = format!("<p>{LOREM}</p>");
        Ok(Value::from(
            vec![paragraph; usize::try_from(count).unwrap_or(0).min(1000)].join("\n"),
        ))
    });
    env.add_function("zip", |args: Given| zip(&args, false));
    env.add_function("zip_strict", |args: Given| zip(&args, true));
    env.add_function("set", |args: Given| set(&args, false));
    env.add_function("set_strict", |args: Given| set(&args, true));
}

const LOREM: &str = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.";

fn range(args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let first = args
        .int("start")?
        .ok_or_else(|| type_error("range expected at least 1 argument, got 0"))?;
    let second = args.int("stop")?;
    let step = args.int("step")?.unwrap_or(1);
    args.finish()?;
    let (start, stop) = second.map_or((0, first), |stop| (first, stop));
    if step == 0 {
        return Err(value_error("range() arg 3 must not be zero"));
    }
    let count = if step > 0 {
        (stop - start + step - 1).div_euclid(step)
    } else {
        (start - stop - step - 1).div_euclid(-step)
    }
    .max(0);
    if count > LONGEST_RANGE {
        return Err(value_error(format!(
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LONGEST_RANGE})."
        )));
    }
    Ok(Range::value(start, stop, step, count as usize))
}

fn dict(args: Given) -> Result<Value, Error> {
    let mut args = Arguments::new(&args)?;
    let mut pairs = match args.rest().as_slice() {
        [] => Vec::new(),
        [from] => ops::pairs_of(from)?,
        many => {
            return Err(type_error(format!(
                "dict expected at most 1 argument, got {}",
                many.len()
            )));
        }
    };
    pairs.extend(
        args.all_named()?
            .into_iter()
            .map(|(k, v)| (Value::from(k), v)),
    );
    Ok(Dict::value(pairs.into_iter().collect()))
}

/// `zip(*iterables, default=none)`: the default if something cannot be iterated over.
fn zip(args: &[Value], strict: bool) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    let default = args.named("default")?.unwrap_or_else(|| Value::from(()));
    let columns: Result<Vec<Vec<Value>>, Error> = args.rest().iter().map(iterate).collect();
    let columns = match columns {
        Err(_) if !strict => return Ok(default),
        other => other?,
    };
    let len = columns.iter().map(Vec::len).min().unwrap_or(0);
    let rows = (0..len).map(|i| tuple(columns.iter().filter_map(|c| c.get(i).cloned()).collect()));
    Ok(List::value(rows.collect()))
}

/// `set(iterable, default=none)`: the default if it cannot be iterated over.
fn set(args: &[Value], strict: bool) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    let value = args.need("value")?;
    let default = args.next("default")?.unwrap_or_else(|| Value::from(()));
    match iterate(&value) {
        Err(_) if !strict => Ok(default),
        other => Ok(Set::value(other?)),
    }
}

/// `cycler('a', 'b')`.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: Mutex<usize>,
}

impl Object for Cycler {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        (key.as_str()? == "current").then(|| self.items.get(at).cloned())?
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        match name {
            "next" => {
                let item = self.items.get(*at).cloned().unwrap_or_default();
                *at = (*at + 1) % self.items.len().max(1);
                Ok(item)
            }
            "reset" => {
                *at = 0;
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// `joiner(', ')`: nothing at the first call, the text at every further one.
#[derive(Debug)]
struct Joiner {
    sep: String,
    used: Mutex<bool>,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let text = if *used { self.sep.as_str() } else { "" };
        *used = true;
        Ok(Value::from(text))
    }
}
