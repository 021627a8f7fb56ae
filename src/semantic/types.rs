//! Tables, keys, dimensions, measures and metrics.
use super::facts::Labels;
use crate::text::Place;
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::BTreeMap;

/// The semantic layer of a project.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// Semantic models by name.
    pub tables: IndexMap<String, Table>,
    /// Metrics by name.
    pub metrics: IndexMap<String, Metric>,
    /// Name of the table that is the calendar.
    pub calendar: Option<String>,
}

/// A semantic model: a relation and what it means.
#[derive(Debug, Clone)]
pub struct Table {
    /// Name.
    pub name: String,
    /// `semantic_model.shop.orders`.
    pub unique_id: String,
    /// Unique id of the model whose rows these are.
    pub node: String,
    /// Schema and name of the relation.
    pub relation: (String, String),
    /// What it is called.
    pub labels: Labels,
    /// Description.
    pub description: String,
    /// Entities.
    pub keys: Vec<Key>,
    /// Dimensions by name.
    pub dimensions: IndexMap<String, Dimension>,
    /// Measures by name.
    pub measures: IndexMap<String, Measure>,
    /// Described columns of the relation by name.
    pub columns: IndexMap<String, Column>,
    /// Default time dimension of its measures.
    pub time: Option<String>,
    /// The way to the calendar.
    pub date: Date,
    /// Dimension or column that stands for the entity when it is grouped by.
    pub title: Option<String>,
    /// Hierarchies.
    pub hierarchies: Vec<Hierarchy>,
    /// `config.meta.bi` of the semantic model.
    pub bi: Value,
    /// Where it is declared.
    pub place: Option<Place>,
    /// Where its parts are, by dotted path.
    pub places: BTreeMap<String, Place>,
}

/// How rows get their date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Date {
    /// By the time dimension of the measure.
    #[default]
    Own,
    /// By this time dimension or column of the table.
    Column(String),
    /// As the row of this foreign entity gets it.
    Parent(String),
    /// Not at all: the table is as it is on every day.
    None,
}

/// An entity of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name of the entity.
    pub name: String,
    /// Its part in this table.
    pub kind: KeyKind,
    /// Column or SQL expression.
    pub expr: String,
    /// Whether filters also go from this table to the one that the key names (`filter: both`).
    pub both: bool,
}

/// The part that an entity plays in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// One row for each, and each row has one.
    Primary,
    /// One row for each.
    Unique,
    /// Many rows for each.
    Foreign,
    /// Several rows for each, told apart by validity.
    Natural,
}

/// A dimension.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// Name.
    pub name: String,
    /// Column or SQL expression.
    pub expr: String,
    /// Finest grain of a time dimension; `None` for a categorical one.
    pub grain: Option<Grain>,
    /// What it is called.
    pub labels: Labels,
    /// Description.
    pub description: String,
    /// Facts of the column it is.
    pub column: Column,
}

/// A column as described, with its facts for reports.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Name.
    pub name: String,
    /// SQL type as written.
    pub data_type: Option<String>,
    /// Description.
    pub description: String,
    /// What it is called, if that is said.
    pub labels: Option<Labels>,
    /// Column that sorts it.
    pub sort_by: Option<String>,
    /// Number or date format.
    pub format: Option<String>,
    /// Folder.
    pub folder: Option<String>,
    /// Not to be shown.
    pub hidden: bool,
    /// `WebUrl`, `ImageUrl`, …
    pub data_category: Option<String>,
    /// `decimal` for money.
    pub kind: Option<String>,
}

/// Levels from the coarsest to the finest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// What it is called.
    pub labels: Labels,
    /// Levels.
    pub levels: Vec<Level>,
}

/// A level of a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// What it is called.
    pub labels: Labels,
    /// Its column.
    pub column: String,
}

/// A measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Aggregation.
    pub agg: Aggregation,
    /// Column or SQL expression; `1` counts rows.
    pub expr: String,
    /// Time dimension of its own.
    pub time: Option<String>,
    /// Dimension over which it must not be added up.
    pub non_additive: Option<NonAdditive>,
}

/// A measure of a state, as a balance: over a stretch of time its first or last day counts, not the sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonAdditive {
    /// The time dimension.
    pub dimension: String,
    /// The last day counts, else the first.
    pub last: bool,
    /// Entities of which each has a first or last day of its own.
    pub by: Vec<String>,
}

/// How values are put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    /// Sum.
    Sum,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// Mean.
    Average,
    /// Number of values that are not null.
    Count,
    /// Number of different values that are not null.
    CountDistinct,
    /// Number of rows for which it holds.
    SumBoolean,
    /// The value in the middle.
    Median,
    /// The value below which this share lies; discrete if so.
    Percentile(f64, bool),
}

