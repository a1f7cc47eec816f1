//! A run beside its baseline as tables: what changed, what cannot be told, what was kept, and what differs between them.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{differing::differing, number, record, table, text::wrapped};
use crate::{
    compare::{
        Change, Comparison, Correction, IdentityDifferences, KeyDifference, Method, MetricComparison,
        interval::IntervalMethod,
    },
    metrics::{
        Retention,
        retention::{BenchmarkRetention, KEPT},
    },
    model::Estimate,
    suite::record::Record,
};

/// Share of a value below which two ways to the same number differ by rounding.
const EQUAL: f64 = 1e-9;

/// The whole report of a comparison.
#[must_use]
pub fn render(
    before: &Record,
    after: &Record,
    comparison: &Comparison,
    method: Method,
    noise: Option<&BTreeMap<String, Estimate>>,
) -> String {
    let mut text = format!("{} -> {}\n", before.name, after.name);
    match comparison {
        Comparison::NotComparable(identity) => {
            text += "\nnot comparable: the two runs measured with different instruments\n";
            push_differences(&mut text, "instrument", &identity.instrument);
            push_differences(&mut text, "allowed", &identity.allowed);
        }
        Comparison::Compared { identity, metrics, only_before, only_after, retention } => {
            push_identity(&mut text, identity);
            let header = ["metric", "before", "after", "change", "95 % interval", "n", "-/+", "p", "verdict"];
            let mut table = table::new(&header, &[1, 2, 3, 4, 5, 6, 7]);
            // Nine columns fit 100 only where they stand closer.
            for column in table.column_iter_mut() {
                column.set_padding((0, 1));
            }
            for metric in metrics {
                table.add_row(row(metric, after));
            }
            let _ = write!(text, "\n{}\n", table::text(&table));
            for metric in metrics.iter().filter(|metric| metric.long_tail) {
                let _ = writeln!(text, "{}", wrapped(&long_tail(metric)));
            }
            if let Some(sentence) = weights(metrics) {
                let _ = writeln!(text, "{}", wrapped(&sentence));
            }
            if let Some(noise) = noise {
                push_noise(&mut text, metrics, noise, after);
            }
            push_untold(&mut text, metrics, after);
            for sentence in unchanged(metrics, after) {
                let _ = writeln!(text, "{}", wrapped(&sentence));
            }
            if let Some(retention) = retention {
                push_retention(&mut text, retention, after);
            }
            for sentence in left_out("the second run", only_before, only_after) {
                let _ = write!(text, "\n{}\n", wrapped(&sentence));
            }
            let _ = write!(
                text,
                "\n-/+ counts the items that were lost and gained; {}\n",
                legend(method, metrics)
            );
        }
    }
    text.trim_end().to_owned()
}

/// The warning about an interval that is less certain than it says.
pub(super) fn long_tail(metric: &MetricComparison) -> String {
    format!("warning: {}: {}", metric.metric, record::long_tail(metric.clusters))
}

/// Why nothing can be told where not one item changed: of clusters, and one that changes may change as a whole.
pub(super) fn unchanged(metrics: &[MetricComparison], record: &Record) -> Vec<String> {
    let mut rooms: BTreeMap<(usize, String), Vec<&str>> = BTreeMap::new();
    for metric in metrics {
        let still = metric.discordant.is_some_and(|found| found.lost + found.gained == 0);
        if let Some(room) = metric.difference
            && still
            && metric.change == Change::CannotTell
            && metric.clusters < metric.n
        {
            let room = number::value(room.high, unit(record, &metric.metric));
            rooms.entry((metric.clusters, room)).or_default().push(&metric.metric);
        }
    }
    let sentence = |((clusters, room), names): (&(usize, String), &Vec<&str>)| {
        let names = names.join(", ");
        format!(
            "{names}: no item changed; {clusters} clusters that change whole leave room for {room} either way"
        )
    };
    rooms.iter().map(sentence).collect()
}

/// Where a change is not the difference of the values beside it: they are what the runs report, and weigh items by size, or by trait.
pub(super) fn weights(metrics: &[MetricComparison]) -> Option<String> {
    let otherwise = |metric: &&MetricComparison| {
        let values = metric.before.zip(metric.after).zip(metric.difference);
        values.is_some_and(|((before, after), change)| {
            let size = before.value.abs().max(after.value.abs());
            (after.value - before.value - change.value).abs() > EQUAL * size
        })
    };
    let names: Vec<&str> = metrics.iter().filter(otherwise).map(|metric| metric.metric.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!("{}: every item weighs the same in the change, and not in the values", names.join(", "))
    })
}

/// What one side alone has, by metric: a sentence for each side that has something; `second` is what the other side is called.
pub(super) fn left_out(second: &str, before: &[(String, String)], after: &[(String, String)]) -> Vec<String> {
    let side = |(side, only): (&str, &[(String, String)])| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (metric, _) in only {
            *counts.entry(metric).or_default() += 1;
        }
        let named: Vec<String> = counts.iter().map(|(metric, count)| format!("{metric} ({count})")).collect();
        (!named.is_empty()).then(|| format!("only in {side}, left out: items of {}", named.join(", ")))
    };
    [("the first run", before), (second, after)].into_iter().filter_map(side).collect()
}

/// What stands behind p, intervals and verdicts.
pub(super) fn legend(method: Method, metrics: &[MetricComparison]) -> String {
    let correction = match method.correction {
        Correction::Holm => "Holm",
        Correction::BenjaminiHochberg => "Benjamini and Hochberg",
    };
    let mut text = format!("p is adjusted by {correction} over all metrics.");
    if metrics.iter().any(|metric| metric.interval == Some(IntervalMethod::TangoClustered)) {
        text += "\nAn interval reckons with one change more than was seen, and with its cluster where few changes tell\n\
                 whether items of one change together.";
    }
    if let Some(margin) = method.margin {
        let _ = write!(
            text,
            "\nequivalent: proven to differ by at most {} of the first run's value.",
            number::value(margin, "share")
        );
    }
    text
}

