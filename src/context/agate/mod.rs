//! Result tables as templates see them: the part of agate's `Table`, `Row` and `Column` that projects use.
mod draw;
mod rows;

use super::args::Args;
use super::data_type::DataType;
use crate::jinja::python;
use crate::pg::{PgError, Table as PgTable};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use rows::{Keyed, SeedRowList};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A result table.
#[derive(Clone, Default)]
pub struct Table {
    names: Arc<Vec<String>>,
    types: Vec<String>,
    rows: OnceLock<Vec<Arc<Row>>>,
    seed: Option<Arc<dyn SeedRows>>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// The rows of a seed, which stay in their file until a template asks for them.
pub trait SeedRows: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;
    /// All of them, in memory.
    fn rows(&self) -> Vec<Vec<Value>>;
    /// Whether the server would read them from a COPY as it does from INSERTs.
    fn can_copy(&self) -> bool;
    /// Sends them in COPY's text format.
    ///
    /// # Errors
    /// What `send` says, or that the file cannot be read again.
    fn copy(&self, send: &mut dyn FnMut(&[u8]) -> Result<(), PgError>) -> Result<(), PgError>;
    /// Where a row stands, counted from 1: file and line.
    fn place(&self, row: usize) -> Option<String>;
}

/// A row of a result table.
#[derive(Debug)]
pub struct Row {
    names: Arc<Vec<String>>,
    /// Values in column order.
    pub cells: Vec<Value>,
}

/// A column of a result table.
#[derive(Debug)]
struct Column {
    name: String,
    kind: String,
    index: usize,
    cells: Vec<Value>,
}

impl Table {
    /// A table of names and rows.
    pub fn new(names: Vec<String>, rows: Vec<Vec<Value>>) -> Self {
        let names = Arc::new(distinct(names));
        let rows: Vec<Arc<Row>> = rows
            .into_iter()
            .map(|cells| {
                Arc::new(Row {
                    names: names.clone(),
                    cells,
                })
            })
            .collect();
        Self {
            types: vec!["Text".into(); names.len()],
            names,
            rows: OnceLock::from(rows),
            seed: None,
        }
    }

    /// The table of a seed file.
    pub fn of_seed(names: Vec<String>, types: Vec<String>, seed: Arc<dyn SeedRows>) -> Self {
        Self {
            types,
            names: Arc::new(names),
            rows: OnceLock::new(),
            seed: Some(seed),
        }
    }

    /// The file behind the table of a seed.
    pub fn seed(&self) -> Option<&Arc<dyn SeedRows>> {
        self.seed.as_ref()
    }

    /// How many rows there are, without reading them.
    fn count(&self) -> usize {
        match (self.rows.get(), &self.seed) {
            (Some(rows), _) => rows.len(),
            (None, Some(seed)) => seed.count(),
            (None, None) => 0,
        }
    }

    /// A table whose column types are known by agate's names.
    pub fn with_types(names: Vec<String>, types: Vec<String>, rows: Vec<Vec<Value>>) -> Self {
        Self {
            types,
            ..Self::new(names, rows)
        }
    }

    /// Of a query's result.
    pub fn of_result(table: &PgTable) -> Self {
        let names = table.columns.iter().map(|c| c.name.clone()).collect();
        let rows = table
            .rows
            .iter()
            .map(|r| r.iter().map(super::values::cell).collect())
            .collect();
        let mut out = Self::new(names, rows);
        out.types = (table.columns.iter().enumerate())
            .map(|(i, c)| {
                // Types are guessed from values, and the first guess is an integer.
                if out.rows().iter().all(|r| r.cells[i].is_none()) {
                    return "Integer".into();
                }
                match c.driver_type().as_str() {
                    "INTEGER" | "LONGINTEGER" | "ROWID" => "Integer",
                    "FLOAT" | "DECIMAL" => "Number",
                    "BOOLEAN" | "BOOL" => "Boolean",
                    "DATE" => "Date",
                    "DATETIME" | "DATETIMETZ" => "DateTime",
                    _ => "Text",
                }
                .to_string()
            })
            .collect();
        out
    }

