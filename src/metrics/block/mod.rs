//! One SELECT over the rows of one table: its joins, its bridge, its days, and the aggregates over them.
mod aggregates;
mod bridge;
mod condition;
mod days;
mod finest;
mod follows;
mod joins;
mod standing;

pub use condition::{Condition, condition};
pub use finest::Finest;

use super::expand::Leaf;
use super::join::{Bridge, Edge, paths, time_expr, time_path};
use super::names::{Named, Target};
use super::sqltext::{ident, relation};
use super::time;
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Grain, Layer, Offset, Table};
use chrono::NaiveDate;
use joins::{Joins, expression};

/// What all blocks of a request share.
pub struct Context<'a> {
    pub layer: &'a Layer,
    /// Dimensions with the names of their columns.
    pub dims: &'a [(String, Named)],
    pub filters: &'a [Condition],
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// A written block.
pub struct Block {
    /// Name as a part of the query.
    pub name: String,
    /// Parts that must stand before it.
    pub before: Vec<(String, String)>,
    /// Its SELECT.
    pub sql: String,
    /// For each dimension whether the block has it.
    pub has: Vec<bool>,
    /// Name of each leaf's column, in the order of the leaves given.
    pub columns: Vec<String>,
}

/// Where a dimension stands for a block.
enum Stands {
    /// On the way from many to one.
    Forward(Vec<Edge>),
    /// In the calendar.
    Calendar,
    /// At the time of the rows.
    Time(Grain),
    /// Behind a bridge.
    Behind,
    /// Nowhere: the table is as it is on every day.
    Absent,
}

/// A block being written.
pub struct Writer<'a> {
    cx: &'a Context<'a>,
    base: &'a Table,
    leaf: &'a Leaf,
    joins: Joins<'a>,
    /// Time of the rows: expression and whether it is a date.
    time: Option<(String, bool)>,
    /// The day that a row counts for, if it has a time.
    day: Option<String>,
    spine: bool,
    /// A part of the query that stands for the table: its name and SQL.
    rows: Option<(String, String)>,
    bridge: Option<Bridge>,
    bridge_joins: Option<Joins<'a>>,
}

impl<'a> Writer<'a> {
    /// A block for leaves that share table, time, days and what lies behind a bridge.
    pub fn new(cx: &'a Context<'a>, leaf: &'a Leaf) -> Result<Self> {
        let base = cx.layer.tables.get(&leaf.table).ok_or_else(|| {
            Diagnostic::error(
                code::R0702,
                format!("there is no semantic model `{}`", leaf.table),
            )
        })?;
        let mut joins = Joins::new(cx.layer, base);
        let mut time = None;
        if let Some((way, at, name)) = time_path(cx.layer, base, Some(&leaf.measure))
            && let Some(table) = cx.layer.tables.get(&at)
        {
            let alias = joins.alias(&way)?;
            let expr = time_expr(table, &name);
            let is_date = table
                .columns
                .get(&expr)
                .and_then(|c| c.data_type.as_deref())
                .is_some_and(|t| t.eq_ignore_ascii_case("date"));
            time = Some((expression(table, &expr, &alias)?, is_date));
        }
        let mut w = Self {
            cx,
            base,
            leaf,
            joins,
            time,
            day: None,
            spine: false,
            rows: None,
            bridge: None,
            bridge_joins: None,
        };
        w.spine = w.needs_days();
        w.day = w
            .time
            .clone()
            .map(|(t, is_date)| match (w.spine, leaf.offset) {
                (true, _) => "days.day".to_string(),
                (false, Some(Offset::Back(window))) => match time::days(window) {
                    Some(n) => time::plus(&time::truncated(&t, Grain::Day, is_date), n),
                    None if window.grain < Grain::Day => {
                        format!("{t} + {}", time::interval(window))
                    }
                    // The last days of a longer month count for the last day of a shorter one, so none is lost.
                    None => format!("({t} + {})::date", time::interval(window)),
                },
                _ => time::truncated(&t, Grain::Day, is_date),
            });
        Ok(w)
    }

