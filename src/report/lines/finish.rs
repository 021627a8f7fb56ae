//! The lines of nodes that end: `1 of 5 OK created sql view model s.a … [CREATE VIEW in 0.12s]`.
use super::end::with_group;
use super::{Block, Lines, run_result};
use crate::graph::ResourceType;
use crate::outcome::{FreshnessResult, NodeResult, Status};
use crate::report::Stamped;
use crate::report::entry::Entry;
use crate::report::event::{DbtEvent, FailedEphemeral, Level, NodeInfo};
use crate::report::names;
use serde_json::Value;

/// How a result line reads: what happened, and the painted status.
struct Ending {
    text: String,
    status: String,
    level: Level,
}

impl Lines {
    pub(super) fn node_finished(
        &mut self,
        stamped: &Stamped,
        node: &NodeInfo,
        place: (usize, usize),
        result: &NodeResult,
        because: Option<&FailedEphemeral>,
    ) -> Vec<Entry> {
        let block = if node.is_hook() {
            Block::Hooks
        } else {
            Block::Nodes
        };
        let mut out: Vec<Entry> = self.enter(block).into_iter().collect();
        let ended = (result.status != Status::Skipped).then_some(stamped.at);
        let info = self.node_info(node, result.status.as_str(), ended);
        if node.is_hook() {
            out.push(self.hook_line(node, place, result, info));
            return out;
        }
        if !self.started.contains_key(&node.unique_id) {
            // What is skipped has never begun, but it is said to have.
            let info = self.node_info(node, "started", None);
            out.push(super::start::node_start(node, info));
        }
        match (result.status, because) {
            _ if node.is_ephemeral() => {}
            (Status::Skipped, Some(failed)) => out.extend(self.skip_because(node, place, failed)),
            (Status::Skipped, None) => out.push(self.skip_line(node, place, info.clone())),
            _ => out.push(self.result_line(node, place, result, info.clone())),
        }
        if result.status == Status::Error {
            let told = result.message.as_deref().unwrap_or_default();
            out.push(
                Entry::new(names::CATCHABLE_EXCEPTION_ON_RUN, Level::Debug, told)
                    .with("exc", told)
                    .with("exc_info", "")
                    .with("node_info", info.clone()),
            );
        }
        out.push(
            Entry::new(
                names::NODE_FINISHED,
                Level::Debug,
                format!("Finished running node {}", node.unique_id),
            )
            .with("node_info", info)
            .with("run_result", run_result(result)),
        );
        if result.status.is_failure() || result.status == Status::Skipped {
            let why = result
                .message
                .as_deref()
                .map(|m| format!(" Reason: {m}."))
                .unwrap_or_default();
            let msg = format!(
                "Marking all children of '{}' to be skipped because of status '{}'. {why}",
                node.unique_id, result.status,
            );
            out.push(
                Entry::new(names::MARK_SKIPPED_CHILDREN, Level::Debug, msg)
                    .with("status", result.status.as_str())
                    .with("unique_id", node.unique_id.as_str())
                    .with("run_result", run_result(result)),
            );
        }
        self.started.remove(&node.unique_id);
        self.step.remove(&node.unique_id);
        out
    }

    fn hook_line(
        &self,
        node: &NodeInfo,
        (index, total): (usize, usize),
        result: &NodeResult,
        info: Value,
    ) -> Entry {
        let (word, status) = match result.status {
            Status::Skipped => ("SKIP", self.paint.yellow("SKIP")),
            s if s.is_failure() => ("ERROR", self.paint.red("ERROR")),
            _ => ("OK", self.paint.green("OK")),
        };
        let text = format!("{index} of {total} {word} {}", node.description);
        let msg = self.dotted(&text, &status, Some(result.execution_time));
        Entry::new(names::LOG_HOOK_END_LINE, Level::Info, msg)
            .with("statement", node.label.as_str())
            .with("status", result.status.as_str())
            .with("execution_time", result.execution_time)
            .with("index", index)
            .with("total", total)
            .with("node_info", info)
    }

    fn skip_line(&self, node: &NodeInfo, (index, total): (usize, usize), info: Value) -> Entry {
        let text = format!("{index} of {total} SKIP {}", skipped_name(node));
        let msg = self.dotted(&text, &self.paint.yellow("SKIP"), None);
        let name = if is_relation(node) {
            &node.alias
        } else {
            &node.name
        };
        let entry = Entry::new(names::SKIPPING_DETAILS, Level::Info, msg)
            .with("resource_type", node.resource_type.as_str())
            .with("schema", node.schema.as_str())
            .with("node_name", name.as_str())
            .with("index", index)
            .with("total", total)
            .with("node_info", info);
        with_group(entry, node)
    }

