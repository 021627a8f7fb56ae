//! How a command that cannot go on says so.
use super::Outcome;
use crate::cli::Command;
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::report::{Event, Reporter};

/// Tells every diagnostic; gives the exit code.
pub fn report(reporter: &Reporter, stopped: &Stopped) -> u8 {
    for d in &stopped.0 {
        reporter.emit(Event::Diagnostic {
            diagnostic: d.clone(),
            dbt: None,
        });
    }
    2
}

/// A command that this version does not have yet.
pub fn not_here(command: &Command) -> Result<Outcome> {
    let name = format!("{command:?}");
    let name = name
        .split([' ', '(', '{'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    Err(Diagnostic::error(code::U0804, format!("`{name}` is not part of this version")).into())
}
