//! Expressions: which columns a value is made of, and how.
//!
//! In: an expression and what is visible. Out: its columns. A column by itself is a copy; anything done to it derives;
//! aggregates and window functions make one value of many rows. A subquery's own filters count as derived from.
use super::deps::Deps;
use super::names::{self, fold};
use super::query::Analysis;
use super::scope::Scope;
use super::{Kind, Unknown};
use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, InTarget, JsonPathElem, NamedWindowDefinition,
    NamedWindowExpr, Query, Subscript, WindowSpec, WindowType,
};

impl Analysis<'_> {
    /// What an expression is made of.
    pub fn expr(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Deps, Unknown> {
        match expr {
            Expr::Identifier(ident) => {
                let found = scope.resolve(&[fold(ident)], &mut self.interned);
                Ok(self.take(found))
            }
            Expr::CompoundIdentifier(idents) => {
                let name: Vec<String> = idents.iter().map(fold).collect();
                let found = scope.resolve(&name, &mut self.interned);
                Ok(self.take(found))
            }
            Expr::Nested(inner) => self.expr(inner, scope),
            Expr::BinaryOp { .. } => self.chain(expr, scope),
            Expr::Function(function) => self.call(function, scope),
            Expr::Subquery(query) => self.scalar(query, scope),
            Expr::Exists { subquery, .. } => {
                let rows = self.query(subquery, scope.ctes, Some(scope))?;
                Ok(rows.filters.at_least(Kind::Derive))
            }
            Expr::In { expr, target, .. } => {
                let mut deps = self.expr(expr, scope)?;
                let found = self.target(target, scope)?;
                deps.add(&found);
                Ok(deps.at_least(Kind::Derive))
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.access(root, access_chain, scope)
            }
            Expr::QualifiedWildcard(name, _) => {
                let found = self.whole_row(&names::parts(name), scope);
                Ok(self.take(found.ok_or_else(|| format!("relation `{name}` is not known"))))
            }
            _ => {
                let mut deps = Deps::default();
                for part in parts(expr) {
                    let found = self.expr(part, scope)?;
                    deps.add(&found);
                }
                Ok(deps.at_least(Kind::Derive))
            }
        }
    }

    /// A chain of operators, walked along its left side, which may be long.
    fn chain(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Deps, Unknown> {
        let mut deps = Deps::default();
        let mut at = expr;
        loop {
            at = match at {
                Expr::BinaryOp { left, right, .. } => {
                    let found = self.expr(right, scope)?;
                    deps.add(&found);
                    left
                }
                _ => break,
            };
        }
        let found = self.expr(at, scope)?;
        deps.add(&found);
        Ok(deps.at_least(Kind::Derive))
    }

    /// The one value of a subquery.
    fn scalar(&mut self, query: &Query, scope: &Scope<'_>) -> Result<Deps, Unknown> {
        let rows = self.query(query, scope.ctes, Some(scope))?;
        let mut deps = match (rows.columns.first(), rows.open.first()) {
            (Some(column), _) => column.deps.clone(),
            (None, Some(open)) => super::scope::from_open(open, "*", &mut self.interned),
            (None, None) => Deps::default(),
        };
        deps.add(&rows.filters.at_least(Kind::Derive));
        Ok(deps)
    }

    fn target(&mut self, target: &InTarget, scope: &Scope<'_>) -> Result<Deps, Unknown> {
        match target {
            InTarget::List(exprs) => self.all(exprs, scope),
            InTarget::Subquery(query) => self.scalar(query, scope),
            InTarget::Unnest(expr) => self.expr(expr, scope),
            InTarget::Table { name, .. } => {
                let rows = self.named(&names::relation(name), scope.ctes);
                Ok(rows
                    .columns
                    .first()
                    .map(|c| c.deps.clone())
                    .unwrap_or_default())
            }
        }
    }

    fn all<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        scope: &Scope<'_>,
    ) -> Result<Deps, Unknown> {
        let mut deps = Deps::default();
        for expr in exprs {
            let found = self.expr(expr, scope)?;
            deps.add(&found);
        }
        Ok(deps)
    }

    /// `(row).field`, `array[i]`: of a relation's row the one column, else derived from the whole.
    fn access(
        &mut self,
        root: &Expr,
        chain: &[AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<Deps, Unknown> {
        let fields = chain.iter().map_while(|a| match a {
            AccessExpr::Dot(Expr::Identifier(field)) => Some(fold(field)),
            _ => None,
        });
        // `t.column[1]`, and `(t).column` where `t` is a relation.
        let mut name = match root {
            Expr::Identifier(ident) => vec![fold(ident)],
            Expr::CompoundIdentifier(idents) => idents.iter().map(fold).collect(),
            Expr::Nested(inner) => match inner.as_ref() {
                Expr::Identifier(table) if scope.table(&[], &fold(table)).is_some() => {
                    vec![fold(table)]
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let own = name.len();
        if own > 0 {
            name.extend(fields);
        }
        if name.len() > own {
            let rest = &chain[name.len() - own..];
            let found = scope.resolve(&name, &mut self.interned);
            let mut deps = self.take(found);
            if !rest.is_empty() {
                deps = self.steps(rest, scope, deps)?;
            }
            return Ok(deps);
        }
        let deps = self.expr(root, scope)?;
        self.steps(chain, scope, deps)
    }

    /// What comes of a value by fields and subscripts of it.
    fn steps(
        &mut self,
        chain: &[AccessExpr],
        scope: &Scope<'_>,
        mut deps: Deps,
    ) -> Result<Deps, Unknown> {
        for access in chain {
            let parts: Vec<&Expr> = match access {
                // The name of a field is no column.
                AccessExpr::Dot(Expr::Identifier(_)) => Vec::new(),
                AccessExpr::Dot(expr) => vec![expr],
                AccessExpr::Subscript(Subscript::Index { index }) => vec![index],
                AccessExpr::Subscript(Subscript::Slice {
                    lower_bound,
                    upper_bound,
                    stride,
                }) => [lower_bound, upper_bound, stride]
                    .into_iter()
                    .flatten()
                    .collect(),
            };
            let found = self.all(parts, scope)?;
            deps.add(&found);
        }
        Ok(deps.at_least(Kind::Derive))
    }

    /// A function call.
    fn call(&mut self, function: &Function, scope: &Scope<'_>) -> Result<Deps, Unknown> {
        let mut many = function.over.is_some()
            || function.filter.is_some()
            || !function.within_group.is_empty()
            || names::is_aggregate(&names::last(&function.name));
        let mut deps = Deps::default();
        for arguments in [&function.parameters, &function.args] {
            let found = match arguments {
                FunctionArguments::None => Deps::default(),
                FunctionArguments::Subquery(query) => {
                    // `array(select …)` makes one value of many rows.
                    many = true;
                    self.scalar(query, scope)?
                }
                FunctionArguments::List(list) => {
                    many |= list.duplicate_treatment.is_some();
                    self.arguments(list, scope)?
                }
            };
            deps.add(&found);
        }
        let ordered = function.within_group.iter().map(|o| &o.expr);
        let found = self.all(ordered.chain(function.filter.as_deref()), scope)?;
        deps.add(&found);
        if let Some(window) = &function.over {
            let found = self.window(window, scope, 0)?;
            deps.add(&found);
        }
        Ok(deps.at_least(if many { Kind::Aggregate } else { Kind::Derive }))
    }

    fn arguments(
        &mut self,
        list: &FunctionArgumentList,
        scope: &Scope<'_>,
    ) -> Result<Deps, Unknown> {
        let mut deps = self.args(&list.args, scope)?;
        for clause in &list.clauses {
            let exprs: Vec<&Expr> = match clause {
                FunctionArgumentClause::Where(expr) | FunctionArgumentClause::Limit(expr) => {
                    vec![expr]
                }
                FunctionArgumentClause::OrderBy(order) => order.iter().map(|o| &o.expr).collect(),
                FunctionArgumentClause::Having(bound) => vec![&bound.1],
                _ => Vec::new(),
            };
            let found = self.all(exprs, scope)?;
            deps.add(&found);
        }
        Ok(deps)
    }

    /// What an argument is made of.
    pub fn arg(&mut self, arg: &FunctionArg, scope: &Scope<'_>) -> Result<Deps, Unknown> {
        let (FunctionArg::Named { arg, .. }
        | FunctionArg::ExprNamed { arg, .. }
        | FunctionArg::Unnamed(arg)) = arg;
        match arg {
            FunctionArgExpr::Expr(expr) => self.expr(expr, scope),
            FunctionArgExpr::QualifiedWildcard(name) => {
                let found = self.whole_row(&names::parts(name), scope);
                Ok(self.take(found.ok_or_else(|| format!("relation `{name}` is not known"))))
            }
            // `count(*)` counts rows, whatever is in them.
            FunctionArgExpr::Wildcard | FunctionArgExpr::WildcardWithOptions(_) => {
                Ok(Deps::default())
            }
        }
    }

    /// What a window is made of. Windows may build on each other; a circle of them is no SQL, but no harm either.
    fn window(
        &mut self,
        window: &WindowType,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Result<Deps, Unknown> {
        match window {
            WindowType::NamedWindow(name) => self.named_window(&fold(name), scope, depth),
            WindowType::WindowSpec(spec) => self.spec(spec, scope, depth),
        }
    }

    fn spec(
        &mut self,
        spec: &WindowSpec,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Result<Deps, Unknown> {
        let order = spec.order_by.iter().map(|o| &o.expr);
        let mut deps = self.all(spec.partition_by.iter().chain(order), scope)?;
        if let Some(base) = &spec.window_name {
            let found = self.named_window(&fold(base), scope, depth)?;
            deps.add(&found);
        }
        Ok(deps)
    }

    fn named_window(
        &mut self,
        name: &str,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Result<Deps, Unknown> {
        match scope.window(name) {
            Some(NamedWindowDefinition(_, definition)) if depth < 50 => match definition {
                NamedWindowExpr::NamedWindow(other) => {
                    self.named_window(&fold(other), scope, depth + 1)
                }
                NamedWindowExpr::WindowSpec(spec) => self.spec(spec, scope, depth + 1),
            },
            _ => {
                self.notes.insert(format!("window `{name}` is not known"));
                Ok(Deps::default())
            }
        }
    }
}

/// The expressions that an expression is made of, of those kinds that simply derive from all their parts.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::IsFalse(e)
        | Expr::IsNotFalse(e)
        | Expr::IsTrue(e)
        | Expr::IsNotTrue(e)
        | Expr::IsNull(e)
        | Expr::IsNotNull(e)
        | Expr::IsUnknown(e)
        | Expr::IsNotUnknown(e)
        | Expr::Nested(e)
        | Expr::OuterJoin(e)
        | Expr::Prior(e)
        | Expr::IsJson { expr: e, .. }
        | Expr::IsNormalized { expr: e, .. }
        | Expr::UnaryOp { expr: e, .. }
        | Expr::Convert { expr: e, .. }
        | Expr::Cast { expr: e, .. }
        | Expr::Extract { expr: e, .. }
        | Expr::Ceil { expr: e, .. }
        | Expr::Floor { expr: e, .. }
        | Expr::Collate { expr: e, .. }
        | Expr::Prefixed { value: e, .. }
        | Expr::Named { expr: e, .. } => vec![e],
        Expr::IsDistinctFrom(a, b)
        | Expr::IsNotDistinctFrom(a, b)
        | Expr::AnyOp {
            left: a, right: b, ..
        }
        | Expr::AllOp {
            left: a, right: b, ..
        }
        | Expr::RLike {
            expr: a,
            pattern: b,
            ..
        }
        | Expr::AtTimeZone {
            timestamp: a,
            time_zone: b,
        }
        | Expr::Position { expr: a, r#in: b } => vec![a, b],
        Expr::Between {
            expr, low, high, ..
        } => vec![expr, low, high],
        Expr::Like {
            expr,
            pattern,
            escape_char,
            ..
        }
        | Expr::ILike {
            expr,
            pattern,
            escape_char,
            ..
        }
        | Expr::SimilarTo {
            expr,
            pattern,
            escape_char,
            ..
        } => [expr, pattern]
            .into_iter()
            .chain(escape_char)
            .map(AsRef::as_ref)
            .collect(),
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => [expr]
            .into_iter()
            .chain(substring_from)
            .chain(substring_for)
            .map(AsRef::as_ref)
            .collect(),
        Expr::Trim {
            trim_what,
            expr,
            trim_characters,
            ..
        } => {
            let what = trim_what.iter().map(AsRef::as_ref);
            let characters = trim_characters.iter().flatten();
            [expr.as_ref()]
                .into_iter()
                .chain(what)
                .chain(characters)
                .collect()
        }
        Expr::Overlay {
            expr,
            overlay_what,
            overlay_from,
            overlay_for,
        } => [expr, overlay_what, overlay_from]
            .into_iter()
            .chain(overlay_for)
            .map(AsRef::as_ref)
            .collect(),
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            let conditions = conditions.iter().flat_map(|w| [&w.condition, &w.result]);
            let ends = operand.iter().chain(else_result).map(AsRef::as_ref);
            conditions.chain(ends).collect()
        }
        Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
            sets.iter().flatten().collect()
        }
        Expr::Tuple(exprs) | Expr::Struct { values: exprs, .. } => exprs.iter().collect(),
        Expr::Array(array) => array.elem.iter().collect(),
        Expr::Interval(interval) => vec![&interval.value],
        Expr::Dictionary(fields) => fields.iter().map(|f| f.value.as_ref()).collect(),
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|e| [e.key.as_ref(), e.value.as_ref()])
            .collect(),
        Expr::MemberOf(member) => vec![&member.value, &member.array],
        Expr::JsonAccess { value, path } => {
            let keys = path.path.iter().filter_map(|p| match p {
                JsonPathElem::Bracket { key } | JsonPathElem::ColonBracket { key } => Some(key),
                JsonPathElem::Dot { .. } => None,
            });
            [value.as_ref()].into_iter().chain(keys).collect()
        }
        _ => Vec::new(),
    }
}
