//! tv1: simulate, seed, model, test, document and report data in PostgreSQL.
//!
//! Data flows one way: load → parse → graph → select → compile → execute → report.
//! `ARCHITECTURE.md` says which module is which step.
pub mod artifact;
pub mod builtin;
pub mod cli;
pub mod command;
pub mod compile;
pub mod config;
pub mod context;
pub mod diag;
pub mod docs;
pub mod fs;
pub mod graph;
pub mod jinja;
pub mod load;
pub mod metrics;
pub mod outcome;
pub mod packages;
pub mod page;
pub mod parse;
pub mod pg;
pub mod powerbi;
pub mod report;
pub mod run;
pub mod scaffold;
pub mod select;
pub mod semantic;
pub mod serve;
pub mod server;
pub mod simulate;
pub mod sql;
pub mod text;
pub mod yaml;

/// The version of dbt whose behaviour this is; templates and artefacts show it.
pub const DBT_VERSION: &str = "1.10.23";

/// Runs the command line and returns the exit code of the process.
pub fn main() -> std::process::ExitCode {
    command::main()
}
