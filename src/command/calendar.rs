//! Whether the calendar has every day once, as Power BI's functions over days want it.
use super::setup::Loaded;
use crate::diag::{Diagnostic, code};
use crate::metrics::{qualified, relation};
use crate::pg::Cell;
use crate::semantic::{KeyKind, Layer};

/// Warns of days that the calendar lacks or has several times. Silent where the database cannot be asked.
pub fn lint(loaded: &Loaded, layer: &Layer) -> Vec<Diagnostic> {
    let Some(calendar) = layer.calendar() else {
        return Vec::new();
    };
    let key = calendar.keys.iter().find(|k| k.kind == KeyKind::Primary);
    let Some(day) = key.and_then(|k| qualified(&k.expr, "calendar").ok()) else {
        return Vec::new();
    };
    let sql = format!(
        "select min({day})::text, max({day})::text, max({day})::date - min({day})::date + 1 - count(distinct {day}), count({day}) - count(distinct {day}) from {} as calendar",
        relation(&calendar.relation)
    );
    let found = crate::pg::Session::connect(&loaded.database.options)
        .and_then(|mut session| session.fetch(&sql));
    let Some(row) = found.ok().and_then(|t| t.rows.into_iter().next()) else {
        return Vec::new();
    };
    let text = |i: usize| row.get(i).and_then(Cell::text).unwrap_or_default();
    let number = |i: usize| text(i).parse::<i64>().unwrap_or(0);
    let warn = |message: String, help: &str| {
        Diagnostic::warning(code::R0704, message)
            .at_opt(calendar.place.clone())
            .help(help)
    };
    let mut out = Vec::new();
    if number(2) > 0 {
        let (first, last) = (text(0), text(1));
        out.push(warn(
            format!("the calendar `{}` lacks {} of the days from {first} to {last}", calendar.name, number(2)),
            "Power BI counts wrong over days that are missing: give the calendar's model a row for each day",
        ));
    }
    if number(3) > 0 {
        out.push(warn(
            format!(
                "the calendar `{}` has {} of its days more than once",
                calendar.name,
                number(3)
            ),
            "Power BI refuses to load it: leave one row for each day",
        ));
    }
    out
}
