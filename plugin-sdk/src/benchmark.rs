//! Benchmarks: what can the model do?

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ask::{Answer, Answers, Question},
    contract::{About, Description, Failure, Item, Metric, Outcome, Row},
    kind::{self, Job, Kind, Progress},
    setup::Setup,
};

/// Makes items of rows, asks the model about them and grades the answers. A value of the type is a prepared
/// benchmark, and its JSON is the state that the host keeps between calls.
pub trait Benchmark: Serialize + DeserializeOwned {
    /// Settings from the suite. `Self` where nothing has to be prepared.
    type Config: DeserializeOwned;

    /// Id, version, summary and schema; usually [`about!`](crate::about).
    const ABOUT: About;

    /// Kinds of questions that [`questions`](Self::questions) may ask.
    const ASKS: &'static [&'static str];

    /// What is measured; the first metric is the one that matters most.
    #[must_use]
    fn metrics() -> Vec<Metric>;

    /// Makes the benchmark, once per run.
    ///
    /// # Errors
    ///
    /// `config`, `profile` or `data`, naming the value and the limit.
    fn prepare(config: Self::Config, setup: &Setup<'_>) -> Result<Self, Failure>;

    /// The item of one row of the data file. Usually [`Item::new`].
    ///
    /// # Errors
    ///
    /// `data`: one bad row refuses the file, so the message must name the row.
    fn item(&self, row: &Row) -> Result<Item, Failure>;

    /// What to ask the host about an item.
    ///
    /// # Errors
    ///
    /// `sample`; the failure concerns this item only.
    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure>;

    /// Grades one item from the answers to its questions.
    ///
    /// # Errors
    ///
    /// `sample` or `answer`; the failure concerns this item only.
    fn grade(&self, item: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure>;
}

/// A benchmark as the host calls it.
pub(crate) struct BenchmarkKind<T>(PhantomData<T>);

impl<T: Benchmark> BenchmarkKind<T> {
    /// Rows to items, one per row, in order.
    pub(crate) fn items(state: &[u8], rows: &[Row]) -> Result<Vec<Item>, Failure> {
        let benchmark: T = kind::restore(state)?;
        rows.iter().map(|row| benchmark.item(row)).collect()
    }
}

impl<T: Benchmark> Kind for BenchmarkKind<T> {
    type Subject = Item;

    fn describe() -> Description {
        Description { about: T::ABOUT, metrics: T::metrics(), asks: T::ASKS.to_vec() }
    }

    fn prepare(job: &Job<'_>, rows: &[Row]) -> Result<Vec<u8>, Failure> {
        kind::prepare(job, rows, T::prepare)
    }

    fn step(state: &[u8], items: &[Item], answers: &[Answer]) -> Result<Progress, Failure> {
        let benchmark: T = kind::restore(state)?;
        kind::step(
            items,
            answers,
            |item| benchmark.questions(item),
            |item, answers| benchmark.grade(item, answers),
        )
    }
}
