//! What an adapter does beside its loss, judged on the way.
//!
//! Before the first step, after every so many, and once for the adapter that comes out, a suite is run with the adapter on
//! its dev families: traits, voice, benchmarks, over-characterisation. Each such run is stored like any other, so that
//! `runs` lists it and `compare` reads it. It is made by workers of its own, which read the checkpoint from disk: the
//! training worker goes on as if nothing had been asked.
//!
//! Each run is compared with the one before the first step, item by item, with Holm's correction over metrics. Two losses
//! are warnings, and a step with a warning is never the best one:
//!
//! - a benchmark is proven to be worse: the model unlearns what it could do;
//! - an evaluator that was **held out** from choosing pairs is proven to see less of the persona. Where an evaluator that
//!   chose sees more at the same time, training games the choosers.
//!
//! A watch has few families, so that it costs little. It can prove a loss; it cannot prove that there is none.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    compare::{Change, Comparison, Correction, Method, MetricComparison, compare},
    error::{Error, Result},
    ids::Seed,
    model::Estimate,
    stats::bootstrap::Bootstrap,
    suite::record::{Metric, Record},
};

/// Replicates of the comparison.
const REPLICATES: usize = 2_000;

/// What is to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The adapter, or the starting model as it is.
    pub adapter: Option<&'a Path>,
    /// Name of the run.
    pub name: &'a str,
    /// Whether benchmarks and neutral tasks are wanted too.
    pub whole: bool,
}

/// Told what is being done and how far it is: stage, done, total.
pub type Stage<'a> = dyn FnMut(&str, usize, usize) + 'a;

/// Runs the suite.
pub type Evaluate<'a> = dyn FnMut(Asked<'_>, &mut Stage<'_>) -> Result<Record> + 'a;

/// Runs a suite and remembers what it said of the starting model.
#[derive(Default)]
pub struct Watcher<'a> {
    evaluate: Option<Box<Evaluate<'a>>>,
    held_out: BTreeSet<String>,
    training: String,
    before: Option<Record>,
}

/// What a watch saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// After which step.
    pub step: u32,
    /// Id of the stored run.
    pub run: String,
    /// Every number that was estimated.
    pub numbers: BTreeMap<String, Number>,
    /// What each did against the starting model, of those that are measured item by item.
    pub changes: BTreeMap<String, Change>,
    /// Why the step is not one to choose.
    pub warnings: Vec<Warning>,
}

/// A number of the suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// What it counts in.
    pub unit: String,
    /// Value and interval.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// Why a step is not one to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// A benchmark is worse than before training.
    CapabilityLost(String),
    /// A held-out evaluator sees less of the persona than before training.
    HeldOutLost(String),
    /// So it does, and an evaluator that chose sees more.
    Gamed(String),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CapabilityLost(metric) => write!(f, "{metric} is worse than before training"),
            Self::HeldOutLost(metric) => write!(f, "{metric}, held out, sees less of the persona"),
            Self::Gamed(metric) => {
                write!(f, "{metric}, held out, sees less of the persona while evaluators that chose see more")
            }
        }
    }
}

impl<'a> Watcher<'a> {
    /// One that runs a suite with `evaluate`; `held_out` are traits whose detectors took no part in choosing pairs.
    #[must_use]
    pub fn new(evaluate: Box<Evaluate<'a>>, held_out: BTreeSet<String>) -> Self {
        Self { evaluate: Some(evaluate), held_out, ..Self::default() }
    }

    /// Whether there is a suite.
    #[must_use]
    pub const fn watches(&self) -> bool {
        self.evaluate.is_some()
    }

    /// Names the training: what the names of its runs begin with.
    pub fn name(&mut self, training: String) {
        self.training = training;
    }

    /// What the suite says of an adapter after a step, or of the starting model, which is judged first in any case. `label`
    /// ends the run's name.
    ///
    /// # Errors
    /// Those of the evaluation.
    pub fn watch(
        &mut self,
        step: u32,
        adapter: Option<&Path>,
        label: &str,
        stage: &mut Stage<'_>,
    ) -> Result<Option<Watched>> {
        let Some(evaluate) = &mut self.evaluate else { return Ok(None) };
        let name = |label: &str| format!("{}-{label}", self.training);
        if self.before.is_none() {
            let asked = Asked { adapter: None, name: &name("before"), whole: true };
            self.before = Some(evaluate(asked, stage)?);
        }
        let Some(before) = &self.before else { return Ok(None) };
        let after = match adapter {
            Some(_) => evaluate(Asked { adapter, name: &name(label), whole: true }, stage)?,
            None => before.clone(),
        };
        seen(step, before, &after, &self.held_out).map(Some)
    }

