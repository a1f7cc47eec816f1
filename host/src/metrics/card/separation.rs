//! How far an evaluator tells right texts from others, and whether counting words does as well.

use serde::{Deserialize, Serialize};

use super::{Counts, Judged, Label, Reading, matched};
use crate::{
    gates::{Decision, Evidence, decide::number},
    model::Verdict,
    stats::auc::{self, Scored},
};

/// Right texts against some others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// `others`, `wrong`, `none` or `length-matched`.
    pub against: String,
    /// Right texts with a score.
    pub right: usize,
    /// Others with a score.
    pub others: usize,
    /// Area of the evaluator's scores.
    pub auc: Option<Evidence>,
    /// Area of length alone, on the same texts.
    pub length: Option<Evidence>,
    /// The one minus the other.
    pub lead: Option<Evidence>,
}

/// Areas and curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Separation {
    /// How texts were read.
    pub counts: Counts,
    /// `others` first, then each label where both are there, then `length-matched`.
    pub contrasts: Vec<Contrast>,
    /// Corners of the curve against all others: false alarm, sensitivity.
    pub curve: Vec<(f64, f64)>,
    /// Corners of the curve of length alone.
    pub length_curve: Vec<(f64, f64)>,
    /// Whether the evaluator is not proven to tell more than length alone.
    pub length_alone: bool,
}

/// A text with an oriented score: more is more like the persona.
#[derive(Debug, Clone, Copy)]
pub(super) struct Oriented<'a> {
    pub(super) text: Judged<'a>,
    pub(super) score: f64,
}

/// Texts with a score; `sign` is -1 where less of the metric is wanted.
pub(super) fn oriented<'a>(texts: &[Judged<'a>], sign: f64) -> Vec<Oriented<'a>> {
    let scored = |text: &Judged<'a>| match text.reading {
        Reading::Score(score) => Some(Oriented { text: *text, score: sign * score }),
        Reading::NotApplicable | Reading::Failed => None,
    };
    texts.iter().filter_map(scored).collect()
}

/// Areas and curves of texts; `sign` is -1 where less of the metric is wanted.
#[must_use]
pub fn separation(texts: &[Judged<'_>], sign: f64) -> Separation {
    let oriented = oriented(texts, sign);
    let of = |wanted: &dyn Fn(Label) -> bool| -> Vec<Oriented<'_>> {
        oriented.iter().filter(|text| wanted(text.text.label)).copied().collect()
    };
    let right = of(&|label| label == Label::Right);
    let others = of(&|label| label != Label::Right);
    let mut contrasts = vec![contrast("others", &right, &others)];
    let (wrong, none) = (of(&|label| label == Label::Wrong), of(&|label| label == Label::None));
    if !wrong.is_empty() && !none.is_empty() {
        contrasts.push(contrast("wrong", &right, &wrong));
        contrasts.push(contrast("none", &right, &none));
    }
    let (left, beside): (Vec<_>, Vec<_>) = matched::pairs(&right, &others).into_iter().unzip();
    contrasts.push(contrast("length-matched", &left, &beside));
    let scores = |side: &[Oriented<'_>]| side.iter().map(|text| text.score).collect::<Vec<f64>>();
    let lengths = |side: &[Oriented<'_>], direction: f64| -> Vec<f64> {
        side.iter().map(|text| direction * length(text)).collect()
    };
    let direction = longer(&right, &others);
    Separation {
        counts: Counts::of(texts),
        length_alone: !contrasts[0].lead.is_some_and(|lead| lead.lower > 0.0),
        contrasts,
        curve: auc::curve(&scores(&right), &scores(&others)),
        length_curve: auc::curve(&lengths(&right, direction), &lengths(&others, direction)),
    }
}

impl Separation {
    /// Whether the scores tell right texts from others, and more than length does.
    #[must_use]
    pub fn decide(&self) -> Decision {
        if let Some(refusal) = self.counts.refusal() {
            return refusal;
        }
        let against = &self.contrasts[0];
        let Some(auc) = against.auc else {
            return Decision::insufficient("one side of the comparison has fewer than two groups");
        };
        let bounds = format!("95 % bounds of its area, {} to {},", number(auc.lower), number(auc.upper));
        if auc.upper <= 0.5 {
            return Decision::new(Verdict::Fail, format!("{bounds} lie at chance or below"));
        }
        if auc.lower <= 0.5 {
            return Decision::new(Verdict::Inconclusive, format!("{bounds} lie on both sides of chance"));
        }
        if self.length_alone {
            let value = |found: Option<Evidence>| {
                found.map_or_else(|| "none".into(), |found| number(found.estimate.value))
            };
            let reason = format!(
                "length alone may do as well: area {} against {}, lead at least {}",
                value(against.auc),
                value(against.length),
                against.lead.map_or_else(|| "unknown".into(), |lead| number(lead.lower))
            );
            return Decision::new(Verdict::Inconclusive, reason);
        }
        Decision::new(
            Verdict::Pass,
            format!("{bounds} lie above chance, and it tells more than length alone"),
        )
    }
}

fn contrast(against: &str, right: &[Oriented<'_>], others: &[Oriented<'_>]) -> Contrast {
    let direction = longer(right, others);
    let [right_scores, other_scores] = [right, others].map(|side| scored(side, |text| text.score));
    let [right_lengths, other_lengths] =
        [right, others].map(|side| scored(side, |text| direction * length(text)));
    Contrast {
        against: against.into(),
        right: right.len(),
        others: others.len(),
        auc: auc::auc(&right_scores, &other_scores),
        length: auc::auc(&right_lengths, &other_lengths),
        lead: auc::difference([&right_scores, &other_scores], [&right_lengths, &other_lengths]),
    }
}

fn scored<'a>(side: &[Oriented<'a>], score: impl Fn(&Oriented<'a>) -> f64) -> Vec<Scored<'a>> {
    side.iter().map(|text| (text.text.group, score(text))).collect()
}

fn length(text: &Oriented<'_>) -> f64 {
    (text.text.words.max(1) as f64).ln()
}

/// 1 where right texts tend to be longer, -1 where they tend to be shorter: length is given its better direction.
fn longer(right: &[Oriented<'_>], others: &[Oriented<'_>]) -> f64 {
    let lengths = |side: &[Oriented<'_>]| side.iter().map(length).collect::<Vec<f64>>();
    let area = auc::value(&lengths(right), &lengths(others));
    if area.is_some_and(|area| area < 0.5) { -1.0 } else { 1.0 }
}
