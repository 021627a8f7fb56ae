//! Small facts of a node in words: its table of facts, constraints, the short name of a test.
//!
//! In come the JSON objects of a manifest, out go short texts. Fields that are absent or of
//! another type than the schema says are passed over: the page shows what there is.

use indexmap::IndexMap;
use serde_json::Value;

/// A text at a path of keys, if there is one and it is not empty.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)
        .and_then(Value::as_str)
        .filter(|t| !t.is_empty())
}

/// The value at a path of keys.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |v, key| v.get(key))
}

/// A scalar or a list of scalars as people write it.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(items) if !items.is_empty() => Some(
            items
                .iter()
                .filter_map(words)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        _ => None,
    }
}

/// The facts of a node in the order in which they are shown. `owner`: the relation's, by the catalog.
pub(super) fn facts(
    kind: &str,
    node: &Value,
    owner: Option<&str>,
) -> IndexMap<&'static str, String> {
    let mut facts = IndexMap::new();
    let mut add = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name, value);
        }
    };
    let of = |path: &[&str]| at(node, path).and_then(words);
    match kind {
        "model" | "seed" | "snapshot" => {
            let materialized = of(&["config", "materialized"]);
            add(
                "strategy",
                match materialized.as_deref() {
                    Some("incremental") => of(&["config", "incremental_strategy"]),
                    Some("snapshot") => of(&["config", "strategy"]),
                    _ => None,
                },
            );
            add("materialized", materialized);
            add("unique key", of(&["config", "unique_key"]));
            add("indexes", indexes(node));
            add(
                "contract",
                (at(node, &["config", "contract", "enforced"]) == Some(&Value::Bool(true)))
                    .then(|| "enforced".into()),
            );
            add("access", of(&["access"]).filter(|a| a != "protected"));
            add("group", of(&["config", "group"]));
            add("deprecated", of(&["deprecation_date"]));
        }
        "source" => {
            add("source", source_of(node));
            add("loader", of(&["loader"]));
            add("freshness", freshness(node));
        }
        "test" => {
            add(
                "severity",
                of(&["config", "severity"]).map(|s| s.to_lowercase()),
            );
            add("where", of(&["config", "where"]));
            add(
                "fails if",
                of(&["config", "error_if"]).filter(|s| s != "!= 0"),
            );
            add(
                "warns if",
                of(&["config", "warn_if"]).filter(|s| s != "!= 0"),
            );
        }
        "exposure" => {
            add("type", of(&["type"]));
            add("maturity", of(&["maturity"]));
            add("address", of(&["url"]));
        }
        "metric" => {
            add("type", of(&["type"]));
            add("measure", of(&["type_params", "measure", "name"]));
            add("expression", of(&["type_params", "expr"]));
        }
        "simulation" => add("rows", of(&["config", "rows"])),
        _ => {}
    }
    let person = [of(&["owner", "name"]), of(&["owner", "email"])]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    add(
        "owner",
        if person.is_empty() {
            owner.map(str::to_owned)
        } else {
            Some(person)
        },
    );
    facts
}

fn source_of(node: &Value) -> Option<String> {
    let identifier = text(node, &["identifier"])?;
    let name = text(node, &["name"])?;
    (identifier != name).then(|| format!("table {identifier}"))
}

