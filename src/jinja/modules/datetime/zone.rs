//! Time zones: Python's `timezone` and pytz's zones.
use super::{DateTime, Delta};
use crate::jinja::python::error::{no_method, type_error, value_error};
use crate::jinja::python::{quote, type_name};
use chrono::{NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetComponents, OffsetName, Tz};
use minijinja::value::{Kwargs, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, State};
use std::fmt;
use std::sync::Arc;

/// A zone with the offset that holds at the moment it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub enum Zone {
    /// `pytz.utc`.
    Utc,
    /// `datetime.timezone(offset, name)`; seconds ahead of UTC.
    Fixed(i64, Option<String>),
    /// `pytz.FixedOffset(minutes)`.
    Minutes(i64),
    /// `pytz.timezone(name)`.
    Named(Tz, Picked),
}

/// The offset of a named zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// Seconds ahead of UTC.
    offset: i64,
    /// Of these, daylight saving.
    dst: i64,
    name: String,
}

impl Picked {
    fn of(offset: &<Tz as TimeZone>::Offset) -> Self {
        Self {
            offset: i64::from(offset.fix().local_minus_utc()),
            dst: offset.dst_offset().num_seconds(),
            name: offset.abbreviation().unwrap_or_default().to_string(),
        }
    }

    /// The offset before zones were invented, which pytz gives to a zone without a moment.
    fn first(tz: Tz) -> Self {
        let mut first = Self::of(
            &tz.offset_from_utc_datetime(&chrono::NaiveDate::MIN.and_time(chrono::NaiveTime::MIN)),
        );
        // pytz rounds these to the minute.
        first.offset = (first.offset + 30).div_euclid(60) * 60;
        first
    }
}

impl Zone {
    /// `pytz.timezone(name)`, in any case.
    pub(in crate::jinja::modules) fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("utc") {
            return Some(Self::Utc);
        }
        let tz = chrono_tz::TZ_VARIANTS
            .iter()
            .copied()
            .find(|tz| tz.name().eq_ignore_ascii_case(name))?;
        Some(Self::Named(tz, Picked::first(tz)))
    }

    /// Seconds ahead of UTC.
    pub(super) fn offset(&self) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Fixed(seconds, _) => *seconds,
            Self::Minutes(minutes) => minutes * 60,
            Self::Named(_, picked) => picked.offset,
        }
    }

    /// Seconds of daylight saving; none if the zone does not say.
    pub(super) fn dst(&self) -> Option<i64> {
        match self {
            Self::Utc | Self::Minutes(_) => Some(0),
            Self::Fixed(..) => None,
            Self::Named(_, picked) => Some(picked.dst),
        }
    }

    /// `tzname()`.
    pub(super) fn short_name(&self) -> Option<String> {
        match self {
            Self::Utc => Some("UTC".into()),
            Self::Fixed(0, None) => Some("UTC".into()),
            Self::Fixed(seconds, None) => Some(format!("UTC{}", offset_text(*seconds, ":"))),
            Self::Fixed(_, name) => name.clone(),
            Self::Minutes(_) => None,
            Self::Named(_, picked) => Some(picked.name.clone()),
        }
    }

    /// The moment of UTC as this zone's clocks show it.
    pub(super) fn at_utc(&self, utc: NaiveDateTime) -> DateTime {
        match self {
            Self::Named(tz, _) => {
                let moment = tz.from_utc_datetime(&utc);
                DateTime {
                    local: moment.naive_local(),
                    zone: Some(Self::Named(*tz, Picked::of(moment.offset()))),
                }
            }
            other => {
                let ahead = chrono::TimeDelta::seconds(other.offset());
                DateTime {
                    local: utc.checked_add_signed(ahead).unwrap_or(utc),
                    zone: Some(other.clone()),
                }
            }
        }
    }

    /// pytz's `localize`: the moment at which the zone's clocks show this. Of two the later (standard) one unless
    /// `is_dst`; a time that clocks skip is taken with the offset before the change, or after it if `is_dst`.
    fn localize(&self, local: NaiveDateTime, is_dst: bool) -> DateTime {
        let Self::Named(tz, _) = self else {
            return DateTime {
                local,
                zone: Some(self.clone()),
            };
        };
        let offset = match tz.offset_from_local_datetime(&local) {
            chrono::LocalResult::Single(o) => o,
            chrono::LocalResult::Ambiguous(first, second) => {
                let first_dst = first.dst_offset() > second.dst_offset();
                if first_dst == is_dst { first } else { second }
            }
            chrono::LocalResult::None => {
                let hours = if is_dst { 12 } else { -12 };
                tz.offset_from_utc_datetime(&(local + chrono::TimeDelta::hours(hours)))
            }
        };
        DateTime {
            local,
            zone: Some(Self::Named(*tz, Picked::of(&offset))),
        }
    }

    /// Python's `repr`.
    pub(super) fn python_repr(&self) -> String {
        match self {
            Self::Utc => "<UTC>".into(),
            Self::Fixed(0, None) => "datetime.timezone.utc".into(),
            Self::Fixed(seconds, name) => {
                let delta = Delta::of_seconds(*seconds);
                let delta = super::python_repr(&delta).unwrap_or_default();
                match name {
                    Some(name) => format!("datetime.timezone({delta}, {})", quote(name)),
                    None => format!("datetime.timezone({delta})"),
                }
            }
            Self::Minutes(minutes) => format!("pytz.FixedOffset({minutes})"),
            Self::Named(tz, picked) => {
                let kind = if picked.dst != 0 { "DST" } else { "STD" };
                let delta = Delta::of_seconds(picked.offset).to_string();
                let sign = if delta.starts_with('-') { "" } else { "+" };
                format!(
                    "<DstTzInfo '{}' {}{sign}{delta} {kind}>",
                    tz.name(),
                    picked.name
                )
            }
        }
    }

    /// The zone in a value; `None` stands for no zone.
    pub(super) fn of(value: Option<Value>) -> Result<Option<Self>, Error> {
        let Some(value) = value.filter(|v| !v.is_none()) else {
            return Ok(None);
        };
        match value.downcast_object_ref::<Self>() {
            Some(zone) => Ok(Some(zone.clone())),
            None => Err(type_error(format!(
                "tzinfo argument must be None or of a tzinfo subclass, not type '{}'",
                type_name(&value)
            ))),
        }
    }
}

