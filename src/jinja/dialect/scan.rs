//! What can be said of a macro's calls without running it.
use super::{Problem, tokens};
use minijinja::machinery::Token;

/// A call that stands in a template's text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// `name(…)`
    Name(String),
    /// `package.name(…)`
    Dotted(String, String),
    /// `adapter.dispatch('name'[, 'package'])`; no package if it is not a literal.
    Dispatch {
        /// The macro's name.
        name: String,
        /// The namespace.
        package: Option<String>,
    },
}

/// All calls by name in a text, in order, each once.
pub fn calls(source: &str) -> Result<Vec<Call>, Problem> {
    let source = &*super::readable(source);
    let toks = tokens(source)?;
    let mut found = Vec::new();
    for (i, (token, _)) in toks.iter().enumerate() {
        let Token::ParenOpen = token else { continue };
        let back = |n: usize| i.checked_sub(n).and_then(|at| toks.get(at)).map(|t| &t.0);
        let call = match (back(4), back(3), back(2), back(1)) {
            (Some(Token::Dot), _, Some(Token::Dot), _) => continue,
            (
                _,
                Some(Token::Ident("adapter")),
                Some(Token::Dot),
                Some(Token::Ident("dispatch")),
            ) => match dispatch(&toks[i + 1..]) {
                Some(call) => call,
                None => continue,
            },
            (_, Some(Token::Ident(package)), Some(Token::Dot), Some(Token::Ident(name))) => {
                Call::Dotted((*package).to_string(), (*name).to_string())
            }
            (_, _, Some(Token::Dot | Token::Pipe | Token::Ident("macro" | "test" | "is")), _) => {
                continue;
            }
            (_, _, _, Some(Token::Ident(name))) => Call::Name((*name).to_string()),
            _ => continue,
        };
        if !found.contains(&call) {
            found.push(call);
        }
    }
    Ok(found)
}

/// The keyword arguments of the first `config(…)` in a text whose values are no literals, each as it is written; none
/// where there is no such call.
pub fn config_as_written(source: &str) -> Option<Vec<(String, String)>> {
    let source = &*super::readable(source);
    let toks = tokens(source).ok()?;
    let is_call =
        |w: &[super::Tok<'_>]| matches!(w, [(Token::Ident("config"), _), (Token::ParenOpen, _)]);
    let start = toks.windows(2).position(is_call)? + 2;
    let mut arguments = Vec::new();
    let (mut depth, mut first) = (0_usize, start);
    for (i, (token, _)) in toks.iter().enumerate().skip(start) {
        match token {
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
            Token::BracketClose | Token::BraceClose => depth = depth.saturating_sub(1),
            Token::ParenClose if depth > 0 => depth -= 1,
            Token::Comma if depth == 0 => {
                arguments.extend(keyword_as_written(&toks[first..i], source));
                first = i + 1;
            }
            Token::ParenClose => {
                arguments.extend(keyword_as_written(&toks[first..i], source));
                break;
            }
            _ => {}
        }
    }
    Some(arguments)
}

/// `name = value` as the name and the value's text.
fn keyword_as_written(toks: &[super::Tok<'_>], source: &str) -> Option<(String, String)> {
    let [(Token::Ident(name), _), (Token::Assign, _), (_, first), ..] = toks else {
        return None;
    };
    let (_, last) = toks.last()?;
    let value = source.get(first.start..last.end)?;
    (!is_constant(value)).then(|| ((*name).to_string(), value.to_string()))
}

/// The literal arguments of `dispatch(`.
fn dispatch(toks: &[super::Tok<'_>]) -> Option<Call> {
    let mut name = None;
    let mut package = None;
    let mut key = "macro_name";
    for (i, (token, _)) in toks.iter().enumerate() {
        match token {
            Token::ParenClose => break,
            Token::Comma => key = "macro_namespace",
            Token::Ident(word) if matches!(toks.get(i + 1), Some((Token::Assign, _))) => key = word,
            Token::Str(text) if key == "macro_name" => name = Some((*text).to_string()),
            Token::Str(text) if key == "macro_namespace" => package = Some((*text).to_string()),
            _ => {}
        }
    }
    Some(Call::Dispatch {
        name: name?,
        package,
    })
}

/// Filters whose result Jinja2 cannot know at compile time.
const NOT_FOLDED: &[&str] = &[
    "map",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "random",
    "reverse",
    "batch",
    "slice",
    "unique",
    "items",
    "as_text",
    "as_bool",
    "as_number",
    "as_native",
];

/// Whether Jinja2 evaluates an expression at compile time: nothing but literals, operators and filters.
pub fn is_constant(expression: &str) -> bool {
    let source = format!("{{{{ {expression} }}}}");
    let Ok(toks) = tokens(&source) else {
        return false;
    };
    toks.iter().enumerate().all(|(i, (token, _))| {
        let back = |n: usize| i.checked_sub(n).and_then(|at| toks.get(at)).map(|t| &t.0);
        let is_name_of_filter = |at: Option<&Token<'_>>| matches!(at, Some(Token::Pipe));
        let is_name_of_test = |one: Option<&Token<'_>>, two: Option<&Token<'_>>| {
            matches!(one, Some(Token::Ident("is")))
                || (matches!(one, Some(Token::Ident("not")))
                    && matches!(two, Some(Token::Ident("is"))))
        };
        match token {
            Token::Ident(name) if is_name_of_filter(back(1)) => !NOT_FOLDED.contains(name),
            Token::Ident(_) if is_name_of_test(back(1), back(2)) => true,
            Token::Ident(
                "true" | "True" | "false" | "False" | "none" | "None" | "and" | "or" | "not" | "if"
                | "else" | "in" | "is",
            ) => true,
            Token::Ident(_) => matches!(toks.get(i + 1), Some((Token::Assign, _))),
            Token::ParenOpen => match back(1) {
                Some(Token::Ident("and" | "or" | "not" | "if" | "else" | "in")) => true,
                Some(Token::Ident(_)) => {
                    is_name_of_filter(back(2)) || is_name_of_test(back(2), back(3))
                }
                Some(
                    Token::Str(_)
                    | Token::String(_)
                    | Token::Int(_)
                    | Token::Float(_)
                    | Token::ParenClose
                    | Token::BracketClose
                    | Token::BraceClose,
                ) => false,
                _ => true,
            },
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_config_call_computes_is_kept_as_written() {
        let written = |text: &str| config_as_written(text);
        let pair = |k: &str, v: &str| (k.to_string(), v.to_string());
        assert_eq!(written("select 1"), None);
        assert_eq!(
            written("{{ config(materialized='view', tags=['a', 'b']) }}"),
            Some(vec![])
        );
        assert_eq!(
            written(
                "{{ config(materialized=env_var('X', 'view'), alias='a', meta={'k': var('v')}) }} select 1"
            ),
            Some(vec![
                pair("materialized", "env_var('X', 'view')"),
                pair("meta", "{'k': var('v')}")
            ])
        );
    }
}
