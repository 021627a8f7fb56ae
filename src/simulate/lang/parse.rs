//! Builds the tree of an expression: precedence as in SQL.
use super::lex::{Token, tokens};
use super::{Ex, Expr, Op, SyntaxError};
use std::ops::Range;

/// Parentheses and calls may nest this deep.
const MAX_DEPTH: usize = 100;
/// So many operators may follow one another, `a + b + c + …`, and so deep may the whole tree be.
const MAX_HEIGHT: usize = 400;
/// More operators than this in one expression are refused at once.
const MAX_LINKS: usize = 5000;

/// Reads a whole text as one expression.
pub fn parse(text: &str) -> Result<Expr, SyntaxError> {
    let mut p = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        links: 0,
    };
    let expr = p.or()?;
    match p.peek() {
        Token::End if height(&expr) > MAX_HEIGHT => Err(SyntaxError {
            message: format!(
                "this expression has more than {MAX_HEIGHT} operators one inside the other"
            ),
            help: Some(
                "make columns of its parts; for one of many values, write `x in (a, b, …)`".into(),
            ),
            span: expr.span,
        }),
        Token::End => Ok(expr),
        _ => Err(p.unexpected("an operator or the end of the expression")),
    }
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
    links: usize,
}

type Parsed = Result<Expr, SyntaxError>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    fn next(&mut self) -> (Token, Range<usize>) {
        let token = self.tokens[self.at].clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        if found {
            self.next();
        }
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(self.at, word);
        if found {
            self.next();
        }
        found
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        matches!(self.tokens.get(at), Some((Token::Word(w), _)) if w.eq_ignore_ascii_case(word))
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        let found = match self.peek() {
            Token::End => "the expression ends here".to_string(),
            Token::Sign(s) => format!("found `{s}`"),
            Token::Word(w) => format!("found `{w}`"),
            Token::Int(i) => format!("found `{i}`"),
            Token::Float(x) => format!("found `{x}`"),
            Token::Text(t) => format!("found '{t}'"),
        };
        SyntaxError {
            message: format!("{found}, expected {wanted}"),
            help: None,
            span: self.span(),
        }
    }

    fn expect(&mut self, sign: &str) -> Result<Range<usize>, SyntaxError> {
        let span = self.span();
        if self.sign(sign) {
            Ok(span)
        } else {
            Err(self.unexpected(&format!("`{sign}`")))
        }
    }

    /// Counts an operator.
    fn link(&mut self) -> Result<(), SyntaxError> {
        self.links += 1;
        if self.links <= MAX_LINKS {
            return Ok(());
        }
        Err(SyntaxError {
            message: format!("this expression has more than {MAX_LINKS} operators"),
            help: Some("make columns of its parts".into()),
            span: self.span(),
        })
    }

    fn or(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError {
                message: format!("this expression nests deeper than {MAX_DEPTH} levels"),
                help: None,
                span: self.span(),
            });
        }
        let mut left = self.and()?;
        while self.word("or") {
            self.link()?;
            left = binary(Op::Or, left, self.and()?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.word("and") {
            self.link()?;
            left = binary(Op::And, left, self.not()?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let start = self.span().start;
        let mut negations = 0usize;
        while self.word("not") {
            self.link()?;
            negations += 1;
        }
        let mut expr = self.comparison()?;
        for _ in 0..negations {
            let span = start..expr.span.end;
            expr = Expr {
                kind: Ex::Not(Box::new(expr)),
                span,
            };
        }
        Ok(expr)
    }

    fn comparison(&mut self) -> Parsed {
        let mut left = self.concat()?;
        loop {
            if self.word("is") {
                self.link()?;
                let not = self.word("not");
                let end = self.span().end;
                if !self.word("null") {
                    return Err(self.unexpected("`null`"));
                }
                let span = left.span.start..end;
                left = Expr {
                    kind: Ex::IsNull(Box::new(left), not),
                    span,
                };
                continue;
            }
            let not = self.is_word(self.at, "not") && self.is_word(self.at + 1, "in");
            if not {
                self.next();
            }
            if self.word("in") {
                self.link()?;
                self.expect("(")?;
                let (list, end) = self.list(")")?;
                let span = left.span.start..end;
                left = Expr {
                    kind: Ex::In(Box::new(left), list, not),
                    span,
                };
                continue;
            }
            let op = match self.peek() {
                Token::Sign("=") => Op::Equal,
                Token::Sign("<>") => Op::Unequal,
                Token::Sign("<") => Op::Less,
                Token::Sign("<=") => Op::LessEqual,
                Token::Sign(">") => Op::Greater,
                Token::Sign(">=") => Op::GreaterEqual,
                Token::Sign(s @ ("==" | "!=")) => {
                    let right = if *s == "==" { "=" } else { "<>" };
                    return Err(SyntaxError {
                        message: format!("`{s}` has no meaning here"),
                        help: Some(format!("write `{right}`")),
                        span: self.span(),
                    });
                }
                _ => return Ok(left),
            };
            self.next();
            self.link()?;
            left = binary(op, left, self.concat()?);
        }
    }

    fn concat(&mut self) -> Parsed {
        let mut left = self.sum()?;
        while self.sign("||") {
            self.link()?;
            left = binary(Op::Concat, left, self.sum()?);
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Sign("+") => Op::Add,
                Token::Sign("-") => Op::Subtract,
                _ => return Ok(left),
            };
            self.next();
            self.link()?;
            left = binary(op, left, self.product()?);
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let op = match self.peek() {
                Token::Sign("*") => Op::Multiply,
                Token::Sign("/") => Op::Divide,
                Token::Sign("%") => Op::Remainder,
                _ => return Ok(left),
            };
            self.next();
            self.link()?;
            left = binary(op, left, self.unary()?);
        }
    }

    fn unary(&mut self) -> Parsed {
        let start = self.span().start;
        let mut negations = 0usize;
        while self.sign("-") {
            self.link()?;
            negations += 1;
        }
        let mut expr = self.postfix()?;
        for _ in 0..negations {
            let span = start..expr.span.end;
            let kind = match expr.kind {
                Ex::Int(i) => Ex::Int(-i),
                Ex::Float(x) => Ex::Float(-x),
                _ => Ex::Negate(Box::new(expr)),
            };
            expr = Expr { kind, span };
        }
        Ok(expr)
    }

    fn postfix(&mut self) -> Parsed {
        let mut expr = self.atom()?;
        while self.sign(".") {
            self.link()?;
            let (token, span) = self.next();
            let Token::Word(name) = token else {
                self.at = self.at.saturating_sub(1);
                return Err(self.unexpected("a field's name after `.`"));
            };
            let whole = expr.span.start..span.end;
            expr = Expr {
                kind: Ex::Field(Box::new(expr), name, span),
                span: whole,
            };
        }
        Ok(expr)
    }

    fn list(&mut self, close: &str) -> Result<(Vec<Expr>, usize), SyntaxError> {
        let mut list = Vec::new();
        if !matches!(self.peek(), Token::Sign(s) if *s == close) {
            list.push(self.or()?);
            while self.sign(",") {
                list.push(self.or()?);
            }
        }
        let end = self.expect(close)?.end;
        Ok((list, end))
    }

    fn atom(&mut self) -> Parsed {
        let span = self.span();
        let kind = match self.peek().clone() {
            Token::Int(i) => Ex::Int(i),
            Token::Float(x) => Ex::Float(x),
            Token::Text(t) => Ex::Text(t),
            Token::Sign("(") => {
                self.next();
                let mut inner = self.or()?;
                inner.span = span.start..self.expect(")")?.end;
                return Ok(inner);
            }
            Token::Word(word) => return self.name(word, span),
            _ => return Err(self.unexpected("a value, a name or `(`")),
        };
        self.next();
        Ok(Expr { kind, span })
    }

    fn name(&mut self, word: String, span: Range<usize>) -> Parsed {
        match word.to_ascii_lowercase().as_str() {
            "and" | "or" | "in" | "is" => return Err(self.unexpected("a value, a name or `(`")),
            "case" | "select" | "cast" => {
                return Err(SyntaxError {
                    message: format!("`{word}` has no meaning in simulations"),
                    help: Some("use if(condition, a, b)".into()),
                    span,
                });
            }
            _ => {}
        }
        self.next();
        let kind = match word.to_ascii_lowercase().as_str() {
            "null" => Ex::Null,
            "true" => Ex::Bool(true),
            "false" => Ex::Bool(false),
            _ if self.sign("(") => {
                let (list, end) = self.list(")")?;
                return Ok(Expr {
                    span: span.start..end,
                    kind: Ex::Call(word, list, span),
                });
            }
            _ if self.sign("[") => {
                let (list, end) = self.list("]")?;
                return Ok(Expr {
                    kind: Ex::Index(word, list),
                    span: span.start..end,
                });
            }
            _ => Ex::Name(word),
        };
        Ok(Expr { kind, span })
    }
}

/// Levels of the tree; counted without recursion, which a tall tree would not survive.
fn height(expr: &Expr) -> usize {
    let mut most = 0;
    let mut open = vec![(expr, 1)];
    while let Some((expr, level)) = open.pop() {
        most = most.max(level);
        let below = level + 1;
        match &expr.kind {
            Ex::Field(x, ..) | Ex::Negate(x) | Ex::Not(x) | Ex::IsNull(x, _) => {
                open.push((x, below));
            }
            Ex::Binary(_, a, b) => open.extend([(&**a, below), (&**b, below)]),
            Ex::In(x, list, _) => {
                open.push((x, below));
                open.extend(list.iter().map(|e| (e, below)));
            }
            Ex::Index(_, list) | Ex::Call(_, list, _) => {
                open.extend(list.iter().map(|e| (e, below)));
            }
            Ex::Null | Ex::Bool(_) | Ex::Int(_) | Ex::Float(_) | Ex::Text(_) | Ex::Name(_) => {}
        }
    }
    most
}

fn binary(op: Op, left: Expr, right: Expr) -> Expr {
    let span = left.span.start..right.span.end;
    Expr {
        kind: Ex::Binary(op, Box::new(left), Box::new(right)),
        span,
    }
}

#[cfg(test)]
mod tests;
