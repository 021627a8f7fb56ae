//! The PostgreSQL carried in this binary.
use super::programs::Programs;
use std::path::Path;
use std::process::Command;

/// The unpacked programs; none if there are none for this system; the error says why those there are do not run here.
pub(super) fn programs(_cache: Option<&Path>) -> Result<Option<Programs>, String> {
    Ok(None)
}

impl Programs {
    /// Adds what the carried programs need from their environment.
    pub(super) fn prepare(&self, command: &mut Command) {
        if self.source == super::programs::Source::Bundled {
            if let Some(root) = self.bin.parent() {
                command.env("LD_LIBRARY_PATH", root.join("lib"));
            }
            command.env("OLIPHAUNT_INTERNAL_SKIP_ICU_DISCOVERY", "1");
        }
    }
}
