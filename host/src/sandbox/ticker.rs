//! The clock of the safety net: a thread that advances the epoch of the engines.
//!
//! A guest is stopped when the epoch passes the deadline of its store. The thread ends when the ticker is dropped,
//! so a sandbox leaves nothing behind.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::engine::Engines;
use crate::error::{Error, Result};

/// How often the epoch advances; deadlines are exact to one tick.
const TICK: Duration = Duration::from_millis(50);

/// Advances the epoch while it lives.
#[derive(Debug)]
pub(super) struct Ticker {
    // Held to be dropped: the disconnected channel is what ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts ticking.
    pub(super) fn start(engines: Arc<Engines>) -> Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("epoch".into())
            .spawn(move || {
                while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    engines.tick();
                }
            })
            .map_err(|error| Error::evaluator(format!("cannot start the sandbox's clock: {error}")))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Ticks until a deadline: at least one, since a store whose deadline is now stops at once.
    pub(super) fn ticks(wall_clock: Duration) -> u64 {
        u64::try_from(wall_clock.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX / 2).saturating_add(1)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The loop cannot panic, and a destructor could do nothing about it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadline_is_never_the_present() {
        assert_eq!(Ticker::ticks(Duration::ZERO), 1);
        assert_eq!(Ticker::ticks(Duration::from_secs(1)), 21);
    }
}
