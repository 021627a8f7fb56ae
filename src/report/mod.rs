//! Everything that people and tools see while a command runs: lines, JSON, live progress, the log file.
//!
//! Events come in from any thread; one reporter thread owns stdout, stderr and the log file. Nothing else prints.
pub mod event;

pub use event::{Count, DbtEvent, Event, Level, NodeInfo, SkipCause, Summary};

use chrono::{DateTime, Utc};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// An event with when and where it happened.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// When.
    pub at: DateTime<Utc>,
    /// Name of the thread (`MainThread`, `Thread-1 (worker)`).
    pub thread: String,
    /// What.
    pub event: Event,
}

enum Message {
    Event(Box<Stamped>),
    Flush(Sender<()>),
}

/// The handle through which all say what happens; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Reporter {
    to: Sender<Message>,
    recording: bool,
}

impl Reporter {
    /// Says what happened. Never waits and never fails: a reporter that has gone is not missed.
    pub fn emit(&self, event: Event) {
        let thread = std::thread::current()
            .name()
            .map_or("MainThread", |n| if n == "main" { "MainThread" } else { n })
            .to_string();
        let stamped = Stamped {
            at: Utc::now(),
            thread,
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

    /// A reporter that keeps events instead of showing them, for tests.
    pub fn recording() -> (Self, Recording) {
        let (to, from) = channel();
        (
            Self {
                to,
                recording: true,
            },
            Recording {
                from: Arc::new(Mutex::new(from)),
            },
        )
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
                Message::Flush(done) => {
                    let _ = done.send(());
                    None
                }
            })
            .collect()
    }
}
