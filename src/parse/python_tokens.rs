//! Python's tokens, as far as reading calls with literal arguments asks for them.
use super::python::Wrong;
use std::ops::Range;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// A number as written.
    Number(String),
    Text(String),
    /// Text that is no `str`, such as `b'…'`.
    Bytes,
    /// An f-string: the bytes of its expressions.
    Format(Vec<Range<usize>>),
    Op(char),
}

/// A token with its bytes; the first of a logical line also with the line's indentation.
#[derive(Debug, Clone)]
pub(super) struct Tok {
    pub(super) token: Token,
    pub(super) range: Range<usize>,
    pub(super) indent: Option<usize>,
    /// Counted from one.
    pub(super) line: usize,
}

impl Tok {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Token::Name(name) if name == word)
    }
}

/// The tokens of a text that stands at byte `base` of its file.
pub(super) fn tokens(text: &str, base: usize) -> Result<Vec<Tok>, Wrong> {
    let mut reader = Reader {
        text,
        base,
        pos: 0,
        open: Vec::new(),
        out: Vec::new(),
        fresh: true,
        line: 1,
    };
    reader.all()?;
    if let Some((bracket, at)) = reader.open.first() {
        let at = base + at;
        return Err((format!("'{bracket}' was never closed"), at..at + 1));
    }
    Ok(reader.out)
}

struct Reader<'a> {
    text: &'a str,
    base: usize,
    pos: usize,
    open: Vec<(char, usize)>,
    out: Vec<Tok>,
    /// Whether the next token begins a logical line.
    fresh: bool,
    line: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.pos..]
    }

    fn all(&mut self) -> Result<(), Wrong> {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\n' => {
                    self.pos += 1;
                    self.line += 1;
                    self.fresh |= self.open.is_empty();
                }
                '\\' if self.rest().starts_with("\\\n") => {
                    self.pos += 2;
                    self.line += 1;
                }
                '\\' if self.rest().starts_with("\\\r\n") => {
                    self.pos += 3;
                    self.line += 1;
                }
                c if c.is_whitespace() => self.pos += c.len_utf8(),
                '#' => self.pos += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => self.token(c)?,
            }
        }
        Ok(())
    }

    fn push(&mut self, token: Token, end: usize) {
        let start = self.pos;
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let indent = self.fresh.then(|| {
            self.text[line_start..start]
                .chars()
                .map(|c| if c == '\t' { 8 } else { 1 })
                .sum()
        });
        self.fresh = false;
        self.out.push(Tok {
            token,
            range: self.base + start..self.base + end,
            indent,
            line: self.line,
        });
        self.line += self.text[start..end].matches('\n').count();
        self.pos = end;
    }

    fn token(&mut self, c: char) -> Result<(), Wrong> {
        let word: usize = self
            .rest()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .map(char::len_utf8)
            .sum();
        let quote = self.rest()[word..].chars().next();
        let prefix = self.rest()[..word].to_ascii_lowercase();
        let is_prefix = ["", "r", "b", "u", "f", "br", "rb", "fr", "rf"].contains(&prefix.as_str());
        if let (true, Some(quote @ ('\'' | '"'))) = (is_prefix, quote) {
            return self.string(&prefix, word, quote);
        }
        let number = c.is_ascii_digit()
            || (c == '.' && self.rest()[1..].starts_with(|d: char| d.is_ascii_digit()));
        if number {
            let length = self.number();
            let text = self.rest()[..length].to_string();
            self.push(Token::Number(text), self.pos + length);
            return Ok(());
        }
        if word > 0 {
            let name = self.rest()[..word].to_string();
            self.push(Token::Name(name), self.pos + word);
            return Ok(());
        }
        self.bracket(c)?;
        self.push(Token::Op(c), self.pos + c.len_utf8());
        Ok(())
    }

    fn bracket(&mut self, c: char) -> Result<(), Wrong> {
        let opener = match c {
            '(' | '[' | '{' => {
                self.open.push((c, self.pos));
                return Ok(());
            }
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => return Ok(()),
        };
        let here = self.base + self.pos..self.base + self.pos + 1;
        match self.open.pop() {
            Some((open, _)) if open == opener => Ok(()),
            Some((open, _)) => Err((
                format!("closing parenthesis '{c}' does not match opening parenthesis '{open}'"),
                here,
            )),
            None => Err((format!("unmatched '{c}'"), here)),
        }
    }

    fn number(&self) -> usize {
        let bytes = self.rest().as_bytes();
        let mut length = 0;
        while let Some(b) = bytes.get(length) {
            let exponent = length > 0
                && matches!(bytes[length - 1], b'e' | b'E')
                && !bytes.starts_with(b"0x")
                && matches!(b, b'+' | b'-');
            if !(b.is_ascii_alphanumeric() || *b == b'_' || *b == b'.' || exponent) {
                break;
            }
            length += 1;
        }
        length
    }

    fn string(&mut self, prefix: &str, skip: usize, quote: char) -> Result<(), Wrong> {
        let start = self.pos + skip;
        let three: String = std::iter::repeat_n(quote, 3).collect();
        let mark = if self.text[start..].starts_with(&three) {
            three
        } else {
            quote.to_string()
        };
        let body = start + mark.len();
        let mut at = body;
        loop {
            let rest = &self.text[at..];
            if rest.starts_with(&mark) {
                break;
            }
            match rest.chars().next() {
                None => return Err(self.unterminated(&mark)),
                Some('\n') if mark.len() == 1 => return Err(self.unterminated(&mark)),
                Some('\\') => at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                Some(c) => at += c.len_utf8(),
            }
        }
        let content = &self.text[body..at];
        let token = if prefix.contains('b') {
            Token::Bytes
        } else if prefix.contains('f') {
            Token::Format(
                expressions(content)
                    .into_iter()
                    .map(|r| self.base + body + r.start..self.base + body + r.end)
                    .collect(),
            )
        } else if prefix.contains('r') {
            Token::Text(content.to_string())
        } else {
            Token::Text(unescaped(content))
        };
        self.push(token, at + mark.len());
        Ok(())
    }

    fn unterminated(&self, mark: &str) -> Wrong {
        let at = self.base + self.pos;
        let kind = if mark.len() == 3 {
            "triple-quoted "
        } else {
            ""
        };
        (
            format!(
                "unterminated {kind}string literal (detected at line {})",
                self.line
            ),
            at..at + 1,
        )
    }
}

