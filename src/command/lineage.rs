//! `lineage`: what a model or a column is made of, and what is made of it.
use super::Outcome;
use super::docs;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::cli::{Command, Output};
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Dag, Entry, Manifest, ResourceType};
use crate::report::Event;
use crate::text::nearest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Runs the command.
pub fn lineage(ctx: &Session) -> Result<Outcome> {
    let Command::Lineage {
        node,
        upstream,
        downstream,
        output,
    } = &ctx.invocation.command
    else {
        return Ok(Outcome::Success);
    };
    // Neither said means both.
    let ways = [*upstream || !*downstream, *downstream || !*upstream];
    let loaded = setup::load(ctx, true)?;
    let (id, column) = found(&loaded.manifest, node)?;
    let text = match column {
        None => of_node(
            &loaded.manifest,
            &loaded.dag,
            &id,
            ways,
            *output == Output::Json,
        ),
        Some(column) => of_column(ctx, &loaded, &id, &column, ways, *output == Output::Json)?,
    };
    ctx.reporter.emit(Event::Output {
        text,
        header: None,
        dbt: None,
    });
    Ok(Outcome::Success)
}

/// The name of an entry as people write it.
fn name(manifest: &Manifest, id: &str) -> String {
    match manifest.sources.get(id) {
        Some(s) => format!("{}.{}", s.source_name, s.name),
        None => manifest
            .entries()
            .find(|e| e.unique_id() == id)
            .map_or_else(|| id.to_string(), |e| e.name().to_string()),
    }
}

/// Whether it is shown: tests and what only runs are not.
fn is_shown(e: &Entry<'_>) -> bool {
    !matches!(
        e.resource_type(),
        ResourceType::Test | ResourceType::UnitTest | ResourceType::Operation
    )
}

/// The entry that a text names, and the column if it names one too.
fn found(manifest: &Manifest, text: &str) -> Result<(String, Option<String>)> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for e in manifest.entries().filter(is_shown) {
        names
            .entry(name(manifest, e.unique_id()))
            .or_insert_with(|| e.unique_id().to_string());
        names.insert(e.unique_id().to_string(), e.unique_id().to_string());
    }
    if let Some(id) = names.get(text) {
        return Ok((id.clone(), None));
    }
    if let Some((model, column)) = text.rsplit_once('.')
        && let Some(id) = names.get(model)
    {
        return Ok((id.clone(), Some(column.to_string())));
    }
    let model = text.split('.').next().unwrap_or(text);
    let d = Diagnostic::error(
        code::G0401,
        format!("there is no model, seed, snapshot or source `{text}`"),
    );
    Err(match nearest(model, names.keys().map(String::as_str)) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help("`tv1 ls` lists what there is"),
    }
    .into())
}

/// A tree: each entry with what comes next, those seen before only by name.
fn tree(
    out: &mut String,
    depth: usize,
    id: &str,
    next: &dyn Fn(&str) -> Vec<(String, String)>,
    label: &dyn Fn(&str) -> String,
    seen: &mut BTreeSet<String>,
) {
    for (id, kind) in next(id) {
        let again = !seen.insert(id.clone());
        let more = again && !next(&id).is_empty();
        let kind = if kind.is_empty() {
            kind
        } else {
            format!("  ({kind})")
        };
        out.push_str(&format!(
            "{}{}{kind}{}\n",
            "  ".repeat(depth),
            label(&id),
            if more { "  … as above" } else { "" }
        ));
        if !again {
            tree(out, depth + 1, &id, next, label, seen);
        }
    }
}

fn section(
    title: &str,
    id: &str,
    next: &dyn Fn(&str) -> Vec<(String, String)>,
    label: &dyn Fn(&str) -> String,
) -> String {
    let mut body = String::new();
    tree(
        &mut body,
        2,
        id,
        next,
        label,
        &mut BTreeSet::from([id.to_string()]),
    );
    if body.is_empty() {
        body = "    nothing in this project\n".into();
    }
    format!("  {title}\n{body}")
}

