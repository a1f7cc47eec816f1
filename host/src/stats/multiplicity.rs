//! Several tests at once.

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

    #[test]
    fn no_tests_need_no_adjustment() {
        assert!(holm(&[]).is_empty());
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
