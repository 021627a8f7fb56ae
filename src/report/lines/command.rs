//! The lines of the command as a whole: its begin and end, templates that speak, statements, errors, answers.
use super::end::{bare, diagnostic_json, facts};
use super::words::counted;
use super::{Block, Lines};
use crate::diag::{self, Diagnostic, Severity};
use crate::report::Stamped;
use crate::report::entry::Entry;
use crate::report::event::{Count, DbtEvent, Event, Level, NodeInfo};
use crate::report::names;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The version of dbt whose behaviour and artefacts are followed.
pub const DBT_VERSION: &str = "1.10.23";
/// The version of dbt's PostgreSQL adapter that is followed.
pub const ADAPTER_VERSION: &str = "1.11.0";
/// The version of this program.
pub const TV1_VERSION: &str = env!("CARGO_PKG_VERSION");

impl Lines {
    pub(super) fn command_entries(&mut self, stamped: &Stamped) -> Vec<Entry> {
        match &stamped.event {
            Event::Started { command, args } => self.begun(command, args),
            Event::AdapterRegistered => vec![
                Entry::new(
                    names::ADAPTER_REGISTERED,
                    Level::Info,
                    format!("Registered adapter: postgres={ADAPTER_VERSION}"),
                )
                .with("adapter_name", "postgres")
                .with("adapter_version", format!("={ADAPTER_VERSION}")),
            ],
            Event::Found(counts) => vec![found(counts)],
            Event::Concurrency {
                threads,
                target,
                nodes,
            } => concurrency(*threads, target, *nodes),
            Event::NothingToDo => vec![Entry::new(
                names::NOTHING_TO_DO,
                Level::Warn,
                "Nothing to do. Try checking your model configs and model specification args",
            )],
            Event::FreshnessRan { nodes, elapsed } => self.freshness_ran(nodes, *elapsed),
            Event::Diagnostic { diagnostic, dbt } => vec![self.diagnostic(diagnostic, *dbt)],
            Event::Cancelling { running } => vec![self.cancelling(*running)],
            Event::QueryCancelled { connection } => {
                let text = format!("CANCEL query {connection}");
                let msg = self.dotted(&text, &self.paint.red("CANCEL"), None);
                vec![
                    Entry::new(names::LOG_CANCEL_LINE, Level::Error, msg)
                        .with("conn_name", connection.as_str()),
                ]
            }
            Event::CommandCompleted {
                command,
                success,
                elapsed,
            } => {
                let mut out: Vec<Entry> = self.deprecations.summary().into_iter().collect();
                out.push(completed(command, *success, elapsed.as_secs_f64(), stamped));
                out
            }
            _ => self.spoken(stamped),
        }
    }

