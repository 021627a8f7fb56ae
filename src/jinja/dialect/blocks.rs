//! Finds the blocks that dbt knows at the top level of a file: macros, tests, materializations, snapshots, docs.
use super::edits::{Edits, Rewritten};
use super::expression::{Tok, Walker};
use super::tags::{self, Declared, signature, tag_end};
use super::{MANGLED, Options, Problem, carriage_returns, tokens};
use minijinja::machinery::Token;
use std::ops::Range;

/// What a block defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockKind {
    /// `{% macro name(…) %}`
    Macro,
    /// `{% test name(…) %}` or `{% data_test name(…) %}`: a generic test.
    Test,
    /// `{% materialization name, adapter='postgres' %}`
    Materialization,
    /// `{% snapshot name %}`
    Snapshot,
    /// `{% docs name %}`
    Docs,
}

impl BlockKind {
    /// The kind that a tag's word begins.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "macro" => Self::Macro,
            "test" | "data_test" => Self::Test,
            "materialization" => Self::Materialization,
            "snapshot" => Self::Snapshot,
            "docs" => Self::Docs,
            _ => return None,
        })
    }

    /// Whether such a block can be called.
    pub fn is_callable(self) -> bool {
        matches!(self, Self::Macro | Self::Test | Self::Materialization)
    }
}

/// A parameter of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The text of its type annotation, if it has one.
    pub annotation: Option<String>,
}

/// A block of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it defines.
    pub kind: BlockKind,
    /// The name as written in the tag.
    pub name: String,
    /// The name under which it is called: `test_x` for a test `x`, `materialization_x_postgres`.
    pub macro_name: String,
    /// The whole block in the file, tags included; its text is dbt's `macro_sql`.
    pub span: Range<usize>,
    /// What stands between the tags.
    pub body: Range<usize>,
    /// The name in the file.
    pub name_span: Range<usize>,
    /// Parameters in order.
    pub parameters: Vec<Parameter>,
    /// Whether the body speaks of `varargs`.
    pub varargs: bool,
    /// Whether the body speaks of `kwargs`.
    pub kwargs: bool,
    /// Whether the body speaks of `caller`.
    pub caller: bool,
    /// `supported_languages` of a materialization.
    pub languages: Vec<String>,
    /// What the engine compiles; empty unless the block can be called.
    pub template: Rewritten,
}

impl Block {
    /// The name that the macro has within its template.
    pub(crate) fn symbol(&self) -> String {
        format!("{MANGLED}{}", self.macro_name)
    }
}

/// The blocks of a file, in order, and the places of end tags that end nothing.
#[derive(Debug, Default)]
pub struct Blocks {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// `{% endmacro %}` and the like without a beginning.
    pub unmatched: Vec<Range<usize>>,
}

/// A block whose end is still to come.
struct Open<'a> {
    kind: BlockKind,
    word: &'a str,
    /// Index of its `{%`.
    at: usize,
}

/// Finds all blocks of a file. Text in comments and `raw` is not looked at.
pub fn blocks(source: &str) -> Result<Blocks, Problem> {
    let source = &*super::readable(source);
    let toks = tokens(source)?;
    let mut found = Blocks::default();
    let mut open: Option<Open<'_>> = None;
    let mut control: Vec<&str> = Vec::new();
    let mut i = 0;
    while i < toks.len() {
        let end = tag_end(&toks, i);
        let next = end.max(i + 1);
        let (Token::BlockStart, Some((Token::Ident(word), word_range))) =
            (&toks[i].0, toks.get(i + 1))
        else {
            i = next;
            continue;
        };
        let tag = || toks[i].1.start..toks.get(end).map_or(word_range.end, |t| t.1.end);
        if let Some(kind) = BlockKind::of(word) {
            if let Some(outer) = &open {
                return Err(Problem::new(
                    format!(
                        "got nested tags: `{}` did not have a matching `{{% end{} %}}` before a subsequent `{word}` was found",
                        outer.word, outer.word
                    ),
                    tag(),
                ));
            }
            if let Some(outer) = control.last() {
                return Err(Problem::new(
                    format!(
                        "got a block definition inside control flow (`{outer}`): all dbt block definitions must be at the top level"
                    ),
                    tag(),
                ));
            }
            open = Some(Open { kind, word, at: i });
        } else if let Some(ended) = word
            .strip_prefix("end")
            .filter(|w| BlockKind::of(w).is_some())
        {
            match open.take() {
                Some(o) if o.word == ended => found.blocks.push(block(source, &toks, &o, i, end)?),
                Some(o) => open = Some(o),
                None => found.unmatched.push(tag()),
            }
        } else if open.is_none() {
            match *word {
                "if" | "for" => control.push(word),
                "endif" | "endfor" => {
                    control.pop();
                }
                _ => {}
            }
        }
        i = next;
    }
    match open {
        Some(o) => Err(Problem::new(
            format!(
                "reached the end of the file without finding a close tag for `{}`",
                o.word
            ),
            toks[o.at].1.start..toks.get(o.at + 1).map_or(source.len(), |t| t.1.end),
        )),
        None => Ok(found),
    }
}

