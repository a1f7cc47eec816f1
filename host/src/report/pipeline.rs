//! A pipeline for people: the decisions, the gates stage by stage, what became of it.

use std::fmt::Write as _;

use super::{number, record::word, table};
use crate::{
    model::Verdict,
    run::{
        checklist::{self, List},
        journal::Event,
        record::PipelineRecord,
    },
    stages::{Stage, StageRecord},
    suite::record::Metric,
};

/// The whole report of a run whose folder is called `root`.
#[must_use]
pub fn render(record: &PipelineRecord, root: &str) -> String {
    let mut text = format!("{}  (run {}, plan {})\n\n", record.name, record.id, record.plan.short());
    text.push_str(&tree(record));
    for stage in &record.stages {
        text.push_str(&one(stage));
    }
    text.push_str(&progress(record));
    text.push_str(&checklists(record));
    let verdict = match record.verdict() {
        Some(Verdict::Pass) => format!("deploy: every gate of the release passed{}", warned(record)),
        Some(verdict) => format!("reject: {}", word(verdict)),
        None => "under way".to_owned(),
    };
    let _ = write!(text, "\n{verdict}\n\nfolder: {root}");
    text
}

/// Stages that were gone on from with a warning, in words.
#[must_use]
pub fn warned(record: &PipelineRecord) -> String {
    let stages: Vec<String> = record.warnings().iter().map(|stage| stage.number().to_string()).collect();
    if stages.is_empty() {
        return String::new();
    }
    format!("; gone on with a warning after stage {}", stages.join(", "))
}

/// The decisions, as they were walked.
fn tree(record: &PipelineRecord) -> String {
    let mut table = table::new(&["stage", "question", "answer", "then"], &[]);
    for step in record.walked() {
        let name = format!("{} {}", step.stage.number(), step.stage.title());
        table.add_row([name, step.question, word(step.verdict).to_owned(), step.then]);
    }
    format!("{}\n", table::text(&table))
}

/// One stage: its gates as a table, its checks, what should be known.
fn one(stage: &StageRecord) -> String {
    let mut text = format!("\n{}\n", stage.stage);
    let gates: Vec<&Metric> = stage.metrics.iter().filter(|metric| metric.verdict.is_some()).collect();
    if !gates.is_empty() {
        let mut table = table::new(&["gate", "value", "95 % interval", "n", "asked", "verdict"], &[1, 2, 3]);
        for metric in &gates {
            table.add_row(row(metric));
        }
        let _ = writeln!(text, "{}", table::text(&table));
    }
    let mut rows: Vec<(String, String)> = gates
        .iter()
        .filter(|metric| metric.verdict != Some(Verdict::Pass))
        .map(|metric| (" -".into(), format!("{}: {}", metric.name, metric.reason)))
        .collect();
    rows.extend(
        stage.checks.iter().map(|check| {
            (format!("[{}]", tick(check.verdict)), format!("{}: {}", check.what, check.evidence))
        }),
    );
    rows.extend(stage.notes.iter().map(|note| (" -".into(), note.clone())));
    if !rows.is_empty() {
        let _ = writeln!(text, "{}", table::list(&rows));
    }
    text
}

const fn tick(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "x",
        Verdict::Fail => " ",
        _ => "?",
    }
}

fn row(metric: &Metric) -> [String; 6] {
    let none = || "-".to_owned();
    let sign = number::sign(metric);
    [
        metric.name.clone(),
        metric.estimate.map_or_else(none, |estimate| number::value(estimate.value, &metric.unit)),
        metric.estimate.map_or_else(none, |estimate| number::interval(&estimate, &metric.unit)),
        metric.estimate.map_or_else(none, |estimate| estimate.n.to_string()),
        metric.threshold.map_or_else(none, |asked| format!("{sign} {}", number::value(asked, &metric.unit))),
        metric.verdict.map_or_else(none, |verdict| word(verdict).to_owned()),
    ]
}

