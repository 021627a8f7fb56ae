//! Pieces of SQL in definitions: which words of an expression are names, and which names a filter asks for.
//!
//! This is no SQL parser. It knows literals, comments, quoted names and the words of SQL, which is enough to put a
//! table's alias before the columns of an expression and to find the dimensions of a condition.

/// A part of an expression or a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that stays as it is.
    Text(String),
    /// A name: of a column, a dimension or a metric, and a grain when one is asked for.
    Name(String, Option<String>),
    /// An entity.
    Entity(String),
    /// A metric, and the entities by which it is computed.
    Metric(String, Vec<String>),
}

/// What is wrong with a fragment, and where in it (bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Offset.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

fn fault<T>(at: usize, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        at,
        message: message.into(),
    })
}

/// Words of SQL that are never names here.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "is",
    "null",
    "like",
    "ilike",
    "between",
    "true",
    "false",
    "case",
    "when",
    "then",
    "else",
    "end",
    "as",
    "cast",
    "distinct",
    "from",
    "similar",
    "to",
    "any",
    "all",
    "some",
    "array",
    "interval",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "at",
    "zone",
    "escape",
    "unknown",
    "symmetric",
    "asc",
    "desc",
    "current_date",
    "current_timestamp",
    "localtimestamp",
    "collate",
    "both",
    "leading",
    "trailing",
    "for",
    "isnull",
    "notnull",
    "overlaps",
    "filter",
    "where",
    "over",
    "within",
    "group",
    "order",
    "by",
    "select",
];

/// Words that are names when they stand alone, because tables have such columns.
const OFTEN_COLUMNS: &[&str] = &[
    "date",
    "time",
    "timestamp",
    "zone",
    "to",
    "all",
    "any",
    "some",
    "by",
    "for",
];

/// Splits an SQL expression into names and the rest.
pub fn scan(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut out = Vec::new();
    let mut s = Scanner {
        text,
        at: 0,
        depth: 0,
        last: String::new(),
    };
    while let Some(piece) = s.next()? {
        push(&mut out, piece);
    }
    if s.depth != 0 {
        return fault(text.len(), "a bracket is not closed");
    }
    Ok(out)
}

fn push(out: &mut Vec<Piece>, piece: Piece) {
    if let (Some(Piece::Text(last)), Piece::Text(more)) = (out.last_mut(), &piece) {
        last.push_str(more);
        return;
    }
    out.push(piece);
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: i32,
    /// The last token that was not blank, in lower case.
    last: String,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, bytes: usize) -> String {
        let part = self.text[self.at..self.at + bytes].to_string();
        self.at += bytes;
        if !part.trim().is_empty() {
            self.last = part.to_lowercase();
        }
        part
    }

    fn next(&mut self) -> Result<Option<Piece>, Fault> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            return Ok(None);
        };
        let at = self.at;
        if rest.starts_with("--") || rest.starts_with("/*") {
            return fault(at, "a comment cannot stand in an expression");
        }
        let length = match c {
            ';' => return fault(at, "`;` cannot stand in an expression"),
            '$' => return fault(at, "`$` cannot stand in an expression"),
            '\'' => quoted(rest, '\'').ok_or(Fault {
                at,
                message: "a quote is not closed".into(),
            })?,
            '"' => {
                let n = quoted(rest, '"').ok_or(Fault {
                    at,
                    message: "a quote is not closed".into(),
                })?;
                let after_dot = self.last.ends_with('.');
                let word = self.take(n);
                let called = self.rest().trim_start().starts_with(['(', '.']);
                let name = word[1..word.len() - 1].replace("\"\"", "\"");
                return Ok(Some(if after_dot || called {
                    Piece::Text(word)
                } else {
                    Piece::Name(name, None)
                }));
            }
            '(' | '[' => {
                self.depth += 1;
                1
            }
            ')' | ']' => {
                self.depth -= 1;
                if self.depth < 0 {
                    return fault(at, "a bracket is closed that was not opened");
                }
                1
            }
            c if c.is_ascii_digit() => rest
                .find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_')
                .unwrap_or(rest.len()),
            c if c.is_alphabetic() || c == '_' => return Ok(Some(self.word())),
            ':' if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        Ok(Some(Piece::Text(self.take(length))))
    }

    fn word(&mut self) -> Piece {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let before = self.last.clone();
        let word = self.take(end);
        let lower = word.to_lowercase();
        let next = self.rest().trim_start();
        let is_type = before == "::" || before == "as";
        let literal = next.starts_with('\'');
        let called = next.starts_with('(') || next.starts_with('.');
        let part = before == "(" && next.to_lowercase().starts_with("from ");
        let keyword = WORDS.contains(&lower.as_str())
            && !(OFTEN_COLUMNS.contains(&lower.as_str())
                && !literal
                && before != "at"
                && before != "time");
        if is_type || literal || called || part || keyword || before.ends_with('.') {
            Piece::Text(word)
        } else {
            Piece::Name(word, None)
        }
    }
}

/// Bytes of a quoted text at the start of another.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c != quote {
            continue;
        }
        if chars.peek().is_some_and(|(_, n)| *n == quote) {
            chars.next();
        } else {
            return Some(i + quote.len_utf8());
        }
    }
    None
}

