//! `[watch]`: what is judged on the way, beside divergence.

use std::{collections::BTreeSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::count;
use crate::{error::Result, suite::file::DeployPrompt};

/// An evaluation of checkpoints: dev families of a suite, its benchmarks and its neutral tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// The suite; of its scenarios the dev families are answered.
    pub suite: PathBuf,
    /// Judged before the first step, after every so many steps, and after the last.
    #[serde(default = "hundred")]
    pub every: u32,
    /// Which system prompt is deployed, instead of the suite's own choice.
    pub deploy_prompt: Option<DeployPrompt>,
    /// At most so many families; a seeded choice, the same every time.
    pub families: Option<usize>,
    /// At most so many items of each benchmark, and so many neutral tasks.
    pub items: Option<usize>,
    /// Traits whose detectors took no part in choosing pairs. The style scorer never does.
    #[serde(default)]
    pub held_out: BTreeSet<String>,
}

const fn hundred() -> u32 {
    100
}

impl Watch {
    pub(super) fn check(&self) -> Result<()> {
        count("watch.every", self.every, 10_000_000)
    }
}
