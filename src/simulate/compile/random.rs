//! Random functions: each call is one keyed draw, mapped by an inverse CDF.
use super::functions::Args;
use super::operators::Outcome;
use super::{Checked, Compiler, Typed, mismatch};
use crate::simulate::distribution::{self, Truncated};
use crate::simulate::draw::{below, mix, permute, unit};
use crate::simulate::frame::{Code, Frame};
use crate::simulate::spec::Rows;
use crate::simulate::value::{Type, Val, as_float, boolean, float, int};

/// A draw as a number in (0, 1).
#[inline]
fn draw(f: &Frame, salt: u64) -> f64 {
    unit(mix(f.key, salt))
}

impl Compiler<'_> {
    /// `chance(p)`; `say` makes the outcome of whether it happens.
    pub(super) fn chance<R: Outcome>(
        &mut self,
        args: &mut Args,
        salt: u64,
        say: impl Fn(bool) -> R + Send + Sync + 'static,
    ) -> Checked<Box<dyn Fn(&mut Frame) -> R + Send + Sync>> {
        Ok(match args.number(self)? {
            Code::Value(Some(p)) => {
                let p = as_float(p);
                Box::new(move |f| say(draw(f, salt) < p))
            }
            p => Box::new(move |f| match p.get(f) {
                Some(p) => say(draw(f, salt) < as_float(p)),
                None => R::NULL,
            }),
        })
    }

    /// The random function of this name, if it is one.
    pub(super) fn random(&mut self, name: &str, args: &mut Args) -> Checked<Option<Typed>> {
        let salt = match name {
            "chance" | "uniform" | "int" | "normal" | "lognormal" | "exponential" | "poisson"
            | "geometric" | "binomial" | "between" | "shuffle" | "pareto" => self.next_salt(),
            _ => return Ok(None),
        };
        Ok(Some(match name {
            "chance" => {
                let code = self.chance(args, salt, boolean)?;
                Typed::new(Type::Bool, Code::Call(code))
            }
            "uniform" => {
                let (a, b) = (args.number(self)?, args.number(self)?);
                Typed::new(
                    Type::Float,
                    Code::new(move |f| {
                        let (a, b) = (as_float(a.get(f)?), as_float(b.get(f)?));
                        float(a + (b - a) * draw(f, salt))
                    }),
                )
            }
            "int" => {
                let (a, b) = (args.take(self, &Type::Int)?, args.take(self, &Type::Int)?);
                Typed::new(
                    Type::Int,
                    Code::new(move |f| {
                        let (a, b) = (a.get(f)? as i64, b.get(f)? as i64);
                        if b < a {
                            return f.fail(format!(
                                "int({a}, {b}): the second limit is below the first"
                            ));
                        }
                        int(a.wrapping_add(below(
                            mix(f.key, salt),
                            (b.wrapping_sub(a) as u64).saturating_add(1),
                        ) as i64))
                    }),
                )
            }
            "normal" => self.normal(args, salt)?,
            "lognormal" => self.lognormal(args, salt)?,
            "pareto" => {
                let (low, shape) = (args.number(self)?, args.number(self)?);
                Typed::new(
                    Type::Float,
                    Code::new(move |f| {
                        let (low, shape) = (as_float(low.get(f)?), as_float(shape.get(f)?));
                        if low <= 0.0 || shape <= 0.0 {
                            return f.fail(format!(
                                "pareto({low}, {shape}): both numbers must be above 0"
                            ));
                        }
                        float(low * libm::pow(draw(f, salt), -1.0 / shape))
                    }),
                )
            }
            "exponential" => {
                let mean = args.number(self)?;
                Typed::new(
                    Type::Float,
                    Code::new(move |f| {
                        let mean = as_float(mean.get(f)?);
                        if mean < 0.0 {
                            return f.fail(format!("exponential({mean}): the mean is below 0"));
                        }
                        float(distribution::exponential(draw(f, salt), mean))
                    }),
                )
            }
            "poisson" | "geometric" => {
                let mean = args.number(self)?;
                let of = if name == "poisson" {
                    distribution::poisson
                } else {
                    distribution::geometric
                };
                Typed::new(
                    Type::Int,
                    Code::new(move |f| {
                        let mean = as_float(mean.get(f)?);
                        int(of(draw(f, salt), mean))
                    }),
                )
            }
            "binomial" => {
                let (n, p) = (args.take(self, &Type::Int)?, args.number(self)?);
                Typed::new(
                    Type::Int,
                    Code::new(move |f| {
                        let n = n.get(f)? as i64;
                        let p = as_float(p.get(f)?);
                        int(distribution::binomial(draw(f, salt), n, p))
                    }),
                )
            }
            "between" => self.between(args, salt)?,
            _ => self.shuffle(args, salt)?,
        }))
    }

    /// `normal(mean, sd[, min, max])`, or `normal({mean, std, min, max})`.
    fn normal(&mut self, args: &mut Args, salt: u64) -> Checked {
        if let Some((first, span)) = args.list.first()
            && let Type::Json(shape) = &first.ty
            && args.list.len() == 1
        {
            if !shape.is_distribution() {
                return Err(mismatch(
                    span,
                    "normal() of JSON needs an object {mean, std, min, max}",
                ));
            }
            let code = args.list.remove(0).0.code;
            return Ok(Typed::new(
                Type::Float,
                Code::new(move |f| {
                    let bits = code.get(f)?;
                    match f.world.json(bits).and_then(|n| n.distribution) {
                        Some(t) => float(t.at(draw(f, salt))),
                        None => f.fail("normal() needs an object {mean, std, min, max}"),
                    }
                }),
            ));
        }
        let fixed: Option<Vec<f64>> = args.list.iter().map(|(t, _)| literal_number(t)).collect();
        let (mean, sd) = (args.number(self)?, args.number(self)?);
        let limits = self.limits(args)?;
        if let Some(fixed) = fixed {
            let (low, high) = (
                fixed.get(2).copied().unwrap_or(f64::NEG_INFINITY),
                fixed.get(3).copied().unwrap_or(f64::INFINITY),
            );
            if let Some(wrong) = unfit("normal", fixed[1], low, high) {
                return Err(mismatch(&args.span, wrong));
            }
            let t = Truncated::new(fixed[0], fixed[1], low, high);
            return Ok(Typed::new(
                Type::Float,
                Code::new(move |f| float(t.at(draw(f, salt)))),
            ));
        }
        Ok(Typed::new(
            Type::Float,
            Code::new(move |f| {
                let (mean, sd) = (as_float(mean.get(f)?), as_float(sd.get(f)?));
                let (low, high) = between_limits(f, limits.as_ref())?;
                if let Some(wrong) = unfit("normal", sd, low, high) {
                    return f.fail(wrong);
                }
                let t = f.truncated(mean, sd, low, high);
                float(t.at(draw(f, salt)))
            }),
        ))
    }

    /// `lognormal(median, sigma[, min, max])`.
    fn lognormal(&mut self, args: &mut Args, salt: u64) -> Checked {
        let (median, sigma) = (args.number(self)?, args.number(self)?);
        let limits = self.limits(args)?;
        Ok(Typed::new(
            Type::Float,
            Code::new(move |f| {
                let (median, sigma) = (as_float(median.get(f)?), as_float(sigma.get(f)?));
                let (low, high) = between_limits(f, limits.as_ref())?;
                if let Some(wrong) = unfit("lognormal", sigma, low, high) {
                    return f.fail(wrong);
                }
                if median <= 0.0 {
                    return f.fail(format!("lognormal() needs a median above 0, not {median}"));
                }
                let ln = |x: f64| {
                    if x <= 0.0 {
                        f64::NEG_INFINITY
                    } else {
                        libm::log(x)
                    }
                };
                let t = f.truncated(ln(median), sigma, ln(low), ln(high));
                let x = libm::exp(t.at(draw(f, salt)));
                float(x.clamp(low.min(high), high))
            }),
        ))
    }

    fn limits(&mut self, args: &mut Args) -> Checked<Option<(Code, Code)>> {
        if args.list.is_empty() {
            return Ok(None);
        }
        Ok(Some((args.number(self)?, args.number(self)?)))
    }

    /// `between(a, b)` of numbers, dates or timestamps.
    fn between(&mut self, args: &mut Args, salt: u64) -> Checked {
        if args.list.len() != 2 {
            return Err(mismatch(&args.span, "between() takes two arguments"));
        }
        let (b, a) = (args.list.remove(1).0, args.list.remove(0).0);
        let (ty, a, b) = self.joined(a, b, &args.span, "draw between")?;
        let code: Code = match ty {
            Type::Float => Code::new(move |f| {
                let (a, b) = (as_float(a.get(f)?), as_float(b.get(f)?));
                float(a + (b - a) * draw(f, salt))
            }),
            Type::Int | Type::Date => Code::new(move |f| {
                let (a, b) = (a.get(f)? as i64, b.get(f)? as i64);
                let (low, high) = (a.min(b), a.max(b));
                int(low + below(mix(f.key, salt), (high - low) as u64 + 1) as i64)
            }),
            Type::Timestamp | Type::Interval => Code::new(move |f| {
                let (a, b) = (a.get(f)? as i64, b.get(f)? as i64);
                let second = crate::simulate::calendar::SECOND;
                // Whole seconds, as the rest of the event times.
                int(a + libm::floor((b - a) as f64 * draw(f, salt) / second as f64) as i64 * second)
            }),
            other => {
                return Err(mismatch(
                    &args.span,
                    format!("between() does not work on {other}"),
                ));
            }
        };
        Ok(Typed::new(ty, code))
    }

    /// `shuffle(i, n)`: the image of i under a permutation of 1..n that is the same for all rows of the parent;
    /// `shuffle(i)` takes the table's stock as n.
    fn shuffle(&mut self, args: &mut Args, salt: u64) -> Checked {
        let i = args.take(self, &Type::Int)?;
        let n: Code = if args.list.is_empty() {
            match &self.spec.rows {
                Rows::Entity {
                    initial,
                    arrivals: None,
                } => {
                    let n = *initial as i64;
                    Code::Value(int(n))
                }
                _ => {
                    return Err(mismatch(
                        &args.span,
                        "shuffle() needs the number of places here: shuffle(i, n)",
                    ));
                }
            }
        } else {
            args.take(self, &Type::Int)?
        };
        Ok(Typed::new(
            Type::Int,
            Code::new(move |f| {
                let (i, n) = (i.get(f)? as i64, n.get(f)? as i64);
                if i < 1 || i > n {
                    return f.fail(format!(
                        "shuffle({i}, {n}): the first number must be from 1 to {n}"
                    ));
                }
                int(permute(mix(f.scope, salt), i as u64 - 1, n as u64) as i64 + 1)
            }),
        ))
    }
}

/// What is wrong with a deviation and limits, if anything is. Equal limits are fine: there is one value.
fn unfit(name: &str, sd: f64, low: f64, high: f64) -> Option<String> {
    if sd < 0.0 {
        return Some(format!("{name}(): the deviation {sd} is below 0"));
    }
    (low > high).then(|| format!("{name}(): the limit {high} is below the limit {low}"))
}

fn between_limits(f: &mut Frame, limits: Option<&(Code, Code)>) -> Option<(f64, f64)> {
    match limits {
        None => Some((f64::NEG_INFINITY, f64::INFINITY)),
        Some((low, high)) => {
            let low = as_float(low.get(f)?);
            Some((low, as_float(high.get(f)?)))
        }
    }
}

fn literal_number(t: &Typed) -> Option<f64> {
    let bits: Val = t.literal?;
    match t.ty {
        Type::Int => Some(bits? as i64 as f64),
        Type::Float => Some(as_float(bits?)),
        _ => None,
    }
}
