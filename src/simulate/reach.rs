//! Which rules of a `when` can ever match, found by trying all cases.
//!
//! Inputs with finitely many values (weights, booleans, other rules) are tried value by value; numbers and texts
//! only at and between the constants they are compared with. Anything else counts as free to be true or false, so
//! what is reported as unreachable is so for certain.

mod cases;

use super::compile::shown;
use super::lang::{Ex, Expr, Op, parse};
use super::spec::{Column, Literal, Plain, Rule, Span, Spec, Value, WeightsKind};
use super::value::{SqlType, Type};
use crate::diag::{Code, code};
use cases::{Case, holds};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Most cases that are tried.
const CASES: usize = 100_000;

/// Something wrong with the rules.
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// What it is, without the column's name.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Where.
    pub span: Span,
}

/// A value an input can have.
#[derive(Debug, Clone, PartialEq)]
enum Atom {
    Bool(bool),
    Number(f64),
    Text(String),
    OtherText,
}

/// An input: its values, and each value in words.
struct Input {
    values: Vec<(Atom, String)>,
    /// Values alternate between gaps and constants, ascending.
    ruler: bool,
}

/// The values an expression can have, as written in files; `None` when they are not finitely many.
pub fn values(spec: &Spec, e: &Expr) -> Option<BTreeSet<String>> {
    match &e.kind {
        Ex::Bool(b) => Some(BTreeSet::from([b.to_string()])),
        Ex::Int(i) => Some(BTreeSet::from([i.to_string()])),
        Ex::Text(t) => Some(BTreeSet::from([t.clone()])),
        Ex::Call(name, args, _) if name == "if" && args.len() == 3 => {
            let mut all = values(spec, &args[1])?;
            all.extend(values(spec, &args[2])?);
            Some(all)
        }
        Ex::Not(_) | Ex::IsNull(..) | Ex::In(..) | Ex::Binary(Op::And | Op::Or, ..) => {
            Some(truth())
        }
        Ex::Binary(op, ..) if op.compares() => Some(truth()),
        Ex::Call(name, ..) if matches!(name.as_str(), "chance" | "is_weekend" | "contains") => {
            Some(truth())
        }
        Ex::Name(name) => {
            let column = spec.columns.iter().find(|c| c.name.text == *name)?;
            Some(finite(spec, column)?.iter().map(shown).collect())
        }
        _ => None,
    }
}

fn truth() -> BTreeSet<String> {
    BTreeSet::from(["false".to_string(), "true".to_string()])
}

/// The values of a column that has finitely many.
fn finite(spec: &Spec, column: &Column) -> Option<Vec<Plain>> {
    let mut all: Vec<Plain> = Vec::new();
    let mut add = |p: &Plain| {
        if !all.iter().any(|known| known.value == p.value) {
            all.push(p.clone());
        }
    };
    match &column.value {
        Value::Weights(w) => match &w.kind {
            WeightsKind::Plain(options) => {
                options.iter().filter(|o| o.1 > 0.0).for_each(|o| add(&o.0));
            }
            WeightsKind::By(branches) => {
                branches
                    .iter()
                    .flat_map(|b| &b.1)
                    .filter(|o| o.1 > 0.0)
                    .for_each(|o| add(&o.0));
            }
            WeightsKind::Expr(_) => return None,
        },
        Value::When(rules, _) => rules.iter().for_each(|r| add(&r.then)),
        Value::Expr(src) if column.sql != SqlType::Boolean => {
            let all = values(spec, &parse(&src.text).ok()?)?;
            let literal = |t: String| match column.sql.value_type() {
                Type::Int => t.parse().ok().map(Literal::Int),
                Type::Text => Some(Literal::Text(t)),
                _ => None,
            };
            return all
                .into_iter()
                .map(|t| {
                    Some(Plain {
                        value: literal(t)?,
                        span: 0..0,
                    })
                })
                .collect();
        }
        _ if column.sql == SqlType::Boolean => {
            for b in [false, true] {
                add(&Plain {
                    value: Literal::Bool(b),
                    span: 0..0,
                });
            }
        }
        _ => return None,
    }
    // An unreadable value was reported where it stands; the others do not make a complete list.
    all.iter().all(|p| p.value != Literal::Null).then_some(all)
}

/// What a condition depends on, in order of appearance.
#[derive(Default)]
struct Inputs {
    constants: IndexMap<String, Vec<Atom>>,
    free: BTreeSet<String>,
}

fn path(e: &Expr) -> Option<String> {
    match &e.kind {
        Ex::Name(n) => Some(n.clone()),
        Ex::Field(inner, field, _) => Some(format!("{}.{field}", path(inner)?)),
        _ => None,
    }
}

fn constant(e: &Expr) -> Option<Atom> {
    match &e.kind {
        Ex::Bool(b) => Some(Atom::Bool(*b)),
        Ex::Int(i) => Some(Atom::Number(*i as f64)),
        Ex::Float(x) => Some(Atom::Number(*x)),
        Ex::Text(t) => Some(Atom::Text(t.clone())),
        _ => None,
    }
}