/// A model that was measured: by which stage, and under which names.
#[derive(Debug, Clone, Copy)]
pub struct Side {
    /// The stage that has its numbers.
    pub stage: Stage,
    /// What their names begin with.
    pub prefix: &'static str,
    /// What people call it.
    pub label: &'static str,
}

/// Every model that a run measures, in its order.
pub const SIDES: [Side; 6] = [
    Side { stage: Stage::Sft, prefix: "base/", label: "1 before SFT, dev" },
    Side { stage: Stage::Sft, prefix: "", label: "1 reference, dev" },
    Side { stage: Stage::Optimise, prefix: "", label: "5 optimised, dev" },
    Side { stage: Stage::Iterate, prefix: "", label: "6 best pass, dev" },
    Side { stage: Stage::Release, prefix: "reference/", label: "7 reference, test" },
    Side { stage: Stage::Release, prefix: "", label: "7 release, test" },
];

impl Side {
    /// One of its numbers.
    #[must_use]
    pub fn metric<'a>(&self, stage: &'a StageRecord, name: &str) -> Option<&'a Metric> {
        stage.metric(&format!("{}{name}", self.prefix))
    }
}

/// What the persona's numbers did from stage to stage.
fn progress(record: &PipelineRecord) -> String {
    let header = ["model", "adherence", "95 % interval", "consistency", "style match", "KL"];
    let mut table = table::new(&header, &[1, 2, 3, 4, 5]);
    let mut any = false;
    for side in SIDES {
        let Some(found) = record.stages.iter().find(|record| record.stage == side.stage) else { continue };
        let value = |name: &str| {
            let metric = side.metric(found, name)?;
            metric.estimate.map(|estimate| number::value(estimate.value, &metric.unit))
        };
        let Some(adherence) = side.metric(found, "adherence").and_then(|metric| metric.estimate) else {
            continue;
        };
        any = true;
        let kl = if side.prefix.is_empty() { value("kl") } else { None };
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        table.add_row([
            side.label.to_owned(),
            number::value(adherence.value, "share"),
            number::interval(&adherence, "share"),
            or_none(value("consistency")),
            or_none(value("style-match")),
            or_none(kl),
        ]);
    }
    if any { format!("\nfrom stage to stage\n{}\n", table::text(&table)) } else { String::new() }
}

/// The workflow's lists: ticked, not ticked, or not reached yet.
fn checklists(record: &PipelineRecord) -> String {
    let items = checklist::items(record);
    let mut text = String::new();
    for (list, title) in [
        (List::Before, "before training"),
        (List::During, "during training"),
        (List::After, "after training"),
    ] {
        let row = |item: &checklist::Item| {
            let mark = match item.done {
                Some(true) => "[x]",
                Some(false) => "[ ]",
                None => "...",
            };
            let evidence =
                if item.evidence.is_empty() { String::new() } else { format!(": {}", item.evidence) };
            (mark.to_owned(), format!("{}{evidence}", item.what))
        };
        let rows: Vec<(String, String)> = items.iter().filter(|item| item.list == list).map(row).collect();
        let _ = write!(text, "\n{title}\n{}\n", table::list(&rows));
    }
    text
}

/// The journal, a line each.
#[must_use]
pub fn journal(events: &[Event]) -> String {
    let line = |event: &Event| match event {
        Event::Begun { plan } => format!("begun, plan {}", plan.short()),
        Event::Resumed => "gone on with".to_owned(),
        Event::StageBegun { stage, .. } => format!("{stage}: begun"),
        Event::Decided { stage, verdict, record } => {
            format!("{stage}: {}, record {}", verdict.map_or("done", word), record.short())
        }
        Event::Stopped { stage } => format!("stopped after {stage}"),
        Event::RolledBack { stage } => format!("given up from {stage} on"),
        Event::Finished { record } => format!("finished, record {}", record.short()),
    };
    let lines: Vec<String> = events
        .iter()
        .enumerate()
        .map(|(place, event)| format!("{:>3}  {}", place + 1, line(event)))
        .collect();
    format!("journal\n{}", lines.join("\n"))
}
