//! Walks a template tag by tag and notes the edits of each.
use super::edits::Edits;
use super::expression::{Tok, Unparsable, Walker};
use super::{MANGLED, Options};
use minijinja::machinery::Token;
use std::ops::Range;

/// Notes the edits of all tags and expressions among the tokens.
pub(super) fn rewrite(source: &str, toks: &[Tok<'_>], edits: &mut Edits, options: Options) {
    let mut i = 0;
    while i < toks.len() {
        let end = tag_end(toks, i);
        let before = edits.len();
        let done = match &toks[i].0 {
            Token::VariableStart => {
                let mut walker = Walker::new(&toks[..end], i + 1, edits, options.absorbing);
                walker.tuple(true).map(|_| ())
            }
            Token::BlockStart => statement(toks, i, end, edits, options),
            Token::String(_) | Token::TemplateData(_) | Token::Str(_) => Ok(()),
            _ => Ok(()),
        };
        if done.is_err() {
            edits.truncate(before);
        }
        for (token, range) in &toks[i..end] {
            if matches!(token, Token::String(_)) {
                python_escapes(source, range, edits);
            }
        }
        i = end.max(i + 1);
    }
}

/// Index of the token that ends the tag begun at `i`.
pub(super) fn tag_end(toks: &[Tok<'_>], i: usize) -> usize {
    let ends = |t: &Token<'_>| matches!(t, Token::BlockEnd | Token::VariableEnd);
    if !matches!(toks[i].0, Token::BlockStart | Token::VariableStart) {
        return i + 1;
    }
    toks[i..]
        .iter()
        .position(|t| ends(&t.0))
        .map_or(toks.len(), |n| i + n)
}

/// Escapes in strings that mean something else to Python than to the engine.
fn python_escapes(source: &str, range: &Range<usize>, edits: &mut Edits) {
    let mut chars = source[range.clone()].char_indices();
    while let Some((i, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let Some((_, escaped)) = chars.next() else {
            return;
        };
        let at = range.start + i;
        let both = at..at + 1 + escaped.len_utf8();
        match escaped {
            '/' => edits.replace(both, "\\\\/"),
            'a' => edits.replace(both, "\\x07"),
            'v' => edits.replace(both, "\\x0b"),
            '\n' => edits.replace(both, ""),
            _ => {}
        }
    }
}

fn statement(
    toks: &[Tok<'_>],
    start: usize,
    mut end: usize,
    edits: &mut Edits,
    options: Options,
) -> Result<(), Unparsable> {
    let Some((Token::Ident(word), word_range)) = toks.get(start + 1) else {
        return Err(Unparsable);
    };
    // Jinja2 tolerates `{% if x: %}`.
    if let Some((Token::Colon, colon)) = toks.get(end.wrapping_sub(1)) {
        edits.replace(colon.clone(), " ");
        end -= 1;
    }
    let mut walker = Walker::new(&toks[..end], start + 2, edits, options.absorbing);
    match *word {
        "if" | "elif" => walker.tuple(false).map(|_| ()),
        "for" => for_loop(&mut walker),
        "set" => set(&mut walker),
        "do" => {
            walker.tuple(true)?;
            edits.replace(word_range.clone(), "set __ =");
            Ok(())
        }
        "call" => call(&mut walker),
        "filter" => walker.filter_chain(),
        "with" => with(&mut walker),
        "macro" => {
            let Some((Token::Ident(_), name)) = toks.get(start + 2) else {
                return Err(Unparsable);
            };
            walker.pos += 1;
            signature(&mut walker)?;
            edits.close(name.start, MANGLED);
            Ok(())
        }
        "endmacro" => {
            if let (Some((_, first)), Some((_, last))) =
                (toks.get(start + 2), toks.get(end.wrapping_sub(1)))
                && start + 2 < end
            {
                edits.replace(first.start..last.end, "");
            }
            Ok(())
        }
        "autoescape" => walker.expr().map(|_| ()),
        _ => Ok(()),
    }
}

/// `for target in iterable [if condition] [recursive]`.
fn for_loop(walker: &mut Walker<'_, '_>) -> Result<(), Unparsable> {
    while !walker.is_word("in") {
        walker.peek().ok_or(Unparsable)?;
        walker.pos += 1;
    }
    walker.pos += 1;
    let iterable = walker.tuple(false)?;
    walker.edits.open(iterable.start, "(");
    walker.edits.close(iterable.end, ")|__iter");
    if walker.is_word("if") {
        walker.pos += 1;
        walker.expr()?;
    }
    Ok(())
}

/// `set target = value`, or the head of a set block with its filters.
fn set(walker: &mut Walker<'_, '_>) -> Result<(), Unparsable> {
    loop {
        match walker.peek() {
            Some(Token::Assign) => {
                walker.pos += 1;
                walker.tuple(true)?;
                return Ok(());
            }
            Some(Token::Pipe) => {
                walker.pos += 1;
                return walker.filter_chain();
            }
            Some(_) => walker.pos += 1,
            None => return Ok(()),
        }
    }
}

/// `with a = 1, b = 2`.
fn with(walker: &mut Walker<'_, '_>) -> Result<(), Unparsable> {
    while let Some(token) = walker.peek() {
        let is_assign = matches!(token, Token::Assign);
        walker.pos += 1;
        if is_assign {
            walker.expr()?;
        }
    }
    Ok(())
}

/// `call[(params)] callee(args)`: the callee stays a call, which the engine insists on.
fn call(walker: &mut Walker<'_, '_>) -> Result<(), Unparsable> {
    if matches!(walker.peek(), Some(Token::ParenOpen)) {
        signature(walker)?;
    }
    let Some(open) = last_call(walker) else {
        return Err(Unparsable);
    };
    let toks = walker.toks;
    let is_method = matches!(
        toks.get(open.wrapping_sub(2)..open),
        Some([(Token::Dot, _), (Token::Ident(_), _)])
    );
    let before = walker.edits.len();
    let end = if is_method { open - 2 } else { open };
    walker.toks = &toks[..end];
    let callee = walker.or()?;
    if walker.pos != end {
        return Err(Unparsable);
    }
    walker.toks = toks;
    walker.pos = open;
    // A parenthesis directly behind `call` would begin parameters, so what is edited goes into a function.
    if walker.absorbing || walker.edits.len() > before {
        if let (true, Some((Token::Ident(name), range))) = (is_method, toks.get(open - 1)) {
            walker.edits.open(callee.start, "__bound(");
            walker
                .edits
                .replace(callee.end..range.end, format!(", '{name}')"));
        } else {
            walker.edits.open(callee.start, "__callable(");
            walker.edits.close(callee.end, ")");
        }
    }
    walker.arguments()?;
    Ok(())
}

/// Index of the parenthesis that opens the last call of the tag.
fn last_call(walker: &Walker<'_, '_>) -> Option<usize> {
    let mut depth = 0usize;
    for i in (walker.pos..walker.toks.len()).rev() {
        match walker.toks[i].0 {
            Token::ParenClose | Token::BracketClose | Token::BraceClose => depth += 1,
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return matches!(walker.toks[i].0, Token::ParenOpen).then_some(i);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// A parameter in a head.
pub(super) struct Declared {
    pub(super) name: String,
    /// Indices of the tokens of its default.
    pub(super) default: Option<Range<usize>>,
}

/// Parameters of a macro or call block; dbt's type annotations are taken out. Returns them and where the closing
/// parenthesis stands.
pub(super) fn signature(walker: &mut Walker<'_, '_>) -> Result<(Vec<Declared>, usize), Unparsable> {
    let Some(Token::ParenOpen) = walker.peek() else {
        return Err(Unparsable);
    };
    walker.pos += 1;
    let mut names = Vec::new();
    loop {
        match walker.peek() {
            Some(Token::ParenClose) => {
                let close = walker.toks[walker.pos].1.start;
                walker.pos += 1;
                return Ok((names, close));
            }
            Some(Token::Comma) => walker.pos += 1,
            Some(Token::Ident(name)) => {
                let name = (*name).to_string();
                walker.pos += 1;
                annotation(walker)?;
                let mut default = None;
                if matches!(walker.peek(), Some(Token::Assign)) {
                    walker.pos += 1;
                    let start = walker.pos;
                    walker.expr()?;
                    default = Some(start..walker.pos);
                }
                names.push(Declared { name, default });
            }
            _ => return Err(Unparsable),
        }
    }
}

/// `: type[…]` behind a parameter.
fn annotation(walker: &mut Walker<'_, '_>) -> Result<(), Unparsable> {
    if !matches!(walker.peek(), Some(Token::Colon)) {
        return Ok(());
    }
    let start = walker.toks[walker.pos].1.start;
    let mut depth = 0usize;
    let mut end = start;
    loop {
        match walker.peek().ok_or(Unparsable)? {
            Token::BracketOpen | Token::ParenOpen => depth += 1,
            Token::BracketClose => depth = depth.saturating_sub(1),
            Token::ParenClose if depth > 0 => depth -= 1,
            Token::ParenClose | Token::Comma | Token::Assign if depth == 0 => break,
            _ => {}
        }
        end = walker.toks[walker.pos].1.end;
        walker.pos += 1;
    }
    walker.edits.replace(start..end, "");
    Ok(())
}
