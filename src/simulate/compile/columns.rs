//! Values of columns and names: expressions, weights, rules, formats, codes and JSON objects.
use super::convert::write_text;
use super::operators::order;
use super::{Compiler, Scope, Typed};
use crate::diag::code;
use crate::simulate::alias::Shares;
use crate::simulate::calendar::{self, DAY};
use crate::simulate::draw::{mix, unit};
use crate::simulate::frame::{Code, Frame, Test};
use crate::simulate::lang::parse;
use crate::simulate::program::Tally;
use crate::simulate::reach;
use crate::simulate::spec::{Literal, Name, Plain, Rule, Span, Src, Value, Weights, WeightsKind};
use crate::simulate::value::{SqlType, Type, Val, as_float, float, int};

impl Compiler<'_> {
    /// Code of a value of a column's type, or of its own type when there is none.
    pub fn value(
        &mut self,
        value: &Value,
        scope: &Scope,
        sql: Option<SqlType>,
        name: &Name,
    ) -> Option<Typed> {
        let typed = match value {
            Value::Expr(src) => self.src(src, scope)?,
            Value::Weights(weights) => self.weights(weights, scope, sql, name)?,
            Value::When(rules, span) => self.rules(rules, span, scope, sql, name)?,
            Value::Format(src) => self.format(src, scope)?,
            Value::Pick(pick) => self.column_pick(pick, scope)?,
            Value::Object(entries) => self.object(entries, scope)?,
            Value::Code(length, span) => self.unique_code(*length, span)?,
            Value::Sequence | Value::Packed(..) => self.read(self.level.number, Type::Int),
            Value::Row | Value::Broken => return None,
        };
        let Some(sql) = sql else { return Some(typed) };
        let wanted = sql.value_type();
        let found = typed.ty.clone();
        let Some(code) = self.assign(typed, &wanted) else {
            let span = match value {
                Value::Expr(src) | Value::Format(src) => src.span.clone(),
                Value::Weights(w) => w.span.clone(),
                _ => name.span.clone(),
            };
            let message = format!(
                "{}.{}: the column is {sql}, the value is {found}",
                self.spec.name.text, self.field
            );
            let help =
                (wanted == Type::Text).then(|| "text(x) makes text of any value".to_string());
            self.say(code::M0805, span, message, help);
            return None;
        };
        Some(Typed::new(wanted, narrowed(code, sql)))
    }

    /// A literal as a value of a type.
    fn constant(&mut self, plain: &Plain, ty: &Type) -> Option<Val> {
        Some(match (&plain.value, ty) {
            (Literal::Null, _) => None,
            (Literal::Bool(b), Type::Bool) => Some(u64::from(*b)),
            (Literal::Int(i), Type::Int) => int(*i),
            (Literal::Int(i), Type::Float) => float(*i as f64),
            (Literal::Float(x), Type::Float) => float(*x),
            (Literal::Text(t), Type::Date) => int(calendar::parse_date(t)?),
            (Literal::Text(t), Type::Timestamp) => int(calendar::parse_timestamp(t)?),
            (value, Type::Json(_)) => {
                let json = match value {
                    Literal::Bool(b) => serde_json::Value::from(*b),
                    Literal::Int(i) => serde_json::Value::from(*i),
                    Literal::Float(x) => serde_json::Value::from(*x),
                    Literal::Text(t) => serde_json::Value::from(t.as_str()),
                    Literal::Null => return Some(None),
                };
                Some(u64::from(self.constants.add_json(&json)))
            }
            (_, Type::Text) => Some(u64::from(self.constants.text(&shown(plain)))),
            _ => return None,
        })
    }

    /// The type that all literals have: a column's, or their own.
    fn literal_type<'p>(plains: impl Iterator<Item = &'p Plain>, sql: Option<SqlType>) -> Type {
        if let Some(sql) = sql {
            return sql.value_type();
        }
        let mut ty = Type::Null;
        for plain in plains {
            let own = match plain.value {
                Literal::Null => Type::Null,
                Literal::Bool(_) => Type::Bool,
                Literal::Int(_) => Type::Int,
                Literal::Float(_) => Type::Float,
                Literal::Text(_) => Type::Text,
            };
            ty = ty.join(&own).unwrap_or(Type::Text);
        }
        ty
    }

    fn options(&mut self, options: &[(Plain, f64)], ty: &Type) -> Option<(Shares, Vec<Val>)> {
        let weights: Vec<f64> = options.iter().map(|o| o.1).collect();
        let mut values = Vec::new();
        for (plain, _) in options {
            values.push(self.constant(plain, ty)?);
        }
        Some((Shares::new(&weights)?, values))
    }

    fn weights(
        &mut self,
        weights: &Weights,
        scope: &Scope,
        sql: Option<SqlType>,
        name: &Name,
    ) -> Option<Typed> {
        let salt = self.next_salt();
        match &weights.kind {
            WeightsKind::Expr(src) => {
                let typed = self.src(src, scope)?;
                let Type::Json(shape) = &typed.ty else {
                    let message = format!(
                        "{}.{}: weights must be a mapping or a JSON object, not {}",
                        self.spec.name.text, self.field, typed.ty
                    );
                    self.say(code::M0805, src.span.clone(), message, None);
                    return None;
                };
                if !shape.is_weights() {
                    let message = format!(
                        "{}.{}: this JSON is no object of numbers",
                        self.spec.name.text, self.field
                    );
                    self.say(code::M0805, src.span.clone(), message, None);
                    return None;
                }
                let code = typed.code;
                Some(Typed::new(
                    Type::Text,
                    Code::new(move |f| {
                        let bits = code.get(f)?;
                        let u = unit(mix(f.key, salt));
                        match f.world.json(bits).and_then(|n| n.shares.as_ref()) {
                            Some((shares, keys)) => {
                                Some((bits & !0xffff_ffff) | u64::from(keys[shares.at(u)]))
                            }
                            None => f.fail("weights must be a JSON object of numbers"),
                        }
                    }),
                ))
            }
            WeightsKind::Plain(options) => {
                let ty = Self::literal_type(options.iter().map(|o| &o.0), sql);
                let (shares, values) = self.options(options, &ty)?;
                let start = self.tally(
                    name,
                    &weights.span,
                    vec![(String::new(), options.as_slice())],
                );
                Some(Typed::new(
                    ty,
                    Code::new(move |f| {
                        let i = shares.at(unit(mix(f.key, salt)));
                        f.tally[start + i] += 1;
                        values[i]
                    }),
                ))
            }
            WeightsKind::By(branches) => self.branched(branches, weights, scope, sql, name, salt),
        }
    }

    fn branched(
        &mut self,
        branches: &[(Plain, Vec<(Plain, f64)>)],
        weights: &Weights,
        scope: &Scope,
        sql: Option<SqlType>,
        name: &Name,
        salt: u64,
    ) -> Option<Typed> {
        let src = weights.by.as_ref()?;
        let by = self.src(src, scope)?;
        self.branch_coverage(src, branches, &weights.span);
        let ty = Self::literal_type(branches.iter().flat_map(|b| b.1.iter().map(|o| &o.0)), sql);
        let mut made = Vec::new();
        let mut start = self.tally(
            name,
            &weights.span,
            branches
                .iter()
                .map(|(k, options)| (shown(k), options.as_slice()))
                .collect(),
        );
        for (key, options) in branches {
            let Some(Some(value)) = self.constant(key, &by.ty) else {
                let message = format!(
                    "{}.{}: `{}` is no value of `by`, which is {}",
                    self.spec.name.text,
                    self.field,
                    shown(key),
                    by.ty
                );
                self.say(code::M0805, key.span.clone(), message, None);
                return None;
            };
            let (shares, values) = self.options(options, &ty)?;
            let width = values.len();
            made.push((value, shares, values, start));
            start += width;
        }
        let (key_type, code) = (by.ty, by.code);
        let field = self.field.clone();
        Some(Typed::new(
            ty,
            Code::new(move |f| {
                let key = code.get(f)?;
                let Some((_, shares, values, start)) =
                    made.iter().find(|m| order(f, &key_type, m.0, key).is_eq())
                else {
                    let mark = f.mark();
                    write_text(f, &key_type, key);
                    let text = String::from_utf8_lossy(&f.arena[mark..]).into_owned();
                    return f.fail(format!("{field}: there are no weights for `{text}`"));
                };
                let i = shares.at(unit(mix(f.key, salt)));
                f.tally[*start + i] += 1;
                values[i]
            }),
        ))
    }

    /// Every value that `by` can have must have its weights.
    fn branch_coverage(&mut self, src: &Src, branches: &[(Plain, Vec<(Plain, f64)>)], span: &Span) {
        let Ok(expr) = parse(&src.text) else { return };
        let Some(values) = reach::values(&self.spec, &expr) else {
            return;
        };
        let given: Vec<String> = branches.iter().map(|b| shown(&b.0)).collect();
        let missing: Vec<String> = values.into_iter().filter(|v| !given.contains(v)).collect();
        if !missing.is_empty() {
            let message = format!(
                "{}.{}: there are no weights for {}",
                self.spec.name.text,
                self.field,
                missing.join(", ")
            );
            self.say(
                code::M0803,
                span.clone(),
                message,
                Some("give each value of `by` its own mapping".into()),
            );
        }
    }

    fn tally(
        &mut self,
        name: &Name,
        span: &Span,
        branches: Vec<(String, &[(Plain, f64)])>,
    ) -> usize {
        let start = self.tally_slots;
        let branches = branches
            .into_iter()
            .map(|(label, options)| {
                let sum: f64 = options.iter().map(|o| o.1).sum();
                self.tally_slots += options.len();
                (
                    label,
                    options.iter().map(|(p, w)| (shown(p), w / sum)).collect(),
                )
            })
            .collect();
        self.tallies.push(Tally {
            column: name.text.clone(),
            level: self.level.index,
            span: span.clone(),
            start,
            branches,
        });
        start
    }

    fn rules(
        &mut self,
        rules: &[Rule],
        span: &Span,
        scope: &Scope,
        sql: Option<SqlType>,
        name: &Name,
    ) -> Option<Typed> {
        let ty = Self::literal_type(rules.iter().map(|r| &r.then), sql);
        let mut made: Vec<(Option<Test>, Val)> = Vec::new();
        let field = self.field.clone();
        let mut fine = true;
        for (i, rule) in rules.iter().enumerate() {
            self.field = format!("{field}.when.{i}");
            self.label = Some(field.clone());
            let condition = match &rule.condition {
                None => None,
                Some(src) => match self.src_test(src, scope, "a condition") {
                    Some(test) => Some(test),
                    None => {
                        fine = false;
                        continue;
                    }
                },
            };
            made.push((condition, self.constant(&rule.then, &ty)?));
        }
        self.field = field;
        self.label = None;
        if !fine {
            return None;
        }
        let spec = self.spec.clone();
        let nullable = spec
            .columns
            .iter()
            .find(|c| c.name.text == name.text)
            .is_none_or(|c| c.nullable);
        for finding in reach::check(&spec, rules, nullable, span) {
            let message = format!("{}.{}: {}", spec.name.text, self.field, finding.message);
            self.say(finding.code, finding.span, message, finding.help);
        }
        Some(Typed::new(
            ty,
            Code::new(move |f| {
                for (condition, value) in &made {
                    if condition.as_ref().is_none_or(|c| c(f)) {
                        return *value;
                    }
                }
                None
            }),
        ))
    }
}

