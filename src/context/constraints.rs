//! Constraints of contracts as SQL: those of columns, and those of the whole table.
use super::values::{get_list, get_text};
use crate::jinja::python::{self, List};
use minijinja::Error;
use minijinja::value::Value;

/// Finds the table that a foreign key refers to.
pub(super) type Target<'a> = &'a dyn Fn(&str) -> Result<String, Error>;

/// A constraint's text at a column: `not null`, `check (…)`, `references …`.
fn column_constraint(c: &Value, target: Target<'_>) -> Result<Option<String>, Error> {
    let expression = get_text(c, "expression");
    let with = |word: &str| match &expression {
        Some(e) => format!("{word} {e}"),
        None => word.to_string(),
    };
    let kind = get_text(c, "type").unwrap_or_default();
    Ok(match kind.as_str() {
        "check" => expression.map(|e| format!("check ({e})")),
        "not_null" => Some(with("not null")),
        "unique" => Some(with("unique")),
        "primary_key" => Some(with("primary key")),
        "foreign_key" => match get_text(c, "to") {
            Some(to) => {
                let columns: Vec<String> = get_list(c, "to_columns")
                    .iter()
                    .map(python::str_of)
                    .collect();
                let to = target(&to)?;
                Some(format!("references {to} ({})", columns.join(", ")))
            }
            None => expression.map(|e| format!("references {e}")),
        },
        "custom" => expression,
        _ => None,
    })
}

pub(super) fn columns_constraints(raw: &Value, target: Target<'_>) -> Result<Value, Error> {
    let mut out = Vec::new();
    for (_, column) in python::ops::pairs_of(raw)? {
        let name = get_text(&column, "name").unwrap_or_default();
        let quoted = column
            .get_item(&Value::from("quote"))
            .is_ok_and(|q| q.is_true());
        let name = if quoted { format!("\"{name}\"") } else { name };
        let mut parts = vec![name, get_text(&column, "data_type").unwrap_or_default()];
        for constraint in get_list(&column, "constraints") {
            parts.extend(column_constraint(&constraint, target)?);
        }
        out.push(Value::from(parts.join(" ")));
    }
    Ok(List::value(out))
}

pub(super) fn model_constraints(raw: &Value, target: Target<'_>) -> Result<Value, Error> {
    let mut out = Vec::new();
    for c in python::iterate(raw)? {
        let columns = get_list(&c, "columns")
            .iter()
            .map(python::str_of)
            .collect::<Vec<_>>()
            .join(", ");
        let expression = get_text(&c, "expression");
        let prefix = get_text(&c, "name")
            .map(|n| format!("constraint {n} "))
            .unwrap_or_default();
        let tail = expression
            .as_ref()
            .map(|e| format!(" {e}"))
            .unwrap_or_default();
        let text = match get_text(&c, "type").unwrap_or_default().as_str() {
            "check" => expression.map(|e| format!("{prefix}check ({e})")),
            "unique" => Some(format!("{prefix}unique{tail} ({columns})")),
            "primary_key" => Some(format!("{prefix}primary key{tail} ({columns})")),
            "foreign_key" => match get_text(&c, "to") {
                Some(to) => {
                    let there = get_list(&c, "to_columns")
                        .iter()
                        .map(python::str_of)
                        .collect::<Vec<_>>()
                        .join(", ");
                    let to = target(&to)?;
                    Some(format!(
                        "{prefix}foreign key ({columns}) references {to} ({there})"
                    ))
                }
                None => {
                    expression.map(|e| format!("{prefix}foreign key ({columns}) references {e}"))
                }
            },
            "custom" => expression.map(|e| format!("{prefix}{e}")),
            _ => None,
        };
        out.extend(text.map(Value::from));
    }
    Ok(List::value(out))
}
