//! Two runs side by side as a table, with what differs between them.

use std::fmt::Write as _;

use super::{number, table};
use crate::{
    compare::{Change, Comparison, IdentityDifferences, KeyDifference, MetricComparison},
    suite::record::Record,
};

/// The whole report of a comparison.
#[must_use]
pub fn render(before: &Record, after: &Record, comparison: &Comparison) -> String {
    let mut text = format!("{} -> {}\n", before.name, after.name);
    match comparison {
        Comparison::NotComparable(identity) => {
            text += "\nnot comparable: the two runs measured with different instruments\n";
            push_differences(&mut text, "instrument", &identity.instrument);
        }
        Comparison::Compared { identity, metrics, only_before, only_after } => {
            push_identity(&mut text, identity);
            let header = ["metric", "before", "after", "change", "95 % interval", "n", "-/+", "p", "verdict"];
            let mut table = table::new(&header, &[1, 2, 3, 4, 5, 6, 7]);
            for metric in metrics {
                table.add_row(row(metric, after));
            }
            let _ = write!(text, "\n{}\n", table::text(&table));
            for (side, only) in [("first", only_before), ("second", only_after)] {
                if !only.is_empty() {
                    let _ =
                        write!(text, "\n{} items are only in the {side} run and were left out\n", only.len());
                }
            }
            text +=
                "\n-/+ counts the items that were lost and gained; p is Holm-adjusted over the metrics.\n";
        }
    }
    text.trim_end().to_owned()
}

fn push_identity(text: &mut String, identity: &IdentityDifferences) {
    push_differences(text, "differs", &identity.subject);
    push_differences(text, "warning: engine", &identity.engine);
    if identity.subject.is_empty() {
        *text += "same subject: this is the noise of the measurement\n";
    }
}

fn push_differences(text: &mut String, what: &str, differences: &[KeyDifference]) {
    for difference in differences {
        let shown = |value: &Option<String>| {
            let value = value.as_deref().unwrap_or("absent");
            value.chars().take(24).collect::<String>()
        };
        let _ = writeln!(
            text,
            "{what}: {}: {} -> {}",
            difference.key,
            shown(&difference.before),
            shown(&difference.after)
        );
    }
}

fn row(metric: &MetricComparison, record: &Record) -> Vec<String> {
    let described = record.metrics.iter().find(|described| described.name == metric.metric);
    let unit = described.map_or("", |described| described.unit.as_str());
    let none = || "-".to_owned();
    vec![
        metric.metric.clone(),
        metric.before.map_or_else(none, |estimate| number::value(estimate.value, unit)),
        metric.after.map_or_else(none, |estimate| number::value(estimate.value, unit)),
        metric.difference.map_or_else(none, |estimate| number::value(estimate.value, unit)),
        metric.difference.map_or_else(none, |estimate| number::interval(&estimate, unit)),
        metric.n.to_string(),
        metric.discordant.map_or_else(none, |found| format!("{}/{}", found.lost, found.gained)),
        number::probability(metric.p_adjusted),
        word(metric.change).to_owned(),
    ]
}

/// A change as people read it.
fn word(change: Change) -> &'static str {
    match change {
        Change::Regressed => "regressed",
        Change::Improved => "improved",
        Change::CannotTell => "cannot tell",
    }
}
