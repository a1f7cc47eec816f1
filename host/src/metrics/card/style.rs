//! The numbers of a style scorer's card: how far its match separates the voice from others, and its own noise.

use serde::{Deserialize, Serialize};

use super::{
    Judged, Label,
    separation::{Oriented, Separation, oriented, separation},
};
use crate::{
    gates::Decision,
    metrics::style::{Anchors, BLOCK},
    model::Verdict,
};

/// What a style scorer's match is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StyleNumbers {
    /// Areas and curves.
    #[serde(flatten)]
    pub separation: Separation,
    /// Mean match of right texts.
    pub mean_right: Option<f64>,
    /// Mean match of others.
    pub mean_others: Option<f64>,
    /// Variation that blocks of the persona's own texts show: sd / sqrt(4) / mean of the anchored match.
    pub own_variation: Option<f64>,
    /// Largest variation that the suite's gate allows.
    pub gate: f64,
    /// What the card concludes.
    pub decision: Decision,
}

/// Numbers of a style scorer; `gate` is the variation that the suite's gate is below.
#[must_use]
pub fn style(texts: &[Judged<'_>], gate: f64) -> StyleNumbers {
    let separation = separation(texts, 1.0);
    let (right, others): (Vec<_>, Vec<_>) =
        oriented(texts, 1.0).into_iter().partition(|text| text.text.label == Label::Right);
    let scores = |side: &[Oriented<'_>]| side.iter().map(|text| text.score).collect::<Vec<f64>>();
    let (right, others) = (scores(&right), scores(&others));
    let mean = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        mean.is_finite().then_some(mean)
    };
    let own_variation = Anchors::of(&right, &others).ok().and_then(|anchors| anchors.own_variation(&right));
    let mut decision = separation.decide();
    if decision.passed() && own_variation.is_none_or(|own| own >= gate) {
        let own = own_variation.map_or_else(|| "undefined".into(), |own| format!("{:.1} %", 100.0 * own));
        let reason = format!(
            "blocks of {BLOCK} of the persona's own texts vary by {own}, so the gate of {:.1} % cannot be resolved",
            100.0 * gate
        );
        decision = Decision::new(Verdict::Inconclusive, reason);
    }
    StyleNumbers {
        mean_right: mean(&right),
        mean_others: mean(&others),
        own_variation,
        gate,
        separation,
        decision,
    }
}
