//! The skewness of a mean's distribution, from few clusters of unequal size.
//!
//! The third moment of cluster sums is a matter of the two or three largest clusters, however many there are. So each sum is first
//! divided by what it varies by, `e_c = r_c / sqrt(v_c (1 - h_c))` with v from [`super::working`], which makes all clusters
//! tell of one skewness `g`; that of the mean is then
//!
//! ```text
//! g sum v_c^(3/2) / (sum v_c)^(3/2)
//! ```
//!
//! which is `g` over the root of their number where all weigh the same. `g` has two estimates, and neither is right for few
//! values: the moments' (Fisher's G1) is too small, because n values cannot have more than the root of n (Wallis, Matalas and Slack
//! 1974); the one from L-moments (Hosking 1990), the skewness of the gamma distribution (Pearson's third type) with the
//! same L-skewness, is nearly free of that, and varies more. The answer is the range between them: an interval's end goes out as far as
//! the one asks for, and comes in as far as both allow.

use super::{
    Interval,
    working::{self, Cluster},
};

/// No skewness.
pub const NONE: Interval = Interval { low: 0.0, high: 0.0 };

/// Between which numbers the skewness of a ratio's distribution is estimated to lie; `total` is the sum of b.
pub(super) fn of_ratio(clusters: &[Cluster], total: f64) -> Interval {
    let variances = working::variances(clusters, total);
    let values: Vec<f64> = clusters
        .iter()
        .zip(&variances)
        // A cluster that weighs nothing varies by nothing, as far as the model knows.
        .filter(|(_, variance)| **variance > 0.0)
        .map(|(cluster, variance)| cluster.residual / (variance * cluster.left(total)).sqrt())
        .collect();
    let sum = |power: f64| variances.iter().map(|variance| variance.powf(power)).sum::<f64>();
    let shape = sum(1.5) / sum(1.0).powf(1.5);
    let (one, other) = (shape * moments(&values), shape * l_moments(values));
    if one.is_finite() && other.is_finite() {
        Interval { low: one.min(other), high: one.max(other) }
    } else {
        NONE
    }
}

/// The same from the third moment of the sums as they are, of which large clusters decide: for values in a range, whose tail is no
/// longer than the range.
pub(super) fn of_sums(clusters: &[Cluster], total: f64) -> f64 {
    let z = || clusters.iter().map(|cluster| cluster.residual / cluster.left(total).sqrt());
    let n = clusters.len() as f64;
    let squares: f64 = z().map(|z| z * z).sum();
    let cubes: f64 = z().map(|z| z.powi(3)).sum();
    let unbiased = if clusters.len() > 2 { (n * (n - 1.0)).sqrt() / (n - 2.0) } else { 1.0 };
    if squares > 0.0 { unbiased * cubes / squares.powf(1.5) } else { 0.0 }
}

/// Fisher's G1, which is free of bias for normal values; 0 where it is not defined.
fn moments(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / n;
    let found = (n * (n - 1.0)).sqrt() / (n - 2.0) * moment(3) / moment(2).powf(1.5);
    if values.len() > 2 && found.is_finite() { found } else { 0.0 }
}

/// From the ratio of the third L-moment to the second, by the unbiased estimates of both; 0 where it is not defined.
fn l_moments(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let (mut b0, mut b1, mut b2) = (0.0, 0.0, 0.0);
    for (rank, value) in values.iter().enumerate() {
        let rank = rank as f64;
        b0 += value / n;
        b1 += value * rank / (n * (n - 1.0));
        b2 += value * rank * (rank - 1.0) / (n * (n - 1.0) * (n - 2.0));
    }
    let ratio = (6.0 * b2 - 6.0 * b1 + b0) / (2.0 * b1 - b0);
    // Nothing that n values can show is larger than the root of n, which is the largest G1.
    if values.len() > 2 && ratio.is_finite() { gamma(ratio).clamp(-n.sqrt(), n.sqrt()) } else { 0.0 }
}

