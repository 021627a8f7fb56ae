//! Times given on the command line: moments and the window of `--sample`.
use crate::yaml::{self, Kind, Node};
use chrono::{Months, NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::{Value as Json, json};

/// A moment, UTC.
pub type Moment = NaiveDateTime;

/// The window of `--sample`, UTC: from `start`, before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// First moment.
    pub start: Moment,
    /// First moment after it.
    pub end: Moment,
}

impl Sample {
    /// Reads `3 days` (up to `now`) or `{start: …, end: …}`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read(text: &str, now: Moment) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let [count, grain] = words[..]
            && !text.trim_start().starts_with('{')
        {
            return Self::back(count, grain, now);
        }
        let document = yaml::load_text("--sample", text).map_err(|_| explain(text))?;
        let edge = |key: &str| match document.root.get(key) {
            Some(node) => edge(node).ok_or_else(|| {
                format!("`{key}` is not a time such as '2024-01-31' or '2024-01-31T10:00:00'")
            }),
            None => Err(format!("`{key}` is missing from the window `{text}`")),
        };
        if !document.root.is_map() {
            return Err(explain(text));
        }
        Ok(Self {
            start: edge("start")?,
            end: edge("end")?,
        })
    }

    /// That many grains back from `now`.
    fn back(count: &str, grain: &str, now: Moment) -> Result<Self, String> {
        let n: i64 = count
            .parse()
            .map_err(|_| format!("`{count}` is not a whole number"))?;
        let start = match grain.to_lowercase().trim_end_matches('s') {
            "hour" => TimeDelta::try_hours(n).and_then(|d| now.checked_sub_signed(d)),
            "day" => TimeDelta::try_days(n).and_then(|d| now.checked_sub_signed(d)),
            "month" => months_back(now, n),
            "year" => n.checked_mul(12).and_then(|m| months_back(now, m)),
            _ => {
                return Err(format!(
                    "`{grain}` is not one of hours, days, months, years"
                ));
            }
        };
        let start =
            start.ok_or_else(|| format!("`{count} {grain}` reaches beyond the calendar"))?;
        Ok(Self { start, end: now })
    }

    /// As dbt writes it.
    pub fn to_json(self) -> Json {
        let show = |m: Moment| {
            let text = m.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
            format!("{}+00:00", text.trim_end_matches(".000000"))
        };
        json!({"start": show(self.start), "end": show(self.end)})
    }
}

fn explain(text: &str) -> String {
    format!(
        "`{text}` is neither a number and a grain (`3 days`) nor a window ('{{start: …, end: …}}')"
    )
}

fn months_back(now: Moment, n: i64) -> Option<Moment> {
    let months = Months::new(u32::try_from(n.unsigned_abs()).ok()?);
    if n >= 0 {
        now.checked_sub_months(months)
    } else {
        now.checked_add_months(months)
    }
}

fn edge(node: &Node) -> Option<Moment> {
    match &node.kind {
        Kind::Str(s) | Kind::Time(s) => moment(s).ok().or_else(|| {
            chrono::DateTime::parse_from_rfc3339(s)
                .ok()
                .map(|t| t.naive_utc())
        }),
        _ => None,
    }
}

/// Reads `2024-01-31`, `2024-01-31T10:00:00` or `2024-01-31 10:00:00`.
///
/// # Errors
/// A sentence that names the forms.
pub fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(day.and_time(chrono::NaiveTime::MIN));
    }
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .ok_or_else(|| format!("`{text}` is not a time of the form `2024-01-31`, `2024-01-31T10:00:00` or `2024-01-31 10:00:00`"))
}
