//! Trait detectors: is a trait present in a response?

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ask::{Answer, Answers, Question},
    contract::{About, Description, Failure, Metric, Outcome, Row, Sample},
    kind::{self, Job, Kind, Progress},
    setup::Setup,
};

/// Finds a trait in a response. A value of the type is a prepared detector, and its JSON is the state that the host
/// keeps between calls.
///
/// The first metric is `presence`, 0 to 1. Report presence as it is, also for a forbidden trait: the host knows the
/// polarity.
pub trait TraitDetector: Serialize + DeserializeOwned {
    /// Settings from the suite. `Self` where nothing has to be prepared.
    type Config: DeserializeOwned;

    /// Id, version, summary and schema; usually [`about!`](crate::about).
    const ABOUT: About;

    /// Kinds of questions that [`questions`](Self::questions) may ask.
    const ASKS: &'static [&'static str] = &[];

    /// Makes the detector, once per run.
    ///
    /// # Errors
    ///
    /// `config`, `profile` or `data`, naming the value and the limit.
    fn prepare(config: Self::Config, setup: &Setup<'_>) -> Result<Self, Failure>;

    /// Judges one response. Usually [`Outcome::presence`].
    ///
    /// # Errors
    ///
    /// `sample` or `answer`; the failure concerns this sample only.
    fn detect(&self, sample: &Sample, answers: &Answers<'_>) -> Result<Outcome, Failure>;

    /// What to ask the host about a response before it can be judged. Nothing by default.
    ///
    /// # Errors
    ///
    /// `sample`; the failure concerns this sample only.
    fn questions(&self, _sample: &Sample) -> Result<Vec<Question>, Failure> {
        Ok(Vec::new())
    }

    /// What is measured. `presence` alone by default; it must stay the first.
    #[must_use]
    fn metrics() -> Vec<Metric> {
        vec![Metric::share("presence")]
    }
}

/// A trait detector as the host calls it.
pub(crate) struct DetectorKind<T>(PhantomData<T>);

impl<T: TraitDetector> Kind for DetectorKind<T> {
    type Subject = Sample;

    fn describe() -> Description {
        Description { about: T::ABOUT, metrics: T::metrics(), asks: T::ASKS.to_vec() }
    }

    fn prepare(job: &Job<'_>, rows: &[Row]) -> Result<Vec<u8>, Failure> {
        kind::prepare(job, rows, T::prepare)
    }

    fn step(state: &[u8], samples: &[Sample], answers: &[Answer]) -> Result<Progress, Failure> {
        let detector: T = kind::restore(state)?;
        kind::step(
            samples,
            answers,
            |sample| detector.questions(sample),
            |sample, answers| detector.detect(sample, answers),
        )
    }
}
