//! One run as a table, with what stands beside each number and why a gate decided as it did.

use std::fmt::Write as _;

use super::{number, table};
use crate::{
    model::Verdict,
    suite::record::{Metric, Record},
};

/// The whole report of a run.
#[must_use]
pub fn render(record: &Record) -> String {
    let mut table =
        table::new(&["metric", "value", "95 % interval", "n", "clusters", "gate", "verdict"], &[1, 2, 3, 4]);
    for metric in &record.metrics {
        table.add_row(row(metric));
    }
    let mut text =
        format!("{}  ({}, run {})\n\n{}\n", record.name, record.suite, record.id, table::text(&table));
    for metric in &record.metrics {
        let notes = notes(metric);
        if !notes.is_empty() {
            let _ = write!(text, "\n{}: {notes}", metric.name);
        }
    }
    for (what, count) in &record.failures {
        let _ = write!(text, "\nfailed cells, {what}: {count}");
    }
    text.trim_end().to_owned()
}

fn row(metric: &Metric) -> Vec<String> {
    let none = || "-".to_owned();
    let estimate = metric.estimate.as_ref();
    let gate = metric.threshold.map_or_else(none, |threshold| {
        format!("{} {}", number::sign(metric), number::value(threshold, &metric.unit))
    });
    vec![
        metric.name.clone(),
        estimate.map_or_else(none, |estimate| number::value(estimate.value, &metric.unit)),
        estimate.map_or_else(none, |estimate| number::interval(estimate, &metric.unit)),
        estimate.map_or_else(none, |estimate| estimate.n.to_string()),
        estimate.map_or_else(none, |estimate| estimate.clusters.to_string()),
        gate,
        metric.verdict.map_or_else(none, |verdict| word(verdict).to_owned()),
    ]
}

/// What stands beside the number, then the reason.
pub(super) fn notes(metric: &Metric) -> String {
    let mut notes: Vec<String> =
        metric.beside.iter().map(|(name, value)| format!("{name} {value:.3}")).collect();
    if !metric.reason.is_empty() {
        notes.push(metric.reason.clone());
    }
    notes.join("; ")
}

/// A verdict as people read it.
#[must_use]
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Insufficient => "insufficient",
        Verdict::NoHeadroom => "no headroom",
        Verdict::NotReached => "not reached",
    }
}
