//! tv1: simulate, seed, model, test, document and report data in PostgreSQL.
//!
//! Data flows one way: load → parse → graph → select → compile → execute → report.
//! `ARCHITECTURE.md` says which module is which step.
pub mod diag;
pub mod graph;
pub mod select;
pub mod sql;
pub mod text;
pub mod yaml;

/// Runs the command line and returns the exit code of the process.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
