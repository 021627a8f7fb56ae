//! The handle through which all say what happens, and the one thread that shows it.
//!
//! The thread owns stdout and the log file. It ends lines before it answers `finish`, so that a process that has
//! called `finish` has lost nothing. A reader of stdout that goes away (`| head`) ends the printing, not the work.
use super::Stamped;
use super::closing;
use super::entry::Entry;
use super::event::{Event, Level};
use super::file::LogFile;
use super::json;
use super::lines::Lines;
use super::mask::Masks;
use super::options::{Format, Options};
use super::paint::{Paint, strip};
use super::progress::Bars;
use super::text;
use chrono::Utc;
use indicatif::ProgressDrawTarget;
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How often live progress is drawn anew.
const FRAME: Duration = Duration::from_millis(100);

/// Columns that a line takes beside its dotted part: the time in front, the status behind.
const AROUND_DOTS: usize = 36;
/// Dotted parts never get narrower than this, whatever the terminal.
const NARROWEST: usize = 40;

enum Message {
    Event(Box<Stamped>),
    Flush(Sender<()>),
}

/// The handle; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Reporter {
    to: Sender<Message>,
    masks: Masks,
    closed: Arc<AtomicBool>,
    recording: bool,
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reporter")
            .field("recording", &self.recording)
            .finish_non_exhaustive()
    }
}

impl Reporter {
    /// A reporter that shows events on stdout and keeps them in the log file. On a narrow terminal lines have fewer
    /// dots, so that they stay lines.
    ///
    /// # Errors
    /// The log file cannot be opened or the thread cannot be started.
    pub fn start(options: Options, masks: Masks) -> io::Result<Self> {
        let target = options.terminal.then(ProgressDrawTarget::stderr);
        let width = columns().unwrap_or(options.width);
        let mut options = options;
        if options.terminal {
            options.width = options
                .width
                .min(width.saturating_sub(AROUND_DOTS).max(NARROWEST));
        }
        Self::start_to(options, masks, Box::new(io::stdout()), target, width)
    }

    /// The same with another place for the lines and the progress, for tests.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_to(
        options: Options,
        masks: Masks,
        out: Box<dyn Write + Send>,
        progress: Option<ProgressDrawTarget>,
        terminal_width: usize,
    ) -> io::Result<Self> {
        let file = options.file.as_ref().map(LogFile::open).transpose()?;
        let closed = Arc::new(AtomicBool::new(false));
        let (to, from) = channel();
        let stage = Stage {
            lines: Lines::new(&options),
            bars: progress.map(|target| Bars::new(target, terminal_width)),
            command: String::new(),
            out,
            file,
            masks: masks.clone(),
            closed: closed.clone(),
            options,
        };
        thread::Builder::new()
            .name("reporter".to_string())
            .spawn(move || stage.run(&from))?;
        Ok(Self {
            to,
            masks,
            closed,
            recording: false,
        })
    }

    /// Says what happened. Never waits and never fails: a reporter that has gone is not missed.
    pub fn emit(&self, event: Event) {
        let stamped = Stamped {
            at: Utc::now(),
            thread: crate::outcome::thread_name(),
            event,
        };
        let _ = self.to.send(Message::Event(Box::new(stamped)));
    }

    /// Waits until everything said so far is written.
    pub fn finish(&self) {
        if self.recording {
            return;
        }
        let (done, wait) = channel();
        if self.to.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    /// The secrets that are masked in everything shown; add to them as soon as one is known.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Whether the reader of stdout has gone away: a command that only prints may stop, quietly.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// A reporter that keeps events instead of showing them, for tests.
    pub fn recording() -> (Self, Recording) {
        let (to, from) = channel();
        let reporter = Self {
            to,
            masks: Masks::default(),
            closed: Arc::new(AtomicBool::new(false)),
            recording: true,
        };
        let recording = Recording {
            from: Arc::new(Mutex::new(from)),
        };
        (reporter, recording)
    }
}

/// The events of a recording reporter.
#[derive(Clone)]
pub struct Recording {
    from: Arc<Mutex<Receiver<Message>>>,
}

impl Recording {
    /// Everything said since the last call, in order.
    pub fn events(&self) -> Vec<Event> {
        let Ok(from) = self.from.lock() else {
            return Vec::new();
        };
        from.try_iter()
            .filter_map(|m| match m {
                Message::Event(stamped) => Some(stamped.event),
                Message::Flush(_) => None,
            })
            .collect()
    }
}

