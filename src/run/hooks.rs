//! `on-run-start` and `on-run-end`: each hook is a node, rendered when its turn comes, every statement alone.
use super::failure::{Failure, compile_failure, database_failure};
use super::node::NodeRunner;
use crate::compile::Compiler;
use crate::context::{Record, SendError, moment};
use crate::graph::Compiled;
use crate::graph::{Manifest, Node, ResourceType};
use crate::jinja::python::List;
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::report::{Event, NodeInfo, Reporter};
use chrono::{DateTime, Utc};
use minijinja::value::Value;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Names that hooks see besides the usual ones.
pub type HookNames = HashMap<String, Value>;

/// Which hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum HookKind {
    Start,
    End,
}

impl HookKind {
    fn tag(self) -> &'static str {
        match self {
            Self::Start => "on-run-start",
            Self::End => "on-run-end",
        }
    }
}

fn is_hook(node: &Node, kind: HookKind) -> bool {
    node.resource_type == ResourceType::Operation && node.tags.iter().any(|t| t == kind.tag())
}

/// Whether there are hooks of a kind.
pub fn has_hooks(manifest: &Manifest, kind: HookKind) -> bool {
    manifest.nodes.values().any(|n| is_hook(n, kind))
}

/// The hooks of a kind: the root project first, then packages by name.
pub fn hooks_of(manifest: &Manifest, kind: HookKind) -> Vec<&Node> {
    let nodes = manifest.nodes.values();
    let mut hooks: Vec<&Node> = nodes.filter(|n| is_hook(n, kind)).collect();
    hooks.sort_by_key(|n| {
        (
            n.package_name != manifest.project_name,
            n.package_name.clone(),
            n.index,
        )
    });
    hooks
}

/// Runs the hooks of a kind; after the first failure the rest is skipped.
pub fn run_hooks(
    runner: &NodeRunner,
    manifest: &Manifest,
    kind: HookKind,
    extra: &HashMap<String, Value>,
    reporter: &Reporter,
) -> Vec<(Arc<NodeInfo>, Arc<NodeResult>)> {
    let hooks = hooks_of(manifest, kind);
    let total = hooks.len();
    let mut failed = false;
    let mut out = Vec::new();
    for (i, node) in hooks.into_iter().enumerate() {
        let info = NodeInfo::of_hook(node, kind.tag(), i);
        let index = i + 1;
        let result = if failed {
            let mut r = NodeResult::new(&node.unique_id, Status::Skipped);
            r.message = Some(format!("{} skipped", NodeInfo::of_node(node).label));
            r.failures = Some(1);
            r
        } else {
            reporter.emit(Event::NodeStarted {
                node: info.clone(),
                index,
                total,
            });
            one(runner, node, extra)
        };
        failed |= result.status.is_failure();
        let result = Arc::new(result);
        reporter.emit(Event::NodeFinished {
            node: info.clone(),
            index,
            total,
            result: result.clone(),
            because: None,
        });
        out.push((info, result));
    }
    out
}

fn one(runner: &NodeRunner, node: &Node, extra: &HashMap<String, Value>) -> NodeResult {
    let started = std::time::Instant::now();
    let begun = Utc::now();
    let compiler = Compiler {
        extra: extra.clone(),
        ..runner.compiler()
    };
    let mut result = NodeResult::new(&node.unique_id, Status::Success);
    let label = NodeInfo::of_node(node).label.clone();
    let passed = format!("{label} passed");
    let scope = compiler.scope(node, compiler.facts(node));
    result.thread_id = "MainThread".into();
    let outcome: Result<(), Failure> = compiler
        .compile(node)
        .map_err(|d| compile_failure(node, d))
        .and_then(|compiled| {
            let file = runner.write_compiled(node, &compiled.sql);
            result.compiled = true;
            result.compiled_path = Some(file.clone());
            result.compiled_code = Some(compiled.sql.clone());
            result.macros.clone_from(&compiled.macros);
            result.timing.push(Timing {
                name: Step::Compile,
                started_at: Some(begun),
                completed_at: Some(Utc::now()),
            });
            let sql = compiled.sql.trim();
            if sql.is_empty() {
                result.message = Some(passed.clone());
                result.failures = Some(0);
                return Ok(());
            }
            scope.send(sql).map_err(|e| match e {
                SendError::Database(e, sent, prefix) => {
                    let mut f = database_failure(
                        node,
                        Some(&compiled),
                        &e,
                        &sent,
                        prefix,
                        Some(&file),
                        None,
                    );
                    let said = f
                        .message
                        .lines()
                        .skip(1)
                        .map(|l| l.strip_prefix("  ").unwrap_or(l));
                    let said: Vec<&str> = said
                        .filter(|l| !l.starts_with("compiled code at "))
                        .collect();
                    f.message = format!("{label} failed, error:\n {}", said.join("\n"));
                    f
                }
                SendError::Comment(e) => compile_failure(node, crate::context::raised(&e)),
            })?;
            result.message = Some(passed.clone());
            result.failures = Some(0);
            Ok(())
        });
    result.timing.push(Timing {
        name: Step::Execute,
        started_at: Some(begun),
        completed_at: Some(Utc::now()),
    });
    result.execution_time = started.elapsed().as_secs_f64();
    if let Err(f) = outcome {
        result.status = Status::Error;
        result.failures = Some(1);
        result.message = Some(f.message);
        result.diagnostic = Some(f.diagnostic);
    }
    result
}

