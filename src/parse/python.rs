//! Python models: what they refer to and how they configure themselves, without running them.
//!
//! In: the text of a `.py` file. Out: the calls of `dbt.ref`, `dbt.source`, `dbt.config` and `dbt.config.get`, whose
//! arguments must be literals. As dbt does, this asks for exactly one function `model(dbt, session)` with a return.
use super::host::Recorded;
use super::python_literal::{Arguments, arguments};
use super::python_tokens::{Tok, Token, tokens};
use crate::diag::{Diagnostic, code};
use crate::graph::RefArgs;
use crate::text::{Place, SourceFile};
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;

/// What is wrong, and where in the text.
pub(super) type Wrong = (String, Range<usize>);

/// Reads a Python model.
pub(super) fn read(file: &Arc<SourceFile>) -> Result<Recorded, Diagnostic> {
    let problem = |(message, range): Wrong| {
        Diagnostic::error(code::G0407, message)
            .heading("Parsing Error")
            .at(Place::new(file, range))
    };
    let mut recorded = Recorded::default();
    // dbt makes Python models tables unless they say something else.
    let mut first = Map::new();
    first.insert("materialized".into(), Value::from("table"));
    recorded.config.push(first);
    if file.text.trim().is_empty() {
        return Ok(recorded);
    }
    if crate::config::has_jinja(&file.text) {
        let at = file.text.find('{').unwrap_or(0);
        return Err(problem((
            "No jinja in python model code is allowed".into(),
            at..at + 2,
        )));
    }
    let toks = tokens(&file.text, 0).map_err(problem)?;
    check(&toks).map_err(problem)?;
    let mut asked = Vec::new();
    collect(&file.text, &toks, &mut recorded, &mut asked).map_err(problem)?;
    if !asked.is_empty() {
        let (keys, defaults): (Vec<Value>, Vec<Value>) = asked.into_iter().unzip();
        let mut more = Map::new();
        more.insert("config_keys_used".into(), Value::Array(keys));
        more.insert("config_keys_defaults".into(), Value::Array(defaults));
        recorded.config.push(more);
    }
    Ok(recorded)
}

/// The lines that begin with `def model`, each with the index of the word `model`, outside of other functions.
fn definitions(toks: &[Tok]) -> Vec<usize> {
    let mut functions: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for (i, tok) in toks.iter().enumerate() {
        let Some(indent) = tok.indent else { continue };
        functions.retain(|f| *f < indent);
        let is_async = tok.is_word("async");
        let def = if is_async { i + 1 } else { i };
        if !toks.get(def).is_some_and(|t| t.is_word("def")) {
            continue;
        }
        if functions.is_empty() && !is_async && toks.get(i + 1).is_some_and(|t| t.is_word("model"))
        {
            found.push(i + 1);
        }
        functions.push(indent);
    }
    found
}

/// dbt's rules about the function `model`.
fn check(toks: &[Tok]) -> Result<(), Wrong> {
    let found = definitions(toks);
    let end = toks.last().map_or(0..0, |t| t.range.clone());
    let mut wrong = Vec::new();
    for at in &found {
        let names = parameters(toks, at + 1);
        if names.first().is_some_and(|n| n != "dbt") {
            wrong.push("'dbt' not provided for model as the first argument");
        }
        if names.len() != 2 {
            wrong.push(
                "model function should have two args, `dbt` and a session to current warehouse",
            );
        }
        if !returns_one(toks, *at) {
            wrong
                .push("In current version, model function should return only one dataframe object");
        }
    }
    if found.len() != 1 {
        let place = found.last().map_or(end, |i| toks[*i].range.clone());
        return Err((
            format!(
                "dbt allows exactly one model defined per python file, found {}",
                found.len()
            ),
            place,
        ));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err((wrong.join("\n"), toks[found[0]].range.clone()))
}

/// The names of a function's plain parameters; `open` is where the parenthesis should be.
fn parameters(toks: &[Tok], open: usize) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut fresh) = (0usize, false);
    for tok in &toks[open.min(toks.len())..] {
        match &tok.token {
            Token::Op('(' | '[' | '{') => {
                depth += 1;
                fresh = depth == 1;
            }
            Token::Op(')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            Token::Op(',') if depth == 1 => fresh = true,
            Token::Op('*') if depth == 1 && fresh => break,
            Token::Name(name) if depth == 1 && fresh => {
                names.push(name.clone());
                fresh = false;
            }
            _ => fresh = false,
        }
    }
    names
}

