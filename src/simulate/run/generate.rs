//! Makes a whole table on several threads, each with a sink of its own.
use super::count::Counts;
use super::{Failure, RowSink, Walker};
use crate::simulate::program::Program;
use crate::simulate::world::World;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What came of it.
#[derive(Debug)]
pub struct Made<S> {
    /// The sinks, one a thread.
    pub sinks: Vec<S>,
    /// Counts of chosen values.
    pub tally: Vec<u64>,
}

/// Makes all rows from a day on (all days without one). Chunks are taken in order; each thread keeps its sink.
///
/// # Errors
/// The first failure; all threads stop at their next row.
pub fn generate<S: RowSink + Send>(
    program: &Program,
    world: &Arc<World>,
    counts: &Counts,
    chunks: &[Range<u64>],
    from: Option<i64>,
    sinks: Vec<S>,
) -> Result<Made<S>, Failure> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failure: Mutex<Option<Failure>> = Mutex::new(None);
    let done: Mutex<Vec<(usize, S)>> = Mutex::new(Vec::new());
    let tally: Mutex<Vec<u64>> = Mutex::new(vec![0; program.tally_slots]);
    std::thread::scope(|scope| {
        for (thread, mut sink) in sinks.into_iter().enumerate() {
            let (next, stop, failure, done, tally) = (&next, &stop, &failure, &done, &tally);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(chunk) = chunks.get(i) else { break };
                    let mut walker = Walker::new(program, world, &counts.totals, counts.starts[i].clone());
                    walker.from = from;
                    let result = walker.range(chunk.clone(), &mut sink);
                    if let Ok(mut all) = tally.lock() {
                        all.iter_mut().zip(&walker.frame.tally).for_each(|(sum, n)| *sum += n);
                    }
                    if let Err(f) = result {
                        stop.store(true, Ordering::Relaxed);
                        if let Ok(mut first) = failure.lock() {
                            first.get_or_insert(f);
                        }
                    }
                }
                if let Ok(mut all) = done.lock() {
                    all.push((thread, sink));
                }
            });
        }
    });
    if let Some(f) = failure.into_inner().unwrap_or_default() {
        return Err(f);
    }
    let mut sinks = done.into_inner().unwrap_or_default();
    sinks.sort_by_key(|s| s.0);
    Ok(Made { sinks: sinks.into_iter().map(|s| s.1).collect(), tally: tally.into_inner().unwrap_or_default() })
}
