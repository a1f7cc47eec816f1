//! What a metric did: regressed, improved, changed, equivalent, or it cannot be told.
//!
//! - `equivalent`: both one-sided 95 % bounds lie within the margin (two one-sided tests). It comes first: a difference
//!   that is proven, and proven to be too small to matter, is no regression.
//! - `regressed`, `improved`: an adjusted p below 0.05 **and** a two-sided 95 % interval without 0. Where no way is better
//!   (a factor of a personality profile) the same evidence says `changed`, and nothing is lost or won by it.
//! - `cannot tell`: everything else.

use serde::{Deserialize, Serialize};

use crate::{model::Direction, stats::Interval};

/// Error that the correction keeps over all metrics.
pub const ALPHA: f64 = 0.05;

/// What a metric did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Worse, and not by chance.
    Regressed,
    /// Better, and not by chance.
    Improved,
    /// Another value, and not by chance; no way is better.
    Changed,
    /// Proven to differ by less than what matters.
    Equivalent,
    /// The data do not say.
    CannotTell,
}

/// Decides; `bounds` and `margin` are in the unit of the metric.
#[must_use]
pub fn change(
    shown: Interval,
    bounds: Interval,
    p_adjusted: f64,
    direction: Option<Direction>,
    margin: Option<f64>,
) -> Change {
    if margin.is_some_and(|margin| -margin <= bounds.low && bounds.high <= margin) {
        return Change::Equivalent;
    }
    let (up, down) = (shown.low > 0.0, shown.high < 0.0);
    if p_adjusted >= ALPHA || !(up || down) {
        return Change::CannotTell;
    }
    match (direction, up) {
        (None, _) => Change::Changed,
        (Some(Direction::Higher), true) | (Some(Direction::Lower), false) => Change::Improved,
        (Some(Direction::Higher), false) | (Some(Direction::Lower), true) => Change::Regressed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(low: f64, high: f64, p: f64, margin: Option<f64>) -> Change {
        let span = Interval { low, high };
        change(span, span, p, Some(Direction::Higher), margin)
    }

    #[test]
    fn a_claim_of_change_needs_both_the_test_and_the_interval() {
        assert_eq!(decided(-0.3, -0.1, 0.01, None), Change::Regressed);
        assert_eq!(decided(-0.3, -0.1, 0.06, None), Change::CannotTell);
        assert_eq!(decided(-0.3, 0.1, 0.01, None), Change::CannotTell);
        assert_eq!(decided(0.1, 0.3, 0.01, None), Change::Improved);
        let span = Interval { low: 0.1, high: 0.3 };
        assert_eq!(change(span, span, 0.01, Some(Direction::Lower), None), Change::Regressed);
    }

    #[test]
    fn where_no_way_is_better_a_proven_difference_is_a_change_and_nothing_else() {
        let undirected = |low: f64, high: f64, p: f64| {
            let span = Interval { low, high };
            change(span, span, p, None, Some(0.05))
        };
        assert_eq!(undirected(0.1, 0.3, 0.01), Change::Changed);
        assert_eq!(undirected(-0.3, -0.1, 0.01), Change::Changed);
        assert_eq!(undirected(-0.3, -0.1, 0.2), Change::CannotTell);
        assert_eq!(undirected(-0.02, 0.02, 0.01), Change::Equivalent);
    }

    #[test]
    fn what_is_proven_to_be_too_small_to_matter_is_equivalent() {
        assert_eq!(decided(-0.02, -0.01, 0.001, Some(0.03)), Change::Equivalent);
        assert_eq!(decided(-0.04, -0.01, 0.001, Some(0.03)), Change::Regressed);
        assert_eq!(decided(-0.02, 0.04, 0.8, Some(0.03)), Change::CannotTell);
    }
}
