//! Means of clustered values, ratios of sums and geometric means.
//!
//! The standard error of a mean over n values in C clusters is
//! `sqrt(C / (C - 1) * sum_c (sum_{i in c} (x_i - mean))^2) / n`; the interval takes Student's t with C - 1
//! degrees of freedom. A ratio of sums `R = sum a / sum b` is linearised: the residual of an observation is
//! `(a_i - R b_i)` and the divisor is `sum b`.
//!
//! Fewer than two clusters say nothing about their own spread: the answer is `None`.

use super::{CONFIDENCE, Evidence, ONE_SIDED_ALPHA, quantile};
use crate::model::Estimate;

/// A mean with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean, or the ratio of sums.
    pub value: f64,
    /// Clustered standard error, in the unit of the value.
    pub standard_error: f64,
    /// Observations.
    pub n: usize,
    /// Clusters that hold observations; at least 2.
    pub clusters: usize,
}

/// Mean of all values. `None` with fewer than two clusters or a value that is not finite.
#[must_use]
pub fn clustered(clusters: &[Vec<f64>]) -> Option<Mean> {
    let ratios: Vec<Vec<(f64, f64)>> =
        clusters.iter().map(|cluster| cluster.iter().map(|value| (*value, 1.0)).collect()).collect();
    ratio_of_sums(&ratios)
}

/// Sum of numerators over sum of denominators.
///
/// `None` with fewer than two clusters, a sum of denominators of zero or a number that is not finite.
#[must_use]
pub fn ratio_of_sums(clusters: &[Vec<(f64, f64)>]) -> Option<Mean> {
    let filled: Vec<&Vec<(f64, f64)>> = clusters.iter().filter(|cluster| !cluster.is_empty()).collect();
    let count = filled.len();
    if count < 2 {
        return None;
    }
    let sums: Vec<(f64, f64)> = filled
        .iter()
        .map(|cluster| cluster.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y)))
        .collect();
    let numerator: f64 = sums.iter().map(|(a, _)| a).sum();
    let denominator: f64 = sums.iter().map(|(_, b)| b).sum();
    let value = numerator / denominator;
    let squares: f64 = sums.iter().map(|(a, b)| (a - value * b).powi(2)).sum();
    let correction = count as f64 / (count - 1) as f64;
    let standard_error = (correction * squares).sqrt() / denominator.abs();
    let n = filled.iter().map(|cluster| cluster.len()).sum();
    (value.is_finite() && standard_error.is_finite()).then_some(Mean {
        value,
        standard_error,
        n,
        clusters: count,
    })
}

/// Geometric mean `exp(mean(ln x))`; the interval is that of the mean logarithm, mapped back.
///
/// `None` with fewer than two clusters or a value that is not positive.
#[must_use]
pub fn geometric(clusters: &[Vec<f64>]) -> Option<Evidence> {
    let logarithms: Vec<Vec<f64>> =
        clusters.iter().map(|cluster| cluster.iter().map(|value| value.ln()).collect()).collect();
    clustered(&logarithms)?.evidence()?.map_increasing(f64::exp)
}

/// Mean of values that cannot leave `low..=high`, with bounds that stay honest for few or equal values.
///
/// Following Agresti and Min (2005), who add two made-up observations to a table of paired proportions, the
/// interval is that of the data plus one value at each end of the range; the value itself is the plain mean. If
/// all clusters agree exactly their spread cannot be estimated, and each added value weighs as much as a
/// cluster. The interval is widened to contain the mean where it does not, and ends where the range does: the mean of
/// all that could be measured lies there too.
///
/// `None` with fewer than two clusters or a number that is not finite.
#[must_use]
pub fn bounded(clusters: &[Vec<f64>], low: f64, high: f64) -> Option<Evidence> {
    let plain = clustered(clusters)?;
    let scale = (high - low).abs().max(f64::MIN_POSITIVE);
    let weight = if plain.standard_error / scale < 1e-9 { plain.n.div_ceil(plain.clusters) } else { 1 };
    let mut padded = clusters.to_vec();
    padded.extend([vec![low; weight], vec![high; weight]]);
    let mut evidence = clustered(&padded)?.evidence()?;
    let value = plain.value;
    let below = |bound: f64| bound.max(low).min(value);
    let above = |bound: f64| bound.min(high).max(value);
    let Estimate { low: least, high: most, .. } = evidence.estimate;
    evidence.estimate =
        Estimate { value, low: below(least), high: above(most), n: plain.n, clusters: plain.clusters };
    evidence.lower = below(evidence.lower);
    evidence.upper = above(evidence.upper);
    evidence.finite()
}

impl Mean {
    /// The mean as gates and reports take it. `None` if a bound is not finite.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        let df = self.clusters - 1;
        let two_sided = quantile::t_upper((1.0 - CONFIDENCE) / 2.0, df) * self.standard_error;
        let one_sided = quantile::t_upper(ONE_SIDED_ALPHA, df) * self.standard_error;
        Evidence {
            estimate: Estimate {
                value: self.value,
                low: self.value - two_sided,
                high: self.value + two_sided,
                n: self.n,
                clusters: self.clusters,
            },
            lower: self.value - one_sided,
            upper: self.value + one_sided,
            effective_n: None,
        }
        .finite()
    }
}

#[cfg(test)]
mod tests;
