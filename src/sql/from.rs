//! What stands in `from`: relations, subqueries, functions, and joins of them.
//!
//! In: an item of a `from` and what stands before it. Out: the columns it makes visible. The conditions of joins, and
//! whatever decides the rows of a subquery, become filters of the query.
use super::deps::{Column, Deps, Open, Rows};
use super::names::{self, fold};
use super::query::Analysis;
use super::scope::{Joined, Scope, Table, Visible};
use super::{Kind, Unknown};
use sqlparser::ast::{
    Expr, FunctionArg, Join, JoinConstraint, JoinOperator, JsonTableColumn, ObjectName, TableAlias,
    TableFactor, TableWithJoins, XmlTableColumnOption,
};

/// Which side a column merged by `using` is taken from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

impl Analysis<'_> {
    /// An item of a `from` with its joins; `scope` holds what stands before it.
    pub fn joined(
        &mut self,
        item: &TableWithJoins,
        scope: &Scope<'_>,
        filters: &mut Deps,
    ) -> Result<Joined, Unknown> {
        let mut left = self.factor(&item.relation, scope, filters)?;
        for join in &item.joins {
            left = self.join(left, join, scope, filters)?;
        }
        Ok(left)
    }

    /// The scope of what stands before, and an item besides.
    fn beside<'s>(scope: &Scope<'s>, item: &Joined) -> Scope<'s> {
        let mut items = scope.items.clone();
        items.push(item.clone());
        Scope {
            items,
            ctes: scope.ctes,
            windows: scope.windows,
            outer: scope.outer,
        }
    }

    fn join(
        &mut self,
        left: Joined,
        join: &Join,
        scope: &Scope<'_>,
        filters: &mut Deps,
    ) -> Result<Joined, Unknown> {
        // The right side sees the left side if it is lateral; functions always are.
        let right = if sees_left(&join.relation) {
            self.factor(&join.relation, &Self::beside(scope, &left), filters)?
        } else {
            self.factor(&join.relation, scope, filters)?
        };
        let (constraint, side) = constraint(&join.join_operator);
        let merged: Vec<String> = match constraint {
            Some(JoinConstraint::Using(columns) | JoinConstraint::UsingAlias(columns, _)) => {
                columns.iter().map(names::last).collect()
            }
            Some(JoinConstraint::Natural) => {
                let (own, other) = (left.names(), right.names());
                own.intersection(&other).map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        let using_alias = match constraint {
            Some(JoinConstraint::UsingAlias(_, alias)) => Some(fold(alias)),
            _ => None,
        };
        let both = self.merge(left, right, &merged, side, using_alias, filters);
        let mut on: Vec<&Expr> = Vec::new();
        if let Some(JoinConstraint::On(expr)) = constraint {
            on.push(expr);
        }
        if let JoinOperator::AsOf {
            match_condition, ..
        } = &join.join_operator
        {
            on.push(match_condition);
        }
        for expr in on {
            let deps = self.expr(expr, &Self::beside(scope, &both))?;
            filters.add(&deps);
        }
        Ok(both)
    }

    /// Two sides as one item: merged columns first, each once, then the other columns of both sides.
    fn merge(
        &mut self,
        left: Joined,
        right: Joined,
        merged: &[String],
        side: Side,
        using_alias: Option<String>,
        filters: &mut Deps,
    ) -> Joined {
        let mut columns = Vec::new();
        for name in merged {
            let own = left.column(name, &mut self.interned);
            let other = right.column(name, &mut self.interned);
            if own.is_none() || other.is_none() {
                let note = format!("column `{name}` of a join cannot be told on both sides");
                self.notes.insert(note);
            }
            let (own, other) = (own.unwrap_or_default(), other.unwrap_or_default());
            filters.add(&own);
            filters.add(&other);
            let deps = match side {
                Side::Left => own,
                Side::Right => other,
                Side::Both => {
                    let mut both = own;
                    both.add(&other);
                    both.at_least(Kind::Derive)
                }
            };
            let name = name.clone();
            columns.push(Column { name, deps });
        }
        let rest = |joined: &Joined| -> Vec<Visible> {
            let is_merged = |v: &&Visible| match v {
                Visible::Column(c) => merged.contains(&c.name),
                Visible::Open(_) => false,
            };
            let rest = joined.visible.iter().filter(|v| !is_merged(v));
            rest.cloned().collect()
        };
        let mut visible: Vec<Visible> = columns.iter().cloned().map(Visible::Column).collect();
        visible.extend(rest(&left));
        visible.extend(rest(&right));
        let mut tables = left.tables;
        tables.extend(right.tables);
        if let Some(alias) = using_alias {
            tables.push(Table {
                alias: Some(alias),
                name: None,
                columns,
                open: Vec::new(),
            });
        }
        Joined { tables, visible }
    }

    fn factor(
        &mut self,
        factor: &TableFactor,
        scope: &Scope<'_>,
        filters: &mut Deps,
    ) -> Result<Joined, Unknown> {
        Ok(match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => self.table(name, alias.as_ref(), scope, filters),
            TableFactor::Table {
                name,
                alias,
                args: Some(args),
                with_ordinality,
                ..
            } => {
                let args = self.args(&args.args, scope)?;
                self.function(
                    &names::last(name),
                    args,
                    *with_ordinality,
                    alias.as_ref(),
                    filters,
                )
            }
            TableFactor::Function {
                name,
                args,
                with_ordinality,
                alias,
                ..
            } => {
                let args = self.args(args, scope)?;
                self.function(
                    &names::last(name),
                    args,
                    *with_ordinality,
                    alias.as_ref(),
                    filters,
                )
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                ..
            } => {
                let seen = if *lateral { Some(scope) } else { scope.outer };
                let mut rows = self.query(subquery, scope.ctes, seen)?;
                filters.add(&std::mem::take(&mut rows.filters));
                derived(rows, alias.as_ref())
            }
            TableFactor::TableFunction { expr, alias } => {
                let deps = self.expr(expr, scope)?;
                self.function(&names::of_expr(expr), deps, false, alias.as_ref(), filters)
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_ordinality,
                ..
            } => self.unnest(
                array_exprs,
                alias.as_ref(),
                *with_ordinality,
                scope,
                filters,
            )?,
            TableFactor::JsonTable {
                json_expr,
                columns,
                alias,
                ..
            } => {
                let deps = self.expr(json_expr, scope)?.at_least(Kind::Derive);
                let mut rows = Rows::default();
                json_columns(columns, &deps, &mut rows);
                filters.add(&deps);
                derived(rows, alias.as_ref())
            }
            TableFactor::XmlTable {
                passing,
                columns,
                alias,
                ..
            } => {
                let mut deps = Deps::default();
                for argument in &passing.arguments {
                    let found = self.expr(&argument.expr, scope)?;
                    deps.add(&found);
                }
                let deps = deps.at_least(Kind::Derive);
                filters.add(&deps);
                let column = |c: &sqlparser::ast::XmlTableColumn| Column {
                    name: fold(&c.name),
                    deps: match c.option {
                        XmlTableColumnOption::ForOrdinality => Deps::default(),
                        XmlTableColumnOption::NamedInfo { .. } => deps.clone(),
                    },
                };
                let rows = Rows {
                    columns: columns.iter().map(column).collect(),
                    ..Rows::default()
                };
                derived(rows, alias.as_ref())
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                let joined = self.joined(table_with_joins, scope, filters)?;
                match alias {
                    Some(alias) => derived(flat(&joined), Some(alias)),
                    None => joined,
                }
            }
            _ => {
                return Err(Unknown(
                    "an item of `from` that PostgreSQL does not have".into(),
                ));
            }
        })
    }

    fn table(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        scope: &Scope<'_>,
        filters: &mut Deps,
    ) -> Joined {
        let name = names::relation(name);
        let mut rows = self.named(&name, scope.ctes);
        filters.add(&std::mem::take(&mut rows.filters));
        let mut joined = derived(rows, alias);
        if alias.is_none() {
            for table in &mut joined.tables {
                table.alias = Some(name.name.clone());
                table.name = Some(name.clone());
            }
        }
        joined
    }

    /// A function in `from`, whose arguments are given.
    fn function(
        &mut self,
        name: &str,
        args: Deps,
        with_ordinality: bool,
        alias: Option<&TableAlias>,
        filters: &mut Deps,
    ) -> Joined {
        let deps = args.at_least(Kind::Derive);
        filters.add(&deps);
        let column = |name: String| Column {
            name,
            deps: deps.clone(),
        };
        let mut rows = Rows::default();
        let aliased = alias.filter(|a| !a.name.value.is_empty());
        match names::of_function(name) {
            Some(Ok(names)) => rows
                .columns
                .extend(names.iter().map(|n| column((*n).to_string()))),
            // The one column of a function takes the table's name.
            Some(Err(own)) => rows
                .columns
                .push(column(aliased.map_or(own, |a| fold(&a.name)))),
            None => rows.open.push(Open::Made(deps.clone())),
        }
        let listed = alias.map_or(0, |a| a.columns.len());
        let width = rows.columns.len() + usize::from(with_ordinality);
        if rows.open.is_empty() && listed > width {
            // It gives more columns than one is known to give: a composite of its own.
            let more = (rows.columns.len()..listed).map(|i| column(format!("column{}", i + 1)));
            rows.columns.extend(more.collect::<Vec<_>>());
        } else if with_ordinality {
            rows.columns.push(Column {
                name: "ordinality".into(),
                deps: Deps::default(),
            });
        }
        let mut joined = derived(rows, alias);
        if alias.is_none() {
            for table in &mut joined.tables {
                table.alias = Some(name.to_string());
            }
        }
        joined
    }

    fn unnest(
        &mut self,
        arrays: &[Expr],
        alias: Option<&TableAlias>,
        with_ordinality: bool,
        scope: &Scope<'_>,
        filters: &mut Deps,
    ) -> Result<Joined, Unknown> {
        if let [array] = arrays {
            let deps = self.expr(array, scope)?;
            return Ok(self.function("unnest", deps, with_ordinality, alias, filters));
        }
        let mut rows = Rows::default();
        for array in arrays {
            let deps = self.expr(array, scope)?.at_least(Kind::Derive);
            filters.add(&deps);
            let name = "unnest".to_string();
            rows.columns.push(Column { name, deps });
        }
        if with_ordinality {
            rows.columns.push(Column {
                name: "ordinality".into(),
                deps: Deps::default(),
            });
        }
        Ok(derived(rows, alias))
    }

    /// What the arguments of a function are made of.
    pub fn args(&mut self, args: &[FunctionArg], scope: &Scope<'_>) -> Result<Deps, Unknown> {
        let mut all = Deps::default();
        for arg in args {
            let deps = self.arg(arg, scope)?;
            all.add(&deps);
        }
        Ok(all)
    }
}

