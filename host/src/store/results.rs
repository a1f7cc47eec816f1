//! Samples, cells, the record and events of a run.
//!
//! While a run is under way a result may be written again, because a resumed run computes some of them twice.
//! Once it is finished, writing compares: the same bytes are accepted, anything else is refused by name.

use rusqlite::{OptionalExtension as _, Transaction};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{RunId, RunState, Store, fault::damaged};
use crate::{
    error::{Error, Result},
    model::{Outcome, Sample},
};

/// What one evaluator made of one sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// Name of the evaluator in the suite.
    pub evaluator: String,
    /// Id of the sample or item.
    pub sample: String,
    /// What it made of it.
    pub outcome: Outcome,
}

/// The statements of one kind of result. Parameters are run, evaluator (cells only), key and JSON.
struct Table {
    what: &'static str,
    insert: &'static str,
    find: &'static str,
    /// Gives key and JSON.
    list: &'static str,
}

const SAMPLES: Table = Table {
    what: "sample",
    insert: "INSERT INTO samples (run, id, json) VALUES (?1, ?3, ?4)
             ON CONFLICT DO UPDATE SET json = excluded.json",
    find: "SELECT json FROM samples WHERE run = ?1 AND ?2 = '' AND id = ?3",
    list: "SELECT id, json FROM samples WHERE run = ?1 ORDER BY id",
};
const CELLS: Table = Table {
    what: "cell",
    insert: "INSERT INTO cells (run, evaluator, sample, json) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET json = excluded.json",
    find: "SELECT json FROM cells WHERE run = ?1 AND evaluator = ?2 AND sample = ?3",
    list: "SELECT sample, json FROM cells WHERE run = ?1 ORDER BY evaluator, sample",
};
const RECORD: Table = Table {
    what: "record",
    insert: "INSERT INTO records (run, json) SELECT ?1, ?4 WHERE ?2 = '' AND ?3 = ''
             ON CONFLICT DO UPDATE SET json = excluded.json",
    find: "SELECT json FROM records WHERE run = ?1 AND ?2 = '' AND ?3 = ''",
    list: "SELECT '', json FROM records WHERE run = ?1",
};

/// A row to be written: evaluator (empty but for cells), key, JSON.
type Entry<'a> = (&'a str, &'a str, String);

impl Store {
    /// Keeps samples.
    ///
    /// # Errors
    /// The file cannot be written, or the run is finished with another sample of this id (exit 22).
    pub fn put_samples(&self, run: &RunId, samples: &[Sample]) -> Result<()> {
        self.put(&SAMPLES, run, samples.iter().map(|sample| ("", sample.id.as_str(), json(sample))))
    }

    /// All samples of a run, by id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn samples(&self, run: &RunId) -> Result<Vec<Sample>> {
        Ok(self.list(&SAMPLES, run)?.into_iter().map(|(_, sample)| sample).collect())
    }

    /// Keeps cells.
    ///
    /// # Errors
    /// The file cannot be written, or the run is finished with another outcome in this cell (exit 22).
    pub fn put_cells(&self, run: &RunId, cells: &[CellRecord]) -> Result<()> {
        self.put(
            &CELLS,
            run,
            cells.iter().map(|cell| (cell.evaluator.as_str(), cell.sample.as_str(), json(cell))),
        )
    }

    /// All cells of a run, by evaluator and sample.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn cells(&self, run: &RunId) -> Result<Vec<CellRecord>> {
        Ok(self.list(&CELLS, run)?.into_iter().map(|(_, cell)| cell).collect())
    }

    /// Keeps the record of a run: its numbers, identity and items.
    ///
    /// # Errors
    /// The file cannot be written, or the run is finished with another record (exit 22).
    pub fn put_record<T: Serialize>(&self, run: &RunId, record: &T) -> Result<()> {
        self.put(&RECORD, run, std::iter::once(("", "", json(record))))
    }

    /// The record of a run; `None` while it has none.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than `T`.
    pub fn record_of<T: DeserializeOwned>(&self, run: &RunId) -> Result<Option<T>> {
        Ok(self.list(&RECORD, run)?.pop().map(|(_, record)| record))
    }

    /// Adds an event to a run's journal. Events are never changed and never removed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append_event<T: Serialize>(&self, run: &RunId, event: &T) -> Result<()> {
        let sql = "INSERT INTO events (run, seq, json)
                   SELECT ?1, 1 + coalesce(max(seq), 0), ?2 FROM events WHERE run = ?1";
        self.check(self.connection.execute(sql, (run.as_str(), json(event))))?;
        Ok(())
    }

    /// The journal of a run, in order.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than `T`.
    pub fn events<T: DeserializeOwned>(&self, run: &RunId) -> Result<Vec<T>> {
        let table = Table {
            what: "event",
            list: "SELECT CAST(seq AS TEXT), json FROM events WHERE run = ?1 ORDER BY seq",
            ..RECORD
        };
        Ok(self.list(&table, run)?.into_iter().map(|(_, event)| event).collect())
    }

    fn put<'a>(&self, table: &Table, run: &RunId, entries: impl Iterator<Item = Entry<'a>>) -> Result<()> {
        self.write(|transaction| {
            let finished = self.state(run)? == RunState::Finished;
            for entry in entries {
                if finished {
                    self.compare(transaction, table, run, &entry)?;
                } else {
                    let (evaluator, key, json) = entry;
                    let mut statement = self.check(transaction.prepare_cached(table.insert))?;
                    self.check(statement.execute((run.as_str(), evaluator, key, json)))?;
                }
            }
            Ok(())
        })
    }

    /// Refuses a result that is not the one that a finished run has.
    fn compare(
        &self,
        transaction: &Transaction<'_>,
        table: &Table,
        run: &RunId,
        (evaluator, key, json): &Entry<'_>,
    ) -> Result<()> {
        let mut statement = self.check(transaction.prepare_cached(table.find))?;
        let found = statement.query_row((run.as_str(), evaluator, key), |row| row.get::<_, String>(0));
        if self.check(found.optional())?.as_ref() == Some(json) {
            return Ok(());
        }
        let evaluator = if evaluator.is_empty() { String::new() } else { format!(" of {evaluator}") };
        Err(Error::bad_input(format!(
            "run {run} is finished and its {} {key:?}{evaluator} is not what was computed now",
            table.what
        ))
        .hint("the machine, the engine or the program changed; choose another --name to keep both"))
    }

    fn list<T: DeserializeOwned>(&self, table: &Table, run: &RunId) -> Result<Vec<(String, T)>> {
        let mut statement = self.check(self.connection.prepare_cached(table.list))?;
        let rows = statement.query_map([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
        let mut entries = Vec::new();
        for row in self.check(rows)? {
            let (key, json): (String, String) = self.check(row)?;
            let value = serde_json::from_str(&json).map_err(|error| {
                damaged(&self.path, &format!("{} {key:?} of run {run}: {error}", table.what))
            })?;
            entries.push((key, value));
        }
        Ok(entries)
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("result types serialise to JSON")
}
