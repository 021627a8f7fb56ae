//! The closing words for a person at a terminal: what took longest, how much was written, what to do next.
//!
//! They stand below dbt's last line and never in pipes, files or JSON.
use super::event::{NodeInfo, Summary};
use super::paint::Paint;
use super::progress::{duration, rows_of};
use crate::graph::ResourceType;
use crate::outcome::{NodeResult, Status};
use std::sync::Arc;

/// How many of the slowest nodes are named.
const SLOWEST: usize = 3;
/// Nodes faster than this (seconds) are not worth naming.
const SLOW: f64 = 0.5;

/// The words, or nothing when there is nothing to say.
pub fn text(command: &str, summary: &Summary, paint: Paint) -> Option<String> {
    let mut lines = Vec::new();
    for (i, (node, result)) in slowest(summary).into_iter().enumerate() {
        let heading = if i == 0 { "slowest" } else { "" };
        let time = duration(result.execution_time);
        lines.push((heading, format!("{time:>7}  {}", node.description)));
    }
    let rows = written(summary);
    if rows > 0 {
        lines.push(("written", format!("  {}", rows_of(rows))));
    }
    for (i, hint) in next(command, summary).into_iter().enumerate() {
        lines.push((if i == 0 { "next" } else { "" }, format!("  {hint}")));
    }
    if lines.is_empty() {
        return None;
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(heading, text)| format!("{} {text}", paint.dim(&format!("  {heading:<7}"))))
        .collect();
    Some(format!("\n{}", lines.join("\n")))
}

fn slowest(summary: &Summary) -> Vec<&(Arc<NodeInfo>, Arc<NodeResult>)> {
    let mut nodes: Vec<_> = summary
        .results
        .iter()
        .filter(|(_, r)| r.execution_time >= SLOW)
        .collect();
    nodes.sort_by(|a, b| b.1.execution_time.total_cmp(&a.1.execution_time));
    // One node alone is no comparison.
    if summary.results.len() < 2 {
        nodes.clear();
    }
    nodes.truncate(SLOWEST);
    nodes
}

/// Rows that models, seeds, snapshots and simulations wrote; tests only read.
fn written(summary: &Summary) -> u64 {
    summary
        .results
        .iter()
        .filter(|(node, _)| {
            matches!(
                node.resource_type,
                ResourceType::Model
                    | ResourceType::Seed
                    | ResourceType::Snapshot
                    | ResourceType::Source
            )
        })
        .filter_map(|(_, result)| u64::try_from(result.rows_affected()?).ok())
        .sum()
}

fn next(command: &str, summary: &Summary) -> Vec<String> {
    let count = |wanted: fn(Status) -> bool| {
        summary
            .results
            .iter()
            .filter(|(node, result)| !node.is_hook() && wanted(result.status))
            .count()
    };
    let failed = count(Status::is_failure);
    let skipped = count(|s| s == Status::Skipped);
    let mut hints = Vec::new();
    if failed > 0 || (summary.interrupted && skipped > 0) {
        let what = match (failed, skipped) {
            (0, s) => format!("the {s} that did not run"),
            (f, 0) => format!("the {f} that failed"),
            (f, s) => format!("the {f} that failed and the {s} skipped"),
        };
        hints.push(format!("`tv1 retry` runs {what}"));
        if summary
            .results
            .iter()
            .any(|(_, r)| r.status == Status::Fail)
        {
            hints.push(
                "`tv1 test --select result:fail --state target --store-failures` keeps the rows that fail"
                    .to_string(),
            );
        }
    } else if matches!(command, "build" | "run") && !summary.interrupted {
        hints.push("`tv1 docs` shows what was built".to_string());
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{model, outcome, summary, test_node};
    use serde_json::json;

    #[test]
    fn a_good_build_leads_to_its_docs() {
        let mut orders = outcome(Status::Success, "SELECT 1200000", 12.34);
        orders
            .adapter_response
            .insert("rows_affected".into(), json!(1_200_000));
        let users = outcome(Status::Success, "CREATE VIEW", 0.75);
        let s = summary(vec![
            (model("users", "view"), users),
            (model("orders", "table"), orders),
        ]);
        insta::assert_snapshot!(text("build", &s, Paint { on: false }).unwrap(), @r"

          slowest   12.3s  sql table model marts.orders
                     0.8s  sql view model marts.users
          written   1,200,000 rows
          next      `tv1 docs` shows what was built
        ");
    }

    #[test]
    fn failures_lead_to_retry() {
        let s = summary(vec![
            (
                test_node("unique_id"),
                outcome(Status::Fail, "Got 1 result", 0.01),
            ),
            (model("below", "view"), outcome(Status::Skipped, "", 0.0)),
        ]);
        insta::assert_snapshot!(text("build", &s, Paint { on: false }).unwrap(), @r"

          next      `tv1 retry` runs the 1 that failed and the 1 skipped
                    `tv1 test --select result:fail --state target --store-failures` keeps the rows that fail
        ");
    }

    #[test]
    fn nothing_to_say_is_nothing_said() {
        let s = summary(vec![(test_node("t"), outcome(Status::Pass, "", 0.01))]);
        assert_eq!(text("test", &s, Paint { on: false }), None);
    }
}
