//! The semantic layer: what the tables of a project mean, and how its metrics are made of them.
//!
//! In: the manifest's semantic models and metrics. Out: [`Layer`], tables with keys, dimensions and measures, metrics of
//! every kind, with labels, formats and the other facts of `config.meta.bi`. It knows no SQL beyond the names in an
//! expression, no database and no page.
mod facts;
mod fragment;
mod lint;
mod read;
mod types;

pub use facts::{Labels, bi, is_on};
pub use fragment::{Fault, Piece, reference, scan, template};
pub use lint::lint;
pub use types::{
    Aggregation, Column, Conversion, Cumulative, Date, Dimension, Grain, Hierarchy, Input, Key,
    KeyKind, Kind, Layer, Level, Measure, Metric, NonAdditive, Offset, PeriodAgg, Table, Window,
};
