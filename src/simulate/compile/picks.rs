//! Choices of rows from other tables: weighted by alias tables, even by number, distinct by permutation.
use super::{Binding, Checked, Compiler, Problem, Scope, Typed};
use crate::diag::code;
use crate::simulate::alias::Alias;
use crate::simulate::draw::{below, mix, permute};
use crate::simulate::frame::{Code, Frame};
use crate::simulate::lang::{Ex, Expr};
use crate::simulate::model::Kind;
use crate::simulate::spec::{Distinct, Name, Pick, Rows, Src};
use crate::simulate::value::{IN_ARENA, TableId, Type, Val, as_float};
use crate::simulate::world::Choices;
use indexmap::IndexMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The code of a choice, shared by all places that use it.
pub struct PickPlan {
    /// Only a name for remembered choices; no value depends on it.
    id: usize,
    table: TableId,
    shown: String,
    filter: Option<Code>,
    weight: Option<Code>,
    by: Vec<(Code, Type)>,
    day: Option<usize>,
    slots: usize,
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

const ROW: usize = 0;
const DAY: usize = 1;
const FIRST_BY: usize = 2;

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
            Box::new(move |f| {
                let choices = choices(f, &plan, &by, day)?;
                choose(f, &choices, mix(f.key, salt), &plan)
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
                    found.push(e.clone())
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
            slots: FIRST_BY + outer.by.len(),
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
            Box::new(move |f| {
                let choices = choices(f, &plan, &by, day)?;
                let row = match distinct {
                    None => choose(f, &choices, mix(f.key, salt), &plan)?,
                    Some(kind) => distinct_row(f, &choices, kind, salt, level, day, memory, &plan)?,
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
            Box::new(move |f| {
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
                let mut inner = f.inner.remove(&table).unwrap_or_else(|| {
                    Box::new(Frame::new(&f.world, program.slots, program.tally_slots))
                });
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

/// The seat of a row among those that must differ: the permutation's key, the seat from 0, and all seats so far known.
fn seat(
    f: &mut Frame,
    kind: Distinct,
    salt: u64,
    level: super::LevelSlots,
    day: usize,
) -> Option<(u64, u64, u64)> {
    let table = mix(mix(f.world.seed, salt), 0x5ea7);
    match kind {
        Distinct::Parent => Some((mix(f.scope, salt), f.slots[level.nth]?.checked_sub(1)?, 0)),
        Distinct::All => Some((table, f.slots[level.number]?.checked_sub(1)?, 0)),
        Distinct::Days(n) => {
            let ordinal = f.slots[level.ordinal]?;
            let totals = f.totals.get(level.index).and_then(Clone::clone)?;
            let last = totals.before.len() - 1;
            let (class, first, end) = match f.slots[day] {
                None => (0, 0, 1),
                Some(d) => {
                    let today = d as i64 - f.world.calendar.start;
                    let first = today - today.rem_euclid(i64::from(n));
                    let class = |d: i64| ((d + 1).clamp(0, last as i64)) as usize;
                    (class(today), class(first), class(first + i64::from(n)))
                }
            };
            let before = totals.before[class] - totals.before[first];
            Some((
                mix(table, first as u64),
                before + ordinal,
                totals.before[end] - totals.before[first],
            ))
        }
    }
}

fn choose(f: &mut Frame, choices: &Choices, bits: u64, plan: &PickPlan) -> Val {
    match choices {
        Choices::Weighted(alias) => Some(u64::from(alias.at(bits))),
        Choices::Even(rows) => Some(u64::from(rows[below(bits, rows.len() as u64) as usize])),
        Choices::None => nothing(f, plan),
    }
}

#[cold]
fn nothing(f: &mut Frame, plan: &PickPlan) -> Val {
    f.fail(format!(
        "`{}` has nothing to choose from: no candidate passes `where` with a weight above 0",
        plan.shown
    ))
}

#[expect(clippy::too_many_arguments, reason = "all of them belong to one draw")]
fn distinct_row(
    f: &mut Frame,
    choices: &Choices,
    kind: Distinct,
    salt: u64,
    level: super::LevelSlots,
    day: usize,
    memory: usize,
    plan: &PickPlan,
) -> Val {
    let items: &[u32] = match choices {
        Choices::None => return nothing(f, plan),
        Choices::Even(rows) => {
            let (key, seat, seats) = seat(f, kind, salt, level, day)?;
            let n = rows.len() as u64;
            if seat >= n || seats > n {
                return f.fail(format!(
                    "more rows ({}) than candidates of `{}` ({n})",
                    seats.max(seat + 1),
                    plan.shown
                ));
            }
            return Some(u64::from(rows[permute(key, seat, n) as usize]));
        }
        Choices::Weighted(alias) => alias.items(),
    };
    let Choices::Weighted(alias) = choices else {
        return None;
    };
    if f.chosen.len() <= memory {
        f.chosen.resize(memory + 1, Vec::new());
    }
    let mut chosen = std::mem::take(&mut f.chosen[memory]);
    if f.slots[level.nth] == Some(1) {
        chosen.clear();
    }
    if chosen.len() >= items.len() {
        return f.fail(format!(
            "more rows ({}) than candidates of `{}` ({})",
            chosen.len() + 1,
            plan.shown,
            items.len()
        ));
    }
    let key = mix(f.key, salt);
    let mut found = (0..200u64)
        .map(|k| u64::from(alias.at(mix(key, k))))
        .find(|row| !chosen.contains(row));
    if found.is_none() {
        // Nearly all weight is taken: any candidate that is left.
        let n = items.len() as u64;
        found = (0..n)
            .map(|i| u64::from(items[permute(key, i, n) as usize]))
            .find(|row| !chosen.contains(row));
    }
    chosen.extend(found);
    f.chosen[memory] = chosen;
    found
}

/// The candidates under the present circumstances, made once for each.
fn choices(
    f: &mut Frame,
    plan: &Arc<PickPlan>,
    by: &[(Code, Type)],
    day: usize,
) -> Option<Arc<Choices>> {
    let today = f.slots[day];
    let mut hash = mix(
        plan.id as u64,
        if plan.day.is_some() {
            today.map_or(u64::MAX, |d| d)
        } else {
            0
        },
    );
    let mut values: [Val; 8] = [None; 8];
    for (i, (code, ty)) in by.iter().enumerate().take(8) {
        values[i] = code(f);
        hash = mix(hash, values[i].map_or(u64::MAX, |v| f.content(v, ty)));
    }
    if let Some(known) = f.choices.get(&(plan.id, hash)) {
        return Some(known.clone());
    }
    let shared = f
        .world
        .choices
        .read()
        .ok()
        .and_then(|c| c.get(&(plan.id, hash)).cloned());
    let made = match shared {
        Some(made) => made,
        None => {
            let made = Arc::new(candidates(f, plan, by, &values, today)?);
            let all = f.world.choices.write().map_or(0, |mut all| {
                all.insert((plan.id, hash), made.clone());
                all.len()
            });
            {
                if all > 200_000 {
                    f.fail(format!(
                        "`{}` has more than 200,000 combinations of day and `by`",
                        plan.shown
                    ));
                }
            }
            made
        }
    };
    f.choices.insert((plan.id, hash), made.clone());
    Some(made)
}

fn candidates(
    f: &mut Frame,
    plan: &PickPlan,
    by: &[(Code, Type)],
    values: &[Val; 8],
    today: Val,
) -> Option<Choices> {
    let world = f.world.clone();
    let held = world.tables.get(plan.table)?.as_ref()?;
    let mut inner = Frame::new(&world, plan.slots, 0);
    inner.slots[DAY] = today;
    for (i, (_, ty)) in by.iter().enumerate().take(8) {
        inner.slots[FIRST_BY + i] = match values[i] {
            Some(bits) if *ty == Type::Text && bits & IN_ARENA != 0 => {
                let text = f.text(bits).to_string();
                inner.intern(&text)
            }
            other => other,
        };
    }
    let day = today.map(|d| d as i64 - world.calendar.start);
    let mut weighted = Vec::new();
    let mut even = Vec::new();
    for row in 0..held.rows {
        // Rows of later days are not there yet; on no day only the stock is.
        let there = match (held.days[row], day) {
            (None, _) => true,
            (Some(born), Some(day)) => born <= day,
            (Some(_), None) => false,
        };
        if !there {
            continue;
        }
        inner.slots[ROW] = Some(row as u64);
        let mark = inner.mark();
        if plan
            .filter
            .as_ref()
            .is_none_or(|c| c(&mut inner) == Some(1))
        {
            match &plan.weight {
                Some(weight) => {
                    weighted.push((row as u32, weight(&mut inner).map_or(0.0, as_float)))
                }
                None => even.push(row as u32),
            }
        }
        inner.arena.truncate(mark);
    }
    if let Some(message) = inner.failure {
        f.fail(message);
        return None;
    }
    Some(if plan.weight.is_some() {
        Alias::new(&weighted).map_or(Choices::None, Choices::Weighted)
    } else if even.is_empty() {
        Choices::None
    } else {
        Choices::Even(even.into())
    })
}