fn indexes(node: &Value) -> Option<String> {
    let list = at(node, &["config", "indexes"])?.as_array()?;
    let one = |index: &Value| {
        let columns = index.get("columns").and_then(words)?;
        let unique = index.get("unique") == Some(&Value::Bool(true));
        Some(if unique {
            format!("{columns} (unique)")
        } else {
            columns
        })
    };
    let all: Vec<_> = list.iter().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn freshness(node: &Value) -> Option<String> {
    let limit = |key: &str, word: &str| {
        let count = at(node, &["freshness", key, "count"])?.as_u64()?;
        let period = text(node, &["freshness", key, "period"])?;
        Some(format!(
            "{word} after {count} {period}{}",
            if count == 1 { "" } else { "s" }
        ))
    };
    let both: Vec<_> = [limit("warn_after", "warns"), limit("error_after", "fails")]
        .into_iter()
        .flatten()
        .collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// A constraint in words: `not null`, `check (x > 0)`, `references users (id)`.
pub(super) fn constraint(constraint: &Value) -> Option<String> {
    let kind = text(constraint, &["type"])?;
    let expression = text(constraint, &["expression"]);
    Some(match (kind, expression) {
        ("foreign_key", _) => {
            let to = text(constraint, &["to"]).or(expression).unwrap_or("?");
            let columns = constraint
                .get("to_columns")
                .and_then(words)
                .map(|c| format!(" ({c})"));
            format!("references {to}{}", columns.unwrap_or_default())
        }
        ("custom", Some(expression)) => expression.to_owned(),
        (kind, Some(expression)) => format!("{} ({expression})", kind.replace('_', " ")),
        (kind, None) => kind.replace('_', " "),
    })
}

/// What a generic test says in few words: `not_null`, `accepted_values: TV, Mobile`,
/// `relationships: dim_users.user_id`. Nothing for a singular test.
pub(super) fn test_label(node: &Value) -> Option<String> {
    let metadata = node.get("test_metadata").filter(|m| m.is_object())?;
    let name = text(metadata, &["name"])?;
    let name = match text(metadata, &["namespace"]) {
        Some(namespace) => format!("{namespace}.{name}"),
        None => name.to_owned(),
    };
    let given = metadata.get("kwargs").and_then(Value::as_object);
    let arguments: Vec<_> = given
        .into_iter()
        .flatten()
        .filter(|(k, _)| *k != "model" && *k != "column_name")
        .collect();
    let find = |key: &str| {
        arguments
            .iter()
            .find(|(k, _)| *k == key)
            .and_then(|(_, v)| words(v))
    };
    let detail = match (find("to"), find("field")) {
        (Some(to), Some(field)) => format!("{}.{field}", called(&to)),
        _ => arguments
            .iter()
            .filter_map(|(k, v)| {
                Some(if *k == "values" {
                    words(v)?
                } else {
                    format!("{k} {}", words(v)?)
                })
            })
            .collect::<Vec<_>>()
            .join(", "),
    };
    if detail.is_empty() {
        return Some(name);
    }
    let mut short: String = detail.chars().take(90).collect();
    if short.len() < detail.len() {
        short.push('…');
    }
    Some(format!("{name}: {short}"))
}

/// The names in `ref('a')` or `source('a', 'b')`, joined by a dot.
fn called(call: &str) -> String {
    let quoted: Vec<_> = call.split(['\'', '"']).skip(1).step_by(2).collect();
    if quoted.is_empty() {
        call.to_owned()
    } else {
        quoted.join(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tests_are_named_by_what_they_ask() {
        let label = |name: &str, kwargs: Value| {
            test_label(
                &json!({"test_metadata": {"name": name, "namespace": null, "kwargs": kwargs}}),
            )
            .unwrap()
        };
        assert_eq!(
            label("not_null", json!({"column_name": "a", "model": "{{ x }}"})),
            "not_null"
        );
        assert_eq!(
            label("accepted_values", json!({"values": ["TV", "Mobile", 3]})),
            "accepted_values: TV, Mobile, 3"
        );
        assert_eq!(
            label(
                "relationships",
                json!({"to": "ref('dim_users')", "field": "user_id"})
            ),
            "relationships: dim_users.user_id"
        );
        assert_eq!(
            label(
                "relationships",
                json!({"to": "source(\"a\", \"b\")", "field": "c"})
            ),
            "relationships: a.b.c"
        );
        assert_eq!(
            label("at_least", json!({"limit": 5, "column_name": "x"})),
            "at_least: limit 5"
        );
        assert_eq!(
            label("in", json!({"values": ["é".repeat(200)]}))
                .chars()
                .count(),
            4 + 90 + 1
        );
        assert_eq!(test_label(&json!({"name": "singular"})), None);
    }

    #[test]
    fn constraints_are_words() {
        let of = |value: Value| constraint(&value).unwrap();
        assert_eq!(
            of(json!({"type": "not_null", "expression": null})),
            "not null"
        );
        assert_eq!(
            of(json!({"type": "check", "expression": "a > 0"})),
            "check (a > 0)"
        );
        assert_eq!(
            of(json!({"type": "foreign_key", "to": "\"db\".\"s\".\"t\"", "to_columns": ["id"]})),
            "references \"db\".\"s\".\"t\" (id)"
        );
        assert_eq!(constraint(&json!("?")), None);
    }

    #[test]
    fn facts_are_what_the_config_says() {
        let node = json!({
            "config": {"materialized": "incremental", "incremental_strategy": "merge", "unique_key": ["a", "b"],
                "indexes": [{"columns": ["a"], "unique": true}, {"columns": ["b", "c"]}], "contract": {"enforced": true}},
            "access": "public",
        });
        let facts = facts("model", &node, Some("etl"));
        let lines: Vec<_> = facts.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            lines,
            [
                "strategy=merge",
                "materialized=incremental",
                "unique key=a, b",
                "indexes=a (unique); b, c",
                "contract=enforced",
                "access=public",
                "owner=etl"
            ]
        );
    }
}