impl Aggregation {
    /// Whether nothing counts as zero.
    pub fn is_count(self) -> bool {
        matches!(self, Self::Count | Self::CountDistinct | Self::SumBoolean)
    }
}

/// A metric.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// `metric.shop.revenue`.
    pub unique_id: String,
    /// What it is made of.
    pub kind: Kind,
    /// Conditions, as templates.
    pub filters: Vec<String>,
    /// What it is called.
    pub labels: Labels,
    /// Description.
    pub description: String,
    /// Number format in the way of Power BI and Excel (`#,0`, `0.0 %`).
    pub format: Option<String>,
    /// Folder, levels parted by `/`.
    pub folder: Option<String>,
    /// Not to be shown.
    pub hidden: bool,
    /// `config.meta.bi`.
    pub bi: Value,
    /// Where it is declared.
    pub place: Option<Place>,
    /// Where its parts are, by dotted path.
    pub places: BTreeMap<String, Place>,
}

impl Metric {
    /// The place of a part, or of the metric.
    pub fn place_of(&self, path: &str) -> Option<Place> {
        self.places.get(path).or(self.place.as_ref()).cloned()
    }
}

/// The kinds of metrics.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// An aggregated measure.
    Simple(Input),
    /// One by another.
    Ratio(Input, Input),
    /// An expression over others.
    Derived {
        /// SQL over the inputs' names.
        expr: String,
        /// Inputs.
        inputs: Vec<Input>,
    },
    /// A measure (or simple metric) over the days up to each day.
    Cumulative {
        /// What is added up.
        input: Input,
        /// Over which days.
        over: Cumulative,
    },
    /// Base events that were followed by others; none if the definition could not be read.
    Conversion(Option<Box<Conversion>>),
}

/// Base events and what followed them.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// Measure of the base events.
    pub base: Input,
    /// Measure of what follows.
    pub conversion: Input,
    /// The entity that both have.
    pub entity: String,
    /// How long after at most; however long if none.
    pub window: Option<Window>,
    /// Divided by the base events, else how many.
    pub rate: bool,
    /// Dimensions that must be the same in both.
    pub same: Vec<(String, String)>,
}

/// A measure or metric that a metric takes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Whether it is a measure.
    pub is_measure: bool,
    /// Name in the expression.
    pub alias: Option<String>,
    /// Conditions, as templates.
    pub filters: Vec<String>,
    /// Earlier days instead.
    pub offset: Option<Offset>,
    /// Value for nothing.
    pub fill: Option<f64>,
    /// A row for every day.
    pub every_day: bool,
}

impl Input {
    /// The name it has in an expression.
    pub fn shown(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

/// Which earlier days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// So many units before.
    Back(Window),
    /// The first day of the period.
    Start(Grain),
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub count: i64,
    /// Of what.
    pub grain: Grain,
}

/// Which days a cumulative metric covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cumulative {
    /// The last so many.
    pub window: Option<Window>,
    /// Those since the period began.
    pub to_date: Option<Grain>,
    /// Which day stands for a longer period.
    pub period: PeriodAgg,
}

/// Which day stands for a longer period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodAgg {
    /// The first.
    First,
    /// The last.
    Last,
    /// The mean of all.
    Average,
}

/// Steps of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// Second.
    Second,
    /// Minute.
    Minute,
    /// Hour.
    Hour,
    /// Day.
    Day,
    /// Week from Monday.
    Week,
    /// Month.
    Month,
    /// Quarter.
    Quarter,
    /// Year.
    Year,
}

impl Grain {
    /// All, from the finest.
    pub const ALL: [Self; 8] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The grain of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|g| g.as_str() == word.to_lowercase())
    }
}

impl Layer {
    /// The table that has a measure.
    pub fn table_of_measure(&self, measure: &str) -> Option<&Table> {
        self.tables
            .values()
            .find(|t| t.measures.contains_key(measure))
    }

    /// The calendar.
    pub fn calendar(&self) -> Option<&Table> {
        self.calendar.as_ref().and_then(|n| self.tables.get(n))
    }

    /// Metrics in the order of their folders and names that are meant to be shown.
    pub fn shown_metrics(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values().filter(|m| !m.hidden)
    }
}

impl Table {
    /// The key that has one row for each of its values.
    pub fn primary(&self) -> Option<&Key> {
        self.keys.iter().find(|k| k.kind == KeyKind::Primary)
    }

    /// A key by the name of its entity.
    pub fn key(&self, entity: &str) -> Option<&Key> {
        self.keys.iter().find(|k| k.name == entity)
    }

    /// The place of a part, or of the table.
    pub fn place_of(&self, path: &str) -> Option<Place> {
        self.places.get(path).or(self.place.as_ref()).cloned()
    }
}
