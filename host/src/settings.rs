//! Command line and environment, resolved once into what the verbs need.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use realign_engine_abi::place::Home;

use crate::{
    cli::args::Arguments,
    error::{Error, Result},
};

/// What holds for every verb.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Engine, models and caches.
    pub home: Home,
    /// Database of runs.
    pub store: PathBuf,
    /// Worker processes, if the user named a number.
    pub workers: Option<usize>,
    /// How long a worker may be silent.
    pub patience: Duration,
    /// Whether a JSON document is wanted.
    pub json: bool,
    /// Set where everything is to end.
    pub stop: Arc<AtomicBool>,
}

impl Settings {
    /// The same, ended by a flag of somebody's.
    #[must_use]
    pub fn stopped_by(&self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self.clone() }
    }

    /// Resolves and checks.
    ///
    /// # Errors
    /// A usage error where no home folder is known or the number of workers is 0.
    pub fn new(arguments: &Arguments) -> Result<Self> {
        let home = Home::from_environment().ok_or_else(|| {
            Error::usage("no home folder is known").hint("set REALIGN_HOME to a folder of yours")
        })?;
        if arguments.workers == Some(0) {
            return Err(Error::usage("--workers: 0, at least 1 is needed"));
        }
        Ok(Self {
            home,
            store: arguments.store.clone(),
            workers: arguments.workers,
            patience: Duration::from_secs(arguments.patience),
            json: arguments.json,
            stop: Arc::default(),
        })
    }
}
