//! A number with its gate.

use crate::{
    gates::{Comparison, Rule, decide},
    model::Direction,
    stats::Evidence,
    suite::{persona_run::plain, record::Metric},
};

/// Evidence held against a rule; a share where the unit is not changed afterwards.
#[must_use]
pub fn gated(name: &str, formula: &str, evidence: Option<Evidence>, rule: &Rule) -> Metric {
    let decision = decide(rule, evidence.as_ref());
    let higher = rule.comparison == Comparison::AtLeast;
    Metric {
        direction: Some(if higher { Direction::Higher } else { Direction::Lower }),
        bound: evidence.map(|evidence| if higher { evidence.lower } else { evidence.upper }),
        threshold: Some(rule.threshold),
        verdict: Some(decision.verdict),
        reason: decision.reason,
        ..plain(name.into(), formula, evidence)
    }
}
