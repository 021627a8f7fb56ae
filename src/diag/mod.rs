//! Diagnostics: one value for everything that tv1 has to say about a project that is not as it should be.
//!
//! Phases collect diagnostics and go on, so that one run reports all that is wrong. Drawing is `render`.
pub mod code;
pub mod event;
mod render;

pub use code::Code;
pub use render::render;

use crate::text::Place;
use serde_json::Value;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The command cannot do what was asked.
    Error,
    /// The command goes on.
    Warning,
    /// Worth knowing.
    Note,
}

/// A place with words to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What about it; may be empty.
    pub text: String,
}

/// One thing that is wrong, where it is, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code with an explanation (`tv1 explain CODE`).
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// dbt's heading for this kind of error (`Compilation Error`, `Parsing Error`, …), which people and tools match on.
    pub heading: Option<String>,
    /// One sentence: lowercase start, values in backticks, no full stop.
    pub message: String,
    /// Places; the first is the main one.
    pub labels: Vec<Label>,
    /// Further facts.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// dbt's name of the event, if dbt tells the same; people silence warnings by it.
    pub event: Option<&'static str>,
    /// The fields of dbt's event, for tools.
    pub facts: Vec<(&'static str, Value)>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            heading: None,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            event: None,
            facts: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// With dbt's heading for it.
    pub fn heading(mut self, heading: impl Into<String>) -> Self {
        self.heading = Some(heading.into());
        self
    }

    /// With a place.
    pub fn at(self, place: Place) -> Self {
        self.label(place, "")
    }

    /// With a place, if there is one.
    pub fn at_opt(self, place: Option<Place>) -> Self {
        match place {
            Some(place) => self.at(place),
            None => self,
        }
    }

    /// With a place and words to it.
    pub fn label(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: text.into(),
        });
        self
    }

    /// With a further fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With the way out.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With dbt's name of the event.
    pub fn event(mut self, name: &'static str) -> Self {
        self.event = Some(name);
        self
    }

    /// With a field of dbt's event.
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// Whether it stops the command.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// One or more diagnostics, at least one of them an error, that end a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped(pub Vec<Diagnostic>);

impl From<Diagnostic> for Stopped {
    fn from(d: Diagnostic) -> Self {
        Self(vec![d])
    }
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|d| render(d, false)).collect();
        f.write_str(&texts.join("\n\n"))
    }
}

impl std::error::Error for Stopped {}

/// What a phase returns.
pub type Result<T, E = Stopped> = std::result::Result<T, E>;

/// Collects the diagnostics of one phase.
#[derive(Debug, Default)]
pub struct Sink {
    /// Everything said so far, in order.
    pub said: Vec<Diagnostic>,
}

impl Sink {
    /// Adds one.
    pub fn push(&mut self, d: Diagnostic) {
        if !self.said.contains(&d) {
            self.said.push(d);
        }
    }

    /// Adds those of a stopped step, or gives its value.
    pub fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(v) => Some(v),
            Err(Stopped(ds)) => {
                ds.into_iter().for_each(|d| self.push(d));
                None
            }
        }
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.said.iter().any(Diagnostic::is_error)
    }

    /// Ends the phase: all diagnostics as an error if one of them is; otherwise the warnings.
    pub fn finish(self) -> Result<Vec<Diagnostic>> {
        if self.has_errors() {
            Err(Stopped(self.said))
        } else {
            Ok(self.said)
        }
    }
}
