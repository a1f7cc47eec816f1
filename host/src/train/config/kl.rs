//! `[kl]`: how far the model may move, how that is measured, and what it costs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::count;
use crate::{
    error::{Error, Result},
    read::within,
};

/// How far the model may move from where it started: divergence per token of its own responses, in nats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kl {
    /// Most divergence per token.
    #[serde(default = "default_limit")]
    pub limit: f64,
    /// Prompts on which it is measured: scenarios, of which the dev families are used, or rows with `messages`.
    pub prompts: Option<PathBuf>,
    /// Tasks that ask for nothing of the persona, as a suite's `neutral` names them: what comes out is measured on them
    /// too, beside the number that decides. Those of the suite that watches, where this is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neutral: Option<PathBuf>,
    /// System prompt in front of every prompt.
    pub system: Option<String>,
    /// At most so many families of prompts: a seeded choice, the same every time.
    pub families: Option<u32>,
    /// Share of the prompts' families that only the final confirmation reads.
    #[serde(default = "half")]
    pub confirm_share: f64,
    /// Most tokens in a response that is measured.
    #[serde(default = "default_response")]
    pub max_tokens: u32,
    /// Measured after every so many steps; never where it is left out.
    pub every: Option<u32>,
    /// What happens where the estimate is over the limit.
    #[serde(default)]
    pub guard: GuardRule,
    /// Prompts, or prompts with replies, on which divergence costs something in every step.
    pub anchors: Option<PathBuf>,
    /// Anchors in a step.
    #[serde(default = "two")]
    pub anchor_rows: u32,
    /// Cost of divergence per anchor token, in units of the loss per nat.
    #[serde(default)]
    pub weight: f64,
    /// Divergence that the cost is steered to; a fixed cost where it is left out.
    pub target: Option<f64>,
    /// Steps over which a lasting deviation from the target changes the cost by at most a fifth.
    #[serde(default = "hundred")]
    pub horizon: u32,
}

/// What happens where the measured divergence is over the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardRule {
    /// Every later step has half the rate.
    #[default]
    Halve,
    /// Training goes back to the last checkpoint that was not over the limit, and on with half the rate.
    Rollback,
}

const fn default_limit() -> f64 {
    0.1
}
const fn default_response() -> u32 {
    64
}
const fn half() -> f64 {
    0.5
}
const fn two() -> u32 {
    2
}
const fn hundred() -> u32 {
    100
}

impl Kl {
    pub(super) fn check(&self) -> Result<()> {
        within("kl.limit", self.limit, 1e-6, 100.0)?;
        within("kl.confirm_share", self.confirm_share, 0.1, 0.9)?;
        within("kl.families", f64::from(self.families.unwrap_or(4)), 4.0, 1e6)?;
        count("kl.max_tokens", self.max_tokens, 4_096)?;
        count("kl.anchor_rows", self.anchor_rows, 1_000)?;
        count("kl.horizon", self.horizon, 10_000_000)?;
        within("kl.weight", self.weight, 0.0, 1e6)?;
        if let Some(every) = self.every {
            count("kl.every", every, 10_000_000)?;
            if self.prompts.is_none() {
                return Err(Error::usage("kl.every: nothing can be measured without `prompts`"));
            }
        }
        if self.neutral.is_some() && self.prompts.is_none() {
            return Err(Error::usage(
                "kl.neutral: stands beside what is measured on `prompts`, and there are none",
            ));
        }
        if let Some(target) = self.target {
            within("kl.target", target, 1e-6, 100.0)?;
            if self.weight == 0.0 {
                return Err(Error::usage("kl.target: a weight of 0 cannot be steered")
                    .hint("give `weight` a first value, such as 1.0"));
            }
        }
        if self.weight > 0.0 && self.anchors.is_none() {
            return Err(Error::usage("kl.weight: nothing costs anything without `anchors`"));
        }
        if self.anchors.is_some() && self.weight == 0.0 {
            return Err(Error::usage("kl.anchors: they cost nothing with a weight of 0")
                .hint("give `weight` a value, or leave `anchors` out"));
        }
        Ok(())
    }
}
