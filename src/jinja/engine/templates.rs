//! Templates that are ready to render, rendered text, and the way back from both to the file.
use super::registry::Registry;
use crate::jinja::dialect::Rewritten;
use crate::text::{Place, SourceFile};
use minijinja::Error;
use std::ops::Range;
use std::sync::Arc;

/// A text of a file (or all of it) that is ready to render.
#[derive(Debug, Clone)]
pub struct Template {
    pub(super) file: Arc<SourceFile>,
    /// Where the text stands in the file.
    pub(super) span: Range<usize>,
    /// None if there is nothing to render: the text stays as it is.
    pub(super) rewritten: Option<Arc<Rewritten>>,
    pub(super) absorbing: bool,
}

impl Template {
    /// The file it stands in.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// Its own text.
    pub fn source(&self) -> &str {
        self.file.text.get(self.span.clone()).unwrap_or_default()
    }

    /// Whether it is text without any Jinja.
    pub fn is_plain(&self) -> bool {
        self.rewritten.is_none()
    }

    fn place(&self, range: Range<usize>) -> Place {
        let map = |offset: usize| {
            let offset = self
                .rewritten
                .as_ref()
                .map_or(offset, |r| r.original_offset(offset));
            (self.span.start + offset).min(self.span.end)
        };
        let start = map(range.start);
        Place::new(&self.file, start..map(range.end).max(start))
    }
}

/// Where a stretch of the output comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Bytes of the output.
    pub output: Range<usize>,
    /// Bytes of the file.
    pub source: Range<usize>,
    /// Whether it is text copied from the file, byte by byte; otherwise an expression's value.
    pub is_text: bool,
    /// Where it begins in the text that the engine renders.
    pub(super) template: usize,
}

/// What rendering gave.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The file that was rendered.
    pub file: Arc<SourceFile>,
    /// Where each stretch comes from, in order of the output.
    pub origins: Vec<Origin>,
    pub(super) template: Template,
}

impl Rendered {
    /// The place in the file that a byte of the output comes from: the very byte for copied text, the whole
    /// expression for a value.
    pub fn place(&self, offset: usize) -> Option<Place> {
        let after = self.origins.partition_point(|o| o.output.start <= offset);
        let origin = self.origins.get(after.checked_sub(1)?)?;
        if offset > origin.output.end {
            return None;
        }
        if origin.is_text {
            let at = origin.template + offset - origin.output.start;
            return Some(self.template.place(at..at));
        }
        Some(Place::new(&self.file, origin.source.clone()))
    }
}

/// The name under which the rendered text itself goes.
pub(super) const BODY: &str = "<body>";

/// Finds the places that the engine's errors speak of.
pub(super) struct Places<'a> {
    pub(super) registry: &'a Registry,
    pub(super) body: Option<&'a Template>,
}

impl Places<'_> {
    /// The template text (as the engine sees it) that an error points at.
    fn range(error: &Error, text: &str) -> Option<Range<usize>> {
        if let Some(range) = error.range() {
            return Some(range);
        }
        let line = error.line()?;
        let start = if line <= 1 {
            0
        } else {
            text.match_indices('\n')
                .nth(line - 2)
                .map_or(text.len(), |(i, _)| i + 1)
        };
        let end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        Some(start..end)
    }

    /// The place of an error in the file that a person wrote.
    pub(super) fn of(&self, error: &Error) -> Option<Place> {
        let name = error.name()?;
        if name == BODY {
            let body = self.body?;
            let text = body.rewritten.as_ref().map_or("", |r| r.text.as_str());
            return Some(body.place(Self::range(error, text)?));
        }
        let def = self.registry.by_id(name)?;
        let range = Self::range(error, &def.template.text)?;
        Some(Place::new(&def.file, def.template.original_range(range)))
    }

    /// The source text that an error points at.
    pub(super) fn text_of(&self, error: &Error) -> Option<String> {
        let place = self.of(error)?;
        place.file.text.get(place.span).map(str::to_string)
    }

    /// The origin of a stretch of output.
    pub(super) fn origin(&self, span: &minijinja::OutputSpan) -> Option<Origin> {
        let place = self.body?.place(span.source_range());
        let is_text = span.kind() == minijinja::OutputSpanKind::Raw;
        Some(Origin {
            output: span.output_range(),
            source: place.span,
            is_text,
            template: span.source_range().start,
        })
    }
}
