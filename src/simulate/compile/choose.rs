//! Choosing rows when they are made: the candidates of the moment, and the draw among them.
use super::LevelSlots;
use super::picks::{DAY, FIRST_BY, PickPlan, ROW};
use crate::simulate::alias::Alias;
use crate::simulate::draw::{below, mix, permute};
use crate::simulate::frame::{Code, Frame};
use crate::simulate::spec::Distinct;
use crate::simulate::value::{IN_ARENA, Type, Val, as_float};
use crate::simulate::world::Choices;
use std::sync::Arc;

/// The seat of a row among those that must differ: the permutation's key, the seat from 0, and all seats so far known.
pub(super) fn seat(
    f: &mut Frame,
    kind: Distinct,
    salt: u64,
    level: LevelSlots,
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

/// Draws from the choices that `choices` has found.
pub(super) fn choose(f: &mut Frame, choices: usize, bits: u64, plan: &PickPlan) -> Val {
    match &*f.made[choices] {
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
pub(super) fn distinct_row(
    f: &mut Frame,
    choices: &Choices,
    kind: Distinct,
    salt: u64,
    level: LevelSlots,
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

/// The candidates under the present circumstances, made once for each: their place in the frame's `made`. The frame
/// keeps them, so that threads need not count who uses them.
pub(super) fn choices(
    f: &mut Frame,
    plan: &Arc<PickPlan>,
    by: &[(Code, Type)],
    day: usize,
) -> Option<usize> {
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
        values[i] = code.get(f);
        hash = mix(hash, values[i].map_or(u64::MAX, |v| f.content(v, ty)));
    }
    if let Some(known) = f.choices.get(&(plan.id, hash)) {
        return Some(*known);
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
    f.made.push(made);
    f.choices.insert((plan.id, hash), f.made.len() - 1);
    Some(f.made.len() - 1)
}

pub(super) fn candidates(
    f: &mut Frame,
    plan: &PickPlan,
    by: &[(Code, Type)],
    values: &[Val; 8],
    today: Val,
) -> Option<Choices> {
    let world = f.world.clone();
    let held = world.tables.get(plan.table)?.as_ref()?;
    let mut inner = Frame::new(&world, 0);
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
            .is_none_or(|c| c.get(&mut inner) == Some(1))
        {
            match &plan.weight {
                Some(weight) => {
                    weighted.push((row as u32, weight.get(&mut inner).map_or(0.0, as_float)));
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
