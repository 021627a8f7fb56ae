//! Filters on numbers.
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::error::type_error;
use crate::jinja::python::ops::{self, Cmp, Op, int_value};
use crate::jinja::python::{Decimal, format, is_undefined, str_of, type_name};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error};

/// Adds the filters.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("abs", abs);
    env.add_filter("round", round);
    env.add_filter("int", int);
    env.add_filter("float", float);
    env.add_filter("filesizeformat", file_size);
}

/// Numbers cannot be made of what is undefined.
fn defined(value: &Value) -> Result<(), Error> {
    if is_undefined(value) {
        return Err(ops::undefined(value));
    }
    Ok(())
}

fn abs(value: &Value) -> Result<Value, Error> {
    defined(value)?;
    let zero = Value::from(0);
    if !value.is_number()
        && value.kind() != ValueKind::Bool
        && type_name(value) != "datetime.timedelta"
        && Decimal::of(value).is_none()
    {
        return Err(type_error(format!(
            "bad operand type for abs(): '{}'",
            type_name(value)
        )));
    }
    let zero = if type_name(value) == "datetime.timedelta" {
        ops::binary(Op::Sub, value, value)?
    } else {
        zero
    };
    if ops::compare(Cmp::Lt, value, &zero).unwrap_or(false) {
        return ops::negate(value);
    }
    ops::negate(value).and_then(|n| ops::negate(&n))
}

/// The value as a float, as Python's `float(value)`.
pub(super) fn to_float(value: &Value) -> Option<f64> {
    if let Some(d) = Decimal::of(value) {
        return Some(Decimal(d).to_f64());
    }
    match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone())
            .ok()
            .or_else(|| i128::try_from(value.clone()).ok().map(|i| i as f64)),
        ValueKind::String => parse_float(value.as_str().unwrap_or_default()),
        _ => None,
    }
}

fn parse_float(text: &str) -> Option<f64> {
    let text = without_underscores(text.trim())?;
    let is_word = text
        .trim_start_matches(['+', '-'])
        .starts_with(|c: char| c.is_ascii_alphabetic());
    if is_word
        && !matches!(
            text.trim_start_matches(['+', '-']).to_lowercase().as_str(),
            "inf" | "infinity" | "nan"
        )
    {
        return None;
    }
    text.parse().ok()
}

/// Python allows `1_000`, but no underscore at an end or two in a row.
fn without_underscores(text: &str) -> Option<String> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    Some(text.replace('_', ""))
}

/// Python's `int(text, base)`.
pub(super) fn parse_int(text: &str, base: u32) -> Option<i128> {
    let text = without_underscores(text.trim())?.to_lowercase();
    let text: String = text
        .chars()
        .map(|c| {
            format::digit_value(c)
                .and_then(|d| char::from_digit(d, 10))
                .unwrap_or(c)
        })
        .collect();
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text.as_str()),
    };
    let (base, digits) = match (base, digits.get(..2)) {
        (16 | 0, Some("0x")) => (16, &digits[2..]),
        (8 | 0, Some("0o")) => (8, &digits[2..]),
        (2 | 0, Some("0b")) => (2, &digits[2..]),
        (0, _) => (10, digits),
        _ => (base, digits),
    };
    if !(2..=36).contains(&base) || digits.starts_with(['-', '+']) {
        return None;
    }
    let n = i128::from_str_radix(digits, base).ok()?;
    Some(if negative { -n } else { n })
}

fn int(value: &Value, args: Given) -> Result<Value, Error> {
    defined(value)?;
    let mut args = Arguments::new(&args)?;
    let default = args.next("default")?.unwrap_or_else(|| Value::from(0));
    let base = args.int("base")?.unwrap_or(10);
    args.finish()?;
    if value.kind() == ValueKind::String {
        let text = value.as_str().unwrap_or_default();
        if let Some(n) = u32::try_from(base).ok().and_then(|b| parse_int(text, b)) {
            return Ok(int_value(n));
        }
    } else if value.is_integer() {
        return Ok(value.clone());
    }
    if let Some(d) = Decimal::of(value) {
        return Ok(i128::try_from(d.trunc()).map_or(default, int_value));
    }
    Ok(match to_float(value) {
        Some(x) if x.is_finite() && x.abs() < 1e38 => int_value(x.trunc() as i128),
        _ => default,
    })
}

fn float(value: &Value, args: Given) -> Result<Value, Error> {
    defined(value)?;
    let mut args = Arguments::new(&args)?;
    let default = args.next("default")?.unwrap_or_else(|| Value::from(0.0));
    args.finish()?;
    Ok(to_float(value).map_or(default, Value::from))
}

fn round(value: &Value, args: Given) -> Result<Value, Error> {
    defined(value)?;
    let mut args = Arguments::new(&args)?;
    let precision = args.int("precision")?.unwrap_or(0);
    let method = args.text("method")?.unwrap_or_else(|| "common".into());
    args.finish()?;
    if let Some(d) = Decimal::of(value) {
        let places = u32::try_from(precision).unwrap_or(0);
        return Ok(Decimal::value(match method.as_str() {
            "ceil" => {
                d.round_dp_with_strategy(places, rust_decimal::RoundingStrategy::ToPositiveInfinity)
            }
            "floor" => {
                d.round_dp_with_strategy(places, rust_decimal::RoundingStrategy::ToNegativeInfinity)
            }
            _ => d.round_dp(places),
        }));
    }
    let is_whole = value.is_integer() || value.kind() == ValueKind::Bool;
    let Some(x) = to_float(value).filter(|_| value.kind() != ValueKind::String) else {
        return Err(type_error(format!(
            "type {} doesn't define __round__ method",
            type_name(value)
        )));
    };
    let scale = 10f64.powi(i32::try_from(precision.clamp(-300, 300)).unwrap_or(0));
    match method.as_str() {
        "common" if is_whole && precision >= 0 => ops::negate(value).and_then(|n| ops::negate(&n)),
        "common" if is_whole => Ok(int_value(((x * scale).round_ties_even() / scale) as i128)),
        "common" => Ok(Value::from(round_float(x, precision))),
        "ceil" => Ok(Value::from((x * scale).ceil() / scale)),
        "floor" => Ok(Value::from((x * scale).floor() / scale)),
        _ => Err(type_error("method must be common, ceil or floor")),
    }
}

/// Python's `round(x, n)`: to the nearest decimal of the exact binary value, ties to even.
pub(super) fn round_float(x: f64, precision: i64) -> f64 {
    if !x.is_finite() || precision > 300 {
        return x;
    }
    if let Ok(places) = usize::try_from(precision) {
        return format!("{x:.places$}").parse().unwrap_or(x);
    }
    let scale = 10f64.powi(i32::try_from(-precision).unwrap_or(0));
    (x / scale).round_ties_even() * scale
}

fn file_size(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let binary = args.flag("binary")?.unwrap_or(false);
    args.finish()?;
    let bytes = to_float(value).ok_or_else(|| {
        type_error(format!(
            "could not convert string to float: '{}'",
            str_of(value)
        ))
    })?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    let prefixes = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    if (bytes - 1.0).abs() < f64::EPSILON {
        return Ok("1 Byte".into());
    }
    if bytes < base {
        return Ok(format!("{} Bytes", bytes.trunc()));
    }
    let mut unit = base;
    for (i, prefix) in prefixes.iter().enumerate() {
        unit *= base;
        if bytes < unit || i == prefixes.len() - 1 {
            return Ok(format!("{:.1} {prefix}", base * bytes / unit));
        }
    }
    Ok(String::new())
}
