//! Reading ISO 8601 dates and times, as `fromisoformat` of Python 3.11 reads them.
use super::zone::Zone;
use super::{DateTime, Time};
use chrono::{NaiveDate, NaiveTime};

/// `2024-01-02`, `20240102`, `2024-W01-2`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    if !text.is_ascii() {
        return None;
    }
    if text.contains('W') {
        let compact = text.replace('-', "");
        let (year, rest) = compact.split_once('W')?;
        let week: u32 = rest.get(..2)?.parse().ok()?;
        let day = rest
            .get(2..)
            .filter(|d| !d.is_empty())
            .map_or(Ok(1), str::parse::<u8>)
            .ok()?;
        let weekday = chrono::Weekday::try_from(day.checked_sub(1)?).ok()?;
        return NaiveDate::from_isoywd_opt(year.parse().ok()?, week, weekday);
    }
    let digits = match text.len() {
        8 => text.to_string(),
        10 if text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-' => text.replace('-', ""),
        _ => return None,
    };
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    NaiveDate::from_ymd_opt(
        digits[..4].parse().ok()?,
        digits[4..6].parse().ok()?,
        digits[6..].parse().ok()?,
    )
}

/// `03:04:05.678+01:00` and its shorter forms.
pub(super) fn time(text: &str) -> Option<Time> {
    let text = text.strip_prefix('T').unwrap_or(text);
    let at = text.find(['+', '-', 'Z', 'z']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(at);
    let zone = match zone {
        "" => None,
        "Z" | "z" => Some(Zone::Fixed(0, None)),
        offset => {
            let seconds = seconds_of_day(&offset[1..])?;
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            Some(Zone::Fixed(sign * i64::from(seconds.0), None))
        }
    };
    let (seconds, micros) = seconds_of_day(clock)?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, micros * 1000)?;
    Some(Time { time, zone })
}

/// Seconds and microseconds of `HH[:MM[:SS[.ffffff]]]`, with or without colons.
fn seconds_of_day(text: &str) -> Option<(u32, u32)> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = clock.replace(':', "");
    let colons = clock.matches(':').count();
    if !matches!(digits.len(), 2 | 4 | 6) || (colons > 0 && colons != digits.len() / 2 - 1) {
        return None;
    }
    if !digits
        .bytes()
        .chain(fraction.bytes())
        .all(|b| b.is_ascii_digit())
        || (!fraction.is_empty() && digits.len() != 6)
    {
        return None;
    }
    let part = |i: usize| {
        digits
            .get(i..i + 2)
            .map_or(Some(0), |p| p.parse::<u32>().ok())
    };
    let (h, m, s) = (part(0)?, part(2)?, part(4)?);
    if h > 23 || m > 59 || s > 59 {
        return None;
    }
    let micros = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some((h * 3600 + m * 60 + s, micros))
}

/// A date, or a date and a time with any one character between.
pub(super) fn datetime(text: &str) -> Option<DateTime> {
    if let Some(day) = date(text) {
        return Some(DateTime {
            local: day.and_time(NaiveTime::MIN),
            zone: None,
        });
    }
    let split = [10, 8]
        .into_iter()
        .find(|n| text.is_char_boundary(*n) && text.len() > *n && date(&text[..*n]).is_some())?;
    let day = date(&text[..split])?;
    let mut rest = text[split..].chars();
    rest.next()?;
    let time = time(rest.as_str().trim_start())?;
    Some(DateTime {
        local: day.and_time(time.time),
        zone: time.zone,
    })
}