    /// A skip on account of a failed ephemeral model, which tells that model's failure on the spot.
    fn skip_because(
        &mut self,
        node: &NodeInfo,
        (index, total): (usize, usize),
        failed: &FailedEphemeral,
    ) -> Vec<Entry> {
        let status = failed.result.status;
        let text = format!(
            "{index} of {total} SKIP relation {}.{} due to ephemeral model status '{status}'",
            node.schema, node.name
        );
        let msg = self.dotted(&text, &self.paint.red("ERROR SKIP"), None);
        let line = Entry::new(names::LOG_SKIP_BECAUSE_ERROR, Level::Error, msg)
            .with("schema", node.schema.as_str())
            .with("relation", node.alias.as_str())
            .with("index", index)
            .with("total", total)
            .with("status", status.as_str());
        let line = with_group(line, node);
        if !status.is_failure() {
            return vec![line];
        }
        let mut out = vec![line, self.failure_heading(&failed.node)];
        out.extend(self.failure_message(&failed.node, &failed.result, Level::Error));
        out
    }

    fn result_line(
        &self,
        node: &NodeInfo,
        (index, total): (usize, usize),
        result: &NodeResult,
        info: Value,
    ) -> Entry {
        let (event, ending) = self.ending(node, result);
        let text = format!("{index} of {total} {}", ending.text);
        let msg = self.dotted(&text, &ending.status, Some(result.execution_time));
        let entry = Entry::new(event, ending.level, msg)
            .with("execution_time", result.execution_time)
            .with("index", index)
            .with("node_info", info);
        let entry = match event {
            names::LOG_NODE_NO_OP_RESULT => entry,
            _ => with_group(entry, node),
        };
        let message = result.message.as_deref().unwrap_or_default();
        match event {
            names::LOG_TEST_RESULT => entry
                .with("name", node.label.as_str())
                .with(
                    "attached_node",
                    node.attached_node.as_deref().unwrap_or_default(),
                )
                .with("status", result.status.as_str())
                .with("num_failures", result.failures.unwrap_or_default())
                .with("num_models", total),
            names::LOG_SEED_RESULT => entry
                .with("relation", node.alias.as_str())
                .with("schema", node.schema.as_str())
                .with("result_message", message)
                .with("status", result.status.as_str())
                .with("total", total),
            names::LOG_SNAPSHOT_RESULT => entry
                .with("description", node.label.as_str())
                .with("result_message", message)
                .with("status", result.status.as_str())
                .with("total", total),
            names::LOG_NODE_NO_OP_RESULT => entry
                .with("description", node.description.as_str())
                .with("status", "")
                .with("total", total),
            _ => entry
                .with("description", node.description.as_str())
                .with(
                    "status",
                    if result.status == Status::Success {
                        message
                    } else {
                        result.status.as_str()
                    },
                )
                .with("total", total),
        }
    }

    fn ending(&self, node: &NodeInfo, result: &NodeResult) -> (DbtEvent, Ending) {
        if result.status == Status::NoOp {
            return (
                names::LOG_NODE_NO_OP_RESULT,
                Ending {
                    text: format!("NO-OP {}", node.description),
                    status: self.paint.yellow("NO-OP"),
                    level: Level::Info,
                },
            );
        }
        let (event, done, failing, name) = match node.resource_type {
            ResourceType::Test | ResourceType::UnitTest => {
                return (names::LOG_TEST_RESULT, self.test_ending(node, result));
            }
            ResourceType::Seed => (
                names::LOG_SEED_RESULT,
                "loaded",
                "loading",
                &node.description,
            ),
            ResourceType::Snapshot => (
                names::LOG_SNAPSHOT_RESULT,
                "snapshotted",
                "snapshotting",
                &node.label,
            ),
            ResourceType::Source => (
                names::LOG_MODEL_RESULT,
                "generated",
                "generating",
                &node.description,
            ),
            _ => (
                names::LOG_MODEL_RESULT,
                "created",
                "creating",
                &node.description,
            ),
        };
        let message = result.message.as_deref().unwrap_or_default();
        let ending = match result.status {
            Status::PartialSuccess => Ending {
                text: format!("PARTIALLY {done} {name}"),
                status: self.paint.yellow(message),
                level: Level::Info,
            },
            status if status.is_failure() => Ending {
                text: format!("ERROR {failing} {name}"),
                status: self.paint.red("ERROR"),
                level: Level::Error,
            },
            _ => Ending {
                text: format!("OK {done} {name}"),
                status: self
                    .paint
                    .green(if message.is_empty() { "OK" } else { message }),
                level: Level::Info,
            },
        };
        (event, ending)
    }

    fn test_ending(&self, node: &NodeInfo, result: &NodeResult) -> Ending {
        let failures = result.failures.unwrap_or_default();
        let (word, level) = match result.status {
            Status::Fail => (format!("FAIL {failures}"), Level::Error),
            Status::Warn => (format!("WARN {failures}"), Level::Warn),
            Status::Pass | Status::Success => ("PASS".to_string(), Level::Info),
            _ => ("ERROR".to_string(), Level::Error),
        };
        let status = match level {
            Level::Error => self.paint.red(&word),
            Level::Warn => self.paint.yellow(&word),
            _ => self.paint.green(&word),
        };
        Ending {
            text: format!("{word} {}", node.label),
            status,
            level,
        }
    }

