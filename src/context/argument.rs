//! Arguments of generic tests: most are text, or one plain call, and need no template for that.
use super::args::Args;
use super::config_object::ConfigObject;
use super::functions;
use super::native::WHERE_SUBQUERY;
use super::scope::{Inner, NodeScope};
use crate::jinja::{Resolved, Scope as _};
use minijinja::Error;
use minijinja::value::Value;
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
pub(super) fn plain(scope: &NodeScope, text: &str) -> Option<Value> {
    let text = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let call = read(text)?;
    value(scope, &call)?.ok()
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
