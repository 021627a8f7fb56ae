//! Queries over metrics: from names of metrics and dimensions to readable SQL.
//!
//! In: the semantic layer and a [`Request`]. Out: a [`Plan`], one SELECT that PostgreSQL runs as it stands, every row
//! counted once. It speaks to no database; a question that has no safe answer is refused with the line to add.
mod block;
mod catalogue;
mod cube;
mod expand;
mod join;
mod names;
mod plan;
mod sqltext;
mod time;

pub use catalogue::{Catalogue, DimensionFacts, MetricFacts, catalogue};
pub use cube::{At, Cube, Fold, Formula, Part, Universe, Wanted, cube, extent_sql, foldable};
pub use join::{Edge, edges, paths, time_expr, time_path};
pub use names::{Target, entity, resolve};
pub use plan::plan;
pub use sqltext::{ident, qualified, relation};

use crate::semantic::{Grain, Labels};
use chrono::NaiveDate;

/// A question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Names of metrics.
    pub metrics: Vec<String>,
    /// Dimensions: `platform`, `session__platform`, `date`, `date:month`, an entity.
    pub group_by: Vec<String>,
    /// Conditions; all must hold.
    pub filters: Vec<Filter>,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
    /// Columns of the answer; `-` in front sorts downwards. Sorted by the dimensions when empty.
    pub order_by: Vec<String>,
    /// Most rows.
    pub limit: Option<u64>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// SQL over names of dimensions, or a template. Only from people who may run SQL.
    Sql(String),
    /// A dimension has one of these values; `None` is null. Values are data, whatever is in them.
    In {
        /// Dimension, as in `group_by`.
        dimension: String,
        /// Values.
        values: Vec<Option<String>>,
    },
}

/// An answer's SQL and what its columns are.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One SELECT; values are literals, quoted for any server setting.
    pub sql: String,
    /// Columns in order: dimensions first.
    pub columns: Vec<OutColumn>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OutColumn {
    /// Name in the SQL.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// What it is.
    pub role: Role,
}

/// What a column of an answer is.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// A dimension; with its grain if it is one of time.
    Dimension {
        /// Grain.
        grain: Option<Grain>,
    },
    /// A metric, with its number format.
    Metric {
        /// Format (`#,0`, `0 %`).
        format: Option<String>,
    },
}