/// The bytes of the expressions in an f-string, without conversions and formats.
fn expressions(content: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let bytes = content.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] != b'{' {
            i += 1;
            continue;
        }
        if bytes.get(i + 1) == Some(&b'{') {
            i += 2;
            continue;
        }
        let start = i + 1;
        let (mut depth, mut end) = (0usize, None);
        i = start;
        while i < bytes.len() {
            match bytes[i] {
                b'(' | b'[' | b'{' => depth += 1,
                b'}' if depth == 0 => break,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b':' if depth == 0 => end = end.or(Some(i)),
                b'!' if depth == 0 && bytes.get(i + 1) != Some(&b'=') => end = end.or(Some(i)),
                _ => {}
            }
            i += 1;
        }
        out.push(start..end.unwrap_or(i).min(bytes.len()));
        i += 1;
    }
    out
}

/// A string's content with its escapes replaced.
fn unescaped(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else { break };
        let code = |from: usize, count: usize, radix: u32| {
            let digits: String = rest[from..]
                .chars()
                .take(count)
                .take_while(|c| c.is_digit(radix))
                .collect();
            let value = u32::from_str_radix(&digits, radix)
                .ok()
                .and_then(char::from_u32);
            value.map(|v| (v, from + digits.len()))
        };
        let (value, length) = match c {
            '\n' => (None, 1),
            'n' => (Some('\n'), 1),
            't' => (Some('\t'), 1),
            'r' => (Some('\r'), 1),
            'a' => (Some('\u{7}'), 1),
            'b' => (Some('\u{8}'), 1),
            'f' => (Some('\u{c}'), 1),
            'v' => (Some('\u{b}'), 1),
            '\\' | '\'' | '"' => (Some(c), 1),
            'x' | 'u' | 'U' | '0'..='7' => {
                let (from, count, radix) = match c {
                    'x' => (1, 2, 16),
                    'u' => (1, 4, 16),
                    'U' => (1, 8, 16),
                    _ => (0, 3, 8),
                };
                match code(from, count, radix) {
                    Some((value, length)) => (Some(value), length),
                    None => (Some('\\'), 0),
                }
            }
            _ => (Some('\\'), 0),
        };
        out.extend(value);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_lose_their_escapes() {
        let read = |text: &str| tokens(text, 0).unwrap().remove(0).token;
        for (text, value) in [
            (r"'a\n\x41\u00e9\101\q\\'", "a\nAéA\\q\\"),
            (r"r'\n'", "\\n"),
            ("\"\"\"a\n'b\"\"\"", "a\n'b"),
        ] {
            assert_eq!(read(text), Token::Text(value.into()), "{text}");
        }
        assert_eq!(read("b'x'"), Token::Bytes);
        assert_eq!(
            read("f'{a:>3} {{b}} {c!r}'"),
            Token::Format(vec![3..4, 16..17])
        );
    }

    #[test]
    fn brackets_and_quotes_must_match() {
        for (text, message) in [
            (
                "(]",
                "closing parenthesis ']' does not match opening parenthesis '('",
            ),
            (")", "unmatched ')'"),
            (
                "x = 'a\n",
                "unterminated string literal (detected at line 1)",
            ),
        ] {
            assert_eq!(tokens(text, 0).unwrap_err().0, message);
        }
    }
}
