//! Days and periods as SQL.
use crate::semantic::{Grain, Offset, Window};
use chrono::NaiveDate;

/// The first moment of the period that a time lies in; a date from days on.
pub fn truncated(expr: &str, grain: Grain, is_date: bool) -> String {
    match grain {
        Grain::Day if is_date => expr.to_string(),
        Grain::Day => format!("{}::date", super::sqltext::bracketed(expr)),
        g if g < Grain::Day => format!("date_trunc('{}', {expr})", g.as_str()),
        g => format!("date_trunc('{}', {expr})::date", g.as_str()),
    }
}

/// A day as a literal.
pub fn day(d: NaiveDate) -> String {
    format!("date '{d}'")
}

/// A stretch of time as a literal.
pub fn interval(w: Window) -> String {
    let s = if w.count == 1 { "" } else { "s" };
    format!("interval '{} {}{s}'", w.count, w.grain.as_str())
}

/// Days of a window made of days or weeks.
pub fn days(w: Window) -> Option<i64> {
    match w.grain {
        Grain::Day => Some(w.count),
        Grain::Week => Some(w.count * 7),
        _ => None,
    }
}

/// A day plus a number of days, as SQL.
pub fn plus(expr: &str, n: i64) -> String {
    match n {
        0 => expr.to_string(),
        n if n > 0 => format!("{expr} + {n}"),
        n => format!("{expr} - {}", -n),
    }
}

/// The day that counts for a day, `days.day`.
pub fn anchor(offset: Option<Offset>) -> String {
    match offset {
        None => "days.day".into(),
        Some(Offset::Back(w)) => match days(w) {
            Some(n) => format!("({})", plus("days.day", -n)),
            None => format!("(days.day - {})::date", interval(w)),
        },
        Some(Offset::Start(g)) => format!("date_trunc('{}', days.day)::date", g.as_str()),
    }
}
