//! Runs in the order in which they were made, metric by metric, each beside the first.

use super::{
    comparison::{left_out, own, unit, word},
    number, table,
};
use crate::{
    compare::{Comparison, MetricComparison},
    suite::record::Record,
};

/// What stands beside the runs.
pub(super) const SINCE: &str =
    "Every change is that since the first run; p is adjusted over all metrics and runs.";

/// The whole report: `first`, then every other run with its comparison.
#[must_use]
pub fn render(first: &Record, later: &[(&Record, &Comparison)], metric: Option<&str>) -> String {
    let mut parts = Vec::new();
    for name in shown(first, later, metric) {
        let header = [name, "value", "95 % interval", "n", "change", "95 % interval", "p", "verdict"];
        let mut table = table::new(&header, &[1, 2, 3, 4, 5, 6]);
        // Eight columns fit 100 only where they stand closer.
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
        }
        let unit = unit(first, name);
        let none = || "-".to_owned();
        let run = |record: &Record| {
            let own = own(record, name);
            vec![
                record.name.clone(),
                own.map_or_else(none, |estimate| number::value(estimate.value, unit)),
                own.map_or_else(none, |estimate| number::interval(&estimate, unit)),
                own.map_or_else(none, |estimate| estimate.n.to_string()),
            ]
        };
        let mut row = run(first);
        row.extend([none(), none(), none(), String::new()]);
        table.add_row(row);
        for (record, comparison) in later {
            let Some(metric) = compared(comparison, name) else {
                let why =
                    if matches!(comparison, Comparison::NotComparable(_)) { "not comparable" } else { "" };
                let mut row = vec![record.name.clone()];
                row.resize(header.len() - 1, none());
                row.push(why.to_owned());
                table.add_row(row);
                continue;
            };
            let mut row = run(record);
            row.extend([
                metric.difference.map_or_else(none, |estimate| number::value(estimate.value, unit)),
                metric.difference.map_or_else(none, |estimate| number::interval(&estimate, unit)),
                number::probability(metric.p_adjusted),
                word(metric.change).to_owned(),
            ]);
            table.add_row(row);
        }
        parts.push(table::text(&table));
    }
    parts.extend(lacking(later));
    parts.push(SINCE.into());
    parts.join("\n\n")
}

/// What is in no change, run by run: items that the first run or the other lacks.
pub(super) fn lacking(later: &[(&Record, &Comparison)]) -> Vec<String> {
    let of = |(record, comparison): &(&Record, &Comparison)| match comparison {
        Comparison::Compared { only_before, only_after, .. } => {
            let sentences = left_out("this run", only_before, only_after);
            sentences.into_iter().map(|sentence| format!("{}: {sentence}", record.name)).collect()
        }
        Comparison::NotComparable(_) => Vec::new(),
    };
    later.iter().flat_map(of).collect()
}

/// The metrics that are shown: all that a later run was compared on, or the one that is wanted.
pub(super) fn shown<'a>(
    first: &'a Record,
    later: &[(&Record, &Comparison)],
    metric: Option<&str>,
) -> Vec<&'a str> {
    first
        .metrics
        .iter()
        .map(|described| described.name.as_str())
        .filter(|name| metric.is_none_or(|wanted| wanted == *name))
        .filter(|name| later.iter().any(|(_, comparison)| compared(comparison, name).is_some()))
        .collect()
}

/// What a comparison says of a metric.
pub(super) fn compared<'a>(comparison: &'a Comparison, name: &str) -> Option<&'a MetricComparison> {
    match comparison {
        Comparison::Compared { metrics, .. } => metrics.iter().find(|metric| metric.metric == name),
        Comparison::NotComparable(_) => None,
    }
}
