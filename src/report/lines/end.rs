//! The blocks at the end of a run: what was finished, what failed and why, the totals.
use super::words::{counted, kinds};
use super::{Block, Lines};
use crate::diag::{self, Diagnostic};
use crate::graph::ResourceType;
use crate::outcome::{FreshnessResult, NodeResult, RunTotals, Status};
use crate::report::entry::Entry;
use crate::report::event::{Level, NodeInfo, Summary};
use crate::report::names;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What `Completed …` counts; a skip that carries a message counts as an error there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Completed {
    errors: usize,
    partial: usize,
    warnings: usize,
}

impl Lines {
    pub(super) fn finished(&mut self, summary: &Summary) -> Vec<Entry> {
        let nodes = summary.results.iter().map(|(n, _)| &**n);
        let mut out = self.ran(nodes, summary.elapsed);
        let results = || summary.results.iter().map(|(n, r)| (&**n, &**r));
        let mut completed = Completed::default();
        for (_, result) in results() {
            match result.status {
                Status::PartialSuccess => completed.partial += 1,
                Status::Warn => completed.warnings += 1,
                Status::Skipped if result.message.is_some() => completed.errors += 1,
                status if status.is_failure() => completed.errors += 1,
                _ => {}
            }
        }
        out.push(Self::blank(Level::Info));
        out.push(self.completed(completed, summary.interrupted));
        for (node, result) in results() {
            if result.status.is_failure() && result.status != Status::PartialSuccess {
                out.extend(self.failure(node, result));
            } else if result.status == Status::Skipped && result.message.is_some() {
                out.push(Self::blank(Level::Debug));
                out.extend(self.failure_message(node, result, Level::Debug));
            }
        }
        for (node, result) in results().filter(|(_, r)| r.status == Status::Warn) {
            out.extend(self.warning(node, result));
        }
        let totals = RunTotals::count(results().map(|(_, r)| r.status));
        out.push(Self::blank(Level::Info));
        out.push(stats(totals));
        out
    }

