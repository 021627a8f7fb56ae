//! Turning code of one type into code of another, where nothing is lost or the column's type asks for it.
use super::{Compiler, Typed};
use crate::simulate::calendar::{self, DAY};
use crate::simulate::frame::{Code, Frame};
use crate::simulate::value::{Shape, Type, Val, as_float, float, int};

/// A whole number from a float, rounded half to even as PostgreSQL's casts do.
pub fn rounded(f: &mut Frame, x: f64) -> Val {
    let r = libm::rint(x);
    if r.abs() < 9.2e18 {
        int(r as i64)
    } else {
        f.fail(format!("{x} is too large for a whole number"))
    }
}

impl Compiler<'_> {
    /// Code of this type from an expression; `None` where the types do not fit.
    pub fn assign(&mut self, typed: Typed, to: &Type) -> Option<Code> {
        let code = typed.code;
        if typed.ty == *to {
            return Some(code);
        }
        Some(match (&typed.ty, to) {
            (Type::Null, _) => Code::Value(None),
            (Type::Int, Type::Float) => match typed.literal {
                Some(value) => {
                    let x = value.and_then(|v| float(v as i64 as f64));
                    Code::Value(x)
                }
                None => Code::new(move |f| float(code.get(f)? as i64 as f64)),
            },
            (Type::Float, Type::Int) => Code::new(move |f| {
                let x = as_float(code.get(f)?);
                rounded(f, x)
            }),
            (Type::Date, Type::Timestamp) => Code::new(move |f| int(code.get(f)? as i64 * DAY)),
            (Type::Text, Type::Date) => {
                let day = calendar::parse_date(typed.text.as_deref()?)?;
                Code::Value(int(day))
            }
            (Type::Text, Type::Timestamp) => {
                let time = calendar::parse_timestamp(typed.text.as_deref()?)?;
                Code::Value(int(time))
            }
            (Type::Json(_), Type::Json(_)) => code,
            (Type::Json(shape), Type::Float)
                if matches!(**shape, Shape::Any | Shape::Number | Shape::Null) =>
            {
                Code::new(move |f| {
                    let bits = code.get(f)?;
                    f.json_number(bits)
                })
            }
            (Type::Json(shape), Type::Int)
                if matches!(**shape, Shape::Any | Shape::Number | Shape::Null) =>
            {
                Code::new(move |f| {
                    let bits = code.get(f)?;
                    let x = as_float(f.json_number(bits)?);
                    rounded(f, x)
                })
            }
            (Type::Json(shape), Type::Text)
                if matches!(**shape, Shape::Any | Shape::Text | Shape::Null) =>
            {
                Code::new(move |f| {
                    let bits = code.get(f)?;
                    f.json_text(bits)
                })
            }
            (Type::Json(shape), Type::Bool)
                if matches!(**shape, Shape::Any | Shape::Bool | Shape::Null) =>
            {
                Code::new(move |f| {
                    let bits = code.get(f)?;
                    f.json_bool(bits)
                })
            }
            (other, Type::Json(_)) if !matches!(other, Type::Record(_)) => {
                let ty = typed.ty.clone();
                Code::new(move |f| {
                    let value = code.get(f)?;
                    let mark = f.mark();
                    write_json(f, &ty, value);
                    f.since(mark)
                })
            }
            _ => return None,
        })
    }

    /// An expression as text: numbers in decimal, dates and times in ISO form.
    pub fn text_of(&mut self, typed: Typed) -> Code {
        let Typed { ty, code, .. } = typed;
        if ty == Type::Text {
            return code;
        }
        Code::new(move |f| {
            let value = code.get(f)?;
            let mark = f.mark();
            write_text(f, &ty, value);
            f.since(mark)
        })
    }
}

/// Appends a value's text to the arena.
pub fn write_text(f: &mut Frame, ty: &Type, bits: u64) {
    match ty {
        Type::Null => {}
        Type::Bool => f
            .arena
            .extend_from_slice(if bits == 0 { b"false" } else { b"true" }),
        Type::Int => write_int(&mut f.arena, bits as i64),
        Type::Float => write_float(&mut f.arena, as_float(bits)),
        Type::Text => f.push_text(bits),
        Type::Date => calendar::write_date(&mut f.arena, bits as i64),
        Type::Timestamp => f.push_timestamp(bits as i64),
        Type::Interval => {
            let micros = bits as i64;
            if micros < 0 {
                f.arena.push(b'-');
            }
            calendar::write_time(&mut f.arena, micros.abs());
        }
        Type::Json(_) => match f.json_text_quietly(bits) {
            Some(text) => f.push_text(text),
            None => f.push_json(bits),
        },
        Type::Record(_) => {}
    }
}

impl Frame {
    fn json_text_quietly(&self, bits: u64) -> Val {
        match self.world.json(bits).map(|n| &n.kind) {
            Some(crate::simulate::segment::JsonKind::Text(i)) => {
                Some((bits & !0xffff_ffff) | u64::from(*i))
            }
            _ => None,
        }
    }
}

/// Appends a value's JSON to the arena.
pub fn write_json(f: &mut Frame, ty: &Type, bits: u64) {
    match ty {
        Type::Bool | Type::Int => write_text(f, ty, bits),
        Type::Float if as_float(bits).is_finite() => write_text(f, ty, bits),
        Type::Float | Type::Null | Type::Record(_) => f.arena.extend_from_slice(b"null"),
        Type::Json(_) => f.push_json(bits),
        Type::Text => write_quoted(f, bits),
        Type::Date | Type::Interval => {
            f.arena.push(b'"');
            write_text(f, ty, bits);
            f.arena.push(b'"');
        }
        Type::Timestamp => f.push_json_timestamp(bits as i64),
    }
}

fn write_quoted(f: &mut Frame, bits: u64) {
    let text = f.text(bits).to_string();
    let quoted = serde_json::Value::String(text).to_string();
    f.arena.extend_from_slice(quoted.as_bytes());
}

/// Appends a whole number in decimal.
pub fn write_int(out: &mut Vec<u8>, n: i64) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    let mut rest = n.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if n < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Appends a float in the shortest form that reads back the same; whole numbers without a point.
pub fn write_float(out: &mut Vec<u8>, x: f64) {
    if libm::fmod(x, 1.0).abs() < f64::MIN_POSITIVE && x.abs() < 1e15 {
        write_int(out, x as i64);
    } else {
        use std::io::Write;
        // Writing to a vector cannot fail.
        let _ = write!(out, "{x}");
    }
}
