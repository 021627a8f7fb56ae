//! Python literals: what `ast.literal_eval` reads.
use super::{Dict, List, Set, tuple};
use minijinja::Value;

/// The value of a literal; none if the text is no literal.
pub fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader {
        rest: text.trim(),
        depth: 0,
    };
    let value = reader.value()?;
    reader.blanks();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, what: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.blanks();
        self.depth += 1;
        if self.depth > 100 {
            return None;
        }
        let value = match self.rest.chars().next()? {
            '[' => {
                self.eat("[");
                List::value(self.items("]")?.0)
            }
            '(' => {
                self.eat("(");
                let (mut items, comma) = self.items(")")?;
                if items.len() == 1 && !comma {
                    items.swap_remove(0)
                } else {
                    tuple(items)
                }
            }
            '{' => self.braces()?,
            '\'' | '"' => self.string()?,
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number()?,
            _ => self.word()?,
        };
        self.depth -= 1;
        Some(value)
    }

    /// Items up to the closing bracket, and whether a comma stands before it.
    fn items(&mut self, close: &str) -> Option<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.eat(close) {
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value()?);
            comma = self.eat(",");
        }
        Some((items, comma))
    }

    fn braces(&mut self) -> Option<Value> {
        self.eat("{");
        let mut pairs = Vec::new();
        let mut items = Vec::new();
        while !self.eat("}") {
            let key = self.value()?;
            if self.eat(":") {
                pairs.push((key, self.value()?));
            } else {
                items.push(key);
            }
            if !self.eat(",") && !self.rest.trim_start().starts_with('}') {
                return None;
            }
        }
        match (pairs.is_empty(), items.is_empty()) {
            (false, false) => None,
            (true, false) => Some(Set::value(items)),
            _ => Some(Dict::value(pairs.into_iter().collect())),
        }
    }

    fn string(&mut self) -> Option<Value> {
        let mut out = String::new();
        loop {
            let quote = self
                .rest
                .chars()
                .next()
                .filter(|c| matches!(c, '\'' | '"'))?;
            let mut chars = self.rest.char_indices().skip(1);
            loop {
                let (i, c) = chars.next()?;
                match c {
                    c if c == quote => {
                        self.rest = &self.rest[i + 1..];
                        break;
                    }
                    '\\' => {
                        let (_, escaped) = chars.next()?;
                        match escaped {
                            'n' => out.push('\n'),
                            't' => out.push('\t'),
                            'r' => out.push('\r'),
                            '\\' | '\'' | '"' => out.push(escaped),
                            'x' | 'u' => {
                                let len = if escaped == 'x' { 2 } else { 4 };
                                let digits: String =
                                    chars.by_ref().take(len).map(|(_, c)| c).collect();
                                out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                            }
                            '\n' => {}
                            other => {
                                out.push('\\');
                                out.push(other);
                            }
                        }
                    }
                    '\n' => return None,
                    c => out.push(c),
                }
            }
            self.blanks();
            if !self.rest.starts_with(['\'', '"']) {
                return Some(Value::from(out));
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let mut negative = false;
        while let Some(rest) = self.rest.strip_prefix(['-', '+']) {
            negative ^= self.rest.starts_with('-');
            self.rest = rest.trim_start();
        }
        let is_part = |(i, c): (usize, char)| {
            let before = self.rest[..i].chars().next_back();
            let exponent = matches!(before, Some('e' | 'E')) && !self.rest.starts_with("0x");
            c.is_ascii_alphanumeric()
                || c == '_'
                || c == '.'
                || (matches!(c, '+' | '-') && exponent)
        };
        let end = self
            .rest
            .char_indices()
            .find(|p| !is_part(*p))
            .map_or(self.rest.len(), |(i, _)| i);
        let text = &self.rest[..end];
        self.rest = &self.rest[end..];
        if text.starts_with('_') || text.ends_with('_') || text.contains("__") || text.is_empty() {
            return None;
        }
        let text = text.replace('_', "").to_lowercase();
        let radix = |prefix: &str, base: u32| {
            text.strip_prefix(prefix)
                .map(|d| i128::from_str_radix(d, base))
        };
        let whole = radix("0x", 16)
            .or_else(|| radix("0o", 8))
            .or_else(|| radix("0b", 2));
        let whole = match whole {
            Some(n) => Some(n.ok()?),
            None if text.bytes().all(|b| b.is_ascii_digit()) => {
                let zeros =
                    text.len() > 1 && text.starts_with('0') && text.bytes().any(|b| b != b'0');
                Some(text.parse::<i128>().ok().filter(|_| !zeros)?)
            }
            None => None,
        };
        if let Some(n) = whole {
            return Some(super::ops::int_value(if negative { -n } else { n }));
        }
        if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let x: f64 = text.parse().ok()?;
        Some(Value::from(if negative { -x } else { x }))
    }

    fn word(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(self.rest.len());
        let value = match &self.rest[..end] {
            "True" => Value::from(true),
            "False" => Value::from(false),
            "None" => Value::from(()),
            _ => return None,
        };
        self.rest = &self.rest[end..];
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::jinja::python::repr_of;

    #[test]
    fn literals_and_nothing_else() {
        let shown = |text: &str| parse(text).map(|v| repr_of(&v));
        for same in [
            "1",
            "-1.5",
            "'a'",
            "[1, (2,), {'a': None}]",
            "True",
            "()",
            "{1, 2}",
            "{}",
        ] {
            assert_eq!(shown(same).as_deref(), Some(same));
        }
        assert_eq!(shown(" 1_000 ").as_deref(), Some("1000"));
        assert_eq!(shown("0x10").as_deref(), Some("16"));
        assert_eq!(shown("1e3").as_deref(), Some("1000.0"));
        assert_eq!(shown("(1)").as_deref(), Some("1"));
        assert_eq!(shown("'a' \"b\"").as_deref(), Some("'ab'"));
        for not in [
            "true",
            "abc",
            "",
            "010",
            "1 2",
            "[1",
            "1+1",
            "nan",
            "__import__('os')",
        ] {
            assert_eq!(shown(not), None, "{not}");
        }
    }
}
