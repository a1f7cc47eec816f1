//! What the reference says of training rows: measured in the step that first sees them, known to every later one.
//!
//! Blocks below the adapted ones compute the same with the adapter and without, so a step that measures the reference
//! itself runs them once for both. A row may owe its last bits to its neighbours: its numbers are those of its first step
//! in the plan, whatever a run went through. They are kept in the folder of the run, and where they are lost that step is
//! measured again, by the same ranks and with the same rows, which gives the same bits.

use realign_engine_abi::train::TrainStep;

use super::{
    folder::Folder,
    job::Job,
    session::{Lost, Session, Stepped},
};
use crate::{
    engine::cache::BatchCache,
    error::{Error, Result},
    ids::Digest,
    store::Store,
};

/// What the reference says of the rows of a training.
#[derive(Debug)]
pub struct References {
    store: Store,
    /// The step, counted from 1, that first sees each row; `None` for a row that no step sees.
    first: Vec<Option<u32>>,
    known: Vec<Option<Vec<f64>>>,
}

impl References {
    /// Nothing is known yet but what the run's folder holds.
    ///
    /// # Errors
    /// The folder's store cannot be opened.
    pub fn open(job: &Job, folder: &Folder) -> Result<Self> {
        let mut first = vec![None; job.rows()];
        for (number, step) in (1..).zip(&job.steps) {
            for &row in step.batches.iter().flatten() {
                first[row].get_or_insert(number);
            }
        }
        let known = vec![None; first.len()];
        Ok(Self { store: Store::open(&folder.path("cache.db"))?, first, known })
    }

    /// Puts the reference's numbers on the rows of a step, but on those of batches that the step has to measure.
    ///
    /// # Errors
    /// An earlier step has to be measured again, and the worker died or the engine refuses it.
    pub fn fill(
        &mut self,
        job: &Job,
        session: &mut Session,
        number: u32,
        step: &mut TrainStep,
    ) -> Result<(), Lost> {
        if !job.objective.needs_reference() {
            return Ok(());
        }
        for (rows, batch) in job.steps[number as usize - 1].batches.iter().zip(&mut step.batches) {
            if rows.iter().any(|&row| self.first[row] == Some(number)) {
                continue;
            }
            for (&row, filled) in rows.iter().zip(batch) {
                filled.reference = self.of(job, session, row)?;
            }
        }
        Ok(())
    }

    /// Keeps what a step says of the rows that it is the first to see.
    ///
    /// # Errors
    /// The folder's store cannot be written.
    pub fn keep(
        &mut self,
        job: &Job,
        session: &Session,
        (number, step): (u32, &TrainStep),
        found: &[Vec<f64>],
    ) -> Result<()> {
        if self.take(job, number, found) {
            let cache = BatchCache::new(Some(&self.store), session.engine(), session.subject());
            cache.put(&key(&cache, session, step), &found)?;
        }
        Ok(())
    }

    /// The numbers of a row that an earlier step was the first to see.
    fn of(&mut self, job: &Job, session: &mut Session, row: usize) -> Result<Vec<f64>, Lost> {
        if self.known[row].is_none()
            && let Some(number) = self.first[row]
        {
            self.recall(job, session, number)?;
        }
        self.known[row]
            .clone()
            .ok_or_else(|| Error::engine("no step has measured the reference of a row").into())
    }

    /// Reads what a step found, or measures it again.
    fn recall(&mut self, job: &Job, session: &mut Session, number: u32) -> Result<(), Lost> {
        let mut step = TrainStep { update: false, ..job.step(number, 0.0, 0.0) };
        self.fill(job, session, number, &mut step)?;
        let cache = BatchCache::new(Some(&self.store), session.engine(), session.subject());
        let kept: Option<Vec<Vec<f64>>> = cache.get(&key(&cache, session, &step))?;
        let rows = step.batches.iter().map(Vec::len).sum::<usize>();
        if let Some(found) = kept.filter(|found| found.len() == rows) {
            self.take(job, number, &found);
            return Ok(());
        }
        match session.step(&step)? {
            Stepped::Done(report) => Ok(self.keep(job, session, (number, &step), &report.references)?),
            Stepped::Diverged(divergence) => Err(Error::engine(format!(
                "the rows of step {number}, measured again: {} is not finite",
                divergence.what
            ))
            .into()),
        }
    }

    /// Whether the step was the first to see any of its rows.
    fn take(&mut self, job: &Job, number: u32, found: &[Vec<f64>]) -> bool {
        let mut new = false;
        for (&row, sums) in job.steps[number as usize - 1].batches.iter().flatten().zip(found) {
            if self.first[row] == Some(number) && !sums.is_empty() {
                self.known[row].get_or_insert_with(|| sums.clone());
                new = true;
            }
        }
        new
    }
}

/// The key of what a step finds: its rows and anchors, and how many ranks share them.
fn key(cache: &BatchCache<'_>, session: &Session, step: &TrainStep) -> Digest {
    let measured = TrainStep { rate: 0.0, kl_weight: 0.0, update: false, ..step.clone() };
    cache.key(&("references", session.ranks(), measured))
}
