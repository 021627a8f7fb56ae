//! What each event says: the lines of dbt's console, word for word, with the data of its JSON lines.
//!
//! Comes in: stamped events, in order. Goes out: entries. Keeps only what later lines need (start times, the group
//! that blank lines separate). Knows nothing of files, terminals and formats.
pub mod command;
mod deprecations;
mod end;
mod finish;
mod start;
pub(super) mod words;

use self::deprecations::Deprecations;
use super::Stamped;
use super::entry::Entry;
use super::event::{Event, Level, NodeInfo};
use super::names;
use super::options::Options;
use super::paint::Paint;
use crate::outcome::{NodeResult, Step};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The blocks that blank lines separate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Hooks,
    Nodes,
}

/// Makes entries of events.
#[derive(Debug)]
pub struct Lines {
    paint: Paint,
    width: usize,
    quiet: bool,
    print: bool,
    deprecations: Deprecations,
    block: Option<Block>,
    started: BTreeMap<String, DateTime<Utc>>,
    step: BTreeMap<String, Step>,
    encountered: bool,
    command: String,
    /// Which node each thread works on.
    threads: BTreeMap<String, Arc<NodeInfo>>,
    /// What each thread's connection was last used for.
    connections: BTreeMap<String, String>,
}

impl Lines {
    /// For a run that is shown in this way.
    pub fn new(options: &Options) -> Self {
        Self {
            paint: Paint {
                on: options.colours,
            },
            width: options.width,
            quiet: options.quiet,
            print: options.print,
            deprecations: Deprecations::new(options),
            block: None,
            started: BTreeMap::new(),
            step: BTreeMap::new(),
            encountered: false,
            command: String::new(),
            threads: BTreeMap::new(),
            connections: BTreeMap::new(),
        }
    }

    /// What an event says.
    pub fn entries(&mut self, stamped: &Stamped) -> Vec<Entry> {
        match &stamped.event {
            Event::NodeStarted { node, index, total } => {
                self.threads.insert(stamped.thread.clone(), node.clone());
                self.node_started(stamped, node, *index, *total)
            }
            Event::Step(step) => match self.threads.get(&stamped.thread).cloned() {
                Some(node) => self.node_step(&node, *step),
                None => Vec::new(),
            },
            Event::NodeStep { node, step } => self.node_step(node, *step),
            Event::NodeFinished {
                node,
                index,
                total,
                result,
                because,
            } => {
                let lines =
                    self.node_finished(stamped, node, (*index, *total), result, because.as_ref());
                self.threads
                    .retain(|_, running| running.unique_id != node.unique_id);
                lines
            }
            Event::FreshnessFinished {
                node,
                index,
                total,
                result,
            } => self.freshness_finished(stamped, node, (*index, *total), result),
            Event::BatchStarted {
                node,
                batch,
                index,
                total,
            } => self.batch_started(node, batch, (*index, *total)),
            Event::BatchFinished {
                node,
                batch,
                index,
                total,
                status,
                message,
                execution_time,
            } => {
                let ended = (
                    *status,
                    message.as_deref().unwrap_or_default(),
                    *execution_time,
                );
                self.batch_finished(stamped, node, batch, (*index, *total), ended)
            }
            Event::FailedFast { node, result } => self.failure(node, result),
            Event::Finished(summary) => self.finished(summary),
            Event::FreshnessDone(done) => self.freshness_done(done),
            Event::NodeProgress { .. } => Vec::new(),
            Event::Deprecation { dbt, diagnostic } => {
                let shown = self.deprecations.note(*dbt, diagnostic);
                shown.into_iter().collect()
            }
            _ => self.command_entries(stamped),
        }
    }

    /// A blank line between two blocks.
    fn enter(&mut self, block: Block) -> Option<Entry> {
        let before = self.block.replace(block);
        before
            .filter(|b| *b != block)
            .map(|_| Self::blank(Level::Info))
    }

    fn blank(level: Level) -> Entry {
        Entry::said(names::FORMATTING, level, "")
    }

    /// A line with dots up to the width, and the status at its end.
    fn dotted(&self, text: &str, status: &str, seconds: Option<f64>) -> String {
        let text = format!("{text} ");
        let dots = ".".repeat(self.width.saturating_sub(text.chars().count()));
        match seconds {
            Some(s) => format!("{text}{dots} [{status} in {s:.2}s]"),
            None => format!("{text}{dots} [{status}]"),
        }
    }

    /// dbt's `node_info`.
    fn node_info(&self, node: &NodeInfo, status: &str, finished: Option<DateTime<Utc>>) -> Value {
        let show = |at: Option<&DateTime<Utc>>| {
            at.map_or(String::new(), |t| {
                t.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
            })
        };
        json!({
            "materialized": node.materialized,
            "meta": node.meta,
            "node_checksum": node.checksum,
            "node_finished_at": show(finished.as_ref()),
            "node_name": node.name,
            "node_path": node.path,
            "node_relation": {
                "alias": node.alias,
                "database": node.database,
                "relation_name": node.relation_name.as_deref().unwrap_or_default(),
                "schema": node.schema,
            },
            "node_started_at": show(self.started.get(&node.unique_id)),
            "node_status": status,
            "resource_type": node.resource_type.as_str(),
            "unique_id": node.unique_id,
        })
    }

    /// dbt's `node_info` of a node that runs.
    fn running_info(&self, node: &NodeInfo) -> Value {
        let status = match self.step.get(&node.unique_id) {
            Some(Step::Compile) => "compiling",
            Some(Step::Execute) => "executing",
            None if self.started.contains_key(&node.unique_id) => "started",
            None => "None",
        };
        self.node_info(node, status, None)
    }
}

/// dbt's `run_result` of a node.
fn run_result(result: &NodeResult) -> Value {
    let time = |t: Option<DateTime<Utc>>| t.map_or(String::new(), super::json::utc);
    let timing: Vec<Value> = result
        .timing
        .iter()
        .map(|t| {
            json!({
                "name": t.name.as_str(),
                "started_at": time(t.started_at),
                "completed_at": time(t.completed_at),
            })
        })
        .collect();
    json!({
        "adapter_response": result.adapter_response,
        "execution_time": result.execution_time,
        "message": result.message.as_deref().unwrap_or_default(),
        "num_failures": result.failures.unwrap_or_default(),
        "status": result.status.as_str(),
        "thread": result.thread_id,
        "timing_info": timing,
    })
}

#[cfg(test)]
mod tests;
