//! What was measured of one machine with one engine and one model.
//!
//! Rates are tokens per second. What a token is differs by task and is what its unit of work is: a token that ran
//! through the model for scoring and training, a token that was made for generation.

use serde::{Deserialize, Serialize};

use super::{figure::Figure, machine::Machine, sweep::Sweep};
use crate::{
    engine::{backend::Identity, capacity::MEMORY_SHARE},
    error::{Error, Result},
};

/// What is asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Log-likelihoods.
    Score,
    /// Responses.
    Generate,
    /// Training of an adapter.
    Train,
}

impl Task {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 3] = [Self::Score, Self::Generate, Self::Train];

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Generate => "generate",
            Self::Train => "train",
        }
    }
}

/// One machine, one engine, one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// When, in UTC.
    pub measured: String,
    /// Whether fewer repeats of smaller work were taken.
    pub quick: bool,
    /// Where.
    pub machine: Machine,
    /// Memory that was available when it began, in bytes; none where the system does not say.
    pub available_bytes: Option<u64>,
    /// How many programs wanted to compute at once in the minute before it began; none where the system does not say.
    pub load: Option<f64>,
    /// With which engine: the engine's part of a run's identity.
    pub engine: Identity,
    /// With which model.
    pub model: Model,
    /// 10^9 operations per second of an f32 matrix product on one thread.
    pub gflops: Figure,
    /// 10^9 bytes per second that one core copies, read and written bytes both counted.
    pub memory_gbs: Figure,
    /// Scoring: rows of equal length that share no beginning.
    pub score: Measured,
    /// Greedy generation from short prompts.
    pub generate: Measured,
    /// Steps of supervised training of an adapter on all projections.
    pub train: Measured,
    /// Numbers in the adapter that was trained.
    pub adapter_parameters: u64,
}

/// The model that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it was called on the command line, folders left out.
    pub name: String,
    /// SHA-256 of its file.
    pub digest: String,
    /// Weights.
    pub parameters: u64,
}

/// How fast one task is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Tokens of a row: those of the context, and those that are scored, made or learned.
    pub row_tokens: usize,
    /// One worker with more and more rows in a batch.
    pub batch: Sweep,
    /// More and more workers with the best batch each. They share memory and caches, nothing else: training has no
    /// gradients exchanged here.
    pub workers: Sweep,
}

/// The part of available memory that workers may plan to use, as where nothing was measured.
#[must_use]
pub fn usable(available: u64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a positive number"
    )]
    let usable = (available as f64 * MEMORY_SHARE) as u64;
    usable
}

/// How many workers of `peak` bytes each fit into `memory`; `most` where either is not known.
#[must_use]
pub fn fitting(memory: Option<u64>, peak: Option<u64>, most: usize) -> usize {
    let fit = memory.zip(peak).map(|(memory, peak)| memory / peak.max(1));
    fit.map_or(most, |fit| usize::try_from(fit).unwrap_or(usize::MAX).min(most))
}

impl Calibration {
    /// One of the tasks.
    #[must_use]
    pub const fn task(&self, task: Task) -> &Measured {
        match task {
            Task::Score => &self.score,
            Task::Generate => &self.generate,
            Task::Train => &self.train,
        }
    }

    /// The load of a machine that was not quiet: more than half its cores were busy with something else.
    #[must_use]
    pub fn disturbance(&self) -> Option<f64> {
        self.load.filter(|load| *load > 0.5 * self.machine.cores as f64)
    }

    /// Whether this was measured on `machine` with `engine` and the model of `digest`.
    #[must_use]
    pub fn is_of(&self, machine: &Machine, engine: &Identity, digest: &str) -> bool {
        self.machine.is_same(machine) && self.engine == *engine && self.model.digest == digest
    }

    /// Refuses numbers that no measurement gives: files come from other machines and other people.
    ///
    /// # Errors
    /// Bad input naming the field.
    pub fn check(&self) -> Result<()> {
        let unsound = |field: &str, why: &str| Err(Error::bad_input(format!("{field}: {why}")));
        for (field, figure) in [("gflops", &self.gflops), ("memory_gbs", &self.memory_gbs)] {
            if !figure.is_sound() {
                return unsound(field, "not the mean of measured rates within its interval");
            }
        }
        if self.model.parameters == 0 {
            return unsound("model.parameters", "0, at least 1 is needed");
        }
        for task in Task::ALL {
            let measured = self.task(task);
            for (part, sweep) in [("batch", &measured.batch), ("workers", &measured.workers)] {
                let field = format!("{}.{part}", task.name());
                if sweep.points.is_empty() {
                    return unsound(&field, "no points, at least 1 is needed");
                }
                if !sweep.points.iter().all(|point| point.rate.is_sound() && point.tokens > 0) {
                    return unsound(&field, "a rate is not the mean of measured rates within its interval");
                }
                let sizes = sweep.points.iter().map(|point| point.size);
                if sizes.clone().next() != Some(1) || !sizes.is_sorted_by(|a, b| a < b) {
                    return unsound(&field, "sizes do not ascend from 1");
                }
            }
        }
        Ok(())
    }
}
