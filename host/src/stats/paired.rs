//! Tests on pairs: the same item before and after.
//!
//! - [`sign_flip`]: permutation test on cluster sums. Under "nothing changed" every cluster's sum of differences
//!   is as likely to have the other sign, whatever the items inside a cluster have in common.
//! - [`mcnemar_exact`]: the same for independent items that are right or wrong, where it is a binomial test.
//!
//! Intervals of the mean difference are in [`super::paired_share`] and [`super::skewed`].

use rand_chacha::rand_core::Rng as _;
use statrs::distribution::{Binomial, DiscreteCDF as _};

use super::bootstrap::{self, Bootstrap};

/// Up to this many clusters all sign patterns are tried: 2^12 of them.
const EXACT_CLUSTERS: usize = 12;

/// Sums that differ by less than this part are ties.
const TIE: f64 = 1e-12;

/// Two-sided p-value of the sign-flip test on the sum of all differences.
///
/// With up to 12 clusters that changed, exact: the share of sign patterns whose absolute sum is at least the
/// observed one. With more, from `bootstrap.replicates` seeded patterns, `(1 + exceedances) / (1 + replicates)`
/// (Phipson and Smyth 2010), which is never 0. 1 if nothing changed or nothing was measured.
#[must_use]
pub fn sign_flip(clusters: &[Vec<f64>], bootstrap: Bootstrap) -> f64 {
    let sums: Vec<f64> =
        clusters.iter().map(|cluster| cluster.iter().sum::<f64>()).filter(|sum| *sum != 0.0).collect();
    let observed = sums.iter().sum::<f64>().abs();
    if sums.is_empty() || !observed.is_finite() {
        return 1.0;
    }
    let reached = |sum: f64| sum.abs() >= observed * (1.0 - TIE);
    if sums.len() <= EXACT_CLUSTERS {
        let patterns = 1_u32 << sums.len();
        let extreme = (0..patterns).filter(|pattern| reached(flipped(&sums, *pattern))).count();
        return extreme as f64 / f64::from(patterns);
    }
    let extreme = (0..bootstrap.replicates)
        .filter(|replicate| {
            let mut rng = bootstrap::replicate_rng(bootstrap.seed, *replicate);
            reached(sums.chunks(32).map(|chunk| flipped(chunk, rng.next_u32())).sum())
        })
        .count();
    (1 + extreme) as f64 / (1 + bootstrap.replicates) as f64
}

/// Sum with the sign of entry i turned where bit i of the pattern is set.
fn flipped(sums: &[f64], pattern: u32) -> f64 {
    sums.iter().enumerate().map(|(i, sum)| if pattern >> i & 1 == 1 { -sum } else { *sum }).sum()
}

/// Exact two-sided `McNemar` test: `b` items were lost and `c` gained among independent items.
///
/// `min(1, 2 P(X <= min(b, c)))` with X binomial(b + c, 1/2). 1 if nothing changed.
#[must_use]
pub fn mcnemar_exact(b: usize, c: usize) -> f64 {
    if b + c == 0 {
        return 1.0;
    }
    Binomial::new(0.5, (b + c) as u64).map_or(1.0, |binomial| (2.0 * binomial.cdf(b.min(c) as u64)).min(1.0))
}

#[cfg(test)]
mod tests;
