//! What was last heard of work that is under way, be it one worker's or that of several.
//!
//! A worker that waits for another has no progress of its own to tell, so the silence of several is counted together.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// When something was last heard, and how long silence may last after a failure.
#[derive(Debug)]
pub struct Progress(Mutex<(Instant, Option<Duration>)>);

impl Progress {
    /// Work that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self(Mutex::new((Instant::now(), None)))
    }

    /// One of several has failed: from now on the others may be silent for `limit` at most.
    pub(super) fn hurry(&self, limit: Duration) {
        *self.last() = (Instant::now(), Some(limit));
    }

    /// Something was heard.
    #[cfg_attr(not(unix), expect(dead_code, reason = "only workers ask, and there are none"))]
    pub(super) fn made(&self) {
        self.last().0 = Instant::now();
    }

    /// For how long nothing was heard, where that is longer than patience or a failure allow.
    #[cfg_attr(not(unix), expect(dead_code, reason = "only workers ask, and there are none"))]
    pub(super) fn expired(&self, patience: Duration) -> Option<Duration> {
        let (last, limit) = *self.last();
        let limit = limit.map_or(patience, |limit| limit.min(patience));
        (last.elapsed() >= limit).then_some(limit)
    }

    fn last(&self) -> MutexGuard<'_, (Instant, Option<Duration>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
