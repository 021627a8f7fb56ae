//! Insight into SQL: which column comes from which, through whatever stands between.
//!
//! In: the text of a query and a way to ask for the columns of a relation. Out: for each output column the columns it
//! is made of, and the columns that decide which rows there are. Never on the execution path: text that cannot be read
//! gives [`Unknown`], not an error. This is the only module that knows the SQL parser.
mod deps;
mod expr;
mod from;
mod names;
mod parse;
mod project;
mod query;
mod relation;
mod scope;

pub use project::project_lineage;

use std::collections::BTreeSet;
use std::fmt;

/// A relation as a query names it. Names without quotes are in lower case, as PostgreSQL folds them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationName {
    /// Database, if named.
    pub database: Option<String>,
    /// Schema, if named.
    pub schema: Option<String>,
    /// Name.
    pub name: String,
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.database, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

/// How an output column comes from another column; the later ones include the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It is the same value.
    Copy,
    /// It is computed from the value, row by row.
    Derive,
    /// It is computed from the values of several rows: by an aggregate or a window function.
    Aggregate,
}

impl Kind {
    /// The word in artefacts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Derive => "derive",
            Self::Aggregate => "aggregate",
        }
    }
}

/// A column of a relation; `*` where a query takes all columns of a relation that the catalogue does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnRef {
    /// The relation.
    pub relation: RelationName,
    /// The column.
    pub column: String,
}

/// A column that an output column is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The column.
    pub from: ColumnRef,
    /// How it is used.
    pub kind: Kind,
}

/// A column that a query gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputColumn {
    /// Name; `*` stands for columns that the catalogue does not know.
    pub name: String,
    /// What it is made of, sorted; empty for constants.
    pub origins: Vec<Origin>,
}

/// Where the columns of a query come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lineage {
    /// The columns, in order.
    pub columns: Vec<OutputColumn>,
    /// The columns that decide which rows there are and how they are grouped: in `where`, `join`, `having`,
    /// `group by`, `distinct on`, and `order by` before a `limit`.
    pub filters: BTreeSet<ColumnRef>,
    /// All relations that are read.
    pub relations: BTreeSet<RelationName>,
    /// What could not be resolved, for people.
    pub notes: BTreeSet<String>,
}

/// Why nothing is known about a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown(pub String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lineage unknown: {}", self.0)
    }
}

/// Answers with the columns of a relation, in order, as the database spells them; `None` when they are not known.
pub type Catalog<'a> = &'a dyn Fn(&RelationName) -> Option<Vec<String>>;

/// Where the columns of a query come from.
///
/// # Errors
/// Why it cannot be told, for text that is no single query of a form that is understood.
pub fn lineage(sql: &str, catalog: Catalog<'_>) -> Result<Lineage, Unknown> {
    parse::with_deep_stack(sql, catalog)
}

#[cfg(test)]
mod tests;
