//! The classes of the module: constructors, class methods and constants.
use super::methods::{date_arguments, time_arguments};
use super::zone::Zone;
use super::{Date, DateTime, Delta, Time, iso, parse};
use crate::jinja::python::arguments::Arguments;
use crate::jinja::python::error::{no_method, type_error, value_error};
use crate::jinja::python::{Bound, quote, str_of, type_name};
use chrono::{Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::fmt;
use std::sync::Arc;

/// A class of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Date,
    Time,
    DateTime,
    Delta,
    TzInfo,
    Timezone,
}

/// The module's members by name.
pub(in crate::jinja::modules) fn module() -> Vec<(&'static str, Value)> {
    [
        ("date", Class::Date),
        ("time", Class::Time),
        ("datetime", Class::DateTime),
        ("timedelta", Class::Delta),
        ("tzinfo", Class::TzInfo),
        ("timezone", Class::Timezone),
    ]
    .into_iter()
    .map(|(name, class)| (name, Value::from_object(class)))
    .collect()
}

/// The moment of UTC at which this computer's clock shows a time.
pub(super) fn local_to_utc(local: NaiveDateTime) -> NaiveDateTime {
    Local
        .from_local_datetime(&local)
        .earliest()
        .map_or(local, |d| d.naive_utc())
}

/// This computer's zone at a moment of UTC.
pub(super) fn local_zone(utc: NaiveDateTime) -> Zone {
    let offset = i64::from(Local.offset_from_utc_datetime(&utc).local_minus_utc());
    Zone::Fixed(offset, None)
}

/// Microseconds are the finest that Python knows.
fn now_utc() -> NaiveDateTime {
    let now = Utc::now().naive_utc();
    chrono::DateTime::from_timestamp_micros(now.and_utc().timestamp_micros())
        .map_or(now, |d| d.naive_utc())
}

fn now_local() -> NaiveDateTime {
    let utc = now_utc();
    Zone::at_utc(&local_zone(utc), utc).local
}

fn from_timestamp(args: &mut Arguments) -> Result<NaiveDateTime, Error> {
    let seconds = args.need("timestamp")?;
    let seconds = f64::try_from(seconds.clone()).map_err(|_| {
        type_error(format!(
            "'{}' object cannot be interpreted as an integer",
            type_name(&seconds)
        ))
    })?;
    chrono::DateTime::from_timestamp_micros((seconds * 1e6).round_ties_even() as i64)
        .map(|d| d.naive_utc())
        .ok_or_else(|| value_error("timestamp out of range"))
}

/// Class methods of `date`; none if there is no such.
pub(super) fn date_static(name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let mut args = Arguments::new(args)?;
    Ok(Some(match name {
        "today" => Date::value(now_local().date()),
        "fromisoformat" => {
            let text = str_of(&args.need("date_string")?);
            Date::value(iso::date(&text).ok_or_else(|| invalid_iso(&text))?)
        }
        "fromtimestamp" => Date::value(
            Zone::at_utc(&local_zone(now_utc()), from_timestamp(&mut args)?)
                .local
                .date(),
        ),
        "fromordinal" => {
            let n = args.int("n")?.and_then(|n| i32::try_from(n).ok());
            let date = n.and_then(NaiveDate::from_num_days_from_ce_opt);
            Date::value(date.ok_or_else(|| value_error("ordinal must be >= 1"))?)
        }
        "fromisocalendar" => Date::value(from_iso_calendar(&mut args)?),
        _ => return Ok(None),
    }))
}

fn from_iso_calendar(args: &mut Arguments) -> Result<NaiveDate, Error> {
    let mut part = |name: &str| args.int(name).map(|n| n.unwrap_or(0));
    let (year, week, day) = (part("year")?, part("week")?, part("day")?);
    let weekday = u8::try_from(day - 1)
        .ok()
        .and_then(|d| chrono::Weekday::try_from(d).ok());
    weekday
        .and_then(|d| NaiveDate::from_isoywd_opt(year as i32, week as u32, d))
        .ok_or_else(|| value_error(format!("Invalid week: {week}")))
}

fn invalid_iso(text: &str) -> Error {
    value_error(format!("Invalid isoformat string: {}", quote(text)))
}

/// Class methods of `datetime`; none if there is no such.
pub(super) fn datetime_static(name: &str, raw: &[Value]) -> Result<Option<Value>, Error> {
    let mut args = Arguments::new(raw)?;
    Ok(Some(match name {
        "now" => match Zone::of(args.next("tz")?)? {
            Some(zone) => Value::from_object(zone.at_utc(now_utc())),
            None => DateTime::value(now_local(), None),
        },
        "today" => DateTime::value(now_local(), None),
        "utcnow" => DateTime::value(now_utc(), None),
        "strptime" => {
            let (text, format) = (
                str_of(&args.need("date_string")?),
                str_of(&args.need("format")?),
            );
            Value::from_object(parse::strptime(&text, &format)?)
        }
        "fromisoformat" => {
            let text = str_of(&args.need("date_string")?);
            Value::from_object(iso::datetime(&text).ok_or_else(|| invalid_iso(&text))?)
        }
        "fromtimestamp" | "utcfromtimestamp" => {
            let utc = from_timestamp(&mut args)?;
            match (name, Zone::of(args.next("tz")?)?) {
                ("utcfromtimestamp", _) => DateTime::value(utc, None),
                (_, Some(zone)) => Value::from_object(zone.at_utc(utc)),
                (_, None) => DateTime::value(Zone::at_utc(&local_zone(utc), utc).local, None),
            }
        }
        "combine" => combine(&mut args)?,
        "fromordinal" | "fromisocalendar" => {
            let date = date_static(name, raw)?
                .and_then(|d| super::date_of(&d))
                .unwrap_or_default();
            DateTime::value(date.and_time(NaiveTime::MIN), None)
        }
        _ => return Ok(None),
    }))
}

