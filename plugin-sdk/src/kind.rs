//! The three kinds behind one shape, so that the sandbox glue and the native harness run the very same code.
//!
//! Invariant: `prepare` and `step` are pure. All that passes from one to the other is the state, the JSON of the
//! prepared evaluator, so a fresh instance continues where another one stopped.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ask::{Answer, Answers, Ask, Question},
    contract::{Description, Failure, Outcome, Row},
    setup::{Profile, Setup},
};

/// Settings and profile, both JSON.
pub(crate) struct Job<'a> {
    pub(crate) config: &'a str,
    pub(crate) profile: &'a str,
}

/// Either more questions, or one outcome per subject in the order given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Progress {
    Asks(Vec<Ask>),
    Done(Vec<Outcome>),
}

/// What the host calls.
pub(crate) trait Kind {
    /// A sample or an item.
    type Subject: Clone;

    fn describe() -> Description;
    fn prepare(job: &Job<'_>, rows: &[Row]) -> Result<Vec<u8>, Failure>;
    fn step(state: &[u8], subjects: &[Self::Subject], answers: &[Answer]) -> Result<Progress, Failure>;
}

/// Reads the job, makes the evaluator, and writes it down.
pub(crate) fn prepare<C, T>(
    job: &Job<'_>,
    rows: &[Row],
    make: impl FnOnce(C, &Setup<'_>) -> Result<T, Failure>,
) -> Result<Vec<u8>, Failure>
where
    C: DeserializeOwned,
    T: Serialize,
{
    let config = serde_json::from_str(job.config).map_err(|error| Failure::config(error.to_string()))?;
    let setup = Setup { profile: Profile::read(job.profile)?, rows };
    let evaluator = make(config, &setup)?;
    serde_json::to_vec(&evaluator).map_err(|error| Failure::internal(format!("state: {error}")))
}

/// Reads what [`prepare`] wrote.
pub(crate) fn restore<T: DeserializeOwned>(state: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(state).map_err(|error| Failure::internal(format!("state: {error}")))
}

/// One round: asks what `question` wants to know, or judges where there is nothing to ask or all is answered.
///
/// A subject whose questions cannot be made is not asked about; its failure is its outcome.
pub(crate) fn step<S>(
    subjects: &[S],
    answers: &[Answer],
    question: impl Fn(&S) -> Result<Vec<Question>, Failure>,
    judge: impl Fn(&S, &Answers<'_>) -> Result<Outcome, Failure>,
) -> Result<Progress, Failure> {
    let questions: Vec<_> = subjects.iter().map(question).collect();
    if answers.is_empty() {
        let asks = asks(&questions)?;
        if !asks.is_empty() {
            return Ok(Progress::Asks(asks));
        }
    }
    let bodies = answers.iter().map(|answer| (answer.id.as_str(), answer.body.as_str())).collect();
    let outcomes = subjects.iter().zip(&questions).enumerate().map(|(index, (subject, questions))| {
        let count = questions.as_ref().map_err(Clone::clone)?.len();
        judge(subject, &answers_to(index, count, &bodies)?)
    });
    Ok(Progress::Done(outcomes.map(|outcome| outcome.unwrap_or_else(Outcome::Cannot)).collect()))
}

fn asks(questions: &[Result<Vec<Question>, Failure>]) -> Result<Vec<Ask>, Failure> {
    let mut asks = Vec::new();
    for (index, questions) in questions.iter().enumerate() {
        for (number, question) in questions.iter().flatten().enumerate() {
            asks.push(question.ask(ask_id(index, number))?);
        }
    }
    Ok(asks)
}

fn ask_id(index: usize, number: usize) -> String {
    format!("{index}.{number}")
}

fn answers_to<'a>(
    index: usize,
    count: usize,
    bodies: &BTreeMap<&str, &'a str>,
) -> Result<Answers<'a>, Failure> {
    let find = |number| {
        let id = ask_id(index, number);
        bodies
            .get(id.as_str())
            .copied()
            .ok_or_else(|| Failure::answer(format!("ask {id:?} was not answered")))
    };
    (0..count).map(find).collect::<Result<_, _>>().map(Answers::new)
}
