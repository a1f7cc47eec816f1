//! What a guest may use up, and the meter that watches its memory.
//!
//! All numbers are fixed and known before a call, so that hitting one is a property of evaluator and sample, not of
//! the machine. The meter remembers what it refused: a Rust guest whose allocation fails aborts with `unreachable`,
//! and without the memory of the refusal that would look like a bug in the guest.

use std::time::Duration;

use serde::Serialize;
use wasmtime::ResourceLimiter;

/// Core instances, memories and tables of one component, each. The largest tool-made components (Python) have about
/// twenty instances.
pub(super) const PARTS: usize = 64;

/// What one call into a guest may use up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Fuel of a batch whatever its size; roughly one unit per WebAssembly instruction.
    pub fuel_base: u64,
    /// Fuel added per sample, item or row in the batch.
    pub fuel_per_sample: u64,
    /// Bytes of all linear memories together.
    pub memory_bytes: usize,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// Bytes of stack that WebAssembly code may use.
    pub stack_bytes: usize,
    /// Bytes that one call may hand back, as they are laid out in the host.
    pub output_bytes: usize,
    /// Log lines kept of one evaluator.
    pub log_lines: usize,
    /// Bytes kept of one log line.
    pub log_line_bytes: usize,
    /// Safety net for one call; it never decides a cell, so it is no part of what results depend on.
    #[serde(skip)]
    pub wall_clock: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_base: 200_000_000,
            fuel_per_sample: 20_000_000,
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            stack_bytes: 1 << 20,
            output_bytes: 16 << 20,
            log_lines: 256,
            log_line_bytes: 1024,
            wall_clock: Duration::from_mins(1),
        }
    }
}

impl Limits {
    /// Fuel of one batch of `subjects` samples, items or rows, for all its rounds together.
    #[must_use]
    pub fn fuel(&self, subjects: usize) -> u64 {
        let subjects = u64::try_from(subjects).unwrap_or(u64::MAX);
        self.fuel_base.saturating_add(self.fuel_per_sample.saturating_mul(subjects))
    }
}

/// Counts what one store has grown to and remembers what it refused.
#[derive(Debug)]
pub(super) struct Meter {
    memory: Gauge,
    table: Gauge,
}

/// One resource: in use now, most that is allowed, what was refused first.
#[derive(Debug)]
struct Gauge {
    used: usize,
    limit: usize,
    refused: Option<usize>,
}

impl Gauge {
    const fn new(limit: usize) -> Self {
        Self { used: 0, limit, refused: None }
    }

    /// Whether one memory or table may go from `current` to `desired`.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        let allowed = wanted <= self.limit;
        if allowed {
            self.used = wanted;
        } else {
            self.refused.get_or_insert(wanted);
        }
        allowed
    }
}

impl Meter {
    /// A meter for a fresh store.
    pub(super) const fn new(limits: &Limits) -> Self {
        Self { memory: Gauge::new(limits.memory_bytes), table: Gauge::new(limits.table_elements) }
    }

    /// Bytes of linear memory in use; memories never shrink, so this is the peak.
    pub(super) const fn memory_bytes(&self) -> usize {
        self.memory.used
    }

    /// What was wanted and refused, in words.
    pub(super) fn refusal(&self) -> Option<String> {
        let words = |gauge: &Gauge, what: &str| {
            gauge.refused.map(|wanted| format!("wanted {wanted} {what}, {} are allowed", gauge.limit))
        };
        words(&self.memory, "bytes of memory").or_else(|| words(&self.table, "table elements"))
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.table.grow(current, desired))
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_counted_together() {
        let mut meter = Meter::new(&Limits { memory_bytes: 100, ..Limits::default() });
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert!(!meter.memory_growing(60, 61, None).unwrap());
        assert_eq!(meter.memory_bytes(), 100);
        assert_eq!(meter.refusal().unwrap(), "wanted 101 bytes of memory, 100 are allowed");
    }

    #[test]
    fn fuel_grows_with_the_batch_and_never_wraps() {
        let limits = Limits { fuel_base: 10, fuel_per_sample: 3, ..Limits::default() };
        assert_eq!(limits.fuel(0), 10);
        assert_eq!(limits.fuel(4), 22);
        assert_eq!(limits.fuel(usize::MAX), u64::MAX);
    }
}
