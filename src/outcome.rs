//! What became of each thing that was run: the types that the runner fills, the report shows and the artefacts keep.
//!
//! Plain data in the words of dbt's `run_results.json` and `sources.json`; nothing here runs, prints or writes.
use crate::diag::Diagnostic;
use crate::graph::ExtraCte;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The name of this thread as dbt calls it: the first one is Python's `MainThread`.
pub fn thread_name() -> String {
    match std::thread::current().name() {
        None | Some("main") => "MainThread".to_string(),
        Some(name) => name.to_string(),
    }
}

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// A model, seed, snapshot, hook or operation did its work.
    Success,
    /// It could not be compiled or run.
    Error,
    /// Something it needs failed.
    Skipped,
    /// A test or freshness check holds.
    Pass,
    /// A test does not hold.
    Fail,
    /// A test or freshness check does not hold, but only warns.
    Warn,
    /// Some batches of a microbatch model failed.
    PartialSuccess,
    /// A freshness check could not be run.
    RuntimeError,
    /// Nothing to do by nature (exposures, saved queries).
    NoOp,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Error,
        Self::Skipped,
        Self::Pass,
        Self::Fail,
        Self::Warn,
        Self::PartialSuccess,
        Self::RuntimeError,
        Self::NoOp,
    ];

    /// dbt's word for it in artefacts, selectors (`result:…`) and templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::PartialSuccess => "partial success",
            Self::RuntimeError => "runtime error",
            Self::NoOp => "no-op",
        }
    }

    /// The status named by dbt's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether it makes the command fail (exit code 1).
    pub fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Error | Self::Fail | Self::PartialSuccess | Self::RuntimeError
        )
    }

    /// Whether what needs the node is skipped: after failures, and after a skip.
    pub fn blocks_children(self) -> bool {
        self.is_failure() || self == Self::Skipped
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The two steps whose time is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rendering the node's text.
    Compile,
    /// Running it in the database.
    Execute,
}

impl Step {
    /// The word in artefacts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Execute => "execute",
        }
    }
}

/// When a step began and ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Which step.
    pub name: Step,
    /// Its begin.
    pub started_at: Option<DateTime<Utc>>,
    /// Its end.
    pub completed_at: Option<DateTime<Utc>>,
}

/// What became of one node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeResult {
    /// The node.
    pub unique_id: String,
    /// How it ended.
    pub status: Status,
    /// Its steps; empty for skipped nodes.
    pub timing: Vec<Timing>,
    /// Name of the worker (`Thread-1 (worker)`).
    pub thread_id: String,
    /// Wall time in seconds.
    pub execution_time: f64,
    /// `_message` (the command tag), `code`, `rows_affected`; empty when the database was not asked.
    pub adapter_response: Map<String, Value>,
    /// The command tag, `Got 2 results, configured to fail if != 0`, or the error in dbt's form.
    pub message: Option<String>,
    /// Failing rows of a test.
    pub failures: Option<i64>,
    /// Whether the text was rendered.
    pub compiled: bool,
    /// The rendered text.
    pub compiled_code: Option<String>,
    /// Ids of the macros that rendering the text called.
    pub macros: Vec<String>,
    /// File of the rendered text as shown to people (`target/compiled/shop/models/a.sql`), once written.
    pub compiled_path: Option<String>,
    /// The CTEs that the rendered text got in front.
    pub extra_ctes: Vec<ExtraCte>,
    /// File of the statement that was run, once written.
    pub build_path: Option<String>,
    /// Quoted full name of the relation; of a test only when it keeps its failing rows.
    pub relation_name: Option<String>,
    /// `{successful: […], failed: […]}` of a microbatch model.
    pub batch_results: Option<Value>,
    /// Where the error is and what to do, when more is known than `message` says.
    pub diagnostic: Option<Diagnostic>,
}

impl NodeResult {
    /// A result with nothing but its status; the rest is to be filled in.
    pub fn new(unique_id: impl Into<String>, status: Status) -> Self {
        Self {
            unique_id: unique_id.into(),
            status,
            timing: Vec::new(),
            thread_id: String::new(),
            execution_time: 0.0,
            adapter_response: Map::new(),
            message: None,
            failures: None,
            compiled: false,
            compiled_code: None,
            macros: Vec::new(),
            compiled_path: None,
            extra_ctes: Vec::new(),
            build_path: None,
            relation_name: None,
            batch_results: None,
            diagnostic: None,
        }
    }