    fn asks_time(&self) -> bool {
        self.cx.dims.iter().any(|(_, n)| self.is_of_time(n))
    }

    fn is_of_time(&self, n: &Named) -> bool {
        match &n.target {
            Target::Time(_) => true,
            Target::Metric { .. } => false,
            Target::Column { table, .. } => {
                Some(table) == self.cx.layer.calendar.as_ref() && *table != self.base.name
            }
        }
    }

    fn finest(&self) -> Option<Grain> {
        self.cx
            .dims
            .iter()
            .filter_map(|(_, n)| match &n.target {
                Target::Time(g) => Some(*g),
                Target::Column { .. } | Target::Metric { .. } => None,
            })
            .min()
    }

    /// Whether each row counts for other days than its own, so that days must be listed.
    fn needs_days(&self) -> bool {
        if self.time.is_none() {
            return false;
        }
        if self.leaf.running.is_some() || matches!(self.leaf.offset, Some(Offset::Start(_))) {
            return true;
        }
        match self.leaf.offset {
            Some(Offset::Back(w)) if w.grain > Grain::Week => {
                let fine = |n: &Named| match &n.target {
                    Target::Time(g) => *g < Grain::Month,
                    Target::Column { expr, .. } => self.is_of_time(n) && self.is_day(expr),
                    Target::Metric { .. } => false,
                };
                let named = self.cx.filters.iter().flat_map(Condition::names);
                self.cx.dims.iter().map(|(_, n)| n).chain(named).any(fine)
            }
            _ => false,
        }
    }

    /// Whether `day` is a date: unless rows are moved by hours or less.
    fn day_is_date(&self) -> bool {
        self.spine || !matches!(self.leaf.offset, Some(Offset::Back(w)) if w.grain < Grain::Day)
    }

    /// Whether a column of the calendar is the day itself.
    fn is_day(&self, expr: &str) -> bool {
        let calendar = self.cx.layer.calendar();
        calendar
            .and_then(Table::primary)
            .is_some_and(|k| k.expr == expr)
    }

    fn stands(&self, n: &Named) -> Result<Stands> {
        match &n.target {
            Target::Time(_) if self.time.is_none() => Ok(Stands::Absent),
            Target::Time(g) => Ok(Stands::Time(*g)),
            Target::Metric { key, .. } => self.stands(key),
            Target::Column { table, links, .. } => {
                if self.is_of_time(n) {
                    return Ok(if self.time.is_none() {
                        Stands::Absent
                    } else {
                        Stands::Calendar
                    });
                }
                let mut ways = paths(self.cx.layer, &self.base.name, table, links);
                match ways.len() {
                    0 => Ok(Stands::Behind),
                    1 => Ok(Stands::Forward(ways.remove(0))),
                    _ => Err(bridge::several_ways(n, &self.base.name, &ways).into()),
                }
            }
        }
    }

