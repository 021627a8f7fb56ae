//! Makes the rows on several threads and sends each thread's through its own binary COPY.
use super::{Job, Stage, refused};
use crate::diag::{Result, Stopped};
use crate::pg::{PgError, Session, quote_ident};
use crate::simulate::copy::{self, BLOCK, Block, Digest};
use crate::simulate::faults::{COLUMNS, Injector};
use crate::simulate::frame::Frame;
use crate::simulate::program::LevelKind;
use crate::simulate::run::{self, Counts, Failure, Row, RowSink, Work};
use crate::simulate::watch::Watches;
use crate::simulate::world::World;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Tables of fewer root rows than this, without a process, are not worth a second connection.
const SMALL: u64 = 20_000;

/// What was loaded.
pub struct Filled {
    /// The digest of the new rows.
    pub digest: Digest,
    /// Counts of chosen values.
    pub tally: Vec<u64>,
    /// What was seen of the values.
    pub watches: Watches,
    /// Rows that were counted before they were made, where that was needed.
    pub counted: Option<u64>,
    /// Rows that the database took.
    pub taken: u64,
    /// Rows of the table of faults, encoded, where the file declares faults.
    pub faults: Option<Vec<u8>>,
    /// Whether rows come twice on purpose.
    pub duplicates: bool,
}

/// What a thread loaded.
struct Part {
    digest: Digest,
    /// Faults it put in.
    faults: Vec<u8>,
    watches: Watches,
    /// Rows that the database took.
    taken: u64,
}

type Send<'s> = &'s mut dyn FnMut(&mut Vec<u8>) -> Result<(), PgError>;

/// Encodes rows into blocks and sends them.
struct CopySink<'s> {
    block: Block,
    send: Send<'s>,
    digest: Digest,
    injector: Option<Injector>,
    watches: Watches,
    error: Option<PgError>,
    rows: &'s AtomicU64,
    told: u64,
    tell: &'s (dyn Fn(u64) + Sync),
    cancelled: &'s AtomicBool,
}

impl CopySink<'_> {
    fn flush(&mut self) -> Result<(), Failure> {
        self.block.digest(&mut self.digest);
        self.send()
    }

    /// Sends what is in the block, all of whose rows are in the digest.
    fn send(&mut self) -> Result<(), Failure> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Failure::new("cancelled"));
        }
        let sent = (self.send)(&mut self.block.bytes);
        let new = self.digest.rows - self.told;
        self.told = self.digest.rows;
        (self.tell)(self.rows.fetch_add(new, Ordering::Relaxed) + new);
        sent.map_err(|e| {
            let message = e.message.clone();
            self.error = Some(e);
            Failure::new(message)
        })
    }
}

