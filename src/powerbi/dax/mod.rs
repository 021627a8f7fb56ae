//! Metrics as DAX, each with a counterpart in the SQL that `tv1 metrics` writes.
mod aggregates;
mod days;
mod filters;

pub use days::own_date;

use super::expr::{self, Names};
use super::model::Model;
use crate::diag::{Diagnostic, code};
use crate::semantic::{Grain, Input, Kind, Layer, Metric, Offset};
use days::unit;

/// Writes measures of a model.
pub struct Writer<'a> {
    pub layer: &'a Layer,
    pub model: &'a Model,
}

type Out<T> = std::result::Result<T, Diagnostic>;

/// A table's name in DAX.
pub fn table_name(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let reserved = [
        "date", "time", "year", "month", "day", "sum", "count", "max", "min", "var", "table",
        "measure",
    ];
    if plain && !reserved.contains(&name.to_lowercase().as_str()) {
        name.to_string()
    } else {
        format!("'{}'", name.replace('\'', "''"))
    }
}

/// A column in DAX.
pub fn column_ref(table: &str, column: &str) -> String {
    format!("{}[{}]", table_name(table), column.replace(']', "]]"))
}

/// A measure in DAX.
pub fn measure_ref(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

fn refuse(m: &Metric, at: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::R0705, format!("metric `{}`: {}", m.name, message.into()))
        .at_opt(m.place_of(at))
        .help("`config: {meta: {bi: {dax: …}}}` gives the formula by hand, and `hidden: true` leaves the metric out")
}

impl Writer<'_> {
    /// The formula of a metric.
    pub fn metric(&self, m: &Metric) -> Out<String> {
        if let Some(dax) = m.bi.get("dax").and_then(serde_json::Value::as_str) {
            return Ok(dax.trim().to_string());
        }
        match &m.kind {
            Kind::Simple(input) => {
                let body = self.simple(m, input, &m.filters, Vec::new())?;
                Ok(filled(body, input.fill))
            }
            Kind::Ratio(n, d) => {
                let body = format!(
                    "DIVIDE({}, {})",
                    self.input(m, n, "numerator")?,
                    self.input(m, d, "denominator")?
                );
                self.filtered(m, body, &m.filters, None, Vec::new())
            }
            Kind::Derived { expr, inputs } => {
                let body = self.derived(m, expr, inputs)?;
                self.filtered(m, body, &m.filters, None, Vec::new())
            }
            Kind::Cumulative { input, over } => self.cumulative(m, input, *over),
            Kind::Conversion(_) => Err(refuse(
                m,
                "type",
                "a conversion metric has no counterpart in DAX",
            )),
        }
    }

    /// A metric that another takes.
    fn input(&self, m: &Metric, input: &Input, at: &str) -> Out<String> {
        let inner = self
            .layer
            .metrics
            .get(&input.name)
            .ok_or_else(|| refuse(m, at, format!("there is no metric `{}`", input.name)))?;
        let mut moved = Vec::new();
        match input.offset {
            Some(Offset::Back(w)) => {
                let (n, unit) = unit(m, w)?;
                moved.push(format!("DATEADD({}, -{n}, {unit})", self.calendar(m)?));
            }
            Some(Offset::Start(g)) => {
                let f = match g {
                    Grain::Month => "STARTOFMONTH",
                    Grain::Quarter => "STARTOFQUARTER",
                    Grain::Year => "STARTOFYEAR",
                    _ => {
                        return Err(refuse(
                            m,
                            at,
                            format!(
                                "`offset_to_grain: {}` has no counterpart in DAX",
                                g.as_str()
                            ),
                        ));
                    }
                };
                moved.push(format!("{f}({})", self.calendar(m)?));
            }
            None => {}
        }
        let name = self
            .model
            .measure_name(&inner.name)
            .ok_or_else(|| refuse(m, at, format!("`{}` is not exported", inner.name)))?;
        let body = self.filtered(m, measure_ref(&name), &input.filters, None, moved)?;
        Ok(filled(body, input.fill))
    }

    fn derived(&self, m: &Metric, expr: &str, inputs: &[Input]) -> Out<String> {
        let ex = expr::parse(expr).map_err(|e| refuse(m, "expr", e))?;
        let written: Vec<(String, String, bool)> = inputs
            .iter()
            .map(|i| {
                let at = format!("metrics.{}", i.name);
                Ok((
                    i.shown().to_string(),
                    self.input(m, i, &at)?,
                    i.fill.is_none() && self.may_be_blank(&i.name, 0),
                ))
            })
            .collect::<Out<_>>()?;
        let names = Names {
            dax: &|n, _| {
                let found = written.iter().find(|(name, _, _)| name == n);
                found
                    .map(|(_, dax, may)| (dax.clone(), *may))
                    .ok_or_else(|| format!("`{n}` is none of its inputs"))
            },
        };
        expr::value(&ex, &names).map_err(|e| refuse(m, "expr", e))
    }

    /// Whether a metric can be null where there are rows of other metrics; counts are zero instead.
    fn may_be_blank(&self, name: &str, depth: usize) -> bool {
        let Some(m) = self.layer.metrics.get(name).filter(|_| depth < 32) else {
            return true;
        };
        match &m.kind {
            Kind::Simple(i) | Kind::Cumulative { input: i, .. } if i.is_measure => {
                let count = self
                    .layer
                    .table_of_measure(&i.name)
                    .and_then(|t| t.measures.get(&i.name))
                    .is_some_and(|x| x.agg.is_count());
                !count && i.fill.is_none()
            }
            Kind::Cumulative { input, .. } => self.may_be_blank(&input.name, depth + 1),
            _ => true,
        }
    }
}

fn filled(body: String, fill: Option<f64>) -> String {
    match fill {
        Some(v) => format!("COALESCE({body}, {v})"),
        None => body,
    }
}
