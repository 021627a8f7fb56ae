//! Queries: CTEs, set operations, and what a `select` gives.
//!
//! In: a query of the syntax tree and what is visible around it. Out: its rows. A recursive CTE is looked at again and
//! again until nothing more is found; what is found only grows, so this ends.
use super::deps::{Column, Deps, Interned, Open, Rows};
use super::names::{self, fold};
use super::scope::{Ctes, Scope, Visible};
use super::{Catalog, Kind, Lineage, Origin, OutputColumn, RelationName, Unknown, parse};
use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, LimitClause, OrderBy, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, Value,
};
use std::collections::BTreeSet;
use std::rc::Rc;

/// What a query gives, or why it cannot be told.
pub type Found = Result<Rows, Unknown>;

/// The analysis of one text.
pub struct Analysis<'c> {
    /// Numbers of columns.
    pub interned: Interned,
    /// Relations that are read.
    pub relations: BTreeSet<RelationName>,
    /// What could not be resolved.
    pub notes: BTreeSet<String>,
    /// Answers with the columns of relations.
    pub catalog: Catalog<'c>,
    /// CTEs that stand for relations of their own: their text is not looked at.
    pub opaque: &'c BTreeSet<String>,
}

impl<'c> Analysis<'c> {
    /// Analyses a text, on this thread.
    ///
    /// # Errors
    /// Why nothing can be told.
    pub fn of(sql: &str, catalog: Catalog<'c>) -> Result<Lineage, Unknown> {
        let none = BTreeSet::new();
        Analysis::with_opaque(sql, catalog, &none)
    }

    /// Analyses a text in which some CTEs stand for relations of their own.
    ///
    /// # Errors
    /// Why nothing can be told.
    pub fn with_opaque(
        sql: &str,
        catalog: Catalog<'c>,
        opaque: &'c BTreeSet<String>,
    ) -> Result<Lineage, Unknown> {
        let query = parse::query(sql)?;
        let mut analysis = Self {
            interned: Interned::default(),
            relations: BTreeSet::new(),
            notes: BTreeSet::new(),
            catalog,
            opaque,
        };
        let rows = analysis.query(&query, &Ctes::default(), None)?;
        Ok(analysis.finish(rows))
    }

    fn finish(self, rows: Rows) -> Lineage {
        let origins = |deps: &Deps| {
            let mut origins: Vec<Origin> = deps
                .0
                .iter()
                .filter_map(|(id, kind)| {
                    let from = self.interned.get(*id)?.clone();
                    Some(Origin { from, kind: *kind })
                })
                .collect();
            origins.sort();
            origins
        };
        let mut columns: Vec<OutputColumn> = rows
            .columns
            .iter()
            .map(|c| OutputColumn {
                name: c.name.clone(),
                origins: origins(&c.deps),
            })
            .collect();
        let mut interned = Interned::default();
        for open in &rows.open {
            let origins = match open {
                Open::Relation(relation) => {
                    let id = interned.id(relation, "*");
                    let from = interned.get(id).cloned();
                    let copy = |from| Origin {
                        from,
                        kind: Kind::Copy,
                    };
                    from.map(copy).into_iter().collect()
                }
                Open::Made(deps) => origins(deps),
            };
            columns.push(OutputColumn {
                name: "*".into(),
                origins,
            });
        }
        Lineage {
            columns,
            filters: rows
                .filters
                .0
                .keys()
                .filter_map(|id| self.interned.get(*id).cloned())
                .collect(),
            relations: self.relations,
            notes: self.notes,
        }
    }

    /// Takes a result, or notes why there is none.
    pub fn take(&mut self, found: Result<Deps, String>) -> Deps {
        found.unwrap_or_else(|note| {
            self.notes.insert(note);
            Deps::default()
        })
    }

