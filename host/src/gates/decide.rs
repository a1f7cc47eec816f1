//! From a rule and evidence to a verdict with its reason.
//!
//! By bound: `pass` if the one-sided 95 % bound meets the threshold, `fail` if the opposite bound misses it, else
//! `inconclusive` with the number of further clusters that would decide if the value stays as it is. By point:
//! the value alone.

use serde::{Deserialize, Serialize};

use super::{Comparison, Decide, Evidence, Rule};
use crate::{model::Verdict, stats::power};

/// What a gate concluded, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The verdict; nothing but `pass` passes.
    pub verdict: Verdict,
    /// One lower-case clause with the numbers that decided.
    pub reason: String,
    /// Further clusters (scenario families) that would decide, where that can be said.
    pub further: Option<usize>,
}

impl Decision {
    /// A decision without a number of further clusters.
    pub fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), further: None }
    }

    /// Too little was measured.
    pub fn insufficient(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Insufficient, reason)
    }

    /// Several gates as one: each must pass, and the worst verdict names its reason.
    ///
    /// Worst first: fail, no headroom, insufficient, not reached, inconclusive, pass. The number of further clusters
    /// is the largest, where every undecided gate has one. Nothing to decide is insufficient.
    #[must_use]
    pub fn all_of(decisions: &[Self]) -> Self {
        let Some(worst) = decisions.iter().map(Self::rank).min() else {
            return Self::insufficient("there is nothing to decide");
        };
        let named: Vec<&Self> = decisions.iter().filter(|decision| decision.rank() == worst).collect();
        let reasons: Vec<&str> = named.iter().map(|decision| decision.reason.as_str()).collect();
        let further: Option<Vec<usize>> = named.iter().map(|decision| decision.further).collect();
        Self {
            verdict: named[0].verdict,
            reason: reasons.join("; "),
            further: further.and_then(|counts| counts.into_iter().max()),
        }
    }

    /// Place in the order of [`Decision::all_of`].
    const fn rank(&self) -> u8 {
        match self.verdict {
            Verdict::Fail => 0,
            Verdict::NoHeadroom => 1,
            Verdict::Insufficient => 2,
            Verdict::NotReached => 3,
            Verdict::Inconclusive => 4,
            Verdict::Pass => 5,
        }
    }

    /// Whether the gate is passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Pass
    }
}

/// Holds evidence against a rule.
#[must_use]
pub fn decide(rule: &Rule, evidence: Option<&Evidence>) -> Decision {
    let Some(evidence) = evidence.and_then(|evidence| evidence.finite()) else {
        return Decision::insufficient("nothing was measured that has an interval");
    };
    if !rule.threshold.is_finite() {
        return Decision::insufficient("the threshold is not a finite number");
    }
    match rule.decide {
        Decide::Point => by_point(rule, &evidence),
        Decide::Bound => by_bound(rule, &evidence),
    }
}

/// The value alone.
fn by_point(rule: &Rule, evidence: &Evidence) -> Decision {
    let Rule { threshold, comparison, .. } = rule;
    let value = evidence.estimate.value;
    let verdict = if rule.holds(value) { Verdict::Pass } else { Verdict::Fail };
    Decision::new(
        verdict,
        format!("value {} against {comparison} {threshold}, decided by point", number(value)),
    )
}

/// The bound that has to hold, then the opposite one.
fn by_bound(rule: &Rule, evidence: &Evidence) -> Decision {
    let Rule { threshold, comparison, .. } = rule;
    let (safe, other) = match comparison {
        Comparison::AtLeast => (("lower", evidence.lower), ("upper", evidence.upper)),
        Comparison::AtMost | Comparison::Below => (("upper", evidence.upper), ("lower", evidence.lower)),
    };
    let says = |(name, bound): (&str, f64), word: &str| {
        format!("95 % {name} bound {} {word} {comparison} {threshold}", number(bound))
    };
    if rule.holds(safe.1) {
        return Decision::new(Verdict::Pass, says(safe, "meets"));
    }
    if !rule.holds(other.1) {
        return Decision::new(Verdict::Fail, says(other, "misses"));
    }
    Decision {
        verdict: Verdict::Inconclusive,
        reason: format!(
            "95 % bounds {} to {} lie on both sides of {threshold}",
            number(evidence.lower),
            number(evidence.upper)
        ),
        further: further(rule, evidence),
    }
}

/// Further clusters that would decide at the observed value.
fn further(rule: &Rule, evidence: &Evidence) -> Option<usize> {
    let estimate = evidence.estimate;
    let threshold = rule.threshold;
    if let Some(effective_n) = evidence.effective_n {
        return power::further_for_share(estimate.value, effective_n, estimate.clusters, threshold);
    }
    let (gap, half_width) = if estimate.value >= threshold {
        (estimate.value - threshold, estimate.value - evidence.lower)
    } else {
        (threshold - estimate.value, evidence.upper - estimate.value)
    };
    power::further_for_mean(gap, half_width, estimate.clusters)
}

/// A number as reasons show it: three decimals, without a minus sign in front of zero.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "-0.000" { "0.000".to_owned() } else { text }
}

#[cfg(test)]
mod tests;
