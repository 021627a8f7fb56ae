//! What the simulation engine asks of the project around it: a small trait.

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
pub trait Host: Sync {
    /// Seeds, sources and models that simulations may read.
    fn tables(&self) -> Vec<HostTable>;

    /// The rows of a table. Seeds are asked for when files are read, sources and models when a simulation runs.
    ///
    /// # Errors
    /// When the rows cannot be read.
    fn table_rows(&self, name: &str) -> Result<Vec<IndexMap<String, Json>>>;

    /// The table's quoted name in the database.
    fn relation(&self, name: &str) -> String;

    /// Schema and name of a simulation's table; `schema` is what its file says.
    fn target(&self, simulation: &str, schema: Option<&str>) -> (String, String) {
        (
            schema.unwrap_or("public").to_string(),
            simulation.to_string(),
        )
    }

    /// Renders Jinja in a scalar of a simulation file.
    ///
    /// # Errors
    /// When the template cannot be rendered.
    fn render(&self, text: &str) -> Result<crate::yaml::Kind>;

    /// Renders the SQL of a check; `this` is the quoted name of the table that is checked, `days` the number of days in
    /// it (`{{ this }}` and `{{ sim_days }}` in files).
    ///
    /// # Errors
    /// When the template cannot be rendered.
    fn render_sql(&self, sql: &str, this: &str, days: u32) -> Result<String>;
}
