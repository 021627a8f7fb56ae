//! A column as templates see it (`adapter.get_columns_in_relation`, `api.Column`).
use super::args::Args;
use crate::jinja::python;
use minijinja::value::{DynObject, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A column of a relation or query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "dbt's own names")]
pub struct Column {
    pub name: String,
    pub dtype: String,
    pub char_size: Option<i64>,
    pub numeric_precision: Option<i64>,
    pub numeric_scale: Option<i64>,
}

impl Column {
    /// A column of a type without size.
    pub fn plain(name: &str, dtype: &str) -> Self {
        Self {
            name: name.into(),
            dtype: dtype.into(),
            char_size: None,
            numeric_precision: None,
            numeric_scale: None,
        }
    }

    fn is_string(&self) -> bool {
        matches!(
            self.dtype.to_lowercase().as_str(),
            "text" | "character varying" | "character" | "varchar"
        )
    }

    fn is_integer(&self) -> bool {
        matches!(
            self.dtype.to_lowercase().as_str(),
            "smallint"
                | "integer"
                | "bigint"
                | "smallserial"
                | "serial"
                | "bigserial"
                | "int2"
                | "int4"
                | "int8"
                | "serial2"
                | "serial4"
                | "serial8"
        )
    }

    fn is_numeric(&self) -> bool {
        matches!(self.dtype.to_lowercase().as_str(), "numeric" | "decimal")
    }

    fn is_float(&self) -> bool {
        matches!(
            self.dtype.to_lowercase().as_str(),
            "real" | "float4" | "float" | "double precision" | "float8"
        )
    }

    fn string_size(&self) -> i64 {
        if self.dtype == "text" {
            256
        } else {
            self.char_size.unwrap_or(256)
        }
    }

    /// The type with its size, as it goes into DDL.
    pub fn data_type(&self) -> String {
        if self.is_string() && self.dtype != "text" && self.char_size.is_some() {
            return format!("character varying({})", self.string_size());
        }
        if self.is_numeric()
            && let (Some(p), Some(s)) = (self.numeric_precision, self.numeric_scale)
        {
            return format!("{}({p},{s})", self.dtype);
        }
        self.dtype.clone()
    }

    /// Whether a text column could be widened to hold another's values.
    pub fn can_expand_to(&self, other: &Self) -> bool {
        self.is_string() && other.is_string() && other.string_size() > self.string_size()
    }

    /// As a template value.
    pub fn value(self) -> Value {
        Value::from_object(self)
    }

    fn described(&self) -> String {
        let number = |n: Option<i64>| n.map_or("None".to_string(), |n| n.to_string());
        format!(
            "PostgresColumn(column='{}', dtype='{}', char_size={}, numeric_precision={}, numeric_scale={})",
            self.name,
            self.dtype,
            number(self.char_size),
            number(self.numeric_precision),
            number(self.numeric_scale)
        )
    }
}

fn number(n: Option<i64>) -> Value {
    n.map_or_else(|| Value::from(()), Value::from)
}

/// Methods of columns: what `column.name is defined` is asked of.
pub(super) const METHODS: &[&str] = &[
    "can_expand_to",
    "is_float",
    "is_integer",
    "is_number",
    "is_numeric",
    "is_string",
    "literal",
    "string_size",
];

