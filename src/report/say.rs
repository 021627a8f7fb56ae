//! Events in dbt's own words, for the commands: `Event::building_catalog()` and its like.
use super::event::{DbtEvent, Event, Level};
use super::names;
use serde_json::{Map, Value, json};

/// A line in dbt's words, with the fields of its JSON line.
fn line(event: DbtEvent, level: Level, text: impl Into<String>, data: Value) -> Event {
    Event::Line {
        level,
        text: text.into(),
        dbt: Some((event, fields(data))),
    }
}

fn fields(data: Value) -> Map<String, Value> {
    match data {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn answer(event: DbtEvent, header: Option<String>, text: String, data: Value) -> Event {
    Event::Output {
        header,
        text,
        dbt: Some((event, fields(data))),
    }
}

/// What `show` and `compile` speak of.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A node by name and unique id.
    Node(&'a str, &'a str),
    /// A query given on the command line; its unique id.
    Inline(&'a str),
}

impl Subject<'_> {
    fn data(self) -> Map<String, Value> {
        let (name, id, inline) = match self {
            Self::Node(name, id) => (name, id, false),
            Self::Inline(id) => ("inline_query", id, true),
        };
        fields(json!({"node_name": name, "unique_id": id, "is_inline": inline}))
    }
}

impl Event {
    /// A line of the command's own.
    pub fn info(text: impl Into<String>) -> Self {
        Self::Line {
            level: Level::Info,
            text: text.into(),
            dbt: None,
        }
    }

    /// A warning of the command's own, for which a diagnostic would be too much.
    pub fn warn(text: impl Into<String>) -> Self {
        Self::Line {
            level: Level::Warn,
            text: text.into(),
            dbt: None,
        }
    }

    /// The selector that applies because nothing is asked for.
    pub fn default_selector(name: &str) -> Self {
        line(
            names::DEFAULT_SELECTOR,
            Level::Info,
            format!("Using default selector {name}"),
            json!({"name": name}),
        )
    }

    /// A selector that selects nothing.
    pub fn no_nodes_for(spec: &str) -> Self {
        line(
            names::NO_NODES_FOR_SELECTION_CRITERIA,
            Level::Warn,
            format!("The selection criterion '{spec}' does not match any enabled nodes"),
            json!({"spec_raw": spec}),
        )
    }

    /// `ls` found nothing to list.
    pub fn no_nodes_selected() -> Self {
        line(
            names::NO_NODES_SELECTED,
            Level::Warn,
            "No nodes selected!",
            json!({}),
        )
    }

    /// The catalogue is being read.
    pub fn building_catalog() -> Self {
        line(
            names::BUILDING_CATALOG,
            Level::Info,
            "Building catalog",
            json!({}),
        )
    }

    /// The catalogue was written.
    pub fn catalog_written(path: &str) -> Self {
        let text = format!("Catalog written to {path}");
        line(
            names::CATALOG_WRITTEN,
            Level::Info,
            text,
            json!({"path": path}),
        )
    }

    /// `run-operation` failed; the error is in dbt's form.
    pub fn operation_failed(error: &str) -> Self {
        line(
            names::RUNNING_OPERATION_CAUGHT_ERROR,
            Level::Error,
            format!("Encountered an error while running operation: {error}"),
            json!({"exc": error}),
        )
    }

    /// A line of `debug`.
    pub fn debug_line(text: impl Into<String>) -> Self {
        let text = text.into();
        line(
            names::DEBUG_CMD_OUT,
            Level::Info,
            text.clone(),
            json!({"msg": text}),
        )
    }

    /// The sentence that `debug` ends with.
    pub fn debug_result(text: impl Into<String>) -> Self {
        let text = text.into();
        line(
            names::DEBUG_CMD_RESULT,
            Level::Info,
            text.clone(),
            json!({"msg": text}),
        )
    }

    /// The heading above the sample of a seed (`seed --show`), with its bar.
    pub fn seed_header(schema: &str, alias: &str) -> [Self; 2] {
        let header = format!("Random sample of table: {schema}.{alias}");
        let bar = "-".repeat(header.chars().count());
        [
            line(
                names::SEED_HEADER,
                Level::Info,
                header.clone(),
                json!({"header": header}),
            ),
            line(
                names::FORMATTING,
                Level::Info,
                bar.clone(),
                json!({"msg": bar}),
            ),
        ]
    }

    /// One line of `ls`, or anything else printed as it is.
    pub fn answer(text: impl Into<String>) -> Self {
        Self::Output {
            header: None,
            text: text.into(),
            dbt: None,
        }
    }

    /// The rows of `show`: a table, or JSON text when `output_format` is `json`.
    pub fn shown(subject: Subject<'_>, preview: &str, output_format: &str, quiet: bool) -> Self {
        let header = match subject {
            Subject::Node(name, _) => format!("Previewing node '{name}':"),
            Subject::Inline(_) => "Previewing inline node:".to_string(),
        };
        let mut data = subject.data();
        data.extend(fields(
            json!({"preview": preview, "output_format": output_format, "quiet": quiet}),
        ));
        answer(
            names::SHOW_NODE,
            (output_format != "json").then_some(header),
            preview.to_string(),
            data.into(),
        )
    }

    /// The text of `compile`, or JSON text when `output_format` is `json`.
    pub fn compiled(subject: Subject<'_>, code: &str, output_format: &str, quiet: bool) -> Self {
        let header = match subject {
            Subject::Node(name, _) => format!("Compiled node '{name}' is:"),
            Subject::Inline(_) => "Compiled inline node is:".to_string(),
        };
        let mut data = subject.data();
        data.extend(fields(
            json!({"compiled": code, "output_format": output_format, "quiet": quiet}),
        ));
        answer(
            names::COMPILED_NODE,
            (output_format != "json").then_some(header),
            code.to_string(),
            data.into(),
        )
    }
}
