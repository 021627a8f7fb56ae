//! What becomes of warnings: shown, silenced, or errors (`--warn-error`, `--warn-error-options`).
use super::session::Session;
use crate::cli::{Fate, Flags};
use crate::diag::event::{self, Kind};
use crate::diag::{Diagnostic, Result, Severity, Sink, code};
use crate::report::{DbtEvent, Event, Reporter};

/// dbt's event of a warning, if dbt tells the same.
fn event_of(d: &Diagnostic) -> Option<&'static event::Event> {
    d.event.and_then(event::find)
}

/// What the flags want done with a warning. "All warnings" are those that dbt has too, and those about what only tv1
/// has: a project that passes in dbt must not fail here for advice that dbt does not give.
pub fn fate(flags: &Flags, d: &Diagnostic) -> Fate {
    let event = event_of(d);
    let kind = event.map(|e| e.kind);
    if kind == Some(Kind::Told) && !flags.behaviour("require_all_warnings_handled_by_warn_error") {
        return Fate::Warn;
    }
    let options = &flags.warn_error_options;
    let deprecation = kind == Some(Kind::Deprecation);
    if let Some(fate) = event.and_then(|e| options.named(e.name, deprecation)) {
        return fate;
    }
    let all = flags.warn_error || options.all();
    let counts = match kind {
        Some(kind) => kind != Kind::Unasked,
        None => d.code.0.starts_with(['M', 'R']),
    };
    if all && counts {
        Fate::Error
    } else {
        Fate::Warn
    }
}

/// Tells warnings.
///
/// # Errors
/// Those that count as errors, all together.
pub fn tell(flags: &Flags, reporter: &Reporter, said: Vec<Diagnostic>) -> Result<()> {
    let mut sink = Sink::default();
    for d in said {
        let fate = match d.severity {
            Severity::Warning => fate(flags, &d),
            Severity::Error => Fate::Error,
            Severity::Note => Fate::Warn,
        };
        match fate {
            Fate::Silence => {}
            Fate::Warn => reporter.emit(match event_of(&d) {
                // Mistakes in a file (a key twice, an end without a beginning) are worth each place.
                Some(e) if e.kind == Kind::Deprecation && d.code == code::P0110 => {
                    Event::Deprecation {
                        dbt: dbt(e),
                        diagnostic: d,
                    }
                }
                named => Event::Diagnostic {
                    dbt: named.map(dbt),
                    diagnostic: d,
                },
            }),
            Fate::Error => sink.push(as_error(d)),
        }
    }
    sink.finish().map(drop)
}

fn dbt(event: &event::Event) -> DbtEvent {
    DbtEvent {
        name: event.name,
        code: event.code,
    }
}

fn as_error(d: Diagnostic) -> Diagnostic {
    if d.is_error() {
        return d;
    }
    let heading = d.heading.clone().or(Some("Compilation Error".to_string()));
    let named = event_of(&d).map(|e| e.name);
    let d = Diagnostic {
        severity: Severity::Error,
        heading,
        ..d
    };
    match named {
        Some(name) => d.note(format!("a warning of the kind `{name}`, made an error by `--warn-error` or `--warn-error-options`")),
        None => d.note("a warning, made an error by `--warn-error` or `--warn-error-options`"),
    }
}

/// Tells what is odd about the command line and the project's `flags:`.
///
/// # Errors
/// Warnings that count as errors.
pub fn of_the_command_line(ctx: &Session) -> Result<()> {
    ctx.tell(ctx.invocation.warnings.clone())
}
