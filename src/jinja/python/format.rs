//! `'{:>10}'.format(x)`, and how single values are formatted.
use super::error::{index_error, key_error, type_error, value_error};
use super::{Decimal, repr_of, str_of, type_name};
use crate::jinja::modules;
use minijinja::Error;
use minijinja::value::{Kwargs, Value, ValueKind, from_args};

/// How one value is to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spec {
    pub(super) fill: Option<char>,
    pub(super) align: Option<char>,
    pub(super) sign: Option<char>,
    pub(super) alternate: bool,
    pub(super) zero: bool,
    pub(super) width: usize,
    pub(super) grouping: Option<char>,
    pub(super) precision: Option<usize>,
    pub(super) kind: Option<char>,
}

/// The widest field and the longest fraction that a format may ask for.
pub(super) const WIDEST: usize = 100_000;

/// The value of a decimal digit, in the scripts that are likely.
pub fn digit_value(c: char) -> Option<u32> {
    let n = u32::from(c);
    [0x30, 0x660, 0x6f0, 0x966, 0xff10]
        .into_iter()
        .find_map(|zero| n.checked_sub(zero).filter(|d| *d < 10))
}

/// `s.format(*args, **kwargs)`.
pub(super) fn str_format(s: &str, args: &[Value]) -> Result<String, Error> {
    let (positional, kwargs): (&[Value], Kwargs) = from_args(args)?;
    let lookup = |key: &str| kwargs.peek::<Value>(key).ok();
    brace(s, positional, &lookup, &mut Some(0), 2)
}

/// `s.format_map(mapping)`.
pub(super) fn format_map(s: &str, map: &Value) -> Result<String, Error> {
    let lookup = |key: &str| {
        map.get_item(&Value::from(key))
            .ok()
            .filter(|v| !v.is_undefined())
    };
    brace(s, &[], &lookup, &mut Some(0), 2)
}

type Lookup<'a> = dyn Fn(&str) -> Option<Value> + 'a;

fn brace(
    s: &str,
    args: &[Value],
    names: &Lookup<'_>,
    auto: &mut Option<usize>,
    depth: u8,
) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = s;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace_char = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        if rest.as_bytes().first() == Some(&brace_char) {
            out.push(char::from(brace_char));
            rest = &rest[1..];
            continue;
        }
        if brace_char == b'}' {
            return Err(value_error("Single '}' encountered in format string"));
        }
        if depth == 0 {
            return Err(value_error("Max string recursion exceeded"));
        }
        let end = field_end(rest)?;
        out.push_str(&replacement(&rest[..end], args, names, auto, depth)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the closing brace of a replacement field stands.
fn field_end(s: &str) -> Result<usize, Error> {
    let mut depth = 0;
    for (i, c) in s.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Ok(i),
            '}' => depth -= 1,
            _ => {}
        }
    }
    Err(value_error(if s.is_empty() {
        "Single '{' encountered in format string"
    } else {
        "expected '}' before end of string"
    }))
}

fn replacement(
    field: &str,
    args: &[Value],
    names: &Lookup<'_>,
    auto: &mut Option<usize>,
    depth: u8,
) -> Result<String, Error> {
    let name_end = field
        .char_indices()
        .scan(0, |brackets, (i, c)| {
            match c {
                '[' => *brackets += 1,
                ']' => *brackets -= 1,
                _ => {}
            }
            Some((i, c, *brackets))
        })
        .find(|(_, c, brackets)| matches!(c, ':' | '!') && *brackets <= 0)
        .map_or(field.len(), |(i, _, _)| i);
    let (name, mut tail) = field.split_at(name_end);
    let mut value = field_value(name, args, names, auto)?;
    if let Some(conversion) = tail.strip_prefix('!') {
        let how = conversion.chars().next();
        value = match how {
            Some('r' | 'a') => Value::from(repr_of(&value)),
            Some('s') => Value::from(str_of(&value)),
            _ => return Err(value_error("Unknown conversion specifier")),
        };
        tail = &conversion[1..];
    }
    let spec = brace(
        tail.strip_prefix(':').unwrap_or_default(),
        args,
        names,
        auto,
        depth - 1,
    )?;
    format_value(&value, &spec)
}

