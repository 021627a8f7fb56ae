//! The model: tables, columns, relationships, measures and field parameters, named and checked, before it is text.
mod columns;
mod measures;
mod relations;

pub use columns::names_key;

use super::dax;
use super::{Names, Parameter, Relations, Settings};
use crate::diag::{Diagnostic, Sink, code};
use crate::metrics::{Target, time_expr};
use crate::semantic::{Hierarchy, Labels, Layer, Measure, Table};
use columns::pb_table;
use measures::{field_parameters, measures};
use relations::relationships;
use std::collections::{BTreeMap, BTreeSet};

/// The table that holds the measures.
pub const MEASURES: &str = "_MEASURES";

/// A model.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Language and formats.
    pub culture: String,
    /// Tables by name.
    pub tables: Vec<PbTable>,
    /// Relationships.
    pub relationships: Vec<Relationship>,
    /// Measures by name.
    pub measures: Vec<PbMeasure>,
    /// Field parameters.
    pub parameters: Vec<PbParameter>,
    /// Table and column of the days.
    pub calendar: Option<(String, String)>,
    /// Names of measures by metric.
    names: BTreeMap<String, String>,
}

/// A table.
#[derive(Debug, Clone)]
pub struct PbTable {
    /// Name.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// Semantic model.
    pub source: String,
    /// Schema and name of the relation.
    pub relation: (String, String),
    /// Description.
    pub description: String,
    /// Tag.
    pub tag: String,
    /// Whether it is the calendar.
    pub calendar: bool,
    /// Columns.
    pub columns: Vec<PbColumn>,
    /// Hierarchies.
    pub hierarchies: Vec<(Hierarchy, String)>,
    /// Unique id of the semantic model.
    pub unique_id: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct PbColumn {
    /// Name.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// Column of the relation.
    pub source: String,
    /// TMDL's type.
    pub data_type: &'static str,
    /// Whether it is a date without a time.
    pub is_date: bool,
    /// Format.
    pub format: Option<String>,
    /// Not to be shown.
    pub hidden: bool,
    /// The table's key.
    pub key: bool,
    /// `ImageUrl` and the like.
    pub category: Option<String>,
    /// Folder.
    pub folder: Option<String>,
    /// Name of the column that sorts it.
    pub sort_by: Option<String>,
    /// Description.
    pub description: String,
    /// Tag.
    pub tag: String,
}

/// A relationship.
#[derive(Debug, Clone, PartialEq)]
pub struct Relationship {
    /// Name, a UUID.
    pub name: String,
    /// Table and column of the many.
    pub from: (String, String),
    /// Table and column of the one.
    pub to: (String, String),
    /// Filters go both ways.
    pub both: bool,
    /// One to one.
    pub one_to_one: bool,
    /// Whether it is used without being asked for.
    pub active: bool,
}

/// A measure.
#[derive(Debug, Clone)]
pub struct PbMeasure {
    /// Name.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// Metric.
    pub metric: String,
    /// Formula.
    pub dax: String,
    /// Format.
    pub format: Option<String>,
    /// Folder, parted by `\`.
    pub folder: Option<String>,
    /// Not to be shown.
    pub hidden: bool,
    /// Description.
    pub description: String,
    /// Tag.
    pub tag: String,
}

/// A field parameter.
#[derive(Debug, Clone)]
pub struct PbParameter {
    /// Name.
    pub name: String,
    /// Measures.
    pub measures: Vec<String>,
}

/// Builds the model. What cannot be expressed goes to the sink.
pub fn build(
    layer: &Layer,
    relations: &Relations,
    parameters: &[Parameter],
    settings: &Settings,
    names: &Names,
    sink: &mut Sink,
) -> Model {
    let mut model = Model {
        culture: settings.culture.clone(),
        ..Model::default()
    };
    for table in layer.tables.values() {
        if let Some(t) = pb_table(layer, table, relations, &settings.culture, names, sink) {
            model.tables.push(t);
        }
    }
    model.tables.sort_by(|a, b| a.name.cmp(&b.name));
    let mut taken = BTreeSet::new();
    for t in &model.tables {
        if !taken.insert(t.name.to_lowercase()) {
            sink.push(
                Diagnostic::error(
                    code::R0705,
                    format!("two tables of the Power BI model are named `{}`", t.name),
                )
                .at_opt(
                    layer
                        .tables
                        .get(&t.source)
                        .and_then(|x| x.place_of("config.meta.bi.table")),
                )
                .help("give one of them another name with `config: {meta: {bi: {table: …}}}`"),
            );
        }
    }
    model.calendar = layer.calendar().and_then(|t| {
        let key = t.primary()?;
        let c = model.column(&t.name, &key.expr)?;
        Some((model.table(&t.name)?.name.clone(), c.name.clone()))
    });
    relationships(layer, &mut model, names, sink);
    model.names = layer
        .metrics
        .values()
        .filter(|m| !m.hidden || m.bi.get("dax").is_some() || is_input(layer, &m.name))
        .map(|m| {
            (
                m.name.clone(),
                names
                    .measure(&m.name)
                    .unwrap_or_else(|| m.labels.get(&settings.culture).to_string()),
            )
        })
        .collect();
    measures(layer, &mut model, names, sink);
    field_parameters(layer, &mut model, parameters, sink);
    model
}

/// Whether an exported metric takes this one.
fn is_input(layer: &Layer, name: &str) -> bool {
    use crate::semantic::Kind;
    layer.metrics.values().any(|m| {
        let takes = |i: &crate::semantic::Input| !i.is_measure && i.name == name;
        match &m.kind {
            Kind::Simple(i) | Kind::Cumulative { input: i, .. } => takes(i),
            Kind::Ratio(a, b) => takes(a) || takes(b),
            Kind::Derived { inputs, .. } => inputs.iter().any(takes),
            Kind::Conversion(_) => false,
        }
    })
}

impl Model {
    /// The table of a semantic model.
    pub fn table(&self, source: &str) -> Option<&PbTable> {
        self.tables.iter().find(|t| t.source == source)
    }