/// A condition's place among the rules and its own text make a name for what is not analysed.
fn free_name(e: &Expr, rule: usize) -> String {
    format!("{rule}:{}..{}", e.span.start, e.span.end)
}

impl Inputs {
    fn collect(&mut self, e: &Expr, rule: usize) {
        match &e.kind {
            Ex::Not(inner) => self.collect(inner, rule),
            Ex::Binary(Op::And | Op::Or, a, b) => {
                self.collect(a, rule);
                self.collect(b, rule);
            }
            Ex::Bool(_) => {}
            Ex::Name(_) | Ex::Field(..) => {
                let name = path(e).unwrap_or_default();
                self.constants
                    .entry(name)
                    .or_default()
                    .extend([Atom::Bool(false), Atom::Bool(true)]);
            }
            Ex::Binary(op, a, b) if op.compares() => {
                match (path(a), constant(b), constant(a), path(b)) {
                    (Some(name), Some(c), ..) | (.., Some(c), Some(name)) => {
                        self.constants.entry(name).or_default().push(c);
                    }
                    _ => {
                        self.free.insert(free_name(e, rule));
                    }
                }
            }
            Ex::In(inner, list, _) => match (
                path(inner),
                list.iter().map(constant).collect::<Option<Vec<_>>>(),
            ) {
                (Some(name), Some(all)) => self.constants.entry(name).or_default().extend(all),
                _ => {
                    self.free.insert(free_name(e, rule));
                }
            },
            _ => {
                self.free.insert(free_name(e, rule));
            }
        }
    }
}

fn literal_atom(p: &Plain) -> Option<Atom> {
    Some(match &p.value {
        Literal::Bool(b) => Atom::Bool(*b),
        Literal::Int(i) => Atom::Number(*i as f64),
        Literal::Float(x) => Atom::Number(*x),
        Literal::Text(t) => Atom::Text(t.clone()),
        Literal::Null => return None,
    })
}

fn in_words(atom: &Atom) -> String {
    match atom {
        Atom::Bool(b) => format!("= {b}"),
        Atom::Number(x) => format!("= {x}"),
        Atom::Text(t) => format!("= '{t}'"),
        Atom::OtherText => "of any other value".into(),
    }
}

/// The values to try for an input.
fn input(spec: &Spec, name: &str, constants: &[Atom]) -> Input {
    let column = spec.columns.iter().find(|c| c.name.text == name);
    let known = column
        .and_then(|c| finite(spec, c))
        .and_then(|all| all.iter().map(literal_atom).collect::<Option<Vec<_>>>());
    if let Some(known) = known {
        return Input {
            values: known
                .into_iter()
                .map(|a| (a.clone(), in_words(&a)))
                .collect(),
            ruler: false,
        };
    }
    let mut numbers: Vec<f64> = constants
        .iter()
        .filter_map(|a| {
            if let Atom::Number(x) = a {
                Some(*x)
            } else {
                None
            }
        })
        .collect();
    if numbers.is_empty() {
        let mut values: Vec<(Atom, String)> = Vec::new();
        for atom in constants {
            if !values.iter().any(|v| v.0 == *atom) {
                values.push((atom.clone(), in_words(atom)));
            }
        }
        if values.iter().any(|v| matches!(v.0, Atom::Text(_))) {
            values.push((Atom::OtherText, in_words(&Atom::OtherText)));
        }
        return Input {
            values,
            ruler: false,
        };
    }
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let whole = column.is_some_and(|c| c.sql.value_type() == Type::Int);
    let mut values = vec![(Atom::Number(numbers[0] - 1.0), format!("< {}", numbers[0]))];
    for (i, x) in numbers.iter().enumerate() {
        values.push((Atom::Number(*x), format!("= {x}")));
        let Some(next) = numbers.get(i + 1) else {
            values.push((Atom::Number(x + 1.0), format!("> {x}")));
            break;
        };
        let middle = if whole {
            libm::floor(*x) + 1.0
        } else {
            f64::midpoint(*x, *next)
        };
        // Between neighbouring whole numbers there is nothing; the gap repeats its left neighbour.
        values.push(if whole && middle >= *next {
            (Atom::Number(*x), format!("= {x}"))
        } else {
            (Atom::Number(middle), format!("between {x} and {next}"))
        });
    }
    Input {
        values,
        ruler: true,
    }
}