fn of_node(manifest: &Manifest, dag: &Dag, id: &str, ways: [bool; 2], as_json: bool) -> String {
    let shown: BTreeSet<&str> = manifest
        .entries()
        .filter(is_shown)
        .map(Entry::unique_id)
        .collect();
    let kind = |id: &str| {
        manifest
            .entries()
            .find(|e| e.unique_id() == id)
            .map_or_else(String::new, |e| e.resource_type().as_str().to_string())
    };
    let next = |up: bool| {
        let shown = &shown;
        let kind = &kind;
        move |id: &str| -> Vec<(String, String)> {
            let ids = if up {
                dag.parents(id)
            } else {
                dag.children(id)
            };
            let mut list: Vec<(String, String)> = ids
                .into_iter()
                .filter(|i| shown.contains(i))
                .map(|i| (i.to_string(), kind(i)))
                .collect();
            list.sort();
            list
        }
    };
    if as_json {
        let all = |up: bool| -> Vec<String> {
            let ids = if up {
                dag.ancestors(id, None)
            } else {
                dag.descendants(id, None)
            };
            ids.into_iter()
                .filter(|i| shown.contains(i.as_str()) && i != id)
                .collect()
        };
        return json!({
            "node": id,
            "upstream": ways[0].then(|| all(true)),
            "downstream": ways[1].then(|| all(false)),
        })
        .to_string();
    }
    let label = |id: &str| name(manifest, id);
    let mut out = format!("{}\n", name(manifest, id));
    if ways[0] {
        out.push_str(&section("is made of", id, &next(true), &label));
    }
    if ways[1] {
        out.push_str(&section("is used by", id, &next(false), &label));
    }
    out.trim_end().to_string()
}

/// Node and column as one key.
fn key(end: &Value) -> Option<String> {
    Some(format!(
        "{}\u{1f}{}",
        end.get(0)?.as_str()?,
        end.get(1)?.as_str()?
    ))
}

fn of_column(
    ctx: &Session,
    loaded: &Loaded,
    id: &str,
    column: &str,
    ways: [bool; 2],
    as_json: bool,
) -> Result<String> {
    let (manifest, known) = docs::columns(ctx, loaded)?;
    let lineage = crate::sql::project_lineage(&manifest, &|id| known.get(id).cloned());
    let column = match known.get(id) {
        Some(all) => all
            .iter()
            .find(|c| c.eq_ignore_ascii_case(column))
            .cloned()
            .ok_or_else(|| {
                let d = Diagnostic::error(
                    code::G0401,
                    format!("`{}` has no column `{column}`", name(&manifest, id)),
                );
                match nearest(column, all.iter().map(String::as_str)) {
                    Some(near) => d.help(format!("did you mean `{near}`?")),
                    None => d.help(format!("columns: {}", all.join(", "))),
                }
            })?,
        None => column.to_string(),
    };
    let start = format!("{id}\u{1f}{column}");
    let mut sides: [BTreeMap<String, Vec<(String, String)>>; 2] =
        [BTreeMap::new(), BTreeMap::new()];
    for edge in lineage["edges"].as_array().into_iter().flatten() {
        if let (Some(from), Some(to)) = (key(&edge["from"]), key(&edge["to"])) {
            let kind = edge["kind"].as_str().unwrap_or("derive").to_string();
            sides[0]
                .entry(to.clone())
                .or_default()
                .push((from.clone(), kind.clone()));
            sides[1].entry(from).or_default().push((to, kind));
        }
    }
    let next = |side: usize| {
        let edges = &sides[side];
        move |at: &str| edges.get(at).cloned().unwrap_or_default()
    };
    let mut reason = None;
    if let Some(text) = lineage["unknown"]
        .get(id)
        .or(lineage["unknown"].get("*"))
        .and_then(Value::as_str)
    {
        reason = Some(text.to_string());
    }
    if as_json {
        let all = |side: usize| -> Vec<Value> { reached(&start, &next(side)) };
        return Ok(json!({
            "node": id,
            "column": column,
            "upstream": ways[0].then(|| all(0)),
            "downstream": ways[1].then(|| all(1)),
            "unknown": reason,
        })
        .to_string());
    }
    let label = |at: &str| {
        let (id, column) = at.split_once('\u{1f}').unwrap_or((at, ""));
        format!("{}.{column}", name(&manifest, id))
    };
    let mut out = format!("{}\n", label(&start));
    if ways[0] {
        out.push_str(&section("is made of", &start, &next(0), &label));
    }
    if ways[1] {
        out.push_str(&section("is used by", &start, &next(1), &label));
    }
    if let Some(reason) = reason {
        out.push_str(&format!(
            "  what it is made of could not be told: {reason}\n"
        ));
    }
    Ok(out.trim_end().to_string())
}

/// Every column that is reached, with how the last step made it.
fn reached(start: &str, next: &dyn Fn(&str) -> Vec<(String, String)>) -> Vec<Value> {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut waiting = vec![start.to_string()];
    let mut done: BTreeSet<String> = BTreeSet::new();
    while let Some(at) = waiting.pop() {
        if !done.insert(at.clone()) {
            continue;
        }
        for (to, kind) in next(&at) {
            seen.insert((to.clone(), kind));
            waiting.push(to);
        }
    }
    seen.iter()
        .filter_map(|(at, kind)| {
            at.split_once('\u{1f}')
                .map(|(id, column)| json!({"node": id, "column": column, "kind": kind}))
        })
        .collect()
}
