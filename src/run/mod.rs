//! Runs nodes: worker threads, each with a connection, take what the scheduler says is ready.
//!
//! In: the manifest, the ids to run, shared facts. Out: a result for every node, told to the reporter as it happens.
mod cancel;
mod diff;
mod failure;
mod freshness;
mod hooks;
mod microbatch;
mod node;
mod publish;
mod schedule;
mod schemas;
mod seed;
mod test;
mod unit;
mod unit_diff;
mod unit_fixture;
mod waits;
mod worker;

pub use cancel::Cancellation;
pub use diff::{Changes, Finding, Mark, Pair, RowChange, diff, references};
pub use failure::node_error;
pub use freshness::check_freshness;
pub use hooks::{HookKind, HookNames, end_names, has_hooks, run_hooks};
pub use node::{NodeRunner, find_materialization, resolve_keys};
pub use publish::{Staging, clear_left_over, refuse};
pub use schedule::{Scheduler, edges, in_order, test_edges};
pub use schemas::{prepare, schemas};
pub use seed::agate_table;
pub use worker::{Simulate, Work, execute, skip_all};
