//! Tables drawn as text, and as JSON.
use super::{Row, Table};
use crate::jinja::python;
use minijinja::Value;
use std::sync::Arc;

impl Table {
    /// The table drawn with bars, as `print_table` and `show` draw it.
    pub fn drawn(&self, max_rows: usize, max_columns: usize, max_width: usize) -> String {
        let columns = self.names.len().min(max_columns);
        let cut = |s: String| {
            if s.chars().count() > max_width {
                format!(
                    "{}...",
                    s.chars()
                        .take(max_width.saturating_sub(3))
                        .collect::<String>()
                )
            } else {
                s
            }
        };
        let numeric: Vec<bool> = (0..columns).map(|i| self.types[i] != "Text").collect();
        let body: Vec<Vec<String>> = self
            .rows()
            .iter()
            .take(max_rows)
            .map(|r| (0..columns).map(|i| cut(plain_text(&r.cells[i]))).collect())
            .collect();
        let head: Vec<String> = self
            .names
            .iter()
            .take(columns)
            .map(|n| cut(n.clone()))
            .collect();
        let widths: Vec<usize> = (0..columns)
            .map(|i| {
                body.iter()
                    .map(|r| r[i].chars().count())
                    .chain([head[i].chars().count()])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let pad = |text: &str, i: usize, right: bool| {
            let gap = " ".repeat(widths[i].saturating_sub(text.chars().count()));
            if right {
                format!("{gap}{text}")
            } else {
                format!("{text}{gap}")
            }
        };
        let line = |cells: &[String], right: &dyn Fn(usize) -> bool| {
            let parts: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(i, c)| pad(c, i, right(i)))
                .collect();
            format!("| {} |", parts.join(" | "))
        };
        let mut out = vec![line(&head, &|i| numeric[i])];
        out.push(format!(
            "| {} |",
            widths
                .iter()
                .map(|w| "-".repeat(*w))
                .collect::<Vec<_>>()
                .join(" | ")
        ));
        out.extend(body.iter().map(|r| line(r, &|i| numeric[i])));
        out.join("\n")
    }

    /// Rows as JSON objects.
    pub fn to_json(&self) -> serde_json::Value {
        let row = |r: &Arc<Row>| {
            let pairs = self.names.iter().zip(&r.cells);
            serde_json::Value::Object(pairs.map(|(n, v)| (n.clone(), json_cell(v))).collect())
        };
        serde_json::Value::Array(self.rows().iter().map(row).collect())
    }
}

/// A cell in JSON: numbers are floats, as agate writes them.
fn json_cell(value: &Value) -> serde_json::Value {
    match python::Decimal::of(value) {
        Some(number) if value.as_i64().is_none() && value.as_str().is_none() => {
            python::Decimal(number).to_f64().into()
        }
        _ => python::json::to_json(value),
    }
}

/// A cell as drawn in tables: nothing for null.
fn plain_text(value: &Value) -> String {
    if value.is_none() {
        String::new()
    } else {
        python::str_of(value)
    }
}
