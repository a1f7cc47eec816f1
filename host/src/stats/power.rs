//! How much more would decide, and how small a change could have been seen.

use super::{ONE_SIDED_ALPHA, proportion, quantile};

/// Searches stop here: nobody writes more scenarios than this.
const MAX_CLUSTERS: usize = 1_000_000;

/// Power that [`minimum_detectable_difference`] promises.
const POWER: f64 = 0.8;

/// Further clusters after which a share that stays as it is would be proven at least (or, if it lies below, less
/// than) `threshold`.
///
/// The smallest C' > C such that the one-sided 95 % bound of the same share, with effective size
/// `effective_n * C' / C`, crosses the threshold; found by doubling, then halving, because the bound moves one
/// way as C' grows. `None` if the share equals the threshold, nothing was measured or a million do not suffice.
#[must_use]
pub fn further_for_share(share: f64, effective_n: f64, clusters: usize, threshold: f64) -> Option<usize> {
    if clusters == 0 || effective_n.is_nan() || effective_n <= 0.0 {
        return None;
    }
    let decided = |total: usize| {
        let scaled = effective_n * total as f64 / clusters as f64;
        if share >= threshold {
            proportion::lower_at(share, scaled, total as f64, ONE_SIDED_ALPHA) >= threshold
        } else {
            proportion::upper_at(share, scaled, total as f64, ONE_SIDED_ALPHA) < threshold
        }
    };
    Some(first(clusters, decided)?.saturating_sub(clusters))
}

/// Further clusters after which a mean that stays as it is would be decided, by the root-n law.
///
/// `gap` is the distance from the mean to the threshold and `half_width` that from the mean to the bound that
/// has to cross it: the bound reaches the threshold at `C (half_width / gap)^2` clusters. `None` as for shares.
#[must_use]
pub fn further_for_mean(gap: f64, half_width: f64, clusters: usize) -> Option<usize> {
    let decided = |total: usize| half_width * (clusters as f64 / total as f64).sqrt() <= gap;
    if clusters == 0 || gap.is_nan() || gap <= 0.0 || !half_width.is_finite() {
        return None;
    }
    Some(first(clusters, decided)?.saturating_sub(clusters))
}

/// The smallest number of clusters, `clusters` or more, that decides; `decided` changes once.
fn first(clusters: usize, decided: impl Fn(usize) -> bool) -> Option<usize> {
    let mut high = clusters;
    while !decided(high) {
        if high >= MAX_CLUSTERS {
            return None;
        }
        high = (high * 2).min(MAX_CLUSTERS);
    }
    let mut low = clusters;
    while low < high {
        let middle = usize::midpoint(low, high);
        if decided(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// Smallest true difference that a two-sided 5 % test on these pairs finds with 80 % power.
///
/// `(t_{0.975} + t_{0.8}) * SE` with C - 1 degrees of freedom and the clustered standard error of the paired
/// differences (after Miller 2024, section 5). `None` with fewer than two clusters or no spread to judge by.
#[must_use]
pub fn minimum_detectable_difference(standard_error: f64, clusters: usize) -> Option<f64> {
    if clusters < 2 || !standard_error.is_finite() || standard_error <= 0.0 {
        return None;
    }
    let df = (clusters - 1) as f64;
    Some((quantile::t_upper(0.025, df) + quantile::t_upper(1.0 - POWER, df)) * standard_error)
}

/// Items after which `target` would be the smallest detectable difference, by the root-n law: `n (mde / target)^2`, if
/// further items come in clusters like the ones that are there.
///
/// `None` where there is no target, or a million clusters' worth of items would not suffice.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below the limit")]
pub fn items_needed(minimum_detectable: f64, items: usize, target: f64) -> Option<usize> {
    let needed = items as f64 * (minimum_detectable / target).powi(2);
    let possible = needed.is_finite() && target > 0.0 && needed <= (MAX_CLUSTERS * 1000) as f64;
    possible.then(|| needed.ceil() as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_further_perfect_scenarios_after_24_prove_ninety_percent() {
        assert_eq!(further_for_share(1.0, 24.0, 24, 0.9), Some(5));
    }

    #[test]
    fn a_share_at_the_threshold_is_never_decided() {
        assert_eq!(further_for_share(0.9, 100.0, 100, 0.9), None);
        assert_eq!(further_for_mean(0.0, 0.1, 100), None);
    }

    #[test]
    fn a_mean_with_twice_the_gap_as_half_width_needs_four_times_the_clusters() {
        assert_eq!(further_for_mean(0.1, 0.2, 50), Some(150));
    }

    #[test]
    fn a_difference_of_nothing_has_no_detectable_size() {
        assert_eq!(minimum_detectable_difference(0.0, 100), None);
        assert_eq!(minimum_detectable_difference(0.1, 1), None);
    }

    /// 690 paired items at 10 % discordance see a relative loss of 5 % of 0.60 in a one-sided test; a two-sided one
    /// at the same size sees a little less: `(1.9634 + 0.8421) * sqrt(0.1 / 690)`.
    #[test]
    fn the_detectable_difference_follows_the_planning_formula() {
        let found = minimum_detectable_difference((0.1_f64 / 690.0).sqrt(), 690).expect("there is spread");
        assert!((found - 0.033_78).abs() < 1e-4, "{found}");
    }

    /// Miller (2024), section 5: with a variance of 1/9 between questions, 969 of them detect 3 points.
    #[test]
    fn the_published_number_of_questions_is_found() {
        let standard_error = |n: usize| (1.0 / 9.0 / n as f64).sqrt();
        let found = minimum_detectable_difference(standard_error(969), 969).expect("there is spread");
        assert!((found - 0.03).abs() < 1e-4, "{found}");
        let few = minimum_detectable_difference(standard_error(200), 200).expect("there is spread");
        let needed = items_needed(few, 200, 0.03).expect("possible");
        // The quantiles are those of 199 degrees of freedom, a little wider than the paper's normal ones.
        assert!((969..=985).contains(&needed), "{needed}");
    }

    #[test]
    fn an_impossible_target_needs_no_number() {
        assert_eq!(items_needed(0.1, 100, 0.0), None);
        assert_eq!(items_needed(0.1, 100, 1e-9), None);
    }

    proptest! {
        #[test]
        fn the_search_finds_the_first_number_that_decides(share in 0.5..1.0_f64, clusters in 2_usize..80) {
            let effective = clusters as f64;
            let threshold = 0.85;
            if let Some(further) = further_for_share(share, effective, clusters, threshold) {
                let total = clusters + further;
                let bounds = |n: usize| (
                    proportion::lower_at(share, n as f64, n as f64, ONE_SIDED_ALPHA),
                    proportion::upper_at(share, n as f64, n as f64, ONE_SIDED_ALPHA),
                );
                let decided = |n: usize| {
                    let (lower, upper) = bounds(n);
                    if share >= threshold { lower >= threshold } else { upper < threshold }
                };
                prop_assert!(decided(total));
                prop_assert!(further == 0 || !decided(total - 1));
            }
        }
    }
}
