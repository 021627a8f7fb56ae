//! Writes a documentation page from artefacts: `docs_page OUT MANIFEST [CATALOG [RUN_RESULTS [COLUMN_LINEAGE]]]`.
//! For the tests of the page; `-` stands for an artefact that is not there.

use std::error::Error;
use std::fs;

use serde_json::Value;
use tv1::docs::{DocsInput, page};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("no file to write")?;
    let mut artefact = || -> Result<Option<Value>, Box<dyn Error>> {
        let Some(path) = args.next().filter(|p| p != "-") else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_str(&fs::read_to_string(path)?)?))
    };
    let manifest = artefact()?.ok_or("no manifest")?;
    let (catalog, run_results, column_lineage) = (artefact()?, artefact()?, artefact()?);
    let input = DocsInput {
        manifest: &manifest,
        catalog: catalog.as_ref(),
        run_results: run_results.as_ref(),
        column_lineage: column_lineage.as_ref(),
        generated_at: "2025-01-31T08:00:00Z",
    };
    fs::write(out, page(&input))?;
    Ok(())
}
