//! Days of a block: which rows count for which day, and the days of the answer.
use super::super::join::{time_expr, time_path};
use super::super::names::{Named, Target};
use super::super::sqltext::{ident, relation};
use super::super::time;
use super::joins::expression;
use super::{Block, Writer};
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Grain, Offset, PeriodAgg};
use chrono::{Duration, NaiveDate};

impl Writer<'_> {
    /// A row for every period, also those without rows.
    pub(super) fn every_day(&self, block: &mut Block) -> Result<()> {
        let [
            (
                column,
                Named {
                    target: Target::Time(grain),
                    ..
                },
            ),
        ] = self.cx.dims
        else {
            return Ok(());
        };
        let (lo, hi) = self.bounds()?;
        let inner = format!("{}_found", block.name);
        block.before.push((inner.clone(), block.sql.clone()));
        let values: Vec<String> = block
            .columns
            .iter()
            .map(|c| format!("{}.{}", ident(&inner), ident(c)))
            .collect();
        let period = time::truncated("day", *grain, false);
        block.sql = format!(
            "select\n    days.day as {c},\n    {}\nfrom (\n    select distinct {period} as day\n    from generate_series({lo}, {hi}, interval '1 day') as day\n) as days\nleft join {i} on {i}.{c} = days.day",
            values.join(",\n    "),
            c = ident(column),
            i = ident(&inner),
        );
        Ok(())
    }

    /// Conditions that keep the rows of the asked days.
    pub(super) fn range(&self) -> Vec<String> {
        let Some((t, _)) = &self.time else {
            return Vec::new();
        };
        let moved = |d: NaiveDate| match self.leaf.offset {
            Some(Offset::Back(w)) => match time::days(w) {
                Some(n) => time::day(d - Duration::days(n)),
                None => format!("({} - {})", time::day(d), time::interval(w)),
            },
            _ => time::day(d),
        };
        let mut out = Vec::new();
        out.extend(self.cx.from.map(|d| format!("{t} >= {}", moved(d))));
        out.extend(
            self.cx
                .to
                .map(|d| format!("{t} < {}", moved(d + Duration::days(1)))),
        );
        out
    }

    /// First and last day of the answer.
    fn bounds(&self) -> Result<(String, String)> {
        let layer = self.cx.layer;
        let of = |f: &str| -> Result<String> {
            let Some((_, at, name)) = time_path(layer, self.base, Some(&self.leaf.measure)) else {
                return Ok("null::date".into());
            };
            let Some(table) = layer.tables.get(&at) else {
                return Ok("null::date".into());
            };
            let expr = expression(table, &time_expr(table, &name), &table.name)?;
            Ok(format!(
                "(select {f}({expr})::date from {} as {})",
                relation(&table.relation),
                ident(&table.name)
            ))
        };
        let lo = match self.cx.from {
            Some(d) => time::day(d),
            None => of("min")?,
        };
        let hi = match (self.cx.to, self.leaf.offset) {
            (Some(d), _) => time::day(d),
            (None, Some(Offset::Back(w))) => format!("{} + {}", of("max")?, time::interval(w)),
            (None, _) => of("max")?,
        };
        Ok((lo, hi))
    }

    /// The days of the answer, or the day that stands for each period.
    pub(super) fn days(&self) -> Result<String> {
        let (lo, hi) = self.bounds()?;
        let series = format!("generate_series({lo}, {hi}, interval '1 day') as day");
        let Some(running) = self.leaf.running else {
            if !self.asks_time() {
                return Err(Diagnostic::error(
                    code::R0702,
                    format!(
                        "an offset to the start of a period of `{}` needs days to start from",
                        self.base.name
                    ),
                )
                .help("group by `date`")
                .into());
            }
            return Ok(format!("select day::date as day\nfrom {series}"));
        };
        if !self.asks_time() {
            return Ok(format!("select ({hi})::date as day"));
        }
        let pick = match (self.finest(), running.period) {
            (None | Some(Grain::Day), _) => {
                return Ok(format!("select day::date as day\nfrom {series}"));
            }
            (Some(g), _) if g < Grain::Day => {
                return Err(Diagnostic::error(
                    code::R0702,
                    "a cumulative metric has one value a day",
                )
                .help("ask for `date:day` or coarser")
                .into());
            }
            (Some(g), PeriodAgg::First) => (g, "min"),
            (Some(g), PeriodAgg::Last) => (g, "max"),
            (Some(g), PeriodAgg::Average) => {
                return Err(Diagnostic::error(
                    code::R0702,
                    format!(
                        "`period_agg: average` of a cumulative metric cannot be computed by {}",
                        g.as_str()
                    ),
                )
                .help("ask for `date:day`, or define the metric with `period_agg: last`")
                .into());
            }
        };
        Ok(format!(
            "select {}(day)::date as day\nfrom {series}\ngroup by date_trunc('{}', day)",
            pick.1,
            pick.0.as_str()
        ))
    }

    /// Which rows count for a day.
    pub(super) fn on_days(&self) -> String {
        let t = self
            .time
            .as_ref()
            .map(|(t, _)| t.as_str())
            .unwrap_or_default();
        let anchor = time::anchor(self.leaf.offset);
        let until = format!("{t} < {anchor} + 1");
        let Some(running) = self.leaf.running else {
            return format!("{t} >= {anchor} and {until}");
        };
        let since = match (running.window, running.to_date) {
            (Some(w), _) => match time::days(w) {
                Some(n) => Some(format!("{anchor} - {}", n - 1)),
                None => Some(format!("({anchor} - {})::date + 1", time::interval(w))),
            },
            (None, Some(g)) => Some(format!("date_trunc('{}', {anchor})", g.as_str())),
            (None, None) => None,
        };
        match since {
            Some(s) => format!("{t} >= {s} and {until}"),
            None => until,
        }
    }
}
