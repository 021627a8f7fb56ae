//! Cuts SQL text into statements without understanding them: quotes, `E''` strings, dollar quotes, nested comments.
//!
//! Follows PostgreSQL's lexer (`scan.l`) as far as it decides where a `;` is one. `BEGIN ATOMIC … END` bodies of SQL
//! functions are kept whole, as psql keeps them.
use std::ops::Range;

/// What a stretch of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Comment,
    Semicolon,
    Word,
    Open,
    Close,
    Other,
}

/// The statements of a text, as byte ranges without the blanks and comments around them and without the `;`.
pub fn statements(sql: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut current: Option<Range<usize>> = None;
    let mut nesting = Nesting::default();
    let mut at = 0;
    while at < sql.len() {
        let (kind, end) = token(sql, at);
        match kind {
            Kind::Semicolon if nesting.outside() => {
                found.extend(current.take());
                nesting = Nesting::default();
            }
            Kind::Blank | Kind::Comment => {}
            _ => {
                nesting.see(kind, &sql[at..end]);
                current.get_or_insert(at..end).end = end;
            }
        }
        at = end;
    }
    found.extend(current);
    found
}

/// The text of the last statement, if there is any.
pub fn last(sql: &str) -> Option<&str> {
    statements(sql).pop().map(|range| &sql[range])
}

/// Whether the text is exactly one statement.
pub fn is_single(sql: &str) -> bool {
    statements(sql).len() == 1
}

/// The text without a `;` and whatever blanks and comments follow its last statement; the whole text if it has none.
pub fn without_semicolon(sql: &str) -> &str {
    match statements(sql).last() {
        Some(range) => &sql[..range.end],
        None => sql,
    }
}

/// The first words of a statement in upper case, comments left out, at most `count`.
pub fn first_words(statement: &str, count: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut at = 0;
    while at < statement.len() && words.len() < count {
        let (kind, end) = token(statement, at);
        match kind {
            Kind::Word => words.push(statement[at..end].to_uppercase()),
            Kind::Blank | Kind::Comment | Kind::Open => {}
            _ => break,
        }
        at = end;
    }
    words
}

/// Parentheses, and `BEGIN ATOMIC` with the `CASE … END` in it.
#[derive(Default)]
struct Nesting {
    parens: usize,
    blocks: usize,
    create: Option<bool>,
    begin: bool,
}

impl Nesting {
    fn outside(&self) -> bool {
        self.parens == 0 && self.blocks == 0
    }

    fn see(&mut self, kind: Kind, text: &str) {
        let word = |w: &str| kind == Kind::Word && text.eq_ignore_ascii_case(w);
        let create = *self.create.get_or_insert_with(|| word("create"));
        match kind {
            Kind::Open => self.parens += 1,
            Kind::Close => self.parens = self.parens.saturating_sub(1),
            _ if create && self.begin && word("atomic") => self.blocks += 1,
            _ if self.blocks > 0 && word("case") => self.blocks += 1,
            _ if self.blocks > 0 && word("end") => self.blocks -= 1,
            _ => {}
        }
        self.begin = word("begin");
    }
}

