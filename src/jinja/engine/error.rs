//! Errors of rendering: what, where, and through which macros.
use super::registry::MacroDef;
use super::templates::Places;
use crate::text::Place;
use minijinja::{Error, ErrorKind};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What kind of error.
#[derive(Clone)]
pub enum JinjaErrorKind {
    /// The template cannot be read.
    Syntax,
    /// Something undefined was used.
    Undefined,
    /// The host raised it; the payload is what it gave to [`raise`].
    Raised(Arc<dyn Any + Send + Sync>),
    /// An operation is not possible with these values.
    Operation,
}

impl fmt::Debug for JinjaErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "Syntax",
            Self::Undefined => "Undefined",
            Self::Raised(_) => "Raised",
            Self::Operation => "Operation",
        })
    }
}

/// A macro that was running when an error happened.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The macro.
    pub name: String,
    /// Its id.
    pub unique_id: String,
    /// Where in it: the error itself for the innermost, the call for the others.
    pub place: Option<Place>,
    /// Where it is defined.
    pub defined: Place,
}

/// An error of rendering.
#[derive(Debug, Clone)]
pub struct JinjaError {
    /// Of which kind.
    pub kind: JinjaErrorKind,
    /// In words, those of Jinja2 where they are known. For something undefined dbt adds [`MACRO_HINT`].
    pub message: String,
    /// Where it happened, in the innermost macro.
    pub place: Option<Place>,
    /// Where in the rendered text: the same as `place` outside of macros, else the call that led there.
    pub call: Option<Place>,
    /// The macros that were running, innermost first.
    pub stack: Vec<Frame>,
}

impl JinjaError {
    /// What the host raised, if it is of this type.
    pub fn payload<T: 'static>(&self) -> Option<&T> {
        match &self.kind {
            JinjaErrorKind::Raised(payload) => payload.downcast_ref(),
            _ => None,
        }
    }

    /// The message, with dbt's hint if something is undefined.
    pub fn full_message(&self) -> String {
        match self.kind {
            JinjaErrorKind::Undefined => format!("{}. {MACRO_HINT}", self.message),
            _ => self.message.clone(),
        }
    }

    pub(super) fn syntax(message: impl Into<String>, place: Option<Place>) -> Self {
        Self {
            kind: JinjaErrorKind::Syntax,
            message: message.into(),
            call: place.clone(),
            place,
            stack: Vec::new(),
        }
    }
}

impl fmt::Display for JinjaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full_message())?;
        if let Some(place) = &self.place {
            write!(f, " ({})", place.show())?;
        }
        Ok(())
    }
}

impl std::error::Error for JinjaError {}

/// An error of the host on its way through the engine.
struct Raised {
    message: String,
    payload: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Raised {}

/// An error that a host function gives to the engine; the payload comes back intact in [`JinjaErrorKind::Raised`].
pub fn raise(message: impl Into<String>, payload: impl Any + Send + Sync) -> Error {
    let message = message.into();
    Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Raised {
        message,
        payload: Arc::new(payload),
    })
}

/// What the host raised, if this error of the engine carries it; for host functions that catch errors.
pub fn raised(error: &Error) -> Option<Arc<dyn Any + Send + Sync>> {
    let mut source = std::error::Error::source(error);
    while let Some(e) = source {
        if let Some(raised) = e.downcast_ref::<Raised>() {
            return Some(raised.payload.clone());
        }
        source = e.source();
    }
    None
}

/// A level of the macro stack within an error.
pub(super) struct InMacro {
    def: Arc<MacroDef>,
    inner: Error,
}

/// Levels of the stack that an error keeps.
const DEEPEST_STACK: usize = 100;

impl InMacro {
    pub(super) fn wrap(def: Arc<MacroDef>, inner: Error, depth: usize) -> Error {
        if depth > DEEPEST_STACK {
            return inner;
        }
        Error::new(inner.kind(), format!("in macro {}", def.name))
            .with_source(InMacro { def, inner })
    }
}

impl fmt::Debug for InMacro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.inner)
    }
}

impl fmt::Display for InMacro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

impl std::error::Error for InMacro {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.inner)
    }
}

