//! The interval of a mean difference, by what the data are.
//!
//! | Items | Interval |
//! |---|---|
//! | right or wrong, each a cluster of its own | Tango's score interval |
//! | right or wrong, clustered | Tango's at the effective number of items |
//! | any other value, 50 to 2,000 clusters | `BCa` cluster bootstrap |
//! | any other value, fewer or more | Student's t on clusters |
//!
//! Below 50 clusters a bootstrap is too narrow (it resamples a spread that it has hardly seen); above 2,000 skewness
//! no longer matters, and t is the same interval without the resampling. `tests/it/simulation.rs` measures the coverage
//! of each row.

use serde::{Deserialize, Serialize};

use crate::stats::{
    CONFIDENCE, Interval, ONE_SIDED_ALPHA, bootstrap::Bootstrap, mean, paired, paired_share, quantile,
};

/// Clusters for which the bootstrap is taken.
const BOOTSTRAP: std::ops::RangeInclusive<usize> = 50..=2000;

/// Where an interval comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalMethod {
    /// Tango (1998).
    Tango,
    /// The same at an effective number of items.
    TangoClustered,
    /// Efron (1987), clusters resampled.
    Bca,
    /// Student's t with one degree of freedom less than clusters.
    StudentT,
}

/// Two intervals of one mean difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intervals {
    /// Where they come from.
    pub method: IntervalMethod,
    /// Two-sided 95 %: what is shown, and what a claim of change needs.
    pub shown: Interval,
    /// Two-sided 90 %: its ends are one-sided 95 % bounds, what a claim of equivalence needs.
    pub bounds: Interval,
}

/// Intervals of the mean of clustered differences; `right_or_wrong` if both sides are 0 or 1 throughout.
///
/// `None` with fewer than two clusters.
#[must_use]
pub fn intervals(deltas: &[Vec<f64>], right_or_wrong: bool, bootstrap: Bootstrap) -> Option<Intervals> {
    let clusters = deltas.iter().filter(|cluster| !cluster.is_empty()).count();
    if clusters < 2 {
        return None;
    }
    let confidences = [CONFIDENCE, 1.0 - 2.0 * ONE_SIDED_ALPHA];
    let (method, [shown, bounds]) = if right_or_wrong {
        let single = deltas.iter().map(Vec::len).sum::<usize>() == clusters;
        let method = if single { IntervalMethod::Tango } else { IntervalMethod::TangoClustered };
        let [shown, bounds] = confidences.map(|confidence| paired_share::clustered_tango(deltas, confidence));
        (method, [shown?, bounds?])
    } else if BOOTSTRAP.contains(&clusters) {
        (IntervalMethod::Bca, paired::bootstrap_difference(deltas, confidences, bootstrap)?)
    } else {
        let mean = mean::clustered(deltas)?;
        let around = |confidence: f64| {
            let half = quantile::t_upper((1.0 - confidence) / 2.0, mean.clusters - 1) * mean.standard_error;
            Interval { low: mean.value - half, high: mean.value + half }
        };
        (IntervalMethod::StudentT, confidences.map(around))
    };
    Some(Intervals { method, shown, bounds })
}
