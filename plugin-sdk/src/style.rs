//! Style scorers: how near is a text to a voice?

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ask::{Answer, Answers, Question},
    contract::{About, Description, Failure, Metric, Outcome, Row, Sample},
    kind::{self, Job, Kind, Progress},
    setup::Setup,
};

/// Scores how well a response fits a voice. A value of the type is a prepared scorer, and its JSON is the state that
/// the host keeps between calls.
///
/// The first metric is `match`, higher is nearer. Its scale is free: the host anchors it on contrast texts (0) and on
/// held-out exemplars (1).
pub trait StyleScorer: Serialize + DeserializeOwned {
    /// Settings from the suite. `Self` where nothing has to be prepared.
    type Config: DeserializeOwned;

    /// Id, version, summary and schema; usually [`about!`](crate::about).
    const ABOUT: About;

    /// Kinds of questions that [`questions`](Self::questions) may ask.
    const ASKS: &'static [&'static str] = &[];

    /// Makes the scorer, once per run.
    ///
    /// # Errors
    ///
    /// `config`, `profile` or `data`, naming the value and the limit.
    fn prepare(config: Self::Config, setup: &Setup<'_>) -> Result<Self, Failure>;

    /// Scores one response. Usually [`Outcome::fit`].
    ///
    /// # Errors
    ///
    /// `sample` or `answer`; the failure concerns this sample only.
    fn score(&self, sample: &Sample, answers: &Answers<'_>) -> Result<Outcome, Failure>;

    /// What to ask the host about a response before it can be scored. Nothing by default.
    ///
    /// # Errors
    ///
    /// `sample`; the failure concerns this sample only.
    fn questions(&self, _sample: &Sample) -> Result<Vec<Question>, Failure> {
        Ok(Vec::new())
    }

    /// What is measured. `match` alone by default; it must stay the first.
    #[must_use]
    fn metrics() -> Vec<Metric> {
        vec![Metric::score("match")]
    }
}

/// A style scorer as the host calls it.
pub(crate) struct StyleKind<T>(PhantomData<T>);

impl<T: StyleScorer> Kind for StyleKind<T> {
    type Subject = Sample;

    fn describe() -> Description {
        Description { about: T::ABOUT, metrics: T::metrics(), asks: T::ASKS.to_vec() }
    }

    fn prepare(job: &Job<'_>, rows: &[Row]) -> Result<Vec<u8>, Failure> {
        kind::prepare(job, rows, T::prepare)
    }

    fn step(state: &[u8], samples: &[Sample], answers: &[Answer]) -> Result<Progress, Failure> {
        let scorer: T = kind::restore(state)?;
        kind::step(
            samples,
            answers,
            |sample| scorer.questions(sample),
            |sample, answers| scorer.score(sample, answers),
        )
    }
}
