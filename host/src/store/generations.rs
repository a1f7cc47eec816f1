//! Finished batches by key.

use rusqlite::OptionalExtension as _;

use super::Store;
use crate::{error::Result, ids::Digest};

impl Store {
    /// Keeps what a batch gave. The same key always means the same payload, so a second write changes nothing
    /// unless the first had become unreadable.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_batch(&self, key: &Digest, payload: &str) -> Result<()> {
        let sql = "INSERT INTO generations (key, payload) VALUES (?1, ?2)
                   ON CONFLICT (key) DO UPDATE SET payload = excluded.payload";
        self.check(self.connection.execute(sql, (key.as_str(), payload)))?;
        Ok(())
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
