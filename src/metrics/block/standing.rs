//! Measures of a state: of a stretch of time the rows of its first or last day count.
use super::super::join::time_expr;
use super::super::sqltext::ident;
use super::super::time;
use super::joins::expression;
use super::{Groups, Writer};
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Grain, NonAdditive};

impl Writer<'_> {
    /// The day that counts, for each period asked for and each value of the entities that have a day of their own; and
    /// the condition that joins it. Rows without such an entity are of none and do not count, as in MetricFlow.
    pub(super) fn standing(
        &self,
        part: &str,
        x: &NonAdditive,
        groups: &Groups,
        from: &[String],
        wheres: &[String],
    ) -> Result<(String, String)> {
        let measure = &self.leaf.measure.name;
        let refuse = |message: String| Diagnostic::error(code::R0702, message);
        if self.spine || self.bridge.is_some() {
            return Err(refuse(format!(
                "`{measure}` must not be added up over `{}`, so its days cannot be moved, and a row cannot count for several values",
                x.dimension
            ))
            .into());
        }
        let dimension = self.base.dimensions.get(&x.dimension);
        let Some(grain) = dimension.map(|d| d.grain.unwrap_or(Grain::Day)) else {
            return Err(refuse(format!(
                "`{measure}` must not be added up over `{}`, which `{}` does not have",
                x.dimension, self.base.name
            ))
            .at_opt(self.base.place_of(&format!("measures.{measure}")))
            .into());
        };
        let expr = time_expr(self.base, &x.dimension);
        let is_date = self
            .base
            .columns
            .get(&expr)
            .and_then(|c| c.data_type.as_deref())
            .is_some_and(|t| t.eq_ignore_ascii_case("date"));
        let day = time::truncated(
            &expression(self.base, &expr, &self.base.name)?,
            grain,
            is_date,
        );
        let mut selected = Vec::new();
        let mut on = vec![format!("{}.day = {day}", ident(part))];
        for entity in &x.by {
            let Some(key) = self.base.key(entity).filter(|k| !k.expr.is_empty()) else {
                return Err(refuse(format!(
                    "`{measure}` has a day for each `{entity}`, which is no entity of `{}`",
                    self.base.name
                ))
                .at_opt(self.base.place_of(&format!("measures.{measure}")))
                .into());
            };
            let key = expression(self.base, &key.expr, &self.base.name)?;
            let column = ident(&format!("{entity}_key"));
            on.push(format!("{}.{column} = {key}", ident(part)));
            selected.push(format!("{key} as {column}"));
        }
        let keys = selected.len();
        selected.push(format!(
            "{}({day}) as day",
            if x.last { "max" } else { "min" }
        ));
        let mut by: Vec<String> = (1..=keys).map(|i| i.to_string()).collect();
        for ((_, n), sql) in self.cx.dims.iter().zip(&groups.sql) {
            by.extend(sql.clone().filter(|_| self.is_of_time(n)));
        }
        let mut sql = format!(
            "-- the day that counts\nselect\n    {}\n{}",
            selected.join(",\n    "),
            from.join("\n")
        );
        if !wheres.is_empty() {
            sql.push_str(&format!("\nwhere {}", wheres.join("\n  and ")));
        }
        if !by.is_empty() {
            sql.push_str(&format!("\ngroup by {}", by.join(", ")));
        }
        Ok((sql, on.join(" and ")))
    }
}