/// The engine's error in our terms.
pub(super) fn translate(error: &Error, places: &Places<'_>) -> JinjaError {
    let mut stack: Vec<Frame> = Vec::new();
    let call = places.of(error);
    let mut current = error;
    loop {
        let source = std::error::Error::source(current);
        if let Some(level) = source.and_then(|s| s.downcast_ref::<InMacro>()) {
            stack.push(Frame {
                name: level.def.name.clone(),
                unique_id: level.def.unique_id.clone(),
                place: places.of(&level.inner),
                defined: level.def.place(),
            });
            current = &level.inner;
        } else if current.kind() == ErrorKind::BadInclude
            && let Some(inner) = source.and_then(|s| s.downcast_ref::<Error>())
        {
            current = inner;
        } else {
            break;
        }
    }
    stack.reverse();
    let place = places.of(current).or_else(|| call.clone());
    let (kind, message) = describe(current, places);
    JinjaError {
        kind,
        message,
        place,
        call,
        stack,
    }
}

/// dbt's hint behind every complaint about something undefined.
pub const MACRO_HINT: &str = "This can happen when calling a macro that does not exist. Check for typos and/or install package dependencies with \"dbt deps\".";

fn describe(error: &Error, places: &Places<'_>) -> (JinjaErrorKind, String) {
    let detail = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_string);
    if let Some(payload) = raised(error) {
        return (JinjaErrorKind::Raised(payload), detail);
    }
    if let Some(text) = undefined_text(error, &detail, places) {
        return (JinjaErrorKind::Undefined, text);
    }
    match error.kind() {
        ErrorKind::SyntaxError
        | ErrorKind::BadEscape
        | ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest => (JinjaErrorKind::Syntax, syntax_text(error.kind(), &detail)),
        _ => (
            JinjaErrorKind::Operation,
            pythons_words(&detail).unwrap_or(detail),
        ),
    }
}

/// Python's words for what the engine says in its own.
fn pythons_words(detail: &str) -> Option<String> {
    if detail.starts_with("can only assign to namespaces") {
        return Some("cannot assign attribute on non-namespace object".into());
    }
    if detail.starts_with("tried to include") || detail.starts_with("template \"") {
        return Some("no loader for this environment specified".into());
    }
    let kind = detail
        .strip_prefix("value of type ")?
        .strip_suffix(" is not callable")?;
    let name = match kind {
        "string" => "str",
        "number" => "int",
        "none" => "NoneType",
        "map" => "dict",
        "sequence" => "list",
        other => other,
    };
    Some(format!("'{name}' object is not callable"))
}

/// Jinja2's words for an unknown filter or test.
fn syntax_text(kind: ErrorKind, detail: &str) -> String {
    let name = detail
        .trim_end_matches(" is unknown")
        .split_whitespace()
        .next_back()
        .unwrap_or_default();
    match kind {
        ErrorKind::UnknownFilter => format!("No filter named '{name}'."),
        ErrorKind::UnknownTest => format!("No test named '{name}'."),
        _ => detail.to_string(),
    }
}

/// `'x' is undefined` if that is what the error says in its own way.
fn undefined_text(error: &Error, detail: &str, places: &Places<'_>) -> Option<String> {
    if let Some(expression) = quoted_before(detail, "` is undefined") {
        return Some(
            if detail.contains("has no attribute") && !detail.contains("undefined has no") {
                detail.split(" (`").next().unwrap_or(detail).to_string()
            } else {
                format!("'{expression}' is undefined")
            },
        );
    }
    match error.kind() {
        ErrorKind::UnknownFunction if detail.starts_with("caller ") => {
            Some("No caller defined".to_string())
        }
        ErrorKind::UnknownFunction => Some(format!(
            "'{}' is undefined",
            detail.trim_end_matches(" is unknown")
        )),
        ErrorKind::UndefinedError => Some(detail.to_string()),
        _ if detail.contains("undefined is not callable") => {
            let text = places.text_of(error).unwrap_or_default();
            let name: String = text
                .trim_start_matches(['(', ' '])
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
                .collect();
            Some(match name.as_str() {
                // What a macro hears that wants the body of a `{% call %}` and was called without.
                "caller" => "No caller defined".to_string(),
                _ => format!("'{name}' is undefined"),
            })
        }
        ErrorKind::UnknownMethod => Some(detail.to_string()),
        _ => None,
    }
}

/// The expression in `` `expr` is undefined ``.
fn quoted_before<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    let to = text.find(end)?;
    let from = text[..to].rfind('`')?;
    Some(&text[from + 1..to])
}
