//! Intervals of shares: independent observations and clusters.
//!
//! - [`wilson`] for display, [`clopper_pearson`] where the error must not exceed its level.
//! - [`Share`] for clustered shares: the interval of Korn and Graubard (1998), which is Clopper-Pearson at an
//!   effective sample size.
//!
//! # Choices
//!
//! - The variance of a share is linearised by cluster, with residuals
//!   `r_c = sum over the cluster of (x - p) / n`. A mean of T shares has `r_c = sum_t sum (x - p_t) / (T n_t)`,
//!   so traits that fail together in one scenario count as one failure. Variance and its degrees of freedom are those of
//!   [`super::robust`]: `C / (C - 1) * sum_c r_c^2` and C - 1 where clusters weigh the same.
//! - The effective size is n over the design effect, `p (1 - p) / variance`, with one made-up cluster beside the data
//!   (`linear` says why); times `(t_{n-1} / t_df)^2` for having estimated the
//!   variance (the quantiles are those of the bound asked for), and never more than n. R's
//!   `survey::svyciprop(method = "beta")` uses C - 1, no made-up cluster and no cap.
//! - If every cluster holds one observation, the effective size is n and the bounds are exactly Clopper-Pearson.
//! - If the variance is zero (all hits, all misses) or there are fewer than two clusters, the design effect
//!   cannot be estimated: the effective size is then the number of clusters.
//! - That rule alone would make one miss look better than none. Therefore no bound is stronger than the one
//!   that flawless data from as many clusters gives, `alpha^(1/C)` from below: 24 scenarios never prove 90 %.

use linear::{Linear, informed};

use super::{CONFIDENCE, Evidence, Interval, ONE_SIDED_ALPHA, quantile, robust};
use crate::model::Estimate;

mod linear;

/// Variances below this are rounding errors of zero.
const NO_VARIANCE: f64 = 1e-18;

/// Hits among the observations of one cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// Observations that show it.
    pub hits: usize,
    /// All observations.
    pub n: usize,
}

impl Count {
    /// Hits, never more than observations.
    fn within(&self) -> usize {
        self.hits.min(self.n)
    }
}

/// Wilson's score interval (1927) of `hits` out of `n` independent observations.
///
/// `(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`. `None` if `n` is 0 or `hits` exceeds it.
#[must_use]
pub fn wilson(hits: usize, n: usize, confidence: f64) -> Option<Interval> {
    if n == 0 || hits > n {
        return None;
    }
    let (size, share) = (n as f64, hits as f64 / n as f64);
    let z = quantile::normal(0.5 + confidence / 2.0);
    let z2 = z * z / size;
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let half = z * (share * (1.0 - share) / size + z2 / (4.0 * size)).sqrt() / (1.0 + z2);
    Some(Interval { low: (centre - half).clamp(0.0, share), high: (centre + half).clamp(share, 1.0) })
}

/// The exact two-sided interval of Clopper and Pearson (1934) for independent observations.
///
/// `None` if `n` is 0 or `hits` exceeds it.
#[must_use]
pub fn clopper_pearson(hits: usize, n: usize, confidence: f64) -> Option<Interval> {
    if n == 0 || hits > n {
        return None;
    }
    let tail = (1.0 - confidence) / 2.0;
    let (hits, n) = (hits as f64, n as f64);
    Some(Interval { low: exact_lower(hits, n, tail), high: exact_upper(hits, n, tail) })
}

/// One-sided exact lower bound with error `alpha`: the `alpha` quantile of Beta(hits, n - hits + 1).
///
/// Sizes need not be whole, so that effective sizes can be used. 0 if there are no hits.
#[must_use]
pub fn exact_lower(hits: f64, n: f64, alpha: f64) -> f64 {
    if hits <= 0.0 {
        return 0.0;
    }
    quantile::beta(alpha, hits, n - hits + 1.0).min(hits / n)
}

/// One-sided exact upper bound with error `alpha`: the `1 - alpha` quantile of Beta(hits + 1, n - hits).
///
/// 1 if everything is a hit.
#[must_use]
pub fn exact_upper(hits: f64, n: f64, alpha: f64) -> f64 {
    if hits >= n {
        return 1.0;
    }
    quantile::beta(1.0 - alpha, hits + 1.0, n - hits).max(hits / n)
}