    /// The lines of templates, the server and the command's own words.
    fn spoken(&self, stamped: &Stamped) -> Vec<Entry> {
        let running = self.threads.get(&stamped.thread);
        match &stamped.event {
            Event::Log { level, text, node } => {
                let name = match level {
                    Level::Debug => names::JINJA_LOG_DEBUG,
                    Level::Info | Level::None => names::JINJA_LOG_INFO,
                    Level::Warn | Level::Error => names::JINJA_LOG_WARNING,
                };
                vec![self.of_node(
                    Entry::said(name, *level, text.as_str()),
                    node.as_ref().or(running),
                )]
            }
            Event::Print { text, node } if self.print => {
                let entry = Entry::said(names::PRINT_EVENT, Level::Info, text.as_str()).answer();
                vec![self.of_node(entry, node.as_ref().or(running))]
            }
            Event::Notice {
                connection,
                severity,
                text,
            } => vec![notice(connection, severity, text)],
            Event::Sql {
                connection,
                node,
                text,
            } => {
                let node = node.as_ref().or(running);
                // Hooks have no connection of their own.
                let connection = match node {
                    Some(node) if node.is_hook() => "master",
                    _ => connection.as_str(),
                };
                let used = Entry::new(
                    names::CONNECTION_USED,
                    Level::Debug,
                    format!("Using postgres connection \"{connection}\""),
                )
                .with("conn_type", "postgres")
                .with("conn_name", connection);
                let query = Entry::new(
                    names::SQL_QUERY,
                    Level::Debug,
                    format!("On {connection}: {text}"),
                )
                .with("conn_name", connection)
                .with("sql", text.as_str());
                vec![self.of_node(used, node), self.of_node(query, node)]
            }
            Event::SqlStatus {
                connection: _,
                node,
                status,
                elapsed,
            } => {
                let entry = Entry::new(
                    names::SQL_QUERY_STATUS,
                    Level::Debug,
                    format!("SQL status: {status} in {elapsed:.3} seconds"),
                )
                .with("status", status.as_str())
                .with("elapsed", *elapsed)
                .with("query_id", "");
                vec![self.of_node(entry, node.as_ref().or(running))]
            }
            Event::SqlFailed { text } => {
                let entry = Entry::new(
                    names::ADAPTER_EVENT_DEBUG,
                    Level::Debug,
                    format!("Postgres adapter: Postgres error: {text}"),
                )
                .with("name", "Postgres")
                .with("base_msg", format!("Postgres error: {text}"))
                .with("args", Value::Array(Vec::new()));
                vec![self.of_node(entry, running)]
            }
            Event::Line { level, text, dbt } => vec![match dbt {
                Some((event, data)) => {
                    Entry::new(*event, *level, text.as_str()).with_all(data.clone())
                }
                None => Entry::said(names::NOTE, *level, text.as_str()),
            }],
            Event::Output { header, text, dbt } => {
                vec![self.output(header.as_deref(), text, dbt.as_ref())]
            }
            Event::ArtifactWritten { path, kind } => vec![
                Entry::new(
                    names::ARTIFACT_WRITTEN,
                    Level::Debug,
                    format!("Wrote artifact {kind} to {path}"),
                )
                .with("artifact_type", *kind)
                .with("artifact_path", path.as_str()),
            ],
            _ => Vec::new(),
        }
    }

    fn of_node(&self, entry: Entry, node: Option<&Arc<NodeInfo>>) -> Entry {
        match node {
            Some(node) => entry.with("node_info", self.running_info(node)),
            None => entry,
        }
    }

    /// The first line keeps dbt's words in front, because wrappers look for `Running with dbt=` and read the version
    /// behind it; what runs is named at its end.
    fn begun(&mut self, command: &str, args: &Map<String, Value>) -> Vec<Entry> {
        self.command = command.to_string();
        let version = Entry::new(
            names::MAIN_REPORT_VERSION,
            Level::Info,
            format!("Running with dbt={DBT_VERSION} compatible tv1={TV1_VERSION}"),
        )
        .with("version", format!("={DBT_VERSION}"))
        .with("log_version", 3)
        .with("tv1_version", TV1_VERSION);
        let shown = super::super::json::python(&Value::Object(args.clone()));
        let texts: Map<String, Value> = args
            .iter()
            .map(|(k, v)| {
                let text = v.as_str().map_or_else(|| v.to_string(), str::to_string);
                (k.clone(), Value::String(text))
            })
            .collect();
        vec![
            version,
            Entry::new(
                names::MAIN_REPORT_ARGS,
                Level::Debug,
                format!("running `{command}` with arguments {shown}"),
            )
            .with("args", texts),
        ]
    }

    fn output(
        &self,
        header: Option<&str>,
        text: &str,
        dbt: Option<&(DbtEvent, Map<String, Value>)>,
    ) -> Entry {
        let msg = match header {
            Some(header) if !self.quiet => format!("{header}\n{text}"),
            _ => text.to_string(),
        };
        match dbt {
            Some((event, fields)) => Entry::new(*event, Level::Info, msg).with_all(fields.clone()),
            None => Entry::said(names::PRINT_EVENT, Level::Info, msg),
        }
        .answer()
    }

