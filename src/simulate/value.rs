//! Values and their static types.
//!
//! The checker knows the type of every expression, so a value carries none: 64 bits, or nothing for null. Text and
//! JSON are handles: either into a held table or the constants, or into the arena of the row being made.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A value: its bits, or null.
pub type Val = Option<u64>;

/// Index of a table (a simulation, seed, source or model) in the model.
pub type TableId = usize;

/// Set in handles of text and JSON that live in the frame's arena: bits 32..63 length, 0..32 start.
pub const IN_ARENA: u64 = 1 << 63;

/// A float as a value.
#[inline]
pub fn float(x: f64) -> Val {
    Some(x.to_bits())
}

/// A whole number as a value.
#[inline]
pub fn int(x: i64) -> Val {
    Some(x as u64)
}

/// A truth value.
#[inline]
pub fn boolean(x: bool) -> Val {
    Some(u64::from(x))
}

/// The float in some bits.
#[inline]
pub fn as_float(bits: u64) -> f64 {
    f64::from_bits(bits)
}

/// The static type of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Only `null` itself: fits everywhere.
    Null,
    /// True or false.
    Bool,
    /// 64-bit whole number.
    Int,
    /// Double precision.
    Float,
    /// Text.
    Text,
    /// Days since 2000-01-01.
    Date,
    /// Microseconds since 2000-01-01 00:00, no zone.
    Timestamp,
    /// Microseconds.
    Interval,
    /// JSON, with what is known of its form.
    Json(Arc<Shape>),
    /// A row of a table.
    Record(TableId),
}

impl Type {
    /// JSON of unknown form.
    pub fn any_json() -> Self {
        Self::Json(Arc::new(Shape::Any))
    }

    /// The type both can become, if there is one.
    pub fn join(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (a, b) if a == b => a.clone(),
            (Self::Null, t) | (t, Self::Null) => t.clone(),
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            (Self::Date, Self::Timestamp) | (Self::Timestamp, Self::Date) => Self::Timestamp,
            (Self::Json(a), Self::Json(b)) => Self::Json(Arc::new(a.join(b))),
            (Self::Json(s), t @ (Self::Int | Self::Float))
            | (t @ (Self::Int | Self::Float), Self::Json(s)) => match **s {
                Shape::Any | Shape::Number => Self::Float,
                _ => return t.eq(&Self::Null).then_some(Self::Float),
            },
            _ => return None,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Int => "an integer",
            Self::Float => "a number",
            Self::Text => "text",
            Self::Date => "a date",
            Self::Timestamp => "a timestamp",
            Self::Interval => "an interval",
            Self::Json(_) => "JSON",
            Self::Record(_) => "a row",
        })
    }
}

/// What is known about the form of JSON values, from the rows of a seed.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Nothing.
    Any,
    /// Only null was seen.
    Null,
    /// True or false.
    Bool,
    /// Numbers.
    Number,
    /// Text.
    Text,
    /// Lists.
    List(Arc<Shape>),
    /// Objects; a key that some rows lack is still here.
    Object(BTreeMap<String, Arc<Shape>>),
}

impl Shape {
    /// The form of one value.
    pub fn of(value: &serde_json::Value) -> Self {
        use serde_json::Value as J;
        match value {
            J::Null => Self::Null,
            J::Bool(_) => Self::Bool,
            J::Number(_) => Self::Number,
            J::String(_) => Self::Text,
            J::Array(items) => Self::List(Arc::new(
                items
                    .iter()
                    .map(Self::of)
                    .reduce(|a, b| a.join(&b))
                    .unwrap_or(Self::Null),
            )),
            J::Object(entries) => Self::Object(
                entries
                    .iter()
                    .map(|(k, v)| (k.clone(), Arc::new(Self::of(v))))
                    .collect(),
            ),
        }
    }

