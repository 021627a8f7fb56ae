//! Operators: arithmetic, comparison and SQL's three-valued logic.
use super::convert::write_text;
use super::{Checked, Compiler, Scope, Typed, mismatch};
use crate::simulate::frame::{Code, Frame};
use crate::simulate::lang::{Expr, Op};
use crate::simulate::value::{Type, Val, as_float, boolean, float, int};
use std::cmp::Ordering;
use std::ops::Range;

/// What code gives: a value, or whether a condition holds.
pub(super) trait Outcome: Send + Sync + 'static {
    /// What comes of a null.
    const NULL: Self;
}

impl Outcome for Val {
    const NULL: Self = None;
}

impl Outcome for bool {
    const NULL: Self = false;
}

/// Code of two operands, null if either is. Names and literals, the most frequent operands, have code of their own.
fn lifted<R: Outcome>(
    a: Code,
    b: Code,
    op: impl Fn(u64, u64) -> R + Send + Sync + 'static,
) -> Box<dyn Fn(&mut Frame) -> R + Send + Sync> {
    match (a, b) {
        (Code::Slot(a), Code::Slot(b)) => Box::new(move |f| match (f.slots[a], f.slots[b]) {
            (Some(x), Some(y)) => op(x, y),
            _ => R::NULL,
        }),
        (Code::Slot(a), Code::Value(Some(y))) => Box::new(move |f| match f.slots[a] {
            Some(x) => op(x, y),
            None => R::NULL,
        }),
        (Code::Call(a), Code::Value(Some(y))) => Box::new(move |f| match a(f) {
            Some(x) => op(x, y),
            None => R::NULL,
        }),
        (Code::Call(a), Code::Slot(b)) => Box::new(move |f| match (a(f), f.slots[b]) {
            (Some(x), Some(y)) => op(x, y),
            _ => R::NULL,
        }),
        (Code::Slot(a), Code::Call(b)) => Box::new(move |f| {
            let Some(x) = f.slots[a] else { return R::NULL };
            b(f).map_or(R::NULL, |y| op(x, y))
        }),
        (a, b) => Box::new(move |f| {
            let Some(x) = a.get(f) else { return R::NULL };
            b.get(f).map_or(R::NULL, |y| op(x, y))
        }),
    }
}

fn lift(a: Code, b: Code, op: impl Fn(u64, u64) -> Val + Send + Sync + 'static) -> Code {
    Code::Call(lifted(a, b, op))
}

/// The same with the frame at hand.
fn lifted_with<R: Outcome>(
    a: Code,
    b: Code,
    op: impl Fn(&mut Frame, u64, u64) -> R + Send + Sync + 'static,
) -> Box<dyn Fn(&mut Frame) -> R + Send + Sync> {
    Box::new(move |f| {
        let Some(x) = a.get(f) else { return R::NULL };
        b.get(f).map_or(R::NULL, |y| op(f, x, y))
    })
}

fn lift_with(
    a: Code,
    b: Code,
    op: impl Fn(&mut Frame, u64, u64) -> Val + Send + Sync + 'static,
) -> Code {
    Code::Call(lifted_with(a, b, op))
}

fn floats(a: Code, b: Code, op: impl Fn(f64, f64) -> f64 + Send + Sync + 'static) -> Code {
    lift(a, b, move |x, y| float(op(as_float(x), as_float(y))))
}

fn ints(a: Code, b: Code, op: impl Fn(i64, i64) -> Option<i64> + Send + Sync + 'static) -> Code {
    lift_with(a, b, move |f, x, y| match op(x as i64, y as i64) {
        Some(z) => int(z),
        None => f.fail(format!(
            "a whole number overflows: {} and {}",
            x as i64, y as i64
        )),
    })
}

/// Compares two values of a type; `say` makes the outcome of what was found.
pub(super) fn compared<R: Outcome>(
    op: Op,
    ty: &Type,
    a: Code,
    b: Code,
    say: impl Fn(bool) -> R + Copy + Send + Sync + 'static,
) -> Box<dyn Fn(&mut Frame) -> R + Send + Sync> {
    match (ty, op) {
        (Type::Text, Op::Equal) => lifted_with(a, b, move |f, x, y| say(f.same_text(x, y))),
        (Type::Text, Op::Unequal) => lifted_with(a, b, move |f, x, y| say(!f.same_text(x, y))),
        (Type::Float, _) => compared_as(op, (a, b), as_float, say),
        (Type::Text | Type::Json(_), _) => {
            let test: fn(Ordering) -> bool = match op {
                Op::Equal => Ordering::is_eq,
                Op::Unequal => Ordering::is_ne,
                Op::Less => Ordering::is_lt,
                Op::LessEqual => Ordering::is_le,
                Op::Greater => Ordering::is_gt,
                _ => Ordering::is_ge,
            };
            let ty = ty.clone();
            lifted_with(a, b, move |f, x, y| say(test(order(f, &ty, x, y))))
        }
        _ => compared_as(op, (a, b), |x| x as i64, say),
    }
}

