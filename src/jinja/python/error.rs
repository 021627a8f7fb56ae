//! Errors in Python's words.
use minijinja::{Error, ErrorKind};
use std::borrow::Cow;

/// `TypeError`.
pub fn type_error(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

/// `ValueError`.
pub fn value_error(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

/// `IndexError`.
pub fn index_error(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

/// `KeyError`.
pub fn key_error(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

/// An object has no such method; the engine goes on looking for an item of that name.
pub fn no_method(kind: &str, name: &str) -> Error {
    let owner = match kind {
        "NoneType" => "None".to_string(),
        kind => format!("{kind} object"),
    };
    Error::new(
        ErrorKind::UnknownMethod,
        format!("'{owner}' has no attribute '{name}'"),
    )
}

/// Use of something that is undefined, in Jinja2's words.
pub fn undefined_error(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::UndefinedError, text)
}
