//! How WebAssembly is compiled and run here: one page, a reason for every line.
//!
//! Not switched on at all, through crate features: threads, garbage collection, exceptions, component-model async,
//! WASI, the artefact cache of wasmtime itself.

use wasmtime::{Config, Engine, OptLevel, Strategy, WasmFeatures};

use super::limits::Limits;
use crate::error::{Error, Result};

/// An engine for untrusted guests whose results are the same on every machine.
pub(super) fn new(limits: &Limits) -> Result<Engine> {
    let mut config = Config::new();
    config
        // The compiler with the strictest review; the baseline compiler had most of the recent advisories.
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // The bits of a NaN differ between processors and could reach a score through a cast.
        .cranelift_nan_canonicalization(true)
        // Relaxed instructions are those whose results differ between processors.
        .wasm_relaxed_simd(false)
        // Two threads of a guest could see each other's timing: a clock, and results that are not repeatable.
        .wasm_features(WasmFeatures::THREADS, false)
        // No evaluator needs more than 4 GiB, and 64-bit memories need slower bounds checks.
        .wasm_memory64(false)
        .gc_support(false)
        // Decides a cell: the count of instructions is the same everywhere.
        .consume_fuel(true)
        // The safety net: a deadline that the ticker brings nearer.
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes)
        // Calls are plain calls; more than twice as fast, and none of the concurrent code is reachable.
        .concurrency_support(false)
        // A failure is one line for the report. Authors find panics in the log.
        .wasm_backtrace_max_frames(None);
    Engine::new(&config).map_err(|error| {
        Error::evaluator(format!("cannot start the sandbox: {}", super::outcome::one_line(&error)))
    })
}
