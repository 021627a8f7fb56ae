//! The artefacts that other tools read: `manifest.json`, `run_results.json`, `catalog.json`, `sources.json`, in dbt's
//! schemas.
//!
//! Comes in: the manifest, results, relations of the catalogue. Goes out: JSON with dbt's fields in dbt's order, and
//! files written whole or not at all. Also reads them back, for `--state`, `retry` and the docs.
mod catalog;
mod graph_summary;
mod load;
mod manifest;
mod metadata;
mod run_results;
mod sources;
mod write;

pub use catalog::{CatalogColumn, CatalogRelation, catalog};
pub use graph_summary::graph_summary;
pub use load::{load_catalog, load_manifest, load_run_results, load_sources};
pub use manifest::{entry, graph, manifest, node, semantic_manifest};
pub use metadata::Meta;
pub use run_results::{run_results, timings};
pub use sources::sources;
pub use write::{write, write_manifest};

/// An artefact: what its file is called and which schema it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `manifest.json`.
    Manifest,
    /// `run_results.json`.
    RunResults,
    /// `catalog.json`.
    Catalog,
    /// `sources.json`.
    Sources,
}

impl Kind {
    /// The file's name in the target folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest.json",
            Self::RunResults => "run_results.json",
            Self::Catalog => "catalog.json",
            Self::Sources => "sources.json",
        }
    }

    /// Name and version of the schema, as in its address.
    fn schema(self) -> (&'static str, u32) {
        match self {
            Self::Manifest => ("manifest", 12),
            Self::RunResults => ("run-results", 6),
            Self::Catalog => ("catalog", 1),
            Self::Sources => ("sources", 3),
        }
    }

    /// The schema's address, which artefacts carry in their metadata.
    pub fn schema_url(self) -> String {
        let (name, version) = self.schema();
        format!("https://schemas.getdbt.com/dbt/{name}/v{version}.json")
    }

    /// The command that writes it.
    fn made_by(self) -> &'static str {
        match self {
            Self::Manifest => "tv1 parse",
            Self::RunResults => "tv1 build",
            Self::Catalog => "tv1 docs generate",
            Self::Sources => "tv1 source freshness",
        }
    }
}

#[cfg(test)]
mod tests;