    /// `Finished running …`.
    fn ran<'n>(
        &mut self,
        nodes: impl Iterator<Item = &'n NodeInfo>,
        elapsed: Duration,
    ) -> Vec<Entry> {
        self.block = None;
        let seconds = elapsed.as_secs_f64();
        let whole = elapsed.as_secs();
        let execution = format!(
            " in {} hours {} minutes and {:.2} seconds",
            whole / 3600,
            whole / 60 % 60,
            seconds - (whole / 60 * 60) as f64
        );
        let kinds = kinds(nodes);
        let msg = format!("Finished running {kinds}{execution} ({seconds:.2}s).");
        vec![
            Self::blank(Level::Info),
            Entry::new(names::FINISHED_RUNNING_STATS, Level::Info, msg)
                .with("stat_line", kinds)
                .with("execution", execution)
                .with("execution_time", seconds),
        ]
    }

    fn completed(&self, c: Completed, interrupted: bool) -> Entry {
        let msg = if interrupted {
            self.paint.yellow("Exited because of keyboard interrupt")
        } else if c.errors > 0 {
            self.paint.red(&format!(
                "Completed with {}, {}, and {}:",
                counted(c.errors, "error"),
                counted(c.partial, "partial success"),
                counted(c.warnings, "warning")
            ))
        } else if c.partial > 0 {
            self.paint.yellow(&format!(
                "Completed with {} and {}",
                counted(c.partial, "partial success"),
                counted(c.warnings, "warning")
            ))
        } else if c.warnings > 0 {
            self.paint.yellow(&format!(
                "Completed with {}:",
                counted(c.warnings, "warning")
            ))
        } else {
            self.paint.green("Completed successfully")
        };
        Entry::new(names::END_OF_RUN_SUMMARY, Level::Info, msg)
            .with("num_errors", c.errors)
            .with("num_partial_success", c.partial)
            .with("num_warnings", c.warnings)
            .with("keyboard_interrupt", interrupted)
    }

    /// The paragraph about a failed node.
    pub(super) fn failure(&self, node: &NodeInfo, result: &NodeResult) -> Vec<Entry> {
        let mut out = vec![Self::blank(Level::Info), self.failure_heading(node)];
        out.extend(self.failure_message(node, result, Level::Error));
        out.extend(self.where_to_look(node, result));
        out
    }

    pub(super) fn failure_heading(&self, node: &NodeInfo) -> Entry {
        let msg = self.paint.red(&format!("Failure in {}", named(node)));
        let entry = Entry::new(names::RUN_RESULT_FAILURE, Level::Error, msg)
            .with("resource_type", node.resource_type.as_str())
            .with("node_name", node.name.as_str())
            .with("path", node.original_file_path.as_str())
            .with("node_info", self.running_info(node));
        with_group(entry, node)
    }

    /// The message in dbt's words, and below it the place in the source with the way out, where they are known.
    pub(super) fn failure_message(
        &self,
        node: &NodeInfo,
        result: &NodeResult,
        level: Level,
    ) -> Vec<Entry> {
        let Some(message) = &result.message else {
            return vec![self.no_message(node, result.status, level)];
        };
        let mut msg = format!("  {message}");
        let mut entry =
            Entry::new(names::RUN_RESULT_ERROR, level, "").with("msg", message.as_str());
        entry = with_group(entry.with("node_info", self.running_info(node)), node);
        if let Some(diagnostic) = &result.diagnostic {
            if let Some(snippet) = snippet(diagnostic, self.paint.on) {
                msg.push('\n');
                msg.push_str(&snippet);
            }
            entry = entry.with("diagnostic", diagnostic_json(diagnostic));
        }
        entry.msg = msg;
        vec![entry]
    }

    fn no_message(&self, node: &NodeInfo, status: Status, level: Level) -> Entry {
        Entry::new(
            names::RUN_RESULT_ERROR_NO_MESSAGE,
            level,
            format!("  Status: {status}"),
        )
        .with("status", status.as_str())
        .with("node_info", self.running_info(node))
    }

    fn warning(&self, node: &NodeInfo, result: &NodeResult) -> Vec<Entry> {
        let heading = self.paint.yellow(&format!("Warning in {}", named(node)));
        let message = result.message.as_deref().unwrap_or_default();
        let entry = Entry::new(names::RUN_RESULT_WARNING, Level::Warn, heading)
            .with("resource_type", node.resource_type.as_str())
            .with("node_name", node.name.as_str())
            .with("path", node.original_file_path.as_str())
            .with("node_info", self.running_info(node));
        let mut out = vec![Self::blank(Level::Info), with_group(entry, node)];
        if !message.is_empty() {
            out.push(with_group(
                Entry::said(names::RUN_RESULT_WARNING_MESSAGE, Level::Warn, message)
                    .with("node_info", self.running_info(node)),
                node,
            ));
        }
        out.extend(self.where_to_look(node, result));
        out
    }

    /// Where the compiled text is, and the kept rows of a test.
    fn where_to_look(&self, node: &NodeInfo, result: &NodeResult) -> Vec<Entry> {
        let mut out = Vec::new();
        if let Some(path) = &result.compiled_path {
            out.push(Self::blank(Level::Info));
            out.push(
                Entry::new(
                    names::SQL_COMPILED_PATH,
                    Level::Info,
                    format!("  compiled code at {path}"),
                )
                .with("path", path.as_str())
                .with("node_info", self.running_info(node)),
            );
        }
        let found_rows = matches!(result.status, Status::Fail | Status::Warn);
        if let Some(relation) = &result.relation_name
            && node.resource_type == ResourceType::Test
            && found_rows
        {
            let query = format!("select * from {relation}");
            let bar = "-".repeat(query.chars().count());
            out.push(Self::blank(Level::Info));
            out.push(
                Entry::new(
                    names::CHECK_NODE_TEST_FAILURE,
                    Level::Info,
                    format!("  See test failures:\n  {bar}\n  {query}\n  {bar}"),
                )
                .with("relation_name", relation.as_str())
                .with("node_info", self.running_info(node)),
            );
        }
        out
    }

    pub(super) fn freshness_done(
        &mut self,
        done: &[(Arc<NodeInfo>, Arc<FreshnessResult>)],
    ) -> Vec<Entry> {
        let mut out = Vec::new();
        for (node, result) in done {
            match (&result.message, result.status) {
                (Some(message), status) if status.is_failure() => {
                    out.push(Self::blank(Level::Info));
                    out.push(
                        Entry::new(
                            names::RUN_RESULT_ERROR,
                            Level::Error,
                            format!("  {message}"),
                        )
                        .with("msg", message.as_str()),
                    );
                }
                (None, status) if status.is_failure() => {
                    out.push(Self::blank(Level::Info));
                    out.push(self.failure_heading(node));
                    out.push(self.no_message(node, status, Level::Error));
                }
                _ => {}
            }
        }
        out.push(Entry::new(
            names::FRESHNESS_CHECK_COMPLETE,
            Level::Info,
            "Done.",
        ));
        out
    }

    /// `Finished running …` of a freshness command, hooks included.
    pub(super) fn freshness_ran(
        &mut self,
        nodes: &[Arc<NodeInfo>],
        elapsed: Duration,
    ) -> Vec<Entry> {
        self.enter(Block::Nodes);
        self.ran(nodes.iter().map(|n| &**n), elapsed)
    }
}

