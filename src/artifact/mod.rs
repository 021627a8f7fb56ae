//! The artefacts other tools read, in dbt's schemas: manifest v12, run results v6.
//!
//! In: the graph's plain data and results. Out: JSON values with dbt's fields in dbt's order, and the files.
mod entries;
mod files;

pub use entries::{exposure, macro_info, node, semantic, source, timing, unit_test};
pub use files::{Meta, graph, manifest, read, run_results};
