//! Days: the calendar, metrics that add up over days, the way of a table to its date.
use super::{Out, Writer, column_ref, filled, measure_ref, refuse, table_name};
use crate::metrics::{time_expr, time_path};
use crate::semantic::{Cumulative, Grain, Input, Kind, Layer, Metric, PeriodAgg, Table, Window};

impl Writer<'_> {
    /// Days in the calendar.
    pub(super) fn calendar(&self, m: &Metric) -> Out<String> {
        self.model.calendar.as_ref().map(|(t, c)| column_ref(t, c)).ok_or_else(|| {
            refuse(m, "name", "without a calendar days cannot be moved")
                .help("add a semantic model with one row a day: a primary entity `date`, or `time_spine` on its model")
        })
    }

    pub(super) fn cumulative(&self, m: &Metric, input: &Input, over: Cumulative) -> Out<String> {
        let d = self.calendar(m)?;
        if over.period == PeriodAgg::Average {
            return Err(refuse(
                m,
                "period_agg",
                "`period_agg: average` has no counterpart in DAX",
            ));
        }
        let period = match (over.window, over.to_date) {
            (Some(w), _) => {
                let (n, unit) = unit(m, w)?;
                format!("DATESINPERIOD({d}, _day, -{n}, {unit})")
            }
            (None, Some(g)) => {
                let start = match g {
                    Grain::Week => "_day - WEEKDAY(_day, 2) + 1",
                    Grain::Month => "DATE(YEAR(_day), MONTH(_day), 1)",
                    Grain::Quarter => "DATE(YEAR(_day), 3 * INT((MONTH(_day) - 1) / 3) + 1, 1)",
                    Grain::Year => "DATE(YEAR(_day), 1, 1)",
                    g => {
                        return Err(refuse(
                            m,
                            "grain_to_date",
                            format!("`grain_to_date: {}` has no counterpart in DAX", g.as_str()),
                        ));
                    }
                };
                format!("DATESBETWEEN({d}, {start}, _day)")
            }
            (None, None) => format!("FILTER(ALL({d}), {d} <= _day)"),
        };
        let body = if input.is_measure {
            self.simple(m, input, &m.filters, vec![period])?
        } else {
            let name = self
                .model
                .measure_name(&input.name)
                .ok_or_else(|| refuse(m, "name", format!("`{}` is not exported", input.name)))?;
            let mut filters = m.filters.clone();
            filters.extend(input.filters.clone());
            self.filtered(m, measure_ref(&name), &filters, None, vec![period])?
        };
        Ok(self.up_to_the_last_day(input, &d, filled(body, input.fill)))
    }

    /// A formula over the days up to `_day`: the last day of the context, but not beyond the last day that has rows, as
    /// in SQL. A calendar that goes on would otherwise leave totals empty and draw lines into the future.
    pub(super) fn up_to_the_last_day(&self, input: &Input, d: &str, body: String) -> String {
        match self.last_day(input) {
            Some(last) => format!(
                "VAR _end = {last} VAR _day = MIN(MAX({d}), _end) RETURN IF(MIN({d}) <= _end, {body})"
            ),
            None => format!("VAR _day = MAX({d}) RETURN {body}"),
        }
    }

    /// The last day that rows of a measure have, whatever is chosen.
    pub(super) fn last_day(&self, input: &Input) -> Option<String> {
        let measure = if input.is_measure {
            &input.name
        } else {
            match &self.layer.metrics.get(&input.name)?.kind {
                Kind::Simple(i) => &i.name,
                _ => return None,
            }
        };
        let table = self.layer.table_of_measure(measure)?;
        let (_, at, name) = time_path(self.layer, table, table.measures.get(measure))?;
        let holder = self.model.table(&at)?;
        let column = self
            .model
            .column(&at, &time_expr(self.layer.tables.get(&at)?, &name))?;
        Some(format!(
            "CALCULATE(MAX({}), ALL({}))",
            column_ref(&holder.name, &column.name),
            table_name(&holder.name)
        ))
    }
}

pub(super) fn unit(m: &Metric, w: Window) -> Out<(i64, &'static str)> {
    Ok(match w.grain {
        Grain::Day => (w.count, "DAY"),
        Grain::Week => (w.count * 7, "DAY"),
        Grain::Month => (w.count, "MONTH"),
        Grain::Quarter => (w.count, "QUARTER"),
        Grain::Year => (w.count, "YEAR"),
        g => {
            return Err(refuse(
                m,
                "window",
                format!("a window of {}s has no counterpart in DAX", g.as_str()),
            ));
        }
    })
}

/// Whether a table's rows have a date of their own for a measure.
pub fn own_date(
    layer: &Layer,
    table: &Table,
    measure: Option<&crate::semantic::Measure>,
) -> Option<(String, String)> {
    let (way, at, name) = time_path(layer, table, measure)?;
    way.is_empty().then_some((at, name))
}
