//! What pairs have to reach.
//!
//! The numbers are the seeds'. Where these name a range for the relaxed profile, its lenient end is taken. On the number of
//! pairs the seeds contradict themselves: 100 where pairs are validated, 500 to 1,000 in the relaxed profile of a workflow for
//! larger trainings. Here the relaxed and the strict profile ask for 100, and another number can be asked for.

use serde::{Deserialize, Serialize};

/// How strict to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// For trying out.
    Relaxed,
    /// For training.
    #[default]
    Strict,
    /// For data that many trainings will use.
    Tight,
}

/// What pairs have to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Least number of pairs.
    pub pairs: usize,
    /// Least preference gap under held-out evaluators.
    pub gap: f64,
    /// Most share of pairs whose chosen answer is the longer one.
    pub longer: f64,
    /// Least share of clean pairs.
    pub clean: f64,
    /// Most shift, in nats per token.
    pub shift: f64,
}

impl Profile {
    /// Its thresholds.
    #[must_use]
    pub const fn thresholds(self) -> Thresholds {
        match self {
            Self::Relaxed => Thresholds { pairs: 100, gap: 0.10, longer: 0.70, clean: 0.85, shift: 0.2 },
            Self::Strict => Thresholds { pairs: 100, gap: 0.15, longer: 0.70, clean: 0.90, shift: 0.1 },
            Self::Tight => Thresholds { pairs: 5_000, gap: 0.20, longer: 0.70, clean: 0.95, shift: 0.05 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stricter_profile_asks_for_no_less() {
        let [relaxed, strict, tight] =
            [Profile::Relaxed, Profile::Strict, Profile::Tight].map(Profile::thresholds);
        for (lenient, severe) in [(relaxed, strict), (strict, tight)] {
            assert!(lenient.pairs <= severe.pairs && lenient.gap < severe.gap);
            assert!(lenient.clean < severe.clean && lenient.shift > severe.shift);
            assert!(lenient.longer >= severe.longer);
        }
    }
}
