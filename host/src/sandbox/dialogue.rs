//! Ask, then answer: the rounds of one batch.
//!
//! The guest is called with every answer so far until it has no more questions. Answers are remembered, so the halves
//! of a batch that failed late are not asked about again.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    abi::Subjects,
    batch::Attempt,
    evaluator::Prepared,
    outcome::{code, failure},
    types::{Answer, Ask},
    validate::{self, Fork, Subject},
};
use crate::{
    error::{Error, Result},
    exit::Exit,
    model::Outcome,
};

/// Most rounds of asks about one batch.
pub const ROUNDS: usize = 8;

/// Most asks in one round, for each sample or item of the batch.
pub const ASKS_PER_SUBJECT: usize = 64;

/// Who answers: one answer per ask, in the order of the asks.
pub(super) type Answerer<'a> = dyn FnMut(&[Ask]) -> Result<Vec<Answer>> + 'a;

/// A prepared evaluator in conversation with the host.
pub(super) struct Dialogue<'a> {
    prepared: &'a Prepared,
    answerer: &'a mut Answerer<'a>,
    answered: BTreeMap<Ask, String>,
    backward: bool,
}

impl<'a> Dialogue<'a> {
    pub(super) fn new(prepared: &'a Prepared, answerer: &'a mut Answerer<'a>) -> Self {
        Self { prepared, answerer, answered: BTreeMap::new(), backward: false }
    }

    /// Hands answers over in the reverse order of the questions, which an evaluator has to find by their ids.
    pub(super) const fn backward(mut self, backward: bool) -> Self {
        self.backward = backward;
        self
    }

    /// One attempt at a batch.
    pub(super) fn attempt(
        &mut self,
        subjects: Subjects<'_>,
        texts: &[Subject<'_>],
    ) -> Result<Attempt<Outcome>> {
        let mut fuel = self.prepared.fuel(subjects.len());
        let mut answers = Vec::new();
        let mut asked = BTreeSet::new();
        for round in 0..=ROUNDS {
            let progress = match self.prepared.step(&mut fuel, subjects, &answers)? {
                Ok(progress) => progress,
                Err(failure) => return Ok(Err(failure)),
            };
            let asks = match validate::fork(progress) {
                Fork::Done(outcomes) => {
                    return Ok(validate::outcomes(outcomes, self.prepared.description(), texts));
                }
                Fork::Asks(_) if round == ROUNDS => break,
                Fork::Asks(asks) => asks,
            };
            let most = subjects.len().saturating_mul(ASKS_PER_SUBJECT);
            match validate::asks(asks, most, self.prepared.grants(), &mut asked) {
                Ok(asks) => {
                    answers.extend(self.answer(&asks)?);
                    if self.backward {
                        answers.reverse();
                    }
                }
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Err(failure(code::ASKS, format!("still asking after {ROUNDS} rounds"))))
    }

    fn answer(&mut self, asks: &[Ask]) -> Result<Vec<Answer>> {
        let new: Vec<_> = asks.iter().filter(|ask| !self.answered.contains_key(ask)).cloned().collect();
        if !new.is_empty() {
            let answers = (self.answerer)(&new)?;
            let ids = answers.iter().map(|answer| &answer.id);
            if !ids.eq(new.iter().map(|ask| &ask.id)) {
                let (got, wanted) = (answers.len(), new.len());
                let message =
                    format!("{got} answers do not fit the {wanted} asks of {}", self.prepared.evaluator());
                return Err(Error::new(Exit::Bug, message));
            }
            self.answered.extend(new.into_iter().zip(answers.into_iter().map(|answer| answer.body)));
        }
        Ok(asks.iter().map(|ask| Answer { id: ask.id.clone(), body: self.answered[ask].clone() }).collect())
    }
}
