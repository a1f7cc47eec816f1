//! Checks by evaluators: whether held-out ones see a difference, and whether every trait of the persona is taught.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Finding},
    count::Pair,
};
use crate::{
    data::pairs::{
        candidates::Answers,
        judged::Judged,
        record::{metrics, trait_difference},
        source::{Origin, Source},
    },
    error::{Error, Result},
    gates::Rule,
    model::{Finish, Sample, Verdict},
    suite::{
        evaluators::Evaluators,
        judge::Judge,
        load::Suite,
        record::Metric,
        run::{Means, Observer},
    },
    train::data::Found,
};

/// One trait in all pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Trait of the persona.
    #[serde(rename = "trait")]
    pub trait_id: String,
    /// Pairs whose chosen answer shows what the persona asks for and whose rejected one does not.
    pub taught: usize,
    /// Pairs in which it is the other way round.
    pub against: usize,
    /// Pairs that name the trait as theirs.
    pub named: usize,
}

/// What the evaluators make of the pairs.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) gap: Check,
    pub(super) coverage: Check,
    pub(super) traits: Vec<Coverage>,
    /// Every evaluator by itself, and the margin of those that may have chosen.
    pub(super) beside: Vec<Metric>,
}

/// Asks the suite's evaluators. `held_out` is empty where nobody is known to be held out.
pub(super) fn judge(
    suite: &Suite,
    rows: &[Found],
    pairs: &[Pair<'_>],
    held_out: &BTreeSet<String>,
    rule: &Rule,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Judgement> {
    let evaluators =
        Evaluators::prepare(suite, means.sandbox).map_err(|error| error.within(suite.path.display()))?;
    let mut samples = Vec::with_capacity(2 * pairs.len());
    for (found, pair) in rows.iter().zip(pairs) {
        let kind = found.notes.as_ref().and_then(|notes| notes.get("kind")?.as_str()).unwrap_or("pair");
        for (side, response) in [("chosen", pair.chosen), ("rejected", pair.rejected)] {
            samples.push(Sample {
                id: format!("{}#{side}", found.line),
                family: super::cluster(&found.row),
                kind: kind.to_owned(),
                prompt: pair.asked.iter().filter(|message| message.role != "system").cloned().collect(),
                response: response.to_owned(),
                finish: Finish::End,
            });
        }
    }
    let mut judge = Judge { means, seed: suite.file.seed, observer };
    // Whoever wrote them, they are judged as what the model is to say.
    let origins = samples.iter().map(|_| Origin { source: Source::Deployed, detail: None }).collect();
    let judged = Judged::new(suite, &evaluators, held_out, Answers { samples, origins }, &mut judge)?;
    let places: Vec<(usize, usize)> = (0..pairs.len()).map(|pair| (2 * pair, 2 * pair + 1)).collect();

    let mut numbers = metrics(&judged, &places, rule);
    numbers.retain(|metric| metric.name != "longer");
    let gap = numbers.remove(0);
    let gap = if held_out.is_empty() {
        Check::nothing(
            "gap",
            Some(Verdict::Insufficient),
            "nobody is known to have taken no part in the choice: name traits with --held-out",
        )
    } else {
        Check::measured(gap, opposed(&judged, &places, pairs))
    };
    let traits = coverage(&judged, &places, rows);
    let coverage = covered(&traits, rows);
    Ok(Judgement { gap, coverage, traits, beside: numbers })
}

/// Lines of pairs whose rejected answer the held-out evaluators prefer.
fn opposed(judged: &Judged, places: &[(usize, usize)], pairs: &[Pair<'_>]) -> Vec<usize> {
    let difference = |&(chosen, rejected): &(usize, usize)| -> f64 {
        let held_out = (0..judged.traits.len()).filter(|&index| judged.traits[index].held_out);
        held_out.filter_map(|index| trait_difference(judged, index, chosen, rejected)).sum()
    };
    let opposed = places.iter().zip(pairs).filter(|(places, _)| difference(places) < 0.0);
    opposed.map(|(_, pair)| pair.line).collect()
}

fn coverage(judged: &Judged, places: &[(usize, usize)], rows: &[Found]) -> Vec<Coverage> {
    let one = |(index, of_trait): (usize, &crate::data::pairs::judged::TraitJudged)| {
        let differences: Vec<f64> = places
            .iter()
            .filter_map(|&(chosen, rejected)| trait_difference(judged, index, chosen, rejected))
            .collect();
        let trait_id = of_trait.trait_id.clone();
        Coverage {
            taught: differences.iter().filter(|difference| **difference > 0.0).count(),
            against: differences.iter().filter(|difference| **difference < 0.0).count(),
            named: rows.iter().filter(|found| found.trait_id.as_ref() == Some(&trait_id)).count(),
            trait_id,
        }
    };
    judged.traits.iter().enumerate().map(one).collect()
}

/// Every trait is taught by some pair, and no pair names a trait that the persona does not have.
fn covered(traits: &[Coverage], rows: &[Found]) -> Check {
    let bare: Vec<&str> =
        traits.iter().filter(|found| found.taught == 0).map(|found| found.trait_id.as_str()).collect();
    let known = |name: &String| traits.iter().any(|found| &found.trait_id == name);
    let strangers = rows.iter().filter(|found| found.trait_id.as_ref().is_some_and(|name| !known(name)));
    let lines: Vec<usize> = strangers.map(|found| found.line).collect();
    let mut reasons = Vec::new();
    if !bare.is_empty() {
        reasons.push(format!("no pair shows {} on its chosen side alone", bare.join(", ")));
    }
    if !lines.is_empty() {
        reasons.push(format!("{} pairs name a trait that the persona does not have", lines.len()));
    }
    Check {
        name: "coverage".into(),
        found: Finding::Count {
            count: traits.len() - bare.len(),
            of: traits.len(),
            limit: Some(traits.len()),
        },
        verdict: Some(if reasons.is_empty() { Verdict::Pass } else { Verdict::Fail }),
        reason: reasons.join("; "),
        lines,
    }
}

/// Refuses evaluators that would need a model where there is none.
///
/// # Errors
/// A usage error naming the evaluator.
pub(super) fn refuse_asking(suite: &Suite) -> Result<()> {
    let detectors =
        suite.file.detector.iter().map(|spec| (format!("detector of `{}`", spec.trait_id), &spec.grants));
    let style = suite.file.style.iter().map(|spec| ("style scorer".to_owned(), &spec.grants));
    match detectors.chain(style).find(|(_, grants)| !grants.is_empty()) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Error::usage(format!("the {name} asks the model, and none is named")).hint("give --model"))
        }
    }
}
