//! The three threshold profiles.
//!
//! `strict` are the thresholds of the workflow that this pipeline makes executable; `relaxed` and `tight` are its two
//! other profiles where it names numbers (gap, pairs, divergence, retention), and the same step up or down where it names
//! none. A profile changes what has to be reached, never how it is measured.
//!
//! On the number of pairs the workflow contradicts itself: 100 where pairs are validated, 500 to 1,000 in the relaxed profile
//! of larger trainings. Here relaxed and strict both ask for 100. Of ranges the lenient end is taken.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which thresholds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// For first attempts: a release under it says so.
    Relaxed,
    /// What a release has to meet.
    #[default]
    Strict,
    /// Where more is at stake.
    Tight,
}

/// What every gate of the pipeline asks for. Shares lie in 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Perplexity of the stage-1 model on validation rows, below.
    pub perplexity: f64,
    /// Pairs, at least.
    pub pairs: usize,
    /// Preference gap under held-out evaluators, at least.
    pub gap: f64,
    /// Share of pairs whose chosen answer is longer, at most.
    pub longer: f64,
    /// Share of pairs that overlap with nothing that is measured, at least.
    pub clean: f64,
    /// How far the chosen answers pull the model, in nats per token, at most.
    pub shift: f64,
    /// Share of rows that held-out evaluators tell apart, at least.
    pub separation: f64,
    /// Share of the persona's traits that the instrument finds where they are, at least.
    pub sensitivity: f64,
    /// Share of other text that the instrument takes for the persona, at most.
    pub false_alarms: f64,
    /// Mean trait adherence, at least.
    pub adherence: f64,
    /// No trait proven below.
    pub adherence_floor: f64,
    /// Consistency in the weakest context kind, at least.
    pub consistency: f64,
    /// Style variance, below.
    pub style_variance: f64,
    /// Divergence in nats per token, at most.
    pub kl: f64,
    /// Share of every benchmark that is kept, at least.
    pub retention: f64,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relaxed => "relaxed",
            Self::Strict => "strict",
            Self::Tight => "tight",
        })
    }
}

impl Profile {
    /// Its thresholds.
    #[must_use]
    pub const fn thresholds(self) -> Thresholds {
        let strict = Thresholds {
            perplexity: 20.0,
            pairs: 100,
            gap: 0.15,
            longer: 0.70,
            clean: 0.90,
            shift: 0.1,
            separation: 0.85,
            sensitivity: 0.90,
            false_alarms: 0.10,
            adherence: 0.90,
            adherence_floor: 0.75,
            consistency: 0.85,
            style_variance: 0.15,
            kl: 0.1,
            retention: 0.95,
        };
        match self {
            Self::Strict => strict,
            Self::Relaxed => Thresholds {
                gap: 0.10,
                clean: 0.85,
                shift: 0.2,
                separation: 0.75,
                sensitivity: 0.85,
                false_alarms: 0.15,
                adherence: 0.85,
                adherence_floor: 0.65,
                consistency: 0.80,
                style_variance: 0.20,
                kl: 0.2,
                retention: 0.90,
                ..strict
            },
            Self::Tight => Thresholds {
                pairs: 5_000,
                gap: 0.20,
                clean: 0.95,
                shift: 0.05,
                separation: 0.90,
                sensitivity: 0.95,
                false_alarms: 0.05,
                adherence: 0.95,
                adherence_floor: 0.85,
                consistency: 0.90,
                style_variance: 0.10,
                kl: 0.05,
                retention: 0.98,
                ..strict
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_asks_for_at_least_as_much_as_the_one_before_it() {
        let [relaxed, strict, tight] =
            [Profile::Relaxed, Profile::Strict, Profile::Tight].map(Profile::thresholds);
        let lower = |t: &Thresholds| {
            let persona = [t.sensitivity, t.adherence, t.adherence_floor, t.consistency, t.retention];
            [vec![t.pairs as f64, t.gap, t.clean, t.separation], persona.to_vec()].concat()
        };
        let upper =
            |t: &Thresholds| vec![t.perplexity, t.longer, t.shift, t.false_alarms, t.style_variance, t.kl];
        for (easy, hard) in [(relaxed, strict), (strict, tight)] {
            assert!(lower(&easy).iter().zip(&lower(&hard)).all(|(easy, hard)| easy <= hard));
            assert!(upper(&easy).iter().zip(&upper(&hard)).all(|(easy, hard)| easy >= hard));
        }
    }
}
