//! Stage 6, iterative training: again, where it is weak.
//!
//! Each pass finds what dev says is weak, asks the best model so far for pairs that differ in just that, and trains from
//! the **reference** on all pairs so far. Training from the reference and not from the last adapter keeps one meaning of
//! divergence: from the reference, whatever the number of passes. How the training is adjusted between passes is the
//! workflow's own rule:
//!
//! | Weakness | Adjustment |
//! |---|---|
//! | divergence over the limit | beta x 1.5, rate x 0.5 |
//! | a benchmark lost | beta x 2, rate x 0.5, steps x 0.7 |
//! | slow progress after the second pass | rate x 1.5, beta x 0.8 |
//!
//! A pass is `improving` where dev adherence rose by 0.02 or more, nothing was lost that the pass before had, and the
//! divergence is under its limit; `degrading` where adherence fell by as much, the divergence's gate is not passed, or a
//! benchmark is proven worse; else `stable`. A degrading pass is rolled back: the best adapter so far stays. The stage ends
//! with the first stable pass, when no gate on dev is left to improve, when the last three passes lie within 0.02
//! (converged), or when the budget is used up; the best adapter is what it gives.

use std::{collections::BTreeSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    Context, Stage, StageRecord, judged,
    models::{self, Given},
    optimise::{self, KL},
    pairs, retained, sft,
};
use crate::{
    data::pairs::{file::PairsFile, record::PairsRecord},
    error::{Error, Result},
    model::Verdict,
    persona::scenarios::Split,
    run::folder,
    suite::record::{Metric, Record},
    train::{
        config::{Kind, TrainFile},
        outcome::Outcome,
    },
    write::Output,
};

/// The least change of adherence that counts, and the range of passes that have converged.
const STEP: f64 = 0.02;
/// A gain below this is slow progress.
const SLOW: f64 = 2.0 * STEP;
/// Passes that convergence is seen over.
const WINDOW: usize = 3;
/// What a pass leaves behind, in its folder.
const PASS: &str = "pass.json";
/// The pairs of a pass that differ in what was weak.
const TARGETED: &str = "targeted.jsonl";

/// Which way a pass went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Better: it is the best one now.
    Improving,
    /// Neither.
    Stable,
    /// Worse: rolled back.
    Degrading,
}

/// How the training is changed against its file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Multiplies the rate.
    pub rate: f64,
    /// Multiplies beta.
    pub beta: f64,
    /// Multiplies the steps.
    pub steps: f64,
}

impl Adjustment {
    const NONE: Self = Self { rate: 1.0, beta: 1.0, steps: 1.0 };

    fn times(self, rate: f64, beta: f64, steps: f64) -> Self {
        Self { rate: self.rate * rate, beta: self.beta * beta, steps: self.steps * steps }
    }
}

/// One pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Counted from 1; 0 is stage 5.
    pub number: u32,
    /// Traits that were weak before it.
    pub weak: Vec<String>,
    /// Pairs that differ in them.
    pub targeted: usize,
    /// How the training was changed.
    pub adjustment: Adjustment,
    /// Dev adherence after it.
    pub adherence: Option<f64>,
    /// Whether the divergence's gate is passed.
    pub under_limit: bool,
    /// A benchmark that is proven to be lost, if one is.
    pub lost: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// Its adapter, within the run's folder.
    pub adapter: PathBuf,
    /// Its training's folder, within the run's.
    pub training: PathBuf,
    /// Label of its evaluation on dev.
    pub label: String,
}

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
        if judged::by_value(&dev)
            .iter()
            .all(|metric| metric.verdict.is_none_or(|verdict| verdict == Verdict::Pass))
            && passes[best].under_limit
        {
            why = "no gate on dev is left to improve".into();
            break;
        }
        let folder = place.join(format!("pass-{number}"));
        let adjustment = adjust(&passes);
        let pass = one(context, number, &weak, adjustment, &passes, best, &folder)?;
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
    Ok(Pass {
        number: 0,
        weak: Vec::new(),
        targeted: 0,
        adjustment: Adjustment::NONE,
        adherence: value(&measured, "adherence"),
        under_limit: before.metric(KL).and_then(|metric| metric.verdict) == Some(Verdict::Pass),
        lost: None,
        direction: Direction::Improving,
        training: adapter.parent().map(PathBuf::from).unwrap_or_default(),
        adapter,
        label: optimise::OPTIMISED.into(),
    })
}

