//! Runs, results and finished batches in one database file (`SQLite`).
//!
//! # Invariants
//!
//! - Every call is one transaction: after a crash a file holds whole calls only.
//! - What is written survives a power cut (write-ahead log, synchronous full). A batch takes seconds to compute
//!   and one flush to keep, so the safest setting costs nothing.
//! - Results of a finished run never change: writing them again succeeds only if every byte is the same.
//! - Times are kept for people; nothing that is compared or digested contains one.
//!
//! # Layout
//!
//! - [`runs`]: beginning, finding and finishing runs; [`results`]: samples, cells, record, events
//! - [`generations`]: batches by key; [`locate`]: from what a person types to a run

mod fault;
pub mod generations;
pub mod locate;
pub mod results;
pub mod runs;
mod schema;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use self::{
    results::CellRecord,
    runs::{Begun, NewRun, RunId, RunRecord, RunState},
};
use crate::error::{Error, Result};

/// How long another process may hold the file before this one gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens a store; makes the file and its folder if they are missing.
    ///
    /// # Errors
    /// Exit 23 if the file or its folder cannot be written; exit 22 if the file is damaged, is not a store, or
    /// was made by a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::unwritable(folder, &error))?;
        }
        Self::connect(path)
    }

    /// Opens a store that must be there already.
    ///
    /// # Errors
    /// As for [`Self::open`], and exit 22 if there is no file.
    pub fn open_existing(path: &Path) -> Result<Self> {
        if path.is_file() {
            return Self::connect(path);
        }
        Err(Error::bad_input(format!("no run store at {}", path.display()))
            .hint("make a run first, or name its store with --store"))
    }

    /// Where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).map_err(|error| fault::explain(path, &error))?;
        let store = Self { path: path.to_owned(), connection };
        store.check(store.connection.busy_timeout(PATIENCE))?;
        schema::prepare(&store)?;
        Ok(store)
    }

    /// Runs `work` in one transaction that takes the right to write at once, so that two processes wait for
    /// each other instead of failing half way.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        let transaction = self.check(transaction)?;
        let value = work(&transaction)?;
        self.check(transaction.commit())?;
        Ok(value)
    }

    /// An error of the database as one of this file.
    fn check<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| fault::explain(&self.path, &error))
    }
}

#[cfg(test)]
mod tests;
