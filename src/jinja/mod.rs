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

pub use engine::*;
pub use minijinja::value::Value;
