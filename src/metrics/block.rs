//! One SELECT over the rows of one table: its joins, its bridge, its days, and the aggregates over them.
use super::expand::Leaf;
use super::join::{Bridge, Edge, bridges, paths, time_expr, time_path};
use super::names::{Named, Target, resolve};
use super::sqltext::{ident, literal, qualified, relation};
use super::time;
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Aggregation, Grain, Layer, Offset, PeriodAgg, Piece, Table, template};
use chrono::{Duration, NaiveDate};

/// A condition of a request, its names resolved.
#[derive(Debug, Clone)]
pub enum Condition {
    /// One of these values.
    In(Named, Vec<Option<String>>),
    /// SQL with names in it.
    Sql(Vec<Word>),
}

/// A part of a condition.
#[derive(Debug, Clone)]
pub enum Word {
    /// SQL.
    Text(String),
    /// A dimension.
    Name(Named),
}

impl Condition {
    /// The names in it.
    fn names(&self) -> Vec<&Named> {
        match self {
            Self::In(n, _) => vec![n],
            Self::Sql(words) => words
                .iter()
                .filter_map(|w| match w {
                    Word::Name(n) => Some(n),
                    Word::Text(_) => None,
                })
                .collect(),
        }
    }

    fn sql(&self, of: &mut dyn FnMut(&Named) -> Result<String>) -> Result<String> {
        match self {
            Self::In(n, values) => {
                let expr = of(n)?;
                let some: Vec<String> = values.iter().flatten().map(|v| literal(v)).collect();
                let null = values.iter().any(Option::is_none);
                Ok(match (some.len(), null) {
                    (0, false) => "false".into(),
                    (0, true) => format!("{expr} is null"),
                    (1, false) => format!("{expr} = {}", some[0]),
                    (_, false) => format!("{expr} in ({})", some.join(", ")),
                    (_, true) => format!("({expr} in ({}) or {expr} is null)", some.join(", ")),
                })
            }
            Self::Sql(words) => {
                let mut out = String::new();
                for w in words {
                    match w {
                        Word::Text(t) => out.push_str(t),
                        Word::Name(n) => out.push_str(&of(n)?),
                    }
                }
                let loose = out.to_lowercase().contains(" or ");
                Ok(if loose { format!("({out})") } else { out })
            }
        }
    }
}

/// A condition as a template or plain SQL; names are looked up for a table's metrics.
pub fn condition(layer: &Layer, text: &str, bases: &[&str]) -> Result<Condition> {
    let pieces = template(text).map_err(|f| {
        Diagnostic::error(
            code::R0702,
            format!("the condition `{text}` cannot be understood: {}", f.message),
        )
    })?;
    let mut words = Vec::new();
    for p in pieces {
        words.push(match p {
            Piece::Text(t) => Word::Text(t),
            Piece::Name(n, grain) => {
                let asked = grain.map_or(n.clone(), |g| format!("{n}:{g}"));
                Word::Name(resolve(layer, &asked, bases, true)?)
            }
            Piece::Entity(n) => Word::Name(resolve(layer, &n, bases, true).or_else(|e| {
                // An entity of the table itself, or one with a way to it in front.
                let own = bases
                    .first()
                    .and_then(|b| layer.tables.get(*b))
                    .and_then(|t| t.key(&n).map(|k| (t, k)));
                own.map(|(t, k)| Named {
                    name: n.clone(),
                    target: Target::Column {
                        table: t.name.clone(),
                        expr: k.expr.clone(),
                        links: Vec::new(),
                        grain: None,
                    },
                    labels: crate::semantic::Labels::plain(n.clone()),
                })
                .ok_or(e)
            })?),
        });
    }
    Ok(Condition::Sql(words))
}

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

/// Joined tables of one FROM, each way once.
struct Joins<'a> {
    layer: &'a Layer,
    base: &'a Table,
    list: Vec<(Vec<String>, String, String)>,
    aliases: Vec<String>,
}

impl<'a> Joins<'a> {
    fn new(layer: &'a Layer, base: &'a Table) -> Self {
        Self {
            layer,
            base,
            list: Vec::new(),
            aliases: vec![base.name.clone()],
        }
    }

    /// The alias of the table at the end of a way, joined if need be.
    fn alias(&mut self, way: &[Edge]) -> Result<String> {
        let Some((last, before)) = way.split_last() else {
            return Ok(self.base.name.clone());
        };
        let steps: Vec<String> = way
            .iter()
            .map(|e| format!("{}.{}", e.entity, e.to))
            .collect();
        if let Some((_, alias, _)) = self.list.iter().find(|(s, _, _)| *s == steps) {
            return Ok(alias.clone());
        }
        let from = self.alias(before)?;
        let Some(table) = self.layer.tables.get(&last.to) else {
            return Ok(from);
        };
        let alias = self.free(&table.name, &last.entity);
        let left = expression(table, &last.to_expr, &alias)?;
        let right = self
            .layer
            .tables
            .get(&last.from)
            .map_or(Ok(last.from_expr.clone()), |t| {
                expression(t, &last.from_expr, &from)
            })?;
        let sql = format!(
            "left join {} as {} on {left} = {right}",
            relation(&table.relation),
            ident(&alias)
        );
        self.list.push((steps, alias.clone(), sql));
        Ok(alias)
    }

