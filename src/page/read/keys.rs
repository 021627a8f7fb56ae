//! Keys of one document, each with its place when it is wrong.
use crate::diag::{Diagnostic, Sink, code};
use crate::text::{Place, nearest};
use crate::yaml::{self, Document, Node};

/// Reads keys of one document.
pub(super) struct Reader<'a> {
    pub(super) doc: &'a Document,
    pub(super) sink: Sink,
}

impl Reader<'_> {
    pub(super) fn at(&self, node: &Node) -> Place {
        self.doc.place(node)
    }

    pub(super) fn wrong(&mut self, node: &Node, what: &str, wanted: &str) {
        self.sink
            .push(yaml::wrong_type(&self.doc.file, node, what, wanted));
    }

    pub(super) fn fault(&mut self, node: &Node, message: String) {
        self.sink
            .push(Diagnostic::error(code::R0708, message).at(self.at(node)));
    }

    pub(super) fn unknown(&mut self, node: &Node, known: &[&str], what: &str) {
        for d in yaml::unknown_keys(&self.doc.file, node, known, what) {
            self.sink.push(d);
        }
    }

    /// A text; numbers and dates count as they are written.
    pub(super) fn text(&mut self, map: &Node, key: &str) -> Option<(String, Place)> {
        let node = map.get(key).filter(|n| !n.is_null())?;
        let text = node.scalar_text();
        if text.is_none() {
            self.wrong(node, &format!("`{key}`"), "a text");
        }
        Some((text?, self.at(node)))
    }

    pub(super) fn count(&mut self, map: &Node, key: &str, most: usize) -> Option<usize> {
        let node = map.get(key).filter(|n| !n.is_null())?;
        let number = node
            .as_int()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (1..=most).contains(n));
        if number.is_none() {
            let wanted = format!("a whole number from 1 to {most}");
            match node.as_int() {
                Some(n) => self.sink.push(
                    Diagnostic::error(code::R0708, format!("`{key}` must be {wanted}, not {n}"))
                        .at(self.at(node)),
                ),
                None => self.wrong(node, &format!("`{key}`"), &wanted),
            }
        }
        number
    }

    pub(super) fn switch(&mut self, map: &Node, key: &str) -> bool {
        let Some(node) = map.get(key).filter(|n| !n.is_null()) else {
            return false;
        };
        if node.as_bool().is_none() {
            self.wrong(node, &format!("`{key}`"), "true or false");
        }
        node.as_bool().unwrap_or(false)
    }

    /// One name or a list of names.
    pub(super) fn names(&mut self, node: &Node, what: &str) -> Vec<(String, Place)> {
        let items = if node.is_seq() {
            node.items()
        } else {
            std::slice::from_ref(node)
        };
        let mut out = Vec::new();
        for item in items {
            match item.as_str() {
                Some(name) => out.push((name.to_string(), self.at(item))),
                None => self.wrong(item, what, "a name"),
            }
        }
        out
    }
}

/// A message with the name that was meant.
pub(super) fn near<'a>(
    d: Diagnostic,
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    match nearest(word, known) {
        Some(found) => d.help(format!("did you mean `{found}`?")),
        None => d,
    }
}
