//! A set of pairs as people read it.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{number, record, table};
use crate::{
    data::pairs::{record::PairsRecord, source::Source},
    model::Direction,
    suite::record::Metric,
};

/// The whole report of pairs that were written to `file`.
#[must_use]
pub fn render(pairs: &PairsRecord, file: &str) -> String {
    let mut text = format!(
        "{}  (pairs, run {})\n\n{} pairs from {} scenarios with {} answers each\n",
        pairs.suite,
        pairs.id,
        pairs.pairs,
        pairs.scenarios,
        pairs.answers / pairs.scenarios.max(1)
    );
    for (reason, count) in &pairs.without {
        let _ = writeln!(text, "{count} scenarios without one: {reason}");
    }
    if pairs.config.contrasts() {
        let _ = writeln!(text, "chosen answers from {}", from(&pairs.chosen_from));
        let _ = writeln!(text, "rejected answers from {}", from(&pairs.rejected_from));
    }
    let _ = writeln!(text, "chosen by {}", pairs.chosen_by.join(", "));
    let _ = writeln!(text, "held out from the choice: {}\n", pairs.held_out.join(", "));
    let named = pairs.metrics.iter().map(|metric| (name(metric), metric));
    text += &measured_table("chosen minus rejected", named);
    let _ = write!(text, "\n\n{}", table::text(&coverage(pairs)));
    for metric in pairs.metrics.iter().filter(|metric| !metric.reason.is_empty()) {
        let _ = write!(text, "\n{}: {}", metric.name, record::notes(metric));
    }
    let _ = write!(text, "\nwritten: {file}");
    text
}

/// How many answers came from each source, the most first.
fn from(counts: &BTreeMap<Source, usize>) -> String {
    let mut counts: Vec<(Source, usize)> = counts.iter().map(|(source, count)| (*source, *count)).collect();
    counts.sort_by_key(|&(source, count)| (usize::MAX - count, source));
    let told: Vec<String> = counts.iter().map(|(source, count)| format!("{source} ({count})")).collect();
    told.join(", ")
}

fn coverage(pairs: &PairsRecord) -> comfy_table::Table {
    let mut table = table::new(&["pairs that differ", "only chosen shows it", "only rejected"], &[1, 2]);
    for (name, found) in &pairs.coverage {
        table.add_row(vec![name.clone(), found.toward.to_string(), found.against.to_string()]);
    }
    table
}

/// A number's name, as people read it.
pub(super) fn name(metric: &Metric) -> String {
    match metric.name.as_str() {
        "gap" => "held-out traits".to_owned(),
        "margin" => "choosing traits".to_owned(),
        "longer" => "chosen is longer".to_owned(),
        "contrast" => "passes, other fails".to_owned(),
        "covered" => "every trait differs".to_owned(),
        name => name.replacen("gap/", "  held out: ", 1).replacen("pairs/", "  choosing: ", 1),
    }
}

/// Numbers with their gates as a table, each under a name of its own.
pub(super) fn measured_table<'a>(
    what: &str,
    metrics: impl IntoIterator<Item = (String, &'a Metric)>,
) -> String {
    let header = [what, "value", "95 % interval", "n", "clusters", "gate", "verdict"];
    let mut table = table::new(&header, &[1, 2, 3, 4]);
    for (name, metric) in metrics {
        table.add_row(measured(name, metric));
    }
    table::text(&table)
}

fn measured(name: String, metric: &Metric) -> Vec<String> {
    let none = || "-".to_owned();
    let sign = if metric.direction == Some(Direction::Lower) { "<=" } else { ">=" };
    let estimate = metric.estimate.as_ref();
    vec![
        name,
        estimate.map_or_else(none, |estimate| number::value(estimate.value, &metric.unit)),
        estimate.map_or_else(none, |estimate| number::interval(estimate, &metric.unit)),
        estimate.map_or_else(none, |estimate| estimate.n.to_string()),
        estimate.map_or_else(none, |estimate| estimate.clusters.to_string()),
        metric
            .threshold
            .map_or_else(none, |threshold| format!("{sign} {}", number::value(threshold, &metric.unit))),
        metric.verdict.map_or_else(none, |verdict| record::word(verdict).to_owned()),
    ]
}