/// A share, or a mean of shares, with its variance linearised by cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Between 0 and 1.
    pub value: f64,
    /// Linearised variance of the value; 0 with fewer than two clusters.
    pub variance: f64,
    /// Degrees of freedom of the variance.
    pub df: f64,
    /// Observations.
    pub n: usize,
    /// Clusters that hold observations.
    pub clusters: usize,
    /// n over the design effect, with one more cluster that misses.
    below: f64,
    /// The same with one more that hits.
    above: f64,
}

/// The share of hits among all observations. `None` if there are none.
#[must_use]
pub fn clustered(clusters: &[Count]) -> Option<Share> {
    mean_of_shares(&[clusters.to_vec()])
}

/// The mean over rows (traits) of each row's share; entry `c` of every row is the same cluster.
///
/// `None` if there is no row or one of them holds no observation.
#[must_use]
pub fn mean_of_shares(rows: &[Vec<Count>]) -> Option<Share> {
    let seen = Linear::of(rows, None)?;
    let n: usize = rows.iter().flatten().map(|count| count.n).sum();
    let clusters = seen.clusters.len();
    let mut share =
        Share { value: seen.value, variance: 0.0, df: 1.0, n, clusters, below: n as f64, above: n as f64 };
    if clusters < 2 {
        return Some(share);
    }
    if rows.len() == 1 && clusters == n {
        share.variance = seen.value * (1.0 - seen.value) / n as f64;
        share.df = (clusters - 1) as f64;
        return Some(share);
    }
    let spread = robust::spread(&seen.clusters, 1.0);
    share.variance = spread.standard_error.powi(2);
    share.df = spread.df;
    share.below = informed(rows, false)?;
    share.above = informed(rows, true)?;
    Some(share)
}

impl Share {
    /// Independent observations that carry as much information for the lower bound with error `alpha`.
    #[must_use]
    pub fn below_n(&self, alpha: f64) -> f64 {
        self.effective(self.below, alpha)
    }

    /// Independent observations that carry as much information for the upper bound with error `alpha`.
    #[must_use]
    pub fn above_n(&self, alpha: f64) -> f64 {
        self.effective(self.above, alpha)
    }

    /// The lesser of both, for saying how much more would decide.
    #[must_use]
    pub fn effective_n(&self, alpha: f64) -> f64 {
        self.below_n(alpha).min(self.above_n(alpha))
    }

    fn effective(&self, informed: f64, alpha: f64) -> f64 {
        if self.clusters < 2 || self.variance < NO_VARIANCE {
            return self.clusters as f64;
        }
        let uncertainty = quantile::t_upper(alpha, (self.n - 1) as f64) / quantile::t_upper(alpha, self.df);
        (informed * uncertainty.powi(2)).min(self.n as f64)
    }

    /// One-sided lower bound with error `alpha`.
    #[must_use]
    pub fn lower(&self, alpha: f64) -> f64 {
        lower_at(self.value, self.below_n(alpha), self.clusters as f64, alpha)
    }

    /// One-sided upper bound with error `alpha`.
    #[must_use]
    pub fn upper(&self, alpha: f64) -> f64 {
        upper_at(self.value, self.above_n(alpha), self.clusters as f64, alpha)
    }

    /// The share as gates and reports take it.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let tail = (1.0 - CONFIDENCE) / 2.0;
        Evidence {
            estimate: Estimate {
                value: self.value,
                low: self.lower(tail),
                high: self.upper(tail),
                n: self.n,
                clusters: self.clusters,
            },
            lower: self.lower(ONE_SIDED_ALPHA),
            upper: self.upper(ONE_SIDED_ALPHA),
            effective_n: Some(self.effective_n(ONE_SIDED_ALPHA)),
            long_tail: false,
        }
    }
}

/// Lower bound of a share seen in `effective_n` effective observations from `clusters` clusters.
#[must_use]
pub fn lower_at(share: f64, effective_n: f64, clusters: f64, alpha: f64) -> f64 {
    let flawless = alpha.powf(1.0 / clusters);
    exact_lower(share * effective_n, effective_n, alpha).min(flawless).min(share)
}

/// Upper bound of a share seen in `effective_n` effective observations from `clusters` clusters.
#[must_use]
pub fn upper_at(share: f64, effective_n: f64, clusters: f64, alpha: f64) -> f64 {
    let flawless = 1.0 - alpha.powf(1.0 / clusters);
    exact_upper(share * effective_n, effective_n, alpha).max(flawless).max(share)
}

#[cfg(test)]
mod tests;
