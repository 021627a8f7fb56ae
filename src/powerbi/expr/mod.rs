//! SQL expressions of definitions as DAX.
//!
//! SQL knows null, and a comparison with null is neither true nor false. DAX knows BLANK, which equals zero and the empty
//! text and counts as zero in a sum. What is written here therefore compares strictly, keeps blanks out of `<` and `<>`,
//! and gives a blank where SQL would give null.
mod condition;
mod parse;

pub use condition::condition;
pub use parse::parse;

use std::fmt::Write as _;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Ex {
    /// A number.
    Number(String),
    /// A text.
    Text(String),
    /// `date '2025-01-01'`.
    Date(String),
    /// True or false.
    Bool(bool),
    /// Null.
    Null,
    /// A column, dimension or metric.
    Name(String, Option<String>),
    /// `-x`.
    Minus(Box<Ex>),
    /// `not x`.
    Not(Box<Ex>),
    /// `a op b`.
    Binary(&'static str, Box<Ex>, Box<Ex>),
    /// `x in (…)`.
    In(Box<Ex>, Vec<Ex>, bool),
    /// `x is null`.
    IsNull(Box<Ex>, bool),
    /// A call.
    Call(String, Vec<Ex>),
    /// `case when … then … else … end`.
    Case(Vec<(Ex, Ex)>, Option<Box<Ex>>),
}

/// How names are written.
pub struct Names<'a> {
    /// A name's DAX, and whether it may be blank.
    pub dax: &'a dyn Fn(&str, Option<&str>) -> Result<(String, bool), String>,
}

/// Precedence of DAX's operators; a lower one needs brackets inside a higher one.
fn level(op: &str) -> u8 {
    match op {
        "||" => 1,
        "&&" => 2,
        "=" | "==" | "<>" | "<" | "<=" | ">" | ">=" => 3,
        "&" => 4,
        "+" | "-" => 5,
        _ => 6,
    }
}

/// A value as DAX.
pub fn value(ex: &Ex, names: &Names<'_>) -> Result<String, String> {
    let mut blanks = Vec::new();
    let text = write(ex, names, 0, &mut blanks)?;
    if blanks.is_empty() {
        return Ok(text);
    }
    let any: Vec<String> = blanks.iter().map(|b| format!("ISBLANK({b})")).collect();
    Ok(format!("IF({}, BLANK(), {text})", any.join(" || ")))
}

/// Writes an expression; what would turn a sum blank in SQL is collected.
fn write(
    ex: &Ex,
    names: &Names<'_>,
    outer: u8,
    blanks: &mut Vec<String>,
) -> Result<String, String> {
    Ok(match ex {
        Ex::Number(n) => n.clone(),
        Ex::Text(t) => format!("\"{}\"", t.replace('"', "\"\"")),
        Ex::Date(d) => date(d)?,
        Ex::Bool(b) => if *b { "TRUE()" } else { "FALSE()" }.into(),
        Ex::Null => "BLANK()".into(),
        Ex::Name(n, grain) => (names.dax)(n, grain.as_deref())?.0,
        Ex::Minus(x) => format!("-{}", write(x, names, 7, blanks)?),
        Ex::Binary(op, a, b) if ["+", "-", "*", "/", "&"].contains(op) => {
            if ["+", "-", "&"].contains(op) {
                for side in [a, b] {
                    nullable(side, names, blanks)?;
                }
            }
            let own = level(op);
            let left = write(a, names, own, blanks)?;
            let right = write(b, names, own + 1, blanks)?;
            let text = format!("{left} {op} {right}");
            if own < outer {
                format!("({text})")
            } else {
                text
            }
        }
        Ex::Call(f, list) => call(f, list, names)?,
        Ex::Case(arms, other) => {
            let mut text = String::new();
            for (when, then) in arms {
                let _ = write!(
                    text,
                    "IF({}, {}, ",
                    condition(when, names)?,
                    value(then, names)?
                );
            }
            text.push_str(&match other {
                Some(x) => value(x, names)?,
                None => "BLANK()".into(),
            });
            text.push_str(&")".repeat(arms.len()));
            text
        }
        other => format!("({})", condition(other, names)?),
    })
}

/// The names of a sum's side that may be blank.
fn nullable(ex: &Ex, names: &Names<'_>, out: &mut Vec<String>) -> Result<(), String> {
    match ex {
        Ex::Name(n, grain) => {
            let (dax, may) = (names.dax)(n, grain.as_deref())?;
            if may && !out.contains(&dax) {
                out.push(dax);
            }
        }
        Ex::Minus(x) => nullable(x, names, out)?,
        Ex::Binary("*" | "/", a, b) => {
            nullable(a, names, out)?;
            nullable(b, names, out)?;
        }
        _ => {}
    }
    Ok(())
}