/// Whether the last statement of a function returns, and not a tuple.
fn returns_one(toks: &[Tok], name: usize) -> bool {
    let own = toks[name - 1].indent.unwrap_or(0);
    let starts: Vec<usize> = (name..toks.len())
        .take_while(|i| toks[*i].indent.is_none_or(|n| n > own))
        .filter(|i| toks[*i].indent.is_some())
        .collect();
    let body = starts.first().and_then(|i| toks[*i].indent);
    let last = match starts.iter().rfind(|i| toks[**i].indent == body) {
        Some(i) => *i,
        // `def model(dbt, session): return x`
        None => match toks[name..].iter().rposition(|t| t.is_word("return")) {
            Some(i) => name + i,
            None => return false,
        },
    };
    if !toks[last].is_word("return") {
        return false;
    }
    let line = || {
        toks[last + 1..]
            .iter()
            .take_while(|t| t.indent.is_none())
            .map(|t| &t.token)
    };
    let count = line().count();
    let (mut depth, mut comma, mut within) = (0usize, false, true);
    for (i, token) in line().enumerate() {
        match token {
            Token::Op('(' | '[' | '{') => depth += 1,
            Token::Op(')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                within &= depth > 0 || i + 1 == count;
            }
            Token::Op(',') if depth == 0 => return false,
            Token::Op(',') if depth == 1 => comma = true,
            _ => {}
        }
    }
    let parenthesis = matches!(line().next(), Some(Token::Op('(')));
    !(parenthesis && within && comma)
}

/// Notes the calls of `dbt`'s functions, also those within f-strings.
fn collect(
    text: &str,
    toks: &[Tok],
    recorded: &mut Recorded,
    asked: &mut Vec<(Value, Value)>,
) -> Result<(), Wrong> {
    for (i, tok) in toks.iter().enumerate() {
        if let Token::Format(parts) = &tok.token {
            for part in parts {
                let inner = tokens(&text[part.clone()], part.start)?;
                collect(text, &inner, recorded, asked)?;
            }
        }
        let method = i > 0 && matches!(toks[i - 1].token, Token::Op('.'));
        if method || !tok.is_word("dbt") {
            continue;
        }
        let mut path = Vec::new();
        let mut at = i + 1;
        while let (Some(Token::Op('.')), Some(Token::Name(name))) = (
            toks.get(at).map(|t| &t.token),
            toks.get(at + 1).map(|t| &t.token),
        ) {
            path.push(name.as_str());
            at += 2;
        }
        if !matches!(toks.get(at).map(|t| &t.token), Some(Token::Op('('))) {
            continue;
        }
        let place = tok.range.start..toks[at].range.end;
        match path.as_slice() {
            ["ref"] => recorded
                .refs
                .push(reference(&arguments(toks, at + 1)?, place)?),
            ["source"] => recorded
                .sources
                .push(source(&arguments(toks, at + 1)?, place)?),
            ["config"] => recorded
                .config
                .push(configuration(arguments(toks, at + 1)?, place)?),
            ["config", "get"] => asked.push(wanted(arguments(toks, at + 1)?, place)?),
            _ => {}
        }
    }
    Ok(())
}

fn texts(values: &[Value]) -> Option<Vec<String>> {
    values
        .iter()
        .map(|v| v.as_str().map(str::to_string))
        .collect()
}

fn reference(args: &Arguments, place: Range<usize>) -> Result<RefArgs, Wrong> {
    let count = args.positional.len();
    let version = args.named.get("version").or(args.named.get("v")).cloned();
    let version = version.filter(|v| !v.is_null());
    match texts(&args.positional).as_deref() {
        Some([name]) => Ok(RefArgs {
            name: name.clone(),
            package: None,
            version,
        }),
        Some([package, name]) => Ok(RefArgs {
            name: name.clone(),
            package: Some(package.clone()),
            version,
        }),
        _ => Err((
            format!("ref() takes at most two arguments ({count} given)"),
            place,
        )),
    }
}

fn source(args: &Arguments, place: Range<usize>) -> Result<(String, String), Wrong> {
    match texts(&args.positional).as_deref() {
        Some([source, table]) => Ok((source.clone(), table.clone())),
        _ => Err((
            format!(
                "source() takes exactly two arguments ({} given)",
                args.positional.len()
            ),
            place,
        )),
    }
}

fn configuration(args: Arguments, place: Range<usize>) -> Result<Map<String, Value>, Wrong> {
    match <[Value; 1]>::try_from(args.positional) {
        Ok([Value::Object(map)]) if args.named.is_empty() => Ok(map),
        Err(none) if none.is_empty() => Ok(args.named),
        _ => Err((
            "dbt.config() takes keyword arguments, or one mapping".into(),
            place,
        )),
    }
}

