//! `'%05.2f' % x`.
use super::error::{key_error, type_error, value_error};
use super::format::{Spec, WIDEST, int_of, integer, number, padded, sign_text};
use super::{Decimal, iterate, repr_of, str_of, type_name};
use minijinja::Error;
use minijinja::value::{Value, ValueKind};

/// `format % values`.
pub fn percent(s: &str, values: &Value) -> Result<String, Error> {
    let mut args = if values.is_tuple() {
        iterate(values)?
    } else {
        vec![values.clone()]
    }
    .into_iter();
    // Python takes anything with subscripts but a tuple or text for a mapping.
    let by_name = !values.is_tuple() && matches!(values.kind(), ValueKind::Map | ValueKind::Seq);
    let mut used_name = false;
    let mut out = String::new();
    let mut rest = s;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let field = PercentField::parse(&mut rest, &mut args)?;
        let index = s[..s.len() - rest.len()].chars().count() - 1;
        if field.kind == '%' {
            out.push('%');
            continue;
        }
        let value = match &field.name {
            Some(name) => {
                used_name = true;
                if !by_name {
                    return Err(type_error("format requires a mapping"));
                }
                let value = values.get_item(&Value::from(name.as_str()))?;
                if value.is_undefined() {
                    return Err(key_error(super::quote(name)));
                }
                value
            }
            None => args
                .next()
                .ok_or_else(|| type_error("not enough arguments for format string"))?,
        };
        out.push_str(&field.write(&value, index)?);
    }
    out.push_str(rest);
    if args.next().is_some() && !used_name && !by_name {
        return Err(type_error(
            "not all arguments converted during string formatting",
        ));
    }
    Ok(out)
}

struct PercentField {
    name: Option<String>,
    spec: Spec,
    kind: char,
}

impl PercentField {
    /// Reads a field after its `%`; `*` takes a width or precision from the arguments.
    fn parse(rest: &mut &str, args: &mut std::vec::IntoIter<Value>) -> Result<Self, Error> {
        let incomplete = || value_error("incomplete format");
        let mut spec = Spec {
            align: Some('>'),
            ..Spec::default()
        };
        let mut name = None;
        if let Some(inner) = rest.strip_prefix('(') {
            let end = inner
                .find(')')
                .ok_or_else(|| value_error("incomplete format key"))?;
            name = Some(inner[..end].to_string());
            *rest = &inner[end + 1..];
        }
        loop {
            match rest.chars().next().ok_or_else(incomplete)? {
                '-' => spec.align = Some('<'),
                '0' => spec.zero = true,
                '+' => spec.sign = Some('+'),
                ' ' if spec.sign.is_none() => spec.sign = Some(' '),
                ' ' => {}
                '#' => spec.alternate = true,
                _ => break,
            }
            *rest = &rest[1..];
        }
        let mut count = |rest: &mut &str| -> Result<Option<i64>, Error> {
            if let Some(after) = rest.strip_prefix('*') {
                *rest = after;
                let n = args.next().and_then(|v| v.as_i64());
                return n.map(Some).ok_or_else(|| type_error("* wants int"));
            }
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let n = rest[..end].parse().ok();
            *rest = &rest[end..];
            Ok(n)
        };
        let width = count(rest)?.unwrap_or(0);
        if width < 0 {
            spec.align = Some('<');
        }
        spec.width = usize::try_from(width.unsigned_abs())
            .unwrap_or(0)
            .min(WIDEST);
        if let Some(after) = rest.strip_prefix('.') {
            *rest = after;
            spec.precision = Some(
                usize::try_from(count(rest)?.unwrap_or(0))
                    .unwrap_or(0)
                    .min(WIDEST),
            );
        }
        *rest = rest.trim_start_matches(['h', 'l', 'L']);
        let kind = rest.chars().next().ok_or_else(incomplete)?;
        *rest = &rest[kind.len_utf8()..];
        Ok(Self { name, spec, kind })
    }

    fn write(&self, value: &Value, index: usize) -> Result<String, Error> {
        let mut spec = self.spec.clone();
        let wants = |what: &str| {
            type_error(format!(
                "%{} format: {what} is required, not {}",
                self.kind,
                type_name(value)
            ))
        };
        let text = match self.kind {
            's' => Some(str_of(value)),
            'r' | 'a' => Some(repr_of(value)),
            _ => None,
        };
        if let Some(mut text) = text {
            if let Some(p) = spec.precision {
                text = text.chars().take(p).collect();
            }
            spec.fill = Some(' ');
            return Ok(padded("", &text, &spec, '>', ' '));
        }
        if spec.zero && spec.align == Some('>') {
            spec.align = Some('=');
            spec.fill = Some('0');
        }
        spec.zero = false;
        match self.kind {
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let whole = int_of(value)
                    .filter(|_| value.is_integer() || value.kind() == ValueKind::Bool)
                    .or_else(|| self.truncated(value))
                    .ok_or_else(|| {
                        wants(if "xXo".contains(self.kind) {
                            "an integer"
                        } else {
                            "a real number"
                        })
                    })?;
                let digits = spec.precision.take();
                spec.kind = Some(if "iu".contains(self.kind) {
                    'd'
                } else {
                    self.kind
                });
                Ok(match digits {
                    Some(p) => {
                        let n = integer(
                            whole,
                            &Spec {
                                kind: spec.kind,
                                ..Spec::default()
                            },
                        )
                        .unwrap_or_default();
                        let n = format!("{:0>p$}", n.trim_start_matches('-'));
                        padded(sign_text(whole < 0, &spec), &n, &spec, '>', ' ')
                    }
                    None => integer(whole, &spec).unwrap_or_default(),
                })
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                spec.kind = Some(self.kind);
                spec.precision = spec.precision.or(Some(6));
                let numeric = value.is_number()
                    || value.kind() == ValueKind::Bool
                    || Decimal::of(value).is_some();
                if !numeric {
                    return Err(type_error(format!(
                        "must be real number, not {}",
                        type_name(value)
                    )));
                }
                number(value, &spec).ok_or_else(|| wants("a real number"))
            }
            'c' => {
                let text = match int_of(value) {
                    Some(i) if value.is_integer() => u32::try_from(i)
                        .ok()
                        .and_then(char::from_u32)
                        .map(String::from),
                    _ => value
                        .as_str()
                        .filter(|s| s.chars().count() == 1)
                        .map(String::from),
                };
                let text = text.ok_or_else(|| type_error("%c requires int or char"))?;
                Ok(padded("", &text, &spec, '>', ' '))
            }
            c => Err(value_error(format!(
                "unsupported format character '{c}' (0x{:x}) at index {index}",
                u32::from(c)
            ))),
        }
    }

    /// A float or decimal cut to a whole number, which only `%d` allows.
    fn truncated(&self, value: &Value) -> Option<i128> {
        if "xXo".contains(self.kind) {
            return None;
        }
        if let Some(d) = Decimal::of(value) {
            return i128::try_from(d.trunc()).ok();
        }
        let x = f64::try_from(value.clone())
            .ok()
            .filter(|x| x.is_finite())?;
        value.is_number().then_some(x.trunc() as i128)
    }
}
