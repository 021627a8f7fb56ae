//! Rows and columns of tables as templates see them.
use super::{Column, Row, Table};
use crate::context::args::Args;
use crate::context::data_type::DataType;
use crate::jinja::python::{self, Dict, List};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// The item that a key means: its place, counted from the end where negative, or its name.
fn named(items: &[Value], names: &[String], key: &Value) -> Option<Value> {
    let at = match key.as_i64() {
        Some(i) if i < 0 => usize::try_from(i + items.len() as i64).ok()?,
        Some(i) => usize::try_from(i).ok()?,
        None => {
            let name = key.as_str()?;
            names.iter().position(|n| n == name)?
        }
    };
    items.get(at).cloned()
}

/// The names as templates see them.
fn texts(names: &[String]) -> impl Iterator<Item = Value> {
    names.iter().map(|n| Value::from(n.as_str()))
}

/// Names with their items, as Python's `items()` gives them.
fn pairs(names: &[String], items: &[Value]) -> Value {
    let pairs = texts(names).zip(items);
    List::value(
        pairs
            .map(|(k, v)| python::tuple(vec![k, v.clone()]))
            .collect(),
    )
}

impl Object for Row {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.cells.len())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        named(&self.cells, &self.names, key)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        Ok(match name {
            "values" => python::tuple(self.cells.clone()),
            "keys" => python::tuple(texts(&self.names).collect()),
            "items" => pairs(&self.names, &self.cells),
            "dict" => Dict::value(texts(&self.names).zip(self.cells.iter().cloned()).collect()),
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
pub(super) struct SeedRowList(pub(super) Arc<Table>);

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
pub(super) struct Keyed {
    pub(super) items: Vec<Value>,
    pub(super) keys: Vec<String>,
}

impl Object for Keyed {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        named(&self.items, &self.keys, key)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        Ok(match name {
            "values" => python::tuple(self.items.clone()),
            "keys" => python::tuple(texts(&self.keys).collect()),
            "items" => pairs(&self.keys, &self.items),
            "get" => self
                .get_value(&args.required(0, "key")?)
                .or(args.get(1, "default"))
                .unwrap_or_else(|| Value::from(())),
            _ => return Err(python::error::no_method("MappedSequence", name)),
        })
    }
}
