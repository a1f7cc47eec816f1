//! `sft.toml` and `preference.toml` as people write them.
//!
//! Both have the same keys; `[loss]` belongs to preference training alone. Unknown keys are refused, every number is
//! checked against its limits, and paths are relative to the file.

mod batch;
mod kl;
mod layers;
mod loss;
mod optimiser;
mod watch;

use std::path::{Path, PathBuf};

use realign_engine_abi::train::PROJECTIONS;
use serde::{Deserialize, Serialize};

pub use self::{
    batch::BatchTokens,
    kl::{GuardRule, Kl},
    layers::Layers,
    loss::{LossKind, LossSpec},
    optimiser::{Optimiser, ScheduleShape},
    watch::Watch,
};
use crate::{
    error::{Error, Result},
    ids::Seed,
    read::{self, within},
};

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// On answers.
    Sft,
    /// On pairs of answers.
    Preference,
}

/// A training configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainFile {
    /// Version of the file format: 1.
    pub format: u32,
    /// What `--model` would name; the command line comes first.
    pub model: Option<String>,
    /// Where every random number starts.
    pub seed: Seed,
    /// Files of rows.
    pub data: Vec<DataSpec>,
    /// How persona and general rows are mixed.
    #[serde(default)]
    pub mix: Mix,
    /// A scenario file: rows of its dev and test families are refused.
    pub scenarios: Option<PathBuf>,
    /// Most tokens in a row. Longer rows are refused, never cut.
    #[serde(default = "default_length")]
    pub max_length: u32,
    /// How often every persona row is seen. One of this and `max_steps` is needed; the first to be reached ends.
    pub epochs: Option<u32>,
    /// Most optimiser steps.
    pub max_steps: Option<u32>,
    /// Most padded tokens in a batch.
    #[serde(default = "default_batch")]
    pub batch_tokens: BatchTokens,
    /// Batches whose gradients are added before one step.
    #[serde(default = "one")]
    pub accumulate: u32,
    /// Worker processes that take every step together. They exchange 32-bit numbers, so the last bits of a result depend
    /// on it.
    #[serde(default = "one")]
    pub ranks: u32,
    /// Shape of the adapter.
    #[serde(default)]
    pub adapter: Adapter,
    /// How it is updated.
    pub optimiser: Optimiser,
    /// What is minimised over pairs; preference training only.
    pub loss: Option<LossSpec>,
    /// When checkpoints are written.
    #[serde(default)]
    pub checkpoint: Checkpoint,
    /// Rows that are measured and never trained on.
    pub validation: Option<Validation>,
    /// How far the model may move.
    pub kl: Option<Kl>,
    /// What is judged on the way.
    pub watch: Option<Watch>,
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// JSON lines.
    pub path: PathBuf,
    /// What its rows are for.
    #[serde(default)]
    pub role: Role,
}

/// What rows are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// They show the persona.
    #[default]
    Persona,
    /// They keep what the model could do before.
    General,
}

/// How persona and general rows are mixed, where there are both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Share of persona rows in an epoch.
    pub persona: f64,
}

impl Default for Mix {
    fn default() -> Self {
        Self { persona: 0.7 }
    }
}

/// Shape of the adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adapter {
    /// Rank of the correction.
    pub rank: u32,
    /// Multiplies it, as in mlx-lm; in PEFT's words alpha / rank.
    pub scale: f32,
    /// Which blocks.
    pub layers: Layers,
    /// Which projections of a block.
    pub modules: Vec<String>,
}

impl Default for Adapter {
    fn default() -> Self {
        Self { rank: 8, scale: 2.0, layers: Layers::All, modules: PROJECTIONS.map(str::to_owned).into() }
    }
}

/// When checkpoints are written, and which one comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoint {
    /// After every so many steps, and after the last.
    pub every: u32,
    /// How many of the newest are kept; the best one is kept beside them.
    pub keep: u32,
    /// Which one comes out.
    pub export: Export,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { every: 50, keep: 2, export: Export::Best }
    }
}

