//! `pytz`.
use super::datetime::Zone;
use super::function;
use crate::jinja::python::arguments::Arguments;
use crate::jinja::python::error::key_error;
use crate::jinja::python::{List, quote, str_of};
use minijinja::value::Value;

/// The module's members.
pub(super) fn module() -> Vec<(&'static str, Value)> {
    let names = || -> Vec<&'static str> {
        let mut names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name()).collect();
        names.sort_unstable();
        names
    };
    let list = |names: &[&str]| List::value(names.iter().map(|n| Value::from(*n)).collect());
    let common: Vec<&str> = names()
        .into_iter()
        .filter(|n| {
            let area = n.split('/').next().unwrap_or_default();
            *n == "UTC"
                || *n == "GMT"
                || n.contains('/')
                    && !matches!(area, "Etc" | "SystemV" | "Brazil" | "Chile" | "Mexico")
        })
        .collect();
    vec![
        ("utc", Value::from_object(Zone::Utc)),
        ("UTC", Value::from_object(Zone::Utc)),
        ("all_timezones", list(&names())),
        ("common_timezones", list(&common)),
        function("timezone", |_, args| {
            let name = str_of(&Arguments::new(args)?.need("zone")?);
            Zone::named(&name)
                .map(Value::from_object)
                .ok_or_else(|| key_error(quote(&name)))
        }),
        function("FixedOffset", |_, args| {
            let minutes = Arguments::new(args)?.int("offset")?.unwrap_or(0);
            Ok(Value::from_object(if minutes == 0 {
                Zone::Utc
            } else {
                Zone::Minutes(minutes)
            }))
        }),
    ]
}
