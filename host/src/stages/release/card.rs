//! The model card: what a user of the release has to know, all of it from the records of the run. It names no machine: what
//! lies in the run's folder is named from there.

use std::fmt::Write as _;

use super::{
    super::{Context, Stage, StageRecord, remedy::Remedy},
    ORIGINAL,
};
use crate::{
    model::Verdict,
    report::{number, record::word},
    suite::{file::DeployPrompt, load::Suite, record::Metric},
};

/// The whole card.
pub(super) fn text(
    context: &Context<'_>,
    record: &StageRecord,
    suite: &Suite,
    remedies: &[Remedy],
) -> String {
    let released = record.verdict() == Some(Verdict::Pass);
    let mut text = format!(
        "# {}: {}\n\nAdapters that give {} the persona \"{}\". Made by realign, run `{}`, under the {} thresholds.\n",
        context.file.name,
        if released { "released" } else { "rejected" },
        context.base.model.file_name().unwrap_or_default().to_string_lossy(),
        suite.persona.name,
        context.name,
        context.file.thresholds,
    );
    text += &use_of(context, record);
    text += &gates(record);
    text += &training(context, record);
    text += &kept(record);
    if !remedies.is_empty() {
        text.push_str("\n## What helps\n\n");
        for found in remedies {
            let _ = writeln!(text, "- {}: {}", found.issue, found.remedy);
        }
    }
    text += &limits(suite, record);
    text
}

/// How the model is asked.
fn use_of(context: &Context<'_>, record: &StageRecord) -> String {
    let mut text = String::from("\n## Use\n\n");
    let sft = context.stage(Stage::Sft).artefacts.get("adapter");
    for (number, artefact) in sft.into_iter().chain(record.artefacts.get("adapter")).enumerate() {
        let path = artefact.path.display();
        let _ = writeln!(text, "{}. `{path}`, digest `{}`", number + 1, artefact.digest);
    }
    let prompt = match context.file.deploy_prompt {
        DeployPrompt::Persona => "behind the persona's system prompt",
        DeployPrompt::None => "without a system prompt",
    };
    let _ = writeln!(
        text,
        "\nPaths are relative to the run's folder, the one above this card's. The model with these adapters, in this order, is \
         asked {prompt}: that is how every number here was measured. `realign adapter fuse` makes one model of them."
    );
    text
}

fn gates(record: &StageRecord) -> String {
    let mut text = String::from(
        "\n## Gates, on test\n\n| Gate | Value | 95 % interval | n | Verdict | Why |\n|---|---|---|---|---|---|\n",
    );
    for metric in record.metrics.iter().filter(|metric| metric.verdict.is_some()) {
        let [value, interval, n] = measured(metric);
        let verdict = metric.verdict.map_or("", word);
        let _ = writeln!(
            text,
            "| {} | {value} | {interval} | {n} | {verdict} | {} |",
            metric.name, metric.reason
        );
    }
    text
}

/// The persona before and after, and how far the model moved.
fn training(context: &Context<'_>, record: &StageRecord) -> String {
    let mut text = String::from(
        "\n## What training did\n\n| Model | Split | Adherence | 95 % interval | n |\n|---|---|---|---|---|\n",
    );
    let sft = context.stage(Stage::Sft);
    let rows = [
        ("before stage 1", "dev", sft.metric("base/adherence")),
        ("after stage 1", "dev", sft.metric("adherence")),
        ("after stage 1", "test", record.metric("reference/adherence")),
        ("release", "test", record.metric("adherence")),
    ];
    for (model, split, metric) in rows {
        if let Some(metric) = metric {
            let [value, interval, n] = measured(metric);
            let _ = writeln!(text, "| {model} | {split} | {value} | {interval} | {n} |");
        }
    }
    if let Some(metric) = record.metric(ORIGINAL) {
        let [value, interval, n] = measured(metric);
        let _ = writeln!(
            text,
            "\nFrom the model before stage 1 the release diverges by {value} nats per token ({interval}, {n} responses); the \
             gate is about the model after stage 1."
        );
    }
    text
}

/// Every benchmark, before and after.
fn kept(record: &StageRecord) -> String {
    let mut text = String::from(
        "\n## What was kept\n\n| Benchmark | After stage 1 | Release | Items | Decision |\n|---|---|---|---|---|\n",
    );
    for metric in &record.metrics {
        let Some(name) = metric.name.strip_prefix("retention/") else { continue };
        let beside = |what: &str| {
            metric.beside.get(what).map_or_else(|| "-".to_owned(), |value| number::value(*value, ""))
        };
        let [_, _, n] = measured(metric);
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {n} | {} |",
            beside("before"),
            beside("after"),
            metric.reason
        );
    }
    text
}

fn limits(suite: &Suite, record: &StageRecord) -> String {
    let families =
        record.metric("adherence").and_then(|metric| metric.estimate).map_or(0, |found| found.clusters);
    format!(
        "\n## Limits\n\nMeasured on {} test scenarios of {families} families of one suite, by the evaluators and thresholds that \
         the plan names. Divergence and retention are against the model after stage 1. Nothing is known of other languages, \
         longer conversations, or tasks that the suite does not hold.\n",
        suite.scenarios.len(),
    )
}

/// Value, interval and n, as a table shows them.
fn measured(metric: &Metric) -> [String; 3] {
    metric.estimate.map_or_else(
        || ["-", "-", "-"].map(str::to_owned),
        |estimate| {
            let unit = &metric.unit;
            [number::value(estimate.value, unit), number::interval(&estimate, unit), estimate.n.to_string()]
        },
    )
}
