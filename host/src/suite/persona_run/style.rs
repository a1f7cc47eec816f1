//! How near the voice is, and how steady: the responses scored between held-out texts of both voices.

use std::collections::BTreeMap;

use super::{PersonaResult, gated, plain};
use crate::{
    compare::ItemValue,
    error::Result,
    gates::Rule,
    metrics::style::{Anchors, StyleGate, StyleInput, StyleScore, length_score, style},
    model::{Finish, Outcome, Sample, Value},
    persona::texts::{Purpose, VoiceText},
    sandbox::Prepared,
    store::CellRecord,
    suite::{judge::Judge, load::Suite},
};

/// Scores responses and adds the style metrics.
///
/// # Errors
/// As [`Judge::outcomes`].
pub(super) fn push(
    result: &mut PersonaResult,
    suite: &Suite,
    prepared: &Prepared,
    samples: &[Sample],
    judge: &mut Judge<'_, '_, '_>,
) -> Result<()> {
    let outcomes = judge.outcomes(prepared, "style", samples)?;
    let style_score = |sample: &Sample, score: f64| StyleScore {
        sample_id: sample.id.clone(),
        family: sample.family.clone(),
        kind: sample.kind.clone(),
        score,
    };
    let scores: Vec<StyleScore> = samples
        .iter()
        .zip(&outcomes)
        .filter_map(|(sample, outcome)| Some(style_score(sample, score(outcome)?)))
        .collect();
    let lengths: Vec<StyleScore> =
        samples.iter().map(|sample| style_score(sample, length_score(&sample.response))).collect();
    for (sample, outcome) in samples.iter().zip(outcomes) {
        result.cells.push(CellRecord { evaluator: "style".into(), sample: sample.id.clone(), outcome });
    }

    let (voice, other) = anchors(suite, prepared, judge)?;
    let gate = StyleGate { variation: Rule::below(suite.file.gates.style_variance), ..StyleGate::default() };
    let seed = suite.file.seed.derive("style").0;
    let found = style(&StyleInput { scores: &scores, exemplars: &voice, contrast: &other }, &gate, seed);
    let length =
        |texts: &[Sample]| -> Vec<f64> { texts.iter().map(|text| length_score(&text.response)).collect() };
    let (long, other_long) = (length(&held_out(&suite.exemplars)), length(&held_out(&suite.contrast)));
    let by_length =
        style(&StyleInput { scores: &lengths, exemplars: &long, contrast: &other_long }, &gate, seed);

    let mut beside = BTreeMap::new();
    beside.extend(found.exemplar_variation.map(|value| ("exemplars' own".to_owned(), value)));
    beside
        .extend(by_length.variation.map(|evidence| ("by length alone".to_owned(), evidence.estimate.value)));
    result.metrics.push(gated(
        "style-variance",
        "style/1",
        found.variation,
        &gate.variation,
        &found.decision,
        beside,
    ));
    let mut matching = plain("style-match".into(), "style/1", found.mean_match);
    matching.unit = "m'".into();
    matching.range = None;
    result.metrics.push(matching);
    let scores = scores.iter().map(|score| (score.sample_id.as_str(), score.family.as_str(), score.score));
    result.items.extend(placed("style-match", scores, &voice, &other));
    Ok(())
}

/// What `compare` pairs: m' of every score, each a sample and its cluster, as in the metric's own number, so that both stand
/// on one scale. Texts that cannot anchor leave no m', and no items.
#[must_use]
pub fn placed<'a>(
    metric: &str,
    scores: impl Iterator<Item = (&'a str, &'a str, f64)>,
    exemplars: &[f64],
    contrast: &[f64],
) -> Vec<ItemValue> {
    let Ok(anchors) = Anchors::of(exemplars, contrast) else { return Vec::new() };
    let item = |(item, cluster, score): (&str, &str, f64)| ItemValue {
        metric: metric.to_owned(),
        item: item.to_owned(),
        cluster: cluster.to_owned(),
        value: anchors.place(score),
    };
    scores.map(item).collect()
}

/// A scorer's match; `None` where it gave none.
#[must_use]
pub fn score(outcome: &Outcome) -> Option<f64> {
    match outcome {
        Outcome::Scored { values, .. } => values.first().map(Value::ratio),
        Outcome::NotApplicable(_) | Outcome::Failed(_) => None,
    }
}

/// Scores of the held-out exemplars, and of the held-out contrast texts.
///
/// # Errors
/// As [`Judge::outcomes`].
pub fn anchors(
    suite: &Suite,
    prepared: &Prepared,
    judge: &mut Judge<'_, '_, '_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut scores = |texts: &[VoiceText]| -> Result<Vec<f64>> {
        Ok(judge.outcomes(prepared, "style", &held_out(texts))?.iter().filter_map(score).collect())
    };
    Ok((scores(&suite.exemplars)?, scores(&suite.contrast)?))
}

/// Held-out texts as samples of no scenario.
fn held_out(texts: &[VoiceText]) -> Vec<Sample> {
    texts
        .iter()
        .filter(|text| text.purpose == Purpose::HeldOut)
        .map(|text| Sample {
            id: text.id.clone(),
            family: text.id.clone(),
            kind: "text".into(),
            prompt: Vec::new(),
            response: text.text.clone(),
            finish: Finish::End,
        })
        .collect()
}
