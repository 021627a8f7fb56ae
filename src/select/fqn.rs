//! `fqn:name`: an entry's own name, or the beginning of its dotted qualified name, with patterns.
//!
//! In: the wanted name and entries. Out: whether they match. Versioned models answer to `name`, `name.v1` and `name_v1`;
//! the package may be left out; from the first part with a pattern on, the rest is one pattern over all remaining parts.
use super::glob::{Pattern, is_pattern};
use super::method::model;
use crate::graph::Entry;

/// A wanted qualified name, split once.
pub struct Fqn<'a> {
    text: &'a str,
    parts: Vec<&'a str>,
    /// From which part on patterns begin, and the pattern for the rest.
    pattern: Option<(usize, Pattern)>,
}

impl<'a> Fqn<'a> {
    /// Splits a name.
    pub fn new(text: &'a str) -> Self {
        let parts: Vec<&str> = text.split('.').collect();
        let pattern = parts
            .iter()
            .position(|p| is_pattern(p))
            .map(|i| (i, Pattern::new(&parts[i..].join("."))));
        Self {
            text,
            parts,
            pattern,
        }
    }

    /// Whether an entry has the name, or lies below it.
    pub fn matches(&self, e: Entry<'_>) -> bool {
        let fqn = e.fqn();
        let Some(leaf) = fqn.last() else {
            return false;
        };
        let versioned = model(e).is_some_and(|m| m.version.is_some());
        let by_name = match fqn {
            [.., name, version] if versioned => {
                self.text == name
                    || self
                        .text
                        .strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.strip_prefix(['.', '_']) == Some(version.as_str()))
            }
            _ => self.text == leaf,
        };
        if by_name {
            return true;
        }
        // Names may hold dots themselves.
        let flat: Vec<&str> = fqn.iter().flat_map(|part| part.split('.')).collect();
        let own = fqn[0].split('.').count();
        self.starts(&flat) || self.starts(&flat[own..])
    }

    fn starts(&self, fqn: &[&str]) -> bool {
        if fqn.len() < self.parts.len() {
            return false;
        }
        match &self.pattern {
            Some((at, pattern)) => {
                fqn[..*at] == self.parts[..*at] && pattern.matches(&fqn[*at..].join("."))
            }
            None => fqn[..self.parts.len()] == self.parts[..],
        }
    }
}
