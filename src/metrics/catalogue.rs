//! What can be asked for: metrics, dimensions, and which go together.
use super::expand::{Leaves, expand};
use super::join::{bridges, paths, time_path};
use super::names::full_name;
use crate::semantic::{Grain, Kind, Labels, Layer};
use std::collections::BTreeSet;

/// Everything that can be asked for.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Metrics in the order of the project.
    pub metrics: Vec<MetricFacts>,
    /// Dimensions, by name.
    pub dimensions: Vec<DimensionFacts>,
}

/// A metric.
#[derive(Debug, Clone)]
pub struct MetricFacts {
    /// Name.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// Description.
    pub description: String,
    /// `simple`, `ratio`, `derived`, `cumulative` or `conversion`.
    pub kind: &'static str,
    /// Number format.
    pub format: Option<String>,
    /// Folder.
    pub folder: Option<String>,
    /// Full names of the dimensions it can be grouped by, without the date.
    pub dimensions: BTreeSet<String>,
    /// Whether it can be grouped by the date.
    pub has_date: bool,
}

/// A dimension.
#[derive(Debug, Clone)]
pub struct DimensionFacts {
    /// Name that leaves no doubt: `session__platform`.
    pub name: String,
    /// Short name, when no other table has it.
    pub short: Option<String>,
    /// Semantic model.
    pub table: String,
    /// What it is called.
    pub labels: Labels,
    /// Description.
    pub description: String,
    /// Finest grain, for times.
    pub grain: Option<Grain>,
    /// Whether it belongs to the calendar.
    pub calendar: bool,
    /// Full name of the dimension or column that sorts its values.
    pub sort_by: Option<String>,
    /// `ImageUrl`, `WebUrl`, …
    pub data_category: Option<String>,
}

/// Reads what can be asked for off the semantic layer.
pub fn catalogue(layer: &Layer) -> Catalogue {
    let mut out = Catalogue::default();
    for table in layer.tables.values() {
        for d in table.dimensions.values() {
            let others = layer
                .tables
                .values()
                .filter(|t| t.dimensions.contains_key(&d.name))
                .count();
            out.dimensions.push(DimensionFacts {
                name: full_name(table, &d.name),
                short: (others == 1).then(|| d.name.clone()),
                table: table.name.clone(),
                labels: d.labels.clone(),
                description: d.description.clone(),
                grain: d.grain,
                calendar: layer.calendar.as_ref() == Some(&table.name),
                sort_by: d.column.sort_by.as_ref().map(|s| full_name(table, s)),
                data_category: d.column.data_category.clone(),
            });
        }
    }
    for m in layer.metrics.values() {
        let mut leaves = Leaves::default();
        let known = expand(layer, &m.name, &mut leaves).is_ok();
        let tables: BTreeSet<&str> = leaves.list.iter().map(|(l, _)| l.table.as_str()).collect();
        let has_date = leaves.list.iter().any(|(l, _)| {
            layer
                .tables
                .get(&l.table)
                .is_some_and(|t| time_path(layer, t, Some(&l.measure)).is_some())
        });
        let reached = |table: &str, base: &str| {
            paths(layer, base, table, &[]).len() == 1
                || bridges(layer, base)
                    .iter()
                    .any(|b| paths(layer, &b.table, table, &[]).len() == 1)
        };
        let dimensions = out
            .dimensions
            .iter()
            .filter(|d| {
                if d.calendar {
                    has_date
                } else {
                    tables.iter().all(|t| reached(&d.table, t))
                }
            })
            .map(|d| d.name.clone())
            .collect();
        out.metrics.push(MetricFacts {
            name: m.name.clone(),
            labels: m.labels.clone(),
            description: m.description.clone(),
            kind: match m.kind {
                Kind::Simple(_) => "simple",
                Kind::Ratio(..) => "ratio",
                Kind::Derived { .. } => "derived",
                Kind::Cumulative { .. } => "cumulative",
                Kind::Conversion(_) => "conversion",
            },
            format: m.format.clone(),
            folder: m.folder.clone(),
            dimensions: if known { dimensions } else { BTreeSet::new() },
            has_date: known && has_date,
        });
    }
    out
}
