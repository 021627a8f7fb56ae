//! Patterns: `fnmatch` over names and `glob` over paths, both as Python has them, because selectors promise that.
//!
//! In: a pattern and texts. Out: whether they match. Knows nothing of nodes and never looks at the disk.
use std::collections::{BTreeMap, BTreeSet};

/// A compiled name pattern: `*`, `?`, `[abc]`, `[a-z]`, `[!x]`; case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Any run of characters.
    Any,
    /// Any one character.
    One,
    /// This character.
    Char(char),
    /// One character of a class.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Compiles a pattern; every text is a pattern (an unclosed `[` stands for itself).
    pub fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::new();
        let mut i = 0;
        while i < chars.len() {
            let c = chars[i];
            i += 1;
            match c {
                '*' => {
                    if tokens.last() != Some(&Token::Any) {
                        tokens.push(Token::Any);
                    }
                }
                '?' => tokens.push(Token::One),
                '[' => match class_end(&chars, i) {
                    Some(end) => {
                        tokens.push(class(&chars[i..end]));
                        i = end + 1;
                    }
                    None => tokens.push(Token::Char('[')),
                },
                c => tokens.push(Token::Char(c)),
            }
        }
        Self { tokens }
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut t, mut p) = (0, 0);
        // Where to go on after the latest `*`: the token behind it, and the next text position it may swallow.
        let mut back: Option<(usize, usize)> = None;
        while t < text.len() {
            let one = match self.tokens.get(p) {
                Some(Token::Any) => {
                    back = Some((p + 1, t));
                    p += 1;
                    continue;
                }
                Some(token) => token.takes(text[t]),
                None => false,
            };
            if one {
                t += 1;
                p += 1;
            } else if let Some((token, from)) = back {
                back = Some((token, from + 1));
                p = token;
                t = from + 1;
            } else {
                return false;
            }
        }
        self.tokens[p..].iter().all(|t| *t == Token::Any)
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(own) => *own == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Position of the `]` that closes a class whose body begins at `start`. A `]` right at the start is a member.
fn class_end(chars: &[char], start: usize) -> Option<usize> {
    let mut i = start;
    if chars.get(i) == Some(&'!') {
        i += 1;
    }
    if chars.get(i) == Some(&']') {
        i += 1;
    }
    (i..chars.len()).find(|i| chars[*i] == ']')
}

/// The class between the brackets; ranges that run backwards hold nothing.
fn class(body: &[char]) -> Token {
    let negated = body.first() == Some(&'!');
    let body = if negated { &body[1..] } else { body };
    let mut ranges = Vec::new();
    let mut i = 0;
    while i < body.len() {
        if body.get(i + 1) == Some(&'-') && i + 2 < body.len() {
            if body[i] <= body[i + 2] {
                ranges.push((body[i], body[i + 2]));
            }
            i += 3;
        } else {
            ranges.push((body[i], body[i]));
            i += 1;
        }
    }
    Token::Class { negated, ranges }
}

/// Whether a text matches a pattern.
pub fn fnmatch(text: &str, pattern: &str) -> bool {
    Pattern::new(pattern).matches(text)
}

/// Whether a text holds any character that makes it a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', ']'])
}

/// A compiled path pattern, relative to the project folder: parts between `/`, each a name pattern, `**` for any
/// number of folders. A `/` at the end asks for folders.
#[derive(Debug, Clone)]
pub struct PathPattern {
    parts: Vec<Part>,
    folders_only: bool,
}

#[derive(Debug, Clone)]
enum Part {
    Folders,
    Name(Pattern),
    /// `..`: leads outside the names that nodes have, so it never matches.
    Up,
}

impl PathPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it: empty, absolute, or `**` within a longer part.
    pub fn new(pattern: &str) -> Result<Self, &'static str> {
        if pattern.starts_with('/') {
            return Err("must be relative to the project folder");
        }
        let mut parts = Vec::new();
        for part in pattern.split('/').filter(|p| !p.is_empty() && *p != ".") {
            parts.push(match part {
                "**" => Part::Folders,
                ".." => Part::Up,
                p if p.contains("**") => {
                    return Err("may use `**` only as a whole part of the path");
                }
                p => Part::Name(Pattern::new(p)),
            });
        }
        if parts.is_empty() {
            return Err("must name a file or a folder");
        }
        let folders_only = pattern.ends_with('/') || matches!(parts.last(), Some(Part::Folders));
        Ok(Self {
            parts,
            folders_only,
        })
    }

    /// Whether it matches a path.
    pub fn matches(&self, path: &str, is_folder: bool) -> bool {
        if self.folders_only && !is_folder {
            return false;
        }
        let names: Vec<&str> = path.split('/').collect();
        // Set of pattern positions reachable after the names read so far; wide patterns stay linear.
        let mut at = BTreeSet::from([0]);
        self.skip_folders(&mut at);
        for name in names {
            let mut next = BTreeSet::new();
            for p in at {
                match self.parts.get(p) {
                    Some(Part::Folders) => {
                        next.insert(p);
                    }
                    Some(Part::Name(pattern)) if pattern.matches(name) => {
                        next.insert(p + 1);
                    }
                    _ => {}
                }
            }
            self.skip_folders(&mut next);
            at = next;
        }
        at.contains(&self.parts.len())
    }

    fn skip_folders(&self, at: &mut BTreeSet<usize>) {
        for (i, part) in self.parts.iter().enumerate() {
            if matches!(part, Part::Folders) && at.contains(&i) {
                at.insert(i + 1);
            }
        }
    }
}

