//! Whether somebody wants everything to end.
//!
//! A worker that computes cannot be asked to stop. But it tells every second that it is running, and that is when the
//! host looks here: where an interrupt is due, the worker is ended in the middle of its call. Where half of a call would be
//! lost work, an interrupt is held back, and whoever is at work decides where to stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{error::Error, exit::Exit};

/// Whether somebody wants everything to end. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    wanted: Arc<AtomicBool>,
    held: Arc<AtomicBool>,
}

impl Interrupt {
    /// One that is due as soon as `wanted` is set.
    #[must_use]
    pub fn new(wanted: Arc<AtomicBool>) -> Self {
        Self { wanted, held: Arc::default() }
    }

    /// Whether calls are from now on brought to their end, whatever is wanted.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
    }

    /// Whether what is under way has to end now.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.wanted.load(Ordering::SeqCst) && !self.held.load(Ordering::SeqCst)
    }
}

/// Exit 130.
#[must_use]
pub fn interrupted() -> Error {
    Error::new(Exit::Interrupted, "interrupted")
        .hint("nothing is lost or half written: the same command goes on with what was finished")
}