    /// The calendar's alias, joined by a day.
    fn calendar(&mut self, calendar: &Table, day: &str) -> Result<String> {
        let steps = vec!["\u{1}calendar".to_string()];
        if let Some((_, alias, _)) = self.list.iter().find(|(s, _, _)| *s == steps) {
            return Ok(alias.clone());
        }
        let alias = self.free(&calendar.name, "calendar");
        let key = calendar
            .primary()
            .map(|k| k.expr.clone())
            .unwrap_or_default();
        let left = expression(calendar, &key, &alias)?;
        let sql = format!(
            "left join {} as {} on {left} = {day}",
            relation(&calendar.relation),
            ident(&alias)
        );
        self.list.push((steps, alias.clone(), sql));
        Ok(alias)
    }

    fn free(&mut self, name: &str, other: &str) -> String {
        let mut alias = name.to_string();
        if self.aliases.contains(&alias) {
            alias = format!("{other}_{name}");
        }
        let mut n = 2;
        while self.aliases.contains(&alias) {
            alias = format!("{other}_{name}_{n}");
            n += 1;
        }
        self.aliases.push(alias.clone());
        alias
    }

    fn lines(&self) -> Vec<String> {
        self.list.iter().map(|(_, _, sql)| sql.clone()).collect()
    }
}