/// A key asked for with `dbt.config.get`, and the default.
fn wanted(args: Arguments, place: Range<usize>) -> Result<(Value, Value), Wrong> {
    let mut given = args.positional.into_iter();
    match (given.next(), given.next(), given.len()) {
        (None, ..) => Err((
            "dbt.config.get() requires at least one argument".into(),
            place,
        )),
        (Some(key), default, 0) => Ok((key, default.unwrap_or(Value::Null))),
        (.., more) => Err((
            format!(
                "dbt.config.get() takes at most 2 arguments ({} given)",
                more + 2
            ),
            place,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(text: &str) -> Result<Recorded, String> {
        read(&SourceFile::new("m.py", text)).map_err(|d| d.message)
    }

    #[test]
    fn calls_are_found_wherever_they_stand() {
        let text = "import pandas as pd\n# dbt.ref('no')\n\ndef helper(x, y=(1, 2)):\n    \"\"\"dbt.ref('no')\"\"\"\n    return other.dbt.ref(x)\n\ndef model(dbt, session):\n    dbt.config(materialized='incremental', x=-1, z={'a': (1, 2.5)}, s='a' \"b\",\n        on=True, off=None)\n    a = dbt.ref('base').filter('x > 1')\n    b = f\"{dbt.ref('pkg', 'two', v=2)} and {dbt.source('s', 't'):>3}\"\n    if dbt.is_incremental:\n        c = dbt.config.get('k', 5) or dbt.config.get(\"j\")\n    return a\n";
        let got = parsed(text).unwrap();
        let names: Vec<_> = got
            .refs
            .iter()
            .map(|r| (r.package.as_deref(), r.name.as_str(), r.version.clone()))
            .collect();
        assert_eq!(
            names,
            [(None, "base", None), (Some("pkg"), "two", Some(json!(2)))]
        );
        assert_eq!(got.sources, [("s".to_string(), "t".to_string())]);
        assert_eq!(
            json!(got.config),
            json!([
                {"materialized": "table"},
                {"materialized": "incremental", "x": -1, "z": {"a": [1, 2.5]}, "s": "ab", "on": true, "off": null},
                {"config_keys_used": ["k", "j"], "config_keys_defaults": [5, null]}
            ])
        );
    }

    #[test]
    fn one_function_model_with_two_parameters_returns_one_thing() {
        let one = "In current version, model function should return only one dataframe object";
        let two = "model function should have two args, `dbt` and a session to current warehouse";
        for (text, message) in [
            (
                "def modl(dbt, s):\n    return 1",
                "dbt allows exactly one model defined per python file, found 0",
            ),
            (
                "def model(dbt, s):\n    return 1\ndef model(dbt, s):\n    return 1",
                "dbt allows exactly one model defined per python file, found 2",
            ),
            ("def model(dbt, s):\n    return 1, 2", one),
            ("def model(dbt, s):\n    return (1,\n  2)", one),
            ("def model(dbt, s):\n    if s:\n        return 1", one),
            ("def model(dbt):\n    return 1", two),
            (
                "def model(dbt, s):\n    return dbt.ref(name)",
                "Error when trying to literal_eval an arg to dbt.ref(), dbt.source(), dbt.config() or dbt.config.get()\nmalformed node or string on line 2\nIn dbt python model, `dbt.ref`, `dbt.source`, `dbt.config`, `dbt.config.get` function args only support Python literal structures",
            ),
            (
                "def model(dbt, s):\n    return dbt.ref()",
                "ref() takes at most two arguments (0 given)",
            ),
            (
                "def model(dbt, s):\n    x = (1\n    return 1",
                "'(' was never closed",
            ),
            (
                "def model(dbt, s):\n    return '{{ x }}'",
                "No jinja in python model code is allowed",
            ),
        ] {
            assert_eq!(parsed(text).unwrap_err(), message, "{text}");
        }
        for text in [
            "",
            "def model(dbt, session): return dbt.ref('a')",
            "def outer():\n    def model():\n        pass\ndef model(dbt, s=None):\n    return f(1, 2)(3, 4)",
            "class A:\n    pass\nasync def model(): pass\ndef model(dbt, session):\n    return (1 +\n2)\nx = 1",
        ] {
            assert!(parsed(text).is_ok(), "{text}: {:?}", parsed(text));
        }
    }
}