    /// An error that ends the command, or a warning. Errors stand below one `Encountered an error:`.
    fn diagnostic(&mut self, d: &Diagnostic, dbt: Option<DbtEvent>) -> Entry {
        // The line break keeps several drawn diagnostics apart.
        let drawn = format!("{}\n", diag::render(d, self.paint.on));
        let (event, level, msg) = match d.severity {
            Severity::Error => {
                let msg = if self.encountered {
                    drawn
                } else {
                    format!("Encountered an error:\n{drawn}")
                };
                self.encountered = true;
                (names::MAIN_ENCOUNTERED_ERROR, Level::Error, msg)
            }
            Severity::Warning => (names::JINJA_LOG_WARNING, Level::Warn, drawn),
            Severity::Note => (names::NOTE, Level::Info, drawn),
        };
        let field = if d.is_error() { "exc" } else { "msg" };
        let entry = Entry::new(dbt.unwrap_or(event), level, msg).with(field, plain(d));
        Entry {
            bare: (d.severity == Severity::Warning).then(|| bare(d)),
            ..entry
        }
        .with_all(facts(d))
        .with("diagnostic", diagnostic_json(d))
    }

    fn cancelling(&mut self, running: usize) -> Entry {
        self.enter(Block::Nodes);
        let text = format!(
            "Cancelling {}; interrupt again to stop at once",
            counted(running, "running query")
        );
        Entry::said(names::NOTE, Level::Warn, self.paint.yellow(&text))
    }
}

/// An error in dbt's form: heading, and the message indented.
fn plain(d: &Diagnostic) -> String {
    let place = d
        .labels
        .first()
        .map(|l| format!(" ({})", l.place.show()))
        .unwrap_or_default();
    match &d.heading {
        Some(heading) => format!("{heading}\n  {}{place}", d.message),
        None => format!("{}{place}", d.message),
    }
}

fn found(counts: &[Count]) -> Entry {
    let parts: Vec<String> = counts
        .iter()
        .filter(|c| c.count > 0)
        .map(|c| counted(c.count, &c.kind))
        .collect();
    let line = parts.join(", ");
    Entry::new(names::FOUND_STATS, Level::Info, format!("Found {line}")).with("stat_line", line)
}

fn concurrency(threads: usize, target: &str, nodes: usize) -> Vec<Entry> {
    let msg = format!("Concurrency: {threads} threads (target='{target}')");
    vec![
        Lines::blank(Level::Info),
        Entry::new(names::CONCURRENCY_LINE, Level::Info, msg)
            .with("num_threads", threads)
            .with("target_name", target)
            .with("node_count", nodes),
        Lines::blank(Level::Info),
    ]
}

/// What the server says is shown by its own importance: notices are chatter (`… does not exist, skipping`).
fn notice(connection: &str, severity: &str, text: &str) -> Entry {
    let level = match severity {
        "WARNING" => Level::Warn,
        "INFO" => Level::Info,
        _ => Level::Debug,
    };
    Entry::new(
        names::NOTE,
        level,
        format!("{severity} from the server for {connection}: {text}"),
    )
    .with("msg", text)
    .with("conn_name", connection)
    .with("severity", severity)
}

fn completed(command: &str, success: bool, seconds: f64, stamped: &Stamped) -> Entry {
    let word = if success { "succeeded" } else { "failed" };
    let at = stamped.at.format("%H:%M:%S%.6f");
    Entry::new(
        names::COMMAND_COMPLETED,
        Level::Debug,
        format!("Command `tv1 {command}` {word} at {at} after {seconds:.2} seconds"),
    )
    .with("command", format!("tv1 {command}"))
    .with("success", success)
    .with("elapsed", seconds)
    .with("completed_at", super::super::json::utc(stamped.at))
}
