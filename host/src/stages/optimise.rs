//! Stage 5, optimisation: training on the pairs of stage 3, held under the limit of divergence from the reference.

use super::{
    Context, Stage, StageRecord, judged,
    models::{self, Given},
    pairs::PAIRS,
    retained, sft,
};
use crate::{
    error::Result,
    model::Verdict,
    persona::scenarios::Split,
    report::record::word,
    suite::record::Metric,
    train::{config::Kind, outcome::Outcome},
};

/// The divergence's gate.
pub const KL: &str = "kl";

/// Label of the evaluation on dev.
pub const OPTIMISED: &str = "5-optimised";

/// Trains, and measures on dev.
///
/// # Errors
/// Those of training and evaluation.
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Optimise, context.inputs.clone());
    let root = context.folder.stage(Stage::Optimise)?.join("train");
    let reference = context.reference();
    let pairs = context.folder.path(Stage::Pairs.folder()).join(PAIRS);
    let name = std::path::PathBuf::from(PAIRS);
    let given = Given { overlay: [(name.clone(), pairs)].into(), pairs: vec![name], ..Given::default() };
    let config = context.file.optimise.config.clone();
    let outcome = models::train(context, Kind::Preference, &config, &reference, &root, &given)?;
    let adapter = root.join(&outcome.adapter);
    record.artefacts.insert("adapter".into(), context.adapter_artefact(&adapter)?);
    record.notes.extend(story(&outcome));

    let suite = models::suite(context, Split::Dev, context.file.evaluation.items)?;
    let with = context.with(adapter);
    let measured = models::evaluate(context, &suite, &with, OPTIMISED)?;
    let before = models::stored(context, sft::REFERENCE)?;
    record.runs.insert("optimised, on dev".into(), measured.name.clone());
    record.metrics.extend(divergence(&outcome));
    record.metrics.extend(judged::by_value(&measured));
    let kept = retained::of(&suite, &before, &measured, context.thresholds.retention)?;
    record.metrics.extend(ungated(retained::metrics(&kept, context.thresholds.retention)));
    Ok(record)
}

/// The gate of a training; one that measured nothing is `insufficient`.
#[must_use]
pub fn divergence(outcome: &Outcome) -> Vec<Metric> {
    outcome.metrics.clone()
}

/// What a training did that its numbers do not show.
#[must_use]
pub fn story(outcome: &Outcome) -> Vec<String> {
    let mut story = vec![format!(
        "{} steps; the adapter of step {} under the factor {:.3}",
        outcome.steps, outcome.exported_step, outcome.factor
    )];
    let watched = outcome.watched.iter().chain(&outcome.exported);
    for seen in watched {
        story.extend(seen.warnings.iter().map(|warning| format!("step {}: {warning}", seen.step)));
    }
    story
}

/// Numbers whose gate belongs to a later stage.
#[must_use]
pub fn ungated(metrics: Vec<Metric>) -> Vec<Metric> {
    let plain = |metric: Metric| match metric.verdict {
        Some(Verdict::Pass) | None => Metric { verdict: None, ..metric },
        Some(verdict) => {
            let reason = format!("{} on the way: {}", word(verdict), metric.reason);
            Metric { verdict: None, reason, ..metric }
        }
    };
    metrics.into_iter().map(plain).collect()
}
