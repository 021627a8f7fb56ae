//! The way from one row to many: which table leads there, and its rows, each once for each value.
use super::super::join::{Bridge, Edge, bridges, paths};
use super::super::names::{Named, Target};
use super::super::sqltext::{ident, relation};
use super::joins::{Joins, expression};
use super::{Condition, Writer, dimension_sql};
use crate::diag::{Diagnostic, Result, code};

impl Writer<'_> {
    /// Chooses the bridge for all that lies behind one.
    pub(super) fn choose_bridge(&mut self, behind: &[Named]) -> Result<()> {
        let Some(first) = behind.first() else {
            return Ok(());
        };
        let reaches = |b: &Bridge, n: &Named| match &n.target {
            Target::Column { table, links, .. } => {
                paths(self.cx.layer, &b.table, table, links).len() == 1
            }
            Target::Time(_) => true,
            Target::Metric { .. } => false,
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
    pub(super) fn no_bridge(&self, n: &Named) -> Diagnostic {
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

    pub(super) fn bridge_sql(&mut self, n: &Named) -> Result<String> {
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

    pub(super) fn bridge_cte(
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
                Target::Metric { .. } => Err(Diagnostic::error(
                    code::R0702,
                    format!(
                        "the metric `{}` is a condition by an entity that `{}` does not lead to",
                        n.name, self.base.name
                    ),
                )
                .help("name an entity of the rows themselves")
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
}

/// Why a name with several ways is no name.
pub(super) fn several_ways(n: &Named, base: &str, ways: &[Vec<Edge>]) -> Diagnostic {
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