fn call(f: &str, list: &[Ex], names: &Names<'_>) -> Result<String, String> {
    let all = list
        .iter()
        .map(|x| value(x, names))
        .collect::<Result<Vec<_>, _>>()?;
    let joined = all.join(", ");
    Ok(match (f, all.len()) {
        ("coalesce", 1..) => format!("COALESCE({joined})"),
        ("nullif", 2) => format!("IF({} = {}, BLANK(), {})", all[0], all[1], all[0]),
        ("abs", 1) => format!("ABS({joined})"),
        ("round", 1) => format!("ROUND({joined}, 0)"),
        ("round", 2) => format!("ROUND({joined})"),
        ("floor", 1) => format!("FLOOR({joined}, 1)"),
        ("ceil" | "ceiling", 1) => format!("CEILING({joined}, 1)"),
        ("sqrt", 1) => format!("SQRT({joined})"),
        ("power", 2) => format!("POWER({joined})"),
        ("upper", 1) => format!("UPPER({joined})"),
        ("lower", 1) => format!("LOWER({joined})"),
        ("length" | "char_length", 1) => format!("LEN({joined})"),
        ("greatest", 2) => format!("MAX({joined})"),
        ("least", 2) => format!("MIN({joined})"),
        _ => return Err(format!("the function `{f}` has no counterpart here")),
    })
}

fn date(text: &str) -> Result<String, String> {
    let d: chrono::NaiveDate = text
        .parse()
        .map_err(|_| format!("`{text}` is not a date"))?;
    let (y, m, day) = (d.format("%Y").to_string(), d.format("%-m"), d.format("%-d"));
    Ok(format!("DATE({y}, {m}, {day})"))
}

/// The names of an expression.
pub fn names_of(ex: &Ex, out: &mut Vec<String>) {
    match ex {
        Ex::Name(n, _) => out.push(n.clone()),
        Ex::Minus(x) | Ex::Not(x) | Ex::IsNull(x, _) => names_of(x, out),
        Ex::Binary(_, a, b) => {
            names_of(a, out);
            names_of(b, out);
        }
        Ex::In(x, list, _) => {
            names_of(x, out);
            list.iter().for_each(|i| names_of(i, out));
        }
        Ex::Call(_, list) => list.iter().for_each(|i| names_of(i, out)),
        Ex::Case(arms, other) => {
            for (a, b) in arms {
                names_of(a, out);
                names_of(b, out);
            }
            if let Some(x) = other {
                names_of(x, out);
            }
        }
        _ => {}
    }
}

/// The conditions that must all hold.
pub fn terms(ex: Ex) -> Vec<Ex> {
    match ex {
        Ex::Binary("&&", a, b) => {
            let mut out = terms(*a);
            out.extend(terms(*b));
            out
        }
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dax(text: &str, is_condition: bool) -> Result<String, String> {
        let names = Names {
            dax: &|n, _| Ok((format!("T[{n}]"), true)),
        };
        let ex = parse(text)?;
        if is_condition {
            condition(&ex, &names)
        } else {
            value(&ex, &names)
        }
    }

    #[test]
    fn conditions_hold_exactly_where_sql_says_so() {
        for (sql, wanted) in [
            ("a > 0", "T[a] > 0"),
            ("a = 'x'", "T[a] == \"x\""),
            ("a <> 'x'", "T[a] <> \"x\" && NOT(ISBLANK(T[a]))"),
            ("a < 5", "T[a] < 5 && NOT(ISBLANK(T[a]))"),
            ("paid", "T[paid] = TRUE()"),
            ("not paid", "T[paid] == FALSE()"),
            (
                "a is null or b is not null",
                "ISBLANK(T[a]) || NOT(ISBLANK(T[b]))",
            ),
            (
                "not (a = 1 and b = 2)",
                "T[a] <> 1 && NOT(ISBLANK(T[a])) || T[b] <> 2 && NOT(ISBLANK(T[b]))",
            ),
            (
                "(a = 1 or b = 2) and paid",
                "(T[a] == 1 || T[b] == 2) && T[paid] = TRUE()",
            ),
            (
                "a in ('x', 'y')",
                "T[a] IN {\"x\", \"y\"} && NOT(ISBLANK(T[a]))",
            ),
            (
                "d >= date '2025-01-31'",
                "T[d] >= DATE(2025, 1, 31) && NOT(ISBLANK(T[d]))",
            ),
        ] {
            assert_eq!(dax(sql, true).unwrap(), wanted, "{sql}");
        }
    }

    #[test]
    fn values_are_blank_where_sql_gives_null() {
        for (sql, wanted) in [
            ("a * 0.9", "T[a] * 0.9"),
            (
                "a - b",
                "IF(ISBLANK(T[a]) || ISBLANK(T[b]), BLANK(), T[a] - T[b])",
            ),
            (
                "(a - b) * 2",
                "IF(ISBLANK(T[a]) || ISBLANK(T[b]), BLANK(), (T[a] - T[b]) * 2)",
            ),
            ("a / nullif(b, 0)", "T[a] / IF(T[b] = 0, BLANK(), T[b])"),
            ("coalesce(a, 0) + 1", "COALESCE(T[a], 0) + 1"),
            (
                "case when paid then a else 0 end",
                "IF(T[paid] = TRUE(), T[a], 0)",
            ),
            ("a::numeric", "T[a]"),
        ] {
            assert_eq!(dax(sql, false).unwrap(), wanted, "{sql}");
        }
    }

    #[test]
    fn what_dax_lacks_is_refused() {
        for sql in [
            "a like 'x%'",
            "a::int",
            "a @> b",
            "regexp_replace(a, 'x', 'y')",
            "a +",
            "d - interval '1 day'",
            "(a",
        ] {
            assert!(dax(sql, false).is_err(), "{sql}");
        }
    }
}
