//! One run as a table, with what stands beside each number and why a gate decided as it did.

use std::fmt::Write as _;

use super::{number, table};
use crate::{
    model::Verdict,
    suite::record::{CHANCE, Metric, Record},
};

/// The whole report of a run.
#[must_use]
pub fn render(record: &Record) -> String {
    let mut table =
        table::new(&["metric", "value", "95 % interval", "n", "clusters", "gate", "verdict"], &[1, 2, 3, 4]);
    // Blanks behind the last column would only take from the width.
    if let Some(verdict) = table.column_mut(6) {
        verdict.set_padding((0, 0));
    }
    for metric in &record.metrics {
        table.add_row(row(metric));
    }
    let mut text =
        format!("{}  ({}, run {})\n\n{}\n", record.name, record.suite, record.id, table::text(&table));
    for (names, notes) in noted(&record.metrics) {
        let _ = write!(text, "\n{}: {notes}", names.join(", "));
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

/// Notes with the numbers that have them, each once: what keeps one benchmark from being measured often keeps several.
fn noted(metrics: &[Metric]) -> Vec<(Vec<&str>, String)> {
    let mut all: Vec<(Vec<&str>, String)> = Vec::new();
    for metric in metrics {
        let notes = notes(metric);
        match all.iter_mut().find(|(_, said)| *said == notes) {
            Some((names, _)) => names.push(&metric.name),
            None if notes.is_empty() => {}
            None => all.push((vec![&metric.name], notes)),
        }
    }
    all
}

/// What stands beside the number, then the reason, then the warning.
pub(super) fn notes(metric: &Metric) -> String {
    // What guessing gives is no news of what was not measured.
    let beside = metric.beside.iter().filter(|(name, _)| metric.estimate.is_some() || *name != CHANCE);
    let mut notes: Vec<String> = beside.map(|(name, value)| format!("{name} {value:.3}")).collect();
    let own_name = metric.name.rsplit('/').next();
    if own_name == Some("style-match") && metric.estimate.is_some() {
        notes.push("0 like the contrast texts, 1 like the exemplars".into());
    }
    if !metric.reason.is_empty() {
        notes.push(metric.reason.clone());
    }
    notes.extend(warning(metric));
    notes.join("; ")
}

/// What is less certain about a number than its interval says.
pub(super) fn warning(metric: &Metric) -> Option<String> {
    let estimate = metric.estimate.filter(|_| metric.long_tail)?;
    Some(format!("warning: {}", long_tail(estimate.clusters)))
}

/// What values with a long tail do to an interval.
pub(super) fn long_tail(clusters: usize) -> String {
    format!("a long tail in {clusters} clusters: its interval misses more often than in 5 of 100 cases")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Estimate, suite::persona_run::plain, suite::record::FORMAT};

    #[test]
    fn a_table_of_100_columns_breaks_no_interval() {
        let estimate = Estimate { value: 1.0, low: 0.912, high: 1.0, n: 1280, clusters: 40 };
        let mut metric = plain("minimal-pairs/accuracy-normalised".into(), "mean/1", None);
        metric.estimate = Some(estimate);
        metric.threshold = Some(0.9);
        metric.verdict = Some(Verdict::Inconclusive);
        let record = Record {
            format: FORMAT,
            id: String::new(),
            name: String::new(),
            suite: String::new(),
            identity: crate::compare::Identity::default(),
            metrics: vec![metric],
            items: Vec::new(),
            failures: std::collections::BTreeMap::new(),
        };
        let text = render(&record);
        let row = text.lines().find(|line| line.starts_with("minimal-pairs")).expect("a row");
        assert!(row.contains("91.2 to 100.0 %") && row.ends_with("inconclusive"), "{text}");
        assert!(row.len() <= 100, "{text}");
    }
}
