//! The page of a history: every metric from the first run to the last, and whether it moved since the first.

use maud::{Markup, html};

use super::{
    Cell, Column, Page, Section, Table, Tone, badge, change_tone,
    many::{drawing, runs},
};
use crate::{
    compare::{Change, Comparison},
    model::Estimate,
    report::{
        comparison::{own, unit, word},
        forest::Row,
        history::{SINCE, compared, lacking, shown},
        number,
    },
    suite::record::Record,
};

/// The page as one file: `first`, then every other run with its comparison; of all metrics, or of one.
#[must_use]
pub fn page(first: &Record, later: &[(&Record, &Comparison)], metric: Option<&str>) -> String {
    let names = shown(first, later, metric);
    let body = html! {
        p.quiet { (SINCE) }
        @for sentence in lacking(later) { p { (sentence) } }
        @for name in &names { h3 { (name) } (one(first, later, name)) }
    };
    let records: Vec<&Record> =
        std::iter::once(first).chain(later.iter().map(|(record, _)| *record)).collect();
    let sections = vec![
        Section { id: "metrics", title: "From run to run", body },
        Section { id: "runs", title: "Runs", body: runs(&records) },
    ];
    let title = format!("{} -> {}", first.name, records[records.len() - 1].name);
    let subtitle = format!("suite {}, {} runs", first.suite, records.len());
    Page { title: &title, subtitle: &subtitle, verdict: verdict(later, &names), sections, script: None }
        .render()
}

/// How the newest run stands to the first.
fn verdict(later: &[(&Record, &Comparison)], names: &[&str]) -> (Markup, String) {
    let Some((record, comparison)) = later.last() else {
        return (badge(Tone::Plain, "history"), "one run".into());
    };
    if matches!(comparison, Comparison::NotComparable(_)) {
        return (
            badge(Tone::Open, "not comparable"),
            format!("{} has another instrument than the first", record.name),
        );
    }
    let count = |change| {
        names
            .iter()
            .filter(|name| compared(comparison, name).is_some_and(|metric| metric.change == change))
            .count()
    };
    let (worse, better) = (count(Change::Regressed), count(Change::Improved));
    let tone = match (worse, better) {
        (0, 0) => Tone::Plain,
        (0, _) => Tone::Good,
        _ => Tone::Bad,
    };
    let sentence = format!(
        "{} since the first run: {worse} regressed and {better} improved of {} metrics",
        record.name,
        names.len()
    );
    (badge(tone, if worse > 0 { "regressed" } else { "history" }), sentence)
}

/// One metric: a drawing and a table, from the first run to the last.
fn one(first: &Record, later: &[(&Record, &Comparison)], name: &str) -> Markup {
    let unit = unit(first, name);
    // Nothing is said of a run that measured something else.
    let said =
        |record: &Record, comparison: &Comparison| compared(comparison, name).and_then(|_| own(record, name));
    let own = own(first, name);
    let run = |record: &Record, own: Option<Estimate>| {
        vec![
            Cell::text(&record.name),
            Cell::estimate(own.as_ref(), unit),
            own.map_or(Cell::Absent, |estimate| Cell::count(estimate.n)),
        ]
    };
    let mut before = run(first, own);
    before.extend([Cell::Absent, Cell::Absent, Cell::Absent]);
    let row = |(record, comparison): &(&Record, &Comparison)| {
        let metric = compared(comparison, name);
        let verdict = match (metric, comparison) {
            (Some(metric), _) => Cell::Part(badge(change_tone(metric.change), word(metric.change))),
            (None, Comparison::NotComparable(_)) => Cell::Part(badge(Tone::Open, "not comparable")),
            (None, Comparison::Compared { .. }) => Cell::Absent,
        };
        let mut row = run(record, said(record, comparison));
        row.extend([
            Cell::estimate(metric.and_then(|metric| metric.difference).as_ref(), unit),
            metric.map_or(Cell::Absent, |metric| Cell::Text(number::probability(metric.p_adjusted))),
            verdict,
        ]);
        row
    };
    let table = Table {
        caption: "Runs in the order in which they were made, each beside the first.",
        columns: &[
            Column::Text("run"),
            Column::Number("value"),
            Column::Number("n"),
            Column::Number("since the first"),
            Column::Number("p"),
            Column::Text("verdict"),
        ],
        rows: std::iter::once(before).chain(later.iter().map(row)).collect(),
    };
    let values = later.iter().map(|(record, comparison)| (record.name.clone(), said(record, comparison)));
    let rows: Vec<Row> = std::iter::once((first.name.clone(), own))
        .chain(values)
        .filter_map(|(name, estimate)| Some(Row { name, estimate: estimate?, beside: None, mark: None }))
        .collect();
    html! { (drawing(name, unit, own.map(|estimate| estimate.value), &rows)) (table.markup()) }
}
