//! Python's objects as template values: mutable lists, dicts and sets with identity, tuples, strings, numbers, and
//! the operators, methods, `str` and `repr` of all of them, to the letter of CPython.
//!
//! In and out: `minijinja::Value`. It knows nothing of templates, macros or dbt.
pub mod arguments;
mod bound;
mod decimal;
mod dict;
pub mod error;
pub mod format;
pub mod json;
mod list;
pub mod literal;
mod methods;
pub mod ops;
mod percent;
mod range;
mod sequence;
mod set;
pub mod strings;
mod text;
mod undefined;
pub mod yaml;

pub use bound::Bound;
pub use decimal::Decimal;
pub use dict::Dict;
pub use list::List;
pub use methods::unknown_method;
pub use percent::percent;
pub use range::Range;
pub use sequence::{iterate, slice};
pub use set::Set;
pub use text::{is_plain_list, is_plain_map, quote, repr_of, str_of, type_name};
pub use undefined::{Absorbing, is_undefined};

use minijinja::value::{Tuple, Value};

/// A tuple as a template value.
pub fn tuple(items: Vec<Value>) -> Value {
    Value::from(Tuple::from(items))
}

/// A list literal made mutable; a list that is mutable already keeps its identity.
pub fn list_literal(value: &Value) -> Result<Value, minijinja::Error> {
    if value.downcast_object_ref::<List>().is_some() {
        return Ok(value.clone());
    }
    Ok(List::value(value.try_iter()?.collect()))
}

/// A dict literal made mutable; keys that Python cannot hash are refused.
pub fn dict_literal(value: &Value) -> Result<Value, minijinja::Error> {
    if value.downcast_object_ref::<Dict>().is_some() {
        return Ok(value.clone());
    }
    let pairs = ops::pairs_of(value)?;
    for (key, _) in &pairs {
        dict::hashable(key)?;
    }
    Ok(Dict::value(pairs.into_iter().collect()))
}
