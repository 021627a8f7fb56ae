//! What happens while a command runs, as data: the one thing that the runner and the report have in common.
//!
//! The runner says what happened; how it looks (lines, JSON, progress bars, the log file) is the views' affair.
//! Events carry whole facts, so that a recorded list of them can be drawn again without a database.
use crate::diag::Diagnostic;
use crate::graph::{Group, Node, ResourceType, Source, UnitTest};
use crate::outcome::{FreshnessResult, NodeResult, Status, Step};
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
    /// What lines call it: `schema.alias`, a test's name, `pkg.on-run-start.0`, `model::unit_test`, `source.table`.
    pub label: String,
    /// What it is, as lines say it: `sql view model s.a`, `test NAME`, `seed file s.x`, `freshness of source.table`.
    pub description: String,
    /// The node a generic test stands at.
    pub attached_node: Option<String>,
    /// Name and owner of its group.
    pub group: Option<Value>,
}

impl NodeInfo {
    /// Of a model, seed, snapshot, data test, analysis or hook.
    pub fn of_node(node: &Node) -> Arc<Self> {
        let label = match node.resource_type {
            ResourceType::Test | ResourceType::Analysis => node.name.clone(),
            ResourceType::Operation | ResourceType::SqlOperation => match node.tags.first() {
                Some(kind) => format!(
                    "{}.{kind}.{}",
                    node.package_name,
                    node.index.unwrap_or_default()
                ),
                None => node.name.clone(),
            },
            _ => format!("{}.{}", node.schema, node.alias),
        };
        let description = match node.resource_type {
            ResourceType::Model => format!("sql {} model {label}", shown_materialization(node)),
            ResourceType::Seed => format!("seed file {label}"),
            ResourceType::Operation => format!("hook: {label}"),
            kind => format!("{} {label}", kind.as_str()),
        };
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
            label,
            description,
            attached_node: node.test.as_ref().and_then(|t| t.attached_node.clone()),
            group: None,
        })
    }

    /// Of a hook that is run as the `index`th (from 0) of its kind. Its tags may be more than the kind.
    pub fn of_hook(node: &Node, kind: &str, index: usize) -> Arc<Self> {
        let label = format!("{}.{kind}.{index}", node.package_name);
        Arc::new(Self {
            description: format!("hook: {label}"),
            label,
            ..(*Self::of_node(node)).clone()
        })
    }

    /// Of a source whose freshness is checked.
    pub fn of_source(source: &Source) -> Arc<Self> {
        Arc::new(Self {
            database: source.database.clone(),
            schema: source.schema.clone(),
            relation_name: Some(source.relation_name.clone()),
            meta: source.meta.clone(),
            label: format!("{}.{}", source.source_name, source.name),
            description: format!("freshness of {}.{}", source.source_name, source.name),
            ..Self::plain(
                &source.unique_id,
                &source.name,
                ResourceType::Source,
                &source.path,
                &source.original_file_path,
            )
        })
    }

    /// Of a source that a simulation generates: it is built like a model.
    pub fn of_simulation(source: &Source) -> Arc<Self> {
        Arc::new(Self {
            materialized: "simulation".to_string(),
            alias: source.identifier.clone(),
            label: format!("{}.{}", source.schema, source.identifier),
            description: format!("simulation {}.{}", source.schema, source.identifier),
            ..(*Self::of_source(source)).clone()
        })
    }

    /// Of a unit test.
    pub fn of_unit_test(test: &UnitTest) -> Arc<Self> {
        Arc::new(Self {
            schema: test.schema.clone(),
            label: format!("{}::{}", test.model, test.name),
            description: format!("unit_test {}::{}", test.model, test.name),
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
            alias: String::new(),
            relation_name: None,
            checksum: String::new(),
            meta: Map::new(),
            label: name.to_string(),
            description: format!("{} {name}", resource_type.as_str().replace('_', " ")),
            attached_node: None,
            group: None,
        }
    }

    /// With its group, whose owner's facts are texts.
    pub fn in_group(mut self: Arc<Self>, group: &Group) -> Arc<Self> {
        let owner: Map<String, Value> = group
            .owner
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| {
                let text = match v {
                    Value::String(text) => text.clone(),
                    Value::Array(items) => {
                        let items: Vec<String> = items
                            .iter()
                            .map(|i| {
                                i.as_str()
                                    .map_or_else(|| i.to_string(), |t| format!("'{t}'"))
                            })
                            .collect();
                        format!("[{}]", items.join(", "))
                    }
                    other => other.to_string(),
                };
                (k.clone(), Value::from(text))
            })
            .collect();
        Arc::make_mut(&mut self).group = Some(serde_json::json!({
            "name": group.name,
            "package_name": group.package_name,
            "owner": owner,
        }));
        self
    }

    /// Whether it is an `on-run-start` or `on-run-end` hook.
    pub fn is_hook(&self) -> bool {
        self.resource_type == ResourceType::Operation
    }

    /// A microbatch model that does not run in batches is an incremental one like others.
    pub fn in_one_go(info: Arc<Self>) -> Arc<Self> {
        Arc::new(Self {
            description: format!("sql {} model {}", info.materialized, info.label),
            ..(*info).clone()
        })
    }

    /// Whether it is a source that a simulation generates.
    pub fn is_simulation(&self) -> bool {
        self.resource_type == ResourceType::Source && self.materialized == "simulation"
    }

    /// Whether it is an ephemeral model: it has no lines of its own.
    pub fn is_ephemeral(&self) -> bool {
        self.resource_type == ResourceType::Model && self.materialized == "ephemeral"
    }
}

