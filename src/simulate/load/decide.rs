//! What a run must do, from what the ledger says.
use super::{Action, Entry, id_column};
use crate::simulate::calendar;
use crate::simulate::inputs::Inputs;
use crate::simulate::program::{LevelKind, Program};
use crate::simulate::project::{Options, Simulation};

/// How many days the table is to hold. One that reaches further than asked keeps its days, unless all is made anew.
pub(super) fn days(options: &Options, entry: Option<&Entry>) -> u32 {
    match entry {
        Some(entry) if !options.full_refresh && entry.start == options.start => {
            options.days.max(entry.days(&options.start))
        }
        _ => options.days,
    }
}

/// What must be done, from what the ledger says.
pub(super) fn decide(
    simulation: &Simulation,
    program: &Program,
    entry: Option<&Entry>,
    options: &Options,
    inputs: &Inputs,
) -> Action {
    let build = |why: &str| Action::Build(why.to_string());
    let Some(entry) = entry else {
        return build("it is not in the ledger");
    };
    if options.full_refresh {
        return build("a full refresh was asked for");
    }
    if !entry.exists {
        return build("its table is gone");
    }
    let moved = entry.spec_hash != simulation.spec_hash;
    let changed = entry.inputs.changed(inputs, moved);
    if moved {
        return build(
            &changed
                .unwrap_or_else(|| "the order of its columns, or tv1's rules, have changed".into()),
        );
    }
    if let Some(changed) = changed {
        return build(&changed);
    }
    if entry.seed != options.seed.to_string() {
        return build("the seed has changed");
    }
    if entry.start != options.start {
        return build("the first day has changed");
    }
    if entry.until >= options.until() || !grows(program) {
        return if entry.unfinished {
            Action::Repair
        } else {
            Action::Keep
        };
    }
    if id_column(simulation, program).is_none() {
        return build("more days were asked for, and without an id they cannot be told apart");
    }
    Action::Extend(after(&entry.until))
}

fn after(day: &str) -> String {
    calendar::parse_date(day).map_or_else(String::new, |d| calendar::date_text(d + 1))
}

/// Whether later days bring rows.
fn grows(program: &Program) -> bool {
    program.levels.iter().any(|l| {
        matches!(
            &l.kind,
            LevelKind::Process(_)
                | LevelKind::Entity {
                    arrivals: Some(_),
                    ..
                }
        )
    })
}