    /// As a template value.
    pub fn value(self) -> Value {
        Value::from_object(self)
    }

    /// Column names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// agate's names of the column types.
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// Rows.
    pub fn rows(&self) -> &[Arc<Row>] {
        self.rows.get_or_init(|| {
            let rows = self.seed.as_ref().map(|s| s.rows()).unwrap_or_default();
            let row = |cells| {
                Arc::new(Row {
                    names: self.names.clone(),
                    cells,
                })
            };
            rows.into_iter().map(row).collect()
        })
    }

    fn row_values(&self) -> Vec<Value> {
        self.rows()
            .iter()
            .map(|r| Value::from_dyn_object(r.clone()))
            .collect()
    }

    fn column(&self, index: usize) -> Value {
        Value::from_object(Column {
            name: self.names[index].clone(),
            kind: self.types.get(index).cloned().unwrap_or_default(),
            index,
            cells: self
                .rows()
                .iter()
                .map(|r| r.cells.get(index).cloned().unwrap_or_default())
                .collect(),
        })
    }

    fn with_rows(&self, rows: Vec<Arc<Row>>) -> Self {
        Self {
            names: self.names.clone(),
            types: self.types.clone(),
            rows: OnceLock::from(rows),
            seed: None,
        }
    }

    fn project(&self, keep: &[usize]) -> Self {
        let rows = self
            .rows()
            .iter()
            .map(|r| keep.iter().map(|i| r.cells[*i].clone()).collect())
            .collect();
        let mut out = Self::new(keep.iter().map(|i| self.names[*i].clone()).collect(), rows);
        out.types = keep.iter().map(|i| self.types[*i].clone()).collect();
        out
    }

    fn indices(&self, names: &Value) -> Result<Vec<usize>, Error> {
        let list = if names.as_str().is_some() {
            vec![names.clone()]
        } else {
            python::iterate(names)?
        };
        list.iter()
            .map(|n| {
                let name = python::str_of(n);
                self.names
                    .iter()
                    .position(|x| *x == name)
                    .ok_or_else(|| python::error::key_error(format!("'{name}'")))
            })
            .collect()
    }
}

/// agate renames second columns of a name to `name_2`, `name_3`.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let mut candidate = name.clone();
        let mut n = 2;
        while out.contains(&candidate) {
            candidate = format!("{name}_{n}");
            n += 1;
        }
        out.push(candidate);
    }
    out
}