/// The token that starts at `at`, and where it ends; always at least one character.
fn token(sql: &str, at: usize) -> (Kind, usize) {
    let rest = &sql[at..];
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return (Kind::Blank, at + 1);
    };
    let second = chars.next();
    let (kind, length) = match (first, second) {
        ('-', Some('-')) => (Kind::Comment, rest.find(['\n', '\r']).unwrap_or(rest.len())),
        ('/', Some('*')) => (Kind::Comment, comment(rest)),
        ('\'', _) => (Kind::Other, quoted(rest, 0, '\'', false)),
        ('"', _) => (Kind::Other, quoted(rest, 0, '"', false)),
        ('e' | 'E', Some('\'')) => (Kind::Other, quoted(rest, 1, '\'', true)),
        ('$', _) => (Kind::Other, dollar(rest)),
        (';', _) => (Kind::Semicolon, 1),
        ('(', _) => (Kind::Open, 1),
        (')', _) => (Kind::Close, 1),
        (c, _) if c.is_whitespace() => {
            let end = rest.find(|c: char| !c.is_whitespace());
            (Kind::Blank, end.unwrap_or(rest.len()))
        }
        (c, _) if starts_word(c) => {
            let end = rest.find(|c: char| !starts_word(c) && !c.is_ascii_digit() && c != '$');
            (Kind::Word, end.unwrap_or(rest.len()))
        }
        // A number takes the letters behind it along, so that `1e'x'` is not read as an escaping string.
        (c, _) if c.is_ascii_digit() => {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
            (Kind::Other, end.unwrap_or(rest.len()))
        }
        (c, _) => (Kind::Other, c.len_utf8()),
    };
    (kind, at + length)
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// Length of a comment with those inside it.
fn comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut i) = (0, 0);
    while i < bytes.len() {
        match bytes.get(i..i + 2) {
            Some(b"/*") => {
                depth += 1;
                i += 2;
            }
            Some(b"*/") => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    text.len()
}

/// Length of a quoted text whose quote stands at `start`; a doubled quote ends one string and begins the next, which
/// comes to the same.
fn quoted(text: &str, start: usize, quote: char, escapes: bool) -> usize {
    let mut chars = text[start + 1..].char_indices();
    while let Some((i, c)) = chars.next() {
        if c == '\\' && escapes {
            chars.next();
        } else if c == quote {
            let end = start + 1 + i + 1;
            // In an escaping string a doubled quote must not be left to be read as a plain one.
            if text[end..].starts_with(quote) {
                chars.next();
            } else {
                return end;
            }
        }
    }
    text.len()
}

/// Length of a dollar-quoted text, or of a lone `$`.
fn dollar(text: &str) -> usize {
    let tag_end = text[1..].find(|c: char| !(starts_word(c) || c.is_ascii_digit()));
    let Some(tag_end) = tag_end.map(|i| i + 1) else {
        return text.len().min(1);
    };
    let starts_with_digit = text[1..].starts_with(|c: char| c.is_ascii_digit());
    if starts_with_digit || !text[tag_end..].starts_with('$') {
        return 1;
    }
    let tag = &text[..=tag_end];
    match text[tag.len()..].find(tag) {
        Some(end) => tag.len() + end + tag.len(),
        None => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(sql: &str) -> Vec<&str> {
        statements(sql).into_iter().map(|r| &sql[r]).collect()
    }

    #[test]
    fn semicolons_count_only_outside() {
        for (sql, expected) in [
            ("select 1", vec!["select 1"]),
            (
                " ; -- a;b\n select 1 ; ; /* x /* ; */ ; */ select 2;\n",
                vec!["select 1", "select 2"],
            ),
            (
                "select 'a;''b;' ; select \"c;\"\"d;\"",
                vec!["select 'a;''b;'", "select \"c;\"\"d;\""],
            ),
            (
                r"select E'a\';' ; select 'a\' ; select 2",
                vec![r"select E'a\';'", r"select 'a\'", "select 2"],
            ),
            (r"select e'a'';\\' ; b", vec![r"select e'a'';\\'", "b"]),
            (
                "do $$ begin; end $$; select $a$ $$;$b$; $a$",
                vec!["do $$ begin; end $$", "select $a$ $$;$b$; $a$"],
            ),
            (
                "select $1;select a$b$;select $æ$;$æ$",
                vec!["select $1", "select a$b$", "select $æ$;$æ$"],
            ),
            (
                "create rule r as on insert to t do (select 1; select 2); x",
                vec![
                    "create rule r as on insert to t do (select 1; select 2)",
                    "x",
                ],
            ),
            (
                "create function f() returns int begin atomic select case when true then 1 end; select 2; end; x",
                vec![
                    "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
                    "x",
                ],
            ),
            (
                "begin; select 1; end; x",
                vec!["begin", "select 1", "end", "x"],
            ),
            ("-- nothing", vec![]),
            ("select 'open ; ", vec!["select 'open ; "]),
            ("select '", vec!["select '"]),
        ] {
            assert_eq!(split(sql), expected, "{sql}");
        }
    }

    #[test]
    fn helpers() {
        assert_eq!(without_semicolon("select 1 ; -- x\n"), "select 1");
        assert_eq!(without_semicolon("-- x"), "-- x");
        assert_eq!(last("a; b ;"), Some("b"));
        assert!(is_single("a;") && !is_single("a; b") && !is_single(""));
        assert_eq!(
            first_words("/* x */ (create  Or replace view v", 3),
            ["CREATE", "OR", "REPLACE"]
        );
    }

    proptest! {
        #[test]
        fn statements_are_ordered_parts_of_the_text(sql in "[a-e;'\"$\\\\/*\\-()\n \u{e6}]{0,60}") {
            let mut end = 0;
            for range in statements(&sql) {
                prop_assert!(range.start >= end && range.end > range.start);
                prop_assert!(sql.get(range.clone()).is_some());
                end = range.end;
            }
        }

        #[test]
        fn quoting_hides_anything(text in "\\PC{0,30}") {
            let quoted = [
                crate::pg::quote_literal(&text),
                crate::pg::quote_ident(&text),
                format!("/* {} */", text.replace(['*', '/'], " ")),
                format!("$q1${}$q1$", text.replace('$', "")),
            ];
            for q in quoted {
                let sql = format!("select {q} as x; select 2");
                prop_assert_eq!(statements(&sql).len(), 2, "{}", sql);
            }
        }
    }
}
