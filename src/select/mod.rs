//! Selection: which entries of the project a command works on.
//!
//! In: the texts of `--select` and `--exclude` or a selector of `selectors.yml`, a manifest with its graph, and
//! perhaps the artefacts of an earlier run. Out: a set of unique ids. Knows nothing of commands beyond the resource
//! types they work on, and never touches a database.
//!
//! `grammar` and `selectors` read definitions, `method` finds what one criterion names, `eval` puts sets together,
//! `state` and `compare` know earlier artefacts, `types` filters by resource type.
mod compare;
mod config;
mod contract;
mod eval;
mod fqn;
mod glob;
mod grammar;
mod index;
mod method;
mod record;
mod selectors;
mod state;
mod types;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod table;

pub use compare::{Aspect, Change, Changes, Status};
pub use eval::select;
pub use glob::fnmatch;
pub use grammar::{Criterion, Definition, Op, Reach, Set, parse};
pub use method::Method;
pub use selectors::{Selector, Selectors};
pub use state::{Earlier, Relation, State};
pub use types::{Purpose, Types, WORDS, filter};

use crate::diag::Diagnostic;
use std::collections::BTreeSet;

/// When a test that was not selected itself joins the nodes it tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Indirect {
    /// When anything it needs is selected.
    #[default]
    Eager,
    /// When all it needs is selected.
    Cautious,
    /// When all it needs is selected, or needed by what is selected, or a source.
    Buildable,
    /// Never.
    Empty,
}

impl Indirect {
    /// All modes.
    pub const ALL: [Self; 4] = [Self::Eager, Self::Cautious, Self::Buildable, Self::Empty];

    /// The word in options and selectors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eager => "eager",
            Self::Cautious => "cautious",
            Self::Buildable => "buildable",
            Self::Empty => "empty",
        }
    }

    /// The mode of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.as_str() == word)
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// Values of `--select`; empty for everything.
    pub select: &'a [String],
    /// Values of `--exclude`.
    pub exclude: &'a [String],
    /// A selector's definition; then `select` and `exclude` do not count.
    pub selector: Option<&'a Definition>,
    /// How tests join where a definition does not say.
    pub indirect: Indirect,
    /// Artefacts of an earlier run.
    pub state: Option<&'a State>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Unique ids, of all resource types.
    pub ids: BTreeSet<String>,
    /// Criteria that match nothing, and breaking changes that are allowed.
    pub warnings: Vec<Diagnostic>,
}
