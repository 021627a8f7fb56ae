//! How a command that cannot go on says so.
use crate::diag::Stopped;
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
