//! What happens while a command runs, as data: the one thing that the runner and the report have in common.
//!
//! The runner says what happened; how it looks (lines, JSON, progress bars, the log file) is the views' affair.
//! Events carry whole facts, so that a recorded list of them can be drawn again without a database.
use crate::diag::Diagnostic;
use crate::graph::{Node, ResourceType, Source, UnitTest};
use crate::outcome::{FreshnessResult, NodeResult, Status};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// How important a line is; the order is that of dbt's `--log-level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Details for finding errors.
    Debug,
    /// What a person wants to see.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
    /// Nothing is ever this important: the level that shows no line.
    None,
}

impl Level {
    /// dbt's word in JSON lines and flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::None => "none",
        }
    }

    /// The level named by a flag's value, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error, Self::None]
            .into_iter()
            .find(|l| l.as_str().eq_ignore_ascii_case(word))
    }
}

/// The name and code that dbt gives an event; tools that read JSON lines match on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbtEvent {
    /// For example `NoNodesForSelectionCriteria`.
    pub name: &'static str,
    /// For example `M030`.
    pub code: &'static str,
}

/// What the report has to know about a thing that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeInfo {
    /// `model.shop.orders`.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub resource_type: ResourceType,
    /// Its materialization (`view`, `test`, `seed`, …); for a simulated source `simulation`.
    pub materialized: String,
    /// Path below its resource folder.
    pub path: String,
    /// Path below the package's folder; shown with failures.
    pub original_file_path: String,
    /// Database of its relation.
    pub database: String,
    /// Schema of its relation.
    pub schema: String,
    /// Name of its relation.
    pub alias: String,
    /// Quoted full name of its relation.
    pub relation_name: Option<String>,
    /// Hash of its source; empty where there is none.
    pub checksum: String,
    /// Free-form facts.
    pub meta: Map<String, Value>,
    /// The model under test (unit tests), the source's name (sources).
    pub parent_name: Option<String>,
}

impl NodeInfo {
    /// Of a model, seed, snapshot, data test, analysis or hook.
    pub fn of_node(node: &Node) -> Arc<Self> {
        Arc::new(Self {
            unique_id: node.unique_id.clone(),
            name: node.name.clone(),
            resource_type: node.resource_type,
            materialized: node.config.materialized().to_string(),
            path: node.path.clone(),
            original_file_path: node.original_file_path.clone(),
            database: node.database.clone(),
            schema: node.schema.clone(),
            alias: node.alias.clone(),
            relation_name: node.relation_name.clone(),
            checksum: node.checksum.checksum.clone(),
            meta: node.meta.clone(),
            parent_name: None,
        })
    }

    /// Of a source: for its freshness, or for the simulation that generates it.
    pub fn of_source(source: &Source) -> Arc<Self> {
        Arc::new(Self {
            unique_id: source.unique_id.clone(),
            name: source.name.clone(),
            resource_type: ResourceType::Source,
            materialized: if source.simulation.is_some() {
                "simulation".to_string()
            } else {
                String::new()
            },
            path: source.path.clone(),
            original_file_path: source.original_file_path.clone(),
            database: source.database.clone(),
            schema: source.schema.clone(),
            alias: source.identifier.clone(),
            relation_name: Some(source.relation_name.clone()),
            checksum: String::new(),
            meta: source.meta.clone(),
            parent_name: Some(source.source_name.clone()),
        })
    }

    /// Of a unit test.
    pub fn of_unit_test(test: &UnitTest) -> Arc<Self> {
        Arc::new(Self {
            materialized: "unit".to_string(),
            checksum: test.checksum.clone(),
            schema: test.schema.clone(),
            parent_name: Some(test.model.clone()),
            ..Self::plain(
                &test.unique_id,
                &test.name,
                ResourceType::UnitTest,
                &test.path,
                &test.original_file_path,
            )
        })
    }

    /// Of anything that has no relation: exposures, metrics, saved queries, `run-operation`.
    pub fn plain(
        unique_id: &str,
        name: &str,
        resource_type: ResourceType,
        path: &str,
        original_file_path: &str,
    ) -> Self {
        Self {
            unique_id: unique_id.to_string(),
            name: name.to_string(),
            resource_type,
            materialized: String::new(),
            path: path.to_string(),
            original_file_path: original_file_path.to_string(),
            database: String::new(),
            schema: String::new(),
            alias: name.to_string(),
            relation_name: None,
            checksum: String::new(),
            meta: Map::new(),
            parent_name: None,
        }
    }
}

/// Why a node was skipped, when the line is to name it: a failed ephemeral model has no line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipCause {
    /// The node that failed.
    pub unique_id: String,
    /// How it ended.
    pub status: Status,
    /// Whether it is ephemeral, which makes the skip an error of its own.
    pub ephemeral: bool,
}

/// How many of a kind were found; `kind` is the singular word (`model`, `data test`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Singular word.
    pub kind: String,
    /// How many.
    pub count: usize,
}