fn value(record: &Record, name: &str) -> Option<f64> {
    let metric = record.metrics.iter().find(|metric| metric.name == name)?;
    metric.estimate.map(|estimate| estimate.value)
}

/// Traits below what their mean has to reach, the weakest first; the three weakest where none is.
fn weak(dev: &Record, wanted: f64) -> Vec<String> {
    let mut traits: Vec<(&str, f64)> = dev
        .metrics
        .iter()
        .filter_map(|metric| {
            Some((metric.name.strip_prefix("trait/")?, metric.estimate.map(|estimate| estimate.value)?))
        })
        .collect();
    traits.sort_by(|(a, x), (b, y)| x.total_cmp(y).then(a.cmp(b)));
    let below = traits.iter().filter(|(_, value)| *value < wanted).count();
    traits.into_iter().take(below.max(3)).map(|(name, _)| name.to_owned()).collect()
}

/// The workflow's rules, applied to what the last pass showed.
fn adjust(passes: &[Pass]) -> Adjustment {
    let last = &passes[passes.len() - 1];
    if !last.under_limit {
        return last.adjustment.times(0.5, 1.5, 1.0);
    }
    if last.lost.is_some() {
        return last.adjustment.times(0.5, 2.0, 0.7);
    }
    let before = passes.iter().rev().skip(1).find(|pass| pass.direction == Direction::Improving);
    let gain = before.and_then(|before| Some(last.adherence? - before.adherence?));
    let slow = last.direction == Direction::Improving && gain.is_some_and(|gain| gain < SLOW);
    if passes.len() > 2 && slow {
        return last.adjustment.times(1.5, 0.8, 1.0);
    }
    last.adjustment
}

/// Which way a pass went against the best one before it.
fn direction(best: &Pass, adherence: Option<f64>, under_limit: bool, lost: bool) -> Direction {
    let gain = adherence.zip(best.adherence).map(|(now, before)| now - before);
    match gain {
        _ if !under_limit || lost => Direction::Degrading,
        Some(gain) if gain >= STEP => Direction::Improving,
        Some(gain) if gain <= -STEP => Direction::Degrading,
        // A pass that is under the limit where the best one is not is better, however it reads.
        _ if !best.under_limit => Direction::Improving,
        Some(_) => Direction::Stable,
        None => Direction::Degrading,
    }
}

/// Whether the last passes lie close together.
fn converged(passes: &[Pass]) -> bool {
    let values: Vec<f64> =
        passes.iter().skip(1).rev().take(WINDOW).filter_map(|pass| pass.adherence).collect();
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    values.len() == WINDOW && high - low < STEP
}

