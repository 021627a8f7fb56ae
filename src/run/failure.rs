//! How a node's error is told: dbt's message, and a diagnostic that points into the model.
use crate::compile::CompiledNode;
use crate::context::{Raised, diagnostic};
use crate::diag::{Diagnostic, code};
use crate::graph::{Node, ResourceType};
use crate::jinja::JinjaError;
use crate::pg::PgError;
use crate::text::Place;

/// A node's failure.
#[derive(Debug, Clone)]
pub struct Failure {
    /// dbt's text: heading, node and file, message, hint to the compiled file.
    pub message: String,
    /// With place and way out.
    pub diagnostic: Diagnostic,
    /// Whether the error asks for the whole run to stop.
    pub fail_fast: bool,
}

/// The first line of an error of a node.
pub(super) fn node_heading(heading: &str, kind: ResourceType, name: &str, path: &str) -> String {
    format!("{heading} in {} {name} ({path})", kind.as_str())
}

/// The lines below it.
pub(super) fn indented(message: &str) -> String {
    message.lines().map(|l| format!("\n  {l}")).collect()
}

/// dbt's text for an error of a node.
fn told(heading: &str, node: &Node, message: &str, trail: Option<&str>) -> String {
    let mut text = node_heading(
        heading,
        node.resource_type,
        &node.name,
        &node.original_file_path,
    );
    text.push_str(&indented(message));
    if let Some(trail) = trail {
        text.push_str("\n  ");
        text.push_str(trail);
    }
    text
}

/// A failure from a diagnostic made while compiling.
pub fn compile_failure(node: &Node, d: Diagnostic) -> Failure {
    let heading = d
        .heading
        .clone()
        .unwrap_or_else(|| "Compilation Error".into());
    Failure {
        message: told(&heading, node, &d.message, None),
        diagnostic: d,
        fail_fast: false,
    }
}

/// A failure of a render while running: database errors are traced to the model's line.
pub fn node_error(
    node: &Node,
    compiled: Option<&CompiledNode>,
    e: &JinjaError,
    compiled_file: Option<&str>,
) -> Failure {
    match e.payload::<Raised>() {
        Some(Raised::Database(pg, sql, prefix)) => {
            database_failure(node, compiled, pg, sql, *prefix, compiled_file, Some(e))
        }
        raised => {
            let d = diagnostic(e, node.place.as_ref());
            let heading = d
                .heading
                .clone()
                .unwrap_or_else(|| "Compilation Error".into());
            let mut message = e.message.clone();
            let mut frames = e.stack.iter();
            // dbt names the macros of a mistake in a template only.
            let named = heading != "Runtime Error";
            if let Some(first) = frames.next().filter(|_| named) {
                message.push_str(&format!(
                    "\n\n> in macro {} ({})",
                    first.name, first.defined.file.path
                ));
                for f in frames {
                    message.push_str(&format!(
                        "\n> called by macro {} ({})",
                        f.name, f.defined.file.path
                    ));
                }
                message.push_str(&format!(
                    "\n> called by {} {} ({})",
                    node.resource_type.as_str(),
                    node.name,
                    node.original_file_path
                ));
            }
            let fail_fast = matches!(raised, Some(Raised::FailFast(_)));
            Failure {
                message: told(&heading, node, &message, None),
                diagnostic: d,
                fail_fast,
            }
        }
    }
}

/// A failure of a statement that was sent.
pub fn database_failure(
    node: &Node,
    compiled: Option<&CompiledNode>,
    pg: &PgError,
    sql: &str,
    prefix: usize,
    compiled_file: Option<&str>,
    e: Option<&JinjaError>,
) -> Failure {
    let place = compiled.and_then(|c| trace(c, pg, sql, prefix));
    let fallback = || {
        node.place
            .as_ref()
            .map(|p| Place::line(&p.file, p.file.line_column(p.span.start).0))
    };
    let in_macro = e
        .filter(|_| place.is_none())
        .and_then(|e| e.stack.first())
        .map(|f| format!("the statement was sent by macro `{}`", f.name));
    let mut d = pg
        .diagnostic(place.or_else(fallback), None)
        .heading("Database Error");
    if let Some(file) = compiled_file {
        d = d.note(format!("compiled SQL: {file}"));
    }
    if let Some(note) = in_macro {
        d = d.note(note);
    }
    let trail = compiled_file.map(|f| format!("compiled code at {f}"));
    Failure {
        message: told("Database Error", node, &pg.to_string(), trail.as_deref()),
        diagnostic: d,
        fail_fast: false,
    }
}

/// From the server's position in the sent text, through the compiled SQL, to the model.
fn trace(compiled: &CompiledNode, pg: &PgError, sql: &str, prefix: usize) -> Option<Place> {
    let position = usize::try_from(pg.position?).ok()?.checked_sub(1)?;
    let byte = sql.char_indices().nth(position).map(|(i, _)| i)?;
    if byte < prefix {
        return None;
    }
    let body = compiled.sql.trim();
    let start = sql.find(body)?;
    let offset = byte.checked_sub(start)?;
    if offset > body.len() {
        return None;
    }
    let lead = compiled.sql.len() - compiled.sql.trim_start().len();
    let word = sql[byte..]
        .chars()
        .take_while(|c| c.is_alphanumeric() || "_\".".contains(*c))
        .map(char::len_utf8)
        .sum::<usize>();
    compiled.map.place(offset + lead, word.max(1))
}

/// A failure that is nobody's statement.
pub fn internal(node: &Node, message: &str) -> Failure {
    let d = Diagnostic::error(code::G0410, message).at_opt(node.place.clone());
    Failure {
        message: told("Runtime Error", node, message, None),
        diagnostic: d,
        fail_fast: false,
    }
}
