//! Looks at a simulation without a database: its first rows, or a profile of every column.
use super::copy::{self, BLOCK, Block, Digest};
use super::frame::Frame;
use super::host::Host;
use super::program::Program;
use super::project::{Options, Simulations};
use super::run::{self, Failure, Row, RowSink, Walker, Work};
use super::value::{SqlType, Type, as_float};
use super::watch::Watches;
use super::{calendar, compile};
use crate::diag::Result;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The first rows of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Column names and types.
    pub columns: Vec<(String, String)>,
    /// Rows as text, null as none.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A column in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: String,
    /// Rows with a value.
    pub filled: u64,
    /// Rows without.
    pub nulls: u64,
    /// The most frequent values with their counts, most frequent first; empty when nearly all differ.
    pub values: Vec<(String, u64)>,
    /// How many different values; none when there are more than were kept apart.
    pub distinct: Option<u64>,
    /// Smallest, mean and largest of numbers and times, as text.
    pub range: Option<[String; 3]>,
    /// Smallest and largest value that the declared draw can give, as text.
    pub declared: Option<[String; 2]>,
    /// Counts in ten equal steps from the smallest to the largest.
    pub histogram: Vec<u64>,
    /// Declared shares beside the shares found: branch, value, expected, found.
    pub shares: Vec<(String, String, f64, f64)>,
}

const ENOUGH: &str = "enough";
/// Different values kept apart for a profile.
const KEPT: usize = 5000;
/// Rows profiled at most.
const PROFILED: u64 = 200_000;

struct First {
    limit: usize,
    rows: Vec<Vec<Option<String>>>,
}

impl RowSink for First {
    fn row(&mut self, frame: &mut Frame, row: Row<'_>) -> std::result::Result<(), Failure> {
        if self.rows.len() >= self.limit {
            return Err(Failure::new(ENOUGH));
        }
        let row = row
            .out
            .iter()
            .map(|o| copy::shown(o.sql, frame.slots[o.slot], frame))
            .collect();
        self.rows.push(row);
        Ok(())
    }
}

/// Encodes rows as for a load and forgets them.
struct Forgetful<'a> {
    digest: Digest,
    block: Block,
    made: &'a AtomicU64,
    told: u64,
    tell: &'a (dyn Fn(u64) + Sync),
}

impl RowSink for Forgetful<'_> {
    fn row(&mut self, frame: &mut Frame, row: Row<'_>) -> std::result::Result<(), Failure> {
        self.block.add(row.out, frame);
        if self.block.bytes.len() >= BLOCK {
            self.block.digest(&mut self.digest);
            self.block.bytes.clear();
            let new = self.digest.rows - self.told;
            self.told = self.digest.rows;
            (self.tell)(self.made.fetch_add(new, Ordering::Relaxed) + new);
        }
        Ok(())
    }

    fn by_column(&self) -> bool {
        false
    }
}

impl Simulations {
    /// The first rows of a simulation, made without a database.
    ///
    /// # Errors
    /// When there is no such simulation, or a row cannot be made.
    pub fn preview(
        &self,
        name: &str,
        limit: usize,
        options: &Options,
        host: &dyn Host,
    ) -> Result<Preview> {
        let program = self.program(name)?;
        let mut sink = First {
            limit,
            rows: Vec::new(),
        };
        self.walk(&program, options, host, &mut sink)?;
        Ok(Preview {
            columns: program
                .out
                .iter()
                .map(|o| (o.name.clone(), o.sql.to_string()))
                .collect(),
            rows: sink.rows,
        })
    }

    /// A profile of every column, from at most 200,000 rows.
    ///
    /// # Errors
    /// When there is no such simulation, or a row cannot be made.
    pub fn profile(
        &self,
        name: &str,
        options: &Options,
        host: &dyn Host,
    ) -> Result<Vec<ColumnProfile>> {
        let program = self.program(name)?;
        let mut sink = Profiler {
            columns: program.out.iter().map(|_| Seen::default()).collect(),
            rows: 0,
        };
        let tally = self.walk(&program, options, host, &mut sink)?;
        let mut out: Vec<ColumnProfile> = program
            .out
            .iter()
            .zip(sink.columns)
            .map(|(o, seen)| seen.profile(&o.name, o.sql))
            .collect();
        for watch in Watches::new(&self.specs[program.table], &program).list {
            let column = out.iter_mut().find(|c| c.name == watch.column);
            if let (Some(column), Some((low, high))) = (column, watch.range) {
                column.declared = Some([low, high].map(|x| number(SqlType::Double, x)));
            }
        }
        for t in program
            .tallies
            .iter()
            .filter(|t| t.level + 1 == program.levels.len())
        {
            let Some(column) = out.iter_mut().find(|c| c.name == t.column) else {
                continue;
            };
            let mut at = t.start;
            for (branch, options) in &t.branches {
                let counts = &tally[at..at + options.len()];
                let n: u64 = counts.iter().sum();
                for ((value, share), count) in options.iter().zip(counts) {
                    column.shares.push((
                        branch.clone(),
                        value.clone(),
                        *share,
                        *count as f64 / n.max(1) as f64,
                    ));
                }
                at += options.len();
            }
        }
        Ok(out)
    }

