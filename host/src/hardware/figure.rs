//! One measured number: a mean that says how far to trust it.

use serde::{Deserialize, Serialize};

use crate::stats::mean;

/// Mean of repeated measurements with its two-sided 95 % interval (Student's t over the repeats).
///
/// The interval is about the repeats of one session: how much another day, another temperature or another load on
/// the machine would change is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The mean.
    pub mean: f64,
    /// Standard deviation of the repeats.
    pub deviation: f64,
    /// Lower end of the interval; never below 0, because rates are not.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Repeats; at least 2.
    pub n: usize,
}

impl Figure {
    /// Of repeated measurements of something that cannot be negative. `None` for fewer than two, or where one is
    /// not finite.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let alone: Vec<Vec<f64>> = values.iter().map(|value| vec![*value]).collect();
        let mean = mean::clustered(&alone)?;
        let estimate = mean.evidence()?.estimate;
        Some(Self {
            mean: estimate.value,
            deviation: mean.standard_error * (mean.n as f64).sqrt(),
            low: estimate.low.max(0.0),
            high: estimate.high,
            n: mean.n,
        })
    }

    /// The same in another unit, or of another size.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            deviation: self.deviation * factor,
            low: self.low * factor,
            high: self.high * factor,
            n: self.n,
        }
    }

    /// Whether the numbers can be what [`Self::of`] made of some rate.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.n >= 2
            && self.mean > 0.0
            && self.deviation >= 0.0
            && (0.0..=self.mean).contains(&self.low)
            && self.high >= self.mean
            && self.high.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_repeats_have_the_interval_of_students_t() {
        let figure = Figure::of(&[10.0, 12.0, 14.0]).unwrap();
        assert_eq!((figure.mean, figure.n), (12.0, 3));
        assert!((figure.deviation - 2.0).abs() < 1e-12);
        // t(0.975, 2) = 4.302653; standard error 2 / sqrt(3).
        assert!((figure.high - (12.0 + 4.302_653 * 2.0 / 3_f64.sqrt())).abs() < 1e-5);
        assert!(figure.is_sound());
    }

    #[test]
    fn a_rate_is_never_negative_and_one_repeat_says_nothing() {
        assert!(Figure::of(&[1.0, 100.0]).unwrap().low.abs() < 1e-12);
        assert_eq!(Figure::of(&[1.0]), None);
        assert_eq!(Figure::of(&[1.0, f64::INFINITY]), None);
    }
}
