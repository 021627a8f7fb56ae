//! The only place that knows where dbt's Jinja differs from the engine's.
//!
//! In: the text of a file. Out: its blocks, and templates that the engine compiles, each with the way back from
//! every byte to the byte of the file it came from. The engine's own tokenizer is used, so that reading can
//! never disagree with it; lines stay lines.
mod blocks;
mod edits;
mod expression;
pub mod plain;
mod postfix;
pub mod scan;
mod tags;

pub use blocks::{Block, BlockKind, Blocks, Parameter, blocks};
pub use edits::Rewritten;

use edits::Edits;
use expression::Tok;
use minijinja::machinery::tokenize;
use std::borrow::Cow;
use std::ops::Range;

/// Prefix of macro names in templates. As in dbt, a macro's plain name always goes through name resolution.
pub(crate) const MANGLED: &str = "dbt_macro__";

/// How a template is rewritten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Undefined values swallow attribute access, subscripts and calls.
    pub absorbing: bool,
}

/// A text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Where in the text.
    pub range: Range<usize>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, range: Range<usize>) -> Self {
        Self {
            message: message.into(),
            range,
        }
    }
}

/// Rewrites the text of a template.
pub fn template(source: &str, options: Options) -> Result<Rewritten, Problem> {
    let source = &*readable(source);
    let toks = tokens(source)?;
    let mut edits = Edits::default();
    tags::rewrite(source, &toks, &mut edits, options);
    let all = 0..source.len();
    carriage_returns(source, &all, &mut edits);
    Ok(edits.apply(source, all))
}

/// The text as the engine can read it: Jinja2 takes any blank of Unicode for one between the words of a tag, the
/// engine only those of ASCII. Spaces stand in their places, byte for byte, so that every place stays where it was.
fn readable(source: &str) -> Cow<'_, str> {
    let is_blank = |c: &char| !c.is_ascii() && c.is_whitespace();
    let mut text = Cow::Borrowed(source);
    if !source.chars().any(|c| is_blank(&c)) {
        return text;
    }
    while let Err(problem) = tokens(&text) {
        let at = problem.range.start;
        let Some(blank) = text
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .filter(is_blank)
        else {
            break;
        };
        let size = blank.len_utf8();
        text.to_mut()
            .replace_range(at..at + size, &" ".repeat(size));
    }
    text
}

/// The engine's tokens with their bytes.
fn tokens(source: &str) -> Result<Vec<Tok<'_>>, Problem> {
    let mut toks = Vec::new();
    let mut reached = 0;
    for token in tokenize(source, false, minijinja::syntax::SyntaxConfig::default()) {
        match token {
            Ok((token, span)) => {
                reached = span.end_offset as usize;
                toks.push((token, span.start_offset as usize..reached));
            }
            Err(e) => {
                let range = e.range().unwrap_or(reached..source.len().min(reached + 1));
                let message = e
                    .detail()
                    .map_or_else(|| e.kind().to_string(), str::to_string);
                return Err(Problem::new(message, range));
            }
        }
    }
    Ok(toks)
}

/// Jinja2 knows only `\n`: other line ends become it.
fn carriage_returns(source: &str, within: &Range<usize>, edits: &mut Edits) {
    for (i, _) in source[within.clone()].match_indices('\r') {
        let at = within.start + i;
        let followed = source.as_bytes().get(at + 1) == Some(&b'\n');
        edits.replace(at..at + 1, if followed { "" } else { "\n" });
    }
}

#[cfg(test)]
mod tests;
