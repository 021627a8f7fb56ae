//! What the generator counts of its own rows: values outside the range that a draw declares, and values that are
//! missing where there must be one. So no query is needed to check them.

use super::frame::Frame;
use super::lang::{self, Ex, Expr};
use super::program::Program;
use super::spec::{Span, Spec, Src, Value, WeightsKind};
use super::value::{Type, as_float};

/// Watches over the columns of a table's own rows.
#[derive(Debug, Clone, Default)]
pub struct Watches {
    /// One for each column that has something to watch.
    pub list: Vec<Watch>,
}

/// Watches over one column.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The column.
    pub column: String,
    /// Its place in the file.
    pub span: Span,
    /// Smallest and largest value that its draw can give.
    pub range: Option<(f64, f64)>,
    /// Whether each row must have a value.
    pub required: bool,
    /// Smallest and largest value seen.
    pub seen: Option<(f64, f64)>,
    /// Rows without a value.
    pub nulls: u64,
    slot: usize,
    whole: bool,
    float: bool,
}

impl Watches {
    /// For the table that a program makes.
    pub fn new(spec: &Spec, program: &Program) -> Self {
        let Some(level) = program.levels.last() else {
            return Self::default();
        };
        let watch = |c: &super::spec::Column| {
            let made = level
                .columns
                .iter()
                .find(|m| m.name == c.name.text && m.active)?;
            let ty = c.sql.value_type();
            let range = match &c.value {
                Value::Expr(src) if matches!(ty, Type::Int | Type::Float) => declared_range(src),
                _ => None,
            };
            let required = !c.nullable && always(&c.value);
            (range.is_some() || required).then(|| Watch {
                column: c.name.text.clone(),
                span: c.name.span.clone(),
                range,
                required,
                seen: None,
                nulls: 0,
                slot: made.slot,
                whole: ty == Type::Int,
                float: ty == Type::Float,
            })
        };
        Self {
            list: spec.columns.iter().filter_map(watch).collect(),
        }
    }

    /// Takes note of the row in the frame.
    #[inline]
    pub fn note(&mut self, frame: &Frame) {
        for w in &mut self.list {
            let Some(bits) = frame.slots[w.slot] else {
                w.nulls += 1;
                continue;
            };
            if w.range.is_some() {
                let x = if w.float {
                    as_float(bits)
                } else {
                    bits as i64 as f64
                };
                let (low, high) = w.seen.unwrap_or((x, x));
                w.seen = Some((low.min(x), high.max(x)));
            }
        }
    }

    /// Adds what another thread saw.
    pub fn merge(&mut self, other: &Self) {
        for (a, b) in self.list.iter_mut().zip(&other.list) {
            a.nulls += b.nulls;
            a.seen = match (a.seen, b.seen) {
                (Some((l, h)), Some((m, i))) => Some((l.min(m), h.max(i))),
                (x, y) => x.or(y),
            };
        }
    }
}

impl Watch {
    /// What is wrong with the values seen.
    pub fn finding(&self) -> Option<String> {
        if self.required && self.nulls > 0 {
            return Some(format!("{} rows have no value", self.nulls));
        }
        let ((low, high), (least, most)) = (self.range?, self.seen?);
        // A whole number may be the rounded end of the range.
        let (low, high) = if self.whole {
            (low - 0.5, high + 0.5)
        } else {
            (low, high)
        };
        (least < low || most > high)
            .then(|| format!("values from {least} to {most}, expected {low} to {high}"))
    }
}

/// Whether an origin gives every row a value.
fn always(value: &Value) -> bool {
    match value {
        Value::Sequence | Value::Packed(..) | Value::Code(..) | Value::When(..) => true,
        Value::Weights(w) => matches!(w.kind, WeightsKind::Plain(_)),
        _ => false,
    }
}

/// The range of a draw with fixed ends: `uniform(1, 9)`, `normal(5, 2, 0, 10)`.
pub fn declared_range(src: &Src) -> Option<(f64, f64)> {
    let expr = lang::parse(&src.text).ok()?;
    let Ex::Call(name, arguments, _) = &expr.kind else {
        return None;
    };
    let (low, high) = match (name.as_str(), arguments.as_slice()) {
        ("uniform" | "int", [low, high]) | ("normal" | "lognormal", [_, _, low, high]) => {
            (fixed(low)?, fixed(high)?)
        }
        _ => return None,
    };
    (low <= high).then_some((low, high))
}

fn fixed(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        Ex::Int(i) => Some(*i as f64),
        Ex::Float(x) => Some(*x),
        Ex::Negate(inner) => fixed(inner).map(|x| -x),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Option<(f64, f64)> {
        declared_range(&Src {
            text: text.into(),
            span: 0..0,
            exact: None,
        })
    }

    #[test]
    fn fixed_ends_are_known_before_any_row() {
        assert_eq!(range("normal(5, 2, -1, 10.5)"), Some((-1.0, 10.5)));
        assert_eq!(range("int(1, 6)"), Some((1.0, 6.0)));
        assert_eq!(range("uniform(0, x)"), None);
        assert_eq!(range("normal(5, 2)"), None);
        assert_eq!(range("1 + int(1, 6)"), None);
    }

    #[test]
    fn what_lies_outside_is_found() {
        let watch = |seen, nulls| Watch {
            column: "c".into(),
            span: 0..0,
            range: Some((1.0, 6.0)),
            required: true,
            seen: Some(seen),
            nulls,
            slot: 0,
            whole: true,
            float: false,
        };
        assert_eq!(watch((1.0, 6.0), 0).finding(), None);
        assert_eq!(
            watch((1.0, 6.0), 3).finding().as_deref(),
            Some("3 rows have no value")
        );
        assert_eq!(
            watch((0.0, 6.0), 0).finding().as_deref(),
            Some("values from 0 to 6, expected 0.5 to 6.5")
        );
    }
}
