//! What has to be met: the conclusion at the head of a page, and the table behind it.

use maud::Markup;

use super::{Cell, Column, Table, Tone, badge};
use crate::report::checks::{Check, sentence, worst};

/// The verdict over all checks, with the sentence that says what decided.
#[must_use]
pub fn conclusion(checks: &[Check]) -> (Markup, String) {
    let (shade, word) = match worst(checks) {
        None => (Tone::Plain, "no gate"),
        Some(verdict) => {
            let of_it = checks.iter().find(|check| check.verdict == verdict);
            (verdict.into(), of_it.map_or("", |check| check.word))
        }
    };
    (badge(shade, word), format!("{}.", sentence(checks)))
}

/// All checks.
#[must_use]
pub fn table(checks: &[Check]) -> Markup {
    let row = |check: &Check| {
        vec![
            Cell::text(&check.name),
            Cell::Part(badge(check.verdict.into(), check.word)),
            Cell::text(&check.value),
            Cell::text(&check.rule),
            Cell::text(&check.reason),
        ]
    };
    let columns = [
        Column::Text("check"),
        Column::Text("verdict"),
        Column::Number("value"),
        Column::Number("asked for"),
        Column::Wide("why"),
    ];
    Table {
        caption: "What has to be met. Bounds decide, not values, unless a gate says by point.",
        columns: &columns,
        rows: checks.iter().map(row).collect(),
    }
    .markup()
}
