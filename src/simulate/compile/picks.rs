//! Choices of rows from other tables: weighted by alias tables, even by number, distinct by permutation.
use super::choose::{choices, choose, distinct_row, seat};
use super::{Binding, Checked, Compiler, Problem, Scope, Typed};
use crate::diag::code;
use crate::simulate::draw::{below, mix, permute};
use crate::simulate::frame::{Code, Frame};
use crate::simulate::lang::{Ex, Expr};
use crate::simulate::model::Kind;
use crate::simulate::spec::{Distinct, Name, Pick, Rows, Src};
use crate::simulate::value::{IN_ARENA, TableId, Type};
use indexmap::IndexMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The code of a choice, shared by all places that use it.
pub struct PickPlan {
    /// Only a name for remembered choices; no value depends on it.
    pub(super) id: usize,
    pub(super) table: TableId,
    pub(super) shown: String,
    pub(super) filter: Option<Code>,
    pub(super) weight: Option<Code>,
    pub(super) by: Vec<(Code, Type)>,
    pub(super) day: Option<usize>,
}

/// A named choice that was compiled already.
#[derive(Clone)]
pub struct UsedPick {
    filter_plan: Arc<PickPlan>,
}

/// Outer names a choice may read: the expressions for their values, and how they are bound inside.
struct Outer {
    names: IndexMap<String, Binding>,
    by: Vec<(Code, Type)>,
}

pub(super) const ROW: usize = 0;
pub(super) const DAY: usize = 1;
pub(super) const FIRST_BY: usize = 2;