/// With the group that is to be told, if there is one.
pub(super) fn with_group(entry: Entry, node: &NodeInfo) -> Entry {
    match &node.group {
        Some(group) => entry.with("group", group.clone()),
        None => entry,
    }
}

/// `model bad (models/bad.sql)`.
fn named(node: &NodeInfo) -> String {
    format!(
        "{} {} ({})",
        node.resource_type.as_str(),
        node.name,
        node.original_file_path
    )
}

fn stats(t: RunTotals) -> Entry {
    let msg = format!(
        "Done. PASS={} WARN={} ERROR={} SKIP={} NO-OP={} TOTAL={}",
        t.pass,
        t.warn,
        t.error,
        t.skip,
        t.no_op,
        t.total()
    );
    let stats = json!({
        "error": t.error, "noop": t.no_op, "pass": t.pass, "skip": t.skip, "total": t.total(), "warn": t.warn,
    });
    Entry::new(names::STATS_LINE, Level::Info, msg).with("stats", stats)
}

/// The source lines of a diagnostic without its title, which the message above has said already.
pub(super) fn snippet(diagnostic: &Diagnostic, colour: bool) -> Option<String> {
    if diagnostic.labels.is_empty() && diagnostic.notes.is_empty() && diagnostic.help.is_none() {
        return None;
    }
    let mut untitled = Diagnostic {
        heading: None,
        message: "-".to_string(),
        ..diagnostic.clone()
    };
    untitled
        .notes
        .push(format!("`tv1 explain {}` says more", diagnostic.code));
    let drawn = diag::render(&untitled, colour);
    let (_, body) = drawn.split_once('\n')?;
    let lines: Vec<String> = body.lines().map(|l| format!("  {l}")).collect();
    Some(lines.join("\n"))
}

/// The fields of dbt's event.
pub(super) fn facts(d: &Diagnostic) -> Map<String, Value> {
    let fields = d.facts.iter();
    fields.map(|(k, v)| (k.to_string(), v.clone())).collect()
}

/// A warning in dbt's words alone. Those whose text comes from the outside have no tag.
pub(super) fn bare(d: &Diagnostic) -> String {
    if d.facts.iter().any(|(name, _)| *name == "msg") {
        d.message.clone()
    } else {
        format!("[WARNING]: {}", d.message)
    }
}

/// A diagnostic for tools.
pub(super) fn diagnostic_json(d: &Diagnostic) -> Value {
    let places: Vec<Value> = d
        .labels
        .iter()
        .map(|label| {
            let (line, column) = label.place.file.line_column(label.place.span.start);
            json!({
                "path": label.place.file.path,
                "line": line,
                "column": column,
                "label": label.text,
            })
        })
        .collect();
    json!({
        "code": d.code.0,
        "message": d.message,
        "places": places,
        "notes": d.notes,
        "help": d.help,
    })
}
