//! Preference losses of one pair and their derivatives.
//!
//! A loss sees an answer only through the sum of its scored tokens' log-probabilities under the policy and, where
//! it has one, the reference. So the derivative with respect to those sums is all that the backward pass needs;
//! both are computed here in f64. With `c` and `r` for the chosen and the rejected answer, `p` and `q` for policy
//! and reference, `d = (p_c - q_c) - (p_r - q_r)`, `m` for a mean over an answer's tokens and
//! `s(x) = 1 / (1 + e^-x)`:
//!
//! | Loss | Value | Source |
//! |---|---|---|
//! | DPO | `-ln s(beta d)` | Rafailov et al. 2023, equation 7 |
//! | cDPO | `-(1-e) ln s(beta d) - e ln s(-beta d)` | Mitchell 2023 |
//! | IPO | `(m d - 1/(2 beta))^2` | Azar et al. 2023, equation 17; per token, as trainers do |
//! | hinge | `max(0, 1 - beta d)` | Zhao et al. 2023 (SLiC), with DPO's margin |
//! | DPOP | `-ln s(beta (d - lambda max(0, q_c - p_c)))` | Pal et al. 2024, equation 3 |
//! | ORPO | `-m_c - lambda ln s(ln odds(m_c) - ln odds(m_r))`, `odds(m) = e^m / (1 - e^m)` | Hong et al. 2024 |
//! | `SimPO` | `-ln s(beta (m_c - m_r) - gamma)` | Meng et al. 2024, equation 6 |

use realign_engine_abi::train::PreferenceLoss;

/// One answer of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// Sum of log-probabilities under the policy.
    pub policy: f64,
    /// The same under the reference; 0 where the loss has none.
    pub reference: f64,
    /// Scored tokens, at least one.
    pub tokens: f64,
}

/// A loss and its derivatives with respect to the policy's two sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The loss.
    pub loss: f64,
    /// Derivative with respect to the chosen answer's sum.
    pub chosen: f64,
    /// Derivative with respect to the rejected answer's sum.
    pub rejected: f64,
}

impl Pair {
    /// A loss of a margin that rises with the chosen sum and falls with the rejected one, each by its own slope.
    fn of_margin(loss: f64, slope: f64, chosen: f64, rejected: f64) -> Self {
        Self { loss, chosen: slope * chosen, rejected: -slope * rejected }
    }
}

/// The loss of a pair, plus `nll` times the chosen answer's mean negative log-likelihood per token. Not a number where
/// one of the sums is not finite: maxima and minima would turn that into 0, which looks like a pair that is learned.
#[must_use]
pub fn pair_loss(loss: PreferenceLoss, nll: f64, chosen: Side, rejected: Side) -> Pair {
    if !(chosen.policy.is_finite() && rejected.policy.is_finite()) {
        return Pair { loss: f64::NAN, chosen: f64::NAN, rejected: f64::NAN };
    }
    let mut pair = preference(loss, chosen, rejected);
    pair.loss -= nll * chosen.policy / chosen.tokens;
    pair.chosen -= nll / chosen.tokens;
    pair
}