/// Compares what `read` makes of the values' bits. What is no number (NaN) is neither equal nor unequal to anything.
fn compared_as<T: PartialOrd + 'static, R: Outcome>(
    op: Op,
    (a, b): (Code, Code),
    read: impl Fn(u64) -> T + Copy + Send + Sync + 'static,
    say: impl Fn(bool) -> R + Copy + Send + Sync + 'static,
) -> Box<dyn Fn(&mut Frame) -> R + Send + Sync> {
    macro_rules! test {
        ($test:expr) => {
            lifted(a, b, move |x, y| say($test(read(x), read(y))))
        };
    }
    match op {
        Op::Equal => test!(|x, y| x == y),
        Op::Unequal => test!(|x: T, y: T| x.partial_cmp(&y).is_some_and(Ordering::is_ne)),
        Op::Less => test!(|x, y| x < y),
        Op::LessEqual => test!(|x, y| x <= y),
        Op::Greater => test!(|x, y| x > y),
        _ => test!(|x, y| x >= y),
    }
}

/// The order of two values of a type.
pub fn order(f: &Frame, ty: &Type, a: u64, b: u64) -> Ordering {
    match ty {
        Type::Float => as_float(a).total_cmp(&as_float(b)),
        Type::Text => f.text_bytes(a).cmp(f.text_bytes(b)),
        Type::Json(_) => f.json_bytes(a).cmp(f.json_bytes(b)),
        _ => (a as i64).cmp(&(b as i64)),
    }
}

