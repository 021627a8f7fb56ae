//! The engine's tests: one binary, one link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic too"
)]

mod build;
#[path = "builtin/golden.rs"]
mod builtin_golden;
mod commands;
mod conform;
mod diff;
mod entries;
#[path = "jinja/golden.rs"]
mod jinja_golden;
mod layer_rules;
mod layers;
mod literate;
mod metrics;
mod mistakes;
mod noted;
mod packages;
mod pages;
mod powerbi;
mod project;
mod projects;
mod safety;
mod simulations;
mod suite;
mod warnings;
mod words;
