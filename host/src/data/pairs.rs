//! Pairs built on-policy: the model answers, evaluators prefer.
//!
//! Every scenario of the train families is answered several times by the very model that is to be trained, under the
//! prompt that it is deployed with. The evaluators of the suite count which traits each answer shows, and the two answers
//! that lie farthest apart become a pair, where they are about equally long. Nothing is written by hand, nothing comes
//! from another model, and dev and test families are never asked.
//!
//! The file may name other [`source`]s, one list for each side: then the better answer comes from the model in character
//! and the worse one from the same model out of it, and the record says of how many pairs that is true.
//!
//! What is rewarded is what gets gamed. So some evaluators are **held out**: the traits that the file names, and always
//! the style scorer, take no part in the choice. They judge the finished pairs instead. Where the evaluators that chose
//! see a difference and the ones that did not see none, the pairs teach the choosers' blind spots. The record of the pairs
//! names both groups, and `train preference` refuses to be watched by an evaluator that chose.

pub mod candidates;
pub mod choose;
pub mod file;
pub mod judged;
pub mod record;
pub mod row;
pub mod source;

use std::path::Path;

use self::{
    candidates::{Candidate, OpenBare},
    choose::{Choice, NoPair, choose},
    file::PairsFile,
    judged::Judged,
    record::PairsRecord,
    row::PairRow,
    source::Source,
};
use crate::{
    error::{Error, Result},
    suite::{
        evaluators::Evaluators,
        judge::Judge,
        load::Suite,
        run::{Means, Observer},
    },
};

/// What building gave.
#[derive(Debug)]
pub struct Built {
    /// The pairs, in the order of the scenarios.
    pub rows: Vec<PairRow>,
    /// How they were built and what they are worth.
    pub record: PairsRecord,
}

/// Asks the model, judges its answers, and pairs them. `bare` opens the model without its adapters, where it has some.
///
/// # Errors
/// Exit 22 where no scenario gives a pair; whatever engine, sandbox or store report; exit 20 where evaluators failed on
/// more cells than the suite allows.
pub fn build(
    file: &PairsFile,
    path: &Path,
    suite: &Suite,
    bare: Option<&mut OpenBare<'_>>,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Built> {
    let evaluators =
        Evaluators::prepare(suite, means.sandbox).map_err(|error| error.within(suite.path.display()))?;
    let header = record::Header::new(file, suite, &evaluators, means);
    let answers = candidates::respond(file, suite, bare, means, observer)?;
    let mut judge = Judge { means, seed: file.seed, observer };
    let judged = Judged::new(suite, &evaluators, &file.held_out, answers, &mut judge)?;

    let each = file.sources().len() * file.samples as usize;
    let mut chosen = Vec::new();
    let mut without = Vec::new();
    for (place, scenario) in suite.scenarios.iter().enumerate() {
        let first = place * each;
        let answers: Vec<Candidate> = (first..first + each).map(|sample| judged.candidate(sample)).collect();
        let side = |sources: &[Source]| -> Vec<usize> {
            (0..each).filter(|answer| sources.contains(&judged.origins[first + answer].source)).collect()
        };
        match choose(&answers, &side(&file.consistent), &side(&file.inconsistent), file.bounds()) {
            Ok(Choice { chosen: better, rejected: worse }) => {
                chosen.push((scenario, first + better, first + worse));
            }
            Err(reason) => without.push(reason),
        }
    }
    if chosen.is_empty() {
        return Err(nothing(path, &without));
    }
    let named = file.sources() != [Source::Deployed];
    let rows = chosen
        .iter()
        .map(|&(scenario, better, worse)| row::row(suite, scenario, &judged, better, worse, named))
        .collect();
    let pairs: Vec<(usize, usize)> = chosen.iter().map(|&(_, better, worse)| (better, worse)).collect();
    let record = header.finish(file, suite, &judged, &pairs, &without);
    Ok(Built { rows, record })
}

fn nothing(path: &Path, without: &[NoPair]) -> Error {
    let most = [NoPair::TooFew, NoPair::OneSided, NoPair::Margin, NoPair::Length]
        .into_iter()
        .max_by_key(|reason| without.iter().filter(|other| *other == reason).count())
        .unwrap_or(NoPair::TooFew);
    let message = format!("{}: none of {} scenarios gives a pair: {most}", path.display(), without.len());
    Error::bad_input(message).hint(match most {
        NoPair::TooFew | NoPair::OneSided => {
            "raise samples, or decoding.max_tokens of the suite where answers are cut"
        }
        NoPair::Margin => "raise samples or temperature, or lower least_margin",
        NoPair::Length => "raise samples or most_length_ratio",
    })
}
