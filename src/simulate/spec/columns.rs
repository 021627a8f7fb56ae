//! Reads columns and the origins of values.
use super::read::Reader;
use super::{Column, Distinct, Name, Pick, Value};
use crate::diag::code;
use crate::simulate::spec::read::suggest;
use crate::simulate::value::SqlType;
use crate::yaml::Node;

const COLUMN: [&str; 21] = [
    "type",
    "description",
    "primary_key",
    "hidden",
    "nullable",
    "references",
    "id",
    "bits",
    "expr",
    "weights",
    "by",
    "when",
    "format",
    "pick",
    "where",
    "weight",
    "distinct",
    "parent",
    "code",
    "meta",
    "tests",
];
const ORIGINS: [&str; 8] = [
    "id", "expr", "weights", "when", "format", "pick", "parent", "code",
];
const VALUE: [&str; 5] = ["expr", "weights", "by", "when", "format"];

impl Reader<'_> {
    pub(super) fn columns(
        &mut self,
        node: Option<&Node>,
        process: bool,
        name: &Name,
    ) -> Vec<Column> {
        if let Some(other) = node.filter(|n| !n.is_map() && !n.is_null()) {
            self.wrong(
                other,
                "columns",
                "a mapping of names to their types and values",
            );
            return Vec::new();
        }
        let Some(node) = node.filter(|n| !n.entries().is_empty()) else {
            self.error(
                code::M0801,
                name.span.clone(),
                format!("{}: there are no columns", self.sim),
                Some("add `columns:`, a mapping of names to their types and values"),
            );
            return Vec::new();
        };
        let entries = node.entries().to_vec();
        let columns: Vec<Column> = entries
            .iter()
            .filter_map(|(k, v)| self.column(k, v, process))
            .collect();
        let keys: Vec<&Column> = columns.iter().filter(|c| c.primary_key).collect();
        if keys.len() > 1 {
            self.error(
                code::M0801,
                keys[1].name.span.clone(),
                format!(
                    "{}: there are two primary keys, `{}` and `{}`",
                    self.sim, keys[0].name.text, keys[1].name.text
                ),
                Some("for a key of several columns use `unique: [[a, b]]`"),
            );
        }
        columns
    }

    fn column(&mut self, key: &Node, node: &Node, process: bool) -> Option<Column> {
        let name = self.name(key, "a column's name")?;
        let what = name.text.clone();
        if !node.is_map() {
            self.wrong(node, &format!("column `{what}`"), "a mapping with `type`");
            return None;
        }
        let cut = self.keys(node, &COLUMN, &what);
        let sql = self.sql_type(node, &name)?;
        let value = if cut {
            Value::Broken
        } else {
            self.origin(node, &name, sql, process)
        };
        let references = node.get("references").and_then(|n| match n.as_str() {
            Some(text) if text.split('.').count() == 2 => Some(Name {
                text: text.to_string(),
                span: n.span.clone(),
            }),
            _ => {
                self.wrong(n, "references", "`table.column`");
                None
            }
        });
        let primary_key = self.flag(node, "primary_key");
        let hidden = self.flag(node, "hidden");
        if primary_key && hidden {
            self.error(
                code::M0801,
                name.span.clone(),
                format!("{}.{what}: the primary key cannot be hidden", self.sim),
                None,
            );
        }
        Some(Column {
            sql,
            value,
            primary_key,
            hidden,
            nullable: self.flag(node, "nullable"),
            references,
            description: node
                .get("description")
                .and_then(|n| self.text(n, "description"))
                .unwrap_or_default(),
            name,
        })
    }

    fn sql_type(&mut self, node: &Node, name: &Name) -> Option<SqlType> {
        let Some(t) = node.get("type") else {
            self.error(
                code::M0801,
                name.span.clone(),
                format!("{}.{}: `type` is missing", self.sim, name.text),
                Some("for example `type: text`"),
            );
            return None;
        };
        let text = t.as_str().unwrap_or_default();
        let sql = SqlType::parse(text);
        if sql.is_none() {
            let help = match suggest(text, SqlType::NAMES) {
                Some(s) => format!("did you mean `{s}`?"),
                None => format!("known types: {}", SqlType::NAMES.join(", ")),
            };
            self.error(
                code::M0801,
                t.span.clone(),
                format!("{}.{}: no type `{text}`", self.sim, name.text),
                Some(&help),
            );
        }
        sql
    }

    fn origin(&mut self, node: &Node, name: &Name, sql: SqlType, process: bool) -> Value {
        let given: Vec<&str> = ORIGINS
            .into_iter()
            .filter(|k| node.get(k).is_some())
            .collect();
        match given.as_slice() {
            [] if process => return Value::Row,
            [] => {
                self.error(
                    code::M0801,
                    name.span.clone(),
                    format!(
                        "{}.{}: where the value comes from is not said",
                        self.sim, name.text
                    ),
                    Some("give one of id, expr, weights, when, format, pick, parent, code"),
                );
                return Value::Broken;
            }
            [one] if process && *one != "id" => {
                self.error(
                    code::M0801,
                    name.span.clone(),
                    format!(
                        "{}.{}: in a process, values stand in `row:`",
                        self.sim, name.text
                    ),
                    None,
                );
                return Value::Broken;
            }
            [_] => {}
            [a, b, ..] => {
                self.error(
                    code::M0801,
                    name.span.clone(),
                    format!(
                        "{}.{}: `{a}` and `{b}` exclude each other",
                        self.sim, name.text
                    ),
                    None,
                );
                return Value::Broken;
            }
        }
        for (key, only) in [
            ("by", "weights"),
            ("where", "pick"),
            ("weight", "pick"),
            ("distinct", "pick"),
            ("bits", "id"),
        ] {
            if let Some((k, _)) = node.entry(key)
                && given[0] != only
            {
                self.error(
                    code::M0801,
                    k.span.clone(),
                    format!("{}.{}: `{key}` belongs to `{only}`", self.sim, name.text),
                    None,
                );
            }
        }
        self.kind(given[0], node, name, Some(sql))
            .unwrap_or(Value::Broken)
    }

    fn kind(
        &mut self,
        kind: &str,
        node: &Node,
        name: &Name,
        sql: Option<SqlType>,
    ) -> Option<Value> {
        let value = node.get(kind)?;
        Some(match kind {
            "expr" | "parent" => Value::Expr(self.src(value, kind)?),
            "format" => Value::Format(self.src(value, kind)?),
            "weights" => Value::Weights(self.weights(value, node.get("by"), name, sql)?),
            "when" => self.when(value, name, sql)?,
            "code" => match value.as_int() {
                Some(n @ 1..=12) => Value::Code(n as u32, value.span.clone()),
                _ => {
                    self.wrong(value, "code", "a length from 1 to 12");
                    return None;
                }
            },
            "id" => match value.as_str() {
                Some("sequence") => Value::Sequence,
                Some("packed") => {
                    if sql.is_some_and(|t| t != SqlType::BigInt) {
                        self.error(
                            code::M0805,
                            value.span.clone(),
                            format!(
                                "{}.{}: packed ids need the type `bigint`",
                                self.sim, name.text
                            ),
                            None,
                        );
                    }
                    let bits = node.get("bits");
                    let widths = bits.map(|b| {
                        b.items()
                            .iter()
                            .filter_map(Node::as_int)
                            .map(|i| i.clamp(0, 64) as u32)
                            .collect()
                    });
                    Value::Packed(
                        widths.unwrap_or_default(),
                        bits.unwrap_or(value).span.clone(),
                    )
                }
                _ => {
                    self.wrong(value, "id", "`sequence` or `packed`");
                    return None;
                }
            },
            _ => self.pick(value, node, name)?,
        })
    }

    fn pick(&mut self, value: &Node, node: &Node, name: &Name) -> Option<Value> {
        let text = value.as_str().unwrap_or_default();
        let Some((table, column)) = text.split_once('.') else {
            self.wrong(value, "pick", "`table.column`");
            return None;
        };
        let start = value.span.start;
        let distinct = node.get("distinct").and_then(|d| {
            let text = d.as_str().unwrap_or_default();
            let found = match text.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["parent"] => Some(Distinct::Parent),
                ["all"] => Some(Distinct::All),
                [n, "day" | "days"] => n
                    .parse()
                    .ok()
                    .filter(|n| (1..=3660).contains(n))
                    .map(Distinct::Days),
                _ => None,
            };
            if found.is_none() {
                self.error(
                    code::M0801,
                    d.span.clone(),
                    format!(
                        "{}.{}: `distinct` is `parent`, `N days` or `all`",
                        self.sim, name.text
                    ),
                    None,
                );
            }
            found.map(|f| (f, d.span.clone()))
        });
        Some(Value::Pick(Pick {
            table: Name {
                text: table.to_string(),
                span: start..start + table.len(),
            },
            column: Name {
                text: column.to_string(),
                span: start + table.len() + 1..start + text.len(),
            },
            filter: node.get("where").and_then(|n| self.src(n, "where")),
            weight: node.get("weight").and_then(|n| self.src(n, "weight")),
            distinct,
        }))
    }

    /// A value in `let:`: an expression, or a mapping with weights, rules or a format.
    pub(super) fn let_value(&mut self, node: &Node, name: &Name) -> Option<Value> {
        if !node.is_map() {
            return self.src(node, &name.text).map(Value::Expr);
        }
        let cut = self.keys(node, &VALUE, &name.text);
        let given: Vec<&str> = VALUE
            .into_iter()
            .filter(|k| *k != "by" && node.get(k).is_some())
            .collect();
        let [kind] = given.as_slice() else {
            self.error(
                code::M0801,
                node.span.clone(),
                format!(
                    "{}.{}: give one of expr, weights, when, format",
                    self.sim, name.text
                ),
                None,
            );
            return None;
        };
        if cut {
            None
        } else {
            self.kind(kind, node, name, None)
        }
    }

    /// A value in `row:`: as in `let:`, but a mapping is a JSON object of expressions.
    pub(super) fn row_value(&mut self, node: &Node, name: &Name) -> Option<Value> {
        if !node.is_map() {
            return self.src(node, &name.text).map(Value::Expr);
        }
        let mut entries = Vec::new();
        for (k, v) in node.entries().to_vec() {
            let text = k.scalar_text()?;
            if v.is_null() && text.contains(')') {
                self.keys(node, &[], &name.text);
                return Some(Value::Broken);
            }
            let key = Name {
                text,
                span: k.span.clone(),
            };
            let value = self.row_value(&v, &key)?;
            entries.push((key, value));
        }
        Some(Value::Object(entries))
    }
}