impl Compiler<'_> {
    /// A choice used by name: a row.
    pub(super) fn named_pick(
        &mut self,
        pick: usize,
        span: &Range<usize>,
        scope: &Scope,
    ) -> Checked {
        let spec = self.spec.picks[pick].clone();
        let Some(table) = self.model.find(&spec.table.text) else {
            return Err(Problem::new(
                code::M0803,
                span,
                format!("the pick `{}` reads an unknown table", spec.name.text),
            ));
        };
        let plan = match self.picks.get(&pick).cloned() {
            Some(used) => {
                // Values of `by` are read where the choice is made, so each place compiles its own.
                let outer = self.declared(&spec.by, span, scope)?;
                let old = &used.filter_plan;
                if outer
                    .by
                    .iter()
                    .map(|b| &b.1)
                    .ne(old.by.iter().map(|b| &b.1))
                {
                    return Err(Problem::new(
                        code::M0805,
                        span,
                        format!(
                            "the pick `{}` is used with names of other types elsewhere",
                            spec.name.text
                        ),
                    ));
                }
                (old.clone(), outer.by)
            }
            None => {
                let outer = self.declared(&spec.by, span, scope)?;
                let own = self.pick_plan(
                    table,
                    &spec.alias.text,
                    spec.filter.as_ref(),
                    spec.weight.as_ref(),
                    outer,
                    &spec.name.text,
                );
                let plan = Arc::new(own.ok_or_else(|| {
                    Problem::new(
                        code::M0801,
                        span,
                        format!("the pick `{}` has errors", spec.name.text),
                    )
                })?);
                self.picks.insert(
                    pick,
                    UsedPick {
                        filter_plan: plan.clone(),
                    },
                );
                let again = self.declared(&spec.by, span, scope)?;
                (plan, again.by)
            }
        };
        let (plan, by) = plan;
        let salt = self.next_salt();
        self.used.insert(self.day_slot);
        let day = self.day_slot;
        Ok(Typed::new(
            Type::Record(table),
            Code::new(move |f| {
                let choices = choices(f, &plan, &by, day)?;
                choose(f, choices, mix(f.key, salt), &plan)
            }),
        ))
    }

    /// The names under `by:`, with their values' code.
    fn declared(&mut self, by: &[Name], span: &Range<usize>, scope: &Scope) -> Checked<Outer> {
        let mut outer = Outer {
            names: IndexMap::new(),
            by: Vec::new(),
        };
        for name in by {
            let e = Expr {
                kind: Ex::Name(name.text.clone()),
                span: span.clone(),
            };
            let typed = self.expr(&e, scope)?;
            outer.names.insert(
                name.text.clone(),
                Binding::Slot(FIRST_BY + outer.by.len(), typed.ty.clone()),
            );
            outer.by.push((typed.code, typed.ty));
        }
        Ok(outer)
    }

    /// The names that a column's `where` and `weight` use: they become the choice's `by`.
    fn implied(&mut self, sources: [Option<&Src>; 2], alias: &str, scope: &Scope) -> Option<Outer> {
        let mut outer = Outer {
            names: IndexMap::new(),
            by: Vec::new(),
        };
        for src in sources.into_iter().flatten() {
            let expr = self.parse(src)?;
            let mut found: Vec<Expr> = Vec::new();
            expr.walk(&mut |e| match &e.kind {
                Ex::Name(n) if n != alias && n != "day" => found.push(e.clone()),
                Ex::Field(inner, ..) if matches!(&inner.kind, Ex::Name(n) if n != alias) => {
                    found.push(e.clone());
                }
                _ => {}
            });
            for e in found {
                let (root, field) = match &e.kind {
                    Ex::Field(inner, field, _) => (
                        inner.root_name().unwrap_or_default().to_string(),
                        Some(field.clone()),
                    ),
                    _ => (e.root_name().unwrap_or_default().to_string(), None),
                };
                let fields = matches!(scope.names.get(&root), Some(Binding::Fields(_)));
                if fields != field.is_some()
                    || matches!(scope.names.get(&root), None | Some(Binding::Start))
                {
                    continue;
                }
                let Ok(typed) = self.expr(&e, scope) else {
                    continue;
                };
                let slot = (FIRST_BY + outer.by.len(), typed.ty.clone());
                match (field, outer.names.get_mut(&root)) {
                    (Some(field), Some(Binding::Fields(known))) if !known.contains_key(&field) => {
                        known.insert(field, slot);
                    }
                    (Some(field), None) => {
                        outer
                            .names
                            .insert(root, Binding::Fields(IndexMap::from([(field, slot)])));
                    }
                    (None, None) => {
                        outer.names.insert(root, Binding::Slot(slot.0, slot.1));
                    }
                    _ => continue,
                }
                outer.by.push((typed.code, typed.ty));
            }
        }
        Some(outer)
    }

    fn pick_plan(
        &mut self,
        table: TableId,
        alias: &str,
        filter: Option<&Src>,
        weight: Option<&Src>,
        outer: Outer,
        shown: &str,
    ) -> Option<PickPlan> {
        self.held.insert(table);
        let mut scope = Scope::default();
        scope.names.extend(outer.names);
        scope.names.insert("start_date".into(), Binding::Start);
        scope.slot("day", DAY, Type::Date);
        scope.slot(alias, ROW, Type::Record(table));
        let (field, draws, used) = (
            self.field.clone(),
            self.draws,
            std::mem::take(&mut self.used),
        );
        let label = self.label.replace(format!("pick `{shown}`"));
        let mut codes = Vec::new();
        let mut fine = true;
        for (src, ty, what) in [
            (filter, Type::Bool, "where"),
            (weight, Type::Float, "weight"),
        ] {
            self.draws = 0;
            let compiled = match src {
                None => None,
                Some(src) => {
                    let compiled = self.src_as(src, &scope, &ty, what);
                    fine &= compiled.is_some();
                    if self.draws > 0 {
                        fine = false;
                        let message = format!(
                            "{}.pick `{shown}`: `{what}` must be the same for every row, so it cannot draw",
                            self.spec.name.text
                        );
                        self.say(
                            code::M0805,
                            src.span.clone(),
                            message,
                            Some("make the draw a column of the candidate's table".into()),
                        );
                    }
                    compiled
                }
            };
            codes.push(compiled);
        }
        let dated = self.used.contains(&DAY) || self.grows(table);
        self.used = used;
        self.field = field;
        self.draws = draws;
        self.label = label;
        let (weight, filter) = (codes.pop()?, codes.pop()?);
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        fine.then(|| PickPlan {
            id,
            table,
            shown: shown.to_string(),
            filter,
            weight,
            by: outer.by,
            day: dated.then_some(DAY),
        })
    }

    /// Whether the table has more rows on later days.
    fn grows(&self, table: TableId) -> bool {
        let mut at = table;
        for _ in 0..self.specs.len() {
            let Some(spec) = self.specs.get(at) else {
                return false;
            };
            match &spec.rows {
                Rows::Entity { arrivals, .. } => return arrivals.is_some(),
                Rows::Process(_) => return true,
                Rows::Per { parent, .. } => match self.model.find(&parent.table.text) {
                    Some(id) => at = id,
                    None => return false,
                },
            }
        }
        false
    }

    /// The table and column of a pick, if they exist; says so if not.
    pub(super) fn table_column(
        &mut self,
        table: &Name,
        column: &Name,
        what: &str,
    ) -> Option<(TableId, usize)> {
        let Some(id) = self.model.find(&table.text) else {
            let near =
                super::suggest(&table.text, self.model.names()).and_then(|n| self.model.find(n));
            let help = near.map(|id| format!("did you mean {}?", self.model.describe(id)));
            let message = format!("{}.{what}: no node `{}`", self.spec.name.text, table.text);
            self.say(code::M0803, table.span.clone(), message, help);
            return None;
        };
        let columns = &self.model.tables[id].columns;
        if let Some(i) = columns.iter().position(|c| c.name == column.text) {
            return Some((id, i));
        }
        let near = super::suggest(&column.text, columns.iter().map(|c| c.name.as_str()));
        let help = near.map(|n| format!("did you mean `{n}`?"));
        let message = format!(
            "{}.{what}: {} has no column `{}`",
            self.spec.name.text,
            self.model.describe(id),
            column.text
        );
        self.say(code::M0803, column.span.clone(), message, help);
        None
    }

    /// A column's `pick:`.
    pub(super) fn column_pick(&mut self, pick: &Pick, scope: &Scope) -> Option<Typed> {
        let what = self.field.clone();
        let (table, column) = self.table_column(&pick.table, &pick.column, &what)?;
        let plain = pick.filter.is_none() && pick.weight.is_none();
        let distinct = pick.distinct.clone().map(|d| d.0);
        if let Some((kind, span)) = &pick.distinct {
            let wrong = match kind {
                Distinct::Days(_) | Distinct::All if !plain => {
                    Some("it excludes `where` and `weight`")
                }
                Distinct::Parent if !self.level.has_parent => Some("there is no parent; use `all`"),
                Distinct::Days(_) if !self.level.has_parent => Some("it needs a parent with days"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                let message = format!(
                    "{}.{what}: this `distinct` cannot be had: {wrong}",
                    self.spec.name.text
                );
                self.say(code::M0801, span.clone(), message, None);
                return None;
            }
        }
        let ty = self.model.tables[table].columns[column].ty.clone();
        let salt = self.next_salt();
        let entity = self.model.tables[table].kind == Kind::Simulation
            && matches!(self.specs[table].rows, Rows::Entity { .. });
        if plain && entity {
            self.recomputed.insert(table);
            return Some(self.numbered(table, column, ty, salt, distinct, &pick.table.text));
        }
        let outer = self.implied(
            [pick.filter.as_ref(), pick.weight.as_ref()],
            &pick.table.text,
            scope,
        )?;
        let mut plan = self.pick_plan(
            table,
            &pick.table.text,
            pick.filter.as_ref(),
            pick.weight.as_ref(),
            outer,
            &what,
        )?;
        let by = std::mem::take(&mut plan.by);
        let plan = Arc::new(plan);
        let (day, level) = (self.day_slot, self.level);
        self.used.insert(day);
        let memory = self.chosen;
        self.chosen += 1;
        Some(Typed::new(
            ty,
            Code::new(move |f| {
                let choices = choices(f, &plan, &by, day)?;
                let row = match distinct {
                    None => choose(f, choices, mix(f.key, salt), &plan)?,
                    Some(kind) => {
                        let choices = f.made[choices].clone();
                        distinct_row(f, &choices, kind, salt, level, day, memory, &plan)?
                    }
                };
                f.world.cell(plan.table, column, row)
            }),
        ))
    }

    /// An even choice among the rows of an entity: only the chosen row is made, and of it only what is asked for.
    fn numbered(
        &mut self,
        table: TableId,
        column: usize,
        ty: Type,
        salt: u64,
        distinct: Option<Distinct>,
        shown: &str,
    ) -> Typed {
        let (day, level) = (self.day_slot, self.level);
        self.used.insert(day);
        let shown = shown.to_string();
        let text = ty == Type::Text || matches!(ty, Type::Json(_));
        Typed::new(
            ty,
            Code::new(move |f| {
                let today = f.slots[day].map(|d| d as i64 - f.world.calendar.start);
                let n = f
                    .world
                    .arrivals
                    .get(table)
                    .and_then(Option::as_ref)
                    .map_or(0, |a| a.on(today));
                if n == 0 {
                    return f.fail(format!(
                        "there is nothing to pick from: `{shown}` has no rows"
                    ));
                }
                let i = match distinct {
                    None => below(mix(f.key, salt), n),
                    Some(kind) => {
                        let (key, seat, seats) = seat(f, kind, salt, level, day)?;
                        if seat >= n || seats > n {
                            return f.fail(format!(
                                "more rows ({}) than rows of `{shown}` to pick from ({n})",
                                seats.max(seat + 1)
                            ));
                        }
                        permute(key, seat, n)
                    }
                };
                let program = f.world.programs.get(table).and_then(Clone::clone)?;
                let mut inner = f
                    .inner
                    .remove(&table)
                    .unwrap_or_else(|| Box::new(Frame::new(&f.world, program.tally_slots)));
                let value = crate::simulate::run::entity_value(&program, &mut inner, i + 1, column);
                let value = match value {
                    Some(bits) if text && bits & IN_ARENA != 0 => {
                        let mark = f.mark();
                        f.arena.extend_from_slice(inner.text_bytes(bits));
                        f.since(mark)
                    }
                    other => other,
                };
                if let Some(message) = inner.failure.take() {
                    f.fail(message);
                }
                f.inner.insert(table, inner);
                value
            }),
        )
    }
}