/// A node's result as `on-run-end` sees it.
fn result(manifest: &Manifest, r: &NodeResult) -> Value {
    let node = manifest.nodes.get(&r.unique_id).cloned().map(|mut n| {
        n.compiled = r.compiled_code.clone().map(|code| Compiled {
            code,
            extra_ctes: r.extra_ctes.clone(),
            path: r.compiled_path.clone(),
        });
        n.build_path.clone_from(&r.build_path);
        n
    });
    let node = match node.as_ref().map(crate::artifact::node) {
        Some(Json::Object(map)) => map,
        _ => manifest
            .entries()
            .find(|e| e.unique_id() == r.unique_id)
            .and_then(|e| crate::artifact::entry(e).as_object().cloned())
            .unwrap_or_default(),
    };
    let timings = crate::artifact::timings(&r.timing);
    let moment = |t: Option<DateTime<Utc>>| t.map_or_else(|| Value::from(()), |t| moment(&t));
    let timing = timings
        .as_array()
        .into_iter()
        .flatten()
        .zip(&r.timing)
        .map(|(json, t)| {
            let special = vec![
                ("started_at", moment(t.started_at)),
                ("completed_at", moment(t.completed_at)),
            ];
            Record::value(
                "TimingInfo",
                json.as_object().cloned().unwrap_or_default(),
                special,
            )
        })
        .collect();
    let plain = json!({
        "status": r.status.as_str(), "timing": timings, "thread_id": r.thread_id,
        "execution_time": r.execution_time, "adapter_response": r.adapter_response, "message": r.message,
        "failures": r.failures, "node": node, "agate_table": null, "batch_results": r.batch_results,
    });
    let config = Record::config(
        node.get("config")
            .and_then(Json::as_object)
            .cloned()
            .unwrap_or_default(),
    );
    let special = vec![
        ("timing", List::value(timing)),
        (
            "node",
            Record::value("Node", node, vec![("config", config)]),
        ),
        ("unique_id", Value::from(r.unique_id.as_str())),
    ];
    Record::value(
        "RunResult",
        plain.as_object().cloned().unwrap_or_default(),
        special,
    )
}

/// `results`, `schemas` and `database_schemas` of `on-run-end`.
pub fn end_names(
    manifest: &Manifest,
    database: &str,
    results: &[(Arc<NodeInfo>, Arc<NodeResult>)],
) -> HashMap<String, Value> {
    let mut schemas: Vec<String> = Vec::new();
    // A test counts when it has a table for what it finds.
    let has_relation = |n: &Node| {
        n.is_refable() && !n.is_ephemeral()
            || n.resource_type == ResourceType::Test && n.relation_name.is_some()
    };
    for (_, r) in results {
        if let Some(n) = manifest.nodes.get(&r.unique_id).filter(|n| has_relation(n))
            && ![Status::Skipped, Status::Error, Status::Fail].contains(&r.status)
        {
            crate::parse::push_new(&mut schemas, n.schema.clone());
        }
    }
    let list = results.iter().map(|(_, r)| result(manifest, r)).collect();
    let text = |s: &String| Value::from(s.as_str());
    let pairs = schemas
        .iter()
        .map(|s| crate::jinja::python::tuple(vec![Value::from(database), text(s)]))
        .collect();
    let mut names = HashMap::new();
    names.insert(
        "results".to_string(),
        crate::jinja::python::List::value(list),
    );
    names.insert(
        "schemas".to_string(),
        crate::jinja::python::List::value(schemas.iter().map(text).collect()),
    );
    names.insert(
        "database_schemas".to_string(),
        crate::jinja::python::List::value(pairs),
    );
    names
}
