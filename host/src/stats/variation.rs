//! The coefficient of variation, `sd / mean`, with an interval that needs no normal values.
//!
//! On the logarithmic scale, with n values, `v` their coefficient of variation, `s` their skewness and `k` their kurtosis,
//!
//! ```text
//! var ln(sd / mean) = (k - (n - 3) / n) / (4 (n - 1)) + v^2 / n - s v / n
//! ```
//!
//! The first part is that of Bonett (2006), "Approximate confidence interval for standard deviation of nonnormal
//! distributions", with his kurtosis about a trimmed mean, which is too small for few values and is taken `(m + 1) / (m - 1)` times, as
//! m normal values need (Fisher 1930), and his correction `n / (n - z)` of the variance, which few values
//! underestimate; the others are the mean's, by linearisation. A bootstrap of so few values is too narrow by far: replicates of a
//! standard deviation cannot be wider than the values are.

use super::{CONFIDENCE, Evidence, ONE_SIDED_ALPHA, quantile};
use crate::model::Estimate;

/// Fewest values: with fewer the correction is not defined.
pub const FEWEST: usize = 5;

/// sd / mean with n - 1 in the variance; defined for two or more values with a mean above zero.
#[must_use]
pub fn value(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let variation = (squares / (n - 1.0)).sqrt() / mean;
    (values.len() >= 2 && mean > 0.0 && variation.is_finite()).then_some(variation)
}

/// The coefficient of variation of values of which so many are `independent`; each stands for `weight` observations.
///
/// `None` with fewer than five values or independent ones, or a mean that is not above zero.
#[must_use]
pub fn evidence(values: &[f64], independent: usize, weight: usize) -> Option<Evidence> {
    let clusters = values.len();
    let n = clusters.min(independent);
    if n < FEWEST {
        return None;
    }
    let value = value(values)?;
    let error = error(values, value, n as f64).unwrap_or(0.0);
    let count = n as f64;
    let at = |alpha: f64, sign: f64| {
        let z = quantile::t_upper(alpha, count - 1.0);
        let centre = (count / (count - quantile::normal(1.0 - alpha))).sqrt();
        value * centre * (sign * z * error).exp()
    };
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let low = |alpha| at(alpha, -1.0).min(value);
    let high = |alpha| at(alpha, 1.0).max(value);
    Evidence {
        estimate: Estimate { value, low: low(tail), high: high(tail), n: clusters * weight, clusters },
        lower: low(ONE_SIDED_ALPHA),
        upper: high(ONE_SIDED_ALPHA),
        effective_n: None,
        long_tail: false,
    }
    .finite()
}

/// Standard error of the logarithm; `None` where all values are equal.
fn error(values: &[f64], variation: f64, n: f64) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let moment =
        |about: f64, power: i32| values.iter().map(|value| (value - about).powi(power)).sum::<f64>() / count;
    let variance = moment(mean, 2);
    let unbiased = (count + 1.0) / (count - 1.0);
    let kurtosis = unbiased * moment(trimmed(values), 4) / (variance * variance);
    let skewness = moment(mean, 3) / variance.powf(1.5);
    let spread = (kurtosis - (n - 3.0) / n) / (4.0 * (n - 1.0));
    let centre = variation * variation / n - skewness * variation / n;
    let error = (spread + centre).max(spread / 2.0).sqrt();
    error.is_finite().then_some(error)
}

/// The mean without the share `1 / (2 sqrt(n - 4))` at either end.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn trimmed(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let cut = (n / (2.0 * (n - 4.0).sqrt())).floor() as usize;
    let kept = &sorted[cut.min((sorted.len() - 1) / 2)..sorted.len() - cut.min((sorted.len() - 1) / 2)];
    kept.iter().sum::<f64>() / kept.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_values_have_the_interval_that_the_formula_gives_by_hand() {
        let values = [0.8, 0.9, 0.95, 1.0, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3];
        let found = evidence(&values, 10, 4).expect("ten values");
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        near(found.estimate.value, 0.141_667_738);
        near(found.estimate.low, 0.090_484_736);
        near(found.estimate.high, 0.275_872_624);
        assert_eq!((found.estimate.n, found.estimate.clusters), (40, 10));
        assert!(found.estimate.low < found.lower && found.upper < found.estimate.high);
    }

    #[test]
    fn fewer_independent_values_say_less_and_too_few_nothing() {
        let values: Vec<f64> = (0..20).map(|index| 1.0 + 0.01 * f64::from(index)).collect();
        let width = |independent| {
            evidence(&values, independent, 1).map(|found| found.estimate.high - found.estimate.low)
        };
        assert!(width(10) > width(20));
        assert_eq!(width(4), None);
        assert_eq!(evidence(&[-1.0; 8], 8, 1), None, "no mean above zero");
    }

    #[test]
    fn equal_values_do_not_vary() {
        let found = evidence(&[0.5; 8], 8, 4).expect("eight values");
        assert_eq!((found.estimate.value, found.upper), (0.0, 0.0));
    }
}
