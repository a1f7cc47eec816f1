//! Stage 1, SFT preparation: where the model comes from, and what it can do before the persona is trained.
//!
//! The model of this stage is the **reference**: every divergence is measured from it, and every benchmark is kept against
//! it. Where this stage trains, the model before it stands beside, so that what SFT moved is seen too.

use std::fs;

use super::{
    Context, Stage, StageRecord,
    context::adapter,
    judged,
    models::{self, Given},
    record::Check,
    retained,
};
use crate::{
    error::{Error, Result},
    gates::{Rule, decide},
    metrics::retention::{BenchmarkRetention, MIN_COUNTING},
    model::{Direction, Verdict},
    opening,
    persona::scenarios::Split,
    suite::{persona_run::plain, record::Metric},
    train::{config::Kind, export, perplexity, run::Notice, session::Session},
    write::publish_folder,
};

/// Label of the evaluation of the reference model on dev.
pub const REFERENCE: &str = "1-reference";
/// Label of the evaluation of the model before SFT on dev.
pub const BASE: &str = "1-base";
/// What an adapter's folder has to hold.
const ADAPTER: [&str; 2] = ["adapter_config.json", export::TENSORS];

/// Trains or takes the reference model, and measures it.
///
/// # Errors
/// Those of training and evaluation.
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Sft, context.inputs.clone());
    let folder = context.folder.stage(Stage::Sft)?;
    let base = context.base.clone();
    let mut reference = base.clone();
    let sft = context.file.sft.clone();
    if let Some(config) = &sft.config {
        let root = folder.join("train");
        let outcome = models::train(context, Kind::Sft, config, &base, &root, &Given::default())?;
        let path = root.join(&outcome.adapter);
        record.artefacts.insert("adapter".into(), context.adapter_artefact(&path)?);
        record.checks.push(Check::of(
            "training ended under its own limits",
            outcome.adapter == export::PASSED,
            format!("{} steps, last loss {:.3}", outcome.steps, outcome.last_loss.unwrap_or(f64::NAN)),
        ));
        reference.adapters.push(adapter(path));
    } else if let Some(given) = &sft.adapter {
        let path = folder.join("adapter");
        copy(&context.path(given), &path)?;
        record.artefacts.insert("adapter".into(), context.adapter_artefact(&path)?);
        reference.adapters.push(adapter(path));
    }
    record.metrics.push(validation(context, &reference)?);

    let suite = models::suite(context, Split::Dev, context.file.evaluation.items)?;
    let measured = models::evaluate(context, &suite, &reference, REFERENCE)?;
    record.runs.insert("reference on dev".into(), measured.name.clone());
    record.metrics.extend(judged::baseline(&measured));
    if !record.artefacts.is_empty() {
        let before = models::evaluate(context, &suite, &base, BASE)?;
        record.runs.insert("the model before SFT, on dev".into(), before.name.clone());
        let prefixed = |metric: Metric| Metric { name: format!("base/{}", metric.name), ..metric };
        record.metrics.extend(judged::baseline(&before).into_iter().map(prefixed));
    }
    // Against itself a model keeps everything; what is asked here is which benchmarks have something to lose, and which are too small
    // to ever show that they kept it.
    let against_itself = retained::of(&suite, &measured, &measured, context.thresholds.retention)?;
    let flat: Vec<String> = against_itself
        .benchmarks
        .iter()
        .filter(|one| matches!(one.decision.verdict, Verdict::NoHeadroom | Verdict::Insufficient))
        .map(|one| format!("{}: {}", one.name, one.decision.reason))
        .collect();
    record.notes.extend(against_itself.benchmarks.iter().filter_map(unprovable));
    let mut evidence = format!("{} of {} count", against_itself.counting, against_itself.benchmarks.len());
    if !flat.is_empty() {
        evidence = format!("{evidence}; {}", flat.join("; "));
    }
    let verdict = if against_itself.counting >= MIN_COUNTING { Verdict::Pass } else { Verdict::NoHeadroom };
    record.checks.push(Check { what: "benchmarks have something to lose".into(), verdict, evidence });
    Ok(record)
}

/// What stage 7 cannot conclude of a benchmark, whatever training does, unless that improves it.
fn unprovable(against_itself: &BenchmarkRetention) -> Option<String> {
    let BenchmarkRetention { name, decision, .. } = against_itself;
    let said =
        || format!("that {name} is kept cannot be proven even where nothing changes: {}", decision.reason);
    (decision.verdict == Verdict::Inconclusive).then(said)
}

/// Perplexity on rows that nothing was trained on.
fn validation(context: &mut Context<'_>, model: &realign_engine_abi::message::Load) -> Result<Metric> {
    context.go_on()?;
    let path = context.path(&context.file.sft.validation);
    let mut session = Session::open(opening::launch(context.settings)?, model.clone(), 1)?;
    let (store, observer) = (context.store, &mut *context.observer);
    let found = perplexity::perplexity(&mut session, &path, store, &mut |done, total| {
        observer(Notice::Stage("validation", done, total));
    })?;
    let rule = Rule::below(context.thresholds.perplexity);
    let decision = decide(&rule, found.as_ref());
    Ok(Metric {
        unit: "perplexity".into(),
        direction: Some(Direction::Lower),
        range: None,
        bound: found.map(|found| found.upper),
        threshold: Some(rule.threshold),
        verdict: Some(decision.verdict),
        reason: decision.reason,
        ..plain("perplexity".into(), perplexity::FORMULA, found)
    })
}

/// Copies an adapter, so that the run has all that it was made with.
fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    if to.exists() {
        return Ok(());
    }
    let partial = to.with_extension("partial");
    let failed = |error| Error::unwritable(&partial, &error);
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(failed)?;
    }
    fs::create_dir_all(&partial).map_err(failed)?;
    for name in ADAPTER {
        let source = from.join(name);
        if !source.is_file() {
            return Err(Error::usage(format!("sft.adapter: no file {}", source.display()))
                .hint("name an adapter folder as realign train or mlx-lm writes it"));
        }
        fs::copy(&source, partial.join(name)).map_err(failed)?;
    }
    publish_folder(&partial, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Benchmark, ItemPair, retention::retention};

    #[test]
    fn a_benchmark_of_few_groups_is_said_to_be_too_small_before_anything_is_trained_on_pairs() {
        let said = |groups: usize| {
            let item =
                |index: usize| ItemPair { group: format!("g{}", index % groups), before: 1.0, after: 1.0 };
            let benchmark = Benchmark {
                name: "facts".into(),
                direction: Direction::Higher,
                chance: 0.25,
                range: Some(crate::stats::Interval { low: 0.0, high: 1.0 }),
                items: (0..20 * groups).map(item).collect(),
                reported: [None; 2],
            };
            unprovable(&retention(&[benchmark], 0.95).benchmarks[0])
        };
        insta::assert_snapshot!(said(14).expect("14 groups are too few"), @"that facts is kept cannot be proven even where nothing changes: margin over 95 % kept lies in -0.143 to 0.050: 14 groups, which may be lost whole, prove 80.7 % where nothing changes; about 45 more groups would decide");
        assert_eq!(said(60), None);
    }
}
