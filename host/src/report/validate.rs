//! What pairs are worth, as people read it.

use std::fmt::Write as _;

use super::{number, pairs, record, table};
use crate::{
    data::validate::{
        Validation,
        check::{Check, Finding},
    },
    model::Direction,
};

/// Most lines that are named behind a check.
const MOST: usize = 8;

/// The whole report.
#[must_use]
pub fn render(found: &Validation) -> String {
    let mut text = format!("{}  ({} pairs, profile {})\n\n", found.file, found.pairs, found.profile);
    let mut checks = table::new(&["check", "found", "95 % interval", "n", "gate", "verdict"], &[1, 2, 3]);
    for check in &found.checks {
        checks.add_row(row(check));
    }
    text += &table::text(&checks);
    text.push('\n');
    for check in &found.checks {
        let reason = reason(check);
        if !reason.is_empty() {
            let _ = write!(text, "\n{}: {reason}", check.name);
        }
    }
    if !found.coverage.is_empty() {
        let held_out: Vec<&str> = found.held_out.iter().map(String::as_str).collect();
        let held_out = if held_out.is_empty() { "nobody".to_owned() } else { held_out.join(", ") };
        let _ = write!(text, "\n\nheld out from the choice: {held_out}\n");
        let mut traits = table::new(&["trait", "taught", "against", "named"], &[1, 2, 3]);
        for found in &found.coverage {
            let [taught, against, named] = [found.taught, found.against, found.named].map(|n| n.to_string());
            traits.add_row([found.trait_id.clone(), taught, against, named]);
        }
        text += &table::text(&traits);
        text += "\n\n";
        let named = found.evaluators.iter().map(|metric| (pairs::name(metric), metric));
        text += &pairs::measured_table("chosen minus rejected", named);
    }
    let _ = write!(text, "\n\n{}", record::word(found.verdict));
    text
}

fn row(check: &Check) -> Vec<String> {
    let none = || "-".to_owned();
    let verdict = check.verdict.map_or_else(
        || if check.found == Finding::Nothing { "not asked for" } else { "advice" },
        record::word,
    );
    let [found, interval, n, gate] = match &check.found {
        Finding::Nothing => [none(), none(), none(), none()],
        Finding::Count { count, of, limit } => {
            let gate = match limit {
                None => none(),
                Some(0) => "none".into(),
                Some(limit) if check.name == "pairs" => format!(">= {limit}"),
                Some(_) => "all".into(),
            };
            [count.to_string(), none(), of.to_string(), gate]
        }
        Finding::Measured(metric) => {
            let sign = if metric.direction == Some(Direction::Lower) { "<=" } else { ">=" };
            let estimate = metric.estimate.as_ref();
            [
                estimate.map_or_else(none, |estimate| number::value(estimate.value, &metric.unit)),
                estimate.map_or_else(none, |estimate| number::interval(estimate, &metric.unit)),
                estimate.map_or_else(none, |estimate| estimate.n.to_string()),
                metric
                    .threshold
                    .map_or_else(none, |limit| format!("{sign} {}", number::value(limit, &metric.unit))),
            ]
        }
    };
    vec![check.name.clone(), found, interval, n, gate, verdict.to_owned()]
}

fn reason(check: &Check) -> String {
    let mut text = check.reason.clone();
    if !check.lines.is_empty() {
        let lines: Vec<String> = check.lines.iter().take(MOST).map(ToString::to_string).collect();
        let more = check.lines.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let what = if check.name == "gap" { "held-out traits prefer the rejected answer in " } else { "" };
        let _ = write!(
            text,
            " ({what}line{} {}{more})",
            if check.lines.len() == 1 { "" } else { "s" },
            lines.join(", ")
        );
    }
    text
}
