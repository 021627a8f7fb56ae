//! How old the rows of a source may be: limits at four levels, from the source to its table, merged as dbt does.
use super::properties::{Property, json_map};
use crate::diag::{Diagnostic, code};
use crate::text::nearest;
use crate::yaml::Node as Yaml;
use serde_json::{Map, Value, json};

const LIMITS: [&str; 2] = ["warn_after", "error_after"];

/// Limits as merged so far; `None` once a level has switched them off.
#[derive(Debug)]
pub(super) struct Freshness(Option<Map<String, Value>>);

impl Default for Freshness {
    fn default() -> Self {
        Self(Some(Map::new()))
    }
}

impl Freshness {
    /// Puts a deeper level over what was said above. A level that is left out changes nothing; `null` switches the check
    /// off, and only a level with a whole limit (a count and a period) switches it on again.
    pub(super) fn merge(&mut self, level: Option<&Yaml>) {
        let level = match level {
            Some(level) if level.is_null() => {
                self.0 = None;
                return;
            }
            level => json_map(level),
        };
        match &mut self.0 {
            Some(above) => {
                for key in LIMITS {
                    merge_limit(above, key, level.get(key));
                }
                if let Some(filter) = level.get("filter").filter(|f| !f.is_null()) {
                    above.insert("filter".into(), filter.clone());
                }
            }
            None if has_limit(&level) => self.0 = Some(level),
            None => {}
        }
    }

    /// What the levels say, if they say anything; otherwise the project file has the word.
    pub(super) fn said(&self) -> Option<Value> {
        match &self.0 {
            None => Some(Value::Null),
            Some(map) => has_limit(map).then(|| Value::Object(map.clone())),
        }
    }
}

/// Limits as the manifest shows them: all three keys, a limit that nobody gave as one without a count.
pub(super) fn shown(said: Option<&Value>) -> Value {
    let empty = Map::new();
    let map = match said {
        Some(Value::Null) => return Value::Null,
        Some(Value::Object(map)) => map,
        _ => &empty,
    };
    let limit = |key: &str| match map.get(key) {
        Some(Value::Null) => Value::Null,
        Some(Value::Object(l)) => {
            let part = |k: &str| l.get(k).cloned().unwrap_or_default();
            json!({"count": part("count"), "period": part("period")})
        }
        _ => json!({"count": null, "period": null}),
    };
    json!({
        "warn_after": limit("warn_after"),
        "error_after": limit("error_after"),
        "filter": map.get("filter").cloned().unwrap_or_default(),
    })
}

/// Whether a source with these limits is checked at all.
pub(super) fn has_limit(map: &Map<String, Value>) -> bool {
    LIMITS.iter().any(|key| map.get(*key).is_some_and(is_whole))
}

fn is_whole(limit: &Value) -> bool {
    let given = |key: &str| limit.get(key).is_some_and(|v| !v.is_null());
    given("count") && given("period")
}

/// One limit over the one above: `null` takes it away, one without a count or period leaves it as it is.
fn merge_limit(above: &mut Map<String, Value>, key: &str, below: Option<&Value>) {
    match below {
        None => {}
        Some(Value::Null) => {
            above.insert(key.into(), Value::Null);
        }
        Some(limit) if is_whole(limit) || !above.contains_key(key) => {
            above.insert(key.into(), limit.clone());
        }
        Some(_) => {}
    }
}

/// The limits of a source's age that say no number, or a unit of time that there is not.
pub(super) fn wrong_periods(p: &Property, level: &Yaml) -> Vec<Diagnostic> {
    const PERIODS: [&str; 3] = ["minute", "hour", "day"];
    let mut out = Vec::new();
    for key in LIMITS {
        let Some(limit) = level.get(key).filter(|l| l.is_map()) else {
            continue;
        };
        if let Some(node) = limit.get("period").filter(|n| !n.is_null()) {
            let word = node.scalar_text().unwrap_or_default();
            if !PERIODS.contains(&word.as_str()) {
                let d = Diagnostic::error(
                    code::P0111,
                    format!(
                        "source `{}`: the `period` of `{key}` must be minute, hour or day, but is \"{word}\"",
                        p.name
                    ),
                )
                .heading("Parsing Error")
                .at(p.place(node));
                out.push(match nearest(&word, PERIODS) {
                    Some(near) => d.help(format!("did you mean `{near}`?")),
                    None => d.help("a week is `{count: 7, period: day}`"),
                });
            }
        }
        if let Some(node) = limit
            .get("count")
            .filter(|n| !n.is_null() && n.scalar_text().is_none_or(|t| t.parse::<i64>().is_err()))
        {
            out.push(
                Diagnostic::error(
                    code::P0111,
                    format!(
                        "source `{}`: the `count` of `{key}` must be a whole number",
                        p.name
                    ),
                )
                .heading("Parsing Error")
                .at(p.place(node)),
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::SourceFile;
    use crate::yaml;

    /// What four levels say together; `-` is a level that is left out.
    fn merged(levels: &[&str]) -> Option<Value> {
        let mut all = Freshness::default();
        for text in levels {
            if *text == "-" {
                all.merge(None);
                continue;
            }
            let file = SourceFile::new("s.yml", format!("freshness: {text}\n"));
            let doc = yaml::load_map(&file).unwrap();
            all.merge(doc.root.get("freshness"));
        }
        all.said().map(|said| shown(Some(&said)))
    }

    #[test]
    fn levels_merge_limit_by_limit() {
        let top = "{warn_after: {count: 12, period: hour}, error_after: {count: 24, period: hour}}";
        let limit = |count: u8| json!({"count": count, "period": "hour"});
        let both = |warn: u8, error: Value| json!({"warn_after": limit(warn), "error_after": error, "filter": null});
        let six = "{warn_after: {count: 6, period: hour}";
        for (table, expected) in [
            (format!("{six}}}"), both(6, limit(24))),
            (format!("{six}, error_after: {{}}}}"), both(6, limit(24))),
            (format!("{six}, error_after: null}}"), both(6, Value::Null)),
            (
                "{filter: x > 1}".into(),
                json!({"warn_after": limit(12), "error_after": limit(24), "filter": "x > 1"}),
            ),
            ("null".into(), Value::Null),
        ] {
            assert_eq!(merged(&[top, "-", &table, "-"]), Some(expected), "{table}");
        }
    }

    #[test]
    fn what_is_switched_off_comes_back_with_a_whole_limit_only() {
        let whole = "{warn_after: {count: 1, period: day}}";
        assert_eq!(merged(&["null", "-", "-", "-"]), Some(Value::Null));
        assert_eq!(
            merged(&["null", "{}", "{warn_after: {count: 1}}"]),
            Some(Value::Null)
        );
        assert_eq!(
            merged(&["null", whole]).unwrap()["warn_after"]["period"],
            "day"
        );
        assert_eq!(merged(&["-", "-"]), None);
        assert_eq!(
            shown(None)["error_after"],
            json!({"count": null, "period": null})
        );
    }
}
