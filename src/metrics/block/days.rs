//! Days of a block: which rows count for which day, and the days of the answer.
use super::super::join::{time_expr, time_path};
use super::super::names::{Named, Target};
use super::super::sqltext::{ident, relation};
use super::super::time;
use super::joins::expression;
use super::{Block, Writer, dimension_sql};
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
        let series = format!("generate_series({lo}, {hi}, interval '1 day')");
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
            // Periods would add up the values of their days.
            let by_day = |n: &Named| match &n.target {
                Target::Time(g) => *g <= Grain::Day,
                Target::Column { expr, .. } => self.is_of_time(n) && self.is_day(expr),
                Target::Metric { .. } => false,
            };
            if !self.cx.dims.iter().any(|(_, n)| by_day(n)) {
                return Err(Diagnostic::error(
                    code::R0702,
                    format!(
                        "an offset to the start of a period of `{}` is a value of each day",
                        self.base.name
                    ),
                )
                .help("group by `date:day`")
                .into());
            }
            return Ok(format!("select day::date as day\nfrom {series} as day"));
        };
        self.standing_days(running.period, &series, &hi)
    }

    /// The day that stands for each group of a cumulative metric: its first or last. A value of the calendar (`January`)
    /// is a group as a month is. Conditions on days choose among the days, not among the rows.
    fn standing_days(&self, period: PeriodAgg, series: &str, hi: &str) -> Result<String> {
        let every = format!("select day::date as day\nfrom {series} as day");
        match self.finest() {
            Some(Grain::Day) => return Ok(every),
            Some(g) if g < Grain::Day => {
                return Err(Diagnostic::error(
                    code::R0702,
                    "a cumulative metric has one value a day",
                )
                .help("ask for `date:day` or coarser")
                .into());
            }
            _ => {}
        }
        let mut groups: Vec<String> = Vec::new();
        let mut join = None;
        for (_, n) in self.cx.dims.iter().filter(|(_, n)| self.is_of_time(n)) {
            groups.push(self.of_day(n, &mut join)?);
        }
        if period == PeriodAgg::Average && !groups.is_empty() {
            return Err(Diagnostic::error(
                code::R0702,
                "`period_agg: average` of a cumulative metric is computed by days only",
            )
            .help("ask for `date:day`, or define the metric with `period_agg: last`")
            .into());
        }
        let mut wheres = Vec::new();
        for c in self.cx.filters {
            let names = c.names();
            if !names.is_empty() && names.iter().all(|n| self.is_of_time(n)) {
                wheres.push(c.sql(&mut |n| self.of_day(n, &mut join))?);
            }
        }
        if groups.is_empty() && wheres.is_empty() {
            return Ok(format!("select ({hi})::date as day"));
        }
        let pick = match period {
            PeriodAgg::First if !groups.is_empty() => "min",
            _ => "max",
        };
        let mut sql = format!("select {pick}(days.day)::date as day\nfrom {series} as days(day)");
        if let Some(join) = join {
            sql.push_str(&format!("\n{join}"));
        }
        if !wheres.is_empty() {
            sql.push_str(&format!("\nwhere {}", wheres.join("\n  and ")));
        }
        if !groups.is_empty() {
            sql.push_str(&format!("\ngroup by {}", groups.join(", ")));
        }
        Ok(sql)
    }

    /// A name that concerns days, as SQL over `days.day`; the calendar is joined if it is needed.
    fn of_day(&self, n: &Named, join: &mut Option<String>) -> Result<String> {
        let Target::Column {
            table, expr, grain, ..
        } = &n.target
        else {
            let Target::Time(g) = n.target else {
                return Ok(String::new());
            };
            return Ok(time::truncated("days.day", g, false));
        };
        let Some(calendar) = self.cx.layer.tables.get(table) else {
            return Ok(String::new());
        };
        let alias = match calendar.name.as_str() {
            "days" => "calendar",
            name => name,
        };
        if join.is_none() {
            let key = calendar
                .primary()
                .map(|k| k.expr.clone())
                .unwrap_or_default();
            *join = Some(format!(
                "left join {} as {} on {} = days.day::date",
                relation(&calendar.relation),
                ident(alias),
                expression(calendar, &key, alias)?
            ));
        }
        dimension_sql(calendar, expr, *grain, alias)
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
