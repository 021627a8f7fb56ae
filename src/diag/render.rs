//! Draws a diagnostic for people, with the source line, in the manner of rustc.
use super::{Diagnostic, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// The text of a diagnostic, without a line break at its end; `colour` adds terminal colours.
pub fn render(d: &Diagnostic, colour: bool) -> String {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(d.message.as_str()).id(d.code.0);
    let mut group = Group::with_title(title);
    for (i, label) in d.labels.iter().enumerate() {
        let kind = if i == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let text = &label.place.file.text;
        let span = clamp(text, &label.place.span);
        let mut annotation = kind.span(span);
        if !label.text.is_empty() {
            annotation = annotation.label(label.text.as_str());
        }
        group = group.element(
            Snippet::source(text.as_str())
                .path(label.place.file.path.as_str())
                .annotation(annotation),
        );
    }
    for note in &d.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(help) = &d.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let drawn = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
    match &d.heading {
        Some(heading) => format!("{heading}\n{drawn}"),
        None => drawn,
    }
}

/// A span within the text, on character boundaries, never over a line's end (the renderer draws one line).
fn clamp(text: &str, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let floor = |mut i: usize| {
        i = i.min(text.len());
        while !text.is_char_boundary(i) {
            i -= 1;
        }
        i
    };
    let start = floor(span.start);
    let end = floor(span.end.max(start));
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    start..end.min(line_end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::code;
    use crate::text::{Place, SourceFile};

    #[test]
    fn shows_the_source_line_and_the_way_out() {
        let file = SourceFile::new("models/a.sql", "select\n  wrong_column\nfrom t\n");
        let d = Diagnostic::error(code::Y0203, "column `wrong_column` does not exist")
            .label(Place::new(&file, 9..21), "PostgreSQL 42703")
            .note("compiled SQL: target/compiled/models/a.sql:2")
            .help("a column named `right_column` exists");
        insta::assert_snapshot!(render(&d, false));
    }
}
