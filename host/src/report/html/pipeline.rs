//! The page of a pipeline: the decision, how it was come to, what the persona's numbers did, what was kept.

use maud::{Markup, html};

use super::{Cell, Column, Page, Section, Table, Tone, badge, figure, verdict};
use crate::{
    model::Verdict,
    report::{
        forest::{self, Forest, Row},
        frontier, number,
        pipeline::{SIDES, Side, warned},
        record::notes,
    },
    run::{
        checklist::{self, List},
        record::PipelineRecord,
    },
    stages::{Stage, StageRecord},
    stats::Interval,
    suite::record::Metric,
    train::outcome::Frontier,
};

/// The page as one file; `frontiers` are those of the trainings, by what they are called.
#[must_use]
pub fn page(record: &PipelineRecord, frontiers: &[(String, Frontier)]) -> String {
    let mut sections = vec![Section { id: "decisions", title: "Decisions", body: decisions(record) }];
    let mut push = |id, title, body: Option<Markup>| {
        sections.extend(body.map(|body| Section { id, title, body }));
    };
    push("progress", "From stage to stage", progress(record));
    let release = record.stages.iter().find(|stage| stage.stage == Stage::Release);
    push("gates", "Gates of the release", release.map(gates));
    push("retention", "What was kept", release.and_then(retention));
    push("divergence", "Divergence against the adapter's scale", drawn(frontiers));
    push("stages", "Stages", Some(html! { @for stage in &record.stages { (one(stage)) } }));
    push("checklists", "Checklists", Some(checklists(record)));
    push("plan", "What was run", Some(plan(record)));
    let subtitle =
        format!("run {}, plan {}, record {}", record.id, record.plan.short(), record.digest().short());
    Page { title: &record.name, subtitle: &subtitle, verdict: decided(record), sections, script: None }
        .render()
}

fn decided(record: &PipelineRecord) -> (Markup, String) {
    let missed = || {
        let last = record.stages.last().map(StageRecord::not_passed).unwrap_or_default();
        last.into_iter().map(|(name, _, _)| name).collect::<Vec<_>>().join(", ")
    };
    match record.verdict() {
        Some(Verdict::Pass) => (
            badge(Tone::Good, "deploy"),
            format!("every gate of the release passed by its bound{}", warned(record)),
        ),
        Some(found) if record.not_reached.is_empty() => {
            (verdict(found), format!("reject; not passed: {}", missed()))
        }
        Some(found) => (verdict(found), format!("stopped; not passed: {}", missed())),
        None => (badge(Tone::Plain, "under way"), "later stages are still to be done".into()),
    }
}

fn decisions(record: &PipelineRecord) -> Markup {
    let rows = record.walked().into_iter().map(|step| {
        vec![
            Cell::text(format!("{} {}", step.stage.number(), step.stage.title())),
            Cell::text(step.question),
            Cell::Part(verdict(step.verdict)),
            Cell::text(step.then),
        ]
    });
    let columns =
        [Column::Text("stage"), Column::Wide("question"), Column::Text("answer"), Column::Text("then")];
    Table {
        caption: "The workflow's decision tree, as it was walked.",
        columns: &columns,
        rows: rows.collect(),
    }
    .markup()
}