/// Whether an item may name what stands before it.
fn sees_left(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::Table { args, .. } => args.is_some(),
        TableFactor::Derived { lateral, .. } => *lateral,
        TableFactor::NestedJoin { .. } => false,
        _ => true,
    }
}

/// The condition of a join, and the side that merged columns come from.
fn constraint(operator: &JoinOperator) -> (Option<&JoinConstraint>, Side) {
    match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::CrossJoin(c)
        | JoinOperator::Semi(c)
        | JoinOperator::LeftSemi(c)
        | JoinOperator::Anti(c)
        | JoinOperator::LeftAnti(c)
        | JoinOperator::StraightJoin(c) => (Some(c), Side::Left),
        JoinOperator::AsOf { constraint, .. } => (Some(constraint), Side::Left),
        JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::RightSemi(c)
        | JoinOperator::RightAnti(c) => (Some(c), Side::Right),
        JoinOperator::FullOuter(c) => (Some(c), Side::Both),
        _ => (None, Side::Left),
    }
}

/// Rows under an alias, which may rename columns.
fn derived(mut rows: Rows, alias: Option<&TableAlias>) -> Joined {
    if let Some(alias) = alias {
        rows.rename(alias.columns.iter().map(|c| fold(&c.name)));
    }
    Joined::of(Table {
        alias: alias.map(|a| fold(&a.name)),
        name: None,
        columns: rows.columns,
        open: rows.open,
    })
}

/// A join as rows, as a star would give them.
fn flat(joined: &Joined) -> Rows {
    let mut rows = Rows::default();
    for visible in &joined.visible {
        match visible {
            Visible::Column(column) => rows.columns.push(column.clone()),
            Visible::Open(open) => rows.open.push(open.clone()),
        }
    }
    rows
}

fn json_columns(columns: &[JsonTableColumn], deps: &Deps, rows: &mut Rows) {
    for column in columns {
        let (name, deps) = match column {
            JsonTableColumn::Named(column) => (fold(&column.name), deps.clone()),
            JsonTableColumn::ForOrdinality(name) => (fold(name), Deps::default()),
            JsonTableColumn::Nested(nested) => {
                json_columns(&nested.columns, deps, rows);
                continue;
            }
        };
        rows.columns.push(Column { name, deps });
    }
}
