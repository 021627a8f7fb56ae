//! From the `args` of a run_results.json back to the words of a command line, for `retry`.
use super::global::GLOBAL;
use super::spec::{Kind, Opt, Verb};
use super::verbs::DBT_VERBS;
use serde_json::{Map, Value};

/// The words that give the invocation whose arguments these are.
///
/// # Errors
/// A sentence about a command that is not known.
pub fn words_of(args: &Map<String, Value>) -> Result<Vec<String>, String> {
    let which = args
        .get("which")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let known = Some(which).filter(|w| !w.is_empty());
    let (mut words, verb) = known
        .and_then(|w| find(DBT_VERBS, w))
        .ok_or_else(|| format!("there is no command `{which}`"))?;
    let own = verb.options.iter().copied();
    for opt in own.chain(GLOBAL.iter().copied()) {
        if let Some(value) = args.get(opt.name).filter(|v| !v.is_null()) {
            option(opt, value, &mut words);
        }
    }
    for word in verb.positionals {
        if let Some(text) = args.get(word.name).and_then(Value::as_str) {
            words.push(text.to_string());
        }
    }
    Ok(words)
}

/// The words that lead to a verb.
fn find(verbs: &'static [Verb], which: &str) -> Option<(Vec<String>, &'static Verb)> {
    verbs.iter().find_map(|v| {
        if v.which == which {
            return Some((vec![v.name.to_string()], v));
        }
        let (mut path, found) = find(v.verbs, which)?;
        path.insert(0, v.name.to_string());
        Some((path, found))
    })
}

fn option(opt: &Opt, value: &Value, words: &mut Vec<String>) {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_string);
    let long = opt.long();
    match (opt.kind, value) {
        (Kind::Switch { .. }, Value::Bool(true)) => words.push(format!("--{long}")),
        (Kind::Switch { negation: true }, Value::Bool(false)) => {
            words.push(format!("--no-{long}"));
        }
        (Kind::Switch { .. }, _) => {}
        (_, Value::Array(list)) => {
            for item in list {
                words.push(format!("--{long}={}", text(item)));
            }
        }
        (Kind::Mapping | Kind::WarnErrorOptions, Value::Object(map)) if map.is_empty() => {}
        (_, value) => {
            let text = text(value);
            if !text.is_empty() {
                words.push(format!("--{long}={text}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_become_words_again() {
        let args = json!({
            "which": "build", "select": ["a+", "tag:x"], "exclude": [], "full_refresh": true, "print": true,
            "version_check": false, "vars": {"a": 1}, "threads": 3, "show": false, "selector": null, "strict_mode": false,
        });
        let words = words_of(args.as_object().unwrap()).unwrap();
        for word in [
            "build",
            "--select=a+",
            "--select=tag:x",
            "--full-refresh",
            "--no-version-check",
            "--vars={\"a\":1}",
            "--threads=3",
        ] {
            assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
        }
        assert!(
            !words
                .iter()
                .any(|w| w.contains("selector") || w == "--show")
        );
        let parsed = super::super::parse(&words, &|_| None, std::path::Path::new("/nowhere"));
        assert!(parsed.is_ok(), "{parsed:?}");
    }

    #[test]
    fn a_nested_command_has_its_path() {
        let args = json!({"which": "generate"});
        let words = words_of(args.as_object().unwrap()).unwrap();
        assert_eq!(words, ["docs", "generate"]);
        assert!(words_of(&Map::new()).is_err());
    }
}
