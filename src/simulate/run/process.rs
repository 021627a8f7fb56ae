//! Walks a process: each day of a parent, each occurrence of a day, each turn of an occurrence.
use super::{Failure, RowSink, Walker};
use crate::simulate::calendar::{DAY, SECOND};
use crate::simulate::draw::{mix, unit};
use crate::simulate::frame::{Code, Frame, Test};
use crate::simulate::program::{AssignCode, AtCode, ProcessCode, RepeatCode, RowCode};
use crate::simulate::segment::DayWindows;
use crate::simulate::value::int;

/// Sets the keys of times apart from those of occurrences.
const TIMES: u64 = 0x7131_e5a7;
/// Keys of the two draws of a time.
const WINDOW: u64 = 0x0071_1d03;
const WITHIN: u64 = 0x0071_1d04;
/// More occurrences a day than this are a mistake.
const OCCURRENCES: i64 = 100_000;

/// What is carried through the days of one parent.
struct Run {
    /// The earliest time of the next occurrence.
    free: i64,
    /// Key of the present day.
    day_key: u64,
    /// Day from the project's start.
    day: i64,
    /// Rows of the present day so far.
    rows: u64,
    /// The parent's number.
    parent: u64,
    /// Day and parent in the ids of the present day's rows; none where they do not fit their bits.
    base: Option<u64>,
}

#[inline]
fn truth(f: &mut Frame, test: Option<&Test>, otherwise: bool) -> bool {
    test.map_or(otherwise, |test| test(f))
}

#[inline]
fn put(f: &mut Frame, values: &[(usize, Code)]) {
    for (slot, code) in values {
        f.slots[*slot] = code.get(f);
    }
}

#[inline]
fn assign(f: &mut Frame, assigns: &[AssignCode]) {
    for assign in assigns {
        if truth(f, assign.condition.as_ref(), true) {
            put(f, &assign.values);
        }
    }
}