    pub(super) fn freshness_finished(
        &mut self,
        stamped: &Stamped,
        node: &NodeInfo,
        (index, total): (usize, usize),
        result: &FreshnessResult,
    ) -> Vec<Entry> {
        let (word, level) = match result.status {
            Status::Error => ("ERROR STALE", Level::Error),
            Status::Warn => ("WARN", Level::Warn),
            Status::Pass | Status::Success => ("PASS", Level::Info),
            _ => ("ERROR", Level::Error),
        };
        let status = match level {
            Level::Error => self.paint.red(word),
            Level::Warn => self.paint.yellow(word),
            _ => self.paint.green(word),
        };
        let text = format!("{index} of {total} {word} {}", node.description);
        let msg = self.dotted(&text, &status, Some(result.execution_time));
        let info = self.node_info(node, result.status.as_str(), Some(stamped.at));
        let source_name = node
            .label
            .strip_suffix(&format!(".{}", node.name))
            .unwrap_or_default();
        vec![
            Entry::new(names::LOG_FRESHNESS_RESULT, level, msg)
                .with("status", result.status.as_str())
                .with("source_name", source_name)
                .with("table_name", node.name.as_str())
                .with("execution_time", result.execution_time)
                .with("index", index)
                .with("total", total)
                .with("node_info", info.clone()),
            Entry::new(
                names::NODE_FINISHED,
                Level::Debug,
                format!("Finished running node {}", node.unique_id),
            )
            .with("node_info", info)
            .with("run_result", freshness_run_result(result)),
        ]
    }

    pub(super) fn batch_started(
        &self,
        node: &NodeInfo,
        batch: &str,
        (index, total): (usize, usize),
    ) -> Vec<Entry> {
        let description = format!("batch {batch} of {}", node.label);
        let text = format!("{index} of {total} START {description}");
        let msg = format!("Batch {}", self.dotted(&text, "RUN", None));
        vec![
            Entry::new(names::LOG_START_BATCH, Level::Info, msg)
                .with("description", description)
                .with("batch_index", index)
                .with("total_batches", total)
                .with("node_info", self.node_info(node, "started", None)),
        ]
    }

    pub(super) fn batch_finished(
        &self,
        stamped: &Stamped,
        node: &NodeInfo,
        batch: &str,
        (index, total): (usize, usize),
        (status, message, seconds): (Status, &str, f64),
    ) -> Vec<Entry> {
        let description = format!("batch {batch} of {}", node.label);
        let (word, painted, level) = match status {
            Status::Skipped => ("SKIP", self.paint.yellow("SKIPPED"), Level::Info),
            s if s.is_failure() => ("ERROR creating", self.paint.red("ERROR"), Level::Error),
            _ => ("OK created", self.paint.green(message), Level::Info),
        };
        let text = format!("{index} of {total} {word} {description}");
        let msg = self.dotted(&text, &painted, Some(seconds));
        let mut out = Vec::new();
        if level == Level::Error && !message.is_empty() {
            let heading = self.paint.red(&format!("Failure in {description}"));
            let said = format!("{heading}\n  {message}");
            out.push(
                Entry::new(names::GENERIC_EXCEPTION_ON_RUN, Level::Error, said)
                    .with("build_path", "")
                    .with("exc", message)
                    .with("unique_id", node.unique_id.as_str())
                    .with("node_info", self.running_info(node)),
            );
        }
        let shown = if status == Status::Success {
            message
        } else {
            status.as_str()
        };
        let info = self.node_info(node, status.as_str(), Some(stamped.at));
        out.push(
            Entry::new(names::LOG_BATCH_RESULT, level, format!("Batch {msg}"))
                .with("description", description)
                .with("status", shown)
                .with("batch_index", index)
                .with("total_batches", total)
                .with("execution_time", seconds)
                .with("node_info", info),
        );
        out
    }
}

/// dbt's `run_result` of a freshness check.
fn freshness_run_result(result: &FreshnessResult) -> Value {
    run_result(&NodeResult {
        timing: result.timing.clone(),
        thread_id: result.thread_id.clone(),
        execution_time: result.execution_time,
        adapter_response: result.adapter_response.clone(),
        message: result.message.clone(),
        ..NodeResult::new(result.unique_id.as_str(), result.status)
    })
}

/// Whether skip lines name a node's relation.
fn is_relation(node: &NodeInfo) -> bool {
    matches!(
        node.resource_type,
        ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot
    ) || node.is_simulation()
}

fn skipped_name(node: &NodeInfo) -> String {
    if is_relation(node) {
        format!("relation {}", node.label)
    } else {
        format!("{} {}", node.resource_type.as_str(), node.name)
    }
}
