//! What the pages of many runs share: a drawing of one metric, and what the runs are.

use maud::{Markup, html};

use super::{Cell, Column, Table, figure};
use crate::{
    report::forest::{self, Forest, Row},
    suite::record::Record,
};

/// Values of one metric below each other; `line` is where the first run stands, where that matters.
pub(super) fn drawing(metric: &str, unit: &str, line: Option<f64>, rows: &[Row]) -> Markup {
    if rows.is_empty() {
        return html! {};
    }
    let axis = format!("{metric}, 95 % interval");
    let svg = forest::svg(&Forest { axis: &axis, unit, line, range: None, rows });
    let caption =
        if line.is_some() { "The dashed line is the first run." } else { "The best value stands above." };
    figure(
        &svg,
        "The value of every run with its interval; the same numbers stand in the table below.",
        caption,
    )
}

/// Runs with what was evaluated, and the digests of their records.
pub(super) fn runs(records: &[&Record]) -> Markup {
    let row = |record: &&Record| {
        let subject: Vec<String> = record
            .identity
            .subject
            .iter()
            .filter(|(key, _)| {
                records
                    .iter()
                    .any(|other| other.identity.subject.get(*key) != record.identity.subject.get(*key))
            })
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        vec![
            Cell::text(&record.name),
            Cell::text(&record.id),
            Cell::Text(record.digest().short().to_owned()),
            Cell::text(subject.join("; ")),
        ]
    };
    let table = Table {
        caption: "Runs, and in what their subjects differ.",
        columns: &[Column::Text("run"), Column::Text("id"), Column::Text("record"), Column::Wide("subject")],
        rows: records.iter().map(row).collect(),
    };
    table.markup()
}