fn preference(loss: PreferenceLoss, chosen: Side, rejected: Side) -> Pair {
    let ratio = |side: Side| side.policy - side.reference;
    let mean = |side: Side| side.policy / side.tokens;
    let margin = ratio(chosen) - ratio(rejected);
    match loss {
        PreferenceLoss::Dpo { beta } => {
            let (value, slope) = logistic(beta * margin);
            Pair::of_margin(value, slope * beta, 1.0, 1.0)
        }
        PreferenceLoss::Cdpo { beta, label_smoothing } => {
            let (right, rise) = logistic(beta * margin);
            let (wrong, fall) = logistic(-beta * margin);
            let value = (1.0 - label_smoothing) * right + label_smoothing * wrong;
            let slope = (1.0 - label_smoothing) * rise - label_smoothing * fall;
            Pair::of_margin(value, slope * beta, 1.0, 1.0)
        }
        PreferenceLoss::Ipo { beta } => {
            let margin = ratio(chosen) / chosen.tokens - ratio(rejected) / rejected.tokens;
            let off = margin - 1.0 / (2.0 * beta);
            Pair::of_margin(off * off, 2.0 * off, 1.0 / chosen.tokens, 1.0 / rejected.tokens)
        }
        PreferenceLoss::Hinge { beta } => {
            let slack = 1.0 - beta * margin;
            let slope = if slack > 0.0 { -beta } else { 0.0 };
            Pair::of_margin(slack.max(0.0), slope, 1.0, 1.0)
        }
        PreferenceLoss::Dpop { beta, lambda } => {
            let fallen = -ratio(chosen);
            let (value, slope) = logistic(beta * (margin - lambda * fallen.max(0.0)));
            let chosen = if fallen > 0.0 { 1.0 + lambda } else { 1.0 };
            Pair::of_margin(value, slope * beta, chosen, 1.0)
        }
        PreferenceLoss::Orpo { lambda } => {
            let (chosen_odds, chosen_slope) = log_odds(mean(chosen));
            let (rejected_odds, rejected_slope) = log_odds(mean(rejected));
            let (value, slope) = logistic(chosen_odds - rejected_odds);
            let ratio = Pair::of_margin(
                lambda * value,
                lambda * slope,
                chosen_slope / chosen.tokens,
                rejected_slope / rejected.tokens,
            );
            Pair { loss: ratio.loss - mean(chosen), chosen: ratio.chosen - 1.0 / chosen.tokens, ..ratio }
        }
        PreferenceLoss::Simpo { beta, gamma } => {
            let (value, slope) = logistic(beta * (mean(chosen) - mean(rejected)) - gamma);
            Pair::of_margin(value, slope * beta, 1.0 / chosen.tokens, 1.0 / rejected.tokens)
        }
    }
}

/// `-ln s(x)` and its derivative, without overflow.
fn logistic(x: f64) -> (f64, f64) {
    let small = (-x.abs()).exp();
    let value = small.ln_1p() + (-x).max(0.0);
    // s(-x), with its sign.
    let slope = if x >= 0.0 { -small / (1.0 + small) } else { -1.0 / (1.0 + small) };
    (value, slope)
}

