//! A Power BI project (PBIP) of the semantic layer: a model in TMDL, and report pages in PBIR.
//!
//! In: the semantic layer, the columns that the relations have, report pages, and what an earlier project fixed (names,
//! tags). Out: files by path, the same bytes for the same input. It writes no file and speaks to no database. What Power
//! BI cannot express is an error with its place, never a guess.
mod adopt;
mod check;
mod dax;
mod expr;
mod ids;
mod model;
mod pages;
mod state;
mod tmdl;
mod write;

pub use adopt::{Names, adopt};
pub use check::check;
pub use model::{Model, build};
pub use pages::{Choice, Sheet, Tile, pages};
pub use state::{Difference, FILE, State, differences, merge};
pub use tmdl::{Object, parse as parse_tmdl};
pub use write::model_files;

use indexmap::IndexMap;

/// Columns of relations, by schema and name: name and type of each, in order.
pub type Relations = std::collections::BTreeMap<(String, String), Vec<(String, String)>>;

/// Files of a project, by path with `/`.
pub type Files = IndexMap<String, String>;

/// What a project is called and where its data are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the project and its folders.
    pub name: String,
    /// Value of the parameter `Server`: `host:port`.
    pub server: String,
    /// Value of the parameter `Database`.
    pub database: String,
    /// Language and number formats of the model (`da-DK`).
    pub culture: String,
}

/// Metrics that readers choose among.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Metrics, and where each is named.
    pub metrics: Vec<(String, crate::text::Place)>,
}
