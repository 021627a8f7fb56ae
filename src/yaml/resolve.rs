//! What a plain YAML 1.1 scalar means: the implicit resolver of PyYAML's safe loader.
use super::Kind;
use regex::Regex;
use std::sync::LazyLock;

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($text).ok());
    };
}

pattern!(
    INT,
    r"^[-+]?(?:0b[01_]+|0[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$"
);
pattern!(INT60, r"^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$");
pattern!(
    FLOAT,
    r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$"
);
pattern!(FLOAT60, r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$");
pattern!(DATE, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
pattern!(
    TIME,
    r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?$"
);

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|p| p.is_match(text))
}

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Kind::Bool(true);
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Kind::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Kind::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let first = text.as_bytes()[0];
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Kind::Str(text.to_string());
    }
    number(text)
        .or_else(|| time(text))
        .unwrap_or_else(|| Kind::Str(text.to_string()))
}

fn number(text: &str) -> Option<Kind> {
    let clean = text.replace('_', "");
    let (sign, digits) = match clean.strip_prefix('-') {
        Some(rest) => (-1i64, rest),
        None => (1, clean.strip_prefix('+').unwrap_or(&clean)),
    };
    if matches(&INT, text) {
        let value = if let Some(bits) = digits.strip_prefix("0b") {
            i64::from_str_radix(bits, 2).ok()
        } else if let Some(hex) = digits.strip_prefix("0x") {
            i64::from_str_radix(hex, 16).ok()
        } else if digits.len() > 1 && digits.starts_with('0') {
            i64::from_str_radix(digits, 8).ok()
        } else {
            digits.parse().ok()
        };
        // A number too large for 64 bits keeps its digits as a float, as JSON readers do.
        return Some(value.map_or_else(
            || Kind::Float(digits.parse().unwrap_or(f64::INFINITY)),
            |v| Kind::Int(sign * v),
        ));
    }
    if matches(&INT60, text) {
        let parts: Option<Vec<i64>> = digits.split(':').map(|p| p.parse().ok()).collect();
        return parts.map(|p| {
            Kind::Int(
                sign * p
                    .into_iter()
                    .fold(0i64, |acc, x| acc.saturating_mul(60).saturating_add(x)),
            )
        });
    }
    if matches(&FLOAT, text) {
        return clean.parse().ok().map(Kind::Float);
    }
    if matches(&FLOAT60, text) {
        let parts: Option<Vec<f64>> = digits.split(':').map(|p| p.parse().ok()).collect();
        return parts
            .map(|p| Kind::Float(sign as f64 * p.into_iter().fold(0.0, |acc, x| acc * 60.0 + x)));
    }
    None
}

/// A date or timestamp in the ISO form that Python's `isoformat` gives; an offset is turned into UTC.
fn time(text: &str) -> Option<Kind> {
    use chrono::{Duration, NaiveDate};
    if matches(&DATE, text) {
        return NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .map(|_| Kind::Time(text.to_string()));
    }
    let c = TIME.as_ref()?.captures(text)?;
    let n = |i: usize| c.get(i).and_then(|m| m.as_str().parse::<u32>().ok());
    let micros: u32 = c.get(7).map_or(Some(0), |m| {
        format!("{:0<6}", m.as_str()).get(..6)?.parse().ok()
    })?;
    let base = NaiveDate::from_ymd_opt(n(1)? as i32, n(2)?, n(3)?)?.and_hms_micro_opt(
        n(4)?,
        n(5)?,
        n(6)?,
        micros,
    )?;
    let text = |t: chrono::NaiveDateTime| {
        if micros == 0 {
            t.format("%Y-%m-%dT%H:%M:%S").to_string()
        } else {
            t.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
        }
    };
    let Some(zone) = c.get(8) else {
        return Some(Kind::Time(text(base)));
    };
    if zone.as_str() == "Z" {
        return Some(Kind::Time(text(base) + "+00:00"));
    }
    let minutes = i64::from(n(10)? * 60 + n(11).unwrap_or(0)) * if &c[9] == "-" { -1 } else { 1 };
    let offset = format!(
        "{}{:02}:{:02}",
        &c[9],
        minutes.abs() / 60,
        minutes.abs() % 60
    );
    let _ = Duration::minutes(minutes);
    Some(Kind::Time(text(base) + &offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are those of PyYAML 6.
    #[test]
    fn scalars_mean_what_pyyaml_says() {
        for (text, want) in [
            ("yes", Kind::Bool(true)),
            ("Off", Kind::Bool(false)),
            ("y", Kind::Str("y".into())),
            ("010", Kind::Int(8)),
            ("0x1F", Kind::Int(31)),
            ("12:30", Kind::Int(750)),
            ("12:30:00", Kind::Int(45000)),
            ("1_000", Kind::Int(1000)),
            ("-5", Kind::Int(-5)),
            ("08", Kind::Str("08".into())),
            ("1.10", Kind::Float(1.1)),
            ("1e5", Kind::Str("1e5".into())),
            ("1.0e+5", Kind::Float(100_000.0)),
            ("1.2.3", Kind::Str("1.2.3".into())),
            ("2024-01-02", Kind::Time("2024-01-02".into())),
            (
                "2024-01-02 03:04:05",
                Kind::Time("2024-01-02T03:04:05".into()),
            ),
            ("~", Kind::Null),
            ("", Kind::Null),
            ("18-25", Kind::Str("18-25".into())),
            ("60+", Kind::Str("60+".into())),
        ] {
            assert_eq!(plain(text), want, "{text}");
        }
    }
}
