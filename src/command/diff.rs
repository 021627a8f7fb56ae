//! `diff`: what the selected models would hold if they were built now, beside what their relations hold. Nothing is
//! changed in the database.
use super::Outcome;
use super::compile::connect;
use super::selection::{deferral, look_around, purpose, selected};
use super::session::Session;
use super::setup::{self, Loaded};
use crate::cli::Output;
use crate::compile::Compiler;
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Node, ResourceType};
use crate::report::{Event, TableColumn, table};
use crate::run::{Changes, Finding, Mark, Pair, RowChange, references};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::PoisonError;

/// Runs the command; exit code 1 if a model could not be built.
pub fn diff(ctx: &Session, limit: Option<u64>, output: Output) -> Result<Outcome> {
    let loaded = setup::load(ctx, true)?;
    let ids: BTreeSet<String> = selected(ctx, &loaded, purpose(&ctx.invocation.command))?
        .into_iter()
        .collect();
    let pairs = pairs(&loaded, &ids)?;
    if pairs.is_empty() {
        ctx.nothing_to_do()?;
        return Ok(Outcome::Success);
    }
    let session = connect(&loaded)?;
    let compiler = Compiler {
        shared: loaded.shared.clone(),
        session: Some(session.clone()),
        extra: HashMap::new(),
    };
    let _ = loaded.shared.selected.set(ids.into_iter().collect());
    let others = deferral(ctx, &loaded)?;
    let _ = loaded.shared.deferred.set(references(&pairs, others));
    {
        let mut lock = session.lock().unwrap_or_else(PoisonError::into_inner);
        look_around(&loaded, lock.raw())?;
    }
    crate::run::prepare(&loaded.shared, &loaded.manifest, &[], &session)?;
    let mut list = Vec::new();
    let mut outcome = Outcome::Success;
    crate::run::diff(
        &compiler,
        &session,
        &pairs,
        limit,
        &|id| loaded.dag.ancestors(id, None),
        &mut |pair, finding| {
            if matches!(finding, Finding::Failed(_) | Finding::Skipped) {
                outcome = Outcome::Failed;
            }
            if output == Output::Json {
                list.push(as_json(pair, &finding));
            } else {
                say(ctx, as_text(pair, &finding));
            }
            if let Finding::Failed(diagnostic) = finding {
                ctx.reporter.emit(Event::Diagnostic {
                    diagnostic: *diagnostic,
                    dbt: None,
                });
            }
        },
    );
    if output == Output::Json {
        say(ctx, serde_json::to_string_pretty(&list).unwrap_or_default());
    }
    Ok(outcome)
}

fn say(ctx: &Session, text: String) {
    ctx.reporter.emit(Event::Output {
        text,
        header: None,
        dbt: None,
    });
}

/// The models among the ids that have a relation, in the order of their dependencies, each with the relation that it is
/// compared with: that of `--state` where one is given.
fn pairs<'a>(loaded: &'a Loaded, ids: &BTreeSet<String>) -> Result<Vec<Pair<'a>>> {
    let order = loaded.dag.order().map_err(|cycle| {
        Diagnostic::error(code::G0401, format!("a cycle: {}", cycle.0.join(" → ")))
    })?;
    let is_compared =
        |n: &&Node| n.resource_type == ResourceType::Model && !n.is_ephemeral() && !n.is_python();
    Ok(order
        .iter()
        .filter(|id| ids.contains(*id))
        .filter_map(|id| loaded.manifest.nodes.get(id))
        .filter(is_compared)
        .filter_map(|node| {
            let own = node.relation_name.clone()?;
            let state = loaded.state.as_ref().and_then(|s| s.manifest.as_ref());
            let relation = match state {
                None => own,
                Some(earlier) => earlier
                    .relation(&node.unique_id)
                    .and_then(|r| r.relation_name.clone())
                    .unwrap_or(own),
            };
            Some(Pair { node, relation })
        })
        .collect())
}

fn plural(n: u64, word: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {word}{s}")
}

fn as_text(pair: &Pair<'_>, finding: &Finding) -> String {
    let name = &pair.node.name;
    match finding {
        Finding::Missing(rows) => format!(
            "{name}: new, {} ({} is not there)\n",
            plural(*rows, "row"),
            pair.relation
        ),
        Finding::Failed(_) => format!("{name}: cannot be built\n"),
        Finding::Skipped => format!("{name}: skipped, a model that it needs cannot be built\n"),
        Finding::Compared(c) if c.is_empty() => {
            format!("{name}: no difference ({})\n", plural(c.rows_now, "row"))
        }
        Finding::Compared(c) => compared(name, c),
    }
}