    /// A column of a semantic model's table, by the relation's column.
    pub fn column(&self, source: &str, column: &str) -> Option<&PbColumn> {
        self.table(source)?
            .columns
            .iter()
            .find(|c| c.source == column)
    }

    /// The name of a metric's measure.
    pub fn measure_name(&self, metric: &str) -> Option<String> {
        self.names.get(metric).cloned()
    }

    /// Where a dimension stands.
    pub fn target(&self, target: &Target) -> Option<(String, PbColumn)> {
        match target {
            Target::Time(_) => {
                let (t, c) = self.calendar.as_ref()?;
                let table = self.tables.iter().find(|x| x.name == *t)?;
                Some((
                    t.clone(),
                    table.columns.iter().find(|x| x.name == *c)?.clone(),
                ))
            }
            Target::Metric { .. } => None,
            Target::Column { table, expr, .. } => {
                let t = self.table(table)?;
                Some((
                    t.name.clone(),
                    t.columns.iter().find(|c| c.source == *expr)?.clone(),
                ))
            }
        }
    }

    /// The relationship that a measure must switch on to reach the calendar.
    pub fn date_relationship(
        &self,
        layer: &Layer,
        table: &Table,
        measure: Option<&Measure>,
    ) -> Option<&Relationship> {
        let (at, name) = dax::own_date(layer, table, measure)?;
        let own = layer.tables.get(&at)?;
        let c = self.column(&at, &time_expr(own, &name))?;
        let t = &self.table(&at)?.name;
        self.relationships.iter().find(|r| {
            !r.active
                && r.from == (t.clone(), c.name.clone())
                && self.calendar.as_ref() == Some(&r.to)
        })
    }
}