    /// Whether a condition needs the bridge.
    pub fn is_behind(&self, c: &Condition) -> Result<bool> {
        for n in c.names() {
            if matches!(self.stands(n)?, Stands::Behind) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a condition concerns days only, which a table without a date does not know.
    fn is_absent(&self, c: &Condition) -> Result<bool> {
        for n in c.names() {
            if matches!(self.stands(n)?, Stands::Absent) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A name as SQL over the block's tables.
    fn sql_of(&mut self, n: &Named) -> Result<String> {
        if let Target::Metric { key, sql, columns } = &n.target {
            let own = self.sql_of(key)?;
            let alias = self.joins.select(&n.name, sql, &columns.0, &own);
            return Ok(format!("{}.{}", ident(&alias), ident(&columns.1)));
        }
        let (way, calendar) = match self.stands(n)? {
            Stands::Time(g) => {
                let day = self.day.clone().unwrap_or_default();
                if g < Grain::Day
                    && let (Some((t, _)), false) = (&self.time, self.spine)
                {
                    return Ok(time::truncated(t, g, false));
                }
                return Ok(time::truncated(&day, g, self.day_is_date()));
            }
            Stands::Calendar => (Vec::new(), true),
            Stands::Forward(way) => (way, false),
            Stands::Behind => return Err(self.no_bridge(n).into()),
            Stands::Absent => {
                return Err(Diagnostic::error(
                    code::R0702,
                    format!(
                        "`{}` has no date, so `{}` says nothing about it",
                        self.base.name, n.name
                    ),
                )
                .into());
            }
        };
        let Target::Column {
            table, expr, grain, ..
        } = &n.target
        else {
            return Ok(String::new());
        };
        let Some(target) = self.cx.layer.tables.get(table) else {
            return Ok(String::new());
        };
        let alias = if calendar {
            let day = self.day.clone().unwrap_or_default();
            let day = time::truncated(&day, Grain::Day, self.day_is_date());
            self.joins.calendar(target, &day)?
        } else {
            self.joins.alias(&way)?
        };
        dimension_sql(target, expr, *grain, &alias)
    }

    /// What lies behind a bridge among the dimensions.
    fn behind(&self) -> Result<Vec<Named>> {
        let mut out = Vec::new();
        for (_, n) in self.cx.dims {
            if matches!(self.stands(n)?, Stands::Behind) {
                out.push(n.clone());
            }
        }
        Ok(out)
    }

    /// The dimensions as SQL; none for those that the block does not have. The bridge must have been chosen.
    fn groups(&mut self, bridge_name: &str) -> Result<Groups> {
        let mut out = Groups::default();
        for (column, n) in self.cx.dims {
            out.sql.push(match self.stands(n)? {
                Stands::Absent => None,
                Stands::Behind => {
                    let sql = self.bridge_sql(n)?;
                    out.bridged.push(format!("{sql} as {}", ident(column)));
                    Some(format!("{}.{}", ident(bridge_name), ident(column)))
                }
                _ => Some(self.sql_of(n)?),
            });
        }
        Ok(out)
    }

    /// The FROM of the block, and the parts that must stand before it.
    fn sources(
        &mut self,
        name: &str,
        groups: &Groups,
        bridged: &[&Condition],
    ) -> Result<(Vec<(String, String)>, Vec<String>)> {
        let mut before = Vec::new();
        let rows = match &self.rows {
            Some((part, sql)) => {
                before.push((part.clone(), sql.clone()));
                ident(part)
            }
            None => relation(&self.base.relation),
        };
        let mut from = vec![format!("from {rows} as {}", ident(&self.base.name))];
        if let Some(b) = self.bridge.clone() {
            let bridge_name = bridge_name(name);
            let (sql, on) = self.bridge_cte(&b, &bridge_name, &groups.bridged, bridged)?;
            before.push((bridge_name.clone(), sql));
            from.push(format!("join {} on {on}", ident(&bridge_name)));
        }
        // Days come before the calendar, which may be joined by them.
        let (by_calendar, others): (Vec<_>, Vec<_>) = self
            .joins
            .list
            .iter()
            .partition(|(s, _, _)| s.first().is_some_and(|s| s.starts_with('\u{1}')));
        from.extend(others.iter().map(|(_, _, sql)| sql.clone()));
        if self.spine {
            let days = format!("{name}_days");
            before.push((days.clone(), self.days()?));
            from.push(format!(
                "join {} as days on {}",
                ident(&days),
                self.on_days()
            ));
        }
        from.extend(by_calendar.iter().map(|(_, _, sql)| sql.clone()));
        Ok((before, from))
    }

    /// Writes the block. `own` are the conditions that all its leaves share because they lie behind the bridge.
    pub fn write(
        mut self,
        name: &str,
        leaves: &[(&Leaf, &str, Vec<Condition>)],
        own: &[Condition],
    ) -> Result<Block> {
        let cx = self.cx;
        let mut behind = self.behind()?;
        let mut bridged: Vec<&Condition> = Vec::new();
        let mut plain: Vec<&Condition> = Vec::new();
        if let Some(follows) = &self.leaf.follows {
            self.rows = Some((format!("{name}_followed"), self.followed(follows, own)?));
        }
        let filters = cx.filters.iter().chain(own);
        // What followed rows was found among those that fit.
        for c in filters.filter(|_| self.rows.is_none()) {
            if self.is_behind(c)? {
                bridged.push(c);
                behind.extend(c.names().into_iter().cloned());
            } else if !self.is_absent(c)? {
                plain.push(c);
            }
        }
        self.choose_bridge(&behind)?;
        let groups = self.groups(&bridge_name(name))?;
        let has: Vec<bool> = groups.sql.iter().map(Option::is_some).collect();
        let named = |((column, _), sql): (&(String, Named), &Option<String>)| {
            sql.as_ref()
                .map(|sql| format!("{sql} as {}", ident(column)))
        };
        let mut selected: Vec<String> = cx.dims.iter().zip(&groups.sql).filter_map(named).collect();
        let count = selected.len();
        let mut columns: Vec<String> = Vec::new();
        for (leaf, hint, filters) in leaves {
            let column = self.free_column(hint, &columns);
            let sql = self.aggregate(leaf, filters)?;
            selected.push(format!("{sql} as {}", ident(&column)));
            columns.push(column);
        }
        let mut wheres = Vec::new();
        for c in plain {
            wheres.push(c.sql(&mut |n| self.sql_of(n))?);
        }
        if !self.spine && self.rows.is_none() {
            wheres.extend(self.range());
        }
        let (mut before, mut from) = self.sources(name, &groups, &bridged)?;
        if let Some(x) = &self.leaf.measure.non_additive {
            let part = format!("{name}_standing");
            let (sql, on) = self.standing(&part, x, &groups, &from, &wheres)?;
            before.push((part.clone(), sql));
            from.push(format!("join {} on {on}", ident(&part)));
        }
        let mut block = Block {
            name: name.to_string(),
            before,
            sql: select(&selected, &from, &wheres, count),
            has,
            columns,
        };
        if leaves.iter().any(|(l, _, _)| l.every_day) {
            self.every_day(&mut block)?;
        }
        Ok(block)
    }

    /// A name for a leaf's column that no other column has.
    fn free_column(&self, hint: &str, taken: &[String]) -> String {
        let mut column = hint.to_string();
        let mut n = 2;
        while taken.contains(&column) || self.cx.dims.iter().any(|(d, _)| *d == column) {
            column = format!("{hint}_{n}");
            n += 1;
        }
        column
    }
}

/// Dimensions of a block as SQL.
#[derive(Default)]
struct Groups {
    /// For each dimension its expression, if the block has it.
    sql: Vec<Option<String>>,
    /// Columns of the bridge.
    bridged: Vec<String>,
}

fn bridge_name(block: &str) -> String {
    format!("{block}_of")
}

/// A SELECT whose first columns are its groups.
fn select(selected: &[String], from: &[String], wheres: &[String], groups: usize) -> String {
    let mut sql = format!(
        "select\n    {}\n{}",
        selected.join(",\n    "),
        from.join("\n")
    );
    if !wheres.is_empty() {
        sql.push_str(&format!("\nwhere {}", wheres.join("\n  and ")));
    }
    if groups > 0 {
        let list: Vec<String> = (1..=groups).map(|i| i.to_string()).collect();
        sql.push_str(&format!("\ngroup by {}", list.join(", ")));
    }
    sql
}

fn dimension_sql(table: &Table, expr: &str, grain: Option<Grain>, alias: &str) -> Result<String> {
    let sql = expression(table, expr, alias)?;
    let is_date = table
        .columns
        .get(expr)
        .and_then(|c| c.data_type.as_deref())
        .is_some_and(|t| t.eq_ignore_ascii_case("date"));
    Ok(match grain {
        Some(g) => time::truncated(&sql, g, is_date),
        None if super::sqltext::is_column(expr) => sql,
        None => format!("({sql})"),
    })
}
