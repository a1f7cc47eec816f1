//! The numbers of a trait detector's card.

use serde::{Deserialize, Serialize};

use super::{
    Judged, fold,
    separation::{Separation, separation},
    threshold::{Operating, calibrate, operate},
};
use crate::{gates::Decision, ids::Seed, model::Verdict};

/// What a detector's scores are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorNumbers {
    /// Areas and curves.
    #[serde(flatten)]
    pub separation: Separation,
    /// The threshold that the suite names, and what it gives.
    pub at_given: Option<AtThreshold>,
    /// The threshold learned from all texts, with what such thresholds give on texts that they have not seen.
    pub at_calibrated: Option<AtThreshold>,
    /// Folds of the cross-validation.
    pub folds: usize,
    /// What the card concludes.
    pub decision: Decision,
}

/// A threshold and what it gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AtThreshold {
    /// Presence at or above which the trait is found.
    pub threshold: f64,
    /// What comes of it.
    #[serde(flatten)]
    pub operating: Operating,
}

/// Numbers of a detector. `wanted` says whether a find is what the persona asks for; `given` is the suite's threshold.
#[must_use]
pub fn detector(texts: &[Judged<'_>], wanted: bool, given: Option<f64>, seed: Seed) -> DetectorNumbers {
    let separation = separation(texts, if wanted { 1.0 } else { -1.0 });
    let dealt = fold::of_judged(texts, seed);
    let folds = dealt.values().max().map_or(0, |last| last + 1);
    let lines: Vec<Option<f64>> = (0..folds)
        .map(|fold| calibrate(texts.iter().filter(|text| dealt[text.group] != fold), wanted))
        .collect();
    let at_calibrated = calibrate(texts, wanted).map(|threshold| AtThreshold {
        threshold,
        operating: operate(texts, wanted, |text| lines[dealt[text.group]]),
    });
    let at_given = given
        .map(|threshold| AtThreshold { threshold, operating: operate(texts, wanted, |_| Some(threshold)) });
    let mut decision = separation.decide();
    if decision.passed()
        && let Some(reason) = at_given.as_ref().zip(at_calibrated.as_ref()).and_then(worse)
    {
        decision = Decision::new(Verdict::Inconclusive, reason);
    }
    DetectorNumbers { separation, at_given, at_calibrated, folds, decision }
}

/// Why the given threshold should not stay, if another one is proven to be better: its accuracy lies above with both bounds.
fn worse((given, calibrated): (&AtThreshold, &AtThreshold)) -> Option<String> {
    let (before, after) = (given.operating.accuracy?, calibrated.operating.accuracy?);
    (before.upper < after.lower).then(|| {
        format!(
            "threshold {} is proven worse than {:.4}: accuracy {:.1} % against {:.1} % on folds that it was not learned from",
            given.threshold,
            calibrated.threshold,
            100.0 * before.estimate.value,
            100.0 * after.estimate.value
        )
    })
}

#[cfg(test)]
mod tests;
