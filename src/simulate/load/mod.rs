//! Brings a simulation into PostgreSQL: whole, as more days, or not at all when nothing has changed.
//!
//! A whole table is made beside the old one, checked, and put in its place in one transaction. More days are added
//! to the table as it stands; what an interrupted run left of them is removed first. The ledger
//! `tv1.simulations` says what every table was made from.
mod check;
mod decide;
mod fill;
mod ledger;
mod swap;

pub use check::Check;
pub use ledger::Entry;

use super::host::Host;
use super::inputs::Inputs;
use super::program::{LevelKind, Program};
use super::project::{Options, Simulation, Simulations};
use super::run::{self, Counts};
use super::world::World;
use crate::diag::{Result, Stopped};
use crate::pg::{PgError, Session, quote_ident};
use crate::text::Place;
use decide::{days, decide};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// What a run does to a simulation's table, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Made whole, for this reason.
    Build(String),
    /// Days were added, from this one on.
    Extend(String),
    /// Days that a broken run had begun to add were removed; otherwise it is as it should be.
    Repair,
    /// Nothing: it is as it should be.
    Keep,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Rows that need consecutive numbers are counted.
    Counting,
    /// Rows are made and sent.
    Loading,
    /// Keys and indexes are built.
    Indexing,
    /// Checks run.
    Checking,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The simulation.
    pub simulation: &'a str,
    /// What happens now.
    pub stage: Stage,
    /// Rows sent.
    pub rows: u64,
    /// Rows there will be, as far as known.
    pub expected: Option<u64>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The simulation.
    pub name: String,
    /// What was done.
    pub action: Action,
    /// Rows in the table.
    pub rows: u64,
    /// Rows added by this run.
    pub added: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// The digest of all rows, whatever their order.
    pub digest: String,
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
    /// What was checked.
    pub checks: Vec<Check>,
}

/// Opens a session; called on the thread that uses it.
pub type Connect<'a> = &'a (dyn Fn() -> Result<Session> + Sync);

/// Listens to the progress.
pub type Listen<'a> = &'a (dyn Fn(Progress<'_>) + Sync);

/// What a run needs besides the options.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The project.
    pub host: &'a dyn Host,
    /// The database.
    pub connect: Connect<'a>,
    /// Who is told how far it is.
    pub listen: Listen<'a>,
    /// Set when the run is to end.
    pub cancelled: &'a AtomicBool,
}

/// A database error as a diagnostic about a simulation.
fn refused(simulation: &Simulation) -> impl Fn(PgError) -> Stopped + '_ {
    move |e| {
        let mut d = e.diagnostic(None, None);
        d.message = format!("{}: {}", simulation.name, d.message);
        d.at(simulation.place.clone()).into()
    }
}

/// One simulation on its way into its table.
struct Job<'a> {
    simulations: &'a Simulations,
    simulation: &'a Simulation,
    program: &'a Program,
    options: &'a Options,
    around: Surroundings<'a>,
    /// What the rows are made from.
    inputs: Inputs,
    schema: String,
    table: String,
}

impl Simulations {
    /// What a run would do to each simulation, in the order of the files.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn plan(
        &self,
        session: &mut Session,
        options: &Options,
        host: &dyn Host,
    ) -> Result<Vec<(String, Action)>> {
        let mut out = Vec::new();
        for simulation in &self.list {
            let (schema, table) = host.target(&simulation.name, simulation.schema.as_deref());
            let entry = ledger::read(session, &schema, &table).map_err(refused(simulation))?;
            let program = self.program(&simulation.name)?;
            let inputs = simulation.inputs_now(host)?;
            out.push((
                simulation.name.clone(),
                decide(simulation, &program, entry.as_ref(), options, &inputs),
            ));
        }
        Ok(out)
    }

    /// Brings one simulation's table to where it should be. Simulations it reads are recomputed, never read back.
    ///
    /// # Errors
    /// When rows cannot be made or loaded or a check fails; the table is then as it was before.
    pub fn run_one(
        &self,
        name: &str,
        options: &Options,
        around: Surroundings<'_>,
    ) -> Result<Loaded> {
        let begin = Instant::now();
        let program = self.program(name)?;
        let Some(simulation) = self.find(name) else {
            return Err(Stopped(Vec::new()));
        };
        let (schema, table) = around.host.target(name, simulation.schema.as_deref());
        let mut session = (around.connect)()?;
        ledger::alone(&mut session, &schema, &table).map_err(refused(simulation))?;
        let entry = ledger::read(&mut session, &schema, &table).map_err(refused(simulation))?;
        if entry.is_none() {
            swap::free(&mut session, simulation, options, &schema, &table)?;
        }
        let inputs = simulation.inputs_now(around.host)?;
        let action = decide(simulation, &program, entry.as_ref(), options, &inputs);
        let options = &Options {
            days: days(options, entry.as_ref()),
            ..options.clone()
        };
        if !matches!(action, Action::Build(_)) {
            swap::Fresh::sweep(&mut session, &schema, &table).map_err(refused(simulation))?;
        }
        let job = Job {
            simulations: self,
            simulation,
            program: &program,
            options,
            around,
            inputs,
            schema,
            table,
        };
        let mut loaded = match (&action, entry) {
            (Action::Repair, Some(entry)) => job.repair(&mut session, &entry)?,
            (Action::Keep, Some(entry)) => job.keep(&mut session, &entry)?,
            (Action::Extend(_), Some(entry)) => job.extend(&mut session, &entry)?,
            _ => job.build(&mut session)?,
        };
        loaded.action = action;
        loaded.seconds = begin.elapsed().as_secs_f64();
        Ok(loaded)
    }
}