/// The terminal's width in columns, if there is one.
fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stderr())?;
    Some(usize::from(width.0))
}

/// What the reporter thread owns.
struct Stage {
    options: Options,
    lines: Lines,
    bars: Option<Bars>,
    command: String,
    out: Box<dyn Write + Send>,
    file: Option<LogFile>,
    masks: Masks,
    closed: Arc<AtomicBool>,
}

impl Stage {
    fn run(mut self, from: &Receiver<Message>) {
        let mut drawn = Instant::now();
        loop {
            let message = if self.bars.is_some() {
                match from.recv_timeout(FRAME) {
                    Ok(message) => Some(message),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            } else {
                match from.recv() {
                    Ok(message) => Some(message),
                    Err(_) => break,
                }
            };
            match message {
                Some(Message::Event(stamped)) => self.show(&stamped),
                Some(Message::Flush(done)) => {
                    self.flush();
                    let _ = done.send(());
                }
                None => {}
            }
            if drawn.elapsed() >= FRAME
                && let Some(bars) = &mut self.bars
            {
                bars.draw(Utc::now());
                drawn = Instant::now();
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        if let Some(bars) = &mut self.bars {
            bars.clear();
        }
        let _ = self.out.flush();
    }

    fn show(&mut self, stamped: &Stamped) {
        if let Event::Started { command, .. } = &stamped.event {
            self.command.clone_from(command);
        }
        if let Some(bars) = &mut self.bars {
            bars.note(stamped);
        }
        let mut console = String::new();
        for mut entry in self.lines.entries(stamped) {
            self.mask(&mut entry);
            self.keep(&entry, stamped);
            if let Some(line) = self.console_line(&entry, stamped) {
                console.push_str(&line);
                console.push('\n');
            }
        }
        if let Event::Finished(summary) = &stamped.event
            && self.options.terminal
            && self.options.format == Format::Text
        {
            let paint = Paint {
                on: self.options.colours,
            };
            if let Some(words) = closing::text(&self.command, summary, paint) {
                console.push_str(&self.masks.apply(&words));
                console.push('\n');
            }
        }
        self.print(&console);
    }

    fn mask(&self, entry: &mut Entry) {
        if let Cow::Owned(masked) = self.masks.apply(&entry.msg) {
            entry.msg = masked;
        }
        if let Some(bare) = &mut entry.bare {
            *bare = self.masks.apply(bare).into_owned();
        }
        for value in entry.data.values_mut() {
            self.masks.apply_json(value);
        }
    }

    fn console_line(&self, entry: &Entry, stamped: &Stamped) -> Option<String> {
        let o = &self.options;
        let shown = entry.answer || (entry.level >= o.level && o.level != Level::None);
        shown.then(|| match o.format {
            Format::Text => text::line(entry, stamped, o.colours),
            Format::Debug => text::debug_line(entry, stamped, &o.invocation_id, o.colours),
            Format::Json => json::line(entry, stamped, &o.invocation_id, &o.extra),
        })
    }

    fn keep(&mut self, entry: &Entry, stamped: &Stamped) {
        let (Some(file), Some(o)) = (&mut self.file, &self.options.file) else {
            return;
        };
        if entry.level < o.level || o.level == Level::None {
            return;
        }
        let plain;
        let entry = if o.colours || !self.options.colours {
            entry
        } else {
            plain = Entry {
                msg: strip(&entry.msg),
                ..entry.clone()
            };
            &plain
        };
        let id = &self.options.invocation_id;
        let line = match o.format {
            Format::Text => text::line(entry, stamped, o.colours),
            Format::Debug => text::debug_line(entry, stamped, id, o.colours),
            Format::Json => json::line(entry, stamped, id, &self.options.extra),
        };
        if file.line(&line).is_err() {
            // A full disk must not stop a build; the console still has everything.
            self.file = None;
        }
    }

    fn print(&mut self, text: &str) {
        if text.is_empty() || self.closed.load(Ordering::Relaxed) {
            return;
        }
        let out = &mut self.out;
        let mut write = || out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let written = match &self.bars {
            Some(bars) => bars.above(write),
            None => write(),
        };
        if written.is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
