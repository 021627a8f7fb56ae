//! From the YAML parser's events to the tree of nodes.
use super::{Document, Kind, Node, resolve};
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::text::{Place, SourceFile};
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Aliases may expand a document to at most this many nodes ("billion laughs").
const MAX_NODES: usize = 5_000_000;

/// Reads the first document of a file.
pub fn load(file: &Arc<SourceFile>) -> Result<Document> {
    let mut docs = load_all(file)?;
    if docs.is_empty() {
        return Ok(Document {
            file: file.clone(),
            root: Node::bare(Kind::Null),
            warnings: Vec::new(),
        });
    }
    Ok(docs.swap_remove(0))
}

/// Reads every document of a file (separated by `---`).
pub fn load_all(file: &Arc<SourceFile>) -> Result<Vec<Document>> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let shift = file.text.len() - text.len();
    // dbt strips files, which a block scalar at the end shows.
    let text = text.trim_end();
    let mut options = Options::default();
    options.strict_indentation = false;
    options.emit_comments = false;
    let mut builder = Builder {
        file,
        parser: Parser::new_from_str_with_options(text, options),
        text,
        shift,
        chars: CharIndex::new(text),
        anchors: HashMap::new(),
        warnings: Vec::new(),
        nodes: 0,
    };
    let mut docs = Vec::new();
    while let Some((event, _)) = builder.next()? {
        if let Event::DocumentStart(..) = event {
            let Some((event, span)) = builder.next()? else {
                break;
            };
            let root = match event {
                Event::DocumentEnd => Node {
                    kind: Kind::Null,
                    span: builder.range(span),
                },
                event => builder.node(event, span)?,
            };
            docs.push(Document {
                file: file.clone(),
                root,
                warnings: std::mem::take(&mut builder.warnings),
            });
        }
    }
    Ok(docs)
}

/// Byte offsets of characters, for texts that are not plain ASCII.
struct CharIndex(Option<Vec<usize>>);

impl CharIndex {
    fn new(text: &str) -> Self {
        Self((!text.is_ascii()).then(|| {
            text.char_indices()
                .map(|(i, _)| i)
                .chain([text.len()])
                .collect()
        }))
    }

    fn byte(&self, index: usize, len: usize) -> usize {
        match &self.0 {
            None => index.min(len),
            Some(at) => at.get(index).copied().unwrap_or(len),
        }
    }
}

