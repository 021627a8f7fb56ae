//! The nodes of the manifest as text, made on all cores.
use super::{Object, node};
use crate::graph::{Manifest, Node};
use crate::report::Masks;
use serde::Serialize;
use std::io;

/// Fewer nodes than this are not worth another thread.
const FEW: usize = 256;

/// A JSON object that is written as it comes.
struct Text {
    out: Vec<u8>,
    before: u8,
}

impl Object for Text {
    fn put(mut self, key: &str, value: impl Serialize) -> Self {
        self.out.push(self.before);
        self.before = b',';
        json(&mut self.out, &key);
        self.out.push(b':');
        json(&mut self.out, &value);
        self
    }
}

/// Appends a value; null where it cannot be JSON.
fn json(out: &mut Vec<u8>, value: &impl Serialize) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend(b"null");
    }
}

/// Writes the object of all nodes.
pub(super) fn nodes(out: &mut dyn io::Write, m: &Manifest, masks: &Masks) -> io::Result<()> {
    // A test that never runs may have the id of one that does; as in a map it then stands in its place.
    let running = m.nodes.values();
    let running = running.map(|n| m.idle.get(&n.unique_id).unwrap_or(n));
    let idle = m.idle.values();
    let idle = idle.filter(|n| !m.nodes.contains_key(&n.unique_id));
    let all: Vec<&Node> = running.chain(idle).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = all.len().div_ceil(threads.min(8)).max(FEW);
    let texts: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let mut parts = all.chunks(part);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> = parts
            .map(|p| (p, scope.spawn(move || several(p, masks))))
            .collect();
        let mut texts = vec![several(first, masks)];
        for (part, thread) in others {
            // A thread that broke off has its nodes made here, where the panic is seen.
            texts.push(thread.join().unwrap_or_else(|_| several(part, masks)));
        }
        texts
    });
    out.write_all(b"{")?;
    for (i, text) in texts.iter().filter(|t| !t.is_empty()).enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        out.write_all(text)?;
    }
    out.write_all(b"}")
}

/// Nodes under their ids, without the braces around them.
fn several(nodes: &[&Node], masks: &Masks) -> Vec<u8> {
    let mut out = Vec::new();
    for n in nodes {
        if !out.is_empty() {
            out.push(b',');
        }
        json(&mut out, &n.unique_id);
        out.push(b':');
        let start = out.len();
        let mut text = node::fill(n, Text { out, before: b'{' });
        text.out.push(b'}');
        out = text.out;
        // JSON is UTF-8; what were not would be made anew.
        if std::str::from_utf8(&out[start..]).map_or(true, |text| masks.touch(text)) {
            out.truncate(start);
            let mut value = node::node(n);
            masks.apply_json(&mut value);
            json(&mut out, &value);
        }
    }
    out
}