impl Compiler<'_> {
    /// Both operands as one type.
    pub fn joined(
        &mut self,
        a: Typed,
        b: Typed,
        span: &Range<usize>,
        what: &str,
    ) -> Checked<(Type, Code, Code)> {
        let (ta, tb) = (a.ty.clone(), b.ty.clone());
        let ty = match (&ta, &tb) {
            // A text literal beside a date is a date.
            (Type::Date | Type::Timestamp, Type::Text) if b.text.is_some() => Some(ta.clone()),
            (Type::Text, Type::Date | Type::Timestamp) if a.text.is_some() => Some(tb.clone()),
            (Type::Json(_), Type::Text | Type::Bool) => Some(tb.clone()),
            (Type::Text | Type::Bool, Type::Json(_)) => Some(ta.clone()),
            _ => ta.join(&tb),
        };
        let fits = ty.and_then(|ty| Some((ty.clone(), self.assign(a, &ty)?, self.assign(b, &ty)?)));
        fits.ok_or_else(|| mismatch(span, format!("cannot {what} {ta} and {tb}")))
    }

    pub(super) fn binary(
        &mut self,
        op: Op,
        a: &Expr,
        b: &Expr,
        span: &Range<usize>,
        scope: &Scope,
    ) -> Checked {
        let left = self.expr(a, scope)?;
        let right = self.expr(b, scope)?;
        if op.compares() {
            return self.compare(op, left, right, span);
        }
        match op {
            Op::And | Op::Or => {
                let left = self.condition(left, &a.span)?;
                let right = self.condition(right, &b.span)?;
                Ok(Typed::new(
                    Type::Bool,
                    if op == Op::And {
                        and(left, right)
                    } else {
                        or(left, right)
                    },
                ))
            }
            Op::Concat => {
                let (ta, tb) = (left.ty.clone(), right.ty.clone());
                let (left, right) = (left.code, right.code);
                Ok(Typed::new(
                    Type::Text,
                    lift_with(left, right, move |f, x, y| {
                        let mark = f.mark();
                        write_text(f, &ta, x);
                        write_text(f, &tb, y);
                        f.since(mark)
                    }),
                ))
            }
            _ => self.arithmetic(op, left, right, span),
        }
    }

    fn compare(&mut self, op: Op, a: Typed, b: Typed, span: &Range<usize>) -> Checked {
        let (ty, a, b) = self.comparable(a, b, span)?;
        let code = compared(op, &ty, a, b, boolean);
        Ok(Typed::new(Type::Bool, Code::Call(code)))
    }

    /// Both operands of a comparison as one type.
    pub(super) fn comparable(
        &mut self,
        a: Typed,
        b: Typed,
        span: &Range<usize>,
    ) -> Checked<(Type, Code, Code)> {
        let (ty, a, b) = self.joined(a, b, span, "compare")?;
        if let Type::Record(_) = ty {
            return Err(
                mismatch(span, "cannot compare whole rows").help("compare a column of each")
            );
        }
        Ok((ty, a, b))
    }

    fn arithmetic(&mut self, op: Op, a: Typed, b: Typed, span: &Range<usize>) -> Checked {
        let (ta, tb) = (a.ty.clone(), b.ty.clone());
        let wrong = || {
            mismatch(
                span,
                format!("`{}` does not work on {ta} and {tb}", op.text()),
            )
        };
        if matches!(ta, Type::Date | Type::Timestamp | Type::Interval)
            || matches!(tb, Type::Date | Type::Timestamp | Type::Interval)
        {
            return self.time_arithmetic(op, a, b).ok_or_else(wrong);
        }
        if ta == Type::Null || tb == Type::Null {
            return Ok(Typed::literal(Type::Null, None));
        }
        if ta == Type::Int && tb == Type::Int && op != Op::Divide {
            let (a, b) = (a.code, b.code);
            let code = match op {
                Op::Add => ints(a, b, i64::checked_add),
                Op::Subtract => ints(a, b, i64::checked_sub),
                Op::Multiply => ints(a, b, i64::checked_mul),
                _ => lift(a, b, |x, y| int((x as i64).checked_rem(y as i64)?)),
            };
            return Ok(Typed::new(Type::Int, code));
        }
        let (Some(a), Some(b)) = (self.assign(a, &Type::Float), self.assign(b, &Type::Float))
        else {
            return Err(wrong());
        };
        let code = match op {
            Op::Add => floats(a, b, |x, y| x + y),
            Op::Subtract => floats(a, b, |x, y| x - y),
            Op::Multiply => floats(a, b, |x, y| x * y),
            // As with `%`, nothing divided by zero is null rather than an infinite number.
            Op::Divide => lift(a, b, |x, y| {
                if as_float(y) == 0.0 {
                    None
                } else {
                    float(as_float(x) / as_float(y))
                }
            }),
            _ => lift(a, b, |x, y| {
                if as_float(y) == 0.0 {
                    None
                } else {
                    float(libm::fmod(as_float(x), as_float(y)))
                }
            }),
        };
        Ok(Typed::new(Type::Float, code))
    }

    fn time_arithmetic(&mut self, op: Op, a: Typed, b: Typed) -> Option<Typed> {
        use Type::{Date, Float, Int, Interval, Timestamp};
        let (ta, tb) = (a.ty.clone(), b.ty.clone());
        let sign = if op == Op::Subtract { -1.0 } else { 1.0 };
        let whole = if op == Op::Subtract { -1 } else { 1 };
        let plus = move |x: u64, y: u64| int((x as i64).checked_add(whole * y as i64)?);
        let sums = matches!(op, Op::Add | Op::Subtract);
        Some(match (&ta, &tb) {
            (Date, Date) if op == Op::Subtract => Typed::new(Int, lift(a.code, b.code, plus)),
            (Date, Int) if sums => Typed::new(Date, lift(a.code, b.code, plus)),
            (Date, Float | Type::Json(_)) if sums => {
                let days = self.assign(b, &Float)?;
                // A part of a day does not count: day 3.9 is still the third.
                Typed::new(
                    Date,
                    lift(a.code, days, move |x, y| {
                        int(x as i64 + libm::trunc(sign * as_float(y)) as i64)
                    }),
                )
            }
            (Int | Float, Date) if op == Op::Add => return self.time_arithmetic(op, b, a),
            (Interval, Date | Timestamp) if op == Op::Add => return self.time_arithmetic(op, b, a),
            (Timestamp, Timestamp | Date) | (Date, Timestamp) if op == Op::Subtract => {
                let (a, b) = (self.assign(a, &Timestamp)?, self.assign(b, &Timestamp)?);
                Typed::new(Interval, lift(a, b, plus))
            }
            (Date | Timestamp, Interval) if sums => {
                let a = self.assign(a, &Timestamp)?;
                Typed::new(Timestamp, lift(a, b.code, plus))
            }
            (Interval, Interval) if sums => Typed::new(Interval, lift(a.code, b.code, plus)),
            (Interval, Interval) if op == Op::Divide => Typed::new(
                Float,
                lift(a.code, b.code, |x, y| {
                    if y == 0 {
                        None
                    } else {
                        float(x as i64 as f64 / y as i64 as f64)
                    }
                }),
            ),
            (Interval, Int | Float | Type::Json(_)) if matches!(op, Op::Multiply | Op::Divide) => {
                let by = self.assign(b, &Float)?;
                let times = op == Op::Multiply;
                Typed::new(
                    Interval,
                    lift(a.code, by, move |x, y| {
                        let (x, y) = (x as i64 as f64, as_float(y));
                        if !times && y == 0.0 {
                            return None;
                        }
                        int(libm::rint(if times { x * y } else { x / y }) as i64)
                    }),
                )
            }
            (Int | Float, Interval) if op == Op::Multiply => return self.time_arithmetic(op, b, a),
            _ => return None,
        })
    }

    /// Code of a condition.
    pub fn condition(&mut self, typed: Typed, span: &Range<usize>) -> Checked<Code> {
        let found = typed.ty.clone();
        match self.assign(typed, &Type::Bool) {
            Some(code) => Ok(code),
            None => Err(mismatch(
                span,
                format!("a condition is expected here, not {found}"),
            )),
        }
    }

    pub(super) fn not(&mut self, inner: &Expr, scope: &Scope) -> Checked {
        let typed = self.expr(inner, scope)?;
        let code = self.condition(typed, &inner.span)?;
        Ok(Typed::new(
            Type::Bool,
            Code::new(move |f| Some(code.get(f)? ^ 1)),
        ))
    }

    pub(super) fn negate(&mut self, inner: &Expr, scope: &Scope) -> Checked {
        let Typed { ty, code, .. } = self.expr(inner, scope)?;
        match ty {
            Type::Int | Type::Interval => Ok(Typed::new(
                ty,
                Code::new(move |f| int(-(code.get(f)? as i64))),
            )),
            _ => {
                let found = ty.clone();
                let typed = Typed::new(ty, code);
                let Some(code) = self.assign(typed, &Type::Float) else {
                    return Err(mismatch(
                        &inner.span,
                        format!("`-` does not work on {found}"),
                    ));
                };
                Ok(Typed::new(
                    Type::Float,
                    Code::new(move |f| float(-as_float(code.get(f)?))),
                ))
            }
        }
    }

    pub(super) fn is_null(&mut self, inner: &Expr, not: bool, scope: &Scope) -> Checked {
        let code = self.expr(inner, scope)?.code;
        Ok(Typed::new(
            Type::Bool,
            Code::new(move |f| boolean(code.get(f).is_none() != not)),
        ))
    }

    pub(super) fn is_in(
        &mut self,
        inner: &Expr,
        list: &[Expr],
        not: bool,
        scope: &Scope,
    ) -> Checked {
        let needle = self.expr(inner, scope)?;
        let mut ty = needle.ty.clone();
        let mut items = Vec::new();
        for item in list {
            let typed = self.expr(item, scope)?;
            if !(matches!(ty, Type::Date | Type::Timestamp) && typed.text.is_some()) {
                let found = typed.ty.clone();
                ty = ty.join(&found).ok_or_else(|| {
                    mismatch(&item.span, format!("{found} is never equal to {ty}"))
                })?;
            }
            items.push((typed, item.span.clone()));
        }
        let needle = self
            .assign(needle, &ty)
            .ok_or_else(|| mismatch(&inner.span, "these types do not fit"))?;
        let mut codes = Vec::new();
        for (item, span) in items {
            codes.push(
                self.assign(item, &ty)
                    .ok_or_else(|| mismatch(&span, format!("this is not {ty}")))?,
            );
        }
        Ok(Typed::new(
            Type::Bool,
            Code::new(move |f| {
                let x = needle.get(f)?;
                let mut unknown = false;
                for code in &codes {
                    match code.get(f) {
                        Some(y) if order(f, &ty, x, y).is_eq() => return boolean(!not),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                if unknown { None } else { boolean(not) }
            }),
        ))
    }
}

fn and(a: Code, b: Code) -> Code {
    Code::new(move |f| {
        let x = a.get(f);
        if x == Some(0) {
            return x;
        }
        let y = b.get(f);
        // True and y is y; unknown and y is false or unknown.
        if x.is_some() || y == Some(0) { y } else { None }
    })
}

fn or(a: Code, b: Code) -> Code {
    Code::new(move |f| {
        let x = a.get(f);
        if x == Some(1) {
            return x;
        }
        let y = b.get(f);
        if x.is_some() || y == Some(1) { y } else { None }
    })
}
