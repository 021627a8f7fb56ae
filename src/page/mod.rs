//! Report pages: from `reports/*.yml` to one file that works offline, or to a page that asks a server.
//!
//! In: YAML of a report, the semantic layer, and a way to run a query. Out: a page's layout and data as JSON, and its
//! HTML. Every number comes from a query that the planner of metrics wrote, for each choice of slicers anew, so that
//! distinct counts and shares are exact. It knows no database, no server and no command line.
mod data;
mod html;
mod layout;
mod live;
mod places;
mod query;
mod read;
mod spec;

pub use data::{Ask, Built, Rows, build};
pub use html::{PageText, page};
pub use live::{Answer, Question, Refused, answer, live};
pub use query::Scope;
pub use read::{Loaded, load};
pub use spec::{Kind, Measures, Parameter, Report, Slicer, Tile};

#[cfg(test)]
mod tests;
