//! One pass, and which way it went.
//!
//! A pass is `improving` where dev adherence rose by 0.02 or more, nothing was lost that the best pass had, and the
//! divergence is under its limit; `degrading` where adherence fell by as much, the divergence's gate is not passed, a
//! benchmark is proven not to be retained, or a held-out evaluator is proven to see less of the persona; else `stable`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::adjust::Adjustment;
use crate::{
    metrics::retention::Retention,
    model::Verdict,
    train::{outcome::Outcome, watch::Warning},
};

/// The least change of adherence that counts, and the range of passes that have converged.
pub(super) const STEP: f64 = 0.02;
/// Passes that convergence is seen over.
pub(super) const WINDOW: usize = 3;

/// Which way a pass went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Better: it is the best one now.
    Improving,
    /// Neither.
    Stable,
    /// Worse: rolled back.
    Degrading,
}

/// One pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Counted from 1; 0 is stage 5.
    pub number: u32,
    /// Traits that were weak before it.
    pub weak: Vec<String>,
    /// Pairs that differ in them.
    pub targeted: usize,
    /// How the training was changed.
    pub adjustment: Adjustment,
    /// Dev adherence after it.
    pub adherence: Option<f64>,
    /// Whether the divergence's gate is passed.
    pub under_limit: bool,
    /// The benchmark that is proven to be lost, or the held-out evaluator that is proven to see less, if there is one.
    pub lost: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// Its adapter, within the run's folder.
    pub adapter: PathBuf,
    /// Its training's folder, within the run's.
    pub training: PathBuf,
    /// Label of its evaluation on dev.
    pub label: String,
}

impl Pass {
    /// Whether nothing stands against it: it is under the limit and has lost nothing.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.under_limit && self.lost.is_none()
    }
}

/// Which way a pass went against the best one before it.
pub(super) fn direction(best: &Pass, adherence: Option<f64>, under_limit: bool, lost: bool) -> Direction {
    let gain = adherence.zip(best.adherence).map(|(now, before)| now - before);
    match gain {
        _ if !under_limit || lost => Direction::Degrading,
        Some(gain) if gain >= STEP => Direction::Improving,
        Some(gain) if gain <= -STEP => Direction::Degrading,
        // A pass with nothing against it is better than one over the limit or with a loss, however it reads.
        _ if !best.is_sound() => Direction::Improving,
        Some(_) => Direction::Stable,
        None => Direction::Degrading,
    }
}

/// Whether the last passes lie close together.
pub(super) fn converged(passes: &[Pass]) -> bool {
    let values: Vec<f64> =
        passes.iter().skip(1).rev().take(WINDOW).filter_map(|pass| pass.adherence).collect();
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    values.len() == WINDOW && high - low < STEP
}

/// What an adapter has lost: a benchmark by the paired test of retention, the persona by the evaluators that chose no pairs.
/// A benchmark that the watching suite warned of is worse; whether that is too much is what retention decides.
pub(super) fn lost(retention: &Retention, outcome: &Outcome) -> Option<String> {
    let benchmark = retention.benchmarks.iter().find(|one| one.decision.verdict == Verdict::Fail);
    let unseen = || {
        let mut warnings = outcome.warnings().into_iter();
        warnings.find(|warning| !matches!(warning, Warning::CapabilityLost(_))).map(ToString::to_string)
    };
    benchmark.map(|one| one.name.clone()).or_else(unseen)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::stages::iterate) fn pass(number: u32, adherence: f64, direction: Direction) -> Pass {
        Pass {
            number,
            weak: Vec::new(),
            targeted: 1,
            adjustment: Adjustment::NONE,
            adherence: Some(adherence),
            under_limit: true,
            lost: None,
            direction,
            adapter: PathBuf::new(),
            training: PathBuf::new(),
            label: String::new(),
        }
    }

    #[test]
    fn a_pass_is_held_against_the_best_one() {
        let best = pass(0, 0.6, Direction::Improving);
        assert_eq!(direction(&best, Some(0.62), true, false), Direction::Improving);
        assert_eq!(direction(&best, Some(0.61), true, false), Direction::Stable);
        assert_eq!(direction(&best, Some(0.57), true, false), Direction::Degrading);
        assert_eq!(direction(&best, Some(0.9), false, false), Direction::Degrading, "over the limit");
        assert_eq!(direction(&best, Some(0.9), true, true), Direction::Degrading, "a benchmark is lost");
        assert_eq!(direction(&best, None, true, false), Direction::Degrading, "not measured");
        let lossy = Pass { lost: Some("facts".into()), ..best };
        assert_eq!(direction(&lossy, Some(0.6), true, false), Direction::Improving, "what was lost is back");
    }

    #[test]
    fn three_passes_within_two_points_have_converged_and_stage_5_is_none_of_them() {
        let of = |values: &[f64]| {
            let mut passes = vec![pass(0, 0.7, Direction::Improving)];
            passes.extend(
                values.iter().zip(1..).map(|(value, number)| pass(number, *value, Direction::Stable)),
            );
            converged(&passes)
        };
        assert!(!of(&[0.7, 0.7]));
        assert!(of(&[0.7, 0.715, 0.71]));
        assert!(!of(&[0.7, 0.73, 0.71]));
        assert!(of(&[0.5, 0.7, 0.715, 0.71]));
    }
}
