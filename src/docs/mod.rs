//! The documentation page: one HTML file that works offline.
//!
//! In come the artefacts as JSON (manifest, catalog, run results, column lineage), out goes the
//! text of a page that carries its data, style and program. [`site`] picks what a reader
//! needs out of the artefacts, [`page`] puts it into the page. Neither reads files, asks a
//! database or knows how the artefacts were made.

mod columns;
mod facts;
pub mod page;
mod site;

pub use page::{DocsInput, page};
