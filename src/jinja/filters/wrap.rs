//! `wordwrap`: Python's `textwrap` on each line.
use crate::jinja::python::arguments::{Arguments, Given};
use crate::jinja::python::str_of;
use crate::jinja::python::strings::split_lines;
use minijinja::Error;
use minijinja::value::Value;

/// The filter.
pub(super) fn wordwrap(value: &Value, args: Given) -> Result<String, Error> {
    let mut args = Arguments::new(&args)?;
    let width = usize::try_from(args.int("width")?.unwrap_or(79))
        .unwrap_or(1)
        .max(1);
    let break_words = args.flag("break_long_words")?.unwrap_or(true);
    let between = args.text("wrapstring")?.unwrap_or_else(|| "\n".into());
    let hyphens = args.flag("break_on_hyphens")?.unwrap_or(true);
    args.finish()?;
    let lines: Vec<String> = split_lines(&str_of(value), false)
        .iter()
        .map(|line| wrap(line, width, break_words, hyphens).join(&between))
        .collect();
    Ok(lines.join(&between))
}

/// Words, blanks, and the parts of words that end with a hyphen between letters.
fn chunks(line: &str, hyphens: bool) -> Vec<String> {
    let chars: Vec<char> = line.chars().collect();
    let mut out: Vec<String> = Vec::new();
    let mut current = String::new();
    for (i, &c) in chars.iter().enumerate() {
        let was_blank = current.chars().last().map(char::is_whitespace);
        if was_blank.is_some_and(|b| b != c.is_whitespace()) {
            out.push(std::mem::take(&mut current));
        }
        current.push(c);
        let letter = |at: Option<usize>| {
            at.and_then(|at| chars.get(at))
                .is_some_and(|c| c.is_alphabetic())
        };
        if hyphens
            && c == '-'
            && letter(i.checked_sub(1))
            && letter(i.checked_sub(2))
            && letter(Some(i + 1))
            && letter(Some(i + 2))
        {
            out.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        out.push(current);
    }
    out
}

fn wrap(line: &str, width: usize, break_words: bool, hyphens: bool) -> Vec<String> {
    let mut rest: std::collections::VecDeque<String> = chunks(line, hyphens).into();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let mut current: Vec<String> = Vec::new();
        let mut len = 0;
        if !lines.is_empty() && rest.front().is_some_and(|c| c.trim().is_empty()) {
            rest.pop_front();
        }
        while let Some(chunk) = rest.front() {
            let size = chunk.chars().count();
            if len + size > width {
                break;
            }
            len += size;
            current.extend(rest.pop_front());
        }
        if let Some(long) = rest.front().filter(|c| c.chars().count() > width).cloned() {
            if break_words {
                let space = width - len.min(width);
                let space = space.max(usize::from(current.is_empty()));
                current.push(long.chars().take(space).collect());
                rest[0] = long.chars().skip(space).collect();
            } else if current.is_empty() {
                current.extend(rest.pop_front());
            }
        }
        if current.last().is_some_and(|c| c.trim().is_empty()) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}
