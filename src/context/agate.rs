//! Result tables as templates see them: the part of agate's `Table`, `Row` and `Column` that projects use.
use super::args::Args;
use super::data_type::DataType;
use crate::jinja::python::{self, Dict, List};
use crate::pg::{PgError, Table as PgTable};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
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

impl Object for Row {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.cells.len())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(i) = key.as_i64() {
            let i = if i < 0 {
                i + self.cells.len() as i64
            } else {
                i
            };
            return self.cells.get(usize::try_from(i).ok()?).cloned();
        }
        let name = key.as_str()?;
        self.cells
            .get(self.names.iter().position(|n| n == name)?)
            .cloned()
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        let keys = || self.names.iter().map(|n| Value::from(n.as_str()));
        Ok(match name {
            "values" => python::tuple(self.cells.clone()),
            "keys" => python::tuple(keys().collect()),
            "items" => List::value(
                keys()
                    .zip(&self.cells)
                    .map(|(k, v)| python::tuple(vec![k, v.clone()]))
                    .collect(),
            ),
            "dict" => Dict::value(keys().zip(self.cells.iter().cloned()).collect()),
            "get" => self
                .get_value(&args.required(0, "key")?)
                .or(args.get(1, "default"))
                .unwrap_or_else(|| Value::from(())),
            _ => return Err(python::error::no_method("Row", name)),
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<String> = self.cells.iter().map(python::repr_of).collect();
        write!(f, "<agate.Row: ({})>", cells.join(", "))
    }
}

impl Object for Column {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.cells.len())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(i) = key.as_i64() {
            let i = if i < 0 {
                i + self.cells.len() as i64
            } else {
                i
            };
            return self.cells.get(usize::try_from(i).ok()?).cloned();
        }
        Some(match key.as_str()? {
            "name" => Value::from(self.name.as_str()),
            "index" => Value::from(self.index),
            "data_type" => DataType::value(&self.kind),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        let present = || self.cells.iter().filter(|c| !c.is_none()).cloned();
        Ok(match name {
            "values" => python::tuple(self.cells.clone()),
            "values_distinct" => {
                let mut out: Vec<Value> = Vec::new();
                self.cells
                    .iter()
                    .for_each(|c| crate::parse::push_new(&mut out, c.clone()));
                python::tuple(out)
            }
            "values_without_nulls" => python::tuple(present().collect()),
            "values_sorted" => {
                let mut out: Vec<Value> = self.cells.clone();
                out.sort();
                python::tuple(out)
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::UnknownMethod,
                    format!("'Column' object has no attribute '{name}'"),
                ));
            }
        })
    }
}

/// The rows of a seed that have not been read yet.
#[derive(Debug)]
struct SeedRowList(Arc<Table>);

impl Object for SeedRowList {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.count())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let i = key.as_i64()?;
        let i = if i < 0 { i + self.0.count() as i64 } else { i };
        let row = self.0.rows().get(usize::try_from(i).ok()?)?;
        Some(Value::from_dyn_object(row.clone()))
    }
}

/// A list whose items may also be asked for by name: `table.columns['id']`.
#[derive(Debug)]
struct Keyed {
    items: Vec<Value>,
    keys: Vec<String>,
}

impl Object for Keyed {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(i) = key.as_i64() {
            let i = if i < 0 {
                i + self.items.len() as i64
            } else {
                i
            };
            return self.items.get(usize::try_from(i).ok()?).cloned();
        }
        let name = key.as_str()?;
        self.items
            .get(self.keys.iter().position(|k| k == name)?)
            .cloned()
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        let keys = || self.keys.iter().map(|n| Value::from(n.as_str()));
        Ok(match name {
            "values" => python::tuple(self.items.clone()),
            "keys" => python::tuple(keys().collect()),
            "items" => List::value(
                keys()
                    .zip(&self.items)
                    .map(|(k, v)| python::tuple(vec![k, v.clone()]))
                    .collect(),
            ),
            "get" => self
                .get_value(&args.required(0, "key")?)
                .or(args.get(1, "default"))
                .unwrap_or_else(|| Value::from(())),
            _ => return Err(python::error::no_method("MappedSequence", name)),
        })
    }
}