    /// The rows of a query.
    pub fn query(&mut self, query: &Query, ctes: &Ctes<'_>, outer: Option<&Scope<'_>>) -> Found {
        let mut own = Ctes {
            outer: Some(ctes),
            ..Ctes::default()
        };
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = fold(&cte.alias.name);
                let rows = if self.opaque.contains(&name) {
                    self.relation(&RelationName {
                        database: None,
                        schema: None,
                        name: name.clone(),
                    })
                } else if with.recursive {
                    self.recursive(cte, &name, &mut own, outer)?
                } else {
                    self.cte(cte, &own, outer)?
                };
                own.own.insert(name, Rc::new(rows));
            }
        }
        let limited = query.fetch.is_some() || query.limit_clause.is_some();
        let order = query.order_by.as_ref().filter(|_| limited);
        let mut rows = self.body(&query.body, &own, outer, order, query.order_by.as_ref())?;
        if let Some(limit) = &query.limit_clause {
            self.limit(limit, &own, outer, &mut rows)?;
        }
        Ok(rows)
    }

    fn limit(
        &mut self,
        limit: &LimitClause,
        ctes: &Ctes<'_>,
        outer: Option<&Scope<'_>>,
        rows: &mut Rows,
    ) -> Result<(), Unknown> {
        let scope = Scope::new(ctes, outer);
        let exprs: Vec<&Expr> = match limit {
            LimitClause::LimitOffset { limit, offset, .. } => {
                let offset = offset.iter().map(|o| &o.value);
                limit.iter().chain(offset).collect()
            }
            LimitClause::OffsetCommaLimit { offset, limit } => vec![offset, limit],
        };
        for expr in exprs {
            let deps = self.expr(expr, &scope)?;
            rows.filters.add(&deps);
        }
        Ok(())
    }

    fn cte(&mut self, cte: &Cte, ctes: &Ctes<'_>, outer: Option<&Scope<'_>>) -> Found {
        let mut rows = self.query(&cte.query, ctes, outer)?;
        rows.rename(cte.alias.columns.iter().map(|c| fold(&c.name)));
        Ok(rows)
    }

    /// A CTE that may read itself.
    fn recursive(
        &mut self,
        cte: &Cte,
        name: &str,
        own: &mut Ctes<'_>,
        outer: Option<&Scope<'_>>,
    ) -> Found {
        let SetExpr::SetOperation { left, .. } = cte.query.body.as_ref() else {
            return self.cte(cte, own, outer);
        };
        // The first part does not read the CTE; it gives the columns to begin with.
        let start = match &cte.query.with {
            Some(_) => Rows::default(),
            None => self.body(left, own, outer, None, None)?,
        };
        let aliases = || cte.alias.columns.iter().map(|c| fold(&c.name));
        let mut rows = start;
        rows.rename(aliases());
        loop {
            own.own.insert(name.to_string(), Rc::new(rows.clone()));
            let next = self.cte(cte, own, outer)?;
            if rows.columns.is_empty() && rows.open.is_empty() && rows != next {
                rows = next;
            } else if !rows.unite(&next) {
                return Ok(rows);
            }
        }
    }

    /// A query without its CTEs. `limited` is the order that decides which rows there are; `order` is the order
    /// whether it does or not.
    fn body(
        &mut self,
        body: &SetExpr,
        ctes: &Ctes<'_>,
        outer: Option<&Scope<'_>>,
        limited: Option<&OrderBy>,
        order: Option<&OrderBy>,
    ) -> Found {
        match body {
            SetExpr::Select(select) => self.select(select, ctes, outer, limited, order),
            SetExpr::Query(query) => {
                let mut rows = self.query(query, ctes, outer)?;
                self.order_output(limited, ctes, outer, &mut rows)?;
                Ok(rows)
            }
            SetExpr::SetOperation { .. } => {
                let mut rows = self.operation(body, ctes, outer)?;
                self.order_output(limited, ctes, outer, &mut rows)?;
                Ok(rows)
            }
            SetExpr::Values(values) => {
                let mut rows = Rows::default();
                let scope = Scope::new(ctes, outer);
                for row in &values.rows {
                    for (i, expr) in row.content.iter().enumerate() {
                        let deps = self.expr(expr, &scope)?;
                        if rows.columns.len() == i {
                            rows.columns.push(Column {
                                name: format!("column{}", i + 1),
                                deps: Deps::default(),
                            });
                        }
                        rows.columns[i].deps.add(&deps);
                    }
                }
                Ok(rows)
            }
            SetExpr::Table(table) => {
                let name = RelationName {
                    database: None,
                    schema: table.schema_name.as_ref().map(fold),
                    name: table.table_name.as_ref().map(fold).unwrap_or_default(),
                };
                Ok(self.named(&name, ctes))
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(Unknown("a part of it changes data".into()))
            }
        }
    }

    /// A chain of set operations, walked along its left side, which may be long.
    fn operation(&mut self, body: &SetExpr, ctes: &Ctes<'_>, outer: Option<&Scope<'_>>) -> Found {
        let mut chain = Vec::new();
        let mut at = body;
        while let SetExpr::SetOperation {
            left, op, right, ..
        } = at
        {
            chain.push((op, right));
            at = left;
        }
        let mut rows = self.body(at, ctes, outer, None, None)?;
        for (op, right) in chain.into_iter().rev() {
            let right = self.body(right, ctes, outer, None, None)?;
            if matches!(op, SetOperator::Union) {
                rows.unite(&right);
                continue;
            }
            // What the right side has only decides which rows of the left side remain.
            rows.filters.add(&right.filters);
            for column in &right.columns {
                rows.filters.add(&column.deps);
            }
            let own: Vec<Deps> = rows.columns.iter().map(|c| c.deps.clone()).collect();
            for deps in &own {
                rows.filters.add(deps);
            }
        }
        Ok(rows)
    }

    /// An order that decides which rows there are, over output columns only.
    fn order_output(
        &mut self,
        order: Option<&OrderBy>,
        ctes: &Ctes<'_>,
        outer: Option<&Scope<'_>>,
        rows: &mut Rows,
    ) -> Result<(), Unknown> {
        for expr in order_exprs(order) {
            let deps = match output(expr, &rows.columns, true) {
                Some(deps) => deps,
                None => self.expr(expr, &Scope::new(ctes, outer))?,
            };
            rows.filters.add(&deps);
        }
        Ok(())
    }

    fn select(
        &mut self,
        select: &Select,
        ctes: &Ctes<'_>,
        outer: Option<&Scope<'_>>,
        limited: Option<&OrderBy>,
        order: Option<&OrderBy>,
    ) -> Found {
        let mut scope = Scope::new(ctes, outer);
        scope.windows = &select.named_window;
        let mut filters = Deps::default();
        for item in &select.from {
            let joined = self.joined(item, &scope, &mut filters)?;
            scope.items.push(joined);
        }
        let mut rows = Rows::default();
        for item in &select.projection {
            self.item(item, &scope, &mut rows)?;
        }
        for expr in select.selection.iter().chain(&select.having) {
            let deps = self.expr(expr, &scope)?;
            filters.add(&deps);
        }
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
            for expr in exprs {
                let deps = self.grouped(expr, &scope, &rows)?;
                filters.add(&deps);
            }
        }
        let mut deciding: Vec<&Expr> = order_exprs(limited).collect();
        if let Some(Distinct::On(exprs)) = &select.distinct {
            // Which row of a group is kept, the order decides.
            deciding.extend(exprs);
            deciding.extend(order_exprs(order));
        }
        for expr in deciding {
            let deps = match output(expr, &rows.columns, true) {
                Some(deps) => deps,
                None => self.expr(expr, &scope)?,
            };
            filters.add(&deps);
        }
        rows.filters.add(&filters);
        Ok(rows)
    }

    /// A grouping expression: a number or the alias of an output column where it is no column of the input.
    fn grouped(&mut self, expr: &Expr, scope: &Scope<'_>, rows: &Rows) -> Result<Deps, Unknown> {
        match expr {
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                let mut all = Deps::default();
                for expr in sets.iter().flatten() {
                    let deps = self.grouped(expr, scope, rows)?;
                    all.add(&deps);
                }
                Ok(all)
            }
            Expr::Tuple(exprs) => {
                let mut all = Deps::default();
                for expr in exprs {
                    let deps = self.grouped(expr, scope, rows)?;
                    all.add(&deps);
                }
                Ok(all)
            }
            Expr::Identifier(ident) => {
                let input = scope.resolve(&[fold(ident)], &mut self.interned);
                Ok(match input {
                    Ok(deps) => deps,
                    Err(note) => {
                        let aliased = output(expr, &rows.columns, true).ok_or(note);
                        self.take(aliased)
                    }
                })
            }
            _ => match output(expr, &rows.columns, false) {
                Some(deps) => Ok(deps),
                None => self.expr(expr, scope),
            },
        }
    }

    /// An item of a select list.
    fn item(
        &mut self,
        item: &SelectItem,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<(), Unknown> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let deps = self.expr(expr, scope)?;
                let name = names::of_expr(expr);
                rows.columns.push(Column { name, deps });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let deps = self.expr(expr, scope)?;
                let name = fold(alias);
                rows.columns.push(Column { name, deps });
            }
            SelectItem::ExprWithAliases { expr, aliases } => {
                let deps = self.expr(expr, scope)?;
                for alias in aliases {
                    let (name, deps) = (fold(alias), deps.clone());
                    rows.columns.push(Column { name, deps });
                }
            }
            SelectItem::Wildcard(_) => {
                for visible in scope.items.iter().flat_map(|i| &i.visible) {
                    match visible {
                        Visible::Column(column) => rows.columns.push(column.clone()),
                        Visible::Open(open) => push_open(rows, open),
                    }
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let mut parts = names::parts(name);
                let table = parts.pop().unwrap_or_default();
                match scope.table(&parts, &table) {
                    Some(table) => {
                        rows.columns.extend(table.columns.iter().cloned());
                        table.open.iter().for_each(|open| push_open(rows, open));
                    }
                    None => {
                        self.notes.insert(format!("relation `{name}` is not known"));
                    }
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                let deps = self.expr(expr, scope)?.at_least(Kind::Derive);
                push_open(rows, &Open::Made(deps));
            }
        }
        Ok(())
    }
}

fn push_open(rows: &mut Rows, open: &Open) {
    if !rows.open.contains(open) {
        rows.open.push(open.clone());
    }
}

fn order_exprs(order: Option<&OrderBy>) -> impl Iterator<Item = &Expr> {
    let exprs = match order.map(|o| &o.kind) {
        Some(OrderByKind::Expressions(exprs)) => exprs.as_slice(),
        _ => &[],
    };
    exprs.iter().map(|e| &e.expr)
}

/// The output column that an expression names by its position, or by its name if `by_name`.
fn output(expr: &Expr, columns: &[Column], by_name: bool) -> Option<Deps> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => {
                let position: usize = number.parse().ok()?;
                Some(columns.get(position.checked_sub(1)?)?.deps.clone())
            }
            _ => None,
        },
        Expr::Identifier(ident) if by_name => {
            let name = fold(ident);
            let found = columns.iter().find(|c| c.name == name)?;
            Some(found.deps.clone())
        }
        _ => None,
    }
}
