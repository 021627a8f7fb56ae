//! Reads weights and rules: values as plain literals.
use super::read::Reader;
use super::{Literal, Name, Plain, Rule, Value, Weights, WeightsKind};
use crate::diag::code;
use crate::simulate::calendar::{parse_date, parse_timestamp};
use crate::simulate::value::SqlType;
use crate::yaml::Node;

impl Reader<'_> {
    pub(super) fn weights(
        &mut self,
        value: &Node,
        by: Option<&Node>,
        name: &Name,
        sql: Option<SqlType>,
    ) -> Option<Weights> {
        let by = by.and_then(|b| self.src(b, "by"));
        let kind = if !value.is_map() {
            WeightsKind::Expr(self.src(value, "weights")?)
        } else if by.is_some() {
            let mut all = Vec::new();
            for (k, v) in value.entries().to_vec() {
                let key = self.plain(&k, "a value of `by`")?;
                if !v.is_map() {
                    self.wrong(
                        &v,
                        "weights for a value of `by`",
                        "a mapping of values to weights",
                    );
                    return None;
                }
                all.push((key, self.weight_map(&v, name, sql)));
            }
            WeightsKind::By(all)
        } else {
            WeightsKind::Plain(self.weight_map(value, name, sql))
        };
        Some(Weights {
            kind,
            by,
            span: value.span.clone(),
        })
    }

    fn weight_map(&mut self, map: &Node, name: &Name, sql: Option<SqlType>) -> Vec<(Plain, f64)> {
        let mut out = Vec::new();
        let (mut whole, mut broken) = (true, false);
        for (k, v) in map.entries().to_vec() {
            let (key, weight) = (self.plain(&k, "a value"), self.number(&v, "a weight"));
            let (Some(key), Some(weight)) = (key, weight) else {
                broken = true;
                continue;
            };
            whole &= v.as_int().is_some();
            if weight < 0.0 || !weight.is_finite() {
                self.error(
                    code::M0803,
                    v.span.clone(),
                    format!("{}.{}: a weight cannot be {weight}", self.sim, name.text),
                    None,
                );
                broken = true;
            }
            if self.fits(&key, sql, name) {
                out.push((key, weight));
            } else {
                out.push((
                    Plain {
                        value: Literal::Null,
                        span: key.span,
                    },
                    weight,
                ));
            }
        }
        let sum: f64 = out.iter().map(|(_, w)| w).sum();
        if out.is_empty() && broken {
            // Said already, entry by entry.
        } else if out.is_empty() || sum <= 0.0 {
            self.error(
                code::M0803,
                map.span.clone(),
                format!("{}.{}: there are no weights", self.sim, name.text),
                None,
            );
        } else if !whole && !broken && (sum - 1.0).abs() > 1e-6 {
            let off = sum - 1.0;
            let word = if off < 0.0 { "missing" } else { "over by" };
            self.error(
                code::M0803,
                map.span.clone(),
                format!(
                    "{}.{}: weights sum to {}, expected 1 ({word} {})",
                    self.sim,
                    name.text,
                    short(sum),
                    short(off.abs())
                ),
                Some("write integers for relative weights"),
            );
        }
        out
    }

    /// Whether a literal is of the column's type; says so if not.
    fn fits(&mut self, plain: &Plain, sql: Option<SqlType>, name: &Name) -> bool {
        let Some(sql) = sql else { return true };
        let wanted = match (sql, &plain.value) {
            (_, Literal::Null)
            | (SqlType::Text | SqlType::Varchar(_) | SqlType::Json | SqlType::Jsonb, _) => {
                return true;
            }
            (SqlType::SmallInt | SqlType::Integer | SqlType::BigInt, Literal::Int(_)) => {
                return true;
            }
            (
                SqlType::Real | SqlType::Double | SqlType::Numeric(..),
                Literal::Int(_) | Literal::Float(_),
            ) => return true,
            (SqlType::Boolean, Literal::Bool(_)) => return true,
            (SqlType::Date, Literal::Text(t)) if parse_date(t).is_some() => {
                return true;
            }
            (SqlType::Timestamp, Literal::Text(t)) if parse_timestamp(t).is_some() => {
                return true;
            }
            (SqlType::SmallInt | SqlType::Integer | SqlType::BigInt, _) => "an integer",
            (SqlType::Real | SqlType::Double | SqlType::Numeric(..), _) => "a number",
            (SqlType::Boolean, _) => "true or false",
            (SqlType::Date, _) => "a date",
            (SqlType::Timestamp, _) => "a timestamp",
            (SqlType::Interval, _) => "an interval; use an expression like minutes(5)",
        };
        let shown = match &plain.value {
            Literal::Bool(b) => b.to_string(),
            Literal::Int(i) => i.to_string(),
            Literal::Float(x) => x.to_string(),
            Literal::Text(t) => t.clone(),
            Literal::Null => "null".into(),
        };
        self.error(
            code::M0805,
            plain.span.clone(),
            format!("{}.{}: `{shown}` is not {wanted}", self.sim, name.text),
            None,
        );
        false
    }

    pub(super) fn when(
        &mut self,
        value: &Node,
        name: &Name,
        sql: Option<SqlType>,
    ) -> Option<Value> {
        if !value.is_seq() {
            self.wrong(value, "when", "a list of rules {if: …, then: …}");
            return None;
        }
        let mut rules = Vec::new();
        let mut broken = false;
        for item in value.items().to_vec() {
            broken |= self.keys(&item, &["if", "then", "else"], &name.text);
            let then = item.get("then").or_else(|| item.get("else"));
            let (Some(then), true) = (then, item.get("if").is_some() != item.get("else").is_some())
            else {
                self.error(
                    code::M0801,
                    item.span.clone(),
                    format!(
                        "{}.{}: a rule is {{if: …, then: …}} or {{else: …}}",
                        self.sim, name.text
                    ),
                    None,
                );
                broken = true;
                continue;
            };
            let condition = match item.get("if") {
                Some(n) => Some(self.src(n, "if")?),
                None => None,
            };
            let then = self.plain(then, "then")?;
            broken |= !self.fits(&then, sql, name);
            rules.push(Rule {
                condition,
                then,
                span: item.span.clone(),
            });
        }
        if let Some(at) = rules.iter().position(|r| r.condition.is_none())
            && at + 1 < rules.len()
        {
            self.error(
                code::M0807,
                rules[at + 1].span.clone(),
                format!("{}.{}: nothing after `else` can match", self.sim, name.text),
                None,
            );
            broken = true;
        }
        if rules.is_empty() {
            self.error(
                code::M0801,
                value.span.clone(),
                format!("{}.{}: there are no rules", self.sim, name.text),
                None,
            );
            broken = true;
        }
        Some(if broken {
            Value::Broken
        } else {
            Value::When(rules, value.span.clone())
        })
    }
}

/// A number with at most six digits after the point.
fn short(x: f64) -> String {
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
