//! The joined tables of one FROM, each way once.
use super::super::join::Edge;
use super::super::sqltext::{ident, qualified, relation};
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Layer, Table};

/// Joined tables of one FROM, each way once.
pub struct Joins<'a> {
    pub layer: &'a Layer,
    pub base: &'a Table,
    pub list: Vec<(Vec<String>, String, String)>,
    aliases: Vec<String>,
}

impl<'a> Joins<'a> {
    pub fn new(layer: &'a Layer, base: &'a Table) -> Self {
        Self {
            layer,
            base,
            list: Vec::new(),
            aliases: vec![base.name.clone()],
        }
    }

    /// The alias of the table at the end of a way, joined if need be.
    pub fn alias(&mut self, way: &[Edge]) -> Result<String> {
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
    pub fn calendar(&mut self, calendar: &Table, day: &str) -> Result<String> {
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

    /// The alias of a SELECT by an entity, joined by the key of the rows.
    pub fn select(&mut self, name: &str, sql: &str, column: &str, key: &str) -> String {
        let steps = vec![format!("\u{2}{key}"), sql.to_string()];
        if let Some((_, alias, _)) = self.list.iter().find(|(s, _, _)| *s == steps) {
            return alias.clone();
        }
        let alias = self.free(name, "by");
        let inner: String = sql.lines().map(|l| format!("    {l}\n")).collect();
        let joined = format!(
            "left join (\n{inner}) as {a} on {a}.{} = {key}",
            ident(column),
            a = ident(&alias)
        );
        self.list.push((steps, alias.clone(), joined));
        alias
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

    pub fn lines(&self) -> Vec<String> {
        self.list.iter().map(|(_, _, sql)| sql.clone()).collect()
    }
}

/// An expression of a table, with the table's alias.
pub fn expression(table: &Table, expr: &str, alias: &str) -> Result<String> {
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
