//! Intervals of a mean that hold for values with a long tail.
//!
//! Student's t misses on one side where values are skewed, because mean and spread then move together. Hall (1992), "On the
//! removal of skewness by transformation", turns t into
//!
//! ```text
//! g(t) = t + s/sqrt(C) (t^2/3 + 1/6) + s^2/C t^3/27
//! ```
//!
//! with the skewness `s` of C clusters, which is nearly symmetric; its inverse is a cube root, and it grows with t, so
//! that the ends of an interval are those of `g(t)` turned back. Quantiles are Student's with C - 1 degrees of freedom. Without
//! skewness this is Student's interval. Clusters enter by their residuals, as in [`super::mean`].

use super::{Interval, quantile};

/// Skewness below which the transformation is the identity to the last digits.
const SYMMETRIC: f64 = 1e-6;

/// Two-sided intervals of the mean of all values, one for each confidence.
///
/// `None` with fewer than two clusters that hold values, or where an end is not finite.
#[must_use]
pub fn intervals<const N: usize>(clusters: &[Vec<f64>], confidences: [f64; N]) -> Option<[Interval; N]> {
    let filled: Vec<(f64, f64)> = clusters
        .iter()
        .filter(|cluster| !cluster.is_empty())
        .map(|cluster| (cluster.iter().sum(), cluster.len() as f64))
        .collect();
    let count = filled.len() as f64;
    if filled.len() < 2 {
        return None;
    }
    let n: f64 = filled.iter().map(|(_, size)| size).sum();
    let mean = filled.iter().map(|(sum, _)| sum).sum::<f64>() / n;
    let moment = |power: i32| -> f64 {
        filled.iter().map(|(sum, size)| (sum - mean * size).powi(power)).sum::<f64>() / count
    };
    let standard_error = (count * count / (count - 1.0) * moment(2)).sqrt() / n;
    let skewness = moment(3) / moment(2).powf(1.5);
    let back = |t: f64| {
        if skewness.abs() < SYMMETRIC || !skewness.is_finite() {
            return t;
        }
        let step = skewness * (t / count.sqrt() - skewness / (6.0 * count));
        3.0 * count.sqrt() / skewness * ((1.0 + step).cbrt() - 1.0)
    };
    let found = confidences.map(|confidence| {
        let t = quantile::t_upper((1.0 - confidence) / 2.0, filled.len() - 1);
        Interval { low: mean - standard_error * back(t), high: mean - standard_error * back(-t) }
    });
    found.iter().all(|interval| interval.low.is_finite() && interval.high.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::mean;

    fn singles(values: &[f64]) -> Vec<Vec<f64>> {
        values.iter().map(|value| vec![*value]).collect()
    }

    fn one(clusters: &[Vec<f64>]) -> Interval {
        intervals(clusters, [0.95]).expect("two clusters")[0]
    }

    #[test]
    fn ten_values_with_a_tail_have_the_interval_that_the_formula_gives_by_hand() {
        let found = one(&singles(&[0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.9, 1.6, 3.5]));
        assert!((found.low - 0.273_028_104_7).abs() < 1e-9, "{found:?}");
        assert!((found.high - 3.667_492_465_0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn without_skewness_it_is_students() {
        let clusters = singles(&[-3.0, -1.0, -1.0, 0.0, 1.0, 1.0, 3.0]);
        let student = mean::clustered(&clusters).and_then(|mean| mean.evidence()).expect("values").estimate;
        let found = one(&clusters);
        assert!((found.low - student.low).abs() < 1e-12 && (found.high - student.high).abs() < 1e-12);
    }

    #[test]
    fn equal_values_leave_no_width_and_one_cluster_no_interval() {
        assert_eq!(one(&singles(&[0.5; 6])), Interval { low: 0.5, high: 0.5 });
        assert_eq!(intervals(&[vec![1.0, 2.0], vec![]], [0.95]), None);
        assert_eq!(intervals(&singles(&[0.0, f64::INFINITY]), [0.95]), None);
    }

    proptest! {
        #[test]
        fn it_contains_the_mean_and_turns_with_the_values(
            values in prop::collection::vec(prop::collection::vec(-9.0..9.0_f64, 1..4), 2..20),
        ) {
            let n: usize = values.iter().map(Vec::len).sum();
            let mean = values.iter().flatten().sum::<f64>() / n as f64;
            let [wide, narrow] = intervals(&values, [0.95, 0.9]).expect("two clusters");
            prop_assert!(wide.low <= narrow.low && narrow.low <= mean && mean <= narrow.high && narrow.high <= wide.high);
            let turned: Vec<Vec<f64>> =
                values.iter().map(|cluster| cluster.iter().map(|value| -value).collect()).collect();
            let mirrored = one(&turned);
            prop_assert!((mirrored.low + wide.high).abs() < 1e-9 && (mirrored.high + wide.low).abs() < 1e-9);
        }
    }
}