impl Object for Column {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "name" | "column" => Value::from(self.name.as_str()),
            "dtype" => Value::from(self.dtype.as_str()),
            "char_size" => number(self.char_size),
            "numeric_precision" => number(self.numeric_precision),
            "numeric_scale" => number(self.numeric_scale),
            "quoted" => Value::from(format!("\"{}\"", self.name)),
            "data_type" | "expanded_data_type" => Value::from(self.data_type()),
            "__callable__" => Value::from(false),
            name if METHODS.contains(&name) || CLASS_METHODS.contains(&name) => {
                python::Bound::value(Value::from_dyn_object(self.clone()), name)
            }
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        Ok(match name {
            "is_string" => Value::from(self.is_string()),
            "is_number" => Value::from(self.is_integer() || self.is_numeric() || self.is_float()),
            "is_integer" => Value::from(self.is_integer()),
            "is_numeric" => Value::from(self.is_numeric()),
            "is_float" => Value::from(self.is_float()),
            "string_size" => {
                if !self.is_string() {
                    return Err(Error::new(
                        ErrorKind::InvalidOperation,
                        "Called string_size() on non-string field!",
                    ));
                }
                Value::from(self.string_size())
            }
            "can_expand_to" => {
                let other = args.required(0, "other_column")?;
                Value::from(
                    other
                        .downcast_object_ref::<Self>()
                        .is_some_and(|o| self.can_expand_to(o)),
                )
            }
            "literal" => Value::from(format!(
                "{}::{}",
                python::str_of(&args.required(0, "value")?),
                self.data_type()
            )),
            _ => return static_method(name, &args),
        })
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        other.downcast_ref::<Self>().map(|o| (**self).cmp(o))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.described())
    }
}

/// Methods of the class, which templates also ask for without calling them.
pub(super) const CLASS_METHODS: &[&str] = &[
    "create",
    "translate_type",
    "string_type",
    "numeric_type",
    "from_description",
];

/// Calls on the class: `api.Column.create(...)`.
pub fn static_method(name: &str, args: &Args) -> Result<Value, Error> {
    Ok(match name {
        "create" => {
            let (name, kind) = (
                args.required_text(0, "name")?,
                args.required_text(1, "label_or_dtype")?,
            );
            Column::plain(&name, &translate(&kind)).value()
        }
        "translate_type" => Value::from(translate(&args.required_text(0, "dtype")?)),
        "string_type" => Value::from(format!(
            "character varying({})",
            args.required_text(0, "size")?
        )),
        "numeric_type" => {
            let dtype = args.required_text(0, "dtype")?;
            match (args.text(1, "precision"), args.text(2, "scale")) {
                (Some(p), Some(s)) => Value::from(format!("{dtype}({p},{s})")),
                _ => Value::from(dtype),
            }
        }
        "from_description" => from_description(
            &args.required_text(0, "name")?,
            &args.required_text(1, "raw_data_type")?,
        )?
        .value(),
        _ => return Err(python::error::no_method("PostgresColumn", name)),
    })
}

/// dbt translates one word only.
pub fn translate(kind: &str) -> String {
    if kind.eq_ignore_ascii_case("string") {
        "TEXT".into()
    } else {
        kind.to_string()
    }
}

fn from_description(name: &str, raw: &str) -> Result<Column, Error> {
    let (base, rest) = raw
        .split_once('(')
        .map_or((raw, None), |(b, r)| (b, r.strip_suffix(')')));
    let mut column = Column::plain(name, base.trim());
    let sizes: Vec<i64> = rest
        .unwrap_or_default()
        .split(',')
        .filter_map(|s| s.trim().parse().ok())
        .collect();
    if rest.is_some() && sizes.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("Could not interpret data type \"{raw}\""),
        ));
    }
    match sizes[..] {
        [size] => column.char_size = Some(size),
        [p, s] => (column.numeric_precision, column.numeric_scale) = (Some(p), Some(s)),
        _ => {}
    }
    Ok(column)
}

/// The class as a value: `api.Column`.
#[derive(Debug)]
pub struct ColumnClass;

impl Object for ColumnClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str().filter(|name| CLASS_METHODS.contains(name))?;
        Some(python::Bound::value(
            Value::from_dyn_object(self.clone()),
            name,
        ))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        static_method(name, &Args::new(args)?)
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let args = Args::new(args)?;
        let int = |i, n| args.get(i, n).and_then(|v| v.as_i64());
        Ok(Column {
            name: args.required_text(0, "column")?,
            dtype: args.required_text(1, "dtype")?,
            char_size: int(2, "char_size"),
            numeric_precision: int(3, "numeric_precision"),
            numeric_scale: int(4, "numeric_scale"),
        }
        .value())
    }
}
