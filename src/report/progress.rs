//! Live progress on a terminal, below the lines: what runs and for how long, rows loaded, how far the whole is.
//!
//! `Progress` is what is known, and says what to show at a given moment; `Bars` puts it on the terminal. Nothing of
//! it appears when output goes to a pipe or file.
use super::Stamped;
use super::event::Event;
use super::lines::words::counted;
use crate::outcome::Status;
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// At most this many running nodes are listed.
const LISTED: usize = 8;
/// Width of the bar in characters.
const BAR: usize = 16;
/// A node's name gets at least this many characters before its rate is left out.
const NAME: usize = 28;
/// A rate is shown once this many seconds have passed: before, it is noise.
const RATE_AFTER: f64 = 0.5;

/// A node that runs.
#[derive(Debug, Clone)]
struct Running {
    description: String,
    since: DateTime<Utc>,
    rows: Option<(u64, Option<u64>)>,
}

/// What is known of the run at a moment.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    running: IndexMap<String, Running>,
    began: Option<DateTime<Utc>>,
    done: usize,
    total: usize,
    failed: usize,
    skipped: usize,
    cancelling: bool,
}

impl Progress {
    /// Takes note of an event.
    pub fn note(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::NodeStarted { node, total, .. } => {
                self.began.get_or_insert(stamped.at);
                if !node.is_hook() {
                    self.total = *total;
                }
                self.running.insert(
                    node.unique_id.clone(),
                    Running {
                        description: node.description.clone(),
                        since: stamped.at,
                        rows: None,
                    },
                );
            }
            Event::NodeProgress {
                unique_id,
                rows,
                expected,
            } => {
                if let Some(node) = self.running.get_mut(unique_id) {
                    node.rows = Some((*rows, *expected));
                }
            }
            Event::NodeFinished {
                node,
                total,
                result,
                ..
            } => {
                self.running.shift_remove(&node.unique_id);
                if !node.is_hook() && !node.is_ephemeral() {
                    self.total = *total;
                    self.finished(result.status);
                }
            }
            Event::FreshnessFinished {
                node,
                total,
                result,
                ..
            } => {
                self.running.shift_remove(&node.unique_id);
                self.total = *total;
                self.finished(result.status);
            }
            Event::Cancelling { .. } => self.cancelling = true,
            Event::Finished(_) | Event::FreshnessRan { .. } | Event::CommandCompleted { .. } => {
                *self = Self::default();
            }
            _ => {}
        }
    }

    fn finished(&mut self, status: Status) {
        self.done += 1;
        self.failed += usize::from(status.is_failure());
        self.skipped += usize::from(status == Status::Skipped);
    }

    /// The lines to show at a moment, each at most `width` characters; none when nothing runs.
    pub fn lines(&self, now: DateTime<Utc>, width: usize) -> Vec<String> {
        let Some(began) = self.began.filter(|_| !self.running.is_empty()) else {
            return Vec::new();
        };
        let mut lines = vec![self.overview(seconds(began, now))];
        for node in self.running.values().take(LISTED) {
            lines.push(node.line(now, width));
        }
        if self.running.len() > LISTED {
            lines.push(format!("  and {} more", self.running.len() - LISTED));
        }
        lines
            .iter()
            .map(|l| l.chars().take(width.saturating_sub(1)).collect())
            .collect()
    }

    fn overview(&self, elapsed: f64) -> String {
        let full = (BAR * self.done)
            .checked_div(self.total)
            .unwrap_or(0)
            .min(BAR);
        let bar = format!("{}{}", "=".repeat(full), " ".repeat(BAR - full));
        let mut parts = vec![format!("{} of {} done", self.done, self.total)];
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if self.skipped > 0 {
            parts.push(format!("{} skipped", self.skipped));
        }
        let word = if self.cancelling {
            "being cancelled"
        } else {
            "running"
        };
        parts.push(format!("{} {word}", self.running.len()));
        format!("  [{bar}] {}  {}", parts.join(", "), duration(elapsed))
    }
}

