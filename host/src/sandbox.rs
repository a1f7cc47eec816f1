//! Evaluators in their sandbox: everything wasmtime, and nothing else in the host knows it.
//!
//! An evaluator is contributed by someone whom nobody has to trust. It is a WebAssembly component that can compute
//! and log, and whatever it hands back is data to be checked. Three promises hold here:
//!
//! - **Nothing gets out.** There is no WASI and no import but `log`; another import is refused before any guest code
//!   runs (`imports`). What comes back is `validate::Untrusted` until it has been checked against the evaluator's
//!   own description and the sample that it was about.
//! - **Nothing runs away.** Fuel, memory, stack and output are limited by fixed numbers ([`Limits`]), so the same
//!   sample fails in the same way on every machine. Wall-clock time is a safety net only: it ends the run with
//!   exit 20 and never becomes a score.
//! - **Nothing is kept.** Every call into a guest gets a store and an instance of its own, so a result depends on its
//!   arguments alone. A batch that fails is halved down to the sample that did it (`batch`).
//!
//! ```text
//! bytes -> compile (artefact cache) -> imports -> describe -> Evaluator -> prepare -> Prepared -> judge | items, grade
//! ```
//!
//! The contract's versions live in `abi`, one file each; no other file sees a generated binding.

mod abi;
#[cfg(unix)]
mod artefact;
#[cfg(not(unix))]
#[path = "sandbox/no_artefact.rs"]
mod artefact;
mod batch;
mod compile;
mod dialogue;
mod engine;
mod evaluator;
mod gate;
mod imports;
mod instance;
mod limits;
mod log;
mod outcome;
mod ticker;
mod types;
mod validate;
mod whole;

use std::{path::Path, sync::Arc};

use self::{artefact::ArtefactCache, instance::Runtime};
pub use self::{
    batch::{BATCH_BYTES, BATCH_SUBJECTS},
    compile::MAX_COMPONENT_BYTES,
    dialogue::{ASKS_PER_SUBJECT, ROUNDS},
    evaluator::{Evaluator, Prepared},
    instance::Usage,
    limits::Limits,
    log::{Level, LogLine},
    outcome::code,
    types::{Aggregation, Answer, Ask, Description, Direction, Item, Kind, Metric, Prompt, Row},
};
use crate::{error::Result, ids::Digest};

/// A place to load evaluators into: one engine, one set of limits, one artefact cache.
#[derive(Debug)]
pub struct Sandbox {
    runtime: Arc<Runtime>,
    cache: Option<ArtefactCache>,
}

impl Sandbox {
    /// A sandbox that keeps compiled components in `cache_dir`, or compiles them every time without one. The folder
    /// is made if it is missing, readable by its owner only.
    ///
    /// # Errors
    /// Exit 2 where the folder belongs to someone else or others may write to it: compiled components are native
    /// code. Exit 23 where it cannot be made.
    pub fn new(cache_dir: Option<&Path>, limits: Limits) -> Result<Self> {
        let cache = cache_dir.map(ArtefactCache::open).transpose()?;
        Ok(Self { runtime: Arc::new(Runtime::new(limits)?), cache })
    }

    /// Compiles a component (or finds it compiled), checks its imports and exports, and asks it what it is.
    ///
    /// # Errors
    /// Exit 20 naming the component by its digest: too large, not a component, not of this contract, an import that
    /// is not `log`, or a `describe` that failed or describes something that cannot be.
    pub fn load(&self, wasm: &[u8]) -> Result<Evaluator> {
        let digest = Digest::of(wasm);
        let refused = |error: crate::error::Error| error.within(format_args!("component {}", digest.short()));
        let component = compile::component(self.runtime.engines(), self.cache.as_ref(), wasm, &digest)
            .map_err(refused)?;
        Evaluator::new(Arc::clone(&self.runtime), &component, digest.clone()).map_err(refused)
    }

    /// The limits that decide cells here.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.runtime.limits()
    }
}