/// One block: `open.at` begins its head, `end_at` its end tag, which ends with token `end_close`.
fn block(
    source: &str,
    toks: &[Tok<'_>],
    open: &Open<'_>,
    end_at: usize,
    end_close: usize,
) -> Result<Block, Problem> {
    let start = open.at;
    let head_close = tag_end(toks, start);
    let Some((Token::Ident(name), name_span)) =
        toks.get(start + 2).filter(|_| start + 2 < head_close)
    else {
        return Err(Problem::new(
            format!("`{}` without a name", open.word),
            toks[start].1.start..toks[start + 1].1.end,
        ));
    };
    let end = toks.get(end_close).map_or(source.len(), |t| t.1.end);
    let mut block = Block {
        kind: open.kind,
        name: (*name).to_string(),
        macro_name: (*name).to_string(),
        span: toks[start].1.start..end,
        body: toks[head_close].1.end..toks[end_at].1.start,
        name_span: name_span.clone(),
        parameters: Vec::new(),
        varargs: mentions(&toks[head_close..end_at], "varargs"),
        kwargs: mentions(&toks[head_close..end_at], "kwargs"),
        caller: mentions(&toks[head_close..end_at], "caller"),
        languages: Vec::new(),
        template: Rewritten::default(),
    };
    if !open.kind.is_callable() {
        return Ok(block);
    }
    let mut edits = Edits::default();
    head(source, toks, start, head_close, &mut block, &mut edits)?;
    tags::rewrite(
        source,
        &toks[head_close + 1..end_at],
        &mut edits,
        Options::default(),
    );
    let end_word = toks[end_at + 1].1.start;
    let end_last = toks[end_close - 1].1.end;
    edits.replace(end_word..end_last, "endmacro");
    carriage_returns(source, &block.span, &mut edits);
    block.template = edits.apply(source, block.span.clone());
    Ok(block)
}

/// Whether a variable of that name is used.
fn mentions(toks: &[Tok<'_>], name: &str) -> bool {
    toks.iter().enumerate().any(|(i, (token, _))| {
        let after = |t: Option<&Tok<'_>>| matches!(t, Some((Token::Dot | Token::Pipe, _)));
        matches!(token, Token::Ident(word) if *word == name)
            && !after(i.checked_sub(1).and_then(|p| toks.get(p)))
            && !matches!(toks.get(i + 1), Some((Token::Assign, _)))
    })
}

/// The head becomes `macro <mangled name>(parameters)`.
fn head(
    source: &str,
    toks: &[Tok<'_>],
    start: usize,
    close: usize,
    block: &mut Block,
    edits: &mut Edits,
) -> Result<(), Problem> {
    let word = toks[start + 1].1.clone();
    if block.kind == BlockKind::Materialization {
        let last = toks[close - 1].1.end;
        materialization(&toks[start + 3..close], block);
        edits.replace(word.start..last, format!("macro {}()", block.symbol()));
        return Ok(());
    }
    if block.kind == BlockKind::Test {
        block.macro_name = format!("test_{}", block.name);
    }
    let mut walker = Walker::new(&toks[..close], start + 3, edits, false);
    let Ok((declared, paren)) = signature(&mut walker) else {
        return Err(Problem::new(
            format!("the parameters of `{}` cannot be read", block.name),
            block.name_span.start..toks[close - 1].1.end,
        ));
    };
    let late = late_defaults(source, &toks[..close], &declared, edits);
    if !late.is_empty() {
        let tag = &toks[close].1;
        let trims = source[tag.clone()].starts_with('-');
        let late = late.strip_suffix("%}").unwrap_or(&late);
        edits.close(
            tag.end,
            format!("{late}{}%}}", if trims { "-" } else { "" }),
        );
    }
    let names: Vec<String> = declared.into_iter().map(|d| d.name).collect();
    let mut extra = String::new();
    for (wanted, name) in [(block.varargs, "varargs"), (block.kwargs, "kwargs")] {
        if wanted && !names.iter().any(|n| n == name) {
            let comma = if names.is_empty() && extra.is_empty() {
                ""
            } else {
                ", "
            };
            extra.push_str(&format!("{comma}{name}=none"));
        }
    }
    block.varargs &= !names.iter().any(|n| n == "varargs");
    block.kwargs &= !names.iter().any(|n| n == "kwargs");
    let trailing_comma = source[..paren].trim_end().ends_with(',');
    edits.close(
        paren,
        if trailing_comma {
            extra.trim_start_matches(", ").to_string()
        } else {
            extra
        },
    );
    block.parameters = names
        .into_iter()
        .map(|name| parameter(toks, start, close, name))
        .collect();
    edits.replace(
        word.start..block.name_span.end,
        format!("macro {}", block.symbol()),
    );
    Ok(())
}

/// Defaults that speak of parameters before them: the engine evaluates the last default first, so these are moved
/// to the start of the body, in order. Returns what to put there.
fn late_defaults(source: &str, toks: &[Tok<'_>], all: &[Declared], edits: &mut Edits) -> String {
    let mut late = String::new();
    for (i, Declared { name, default }) in all.iter().enumerate() {
        let Some(tokens) = default else { continue };
        let refers = tokens.clone().any(|t| {
            matches!(toks[t].0, Token::Ident(word) if all[..i].iter().any(|d| d.name == word))
                && !matches!(toks[t - 1].0, Token::Dot | Token::Pipe)
        });
        let mut own = Edits::default();
        if !refers
            || Walker::new(toks, tokens.start, &mut own, false)
                .expr()
                .is_err()
        {
            continue;
        }
        let bytes = toks[tokens.start].1.start..toks[tokens.end - 1].1.end;
        let value = own.apply(source, bytes.clone()).text;
        late.push_str(&format!(
            "{{% if {name} is undefined %}}{{% set {name} = {value} %}}{{% endif %}}"
        ));
        edits.forget(&bytes);
        edits.replace(bytes, "__not_given");
    }
    late
}

/// A parameter with the text of its annotation.
fn parameter(toks: &[Tok<'_>], start: usize, close: usize, name: String) -> Parameter {
    let mut depth = 0;
    let mut text = None::<String>;
    let mut mine = false;
    for (token, _) in &toks[start + 3..close] {
        match token {
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => depth -= 1,
            _ => {}
        }
        match (token, &mut text) {
            (Token::Ident(word), None) if depth == 1 => mine = *word == name,
            (Token::Colon, None) if mine && depth == 1 => text = Some(String::new()),
            (Token::Assign | Token::Comma, Some(_)) if depth == 1 => break,
            (Token::ParenClose, Some(_)) if depth == 0 => break,
            (Token::Comma, Some(t)) => t.push_str(", "),
            (Token::Ident(word), Some(t)) => t.push_str(word),
            (Token::BracketOpen, Some(t)) => t.push('['),
            (Token::BracketClose, Some(t)) => t.push(']'),
            (_, None) => mine = false,
            _ => {}
        }
    }
    Parameter {
        name,
        annotation: text,
    }
}

/// `, default`, `, adapter='postgres'`, `, supported_languages=['sql']`.
fn materialization(options: &[Tok<'_>], block: &mut Block) {
    let mut adapter = "default".to_string();
    let mut key = "";
    for (token, _) in options {
        match token {
            Token::Ident(word) => key = word,
            Token::Str(value) if key == "adapter" => adapter = (*value).to_string(),
            Token::Str(value) if key == "supported_languages" => {
                block.languages.push((*value).to_string());
            }
            _ => {}
        }
    }
    block.macro_name = format!("materialization_{}_{adapter}", block.name);
}