/// One pass: pairs that differ in what is weak, a training on all pairs, an evaluation.
fn one(
    context: &mut Context<'_>,
    number: u32,
    weak: &[String],
    adjustment: Adjustment,
    passes: &[Pass],
    best: usize,
    place: &std::path::Path,
) -> Result<Pass> {
    if let Some(pass) = folder::json::<Pass>(&place.join(PASS))? {
        return Ok(pass);
    }
    std::fs::create_dir_all(place).map_err(|error| Error::unwritable(place, &error))?;
    let policy = context.with(context.folder.path(&passes[best].adapter));
    let families = context.file.iterate.families;
    let seed = context.file.seed.derive(&format!("pass-{number}"));
    let (file, suite) = pairs::settings(context, |file: &mut PairsFile| {
        file.seed = seed;
        file.families = families.or(file.families);
    })?;
    let _: PairsRecord = pairs::build(context, &file, &suite, &policy, place)?;
    let targeted = target(place, weak)?;
    let root = place.join("train");
    let mut given = Given::default();
    add(&mut given, "stage-3", pairs::file_of(&context.folder.path(Stage::Pairs.folder()))?);
    for earlier in 1..number {
        let path = place.with_file_name(format!("pass-{earlier}")).join(TARGETED);
        if path.is_file() {
            add(&mut given, &format!("pass-{earlier}"), path);
        }
    }
    if targeted > 0 {
        add(&mut given, &format!("pass-{number}"), place.join(TARGETED));
    }
    let change = move |file: &mut TrainFile| {
        file.optimiser.rate *= adjustment.rate;
        if let Some(loss) = &mut file.loss {
            loss.beta = loss.beta.map(|beta| beta * adjustment.beta);
        }
        let fewer = |count: u32| {
            (1..=count).rev().find(|&n| f64::from(n) <= f64::from(count) * adjustment.steps).unwrap_or(1)
        };
        file.max_steps = file.max_steps.map(fewer);
        if file.max_steps.is_none() {
            file.epochs = file.epochs.map(fewer);
        }
    };
    given.change = Some(&change);
    let reference = context.reference();
    let config = context.file.optimise.config.clone();
    let outcome = models::train(context, Kind::Preference, &config, &reference, &root, &given)?;
    let adapter = root.join(&outcome.adapter);
    let label = format!("6-pass-{number}");
    let dev = models::suite(context, Split::Dev, context.file.evaluation.items)?;
    let measured = models::evaluate(context, &dev, &context.with(adapter.clone()), &label)?;
    let before = models::stored(context, sft::REFERENCE)?;
    let kept = retained::of(&dev.file, &before, &measured, context.thresholds.retention)?;
    let lost = kept.benchmarks.iter().find(|one| one.decision.verdict == Verdict::Fail);
    // What the suite that watched proves to be lost counts as well, held-out evaluators among it.
    let warned = outcome.exported.iter().flat_map(|seen| &seen.warnings).next();
    let lost = lost.map(|one| one.name.clone()).or(warned.map(ToString::to_string));
    let under_limit = outcome.verdict() == Some(Verdict::Pass);
    let adherence = value(&measured, "adherence");
    let pass = Pass {
        number,
        weak: weak.to_vec(),
        targeted,
        adjustment,
        adherence,
        under_limit,
        direction: direction(&passes[best], adherence, under_limit, lost.is_some()),
        lost,
        adapter: context.folder.relative(&adapter),
        training: context.folder.relative(&root),
        label,
    };
    folder::put(&place.join(PASS), &pass)?;
    Ok(pass)
}

/// Adds a file of pairs under a name that is the same on every machine.
fn add(given: &mut Given<'_>, name: &str, path: PathBuf) {
    let name = PathBuf::from(format!("{name}.jsonl"));
    given.pairs.push(name.clone());
    given.overlay.insert(name, path);
}