/// An expression of a table, with the table's alias.
fn expression(table: &Table, expr: &str, alias: &str) -> Result<String> {
    qualified(expr, alias).map_err(|f| {
        Diagnostic::error(
            code::R0701,
            format!(
                "`{expr}` in `{}` cannot be understood: {}",
                table.name, f.message
            ),
        )
        .at_opt(table.place.clone())
        .into()
    })
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
                    None => format!("date_trunc('month', {t}) + {}", time::interval(window)),
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
                Target::Column { .. } => None,
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
                let fine = self.finest().is_some_and(|g| g < Grain::Month);
                let by_calendar =
                    self.cx.dims.iter().any(|(_, n)| {
                        matches!(n.target, Target::Column { .. }) && self.is_of_time(n)
                    }) || self
                        .cx
                        .filters
                        .iter()
                        .flat_map(Condition::names)
                        .any(|n| self.is_of_time(n));
                fine || by_calendar
            }
            _ => false,
        }
    }

    fn stands(&self, n: &Named) -> Result<Stands> {
        match &n.target {
            Target::Time(_) if self.time.is_none() => Ok(Stands::Absent),
            Target::Time(g) => Ok(Stands::Time(*g)),
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
                    _ => Err(several_ways(n, &self.base.name, &ways).into()),
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
        let (way, calendar) = match self.stands(n)? {
            Stands::Time(g) => {
                let day = self.day.clone().unwrap_or_default();
                if g < Grain::Day
                    && let (Some((t, _)), false) = (&self.time, self.spine)
                {
                    return Ok(time::truncated(t, g, false));
                }
                let day_is_date = self.spine || !day.contains("date_trunc('month'");
                return Ok(time::truncated(&day, g, day_is_date));
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
            self.joins.calendar(target, &day)?
        } else {
            self.joins.alias(&way)?
        };
        dimension_sql(target, expr, *grain, &alias)
    }

    /// Chooses the bridge for all that lies behind one.
    fn choose_bridge(&mut self, behind: &[Named]) -> Result<()> {
        let Some(first) = behind.first() else {
            return Ok(());
        };
        let reaches = |b: &Bridge, n: &Named| match &n.target {
            Target::Column { table, links, .. } => {
                paths(self.cx.layer, &b.table, table, links).len() == 1
            }
            Target::Time(_) => true,
        };
        let found = bridges(self.cx.layer, &self.base.name)
            .into_iter()
            .find(|b| behind.iter().all(|n| reaches(b, n)));
        match found {
            Some(b) => {
                if let Some(t) = self.cx.layer.tables.get(&b.table) {
                    self.bridge_joins = Some(Joins::new(self.cx.layer, t));
                }
                self.bridge = Some(b);
                Ok(())
            }
            None => {
                let lonely = behind.iter().find(|n| {
                    !bridges(self.cx.layer, &self.base.name)
                        .iter()
                        .any(|b| reaches(b, n))
                });
                Err(self.no_bridge(lonely.unwrap_or(first)).into())
            }
        }
    }

    /// Why a dimension cannot be used, and the line that would change it.
    fn no_bridge(&self, n: &Named) -> Diagnostic {
        let layer = self.cx.layer;
        let Target::Column { table, .. } = &n.target else {
            return Diagnostic::error(code::R0703, format!("`{}` cannot be used here", n.name));
        };
        let d = Diagnostic::error(
            code::R0703,
            format!(
                "`{}` cannot be grouped or filtered by `{}`: one row of it may belong to several",
                self.base.name, n.name
            ),
        );
        // The way back that is closed.
        let closed = layer
            .tables
            .keys()
            .filter(|t| {
                *t != &self.base.name && (*t == table || !paths(layer, t, table, &[]).is_empty())
            })
            .flat_map(|t| paths(layer, t, &self.base.name, &[]))
            .min_by_key(Vec::len)
            .and_then(|way| way.into_iter().find(|e| !e.both));
        match closed {
            Some(e) => {
                let at = layer.tables.get(&e.from).and_then(|t| {
                    t.places
                        .get(&format!("columns.{}.entity", e.from_expr))
                        .or_else(|| t.places.get(&format!("entities.{}", e.entity)))
                        .cloned()
                        .or(t.place.clone())
                });
                d.at_opt(at).help(format!(
                    "add `config: {{meta: {{bi: {{filter: both}}}}}}` to `{}` of `{}`, and each row counts once for each value of `{}`",
                    e.from_expr, e.from, n.name
                ))
            }
            None => Diagnostic::error(
                code::R0702,
                format!(
                    "there is no way from `{}` to `{}` (`{}`)",
                    self.base.name, n.name, table
                ),
            )
            .help("an entity of the same name in both tables makes one"),
        }
    }

    /// Writes the block. `own` are the conditions that all its leaves share because they lie behind the bridge.
    pub fn write(
        mut self,
        name: &str,
        leaves: &[(&Leaf, &str, Vec<Condition>)],
        own: &[Condition],
    ) -> Result<Block> {
        let cx = self.cx;
        let mut behind: Vec<Named> = Vec::new();
        for (_, n) in cx.dims {
            if matches!(self.stands(n)?, Stands::Behind) {
                behind.push(n.clone());
            }
        }
        let mut bridged: Vec<&Condition> = Vec::new();
        let mut plain: Vec<&Condition> = Vec::new();
        for c in cx.filters.iter().chain(own) {
            if self.is_behind(c)? {
                bridged.push(c);
                behind.extend(c.names().into_iter().cloned());
            } else if !self.is_absent(c)? {
                plain.push(c);
            }
        }
        self.choose_bridge(&behind)?;
        let mut before = Vec::new();
        let mut selected: Vec<String> = Vec::new();
        let mut has = Vec::new();
        let bridge_name = format!("{name}_of");
        let mut bridge_columns: Vec<String> = Vec::new();
        for (column, n) in cx.dims {
            let sql = match self.stands(n)? {
                Stands::Absent => {
                    has.push(false);
                    continue;
                }
                Stands::Behind => {
                    let sql = self.bridge_sql(n)?;
                    bridge_columns.push(format!("{sql} as {}", ident(column)));
                    format!("{}.{}", ident(&bridge_name), ident(column))
                }
                _ => self.sql_of(n)?,
            };
            has.push(true);
            selected.push(format!("{sql} as {}", ident(column)));
        }
        let groups = selected.len();
        let mut columns: Vec<String> = Vec::new();
        for (leaf, hint, filters) in leaves {
            let mut column = (*hint).to_string();
            let taken = |c: &String, columns: &Vec<String>| {
                columns.contains(c) || cx.dims.iter().any(|(d, _)| d == c)
            };
            let mut n = 2;
            while taken(&column, &columns) {
                column = format!("{hint}_{n}");
                n += 1;
            }
            let sql = self.aggregate(leaf, filters)?;
            selected.push(format!("{sql} as {}", ident(&column)));
            columns.push(column);
        }
        let mut wheres = Vec::new();
        for c in plain {
            wheres.push(c.sql(&mut |n| self.sql_of(n))?);
        }
        if !self.spine {
            wheres.extend(self.range());
        }
        let mut from = vec![format!(
            "from {} as {}",
            relation(&self.base.relation),
            ident(&self.base.name)
        )];
        if let Some(b) = self.bridge.clone() {
            let (sql, on) = self.bridge_cte(&b, &bridge_name, &bridge_columns, &bridged)?;
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
        let mut block = Block {
            name: name.to_string(),
            before,
            sql,
            has,
            columns,
        };
        if leaves.iter().any(|(l, _, _)| l.every_day) {
            self.every_day(&mut block)?;
        }
        Ok(block)
    }

    /// A row for every period, also those without rows.
    fn every_day(&self, block: &mut Block) -> Result<()> {
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

    fn bridge_sql(&mut self, n: &Named) -> Result<String> {
        let (
            Target::Column {
                table,
                expr,
                links,
                grain,
            },
            Some(b),
            Some(joins),
        ) = (&n.target, &self.bridge, &mut self.bridge_joins)
        else {
            return Ok(String::new());
        };
        let ways = paths(self.cx.layer, &b.table, table, links);
        let (Some(way), Some(target)) = (ways.first(), self.cx.layer.tables.get(table)) else {
            return Ok(String::new());
        };
        let alias = joins.alias(way)?;
        dimension_sql(target, expr, *grain, &alias)
    }

    fn bridge_cte(
        &mut self,
        b: &Bridge,
        name: &str,
        columns: &[String],
        bridged: &[&Condition],
    ) -> Result<(String, String)> {
        let mut wheres = Vec::new();
        for c in bridged {
            let sql = c.sql(&mut |n| match &n.target {
                Target::Time(_) => Err(Diagnostic::error(
                    code::R0702,
                    "a condition behind a bridge cannot name the date",
                )
                .into()),
                Target::Column { .. } => self.bridge_sql(n),
            })?;
            wheres.push(sql);
        }
        let (Some(last), Some(joins)) = (b.way.last(), &mut self.bridge_joins) else {
            return Ok(Default::default());
        };
        let holder = joins.alias(&b.way[..b.way.len() - 1])?;
        let layer = self.cx.layer;
        let key = match layer.tables.get(&last.from) {
            Some(t) => expression(t, &last.from_expr, &holder)?,
            None => last.from_expr.clone(),
        };
        let column = last.entity.clone() + "_key";
        let mut selected = vec![format!("{key} as {}", ident(&column))];
        selected.extend(columns.iter().cloned());
        let table = joins.base;
        let mut sql = format!(
            "-- each row of {} once for each value\nselect distinct\n    {}\nfrom {} as {}",
            self.base.name,
            selected.join(",\n    "),
            relation(&table.relation),
            ident(&table.name)
        );
        for line in joins.lines() {
            sql.push_str(&format!("\n{line}"));
        }
        if !wheres.is_empty() {
            sql.push_str(&format!("\nwhere {}", wheres.join("\n  and ")));
        }
        let own = expression(self.base, &last.to_expr, &self.base.name)?;
        Ok((sql, format!("{}.{} = {own}", ident(name), ident(&column))))
    }

    fn aggregate(&mut self, leaf: &Leaf, filters: &[Condition]) -> Result<String> {
        let expr = expression(self.base, &leaf.measure.expr, &self.base.name)?;
        let mut conditions = Vec::new();
        let mut call = match leaf.measure.agg {
            Aggregation::Sum => format!("sum({expr})"),
            Aggregation::Min => format!("min({expr})"),
            Aggregation::Max => format!("max({expr})"),
            Aggregation::Average => format!("avg({expr})"),
            Aggregation::Count if expr.parse::<f64>().is_ok() => "count(*)".into(),
            Aggregation::Count => format!("count({expr})"),
            Aggregation::CountDistinct => format!("count(distinct {expr})"),
            Aggregation::SumBoolean => {
                conditions.push(expr);
                "count(*)".into()
            }
            Aggregation::Median => format!("percentile_cont(0.5) within group (order by {expr})"),
            Aggregation::Percentile(p, false) => {
                format!("percentile_cont({p}) within group (order by {expr})")
            }
            Aggregation::Percentile(p, true) => {
                format!("percentile_disc({p}) within group (order by {expr})")
            }
        };
        for c in filters {
            if !self.is_absent(c)? {
                conditions.push(c.sql(&mut |n| self.sql_of(n))?);
            }
        }
        if !conditions.is_empty() {
            call.push_str(&format!(" filter (where {})", conditions.join(" and ")));
        }
        Ok(call)
    }

    /// Conditions that keep the rows of the asked days.
    fn range(&self) -> Vec<String> {
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
    fn days(&self) -> Result<String> {
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
    fn on_days(&self) -> String {
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

fn several_ways(n: &Named, base: &str, ways: &[Vec<Edge>]) -> Diagnostic {
    let shown: Vec<String> = ways
        .iter()
        .map(|w| {
            let steps: Vec<&str> = w.iter().map(|e| e.entity.as_str()).collect();
            let last = n.name.rsplit("__").next().unwrap_or(&n.name);
            format!("`{}__{last}`", steps.join("__"))
        })
        .collect();
    Diagnostic::error(
        code::R0702,
        format!(
            "there are {} ways from `{base}` to `{}`",
            ways.len(),
            n.name
        ),
    )
    .help(format!("say which: {}", shown.join(" or ")))
}