/// Finds rules that can never match, and cases that no rule takes.
pub fn check(spec: &Spec, rules: &[Rule], nullable: bool, span: &Span) -> Vec<Finding> {
    let mut conditions: Vec<Option<Expr>> = Vec::new();
    let mut inputs = Inputs::default();
    for (i, rule) in rules.iter().enumerate() {
        let expr = match &rule.condition {
            None => None,
            Some(src) => match parse(&src.text) {
                Ok(expr) => Some(expr),
                Err(_) => return Vec::new(),
            },
        };
        if let Some(expr) = &expr {
            inputs.collect(expr, i);
        }
        conditions.push(expr);
    }
    let mut all: IndexMap<String, Input> = inputs
        .constants
        .iter()
        .map(|(n, c)| (n.clone(), input(spec, n, c)))
        .collect();
    for name in inputs.free {
        let values = [false, true]
            .map(|b| (Atom::Bool(b), String::new()))
            .to_vec();
        all.insert(
            name,
            Input {
                values,
                ruler: false,
            },
        );
    }
    let cases: usize = all
        .values()
        .map(|i| i.values.len().max(1))
        .try_fold(1usize, usize::checked_mul)
        .unwrap_or(usize::MAX);
    if cases > CASES || all.values().any(|i| i.values.is_empty()) {
        return Vec::new();
    }
    let mut first = vec![0usize; rules.len()];
    let mut taken: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); rules.len()];
    let mut open: Vec<Vec<usize>> = Vec::new();
    for number in 0..cases {
        let mut rest = number;
        let mut at = Vec::with_capacity(all.len());
        for input in all.values() {
            at.push(rest % input.values.len());
            rest /= input.values.len();
        }
        let case: Case<'_> = all
            .iter()
            .zip(&at)
            .map(|((n, i), v)| (n.as_str(), &i.values[*v].0))
            .collect();
        let hits: Vec<usize> = (0..rules.len())
            .filter(|i| conditions[*i].as_ref().is_none_or(|c| holds(c, *i, &case)))
            .collect();
        match hits.first() {
            None => open.push(at),
            Some(winner) => {
                first[*winner] += 1;
                hits[1..].iter().for_each(|i| {
                    taken[*i].insert(*winner);
                });
            }
        }
    }
    let mut out = Vec::new();
    let text = |i: usize| {
        rules[i]
            .condition
            .as_ref()
            .map_or("else", |s| s.text.as_str())
    };
    if let (false, Some(case)) = (nullable, open.first()) {
        out.push(Finding {
            code: code::M0808,
            message: format!(
                "no rule for {} and no else; the column is not nullable",
                uncovered(&all, &open, case)
            ),
            help: Some("add `{else: …}`, or `nullable: true`".into()),
            span: span.clone(),
        });
    }
    for i in (0..rules.len()).filter(|i| first[*i] == 0) {
        let message = if taken[i].is_empty() {
            format!(
                "rule {} ({}) can never match: its condition is never true",
                i + 1,
                text(i)
            )
        } else {
            let names: Vec<String> = taken[i]
                .iter()
                .map(|j| format!("rule {} ({})", j + 1, text(*j)))
                .collect();
            let verb = if names.len() == 1 { "takes" } else { "take" };
            format!(
                "rule {} ({}) can never match: {} {verb} all of its cases",
                i + 1,
                text(i),
                names.join(" and ")
            )
        };
        out.push(Finding {
            code: code::M0807,
            message,
            help: Some("the first rule that holds wins: move it up, or remove it".into()),
            span: rules[i].span.clone(),
        });
    }
    out
}

/// The cases that no rule takes, in words.
fn uncovered(inputs: &IndexMap<String, Input>, open: &[Vec<usize>], case: &[usize]) -> String {
    let named: Vec<(usize, &String, &Input)> = inputs
        .iter()
        .enumerate()
        .filter(|(_, (_, i))| i.values.iter().any(|v| !v.1.is_empty()))
        .map(|(at, (n, i))| (at, n, i))
        .collect();
    if let [(at, name, input)] = named.as_slice() {
        let hit: BTreeSet<usize> = open.iter().map(|c| c[*at]).collect();
        let (low, high) = (
            hit.first().copied().unwrap_or(0),
            hit.last().copied().unwrap_or(0),
        );
        let run = input.ruler && high - low + 1 == hit.len();
        // Even places are gaps, odd ones the constants themselves.
        let constant = |i: usize| input.values[i].1.trim_start_matches("= ").to_string();
        if run && high + 1 == input.values.len() && low > 0 {
            let (sign, at) = if low % 2 == 0 {
                (">", low - 1)
            } else {
                (">=", low)
            };
            return format!("{name} {sign} {}", constant(at));
        }
        if run && low == 0 && high + 1 < input.values.len() {
            let (sign, at) = if high % 2 == 0 {
                ("<", high + 1)
            } else {
                ("<=", high)
            };
            return format!("{name} {sign} {}", constant(at));
        }
        let mut words: Vec<&str> = hit.iter().map(|i| input.values[*i].1.as_str()).collect();
        words.dedup();
        return format!("{name} {}", words.join(" or "));
    }
    let words: Vec<String> = named
        .iter()
        .map(|(at, name, input)| format!("{name} {}", input.values[case[*at]].1))
        .collect();
    if words.is_empty() {
        "some cases".into()
    } else {
        format!("some cases, for example {}", words.join(", "))
    }
}
