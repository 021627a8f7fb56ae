//! Walks one expression, in Jinja2's grammar, and notes the edits that give it Python's meaning.
//!
//! Operators become filters (`a + b` → `(a)|__add(b)`), list and dict literals mutable objects, slices calls.
//! An expression that does not follow the grammar is left as it is: the engine then reports the mistake.
use super::edits::Edits;
use minijinja::machinery::Token;
use std::ops::Range;

/// A token and its bytes in the source.
pub(super) type Tok<'s> = (Token<'s>, Range<usize>);

/// The expression does not follow the grammar.
pub(super) struct Unparsable;

pub(super) type Part = Result<Range<usize>, Unparsable>;

/// A comparison operator: its filter, its symbol, its bytes.
type Comparison = (&'static str, &'static str, Range<usize>);

/// How deep expressions may nest; the engine's own limit is near.
const DEEPEST: usize = 120;

/// A walk over tokens.
pub(super) struct Walker<'a, 's> {
    pub(super) toks: &'a [Tok<'s>],
    pub(super) pos: usize,
    pub(super) edits: &'a mut Edits,
    /// Whether undefined values swallow attribute access and calls.
    pub(super) absorbing: bool,
    depth: usize,
}

impl<'a, 's> Walker<'a, 's> {
    pub(super) fn new(
        toks: &'a [Tok<'s>],
        pos: usize,
        edits: &'a mut Edits,
        absorbing: bool,
    ) -> Self {
        Self {
            toks,
            pos,
            edits,
            absorbing,
            depth: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<&'a Token<'s>> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&'a Token<'s>> {
        self.toks.get(self.pos + ahead).map(|t| &t.0)
    }

    pub(super) fn range(&self, ahead: usize) -> Result<Range<usize>, Unparsable> {
        self.toks
            .get(self.pos + ahead)
            .map(|t| t.1.clone())
            .ok_or(Unparsable)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Ident(w)) if *w == word)
    }

    pub(super) fn eat(&mut self, test: impl Fn(&Token<'s>) -> bool) -> Option<Range<usize>> {
        let (token, range) = self.toks.get(self.pos)?;
        test(token).then(|| {
            self.pos += 1;
            range.clone()
        })
    }

    pub(super) fn expect(&mut self, test: impl Fn(&Token<'s>) -> bool) -> Part {
        self.eat(test).ok_or(Unparsable)
    }

    /// One or more expressions with commas between; in Jinja2 that is a tuple even without parentheses, which
    /// are added here. `conditional` allows `a if b else c`.
    pub(super) fn tuple(&mut self, conditional: bool) -> Part {
        let first = self.one(conditional)?;
        let mut end = first.end;
        let mut is_tuple = false;
        while let Some(comma) = self.eat(|t| matches!(t, Token::Comma)) {
            is_tuple = true;
            end = comma.end;
            if matches!(
                self.peek(),
                None | Some(Token::BlockEnd | Token::VariableEnd)
            ) {
                break;
            }
            end = self.one(conditional)?.end;
        }
        if is_tuple {
            self.wrap(&(first.start..end), "(", ")");
        }
        Ok(first.start..end)
    }

    fn one(&mut self, conditional: bool) -> Part {
        if conditional { self.expr() } else { self.or() }
    }

    pub(super) fn wrap(&mut self, part: &Range<usize>, open: &str, close: &str) {
        self.edits.open(part.start, open);
        self.edits.close(part.end, close);
    }

    /// An expression.
    pub(super) fn expr(&mut self) -> Part {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unparsable);
        }
        let mut part = self.or()?;
        while self.is_word("if") {
            self.pos += 1;
            part.end = self.or()?.end;
            if self.is_word("else") {
                self.pos += 1;
                part.end = self.expr()?.end;
            }
        }
        self.depth -= 1;
        Ok(part)
    }

    /// `a or b`, without a trailing `if`.
    pub(super) fn or(&mut self) -> Part {
        let mut part = self.and()?;
        while self.is_word("or") {
            self.pos += 1;
            part.end = self.and()?.end;
        }
        Ok(part)
    }

    fn and(&mut self) -> Part {
        let mut part = self.not()?;
        while self.is_word("and") {
            self.pos += 1;
            part.end = self.not()?.end;
        }
        Ok(part)
    }

    fn not(&mut self) -> Part {
        let mut start = None;
        while self.is_word("not") {
            start = start.or(Some(self.range(0)?.start));
            self.pos += 1;
        }
        let part = self.comparison()?;
        Ok(start.unwrap_or(part.start)..part.end)
    }

    /// The comparison operator here: its filter, its symbol, its bytes.
    fn comparison_operator(&self) -> Result<Option<Comparison>, Unparsable> {
        let (filter, symbol, tokens) = match self.peek() {
            Some(Token::Eq) => ("__eq", "==", 1),
            Some(Token::Ne) => ("__ne", "!=", 1),
            Some(Token::Lt) => ("__lt", "<", 1),
            Some(Token::Lte) => ("__le", "<=", 1),
            Some(Token::Gt) => ("__gt", ">", 1),
            Some(Token::Gte) => ("__ge", ">=", 1),
            Some(Token::Ident("in")) => ("__in", "in", 1),
            Some(Token::Ident("not")) if matches!(self.peek_at(1), Some(Token::Ident("in"))) => {
                ("__not_in", "not in", 2)
            }
            _ => return Ok(None),
        };
        let range = self.range(0)?.start..self.range(tokens - 1)?.end;
        Ok(Some((filter, symbol, range)))
    }

    fn comparison(&mut self) -> Part {
        let mut part = self.sum()?;
        let mut operators = Vec::new();
        while let Some((filter, symbol, range)) = self.comparison_operator()? {
            self.pos += if symbol == "not in" { 2 } else { 1 };
            part.end = self.sum()?.end;
            operators.push((filter, symbol, range));
        }
        match operators.as_slice() {
            [] => return Ok(part),
            [(filter, _, range)] => self.edits.replace(range.clone(), format!(")|{filter}(")),
            many => {
                for (i, (_, symbol, range)) in many.iter().enumerate() {
                    let open = if i == 0 { ")|__compare(" } else { ", " };
                    self.edits
                        .replace(range.clone(), format!("{open}'{symbol}', "));
                }
            }
        }
        self.wrap(&part, "(", ")");
        Ok(part)
    }

    /// A chain of left-associative operators.
    fn chain(
        &mut self,
        next: fn(&mut Self) -> Part,
        filter: fn(&Token<'s>) -> Option<&'static str>,
    ) -> Part {
        let mut part = next(self)?;
        while let Some(name) = self.peek().and_then(filter) {
            let operator = self.range(0)?;
            self.pos += 1;
            part.end = next(self)?.end;
            self.edits.replace(operator, format!(")|{name}("));
            self.wrap(&part, "(", ")");
        }
        Ok(part)
    }

    fn sum(&mut self) -> Part {
        self.chain(Self::concat, |t| match t {
            Token::Plus => Some("__add"),
            Token::Minus => Some("__sub"),
            _ => None,
        })
    }

    /// `a ~ b ~ c` is one call, so that long texts are not copied again and again.
    fn concat(&mut self) -> Part {
        let mut part = self.product()?;
        let mut first = true;
        while let Some(operator) = self.eat(|t| matches!(t, Token::Tilde)) {
            part.end = self.product()?.end;
            self.edits
                .replace(operator, if first { ")|__concat(" } else { ", " });
            first = false;
        }
        if !first {
            self.wrap(&part, "(", ")");
        }
        Ok(part)
    }

    fn product(&mut self) -> Part {
        self.chain(Self::power, |t| match t {
            Token::Mul => Some("__mul"),
            Token::Div => Some("__div"),
            Token::FloorDiv => Some("__floordiv"),
            Token::Mod => Some("__mod"),
            _ => None,
        })
    }

    fn power(&mut self) -> Part {
        self.chain(Self::unary, |t| match t {
            Token::Pow => Some("__pow"),
            _ => None,
        })
    }

    fn unary(&mut self) -> Part {
        let mut part = self.signed()?;
        self.filters(&mut part)?;
        Ok(part)
    }

    fn signed(&mut self) -> Part {
        let sign = self.range(0)?;
        match self.peek() {
            Some(Token::Minus)
                if matches!(
                    self.peek_at(1),
                    Some(Token::Int(_) | Token::Float(_) | Token::Int128(_))
                ) =>
            {
                self.pos += 2;
                Ok(sign.start..self.toks[self.pos - 1].1.end)
            }
            Some(Token::Minus | Token::Plus) => {
                let is_minus = matches!(self.peek(), Some(Token::Minus));
                self.pos += 1;
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(Unparsable);
                }
                let operand = self.signed()?;
                self.depth -= 1;
                self.edits.replace(sign.clone(), "((");
                self.edits
                    .close(operand.end, if is_minus { ")|__neg)" } else { ")|__pos)" });
                Ok(sign.start..operand.end)
            }
            _ => self.postfix(),
        }
    }

    /// `|filter(args)`, `is test arg` and, as Jinja2 allows it, a call of what a filter gave.
    fn filters(&mut self, part: &mut Range<usize>) -> Result<(), Unparsable> {
        loop {
            match self.peek() {
                Some(Token::Pipe) => {
                    self.pos += 1;
                    part.end = self.dotted_name()?;
                    if matches!(self.peek(), Some(Token::ParenOpen)) {
                        part.end = self.arguments()?.end;
                        if matches!(self.peek(), Some(Token::ParenOpen)) {
                            self.wrap(part, "(", ")");
                            part.end = self.arguments()?.end;
                        }
                    }
                }
                Some(Token::Ident("is")) => {
                    self.pos += 1;
                    if self.is_word("not") {
                        self.pos += 1;
                    }
                    part.end = self.dotted_name()?;
                    if let Some(end) = self.test_argument()? {
                        part.end = end;
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn test_argument(&mut self) -> Result<Option<usize>, Unparsable> {
        Ok(Some(match self.peek() {
            Some(Token::ParenOpen) => self.arguments()?.end,
            Some(Token::Ident("and" | "or" | "else" | "is" | "if" | "in" | "not")) => {
                return Ok(None);
            }
            Some(
                Token::Ident(_)
                | Token::Str(_)
                | Token::String(_)
                | Token::Int(_)
                | Token::Int128(_)
                | Token::Float(_)
                | Token::BracketOpen
                | Token::BraceOpen,
            ) => self.postfix()?.end,
            _ => return Ok(None),
        }))
    }

    /// A filter's or test's name; returns where it ends.
    fn dotted_name(&mut self) -> Result<usize, Unparsable> {
        let mut end = self.expect(|t| matches!(t, Token::Ident(_)))?.end;
        while self.eat(|t| matches!(t, Token::Dot)).is_some() {
            end = self.expect(|t| matches!(t, Token::Ident(_)))?.end;
        }
        Ok(end)
    }

    /// A chain of filters without a value, as in `{% filter upper | trim %}`.
    pub(super) fn filter_chain(&mut self) -> Result<(), Unparsable> {
        loop {
            self.dotted_name()?;
            if matches!(self.peek(), Some(Token::ParenOpen)) {
                self.arguments()?;
            }
            if self.eat(|t| matches!(t, Token::Pipe)).is_none() {
                return Ok(());
            }
        }
    }

    /// `(a, *b, c=d, **e)`.
    pub(super) fn arguments(&mut self) -> Part {
        let open = self.expect(|t| matches!(t, Token::ParenOpen))?;
        loop {
            if let Some(close) = self.eat(|t| matches!(t, Token::ParenClose)) {
                return Ok(open.start..close.end);
            }
            if self.eat(|t| matches!(t, Token::Mul | Token::Pow)).is_none()
                && matches!(self.peek(), Some(Token::Ident(_)))
                && matches!(self.peek_at(1), Some(Token::Assign))
            {
                self.pos += 2;
            }
            self.expr()?;
            if !matches!(self.peek(), Some(Token::ParenClose)) {
                self.expect(|t| matches!(t, Token::Comma))?;
            }
        }
    }

    pub(super) fn primary(&mut self) -> Part {
        let range = self.range(0)?;
        match self.peek() {
            Some(Token::Ident("and" | "or" | "if" | "else" | "in" | "is" | "not")) => {
                Err(Unparsable)
            }
            Some(Token::Ident(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_)) => {
                self.pos += 1;
                Ok(range)
            }
            Some(Token::Str(_) | Token::String(_)) => {
                let mut end = range.end;
                while let Some(more) = self.eat(|t| matches!(t, Token::Str(_) | Token::String(_))) {
                    end = more.end;
                }
                Ok(range.start..end)
            }
            Some(Token::ParenOpen) => self.items(|t| matches!(t, Token::ParenClose), false),
            Some(Token::BracketOpen) => {
                let part = self.items(|t| matches!(t, Token::BracketClose), false)?;
                self.wrap(&part, "(", "|__list)");
                Ok(part)
            }
            Some(Token::BraceOpen) => {
                let part = self.items(|t| matches!(t, Token::BraceClose), true)?;
                self.wrap(&part, "(", "|__dict)");
                Ok(part)
            }
            _ => Err(Unparsable),
        }
    }

    /// Items between brackets; with `keys` each is `key: value`.
    fn items(&mut self, close: fn(&Token<'s>) -> bool, keys: bool) -> Part {
        let open = self.range(0)?;
        self.pos += 1;
        loop {
            if let Some(end) = self.eat(close) {
                return Ok(open.start..end.end);
            }
            self.expr()?;
            if keys {
                self.expect(|t| matches!(t, Token::Colon))?;
                self.expr()?;
            }
            if !self.peek().is_some_and(close) {
                self.expect(|t| matches!(t, Token::Comma))?;
            }
        }
    }
}
