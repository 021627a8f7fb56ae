//! Simulations that need each other, and so can never begin.
use super::model::Model;
use super::spec::Spec;
use super::value::TableId;
use crate::diag::{Diagnostic, Sink, code};
use crate::text::Place;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Simulations that need each other.
pub(super) fn circles(
    model: &Model,
    specs: &[Arc<Spec>],
    reads: &[BTreeSet<TableId>],
    sink: &mut Sink,
) {
    for (start, spec) in specs.iter().enumerate() {
        let mut path = vec![start];
        if let Some(circle) = circle(start, reads, &mut path, &mut BTreeSet::new()) {
            // Said once, at the first of its members.
            if circle.iter().min() != Some(&start) {
                continue;
            }
            let names: Vec<&str> = circle
                .iter()
                .chain([&start])
                .map(|t| model.tables[*t].name.as_str())
                .collect();
            sink.push(
                Diagnostic::error(
                    code::M0809,
                    format!("simulations go round in a circle: {}", names.join(" → ")),
                )
                .at(Place::new(&spec.file, spec.name.span.clone())),
            );
        }
    }
}

fn circle(
    start: TableId,
    reads: &[BTreeSet<TableId>],
    path: &mut Vec<TableId>,
    seen: &mut BTreeSet<TableId>,
) -> Option<Vec<TableId>> {
    let at = *path.last()?;
    for next in reads.get(at)? {
        if *next == at {
            continue;
        }
        if *next == start {
            return Some(path.clone());
        }
        if *next < reads.len() && seen.insert(*next) {
            path.push(*next);
            if let Some(found) = circle(start, reads, path, seen) {
                return Some(found);
            }
            path.pop();
        }
    }
    None
}
