//! Templates in dbt's Jinja dialect on an unmodified minijinja.
//!
//! `dialect` turns dbt's text into the engine's, `python` gives values Python's behaviour, `filters` are Jinja2's
//! filters, tests and globals, `modules` Python's `datetime`, `re`, `pytz`, `itertools`, and `engine` holds the
//! macros and renders. Nothing here knows of dbt's nodes: what `ref` or `config` mean is the host's `Scope`.
pub mod dialect;
mod engine;
mod filters;
pub mod modules;
pub mod python;

/// What objects and functions of the host need of the engine underneath.
pub mod host {
    pub use super::engine::{raise, raised};
    pub use super::python::arguments::{Arguments, Given};
    pub use minijinja::value::{
        Enumerator, Kwargs, Object, ObjectRepr, Tuple, Value, ValueKind, from_args,
    };
    pub use minijinja::{Error, ErrorKind, State};
}

pub use engine::*;
pub use minijinja::value::Value;
