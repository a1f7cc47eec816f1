//! Stage 6, iterative training: again, where it is weak.
//!
//! Each pass finds what dev says is weak, asks the best model so far for pairs that differ in just that, and trains from
//! the **reference** on all pairs so far. Training from the reference and not from the last adapter keeps one meaning of
//! divergence: from the reference, whatever the number of passes.
//!
//! - [`pass`]: one pass, and which way it went
//! - [`adjust`]: how the training is changed between passes, by the workflow's own rules
//! - `target`: what is weak, and the pairs that differ in it
//! - `training`: the work of a pass
//!
//! A degrading pass is rolled back: the best adapter so far stays. The stage ends with the first stable pass, when no gate
//! on dev is left to improve, when the last three passes lie within 0.02 (converged), or when the budget is used up; the
//! best adapter is what it gives.

pub mod adjust;
pub mod pass;
mod target;
mod training;

use std::path::PathBuf;

use self::{
    adjust::{Adjustment, adjust},
    pass::{Direction, Pass, STEP, WINDOW, converged, lost},
    target::weak,
};
use super::{
    Context, Stage, StageRecord, judged, models,
    optimise::{self, KL},
    record::Check,
    retained, sft,
};
use crate::{
    error::{Error, Result},
    metrics::retention::Retention,
    model::Verdict,
    persona::scenarios::Split,
    run::folder,
    suite::record::{Metric, Record},
    train::outcome::Outcome,
};

/// Iterates.
///
/// # Errors
/// Those of pairs, training and evaluation.
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Iterate, context.inputs.clone());
    let place = context.folder.stage(Stage::Iterate)?;
    let mut passes = vec![first(context)?];
    let mut best = 0;
    let mut why = format!("the budget of {} passes is used up", context.file.iterate.most);
    for number in 1..=context.file.iterate.most {
        let dev = models::stored(context, &passes[best].label)?;
        let weak = weak(&dev, context.thresholds.adherence);
        let fine = |metric: &Metric| metric.verdict.is_none_or(|verdict| verdict == Verdict::Pass);
        if judged::by_value(&dev).iter().all(fine) && passes[best].is_sound() {
            why = "no gate on dev is left to improve".into();
            break;
        }
        let folder = place.join(format!("pass-{number}"));
        let adjustment = adjust(&passes);
        let pass = training::one(context, number, &weak, adjustment, &passes, best, &folder)?;
        let direction = pass.direction;
        passes.push(pass);
        match direction {
            Direction::Improving => best = passes.len() - 1,
            Direction::Degrading => {}
            Direction::Stable => {
                why = "the last pass changed little".into();
                break;
            }
        }
        if converged(&passes) {
            why = format!("converged: the last {WINDOW} passes lie within {STEP}");
            break;
        }
    }
    finish(context, &mut record, &passes, best, &why)?;
    Ok(record)
}

/// Stage 5 as the pass that the others are held against.
fn first(context: &Context<'_>) -> Result<Pass> {
    let before = context.stage(Stage::Optimise);
    let measured = models::stored(context, optimise::OPTIMISED)?;
    let adapter = before.artefacts.get("adapter").map(|artefact| artefact.path.clone());
    let adapter = adapter.ok_or_else(|| Error::bad_input("stage 5 left no adapter"))?;
    let outcome = outcome(&context.folder.path(&adapter))?;
    let kept = kept(context, &measured)?;
    Ok(Pass {
        number: 0,
        weak: Vec::new(),
        targeted: 0,
        adjustment: Adjustment::NONE,
        adherence: value(&measured, "adherence"),
        under_limit: before.metric(KL).and_then(|metric| metric.verdict) == Some(Verdict::Pass),
        lost: lost(&kept, &outcome),
        direction: Direction::Improving,
        training: adapter.parent().map(PathBuf::from).unwrap_or_default(),
        adapter,
        label: optimise::OPTIMISED.into(),
    })
}

/// The record of the training that an adapter came from, which lies beside its weights.
fn outcome(adapter: &std::path::Path) -> Result<Outcome> {
    let path = adapter.join("train.json");
    folder::json(&path)?
        .ok_or_else(|| Error::bad_input(format!("no record of the training: no file {}", path.display())))
}

/// What an evaluation on dev has kept of the reference's benchmarks.
fn kept(context: &Context<'_>, measured: &Record) -> Result<Retention> {
    let dev = models::suite(context, Split::Dev, context.file.evaluation.items)?;
    let before = models::stored(context, sft::REFERENCE)?;
    retained::of(&dev, &before, measured, context.thresholds.retention)
}

fn value(record: &Record, name: &str) -> Option<f64> {
    let metric = record.metrics.iter().find(|metric| metric.name == name)?;
    metric.estimate.map(|estimate| estimate.value)
}

/// The record: every pass, and the best one with its numbers.
fn finish(
    context: &mut Context<'_>,
    record: &mut StageRecord,
    passes: &[Pass],
    best: usize,
    why: &str,
) -> Result<()> {
    for pass in &passes[1..] {
        let way = match pass.direction {
            Direction::Improving => "improving",
            Direction::Stable => "stable",
            Direction::Degrading => "degrading, rolled back",
        };
        let lost = pass.lost.as_ref().map_or_else(String::new, |lost| format!(", {lost} lost"));
        let over = if pass.under_limit { "" } else { ", over the limit of divergence" };
        record.notes.push(format!(
            "pass {}: {way}: dev adherence {}{lost}{over}; weak before: {}; {} targeted pairs; rate x {:.2}, beta x {:.2}, steps x {:.2}",
            pass.number,
            pass.adherence.map_or_else(|| "not measured".into(), |value| format!("{:.1} %", 100.0 * value)),
            pass.weak.join(", "),
            pass.targeted,
            pass.adjustment.rate,
            pass.adjustment.beta,
            pass.adjustment.steps,
        ));
        record
            .runs
            .insert(format!("pass {}, on dev", pass.number), format!("{}-{}", context.name, pass.label));
    }
    let kept = &passes[best];
    let kept_as = if best == 0 { "stage 5's".to_owned() } else { format!("pass {}'s", kept.number) };
    record.notes.push(format!("ended: {why}; {kept_as} adapter is kept"));
    let adapter = context.folder.path(&kept.adapter);
    record.artefacts.insert("adapter".into(), context.adapter_artefact(&adapter)?);
    let record_of_training = adapter.join("train.json");
    record.artefacts.insert("training".into(), context.file_artefact(&record_of_training)?);
    let measured = models::stored(context, &kept.label)?;
    record.metrics.extend(optimise::divergence(&outcome(&adapter)?));
    record.metrics.extend(judged::by_value(&measured));
    let retention = self::kept(context, &measured)?;
    let metrics: Vec<Metric> = retained::metrics(&retention, context.thresholds.retention);
    record.metrics.extend(optimise::ungated(metrics));
    let worse = passes.iter().skip(1).last().is_some_and(|pass| pass.direction == Direction::Degrading);
    record.checks.push(Check::of(
        "metrics are improving or stable",
        !worse || best > 0 || passes.len() == 1,
        if worse { "the last pass was worse and was rolled back" } else { why },
    ));
    Ok(())
}
