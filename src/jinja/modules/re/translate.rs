//! A Python pattern in the words of the regex engine.
use super::{DOTALL, IGNORECASE, MULTILINE, VERBOSE};

/// The pattern with its flags.
pub(super) fn pattern(source: &str, flags: i64) -> String {
    let mut out = String::new();
    let set: String = [
        (IGNORECASE, 'i'),
        (MULTILINE, 'm'),
        (DOTALL, 's'),
        (VERBOSE, 'x'),
    ]
    .into_iter()
    .filter(|(bit, _)| flags & bit != 0)
    .map(|(_, c)| c)
    .collect();
    if !set.is_empty() {
        out.push_str(&format!("(?{set})"));
    }
    let multiline = flags & MULTILINE != 0 || leading_flags(source).contains('m');
    let chars: Vec<char> = source.chars().collect();
    let mut i = 0;
    let mut class = None::<usize>;
    while let Some(&c) = chars.get(i) {
        let next = chars.get(i + 1).copied();
        match (c, class) {
            ('\\', _) => {
                out.push_str(&escape(next, class.is_some()));
                i += 1;
            }
            ('[', None) => {
                out.push('[');
                if next == Some('^') {
                    out.push('^');
                    i += 1;
                }
                if chars.get(i + 1) == Some(&']') {
                    out.push_str("\\]");
                    i += 1;
                }
                class = Some(i);
            }
            (']', Some(_)) => {
                out.push(']');
                class = None;
            }
            // Inside a class these have a meaning of their own to the engine, but not to Python.
            ('[', Some(_)) => out.push_str("\\["),
            ('&' | '~' | '-', Some(start)) if next == Some(c) && i > start => {
                out.push('\\');
                out.push(c);
            }
            // Python's `$` also matches before a line break at the very end.
            ('$', None) if !multiline => out.push_str("(?=\\n?\\z)"),
            ('{', None) if !is_repetition(&chars[i..]) => out.push_str("\\{"),
            ('}', None) if !ends_repetition(&chars[..i]) => out.push_str("\\}"),
            _ => out.push(c),
        }
        i += 1;
    }
    out
}

/// The letters of `(?ims)` at the start.
fn leading_flags(source: &str) -> &str {
    source
        .strip_prefix("(?")
        .and_then(|rest| rest.split_once(')'))
        .map(|(flags, _)| flags)
        .filter(|flags| flags.chars().all(|c| c.is_ascii_lowercase()))
        .unwrap_or_default()
}

fn escape(escaped: Option<char>, in_class: bool) -> String {
    match escaped {
        Some('Z') if !in_class => "\\z".into(),
        Some(' ') => "\\x20".into(),
        Some(c @ ('<' | '>')) => c.to_string(),
        Some(c) => format!("\\{c}"),
        None => "\\\\".into(),
    }
}

/// Whether `{…` is `{n}`, `{n,}`, `{,m}` or `{n,m}`.
fn is_repetition(rest: &[char]) -> bool {
    let inner: Vec<char> = rest
        .iter()
        .skip(1)
        .take_while(|c| **c != '}')
        .copied()
        .collect();
    let closed = rest.get(inner.len() + 1) == Some(&'}');
    let digits = inner.iter().filter(|c| c.is_ascii_digit()).count();
    let commas = inner.iter().filter(|c| **c == ',').count();
    closed && digits > 0 && commas <= 1 && digits + commas == inner.len()
}

fn ends_repetition(before: &[char]) -> bool {
    let Some(open) = before.iter().rposition(|c| *c == '{') else {
        return false;
    };
    let mut whole = before[open..].to_vec();
    whole.push('}');
    is_repetition(&whole) && before.get(open.wrapping_sub(1)) != Some(&'\\')
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn what_the_engine_would_take_otherwise_is_escaped() {
        assert_eq!(pattern("a{2}b{", 0), "a{2}b\\{");
        assert_eq!(pattern("[[]", 0), "[\\[]");
        assert_eq!(pattern("[]a]", 0), "[\\]a]");
        assert_eq!(pattern("^a$", 0), "^a(?=\\n?\\z)");
        assert_eq!(pattern("^a$", 8), "(?m)^a$");
        assert_eq!(pattern("{{ x }}", 0), "\\{\\{ x \\}\\}");
        assert_eq!(pattern("a\\Z", 2), "(?i)a\\z");
    }
}
