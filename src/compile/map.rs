//! From a byte of compiled SQL back to the byte of the template that wrote it.
use crate::jinja::{Origin, Rendered};
use crate::text::{Place, SourceFile};
use std::sync::Arc;

/// The way back.
#[derive(Debug, Clone)]
pub struct SourceMap {
    file: Arc<SourceFile>,
    origins: Vec<Origin>,
    /// Bytes from `.0` on moved by `.1` when CTEs were put in.
    shift: (usize, usize),
}

impl SourceMap {
    /// Of a rendered text into which CTEs were put.
    pub fn new(rendered: Rendered, shift: (usize, usize)) -> Self {
        Self {
            file: rendered.file,
            origins: rendered.origins,
            shift,
        }
    }

    /// The place in the template that a byte of the SQL comes from.
    pub fn place(&self, offset: usize, length: usize) -> Option<Place> {
        let (from, by) = self.shift;
        let offset = if offset < from {
            offset
        } else if offset < from + by {
            return None;
        } else {
            offset - by
        };
        let origin = self.origins.iter().find(|o| o.output.contains(&offset))?;
        let span = if origin.is_text {
            let start = origin.source.start + (offset - origin.output.start);
            start..(start + length.max(1)).min(origin.source.end)
        } else {
            origin.source.clone()
        };
        Some(Place::new(&self.file, span))
    }
}
