//! `[optimiser]`: AdamW and its rate.

use realign_engine_abi::train::AdamW;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    read::within,
};

/// AdamW and its rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimiser {
    /// Learning rate after the warm-up.
    pub rate: f64,
    /// How it goes on from there.
    #[serde(default)]
    pub schedule: ScheduleShape,
    /// Steps of the warm-up.
    pub warmup_steps: Option<u32>,
    /// The same as a share of all steps.
    pub warmup_share: Option<f64>,
    /// Decay of the first moment.
    #[serde(default = "beta1")]
    pub beta1: f64,
    /// Decay of the second moment.
    #[serde(default = "beta2")]
    pub beta2: f64,
    /// Added to the root of the second moment.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Decoupled weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// Gradients with a larger norm are scaled down to it; 0 leaves them as they are.
    #[serde(default = "clip_norm")]
    pub clip_norm: f64,
}

/// The shape of the rate after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleShape {
    /// As it is.
    Constant,
    /// Down to 0 in a straight line.
    Linear,
    /// Down to 0 along half a cosine.
    #[default]
    Cosine,
}

const fn beta1() -> f64 {
    0.9
}
const fn beta2() -> f64 {
    0.999
}
const fn epsilon() -> f64 {
    1e-8
}
const fn clip_norm() -> f64 {
    1.0
}

impl Optimiser {
    pub(super) fn check(&self) -> Result<()> {
        within("optimiser.rate", self.rate, 1e-9, 1.0)?;
        within("optimiser.beta1", self.beta1, 0.0, 0.999_999)?;
        within("optimiser.beta2", self.beta2, 0.0, 0.999_999_9)?;
        within("optimiser.epsilon", self.epsilon, 1e-16, 1.0)?;
        within("optimiser.weight_decay", self.weight_decay, 0.0, 10.0)?;
        within("optimiser.clip_norm", self.clip_norm, 0.0, 1e6)?;
        within("optimiser.warmup_share", self.warmup_share.unwrap_or(0.0), 0.0, 1.0)?;
        if self.warmup_steps.is_some() && self.warmup_share.is_some() {
            return Err(Error::usage("optimiser.warmup_steps, optimiser.warmup_share: both are given")
                .hint("keep one of them"));
        }
        Ok(())
    }

    /// What the engine is told once.
    #[must_use]
    pub fn adam(&self) -> AdamW {
        AdamW {
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
            clip_norm: (self.clip_norm > 0.0).then_some(self.clip_norm),
        }
    }
}
