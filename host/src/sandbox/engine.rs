//! How WebAssembly is compiled and run here: one page, a reason for every line.
//!
//! Not switched on at all, through crate features: threads, garbage collection, exceptions, component-model async,
//! WASI, the artefact cache of wasmtime itself.
//!
//! Two engines compile to the same bytes and give the same results; they differ in where instances lie. The pool has room
//! reserved once and cleaned between calls, which makes a fresh instance cheap. A component that does not fit in, and every
//! component on a machine without so many addresses to give away, has its room mapped for each call instead.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
    WasmFeatures, component::Component,
};

use super::limits::{Limits, PARTS};
use crate::error::{Error, Result};

/// Memories of a component in the pool, each 4 GiB of addresses. Components have one, adapters of tools share it.
const MEMORIES: u32 = 2;

/// Tables of a component in the pool: one of its code, and those of tools' adapters.
const TABLES: u32 = 8;

/// Most bytes of a memory that are wiped in place between two calls; what was written to beyond is given back.
const WIPED: usize = 4 << 20;

/// Engines for untrusted guests whose results are the same on every machine.
#[derive(Debug)]
pub(super) struct Engines {
    pool: Option<Engine>,
    mapping: Engine,
}

impl Engines {
    /// Engines for so many calls at the same time.
    pub(super) fn new(limits: &Limits, calls: usize) -> Result<Self> {
        let mut config = config(limits);
        let mapping = Engine::new(&config).map_err(|error| {
            Error::evaluator(format!("cannot start the sandbox: {}", super::outcome::one_line(&error)))
        })?;
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits, calls)));
        // The one reason to fail that the other engine does not have is a limit of addresses.
        Ok(Self { pool: Engine::new(&config).ok(), mapping })
    }

    /// The engine to compile with.
    pub(super) const fn compiler(&self) -> &Engine {
        &self.mapping
    }

    /// A component out of what [`Self::compiler`] made, in the pool if it fits.
    pub(super) fn place(&self, bring_back: impl Fn(&Engine) -> Option<Component>) -> Option<Component> {
        self.pool.as_ref().and_then(&bring_back).or_else(|| bring_back(&self.mapping))
    }

    /// Brings the deadlines of all calls nearer.
    pub(super) fn tick(&self) {
        self.pool.iter().chain([&self.mapping]).for_each(Engine::increment_epoch);
    }
}

fn config(limits: &Limits) -> Config {
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
    config
}

/// Room for so many calls, each with any component that is let in: a full pool cannot be what becomes of a call.
fn pool(limits: &Limits, calls: usize) -> PoolingAllocationConfig {
    let parts = u32::try_from(PARTS).unwrap_or(u32::MAX);
    let calls = u32::try_from(calls).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .max_core_instances_per_component(parts)
        .total_core_instances(calls.saturating_mul(parts))
        .max_memories_per_component(MEMORIES)
        .total_memories(calls.saturating_mul(MEMORIES))
        .max_tables_per_component(TABLES)
        .total_tables(calls.saturating_mul(TABLES))
        .max_tables_per_module(TABLES)
        // As large as the meter lets a table grow: it decides, not the pool. Memories have 4 GiB for the same reason.
        .table_elements(limits.table_elements);
    // Where the kernel tells which pages were written to, those alone are wiped and stay in place. Giving all back costs the next
    // call a page fault for each, and wiping without knowing costs more than that for a guest with a large stack.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(WIPED).table_keep_resident(WIPED);
    }
    pool
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::Digest, sandbox::compile};

    fn with_tables(count: u32) -> Vec<u8> {
        let tables = "(table 1 funcref)".repeat(count as usize);
        wat::parse_str(format!("(component (core module $m {tables}) (core instance (instantiate $m)))"))
            .unwrap()
    }

    fn is_in_the_pool(engines: &Engines, wasm: &[u8]) -> bool {
        let component = compile::component(engines, None, wasm, &Digest::of(wasm)).unwrap();
        engines.pool.as_ref().is_some_and(|pool| Engine::same(pool, component.engine()))
    }

    #[test]
    fn what_one_engine_compiles_the_other_takes() {
        let engines = Engines::new(&Limits::default(), 1).unwrap();
        let pool = engines.pool.as_ref().expect("this machine has addresses");
        let digest = Digest::of(b"component");
        assert_eq!(compile::key(pool, &digest), compile::key(&engines.mapping, &digest));
    }

    #[test]
    fn components_that_do_not_fit_into_the_pool_are_mapped() {
        let engines = Engines::new(&Limits::default(), 1).unwrap();
        assert!(is_in_the_pool(&engines, &with_tables(TABLES)));
        assert!(!is_in_the_pool(&engines, &with_tables(TABLES + 1)));
        let short_of_addresses = Engines { pool: None, ..engines };
        assert!(!is_in_the_pool(&short_of_addresses, &with_tables(1)));
    }
}
