//! Several tests at once: [`holm`] bounds the chance of any false alarm, [`benjamini_hochberg`] their share.

/// Holm's step-down adjusted p-values (1979), in the order of the input.
///
/// With the p-values in ascending order, the i-th of m becomes
/// `max over j <= i of min(1, (m - j + 1) p_j)`. Rejecting where the adjusted value is below alpha keeps the
/// chance of any false rejection below alpha, however the tests depend on each other.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let factor = (p_values.len() - rank) as f64;
        largest = largest.max((factor * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up adjusted p-values (1995), in the order of the input.
///
/// With the p-values in ascending order, the i-th of m becomes `min over j >= i of min(1, p_j m / j)`. Rejecting where
/// the adjusted value is below alpha keeps the expected share of false rejections among all rejections below alpha,
/// for independent or positively dependent tests.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (rank, index) in order.into_iter().enumerate().rev() {
        let factor = p_values.len() as f64 / (rank + 1) as f64;
        smallest = smallest.min(factor * p_values[index]);
        adjusted[index] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of statsmodels' `multipletests(method="holm")` for these four values.
    #[test]
    fn holm_agrees_with_a_worked_example() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (found, expected) in adjusted.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
    }

    /// The 15 p-values of Benjamini and Hochberg (1995), section 3.2. At 5 % their procedure rejects four, Bonferroni's
    /// and Holm's three; the adjusted values are those of R's `p.adjust(method = "BH")`.
    #[test]
    fn both_corrections_reject_what_the_published_example_rejects() {
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0000,
        ];
        let rejected = |adjusted: &[f64]| adjusted.iter().filter(|p| **p < 0.05).count();
        let found = benjamini_hochberg(&p);
        assert_eq!((rejected(&found), rejected(&holm(&p))), (4, 3));
        let expected = [
            0.0015,
            0.003,
            0.0095,
            0.035_625,
            0.0603,
            0.063_857_142_857,
            0.063_857_142_857,
            0.0645,
            0.0765,
            0.486,
            0.581_181_818_182,
            0.714_875,
            0.753_230_769_231,
            0.813_214_285_714,
            1.0,
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }

    #[test]
    fn no_tests_need_no_adjustment() {
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn adjustment_never_lowers_a_p_value_and_keeps_their_order(
            p_values in prop::collection::vec(0.0..=1.0_f64, 1..12)
        ) {
            let adjusted = holm(&p_values);
            for (i, (raw, new)) in p_values.iter().zip(&adjusted).enumerate() {
                prop_assert!(new >= raw && *new <= 1.0);
                for (other_raw, other_new) in p_values.iter().zip(&adjusted).skip(i) {
                    prop_assert!(raw > other_raw || new <= other_new);
                    prop_assert!(other_raw > raw || other_new <= new);
                }
            }
        }

        #[test]
        fn false_discoveries_are_never_adjusted_more_than_any_false_alarm(
            p_values in prop::collection::vec(0.0..=1.0_f64, 1..12)
        ) {
            for ((raw, fdr), any) in p_values.iter().zip(benjamini_hochberg(&p_values)).zip(holm(&p_values)) {
                prop_assert!(*raw <= fdr && fdr <= any + 1e-12);
            }
        }

        #[test]
        fn adjustment_does_not_depend_on_order(
            p_values in prop::collection::vec(0.0..=1.0_f64, 1..12)
        ) {
            let reversed: Vec<f64> = p_values.iter().rev().copied().collect();
            let mut back = holm(&reversed);
            back.reverse();
            prop_assert_eq!(holm(&p_values), back);
        }
    }
}
