//! Finished batches, and single answers, by key.

use rusqlite::OptionalExtension as _;

use super::Store;
use crate::{error::Result, ids::Digest};

const PUT: &str = "INSERT INTO generations (key, payload) VALUES (?1, ?2)
                   ON CONFLICT (key) DO UPDATE SET payload = excluded.payload";

impl Store {
    /// Keeps what a batch gave. The same key always means the same payload, so a second write changes nothing
    /// unless the first had become unreadable.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_batch(&self, key: &Digest, payload: &str) -> Result<()> {
        self.check(self.connection.execute(PUT, (key.as_str(), payload)))?;
        Ok(())
    }

    /// Keeps many at once, as [`Self::put_batch`] keeps one.
    ///
    /// # Errors
    /// The file cannot be written; then none is kept.
    pub fn put_batches(&self, entries: impl Iterator<Item = (Digest, String)>) -> Result<()> {
        self.write(|transaction| {
            for (key, payload) in entries {
                let mut statement = self.check(transaction.prepare_cached(PUT))?;
                self.check(statement.execute((key.as_str(), payload)))?;
            }
            Ok(())
        })
    }

    /// What a batch gave, if it was kept.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn get_batch(&self, key: &Digest) -> Result<Option<String>> {
        let sql = "SELECT payload FROM generations WHERE key = ?1";
        self.check(self.connection.query_row(sql, [key.as_str()], |row| row.get(0)).optional())
    }
}
