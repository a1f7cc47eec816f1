//! Tables, and the check that a file has the ones that this version knows.

use rusqlite::Transaction;

use super::{Store, fault::damaged};
use crate::error::{Error, Result};

/// Marks a file as ours: "Real" in ASCII.
const APPLICATION: i64 = 0x5265_616c;
/// Version of the tables. A change adds a step from the version before it.
pub(super) const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        plan_digest TEXT NOT NULL,
        plan TEXT NOT NULL,
        identity TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'finished')),
        created TEXT NOT NULL
    ) STRICT;
    CREATE TABLE generations (key TEXT PRIMARY KEY, payload TEXT NOT NULL) STRICT;
    CREATE TABLE samples (
        run TEXT NOT NULL REFERENCES runs (id),
        id TEXT NOT NULL,
        json TEXT NOT NULL,
        PRIMARY KEY (run, id)
    ) STRICT;
    CREATE TABLE cells (
        run TEXT NOT NULL REFERENCES runs (id),
        evaluator TEXT NOT NULL,
        sample TEXT NOT NULL,
        json TEXT NOT NULL,
        PRIMARY KEY (run, evaluator, sample)
    ) STRICT;
    CREATE TABLE records (run TEXT PRIMARY KEY REFERENCES runs (id), json TEXT NOT NULL) STRICT;
    CREATE TABLE events (
        run TEXT NOT NULL REFERENCES runs (id),
        seq INTEGER NOT NULL,
        json TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT;
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER events_never_go BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
";

/// Sets the connection up, makes the tables in a new file, and refuses files of other programs and of newer
/// versions. Another program's file is not touched.
pub(super) fn prepare(store: &Store) -> Result<()> {
    let pragma = |name: &str| -> Result<i64> {
        store.check(store.connection.pragma_query_value(None, name, |row| row.get(0)))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        store
            .check(store.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)))?;
    let empty = application == 0 && version == 0 && tables == 0;
    if !empty && application != APPLICATION {
        return Err(damaged(&store.path, "it is the database of another program"));
    }
    if version > VERSION {
        let path = store.path.display();
        return Err(Error::bad_input(format!("{path} has format {version}, this realign knows {VERSION}"))
            .hint("use the newer realign that made it, or another --store"));
    }
    store.check(store.connection.pragma_update(None, "journal_mode", "WAL"))?;
    store.check(store.connection.pragma_update(None, "synchronous", "FULL"))?;
    store.check(store.connection.pragma_update(None, "foreign_keys", true))?;
    if version < VERSION {
        store.write(|transaction| create(store, transaction))?;
    }
    Ok(())
}

/// Makes the tables, unless another process did so in the meantime.
fn create(store: &Store, transaction: &Transaction<'_>) -> Result<()> {
    let version: i64 = store.check(transaction.pragma_query_value(None, "user_version", |row| row.get(0)))?;
    if version == VERSION {
        return Ok(());
    }
    store.check(transaction.execute_batch(TABLES))?;
    store.check(transaction.pragma_update(None, "application_id", APPLICATION))?;
    store.check(transaction.pragma_update(None, "user_version", VERSION))
}
