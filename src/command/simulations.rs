//! Simulations as sources of the graph, and `simulate`.
use super::Outcome;
use super::session::Session;
use crate::diag::Result;
use crate::graph::Manifest;
use crate::load::Package;
use crate::parse::SimulatedSource;

/// What the simulations of the root project give the graph.
pub fn sources(package: &Package, manifest: &Manifest) -> Result<Vec<SimulatedSource>> {
    let _ = (package, manifest);
    Ok(Vec::new())
}

/// `simulate`.
pub fn simulate(ctx: &Session) -> Result<Outcome> {
    let _ = ctx;
    Ok(Outcome::Success)
}

/// Generates one simulation as a node of a run.
pub fn generate(ctx: &Session, loaded: &super::setup::Loaded, name: &str, progress: &dyn Fn(u64, Option<u64>)) -> crate::outcome::NodeResult {
    let _ = (ctx, loaded, progress);
    crate::outcome::NodeResult::new(name, crate::outcome::Status::NoOp)
}
