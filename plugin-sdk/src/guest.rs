//! The sandbox side: an evaluator as the exports of a component.

use std::{marker::PhantomData, mem::ManuallyDrop, panic, sync::Once};

use crate::{
    benchmark::{Benchmark, BenchmarkKind},
    bindings::{
        benchmark::exports::realign::evaluator::benchmark,
        detector::{
            exports::realign::evaluator::trait_detector,
            realign::evaluator::{logging, types as wire},
        },
        style::exports::realign::evaluator::style_scorer,
    },
    detector::{DetectorKind, TraitDetector},
    kind::{Job, Kind},
    log::Level,
    style::{StyleKind, StyleScorer},
};

mod convert;

/// Carries the exports of evaluator `T`; named by the export macros only.
pub struct Guest<T>(PhantomData<T>);

/// Sends a message to the host.
pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warn,
        Level::Error => logging::Level::Error,
    };
    logging::log(level, message);
}

/// A panic ends in a trap that carries no text, so its message is logged first. Every export calls this.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string()))));
}

fn describe<K: Kind>() -> wire::Description {
    report_panics();
    K::describe().into()
}

fn prepare<K: Kind>(job: &wire::Job, data: Vec<wire::Row>) -> Result<Vec<u8>, wire::Failure> {
    report_panics();
    Ok(K::prepare(&Job { config: &job.config, profile: &job.profile }, &convert::all(data))?)
}

fn step<K: Kind>(
    state: &[u8],
    subjects: Vec<impl Into<K::Subject>>,
    answers: Vec<wire::Answer>,
) -> Result<wire::Progress, wire::Failure> {
    report_panics();
    // The instance ends with this call: nothing is gained by giving back, text by text, what it was given.
    let subjects = ManuallyDrop::new(convert::all::<_, K::Subject>(subjects));
    let answers = ManuallyDrop::new(convert::all(answers));
    Ok(K::step(state, &subjects, &answers)?.into())
}

impl<T: TraitDetector> trait_detector::Guest for Guest<T> {
    fn describe() -> wire::Description {
        describe::<DetectorKind<T>>()
    }

    fn prepare(job: wire::Job, data: Vec<wire::Row>) -> Result<Vec<u8>, wire::Failure> {
        prepare::<DetectorKind<T>>(&job, data)
    }

    fn step(
        state: Vec<u8>,
        samples: Vec<wire::Sample>,
        answers: Vec<wire::Answer>,
    ) -> Result<wire::Progress, wire::Failure> {
        step::<DetectorKind<T>>(&state, samples, answers)
    }
}

impl<T: StyleScorer> style_scorer::Guest for Guest<T> {
    fn describe() -> wire::Description {
        describe::<StyleKind<T>>()
    }

    fn prepare(job: wire::Job, data: Vec<wire::Row>) -> Result<Vec<u8>, wire::Failure> {
        prepare::<StyleKind<T>>(&job, data)
    }

    fn step(
        state: Vec<u8>,
        samples: Vec<wire::Sample>,
        answers: Vec<wire::Answer>,
    ) -> Result<wire::Progress, wire::Failure> {
        step::<StyleKind<T>>(&state, samples, answers)
    }
}

impl<T: Benchmark> benchmark::Guest for Guest<T> {
    fn describe() -> wire::Description {
        describe::<BenchmarkKind<T>>()
    }

    fn prepare(job: wire::Job, data: Vec<wire::Row>) -> Result<Vec<u8>, wire::Failure> {
        prepare::<BenchmarkKind<T>>(&job, data)
    }

    fn items(state: Vec<u8>, rows: Vec<wire::Row>) -> Result<Vec<wire::Item>, wire::Failure> {
        report_panics();
        Ok(convert::all(BenchmarkKind::<T>::items(&state, &convert::all(rows))?))
    }

    fn step(
        state: Vec<u8>,
        items: Vec<wire::Item>,
        answers: Vec<wire::Answer>,
    ) -> Result<wire::Progress, wire::Failure> {
        step::<BenchmarkKind<T>>(&state, items, answers)
    }
}
