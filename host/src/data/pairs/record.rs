//! What a set of pairs is worth, and what made it. It holds no clock and no path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    choose::NoPair,
    file::PairsFile,
    judged::{Judged, TraitJudged},
    source::Source,
};
use crate::{
    compare::Identity,
    data::measured::gated,
    gates::Rule,
    ids::Digest,
    metrics::{
        CellState, Coverage, PairCells, contrast,
        preference::{self, PairScore},
    },
    model::Verdict,
    suite::{evaluators::Evaluators, identity, load::Suite, persona_run::plain, record::Metric, run::Means},
};

/// Version of the record; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// What a set of pairs is worth, and what made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairsRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// The first 12 digits of the digest of configuration and identity.
    pub id: String,
    /// Name of the suite.
    pub suite: String,
    /// Scenarios that were answered.
    pub scenarios: usize,
    /// Answers to them.
    pub answers: usize,
    /// Scenarios that gave a pair.
    pub pairs: usize,
    /// Scenarios that gave none, by reason.
    pub without: BTreeMap<String, usize>,
    /// How many chosen answers came from each source.
    pub chosen_from: BTreeMap<Source, usize>,
    /// How many rejected answers came from each source.
    pub rejected_from: BTreeMap<Source, usize>,
    /// Traits whose detectors chose.
    pub chosen_by: Vec<String>,
    /// Traits whose detectors took no part in the choice.
    pub held_out: Vec<String>,
    /// `gap` and `longer`, with their gates; `contrast` and `covered`, with theirs where the two sides have sources of their
    /// own; `margin`, `gap/<held-out>` and `pairs/<trait>`.
    pub metrics: Vec<Metric>,
    /// Per trait in how many pairs it differs.
    pub coverage: BTreeMap<String, Coverage>,
    /// How the pairs were built: the configuration, without the model's name.
    pub config: PairsFile,
    /// Model, engine and evaluators.
    pub identity: Identity,
    /// Of the file of pairs.
    pub digests: BTreeMap<String, Digest>,
}

impl PairsRecord {
    /// The worst of its gates.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        crate::suite::record::worst(&self.metrics)
    }
}

/// What is known before the model is asked.
pub(super) struct Header {
    identity: Identity,
    config: PairsFile,
}

impl Header {
    pub(super) fn new(file: &PairsFile, suite: &Suite, evaluators: &Evaluators, means: &Means<'_>) -> Self {
        let identity = identity::of_suite(suite, evaluators, means.sandbox.limits(), means.backend);
        Self { identity, config: PairsFile { model: None, ..file.clone() } }
    }

    /// The record of `pairs`, each the places of its chosen and its rejected answer.
    pub(super) fn finish(
        self,
        file: &PairsFile,
        suite: &Suite,
        judged: &Judged,
        pairs: &[(usize, usize)],
        without: &[NoPair],
    ) -> PairsRecord {
        let mut reasons = BTreeMap::new();
        for reason in without {
            *reasons.entry(reason.to_string()).or_insert(0) += 1;
        }
        let traits = |held_out: bool| -> Vec<String> {
            let traits = judged.traits.iter().filter(|judged| judged.held_out == held_out);
            traits.map(|judged| judged.trait_id.clone()).collect()
        };
        let from = |side: &dyn Fn(&(usize, usize)) -> usize| {
            let mut count = BTreeMap::new();
            for pair in pairs {
                *count.entry(judged.origins[side(pair)].source).or_insert(0) += 1;
            }
            count
        };
        let coverage = coverage(judged, pairs);
        let mut metrics = metrics(judged, pairs, &preference::gap_rule());
        metrics.splice(2..2, contrasts(judged, pairs, &coverage, &traits(false), file.contrasts()));
        PairsRecord {
            format: FORMAT,
            id: Digest::of_json(&(&self.config, &self.identity)).short().to_owned(),
            suite: suite.file.name.clone(),
            scenarios: suite.scenarios.len(),
            answers: judged.samples.len(),
            pairs: pairs.len(),
            without: reasons,
            chosen_from: from(&|&(chosen, _)| chosen),
            rejected_from: from(&|&(_, rejected)| rejected),
            chosen_by: traits(false),
            held_out: traits(true),
            metrics,
            coverage,
            config: self.config,
            identity: self.identity,
            digests: BTreeMap::new(),
        }
    }
}

