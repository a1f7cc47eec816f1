//! Contract 0.1: bindings and conversions.
//!
//! What comes from a guest leaves this file as [`Untrusted`].

mod convert;

use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use self::bindings::{
    exports::realign::evaluator::{benchmark, style_scorer, trait_detector},
    realign::evaluator::types as wire,
};
use crate::{
    model::{Failure, Sample},
    sandbox::{
        instance::State,
        types::{Answer, Description, Item, Kind, Row},
        validate::{Progress, Untrusted},
    },
};

pub(in crate::sandbox) use self::bindings::realign::evaluator::logging::Level;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        // One world with all kinds, so that they share their types; no component has to export them all.
        inline: "
            package realign:host;
            world any {
                import realign:evaluator/logging@0.1.0;
                export realign:evaluator/trait-detector@0.1.0;
                export realign:evaluator/style-scorer@0.1.0;
                export realign:evaluator/benchmark@0.1.0;
            }
        ",
        world: "realign:host/any",
        // What a guest is given is borrowed: a copy of every text for the border alone would be a fourth of its cost.
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

const TRAIT_DETECTOR: &str = "realign:evaluator/trait-detector@0.1.0";
const STYLE_SCORER: &str = "realign:evaluator/style-scorer@0.1.0";
const BENCHMARK: &str = "realign:evaluator/benchmark@0.1.0";

/// What one batch is about.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) enum Subjects<'a> {
    /// For detectors and scorers.
    Samples(&'a [Sample]),
    /// For benchmarks.
    Items(&'a [Item]),
}

impl Subjects<'_> {
    pub(in crate::sandbox) const fn len(&self) -> usize {
        match self {
            Self::Samples(samples) => samples.len(),
            Self::Items(items) => items.len(),
        }
    }
}

/// A refusal by the guest itself.
type Refusable<T> = Result<Untrusted<T>, Untrusted<Failure>>;

/// The exports of one component, looked up once.
pub(in crate::sandbox) enum Exports {
    TraitDetector(trait_detector::GuestIndices),
    StyleScorer(style_scorer::GuestIndices),
    Benchmark(benchmark::GuestIndices),
}

impl Exports {
    /// Every interface of this contract that the component exports.
    pub(in crate::sandbox) fn all(guest: &InstancePre<State>) -> wasmtime::Result<Vec<Self>> {
        let has = |name| guest.component().get_export_index(None, name).is_some();
        let mut all = Vec::new();
        if has(TRAIT_DETECTOR) {
            all.push(Self::TraitDetector(trait_detector::GuestIndices::new(guest)?));
        }
        if has(STYLE_SCORER) {
            all.push(Self::StyleScorer(style_scorer::GuestIndices::new(guest)?));
        }
        if has(BENCHMARK) {
            all.push(Self::Benchmark(benchmark::GuestIndices::new(guest)?));
        }
        Ok(all)
    }

    pub(in crate::sandbox) const fn kind(&self) -> Kind {
        match self {
            Self::TraitDetector(_) => Kind::TraitDetector,
            Self::StyleScorer(_) => Kind::StyleScorer,
            Self::Benchmark(_) => Kind::Benchmark,
        }
    }

    /// Asks the guest what it is.
    pub(in crate::sandbox) fn describe(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<Untrusted<Description>> {
        let description = match self {
            Self::TraitDetector(exports) => exports.load(&mut *store, instance)?.call_describe(store)?,
            Self::StyleScorer(exports) => exports.load(&mut *store, instance)?.call_describe(store)?,
            Self::Benchmark(exports) => exports.load(&mut *store, instance)?.call_describe(store)?,
        };
        Ok(Untrusted::new(description.into()))
    }

    /// Settings, profile and data to a state.
    pub(in crate::sandbox) fn prepare(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        (config, profile): (&str, &str),
        rows: &[Row],
    ) -> wasmtime::Result<Refusable<Vec<u8>>> {
        let job = wire::Job { config, profile };
        let rows = convert::rows(rows);
        let state = match self {
            Self::TraitDetector(exports) => {
                exports.load(&mut *store, instance)?.call_prepare(store, job, &rows)?
            }
            Self::StyleScorer(exports) => {
                exports.load(&mut *store, instance)?.call_prepare(store, job, &rows)?
            }
            Self::Benchmark(exports) => {
                exports.load(&mut *store, instance)?.call_prepare(store, job, &rows)?
            }
        };
        Ok(state.map(Untrusted::new).map_err(|failure| Untrusted::new(failure.into())))
    }

    /// Rows of a data file to items; nothing for a kind that has none.
    pub(in crate::sandbox) fn items(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        state: &[u8],
        rows: &[Row],
    ) -> wasmtime::Result<Refusable<Vec<Item>>> {
        let Self::Benchmark(exports) = self else {
            return Ok(Ok(Untrusted::new(Vec::new())));
        };
        let items = exports.load(&mut *store, instance)?.call_items(store, state, &convert::rows(rows))?;
        let items = items.map(|items| Untrusted::new(items.into_iter().map(Into::into).collect()));
        Ok(items.map_err(|failure| Untrusted::new(failure.into())))
    }

    /// One round about a batch. Subjects of the other kind are taken for none, so the count that comes back is wrong.
    pub(in crate::sandbox) fn step(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        state: &[u8],
        subjects: Subjects<'_>,
        answers: &[Answer],
    ) -> wasmtime::Result<Refusable<Progress>> {
        let answers = convert::answers(answers);
        let messages = convert::messages(subjects);
        let (samples, items) = match subjects {
            Subjects::Samples(samples) => (convert::samples(samples, &messages), Vec::new()),
            Subjects::Items(items) => (Vec::new(), convert::items(items, &messages)),
        };
        let progress = match self {
            Self::TraitDetector(exports) => {
                exports.load(&mut *store, instance)?.call_step(store, state, &samples, &answers)?
            }
            Self::StyleScorer(exports) => {
                exports.load(&mut *store, instance)?.call_step(store, state, &samples, &answers)?
            }
            Self::Benchmark(exports) => {
                exports.load(&mut *store, instance)?.call_step(store, state, &items, &answers)?
            }
        };
        let progress = progress.map(|progress| Untrusted::new(progress.into()));
        Ok(progress.map_err(|failure| Untrusted::new(failure.into())))
    }
}
