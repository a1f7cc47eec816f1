//! Style variance: how steady the voice is.
//!
//! A scorer's match m has no scale of its own, so the host anchors it on texts in the voice and texts that are
//! not: `m' = (m - mean contrast) / (mean exemplar - mean contrast)`, 0 for "not the voice" and 1 for "the voice".
//! One short reply says little about style, so responses are pooled into blocks of 4 of the same context kind,
//! drawn with a seed. The value is `sd / mean` over block means of m' (sd with n - 1).
//!
//! - Interval: [`crate::stats::variation`], with families as the number of independent values where they are fewer than
//!   blocks. Fewer than 8 blocks are `insufficient`, as are fewer than 5 families. Up to three responses of each kind are in no block; the seed chooses them.
//! - The mean of m' over **all** responses, families as clusters, has to meet its own rule.
//! - The exemplars' own variation, `sd / sqrt(4) / mean` of their m', is what blocks of real text in the voice
//!   would show. Where it does not meet the gate itself, the scorer cannot resolve the gate: `inconclusive`.
//!   Exemplar scores must be held out: each scored by a scorer that has not seen it.
//! - Anchors are taken as they are; their own sampling error is not in the interval.
//!
//! The length-only control is the same computation with [`length_score`] in place of the scorer's match. A scorer
//! that does not do better than it measures length.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    gates::{Decision, Evidence, Rule, decide, decide::number},
    model::Verdict,
    stats::{by_cluster, mean, variation},
};

pub mod blocks;

pub use blocks::{BLOCK, plan_blocks};

/// Fewest blocks with a variance worth an interval.
pub const MIN_BLOCKS: usize = 8;
/// Fewest exemplars, and fewest contrast texts, to anchor on.
pub const MIN_ANCHORS: usize = 4;

/// A scorer's match for one response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StyleScore {
    /// Sample the response belongs to.
    pub sample_id: String,
    /// Scenario family; the cluster of the mean.
    pub family: String,
    /// Context kind; blocks never mix kinds.
    pub kind: String,
    /// The scorer's match, in its own unit; more is closer.
    pub score: f64,
}

/// Scores of responses and of the texts that anchor them.
#[derive(Debug, Clone, Copy)]
pub struct StyleInput<'a> {
    /// Responses of the model.
    pub scores: &'a [StyleScore],
    /// Held-out texts in the voice.
    pub exemplars: &'a [f64],
    /// Texts not in the voice.
    pub contrast: &'a [f64],
}

/// What style has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleGate {
    /// For the variation over blocks.
    pub variation: Rule,
    /// For the mean anchored match.
    pub mean_match: Rule,
}

impl Default for StyleGate {
    /// Variation below 15 %, mean match at least 0.5.
    fn default() -> Self {
        Self { variation: Rule::below(0.15), mean_match: Rule::at_least(0.5) }
    }
}

/// Style variance with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Style {
    /// sd / mean over blocks; n counts pooled responses, clusters count blocks.
    pub variation: Option<Evidence>,
    /// Mean anchored match over all responses, families as clusters.
    pub mean_match: Option<Evidence>,
    /// The exemplars' own variation.
    pub exemplar_variation: Option<f64>,
    /// Responses in no block.
    pub left_out: usize,
    /// What the gate concluded; `further` counts families.
    pub decision: Decision,
}

/// What the length-only control scores: the natural logarithm of the number of words, at least one.
#[must_use]
pub fn length_score(text: &str) -> f64 {
    (text.split_whitespace().count().max(1) as f64).ln()
}

/// Style variance of a set of scores under a gate; `seed` draws the blocks.
#[must_use]
pub fn style(input: &StyleInput<'_>, gate: &StyleGate, seed: u64) -> Style {
    let anchors = match anchored(input) {
        Ok(anchors) => anchors,
        Err(decision) => return Style::undecided(input, decision),
    };
    let matches: Vec<f64> = input.scores.iter().map(|score| anchors.place(score.score)).collect();
    let samples: Vec<(&str, &str)> =
        input.scores.iter().map(|score| (score.sample_id.as_str(), score.kind.as_str())).collect();
    let blocks: Vec<f64> = plan_blocks(&samples, seed)
        .iter()
        .map(|block| block.iter().map(|index| matches[*index]).sum::<f64>() / BLOCK as f64)
        .collect();
    let by_family = input.scores.iter().zip(&matches).map(|(score, value)| (score.family.as_str(), *value));
    let mean_match = mean::clustered(&by_cluster(by_family)).and_then(|mean| mean.evidence());
    // Blocks of different kinds hold responses of the same families, which are what is independent.
    let families = input.scores.iter().map(|score| score.family.as_str()).collect::<BTreeSet<_>>().len();
    let variation =
        (blocks.len() >= MIN_BLOCKS).then(|| variation::evidence(&blocks, families, BLOCK)).flatten();
    let exemplar_variation = anchors.own_variation(input.exemplars);
    let spread = spread_decision(gate, [blocks.len(), families], variation.as_ref(), exemplar_variation);
    let level = decide(&gate.mean_match, mean_match.as_ref());
    let decision = Decision::all_of(&[
        Decision { reason: format!("mean match: {}", level.reason), ..level },
        Decision {
            reason: format!("variation: {}", spread.reason),
            further: spread.further.map(|further| families_for(further, input.scores)),
            ..spread
        },
    ]);
    let left_out = input.scores.len() - blocks.len() * BLOCK;
    Style { variation, mean_match, exemplar_variation, left_out, decision }
}

