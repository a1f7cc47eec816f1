//! The cluster bootstrap: whole clusters are drawn with replacement.
//!
//! Replicate r draws from stream r of `ChaCha8` under the caller's seed, so a result does not depend on the
//! number of threads, on the order of replicates or on how many there are after it.
//!
//! The interval is *`BCa`* (Efron 1987): quantiles of the replicates, corrected for bias and skewness. A replicate on
//! which the statistic is not defined is left out; if more than one in ten is, there is no interval.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use serde::{Deserialize, Serialize};

use super::{Interval, quantile};

/// Fewest replicates an interval is made from.
const MIN_REPLICATES: usize = 20;

/// How many replicates, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Replicates; 2,000 keep the Monte Carlo error of a 95 % end near the data's own rounding.
    pub replicates: usize,
    /// Seed of all streams.
    pub seed: u64,
}

/// The generator of one replicate: stream `replicate` under `seed`.
#[must_use]
pub fn replicate_rng(seed: u64, replicate: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(replicate as u64);
    rng
}

/// A whole number below `limit`, uniform to within `limit / 2^64`. `limit` is at least 1.
#[expect(clippy::cast_possible_truncation, reason = "a product scaled by 2^64 is below the limit")]
#[must_use]
pub fn below(rng: &mut ChaCha8Rng, limit: usize) -> usize {
    ((u128::from(rng.next_u64()) * limit as u128) >> 64) as usize
}

/// Sorted values of `statistic` on resampled clusters; it is given the indices that were drawn.
#[must_use]
pub fn distribution(
    clusters: usize,
    bootstrap: Bootstrap,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Vec<f64> {
    if clusters == 0 {
        return Vec::new();
    }
    let mut drawn = vec![0; clusters];
    let mut values: Vec<f64> = (0..bootstrap.replicates)
        .filter_map(|replicate| {
            let mut rng = replicate_rng(bootstrap.seed, replicate);
            drawn.fill_with(|| below(&mut rng, clusters));
            statistic(&drawn).filter(|value| value.is_finite())
        })
        .collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Percentile interval of a statistic, two-sided, widened to contain the value on all the data. For statistics such as
/// quantiles, which hardly move when one cluster is left out, so that there is no acceleration to correct by.
///
/// `None` with fewer than two clusters, or if the statistic is defined on too few replicates.
#[must_use]
pub fn percentile(
    clusters: usize,
    confidence: f64,
    bootstrap: Bootstrap,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    let value = on_all(clusters, &statistic)?;
    let replicates = distribution(clusters, bootstrap, statistic);
    let tail = (1.0 - confidence) / 2.0;
    usable(&replicates, bootstrap).then(|| around(value, &replicates, tail, 1.0 - tail))
}

/// `BCa` interval of a statistic, two-sided, widened to contain the value on all the data.
///
/// With `z0` the normal quantile of the share of replicates below the value (ties count half) and `a` the
/// jackknife acceleration `sum d^3 / (6 (sum d^2)^(3/2))`, the ends are the replicates' quantiles at
/// `Phi(z0 + (z0 + z) / (1 - a (z0 + z)))`. Where `z0` or `a` is not defined this is the percentile interval.
///
/// `None` with fewer than two clusters, or if the statistic is defined on too few replicates.
#[must_use]
pub fn bca(
    clusters: usize,
    confidence: f64,
    bootstrap: Bootstrap,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    let value = on_all(clusters, &statistic)?;
    let replicates = distribution(clusters, bootstrap, &statistic);
    if !usable(&replicates, bootstrap) {
        return None;
    }
    let without = (0..clusters)
        .map(|left_out| {
            let kept: Vec<usize> = (0..clusters).filter(|cluster| *cluster != left_out).collect();
            statistic(&kept).filter(|value| value.is_finite())
        })
        .collect::<Option<Vec<f64>>>();
    let acceleration = without.and_then(|values| acceleration(&values)).unwrap_or(0.0);
    Some(corrected(value, &replicates, acceleration, confidence))
}

/// The corrected quantiles of sorted replicates.
fn corrected(value: f64, replicates: &[f64], acceleration: f64, confidence: f64) -> Interval {
    let tail = (1.0 - confidence) / 2.0;
    let bias = bias(value, replicates);
    let adjusted = |p: f64| {
        let z = bias + quantile::normal(p);
        let scale = 1.0 - acceleration * z;
        if scale > 0.0 { quantile::normal_cdf(bias + z / scale) } else { p }
    };
    around(value, replicates, adjusted(tail), adjusted(1.0 - tail))
}

/// The statistic on every cluster once.
fn on_all(clusters: usize, statistic: &impl Fn(&[usize]) -> Option<f64>) -> Option<f64> {
    if clusters < 2 {
        return None;
    }
    let all: Vec<usize> = (0..clusters).collect();
    statistic(&all).filter(|value| value.is_finite())
}

/// Whether enough replicates are defined.
fn usable(replicates: &[f64], bootstrap: Bootstrap) -> bool {
    replicates.len() >= MIN_REPLICATES && replicates.len() * 10 >= bootstrap.replicates * 9
}

/// Normal quantile of the share of replicates below the value; 0 where all lie on one side.
fn bias(value: f64, replicates: &[f64]) -> f64 {
    let below = replicates.iter().filter(|replicate| **replicate < value).count() as f64;
    let ties = replicates.iter().filter(|replicate| **replicate <= value).count() as f64 - below;
    let share = (below + ties / 2.0) / replicates.len() as f64;
    if share > 0.0 && share < 1.0 { quantile::normal(share) } else { 0.0 }
}

/// Jackknife acceleration, from the statistic without each cluster in turn.
fn acceleration(without: &[f64]) -> Option<f64> {
    let mean = without.iter().sum::<f64>() / without.len() as f64;
    let squares: f64 = without.iter().map(|value| (mean - value).powi(2)).sum();
    let cubes: f64 = without.iter().map(|value| (mean - value).powi(3)).sum();
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    acceleration.is_finite().then_some(acceleration)
}

/// Quantiles of sorted replicates as an interval around the value.
fn around(value: f64, replicates: &[f64], low: f64, high: f64) -> Interval {
    Interval { low: at(replicates, low).min(value), high: at(replicates, high).max(value) }
}

/// Quantile of sorted values, of which there is one at least, linear between neighbours (Hyndman and Fan, type 7).
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position lies between 0 and the length of the list"
)]
pub fn at(sorted: &[f64], p: f64) -> f64 {
    let position = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let index = position.floor() as usize;
    let next = (index + 1).min(sorted.len() - 1);
    sorted[index] + (sorted[next] - sorted[index]) * (position - index as f64)
}

#[cfg(test)]
mod tests;
