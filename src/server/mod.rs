//! The private PostgreSQL of a project: found or carried along, made, started, reused and stopped.
//!
//! In: the project's folder. Out: how to connect. The server is PostgreSQL itself with all its processes; driver and SQL
//! are the same as with any server, so nothing above knows whether a server is private.
mod account;
mod bundle;
mod cluster;
mod programs;
pub mod scratch;
mod settings;

pub use programs::{Programs, Source, Wanted, find as find_programs};

use crate::pg::Lookup;
use std::path::PathBuf;

/// The user's folder for what can be made again.
pub fn cache_folder(env: Lookup<'_>) -> Option<PathBuf> {
    let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = match set("XDG_CACHE_HOME").filter(|p| p.is_absolute()) {
        Some(base) => base,
        None if cfg!(target_os = "macos") => set("HOME")?.join("Library/Caches"),
        None => set("HOME")?.join(".cache"),
    };
    Some(base.join("tv1"))
}
