//! Beginning, finding and finishing runs.
//!
//! A run is its plan under a name. Its id is a digest of both, so the same command gives the same id on every
//! machine, and a run that was interrupted is found again by being asked for again.

use std::fmt;

use rusqlite::{OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Store, fault::damaged};
use crate::{
    error::{Error, Result},
    ids::Digest,
};

/// The first 12 digits of the digest over plan digest and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    fn of(plan: &Digest, name: &str) -> Self {
        Self(Digest::of_json(&(plan, name)).short().to_owned())
    }

    /// The 12 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a run is before anything ran.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Unique in the store.
    pub name: String,
    /// Everything that decides the results. Free of clocks and of paths that differ between machines.
    pub plan: Value,
    /// Subject, engine and instrument.
    pub identity: Value,
}

/// How a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is new.
    New,
    /// It was interrupted and goes on.
    Resumed,
    /// It was finished before. Its results may be computed again and must come out the same.
    Finished,
}

/// Whether a run has all its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Under way, or interrupted.
    Running,
    /// Complete.
    Finished,
}

/// A run as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Its name.
    pub name: String,
    /// Digest of its plan.
    pub plan_digest: Digest,
    /// Its plan.
    pub plan: Value,
    /// Subject, engine and instrument.
    pub identity: Value,
    /// Whether it is complete.
    pub state: RunState,
    /// When it began, UTC, ISO 8601; for people only.
    pub created: String,
}

const COLUMNS: &str = "id, name, plan_digest, plan, identity, state, created";

impl Store {
    /// Begins a run, or finds the one with the same name and plan. A resumed run takes the identity given now.
    ///
    /// # Errors
    /// Exit 2 if the name belongs to a run with another plan; exit 23 if the file cannot be written.
    pub fn begin_run(&self, run: &NewRun) -> Result<(RunId, Begun)> {
        let plan_digest = Digest::of_json(&run.plan);
        let id = RunId::of(&plan_digest, &run.name);
        self.write(|transaction| {
            let begun = match self.by_name(&run.name)? {
                None => Begun::New,
                Some(old) if old.plan_digest != plan_digest => return Err(taken(&old)),
                Some(old) if old.state == RunState::Finished => return Ok((old.id, Begun::Finished)),
                Some(_) => Begun::Resumed,
            };
            let sql = "INSERT INTO runs (id, name, plan_digest, plan, identity, state, created)
                       VALUES (?1, ?2, ?3, ?4, ?5, 'running', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
                       ON CONFLICT (id) DO UPDATE SET identity = excluded.identity";
            let (plan, identity) = (run.plan.to_string(), run.identity.to_string());
            let values = (id.as_str(), &run.name, plan_digest.as_str(), plan, identity);
            self.check(transaction.execute(sql, values))?;
            Ok((id, begun))
        })
    }

    /// Marks a run as complete. From here on its results cannot change.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish_run(&self, run: &RunId) -> Result<()> {
        let sql = "UPDATE runs SET state = 'finished' WHERE id = ?1";
        self.check(self.connection.execute(sql, [run.as_str()]))?;
        Ok(())
    }

    /// The run with this name, id, or beginning of an id (at least four digits, if only one fits).
    ///
    /// # Errors
    /// Exit 22 if there is none or more than one.
    pub fn find_run(&self, reference: &str) -> Result<RunRecord> {
        if let Some(run) = self.by_name(reference)? {
            return Ok(run);
        }
        let store = self.path.display();
        let beginning = reference.len() >= 4 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut matching = self.list_runs()?;
        matching.retain(|run| beginning && run.id.as_str().starts_with(reference));
        if matching.len() > 1 {
            return Err(Error::bad_input(format!(
                "{} runs in {store} have ids that begin with {reference}",
                matching.len()
            ))
            .hint("give more digits, or the name"));
        }
        matching.pop().ok_or_else(|| {
            Error::bad_input(format!("no run {reference:?} in {store}")).hint("list them: realign runs")
        })
    }

    /// All runs, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn list_runs(&self) -> Result<Vec<RunRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM runs ORDER BY created, name");
        let mut statement = self.check(self.connection.prepare(&sql))?;
        let rows = self.check(statement.query_map([], read_row))?;
        rows.map(|row| self.record(self.check(row)?)).collect()
    }

    /// The state of a run that has begun.
    pub(super) fn state(&self, run: &RunId) -> Result<RunState> {
        let sql = "SELECT state FROM runs WHERE id = ?1";
        let state: String = self.check(self.connection.query_row(sql, [run.as_str()], |row| row.get(0)))?;
        Ok(if state == "finished" { RunState::Finished } else { RunState::Running })
    }

    fn by_name(&self, name: &str) -> Result<Option<RunRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE name = ?1");
        let row = self.check(self.connection.query_row(&sql, [name], read_row).optional())?;
        row.map(|row| self.record(row)).transpose()
    }

    fn record(
        &self,
        [id, name, plan_digest, plan, identity, state, created]: [String; 7],
    ) -> Result<RunRecord> {
        let json = |text: &str| {
            serde_json::from_str(text).map_err(|error| damaged(&self.path, &format!("run {name}: {error}")))
        };
        let (plan, identity) = (json(&plan)?, json(&identity)?);
        Ok(RunRecord {
            id: RunId(id),
            plan_digest: serde_json::from_value(Value::String(plan_digest)).expect("a digest is a string"),
            plan,
            identity,
            state: if state == "finished" { RunState::Finished } else { RunState::Running },
            created,
            name,
        })
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<[String; 7]> {
    Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?])
}

fn taken(old: &RunRecord) -> Error {
    Error::usage(format!("run {:?} exists with another plan ({})", old.name, old.plan_digest.short()))
        .hint("choose another --name, or another --store")
}