/// Skewness `2 / sqrt(alpha)` of the gamma distribution with that L-skewness, by the approximation of alpha in Hosking and Wallis
/// (1997), appendix A.9, which is exact to 5 parts in 100,000.
fn gamma(l_skewness: f64) -> f64 {
    let t = l_skewness.abs().min(1.0);
    let alpha = if t < 1.0 / 3.0 {
        let z = 3.0 * std::f64::consts::PI * t * t;
        (1.0 + 0.2906 * z) / (z * (1.0 + z * (0.1882 + z * 0.0442)))
    } else {
        let z = 1.0 - t;
        z * (0.36067 + z * (-0.59567 + z * 0.25361)) / (1.0 + z * (-2.78861 + z * (2.56096 - z * 0.77045)))
    };
    (2.0 / alpha.sqrt()).copysign(l_skewness)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::function::beta::beta_reg;

    use super::*;

    fn of(clusters: &[Vec<f64>]) -> Interval {
        let n = clusters.iter().flatten().count() as f64;
        let mean = clusters.iter().flatten().sum::<f64>() / n;
        let sums: Vec<Cluster> = clusters
            .iter()
            .map(|items| Cluster::of(&items.iter().map(|value| (*value, 1.0)).collect::<Vec<_>>(), mean, 2.0))
            .collect();
        of_ratio(&sums, n)
    }

    fn singles(values: &[f64]) -> Vec<Vec<f64>> {
        values.iter().map(|value| vec![*value]).collect()
    }

    /// The L-skewness of the gamma distribution is `6 I_(1/3)(alpha, 2 alpha) - 3` (Hosking 1990).
    #[test]
    fn the_skewness_of_an_l_skewness_is_that_of_the_gamma_distribution_which_has_it() {
        for skewness in [0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0] {
            let alpha = 4.0 / (skewness * skewness);
            let found = gamma(6.0 * beta_reg(alpha, 2.0 * alpha, 1.0 / 3.0) - 3.0);
            assert!((found / skewness - 1.0).abs() < 1e-4, "{found}, not {skewness}");
        }
    }

    /// 1, 2, 3, 4, 6: central moments 2.96 and 2.016; L-moments 1.2 and 0.2, from all pairs and triples.
    #[test]
    fn both_estimates_of_five_values_are_those_by_hand() {
        let values = [1.0, 2.0, 3.0, 4.0, 6.0];
        let moment = 20.0_f64.sqrt() / 3.0 * 2.016 / 2.96_f64.powf(1.5);
        assert!((moments(&values) - moment).abs() < 1e-12);
        assert!((l_moments(values.to_vec()) - gamma(1.0 / 6.0)).abs() < 1e-12);
        let range = of(&singles(&values));
        assert!((range.low - moment / 5.0_f64.sqrt()).abs() < 1e-12, "{range:?}");
        assert!((range.high - gamma(1.0 / 6.0) / 5.0_f64.sqrt()).abs() < 1e-12, "{range:?}");
    }

    #[test]
    fn one_value_apart_has_the_largest_skewness_that_so_many_can_have() {
        let range = of(&singles(&[0.0, 0.0, 0.0, 0.0, 1.0]));
        assert!((range.low - 1.0).abs() < 1e-12 && (range.high - 1.0).abs() < 1e-12, "{range:?}");
    }

    /// Two clusters of ten that lie as far to either side, and five single values with a tail.
    #[test]
    fn small_clusters_tell_of_the_skewness_though_large_ones_decide_the_sums() {
        let mut clusters = vec![vec![1.0; 10], vec![-1.0; 10]];
        clusters.extend(singles(&[-0.5, -0.5, -0.5, -0.5, 2.0]));
        let range = of(&clusters);
        // Items of a cluster are alike, so sums vary as their squares; leverages are 10 and 1 of 25.
        let cubes = 7.5 / 0.96_f64.powf(1.5);
        let squares: f64 = 2.0 / 0.6 + 5.0 / 0.96;
        let moment = 42.0_f64.sqrt() / 5.0 * 7.0_f64.sqrt() * cubes / squares.powf(1.5);
        let shape = 2_005.0 / 205.0_f64.powf(1.5);
        assert!((range.low - moment * shape).abs() < 1e-12 && range.high > range.low, "{range:?}");
        let sums: Vec<Cluster> = clusters
            .iter()
            .map(|items| Cluster::of(&items.iter().map(|value| (*value, 1.0)).collect::<Vec<_>>(), 0.0, 2.0))
            .collect();
        assert!(of_sums(&sums, 25.0).abs() < 0.01, "{}", of_sums(&sums, 25.0));
    }

    #[test]
    fn what_has_no_skewness_has_none() {
        for even in [singles(&[-2.0, -1.0, 0.0, 1.0, 2.0]), singles(&[1.0, 7.0]), singles(&[3.0; 9])] {
            let found = of(&even);
            assert!(found.low.abs() < 1e-12 && found.high.abs() < 1e-12, "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn it_turns_with_the_values_and_is_at_most_one_in_a_mean(
            clusters in prop::collection::vec(prop::collection::vec(-9.0..9.0_f64, 1..4), 3..20),
        ) {
            let turned: Vec<Vec<f64>> =
                clusters.iter().map(|cluster| cluster.iter().map(|value| -value).collect()).collect();
            let (found, turned) = (of(&clusters), of(&turned));
            prop_assert!((found.low + turned.high).abs() < 1e-9 && (found.high + turned.low).abs() < 1e-9);
            let most = (clusters.len() as f64).sqrt();
            prop_assert!(-most <= found.low && found.low <= found.high && found.high <= most);
        }
    }
}
