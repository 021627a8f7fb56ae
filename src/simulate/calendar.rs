//! Civil dates and times as numbers, and back: days and microseconds since 2000-01-01, PostgreSQL's own origin.
//!
//! Naive local time throughout: no zones, no leap seconds, no clock. Formatting writes straight into a byte buffer,
//! because every generated event carries two or three timestamps.

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60_000_000;
/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Days from 0000-03-01 to 2000-01-01 in the proleptic Gregorian calendar.
const ORIGIN: i64 = 730_425;

/// Short English names of the weekdays, Monday first.
pub const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The day number of a civil date.
pub fn from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin in March.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - ORIGIN
}

/// Year, month and day of a day number.
pub fn to_civil(days: i64) -> (i64, i64, i64) {
    let z = days + ORIGIN;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

/// Day of the week: 0 is Monday.
pub fn weekday(days: i64) -> usize {
    // 2000-01-01 was a Saturday.
    (days + 5).rem_euclid(7) as usize
}

/// Reads `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let (y, m, d) = (parts.next()?, parts.next()?, parts.next()?);
    if y.len() != 4 || m.len() != 2 || d.len() != 2 {
        return None;
    }
    let (y, m, d): (i64, i64, i64) = (digits(y)?, digits(m)?, digits(d)?);
    let days = from_civil(y, m, d);
    (to_civil(days) == (y, m, d)).then_some(days)
}

/// Reads `YYYY-MM-DD[T| ]HH:MM[:SS[.ffffff]]`, or a date alone.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        return parse_date(text).map(|d| d * DAY);
    };
    Some(parse_date(date)? * DAY + parse_time(time)?)
}

/// Reads a time of day, `HH:MM[:SS[.ffffff]]` up to `24:00`, in microseconds.
pub fn parse_time(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (h, m) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let (s, micros) = match parts.next() {
        None => (0, 0),
        Some(s) => match s.split_once('.') {
            None => (digits(s)?, 0),
            Some((s, f)) if !f.is_empty() && f.len() <= 6 => {
                (digits(s)?, digits(f)? * 10i64.pow(6 - f.len() as u32))
            }
            Some(_) => return None,
        },
    };
    let total = h * 60 * MINUTE + m * MINUTE + s * SECOND + micros;
    (m < 60 && s < 60 && total <= DAY).then_some(total)
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Writes a number with at least `width` digits.
fn put(out: &mut Vec<u8>, mut n: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let mut at = buffer.len();
    while n > 0 || buffer.len() - at < width {
        at -= 1;
        buffer[at] = b'0' + (n % 10) as u8;
        n /= 10;
    }
    out.extend_from_slice(&buffer[at..]);
}

fn two(out: &mut Vec<u8>, n: i64) {
    out.extend_from_slice(&[b'0' + (n / 10) as u8, b'0' + (n % 10) as u8]);
}

/// `YYYY-MM-DD` of a day in a year of up to four digits.
pub fn short_date(days: i64) -> Option<[u8; 10]> {
    let (y, m, d) = to_civil(days);
    let digit = |n: i64| b'0' + (n % 10) as u8;
    (0..10_000).contains(&y).then(|| {
        [
            digit(y / 1000),
            digit(y / 100),
            digit(y / 10),
            digit(y),
            b'-',
            digit(m / 10),
            digit(m),
            b'-',
            digit(d / 10),
            digit(d),
        ]
    })
}

/// Writes `YYYY-MM-DD`.
pub fn write_date(out: &mut Vec<u8>, days: i64) {
    if let Some(text) = short_date(days) {
        out.extend_from_slice(&text);
        return;
    }
    let (y, m, d) = to_civil(days);
    if y < 0 {
        out.push(b'-');
    }
    put(out, y.unsigned_abs(), 4);
    out.push(b'-');
    two(out, m);
    out.push(b'-');
    two(out, d);
}

/// Writes `YYYY-MM-DDTHH:MM:SS`, with a fraction only where there is one.
pub fn write_timestamp(out: &mut Vec<u8>, micros: i64, between: u8) {
    let days = micros.div_euclid(DAY);
    let rest = micros.rem_euclid(DAY);
    write_date(out, days);
    out.push(between);
    write_time(out, rest);
}

/// Writes `HH:MM:SS`, with a fraction only where there is one.
pub fn write_time(out: &mut Vec<u8>, rest: i64) {
    let seconds = rest / SECOND;
    if seconds >= 360_000 {
        put(out, (seconds / 360_000) as u64, 1);
    }
    out.extend_from_slice(&clock((seconds % 360_000) as u32));
    write_fraction(out, rest);
}

/// The numbers 0 to 99 in two digits; as many as can be told without a look at how many there are.
const PAIRS: [[u8; 2]; 128] = {
    let mut pairs = [[0; 2]; 128];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

/// `HH:MM:SS` of seconds below 100 hours.
#[inline]
pub fn clock(seconds: u32) -> [u8; 8] {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let pair = |n: u32| PAIRS[n as usize % PAIRS.len()];
    let [a, b] = pair(hours);
    let [c, d] = pair(minutes - hours * 60);
    let [e, f] = pair(seconds - minutes * 60);
    [a, b, b':', c, d, b':', e, f]
}

/// Writes the part of a second, if there is one.
#[inline]
pub fn write_fraction(out: &mut Vec<u8>, rest: i64) {
    let fraction = rest % SECOND;
    if fraction != 0 {
        out.push(b'.');
        put(out, fraction as u64, 6);
    }
}

/// `YYYY-MM-DD` of a day number.
pub fn date_text(days: i64) -> String {
    let mut out = Vec::with_capacity(10);
    write_date(&mut out, days);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    #[test]
    fn dates_agree_with_chrono_over_centuries() {
        let origin = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
        for days in (-200_000..200_000).step_by(37) {
            let date = origin + chrono::Duration::days(days);
            let (y, m, d) = to_civil(days);
            assert_eq!(
                (y, m, d),
                (
                    i64::from(date.year()),
                    i64::from(date.month()),
                    i64::from(date.day())
                )
            );
            assert_eq!(from_civil(y, m, d), days);
            assert_eq!(
                weekday(days),
                date.weekday().num_days_from_monday() as usize
            );
        }
    }

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(parse_date("2025-02-29"), None);
        assert_eq!(
            parse_date("2024-02-29").map(date_text).as_deref(),
            Some("2024-02-29")
        );
        assert_eq!(parse_time("24:00"), Some(DAY));
        assert_eq!(parse_time("24:01"), None);
        assert_eq!(parse_time("7:5x"), None);
        let t = parse_timestamp("2025-01-02T23:05:09.25").unwrap();
        let mut out = Vec::new();
        write_timestamp(&mut out, t, b'T');
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2025-01-02T23:05:09.250000"
        );
        assert_eq!(parse_timestamp("2000-01-01 00:00:01"), Some(SECOND));
    }
}
