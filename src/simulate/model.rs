//! The tables that simulations know: each other, and the host's seeds, sources and models.

use super::calendar;
use super::host::{Host, TableKind};
use super::spec::{Spec, Value};
use super::value::{Shape, SqlType, TableId, Type};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is known of a table before anything runs.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its columns, hidden ones too.
    pub columns: Vec<TableColumn>,
    /// Sets of columns whose values are unique.
    pub keys: Vec<Vec<usize>>,
}

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A simulation of this project; its index is the table's id.
    Simulation,
    /// A table of the host.
    Host(TableKind),
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type in expressions.
    pub ty: Type,
    /// Its type in PostgreSQL, where known.
    pub sql: Option<SqlType>,
}

/// All tables by id: simulations first, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The tables.
    pub tables: Vec<Table>,
    /// Ids by name.
    pub by_name: HashMap<String, TableId>,
    /// Names beyond the first of seeds whose rows could not be read, with the reason.
    pub unreadable: BTreeMap<String, String>,
}

impl Model {
    /// From the simulations and what the host has.
    pub fn new(specs: &[Arc<Spec>], host: &dyn Host) -> Self {
        let mut model = Self::default();
        for spec in specs {
            model.add(simulation_table(spec));
        }
        for table in host.tables() {
            if model.by_name.contains_key(&table.name) {
                continue;
            }
            let mut columns: Vec<TableColumn> = Vec::new();
            // Only the rows of seeds are there before anything runs.
            let rows = if table.kind == TableKind::Seed {
                host.table_rows(&table.name).unwrap_or_else(|e| {
                    model.unreadable.insert(table.name.clone(), e.to_string());
                    Vec::new()
                })
            } else {
                Vec::new()
            };
            for (name, declared) in &table.columns {
                columns.push(host_column(name, declared.as_deref(), &rows));
            }
            let mut keys: Vec<Vec<usize>> = table
                .keys
                .iter()
                .filter_map(|k| k.iter().map(|c| position(&columns, c)).collect())
                .collect();
            if keys.is_empty() && !columns.is_empty() {
                // Unless the host knows better, the first column is the key.
                keys.push(vec![0]);
            }
            model.add(Table {
                name: table.name.clone(),
                kind: Kind::Host(table.kind),
                keys,
                columns,
            });
        }
        model
    }

    fn add(&mut self, table: Table) {
        self.by_name
            .entry(table.name.clone())
            .or_insert(self.tables.len());
        self.tables.push(table);
    }

    /// The id of a table.
    pub fn find(&self, name: &str) -> Option<TableId> {
        self.by_name.get(name).copied()
    }

    /// Every name, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|t| t.name.as_str())
    }

    /// What a person calls the table: "the seed `x`".
    pub fn describe(&self, id: TableId) -> String {
        let table = &self.tables[id];
        let kind = match table.kind {
            Kind::Simulation => "simulation",
            Kind::Host(TableKind::Seed) => "seed",
            Kind::Host(TableKind::Source) => "source",
            Kind::Host(TableKind::Model) => "model",
        };
        format!("the {kind} `{}`", table.name)
    }
}

fn position(columns: &[TableColumn], name: &str) -> Option<usize> {
    columns.iter().position(|c| c.name == name)
}

fn simulation_table(spec: &Spec) -> Table {
    let columns: Vec<TableColumn> = spec
        .columns
        .iter()
        .map(|c| TableColumn {
            name: c.name.text.clone(),
            ty: c.sql.value_type(),
            sql: Some(c.sql),
        })
        .collect();
    let mut keys: Vec<Vec<usize>> = Vec::new();
    for (i, column) in spec.columns.iter().enumerate() {
        let unique = matches!(
            column.value,
            Value::Sequence | Value::Packed(..) | Value::Code(..)
        );
        if column.primary_key || unique {
            keys.push(vec![i]);
        }
    }
    for set in &spec.unique {
        if let Some(key) = set.iter().map(|n| position(&columns, &n.text)).collect() {
            keys.push(key);
        }
    }
    Table {
        name: spec.name.text.clone(),
        kind: Kind::Simulation,
        columns,
        keys,
    }
}

/// A host's column: its declared type, or the type that all its values have.
fn host_column(
    name: &str,
    declared: Option<&str>,
    rows: &[indexmap::IndexMap<String, Json>],
) -> TableColumn {
    let values = || {
        rows.iter()
            .filter_map(|r| r.get(name))
            .filter(|v| !v.is_null())
    };
    let sql = declared
        .and_then(SqlType::parse)
        .or_else(|| infer(values()));
    let ty = match sql {
        Some(SqlType::Json | SqlType::Jsonb) => {
            let shape = values()
                .map(|v| Shape::of(&parsed(v)))
                .reduce(|a, b| a.join(&b))
                .unwrap_or(Shape::Any);
            Type::Json(Arc::new(shape))
        }
        Some(sql) => sql.value_type(),
        None => Type::Text,
    };
    TableColumn {
        name: name.to_string(),
        ty,
        sql,
    }
}

/// A JSON column's value; CSV gives JSON as text.
pub fn parsed(value: &Json) -> Json {
    match value {
        Json::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

fn infer<'a>(values: impl Iterator<Item = &'a Json> + Clone) -> Option<SqlType> {
    let all =
        |test: &dyn Fn(&Json) -> bool| values.clone().next().is_some() && values.clone().all(test);
    let text = |test: &dyn Fn(&str) -> bool| all(&|v| v.as_str().is_some_and(test));
    Some(if all(&Json::is_i64) {
        SqlType::BigInt
    } else if all(&Json::is_number) {
        SqlType::Double
    } else if all(&Json::is_boolean) {
        SqlType::Boolean
    } else if values.clone().any(|v| v.is_object() || v.is_array()) {
        SqlType::Jsonb
    } else if text(&|t| calendar::parse_date(t).is_some()) {
        SqlType::Date
    } else if text(&|t| t.len() > 10 && calendar::parse_timestamp(t).is_some()) {
        SqlType::Timestamp
    } else if text(&|t| t.starts_with(['{', '[']) && serde_json::from_str::<Json>(t).is_ok()) {
        SqlType::Jsonb
    } else if values.clone().next().is_some() {
        SqlType::Text
    } else {
        return None;
    })
}
