//! Records of stored evaluations, for the verbs that read them.

use super::runs;
use crate::{
    error::{Error, Result},
    model::Sample,
    report::html::Run,
    settings::Settings,
    store::{CellRecord, RunId, RunRecord, Store},
    suite::{
        asked::Asked,
        record::{FORMAT, Record},
        verify::StoredRun,
    },
};

/// The record of a run that was found.
///
/// # Errors
/// A usage error where the run is a pipeline; bad input where it is not finished, or its record has another format.
fn record(store: &Store, run: &RunRecord) -> Result<Record> {
    if runs::is_pipeline(run) {
        return Err(Error::usage(format!("run {} is a pipeline, not an evaluation", run.name))
            .hint("realign status shows it; its evaluations are runs of their own: realign runs"));
    }
    let record: Option<Record> = store.record_of(&run.id)?;
    let record = record.ok_or_else(|| {
        Error::bad_input(format!("run {} is not finished", run.name))
            .hint("run its `realign eval` command again: it goes on where it stopped")
    })?;
    if record.format != FORMAT {
        let message =
            format!("run {} has record format {}, this realign reads {FORMAT}", run.name, record.format);
        return Err(Error::bad_input(message));
    }
    Ok(record)
}

/// A finished evaluation, and where the rest of it is.
pub(super) struct Stored {
    /// Its record.
    pub(super) record: Record,
    store: Store,
    run: RunId,
}

/// What a record was computed from.
pub(super) struct Material {
    samples: Vec<Sample>,
    cells: Vec<CellRecord>,
}

/// The evaluation that a name, an id or a path means.
///
/// # Errors
/// As [`record`], and bad input where there is no such run.
pub(super) fn find(settings: &Settings, reference: &str) -> Result<Stored> {
    let (store, run) = Store::locate(reference, &settings.store)?;
    Ok(Stored { record: record(&store, &run)?, store, run: run.id })
}

impl Stored {
    /// Responses, and what evaluators made of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn material(&self) -> Result<Material> {
        Ok(Material { samples: self.store.samples(&self.run)?, cells: self.store.cells(&self.run)? })
    }
}

impl Stored {
    /// How it was asked for; `None` where an earlier version made it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn asked(&self) -> Result<Option<Asked>> {
        Asked::of(&self.store, &self.run)
    }

    /// Its store.
    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// All of it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn whole(&self) -> Result<StoredRun> {
        let Material { samples, cells } = self.material()?;
        Ok(StoredRun { record: self.record.clone(), samples, cells })
    }
}

impl Material {
    /// Responses.
    pub(super) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// All of it with its record, for a page.
    pub(super) fn of<'a>(&'a self, record: &'a Record) -> Run<'a> {
        Run { record, samples: &self.samples, cells: &self.cells }
    }
}
