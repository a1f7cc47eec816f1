//! Student's t for values with a long tail.
//!
//! Student's t misses on one side where values are skewed, because mean and spread then move together. Hall (1992), "On the
//! removal of skewness by transformation", turns t into
//!
//! ```text
//! g(t) = t + s (t^2/3 + 1/6) + s^2 t^3/27
//! ```
//!
//! with the skewness `s` of the mean's own distribution, which is nearly symmetric; its inverse is a cube root, and it grows
//! with t, so that the ends of an interval are those of `g(t)` turned back. Without skewness it is t.
//!
//! The cubic term is there to make g grow everywhere: its slope is `(1 + s t/3)^2`, and at `t = -3/s` it stands still. What lies
//! beyond tells nothing of skewness, and turned back it comes nearer again as s grows. So s counts up to where g stands still at the
//! quantile,
//!
//! ```text
//! |s| <= 3 (sqrt(q^2 + 2/3) - |q|)
//! ```
//!
//! which puts an end at most about three times as far out as Student's, and no nearer for a larger skewness.

/// Skewness below which the transformation is the identity to the last digits.
const SYMMETRIC: f64 = 1e-6;

/// The t whose transformation is `quantile`; it falls, or stays, as the skewness grows.
#[must_use]
pub fn back(quantile: f64, skewness: f64) -> f64 {
    let most = flat(quantile);
    if skewness.abs() >= most && skewness * quantile < 0.0 {
        // The cube root of the rounding of nothing is not nothing.
        return (3.0 / most).copysign(quantile);
    }
    let skewness = skewness.clamp(-most, most);
    if skewness.abs() < SYMMETRIC {
        return quantile;
    }
    let step = skewness * (quantile - skewness / 6.0);
    3.0 / skewness * ((1.0 + step).cbrt() - 1.0)
}

/// The skewness at which the transformation stands still at that quantile, or at its opposite.
fn flat(quantile: f64) -> f64 {
    3.0 * ((quantile * quantile + 2.0 / 3.0).sqrt() - quantile.abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Interval, mean};

    fn singles(values: &[f64]) -> Vec<Vec<f64>> {
        values.iter().map(|value| vec![*value]).collect()
    }

    fn one(clusters: &[Vec<f64>]) -> Interval {
        mean::clustered(clusters).expect("two clusters").interval(0.95)
    }

    #[test]
    fn ten_values_with_a_tail_have_the_interval_that_the_formula_gives_by_hand() {
        let found = one(&singles(&[0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.9, 1.6, 3.5]));
        assert!((found.low - 0.226_648_623_3).abs() < 1e-9, "{found:?}");
        assert!((found.high - 3.121_881_030_2).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn without_skewness_it_is_students() {
        let found = one(&singles(&[-3.0, -1.0, -1.0, 0.0, 1.0, 1.0, 3.0]));
        // t of 6 degrees of freedom times the standard error.
        let half = 2.446_911_851_145 * (22.0_f64 / 6.0 / 7.0).sqrt();
        assert!((found.low + half).abs() < 1e-9 && (found.high - half).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn equal_values_leave_no_width() {
        assert_eq!(one(&singles(&[0.5; 6])), Interval { low: 0.5, high: 0.5 });
    }

    proptest! {
        #[test]
        fn the_transformation_of_what_is_turned_back_is_the_same(t in -9.0..9.0_f64, s in -1.0..1.0_f64) {
            let s = s.clamp(-flat(t), flat(t));
            let x = back(t, s);
            prop_assert!((x + s * (x * x / 3.0 + 1.0 / 6.0) + s * s * x.powi(3) / 27.0 - t).abs() < 1e-6);
        }

        #[test]
        fn it_falls_as_the_skewness_grows_and_ends_near_three_times_students(t in 1.5..9.0_f64, s in -2.0..2.0_f64, more in 0.0..2.0_f64) {
            for quantile in [t, -t] {
                prop_assert!(back(quantile, s + more) <= back(quantile, s) + 1e-9);
                prop_assert!(back(quantile, s).abs() < 3.5 * t);
            }
        }

        #[test]
        fn it_contains_the_mean_and_turns_with_the_values(
            values in prop::collection::vec(prop::collection::vec(-9.0..9.0_f64, 1..4), 2..20),
        ) {
            let mean = mean::clustered(&values).expect("two clusters");
            let (wide, narrow) = (mean.interval(0.95), mean.interval(0.9));
            prop_assert!(wide.low <= narrow.low && narrow.low <= mean.value);
            prop_assert!(mean.value <= narrow.high && narrow.high <= wide.high);
            let turned: Vec<Vec<f64>> =
                values.iter().map(|cluster| cluster.iter().map(|value| -value).collect()).collect();
            let mirrored = one(&turned);
            prop_assert!((mirrored.low + wide.high).abs() < 1e-9 && (mirrored.high + wide.low).abs() < 1e-9);
        }
    }
}
