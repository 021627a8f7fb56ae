//! Report pages: from `reports/*.yml` to one file that works offline, or to a page that asks a server.
//!
//! In: YAML of a report, the semantic layer, and a way to run a query. Out: a page's layout and data as JSON, and its
//! HTML. Every number comes from queries that the planner of metrics wrote: from rows at the finest grain that are
//! folded to each choice of slicers, so that distinct counts and shares are exact. It knows no database, no server and no command line.
mod data;
mod exposures;
mod fold;
mod folded;
mod html;
mod known;
mod layout;
mod live;
mod periods;
mod places;
mod query;
mod read;
mod sets;
mod spec;

pub use data::{Built, Pour, Rows, Source, build};
pub use exposures::add as add_exposures;
pub use html::{PageText, page};
pub use known::Ask;
pub use live::{Answer, Question, Refused, answer, live};
pub use query::Scope;
pub use read::{Loaded, load};
pub use spec::{Kind, Measures, Parameter, Report, Slicer, Tile};

#[cfg(test)]
mod tests;
