//! What a value has to meet.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a value is held against a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// At least the threshold.
    #[serde(rename = ">=")]
    AtLeast,
    /// At most the threshold.
    #[serde(rename = "<=")]
    AtMost,
    /// Below the threshold, which itself does not pass.
    #[serde(rename = "<")]
    Below,
}

/// Which number has to meet the threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decide {
    /// The one-sided 95 % bound: passing is a proof.
    #[default]
    Bound,
    /// The estimate itself: passing may be luck, and the reason says so.
    Point,
}

/// One gate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// In the unit of the value.
    pub threshold: f64,
    /// Direction, and whether the threshold itself passes.
    pub comparison: Comparison,
    /// Bound or point.
    #[serde(default)]
    pub decide: Decide,
}

impl Rule {
    /// At least `threshold`, decided by the bound.
    #[must_use]
    pub const fn at_least(threshold: f64) -> Self {
        Self { threshold, comparison: Comparison::AtLeast, decide: Decide::Bound }
    }

    /// At most `threshold`, decided by the bound.
    #[must_use]
    pub const fn at_most(threshold: f64) -> Self {
        Self { threshold, comparison: Comparison::AtMost, decide: Decide::Bound }
    }

    /// Below `threshold`, decided by the bound.
    #[must_use]
    pub const fn below(threshold: f64) -> Self {
        Self { threshold, comparison: Comparison::Below, decide: Decide::Bound }
    }

    /// Whether one number meets the rule. A number that is not a number does not.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::AtLeast => value >= self.threshold,
            Comparison::AtMost => value <= self.threshold,
            Comparison::Below => value < self.threshold,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Below => "<",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_itself_passes_unless_the_rule_is_strict() {
        assert!(Rule::at_least(0.9).holds(0.9));
        assert!(Rule::at_most(0.1).holds(0.1));
        assert!(!Rule::below(0.15).holds(0.15));
    }

    #[test]
    fn a_rule_reads_as_people_write_it() {
        let rule: Rule = toml::from_str("threshold = 0.9\ncomparison = \">=\"").expect("a valid rule");
        assert_eq!(rule, Rule::at_least(0.9));
    }

    #[test]
    fn not_a_number_never_holds() {
        for rule in [Rule::at_least(0.0), Rule::at_most(1.0), Rule::below(1.0)] {
            assert!(!rule.holds(f64::NAN));
        }
    }
}
