//! What the simulation engine asks of the project around it, and of the database: two small traits.

use crate::diag::Result;
use indexmap::IndexMap;
use serde_json::Value as Json;

/// What kind of table the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// A file of rows; readable before anything runs.
    Seed,
    /// A table that others fill.
    Source,
    /// A model of the project.
    Model,
}

/// A table of the host.
#[derive(Debug, Clone)]
pub struct HostTable {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// Columns and their PostgreSQL types, where known.
    pub columns: Vec<(String, Option<String>)>,
    /// Sets of columns known to be unique.
    pub keys: Vec<Vec<String>>,
}

/// The project around the simulations.
pub trait Host {
    /// Seeds, sources and models that simulations may read.
    fn tables(&self) -> Vec<HostTable>;

    /// The rows of a table. Seeds are asked for when files are read, sources and models when a simulation runs.
    ///
    /// # Errors
    /// When the rows cannot be read.
    fn table_rows(&self, name: &str) -> Result<Vec<IndexMap<String, Json>>>;

    /// The table's quoted name in the database.
    fn relation(&self, name: &str) -> String;

    /// Whether the host has such a table in its database already ("a source that others fill").
    fn schema(&self) -> String {
        "public".into()
    }

    /// Renders Jinja in a scalar of a simulation file.
    ///
    /// # Errors
    /// When the template cannot be rendered.
    fn render(&self, text: &str) -> Result<crate::yaml::Kind>;

    /// Renders the SQL of a check; `this` is the quoted name of the table that is checked.
    ///
    /// # Errors
    /// When the template cannot be rendered.
    fn render_sql(&self, sql: &str, this: &str) -> Result<String>;
}

/// One connection to the database, as the loader needs it.
pub trait Store: Send {
    /// Runs statements.
    ///
    /// # Errors
    /// What the database says.
    fn execute(&mut self, sql: &str) -> Result<()>;

    /// Runs a query; values as text.
    ///
    /// # Errors
    /// What the database says.
    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>>;

    /// Starts a `copy … from stdin (format binary)`.
    ///
    /// # Errors
    /// What the database says.
    fn copy_start(&mut self, sql: &str) -> Result<()>;

    /// Sends a block; the buffer comes back empty for reuse.
    ///
    /// # Errors
    /// What the database says.
    fn copy_block(&mut self, block: &mut Vec<u8>) -> Result<()>;

    /// Ends the copy and gives the number of rows.
    ///
    /// # Errors
    /// What the database says.
    fn copy_finish(&mut self) -> Result<u64>;
}
