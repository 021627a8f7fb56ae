//! Python's `datetime`: dates, times, moments and spans of time as template values, with arithmetic and comparison.
mod classes;
mod delta;
mod iso;
mod methods;
mod parse;
mod print;
pub(super) mod zone;

pub(super) use classes::module;
pub use delta::Delta;
pub use zone::Zone;

use crate::jinja::python::error::{type_error, value_error};
use crate::jinja::python::ops::Op;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use minijinja::value::{DynObject, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// `datetime.date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// `datetime.time`.
#[derive(Debug, Clone, PartialEq)]
pub struct Time {
    /// The time of day.
    pub time: NaiveTime,
    /// Its zone, if it has one.
    pub zone: Option<Zone>,
}

/// `datetime.datetime`.
#[derive(Debug, Clone, PartialEq)]
pub struct DateTime {
    /// What clock and calendar show.
    pub local: NaiveDateTime,
    /// The zone, if it has one.
    pub zone: Option<Zone>,
}

impl DateTime {
    /// A moment as a template value.
    pub fn value(local: NaiveDateTime, zone: Option<Zone>) -> Value {
        Value::from_object(Self { local, zone })
    }

    /// Seconds that the clock is ahead of UTC.
    fn offset(&self) -> Option<i64> {
        self.zone.as_ref().map(Zone::offset)
    }

    /// The moment in UTC; a moment without a zone as it is.
    fn utc(&self) -> NaiveDateTime {
        let ahead = chrono::TimeDelta::seconds(self.offset().unwrap_or(0));
        self.local.checked_sub_signed(ahead).unwrap_or(self.local)
    }
}

impl Date {
    /// A date as a template value.
    pub fn value(date: NaiveDate) -> Value {
        Value::from_object(Self(date))
    }
}

fn date_of(value: &Value) -> Option<NaiveDate> {
    value.downcast_object_ref::<Date>().map(|d| d.0)
}

/// Python's name of the type.
pub(super) fn python_type(value: &Value) -> Option<&'static str> {
    if date_of(value).is_some() {
        Some("datetime.date")
    } else if value.downcast_object_ref::<DateTime>().is_some() {
        Some("datetime.datetime")
    } else if value.downcast_object_ref::<Time>().is_some() {
        Some("datetime.time")
    } else if value.downcast_object_ref::<Delta>().is_some() {
        Some("datetime.timedelta")
    } else if value.downcast_object_ref::<Zone>().is_some() {
        Some("datetime.tzinfo")
    } else if value.downcast_object_ref::<classes::Class>().is_some() {
        Some("type")
    } else {
        None
    }
}

/// Python's `repr`.
pub(super) fn python_repr(value: &Value) -> Option<String> {
    if let Some(date) = date_of(value) {
        Some(print::repr_date(date))
    } else if let Some(moment) = value.downcast_object_ref::<DateTime>() {
        Some(print::repr_datetime(moment))
    } else if let Some(time) = value.downcast_object_ref::<Time>() {
        Some(print::repr_time(time))
    } else if let Some(delta) = value.downcast_object_ref::<Delta>() {
        Some(delta.python_repr())
    } else {
        value.downcast_object_ref::<Zone>().map(Zone::python_repr)
    }
}

/// `format(value, spec)`: `strftime` with the spec, or `str` without one.
pub(super) fn format_spec(value: &Value, spec: &str) -> Option<Result<String, Error>> {
    let timed = date_of(value).is_some()
        || value.downcast_object_ref::<DateTime>().is_some()
        || value.downcast_object_ref::<Time>().is_some();
    if !timed {
        return None;
    }
    Some(if spec.is_empty() {
        Ok(value.to_string())
    } else {
        print::strftime(value, spec)
    })
}

/// `a <op> b`.
pub(super) fn binary(op: Op, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    let delta = |v: &Value| v.downcast_object_ref::<Delta>().copied();
    if let Some(result) = delta::binary(op, a, b) {
        return Some(result);
    }
    let overflow = || value_error("date value out of range");
    match (op, delta(a), delta(b)) {
        (Op::Add, Some(d), None) => shift(b, d, overflow),
        (Op::Add, None, Some(d)) => shift(a, d, overflow),
        (Op::Sub, None, Some(d)) => shift(a, d.negated(), overflow),
        (Op::Sub, None, None) => difference(a, b),
        _ => None,
    }
}

