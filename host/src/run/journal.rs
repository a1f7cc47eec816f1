//! What was decided, in order. Only ever added to.

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    ids::Digest,
    model::Verdict,
    stages::Stage,
    store::{RunId, Store},
};

/// One line of the journal. It holds no clock: what is decided does not depend on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The plan was made.
    Begun {
        /// Its digest.
        plan: Digest,
    },
    /// A command went on with the run.
    Resumed,
    /// A stage was begun, for the first time or again.
    StageBegun {
        /// Which.
        stage: Stage,
        /// Digest of plan and records before it.
        inputs: Digest,
    },
    /// A stage was done, and its gate decided.
    Decided {
        /// Which.
        stage: Stage,
        /// Of the gate; `None` where nothing was to be decided.
        verdict: Option<Verdict>,
        /// Digest of its record.
        record: Digest,
    },
    /// The run ended before its last stage, because a gate was not passed.
    Stopped {
        /// After which stage.
        stage: Stage,
    },
    /// Stages were given up, to be done again; what they had made is in `history`.
    RolledBack {
        /// The first stage that was given up.
        stage: Stage,
    },
    /// The last stage was decided.
    Finished {
        /// Digest of the run's record.
        record: Digest,
    },
}

/// The journal of one run.
#[derive(Debug, Clone, Copy)]
pub struct Journal<'a> {
    store: &'a Store,
    run: &'a RunId,
}

impl<'a> Journal<'a> {
    /// The journal of a run in a store.
    #[must_use]
    pub const fn new(store: &'a Store, run: &'a RunId) -> Self {
        Self { store, run }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn add(&self, event: &Event) -> Result<()> {
        self.store.append_event(self.run, event)
    }

    /// Adds a line, unless the last one says the same.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn add_once(&self, event: &Event) -> Result<()> {
        if self.events()?.last() == Some(event) { Ok(()) } else { self.add(event) }
    }

    /// All lines.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn events(&self) -> Result<Vec<Event>> {
        self.store.events(self.run)
    }
}