/// Splits a condition that may have `{{ Dimension('…') }}` and its like in it.
pub fn template(text: &str) -> Result<Vec<Piece>, Fault> {
    // What a template stands for is put in as a name that no SQL has, so that the brackets around it are counted.
    let mut calls: Vec<Piece> = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{") {
        let Some(close) = text[at + open..].find("}}") else {
            return fault(at + open, "`{{` is not closed");
        };
        plain.push_str(&text[at..at + open]);
        let inner = &text[at + open + 2..at + open + close];
        calls.push(reference(inner.trim()).map_err(|message| Fault {
            at: at + open,
            message,
        })?);
        plain.push_str(&format!("\"\u{1}{}\"", calls.len() - 1));
        at += open + close + 2;
    }
    plain.push_str(&text[at..]);
    Ok(scan(&plain)?
        .into_iter()
        .map(|p| match p {
            Piece::Name(n, None) => n
                .strip_prefix('\u{1}')
                .and_then(|i| i.parse::<usize>().ok())
                .and_then(|i| calls.get(i).cloned())
                .unwrap_or(Piece::Name(n, None)),
            other => other,
        })
        .collect())
}

/// `Dimension('a__b')`, `TimeDimension('a__b', 'day')`, `Dimension('a').grain('day')`, `Entity('a')`,
/// `Metric('m', group_by=['a'])`.
pub fn reference(text: &str) -> Result<Piece, String> {
    const HELP: &str = "a template is `Dimension('entity__name')`, `TimeDimension('name', 'day')`, `Entity('name')` or `Metric('name', group_by=['entity'])`";
    let (function, rest) = text.split_once('(').ok_or(HELP)?;
    let (arguments, after) = rest.split_once(')').ok_or(HELP)?;
    let mut texts = Vec::new();
    let mut path = Vec::new();
    let mut in_path = false;
    let mut left = arguments;
    while let Some(i) = left.find(['\'', '"']) {
        in_path |= left[..i].contains("entity_path");
        let quote = &left[i..=i];
        let Some(j) = left[i + 1..].find(quote) else {
            return Err(HELP.into());
        };
        let word = left[i + 1..i + 1 + j].to_string();
        if in_path {
            path.push(word)
        } else {
            texts.push(word)
        }
        left = &left[i + j + 2..];
    }
    let mut texts = texts.into_iter();
    let name = texts.next().ok_or(HELP)?;
    let name = path
        .into_iter()
        .chain([name])
        .collect::<Vec<_>>()
        .join("__");
    if function.trim() == "Metric" {
        return Ok(Piece::Metric(name, texts.collect()));
    }
    let after = after.trim();
    let grain = match after
        .strip_prefix(".grain(")
        .and_then(|g| g.strip_suffix(')'))
    {
        Some(g) => Some(g.trim_matches(['\'', '"', ' ']).to_string()),
        None if after.is_empty() => texts.next(),
        None => return Err(HELP.into()),
    };
    match function.trim() {
        "Dimension" | "TimeDimension" => Ok(Piece::Name(name, grain)),
        "Entity" => Ok(Piece::Entity(name)),
        _ => Err(HELP.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        scan(text)
            .unwrap()
            .into_iter()
            .filter_map(|p| match p {
                Piece::Name(n, _) => Some(n),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn names_are_told_from_words_functions_types_and_literals() {
        assert_eq!(names("amount * 0.25"), ["amount"]);
        assert_eq!(
            names("case when paid then amount else 0 end"),
            ["paid", "amount"]
        );
        assert_eq!(names("coalesce(a, 'it''s b', \"C d\")"), ["a", "C d"]);
        assert_eq!(names("d::date - interval '7 days'"), ["d"]);
        assert_eq!(names("extract(year from d) = 2025"), ["d"]);
        assert_eq!(names("cast(x as numeric(10, 2)) > 1e3"), ["x"]);
        assert_eq!(names("date >= date '2025-01-01'"), ["date"]);
        assert_eq!(names("o.amount"), Vec::<String>::new());
    }

    #[test]
    fn text_is_kept_to_the_letter() {
        for text in [
            "a  +\n b",
            "x in ('a', 'b')",
            "not (a or b)",
            "\u{e6} = 'Æ'",
        ] {
            let back: String = scan(text)
                .unwrap()
                .into_iter()
                .map(|p| match p {
                    Piece::Text(t) | Piece::Name(t, _) | Piece::Entity(t) | Piece::Metric(t, _) => {
                        t
                    }
                })
                .collect();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn what_could_end_the_query_is_refused() {
        for text in [
            "a; drop table b",
            "a -- b",
            "a /* b",
            "(a",
            "a)",
            "'a",
            "$1",
        ] {
            assert!(scan(text).is_err(), "{text}");
        }
    }

    #[test]
    fn templates_name_dimensions_entities_and_grains() {
        assert_eq!(
            template("{{ Dimension('order__paid') }} and ({{ TimeDimension('metric_time', 'month') }} > x)").unwrap(),
            [
                Piece::Name("order__paid".into(), None),
                Piece::Text(" and (".into()),
                Piece::Name("metric_time".into(), Some("month".into())),
                Piece::Text(" > ".into()),
                Piece::Name("x".into(), None),
                Piece::Text(")".into()),
            ]
        );
        assert_eq!(
            template("{{ Dimension('region', entity_path=['customer']).grain('day') }}").unwrap(),
            [Piece::Name("customer__region".into(), Some("day".into()))]
        );
        assert_eq!(
            template("{{ Entity(\"user\") }}").unwrap(),
            [Piece::Entity("user".into())]
        );
        assert_eq!(
            template("{{ Metric('a', group_by=['user']) }}").unwrap(),
            [Piece::Metric("a".into(), vec!["user".into()])]
        );
        assert!(template("{{ Dimension('a') > 1").is_err());
    }
}