fn shift(value: &Value, by: Delta, overflow: impl Fn() -> Error) -> Option<Result<Value, Error>> {
    if let Some(date) = date_of(value) {
        let moved = date
            .checked_add_signed(chrono::TimeDelta::days(by.days()))
            .filter(|d| in_range(*d));
        return Some(moved.map(Date::value).ok_or_else(overflow));
    }
    let moment = value.downcast_object_ref::<DateTime>()?;
    let moved = moment
        .local
        .checked_add_signed(by.span())
        .filter(|m| in_range(m.date()));
    Some(
        moved
            .map(|local| DateTime::value(local, moment.zone.clone()))
            .ok_or_else(overflow),
    )
}

/// Python knows the years 1 to 9999.
fn in_range(date: NaiveDate) -> bool {
    (1..=9999).contains(&date.year())
}

fn difference(a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    if let (Some(x), Some(y)) = (date_of(a), date_of(b)) {
        return Some(Ok(Delta::value(x.signed_duration_since(y))));
    }
    let (x, y) = (
        a.downcast_object_ref::<DateTime>()?,
        b.downcast_object_ref::<DateTime>()?,
    );
    if x.zone.is_some() != y.zone.is_some() {
        return Some(Err(type_error(
            "can't subtract offset-naive and offset-aware datetimes",
        )));
    }
    Some(Ok(Delta::value(x.utc().signed_duration_since(y.utc()))))
}

/// The order of two of these values.
#[expect(
    clippy::option_option,
    reason = "outer: not our types; inner: no order between these two"
)]
pub(super) fn compare(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    python_type(a).filter(|_| python_type(b).is_some())?;
    if let (Some(x), Some(y)) = (date_of(a), date_of(b)) {
        return Some(Some(x.cmp(&y)));
    }
    if let (Some(x), Some(y)) = (
        a.downcast_object_ref::<DateTime>(),
        b.downcast_object_ref::<DateTime>(),
    ) {
        let comparable = x.zone.is_some() == y.zone.is_some();
        return Some(comparable.then(|| x.utc().cmp(&y.utc())));
    }
    if let (Some(x), Some(y)) = (
        a.downcast_object_ref::<Time>(),
        b.downcast_object_ref::<Time>(),
    ) {
        return Some((x.zone.is_some() == y.zone.is_some()).then(|| x.time.cmp(&y.time)));
    }
    if let (Some(x), Some(y)) = (
        a.downcast_object_ref::<Delta>(),
        b.downcast_object_ref::<Delta>(),
    ) {
        return Some(Some(x.cmp(y)));
    }
    if let (Some(x), Some(y)) = (
        a.downcast_object_ref::<Zone>(),
        b.downcast_object_ref::<Zone>(),
    ) {
        return Some((x == y).then_some(Ordering::Equal));
    }
    Some(None)
}

/// Why two of these values cannot be ordered, in Python's words.
pub(super) fn no_order(a: &Value, b: &Value) -> Option<&'static str> {
    let moment = |v: &Value| v.downcast_object_ref::<DateTime>().is_some();
    if (moment(a) && date_of(b).is_some()) || (date_of(a).is_some() && moment(b)) {
        return Some("can't compare datetime.datetime to datetime.date");
    }
    let (x, y) = (
        a.downcast_object_ref::<DateTime>()?,
        b.downcast_object_ref::<DateTime>()?,
    );
    (x.zone.is_some() != y.zone.is_some())
        .then_some("can't compare offset-naive and offset-aware datetimes")
}

/// A YAML date or timestamp: a date if it has no time of day.
pub(super) fn from_yaml(text: &str) -> Option<Value> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Date::value(date));
    }
    iso::datetime(text).map(|d| DateTime::value(d.local, d.zone))
}

impl Object for Date {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        methods::date_attribute(self.0, key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        methods::date(self.0, name, args)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::iso_date(self.0))
    }
}

impl Object for Time {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        methods::time_attribute(self.time, self.zone.as_ref(), key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        methods::time(self, name, args)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.time.cmp(&other.downcast_ref::<Self>()?.time))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::iso_time(self, "auto"))
    }
}

impl Object for DateTime {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        methods::date_attribute(self.local.date(), name)
            .or_else(|| methods::time_attribute(self.local.time(), self.zone.as_ref(), name))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        methods::datetime(self, name, args)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.utc().cmp(&other.downcast_ref::<Self>()?.utc()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::iso_datetime(self, " ", "auto"))
    }
}

/// Microseconds of a time of day.
fn micros(time: NaiveTime) -> u32 {
    time.nanosecond() / 1000 % 1_000_000
}
