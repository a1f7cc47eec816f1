//! How much divergence costs, steered to a target.
//!
//! After each step the cost is multiplied by `1 + clip(kl / target - 1, -0.2, 0.2) / horizon` (Ziegler et al. 2019, with
//! one step as the unit): over the target it rises, below it falls, and one odd step hardly moves it.

/// Largest relative deviation that counts.
const MOST: f64 = 0.2;

/// The cost of the next step.
#[must_use]
pub fn next_weight(weight: f64, kl: f64, target: f64, horizon: u32) -> f64 {
    let deviation = (kl / target - 1.0).clamp(-MOST, MOST);
    weight * (1.0 + deviation / f64::from(horizon.max(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_deviation_counts_up_to_a_fifth() {
        assert!((next_weight(2.0, 0.11, 0.1, 10) - 2.02).abs() < 1e-12);
        assert!((next_weight(2.0, 5.0, 0.1, 10) - 2.04).abs() < 1e-12);
        assert!((next_weight(2.0, 0.0, 0.1, 10) - 1.96).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_cost_stays_positive_and_moves_towards_the_target(
            weight in 1e-6_f64..1e6, kl in 0.0_f64..100.0, target in 1e-6_f64..100.0, horizon in 1_u32..1000,
        ) {
            let next = next_weight(weight, kl, target, horizon);
            prop_assert!(next > 0.0 && next.is_finite());
            let towards = if kl > target { next > weight } else { next <= weight };
            prop_assert!(towards);
        }
    }
}