fn field_value(
    name: &str,
    args: &[Value],
    names: &Lookup<'_>,
    auto: &mut Option<usize>,
) -> Result<Value, Error> {
    let first_end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut path) = name.split_at(first_end);
    let numbered = |i: usize| {
        args.get(i)
            .cloned()
            .ok_or_else(|| index_error("tuple index out of range"))
    };
    let mut value = if first.is_empty() {
        let Some(next) = *auto else {
            return Err(value_error(
                "cannot switch from manual field specification to automatic field numbering",
            ));
        };
        *auto = Some(next + 1);
        numbered(next)?
    } else if let Ok(i) = first.parse::<usize>() {
        if auto.is_some_and(|n| n > 0) {
            return Err(value_error(
                "cannot switch from automatic field numbering to manual field specification",
            ));
        }
        *auto = None;
        numbered(i)?
    } else {
        names(first).ok_or_else(|| key_error(super::quote(first)))?
    };
    while !path.is_empty() {
        let (key, rest) = if let Some(p) = path.strip_prefix('.') {
            let end = p.find(['.', '[']).unwrap_or(p.len());
            (Value::from(&p[..end]), &p[end..])
        } else {
            let p = &path[1..];
            let end = p
                .find(']')
                .ok_or_else(|| value_error("Missing ']' in format string"))?;
            let key = p[..end]
                .parse::<i64>()
                .map_or_else(|_| Value::from(&p[..end]), Value::from);
            (key, &p[end + 1..])
        };
        value = value.get_item(&key)?;
        if value.is_undefined() {
            return Err(key_error(repr_of(&key)));
        }
        path = rest;
    }
    Ok(value)
}

/// `format(value, spec)`.
pub fn format_value(value: &Value, spec: &str) -> Result<String, Error> {
    if let Some(text) = modules::format_spec(value, spec) {
        return text;
    }
    if spec.is_empty() {
        return Ok(str_of(value));
    }
    let parsed = parse_spec(spec).ok_or_else(|| {
        value_error(format!(
            "Invalid format specifier '{spec}' for object of type '{}'",
            type_name(value)
        ))
    })?;
    let unknown = || {
        value_error(format!(
            "Unknown format code '{}' for object of type '{}'",
            parsed.kind.unwrap_or(' '),
            type_name(value)
        ))
    };
    let is_int = value.kind() == ValueKind::Bool && parsed.kind.is_some() || value.is_integer();
    if is_int && !matches!(parsed.kind, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) {
        let i = int_of(value).unwrap_or_default();
        return integer(i, &parsed).ok_or_else(unknown);
    }
    if value.is_number() || Decimal::of(value).is_some() || is_int {
        return number(value, &parsed).ok_or_else(unknown);
    }
    if value.kind() == ValueKind::String || value.kind() == ValueKind::Bool {
        if !matches!(parsed.kind, None | Some('s')) {
            return Err(unknown());
        }
        let mut text = str_of(value);
        if let Some(p) = parsed.precision {
            text = text.chars().take(p).collect();
        }
        let zero_fill = if parsed.zero { '0' } else { ' ' };
        return Ok(padded("", &text, &parsed, '<', zero_fill));
    }
    Err(type_error(format!(
        "unsupported format string passed to {}.__format__",
        type_name(value)
    )))
}

pub(super) fn int_of(value: &Value) -> Option<i128> {
    if value.kind() == ValueKind::Bool {
        return Some(i128::from(value.is_true()));
    }
    i128::try_from(value.clone()).ok()
}

