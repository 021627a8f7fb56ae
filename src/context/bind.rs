//! Values in statements, as the Postgres driver of Python puts them there.
use super::exceptions::compilation;
use crate::jinja::python;
use crate::pg::quote_literal;
use minijinja::Error;
use minijinja::value::{Value, ValueKind};

/// The row that an error of a COPY is about: `COPY codes, line 3, column code: "x"`.
pub(super) fn copy_row(context: &str) -> Option<usize> {
    let rest = context.split_once("COPY ")?.1.rsplit_once(", line ")?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Puts values into `%s` places as the Postgres driver of Python does.
pub(super) fn bind(sql: &str, values: &[Value]) -> Result<String, Error> {
    let mut out = String::with_capacity(sql.len() + values.len() * 8);
    let mut rest = sql;
    let mut values = values.iter();
    while let Some(at) = rest.find("%s") {
        out.push_str(&rest[..at].replace("%%", "%"));
        let value = values.next().ok_or_else(|| {
            compilation("there are more places (%s) in the statement than values")
        })?;
        out.push_str(&literal(value));
        rest = &rest[at + 2..];
    }
    out.push_str(&rest.replace("%%", "%"));
    Ok(out)
}

/// A value as an SQL literal.
fn literal(value: &Value) -> String {
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => "NULL".into(),
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.into(),
        ValueKind::Number => python::str_of(value),
        _ => {
            let text = python::str_of(value);
            match python::type_name(value).as_str() {
                "Decimal" | "decimal.Decimal" => text,
                "date" | "datetime.date" => format!("{}::date", quote_literal(&text)),
                "datetime" | "datetime.datetime" => {
                    // With an offset the server turns it into the zone of the session.
                    let zoned = text.get(19..).is_some_and(|t| t.contains(['+', '-']));
                    let zone = if zoned { "tz" } else { "" };
                    format!("{}::timestamp{zone}", quote_literal(&text))
                }
                _ => quote_literal(&text),
            }
        }
    }
}
