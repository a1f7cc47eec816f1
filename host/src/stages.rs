//! The seven stages, one file each: what a stage takes, what it gives, and the gate at its end.
//!
//! | Stage | Takes | Gives | Gate |
//! |---|---|---|---|
//! | [`sft`] | model, training file or adapter | the reference model and its baseline | trained, perplexity, every benchmark measured |
//! | [`definition`] | persona, suite | traits bound to detectors, with their cards | 5 to 10 traits, each detector discriminates |
//! | [`pairs`] | reference model, train families | preference pairs | held-out evaluators tell the sides apart, every trait covered |
//! | [`instrument`] | written and contrasting replies | what the evaluators find, and what they mistake | sensitivity, false alarms, style |
//! | [`optimise`] | pairs | an adapter under the limit of divergence | divergence; persona metrics on dev |
//! | [`iterate`] | the adapter, its weaknesses | the best adapter of several passes | the same, and not degrading |
//! | [`release`] | both models, test families | deploy or reject, model card | all five gates on test, read once |
//!
//! Stages 5 and 6 look at dev families, by value: dev chooses. Stage 7 looks at test families, by bound: test proves.

pub mod context;
pub mod definition;
pub mod instrument;
pub mod iterate;
pub mod judged;
pub mod models;
pub mod optimise;
pub mod pairs;
pub mod record;
pub mod release;
pub mod remedy;
pub mod retained;
pub mod sft;

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod every_gate;

pub use self::{context::Context, record::StageRecord};
use crate::error::Result;

/// One of the seven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Where the model comes from.
    Sft,
    /// What the persona is.
    Definition,
    /// What it is trained on.
    Pairs,
    /// What it is measured with.
    Instrument,
    /// Training under a limit of divergence.
    Optimise,
    /// Again, where it is weak.
    Iterate,
    /// The verdict.
    Release,
}

impl Stage {
    /// In their order.
    pub const ALL: [Self; 7] = [
        Self::Sft,
        Self::Definition,
        Self::Pairs,
        Self::Instrument,
        Self::Optimise,
        Self::Iterate,
        Self::Release,
    ];

    /// 1 to 7.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The stage with a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.number() == number)
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sft => "SFT preparation",
            Self::Definition => "persona definition",
            Self::Pairs => "consistency data",
            Self::Instrument => "persona evaluation",
            Self::Optimise => "optimisation",
            Self::Iterate => "iterative training",
            Self::Release => "evaluation and release",
        }
    }

    /// Its folder within the run's.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Sft => "1-sft",
            Self::Definition => "2-definition",
            Self::Pairs => "3-pairs",
            Self::Instrument => "4-instrument",
            Self::Optimise => "5-optimise",
            Self::Iterate => "6-iterate",
            Self::Release => "7-release",
        }
    }

    /// Does its work.
    ///
    /// # Errors
    /// What engine, sandbox and store report; exit 130 where it was asked to stop.
    pub fn run(self, context: &mut Context<'_>) -> Result<StageRecord> {
        match self {
            Self::Sft => sft::run(context),
            Self::Definition => definition::run(context),
            Self::Pairs => pairs::run(context),
            Self::Instrument => instrument::run(context),
            Self::Optimise => optimise::run(context),
            Self::Iterate => iterate::run(context),
            Self::Release => release::run(context),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage {}, {}", self.number(), self.title())
    }
}
