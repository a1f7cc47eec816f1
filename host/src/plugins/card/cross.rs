//! Cross-fitting: an evaluator that learns from data is fitted on the other folds of the very texts that judge it.
//!
//! So a small set of labelled texts serves both purposes, and no text is judged by an evaluator that has seen it or
//! another one of its group. The state on the card is that of a fit on all of them, which is what an author ships.

use std::collections::BTreeSet;

use serde_json::json;

use super::text::LabelledText;
use crate::{
    error::Result,
    ids::Seed,
    metrics::card::{Label, fold},
    model::{Outcome, Sample},
    sandbox::{Evaluator, Prepared, Row},
};

/// What an evaluator is prepared with, data aside.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// JSON of its settings.
    pub config: &'a str,
    /// JSON of the profile.
    pub profile: &'a str,
    /// Questions that it may ask.
    pub grants: &'a BTreeSet<String>,
}

/// Who judges: one outcome per sample, in their order.
pub type Judging<'a> = dyn FnMut(&Prepared, &[Sample]) -> Result<Vec<Outcome>> + 'a;

/// Outcomes of every text by an evaluator fitted without its fold, and the evaluator fitted on all.
///
/// # Errors
/// As [`Evaluator::prepare`] and `judge`.
///
/// # Panics
/// If `judge` gives fewer outcomes than samples, which is a bug.
pub fn cross_fit(
    evaluator: &Evaluator,
    settings: Settings<'_>,
    texts: &[&LabelledText],
    seed: Seed,
    judge: &mut Judging<'_>,
) -> Result<(Prepared, Vec<Outcome>)> {
    let Settings { config, profile, grants } = settings;
    let folds = fold::folds(texts.iter().map(|text| (text.group.as_str(), text.label)), seed);
    let count = folds.values().max().map_or(0, |last| last + 1);
    let mut outcomes: Vec<Option<Outcome>> = vec![None; texts.len()];
    for fold in 0..count {
        let (tried, learned): (Vec<usize>, Vec<usize>) =
            (0..texts.len()).partition(|place| folds[texts[*place].group.as_str()] == fold);
        let rows = rows(learned.iter().map(|place| texts[*place]));
        let prepared = evaluator.prepare(config, profile, &rows, grants)?;
        let samples: Vec<Sample> = tried.iter().map(|place| texts[*place].sample()).collect();
        for (place, outcome) in tried.into_iter().zip(judge(&prepared, &samples)?) {
            outcomes[place] = Some(outcome);
        }
    }
    let prepared = evaluator.prepare(config, profile, &rows(texts.iter().copied()), grants)?;
    Ok((prepared, outcomes.into_iter().map(|outcome| outcome.expect("every text is in a fold")).collect()))
}

/// Rows as a suite hands them out: right texts are the exemplars.
fn rows<'a>(texts: impl Iterator<Item = &'a LabelledText>) -> Vec<Row> {
    let row = |text: &LabelledText| {
        let label = if text.label == Label::Right { "exemplars" } else { "contrast" };
        Row { id: text.id.clone(), body: json!({ "text": text.text, "label": label }).to_string() }
    };
    texts.map(row).collect()
}
