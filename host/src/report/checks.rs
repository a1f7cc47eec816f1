//! What a run or a comparison has to meet, one line each: what pages, `JUnit` files and summaries show alike.

use super::{comparison, number, record};
use crate::{
    compare::{Change, Comparison, MetricComparison},
    error::{Error, Result},
    gates::{Decide, GateFile, decide},
    model::{Direction, Estimate, Verdict},
    suite::record::{Metric, Record},
};

/// One thing that has to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What is checked.
    pub name: String,
    /// Nothing but `pass` passes.
    pub verdict: Verdict,
    /// The verdict as people read it.
    pub word: &'static str,
    /// The value with its interval.
    pub value: String,
    /// What is asked for.
    pub rule: String,
    /// Why it was decided so.
    pub reason: String,
}

/// The gates that a run was made with.
#[must_use]
pub fn of_record(record: &Record) -> Vec<Check> {
    let check = |metric: &Metric| {
        let sign = if metric.direction == Some(Direction::Lower) { "<" } else { ">=" };
        let rule =
            metric.threshold.map(|threshold| format!("{sign} {}", number::value(threshold, &metric.unit)));
        let verdict = metric.verdict?;
        Some(Check {
            name: metric.name.clone(),
            verdict,
            word: record::word(verdict),
            value: shown(metric.estimate.as_ref(), &metric.unit),
            rule: rule.unwrap_or_default(),
            reason: with_warning(&metric.reason, metric),
        })
    };
    record.metrics.iter().filter_map(check).collect()
}

/// The gates of a file, held against a run.
///
/// # Errors
/// A usage error naming a metric that the run does not have, or that has no better direction.
pub fn of_file(gates: &GateFile, record: &Record) -> Result<Vec<Check>> {
    let mut checks = Vec::with_capacity(gates.gate.len());
    for (index, gate) in gates.gate.iter().enumerate() {
        let metric = record.metrics.iter().find(|metric| metric.name == gate.metric).ok_or_else(|| {
            let known: Vec<&str> = record.metrics.iter().map(|metric| metric.name.as_str()).collect();
            Error::usage(format!("gate[{index}].metric: run {} has no `{}`", record.name, gate.metric))
                .hint(format!("it has {}", known.join(", ")))
        })?;
        if metric.direction.is_none() {
            return Err(Error::usage(format!(
                "gate[{index}].metric: `{}` has no better direction, so there is nothing to reach",
                gate.metric
            ))
            .hint("it is part of a profile (direction = \"none\" in the suite): compare says whether it changed"));
        }
        let decision = decide(&gate.rule(), metric.evidence().as_ref());
        let by = if gate.decide == Decide::Point { ", by point" } else { "" };
        checks.push(Check {
            name: metric.name.clone(),
            verdict: decision.verdict,
            word: record::word(decision.verdict),
            value: shown(metric.estimate.as_ref(), &metric.unit),
            rule: format!("{} {}{by}", gate.comparison, number::value(gate.threshold, &metric.unit)),
            reason: with_warning(unmeasured(metric).unwrap_or(&decision.reason), metric),
        });
    }
    Ok(checks)
}

/// Why there is no number, where a run says so; the verdict, `insufficient`, stands before it already.
fn unmeasured(metric: &Metric) -> Option<&str> {
    let reason = metric.reason.as_str();
    let reason = reason.strip_prefix("insufficient: ").unwrap_or(reason);
    (metric.estimate.is_none() && !reason.is_empty()).then_some(reason)
}

/// A reason, and what makes the bound that decided less certain.
fn with_warning(reason: &str, metric: &Metric) -> String {
    let parts = [(!reason.is_empty()).then(|| reason.to_owned()), record::warning(metric)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What a comparison has to meet: nothing regressed, everything told apart, no capability proven to be lost.
#[must_use]
pub fn of_comparison(after: &Record, comparison: &Comparison) -> Vec<Check> {
    let (metrics, retention) = match comparison {
        Comparison::Compared { metrics, retention, .. } => (metrics, retention),
        Comparison::NotComparable(identity) => {
            let keys: Vec<&str> = identity.instrument.iter().map(|key| key.key.as_str()).collect();
            return vec![Check {
                name: "comparable".into(),
                verdict: Verdict::Fail,
                word: "not comparable",
                value: String::new(),
                rule: "the same instrument".into(),
                reason: format!("the instruments differ in {}", keys.join(", ")),
            }];
        }
    };
    let change = |metric: &MetricComparison| {
        let unit = comparison::unit(after, &metric.metric);
        let reason = format!("p {}, n {}", number::probability(metric.p_adjusted), metric.n);
        let needed = metric.items_needed.filter(|_| metric.change == Change::CannotTell);
        Check {
            name: metric.metric.clone(),
            verdict: match metric.change {
                Change::Regressed => Verdict::Fail,
                Change::CannotTell => Verdict::Inconclusive,
                Change::Improved | Change::Changed | Change::Equivalent => Verdict::Pass,
            },
            word: comparison::word(metric.change),
            value: shown(metric.difference.as_ref(), unit),
            rule: match (metric.direction, metric.margin) {
                (None, _) => "none: no way is better".into(),
                (Some(_), None) => "no regression".into(),
                (Some(_), Some(margin)) => format!("no regression beyond {}", number::value(margin, unit)),
            },
            reason: needed
                .map_or(reason.clone(), |needed| format!("{reason}; about {needed} items would tell")),
        }
    };
    let mut checks: Vec<Check> = metrics.iter().map(change).collect();
    let lost = retention.iter().filter(|kept| kept.decision.verdict == Verdict::Fail);
    checks.extend(lost.map(|kept| Check {
        name: "retention".into(),
        verdict: Verdict::Fail,
        word: record::word(Verdict::Fail),
        value: String::new(),
        rule: "every benchmark that counts is kept".into(),
        reason: kept.decision.reason.clone(),
    }));
    checks
}

/// The worst verdict; `None` where nothing is checked.
#[must_use]
pub fn worst(checks: &[Check]) -> Option<Verdict> {
    checks.iter().map(|check| check.verdict).min_by_key(|verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::Pass => 2,
        _ => 1,
    })
}

/// All checks in one line: how many pass, and which do not.
#[must_use]
pub fn sentence(checks: &[Check]) -> String {
    if checks.is_empty() {
        return "nothing here has a threshold to reach".into();
    }
    let open: Vec<&Check> = checks.iter().filter(|check| check.verdict != Verdict::Pass).collect();
    let passed = checks.len() - open.len();
    let mut text = format!("{passed} of {} pass", checks.len());
    // One line stays one: the worst first, and only some of many.
    let most = 4;
    let mut named: Vec<String> = [true, false]
        .iter()
        .flat_map(|failed| open.iter().filter(move |check| (check.verdict == Verdict::Fail) == *failed))
        .take(most)
        .map(|check| format!("{} {}", check.name, check.word))
        .collect();
    if open.len() > most {
        named.push(format!("{} more", open.len() - most));
    }
    if !named.is_empty() {
        text = format!("{text}: {}", named.join(", "));
    }
    text
}

/// A value with its interval.
fn shown(estimate: Option<&Estimate>, unit: &str) -> String {
    estimate.map_or_else(
        || "-".into(),
        |estimate| format!("{} ({})", number::value(estimate.value, unit), number::interval(estimate, unit)),
    )
}
