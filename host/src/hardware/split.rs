//! Shares in proportion to throughput.
//!
//! Largest remainders: each gets the whole part of its exact share, and what is left over goes to the largest
//! fractions. So the shares sum to the whole, each is less than one unit off, and who is faster never gets less.

/// Splits `total` over rates in tokens per second. A rate of 0 gets nothing; so does everyone where all are 0.
#[must_use]
pub fn split(total: u64, rates: &[f64]) -> Vec<u64> {
    let sum: f64 = rates.iter().sum();
    if !(sum.is_finite() && sum > 0.0) {
        return vec![0; rates.len()];
    }
    let exact: Vec<f64> = rates.iter().map(|rate| total as f64 * (rate / sum)).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, from 0 to the total")]
    let mut shares: Vec<u64> = exact.iter().map(|share| share.floor() as u64).collect();
    let mut order: Vec<usize> = (0..rates.len()).filter(|&index| rates[index] > 0.0).collect();
    let fraction = |index: &usize| exact[*index].fract();
    order.sort_by(|a, b| fraction(b).total_cmp(&fraction(a)).then(rates[*b].total_cmp(&rates[*a])));
    let mut left = total.saturating_sub(shares.iter().sum());
    for &index in order.iter().cycle() {
        if left == 0 {
            break;
        }
        shares[index] += 1;
        left -= 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn some_rates()(rates in prop::collection::vec(prop_oneof![Just(0.0), 0.01_f64..1e5], 1..9)) -> Vec<f64> {
            rates
        }
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_whole(total in 0_u64..1_000_000_000_000, rates in some_rates()) {
            let whole = if rates.iter().any(|rate| *rate > 0.0) { total } else { 0 };
            prop_assert_eq!(split(total, &rates).iter().sum::<u64>(), whole);
        }

        #[test]
        fn who_is_faster_never_gets_less(total in prop_oneof![0_u64..40, 0_u64..1_000_000], rates in some_rates()) {
            let shares = split(total, &rates);
            for (rate, share) in rates.iter().zip(&shares) {
                for (other_rate, other) in rates.iter().zip(&shares) {
                    prop_assert!(rate <= other_rate || share >= other);
                }
            }
        }

        #[test]
        fn no_share_is_a_unit_off_and_no_rate_gets_nothing(total in 0_u64..1_000_000, rates in some_rates()) {
            let sum: f64 = rates.iter().sum();
            prop_assume!(sum > 0.0);
            for (rate, share) in rates.iter().zip(split(total, &rates)) {
                prop_assert!((share as f64 - total as f64 * rate / sum).abs() < 1.0 + 1e-6);
                prop_assert!(*rate > 0.0 || share == 0);
            }
        }
    }

    #[test]
    fn what_is_left_over_goes_to_the_largest_fraction() {
        assert_eq!(split(10, &[2.0, 1.0]), [7, 3]);
        assert_eq!(split(1, &[1.0, 1.0, 1.0]), [1, 0, 0]);
        assert_eq!(split(7, &[0.0, 5.0]), [0, 7]);
        assert_eq!(split(7, &[0.0, 0.0]), [0, 0]);
    }
}
