//! Conversions: rows of a table, each with what followed it.
use super::super::expand::{FOLLOWED, Follows, Leaf};
use super::super::join::time_expr;
use super::super::sqltext::{ident, relation};
use super::super::time;
use super::joins::expression;
use super::{Condition, Writer, condition};
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Grain, Table};

impl Writer<'_> {
    /// Every event that followed, with the last row before it: a row that several events followed stands several times.
    /// The row is the last one of those that fit the conditions, so what is filtered out is as if it had not been.
    pub(super) fn followed(&self, f: &Follows, own: &[Condition]) -> Result<String> {
        let cx = self.cx;
        let base = Leaf {
            follows: None,
            ..self.leaf.clone()
        };
        let event = Leaf {
            table: f.table.clone(),
            measure: f.measure.clone(),
            filters: Vec::new(),
            running: None,
            offset: None,
            every_day: false,
            follows: None,
        };
        let (mut left, mut right) = (Writer::new(cx, &base)?, Writer::new(cx, &event)?);
        let (Some((before, before_is_date)), Some((after, after_is_date))) =
            (left.time.clone(), right.time.clone())
        else {
            return Err(Diagnostic::error(
                code::R0702,
                format!(
                    "what follows a row is found by its time, and `{}` or `{}` has none",
                    self.base.name, f.table
                ),
            )
            .help("name an `agg_time_dimension`")
            .into());
        };
        let fine = f.window.is_some_and(|w| w.grain < Grain::Day);
        let at = |t: &str, is_date: bool| match fine {
            true => t.to_string(),
            false => time::truncated(t, Grain::Day, is_date),
        };
        let (before, after) = (at(&before, before_is_date), at(&after, after_is_date));
        // The events.
        let value = expression(right.base, &f.measure.expr, &right.base.name)?;
        let mut selected = vec![
            format!("{value} as {FOLLOWED}"),
            format!("{} as event_key", right.key_of(&f.entity)?),
            format!("{after} as event_time"),
        ];
        let mut fits = vec![
            format!("{} = events.event_key", left.key_of(&f.entity)?),
            format!("{before} <= events.event_time"),
        ];
        if let Some(w) = f.window {
            fits.push(match time::days(w) {
                Some(n) => format!("{before} > events.event_time - {n}"),
                None => format!("{before} > events.event_time - {}", time::interval(w)),
            });
        }
        for (i, (own, other)) in f.same.iter().enumerate() {
            selected.push(format!("{} as event_{i}", of(right.base, other)?));
            fits.push(format!("{} = events.event_{i}", of(left.base, own)?));
        }
        let mut there = Vec::new();
        for text in &f.filters {
            let c = condition(cx.layer, text, &[&f.table])?;
            there.push(right.plain(&c)?);
        }
        for c in cx.filters.iter().chain(own) {
            if !left.is_absent(c)? {
                fits.push(left.plain(c)?);
            }
        }
        fits.extend(left.range());
        let events = lines("select", &selected, &right, &there);
        let rows = [format!("{}.*", ident(&left.base.name))];
        let rows =
            lines("select", &rows, &left, &fits) + &format!("\norder by {before} desc\nlimit 1");
        Ok(format!(
            "-- what followed, each with the last row before it\nselect\n    row_before.*,\n    events.{FOLLOWED}\nfrom (\n{}) as events\ncross join lateral (\n{}) as row_before",
            deeper(&events),
            deeper(&rows)
        ))
    }

    /// The key of an entity in the table itself.
    fn key_of(&self, entity: &str) -> Result<String> {
        let key = self.base.key(entity).map(|k| k.expr.clone());
        expression(self.base, &key.unwrap_or_default(), &self.base.name)
    }

    /// A condition that needs no bridge.
    fn plain(&mut self, c: &Condition) -> Result<String> {
        c.sql(&mut |n| self.sql_of(n))
    }
}

/// A dimension or column of a table itself.
fn of(table: &Table, name: &str) -> Result<String> {
    let bare = name.rsplit("__").next().unwrap_or(name);
    let known = table.dimensions.contains_key(bare) || table.columns.contains_key(bare);
    if !known {
        return Err(Diagnostic::error(
            code::R0702,
            format!(
                "`{}` has no dimension `{bare}`, which must be the same before and after",
                table.name
            ),
        )
        .at_opt(table.place.clone())
        .into());
    }
    expression(table, &time_expr(table, bare), &table.name)
}

fn lines(verb: &str, selected: &[String], w: &Writer<'_>, wheres: &[String]) -> String {
    let mut sql = format!(
        "{verb}\n    {}\nfrom {} as {}",
        selected.join(",\n    "),
        relation(&w.base.relation),
        ident(&w.base.name)
    );
    for line in w.joins.lines() {
        sql.push_str(&format!("\n{line}"));
    }
    if !wheres.is_empty() {
        sql.push_str(&format!("\nwhere {}", wheres.join("\n  and ")));
    }
    sql
}

fn deeper(sql: &str) -> String {
    sql.lines().map(|l| format!("    {l}\n")).collect()
}
