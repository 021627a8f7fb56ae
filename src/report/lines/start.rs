//! The lines of nodes that begin: `1 of 5 START sql view model s.a … [RUN]`.
use super::{Block, Lines};
use crate::graph::ResourceType;
use crate::outcome::Step;
use crate::report::Stamped;
use crate::report::entry::Entry;
use crate::report::event::{Level, NodeInfo};
use crate::report::names;
use serde_json::Value;

impl Lines {
    pub(super) fn node_started(
        &mut self,
        stamped: &Stamped,
        node: &NodeInfo,
        index: usize,
        total: usize,
    ) -> Vec<Entry> {
        self.started.insert(node.unique_id.clone(), stamped.at);
        let block = if node.is_hook() {
            Block::Hooks
        } else {
            Block::Nodes
        };
        let mut out: Vec<Entry> = self.enter(block).into_iter().collect();
        let info = self.node_info(node, "started", None);
        let text = format!("{index} of {total} START {}", node.description);
        let msg = self.dotted(&text, "RUN", None);
        if node.is_hook() {
            out.push(
                Entry::new(names::LOG_HOOK_START_LINE, Level::Info, msg)
                    .with("statement", node.label.as_str())
                    .with("index", index)
                    .with("total", total)
                    .with("node_info", info),
            );
            return out;
        }
        out.push(node_start(node, info.clone()));
        if has_start_line(node) {
            out.push(
                Entry::new(names::LOG_START_LINE, Level::Info, msg)
                    .with("description", node.description.as_str())
                    .with("index", index)
                    .with("total", total)
                    .with("node_info", info),
            );
        }
        out.extend(self.connection(stamped, node));
        out
    }

    /// Which connection a node gets: its thread's, or first the one that looked at the schemas.
    fn connection(&mut self, stamped: &Stamped, node: &NodeInfo) -> Option<Entry> {
        if node.resource_type != ResourceType::UnitTest && node.materialized.is_empty() {
            return None;
        }
        let first = self.connections.is_empty();
        let now = node.unique_id.clone();
        let former = self.connections.insert(stamped.thread.clone(), now.clone());
        let former = former.or_else(|| {
            let schemas = format!("list_{}_{}", node.database, node.schema);
            (first && !node.schema.is_empty()).then_some(schemas)
        });
        Some(match former {
            Some(former) => Entry::new(
                names::CONNECTION_REUSED,
                Level::Debug,
                format!(
                    "Re-using an available connection from the pool (formerly {former}, now {now})"
                ),
            )
            .with("orig_conn_name", former)
            .with("conn_name", now),
            None => Entry::new(
                names::NEW_CONNECTION,
                Level::Debug,
                format!("Acquiring new postgres connection '{now}'"),
            )
            .with("conn_type", "postgres")
            .with("conn_name", now),
        })
    }

    pub(super) fn node_step(&mut self, node: &NodeInfo, step: Step) -> Vec<Entry> {
        self.step.insert(node.unique_id.clone(), step);
        let (event, word) = match step {
            Step::Compile => (names::NODE_COMPILING, "compiling"),
            Step::Execute => (names::NODE_EXECUTING, "executing"),
        };
        let msg = format!("Began {word} node {}", node.unique_id);
        let info = self.node_info(node, word, None);
        let mut out = Vec::new();
        if step == Step::Execute && node.resource_type != ResourceType::Seed {
            let msg = format!("Writing injected SQL for node \"{}\"", node.unique_id);
            out.push(
                Entry::new(names::WRITING_INJECTED_SQL, Level::Debug, msg)
                    .with("node_info", info.clone()),
            );
        }
        out.push(Entry::new(event, Level::Debug, msg).with("node_info", info));
        out
    }
}

/// `Began running node …`.
pub(super) fn node_start(node: &NodeInfo, info: Value) -> Entry {
    Entry::new(
        names::NODE_START,
        Level::Debug,
        format!("Began running node {}", node.unique_id),
    )
    .with("node_info", info)
}

/// What is only marked as done, or folded into other nodes, has no line when it begins.
fn has_start_line(node: &NodeInfo) -> bool {
    !node.is_ephemeral()
        && !matches!(
            node.resource_type,
            ResourceType::Exposure
                | ResourceType::SavedQuery
                | ResourceType::Metric
                | ResourceType::SemanticModel
        )
}
