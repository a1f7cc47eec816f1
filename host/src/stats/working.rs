//! What is reckoned with about the spread of clusters, where the data alone say too little.
//!
//! Degrees of freedom and skewness need to know how much a cluster's sum varies before it is seen. The model: an item varies
//! with a power of its weight b, and the items of a cluster correlate by one number. So the sum of cluster c varies as
//!
//! ```text
//! v_c = (1 - rho) sum b^theta + rho (sum b^(theta / 2))^2
//! ```
//!
//! up to a factor that nothing here depends on. Both numbers are estimated from the data:
//!
//! - `rho` from products of residuals of pairs (Imbens and Kolesar 2016), from 0 to 1;
//! - `theta` as the slope of the logarithm of squared residuals over that of the weight (Harvey 1976), from 1, where a
//!   heavy item is many small ones (tokens that do not hang together), to 2, where it is one value that counts more (a text
//!   with a level of its own). Where all items weigh the same it is nothing but a factor.
//!
//! The standard error does not lean on the model: [`super::robust`].

/// What counts of one cluster.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cluster {
    /// Sum of a - R b.
    pub(super) residual: f64,
    /// Sum of the items' squared residuals.
    pub(super) within: f64,
    /// Sum of b.
    pub(super) size: f64,
    /// Sum of `b^theta`: what items vary by, each for itself.
    pub(super) alone: f64,
    /// Sum of `b^(theta / 2)`: the root of what they vary by together.
    pub(super) together: f64,
}

impl Cluster {
    /// Items (a, b) around the ratio `value`, which vary with that power of b.
    pub(super) fn of(items: &[(f64, f64)], value: f64, theta: f64) -> Self {
        items.iter().fold(Self::default(), |sums, (a, b)| {
            let residual = a - value * b;
            let root = b.abs().powf(theta / 2.0);
            Self {
                residual: sums.residual + residual,
                within: sums.within + residual * residual,
                size: sums.size + b,
                alone: sums.alone + root * root,
                together: sums.together + root,
            }
        })
    }

    /// One less the leverage, which is the cluster's part of all weight.
    pub(super) fn left(&self, total: f64) -> f64 {
        // Denominators below zero, which nobody has, could make a leverage of one or more.
        (1.0 - self.size / total).max(f64::EPSILON)
    }
}

/// The power of its weight that an item's variance goes with, from 1 to 2; 2 where weights do not differ.
pub(super) fn power(clusters: &[&[(f64, f64)]], value: f64) -> f64 {
    let items = || clusters.iter().copied().flatten();
    let first = items().next().map_or(0.0, |(_, weight)| *weight);
    if items().all(|(_, weight)| weight.total_cmp(&first).is_eq()) {
        return 2.0;
    }
    // What does not differ from the ratio, or weighs nothing, has no logarithm.
    let points: Vec<(f64, f64)> = items()
        .map(|(a, b)| (b.ln(), (a - value * b).powi(2).ln()))
        .filter(|(weight, square)| weight.is_finite() && square.is_finite())
        .collect();
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x / n, sum.1 + y / n));
    let (products, squares) = points.iter().fold((0.0, 0.0), |sum, (weight, square)| {
        (sum.0 + (weight - x) * (square - y), sum.1 + (weight - x).powi(2))
    });
    let slope = products / squares;
    if slope.is_finite() && squares > n * f64::EPSILON { slope.clamp(1.0, 2.0) } else { 2.0 }
}

/// v of every cluster; `total` is the sum of b.
pub(super) fn variances(clusters: &[Cluster], total: f64) -> Vec<f64> {
    let rho = correlation(clusters, total);
    clusters.iter().map(|cluster| (1.0 - rho) * cluster.alone + rho * cluster.together.powi(2)).collect()
}

/// Correlation of the items of a cluster, from 0 to 1: products of residuals of pairs over products of their weights.
fn correlation(clusters: &[Cluster], total: f64) -> f64 {
    let sum = |of: &dyn Fn(&Cluster) -> f64| clusters.iter().map(of).sum::<f64>();
    let variance = sum(&|cluster| cluster.within) / sum(&|cluster| cluster.alone);
    let products = sum(&|cluster| (cluster.residual.powi(2) - cluster.within) / cluster.left(total));
    let weights = sum(&|cluster| cluster.together.powi(2) - cluster.alone);
    let found = products / weights / variance;
    if found.is_finite() { found.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::Rng as _;

    use super::*;
    use crate::stats::bootstrap::replicate_rng;

    /// 400 items of weights 1 to 16 around a ratio of 1; residuals of one size go with that power of the weight.
    fn power_of(exponent: f64) -> f64 {
        let mut rng = replicate_rng(3, 1);
        let items: Vec<(f64, f64)> = (0..400)
            .map(|index| {
                let weight = 2.0_f64.powi(index % 5);
                let residual = f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5;
                (weight + residual * weight.powf(exponent / 2.0), weight)
            })
            .collect();
        power(&[&items], 1.0)
    }

    #[test]
    fn the_power_of_the_weight_is_found_and_stays_between_tokens_and_levels() {
        assert!((power_of(1.5) - 1.5).abs() < 0.2, "{}", power_of(1.5));
        assert!((power_of(0.0) - 1.0).abs() < 1e-12, "{}", power_of(0.0));
        assert!((power_of(3.0) - 2.0).abs() < 1e-12, "{}", power_of(3.0));
    }

    /// Squares of 1, 4 and 2 at weights of 1, 4 and 2: the logarithms lie on a line of slope one.
    #[test]
    fn the_power_of_three_items_is_that_of_the_line_by_hand() {
        let root = 2.0_f64.sqrt();
        let items = [(2.0, 1.0), (2.0, 4.0), (2.0 + root, 2.0)];
        assert!((power(&[&items], 1.0) - 1.0).abs() < 1e-12);
        // At weights of 1, 2 and 4, squares of 1, 8 and 16: 3 ln 2 and 4 ln 2 over ln 2 and 2 ln 2, a slope of two.
        let items = [(2.0, 1.0), (2.0 + 8.0_f64.sqrt(), 2.0), (8.0, 4.0)];
        assert!((power(&[&items], 1.0) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn equal_weights_and_items_without_a_logarithm_leave_a_power_of_two() {
        assert!((power(&[&[(0.3, 1.0), (0.9, 1.0)]], 0.5) - 2.0).abs() < 1e-12);
        assert!((power(&[&[(1.0, 1.0), (0.0, 0.0)], &[(4.0, 4.0)]], 1.0) - 2.0).abs() < 1e-12);
        assert!((power(&[], 1.0) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn items_that_are_alike_within_clusters_make_a_large_cluster_vary_with_its_square() {
        let alike = [vec![(1.0, 1.0); 4], vec![(-1.0, 1.0); 2], vec![(-1.0, 1.0); 2]];
        let sums: Vec<Cluster> = alike.iter().map(|items| Cluster::of(items, 0.0, 2.0)).collect();
        assert_eq!(variances(&sums, 8.0), [16.0, 4.0, 4.0]);
        let unlike = [vec![(1.0, 1.0), (-1.0, 1.0), (1.0, 1.0), (-1.0, 1.0)], vec![(1.0, 1.0), (-1.0, 1.0)]];
        let sums: Vec<Cluster> = unlike.iter().map(|items| Cluster::of(items, 0.0, 2.0)).collect();
        assert_eq!(variances(&sums, 6.0), [4.0, 2.0]);
    }
}