/// Keeps the pairs of a pass whose chosen answer shows a weak trait that the rejected one does not; how many.
fn target(place: &std::path::Path, weak: &[String]) -> Result<usize> {
    let rows: Vec<serde_json::Value> = crate::read::jsonl(&pairs::file_of(place)?)?;
    let weak: BTreeSet<&str> = weak.iter().map(String::as_str).collect();
    let shows = |row: &serde_json::Value, side: &str, name: &str| {
        row.pointer(&format!("/notes/{side}/{name}")).and_then(serde_json::Value::as_u64)
    };
    let differs = |row: &serde_json::Value| {
        weak.iter().any(|name| shows(row, "chosen", name) > shows(row, "rejected", name))
    };
    let kept: Vec<&serde_json::Value> = rows.iter().filter(|row| differs(row)).collect();
    let mut bytes = Vec::new();
    for (index, row) in kept.iter().enumerate() {
        let mut row = (*row).clone();
        let pass = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The same scenario may give a pair in every pass: ids have to stay apart.
        if let Some(id) = row.get_mut("id") {
            *id = format!("{pass}/{}", id.as_str().map_or_else(|| index.to_string(), str::to_owned)).into();
        }
        bytes.extend(serde_json::to_vec(&row).expect("it was JSON before"));
        bytes.push(b'\n');
    }
    Output::create(&place.join(TARGETED))?.commit(&bytes)?;
    Ok(kept.len())
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
    let outcome = context.folder.path(&kept.adapter).join("train.json");
    record.artefacts.insert("training".into(), context.file_artefact(&outcome)?);
    let found: Outcome = folder::json(&outcome)?.ok_or_else(|| {
        Error::bad_input(format!("no record of the training: no file {}", outcome.display()))
    })?;
    let measured = models::stored(context, &kept.label)?;
    record.metrics.extend(optimise::divergence(&found));
    record.metrics.extend(judged::by_value(&measured));
    let dev = models::suite(context, Split::Dev, context.file.evaluation.items)?;
    let before = models::stored(context, sft::REFERENCE)?;
    let retained = retained::of(&dev.file, &before, &measured, context.thresholds.retention)?;
    let metrics: Vec<Metric> = retained::metrics(&retained, context.thresholds.retention);
    record.metrics.extend(optimise::ungated(metrics));
    let worse = passes.iter().skip(1).last().is_some_and(|pass| pass.direction == Direction::Degrading);
    record.checks.push(super::record::Check::of(
        "metrics are improving or stable",
        !worse || best > 0 || passes.len() == 1,
        if worse { "the last pass was worse and was rolled back" } else { why },
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(number: u32, adherence: f64, direction: Direction) -> Pass {
        Pass {
            number,
            weak: Vec::new(),
            targeted: 1,
            adjustment: Adjustment::NONE,
            adherence: Some(adherence),
            under_limit: true,
            lost: None,
            direction,
            adapter: PathBuf::new(),
            training: PathBuf::new(),
            label: String::new(),
        }
    }

    #[test]
    fn a_pass_is_held_against_the_best_one() {
        let best = pass(0, 0.6, Direction::Improving);
        assert_eq!(direction(&best, Some(0.62), true, false), Direction::Improving);
        assert_eq!(direction(&best, Some(0.61), true, false), Direction::Stable);
        assert_eq!(direction(&best, Some(0.57), true, false), Direction::Degrading);
        assert_eq!(direction(&best, Some(0.9), false, false), Direction::Degrading, "over the limit");
        assert_eq!(direction(&best, Some(0.9), true, true), Direction::Degrading, "a benchmark is lost");
        assert_eq!(direction(&best, None, true, false), Direction::Degrading, "not measured");
    }

    #[test]
    fn three_passes_within_two_points_have_converged_and_stage_5_is_none_of_them() {
        let of = |values: &[f64]| {
            let mut passes = vec![pass(0, 0.7, Direction::Improving)];
            passes.extend(
                values.iter().zip(1..).map(|(value, number)| pass(number, *value, Direction::Stable)),
            );
            converged(&passes)
        };
        assert!(!of(&[0.7, 0.7]));
        assert!(of(&[0.7, 0.715, 0.71]));
        assert!(!of(&[0.7, 0.73, 0.71]));
        assert!(of(&[0.5, 0.7, 0.715, 0.71]));
    }

    #[test]
    fn adjustments_follow_the_rules_and_add_up() {
        let mut over = pass(1, 0.6, Direction::Degrading);
        over.under_limit = false;
        let first = adjust(&[pass(0, 0.6, Direction::Improving), over.clone()]);
        assert_eq!(first, Adjustment { rate: 0.5, beta: 1.5, steps: 1.0 });
        let lost =
            Pass { lost: Some("facts".into()), adjustment: first, ..pass(2, 0.6, Direction::Degrading) };
        let second = adjust(&[pass(0, 0.6, Direction::Improving), over, lost]);
        assert_eq!(second, Adjustment { rate: 0.25, beta: 3.0, steps: 0.7 });
        let gaining = |last| {
            [(0, 0.6), (1, 0.65), (2, last)].map(|(number, value)| pass(number, value, Direction::Improving))
        };
        assert_eq!(adjust(&gaining(0.67)), Adjustment { rate: 1.5, beta: 0.8, steps: 1.0 }, "slow");
        assert_eq!(adjust(&gaining(0.75)), Adjustment::NONE, "not slow");
        assert_eq!(adjust(&gaining(0.67)[..2]), Adjustment::NONE, "not after the first pass");
    }
}
