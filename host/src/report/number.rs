//! Numbers as reports show them: one function, so that no two reports round differently.

use crate::{
    model::{Direction, Estimate},
    suite::record::Metric,
};

/// Gates whose threshold itself does not pass.
const STRICT: [&str; 2] = ["style-variance", "perplexity"];

/// A value in its unit: shares as per cent with one decimal, anything else with three decimals.
#[must_use]
pub fn value(value: f64, unit: &str) -> String {
    if unit == "share" { format!("{:.1} %", 100.0 * value) } else { format!("{value:.3}") }
}

/// How a gate's threshold is to be met. Two gates leave their threshold out; every other one takes it in.
#[must_use]
pub fn sign(metric: &Metric) -> &'static str {
    match metric.direction {
        Some(Direction::Lower) if STRICT.contains(&metric.name.as_str()) => "<",
        Some(Direction::Lower) => "<=",
        Some(Direction::Higher) | None => ">=",
    }
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

/// A rate in its unit: three digits where there are fewer before the point.
#[must_use]
pub fn rate(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// Bytes of memory.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// A large count, such as that of parameters: in thousands, millions or billions.
#[must_use]
pub fn short_count(count: u64) -> String {
    let value = count as f64;
    match count {
        0..=999 => count.to_string(),
        1_000..=999_999 => format!("{:.1} k", value / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} M", value / 1e6),
        _ => format!("{:.1} G", value / 1e9),
    }
}

/// A span of time in its two largest units.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    let hours = (seconds / 3600.0).round();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if minutes < 60.0 {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    } else if hours < 48.0 {
        format!("{:.0} h {:.0} min", (minutes / 60.0).floor(), minutes % 60.0)
    } else {
        format!("{:.0} d {:.0} h", (hours / 24.0).floor(), hours % 24.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shown_in_two_units() {
        assert_eq!(duration(1.24), "1.2 s");
        assert_eq!(duration(125.0), "2 min 5 s");
        assert_eq!(duration(3_599.7), "1 h 0 min");
        assert_eq!(duration(7_300.0), "2 h 2 min");
        assert_eq!(duration(200_000.0), "2 d 8 h");
    }

    #[test]
    fn rates_and_counts_keep_about_three_digits() {
        assert_eq!([rate(1.234), rate(12.34), rate(123.4)], ["1.23", "12.3", "123"]);
        assert_eq!([short_count(999), short_count(134_515_008)], ["999", "134.5 M"]);
    }

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