/// The persona's numbers of every model that was measured, as a table and drawn.
fn progress(record: &PipelineRecord) -> Option<Markup> {
    let found: Vec<(&Side, &StageRecord)> = SIDES
        .iter()
        .filter_map(|side| Some((side, record.stages.iter().find(|stage| stage.stage == side.stage)?)))
        .filter(|(side, stage)| side.metric(stage, "adherence").is_some())
        .collect();
    let estimate = |side: &Side, stage: &StageRecord, name: &str| {
        side.metric(stage, name).and_then(|metric| Some((metric.estimate?, metric.unit.clone())))
    };
    let cell = |side: &Side, stage: &StageRecord, name: &str| match estimate(side, stage, name) {
        Some((estimate, unit)) => Cell::estimate(Some(&estimate), &unit),
        None => Cell::Absent,
    };
    let rows: Vec<Vec<Cell>> = found
        .iter()
        .map(|(side, stage)| {
            let mut row = vec![Cell::text(side.label)];
            row.extend(
                ["adherence", "consistency", "style-variance", "style-match"]
                    .map(|name| cell(side, stage, name)),
            );
            row.push(if side.prefix.is_empty() { cell(side, stage, "kl") } else { Cell::Absent });
            row
        })
        .collect();
    let drawn: Vec<Row> = found
        .iter()
        .filter_map(|(side, stage)| {
            let (estimate, _) = estimate(side, stage, "adherence")?;
            let mark = Some(record.thresholds.adherence);
            Some(Row { name: side.label.into(), estimate, beside: None, mark })
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let range = Some(Interval { low: 0.0, high: 1.0 });
    let svg = forest::svg(&Forest {
        axis: "trait adherence, 95 % interval",
        unit: "share",
        line: None,
        range,
        rows: &drawn,
    });
    let columns = [
        Column::Text("model and split"),
        Column::Number("adherence"),
        Column::Number("consistency"),
        Column::Number("style variance"),
        Column::Number("style match"),
        Column::Number("KL, nats per token"),
    ];
    let table = Table {
        caption: "Dev families choose, test families prove; divergence is from the model of stage 1.",
        columns: &columns,
        rows,
    };
    Some(html! {
        (figure(
            &svg,
            "Trait adherence of every model that was measured; the same numbers stand in the table below.",
            "Trait adherence with its interval. The upright tick is the gate.",
        ))
        (table.markup())
    })
}

fn gates(stage: &StageRecord) -> Markup {
    let rows = stage.metrics.iter().filter_map(|metric| {
        let found = metric.verdict?;
        let asked = metric.threshold.map_or(Cell::Absent, |asked| {
            Cell::text(format!("{} {}", number::sign(metric), number::value(asked, &metric.unit)))
        });
        Some(vec![
            Cell::text(&metric.name),
            Cell::Part(verdict(found)),
            Cell::estimate(metric.estimate.as_ref(), &metric.unit),
            metric.estimate.map_or(Cell::Absent, |estimate| Cell::count(estimate.n)),
            asked,
            Cell::text(notes(metric)),
        ])
    });
    let columns = [
        Column::Text("gate"),
        Column::Text("verdict"),
        Column::Number("value"),
        Column::Number("n"),
        Column::Number("asked"),
        Column::Wide("why, and what stands beside it"),
    ];
    Table { caption: "Gates with what decided them.", columns: &columns, rows: rows.collect() }.markup()
}

/// The margin over what had to be kept, benchmark by benchmark.
fn retention(stage: &StageRecord) -> Option<Markup> {
    let kept: Vec<&Metric> =
        stage.metrics.iter().filter(|metric| metric.name.starts_with("retention/")).collect();
    if kept.is_empty() {
        return None;
    }
    let name = |metric: &Metric| metric.name.trim_start_matches("retention/").to_owned();
    let drawn: Vec<Row> = kept
        .iter()
        .filter_map(|metric| {
            Some(Row { name: name(metric), estimate: metric.estimate?, beside: None, mark: None })
        })
        .collect();
    let rows = kept.iter().map(|metric| {
        let of = |what: &str| {
            metric.beside.get(what).map_or(Cell::Absent, |value| Cell::text(format!("{value:.3}")))
        };
        vec![
            Cell::text(name(metric)),
            of("before"),
            of("after"),
            of("ratio"),
            Cell::estimate(metric.estimate.as_ref(), &metric.unit),
            Cell::text(&metric.reason),
        ]
    });
    let columns = [
        Column::Text("benchmark"),
        Column::Number("before"),
        Column::Number("after"),
        Column::Number("ratio"),
        Column::Number("margin"),
        Column::Wide("verdict"),
    ];
    let table = Table {
        caption: "The margin over the share that had to be kept, on the same items; above 0 it is kept.",
        columns: &columns,
        rows: rows.collect(),
    };
    let svg = forest::svg(&Forest {
        axis: "margin over what had to be kept, 95 % interval",
        unit: "margin",
        line: Some(0.0),
        range: None,
        rows: &drawn,
    });
    Some(html! {
        @if !drawn.is_empty() {
            (figure(
                &svg,
                "The margin of every benchmark; the same numbers stand in the table below.",
                "Margins with their intervals, in each benchmark's own unit. The dashed line is what had to be kept.",
            ))
        }
        (table.markup())
    })
}

fn drawn(frontiers: &[(String, Frontier)]) -> Option<Markup> {
    (!frontiers.is_empty()).then(|| {
        html! { @for (name, found) in frontiers {
            h3 { (name) }
            (figure(
                &frontier::svg(found),
                "Divergence against the factor of the adapter, with the limit, the factor that was chosen, and its confirmation.",
                "Measured on prompts of the search; the confirmation on prompts that it has not seen.",
            ))
        } }
    })
}

fn one(stage: &StageRecord) -> Markup {
    html! {
        h3 { (stage.stage.number()) " " (stage.stage.title()) " " @if let Some(found) = stage.verdict() { (verdict(found)) } }
        @if stage.metrics.iter().any(|metric| metric.verdict.is_some()) { (gates(stage)) }
        @if !stage.checks.is_empty() { ul { @for check in &stage.checks {
            li { (verdict(check.verdict)) " " (check.what) ": " (check.evidence) }
        } } }
        @if !stage.notes.is_empty() { ul { @for note in &stage.notes { li { (note) } } } }
    }
}

fn checklists(record: &PipelineRecord) -> Markup {
    let rows = checklist::items(record).into_iter().map(|item| {
        let list = match item.list {
            List::Before => "before training",
            List::During => "during training",
            List::After => "after training",
        };
        let done = match item.done {
            Some(true) => badge(Tone::Good, "done"),
            Some(false) => badge(Tone::Bad, "not done"),
            None => badge(Tone::Plain, "not reached"),
        };
        vec![Cell::text(item.what), Cell::text(list), Cell::Part(done), Cell::text(item.evidence)]
    });
    let columns =
        [Column::Text("what"), Column::Text("list"), Column::Text("state"), Column::Wide("evidence")];
    Table {
        caption: "The workflow's checklists, ticked by this run.",
        columns: &columns,
        rows: rows.collect(),
    }
    .markup()
}

fn plan(record: &PipelineRecord) -> Markup {
    let made = record.stages.iter().flat_map(|stage| {
        stage.artefacts.iter().map(move |(name, artefact)| {
            vec![
                Cell::text(artefact.path.display().to_string()),
                Cell::text(format!("{}, stage {}", name, stage.stage.number())),
                Cell::text(artefact.digest.as_str()),
            ]
        })
    });
    let runs = record.stages.iter().flat_map(|stage| {
        stage.runs.iter().map(move |(what, run)| vec![Cell::text(run), Cell::text(what), Cell::Absent])
    });
    let columns = [Column::Text("file or stored run"), Column::Text("what it is"), Column::Wide("SHA-256")];
    Table {
        caption: "What the stages made, by digest, and the evaluations that are stored as runs.",
        columns: &columns,
        rows: made.chain(runs).collect(),
    }
    .markup()
}
