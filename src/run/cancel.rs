//! How a run is stopped: no further nodes, and the running statements cancelled.
use crate::pg::CancelHandle;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Stands for the thread of the hooks around the nodes.
const HOOKS: usize = usize::MAX;

/// Stops a run from outside: no further nodes, and the running statements cancelled.
#[derive(Clone, Default)]
pub struct Cancellation {
    stopped: Arc<AtomicBool>,
    interrupted: Arc<AtomicBool>,
    running: Arc<Mutex<HashMap<usize, CancelHandle>>>,
}

impl Cancellation {
    /// Asks for the stop; gives the number of statements that were cancelled.
    pub fn cancel(&self) -> usize {
        self.stopped.store(true, Ordering::SeqCst);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A backend that is gone needs no cancelling.
        running.values().filter(|h| h.cancel().is_ok()).count()
    }

    /// Set once the stop was asked for.
    pub fn flag(&self) -> &AtomicBool {
        &self.stopped
    }

    /// Cancels what runs on this connection, too: the one of the hooks around the nodes.
    pub fn covers(&self, handle: CancelHandle) {
        self.covers_thread(HOOKS, handle);
    }

    /// Cancels what runs on the connection of a thread of the run, too.
    pub(super) fn covers_thread(&self, number: usize, handle: CancelHandle) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(number, handle);
    }

    /// The switch that is set once the stop was asked for.
    pub(super) fn switch(&self) -> Arc<AtomicBool> {
        self.stopped.clone()
    }

    /// Whether a thread of the run has a connection.
    pub(super) fn has_workers(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.keys().any(|thread| *thread != HOOKS)
    }

    /// As `cancel`, on a signal from outside.
    pub fn interrupt(&self) -> usize {
        self.interrupted.store(true, Ordering::SeqCst);
        self.cancel()
    }

    /// Whether a signal asked for the stop, and not the run itself.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Whether the stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}