/// Which checkpoint comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Export {
    /// The lowest validation loss; the last step where nothing is validated.
    Best,
    /// The last step.
    Last,
}

/// Rows that are measured and never trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// JSON lines.
    pub data: PathBuf,
    /// Measured after every so many steps, and after the last.
    #[serde(default = "fifty")]
    pub every: u32,
}

const fn default_length() -> u32 {
    1024
}
const fn default_batch() -> BatchTokens {
    BatchTokens::Fixed(1024)
}
const fn one() -> u32 {
    1
}
const fn fifty() -> u32 {
    50
}

impl TrainFile {
    /// Reads a file, lets `change` put the command line over it, and checks the result.
    ///
    /// # Errors
    /// A usage error naming file and field.
    pub fn read(path: &Path, kind: Kind, change: impl FnOnce(&mut Self)) -> Result<Self> {
        let mut file: Self = read::toml(path)?;
        change(&mut file);
        if kind == Kind::Preference {
            file.loss.get_or_insert_default();
        }
        file.check(kind).map_err(|error| error.within(path.display()))?;
        Ok(file)
    }

    fn check(&self, kind: Kind) -> Result<()> {
        if self.format != 1 {
            return Err(Error::usage(format!("format: {}, this version reads 1", self.format)));
        }
        if self.data.is_empty() {
            return Err(Error::usage("data: empty, at least one file is needed"));
        }
        if self.data.iter().all(|spec| spec.role == Role::General) {
            return Err(Error::usage("data: every file has the role `general`")
                .hint("an epoch is counted in persona rows: leave `role` out of at least one file"));
        }
        if self.epochs.is_none() && self.max_steps.is_none() {
            return Err(Error::usage("epochs, max_steps: neither is given").hint("add epochs = 1"));
        }
        count("epochs", self.epochs.unwrap_or(1), 1_000)?;
        count("max_steps", self.max_steps.unwrap_or(1), 1_000_000)?;
        within("mix.persona", self.mix.persona, 0.01, 1.0)?;
        within("max_length", f64::from(self.max_length), 2.0, 131_072.0)?;
        self.batch_tokens.check()?;
        count("accumulate", self.accumulate, 10_000)?;
        count("ranks", self.ranks, 256)?;
        self.adapter.check()?;
        self.optimiser.check()?;
        match (kind, &self.loss) {
            (Kind::Sft, Some(_)) => {
                return Err(Error::usage("loss: belongs to preference training alone")
                    .hint("remove the table, or run: realign train preference"));
            }
            (_, Some(loss)) => loss.check()?,
            (_, None) => {}
        }
        count("checkpoint.every", self.checkpoint.every, 10_000_000)?;
        count("checkpoint.keep", self.checkpoint.keep, 1_000)?;
        if let Some(validation) = &self.validation {
            count("validation.every", validation.every, 10_000_000)?;
        }
        self.kl.as_ref().map_or(Ok(()), Kl::check)?;
        self.watch.as_ref().map_or(Ok(()), Watch::check)
    }
}

impl Adapter {
    fn check(&self) -> Result<()> {
        count("adapter.rank", self.rank, 1_024)?;
        within("adapter.scale", f64::from(self.scale), 1e-6, 1e4)?;
        if self.layers == Layers::Last(0) {
            return Err(Error::usage("adapter.layers: 0, at least 1 is needed").hint("or \"all\""));
        }
        if self.modules.is_empty() {
            return Err(Error::usage("adapter.modules: empty, at least one projection is needed"));
        }
        for (index, module) in self.modules.iter().enumerate() {
            if !PROJECTIONS.contains(&module.as_str()) {
                return Err(Error::usage(format!(
                    "adapter.modules: `{module}` is none of {}",
                    PROJECTIONS.join(", ")
                )));
            }
            if self.modules[..index].contains(module) {
                return Err(Error::usage(format!("adapter.modules: `{module}` stands twice")));
            }
        }
        Ok(())
    }
}

/// A count that is at least 1.
fn count(field: &str, value: u32, most: u32) -> Result<()> {
    within(field, f64::from(value), 1.0, f64::from(most))
}

#[cfg(test)]
mod tests;
