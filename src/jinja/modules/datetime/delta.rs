//! `datetime.timedelta`.
use crate::jinja::python::arguments::Arguments;
use crate::jinja::python::error::{no_method, type_error, value_error};
use crate::jinja::python::ops::{self, Op};
use chrono::TimeDelta;
use minijinja::value::{DynObject, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A span of time in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delta(i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Delta {
    /// A span as a template value.
    pub fn value(span: TimeDelta) -> Value {
        Value::from_object(Self(span.num_microseconds().unwrap_or(i64::MAX)))
    }

    pub(super) fn of_seconds(seconds: i64) -> Value {
        Value::from_object(Self(seconds.saturating_mul(SECOND)))
    }

    pub(super) fn of_micros(micros: i64) -> Value {
        Value::from_object(Self(micros))
    }

    pub(super) fn span(self) -> TimeDelta {
        TimeDelta::microseconds(self.0)
    }

    pub(in crate::jinja::modules) fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Whole days, rounded down.
    pub(super) fn days(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    fn seconds(self) -> i64 {
        self.0.rem_euclid(DAY) / SECOND
    }

    fn micros(self) -> i64 {
        self.0.rem_euclid(SECOND)
    }

    /// Seconds, with their fraction.
    pub(super) fn total_seconds(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    /// Python's `repr`.
    pub(super) fn python_repr(self) -> String {
        let parts = [
            ("days", self.days()),
            ("seconds", self.seconds()),
            ("microseconds", self.micros()),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|p| p.1 != 0)
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        format!(
            "datetime.timedelta({})",
            if said.is_empty() {
                "0".into()
            } else {
                said.join(", ")
            }
        )
    }

    /// The value of `timedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)`.
    pub(super) fn construct(args: &[Value]) -> Result<Value, Error> {
        let mut args = Arguments::new(args)?;
        let mut total = 0f64;
        let mut exact = 0i128;
        for (name, unit) in [
            ("days", DAY),
            ("seconds", SECOND),
            ("microseconds", 1),
            ("milliseconds", 1000),
            ("minutes", 60 * SECOND),
            ("hours", 3600 * SECOND),
            ("weeks", 7 * DAY),
        ] {
            let Some(value) = args.next(name)? else {
                continue;
            };
            if value.is_integer() {
                exact += i128::try_from(value).unwrap_or(0) * i128::from(unit);
            } else if value.is_number() {
                total += f64::try_from(value).unwrap_or(0.0) * unit as f64;
            } else {
                return Err(type_error(format!(
                    "unsupported type for timedelta {name} component: {}",
                    crate::jinja::python::type_name(&value)
                )));
            }
        }
        args.finish()?;
        let micros = exact + total.round_ties_even() as i128;
        if micros.unsigned_abs() > 999_999_999 * u128::from(DAY.unsigned_abs()) {
            return Err(value_error(format!(
                "days={}; must have magnitude <= 999999999",
                micros / i128::from(DAY)
            )));
        }
        Ok(Value::from_object(Self(
            i64::try_from(micros).unwrap_or(i64::MAX),
        )))
    }
}

/// `a <op> b` where a span meets a span or a number.
pub(super) fn binary(op: Op, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    let delta = |v: &Value| v.downcast_object_ref::<Delta>().map(|d| d.0);
    let micros = |m: i128| Ok(Delta::of_micros(i64::try_from(m).unwrap_or(i64::MAX)));
    let scaled = |m: f64| Ok(Delta::of_micros(m.round_ties_even() as i64));
    match (delta(a), delta(b)) {
        (Some(x), Some(y)) => match op {
            Op::Add => Some(micros(i128::from(x) + i128::from(y))),
            Op::Sub => Some(micros(i128::from(x) - i128::from(y))),
            Op::Div | Op::FloorDiv | Op::Mod if y == 0 => {
                Some(Err(value_error("division by zero")))
            }
            Op::Div => Some(Ok(Value::from(x as f64 / y as f64))),
            Op::FloorDiv => Some(ops::binary(op, &Value::from(x), &Value::from(y))),
            Op::Mod => Some(Ok(Delta::of_micros(
                x.rem_euclid(y) + if y < 0 && x.rem_euclid(y) != 0 { y } else { 0 },
            ))),
            _ => None,
        },
        (Some(x), None) if is_number(b) => match op {
            Op::Mul => Some(times(x, b)),
            Op::Div | Op::FloorDiv if !b.is_true() => Some(Err(value_error("division by zero"))),
            Op::Div => Some(scaled(x as f64 / number(b))),
            Op::FloorDiv => Some(
                ops::binary(op, &Value::from(x), b)
                    .map(|v| Delta::of_micros(v.as_i64().unwrap_or(0))),
            ),
            _ => None,
        },
        (None, Some(y)) if is_number(a) && op == Op::Mul => Some(times(y, a)),
        _ => None,
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Number | ValueKind::Bool)
}

fn number(value: &Value) -> f64 {
    f64::try_from(value.clone()).unwrap_or_else(|_| f64::from(u8::from(value.is_true())))
}

fn times(micros: i64, by: &Value) -> Result<Value, Error> {
    let product = match by.as_i64().filter(|_| by.is_integer()) {
        Some(n) => i64::try_from(i128::from(micros) * i128::from(n)).unwrap_or(i64::MAX),
        None => (micros as f64 * number(by)).round_ties_even() as i64,
    };
    Ok(Delta::of_micros(product))
}

impl Object for Delta {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0 != 0
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(Value::from(match key.as_str()? {
            "days" => self.days(),
            "seconds" => self.seconds(),
            "microseconds" => self.micros(),
            _ => return None,
        }))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        match name {
            "total_seconds" => Ok(Value::from(self.total_seconds())),
            _ => Err(no_method("datetime.timedelta", name)),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.days(), self.seconds());
        if days != 0 {
            write!(f, "{days} day{}, ", if days.abs() == 1 { "" } else { "s" })?;
        }
        write!(
            f,
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )?;
        if self.micros() != 0 {
            write!(f, ".{:06}", self.micros())?;
        }
        Ok(())
    }
}