/// `ln(e^m / (1 - e^m))` of a mean log-probability and its derivative; a certain text counts as just below.
fn log_odds(mean: f64) -> (f64, f64) {
    let mean = mean.min(-1e-12);
    let rest = -mean.exp_m1();
    (mean - rest.ln(), 1.0 / rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOSSES: [PreferenceLoss; 7] = [
        PreferenceLoss::Dpo { beta: 0.3 },
        PreferenceLoss::Cdpo { beta: 0.3, label_smoothing: 0.1 },
        PreferenceLoss::Ipo { beta: 0.2 },
        PreferenceLoss::Hinge { beta: 0.3 },
        PreferenceLoss::Dpop { beta: 0.3, lambda: 2.0 },
        PreferenceLoss::Orpo { lambda: 0.5 },
        PreferenceLoss::Simpo { beta: 2.0, gamma: 0.5 },
    ];

    fn side(policy: f64, reference: f64, tokens: f64) -> Side {
        Side { policy, reference, tokens }
    }

    /// Both answers as likely as under the reference.
    fn untrained() -> (Side, Side) {
        (side(-20.0, -20.0, 10.0), side(-30.0, -30.0, 12.0))
    }

    fn value(loss: PreferenceLoss, chosen: Side, rejected: Side) -> f64 {
        pair_loss(loss, 0.0, chosen, rejected).loss
    }

    #[test]
    fn an_untrained_policy_has_the_losses_that_can_be_written_down() {
        let (chosen, rejected) = untrained();
        let ln2 = std::f64::consts::LN_2;
        // IPO: (0 - 1/0.4)^2. ORPO: means -2 and -2.5, odds by hand. SimPO: -ln s(2 x 0.5 - 0.5).
        let odds = |mean: f64| (mean.exp() / (1.0 - mean.exp())).ln();
        let ratio: f64 = odds(-2.0) - odds(-2.5);
        let expected = [
            ln2,
            ln2,
            6.25,
            1.0,
            ln2,
            2.0 + 0.5 * (1.0 + (-ratio).exp()).ln(),
            (1.0 + (-0.5_f64).exp()).ln(),
        ];
        for (loss, expected) in LOSSES.into_iter().zip(expected) {
            let found = value(loss, chosen, rejected);
            assert!((found - expected).abs() < 1e-12, "{loss:?}: {found} is not {expected}");
        }
    }

    #[test]
    fn what_the_chosen_answer_loses_costs_extra_with_dpop_only() {
        let (chosen, rejected) = (side(-22.0, -20.0, 10.0), side(-32.0, -30.0, 12.0));
        assert!((value(LOSSES[0], chosen, rejected) - std::f64::consts::LN_2).abs() < 1e-12);
        // d = 0 and lambda x 2 lost nats: -ln s(-0.3 x 4).
        let expected = (1.0 + 1.2_f64.exp()).ln();
        assert!((value(LOSSES[4], chosen, rejected) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_likelihood_term_counts_the_chosen_answer_per_token() {
        let (chosen, rejected) = untrained();
        let with = pair_loss(LOSSES[0], 0.5, chosen, rejected);
        assert!((with.loss - std::f64::consts::LN_2 - 0.5 * 2.0).abs() < 1e-12);
        let without = pair_loss(LOSSES[0], 0.0, chosen, rejected);
        assert!((with.chosen - without.chosen + 0.05).abs() < 1e-12);
    }

    #[test]
    fn margins_beyond_reason_stay_finite() {
        for loss in LOSSES {
            for margin in [-1e6, 1e6] {
                let pair = pair_loss(loss, 0.1, side(-1e6 + margin, -1e6, 5.0), side(-1e6, -1e6, 5.0));
                assert!(pair.loss.is_finite() && pair.chosen.is_finite(), "{loss:?} {margin}: {pair:?}");
            }
        }
    }

    #[test]
    fn a_sum_that_is_not_a_number_is_never_a_finite_loss() {
        // `NaN.max(0.0)` is 0: hinge once called a broken model a converged one.
        for loss in LOSSES {
            for broken in [f64::NAN, f64::NEG_INFINITY] {
                let (chosen, rejected) = untrained();
                let of_chosen = pair_loss(loss, 0.0, Side { policy: broken, ..chosen }, rejected);
                let of_rejected = pair_loss(loss, 0.0, chosen, Side { policy: broken, ..rejected });
                assert!(of_chosen.loss.is_nan(), "{loss:?} {broken}: {of_chosen:?}");
                assert!(of_rejected.loss.is_nan(), "{loss:?} {broken}: {of_rejected:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn derivatives_agree_with_finite_differences(
            chosen in -60.0_f64..-5.0, rejected in -60.0_f64..-5.0,
            before in -60.0_f64..-5.0, other in -60.0_f64..-5.0,
            tokens in 5_u8..30, length in 5_u8..30, nll in 0.0_f64..1.0,
        ) {
            let chosen = side(chosen, before, tokens.into());
            let rejected = side(rejected, other, length.into());
            let moved = |side: Side, by: f64| Side { policy: side.policy + by, ..side };
            for loss in LOSSES {
                let of = |chosen, rejected| pair_loss(loss, nll, chosen, rejected).loss;
                let found = pair_loss(loss, nll, chosen, rejected);
                let step = 1e-5;
                // Hinge and DPOP bend where their inner term is 0; a difference across the bend means nothing.
                let d = (chosen.policy - chosen.reference) - (rejected.policy - rejected.reference);
                let bend = match loss {
                    PreferenceLoss::Hinge { beta } => (1.0 - beta * d).abs(),
                    PreferenceLoss::Dpop { .. } => (chosen.policy - chosen.reference).abs(),
                    _ => 1.0,
                };
                prop_assume!(bend > 1e-3);
                let by_chosen = (of(moved(chosen, step), rejected) - of(moved(chosen, -step), rejected)) / (2.0 * step);
                let by_rejected = (of(chosen, moved(rejected, step)) - of(chosen, moved(rejected, -step))) / (2.0 * step);
                prop_assert!((found.chosen - by_chosen).abs() < 1e-4 * (1.0 + by_chosen.abs()), "{loss:?} {found:?} {by_chosen}");
                prop_assert!((found.rejected - by_rejected).abs() < 1e-4 * (1.0 + by_rejected.abs()), "{loss:?} {found:?} {by_rejected}");
            }
        }
    }
}
