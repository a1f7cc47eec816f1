//! What every evaluator makes of every answer.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    candidates::{Answers, Candidate},
    source::Origin,
};
use crate::{
    error::Result,
    gates::Decision,
    metrics::{CellState, spoiled, style::Anchors},
    model::{Outcome, Sample},
    store::CellRecord,
    suite::{
        benchmark_run::check_failures,
        evaluators::{Detector, Evaluators},
        judge::Judge,
        load::Suite,
        persona_run::{self, style},
    },
};

/// One trait in all answers.
#[derive(Debug)]
pub struct TraitJudged {
    /// Trait of the persona.
    pub trait_id: String,
    /// Whether its detector takes no part in the choice.
    pub held_out: bool,
    /// One per answer.
    pub states: Vec<CellState>,
}

/// What every evaluator makes of every answer.
#[derive(Debug)]
pub struct Judged {
    /// The answers.
    pub samples: Vec<Sample>,
    /// Where each comes from.
    pub origins: Vec<Origin>,
    /// In the order of the suite.
    pub traits: Vec<TraitJudged>,
    /// Anchored match of each answer, where the suite scores style; or why its texts cannot anchor the scorer.
    pub style: Option<Result<Vec<Option<f64>>, Decision>>,
}

impl Judged {
    /// Asks every detector and the style scorer.
    ///
    /// # Errors
    /// Exit 20 where evaluators failed on more cells than the suite allows; what the engine and the store report.
    pub fn new(
        suite: &Suite,
        evaluators: &Evaluators,
        held_out: &BTreeSet<String>,
        answers: Answers,
        judge: &mut Judge<'_, '_, '_>,
    ) -> Result<Self> {
        let Answers { samples, origins } = answers;
        let mut cells = Vec::new();
        let states = |detector: &Detector, judge: &mut Judge<'_, '_, '_>, cells: &mut Vec<CellRecord>| {
            let found = persona_run::trait_cells(std::slice::from_ref(detector), &samples, cells, judge)?;
            Ok::<_, crate::error::Error>(found.into_iter().map(|cell| cell.state).collect())
        };
        let mut traits = Vec::new();
        for detector in &evaluators.detectors {
            traits.push(TraitJudged {
                trait_id: detector.trait_id.clone(),
                held_out: held_out.contains(&detector.trait_id),
                states: states(detector, judge, &mut cells)?,
            });
        }
        let mut matches = None;
        if let Some(prepared) = &evaluators.style {
            let outcomes = judge.outcomes(prepared, "style", &samples)?;
            let (voice, other) = style::anchors(suite, prepared, judge)?;
            matches = Some(Anchors::of(&voice, &other).map(|anchors| {
                let place = |outcome: &Outcome| style::score(outcome).map(|score| anchors.place(score));
                outcomes.iter().map(place).collect()
            }));
            let record = |(sample, outcome): (&Sample, Outcome)| CellRecord {
                evaluator: "style".into(),
                sample: sample.id.clone(),
                outcome,
            };
            cells.extend(samples.iter().zip(outcomes).map(record));
        }
        check_failures(&cells, suite.file.max_failed_share)?;
        Ok(Self { samples, origins, traits, style: matches })
    }

    /// An answer as far as choosing needs it.
    #[must_use]
    pub fn candidate(&self, sample: usize) -> Candidate {
        let Sample { response, finish, .. } = &self.samples[sample];
        let score = if spoiled(response, *finish).is_some() { None } else { self.score(sample) };
        Candidate { score, words: self.words(sample) }
    }

    /// Share of the choosing traits that apply; `None` where none does or a detector failed.
    fn score(&self, sample: usize) -> Option<f64> {
        let (mut hits, mut applicable) = (0, 0);
        for judged in self.traits.iter().filter(|judged| !judged.held_out) {
            match judged.states[sample] {
                CellState::Hit => (hits, applicable) = (hits + 1, applicable + 1),
                CellState::Miss => applicable += 1,
                CellState::NotApplicable => {}
                CellState::Failed => return None,
            }
        }
        (applicable > 0).then(|| f64::from(hits) / f64::from(applicable))
    }

    /// Words of an answer.
    #[must_use]
    pub fn words(&self, sample: usize) -> usize {
        self.samples[sample].response.split_whitespace().count()
    }

    /// Per trait whether the answer shows what the persona asks for, as 1 or 0; traits that do not apply are left out.
    #[must_use]
    pub fn shown(&self, sample: usize) -> BTreeMap<&str, u8> {
        let shown = |judged: &'_ TraitJudged| match judged.states[sample] {
            CellState::Hit => Some(1),
            CellState::Miss => Some(0),
            CellState::Failed | CellState::NotApplicable => None,
        };
        self.traits.iter().filter_map(|judged| Some((judged.trait_id.as_str(), shown(judged)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::pairs::source::Source, model::Finish};

    fn judged(response: &str, finish: Finish, states: &[(bool, CellState)]) -> Judged {
        let sample = Sample {
            id: "a#1".into(),
            family: "a".into(),
            kind: "plain".into(),
            prompt: Vec::new(),
            response: response.into(),
            finish,
        };
        let one = |&(held_out, state): &(bool, CellState)| TraitJudged {
            trait_id: "t".into(),
            held_out,
            states: vec![state],
        };
        let origin = Origin { source: Source::Deployed, detail: None };
        let traits = states.iter().map(one).collect();
        Judged { samples: vec![sample], origins: vec![origin], traits, style: None }
    }

    const HALF: [(bool, CellState); 4] = [
        (false, CellState::Hit),
        (false, CellState::Miss),
        (false, CellState::NotApplicable),
        (true, CellState::Hit),
    ];

    #[test]
    fn a_score_is_the_share_of_choosing_traits_that_apply() {
        let found = judged("Thanks. We will.", Finish::End, &HALF).candidate(0);
        assert_eq!((found.score, found.words), (Some(0.5), 3));
    }

    #[test]
    fn answers_that_are_cut_looping_or_empty_and_those_that_nobody_could_judge_have_no_score() {
        let score = |response: &str, finish| judged(response, finish, &HALF).candidate(0).score;
        assert_eq!(score("Thanks. We", Finish::Length), None);
        assert_eq!(score(&"again and ".repeat(10), Finish::End), None);
        assert_eq!(score(" ", Finish::End), None);
        let failed = [(false, CellState::Hit), (false, CellState::Failed)];
        assert_eq!(judged("Thanks.", Finish::End, &failed).candidate(0).score, None);
        assert_eq!(judged("Thanks.", Finish::End, &[(true, CellState::Hit)]).candidate(0).score, None);
    }
}
