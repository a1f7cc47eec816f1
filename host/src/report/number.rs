//! Numbers as reports show them: one function, so that no two reports round differently.

use crate::model::Estimate;

/// A value in its unit: shares as per cent with one decimal, anything else with three decimals.
#[must_use]
pub fn value(value: f64, unit: &str) -> String {
    if unit == "share" { format!("{:.1} %", 100.0 * value) } else { format!("{value:.3}") }
}

/// The two-sided interval of an estimate.
#[must_use]
pub fn interval(estimate: &Estimate, unit: &str) -> String {
    span(estimate.low, estimate.high, unit)
}

/// Two ends of an interval; the unit stands once.
#[must_use]
pub fn span(low: f64, high: f64, unit: &str) -> String {
    if unit == "share" {
        format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high)
    } else {
        format!("{low:.3} to {high:.3}")
    }
}

/// A probability: three decimals, or the bound below which there is nothing to show.
#[must_use]
pub fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_per_cent_and_everything_else_is_not() {
        assert_eq!(value(0.9051, "share"), "90.5 %");
        assert_eq!(value(1.2345, "bits/byte"), "1.234");
        assert_eq!(span(0.1, 0.25, "share"), "10.0 to 25.0 %");
    }

    #[test]
    fn a_tiny_probability_is_not_shown_as_zero() {
        assert_eq!(probability(0.0), "< 0.001");
        assert_eq!(probability(0.0314), "0.031");
    }
}
