//! The functions of expressions, the plain ones; random and time functions have files of their own.
use super::convert::rounded;
use super::operators::order;
use super::{Checked, Compiler, Problem, Scope, Typed, mismatch, suggest};
use crate::diag::code;
use crate::simulate::calendar::DAY;
use crate::simulate::curve::{Curve, KnownDays, Over};
use crate::simulate::frame::Code;
use crate::simulate::lang::Expr;
use crate::simulate::value::{Type, as_float, float, int};
use std::ops::Range;
use std::sync::Arc;

/// Every function; their names are reserved.
pub const FUNCTIONS: [&str; 56] = [
    "if",
    "coalesce",
    "least",
    "greatest",
    "round",
    "floor",
    "ceil",
    "abs",
    "sqrt",
    "pow",
    "ln",
    "exp",
    "sin",
    "lower",
    "upper",
    "length",
    "left",
    "right",
    "replace",
    "lpad",
    "text",
    "contains",
    "format",
    "choose",
    "hour",
    "minute",
    "weekday",
    "isodow",
    "month",
    "year",
    "day_of_month",
    "is_weekend",
    "date",
    "timestamp",
    "minutes",
    "hours",
    "seconds",
    "days",
    "round_minutes",
    "chance",
    "uniform",
    "int",
    "normal",
    "lognormal",
    "exponential",
    "poisson",
    "geometric",
    "binomial",
    "between",
    "shuffle",
    "pareto",
    "day_number",
    "week",
    "nullif",
    "mod",
    "trim",
];

/// Functions of SQL and Python that would break the rule that the same seed gives the same rows.
const FORBIDDEN: [&str; 9] = [
    "now",
    "today",
    "current_date",
    "current_timestamp",
    "random",
    "rand",
    "gen_random_uuid",
    "uuid",
    "clock_timestamp",
];

/// Arguments of a call, compiled.
pub struct Args {
    /// The function.
    pub name: String,
    /// The arguments with their places.
    pub list: Vec<(Typed, Range<usize>)>,
    /// The whole call.
    pub span: Range<usize>,
}

impl Args {
    /// Takes the next argument as code of a type.
    pub fn take(&mut self, compiler: &mut Compiler<'_>, ty: &Type) -> Checked<Code> {
        if self.list.is_empty() {
            return Err(mismatch(
                &self.span,
                format!("{}() needs more arguments", self.name),
            ));
        }
        let (typed, span) = self.list.remove(0);
        let found = typed.ty.clone();
        compiler.assign(typed, ty).ok_or_else(|| {
            mismatch(
                &span,
                format!("{}() needs {ty} here, not {found}", self.name),
            )
        })
    }

    /// Takes the next argument as a number.
    pub fn number(&mut self, compiler: &mut Compiler<'_>) -> Checked<Code> {
        self.take(compiler, &Type::Float)
    }

    /// Ends the list: more arguments are an error.
    pub fn end(&self) -> Checked<()> {
        match self.list.first() {
            Some((_, span)) => Err(mismatch(
                span,
                format!("{}() has an argument too many", self.name),
            )),
            None => Ok(()),
        }
    }
}

