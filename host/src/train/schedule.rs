//! The rate of every step.

use std::f64::consts::PI;

use super::config::{Optimiser, ScheduleShape};

/// Rates of a run of a known length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    rate: f64,
    shape: ScheduleShape,
    warmup: u32,
    steps: u32,
}

impl Schedule {
    /// The schedule of a run of `steps`; a warm-up that is longer ends with the run.
    #[must_use]
    pub fn new(optimiser: &Optimiser, steps: u32) -> Self {
        let share = optimiser.warmup_share.unwrap_or(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of at most 1 of a u32"
        )]
        let shared = (share * f64::from(steps)).round() as u32;
        let warmup = optimiser.warmup_steps.unwrap_or(shared).min(steps);
        Self { rate: optimiser.rate, shape: optimiser.schedule, warmup, steps }
    }

    /// The rate of a step, counted from 1. In the warm-up of w steps it is `rate n / w`. Of the d steps that follow, the
    /// k-th (from 0) has the full rate, `rate (1 - k/d)`, or `rate (1 + cos(pi k/d)) / 2`.
    #[must_use]
    pub fn rate(&self, step: u32) -> f64 {
        if step <= self.warmup {
            return self.rate * f64::from(step) / f64::from(self.warmup);
        }
        let passed = f64::from(step - self.warmup - 1) / f64::from((self.steps - self.warmup).max(1));
        match self.shape {
            ScheduleShape::Constant => self.rate,
            ScheduleShape::Linear => self.rate * (1.0 - passed).max(0.0),
            ScheduleShape::Cosine => self.rate * f64::midpoint(1.0, (PI * passed.min(1.0)).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(shape: ScheduleShape, warmup: u32, steps: u32) -> Vec<f64> {
        let schedule = Schedule { rate: 0.8, shape, warmup, steps };
        (1..=steps).map(|step| schedule.rate(step)).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_constant_rate_stays_after_its_warm_up() {
        assert_close(&rates(ScheduleShape::Constant, 4, 6), &[0.2, 0.4, 0.6, 0.8, 0.8, 0.8]);
    }

    #[test]
    fn a_linear_rate_begins_full_and_goes_down_in_equal_steps() {
        assert_close(&rates(ScheduleShape::Linear, 1, 5), &[0.8, 0.8, 0.6, 0.4, 0.2]);
    }

    #[test]
    fn a_cosine_is_at_half_the_rate_in_the_middle() {
        let half = 0.5_f64.sqrt() / 2.0;
        assert_close(
            &rates(ScheduleShape::Cosine, 0, 4),
            &[0.8, 0.8 * (0.5 + half), 0.4, 0.8 * (0.5 - half)],
        );
    }

    #[test]
    fn a_warm_up_may_be_a_share_of_all_steps_and_no_longer_than_the_run() {
        let optimiser = |text: &str| toml::from_str::<Optimiser>(text).unwrap();
        assert_eq!(Schedule::new(&optimiser("rate = 0.1\nwarmup_share = 0.1"), 50).warmup, 5);
        assert_eq!(Schedule::new(&optimiser("rate = 0.1\nwarmup_steps = 80"), 50).warmup, 50);
    }

    #[test]
    fn every_rate_is_positive() {
        for shape in [ScheduleShape::Constant, ScheduleShape::Linear, ScheduleShape::Cosine] {
            assert!(rates(shape, 3, 20).iter().all(|&rate| rate > 0.0));
        }
    }
}