/// The loaded column that holds the row's number.
fn id_column(simulation: &Simulation, program: &Program) -> Option<String> {
    let level = program.levels.last()?;
    let made = level.columns.iter().find(|c| {
        c.slot == level.number || (c.needs.len() == 1 && c.needs.contains(&level.number))
    });
    let name = made.map(|c| c.name.clone())?;
    simulation
        .columns
        .iter()
        .any(|c| c.name == name && c.data_type == "bigint")
        .then_some(name)
}

/// The smallest number of a row of this day or later, at a level.
fn first_number(
    program: &Program,
    world: &World,
    counts: &Counts,
    at: usize,
    day: i64,
) -> Option<u64> {
    let level = &program.levels[at];
    match &level.kind {
        LevelKind::Entity { .. } => {
            let arrivals = world.arrivals.get(level.table)?.as_ref()?;
            Some(arrivals.on(if day == 0 { None } else { Some(day - 1) }) + 1)
        }
        LevelKind::Host { .. } => None,
        LevelKind::Per { bits: None, .. } => {
            let totals = counts.totals.get(at)?.as_ref()?;
            Some(totals.before.get((day + 1) as usize)? + 1)
        }
        LevelKind::Per {
            bits: Some(bits), ..
        } => {
            let parent = first_number(program, world, counts, at.checked_sub(1)?, day)?;
            Some(parent << bits)
        }
        LevelKind::Process(process) => Some((day as u64) << (process.bits[1] + process.bits[2])),
    }
}