fn parse_spec(spec: &str) -> Option<Spec> {
    let chars: Vec<char> = spec.chars().collect();
    let mut s = Spec::default();
    let mut i = 0;
    let is_align = |c: Option<&char>| matches!(c, Some('<' | '>' | '=' | '^'));
    if is_align(chars.get(1)) {
        s.fill = chars.first().copied();
        s.align = chars.get(1).copied();
        i = 2;
    } else if is_align(chars.first()) {
        s.align = chars.first().copied();
        i = 1;
    }
    if let Some(c @ ('+' | '-' | ' ')) = chars.get(i) {
        s.sign = Some(*c);
        i += 1;
    }
    if chars.get(i) == Some(&'#') {
        s.alternate = true;
        i += 1;
    }
    if chars.get(i) == Some(&'0') {
        s.zero = true;
        i += 1;
    }
    let digits = |i: &mut usize| {
        let start = *i;
        while chars.get(*i).is_some_and(char::is_ascii_digit) {
            *i += 1;
        }
        chars[start..*i]
            .iter()
            .collect::<String>()
            .parse::<usize>()
            .ok()
    };
    s.width = digits(&mut i).unwrap_or(0);
    if let Some(c @ (',' | '_')) = chars.get(i) {
        s.grouping = Some(*c);
        i += 1;
    }
    if chars.get(i) == Some(&'.') {
        i += 1;
        s.precision = Some(digits(&mut i)?);
    }
    if let Some(c) = chars.get(i) {
        s.kind = Some(*c);
        i += 1;
    }
    (i == chars.len() && s.width <= WIDEST && s.precision.unwrap_or(0) <= WIDEST).then_some(s)
}

pub(super) fn sign_text(negative: bool, spec: &Spec) -> &'static str {
    match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    }
}

pub(super) fn integer(i: i128, spec: &Spec) -> Option<String> {
    if spec.precision.is_some() {
        return None;
    }
    let n = i.unsigned_abs();
    let (prefix, digits, every) = match spec.kind {
        None | Some('d' | 'n') => ("", n.to_string(), 3),
        Some('b') => ("0b", format!("{n:b}"), 4),
        Some('o') => ("0o", format!("{n:o}"), 4),
        Some('x') => ("0x", format!("{n:x}"), 4),
        Some('X') => ("0X", format!("{n:X}"), 4),
        Some('c') => {
            let c = u32::try_from(n).ok().and_then(char::from_u32)?;
            return Some(padded("", &c.to_string(), spec, '<', ' '));
        }
        _ => return None,
    };
    let prefix = if spec.alternate { prefix } else { "" };
    let sign = format!("{}{prefix}", sign_text(i < 0, spec));
    Some(padded(
        &sign,
        &grouped(&digits, spec, every, sign.len()),
        spec,
        '>',
        '0',
    ))
}

pub(super) fn number(value: &Value, spec: &Spec) -> Option<String> {
    let (negative, text) = if let Some(d) = Decimal::of(value) {
        (d.is_sign_negative(), decimal_text(d.abs(), spec)?)
    } else {
        let x = f64::try_from(value.clone())
            .ok()
            .or_else(|| int_of(value).map(|i| i as f64))?;
        (
            x.is_sign_negative() && !x.is_nan(),
            float_text(x.abs(), spec)?,
        )
    };
    let sign = sign_text(negative, spec);
    Some(padded(
        sign,
        &grouped(&text, spec, 3, sign.len()),
        spec,
        '>',
        '0',
    ))
}

fn decimal_text(d: rust_decimal::Decimal, spec: &Spec) -> Option<String> {
    Some(match (spec.kind, spec.precision) {
        (None | Some('f' | 'F'), Some(p)) => {
            format!("{:.p$}", d.round_dp(p.try_into().unwrap_or(28)))
        }
        (None | Some('f' | 'F'), None) => d.to_string(),
        _ => return float_text(super::Decimal(d).to_f64(), spec),
    })
}

