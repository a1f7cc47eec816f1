//! The page of a comparison: what changed, what was kept, what differs between the runs, and every sample on both sides.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    Cell, Column, Page, Run, Section, Table, badge, change_tone, check_table, conclusion, figure,
    samples::{SCRIPT, samples},
    verdict,
};
use crate::{
    compare::{Comparison, IdentityDifferences, KeyDifference, Method, MetricComparison},
    metrics::{
        Retention,
        retention::{BenchmarkRetention, KEPT},
    },
    model::{Direction, Estimate},
    report::{
        checks,
        comparison::{left_out, legend, long_tail, unchanged, unit, weights, word},
        forest::{self, Forest, Row},
        number,
    },
    stats::Evidence,
    suite::record::Record,
};

/// The page as one file.
#[must_use]
pub fn page(
    before: Run<'_>,
    after: Run<'_>,
    comparison: &Comparison,
    method: Method,
    noise: Option<&BTreeMap<String, Estimate>>,
) -> String {
    let all = checks::of_comparison(after.record, comparison);
    let mut sections = Vec::new();
    let mut push = |id, title, body| sections.push(Section { id, title, body });
    match comparison {
        Comparison::NotComparable(identity) => {
            push("checks", "Verdict", check_table(&all));
            push("identity", "What differs", differences(identity));
        }
        Comparison::Compared { identity, metrics, only_before, only_after, retention } => {
            push("changes", "What changed", changes(metrics, after.record, method, noise));
            if let Some(retention) = retention {
                push("retention", "What was kept", kept(retention, after.record));
            }
            push(
                "identity",
                "What differs",
                html! {
                    (differences(identity))
                    @for sentence in left_out("the second run", only_before, only_after) { p { (sentence) } }
                },
            );
            push("samples", "Samples", samples(&[before, after]));
        }
    }
    let title = format!("{} -> {}", before.record.name, after.record.name);
    let subtitle = format!(
        "suite {}, runs {} and {}, records {} and {}",
        before.record.suite,
        before.record.id,
        after.record.id,
        before.record.digest().short(),
        after.record.digest().short()
    );
    Page { title: &title, subtitle: &subtitle, verdict: conclusion(&all), sections, script: Some(SCRIPT) }
        .render()
}

fn changes(
    metrics: &[MetricComparison],
    record: &Record,
    method: Method,
    noise: Option<&BTreeMap<String, Estimate>>,
) -> Markup {
    let row = |metric: &MetricComparison| {
        let unit = unit(record, &metric.metric);
        let lost = metric.discordant.map(|found| format!("{}/{}", found.lost, found.gained));
        let mut cells = vec![
            Cell::text(&metric.metric),
            Cell::Part(badge(change_tone(metric.change), word(metric.change))),
            Cell::estimate(metric.before.as_ref(), unit),
            Cell::estimate(metric.after.as_ref(), unit),
            Cell::estimate(metric.difference.as_ref(), unit),
        ];
        cells.extend(noise.map(|noise| Cell::estimate(noise.get(&metric.metric), unit)));
        cells.extend([
            Cell::count(metric.n),
            Cell::count(metric.clusters),
            lost.map_or(Cell::Absent, Cell::Text),
            Cell::Text(number::probability(metric.p_adjusted)),
            Cell::number(metric.margin, unit),
            Cell::number(metric.minimum_detectable, unit),
            metric.items_needed.map_or(Cell::Absent, Cell::count),
        ]);
        cells
    };
    let mut columns = vec![
        Column::Text("metric"),
        Column::Text("verdict"),
        Column::Number("before"),
        Column::Number("after"),
        Column::Number("change"),
    ];
    columns.extend(noise.map(|_| Column::Number("baseline again")));
    columns.extend(
        ["n", "clusters", "lost / gained", "p", "margin", "would have shown", "items needed"]
            .map(Column::Number),
    );
    let table = Table {
        caption: "Each metric on the items that both runs have; lost and gained count those that are right in one run alone. \
                  What would have shown is the smallest true difference that such items detect in 80 of 100 cases; the \
                  items needed are what it takes to see one of the margin's size.",
        columns: &columns,
        rows: metrics.iter().map(row).collect(),
    };
    let warnings = metrics.iter().filter(|metric| metric.long_tail).map(long_tail);
    html! {
        (drawing(metrics, noise))
        (table.markup())
        @for warning in warnings { p { (warning) } }
        @if let Some(sentence) = weights(metrics) { p { (sentence) } }
        @for sentence in unchanged(metrics, record) { p { (sentence) } }
        p.quiet { (legend(method, metrics)) }
    }
}

