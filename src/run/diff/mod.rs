//! What models would hold if they were built now, beside what relations hold: nothing is changed in the database.
//!
//! In: models in the order of their dependencies, and for each the relation to compare with. Each model's query, as of a
//! full refresh, goes into a temporary table of one session; models after it read that table in the place of the
//! relation. Out: the differences of each model. Nothing here prints.
mod compare;

pub use compare::{Changes, Mark, RowChange};

use super::failure::{compile_failure, database_failure};
use crate::compile::{Compiler, Constant};
use crate::context::{Deferred, NodeSession, Relation};
use crate::diag::Diagnostic;
use crate::graph::Node;
use crate::pg::{PgError, quote_literal};
use minijinja::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// A model and the relation it is compared with, as SQL.
pub struct Pair<'a> {
    /// The model.
    pub node: &'a Node,
    /// The relation that is there.
    pub relation: String,
}

/// What became of a comparison.
pub enum Finding {
    /// The relation is not there; the model would have so many rows.
    Missing(u64),
    /// Both were compared.
    Compared(Changes),
    /// The model could not be compiled or its query failed.
    Failed(Box<Diagnostic>),
    /// A model that it needs failed.
    Skipped,
}

/// The scratch relation of the `n`th model.
fn scratch(n: usize) -> Relation {
    Relation::new("", "pg_temp", &format!("tv1_diff_{n}"))
}

/// References to these models, and to what `others` stands in for, as a reference table for renders.
///
/// Relations of models that are compared go first, whatever exists; `others` (`--defer`) keeps its own rule.
pub fn references(pairs: &[Pair<'_>], others: Option<Deferred>) -> Deferred {
    let mut deferred = others.unwrap_or(Deferred {
        refs: true,
        ..Deferred::default()
    });
    for (n, pair) in pairs.iter().enumerate() {
        deferred
            .forced
            .insert(pair.node.unique_id.clone(), scratch(n));
    }
    deferred
}

/// Compares all pairs, in their order, and keeps at most `limit` rows of each that differ.
///
/// `parents` gives the ids that a model needs, however far away. `told` hears of each finding as it is made.
pub fn diff(
    compiler: &Compiler,
    session: &Arc<Mutex<NodeSession>>,
    pairs: &[Pair<'_>],
    limit: Option<u64>,
    parents: &dyn Fn(&str) -> BTreeSet<String>,
    told: &mut dyn FnMut(&Pair<'_>, Finding),
) {
    let mut compiler = compiler.clone();
    // As of a full refresh: a difference in old rows shows too.
    let constant = Value::from_object(Constant(Value::from(false)));
    compiler.extra = HashMap::from([("is_incremental".to_string(), constant)]);
    let mut failed: BTreeSet<String> = BTreeSet::new();
    for (n, pair) in pairs.iter().enumerate() {
        let id = &pair.node.unique_id;
        let finding = if parents(id).is_disjoint(&failed) {
            one(&compiler, session, pair, &scratch(n).name(), limit)
                .unwrap_or_else(|d| Finding::Failed(Box::new(d)))
        } else {
            Finding::Skipped
        };
        if matches!(finding, Finding::Failed(_) | Finding::Skipped) {
            failed.insert(id.clone());
        }
        told(pair, finding);
    }
}

fn one(
    compiler: &Compiler,
    session: &Arc<Mutex<NodeSession>>,
    pair: &Pair<'_>,
    scratch: &str,
    limit: Option<u64>,
) -> Result<Finding, Diagnostic> {
    let node = pair.node;
    let compiled = compiler
        .compile(node)
        .map_err(|d| compile_failure(node, d).diagnostic)?;
    let mut lock = session.lock().unwrap_or_else(PoisonError::into_inner);
    let raw = lock.raw();
    let header = node.config.str("sql_header").unwrap_or_default();
    let prefix = format!("{header}\ncreate temporary table {scratch} as\n");
    let sql = format!("{prefix}{}", compiled.sql);
    raw.execute(&sql).map_err(|e| {
        let failure = database_failure(node, Some(&compiled), &e, &sql, prefix.len(), None, None);
        failure.diagnostic
    })?;
    let plain = |e: PgError| {
        e.diagnostic(node.place.clone(), None)
            .heading("Database Error")
    };
    raw.execute(&format!("analyze {scratch}")).map_err(plain)?;
    let there = raw
        .fetch(&format!(
            "select to_regclass({}) is not null",
            quote_literal(&pair.relation)
        ))
        .map_err(plain)?;
    let is_there = there.rows.first().and_then(|r| r[0].text());
    if is_there.as_deref() != Some("t") {
        return compare::count(raw, scratch)
            .map(Finding::Missing)
            .map_err(plain);
    }
    // Both sides are read as of one moment, whoever writes meanwhile.
    raw.execute("begin isolation level repeatable read")
        .map_err(plain)?;
    let changes = compare::compare(raw, &pair.relation, scratch, &keys(node), limit);
    let ended = raw.rollback();
    let changes = changes.map_err(plain)?;
    ended.map_err(plain)?;
    Ok(Finding::Compared(changes))
}

/// What tells rows of a model apart, the likeliest first: `unique_key`, then the primary key that constraints and tests
/// say.
fn keys(node: &Node) -> Vec<Vec<String>> {
    let configured = match node.config.get("unique_key") {
        Some(serde_json::Value::String(s)) => vec![s.clone()],
        Some(serde_json::Value::Array(list)) => list
            .iter()
            .filter_map(|v| v.as_str().map(str::to_string))
            .collect(),
        _ => Vec::new(),
    };
    [configured, node.primary_key.clone()]
        .into_iter()
        .filter(|k| !k.is_empty())
        .collect()
}
