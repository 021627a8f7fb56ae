//! Evaluates the Jinja in the text values of a YAML tree.
use crate::diag::{Diagnostic, Sink, code};
use crate::text::{Place, SourceFile};
use crate::yaml::{Kind, Node};
use std::sync::Arc;

/// Evaluates one text natively: `"{{ 1 > 0 }}"` is a boolean. The error is a sentence.
pub type Render<'a> = &'a dyn Fn(&str) -> Result<Kind, String>;

/// Whether a text has anything for Jinja to do.
pub fn has_jinja(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// What Jinja makes of a text that has nothing for it to do: line ends become `\n`, and one at the end goes. So a block
/// of YAML (`|`) with one line is that line.
pub fn without_jinja(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// The tree with each text evaluated, except below the paths that `skip` names. Keys stay as they are.
/// Errors go to the sink with the place of the text.
pub fn render_tree(
    file: &Arc<SourceFile>,
    node: &Node,
    render: Render<'_>,
    skip: &dyn Fn(&[String]) -> bool,
    sink: &mut Sink,
) -> Node {
    walk(file, node, render, skip, &mut Vec::new(), sink)
}

fn walk(
    file: &Arc<SourceFile>,
    node: &Node,
    render: Render<'_>,
    skip: &dyn Fn(&[String]) -> bool,
    path: &mut Vec<String>,
    sink: &mut Sink,
) -> Node {
    if skip(path) {
        return node.clone();
    }
    let kind = match &node.kind {
        Kind::Str(text) if has_jinja(text) => match render(text) {
            Ok(kind) => kind,
            Err(message) => {
                sink.push(
                    Diagnostic::error(code::P0105, message)
                        .heading("Compilation Error")
                        .at(Place::new(file, node.span.clone())),
                );
                Kind::Null
            }
        },
        Kind::Str(text) if text.ends_with('\n') || text.contains('\r') => {
            Kind::Str(without_jinja(text))
        }
        Kind::Seq(items) => {
            let mut out = Vec::with_capacity(items.len());
            for (i, item) in items.iter().enumerate() {
                path.push(i.to_string());
                out.push(walk(file, item, render, skip, path, sink));
                path.pop();
            }
            Kind::Seq(out)
        }
        Kind::Map(entries) => {
            let mut out = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                path.push(key.scalar_text().unwrap_or_default());
                out.push((key.clone(), walk(file, value, render, skip, path, sink)));
                path.pop();
            }
            Kind::Map(out)
        }
        other => other.clone(),
    };
    Node {
        kind,
        span: node.span.clone(),
    }
}