    /// Adherence alone, on responses alone.
    ///
    /// # Errors
    /// Those of the evaluation.
    pub fn adherence(
        &mut self,
        adapter: &Path,
        label: &str,
        stage: &mut Stage<'_>,
    ) -> Result<Option<Estimate>> {
        let Some(evaluate) = &mut self.evaluate else { return Ok(None) };
        let name = format!("{}-{label}", self.training);
        let record = evaluate(Asked { adapter: Some(adapter), name: &name, whole: false }, stage)?;
        Ok(record.metrics.iter().find(|metric| metric.name == "adherence").and_then(|metric| metric.estimate))
    }
}

/// One run against the one before training.
fn seen(step: u32, before: &Record, after: &Record, held_out: &BTreeSet<String>) -> Result<Watched> {
    let bootstrap = Bootstrap { replicates: REPLICATES, seed: Seed(0).derive("watch").0 };
    // Without a margin: a watch looks for losses, however small.
    let method = Method { bootstrap, correction: Correction::Holm, margin: None };
    let compared = compare(&before.side(), &[after.side()], &before.directions(), method, &[])?.pop();
    let Some(Comparison::Compared { metrics, .. }) = compared else {
        return Err(Error::usage("the suite of [watch] changed while the training went on")
            .hint("train into another --output"));
    };
    let numbers = after.metrics.iter();
    let number = |metric: &Metric| {
        let unit = metric.unit.clone();
        metric.estimate.map(|estimate| (metric.name.clone(), Number { unit, estimate }))
    };
    let numbers = numbers.filter_map(number).collect();
    let warnings = warnings(&metrics, held_out);
    let changes = metrics.into_iter().map(|metric| (metric.metric, metric.change)).collect();
    Ok(Watched { step, run: after.id.clone(), numbers, changes, warnings })
}

fn warnings(metrics: &[MetricComparison], held_out: &BTreeSet<String>) -> Vec<Warning> {
    let chose =
        |metric: &str| metric.strip_prefix("trait/").is_some_and(|trait_id| !held_out.contains(trait_id));
    let is_held_out = |metric: &str| {
        metric == "style-match"
            || metric.strip_prefix("trait/").is_some_and(|trait_id| held_out.contains(trait_id))
    };
    // Everything else that a suite measures is a benchmark, but for what sums traits up and what is advice.
    let benchmark = |metric: &str| {
        !metric.starts_with("trait/")
            && !["adherence", "style-match", "over-characterisation"].contains(&metric)
    };
    let gained = metrics.iter().any(|metric| chose(&metric.metric) && metric.change == Change::Improved);
    let lost = metrics.iter().filter(|metric| metric.change == Change::Regressed);
    lost.filter_map(|metric| {
        let name = metric.metric.clone();
        if is_held_out(&name) {
            return Some(if gained { Warning::Gamed(name) } else { Warning::HeldOutLost(name) });
        }
        benchmark(&name).then_some(Warning::CapabilityLost(name))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::Test, model::Direction};

    fn changed(metric: &str, change: Change) -> MetricComparison {
        MetricComparison {
            metric: metric.into(),
            direction: Some(Direction::Higher),
            n: 10,
            clusters: 10,
            before: None,
            after: None,
            difference: None,
            bounds: None,
            interval: None,
            long_tail: false,
            test: Test::ClusterSignFlip,
            p: 0.01,
            p_adjusted: 0.01,
            discordant: None,
            mcnemar_p: None,
            margin: None,
            minimum_detectable: None,
            items_needed: None,
            change,
        }
    }

    fn warned(metrics: &[(&str, Change)]) -> Vec<String> {
        let metrics: Vec<MetricComparison> =
            metrics.iter().map(|&(metric, change)| changed(metric, change)).collect();
        let held_out = ["voice".to_owned()].into();
        warnings(&metrics, &held_out).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_benchmark_that_is_worse_is_a_warning_and_one_that_cannot_be_told_is_none() {
        assert_eq!(
            warned(&[
                ("facts/accuracy", Change::Regressed),
                ("prose/bits-per-byte", Change::CannotTell),
                ("over-characterisation", Change::Regressed),
                ("trait/thanks", Change::Regressed),
            ]),
            ["facts/accuracy is worse than before training"]
        );
    }

    #[test]
    fn choosers_that_gain_what_held_out_evaluators_lose_are_gamed() {
        let held_out = [("style-match", Change::Regressed), ("trait/voice", Change::Regressed)];
        assert_eq!(
            warned(&held_out),
            [
                "style-match, held out, sees less of the persona",
                "trait/voice, held out, sees less of the persona"
            ]
        );
        let gamed = warned(&[held_out[0], ("trait/thanks", Change::Improved)]);
        assert_eq!(
            gamed,
            ["style-match, held out, sees less of the persona while evaluators that chose see more"]
        );
        assert!(warned(&[("trait/thanks", Change::Improved), ("trait/voice", Change::Improved)]).is_empty());
    }
}
