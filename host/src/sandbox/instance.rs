//! One call into a guest: a fresh store and a fresh instance, on a stack that is known to be large enough.
//!
//! Fresh for every call, not only for every batch: a guest cannot carry anything from one round of asks to the next
//! except through the state and the answers that the host hands it, and a trap cannot outlive its call.

use std::sync::Arc;

use serde::Serialize;
use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use super::{
    engine::Engines,
    gate::{Company, Gate},
    limits::{Limits, Meter},
    log::{Level, Log},
    outcome::Stop,
    ticker::Ticker,
};
use crate::error::{Error, Result};

/// Stack of a call beside what WebAssembly code may use: host frames and lifted values.
const HOST_STACK: usize = 2 << 20;

/// Handles of resources in one store; the contract has no resources.
const HANDLES: usize = 64;

/// What all evaluators of a sandbox share.
#[derive(Debug)]
pub(super) struct Runtime {
    engines: Arc<Engines>,
    limits: Limits,
    gate: Gate,
    // Held for its thread.
    _ticker: Ticker,
}

/// Data of a store: what the guest logged and how far it grew.
#[derive(Debug)]
pub(super) struct State {
    meter: Meter,
    log: Log,
    log_lines: usize,
    log_line_bytes: usize,
}

impl State {
    fn new(limits: &Limits) -> Self {
        let Limits { log_lines, log_line_bytes, .. } = *limits;
        Self { meter: Meter::new(limits), log: Log::default(), log_lines, log_line_bytes }
    }

    /// Bytes kept of one log line.
    pub(super) const fn log_line_bytes(&self) -> usize {
        self.log_line_bytes
    }

    /// Keeps a line that the guest logged.
    pub(super) fn log(&mut self, level: Level, text: &str) {
        self.log.push(level, text, self.log_lines, self.log_line_bytes);
    }
}

/// Fuel of one batch: what it began with, and what its rounds have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fuel {
    whole: u64,
    left: u64,
}

impl Fuel {
    /// A full tank.
    pub(super) const fn new(whole: u64) -> Self {
        Self { whole, left: whole }
    }

    /// Takes away what a call burned.
    pub(super) const fn burn(&mut self, fuel: u64) {
        self.left = self.left.saturating_sub(fuel);
    }
}

/// What calls used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Calls into the guest.
    pub calls: u64,
    /// Units of fuel, equal on every machine.
    pub fuel: u64,
    /// Bytes of memory of the call that grew most.
    pub peak_memory: usize,
}

impl Usage {
    /// Adds what another call used.
    pub(super) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.fuel += other.fuel;
        self.peak_memory = self.peak_memory.max(other.peak_memory);
    }
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Called<R> {
    pub(super) result: Result<R, Stop>,
    pub(super) usage: Usage,
    pub(super) log: Log,
}

impl Runtime {
    /// Engines with their clock.
    pub(super) fn new(limits: Limits) -> Result<Self> {
        let gate = Gate::new();
        let engines = Arc::new(Engines::new(&limits, gate.places())?);
        let ticker = Ticker::start(Arc::clone(&engines))?;
        Ok(Self { engines, limits, gate, _ticker: ticker })
    }

    pub(super) fn engines(&self) -> &Engines {
        &self.engines
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Instantiates the guest and runs `call` on it, with `fuel` for both.
    pub(super) fn call<R>(
        &self,
        guest: &InstancePre<State>,
        fuel: Fuel,
        company: Company,
        call: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<R>,
    ) -> Result<Called<R>> {
        let _pass = self.gate.enter(company);
        let stack = self.limits.stack_bytes + HOST_STACK;
        // On the caller's own stack where it has so much left, which spares the calls that a thread costs.
        stacker::maybe_grow(stack, stack, || self.run(guest, fuel, call))
    }

    fn run<R>(
        &self,
        guest: &InstancePre<State>,
        fuel: Fuel,
        call: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<R>,
    ) -> Result<Called<R>> {
        let broken = |error: wasmtime::Error| {
            Error::evaluator(format!("the sandbox is broken: {}", super::outcome::one_line(&error)))
        };
        let mut store = Store::try_new(guest.engine(), State::new(&self.limits)).map_err(broken)?;
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(self.limits.output_bytes);
        store.set_max_component_handles(HANDLES);
        store.set_fuel(fuel.left).map_err(broken)?;
        store.set_epoch_deadline(Ticker::ticks(self.limits.wall_clock));
        store.epoch_deadline_trap();
        let result = guest.instantiate(&mut store).and_then(|instance| call(&mut store, &instance));
        let left = store.get_fuel().map_err(broken)?;
        let State { meter, log, .. } = store.into_data();
        Ok(Called {
            result: result.map_err(|error| Stop::of(&error, &meter, &self.limits, fuel.whole)),
            usage: Usage {
                calls: 1,
                fuel: fuel.left.saturating_sub(left),
                peak_memory: meter.memory_bytes(),
            },
            log,
        })
    }
}
