//! The resolved project as plain data: every node, what it depends on, and the graph of it.
//!
//! No files, no Jinja values, no database. The types follow the entries of dbt's manifest (schema v12), because
//! selection, artefacts and templates all speak of them in those words.
mod dag;
mod entry;
mod manifest;
mod node;

pub use dag::{Cycle, Dag};
pub use entry::{Doc, Exposure, Group, MacroArgument, MacroInfo, SemanticEntry, Source, UnitTest};
pub use manifest::{Disabled, Entry, Manifest};
pub use node::{
    Checksum, Column, Compiled, Config, Contract, DependsOn, Docs, ExtraCte, GenericTest, Node,
    RefArgs, ResourceType, version_text,
};