/// Changes as shares of the first run's value, so that metrics of any unit stand on one axis.
fn drawing(metrics: &[MetricComparison], noise: Option<&BTreeMap<String, Estimate>>) -> Markup {
    let row = |metric: &MetricComparison| {
        let (before, difference) = metric.before.zip(metric.difference)?;
        let scale = before.value.abs();
        let worse = metric.direction.map(|better| if better == Direction::Higher { -1.0 } else { 1.0 });
        (scale > 0.0).then(|| Row {
            name: metric.metric.clone(),
            estimate: scaled(&difference, 0.0, scale),
            beside: noise.and_then(|noise| noise.get(&metric.metric)).map(|again| scaled(again, 0.0, scale)),
            mark: metric.margin.zip(worse).map(|(margin, worse)| worse * margin / scale),
        })
    };
    let rows: Vec<Row> = metrics.iter().filter_map(row).collect();
    if rows.is_empty() {
        return html! {};
    }
    let axis = "change as a share of the first run's value, 95 % interval";
    let svg = forest::svg(&Forest { axis, unit: "share", line: Some(0.0), range: None, rows: &rows });
    figure(
        &svg,
        "The change of every metric with its interval; the same numbers stand in the table below.",
        "Changes with their intervals, in the second colour those of the baseline against itself where it was measured \
         again. The dashed line is no change; an upright tick is the margin on the side that is worse.",
    )
}

fn kept(retention: &Retention, record: &Record) -> Markup {
    let line = |one: &BenchmarkRetention| {
        let unit = unit(record, &one.name);
        let of = |evidence: &Option<Evidence>| {
            Cell::estimate(evidence.map(|evidence| evidence.estimate).as_ref(), unit)
        };
        vec![
            Cell::text(&one.name),
            Cell::Part(verdict(one.decision.verdict)),
            of(&one.before),
            of(&one.after),
            Cell::number(one.ratio, "share"),
            Cell::text(&one.decision.reason),
        ]
    };
    let table = Table {
        caption: "Every benchmark by itself: a gain on one does not pay for a loss on another.",
        columns: &[
            Column::Text("benchmark"),
            Column::Text("verdict"),
            Column::Number("before"),
            Column::Number("after"),
            Column::Number("kept"),
            Column::Wide("why"),
        ],
        rows: retention.benchmarks.iter().map(line).collect(),
    };
    let rows: Vec<Row> = retention.benchmarks.iter().filter_map(retained).collect();
    let axis = "share of the capability that was kept, 95 % interval";
    let svg = forest::svg(&Forest { axis, unit: "share", line: Some(KEPT), range: None, rows: &rows });
    html! {
        p {
            (verdict(retention.decision.verdict)) " "
            (retention.counting) " of " (retention.benchmarks.len()) " benchmarks count: " (retention.decision.reason) "."
        }
        @if !rows.is_empty() {
            (figure(
                &svg,
                "What was kept of every benchmark, with its interval; the same numbers stand in the table below.",
                "Retention. What is kept has to be proven to lie right of the dashed line.",
            ))
        }
        (table.markup())
    }
}

/// The margin as a share of what it is a margin over: with d the mean of `after - 0.95 before`, `0.95 + d / before`.
fn retained(one: &BenchmarkRetention) -> Option<Row> {
    let (before, after, margin) = (one.before?, one.after?, one.margin?);
    // Where less is better the roles of before and after are exchanged, in the margin as in the ratio.
    let base = if one.direction == Direction::Higher { before } else { after };
    let scale = base.estimate.value.abs();
    (scale > 0.0).then(|| Row {
        name: one.name.clone(),
        estimate: scaled(&margin.estimate, KEPT, scale),
        beside: None,
        mark: None,
    })
}

/// `offset + estimate / scale`.
fn scaled(estimate: &Estimate, offset: f64, scale: f64) -> Estimate {
    let map = |value: f64| offset + value / scale;
    Estimate { value: map(estimate.value), low: map(estimate.low), high: map(estimate.high), ..*estimate }
}

fn differences(identity: &IdentityDifferences) -> Markup {
    let parts = [
        ("instrument: not comparable", &identity.instrument),
        ("instrument: allowed to differ", &identity.allowed),
        ("engine: a warning", &identity.engine),
        ("subject", &identity.subject),
    ];
    let rows = parts.iter().flat_map(|(part, keys)| {
        keys.iter().map(move |KeyDifference { key, before, after }| {
            let shown = |value: &Option<String>| Cell::text(value.as_deref().unwrap_or("absent"));
            vec![Cell::text(key), Cell::text(part), shown(before), shown(after)]
        })
    });
    let undigested = identity.undigested.iter().map(|model| {
        let cell = |text| Cell::text(text);
        vec![
            cell("weights"),
            cell("subject: a warning"),
            cell(model),
            cell("the server's own; they may have changed"),
        ]
    });
    let rows: Vec<Vec<Cell>> = rows.chain(undigested).collect();
    if rows.is_empty() {
        return html! { p { "Nothing: the same subject was measured twice, so that every change is noise." } };
    }
    Table {
        caption: "What the runs depend on, where they differ.",
        columns: &[Column::Text("key"), Column::Text("part"), Column::Wide("before"), Column::Wide("after")],
        rows,
    }
    .markup()
}