/// The files and folders that a set of file paths implies.
#[derive(Debug, Default)]
pub struct Tree {
    /// Path to whether it is a folder.
    entries: BTreeMap<String, bool>,
}

impl Tree {
    /// Adds a file and the folders it lies in.
    pub fn add(&mut self, file: &str) {
        if self.entries.contains_key(file) {
            return;
        }
        self.entries.insert(file.to_string(), false);
        for folder in folders(file) {
            if self.entries.insert(folder.to_string(), true) == Some(true) {
                break;
            }
        }
    }

    /// All files and folders that a pattern matches.
    pub fn find(&self, pattern: &PathPattern) -> BTreeSet<&str> {
        self.entries
            .iter()
            .filter(|(path, folder)| pattern.matches(path, **folder))
            .map(|(path, _)| path.as_str())
            .collect()
    }
}

/// The folders a file lies in, innermost first.
pub fn folders(file: &str) -> impl Iterator<Item = &str> {
    file.rmatch_indices('/').map(|(i, _)| &file[..i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_match_as_in_python() {
        // Each line was checked with `fnmatch.fnmatchcase`.
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXbcd", false),
            ("?", "", false),
            ("?", "é", true),
            ("[abc]x", "bx", true),
            ("[!abc]x", "bx", false),
            ("[!abc]x", "dx", true),
            ("[^a]", "^", true),
            ("[^a]", "b", false),
            ("[a-c]", "b", true),
            ("[c-a]", "b", false),
            ("[!c-a]", "b", true),
            ("[]]", "]", true),
            ("[!]]", "]", false),
            ("[]", "[]", true),
            ("[!]", "[!]", true),
            ("[a", "[a", true),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[a-b-d]", "c", false),
            ("[a-b-d]", "-", true),
            ("[a-b-d]", "d", true),
            ("[--0]", ".", true),
            ("[\\]", "\\", true),
            ("a\\*", "a\\b", true),
            ("A", "a", false),
            ("*\n*", "a\nb", true),
            ("a.b", "axb", false),
            ("**", "abc", true),
        ] {
            assert_eq!(fnmatch(text, pattern), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_star_pattern_does_not_explode() {
        assert!(!fnmatch(&"a".repeat(5000), "*a*a*a*a*a*a*a*a*a*a*b"));
    }

    #[test]
    fn paths_match_as_in_python() {
        let matches = |pattern: &str, path: &str, folder: bool| {
            PathPattern::new(pattern).unwrap().matches(path, folder)
        };
        assert!(matches("models/staging", "models/staging", true));
        assert!(matches("./models//staging/", "models/staging", true));
        assert!(!matches("models/a.sql/", "models/a.sql", false));
        assert!(matches("models/*.sql", "models/a.sql", false));
        assert!(!matches("models/*.sql", "models/x/a.sql", false));
        assert!(matches("models/**/*.sql", "models/a.sql", false));
        assert!(matches("models/**/*.sql", "models/x/y/a.sql", false));
        assert!(!matches("models/**", "models/a.sql", false));
        assert!(matches("models/**", "models", true));
        assert!(matches("**/x", "models/x", true));
        assert!(!matches("models/../models", "models", true));
        for bad in ["", ".", "/", "/models", "models/**.sql"] {
            assert!(PathPattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tree_knows_the_folders_of_its_files() {
        let mut tree = Tree::default();
        tree.add("models/a/b.sql");
        tree.add("models/c.sql");
        let all = tree.find(&PathPattern::new("**/*").unwrap());
        assert_eq!(
            all.into_iter().collect::<Vec<_>>(),
            ["models", "models/a", "models/a/b.sql", "models/c.sql"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_pattern_and_a_plain_one_matches_itself(pattern in ".*", text in ".*") {
            fnmatch(&text, &pattern);
            if !is_pattern(&text) {
                prop_assert!(fnmatch(&text, &text));
            }
            prop_assert!(fnmatch(&text, "*"));
            if let Ok(p) = PathPattern::new(&pattern) {
                p.matches(&text, false);
            }
        }
    }
}