impl RowSink for CopySink<'_> {
    #[inline]
    fn row(&mut self, frame: &mut Frame, row: Row<'_>) -> Result<(), Failure> {
        self.watches.note(frame);
        match &mut self.injector {
            None => self.block.add(row.out, frame),
            Some(injector) => {
                let start = self.block.bytes.len();
                let bytes = &mut self.block.bytes;
                let times = injector.encode(bytes, row.out, frame, row.key);
                self.block.added(start, times as usize);
            }
        }
        if self.block.bytes.len() >= BLOCK {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn by_column(&self) -> bool {
        self.injector.is_some()
    }
}

impl Job<'_> {
    /// The ranges of the root's rows that threads take in turn.
    pub(super) fn chunks(&self, world: &World) -> Vec<Range<u64>> {
        let rows = run::root_rows(self.program, world);
        let process = self
            .program
            .levels
            .iter()
            .any(|l| matches!(l.kind, LevelKind::Process(_)));
        let size = if rows < SMALL && !process {
            rows
        } else {
            (rows / (self.options.threads as u64 * 16)).clamp(1, 65_536)
        };
        run::chunks(self.program, world, size)
    }

    /// Makes and sends all rows, or those from a day on.
    pub(super) fn fill(
        &self,
        world: &Arc<World>,
        relation: &str,
        from: Option<i64>,
    ) -> Result<Filled> {
        let failed = |f: Failure| self.simulations.failure(self.program, f);
        let chunks = self.chunks(world);
        self.tell(Stage::Counting, 0, None);
        let counts =
            run::count(self.program, world, &chunks, self.options.threads).map_err(failed)?;
        let counted = self.counted(world, &counts, from);
        self.tell(Stage::Loading, 0, counted);
        let work = Work::new(self.program, world, &counts, &chunks, from);
        let rows = AtomicU64::new(0);
        let results: Mutex<Vec<Result<Part>>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.options.threads.clamp(1, chunks.len().max(1)) {
                scope.spawn(|| {
                    let result = self.worker(&work, relation, &rows, counted);
                    if result.is_err() {
                        work.stop();
                    }
                    if let Ok(mut all) = results.lock() {
                        all.push(result);
                    }
                });
            }
        });
        let spec = &self.simulations.specs[self.program.table];
        let mut filled = Filled {
            digest: Digest::default(),
            tally: Vec::new(),
            watches: Watches::new(spec, self.program),
            counted,
            taken: 0,
            faults: Some(Vec::new()),
            duplicates: false,
        };
        let mut stopped: Option<Stopped> = None;
        for result in results.into_inner().unwrap_or_default() {
            match result {
                Ok(part) => {
                    filled.digest.merge(part.digest);
                    filled.watches.merge(&part.watches);
                    filled.taken += part.taken;
                    if let Some(all) = &mut filled.faults {
                        all.extend(part.faults);
                    }
                }
                // An empty one only followed another thread's failure.
                Err(e) if stopped.as_ref().is_none_or(|s| s.0.is_empty()) => stopped = Some(e),
                Err(_) => {}
            }
        }
        filled.tally = work.finish().map_err(failed)?;
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        if let Some(faults) = &spec.faults {
            filled.duplicates = faults.duplicate > 0.0;
        } else {
            filled.faults = None;
        }
        Ok(filled)
    }

    /// How many rows there will be, where that is known before they are made.
    fn counted(&self, world: &World, counts: &Counts, from: Option<i64>) -> Option<u64> {
        let first_class = from.map_or(0, |d| d + 1) as usize;
        match self.program.levels.as_slice() {
            [only] => {
                let earlier = match (from, world.arrivals.get(only.table)) {
                    (Some(day), Some(Some(a))) => a.on(day.checked_sub(1).filter(|d| *d >= 0)),
                    _ => 0,
                };
                Some(run::root_rows(self.program, world).saturating_sub(earlier))
            }
            _ => {
                let total = counts.totals.last()?.as_ref()?;
                Some(total.before.last()? - total.before.get(first_class)?)
            }
        }
    }

    fn worker(
        &self,
        work: &Work<'_>,
        relation: &str,
        rows: &AtomicU64,
        counted: Option<u64>,
    ) -> Result<Part> {
        let failed = refused(self.simulation);
        let columns: Vec<String> = self
            .program
            .out
            .iter()
            .map(|o| quote_ident(&o.name))
            .collect();
        let sql = format!(
            "copy {relation} ({}) from stdin with (format binary)",
            columns.join(", ")
        );
        let mut session = (self.around.connect)()?;
        let mut copy = session.copy_in(&sql).map_err(&failed)?;
        let spec = &self.simulations.specs[self.program.table];
        let id = spec
            .columns
            .iter()
            .find(|c| c.primary_key)
            .map(|c| c.name.text.as_str());
        // Where the number is not known, the part of the work that is done gives it about.
        let tell = |n: u64| {
            let about = || Some((n as f64 / work.done()?) as u64);
            self.tell(Stage::Loading, n, counted.or_else(about));
        };
        let mut send = |block: &mut Vec<u8>| copy.send_all(block);
        let mut sink = CopySink {
            block: Block::default(),
            send: &mut send,
            digest: Digest::default(),
            injector: spec
                .faults
                .as_ref()
                .map(|f| Injector::new(self.program, f, id)),
            watches: Watches::new(spec, self.program),
            error: None,
            rows,
            told: 0,
            tell: &tell,
            cancelled: self.around.cancelled,
        };
        sink.block.bytes.extend_from_slice(copy::HEADER);
        let mut result = work.run(&mut sink);
        if result.is_ok() && !work.stopped() {
            sink.block.digest(&mut sink.digest);
            sink.block.bytes.extend_from_slice(&copy::TRAILER);
            result = sink.send();
        }
        let (digest, error, watches) = (sink.digest, sink.error, sink.watches);
        let faults = sink.injector.map(|i| i.list).unwrap_or_default();
        if let Some(e) = error {
            copy.abort();
            return Err(failed(e));
        }
        match result {
            Ok(()) if !work.stopped() => {
                let taken = copy.finish().map_err(&failed)?;
                Ok(Part {
                    digest,
                    faults,
                    watches,
                    taken,
                })
            }
            Ok(()) => {
                copy.abort();
                Err(Stopped(Vec::new()))
            }
            Err(f) => {
                copy.abort();
                Err(self.simulations.failure(self.program, f))
            }
        }
    }

    /// Fills the table of faults, emptied first or added to with more days, in the transaction that publishes the rows.
    pub(super) fn list_faults(
        &self,
        session: &mut Session,
        filled: &Filled,
        anew: bool,
    ) -> Result<()> {
        let Some(list) = &filled.faults else {
            return Ok(());
        };
        let failed = refused(self.simulation);
        let relation = format!(
            "{}.{}",
            quote_ident(&self.schema),
            quote_ident(&format!("{}__faults", self.table))
        );
        let columns: Vec<String> = COLUMNS.iter().map(|(n, t)| format!("{n} {t}")).collect();
        let mut sql = format!(
            "create table if not exists {relation} ({})",
            columns.join(", ")
        );
        if anew {
            sql += &format!("; truncate {relation}");
        }
        session.execute(&sql).map_err(&failed)?;
        let mut copy = session
            .copy_in(&format!("copy {relation} from stdin with (format binary)"))
            .map_err(&failed)?;
        let sent = [copy::HEADER, list, &copy::TRAILER]
            .into_iter()
            .try_for_each(|part| copy.send(part));
        sent.map_err(&failed)?;
        copy.finish().map_err(&failed).map(drop)
    }
}