/// The text of a number that is not negative.
fn float_text(x: f64, spec: &Spec) -> Option<String> {
    let upper = matches!(spec.kind, Some('E' | 'F' | 'G'));
    let text = if x.is_nan() {
        "nan".into()
    } else if x.is_infinite() {
        "inf".into()
    } else {
        let precision = spec.precision.unwrap_or(6);
        match spec.kind {
            None if spec.precision.is_none() => crate::yaml::python_float(x),
            None => {
                let text = general(x, precision, spec.alternate, true);
                if text.contains(['.', 'e']) {
                    text
                } else {
                    format!("{text}.0")
                }
            }
            Some('f' | 'F') => format!("{x:.precision$}"),
            Some('e' | 'E') => exponent(x, precision),
            Some('g' | 'G' | 'n') => general(x, precision, spec.alternate, false),
            Some('%') => format!("{:.precision$}%", x * 100.0),
            _ => return None,
        }
    };
    Some(if upper { text.to_uppercase() } else { text })
}

/// `%e`: at least two digits of exponent.
fn exponent(x: f64, precision: usize) -> String {
    let text = format!("{x:.precision$e}");
    let (digits, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exp) = exp.strip_prefix('-').map_or(("+", exp), |e| ("-", e));
    format!("{digits}e{sign}{exp:0>2}")
}

/// `%g`: significant digits, whichever form is shorter.
fn general(x: f64, precision: usize, keep_zeros: bool, is_repr: bool) -> String {
    let precision = precision.max(1);
    let text = format!("{:.*e}", precision - 1, x);
    let exp: i64 = text
        .split_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or(0);
    let limit = precision as i64 - i64::from(is_repr);
    let text = if exp < -4 || exp >= limit.max(1) {
        exponent(x, precision - 1)
    } else {
        format!(
            "{:.*}",
            usize::try_from(precision as i64 - 1 - exp).unwrap_or(0),
            x
        )
    };
    if keep_zeros || !text.contains('.') {
        return text;
    }
    let (digits, exp) = text
        .split_once('e')
        .map_or((text.as_str(), None), |(d, e)| (d, Some(e)));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    exp.map_or_else(|| digits.to_string(), |e| format!("{digits}e{e}"))
}

/// Thousands separators in the whole part; with `0` padding they run on through the zeros.
fn grouped(text: &str, spec: &Spec, every: usize, sign_len: usize) -> String {
    let Some(separator) = spec.grouping else {
        return text.to_string();
    };
    let end = text
        .find(|c: char| !c.is_ascii_hexdigit() || (every == 3 && !c.is_ascii_digit()))
        .unwrap_or(text.len());
    let (whole, rest) = text.split_at(end);
    let mut digits = whole.to_string();
    let group = |digits: &str| {
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(every) {
                out.push(separator);
            }
            out.push(c);
        }
        out
    };
    if spec.zero || (spec.fill == Some('0') && spec.align == Some('=')) {
        while group(&digits).len() + rest.len() + sign_len < spec.width {
            digits.insert(0, '0');
        }
    }
    format!("{}{rest}", group(&digits))
}

/// Sign and text within the width; `default` is the alignment of the type.
pub(super) fn padded(
    sign: &str,
    text: &str,
    spec: &Spec,
    default: char,
    zero_fill: char,
) -> String {
    let len = sign.len() + text.chars().count();
    let missing = spec.width.saturating_sub(len);
    let (fill, align) = match (spec.fill, spec.align, spec.zero) {
        (fill, Some(align), zero) => (fill.unwrap_or(if zero { '0' } else { ' ' }), align),
        (_, None, true) => (zero_fill, if default == '>' { '=' } else { default }),
        _ => (' ', default),
    };
    let run = |n: usize| std::iter::repeat_n(fill, n).collect::<String>();
    match align {
        '<' => format!("{sign}{text}{}", run(missing)),
        '^' => format!(
            "{}{sign}{text}{}",
            run(missing / 2),
            run(missing - missing / 2)
        ),
        '=' => format!("{sign}{}{text}", run(missing)),
        _ => format!("{}{sign}{text}", run(missing)),
    }
}
