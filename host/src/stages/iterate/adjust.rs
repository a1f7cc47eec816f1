//! How the training is changed from pass to pass.
//!
//! | Weakness | Adjustment |
//! |---|---|
//! | divergence over the limit | beta x 1.5, rate x 0.5 |
//! | a benchmark lost, or a held-out evaluator sees less of the persona | beta x 2, rate x 0.5, steps x 0.7 |
//! | slow progress after the second pass | rate x 1.5, beta x 0.8 |
//!
//! Adjustments multiply: each pass starts from those of the one before it.

use serde::{Deserialize, Serialize};

use super::pass::{Direction, Pass, STEP};
use crate::train::config::TrainFile;

/// A gain below this is slow progress.
const SLOW: f64 = 2.0 * STEP;

/// How the training is changed against its file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Multiplies the rate.
    pub rate: f64,
    /// Multiplies beta.
    pub beta: f64,
    /// Multiplies the steps.
    pub steps: f64,
}

impl Adjustment {
    /// The file as it is.
    pub const NONE: Self = Self { rate: 1.0, beta: 1.0, steps: 1.0 };

    /// Changes a training. At least one step and one epoch are left.
    pub fn apply(self, file: &mut TrainFile) {
        file.optimiser.rate *= self.rate;
        if let Some(loss) = &mut file.loss {
            loss.beta = loss.beta.map(|beta| beta * self.beta);
        }
        let fewer = |count: u32| {
            (1..=count).rev().find(|&n| f64::from(n) <= f64::from(count) * self.steps).unwrap_or(1)
        };
        file.max_steps = file.max_steps.map(fewer);
        if file.max_steps.is_none() {
            file.epochs = file.epochs.map(fewer);
        }
    }

    fn times(self, rate: f64, beta: f64, steps: f64) -> Self {
        Self { rate: self.rate * rate, beta: self.beta * beta, steps: self.steps * steps }
    }
}

/// The workflow's rules, applied to what the last pass showed.
pub(super) fn adjust(passes: &[Pass]) -> Adjustment {
    let last = &passes[passes.len() - 1];
    if !last.under_limit {
        return last.adjustment.times(0.5, 1.5, 1.0);
    }
    if last.lost.is_some() {
        return last.adjustment.times(0.5, 2.0, 0.7);
    }
    let before = passes.iter().rev().skip(1).find(|pass| pass.direction == Direction::Improving);
    let gain = before.and_then(|before| Some(last.adherence? - before.adherence?));
    let slow = last.direction == Direction::Improving && gain.is_some_and(|gain| gain < SLOW);
    if passes.len() > 2 && slow {
        return last.adjustment.times(1.5, 0.8, 1.0);
    }
    last.adjustment
}

#[cfg(test)]
mod tests {
    use super::{super::pass::tests::pass, *};

    #[test]
    fn adjustments_follow_the_rules_and_add_up() {
        let mut over = pass(1, 0.6, Direction::Degrading);
        over.under_limit = false;
        let first = adjust(&[pass(0, 0.6, Direction::Improving), over.clone()]);
        assert_eq!(first, Adjustment { rate: 0.5, beta: 1.5, steps: 1.0 });
        let lost =
            Pass { lost: Some("facts".into()), adjustment: first, ..pass(2, 0.6, Direction::Degrading) };
        let second = adjust(&[pass(0, 0.6, Direction::Improving), over, lost]);
        assert_eq!(second, Adjustment { rate: 0.25, beta: 3.0, steps: 0.7 });
        let gaining = |last| {
            [(0, 0.6), (1, 0.65), (2, last)].map(|(number, value)| pass(number, value, Direction::Improving))
        };
        assert_eq!(adjust(&gaining(0.67)), Adjustment { rate: 1.5, beta: 0.8, steps: 1.0 }, "slow");
        assert_eq!(adjust(&gaining(0.75)), Adjustment::NONE, "not slow");
        assert_eq!(adjust(&gaining(0.67)[..2]), Adjustment::NONE, "not after the first pass");
    }
}
