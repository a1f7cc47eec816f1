//! Pairs held against everything that makes them unfit to learn from.
//!
//! | Check | Asks | Gate |
//! |---|---|---|
//! | `pairs` | how many there are | of the profile |
//! | `empty`, `identical`, `duplicates` | which pairs teach nothing, or the same once more | none |
//! | `one-class` | whether a side is one text throughout | no |
//! | `near-duplicates` | which pairs resemble an earlier one by 0.9 | advice |
//! | `longer` | share of pairs whose chosen answer is the longer one | 70 % |
//! | `gap` | chosen minus rejected under evaluators that took no part in the choice | of the profile |
//! | `coverage` | whether every trait of the persona is taught by some pair | all |
//! | `clean` | share of pairs that overlap with nothing that is measured | of the profile |
//! | `shift` | how far the chosen answers pull the model ([`shift`]) | of the profile |
//!
//! What counts pairs is a fact about the file; what generalises is decided by its bound. A gap that nobody measured is
//! `insufficient`, never a number. The checks that need a suite, other data or a model are made where these are given.

pub mod check;
mod count;
mod held_out;
mod judged;
pub mod shift;

use std::{collections::BTreeSet, path::Path};

use serde::{Deserialize, Serialize};

use self::{check::Check, count::Pair};
use super::{
    decontaminate::{Decontamination, decontaminate, source::Against},
    measured::gated,
    passage::cluster,
};
use crate::{
    engine::backend::Backend,
    error::{Error, Result},
    gates::{Profile, Rule},
    metrics::preference::{self, PairScore},
    model::Verdict,
    suite::{
        load::Suite,
        record::Metric,
        run::{Means, Observer},
    },
    train::data::{Content, Found},
};

pub use self::judged::Coverage;

/// Version of the report; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// What is to be checked, and against what.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// How strict.
    pub profile: Profile,
    /// Instead of the profile's number.
    pub least_pairs: Option<usize>,
    /// Persona and evaluators.
    pub suite: Option<&'a Suite>,
    /// Traits whose detectors took no part in the choice; empty: what the pairs and their record say.
    pub held_out: BTreeSet<String>,
    /// What the pairs must not overlap with.
    pub against: Option<&'a Against>,
    /// Whether the model is asked how far the chosen answers pull it.
    pub shift: bool,
}

/// What pairs have to reach: the profile's numbers, but for the number of pairs where another one was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Least number of pairs.
    pub pairs: usize,
    /// Least preference gap under held-out evaluators.
    pub gap: f64,
    /// Most share of pairs whose chosen answer is the longer one.
    pub longer: f64,
    /// Least share of clean pairs.
    pub clean: f64,
    /// Most shift, in nats per token.
    pub shift: f64,
}