/// `+01:00`; seconds only if there are any.
pub(super) fn offset_text(seconds: i64, between: &str) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let n = seconds.abs();
    let mut text = format!("{sign}{:02}{between}{:02}", n / 3600, n / 60 % 60);
    if n % 60 != 0 {
        text.push_str(&format!("{between}{:02}", n % 60));
    }
    text
}

fn moment(value: &Value) -> Result<&DateTime, Error> {
    value.downcast_object_ref::<DateTime>().ok_or_else(|| {
        type_error(format!(
            "a datetime.datetime instance is required, not '{}'",
            type_name(value)
        ))
    })
}

impl Object for Zone {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_str()?, &**self) {
            ("zone", Self::Utc) => Some(Value::from("UTC")),
            ("zone", Self::Named(tz, _)) => Some(Value::from(tz.name())),
            ("zone", _) => Some(Value::from(())),
            _ => None,
        }
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let (value, kwargs): (Option<Value>, Kwargs) = from_args(args)?;
        let is_dst = kwargs.get::<Option<bool>>("is_dst")?.unwrap_or(false);
        let seconds = |s: Option<i64>| s.map_or_else(|| Value::from(()), Delta::of_seconds);
        let value = value.unwrap_or_default();
        match name {
            "localize" => {
                let naive = moment(&value)?;
                if naive.zone.is_some() {
                    return Err(value_error("Not naive datetime (tzinfo is already set)"));
                }
                Ok(Value::from_object(self.localize(naive.local, is_dst)))
            }
            "normalize" => {
                let aware = moment(&value)?;
                if aware.zone.is_none() {
                    return Err(value_error("Naive time - no tzinfo set"));
                }
                Ok(Value::from_object(self.at_utc(aware.utc())))
            }
            "fromutc" => Ok(Value::from_object(self.at_utc(moment(&value)?.local))),
            "utcoffset" | "dst" | "tzname" => {
                let here = match value.downcast_object_ref::<DateTime>() {
                    Some(moment) => self
                        .localize(moment.local, is_dst)
                        .zone
                        .unwrap_or(Self::Utc),
                    None => (**self).clone(),
                };
                Ok(match name {
                    "utcoffset" => seconds(Some(here.offset())),
                    "dst" => seconds(here.dst()),
                    _ => here
                        .short_name()
                        .map_or_else(|| Value::from(()), Value::from),
                })
            }
            _ => Err(no_method("datetime.tzinfo", name)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &**self {
            Self::Named(tz, _) => f.write_str(tz.name()),
            Self::Minutes(_) => f.write_str(&self.python_repr()),
            other => f.write_str(&other.short_name().unwrap_or_default()),
        }
    }
}