impl Walker<'_> {
    pub(super) fn process(
        &mut self,
        at: usize,
        p: &ProcessCode,
        table: u64,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        let program = self.program;
        let level = &program.levels[at];
        let above = &program.levels[at - 1];
        let born = self.frame.slots[above.day].map(|d| d as i64 - self.frame.world.calendar.start);
        let days = self.frame.world.calendar.days;
        // Days before the parent existed have no events; without memory, days before the first wanted one neither.
        let mut first = born.unwrap_or(0).max(0);
        if let (false, Some(from)) = (p.stateful, self.from) {
            first = first.max(from);
        }
        self.frame.key = table;
        self.frame.scope = table;
        put(&mut self.frame, &p.lookup);
        put(&mut self.frame, &p.state);
        let mut run = Run {
            free: i64::MIN,
            day_key: 0,
            day: 0,
            rows: 0,
            parent: self.frame.slots[above.number].unwrap_or(0),
            base: None,
        };
        for day in first..days {
            let mark = self.frame.mark();
            run.day = day;
            run.day_key = mix(table, day as u64);
            run.rows = 0;
            run.base = base(p, &run);
            self.frame.slots[level.day] = int(day + self.frame.world.calendar.start);
            self.frame.key = run.day_key;
            self.frame.scope = run.day_key;
            if truth(&mut self.frame, p.filter.as_ref(), true) {
                self.day_of(at, p, &mut run, sink)?;
            }
            if self.frame.failure.is_some() {
                return Err(self.failed(at));
            }
            if !p.keeps_text {
                self.frame.arena.truncate(mark);
            }
        }
        Ok(())
    }

    fn day_of(
        &mut self,
        at: usize,
        p: &ProcessCode,
        run: &mut Run,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        put(&mut self.frame, &p.lets);
        let count = p
            .count
            .as_ref()
            .map_or(Some(1), |c| c.get(&mut self.frame).map(|n| n as i64))
            .unwrap_or(0);
        if count > OCCURRENCES {
            self.frame.fail(format!(
                "each.count is {count}; more than {OCCURRENCES} occurrences a day are refused"
            ));
        }
        if self.frame.failure.is_some() {
            return Err(self.failed(at));
        }
        let midnight = (run.day + self.frame.world.calendar.start) * DAY;
        if count == 1 {
            let time = self.time(p, run, 1);
            self.occurrence(at, p, run, 1, midnight, time, sink)?;
        } else if count > 1 {
            let mut times = std::mem::take(&mut self.times);
            times.clear();
            times.extend((1..=count as u64).map(|i| self.time(p, run, i)));
            times.sort_unstable();
            for (i, time) in times.iter().enumerate() {
                self.occurrence(at, p, run, i as u64 + 1, midnight, *time, sink)?;
            }
            self.times = times;
        }
        self.frame.key = run.day_key;
        assign(&mut self.frame, &p.day_set_after);
        Ok(())
    }

    /// Microseconds after midnight at which the i-th occurrence would like to be.
    fn time(&mut self, p: &ProcessCode, run: &Run, i: u64) -> i64 {
        let key = mix(mix(run.day_key, TIMES), i);
        let f = &mut self.frame;
        f.key = key;
        let drawn = |w: &DayWindows| {
            let (start, length) = w.spans[w.shares.at(unit(mix(key, WINDOW)))];
            (start + libm::floor(unit(mix(key, WITHIN)) * length as f64) as i64) * SECOND
        };
        let (time, round) = match &p.at {
            AtCode::Midnight => return 0,
            AtCode::Expr(code) => {
                let midnight = (run.day + f.world.calendar.start) * DAY;
                return code.get(f).map_or(0, |t| t as i64 - midnight);
            }
            AtCode::Fixed(windows, _, round) => (drawn(windows), round),
            AtCode::Windows(code, _, round) => {
                let bits = code.get(f);
                match bits
                    .and_then(|b| f.world.json(b))
                    .and_then(|n| n.windows.as_ref())
                {
                    Some(windows) => (drawn(windows), round),
                    None => {
                        f.fail("at.windows: this is no list of {start, end, weight}");
                        return 0;
                    }
                }
            }
        };
        match round.as_ref().and_then(|c| c.get(f)).map(|u| u as i64) {
            Some(unit) if unit > 0 => time.div_euclid(unit) * unit,
            _ => time,
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the four levels of a process meet here"
    )]
    fn occurrence(
        &mut self,
        at: usize,
        p: &ProcessCode,
        run: &mut Run,
        nth: u64,
        midnight: i64,
        time: i64,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        let key = mix(run.day_key, nth);
        let nth_slot = self.program.levels[at].nth;
        let f = &mut self.frame;
        f.key = key;
        f.scope = run.day_key;
        f.slots[p.now] = int((midnight + time).max(run.free));
        f.slots[nth_slot] = Some(nth);
        f.slots[p.next_id] = packed(p, run, run.rows + 1);
        assign(f, &p.set);
        put(f, &p.each_lets);
        if let Some(row) = &p.row {
            self.emit(at, p, row, run, key, sink)?;
        }
        if let Some(repeat) = &p.repeat {
            self.turns(at, p, repeat, run, key, sink)?;
            self.frame.slots[nth_slot] = Some(nth);
            self.frame.key = key;
            self.frame.scope = run.day_key;
        }
        let f = &mut self.frame;
        assign(f, &p.set_after);
        if let AtCode::Fixed(_, Some(gap), _) | AtCode::Windows(_, Some(gap), _) = &p.at {
            let gap = gap.get(f).map_or(0, |g| g as i64);
            run.free = f.slots[p.now].map_or(0, |t| t as i64).saturating_add(gap);
        }
        if f.failure.is_some() {
            return Err(self.failed(at));
        }
        Ok(())
    }

    fn turns(
        &mut self,
        at: usize,
        p: &ProcessCode,
        repeat: &RepeatCode,
        run: &mut Run,
        occurrence: u64,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        let nth_slot = self.program.levels[at].nth;
        for turn in 1u64.. {
            let key = mix(occurrence, turn);
            let f = &mut self.frame;
            f.key = key;
            f.scope = occurrence;
            f.slots[nth_slot] = Some(turn);
            if !truth(f, repeat.condition.as_ref(), true) {
                break;
            }
            if turn > repeat.limit {
                f.fail(format!("`repeat` did not end within {} turns; raise `limit` or mend `while` and `stop`", repeat.limit));
                break;
            }
            assign(f, &repeat.set);
            put(f, &repeat.lets);
            if let Some(row) = &repeat.row {
                self.emit(at, p, row, run, key, sink)?;
            }
            let f = &mut self.frame;
            if let Some(advance) = &repeat.advance {
                let by = advance.get(f).map_or(0, |m| m as i64);
                f.slots[p.now] = f.slots[p.now].map(|t| (t as i64).saturating_add(by) as u64);
            }
            assign(f, &repeat.set_after);
            if truth(f, repeat.stop.as_ref(), false) || f.failure.is_some() {
                break;
            }
        }
        if self.frame.failure.is_some() {
            Err(self.failed(at))
        } else {
            Ok(())
        }
    }

    fn emit(
        &mut self,
        at: usize,
        p: &ProcessCode,
        row: &RowCode,
        run: &mut Run,
        key: u64,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        let level = &self.program.levels[at];
        run.rows += 1;
        if self.from.is_some_and(|from| run.day < from) && at == self.depth {
            // A row of the past: nobody takes it, and its values have no effect on what follows.
            self.frame.slots[p.next_id] = packed(p, run, run.rows + 1);
            return Ok(());
        }
        put(&mut self.frame, &row.computed);
        // Where the row's values are only loaded, they need not be in the columns' own slots.
        let out = if at < self.depth || sink.by_column() {
            for (slot, from) in &row.copied {
                self.frame.slots[*slot] = self.frame.slots[*from];
            }
            None
        } else {
            Some(row.out.as_slice())
        };
        let number = packed(p, run, run.rows);
        let used = || at < self.depth || level.columns.iter().any(|c| c.slot == level.number);
        if number.is_none() && used() {
            let [d, w, n] = p.bits;
            let part = if run.parent >= 1 << w {
                format!("parent {} does not fit {w} bits", run.parent)
            } else if run.rows >= 1 << n {
                format!("row {} of the day does not fit {n} bits", run.rows)
            } else {
                format!("day {} does not fit {d} bits", run.day)
            };
            self.frame.fail(format!(
                "the id overflows: {part}; widen it with `bits: [day, parent, number]`"
            ));
        }
        self.frame.slots[level.number] = number;
        let nth = self.frame.slots[level.nth];
        self.finish(at, key, out, sink)?;
        // Children use the key and scope for their own draws.
        self.frame.key = key;
        self.frame.slots[level.nth] = nth;
        self.frame.slots[p.next_id] = packed(p, run, run.rows + 1);
        Ok(())
    }
}

/// Day and parent in one, with room for the number.
fn base(p: &ProcessCode, run: &Run) -> Option<u64> {
    let [day, parent, nth] = p.bits;
    let fits = (run.day as u64) < 1 << day && run.parent < 1 << parent;
    fits.then(|| (run.day as u64) << (parent + nth) | run.parent << nth)
}

/// Day, parent and number in one.
#[inline]
fn packed(p: &ProcessCode, run: &Run, number: u64) -> Option<u64> {
    run.base
        .filter(|_| number >> p.bits[2] == 0)
        .map(|base| base | number)
}
