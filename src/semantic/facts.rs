//! The facts for reports that stand under `config.meta.bi`.
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What something is called: a main name, and names in other languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The name when no language is asked for.
    pub main: String,
    /// Names by language (`da`, `en`).
    pub by_language: BTreeMap<String, String>,
}

impl Labels {
    /// A name in no particular language.
    pub fn plain(name: impl Into<String>) -> Self {
        Self {
            main: name.into(),
            by_language: BTreeMap::new(),
        }
    }

    /// The name in a language (`da`, `da-DK`), else the main one.
    pub fn get(&self, language: &str) -> &str {
        let short = language.split(['-', '_']).next().unwrap_or(language);
        [language, short]
            .iter()
            .find_map(|l| self.by_language.get(*l))
            .unwrap_or(&self.main)
    }

    /// From `text` or `{da: …, en: …}`; `main` is taken when the mapping has no `main` of its own.
    pub fn read(value: Option<&Value>, main: &str) -> Self {
        let mut out = Self::plain(main);
        match value {
            Some(Value::String(text)) => out.main.clone_from(text),
            Some(Value::Object(map)) => {
                for (language, text) in map {
                    let Some(text) = text.as_str() else { continue };
                    out.by_language.insert(language.clone(), text.to_string());
                }
            }
            _ => {}
        }
        out
    }
}

/// `bi` of a mapping of facts.
pub fn bi(meta: Option<&Value>) -> Value {
    meta.and_then(|m| m.get("bi"))
        .filter(|b| b.is_object())
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()))
}

/// Whether a fact is switched on.
pub fn is_on(bi: &Value, key: &str) -> bool {
    bi.get(key).and_then(Value::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_language_falls_back_to_the_main_name() {
        let l = Labels::read(
            Some(&json!({"da": "Sessioner", "en": "Sessions"})),
            "sessions",
        );
        assert_eq!(l.get("da-DK"), "Sessioner");
        assert_eq!(l.get("en"), "Sessions");
        assert_eq!(l.get("de"), "sessions");
        assert_eq!(
            Labels::read(Some(&json!("Brugere")), "users").get("da"),
            "Brugere"
        );
    }
}
