//! `strptime`: reading a date and time by a format.
use super::zone::Zone;
use super::{DateTime, print};
use crate::jinja::python::error::value_error;
use crate::jinja::python::quote;
use chrono::{Datelike, NaiveDate, NaiveTime};
use minijinja::Error;

/// What has been read so far.
#[derive(Default)]
struct Fields {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: u32,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    micros: u32,
    zone: Option<Zone>,
}

/// `datetime.strptime(text, format)`.
pub(super) fn strptime(text: &str, format: &str) -> Result<DateTime, Error> {
    let mismatch = || {
        value_error(format!(
            "time data {} does not match format {}",
            quote(text),
            quote(format)
        ))
    };
    let mut fields = Fields::default();
    let mut rest = text;
    read(&mut fields, &mut rest, format, format).map_err(|e| e.unwrap_or_else(mismatch))?;
    if !rest.is_empty() {
        return Err(value_error(format!("unconverted data remains: {rest}")));
    }
    fields
        .finish()
        .ok_or_else(|| value_error("day is out of range for month"))
}

fn read(
    fields: &mut Fields,
    rest: &mut &str,
    part: &str,
    format: &str,
) -> Result<(), Option<Error>> {
    let mut codes = part.chars().peekable();
    while let Some(c) = codes.next() {
        if c.is_whitespace() {
            while codes.peek().is_some_and(|c| c.is_whitespace()) {
                codes.next();
            }
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() {
                return Err(None);
            }
            *rest = trimmed;
        } else if c == '%' {
            let code = codes.next().ok_or_else(|| {
                Some(value_error(format!("stray %% in format {}", quote(format))))
            })?;
            match code {
                'T' | 'X' => read(fields, rest, "%H:%M:%S", format)?,
                'F' => read(fields, rest, "%Y-%m-%d", format)?,
                'D' | 'x' => read(fields, rest, "%m/%d/%y", format)?,
                'R' => read(fields, rest, "%H:%M", format)?,
                'c' => read(fields, rest, "%a %b %d %H:%M:%S %Y", format)?,
                '%' => *rest = rest.strip_prefix('%').ok_or(None)?,
                code => fields.directive(code, rest, format)?,
            }
        } else {
            let mut chars = rest.chars();
            let same = chars
                .next()
                .is_some_and(|r| r == c || r.to_lowercase().eq(c.to_lowercase()));
            if !same {
                return Err(None);
            }
            *rest = chars.as_str();
        }
    }
    Ok(())
}

/// The longest run of digits, at most `most`, whose number lies in the range.
fn number(rest: &mut &str, most: usize, low: u32, high: u32) -> Result<u32, Option<Error>> {
    let run = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    for len in (1..=run).rev() {
        let n: u32 = rest[..len].parse().map_err(|_| None)?;
        if (low..=high).contains(&n) {
            *rest = &rest[len..];
            return Ok(n);
        }
    }
    Err(None)
}

/// Position of the name (or its first three letters) that the text begins with.
fn name(rest: &mut &str, names: &[&str], short: bool) -> Result<u32, Option<Error>> {
    let found = names.iter().position(|full| {
        let wanted = if short { &full[..3] } else { full };
        rest.get(..wanted.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(wanted))
    });
    let at = found.ok_or(None)?;
    let len = if short { 3 } else { names[at].len() };
    *rest = &rest[len..];
    Ok(at as u32)
}

