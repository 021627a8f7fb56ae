//! SQL expressions of definitions as DAX.
//!
//! SQL knows null, and a comparison with null is neither true nor false. DAX knows BLANK, which equals zero and the empty
//! text and counts as zero in a sum. What is written here therefore compares strictly, keeps blanks out of `<` and `<>`,
//! and gives a blank where SQL would give null.
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

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Number(String),
    Text(String),
    Op(&'static str),
}

const OPS: &[&str] = &[
    "<>", "!=", "<=", ">=", "::", "||", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let taken = if c == '\'' || c == '"' {
            let mut value = String::new();
            let mut end = None;
            let mut chars = rest.char_indices().skip(1).peekable();
            while let Some((i, x)) = chars.next() {
                if x == c {
                    if chars.peek().is_some_and(|(_, n)| *n == c) {
                        chars.next();
                    } else {
                        end = Some(i + 1);
                        break;
                    }
                }
                value.push(x);
            }
            out.push(if c == '"' {
                Token::Quoted(value)
            } else {
                Token::Text(value)
            });
            end.ok_or("a quote is not closed")?
        } else if c.is_ascii_digit() {
            let n = rest
                .find(|x: char| !x.is_ascii_digit() && x != '.')
                .unwrap_or(rest.len());
            out.push(Token::Number(rest[..n].to_string()));
            n
        } else if c.is_alphabetic() || c == '_' {
            let n = rest
                .find(|x: char| !x.is_alphanumeric() && x != '_')
                .unwrap_or(rest.len());
            out.push(Token::Word(rest[..n].to_string()));
            n
        } else {
            let op = OPS
                .iter()
                .find(|o| rest.starts_with(**o))
                .ok_or_else(|| format!("`{c}` has no counterpart in DAX"))?;
            out.push(Token::Op(if *op == "!=" { "<>" } else { op }));
            op.len()
        };
        rest = rest[taken..].trim_start();
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Reads an expression. A name in double quotes is a name like any other.
pub fn parse(text: &str) -> Result<Ex, String> {
    let mut p = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let ex = p.or()?;
    match p.tokens.get(p.at) {
        None => Ok(ex),
        Some(_) => Err(format!("`{text}` has no counterpart in DAX")),
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn op(&mut self, ops: &[&'static str]) -> Option<&'static str> {
        match self.peek() {
            Some(Token::Op(o)) if ops.contains(o) => {
                let o = *o;
                self.at += 1;
                Some(o)
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, op: &'static str) -> Result<(), String> {
        self.op(&[op])
            .map(drop)
            .ok_or_else(|| format!("`{op}` is missing"))
    }

    fn or(&mut self) -> Result<Ex, String> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("the expression is too deep".into());
        }
        let mut left = self.and()?;
        while self.word("or") {
            left = Ex::Binary("||", left.into(), self.and()?.into());
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Ex, String> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Ex::Binary("&&", left.into(), self.not()?.into());
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Ex, String> {
        let mut times = 0;
        while self.word("not") {
            times += 1;
        }
        let mut inner = self.comparison()?;
        for _ in 0..times % 2 {
            inner = Ex::Not(inner.into());
        }
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Ex, String> {
        let left = self.sum()?;
        if let Some(op) = self.op(&["=", "<>", "<", "<=", ">", ">="]) {
            return Ok(Ex::Binary(op, left.into(), self.sum()?.into()));
        }
        if self.word("is") {
            let not = self.word("not");
            if self.word("null") {
                return Ok(Ex::IsNull(left.into(), not));
            }
            for (word, value) in [("true", true), ("false", false)] {
                if self.word(word) {
                    let same = Ex::Binary("=", left.into(), Ex::Bool(value).into());
                    if not {
                        return Err("`is not true` and its like have no counterpart in DAX".into());
                    }
                    return Ok(same);
                }
            }
            return Err("`is` stands before null, true or false".into());
        }
        let not = self.word("not");
        if self.word("in") {
            self.need("(")?;
            let mut list = vec![self.sum()?];
            while self.op(&[","]).is_some() {
                list.push(self.sum()?);
            }
            self.need(")")?;
            return Ok(Ex::In(left.into(), list, not));
        }
        if self.word("between") {
            let low = self.sum()?;
            if !self.word("and") {
                return Err("`between` lacks its `and`".into());
            }
            let high = self.sum()?;
            let both = Ex::Binary(
                "&&",
                Ex::Binary(">=", left.clone().into(), low.into()).into(),
                Ex::Binary("<=", left.into(), high.into()).into(),
            );
            return Ok(if not { Ex::Not(both.into()) } else { both });
        }
        if not {
            return Err("`not` stands before `in` or `between`".into());
        }
        if let Some(Token::Word(w)) = self.peek()
            && ["like", "ilike", "similar"].contains(&w.to_lowercase().as_str())
        {
            return Err(format!("`{w}` has no counterpart in DAX"));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Ex, String> {
        let mut left = self.product()?;
        while let Some(op) = self.op(&["+", "-", "||"]) {
            let op = if op == "||" { "&" } else { op };
            left = Ex::Binary(op, left.into(), self.product()?.into());
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Ex, String> {
        let mut left = self.unary()?;
        while let Some(op) = self.op(&["*", "/"]) {
            left = Ex::Binary(op, left.into(), self.unary()?.into());
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Ex, String> {
        if self.op(&["-"]).is_some() {
            return Ok(Ex::Minus(self.unary()?.into()));
        }
        let mut inner = self.primary()?;
        while self.op(&["::"]).is_some() {
            inner = self.cast(inner)?;
        }
        Ok(inner)
    }

    /// Casts to numbers that have all of DAX's digits are dropped; others have no counterpart.
    fn cast(&mut self, inner: Ex) -> Result<Ex, String> {
        let Some(Token::Word(kind)) = self.peek().cloned() else {
            return Err("`::` stands before a type".into());
        };
        self.at += 1;
        if kind.eq_ignore_ascii_case("double") {
            self.word("precision");
        }
        let lower = kind.to_lowercase();
        if [
            "float8", "float", "double", "numeric", "decimal", "real", "float4",
        ]
        .contains(&lower.as_str())
        {
            if matches!(self.peek(), Some(Token::Op("("))) {
                return Err(format!(
                    "a cast to {kind} with digits has no counterpart in DAX"
                ));
            }
            return Ok(inner);
        }
        Err(format!("a cast to {kind} has no counterpart in DAX"))
    }

    fn primary(&mut self) -> Result<Ex, String> {
        let Some(token) = self.peek().cloned() else {
            return Err("the expression ends too early".into());
        };
        self.at += 1;
        match token {
            Token::Number(n) => Ok(Ex::Number(n)),
            Token::Text(t) => Ok(Ex::Text(t)),
            Token::Quoted(n) => Ok(Ex::Name(n, None)),
            Token::Op("(") => {
                let inner = self.or()?;
                self.need(")")?;
                Ok(inner)
            }
            Token::Op(o) => Err(format!("`{o}` stands where a value is wanted")),
            Token::Word(w) => self.named(w),
        }
    }

    fn named(&mut self, word: String) -> Result<Ex, String> {
        match word.to_lowercase().as_str() {
            "true" => return Ok(Ex::Bool(true)),
            "false" => return Ok(Ex::Bool(false)),
            "null" => return Ok(Ex::Null),
            "case" => return self.case(),
            "date" => {
                if let Some(Token::Text(t)) = self.peek().cloned() {
                    self.at += 1;
                    return Ok(Ex::Date(t));
                }
            }
            "interval" if matches!(self.peek(), Some(Token::Text(_))) => {
                return Err("an interval has no counterpart in DAX".into());
            }
            "cast" if matches!(self.peek(), Some(Token::Op("("))) => {
                self.at += 1;
                let inner = self.or()?;
                if !self.word("as") {
                    return Err("`cast` lacks its `as`".into());
                }
                let inner = self.cast(inner)?;
                self.need(")")?;
                return Ok(inner);
            }
            _ => {}
        }
        if self.op(&["("]).is_none() {
            return Ok(Ex::Name(word, None));
        }
        let mut list = Vec::new();
        if self.op(&[")"]).is_none() {
            list.push(self.or()?);
            while self.op(&[","]).is_some() {
                list.push(self.or()?);
            }
            self.need(")")?;
        }
        Ok(Ex::Call(word.to_lowercase(), list))
    }

    fn case(&mut self) -> Result<Ex, String> {
        let subject = if matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case("when"))
        {
            None
        } else {
            Some(self.or()?)
        };
        let mut arms = Vec::new();
        while self.word("when") {
            let when = self.or()?;
            let when = match &subject {
                Some(s) => Ex::Binary("=", s.clone().into(), when.into()),
                None => when,
            };
            if !self.word("then") {
                return Err("`case` lacks a `then`".into());
            }
            arms.push((when, self.or()?));
        }
        let other = if self.word("else") {
            Some(Box::new(self.or()?))
        } else {
            None
        };
        if !self.word("end") || arms.is_empty() {
            return Err("`case` lacks its `end`".into());
        }
        Ok(Ex::Case(arms, other))
    }
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

/// A condition as DAX: true exactly where SQL's is true.
pub fn condition(ex: &Ex, names: &Names<'_>) -> Result<String, String> {
    holds(ex, names, false, 0)
}

fn holds(ex: &Ex, names: &Names<'_>, not: bool, outer: u8) -> Result<String, String> {
    let bracket = |text: String, own: u8| {
        if own < outer {
            format!("({text})")
        } else {
            text
        }
    };
    match ex {
        Ex::Not(x) => holds(x, names, !not, outer),
        Ex::Bool(b) => Ok(if *b != not { "TRUE()" } else { "FALSE()" }.into()),
        Ex::Name(n, grain) => {
            let dax = (names.dax)(n, grain.as_deref())?.0;
            // A blank is neither.
            Ok(bracket(
                if not {
                    format!("{dax} == FALSE()")
                } else {
                    format!("{dax} = TRUE()")
                },
                3,
            ))
        }
        Ex::Binary(op @ ("&&" | "||"), a, b) => {
            let op = match (*op, not) {
                ("&&", false) | ("||", true) => "&&",
                _ => "||",
            };
            let own = level(op);
            let text = format!(
                "{} {op} {}",
                holds(a, names, not, own)?,
                holds(b, names, not, own)?
            );
            Ok(bracket(text, own))
        }
        Ex::Binary(op, a, b) if level(op) == 3 => {
            let op = match (*op, not) {
                ("=", false) | ("<>", true) => "==",
                ("<>", false) | ("=", true) => "<>",
                (o, false) => o,
                ("<", true) => ">=",
                ("<=", true) => ">",
                (">", true) => "<=",
                (_, true) => "<",
            };
            compared(op, a, b, names).map(|(text, own)| bracket(text, own))
        }
        Ex::In(x, list, negated) => {
            let left = value(x, names)?;
            let items = list
                .iter()
                .map(|i| value(i, names))
                .collect::<Result<Vec<_>, _>>()?
                .join(", ");
            let text = format!("{left} IN {{{items}}}");
            Ok(if *negated != not {
                bracket(format!("NOT({text}) && NOT(ISBLANK({left}))"), 2)
            } else {
                bracket(format!("{text} && NOT(ISBLANK({left}))"), 2)
            })
        }
        Ex::IsNull(x, negated) => {
            let text = format!("ISBLANK({})", value(x, names)?);
            Ok(if *negated != not {
                format!("NOT({text})")
            } else {
                text
            })
        }
        _ => Err("this condition has no counterpart in DAX".into()),
    }
}

fn compared(op: &str, a: &Ex, b: &Ex, names: &Names<'_>) -> Result<(String, u8), String> {
    let (mut none_a, mut none_b) = (Vec::new(), Vec::new());
    let left = write(a, names, 4, &mut none_a)?;
    let right = write(b, names, 4, &mut none_b)?;
    let text = format!("{left} {op} {right}");
    let positive = |x: &Ex| matches!(x, Ex::Number(_) | Ex::Text(_) | Ex::Date(_));
    let safe = op == "==" && (positive(a) || positive(b) || matches!(b, Ex::Bool(_)))
        || op == ">" && positive(b)
        || op == "<" && positive(a);
    if safe {
        return Ok((text, 3));
    }
    let mut guards = none_a;
    guards.extend(none_b);
    for side in [a, b] {
        nullable(side, names, &mut guards)?;
    }
    guards.sort();
    guards.dedup();
    if guards.is_empty() {
        return Ok((text, 3));
    }
    let all: Vec<String> = guards
        .iter()
        .map(|g| format!("NOT(ISBLANK({g}))"))
        .collect();
    Ok((format!("{text} && {}", all.join(" && ")), 2))
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