impl Object for Table {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.row_values())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(i) = key.as_i64() {
            let i = if i < 0 {
                i + self.rows().len() as i64
            } else {
                i
            };
            return self
                .rows()
                .get(usize::try_from(i).ok()?)
                .map(|r| Value::from_dyn_object(r.clone()));
        }
        Some(match key.as_str()? {
            "__str__" => Value::from(self.structure()),
            "rows" if self.rows.get().is_none() => Value::from_object(SeedRowList(self.clone())),
            "rows" => Value::from_object(Keyed {
                items: self.row_values(),
                keys: Vec::new(),
            }),
            "columns" => {
                let items = (0..self.names.len()).map(|i| self.column(i)).collect();
                Value::from_object(Keyed {
                    items,
                    keys: self.names.to_vec(),
                })
            }
            "column_names" => {
                python::tuple(self.names.iter().map(|n| Value::from(n.as_str())).collect())
            }
            "column_types" => {
                python::tuple(self.types.iter().map(|n| DataType::value(n)).collect())
            }
            "row_names" => Value::from(()),
            _ => return None,
        })
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        let all = |n: usize| (0..n).collect::<Vec<_>>();
        Ok(match name {
            "print_table" | "print_csv" | "print_json" => {
                let text = if name == "print_json" {
                    self.to_json().to_string()
                } else {
                    self.drawn(20, 6, 20)
                };
                super::say(state, &text);
                Value::from(())
            }
            "to_json" => Value::from(self.to_json().to_string()),
            "select" => self
                .project(&self.indices(&args.required(0, "key")?)?)
                .value(),
            "exclude" => {
                let gone = self.indices(&args.required(0, "key")?)?;
                let keep: Vec<usize> = all(self.names.len())
                    .into_iter()
                    .filter(|i| !gone.contains(i))
                    .collect();
                self.project(&keep).value()
            }
            "limit" => {
                let n = |i, k| args.get(i, k).and_then(|v: Value| v.as_usize());
                let (start, stop) = match (n(0, "start_or_stop"), n(1, "stop")) {
                    (Some(a), Some(b)) => (a, b),
                    (Some(a), None) => (0, a),
                    _ => (0, self.rows().len()),
                };
                let stop = stop.min(self.rows().len());
                self.with_rows(self.rows()[start.min(stop)..stop].to_vec())
                    .value()
            }
            "where" => {
                let test = args.required(0, "test")?;
                let mut rows = Vec::new();
                for r in self.rows() {
                    if test
                        .call(state, &[Value::from_dyn_object(r.clone())])?
                        .is_true()
                    {
                        rows.push(r.clone());
                    }
                }
                self.with_rows(rows).value()
            }
            "order_by" => {
                let keys = self.indices(&args.required(0, "key")?)?;
                let mut rows = self.rows().to_vec();
                rows.sort_by(|a, b| {
                    keys.iter()
                        .map(|i| a.cells[*i].cmp(&b.cells[*i]))
                        .find(|o| o.is_ne())
                        .unwrap_or(std::cmp::Ordering::Equal)
                });
                if args.flag(1, "reverse", false) {
                    rows.reverse();
                }
                self.with_rows(rows).value()
            }
            "rename" => self.rename(&args)?.value(),
            "distinct" => {
                let keys = match args.get(0, "key") {
                    Some(k) if !k.is_none() => self.indices(&k)?,
                    _ => all(self.names.len()),
                };
                let mut seen: Vec<Vec<Value>> = Vec::new();
                let mut rows = Vec::new();
                for r in self.rows() {
                    let key: Vec<Value> = keys.iter().map(|i| r.cells[*i].clone()).collect();
                    if !seen.contains(&key) {
                        seen.push(key);
                        rows.push(r.clone());
                    }
                }
                self.with_rows(rows).value()
            }
            _ => return Err(python::error::no_method("Table", name)),
        })
    }
}

impl Table {
    /// The table as text: agate prints its structure, not its rows.
    fn structure(&self) -> String {
        let width = |title: &str, cells: &[String]| {
            let cells = cells.iter().map(|c| c.chars().count());
            cells.chain([title.len()]).max().unwrap_or_default()
        };
        let (a, b) = (
            width("column", &self.names),
            width("data_type", &self.types),
        );
        let mut out = format!("| {:a$} | {:b$} |\n", "column", "data_type");
        out.push_str(&format!("| {:-<a$} | {:-<b$} |\n", "", ""));
        for (name, kind) in self.names.iter().zip(&self.types) {
            out.push_str(&format!("| {name:a$} | {kind:b$} |\n"));
        }
        out
    }

    fn rename(&self, args: &Args) -> Result<Self, Error> {
        let Some(new) = args.get(0, "column_names").filter(|v| !v.is_none()) else {
            return Ok(self.clone());
        };
        let mut names = self.names.to_vec();
        if python::is_plain_map(&new) {
            for (old, new) in python::ops::pairs_of(&new)? {
                if let Some(n) = names.iter_mut().find(|n| Some(n.as_str()) == old.as_str()) {
                    *n = python::str_of(&new);
                }
            }
        } else {
            names = python::iterate(&new)?.iter().map(python::str_of).collect();
        }
        let mut out = Self::new(names, self.rows().iter().map(|r| r.cells.clone()).collect());
        out.types = self.types.clone();
        Ok(out)
    }
}