/// What pairs are worth, each the places of its chosen and its rejected answer: the held-out gap under `rule`, length bias,
/// the margin of the choosing traits, and every evaluator by itself.
pub(crate) fn metrics(judged: &Judged, pairs: &[(usize, usize)], rule: &Rule) -> Vec<Metric> {
    let scores = |difference: &dyn Fn(usize, usize) -> Option<f64>| -> Vec<PairScore> {
        let score = |&(chosen, rejected): &(usize, usize)| PairScore {
            family: judged.samples[chosen].family.clone(),
            difference: difference(chosen, rejected),
            chosen_words: judged.words(chosen),
            rejected_words: judged.words(rejected),
        };
        pairs.iter().map(score).collect()
    };
    let share = Some(preference::DIFFERENCE);
    let gap = |difference: &dyn Fn(usize, usize) -> Option<f64>| preference::gap(&scores(difference), share);

    let held_out = gap(&|chosen, rejected| held_out_difference(judged, chosen, rejected));
    let mut metrics = vec![
        gated("gap", preference::FORMULA, held_out, rule),
        gated(
            "longer",
            preference::FORMULA,
            preference::length_bias(&scores(&|_, _| None)),
            &preference::length_rule(),
        ),
    ];
    let margin =
        gap(&|chosen, rejected| Some(judged.candidate(chosen).score? - judged.candidate(rejected).score?));
    metrics.push(plain("margin".into(), preference::FORMULA, margin));
    for (index, trait_judged) in judged.traits.iter().enumerate() {
        let name = if trait_judged.held_out { "gap" } else { "pairs" };
        let found = gap(&|chosen, rejected| trait_difference(judged, index, chosen, rejected));
        metrics.push(plain(format!("{name}/{}", trait_judged.trait_id), preference::FORMULA, found));
    }
    if let Some(style) = &judged.style {
        let gap = |places: &[Option<f64>]| {
            preference::gap(&scores(&|chosen, rejected| Some(places[chosen]? - places[rejected]?)), None)
        };
        let (found, reason) = match style {
            Ok(places) => (gap(places), String::new()),
            Err(decision) => (None, format!("not measured: {}", decision.reason)),
        };
        let metric = plain("gap/style".into(), preference::FORMULA, found);
        metrics.push(Metric { unit: "m'".into(), reason, ..metric });
    }
    for metric in &mut metrics {
        // Differences may be negative.
        metric.range = None;
    }
    metrics
}

/// Per trait in how many pairs it differs.
fn coverage(judged: &Judged, pairs: &[(usize, usize)]) -> BTreeMap<String, Coverage> {
    let count = |found: &TraitJudged| {
        let cells = pairs.iter().map(|&(chosen, rejected)| (found.states[chosen], found.states[rejected]));
        (found.trait_id.clone(), Coverage::of(cells))
    };
    judged.traits.iter().map(count).collect()
}

/// Share of pairs that contrast under the held-out detectors, and whether every choosing trait is covered. Pairs whose
/// sides share their sources promise neither: there both are told and not gated.
fn contrasts(
    judged: &Judged,
    pairs: &[(usize, usize)],
    coverage: &BTreeMap<String, Coverage>,
    choosing: &[String],
    with_gates: bool,
) -> [Metric; 2] {
    let cells = |sample: usize| -> Vec<CellState> {
        let held_out = judged.traits.iter().filter(|judged| judged.held_out);
        held_out.map(|judged| judged.states[sample]).collect()
    };
    let cells: Vec<PairCells> = pairs
        .iter()
        .map(|&(chosen, rejected)| PairCells {
            family: judged.samples[chosen].family.clone(),
            consistent: cells(chosen),
            inconsistent: cells(rejected),
        })
        .collect();
    let evidence = contrast::contrast(&cells);
    let share = if with_gates {
        gated("contrast", contrast::FORMULA, evidence, &contrast::contrast_rule())
    } else {
        plain("contrast".into(), contrast::FORMULA, evidence)
    };
    let found = contrast::covered(coverage, choosing);
    let covered = Metric {
        verdict: with_gates.then_some(found.verdict),
        reason: found.reason,
        ..plain("covered".into(), contrast::FORMULA, None)
    };
    [share, covered]
}

/// Hit or miss of the chosen answer minus that of the rejected one; `None` where a detector could not say.
pub(crate) fn trait_difference(judged: &Judged, index: usize, chosen: usize, rejected: usize) -> Option<f64> {
    let shown = |sample: usize| match judged.traits[index].states[sample] {
        CellState::Hit => Some(1.0),
        CellState::Miss => Some(0.0),
        CellState::Failed | CellState::NotApplicable => None,
    };
    Some(shown(chosen)? - shown(rejected)?)
}

/// Mean over the held-out detectors that could judge both answers.
fn held_out_difference(judged: &Judged, chosen: usize, rejected: usize) -> Option<f64> {
    let held_out = (0..judged.traits.len()).filter(|&index| judged.traits[index].held_out);
    let found: Vec<f64> =
        held_out.filter_map(|index| trait_difference(judged, index, chosen, rejected)).collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}
