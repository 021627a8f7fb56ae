//! The arguments of a Python call, which must be literals.
use super::python::Wrong;
use super::python_tokens::{Tok, Token};
use serde_json::{Map, Value};

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Value>,
    pub(super) named: Map<String, Value>,
}

/// The arguments behind an open parenthesis.
pub(super) fn arguments(toks: &[Tok], start: usize) -> Result<Arguments, Wrong> {
    let mut reader = Reader { toks, pos: start };
    let mut out = Arguments::default();
    loop {
        match reader.peek() {
            Some(Token::Op(')')) | None => return Ok(out),
            Some(Token::Op(',')) => reader.pos += 1,
            Some(Token::Name(name)) if reader.is_op(1, '=') && !reader.is_op(2, '=') => {
                let name = name.clone();
                reader.pos += 2;
                let value = reader.argument()?;
                out.named.insert(name, value);
            }
            Some(_) => out.positional.push(reader.argument()?),
        }
    }
}

struct Reader<'a> {
    toks: &'a [Tok],
    pos: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.toks.get(self.pos).map(|t| &t.token)
    }

    fn is_op(&self, ahead: usize, op: char) -> bool {
        matches!(self.toks.get(self.pos + ahead).map(|t| &t.token), Some(Token::Op(c)) if *c == op)
    }

    /// A literal with nothing behind it but a comma or the end.
    fn argument(&mut self) -> Result<Value, Wrong> {
        let value = self.value()?;
        if self.is_op(0, ',') || self.is_op(0, ')') {
            return Ok(value);
        }
        Err(self.wrong())
    }

    fn wrong(&self) -> Wrong {
        let tok = self.toks.get(self.pos).or(self.toks.last());
        let (line, range) = tok.map_or((1, 0..0), |t| (t.line, t.range.clone()));
        (
            format!(
                "Error when trying to literal_eval an arg to dbt.ref(), dbt.source(), dbt.config() or dbt.config.get()\n\
                 malformed node or string on line {line}\n\
                 In dbt python model, `dbt.ref`, `dbt.source`, `dbt.config`, `dbt.config.get` function args only \
                 support Python literal structures"
            ),
            range,
        )
    }

    fn value(&mut self) -> Result<Value, Wrong> {
        let token = self.peek().ok_or_else(|| self.wrong())?;
        self.pos += 1;
        let value = match token {
            Token::Text(text) => {
                let mut text = text.clone();
                while let Some(Token::Text(more)) = self.peek() {
                    text.push_str(more);
                    self.pos += 1;
                }
                Some(Value::from(text))
            }
            Token::Number(text) => number(text),
            Token::Name(name) => match name.as_str() {
                "True" => Some(Value::from(true)),
                "False" => Some(Value::from(false)),
                "None" => Some(Value::Null),
                _ => None,
            },
            Token::Op(sign @ ('-' | '+')) => match self.value()? {
                Value::Number(n) if *sign == '+' => Some(Value::Number(n)),
                Value::Number(n) => Some(n.as_i64().map_or_else(
                    || Value::from(-n.as_f64().unwrap_or_default()),
                    |i| Value::from(-i),
                )),
                _ => None,
            },
            Token::Op('(') => return self.parenthesis(),
            Token::Op('[') => return Ok(Value::Array(self.items(']')?)),
            Token::Op('{') => return self.braces(),
            _ => None,
        };
        value.ok_or_else(|| {
            self.pos -= 1;
            self.wrong()
        })
    }

    /// Values up to a closing bracket.
    fn items(&mut self, close: char) -> Result<Vec<Value>, Wrong> {
        let mut out = Vec::new();
        loop {
            if self.is_op(0, close) {
                self.pos += 1;
                return Ok(out);
            }
            out.push(self.value()?);
            if self.is_op(0, ',') {
                self.pos += 1;
            } else if !self.is_op(0, close) {
                return Err(self.wrong());
            }
        }
    }

    /// A tuple, or a value in parentheses.
    fn parenthesis(&mut self) -> Result<Value, Wrong> {
        let start = self.pos;
        let mut items = self.items(')')?;
        let comma = self.toks[start..self.pos - 1]
            .last()
            .is_some_and(|t| t.token == Token::Op(','));
        if items.len() == 1 && !comma {
            return Ok(items.remove(0));
        }
        Ok(Value::Array(items))
    }

    /// A dict or a set.
    fn braces(&mut self) -> Result<Value, Wrong> {
        let (mut map, mut set) = (Map::new(), Vec::new());
        loop {
            if self.is_op(0, '}') {
                self.pos += 1;
                break;
            }
            let key = self.value()?;
            if self.is_op(0, ':') {
                self.pos += 1;
                let value = self.value()?;
                map.insert(crate::yaml::python_str(&key), value);
            } else {
                set.push(key);
            }
            if self.is_op(0, ',') {
                self.pos += 1;
            } else if !self.is_op(0, '}') {
                return Err(self.wrong());
            }
        }
        Ok(if set.is_empty() {
            Value::Object(map)
        } else {
            Value::Array(set)
        })
    }
}

fn number(text: &str) -> Option<Value> {
    let plain = text.replace('_', "").to_ascii_lowercase();
    let radix = |prefix: &str, radix: u32| {
        plain
            .strip_prefix(prefix)
            .and_then(|d| i64::from_str_radix(d, radix).ok())
    };
    radix("0x", 16)
        .or_else(|| radix("0o", 8))
        .or_else(|| radix("0b", 2))
        .or_else(|| plain.parse().ok())
        .map(Value::from)
        .or_else(|| plain.parse::<f64>().ok().map(Value::from))
}