impl Job<'_> {
    fn relation(&self) -> String {
        format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.table))
    }

    fn place(&self) -> Place {
        self.simulation.place.clone()
    }

    fn tell(&self, stage: Stage, rows: u64, expected: Option<u64>) {
        (self.around.listen)(Progress {
            simulation: &self.simulation.name,
            stage,
            rows,
            expected,
        });
    }

    fn world(&self) -> Result<Arc<World>> {
        self.simulations
            .world(self.program, self.options, self.around.host)
    }

    fn loaded(&self, rows: u64, added: u64, digest: String, checks: Vec<Check>) -> Loaded {
        Loaded {
            name: self.simulation.name.clone(),
            action: Action::Keep,
            rows,
            added,
            seconds: 0.0,
            digest,
            until: self.options.until(),
            checks,
        }
    }

    /// Nothing to do but to note that the table reaches further.
    fn keep(&self, session: &mut Session, entry: &Entry) -> Result<Loaded> {
        if entry.until < self.options.until() {
            let entry = Entry {
                until: self.options.until(),
                ..entry.clone()
            };
            ledger::write(session, &self.schema, &self.table, &entry)
                .map_err(refused(self.simulation))?;
        }
        let mut loaded = self.loaded(entry.rows, 0, entry.digest.clone(), Vec::new());
        loaded
            .until
            .clone_from(&entry.until.clone().max(loaded.until.clone()));
        Ok(loaded)
    }

    /// Removes what a run left that broke off while it added days.
    fn repair(&self, session: &mut Session, entry: &Entry) -> Result<Loaded> {
        let world = self.world()?;
        let from = world.calendar.day_of(&entry.until) + 1;
        let Some(leftovers) = self.leftovers(&world, from)? else {
            return self.build(session);
        };
        self.remove(session, &leftovers)?;
        ledger::write(session, &self.schema, &self.table, entry)
            .map_err(refused(self.simulation))?;
        self.keep(session, entry)
    }

    /// The statement that removes all rows of a day and later; none where they cannot be told apart.
    fn leftovers(&self, world: &Arc<World>, from: i64) -> Result<Option<String>> {
        let chunks = self.chunks(world);
        let counts = run::count(self.program, world, &chunks, self.options.threads)
            .map_err(|f| self.simulations.failure(self.program, f))?;
        let level = self.program.levels.len() - 1;
        let first = first_number(self.program, world, &counts, level, from);
        let id = id_column(self.simulation, self.program);
        Ok(first.zip(id).map(|(first, id)| {
            format!(
                "delete from {} where {} >= {first}",
                self.relation(),
                quote_ident(&id)
            )
        }))
    }

    /// Runs that statement when no other session is writing into the table any more: those of a killed run may still
    /// be at it.
    fn remove(&self, session: &mut Session, leftovers: &str) -> Result<()> {
        let failed = refused(self.simulation);
        session.begin().map_err(&failed)?;
        let lock = format!("lock table {} in share row exclusive mode", self.relation());
        let done = session
            .execute(&lock)
            .and_then(|_| session.execute(leftovers))
            .and_then(|_| session.commit());
        done.map_err(|e| {
            let _ = session.rollback();
            failed(e)
        })
    }

    /// Makes the table whole, beside the old one.
    fn build(&self, session: &mut Session) -> Result<Loaded> {
        let failed = refused(self.simulation);
        let world = self.world()?;
        ledger::create(session).map_err(&failed)?;
        let new = swap::Fresh::create(session, self).map_err(&failed)?;
        let made = self.fill(&world, &new.relation(), None).and_then(|filled| {
            self.tell(
                Stage::Indexing,
                filled.digest.rows,
                Some(filled.digest.rows),
            );
            new.index(session, self, &filled).map_err(&failed)?;
            self.tell(
                Stage::Checking,
                filled.digest.rows,
                Some(filled.digest.rows),
            );
            let checks = self.checks(session, &new.relation(), &filled)?;
            let entry = self.entry(filled.digest);
            new.publish(session, self, &filled, &entry)?;
            Ok(self.loaded(
                filled.digest.rows,
                filled.digest.rows,
                filled.digest.text(),
                checks,
            ))
        });
        if made.is_err() {
            new.drop(session);
        }
        made
    }

    /// Adds days to the table as it stands.
    fn extend(&self, session: &mut Session, entry: &Entry) -> Result<Loaded> {
        let failed = refused(self.simulation);
        let world = self.world()?;
        let from = world.calendar.day_of(&entry.until) + 1;
        let Some(leftovers) = self.leftovers(&world, from)? else {
            return self.build(session);
        };
        ledger::begin_adding(session, &self.schema, &self.table).map_err(&failed)?;
        self.remove(session, &leftovers)?;
        let result = self
            .fill(&world, &self.relation(), Some(from))
            .and_then(|filled| {
                self.tell(
                    Stage::Checking,
                    filled.digest.rows,
                    Some(filled.digest.rows),
                );
                let checks = self.checks(session, &self.relation(), &filled)?;
                let mut all = entry.digest();
                all.merge(filled.digest);
                session.begin().map_err(&failed)?;
                self.list_faults(session, &filled, false)?;
                ledger::write(session, &self.schema, &self.table, &self.entry(all))
                    .map_err(&failed)?;
                session.commit().map_err(&failed)?;
                Ok(self.loaded(all.rows, filled.digest.rows, all.text(), checks))
            });
        if result.is_err() {
            let _ = session.rollback();
            // The ledger still names the old last day, so even if this fails too the next run repairs it.
            if self.remove(session, &leftovers).is_ok() {
                let _ = ledger::write(session, &self.schema, &self.table, entry);
            }
        }
        result
    }

    fn entry(&self, digest: super::Digest) -> Entry {
        Entry {
            name: self.simulation.name.clone(),
            seed: self.options.seed.to_string(),
            spec_hash: self.simulation.spec_hash.clone(),
            start: self.options.start.clone(),
            until: self.options.until(),
            rows: digest.rows,
            digest: digest.text(),
            inputs: self.inputs.clone(),
            unfinished: false,
            exists: true,
        }
    }
}