fn combine(args: &mut Arguments) -> Result<Value, Error> {
    let (date, time) = (args.need("date")?, args.need("time")?);
    let day = super::date_of(&date).or_else(|| {
        date.downcast_object_ref::<DateTime>()
            .map(|d| d.local.date())
    });
    let day = day.ok_or_else(|| {
        type_error(format!(
            "combine() argument 1 must be datetime.date, not {}",
            type_name(&date)
        ))
    })?;
    let clock = time.downcast_object_ref::<Time>().ok_or_else(|| {
        type_error(format!(
            "combine() argument 2 must be datetime.time, not {}",
            type_name(&time)
        ))
    })?;
    let zone = match args.next("tzinfo")? {
        Some(zone) => Zone::of(Some(zone))?,
        None => clock.zone.clone(),
    };
    Ok(DateTime::value(day.and_time(clock.time), zone))
}

impl Class {
    fn path(self) -> &'static str {
        match self {
            Self::Date => "datetime.date",
            Self::Time => "datetime.time",
            Self::DateTime => "datetime.datetime",
            Self::Delta => "datetime.timedelta",
            Self::TzInfo => "datetime.tzinfo",
            Self::Timezone => "datetime.timezone",
        }
    }

    fn construct(self, raw: &[Value]) -> Result<Value, Error> {
        let mut args = Arguments::new(raw)?;
        Ok(match self {
            Self::Date => {
                let date = date_arguments(&mut args, None)?;
                args.finish()?;
                Date::value(date)
            }
            Self::Time => {
                let time = time_arguments(&mut args, NaiveTime::MIN)?;
                let zone = Zone::of(args.next("tzinfo")?)?;
                Value::from_object(Time { time, zone })
            }
            Self::DateTime => {
                let date = date_arguments(&mut args, None)?;
                let time = time_arguments(&mut args, NaiveTime::MIN)?;
                let zone = Zone::of(args.next("tzinfo")?)?;
                DateTime::value(date.and_time(time), zone)
            }
            Self::Delta => Delta::construct(raw)?,
            Self::TzInfo => Value::from_object(Zone::Fixed(0, None)),
            Self::Timezone => {
                let offset = args.need("offset")?;
                let delta = offset.downcast_object_ref::<Delta>().ok_or_else(|| {
                    type_error(format!(
                        "timezone() argument 1 must be datetime.timedelta, not {}",
                        type_name(&offset)
                    ))
                })?;
                Value::from_object(Zone::Fixed(
                    delta.total_seconds() as i64,
                    args.text("name")?,
                ))
            }
        })
    }

    fn constant(self, name: &str) -> Option<Value> {
        let first = NaiveDate::from_ymd_opt(1, 1, 1)?;
        let last = NaiveDate::from_ymd_opt(9999, 12, 31)?;
        let late = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999)?;
        Some(match (self, name) {
            (Self::Date, "min") => Date::value(first),
            (Self::Date, "max") => Date::value(last),
            (Self::DateTime, "min") => DateTime::value(first.and_time(NaiveTime::MIN), None),
            (Self::DateTime, "max") => DateTime::value(last.and_time(late), None),
            (Self::Time, "min") => Value::from_object(Time {
                time: NaiveTime::MIN,
                zone: None,
            }),
            (Self::Time, "max") => Value::from_object(Time {
                time: late,
                zone: None,
            }),
            (Self::Date, "resolution") => Delta::of_seconds(86_400),
            (Self::Time | Self::DateTime | Self::Delta, "resolution") => Delta::of_micros(1),
            (Self::Timezone, "utc") => Value::from_object(Zone::Fixed(0, None)),
            (_, "__name__") => Value::from(self.path().trim_start_matches("datetime.")),
            _ => return None,
        })
    }
}

/// What can be handed on without being called, as in `try_or_compiler_error(message, datetime.strptime, text, format)`.
const CLASS_METHODS: &[&str] = &[
    "combine",
    "fromisocalendar",
    "fromisoformat",
    "fromordinal",
    "fromtimestamp",
    "now",
    "strftime",
    "strptime",
    "today",
    "utcfromtimestamp",
    "utcnow",
];

impl Object for Class {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        self.constant(name).or_else(|| {
            CLASS_METHODS
                .contains(&name)
                .then(|| Bound::value(Value::from_dyn_object(self.clone()), name))
        })
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        self.construct(args)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let found = match **self {
            Self::Date => date_static(name, args)?,
            Self::DateTime => datetime_static(name, args)?,
            Self::Time if name == "fromisoformat" => {
                let text = str_of(&Arguments::new(args)?.need("time_string")?);
                Some(Value::from_object(
                    iso::time(&text).ok_or_else(|| invalid_iso(&text))?,
                ))
            }
            _ => None,
        };
        if let Some(value) = found {
            return Ok(value);
        }
        // `datetime.strftime(x, '%Y')` is the method called on the class.
        match args.split_first() {
            Some((of, rest)) if super::python_type(of).is_some() => {
                if let Some(m) = of.downcast_object_ref::<DateTime>() {
                    super::methods::datetime(m, name, rest)
                } else if let Some(d) = super::date_of(of) {
                    super::methods::date(d, name, rest)
                } else {
                    Err(no_method(self.path(), name))
                }
            }
            _ => Err(Error::new(
                minijinja::ErrorKind::UnknownMethod,
                format!("type object '{}' has no attribute '{name}'", self.path()),
            )),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<class '{}'>", self.path())
    }
}