/// The two points that fix the scale of m'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchors {
    contrast: f64,
    distance: f64,
}

/// Anchors for scores of which there are some.
fn anchored(input: &StyleInput<'_>) -> Result<Anchors, Decision> {
    if input.scores.is_empty() {
        return Err(Decision::insufficient("there are no style scores"));
    }
    Anchors::of(input.exemplars, input.contrast)
}

impl Anchors {
    /// Means of scores of held-out exemplars and contrast texts.
    ///
    /// # Errors
    /// Why they cannot anchor: too few of them, or a scorer that does not tell them apart.
    pub fn of(exemplars: &[f64], contrast: &[f64]) -> Result<Self, Decision> {
        if exemplars.len() < MIN_ANCHORS || contrast.len() < MIN_ANCHORS {
            return Err(Decision::insufficient(format!(
                "{} held-out exemplars and {} contrast texts, {MIN_ANCHORS} of each are needed",
                exemplars.len(),
                contrast.len()
            )));
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (middle, distance) = (mean(contrast), mean(exemplars) - mean(contrast));
        if distance > 0.0 && distance.is_finite() {
            return Ok(Self { contrast: middle, distance });
        }
        Err(Decision::new(
            Verdict::Inconclusive,
            "the scorer does not place the exemplars above the contrast texts",
        ))
    }

    /// m' of a score.
    #[must_use]
    pub fn place(&self, score: f64) -> f64 {
        (score - self.contrast) / self.distance
    }

    /// Variation that blocks of texts in the voice would show, `sd / sqrt(4) / mean` of their m'; `None` where it is not
    /// defined.
    #[must_use]
    pub fn own_variation(&self, exemplars: &[f64]) -> Option<f64> {
        let placed: Vec<f64> = exemplars.iter().map(|score| self.place(*score)).collect();
        variation::value(&placed).map(|own| own / (BLOCK as f64).sqrt())
    }
}

impl Style {
    /// A result without numbers.
    fn undecided(input: &StyleInput<'_>, decision: Decision) -> Self {
        let left_out = input.scores.len();
        Self { variation: None, mean_match: None, exemplar_variation: None, left_out, decision }
    }
}

/// The gate on variation, unless the scorer or the data cannot carry it.
fn spread_decision(
    gate: &StyleGate,
    [blocks, families]: [usize; 2],
    variation: Option<&Evidence>,
    exemplars: Option<f64>,
) -> Decision {
    if blocks < MIN_BLOCKS {
        return Decision::insufficient(format!(
            "{blocks} blocks of {BLOCK} responses, {MIN_BLOCKS} are needed"
        ));
    }
    if families < variation::FEWEST {
        return Decision::insufficient(format!("{families} families, {} are needed", variation::FEWEST));
    }
    let Some(own) = exemplars.filter(|own| gate.variation.holds(*own)) else {
        let own = exemplars.map_or_else(|| "undefined".to_owned(), number);
        return Decision::new(
            Verdict::Inconclusive,
            format!(
                "the exemplars' own variation is {own} against {} {}: the scorer cannot resolve the gate",
                gate.variation.comparison, gate.variation.threshold
            ),
        );
    };
    match variation {
        Some(variation) => {
            let decision = decide(&gate.variation, Some(variation));
            Decision { reason: format!("{} (exemplars {})", decision.reason, number(own)), ..decision }
        }
        None => Decision::insufficient("the mean match is too close to zero for a relative spread"),
    }
}

/// Families that give so many blocks, with as many kinds as there are.
fn families_for(blocks: usize, scores: &[StyleScore]) -> usize {
    let kinds: BTreeSet<&str> = scores.iter().map(|score| score.kind.as_str()).collect();
    (blocks * BLOCK).div_ceil(kinds.len().max(1))
}

#[cfg(test)]
mod tests;