struct Builder<'a> {
    file: &'a Arc<SourceFile>,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    text: &'a str,
    shift: usize,
    chars: CharIndex,
    anchors: HashMap<usize, Node>,
    warnings: Vec<Diagnostic>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>> {
        loop {
            return match self.parser.next_event() {
                None => Ok(None),
                // A comment beside a value is an event of its own.
                Some(Ok((Event::Comment(..), _))) => continue,
                Some(Ok(next)) => Ok(Some(next)),
                Some(Err(e)) => Err(self.scan_error(&e)),
            };
        }
    }

    fn scan_error(&self, e: &ScanError) -> Stopped {
        let at = self.chars.byte(e.marker().index(), self.text.len()) + self.shift;
        let (line, _) = self.file.line_column(at);
        Diagnostic::error(code::Y0201, format!("this is not valid YAML: {}", e.info()))
            .heading("Parsing Error")
            .at(Place::new(self.file, at..at + 1))
            .help(format!(
                "check indentation, quotes and brackets at line {line} and just above it"
            ))
            .into()
    }

    fn range(&self, span: Span) -> Range<usize> {
        let byte = |index| self.chars.byte(index, self.text.len()) + self.shift;
        byte(span.start.index())..byte(span.end.index())
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node> {
        self.nodes += 1;
        let start = self.range(span);
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|t| t.suffix().to_string());
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let text = if block && start.end >= self.shift + self.text.len() {
                    text.trim_end_matches('\n').to_string().into()
                } else {
                    text
                };
                let kind = match (style, tag.as_deref()) {
                    (_, Some("str")) => Kind::Str(text.into_owned()),
                    (_, Some("int" | "float" | "bool" | "null")) | (ScalarStyle::Plain, _) => {
                        resolve::plain(&text)
                    }
                    _ => Kind::Str(text.into_owned()),
                };
                (Node { kind, span: start }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        Some((Event::SequenceEnd, span)) => break self.range(span).end,
                        Some((event, span)) => items.push(self.node(event, span)?),
                        None => break self.text.len(),
                    }
                };
                (
                    Node {
                        kind: Kind::Seq(items),
                        span: start.start..end.max(start.end),
                    },
                    anchor,
                )
            }
            Event::MappingStart(_, anchor, _) => (self.mapping(start)?, anchor),
            Event::Alias(id) => {
                let Some(mut node) = self.anchors.get(&id).cloned() else {
                    return Err(self.at(start, "this alias refers to an anchor that contains it"));
                };
                self.nodes += size(&node);
                if self.nodes > MAX_NODES {
                    return Err(self.at(start, "aliases expand this file beyond any sensible size"));
                }
                node.span = start;
                (node, 0)
            }
            _ => return Err(self.at(start, "unexpected YAML here")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn at(&self, span: Range<usize>, message: &str) -> Stopped {
        Diagnostic::error(code::Y0201, message)
            .heading("Parsing Error")
            .at(Place::new(self.file, span))
            .into()
    }

    fn mapping(&mut self, start: Range<usize>) -> Result<Node> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut merged: Vec<(Node, Node)> = Vec::new();
        let end = loop {
            let (event, span) = match self.next()? {
                Some((Event::MappingEnd, span)) => break self.range(span).end,
                Some(next) => next,
                None => break self.text.len(),
            };
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = self.node(event, span)?;
            let Some((event, span)) = self.next()? else {
                break self.text.len();
            };
            let value = self.node(event, span)?;
            if plain && key.as_str() == Some("<<") {
                self.merge(&mut merged, value)?;
            } else if let Some(old) = entries.iter_mut().find(|(k, _)| k.kind == key.kind) {
                let name = key.scalar_text().unwrap_or_default();
                self.warnings.push(
                    Diagnostic::warning(
                        code::Y0202,
                        format!("duplicate key `{name}`: the last one counts"),
                    )
                    .event("DuplicateYAMLKeysDeprecation")
                    .fact("file", self.file.path.as_str())
                    .label(Place::new(self.file, key.span.clone()), "this one counts")
                    .label(
                        Place::new(self.file, old.0.span.clone()),
                        "this one is ignored",
                    ),
                );
                *old = (key, value);
            } else {
                entries.push((key, value));
            }
        };
        // Merged keys come first, as in PyYAML, and give way to the mapping's own.
        merged.retain(|(k, _)| !entries.iter().any(|(own, _)| own.kind == k.kind));
        merged.extend(entries);
        Ok(Node {
            kind: Kind::Map(merged),
            span: start.start..end.max(start.end),
        })
    }

    fn merge(&self, into: &mut Vec<(Node, Node)>, value: Node) -> Result<()> {
        let sources = match value.kind {
            Kind::Map(entries) => vec![entries],
            Kind::Seq(items) if items.iter().all(Node::is_map) => items
                .into_iter()
                .map(|i| {
                    if let Kind::Map(e) = i.kind {
                        e
                    } else {
                        Vec::new()
                    }
                })
                .collect(),
            _ => {
                return Err(self.at(
                    value.span,
                    "a merge key (`<<`) needs a mapping or a list of mappings",
                ));
            }
        };
        for (key, value) in sources.into_iter().flatten() {
            if !into.iter().any(|(k, _)| k.kind == key.kind) {
                into.push((key, value));
            }
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Seq(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|(k, v)| size(k) + size(v)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        load(&SourceFile::new("t.yml", text))
            .map(|d| d.root.to_json().to_string())
            .unwrap_or_else(|e| e.to_string())
    }

    #[test]
    fn anchors_merges_and_places() {
        assert_eq!(
            json("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n"),
            r#"{"a":{"k":1,"l":2},"b":{"k":1,"l":3}}"#
        );
        let doc = load(&SourceFile::new("t.yml", "navn: æble\nland:\n  - Fyn\n")).unwrap();
        let land = doc.root.get("land").unwrap();
        assert_eq!(doc.place(&land.items()[0]).show(), "t.yml:3:5");
    }

    #[test]
    fn the_last_duplicate_wins_with_a_warning() {
        let doc = load(&SourceFile::new("t.yml", "a: 1\na: 2\n")).unwrap();
        assert_eq!(doc.root.to_json().to_string(), r#"{"a":2}"#);
        assert_eq!(doc.warnings.len(), 1);
    }

    #[test]
    fn comments_beside_values_are_no_values() {
        assert_eq!(
            json(
                "a: {b: 1} # one\nc:   # two\n  d: \"x\"   # three\n  # four\n  e: [1, # five\n    2]\n"
            ),
            r#"{"a":{"b":1},"c":{"d":"x","e":[1,2]}}"#
        );
    }

    #[test]
    fn broken_yaml_is_one_error_with_its_place() {
        let e = load(&SourceFile::new("t.yml", "a: [1, 2\nb: 3\n")).unwrap_err();
        assert!(e.to_string().contains("t.yml:2"), "{e}");
    }

    #[test]
    fn empty_and_comment_only_files_are_null() {
        assert_eq!(json(""), "null");
        assert_eq!(json("# nothing\n"), "null");
    }
}
