//! Attributes and methods of dates, times and moments.
use super::zone::Zone;
use super::{Date, DateTime, Delta, Time, micros, print};
use crate::jinja::python::arguments::Arguments;
use crate::jinja::python::error::{no_method, type_error, value_error};
use crate::jinja::python::tuple;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use minijinja::Error;
use minijinja::value::Value;

pub(super) fn date_attribute(date: NaiveDate, name: &str) -> Option<Value> {
    Some(match name {
        "year" => Value::from(date.year()),
        "month" => Value::from(date.month()),
        "day" => Value::from(date.day()),
        _ => return None,
    })
}

pub(super) fn time_attribute(time: NaiveTime, zone: Option<&Zone>, name: &str) -> Option<Value> {
    Some(match name {
        "hour" => Value::from(time.hour()),
        "minute" => Value::from(time.minute()),
        "second" => Value::from(time.second()),
        "microsecond" => Value::from(micros(time)),
        "fold" => Value::from(0),
        "tzinfo" => zone.map_or_else(|| Value::from(()), |z| Value::from_object(z.clone())),
        _ => return None,
    })
}

/// Reads year, month and day, each taken from `from` if not given.
pub(super) fn date_arguments(
    args: &mut Arguments,
    from: Option<NaiveDate>,
) -> Result<NaiveDate, Error> {
    let mut part = |name: &str, old: Option<i64>| -> Result<i64, Error> {
        match args.int(name)?.or(old) {
            Some(n) => Ok(n),
            None => Err(type_error(format!(
                "function missing required argument '{name}' (pos {})",
                if name == "year" {
                    1
                } else if name == "month" {
                    2
                } else {
                    3
                }
            ))),
        }
    };
    let year = part("year", from.map(|d| i64::from(d.year())))?;
    let month = part("month", from.map(|d| i64::from(d.month())))?;
    let day = part("day", from.map(|d| i64::from(d.day())))?;
    if !(1..=9999).contains(&year) {
        return Err(value_error(format!("year {year} is out of range")));
    }
    if !(1..=12).contains(&month) {
        return Err(value_error("month must be in 1..12"));
    }
    NaiveDate::from_ymd_opt(year as i32, month as u32, u32::try_from(day).unwrap_or(0))
        .ok_or_else(|| value_error("day is out of range for month"))
}

/// Reads hour, minute, second and microsecond, each taken from `from` if not given.
pub(super) fn time_arguments(args: &mut Arguments, from: NaiveTime) -> Result<NaiveTime, Error> {
    let mut part = |name: &str, old: u32, limit: i64| -> Result<u32, Error> {
        match args.int(name)? {
            Some(n) if (0..limit).contains(&n) => Ok(n as u32),
            Some(_) => Err(value_error(format!("{name} must be in 0..{}", limit - 1))),
            None => Ok(old),
        }
    };
    let hour = part("hour", from.hour(), 24)?;
    let minute = part("minute", from.minute(), 60)?;
    let second = part("second", from.second(), 60)?;
    let micro = part("microsecond", micros(from), 1_000_000)?;
    Ok(NaiveTime::from_hms_micro_opt(hour, minute, second, micro).unwrap_or(from))
}

/// Methods that dates and moments share.
fn of_date(date: NaiveDate, name: &str) -> Option<Value> {
    Some(match name {
        "weekday" => Value::from(date.weekday().num_days_from_monday()),
        "isoweekday" => Value::from(date.weekday().number_from_monday()),
        "isocalendar" => {
            let week = date.iso_week();
            tuple(vec![
                Value::from(week.year()),
                Value::from(week.week()),
                Value::from(date.weekday().number_from_monday()),
            ])
        }
        "toordinal" => Value::from(date.num_days_from_ce()),
        _ => return None,
    })
}

fn time_tuple(local: NaiveDateTime) -> Value {
    let (d, t) = (local.date(), local.time());
    let parts = [
        i64::from(d.year()),
        i64::from(d.month()),
        i64::from(d.day()),
        i64::from(t.hour()),
        i64::from(t.minute()),
        i64::from(t.second()),
        i64::from(d.weekday().num_days_from_monday()),
        i64::from(d.ordinal()),
        -1,
    ];
    tuple(parts.into_iter().map(Value::from).collect())
}