/// A literal as people write it.
pub fn shown(plain: &Plain) -> String {
    match &plain.value {
        Literal::Null => "null".into(),
        Literal::Bool(b) => b.to_string(),
        Literal::Int(i) => i.to_string(),
        Literal::Float(x) => x.to_string(),
        Literal::Text(t) => t.clone(),
    }
}

/// Values as the column will hold them, so that children read what the table says.
fn narrowed(code: Code, sql: SqlType) -> Code {
    match sql {
        SqlType::Numeric(digits, scale) => {
            let factor = libm::pow(10.0, f64::from(scale));
            let limit = libm::pow(10.0, f64::from(digits) - f64::from(scale));
            Code::new(move |f| {
                let x = libm::rint(as_float(code.get(f)?) * factor) / factor;
                if x.abs() >= limit {
                    return f.fail(format!("{x} does not fit the column's type"));
                }
                float(x)
            })
        }
        SqlType::Date => Code::new(move |f| {
            let bits = code.get(f)?;
            if !DAYS.contains(&(bits as i64)) {
                return f.fail("the date lies outside the years 1 to 9999");
            }
            Some(bits)
        }),
        SqlType::Timestamp => Code::new(move |f| {
            let bits = code.get(f)?;
            if !(*DAYS.start() * DAY..(*DAYS.end() + 1) * DAY).contains(&(bits as i64)) {
                return f.fail("the time lies outside the years 1 to 9999");
            }
            Some(bits)
        }),
        SqlType::Varchar(most) => Code::new(move |f| {
            let bits = code.get(f)?;
            let text = f.text(bits);
            // Bytes are at least as many as characters, and quickly counted.
            if text.len() > most as usize && text.chars().count() > most as usize {
                let message = format!("'{text}' is longer than the column's {most} characters");
                return f.fail(message);
            }
            Some(bits)
        }),
        SqlType::Real => Code::new(move |f| float(f64::from(as_float(code.get(f)?) as f32))),
        SqlType::Integer => {
            Code::new(move |f| within(code.get(f)?, f, i64::from(i32::MIN), i64::from(i32::MAX)))
        }
        SqlType::SmallInt => {
            Code::new(move |f| within(code.get(f)?, f, i64::from(i16::MIN), i64::from(i16::MAX)))
        }
        _ => code,
    }
}

/// Days of the years 1 to 9999, counted from the first day of 2000 as PostgreSQL counts them.
const DAYS: std::ops::RangeInclusive<i64> = -730_119..=2_921_939;

fn within(bits: u64, f: &mut Frame, low: i64, high: i64) -> Val {
    let n = bits as i64;
    if (low..=high).contains(&n) {
        Some(bits)
    } else {
        f.fail(format!("{n} does not fit the column's type"))
    }
}
