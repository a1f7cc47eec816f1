//! The whole run, as it is stored and reported.

use serde::{Deserialize, Serialize};

use super::{
    file::PipelineFile,
    tree::{Step, walk},
};
use crate::{
    gates::Thresholds,
    ids::Digest,
    model::Verdict,
    stages::{Stage, StageRecord},
};

/// Version of the record.
pub const FORMAT: u32 = 1;

/// A run: its plan by digest, what its stages left, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// Id of the run in its store.
    pub id: String,
    /// Name of the run.
    pub name: String,
    /// Of the plan.
    pub plan: Digest,
    /// The pipeline, with the command line's changes.
    pub file: PipelineFile,
    /// What its gates asked for.
    pub thresholds: Thresholds,
    /// Stages that are done, in their order.
    pub stages: Vec<StageRecord>,
    /// The stages that a gate kept from being reached.
    pub not_reached: Vec<Stage>,
}

impl PipelineRecord {
    /// What the run comes to: the release's verdict where it was reached, else that of the stage that ended it; `None`
    /// while it may go on.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let last = self.stages.last()?;
        if last.stage == Stage::Release {
            return last.verdict();
        }
        if self.not_reached.is_empty() { None } else { last.verdict() }
    }

    /// The decisions, as they were walked.
    #[must_use]
    pub fn walked(&self) -> Vec<Step> {
        walk(&self.stages, &self.not_reached)
    }

    /// Stages that did not pass and were gone on from.
    #[must_use]
    pub fn warnings(&self) -> Vec<Stage> {
        let last = self.stages.len().saturating_sub(1);
        let passed = |record: &StageRecord| record.verdict().is_none_or(|found| found == Verdict::Pass);
        self.stages[..last].iter().filter(|record| !passed(record)).map(|record| record.stage).collect()
    }

    /// Digest of everything in the record.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}