/// The end of a command that ran nodes.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Every node with its result, in the order of completion.
    pub results: Vec<(Arc<NodeInfo>, Arc<NodeResult>)>,
    /// Wall time of the run, hooks included.
    pub elapsed: Duration,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Where compiled and run SQL was written, as shown to people (`target`).
    pub target_path: String,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The command begins.
    Started {
        /// `run`, `build`, …
        command: String,
        /// The arguments as in `run_results.json`.
        args: Map<String, Value>,
    },
    /// The project was read; the counts are in dbt's order.
    Found(Vec<Count>),
    /// Nodes are about to run.
    Concurrency {
        /// How many at a time.
        threads: usize,
        /// Name of the target.
        target: String,
    },
    /// The selection is empty.
    NothingToDo,
    /// A node (or a freshness check of a source) begins.
    NodeStarted {
        /// Which.
        node: Arc<NodeInfo>,
        /// Its number, from 1.
        index: usize,
        /// How many there are.
        total: usize,
    },
    /// A seed, simulation or table has loaded some rows.
    NodeProgress {
        /// Which node.
        unique_id: String,
        /// Rows so far.
        rows: u64,
        /// Rows in all, where known.
        expected: Option<u64>,
    },
    /// A node ended, skipped nodes included.
    NodeFinished {
        /// Which.
        node: Arc<NodeInfo>,
        /// Its number, from 1.
        index: usize,
        /// How many there are.
        total: usize,
        /// How it ended.
        result: Arc<NodeResult>,
        /// Why it was skipped.
        cause: Option<SkipCause>,
    },
    /// A freshness check ended.
    FreshnessFinished {
        /// Which source.
        node: Arc<NodeInfo>,
        /// Its number, from 1.
        index: usize,
        /// How many there are.
        total: usize,
        /// How it ended.
        result: Arc<FreshnessResult>,
    },
    /// A batch of a microbatch model begins.
    BatchStarted {
        /// The model.
        node: Arc<NodeInfo>,
        /// The batch as shown (`2024-01-01`).
        batch: String,
        /// Its number, from 1.
        index: usize,
        /// How many there are.
        total: usize,
    },
    /// A batch ended.
    BatchFinished {
        /// The model.
        node: Arc<NodeInfo>,
        /// The batch as shown.
        batch: String,
        /// Its number, from 1.
        index: usize,
        /// How many there are.
        total: usize,
        /// How it ended.
        status: Status,
        /// Seconds.
        execution_time: f64,
    },
    /// The server said something (`RAISE NOTICE`).
    Notice {
        /// Name of the connection (the node's unique id, or `master`).
        connection: String,
        /// `NOTICE`, `WARNING`, …
        severity: String,
        /// The text.
        text: String,
    },
    /// A template called `log()`.
    Log {
        /// `Info` with `info=True`, otherwise `Debug`.
        level: Level,
        /// The text.
        text: String,
        /// The node whose template it was.
        node: Option<Arc<NodeInfo>>,
    },
    /// A template called `print()`: shown always, without a time.
    Print {
        /// The text.
        text: String,
        /// The node whose template it was.
        node: Option<Arc<NodeInfo>>,
    },
    /// A statement goes to the server (seen with `--debug`).
    Sql {
        /// Name of the connection.
        connection: String,
        /// The node it is for.
        node: Option<Arc<NodeInfo>>,
        /// The statement.
        text: String,
    },
    /// A statement came back (seen with `--debug`).
    SqlStatus {
        /// Name of the connection.
        connection: String,
        /// The node it is for.
        node: Option<Arc<NodeInfo>>,
        /// Command tag, or `ERROR`.
        status: String,
        /// Seconds.
        elapsed: f64,
    },
    /// Something is wrong with the project or the command line.
    Diagnostic {
        /// What.
        diagnostic: Diagnostic,
        /// dbt's event for it, where it has one.
        dbt: Option<DbtEvent>,
    },
    /// A line of the command's own (`tv1 wrote target/index.html`).
    Line {
        /// How important.
        level: Level,
        /// The text.
        text: String,
    },
    /// The answer of a command (`ls`, `show`, `compile`): stdout, no time before it, `--quiet` does not hide it.
    Output {
        /// The text, without a line break at its end.
        text: String,
        /// dbt's event and the fields of its JSON line.
        dbt: Option<(DbtEvent, Map<String, Value>)>,
    },
    /// The person asked to stop; running queries are being cancelled.
    Cancelling {
        /// How many are running.
        running: usize,
    },
    /// All nodes have ended.
    Finished(Arc<Summary>),
    /// All freshness checks have ended.
    FreshnessDone(Vec<(Arc<NodeInfo>, Arc<FreshnessResult>)>),
    /// The command ends.
    CommandCompleted {
        /// `run`, `build`, …
        command: String,
        /// Whether the exit code is 0.
        success: bool,
        /// Wall time of the whole process.
        elapsed: Duration,
    },
}
