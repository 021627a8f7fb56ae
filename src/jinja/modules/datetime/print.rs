//! How dates and times are written: ISO form, `repr`, `strftime`.
use super::zone::offset_text;
use super::{Date, DateTime, Time, micros};
use crate::jinja::python::error::{type_error, value_error};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use minijinja::Error;
use minijinja::value::Value;
use std::fmt::Write;

/// `2024-01-02`.
pub(super) fn iso_date(date: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

fn clock(time: NaiveTime, precision: &str) -> Result<String, Error> {
    let (h, m, s, us) = (time.hour(), time.minute(), time.second(), micros(time));
    Ok(match precision {
        "auto" if us == 0 => format!("{h:02}:{m:02}:{s:02}"),
        "auto" | "microseconds" => format!("{h:02}:{m:02}:{s:02}.{us:06}"),
        "milliseconds" => format!("{h:02}:{m:02}:{s:02}.{:03}", us / 1000),
        "seconds" => format!("{h:02}:{m:02}:{s:02}"),
        "minutes" => format!("{h:02}:{m:02}"),
        "hours" => format!("{h:02}"),
        _ => return Err(value_error("Unknown timespec value")),
    })
}

/// `03:04:05+01:00`; an unknown precision gives the automatic one.
pub(super) fn iso_time(time: &Time, precision: &str) -> String {
    let text = clock(time.time, precision)
        .or_else(|_| clock(time.time, "auto"))
        .unwrap_or_default();
    text + &time
        .zone
        .as_ref()
        .map(|z| offset_text(z.offset(), ":"))
        .unwrap_or_default()
}

/// `2024-01-02T03:04:05+01:00`.
pub(super) fn iso_datetime(moment: &DateTime, between: &str, precision: &str) -> String {
    let time = Time {
        time: moment.local.time(),
        zone: moment.zone.clone(),
    };
    format!(
        "{}{between}{}",
        iso_date(moment.local.date()),
        iso_time(&time, precision)
    )
}

/// Whether `isoformat` knows the precision.
pub(super) fn check_precision(precision: &str) -> Result<(), Error> {
    clock(NaiveTime::MIN, precision).map(|_| ())
}

pub(super) fn repr_date(date: NaiveDate) -> String {
    format!(
        "datetime.date({}, {}, {})",
        date.year(),
        date.month(),
        date.day()
    )
}

fn clock_parts(time: NaiveTime) -> String {
    let mut text = format!("{}, {}", time.hour(), time.minute());
    let us = micros(time);
    if time.second() != 0 || us != 0 {
        let _ = write!(text, ", {}", time.second());
    }
    if us != 0 {
        let _ = write!(text, ", {us}");
    }
    text
}

pub(super) fn repr_time(time: &Time) -> String {
    let zone = time
        .zone
        .as_ref()
        .map(|z| format!(", tzinfo={}", z.python_repr()))
        .unwrap_or_default();
    format!("datetime.time({}{zone})", clock_parts(time.time))
}

pub(super) fn repr_datetime(moment: &DateTime) -> String {
    let date = moment.local.date();
    let zone = moment
        .zone
        .as_ref()
        .map(|z| format!(", tzinfo={}", z.python_repr()))
        .unwrap_or_default();
    format!(
        "datetime.datetime({}, {}, {}, {}{zone})",
        date.year(),
        date.month(),
        date.day(),
        clock_parts(moment.local.time())
    )
}

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// English name of a day of the week, Monday first, or of a month, January first.
pub(super) fn names() -> (&'static [&'static str; 7], &'static [&'static str; 12]) {
    (&DAYS, &MONTHS)
}

fn day_name(date: NaiveDate) -> &'static str {
    DAYS.get(date.weekday().num_days_from_monday() as usize)
        .copied()
        .unwrap_or_default()
}

fn month_name(date: NaiveDate) -> &'static str {
    MONTHS
        .get(date.month0() as usize)
        .copied()
        .unwrap_or_default()
}