fn compared(name: &str, c: &Changes) -> String {
    let mut out = format!("{name}:\n");
    for (column, kind) in &c.shape.added {
        out.push_str(&format!("  column + {column} {kind}\n"));
    }
    for (column, kind) in &c.shape.removed {
        out.push_str(&format!("  column - {column} {kind}\n"));
    }
    for (column, from, to) in &c.shape.retyped {
        out.push_str(&format!("  column ~ {column} {from} → {to}\n"));
    }
    let paired = if c.key.is_empty() {
        "whole rows compared: no unique key is known".to_string()
    } else {
        format!("{} changed, by {}", c.changed, c.key.join(", "))
    };
    out.push_str(&format!(
        "  rows   {} → {}: {} added, {} removed, {paired}\n",
        c.rows_now, c.rows_then, c.added, c.removed
    ));
    if !c.values.is_empty() {
        let mut values: Vec<(&String, &u64)> = c.values.iter().collect();
        values.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), (*name).clone()));
        let values: Vec<String> = values.iter().map(|(v, n)| format!("{v} {n}")).collect();
        out.push_str(&format!("  values {}\n", values.join(", ")));
    }
    if !c.rows.is_empty() {
        out.push('\n');
        out.push_str(&drawn(c));
    }
    let rest = (c.added + c.removed + c.changed).saturating_sub(c.rows.len() as u64);
    if rest > 0 && !c.rows.is_empty() {
        out.push_str(&format!(
            "… and {} more; `--limit` shows them\n",
            plural(rest, "row")
        ));
    }
    out
}

/// The rows as a table: the key, and the columns that differ in any of them; all columns where whole rows come or go.
fn drawn(c: &Changes) -> String {
    let common = &c.shape.common;
    let differs = |i: usize| {
        c.rows
            .iter()
            .any(|r| r.mark == Mark::Changed && r.now[i] != r.then[i])
    };
    let some_changed = c.rows.iter().any(|r| r.mark == Mark::Changed);
    let shown: Vec<usize> = (0..common.len())
        .filter(|i| !some_changed || c.key.contains(&common[*i]) || differs(*i))
        .collect();
    let columns: Vec<TableColumn> = std::iter::once(String::new())
        .chain(shown.iter().map(|i| common[*i].clone()))
        .map(|name| TableColumn {
            name,
            numeric: false,
        })
        .collect();
    let rows: Vec<Vec<Option<String>>> = c
        .rows
        .iter()
        .map(|r| {
            std::iter::once(Some(sign(r.mark).to_string()))
                .chain(shown.iter().map(|i| cell(r, *i)))
                .collect()
        })
        .collect();
    table(&columns, &rows)
}

fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Added => "+",
        Mark::Removed => "-",
        Mark::Changed => "~",
    }
}

fn cell(r: &RowChange, i: usize) -> Option<String> {
    let null = |v: &Option<String>| v.clone().unwrap_or_else(|| "null".into());
    match r.mark {
        Mark::Added => r.then[i].clone(),
        Mark::Removed => r.now[i].clone(),
        Mark::Changed if r.now[i] == r.then[i] => r.now[i].clone(),
        Mark::Changed => Some(format!("{} → {}", null(&r.now[i]), null(&r.then[i]))),
    }
}

fn as_json(pair: &Pair<'_>, finding: &Finding) -> Value {
    let (status, more) = match finding {
        Finding::Missing(rows) => ("new", json!({"rows_then": rows})),
        Finding::Failed(d) => ("error", json!({"message": d.message})),
        Finding::Skipped => ("skipped", json!({})),
        Finding::Compared(c) => (
            if c.is_empty() { "equal" } else { "different" },
            changes_json(c),
        ),
    };
    let mut out = json!({
        "node": pair.node.name,
        "unique_id": pair.node.unique_id,
        "relation": pair.relation,
        "status": status,
    });
    if let (Some(out), Value::Object(more)) = (out.as_object_mut(), more) {
        out.extend(more);
    }
    out
}

fn changes_json(c: &Changes) -> Value {
    let typed = |list: &[(String, String)]| -> Vec<Value> {
        list.iter()
            .map(|(name, kind)| json!({"name": name, "type": kind}))
            .collect()
    };
    let retyped: Vec<Value> = c
        .shape
        .retyped
        .iter()
        .map(|(name, from, to)| json!({"name": name, "now": from, "then": to}))
        .collect();
    let side = |values: &[Option<String>]| -> Value {
        if values.is_empty() && !c.shape.common.is_empty() {
            return Value::Null;
        }
        let pairs = c.shape.common.iter().cloned().zip(values);
        Value::Object(pairs.map(|(k, v)| (k, json!(v))).collect::<Map<_, _>>())
    };
    let rows: Vec<Value> = c
        .rows
        .iter()
        .map(|r| json!({"change": sign(r.mark), "now": side(&r.now), "then": side(&r.then)}))
        .collect();
    json!({
        "key": c.key,
        "columns": {
            "added": typed(&c.shape.added),
            "removed": typed(&c.shape.removed),
            "retyped": retyped,
        },
        "rows_now": c.rows_now,
        "rows_then": c.rows_then,
        "added": c.added,
        "removed": c.removed,
        "changed": c.changed,
        "changed_values": c.values,
        "rows": rows,
    })
}