pub(super) fn date(date: NaiveDate, name: &str, args: &[Value]) -> Result<Value, Error> {
    let midnight = date.and_time(NaiveTime::MIN);
    match name {
        "isoformat" | "__str__" => Ok(Value::from(print::iso_date(date))),
        "strftime" | "__format__" => {
            let format = Arguments::new(args)?.text("format")?.unwrap_or_default();
            print::strftime(&Date::value(date), &format).map(Value::from)
        }
        "replace" => date_arguments(&mut Arguments::new(args)?, Some(date)).map(Date::value),
        "ctime" => Ok(Value::from(print::ctime(midnight))),
        "timetuple" => Ok(time_tuple(midnight)),
        _ => of_date(date, name)
            .map_or_else(|| super::classes::date_static(name, args), |v| Ok(Some(v)))?
            .ok_or_else(|| no_method("datetime.date", name)),
    }
}

pub(super) fn time(time: &Time, name: &str, args: &[Value]) -> Result<Value, Error> {
    let mut args = Arguments::new(args)?;
    match name {
        "isoformat" | "__str__" => {
            let precision = args.text("timespec")?.unwrap_or_else(|| "auto".into());
            print::check_precision(&precision)?;
            Ok(Value::from(print::iso_time(time, &precision)))
        }
        "strftime" | "__format__" => {
            let format = args.text("format")?.unwrap_or_default();
            print::strftime(&Value::from_object(time.clone()), &format).map(Value::from)
        }
        "replace" => {
            let clock = time_arguments(&mut args, time.time)?;
            let zone = match args.next("tzinfo")? {
                Some(zone) => Zone::of(Some(zone))?,
                None => time.zone.clone(),
            };
            Ok(Value::from_object(Time { time: clock, zone }))
        }
        _ => zone_method(time.zone.as_ref(), name).ok_or_else(|| no_method("datetime.time", name)),
    }
}

fn zone_method(zone: Option<&Zone>, name: &str) -> Option<Value> {
    let none = || Value::from(());
    Some(match name {
        "utcoffset" => zone.map_or_else(none, |z| Delta::of_seconds(z.offset())),
        "dst" => zone
            .and_then(Zone::dst)
            .map_or_else(none, Delta::of_seconds),
        "tzname" => zone
            .and_then(Zone::short_name)
            .map_or_else(none, Value::from),
        _ => return None,
    })
}

pub(super) fn datetime(moment: &DateTime, name: &str, raw: &[Value]) -> Result<Value, Error> {
    let mut args = Arguments::new(raw)?;
    match name {
        "date" => Ok(Date::value(moment.local.date())),
        "time" => Ok(Value::from_object(Time {
            time: moment.local.time(),
            zone: None,
        })),
        "timetz" => Ok(Value::from_object(Time {
            time: moment.local.time(),
            zone: moment.zone.clone(),
        })),
        "isoformat" | "__str__" => {
            let between = args
                .text("sep")?
                .unwrap_or_else(|| if name == "__str__" { " " } else { "T" }.into());
            let precision = args.text("timespec")?.unwrap_or_else(|| "auto".into());
            print::check_precision(&precision)?;
            Ok(Value::from(print::iso_datetime(
                moment, &between, &precision,
            )))
        }
        "strftime" | "__format__" => {
            let format = args.text("format")?.unwrap_or_default();
            print::strftime(&Value::from_object(moment.clone()), &format).map(Value::from)
        }
        "replace" => {
            let date = date_arguments(&mut args, Some(moment.local.date()))?;
            let time = time_arguments(&mut args, moment.local.time())?;
            let zone = match args.next("tzinfo")? {
                Some(zone) => Zone::of(Some(zone))?,
                None => moment.zone.clone(),
            };
            Ok(DateTime::value(date.and_time(time), zone))
        }
        "astimezone" => {
            let zone = Zone::of(args.next("tz")?)?;
            let utc = match moment.zone {
                Some(_) => moment.utc(),
                None => super::classes::local_to_utc(moment.local),
            };
            Ok(Value::from_object(
                zone.unwrap_or_else(|| super::classes::local_zone(utc))
                    .at_utc(utc),
            ))
        }
        "timestamp" => {
            let utc = match moment.zone {
                Some(_) => moment.utc(),
                None => super::classes::local_to_utc(moment.local),
            };
            Ok(Value::from(utc.and_utc().timestamp_micros() as f64 / 1e6))
        }
        "timetuple" => Ok(time_tuple(moment.local)),
        "utctimetuple" => Ok(time_tuple(moment.utc())),
        "ctime" => Ok(Value::from(print::ctime(moment.local))),
        _ => zone_method(moment.zone.as_ref(), name)
            .or_else(|| of_date(moment.local.date(), name))
            .map_or_else(
                || super::classes::datetime_static(name, raw),
                |v| Ok(Some(v)),
            )?
            .ok_or_else(|| no_method("datetime.datetime", name)),
    }
}
