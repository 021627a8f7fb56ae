//! What needs no template to be understood: texts and arguments of tests with nothing but plain calls.
use super::args::Args;
use super::config_object::ConfigObject;
use super::exceptions::diagnostic;
use super::functions;
use super::native::WHERE_SUBQUERY;
use super::scope::{Inner, NodeScope};
use super::shared::Shared;
use crate::diag::Diagnostic;
use crate::graph::RefArgs;
use crate::jinja::dialect::plain;
use crate::jinja::python::{self, Dict};
use crate::jinja::{Mode, Resolved, Scope as _};
use crate::parse::{Body, Recorded};
use crate::text::SourceFile;
use minijinja::Error;
use minijinja::value::Value;
use serde_json::Value as Json;
use std::sync::Arc;

/// A call with nothing but texts, or a call of `get_where_subquery` around such a one.
#[derive(Debug, PartialEq, Eq)]
enum Call<'t> {
    Ref(Vec<&'t str>),
    Source(Vec<&'t str>),
    Where(Box<Call<'t>>),
}

/// The value of `{{ ref('x') }}` and its like, where the names mean what they mean in dbt. None for anything else, and
/// where the call fails: the template then says how.
pub(super) fn argument(scope: &NodeScope, text: &str) -> Option<Value> {
    let text = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let call = read(text)?;
    value(scope, &call)?.ok()
}

/// An argument of a generic test, evaluated: texts that are calls of `ref` and the like are called.
pub(crate) fn evaluated(
    shared: &Shared,
    scope: &NodeScope,
    key: &str,
    value: &Json,
) -> Result<Value, Diagnostic> {
    match value {
        Json::String(text) if key != "column_name" => {
            let text = called(text);
            if !crate::config::has_jinja(&text) {
                return Ok(Value::from(crate::config::without_jinja(&text)));
            }
            if let Some(value) = argument(scope, &text) {
                return Ok(value);
            }
            let file = SourceFile::new("<test argument>", text);
            let mode = if scope.0.executing() {
                Mode::Strict
            } else {
                Mode::Absorbing
            };
            shared
                .engine
                .native(&file, 0..file.text.len(), mode, scope.dynamic())
                .map_err(|e| diagnostic(&e, None))
        }
        Json::Array(items) => {
            let mut out = Vec::new();
            for item in items {
                out.push(evaluated(shared, scope, "", item)?);
            }
            Ok(python::List::value(out))
        }
        Json::Object(map) => {
            let mut out = Vec::new();
            for (k, v) in map {
                out.push((Value::from(k.as_str()), evaluated(shared, scope, "", v)?));
            }
            Ok(Dict::value(out.into_iter().collect()))
        }
        other => Ok(python::json::from_json(other)),
    }
}

/// The text as a template: a call such as `ref('x')` may be written without braces.
fn called(text: &str) -> String {
    if looks_like_call(text) {
        format!("{{{{ {text} }}}}")
    } else {
        text.to_string()
    }
}

/// Whether a text is a call such as `ref('x')`, written without braces.
fn looks_like_call(text: &str) -> bool {
    let text = text.trim();
    ["env_var", "ref", "var", "source", "doc"].iter().any(|f| {
        text.strip_prefix(f).is_some_and(|rest| {
            rest.trim_start().starts_with('(') && rest.ends_with(')') && rest.trim_start().len() > 2
        })
    })
}

/// Whether an argument of a test is text or a plain call, or a list or mapping of these. What it refers to is recorded.
pub(super) fn is_plain(scope: &NodeScope, key: &str, value: &Json) -> bool {
    match value {
        Json::String(text) if key != "column_name" => {
            let text = called(text);
            !crate::config::has_jinja(&text) || argument(scope, &text).is_some()
        }
        Json::Array(items) => items.iter().all(|item| is_plain(scope, "", item)),
        Json::Object(map) => map.values().all(|item| is_plain(scope, "", item)),
        _ => true,
    }
}

/// What rendering a text would record, where the text has nothing but plain calls.
pub(super) fn recorded(shared: &Shared, body: &Body<'_>) -> Option<Recorded> {
    // Python reads escapes in its own way.
    if body.text.contains('\\') {
        return None;
    }
    let registry = shared.engine.registry();
    let own = |name: &str| registry.resolve(body.package, name).is_none();
    if !["ref", "source", "config"].into_iter().all(own) {
        return None;
    }
    let found = plain::read(body.text)?;
    let refs = found.refs.into_iter().filter_map(|(mut names, version)| {
        let name = names.pop()?;
        Some(RefArgs {
            name,
            package: names.pop(),
            version,
        })
    });
    Some(Recorded {
        config: found.config,
        refs: refs.collect(),
        sources: found.sources,
        plain: true,
        ..Recorded::default()
    })
}

/// Reads a call; none if there is more to it.
fn read(text: &str) -> Option<Call<'_>> {
    let (name, rest) = text.trim().split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    match name {
        "ref" => Some(Call::Ref(words(inside)?)),
        "source" => Some(Call::Source(words(inside)?)),
        "get_where_subquery" => match read(inside)? {
            Call::Where(_) => None,
            call => Some(Call::Where(Box::new(call))),
        },
        _ => None,
    }
}

/// Texts in quotes without anything special in them, separated by commas.
fn words(text: &str) -> Option<Vec<&str>> {
    text.split(',')
        .map(|word| {
            let word = word.trim();
            let quote = word.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
            let inside = word.strip_prefix(quote)?.strip_suffix(quote)?;
            let plain = |c: char| c.is_alphanumeric() || "_-. ".contains(c);
            inside.chars().all(plain).then_some(inside)
        })
        .collect()
}

fn value(scope: &NodeScope, call: &Call<'_>) -> Option<Result<Value, Error>> {
    let inner = &scope.0;
    let args = |words: &[&str]| Args::texts(words);
    match call {
        Call::Ref(words) if own(scope, "ref") => Some(functions::reference(inner, &args(words))),
        Call::Source(words) if own(scope, "source") => Some(functions::source(inner, &args(words))),
        Call::Where(of) => {
            let id = where_subquery(inner)?;
            let relation = value(scope, of)?;
            scope.on_macro_call(&id, 0);
            Some(relation.and_then(|r| filtered(inner, r)))
        }
        _ => None,
    }
}

/// Whether a function's name means the function: no macro has taken its place.
fn own(scope: &NodeScope, name: &str) -> bool {
    let registry = scope.0.shared.engine.registry();
    scope.0.extra(name).is_none() && registry.resolve(&scope.0.package, name).is_none()
}

/// The id of the built-in `get_where_subquery`, if that is what is meant.
fn where_subquery(inner: &Inner) -> Option<String> {
    const NAME: &str = "get_where_subquery";
    let registry = inner.shared.engine.registry();
    let Resolved::Macro(def) = registry.resolve(&inner.package, NAME)? else {
        return None;
    };
    let search = inner
        .shared
        .dispatch_search(Some(crate::jinja::BUILTIN_NAMESPACE));
    let prefixes = super::adapter::PREFIXES;
    let found = registry.dispatch(&inner.package, NAME, &search, prefixes)?;
    let plain = registry.is_builtin(&def.package) && found.unique_id == WHERE_SUBQUERY;
    (plain && inner.extra(NAME).is_none()).then(|| def.unique_id.clone())
}

/// The relation, or those of its rows that the configuration asks for.
pub(super) fn filtered(inner: &Arc<Inner>, relation: Value) -> Result<Value, Error> {
    let condition = ConfigObject(inner.clone()).get(&Args::texts(&["where"]))?;
    if !condition.is_true() {
        return Ok(relation);
    }
    let text = crate::jinja::python::str_of;
    Ok(Value::from(format!(
        "(select * from {} where {}) dbt_subquery",
        text(&relation),
        text(&condition)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_calls_are_read() {
        let there = |text| read(text).is_some();
        assert_eq!(read(" ref('a') "), Some(Call::Ref(vec!["a"])));
        assert_eq!(read("ref('p', \"a b\")"), Some(Call::Ref(vec!["p", "a b"])));
        assert_eq!(
            read("get_where_subquery(source('s', 't'))"),
            Some(Call::Where(Box::new(Call::Source(vec!["s", "t"]))))
        );
        for other in [
            "ref('a', version='2')",
            "ref(x)",
            "ref('a') ~ 'b'",
            "ref('a\\'b')",
            "ref('a,b')",
            "ref()",
            "my_ref('a')",
            "get_where_subquery(get_where_subquery(ref('a')))",
            "ref('a'))",
        ] {
            assert!(!there(other), "{other}");
        }
    }
}
