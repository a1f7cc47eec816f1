//! `[loss]`: which preference loss, with the numbers that it has.

use realign_engine_abi::train::{Objective, PreferenceLoss};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    read::within,
};

/// A preference loss with its numbers. A number that the loss does not have is refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossSpec {
    /// Which one.
    #[serde(default)]
    pub kind: LossKind,
    /// Strength of the tie to the reference (0.1), for `simpo` the scale of mean log-probabilities (2.0).
    pub beta: Option<f64>,
    /// `cdpo`: how often a label is wrong (0.1).
    pub label_smoothing: Option<f64>,
    /// `dpop`: weight of what the chosen answer loses (50); `orpo`: weight of the odds ratio (0.1).
    pub lambda: Option<f64>,
    /// `simpo`: margin that must be reached (1.0).
    pub gamma: Option<f64>,
    /// Weight of the chosen answer's mean negative log-likelihood per token.
    #[serde(default)]
    pub nll: f64,
}

/// The losses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each name is explained where its formula is: realign_engine_abi::train")]
pub enum LossKind {
    #[default]
    Dpo,
    Cdpo,
    Ipo,
    Hinge,
    Dpop,
    Orpo,
    Simpo,
}

impl LossKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Dpo => "dpo",
            Self::Cdpo => "cdpo",
            Self::Ipo => "ipo",
            Self::Hinge => "hinge",
            Self::Dpop => "dpop",
            Self::Orpo => "orpo",
            Self::Simpo => "simpo",
        }
    }

    /// Which of beta, `label_smoothing`, lambda and gamma it has.
    const fn numbers(self) -> [bool; 4] {
        match self {
            Self::Dpo | Self::Ipo | Self::Hinge => [true, false, false, false],
            Self::Cdpo => [true, true, false, false],
            Self::Dpop => [true, false, true, false],
            Self::Orpo => [false, false, true, false],
            Self::Simpo => [true, false, false, true],
        }
    }
}

impl LossSpec {
    pub(super) fn check(&self) -> Result<()> {
        let given = [
            ("beta", self.beta, 1e-6, 1e3),
            ("label_smoothing", self.label_smoothing, 0.0, 0.499),
            ("lambda", self.lambda, 0.0, 1e4),
            ("gamma", self.gamma, 0.0, 1e3),
        ];
        for ((name, value, low, high), has) in given.into_iter().zip(self.kind.numbers()) {
            let Some(value) = value else { continue };
            if !has {
                return Err(Error::usage(format!("loss.{name}: `{}` has no such number", self.kind.name())));
            }
            within(&format!("loss.{name}"), value, low, high)?;
        }
        within("loss.nll", self.nll, 0.0, 1e3)
    }

    /// What the engine minimises.
    #[must_use]
    pub fn objective(&self) -> Objective {
        let beta = self.beta.unwrap_or(0.1);
        let loss = match self.kind {
            LossKind::Dpo => PreferenceLoss::Dpo { beta },
            LossKind::Cdpo => {
                PreferenceLoss::Cdpo { beta, label_smoothing: self.label_smoothing.unwrap_or(0.1) }
            }
            LossKind::Ipo => PreferenceLoss::Ipo { beta },
            LossKind::Hinge => PreferenceLoss::Hinge { beta },
            LossKind::Dpop => PreferenceLoss::Dpop { beta, lambda: self.lambda.unwrap_or(50.0) },
            LossKind::Orpo => PreferenceLoss::Orpo { lambda: self.lambda.unwrap_or(0.1) },
            LossKind::Simpo => {
                PreferenceLoss::Simpo { beta: self.beta.unwrap_or(2.0), gamma: self.gamma.unwrap_or(1.0) }
            }
        };
        Objective::Preference { loss, nll: self.nll }
    }
}
