//! One check and what came of it.

use serde::{Deserialize, Serialize};

use crate::{model::Verdict, suite::record::Metric};

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// `pairs`, `empty`, `identical`, `one-class`, `duplicates`, `near-duplicates`, `longer`, `gap`, `coverage`,
    /// `clean`, `shift`.
    pub name: String,
    /// What was found.
    pub found: Finding,
    /// Absent where the check gives advice, or was not asked for.
    pub verdict: Option<Verdict>,
    /// Why.
    pub reason: String,
    /// 1-based lines of the pairs that it is about, ascending.
    pub lines: Vec<usize>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// A number of pairs or traits. Every one was looked at, so it has no interval.
    Count {
        /// How many there are.
        count: usize,
        /// Of how many.
        of: usize,
        /// How many there must be at least or may be at most; absent where it is advice.
        limit: Option<usize>,
    },
    /// A measurement.
    Measured(Box<Metric>),
    /// Nothing: what it takes was not given.
    Nothing,
}

impl Check {
    /// Pairs of which there may be none.
    pub(super) fn none_of(name: &str, lines: Vec<usize>, of: usize, advice: &str) -> Self {
        let verdict = Some(if lines.is_empty() { Verdict::Pass } else { Verdict::Fail });
        let reason = if lines.is_empty() { String::new() } else { advice.to_owned() };
        let found = Finding::Count { count: lines.len(), of, limit: Some(0) };
        Self { name: name.into(), found, verdict, reason, lines }
    }

    /// A measurement with its gate.
    pub(super) fn measured(metric: Metric, lines: Vec<usize>) -> Self {
        let (verdict, reason) = (metric.verdict, metric.reason.clone());
        Self { name: metric.name.clone(), found: Finding::Measured(Box::new(metric)), verdict, reason, lines }
    }

    /// What was not measured; without a verdict it was not asked for.
    pub(super) fn nothing(name: &str, verdict: Option<Verdict>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), found: Finding::Nothing, verdict, reason: reason.into(), lines: Vec::new() }
    }
}