    /// The form that covers both.
    pub fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a.clone(),
            (Self::Null, s) | (s, Self::Null) => s.clone(),
            (Self::List(a), Self::List(b)) => Self::List(Arc::new(a.join(b))),
            (Self::Object(a), Self::Object(b)) => {
                let mut all = a.clone();
                for (key, shape) in b {
                    let joined = all
                        .get(key)
                        .map_or_else(|| shape.clone(), |s| Arc::new(s.join(shape)));
                    all.insert(key.clone(), joined);
                }
                Self::Object(all)
            }
            _ => Self::Any,
        }
    }

    /// Whether every row has a list of `{start, end, weight}`.
    pub fn is_windows(&self) -> bool {
        match self {
            Self::Any | Self::Null => true,
            Self::List(item) => match &**item {
                Self::Object(keys) => keys.contains_key("start") && keys.contains_key("end"),
                Self::Null | Self::Any => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether it may be an object of numbers only.
    pub fn is_weights(&self) -> bool {
        match self {
            Self::Any | Self::Null => true,
            Self::Object(keys) => keys
                .values()
                .all(|s| matches!(**s, Self::Number | Self::Null | Self::Any)),
            _ => false,
        }
    }

    /// Whether it may be `{mean, std, min, max}`.
    pub fn is_distribution(&self) -> bool {
        match self {
            Self::Any | Self::Null => true,
            Self::Object(keys) => keys.contains_key("mean") && self.is_weights(),
            _ => false,
        }
    }
}

/// A column's type in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlType {
    /// 2 bytes.
    SmallInt,
    /// 4 bytes.
    Integer,
    /// 8 bytes.
    BigInt,
    /// 4-byte float.
    Real,
    /// 8-byte float.
    Double,
    /// Exact decimal with this many digits after the point.
    Numeric(u8, u8),
    /// Text.
    Text,
    /// Text of at most so many characters.
    Varchar(u32),
    /// True or false.
    Boolean,
    /// A date.
    Date,
    /// A timestamp without zone.
    Timestamp,
    /// An interval.
    Interval,
    /// JSON as text.
    Json,
    /// JSON, parsed.
    Jsonb,
}

impl SqlType {
    /// Names accepted in files, for suggestions.
    pub const NAMES: [&'static str; 14] = [
        "bigint",
        "integer",
        "smallint",
        "double precision",
        "real",
        "numeric",
        "text",
        "varchar",
        "boolean",
        "date",
        "timestamp",
        "interval",
        "jsonb",
        "json",
    ];

    /// Reads a type name as PostgreSQL spells it, with the usual aliases.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        Some(match name.as_str() {
            "smallint" | "int2" => Self::SmallInt,
            "integer" | "int" | "int4" => Self::Integer,
            "bigint" | "int8" => Self::BigInt,
            "real" | "float4" => Self::Real,
            "double precision" | "float8" | "float" | "double" => Self::Double,
            "text" | "varchar" | "character varying" | "string" => Self::Text,
            "boolean" | "bool" => Self::Boolean,
            "date" => Self::Date,
            "timestamp" | "timestamp without time zone" => Self::Timestamp,
            "interval" => Self::Interval,
            "json" => Self::Json,
            "jsonb" => Self::Jsonb,
            "numeric" | "decimal" => Self::Numeric(18, 4),
            other => {
                let length = other
                    .strip_prefix("varchar(")
                    .or_else(|| other.strip_prefix("character varying("));
                if let Some(length) = length {
                    let n = length.strip_suffix(')')?.trim().parse().ok()?;
                    return (1..=10_485_760).contains(&n).then_some(Self::Varchar(n));
                }
                let inside = other
                    .strip_prefix("numeric(")
                    .or_else(|| other.strip_prefix("decimal("))?;
                let (p, s) = inside.strip_suffix(')')?.split_once(',')?;
                let (p, s): (u8, u8) = (p.trim().parse().ok()?, s.trim().parse().ok()?);
                if p == 0 || p > 18 || s > p {
                    return None;
                }
                Self::Numeric(p, s)
            }
        })
    }

    /// The static type of its values in expressions.
    pub fn value_type(self) -> Type {
        match self {
            Self::SmallInt | Self::Integer | Self::BigInt => Type::Int,
            Self::Real | Self::Double | Self::Numeric(..) => Type::Float,
            Self::Text | Self::Varchar(_) => Type::Text,
            Self::Boolean => Type::Bool,
            Self::Date => Type::Date,
            Self::Timestamp => Type::Timestamp,
            Self::Interval => Type::Interval,
            Self::Json | Self::Jsonb => Type::any_json(),
        }
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SmallInt => "smallint",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Real => "real",
            Self::Double => "double precision",
            Self::Numeric(p, s) => return write!(f, "numeric({p},{s})"),
            Self::Text => "text",
            Self::Varchar(n) => return write!(f, "varchar({n})"),
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Interval => "interval",
            Self::Json => "json",
            Self::Jsonb => "jsonb",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_join_only_where_nothing_is_lost() {
        assert_eq!(Type::Int.join(&Type::Float), Some(Type::Float));
        assert_eq!(Type::Null.join(&Type::Date), Some(Type::Date));
        assert_eq!(Type::Text.join(&Type::Int), None);
        assert_eq!(Type::Date.join(&Type::Timestamp), Some(Type::Timestamp));
    }

    #[test]
    fn sql_types_are_read_with_their_aliases() {
        assert_eq!(SqlType::parse("INT8"), Some(SqlType::BigInt));
        assert_eq!(
            SqlType::parse("numeric(10, 2)"),
            Some(SqlType::Numeric(10, 2))
        );
        assert_eq!(SqlType::parse("numeric(30,2)"), None);
        assert_eq!(SqlType::parse("biginteger"), None);
        for name in SqlType::NAMES {
            assert!(SqlType::parse(name).is_some(), "{name}");
        }
    }

    #[test]
    fn shapes_remember_what_every_row_has() {
        let a = Shape::of(&serde_json::json!({"mean": 1, "std": 2}));
        let b = Shape::of(&serde_json::json!({"mean": 1.5, "min": 0}));
        assert!(a.join(&b).is_distribution());
        assert!(!Shape::of(&serde_json::json!({"TV": "x"})).is_weights());
        assert!(Shape::of(&serde_json::json!([{"start": "07:00", "end": "08:00"}])).is_windows());
    }
}
