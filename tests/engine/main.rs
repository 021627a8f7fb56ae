//! The engine's tests: one binary, one link.

#[path = "jinja/golden.rs"]
mod jinja_golden;