/// `ctime()`.
pub(super) fn ctime(local: NaiveDateTime) -> String {
    let date = local.date();
    format!(
        "{} {} {:2} {} {:04}",
        &day_name(date)[..3],
        &month_name(date)[..3],
        date.day(),
        clock(local.time(), "seconds").unwrap_or_default(),
        date.year()
    )
}

/// `strftime(format)` of a date, time or moment, in the C locale.
pub(super) fn strftime(value: &Value, format: &str) -> Result<String, Error> {
    let moment = if let Some(moment) = value.downcast_object_ref::<DateTime>() {
        moment.clone()
    } else if let Some(date) = value.downcast_object_ref::<Date>() {
        DateTime {
            local: date.0.and_time(NaiveTime::MIN),
            zone: None,
        }
    } else if let Some(time) = value.downcast_object_ref::<Time>() {
        let day = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default();
        DateTime {
            local: day.and_time(time.time),
            zone: time.zone.clone(),
        }
    } else {
        return Err(type_error("strftime needs a date or a time"));
    };
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut code = chars.next();
        let bare = code == Some('-');
        if bare {
            code = chars.next();
        }
        match code {
            Some(code) => {
                let text = directive(&moment, code);
                out.push_str(if bare { unpadded(&text) } else { &text });
            }
            None => out.push('%'),
        }
    }
    Ok(out)
}

fn unpadded(text: &str) -> &str {
    let short = text.trim_start_matches(['0', ' ']);
    if short.is_empty() { "0" } else { short }
}

fn directive(moment: &DateTime, code: char) -> String {
    let (date, time) = (moment.local.date(), moment.local.time());
    let week = date.iso_week();
    let hour12 = (time.hour() + 11) % 12 + 1;
    let monday = date.weekday().num_days_from_monday();
    let sunday = date.weekday().num_days_from_sunday();
    let half = if time.hour() < 12 { "AM" } else { "PM" };
    let together = |codes: &str| {
        let mut text = String::new();
        for c in codes.chars() {
            if c.is_ascii_alphabetic() {
                text.push_str(&directive(moment, c));
            } else {
                text.push(c);
            }
        }
        text
    };
    match code {
        'a' => day_name(date)[..3].into(),
        'A' => day_name(date).into(),
        'b' | 'h' => month_name(date)[..3].into(),
        'B' => month_name(date).into(),
        'w' => sunday.to_string(),
        'u' => (monday + 1).to_string(),
        'd' => format!("{:02}", date.day()),
        'e' => format!("{:2}", date.day()),
        'm' => format!("{:02}", date.month()),
        'y' => format!("{:02}", date.year().rem_euclid(100)),
        'Y' => date.year().to_string(),
        'C' => format!("{:02}", date.year() / 100),
        'H' => format!("{:02}", time.hour()),
        'k' => format!("{:2}", time.hour()),
        'I' => format!("{hour12:02}"),
        'l' => format!("{hour12:2}"),
        'p' => half.into(),
        'P' => half.to_lowercase(),
        'M' => format!("{:02}", time.minute()),
        'S' => format!("{:02}", time.second()),
        'f' => format!("{:06}", micros(time)),
        'z' => moment
            .zone
            .as_ref()
            .map(|z| offset_text(z.offset(), ""))
            .unwrap_or_default(),
        'Z' => moment
            .zone
            .as_ref()
            .and_then(super::Zone::short_name)
            .unwrap_or_default(),
        'j' => format!("{:03}", date.ordinal()),
        'U' => format!("{:02}", (date.ordinal0() + 7 - sunday) / 7),
        'W' => format!("{:02}", (date.ordinal0() + 7 - monday) / 7),
        'G' => week.year().to_string(),
        'g' => format!("{:02}", week.year().rem_euclid(100)),
        'V' => format!("{:02}", week.week()),
        's' => moment.utc().and_utc().timestamp().to_string(),
        'c' => together("a b e H:M:S Y"),
        'x' | 'D' => together("m/d/y"),
        'X' | 'T' => together("H:M:S"),
        'R' => together("H:M"),
        'r' => together("I:M:S p"),
        'F' => together("Y-m-d"),
        'n' => "\n".into(),
        't' => "\t".into(),
        '%' => "%".into(),
        other => format!("%{other}"),
    }
}