fn push_identity(text: &mut String, identity: &IdentityDifferences) {
    push_differences(text, "differs", &identity.subject);
    push_differences(text, "warning: engine", &identity.engine);
    push_differences(text, "warning: allowed to differ", &identity.allowed);
    for model in &identity.undigested {
        let _ = writeln!(
            text,
            "warning: weights of {model} are the server's own: they may have changed between the runs"
        );
    }
    if identity.subject.is_empty() && identity.undigested.is_empty() {
        *text += "same subject: this is the noise of the measurement\n";
    }
}

fn push_differences(text: &mut String, what: &str, differences: &[KeyDifference]) {
    for KeyDifference { key, before, after } in differences {
        let [before, after] = differing(before.as_deref(), after.as_deref());
        let _ = writeln!(text, "{what}: {key}: {before} -> {after}");
    }
}

fn row(metric: &MetricComparison, record: &Record) -> Vec<String> {
    let unit = unit(record, &metric.metric);
    let none = || "-".to_owned();
    vec![
        metric.metric.clone(),
        metric.before.map_or_else(none, |estimate| number::value(estimate.value, unit)),
        metric.after.map_or_else(none, |estimate| number::value(estimate.value, unit)),
        metric.difference.map_or_else(none, |estimate| number::value(estimate.value, unit)),
        metric.difference.map_or_else(none, |estimate| number::interval(&estimate, unit).replace(" %", "")),
        metric.n.to_string(),
        metric.discordant.map_or_else(none, |found| format!("{}/{}", found.lost, found.gained)),
        number::probability(metric.p_adjusted),
        word(metric.change).to_owned(),
    ]
}

/// Every change beside what the baseline differs by from itself.
fn push_noise(
    text: &mut String,
    metrics: &[MetricComparison],
    noise: &BTreeMap<String, Estimate>,
    record: &Record,
) {
    let header = ["noise floor", "change", "95 % interval", "baseline again", "95 % interval"];
    let mut table = table::new(&header, &[1, 2, 3, 4]);
    for metric in metrics {
        let unit = unit(record, &metric.metric);
        let shown = |estimate: Option<&Estimate>| {
            estimate.map_or_else(
                || ["-".to_owned(), "-".to_owned()],
                |estimate| [number::value(estimate.value, unit), number::interval(estimate, unit)],
            )
        };
        let [change, interval] = shown(metric.difference.as_ref());
        let [again, spread] = shown(noise.get(&metric.metric));
        table.add_row([metric.metric.clone(), change, interval, again, spread]);
    }
    let _ = write!(text, "\n{}\n", table::text(&table));
}

/// What would have shown, and what it takes to see a difference that matters.
fn push_untold(text: &mut String, metrics: &[MetricComparison], record: &Record) {
    let untold: Vec<&MetricComparison> =
        metrics.iter().filter(|metric| metric.change == Change::CannotTell).collect();
    if untold.is_empty() {
        return;
    }
    let header = ["cannot tell", "would have shown", "what matters", "items", "clusters", "items needed"];
    let mut table = table::new(&header, &[1, 2, 3, 4, 5]);
    for metric in untold {
        let unit = unit(record, &metric.metric);
        let none = || "-".to_owned();
        table.add_row([
            metric.metric.clone(),
            metric.minimum_detectable.map_or_else(none, |least| number::value(least, unit)),
            metric.margin.map_or_else(none, |margin| number::value(margin, unit)),
            metric.n.to_string(),
            metric.clusters.to_string(),
            metric.items_needed.map_or_else(none, |needed| needed.to_string()),
        ]);
    }
    let _ = write!(text, "\n{}\n", table::text(&table));
}

fn push_retention(text: &mut String, retention: &Retention, record: &Record) {
    let header = ["benchmark", "before", "after", "kept", "verdict", "why"];
    let mut table = table::new(&header, &[1, 2, 3]);
    let none = || "-".to_owned();
    for BenchmarkRetention { name, before, after, ratio, decision, .. } in &retention.benchmarks {
        let unit = unit(record, name);
        table.add_row([
            name.clone(),
            before.map_or_else(none, |evidence| number::value(evidence.estimate.value, unit)),
            after.map_or_else(none, |evidence| number::value(evidence.estimate.value, unit)),
            ratio.map_or_else(none, |ratio| number::value(ratio, "share")),
            record::word(decision.verdict).to_owned(),
            decision.reason.clone(),
        ]);
    }
    let _ = write!(
        text,
        "\n{}\nretention of {:.0} %: {}, {} of {} benchmarks count\n",
        table::text(&table),
        100.0 * KEPT,
        record::word(retention.decision.verdict),
        retention.counting,
        retention.benchmarks.len()
    );
}

/// What a run says of a metric.
pub(super) fn own(record: &Record, metric: &str) -> Option<Estimate> {
    record.metrics.iter().find(|described| described.name == metric)?.estimate
}

/// What a metric counts in.
pub(super) fn unit<'a>(record: &'a Record, metric: &str) -> &'a str {
    let described = record.metrics.iter().find(|described| described.name == metric);
    described.map_or("", |described| described.unit.as_str())
}

/// A change as people read it.
pub(super) const fn word(change: Change) -> &'static str {
    match change {
        Change::Regressed => "regressed",
        Change::Improved => "improved",
        Change::Changed => "changed",
        Change::Equivalent => "equivalent",
        Change::CannotTell => "cannot tell",
    }
}
