//! `docs`: the page with lineage and descriptions.
use super::Outcome;
use super::session::Session;
use super::setup;
use crate::artifact;
use crate::diag::Result;
use crate::report::{Event, Level};

/// `docs`, `docs generate`, `docs serve`.
pub fn docs(ctx: &Session) -> Result<Outcome> {
    let loaded = setup::load(ctx, true)?;
    super::run::write_manifest(ctx, &loaded)?;
    let path = loaded.shared.target_dir.join("manifest.json");
    let _ = artifact::load_manifest(&loaded.shared.target_dir)?;
    ctx.reporter.emit(Event::Line { level: Level::Info, text: format!("wrote {}", path.display()), dbt: None });
    Ok(Outcome::Success)
}
