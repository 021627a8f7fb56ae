//! Everything that people and tools see while a command runs: lines, JSON, live progress, the log file.
//!
//! Events come in from any thread (`event`); one thread (`reporter`) makes entries of them (`lines`) in dbt's words,
//! masks secrets (`mask`), and shows them as text or JSON. Nothing else in the program prints.
mod closing;
mod entry;
pub mod event;
mod file;
mod json;
mod lines;
mod mask;
pub mod names;
mod options;
mod paint;
mod progress;
mod reporter;
mod say;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod text;

pub use event::{Count, DbtEvent, Event, FailedEphemeral, Level, NodeInfo, Summary};
pub use json::utc;
pub use lines::command::{ADAPTER_VERSION, DBT_VERSION, TV1_VERSION};
pub use mask::{MASK, Masks};
pub use options::{FileOptions, Format, Options};
pub use reporter::{Recording, Reporter};
pub use say::Subject;
pub use table::{TableColumn, table};

use chrono::{DateTime, Utc};

/// An event with when and where it happened.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// When.
    pub at: DateTime<Utc>,
    /// Name of the thread (`MainThread`, `Thread-1 (worker)`).
    pub thread: String,
    /// What.
    pub event: Event,
}