impl Running {
    fn line(&self, now: DateTime<Utc>, width: usize) -> String {
        let elapsed = seconds(self.since, now);
        let (mut rows_so_far, mut speed, mut left) = (None, None, None);
        if let Some((rows, expected)) = self.rows {
            let rate = rows as f64 / elapsed.max(f64::EPSILON);
            rows_so_far = Some(match expected {
                Some(all) => format!("{} of {} rows", compact(rows), compact(all)),
                None => format!("{} rows", compact(rows)),
            });
            if elapsed >= RATE_AFTER && rows > 0 {
                speed = Some(format!("{} rows/s", compact(rate as u64)));
                left = expected
                    .filter(|all| *all > rows)
                    .map(|all| format!("{} left", duration((all - rows) as f64 / rate)));
            }
        }
        let join = |facts: &[Option<String>]| {
            facts
                .iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join("  ")
        };
        let time = Some(duration(elapsed));
        let mut facts = join(&[rows_so_far.clone(), speed, left.clone(), time.clone()]);
        let room = |facts: &str| width.saturating_sub(facts.chars().count() + 7);
        if room(&facts) < self.description.chars().count().min(NAME) {
            facts = join(&[rows_so_far, left, time]);
        }
        format!(
            "  > {}  {facts}",
            shortened(&self.description, room(&facts))
        )
    }
}

/// A name cut to so many characters, with a mark where it was cut.
fn shortened(name: &str, room: usize) -> String {
    if name.chars().count() <= room {
        return name.to_string();
    }
    let kept: String = name.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}~")
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds().max(0) as f64 / 1000.0
}

/// `3.2s`, `2m 05s`, `1h 02m`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    if seconds < 59.95 {
        format!("{seconds:.1}s")
    } else if whole < 3600 {
        format!("{}m {:02}s", whole / 60, whole % 60)
    } else {
        format!("{}h {:02}m", whole / 3600, whole / 60 % 60)
    }
}

/// `1 row`, `1,200,000 rows`.
pub(super) fn rows_of(rows: u64) -> String {
    if rows < 1000 {
        return counted(rows as usize, "row");
    }
    format!("{} rows", grouped(rows))
}

/// A number short enough for a line that is soon drawn over: `950`, `12.3k`, `1.2M`.
fn compact(n: u64) -> String {
    let scaled = |unit: f64, name: &str| {
        let value = n as f64 / unit;
        let text = format!("{value:.1}");
        format!("{}{name}", text.strip_suffix(".0").unwrap_or(&text))
    };
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => scaled(1e3, "k"),
        1_000_000..1_000_000_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

/// A number with commas between thousands.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The progress on a terminal: one bar of several lines, so that they change together.
#[derive(Debug)]
pub struct Bars {
    state: Progress,
    multi: MultiProgress,
    bar: Option<ProgressBar>,
    width: usize,
}

impl Bars {
    /// On a terminal of this width.
    pub fn new(target: ProgressDrawTarget, width: usize) -> Self {
        Self {
            state: Progress::default(),
            multi: MultiProgress::with_draw_target(target),
            bar: None,
            width,
        }
    }

    /// Takes note of an event.
    pub fn note(&mut self, stamped: &Stamped) {
        self.state.note(stamped);
    }

    /// Runs something that prints lines, with the progress out of the way.
    pub fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.multi.suspend(print)
    }

    /// Draws the state at a moment.
    pub fn draw(&mut self, now: DateTime<Utc>) {
        let lines = self.state.lines(now, self.width);
        if lines.is_empty() {
            if let Some(bar) = self.bar.take() {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.multi.add(ProgressBar::new_spinner().with_style(style))
        });
        bar.set_message(lines.join("\n"));
        bar.tick();
    }

    /// Takes the progress off the terminal.
    pub fn clear(&mut self) {
        self.state = Progress::default();
        self.draw(Utc::now());
        let _ = self.multi.clear();
    }
}

#[cfg(test)]
mod tests;