/// The materialization as lines say it: incremental models in batches are `microbatch`.
fn shown_materialization(node: &Node) -> &str {
    let materialized = node.config.materialized();
    if node.is_microbatch() {
        return "microbatch";
    }
    materialized
}

/// The failed ephemeral model on account of which a node is skipped: it has no line of its own, so the skip tells.
#[derive(Debug, Clone)]
pub struct FailedEphemeral {
    /// The ephemeral model.
    pub node: Arc<NodeInfo>,
    /// How it ended.
    pub result: Arc<NodeResult>,
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
    /// The adapter is known: the command will talk to PostgreSQL.
    AdapterRegistered,
    /// The project was read; the counts are in dbt's order.
    Found(Vec<Count>),
    /// Nodes are about to run.
    Concurrency {
        /// How many at a time.
        threads: usize,
        /// Name of the target.
        target: String,
        /// How many nodes will run.
        nodes: usize,
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
        /// The failed ephemeral model it was skipped for, if that is the reason.
        because: Option<FailedEphemeral>,
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
        /// How it ended: `Success`, `Error` or `Skipped`.
        status: Status,
        /// The command tag, or the error in dbt's form.
        message: Option<String>,
        /// Seconds.
        execution_time: f64,
    },
    /// `--fail-fast`: the first failure, after which no more nodes are started.
    FailedFast {
        /// Which node.
        node: Arc<NodeInfo>,
        /// How it ended.
        result: Arc<NodeResult>,
    },
    /// A running query was cancelled.
    QueryCancelled {
        /// Name of the connection.
        connection: String,
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
    /// A node enters a new step (seen with `--debug`).
    NodeStep {
        /// Which node.
        node: Arc<NodeInfo>,
        /// Compiling or executing.
        step: Step,
    },
    /// The node of this thread enters a new step (seen with `--debug`).
    Step(Step),
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
    /// A statement failed (seen with `--debug`).
    SqlFailed {
        /// What the server said.
        text: String,
    },
    /// Something is wrong with the project or the command line.
    Diagnostic {
        /// What.
        diagnostic: Diagnostic,
        /// dbt's event for it, where it has one.
        dbt: Option<DbtEvent>,
    },
    /// The project uses something that dbt has given up; it goes on working. Only the first of each kind is shown,
    /// the rest are counted at the end.
    Deprecation {
        /// dbt's event, by whose name people silence it.
        dbt: DbtEvent,
        /// What is used, where, and what to use instead.
        diagnostic: Diagnostic,
    },
    /// A line of the command's own (`tv1 wrote target/index.html`).
    Line {
        /// How important.
        level: Level,
        /// The text.
        text: String,
        /// dbt's event for it and the fields of its JSON line, where it has one.
        dbt: Option<(DbtEvent, Map<String, Value>)>,
    },
    /// The answer of a command (`ls`, `show`, `compile`): stdout, no time before it, `--quiet` does not hide it.
    Output {
        /// A line above it that `--quiet` hides (`Previewing node 'a':`).
        header: Option<String>,
        /// The text, without a line break at its end.
        text: String,
        /// dbt's event and the fields of its JSON line.
        dbt: Option<(DbtEvent, Map<String, Value>)>,
    },
    /// An artefact was written (seen with `--debug`).
    ArtifactWritten {
        /// Where.
        path: String,
        /// What (`manifest`, `run_results`, …).
        kind: &'static str,
    },
    /// The person asked to stop; running queries are being cancelled.
    Cancelling {
        /// How many are running.
        running: usize,
    },
    /// All nodes have ended.
    Finished(Arc<Summary>),
    /// The freshness checks and the hooks around them have ended.
    FreshnessRan {
        /// Sources and hooks.
        nodes: Vec<Arc<NodeInfo>>,
        /// Wall time.
        elapsed: Duration,
    },
    /// What the freshness checks found; the last event of `source freshness`.
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
