//! What a stage makes of an evaluation.
//!
//! Dev families choose between checkpoints and passes. There are few of them, and they are looked at many times, so they
//! prove nothing: gates on dev are decided by the value alone, and their reason says so. What is proven is proven on test
//! families, by bound.

use crate::{
    gates::{Comparison, Decide, Rule, decide},
    model::{Direction, Verdict},
    stats::Evidence,
    suite::record::{Metric, Record},
};

/// Names of the gates that a suite run decides.
pub const GATES: [&str; 3] = ["adherence", "consistency", "style-variance"];
/// Mean anchored match that stands beside the style variance.
pub const STYLE_MATCH: &str = "style-match";
/// Least mean anchored match.
const LEAST_MATCH: f64 = 0.5;

/// The numbers of a run as a reader of a stage wants them, gates decided by bound.
#[must_use]
pub fn by_bound(record: &Record) -> Vec<Metric> {
    record.metrics.clone()
}

/// The same numbers as they are, without a gate.
#[must_use]
pub fn baseline(record: &Record) -> Vec<Metric> {
    let plain = |metric: &Metric| Metric {
        bound: None,
        threshold: None,
        verdict: None,
        reason: String::new(),
        ..metric.clone()
    };
    record.metrics.iter().map(plain).collect()
}

/// The gates decided by value, everything else as it is.
#[must_use]
pub fn by_value(record: &Record) -> Vec<Metric> {
    record.metrics.iter().map(valued).collect()
}

fn valued(metric: &Metric) -> Metric {
    let mut metric = metric.clone();
    if metric.name == STYLE_MATCH {
        metric.threshold = Some(LEAST_MATCH);
    } else if metric.verdict.is_none() || !GATES.contains(&metric.name.as_str()) {
        return metric;
    }
    // What was not measured well enough to have an interval is not made better by looking less closely.
    if metric.verdict == Some(Verdict::Insufficient) {
        return metric;
    }
    let (Some(estimate), Some(threshold)) = (metric.estimate, metric.threshold) else {
        metric.verdict = Some(Verdict::Insufficient);
        return metric;
    };
    let comparison = match metric.direction {
        Some(Direction::Lower) => Comparison::Below,
        Some(Direction::Higher) | None => Comparison::AtLeast,
    };
    let rule = Rule { threshold, comparison, decide: Decide::Point };
    let evidence = Evidence {
        estimate,
        lower: estimate.low,
        upper: estimate.high,
        effective_n: None,
        long_tail: metric.long_tail,
    };
    let decision = decide(&rule, Some(&evidence));
    metric.bound = None;
    metric.verdict = Some(decision.verdict);
    metric.reason = format!("{}: dev chooses, test proves", decision.reason);
    metric
}

/// A number held against another threshold than the one that it was decided by, by the bounds that it was measured with.
#[must_use]
pub fn against(metric: &Metric, threshold: f64) -> Metric {
    let higher = metric.direction == Some(Direction::Higher);
    let evidence = metric.evidence();
    let rule = if higher { Rule::at_least(threshold) } else { Rule::at_most(threshold) };
    let decision = decide(&rule, evidence.as_ref());
    Metric {
        bound: evidence.map(|evidence| if higher { evidence.lower } else { evidence.upper }),
        threshold: Some(threshold),
        verdict: Some(decision.verdict),
        reason: decision.reason,
        ..metric.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Estimate, suite::persona_run::plain};

    fn metric(name: &str, value: f64, threshold: f64, direction: Direction, verdict: Verdict) -> Metric {
        let mut metric = plain(name.into(), "test/1", None);
        metric.estimate = Some(Estimate { value, low: value - 0.1, high: value + 0.1, n: 8, clusters: 4 });
        metric.threshold = Some(threshold);
        metric.direction = Some(direction);
        metric.verdict = Some(verdict);
        metric
    }

    #[test]
    fn on_dev_the_value_decides_and_the_reason_says_so() {
        let close = metric("adherence", 0.91, 0.9, Direction::Higher, Verdict::Inconclusive);
        let found = valued(&close);
        assert_eq!(found.verdict, Some(Verdict::Pass));
        assert_eq!(found.reason, "value 0.910 against >= 0.9, decided by point: dev chooses, test proves");
        let steady = metric("style-variance", 0.15, 0.15, Direction::Lower, Verdict::Inconclusive);
        assert_eq!(valued(&steady).verdict, Some(Verdict::Fail), "below is strict");
    }

    #[test]
    fn what_was_hardly_measured_stays_insufficient() {
        let hardly = metric("consistency", 1.0, 0.85, Direction::Higher, Verdict::Insufficient);
        assert_eq!(valued(&hardly).verdict, Some(Verdict::Insufficient));
    }

    #[test]
    fn the_mean_match_becomes_a_gate_of_its_own() {
        let far = Metric { verdict: None, ..metric(STYLE_MATCH, 0.4, 0.0, Direction::Higher, Verdict::Pass) };
        assert_eq!(valued(&far).verdict, Some(Verdict::Fail));
    }
}
