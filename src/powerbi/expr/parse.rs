//! SQL expressions as trees.
use super::Ex;

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