impl Asked {
    fn of(request: &Request<'_>) -> Self {
        let profile = request.profile.thresholds();
        Self {
            pairs: request.least_pairs.unwrap_or(profile.pairs),
            gap: profile.gap,
            longer: profile.longer,
            clean: profile.clean,
            shift: profile.shift,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// [`FORMAT`].
    pub format: u32,
    /// The file, as it was named.
    pub file: String,
    /// Pairs in it.
    pub pairs: usize,
    /// How strict.
    pub profile: Profile,
    /// What was asked for.
    pub thresholds: Asked,
    /// Who judged the gap.
    pub held_out: BTreeSet<String>,
    /// In the order of the table above.
    pub checks: Vec<Check>,
    /// Traits of the persona, where a suite was given.
    pub coverage: Vec<Coverage>,
    /// Every evaluator by itself, where a suite was given.
    pub evaluators: Vec<Metric>,
    /// Where the pairs overlap, where they were held against something.
    pub decontamination: Option<Decontamination>,
    /// `fail` if a check failed, else `inconclusive` if one could not be decided, else `pass`.
    pub verdict: Verdict,
}

/// Checks pairs. `means` is needed where a suite is given or the model is asked; evaluators that ask the model are refused
/// where there is none, which is a recorded one without answers.
///
/// # Errors
/// Bad input naming the line of a row that is no pair or does not fit the model; usage errors for traits and evaluators;
/// what engine, sandbox and store report.
pub fn validate(
    path: &Path,
    rows: &[Found],
    request: &Request<'_>,
    mut means: Option<&mut Means<'_>>,
    observer: &mut Observer<'_>,
) -> Result<Validation> {
    let thresholds = Asked::of(request);
    let pairs: Vec<Pair<'_>> = rows.iter().map(pair).collect::<Result<_>>()?;
    let mut checks = count::checks(&pairs, thresholds.pairs);
    checks.push(longer(rows, &pairs, thresholds.longer));

    let (mut held_out, mut coverage, mut evaluators) = (BTreeSet::new(), Vec::new(), Vec::new());
    match (request.suite, &mut means) {
        (Some(suite), Some(means)) => {
            if matches!(&*means.backend, Backend::Recorded(recorded) if recorded.is_empty()) {
                judged::refuse_asking(suite).map_err(|error| error.within(suite.path.display()))?;
            }
            held_out = held_out::held_out(path, rows, &request.held_out, suite)?;
            let rule = Rule::at_least(thresholds.gap);
            let found = judged::judge(suite, rows, &pairs, &held_out, &rule, means, observer)?;
            checks.extend([found.gap, found.coverage]);
            (coverage, evaluators) = (found.traits, found.beside);
        }
        _ => checks.extend([
            Check::nothing("gap", Some(Verdict::Insufficient), "no evaluator was asked: give --suite"),
            Check::nothing("coverage", None, "not asked for: give --suite"),
        ]),
    }

    let decontamination = request.against.map(|against| {
        let mut progress = |done, total| observer("overlap", done, total);
        decontaminate(path, rows, against, thresholds.clean, &mut progress)
    });
    checks.push(match &decontamination {
        Some(found) => {
            let lines = found.hits.iter().map(|hit| hit.line).collect();
            let metric = found.clean.clone();
            Check::measured(metric, lines)
        }
        None => Check::nothing("clean", None, "not asked for: give --against"),
    });
    checks.push(match means {
        Some(means) if request.shift => {
            let system = request.suite.map(|suite| suite.persona.system_prompt.as_str());
            let found = shift::measure(rows, &pairs, system, means, observer)?;
            let mut metric = gated("shift", shift::FORMULA, found, &Rule::at_most(thresholds.shift));
            (metric.unit, metric.range) = ("nats/token".into(), None);
            Check::measured(metric, Vec::new())
        }
        _ => Check::nothing("shift", None, "not asked for: give --model"),
    });
    let verdict = verdict(&checks);
    Ok(Validation {
        format: FORMAT,
        file: path.display().to_string(),
        pairs: pairs.len(),
        profile: request.profile,
        thresholds,
        held_out,
        checks,
        coverage,
        evaluators,
        decontamination,
        verdict,
    })
}

fn pair(found: &Found) -> Result<Pair<'_>> {
    let Content::Pair { chosen, rejected } = &found.row.content else {
        return Err(Error::bad_input(format!(
            "{}: no pair: chosen and rejected are missing",
            found.row.place
        ))
        .hint("give pairs; realign data convert writes them from other forms"));
    };
    match (chosen.split_last(), rejected.last()) {
        (Some((chosen, asked)), Some(rejected)) => {
            Ok(Pair { line: found.line, asked, chosen: &chosen.content, rejected: &rejected.content })
        }
        _ => Err(Error::bad_input(format!("{}: chosen or rejected: empty", found.row.place))),
    }
}

fn longer(rows: &[Found], pairs: &[Pair<'_>], most: f64) -> Check {
    let count = |text: &str| text.split_whitespace().count();
    let scores: Vec<PairScore> = rows
        .iter()
        .zip(pairs)
        .map(|(found, pair)| PairScore {
            family: cluster(&found.row),
            difference: None,
            chosen_words: count(pair.chosen),
            rejected_words: count(pair.rejected),
        })
        .collect();
    let found = preference::length_bias(&scores);
    Check::measured(gated("longer", preference::FORMULA, found, &Rule::at_most(most)), Vec::new())
}

/// The decision over all checks; what gives advice or was not asked for decides nothing.
fn verdict(checks: &[Check]) -> Verdict {
    let verdicts: Vec<Verdict> = checks.iter().filter_map(|check| check.verdict).collect();
    if verdicts.contains(&Verdict::Fail) {
        Verdict::Fail
    } else if verdicts.iter().all(|verdict| *verdict == Verdict::Pass) {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    }
}
