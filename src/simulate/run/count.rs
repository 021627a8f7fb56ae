//! Counts the rows of a level before they are made, where consecutive numbers need it.
//!
//! Numbers run by day first (the stock, then each day), then in the order of the root's rows. So adding days never
//! moves a number, and the chunks in which rows are made do not matter.
use super::{Failure, Row, RowSink, Walker, root_rows};
use crate::simulate::frame::{Frame, Totals};
use crate::simulate::program::Program;
use crate::simulate::world::World;
use std::ops::Range;
use std::sync::Arc;

/// Where the next row of each day class of a level gets its number from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ordinals {
    /// By day class.
    pub next: Vec<u64>,
    /// Whether rows are only counted.
    pub counting: bool,
}

/// What was counted for a program and its chunks.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Rows before each day class, by level.
    pub totals: Vec<Option<Arc<Totals>>>,
    /// Where each chunk starts, by chunk and level.
    pub starts: Vec<Vec<Option<Ordinals>>>,
}

struct Nothing;

impl RowSink for Nothing {
    fn row(&mut self, _: &mut Frame, _: Row<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Cuts the root's rows into ranges of this size.
pub fn chunks(program: &Program, world: &World, size: u64) -> Vec<Range<u64>> {
    let rows = root_rows(program, world);
    (0..rows.div_ceil(size.max(1)))
        .map(|i| i * size..((i + 1) * size).min(rows))
        .collect()
}

/// Counts what must be counted, level by level, on as many threads.
///
/// # Errors
/// When a count cannot be computed.
pub fn count(
    program: &Program,
    world: &Arc<World>,
    chunks: &[Range<u64>],
    threads: usize,
) -> Result<Counts, Failure> {
    let levels = program.levels.len();
    let classes = world.calendar.days as usize + 1;
    let mut counts = Counts {
        totals: vec![None; levels],
        starts: vec![vec![None; levels]; chunks.len()],
    };
    for (at, level) in program.levels.iter().enumerate() {
        if !level.counted {
            continue;
        }
        let counted = crate::simulate::run::parallel(chunks.len(), threads, |i| {
            let mut ordinals = counts.starts[i].clone();
            ordinals[at] = Some(Ordinals {
                next: vec![0; classes],
                counting: true,
            });
            let mut walker = Walker::new(program, world, &counts.totals, ordinals);
            walker.depth = at;
            walker.range(chunks[i].clone(), &mut Nothing)?;
            Ok(walker.ordinals[at].take().unwrap_or_default().next)
        })?;
        let mut running = vec![0u64; classes];
        for (i, chunk) in counted.into_iter().enumerate() {
            counts.starts[i][at] = Some(Ordinals {
                next: running.clone(),
                counting: false,
            });
            running.iter_mut().zip(chunk).for_each(|(sum, n)| *sum += n);
        }
        let mut before = Vec::with_capacity(classes + 1);
        let mut sum = 0;
        for n in running {
            before.push(sum);
            sum += n;
        }
        before.push(sum);
        counts.totals[at] = Some(Arc::new(Totals { before }));
    }
    Ok(counts)
}
