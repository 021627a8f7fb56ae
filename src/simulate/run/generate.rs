//! Makes a whole table on several threads, each with a sink of its own.
use super::count::Counts;
use super::{Failure, RowSink, Walker};
use crate::simulate::program::Program;
use crate::simulate::world::World;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The work that threads share: chunks of the root's rows, taken in order.
pub struct Work<'w> {
    program: &'w Program,
    world: &'w Arc<World>,
    counts: &'w Counts,
    chunks: &'w [Range<u64>],
    from: Option<i64>,
    next: AtomicUsize,
    /// Chunks under way.
    active: AtomicUsize,
    stop: AtomicBool,
    failure: Mutex<Option<Failure>>,
    tally: Mutex<Vec<u64>>,
}

impl<'w> Work<'w> {
    /// All rows from a day on (all days without one).
    pub fn new(
        program: &'w Program,
        world: &'w Arc<World>,
        counts: &'w Counts,
        chunks: &'w [Range<u64>],
        from: Option<i64>,
    ) -> Self {
        Self {
            tally: Mutex::new(vec![0; program.tally_slots]),
            next: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
            program,
            world,
            counts,
            chunks,
            from,
        }
    }

    /// Ends the work on all threads at their next chunk.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether some thread has ended the work.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// About which part of the work is done, from 0 to 1; none before anything can be said. A chunk under way counts
    /// half.
    pub fn done(&self) -> Option<f64> {
        let taken = self.next.load(Ordering::Relaxed).min(self.chunks.len()) as f64;
        let active = self.active.load(Ordering::Relaxed) as f64;
        let part = (taken - active / 2.0) / self.chunks.len().max(1) as f64;
        (taken > active && part > 0.0).then(|| part.min(1.0))
    }

    /// Takes chunks until there are none left; called on each thread with its own sink.
    ///
    /// # Errors
    /// The failure on this thread.
    pub fn run(&self, sink: &mut dyn RowSink) -> Result<(), Failure> {
        while !self.stopped() {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = self.chunks.get(i) else {
                break;
            };
            let mut walker = Walker::new(
                self.program,
                self.world,
                &self.counts.totals,
                self.counts.starts[i].clone(),
            );
            walker.from = self.from;
            self.active.fetch_add(1, Ordering::Relaxed);
            let result = walker.range(chunk.clone(), sink);
            self.active.fetch_sub(1, Ordering::Relaxed);
            if let Ok(mut all) = self.tally.lock() {
                all.iter_mut()
                    .zip(&walker.frame.tally)
                    .for_each(|(sum, n)| *sum += n);
            }
            if let Err(f) = result {
                self.stop();
                if let Ok(mut first) = self.failure.lock() {
                    first.get_or_insert(f.clone());
                }
                return Err(f);
            }
        }
        Ok(())
    }

    /// The counts of chosen values, when all threads are done.
    ///
    /// # Errors
    /// The first failure on any thread.
    pub fn finish(&self) -> Result<Vec<u64>, Failure> {
        match self.failure.lock().ok().and_then(|f| f.clone()) {
            Some(f) => Err(f),
            None => Ok(self.tally.lock().map(|t| t.clone()).unwrap_or_default()),
        }
    }
}
