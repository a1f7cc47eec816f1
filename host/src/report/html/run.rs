//! The page of one evaluation: gates, numbers, the persona by context, benchmarks, what the numbers depend on.

use maud::{Markup, html};

use super::{
    Cell, Column, Page, Run, Section, Table, check_table, conclusion, figure, grid,
    samples::{SCRIPT, samples},
};
use crate::{
    compare::Identity,
    metrics::by_context::ByContext,
    report::{
        checks::Check,
        forest::{self, Forest, Row},
        record::notes,
    },
    stats::Interval,
    suite::record::{CHANCE, Metric, Record},
};

/// The page as one file; `checks` are what the run has to meet, `by_context` has no rows where the suite has no detectors.
#[must_use]
pub fn page(run: Run<'_>, checks: &[Check], by_context: &ByContext) -> String {
    let record = run.record;
    let benchmarks: Vec<&Metric> = record.metrics.iter().filter(|metric| metric.is_benchmark()).collect();
    let persona: Vec<&Metric> = record.metrics.iter().filter(|metric| !metric.is_benchmark()).collect();
    let mut sections = Vec::new();
    let mut push = |id, title, body: Option<Markup>| {
        sections.extend(body.map(|body| Section { id, title, body }));
    };
    push("gates", "Gates", (!checks.is_empty()).then(|| check_table(checks)));
    push("metrics", "Persona", numbers(&persona, "Numbers of the persona."));
    let heat = (!by_context.traits.is_empty()).then(|| grid(by_context));
    push("contexts", "Traits by context", heat);
    push("benchmarks", "Benchmarks", numbers(&benchmarks, "Numbers of the benchmarks."));
    push("failures", "Failed cells", failures(record));
    push("identity", "What the numbers depend on", Some(identity(&record.identity)));
    push("samples", "Samples", Some(samples(&[run])));
    let subtitle = format!("suite {}, run {}, record {}", record.suite, record.id, record.digest().short());
    Page {
        title: &record.name,
        subtitle: &subtitle,
        verdict: conclusion(checks),
        sections,
        script: Some(SCRIPT),
    }
    .render()
}

/// A table of all, and a drawing of those that are shares.
fn numbers(metrics: &[&Metric], caption: &str) -> Option<Markup> {
    if metrics.is_empty() {
        return None;
    }
    let row = |metric: &&Metric| {
        let estimate = metric.estimate.as_ref();
        vec![
            Cell::text(&metric.name),
            Cell::estimate(estimate, &metric.unit),
            Cell::text(&metric.unit),
            estimate.map_or(Cell::Absent, |estimate| Cell::count(estimate.n)),
            estimate.map_or(Cell::Absent, |estimate| Cell::count(estimate.clusters)),
            Cell::text(&metric.formula),
            Cell::text(notes(metric)),
        ]
    };
    let table = Table {
        caption,
        columns: &[
            Column::Text("metric"),
            Column::Number("value"),
            Column::Text("unit"),
            Column::Number("n"),
            Column::Number("clusters"),
            Column::Text("formula"),
            Column::Wide("beside it"),
        ],
        rows: metrics.iter().map(row).collect(),
    };
    Some(html! { (drawing(metrics)) (table.markup()) })
}

fn drawing(metrics: &[&Metric]) -> Markup {
    let row = |metric: &&Metric| {
        let share = metric.unit == "share";
        let mark = metric.threshold.or_else(|| metric.beside.get(CHANCE).copied());
        metric.estimate.filter(|_| share).map(|estimate| Row {
            name: metric.name.clone(),
            estimate,
            beside: None,
            mark,
        })
    };
    let rows: Vec<Row> = metrics.iter().filter_map(row).collect();
    if rows.is_empty() {
        return html! {};
    }
    let range = Some(Interval { low: 0.0, high: 1.0 });
    let svg =
        forest::svg(&Forest { axis: "share, 95 % interval", unit: "share", line: None, range, rows: &rows });
    figure(
        &svg,
        "Every share with its interval; the same numbers stand in the table below.",
        "Shares with their intervals. An upright tick is the gate's threshold, or what guessing gives.",
    )
}

fn failures(record: &Record) -> Option<Markup> {
    let row = |(what, count): (&String, &usize)| vec![Cell::text(what), Cell::count(*count)];
    let table = Table {
        caption: "Cells that an evaluator failed on, by evaluator and code.",
        columns: &[Column::Text("evaluator and code"), Column::Number("cells")],
        rows: record.failures.iter().map(row).collect(),
    };
    (!table.rows.is_empty()).then(|| table.markup())
}

/// The three parts of an identity as one table.
fn identity(identity: &Identity) -> Markup {
    let parts =
        [("subject", &identity.subject), ("engine", &identity.engine), ("instrument", &identity.instrument)];
    let rows = parts.iter().flat_map(|(part, keys)| {
        keys.iter().map(move |(key, value)| vec![Cell::text(key), Cell::text(part), Cell::text(value)])
    });
    Table {
        caption: "Runs are comparable where all of the instrument is equal.",
        columns: &[Column::Text("key"), Column::Text("part"), Column::Wide("value")],
        rows: rows.collect(),
    }
    .markup()
}