    /// Rows the database says were written or read, where it says.
    pub fn rows_affected(&self) -> Option<i64> {
        self.adapter_response.get("rows_affected")?.as_i64()
    }
}

/// The age that a source may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeLimit {
    /// How many; none where nobody set a limit.
    pub count: Option<i64>,
    /// `minute`, `hour` or `day`.
    pub period: Option<String>,
}

/// The limits of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreshnessCriteria {
    /// Older than this warns; none where the limit was taken away (`null`).
    pub warn_after: Option<AgeLimit>,
    /// Older than this is an error.
    pub error_after: Option<AgeLimit>,
    /// Condition on the rows looked at.
    pub filter: Option<String>,
}

/// What became of the freshness check of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct FreshnessResult {
    /// The source.
    pub unique_id: String,
    /// `Pass`, `Warn`, `Error` (stale) or `RuntimeError` (the check itself failed).
    pub status: Status,
    /// The newest load time.
    pub max_loaded_at: Option<DateTime<Utc>>,
    /// When it was looked at, by the database's clock.
    pub snapshotted_at: Option<DateTime<Utc>>,
    /// The source's limits.
    pub criteria: FreshnessCriteria,
    /// As in [`NodeResult`].
    pub adapter_response: Map<String, Value>,
    /// As in [`NodeResult`].
    pub timing: Vec<Timing>,
    /// As in [`NodeResult`].
    pub thread_id: String,
    /// Wall time in seconds.
    pub execution_time: f64,
    /// The error when the check failed.
    pub message: Option<String>,
    /// As in [`NodeResult`].
    pub diagnostic: Option<Diagnostic>,
}

impl FreshnessResult {
    /// Age of the newest row in seconds.
    pub fn age(&self) -> Option<f64> {
        let (loaded, seen) = (self.max_loaded_at?, self.snapshotted_at?);
        Some((seen - loaded).num_microseconds()? as f64 / 1e6)
    }
}

/// How many results ended in which way: dbt's `Done. PASS=… WARN=… ERROR=… SKIP=… NO-OP=… TOTAL=…`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Successes and passed tests.
    pub pass: usize,
    /// Warnings.
    pub warn: usize,
    /// Errors, failed tests, partial successes.
    pub error: usize,
    /// Skipped.
    pub skip: usize,
    /// Nothing to do by nature.
    pub no_op: usize,
}

impl RunTotals {
    /// Counts statuses.
    pub fn count(statuses: impl IntoIterator<Item = Status>) -> Self {
        let mut totals = Self::default();
        for status in statuses {
            match status {
                Status::Success | Status::Pass => totals.pass += 1,
                Status::Warn => totals.warn += 1,
                Status::Error | Status::Fail | Status::PartialSuccess | Status::RuntimeError => {
                    totals.error += 1;
                }
                Status::Skipped => totals.skip += 1,
                Status::NoOp => totals.no_op += 1,
            }
        }
        totals
    }

    /// All of them.
    pub fn total(self) -> usize {
        self.pass + self.warn + self.error + self.skip + self.no_op
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_back_from_their_words() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(
            Status::parse("partial success"),
            Some(Status::PartialSuccess)
        );
        assert_eq!(Status::parse("ok"), None);
    }

    #[test]
    fn totals_put_every_status_in_one_box() {
        let totals = RunTotals::count(Status::ALL);
        assert_eq!((totals.pass, totals.warn, totals.error), (2, 1, 4));
        assert_eq!((totals.skip, totals.no_op, totals.total()), (1, 1, 9));
    }

    #[test]
    fn the_age_of_a_source_is_in_seconds() {
        let at = |s: &str| Some(s.parse::<DateTime<Utc>>().unwrap());
        let result = FreshnessResult {
            unique_id: "source.p.s.t".into(),
            status: Status::Pass,
            max_loaded_at: at("2024-01-01T00:00:00Z"),
            snapshotted_at: at("2024-01-01T00:00:01.500Z"),
            criteria: FreshnessCriteria::default(),
            adapter_response: Map::new(),
            timing: Vec::new(),
            thread_id: String::new(),
            execution_time: 0.0,
            message: None,
            diagnostic: None,
        };
        assert_eq!(result.age(), Some(1.5));
    }
}
