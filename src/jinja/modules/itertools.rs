//! `itertools`. Results are lists; endless ones end after as many items as a `range` may have.
use super::function;
use crate::jinja::python::arguments::Arguments;
use crate::jinja::python::error::{type_error, value_error};
use crate::jinja::python::ops::{self, Op};
use crate::jinja::python::{List, iterate, tuple};
use minijinja::Error;
use minijinja::value::Value;

/// As many items as an endless iterator gives at most, and as many rows as products may have.
const MOST: usize = 100_000;

/// The module's members.
pub(super) fn module() -> Vec<(&'static str, Value)> {
    vec![
        function("count", |_, args| {
            let mut args = Arguments::new(args)?;
            let mut at = args.next("start")?.unwrap_or_else(|| Value::from(0));
            let step = args.next("step")?.unwrap_or_else(|| Value::from(1));
            let mut out = Vec::with_capacity(MOST);
            for _ in 0..MOST {
                out.push(at.clone());
                at = ops::binary(Op::Add, &at, &step)?;
            }
            Ok(List::value(out))
        }),
        function("cycle", |_, args| {
            let items = iterate(&Arguments::new(args)?.need("iterable")?)?;
            Ok(List::value(
                items
                    .iter()
                    .cycle()
                    .take(if items.is_empty() { 0 } else { MOST })
                    .cloned()
                    .collect(),
            ))
        }),
        function("repeat", |_, args| {
            let mut args = Arguments::new(args)?;
            let item = args.need("object")?;
            let times = args
                .int("times")?
                .map_or(MOST, |n| usize::try_from(n).unwrap_or(0))
                .min(MOST);
            Ok(List::value(vec![item; times]))
        }),
        function("accumulate", |state, args| {
            let mut args = Arguments::new(args)?;
            let items = iterate(&args.need("iterable")?)?;
            let by = args.next("func")?.filter(|f| !f.is_none());
            let mut total = args.next("initial")?.filter(|v| !v.is_none());
            let mut out: Vec<Value> = total.iter().cloned().collect();
            for item in items {
                let next = match (&total, &by) {
                    (None, _) => item,
                    (Some(t), Some(by)) => by.call(state, &[t.clone(), item])?,
                    (Some(t), None) => ops::binary(Op::Add, t, &item)?,
                };
                out.push(next.clone());
                total = Some(next);
            }
            Ok(List::value(out))
        }),
        function("chain", |_, args| {
            let parts: Result<Vec<_>, Error> = args.iter().map(iterate).collect();
            Ok(List::value(parts?.concat()))
        }),
        function("compress", |_, args| {
            let mut args = Arguments::new(args)?;
            let (data, selectors) = (
                iterate(&args.need("data")?)?,
                iterate(&args.need("selectors")?)?,
            );
            let kept = data
                .into_iter()
                .zip(selectors)
                .filter(|(_, s)| s.is_true())
                .map(|(d, _)| d);
            Ok(List::value(kept.collect()))
        }),
        function("islice", |_, args| islice(args)),
        function("starmap", |state, args| {
            let mut args = Arguments::new(args)?;
            let (call, rows) = (args.need("function")?, iterate(&args.need("iterable")?)?);
            let results: Result<Vec<_>, Error> = rows
                .iter()
                .map(|row| call.call(state, &iterate(row)?))
                .collect();
            results.map(List::value)
        }),
        function("tee", |_, args| {
            let mut args = Arguments::new(args)?;
            let items = iterate(&args.need("iterable")?)?;
            let n = usize::try_from(args.int("n")?.unwrap_or(2))
                .unwrap_or(0)
                .min(1000);
            Ok(tuple((0..n).map(|_| List::value(items.clone())).collect()))
        }),
        function("zip_longest", |_, args| {
            let mut args = Arguments::new(args)?;
            let fill = args.named("fillvalue")?.unwrap_or_else(|| Value::from(()));
            let columns: Vec<Vec<Value>> =
                args.rest().iter().map(iterate).collect::<Result<_, _>>()?;
            let len = columns.iter().map(Vec::len).max().unwrap_or(0);
            let row = |i: usize| {
                tuple(
                    columns
                        .iter()
                        .map(|c| c.get(i).unwrap_or(&fill).clone())
                        .collect(),
                )
            };
            Ok(List::value((0..len).map(row).collect()))
        }),
        function("product", |_, args| product(args)),
        function("permutations", |_, args| {
            choose(
                args,
                Choice {
                    ordered: true,
                    repeats: false,
                },
            )
        }),
        function("combinations", |_, args| {
            choose(
                args,
                Choice {
                    ordered: false,
                    repeats: false,
                },
            )
        }),
        function("combinations_with_replacement", |_, args| {
            choose(
                args,
                Choice {
                    ordered: false,
                    repeats: true,
                },
            )
        }),
    ]
}

fn islice(args: &[Value]) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    let items = iterate(&args.need("iterable")?)?;
    let numbers = args.rest();
    let number = |i: usize| -> Result<Option<usize>, Error> {
        match numbers.get(i).filter(|v| !v.is_none()) {
            Some(v) => v.as_usize().map(Some).ok_or_else(|| {
                value_error(
                    "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.",
                )
            }),
            None => Ok(None),
        }
    };
    let (start, stop) = if numbers.len() == 1 {
        (None, number(0)?)
    } else {
        (number(0)?, number(1)?)
    };
    let step = number(2)?.unwrap_or(1).max(1);
    let picked = items
        .into_iter()
        .take(stop.unwrap_or(usize::MAX))
        .skip(start.unwrap_or(0))
        .step_by(step);
    Ok(List::value(picked.collect()))
}

fn too_many() -> Error {
    value_error(format!("more than {MOST} results"))
}

fn product(args: &[Value]) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    let times =
        usize::try_from(args.named("repeat")?.and_then(|v| v.as_i64()).unwrap_or(1)).unwrap_or(0);
    let once: Vec<Vec<Value>> = args.rest().iter().map(iterate).collect::<Result<_, _>>()?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for column in (0..times.min(1000)).flat_map(|_| &once) {
        if rows.len().saturating_mul(column.len()) > MOST {
            return Err(too_many());
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                column.iter().map(move |item| {
                    let mut next = row.clone();
                    next.push(item.clone());
                    next
                })
            })
            .collect();
    }
    Ok(List::value(rows.into_iter().map(tuple).collect()))
}

struct Choice {
    ordered: bool,
    repeats: bool,
}

fn choose(args: &[Value], choice: Choice) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    let items = iterate(&args.need("iterable")?)?;
    let size = match args.int("r")? {
        Some(n) => usize::try_from(n).map_err(|_| value_error("r must be non-negative"))?,
        None if choice.ordered => items.len(),
        None => return Err(type_error("missing a required argument: 'r'")),
    };
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let mut next = Vec::new();
        for row in &rows {
            let from = match (choice.ordered, choice.repeats) {
                (true, _) => 0,
                (false, true) => row.last().copied().unwrap_or(0),
                (false, false) => row.last().map_or(0, |i| i + 1),
            };
            for i in (from..items.len()).filter(|i| !choice.ordered || !row.contains(i)) {
                let mut longer = row.clone();
                longer.push(i);
                next.push(longer);
            }
            if next.len() > MOST {
                return Err(too_many());
            }
        }
        rows = next;
        if rows.is_empty() {
            break;
        }
    }
    let row = |r: &Vec<usize>| tuple(r.iter().filter_map(|i| items.get(*i).cloned()).collect());
    Ok(List::value(rows.iter().map(row).collect()))
}
