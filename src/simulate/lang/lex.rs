//! Cuts an expression into words.
use super::SyntaxError;
use std::ops::Range;

/// A word of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Int(i64),
    Float(f64),
    Text(String),
    Word(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 22] = [
    "||", "<>", "!=", "<=", ">=", "==", "(", ")", "[", "]", ",", ".", "+", "-", "*", "/", "%", "=",
    "<", ">", "{", "}",
];

fn error(message: impl Into<String>, help: Option<&str>, span: Range<usize>) -> SyntaxError {
    SyntaxError {
        message: message.into(),
        help: help.map(str::to_string),
        span,
    }
}

/// All words with their places; the last one is `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, SyntaxError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let start = at;
        let token = if c.is_ascii_digit() {
            let (token, end) = number(text, start)?;
            at = end;
            token
        } else if c == '\'' {
            let (token, end) = quoted(text, start)?;
            at = end;
            token
        } else if c.is_alphabetic() || c == '_' {
            at += text[at..]
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(text.len() - at);
            Token::Word(text[start..at].to_string())
        } else if c == '"' {
            return Err(error(
                "text stands in single quotes",
                Some("write 'text'; double quotes belong to YAML, around the whole expression"),
                start..start + 1,
            ));
        } else if let Some(sign) = SIGNS.iter().find(|s| text[at..].starts_with(**s)) {
            at += sign.len();
            Token::Sign(sign)
        } else {
            return Err(error(
                format!("`{c}` has no meaning in an expression"),
                None,
                start..start + c.len_utf8(),
            ));
        };
        out.push((token, start..at));
    }
    out.push((Token::End, text.len()..text.len()));
    Ok(out)
}

fn number(text: &str, start: usize) -> Result<(Token, usize), SyntaxError> {
    let bytes = text.as_bytes();
    let digits = |mut i: usize| {
        while i < bytes.len() && (bytes[i].is_ascii_digit() || bytes[i] == b'_') {
            i += 1;
        }
        i
    };
    let mut end = digits(start);
    let mut whole = true;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
        whole = false;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
            whole = false;
        }
    }
    let clean = text[start..end].replace('_', "");
    let bad = || error(format!("`{clean}` is not a number"), None, start..end);
    let token = if whole {
        Token::Int(clean.parse().map_err(|_| bad())?)
    } else {
        Token::Float(clean.parse().map_err(|_| bad())?)
    };
    Ok((token, end))
}

fn quoted(text: &str, start: usize) -> Result<(Token, usize), SyntaxError> {
    let mut value = String::new();
    let mut at = start + 1;
    loop {
        let Some(end) = text[at..].find('\'') else {
            return Err(error(
                "this text has no closing quote",
                Some("a quote inside text is written twice: 'don''t'"),
                start..text.len(),
            ));
        };
        value.push_str(&text[at..at + end]);
        at += end + 1;
        if !text[at..].starts_with('\'') {
            return Ok((Token::Text(value), at));
        }
        value.push('\'');
        at += 1;
    }
}
