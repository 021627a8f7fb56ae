//! What stands behind a value: attributes, subscripts, slices and calls.
use super::expression::{Part, Unparsable, Walker};
use minijinja::machinery::Token;
use std::ops::Range;

/// One attribute or subscript.
struct Access {
    all: Range<usize>,
    /// The dot and name, or the opening bracket.
    open: Range<usize>,
    /// The closing bracket.
    close: Option<Range<usize>>,
    /// The key, of an attribute.
    key: String,
    /// Where the last of several keys ends.
    tuple: Option<usize>,
}

/// Accesses that stand directly behind each other. Two or more become one call that knows every step, so that it can
/// say which value lacks what; so do those whose value is called.
#[derive(Default)]
struct Path(Vec<Access>);

impl Path {
    fn flush(&mut self, walker: &mut Walker<'_, '_>, chain: &Range<usize>, goes_on: bool) {
        let accesses = std::mem::take(&mut self.0);
        let rewrite = accesses.len() > 1 || (goes_on && !accesses.is_empty());
        for access in &accesses {
            if let Some(end) = access.tuple {
                walker.edits.close(access.open.end, "(");
                walker.edits.close(end, ")");
            }
        }
        let (Some(last), true) = (accesses.last(), rewrite) else {
            return;
        };
        let filter = if goes_on { "__step" } else { "__path" };
        for (i, access) in accesses.iter().enumerate() {
            let before = if i == 0 {
                format!("|{filter}(")
            } else {
                ", ".into()
            };
            walker
                .edits
                .replace(access.open.clone(), format!("{before}{}", access.key));
            if let Some(close) = &access.close {
                walker.edits.replace(close.clone(), "");
            }
        }
        walker.edits.open(chain.start, "(");
        walker.edits.close(last.all.end, "))");
    }
}

impl Walker<'_, '_> {
    /// A value with its attributes, subscripts and calls.
    pub(super) fn postfix(&mut self) -> Part {
        let absorbs =
            self.absorbing && !matches!(self.peek(), Some(Token::Ident("loop" | "super")));
        let mut part = self.primary()?;
        let first_end = part.end;
        let mut path = Path::default();
        loop {
            match self.peek() {
                Some(Token::Dot) if matches!(self.peek_at(2), Some(Token::ParenOpen)) => {
                    path.flush(self, &part, true);
                    part.end = self.method(absorbs)?;
                }
                Some(Token::Dot) => part.end = self.attribute(absorbs, &mut path)?,
                Some(Token::BracketOpen) => part.end = self.subscript(&part, absorbs, &mut path)?,
                Some(Token::ParenOpen) => {
                    path.flush(self, &part, true);
                    if absorbs {
                        let open = self.range(0)?;
                        self.edits.replace(open, "|__call(");
                    }
                    part.end = self.arguments()?.end;
                }
                _ => break,
            }
        }
        path.flush(self, &part, false);
        if absorbs && part.end > first_end {
            self.wrap(&part, "(", ")");
        }
        Ok(part)
    }

    /// The key of `.name` or `.0` as an expression.
    fn attribute_key(&self) -> Result<String, Unparsable> {
        match self.peek_at(1) {
            Some(Token::Ident(name)) => Ok(format!("'{name}'")),
            Some(Token::Int(i)) => Ok(i.to_string()),
            _ => Err(Unparsable),
        }
    }

    /// `.name(args)`; returns where it ends.
    fn method(&mut self, absorbs: bool) -> Result<usize, Unparsable> {
        let key = self.attribute_key()?;
        if absorbs {
            let all = self.range(0)?.start..self.range(2)?.end;
            let comma = if matches!(self.peek_at(3), Some(Token::ParenClose)) {
                ""
            } else {
                ", "
            };
            self.edits.replace(all, format!("|__method({key}{comma}"));
        }
        self.pos += 2;
        Ok(self.arguments()?.end)
    }

    /// `.name` or `.0`; returns where it ends.
    fn attribute(&mut self, absorbs: bool, path: &mut Path) -> Result<usize, Unparsable> {
        let all = self.range(0)?.start..self.range(1)?.end;
        let key = self.attribute_key()?;
        self.pos += 2;
        if absorbs {
            self.edits.replace(all.clone(), format!("|__get({key})"));
        } else {
            path.0.push(Access {
                all: all.clone(),
                open: all.clone(),
                close: None,
                key,
                tuple: None,
            });
        }
        Ok(all.end)
    }

    /// `[key]`, `[a, b]` or a slice; returns where it ends.
    fn subscript(
        &mut self,
        target: &Range<usize>,
        absorbs: bool,
        path: &mut Path,
    ) -> Result<usize, Unparsable> {
        let open = self.expect(|t| matches!(t, Token::BracketOpen))?;
        let mut colons = Vec::new();
        let mut parts = 0;
        let mut commas = false;
        let mut inner_end = open.end;
        loop {
            match self.peek() {
                Some(Token::BracketClose) => break,
                Some(Token::Colon) => {
                    let missing = parts == colons.len();
                    parts += usize::from(missing);
                    colons.push((self.range(0)?, missing));
                    self.pos += 1;
                }
                Some(Token::Comma) if colons.is_empty() => {
                    self.pos += 1;
                    commas = true;
                }
                _ => {
                    inner_end = self.expr()?.end;
                    parts = colons.len() + 1;
                }
            }
        }
        let close = self.expect(|t| matches!(t, Token::BracketClose))?;
        if colons.is_empty() {
            let (before, after) = if commas { ("(", ")") } else { ("", "") };
            if absorbs {
                self.edits.replace(open, format!("|__get({before}"));
                self.edits.replace(close.clone(), format!("{after})"));
            } else {
                let all = open.start..close.end;
                let tuple = commas.then_some(inner_end);
                path.0.push(Access {
                    all,
                    open,
                    close: Some(close.clone()),
                    key: String::new(),
                    tuple,
                });
            }
            return Ok(close.end);
        }
        if colons.len() > 2 {
            return Err(Unparsable);
        }
        path.flush(self, target, true);
        self.edits.replace(open, "|__slice(");
        for (colon, missing) in &colons {
            self.edits
                .replace(colon.clone(), if *missing { "none, " } else { ", " });
        }
        let last = if parts == colons.len() { "none" } else { "" };
        self.edits.replace(close.clone(), format!("{last})"));
        if !absorbs {
            self.wrap(&(target.start..close.end), "(", ")");
        }
        Ok(close.end)
    }
}
