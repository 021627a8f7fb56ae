//! Nodes, results and times for the tests of the report.
use super::Stamped;
use super::event::{Event, NodeInfo, Summary};
use crate::graph::ResourceType;
use crate::outcome::{NodeResult, Status};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The time that recorded events begin at.
pub(crate) fn start() -> DateTime<Utc> {
    "2024-01-02T03:04:05.000001Z".parse().unwrap()
}

/// An event at so many seconds after the start.
pub(crate) fn at(seconds: f64, event: Event) -> Stamped {
    Stamped {
        at: start() + TimeDelta::milliseconds((seconds * 1000.0) as i64),
        thread: "Thread-1 (worker)".to_string(),
        event,
    }
}

/// A model in schema `marts`.
pub(crate) fn model(name: &str, materialized: &str) -> Arc<NodeInfo> {
    Arc::new(NodeInfo {
        materialized: materialized.to_string(),
        database: "shop".to_string(),
        schema: "marts".to_string(),
        alias: name.to_string(),
        relation_name: Some(format!("\"shop\".\"marts\".\"{name}\"")),
        checksum: "abc".to_string(),
        meta: json!({"team": "x"}).as_object().cloned().unwrap(),
        label: format!("marts.{name}"),
        description: format!("sql {materialized} model marts.{name}"),
        ..NodeInfo::plain(
            &format!("model.shop.{name}"),
            name,
            ResourceType::Model,
            &format!("{name}.sql"),
            &format!("models/{name}.sql"),
        )
    })
}

/// A node of another kind, with its lines' words.
pub(crate) fn node(
    kind: ResourceType,
    name: &str,
    label: &str,
    description: &str,
) -> Arc<NodeInfo> {
    Arc::new(NodeInfo {
        schema: "marts".to_string(),
        alias: name.to_string(),
        label: label.to_string(),
        description: description.to_string(),
        ..NodeInfo::plain(
            &format!("{}.shop.{name}", kind.as_str()),
            name,
            kind,
            "p.yml",
            "models/p.yml",
        )
    })
}

/// A generic data test.
pub(crate) fn test_node(name: &str) -> Arc<NodeInfo> {
    let mut test = (*node(ResourceType::Test, name, name, &format!("test {name}"))).clone();
    test.materialized = "test".to_string();
    test.attached_node = Some("model.shop.orders".to_string());
    Arc::new(test)
}

/// A seed file.
pub(crate) fn seed(name: &str) -> Arc<NodeInfo> {
    let label = format!("marts.{name}");
    node(
        ResourceType::Seed,
        name,
        &label,
        &format!("seed file {label}"),
    )
}

/// A hook of the project.
pub(crate) fn hook(kind: &str, index: usize) -> Arc<NodeInfo> {
    let label = format!("shop.{kind}.{index}");
    let name = format!("shop-{kind}-{index}");
    node(
        ResourceType::Operation,
        &name,
        &label,
        &format!("hook: {label}"),
    )
}

/// A result; an empty message is none.
pub(crate) fn outcome(status: Status, message: &str, seconds: f64) -> NodeResult {
    NodeResult {
        message: (!message.is_empty()).then(|| message.to_string()),
        thread_id: "Thread-1 (worker)".to_string(),
        execution_time: seconds,
        ..NodeResult::new("", status)
    }
}

/// The end of a run that took as long as its nodes.
pub(crate) fn summary(results: Vec<(Arc<NodeInfo>, NodeResult)>) -> Summary {
    let seconds: f64 = results.iter().map(|(_, r)| r.execution_time).sum();
    Summary {
        results: results
            .into_iter()
            .map(|(node, result)| {
                let unique_id = node.unique_id.clone();
                (
                    node,
                    Arc::new(NodeResult {
                        unique_id,
                        ..result
                    }),
                )
            })
            .collect(),
        elapsed: Duration::from_secs_f64(seconds),
        interrupted: false,
    }
}
