//! Python's `Decimal`, which a `numeric` column of the database gives.
use super::error::{type_error, value_error};
use super::ops::Op;
use minijinja::Error;
use minijinja::value::{Object, ObjectRepr, Value, ValueKind, from_args};
use minijinja::{ErrorKind, State};
use rust_decimal::{Decimal as Number, prelude::ToPrimitive};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A decimal number with its digits as they were given.
#[derive(Clone, Copy)]
pub struct Decimal(pub Number);

impl Decimal {
    /// A decimal as a template value.
    pub fn value(number: Number) -> Value {
        Value::from_object(Self(number))
    }

    /// The decimal in a value, if it is one.
    pub fn of(value: &Value) -> Option<Number> {
        value.downcast_object_ref::<Self>().map(|d| d.0)
    }

    /// The nearest float. By way of the digits, as Python goes: the number's own conversion may be off in the last place.
    pub fn to_f64(self) -> f64 {
        self.0.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal('{}')", self.0)
    }
}

impl Object for Decimal {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_zero()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }

    fn custom_cmp(self: &Arc<Self>, other: &minijinja::value::DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Decimal>()?.0))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match name {
            "quantize" => {
                let (like, _rounding): (Value, Option<Value>) = from_args(args)?;
                let like = coerce(&like).ok_or_else(|| type_error("quantize needs a Decimal"))?;
                Ok(Decimal::value(self.0.round_dp(like.scale())))
            }
            "normalize" => Ok(Decimal::value(self.0.normalize())),
            "is_nan" | "is_infinite" => Ok(Value::from(false)),
            "to_integral_value" | "to_integral" => Ok(Decimal::value(self.0.round())),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

pub(super) fn python_type(value: &Value) -> Option<&'static str> {
    Decimal::of(value).map(|_| "decimal.Decimal")
}

pub(super) fn python_repr(value: &Value) -> Option<String> {
    Decimal::of(value).map(|d| format!("Decimal('{d}')"))
}

/// A decimal or a whole number as a decimal.
fn coerce(value: &Value) -> Option<Number> {
    if let Some(d) = Decimal::of(value) {
        return Some(d);
    }
    match value.kind() {
        ValueKind::Bool => Some(Number::from(i64::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone())
            .ok()
            .and_then(|i| Number::try_from_i128_with_scale(i, 0).ok()),
        _ => None,
    }
}

/// `a <op> b` if one of them is a decimal and the other a decimal or a whole number.
pub(super) fn binary(op: Op, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    if Decimal::of(a).is_none() && Decimal::of(b).is_none() {
        return None;
    }
    let (x, y) = (coerce(a)?, coerce(b)?);
    if y.is_zero() && matches!(op, Op::Div | Op::FloorDiv | Op::Mod) {
        return Some(Err(value_error("[<class 'decimal.DivisionByZero'>]")));
    }
    let result = match op {
        Op::Add => x.checked_add(y),
        Op::Sub => x.checked_sub(y),
        Op::Mul => x.checked_mul(y),
        Op::Div => x.checked_div(y),
        Op::FloorDiv => x.checked_div(y).map(|q| q.trunc()),
        Op::Mod => x.checked_rem(y),
        Op::Pow => power(x, y),
    };
    Some(
        result
            .map(Decimal::value)
            .ok_or_else(|| value_error("decimal result is too large")),
    )
}

/// A whole, not negative power.
fn power(x: Number, y: Number) -> Option<Number> {
    let times = y.to_u32().filter(|n| Number::from(*n) == y)?;
    (0..times).try_fold(Number::ONE, |product, _| product.checked_mul(x))
}

/// `-a` of a decimal.
pub(super) fn negate(a: &Value) -> Option<Value> {
    Decimal::of(a).map(|d| Decimal::value(-d))
}

/// The order of a decimal and a number.
#[expect(
    clippy::option_option,
    reason = "outer: not our types; inner: a NaN has no order"
)]
pub(super) fn compare(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    let (left, right) = (Decimal::of(a), Decimal::of(b));
    if left.is_none() && right.is_none() {
        return None;
    }
    if let (Some(x), Some(y)) = (coerce(a), coerce(b)) {
        return Some(Some(x.cmp(&y)));
    }
    let float = |d: Option<Number>, v: &Value| match d {
        Some(d) => d.to_f64(),
        None if v.kind() == ValueKind::Number => f64::try_from(v.clone()).ok(),
        None => None,
    };
    Some(float(left, a)?.partial_cmp(&float(right, b)?))
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    /// Texts whose number rust_decimal's own conversion misses by one in the last place.
    #[test]
    fn floats_are_the_nearest() {
        for text in [
            "1.6431676725154983",
            "20.4153846153846154",
            "0.7348469228349534",
            "-0.1",
        ] {
            let number = Decimal(text.parse().unwrap());
            assert_eq!(number.to_f64(), text.parse::<f64>().unwrap(), "{text}");
        }
    }
}