impl Compiler<'_> {
    pub(super) fn call(
        &mut self,
        name: &str,
        args: &[Expr],
        place: &Range<usize>,
        span: &Range<usize>,
        scope: &Scope,
    ) -> Checked {
        if let Some(curve) = self.curves.get(name).cloned() {
            return self.curve(name, &curve, args, span, scope);
        }
        if FORBIDDEN.contains(&name) {
            return Err(Problem::new(
                code::M0806,
                span,
                format!(
                    "{name}() does not exist in simulations: the same seed must give the same rows"
                ),
            )
            .help(if name.starts_with("rand") {
                "use uniform(0, 1) or chance(p)"
            } else {
                "use start_date or day"
            }));
        }
        if !FUNCTIONS.contains(&name) {
            let curves: Vec<String> = self.curves.keys().cloned().collect();
            let near = suggest(
                name,
                FUNCTIONS
                    .into_iter()
                    .chain(curves.iter().map(String::as_str)),
            );
            return Err(
                Problem::new(code::M0806, place, format!("no function or curve `{name}`")).help(
                    near.map_or_else(
                        || "docs/simulations.md lists all functions".into(),
                        |n| format!("did you mean `{n}`?"),
                    ),
                ),
            );
        }
        match name {
            "format" => return self.format_call(args, span, scope),
            "if" => return self.conditional(args, span, scope),
            _ => {}
        }
        let mut args = self.args(name, args, span, scope)?;
        let typed = match self.random(name, &mut args)? {
            Some(typed) => typed,
            None => match self.time_function(name, &mut args)? {
                Some(typed) => typed,
                None => self.plain(name, &mut args)?,
            },
        };
        args.end()?;
        Ok(typed)
    }

    /// The arguments of a function, compiled.
    pub(super) fn args(
        &mut self,
        name: &str,
        args: &[Expr],
        span: &Range<usize>,
        scope: &Scope,
    ) -> Checked<Args> {
        let mut list = Vec::new();
        for arg in args {
            list.push((self.expr(arg, scope)?, arg.span.clone()));
        }
        Ok(Args {
            name: name.to_string(),
            list,
            span: span.clone(),
        })
    }

    fn curve(
        &mut self,
        name: &str,
        curve: &Arc<Curve>,
        args: &[Expr],
        span: &Range<usize>,
        scope: &Scope,
    ) -> Checked {
        let [arg] = args else {
            return Err(mismatch(
                span,
                format!("the curve `{name}` takes one argument"),
            ));
        };
        let typed = self.expr(arg, scope)?;
        let found = typed.ty.clone();
        let (curve, shown) = (curve.clone(), name.to_string());
        let at = move |f: &mut super::super::frame::Frame, x: f64| match curve.at(x) {
            Some(y) => float(y),
            None => f.fail(format!("the curve `{shown}` has no value for {x}")),
        };
        let over = self.curves[name].over;
        let days = self.curves[name].clone();
        let wrong = |wanted: &str| {
            mismatch(
                &arg.span,
                format!("the curve `{name}` is over {wanted}, not {found}"),
            )
        };
        let code: Code = match (over, &found) {
            (Over::Hour, Type::Timestamp) => {
                let code = typed.code;
                Code::new(move |f| {
                    let hour = (code.get(f)? as i64).rem_euclid(DAY) / 3_600_000_000;
                    at(f, hour as f64)
                })
            }
            (
                Over::Date | Over::Weekday | Over::Month,
                Type::Date | Type::Timestamp | Type::Null,
            ) => {
                let timestamps = found == Type::Timestamp;
                let code = typed.code;
                let known = KnownDays::default();
                Code::new(move |f| {
                    let x = code.get(f)? as i64;
                    let day = if timestamps { x.div_euclid(DAY) } else { x };
                    known
                        .of(&days, f.world.calendar, day)
                        .or_else(|| at(f, days.key_of_day(day)))
                })
            }
            (Over::Date | Over::Weekday | Over::Month, _) => return Err(wrong("dates")),
            _ => {
                let code = self
                    .assign(typed, &Type::Float)
                    .ok_or_else(|| wrong("numbers"))?;
                Code::new(move |f| {
                    let x = as_float(code.get(f)?);
                    at(f, x)
                })
            }
        };
        Ok(Typed::new(Type::Float, code))
    }

    fn plain(&mut self, name: &str, args: &mut Args) -> Checked {
        Ok(match name {
            "coalesce" | "least" | "greatest" => self.several(name, args)?,
            "nullif" => {
                if args.list.len() != 2 {
                    return Err(mismatch(&args.span, "nullif() takes two arguments"));
                }
                let (b, a) = (args.list.remove(1).0, args.list.remove(0).0);
                let (ty, a, b) = self.joined(a, b, &args.span, "compare")?;
                let ordered = ty.clone();
                Typed::new(
                    ty,
                    Code::new(move |f| {
                        let x = a.get(f)?;
                        match b.get(f) {
                            Some(y) if order(f, &ordered, x, y).is_eq() => None,
                            _ => Some(x),
                        }
                    }),
                )
            }
            "round" | "floor" | "ceil" | "abs" | "sqrt" | "pow" | "ln" | "exp" | "sin" | "mod" => {
                self.arithmetic_function(name, args)?
            }
            "choose" => self.choose(args)?,
            "contains" => self.contains(args)?,
            "text" => {
                if args.list.is_empty() {
                    return Err(mismatch(&args.span, "text() takes one argument"));
                }
                let typed = args.list.remove(0).0;
                Typed::new(Type::Text, self.text_of(typed))
            }
            _ => self.text_function(name, args)?,
        })
    }

    fn conditional(&mut self, args: &[Expr], span: &Range<usize>, scope: &Scope) -> Checked {
        let [condition, a, b] = args else {
            return Err(mismatch(
                span,
                "if() takes three arguments: if(condition, a, b)",
            ));
        };
        let condition = self.test(condition, true, scope)?;
        let (a, b) = (self.expr(a, scope)?, self.expr(b, scope)?);
        let text = a.text.is_some() && b.text.is_some();
        let (ty, a, b) = if text {
            (Type::Text, a.code, b.code)
        } else {
            self.joined(a, b, span, "choose between")?
        };
        Ok(Typed::new(
            ty,
            Code::new(move |f| if condition(f) { a.get(f) } else { b.get(f) }),
        ))
    }

    /// Arguments of one type.
    fn alike(&mut self, args: &mut Args) -> Checked<(Type, Vec<Code>)> {
        if args.list.is_empty() {
            return Err(mismatch(
                &args.span,
                format!("{}() needs arguments", args.name),
            ));
        }
        let list: Vec<(Typed, Range<usize>)> = args.list.drain(..).collect();
        let time = list
            .iter()
            .any(|(t, _)| matches!(t.ty, Type::Date | Type::Timestamp));
        let mut ty = Type::Null;
        for (typed, span) in &list {
            if time && typed.text.is_some() {
                continue;
            }
            ty = ty.join(&typed.ty).ok_or_else(|| {
                mismatch(
                    span,
                    format!(
                        "{}() needs arguments of one type; {} is not {ty}",
                        args.name, typed.ty
                    ),
                )
            })?;
        }
        let mut codes = Vec::new();
        for (typed, span) in list {
            let found = typed.ty.clone();
            codes.push(
                self.assign(typed, &ty)
                    .ok_or_else(|| mismatch(&span, format!("{found} is not {ty}")))?,
            );
        }
        Ok((ty, codes))
    }

    fn several(&mut self, name: &str, args: &mut Args) -> Checked {
        let (ty, mut codes) = self.alike(args)?;
        let code: Code = if name == "coalesce" {
            Code::new(move |f| codes.iter().find_map(|c| c.get(f)))
        } else {
            let wanted = if name == "least" {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Greater
            };
            let ty = ty.clone();
            if let (Type::Float, [_, _]) = (&ty, codes.as_slice())
                && let (Some(b), Some(a)) = (codes.pop(), codes.pop())
            {
                return Ok(Typed::new(ty, extreme(a, b, wanted)));
            }
            Code::new(move |f| {
                let mut best = None;
                for code in &codes {
                    best = match (best, code.get(f)) {
                        (Some(a), Some(b)) if order(f, &ty, b, a) == wanted => Some(b),
                        (None, b) => b,
                        (a, _) => a,
                    };
                }
                best
            })
        };
        Ok(Typed::new(ty, code))
    }

    fn arithmetic_function(&mut self, name: &str, args: &mut Args) -> Checked {
        let whole = args.list.first().is_some_and(|(t, _)| t.ty == Type::Int);
        if name == "abs" && whole {
            let code = args.take(self, &Type::Int)?;
            return Ok(Typed::new(
                Type::Int,
                Code::new(move |f| int((code.get(f)? as i64).saturating_abs())),
            ));
        }
        let x = args.number(self)?;
        if name == "round" && !args.list.is_empty() {
            let digits = args.take(self, &Type::Int)?;
            return Ok(Typed::new(
                Type::Float,
                Code::new(move |f| {
                    let scale = libm::pow(10.0, (digits.get(f)? as i64).clamp(-15, 15) as f64);
                    float(libm::rint(as_float(x.get(f)?) * scale) / scale)
                }),
            ));
        }
        if matches!(name, "pow" | "mod") {
            let y = args.number(self)?;
            let op = if name == "pow" { libm::pow } else { libm::fmod };
            return Ok(Typed::new(
                Type::Float,
                Code::new(move |f| {
                    let base = as_float(x.get(f)?);
                    float(op(base, as_float(y.get(f)?)))
                }),
            ));
        }
        if matches!(name, "round" | "floor" | "ceil") {
            let op = match name {
                "round" => libm::rint,
                "floor" => libm::floor,
                _ => libm::ceil,
            };
            return Ok(Typed::new(
                Type::Int,
                Code::new(move |f| {
                    let value = op(as_float(x.get(f)?));
                    rounded(f, value)
                }),
            ));
        }
        let op = match name {
            "abs" => libm::fabs,
            "sqrt" => libm::sqrt,
            "ln" => libm::log,
            "sin" => libm::sin,
            _ => libm::exp,
        };
        Ok(Typed::new(
            Type::Float,
            Code::new(move |f| {
                let value = op(as_float(x.get(f)?));
                if value.is_finite() {
                    float(value)
                } else {
                    None
                }
            }),
        ))
    }

    /// `choose(i, a, b, …)`: the i-th of the values, from 1.
    fn choose(&mut self, args: &mut Args) -> Checked {
        let index = args.take(self, &Type::Int)?;
        let (ty, codes) = self.alike(args)?;
        Ok(Typed::new(
            ty,
            Code::new(move |f| {
                let i = index.get(f)? as i64;
                codes.get(usize::try_from(i - 1).ok()?)?.get(f)
            }),
        ))
    }
}

/// The smaller or larger of two floats, the other where one is null.
fn extreme(a: Code, b: Code, wanted: std::cmp::Ordering) -> Code {
    Code::new(move |f| match (a.get(f), b.get(f)) {
        (Some(a), Some(b)) if as_float(b).total_cmp(&as_float(a)) == wanted => Some(b),
        (None, b) => b,
        (a, _) => a,
    })
}
