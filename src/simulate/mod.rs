//! Declarative simulations: `simulations/*.yml` in, deterministic tables out.
//!
//! A file is read (`spec`), its expressions are parsed (`lang`) and compiled to closures over typed slots
//! (`compile`), and rows are made from the root table down (`run`), every value a pure function of the seed and its
//! place. `load` brings them into PostgreSQL. This module knows no project: the host hands over files, seeds and
//! connections. docs/simulations.md is the reference of the language.
mod alias;
mod calendar;
mod circles;
mod compile;
mod copy;
mod curve;
mod distribution;
mod draw;
mod faults;
mod frame;
mod host;
mod index;
mod inputs;
mod lang;
mod load;
mod model;
mod preview;
mod program;
mod project;
mod reach;
mod run;
mod segment;
mod spec;
#[cfg(test)]
mod tests;
mod value;
mod watch;
mod world;

pub use copy::Digest;
pub use host::{Host, HostTable, TableKind};
pub use load::{Action, Check, Loaded, Progress, Stage, Surroundings};
pub use preview::{ColumnProfile, Preview};
pub use project::{Column, Options, Simulation, Simulations};