    /// Makes all rows on as many threads as the options say, and forgets them: their number and digest. Calls `tell`
    /// with the number of rows now and then.
    ///
    /// # Errors
    /// When there is no such simulation, or a row cannot be made.
    pub fn dry_run(
        &self,
        name: &str,
        options: &Options,
        host: &dyn Host,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Digest> {
        let program = self.program(name)?;
        let world = self.world(&program, options, host)?;
        let failed = |f| self.failure(&program, f);
        let rows = run::root_rows(&program, &world);
        let chunks = run::chunks(
            &program,
            &world,
            (rows / (options.threads as u64 * 16)).clamp(1, 65_536),
        );
        let counts = run::count(&program, &world, &chunks, options.threads).map_err(failed)?;
        let work = Work::new(&program, &world, &counts, &chunks, None);
        let (made, all) = (AtomicU64::new(0), Mutex::new(Digest::default()));
        std::thread::scope(|scope| {
            for _ in 0..options.threads.max(1) {
                scope.spawn(|| {
                    let mut sink = Forgetful {
                        digest: Digest::default(),
                        block: Block::default(),
                        made: &made,
                        told: 0,
                        tell,
                    };
                    // A failure is kept by the work itself.
                    let _ = work.run(&mut sink);
                    sink.block.digest(&mut sink.digest);
                    if let Ok(mut all) = all.lock() {
                        all.merge(sink.digest);
                    }
                });
            }
        });
        work.finish().map_err(failed)?;
        Ok(all.into_inner().unwrap_or_default())
    }

    /// Makes rows on this thread until the sink has enough; gives the counts of chosen values.
    fn walk(
        &self,
        program: &Program,
        options: &Options,
        host: &dyn Host,
        sink: &mut dyn RowSink,
    ) -> Result<Vec<u64>> {
        let world = self.world(program, options, host)?;
        let made = (|| {
            let chunks = run::chunks(program, &world, 4096);
            let counts = run::count(program, &world, &chunks, options.threads)?;
            let mut tally = vec![0; program.tally_slots];
            for (i, chunk) in chunks.into_iter().enumerate() {
                let mut walker =
                    Walker::new(program, &world, &counts.totals, counts.starts[i].clone());
                let result = walker.range(chunk, sink);
                tally
                    .iter_mut()
                    .zip(&walker.frame.tally)
                    .for_each(|(sum, n)| *sum += n);
                match result {
                    Err(f) if f.message == ENOUGH => break,
                    other => other?,
                }
            }
            Ok(tally)
        })();
        made.map_err(|f| self.failure(program, f))
    }
}

#[derive(Default)]
struct Seen {
    values: BTreeMap<String, u64>,
    many: bool,
    numbers: Vec<f64>,
    filled: u64,
    nulls: u64,
}

struct Profiler {
    columns: Vec<Seen>,
    rows: u64,
}

impl RowSink for Profiler {
    fn row(&mut self, frame: &mut Frame, row: Row<'_>) -> std::result::Result<(), Failure> {
        if self.rows >= PROFILED {
            return Err(Failure::new(ENOUGH));
        }
        self.rows += 1;
        for (o, seen) in row.out.iter().zip(&mut self.columns) {
            let Some(bits) = frame.slots[o.slot] else {
                seen.nulls += 1;
                continue;
            };
            seen.filled += 1;
            match o.sql.value_type() {
                Type::Int | Type::Date | Type::Timestamp | Type::Interval => {
                    seen.numbers.push(bits as i64 as f64);
                }
                Type::Float => seen.numbers.push(as_float(bits)),
                _ => {}
            }
            if !seen.many
                && let Some(text) = copy::shown(o.sql, Some(bits), frame)
            {
                *seen.values.entry(text).or_default() += 1;
                seen.many = seen.values.len() > KEPT;
            }
        }
        Ok(())
    }
}

impl Seen {
    fn profile(self, name: &str, sql: SqlType) -> ColumnProfile {
        let mut values: Vec<(String, u64)> = self.values.into_iter().collect();
        let distinct = (!self.many).then_some(values.len() as u64);
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        values.truncate(12);
        if self.many {
            values.clear();
        }
        let (mut range, mut histogram) = (None, Vec::new());
        if !self.numbers.is_empty() {
            let low = self.numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let high = self
                .numbers
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, f64::max);
            let mean = self.numbers.iter().sum::<f64>() / self.numbers.len() as f64;
            range = Some([low, mean, high].map(|x| number(sql, x)));
            if high > low {
                histogram = vec![0; 10];
                for x in &self.numbers {
                    histogram[(((x - low) / (high - low) * 10.0) as usize).min(9)] += 1;
                }
            }
        }
        ColumnProfile {
            name: name.to_string(),
            data_type: sql.to_string(),
            filled: self.filled,
            nulls: self.nulls,
            values,
            distinct,
            range,
            declared: None,
            histogram,
            shares: Vec::new(),
        }
    }
}

fn number(sql: SqlType, x: f64) -> String {
    let mut out = Vec::new();
    match sql.value_type() {
        Type::Date => calendar::write_date(&mut out, x as i64),
        Type::Timestamp => calendar::write_timestamp(
            &mut out,
            (x as i64).div_euclid(calendar::SECOND) * calendar::SECOND,
            b' ',
        ),
        Type::Interval => calendar::write_time(&mut out, x as i64),
        _ => compile::write_float(&mut out, libm::rint(x * 1000.0) / 1000.0),
    }
    String::from_utf8(out).unwrap_or_default()
}