impl Fields {
    fn directive(
        &mut self,
        code: char,
        rest: &mut &str,
        format: &str,
    ) -> Result<(), Option<Error>> {
        let (days, months) = print::names();
        match code {
            'Y' => {
                let digits = rest
                    .get(..4)
                    .filter(|d| d.bytes().all(|b| b.is_ascii_digit()))
                    .ok_or(None)?;
                self.year = digits.parse().ok();
                *rest = &rest[4..];
            }
            'y' => {
                let digits = rest
                    .get(..2)
                    .filter(|d| d.bytes().all(|b| b.is_ascii_digit()))
                    .ok_or(None)?;
                let n: i32 = digits.parse().map_err(|_| None)?;
                self.year = Some(if n < 69 { 2000 + n } else { 1900 + n });
                *rest = &rest[2..];
            }
            'm' => self.month = Some(number(rest, 2, 1, 12)?),
            'd' | 'e' => {
                *rest = rest.strip_prefix(' ').unwrap_or(rest);
                self.day = Some(number(rest, 2, 1, 31)?);
            }
            'j' => self.day_of_year = Some(number(rest, 3, 1, 366)?),
            'H' => self.hour = number(rest, 2, 0, 23)?,
            'I' => self.hour12 = Some(number(rest, 2, 1, 12)?),
            'M' => self.minute = number(rest, 2, 0, 59)?,
            'S' => self.second = number(rest, 2, 0, 61)?.min(59),
            'f' => {
                let run = rest.bytes().take(6).take_while(u8::is_ascii_digit).count();
                let digits = format!("{:0<6}", &rest[..run]);
                self.micros = digits.parse().ok().filter(|_| run > 0).ok_or(None)?;
                *rest = &rest[run..];
            }
            'b' | 'h' => self.month = Some(name(rest, months, true)? + 1),
            'B' => self.month = Some(name(rest, months, false)? + 1),
            'a' => drop(name(rest, days, true)?),
            'A' => drop(name(rest, days, false)?),
            'w' | 'u' => drop(number(rest, 1, 0, 7)?),
            'U' | 'W' | 'V' => drop(number(rest, 2, 0, 53)?),
            'p' => self.afternoon = Some(half(rest)? == 1),
            'z' => self.zone = Some(offset(rest)?),
            'Z' => {
                let known = ["UTC", "GMT"]
                    .into_iter()
                    .find(|z| rest.get(..3).is_some_and(|h| h.eq_ignore_ascii_case(z)));
                *rest = &rest[known.ok_or(None)?.len()..];
            }
            other => {
                return Err(Some(value_error(format!(
                    "'{other}' is a bad directive in format {}",
                    quote(format)
                ))));
            }
        }
        Ok(())
    }

    fn finish(self) -> Option<DateTime> {
        let year = self.year.unwrap_or(1900);
        let date = match self.day_of_year {
            Some(n) => NaiveDate::from_yo_opt(year, n)?,
            None => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        if date.year() < 1 {
            return None;
        }
        let hour = match self.hour12 {
            Some(h) => h % 12 + if self.afternoon == Some(true) { 12 } else { 0 },
            None => self.hour,
        };
        let time = NaiveTime::from_hms_micro_opt(hour, self.minute, self.second, self.micros)?;
        Some(DateTime {
            local: date.and_time(time),
            zone: self.zone,
        })
    }
}

fn half(rest: &mut &str) -> Result<u32, Option<Error>> {
    let head = rest.get(..2).ok_or(None)?.to_ascii_lowercase();
    let which = match head.as_str() {
        "am" => 0,
        "pm" => 1,
        _ => return Err(None),
    };
    *rest = &rest[2..];
    Ok(which)
}

/// `+0100`, `+01:00`, `Z`.
fn offset(rest: &mut &str) -> Result<Zone, Option<Error>> {
    if let Some(after) = rest.strip_prefix(['Z', 'z']) {
        *rest = after;
        return Ok(Zone::Fixed(0, None));
    }
    let sign = match rest.chars().next() {
        Some('+') => 1,
        Some('-') => -1,
        _ => return Err(None),
    };
    let mut tail = &rest[1..];
    let mut part = |optional: bool| -> Result<i64, Option<Error>> {
        let text = tail.strip_prefix(':').unwrap_or(tail);
        match text.get(..2).and_then(|d| d.parse::<i64>().ok()) {
            Some(n) => {
                tail = &text[2..];
                Ok(n)
            }
            None if optional => Ok(0),
            None => Err(None),
        }
    };
    let seconds = part(false)? * 3600 + part(false)? * 60 + part(true)?;
    *rest = tail;
    Ok(Zone::Fixed(sign * seconds, None))
}
