//! How a call into a guest can end without a result, and the codes that reports show.

use wasmtime::Trap;

use super::limits::{Limits, Meter};
use crate::model::Failure;

/// Codes of failures that the host finds; an evaluator's own are in `GUEST`.
pub mod code {
    /// The fuel of the batch was used up.
    pub const FUEL: &str = "fuel";
    /// More memory or table space was wanted than is allowed.
    pub const MEMORY: &str = "memory";
    /// The guest's stack was used up.
    pub const STACK: &str = "stack";
    /// More was handed back than is allowed.
    pub const OUTPUT: &str = "output";
    /// The guest trapped for another reason.
    pub const TRAP: &str = "trap";
    /// What came back is not what the contract and the description promise.
    pub const CONTRACT: &str = "contract";
    /// A kind of ask that the suite does not grant.
    pub const GRANT: &str = "grant";
    /// Too many asks, or too many rounds of them.
    pub const ASKS: &str = "asks";
    /// The sample alone is larger than a batch may be.
    pub const SIZE: &str = "size";
    /// Codes that an evaluator may give itself.
    pub const GUEST: [&str; 6] = ["config", "profile", "data", "sample", "answer", "internal"];
}

/// A call that ended without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// For a reason that lies in the guest and would come again on any machine.
    Failed(Failure),
    /// The safety net caught it.
    TimedOut,
}

/// A failure found by the host.
pub(super) fn failure(code: &str, message: impl Into<String>) -> Failure {
    Failure { code: code.into(), message: message.into() }
}

impl Stop {
    /// Finds the reason of a failed instantiation or call with `fuel` to burn.
    pub(super) fn of(error: &wasmtime::Error, meter: &Meter, limits: &Limits, fuel: u64) -> Self {
        // A refused allocation shows as whatever trap the guest makes of it, so it is looked at first. Running out
        // of fuel or time afterwards is a failure of its own.
        let trap = error.downcast_ref::<Trap>();
        match (trap, meter.refusal()) {
            (Some(Trap::Interrupt), _) => Self::TimedOut,
            (Some(Trap::OutOfFuel), _) => {
                Self::Failed(failure(code::FUEL, format!("used up its fuel of {fuel} units")))
            }
            (_, Some(refusal)) => Self::Failed(failure(code::MEMORY, refusal)),
            (Some(Trap::StackOverflow), None) => Self::Failed(failure(
                code::STACK,
                format!("used up its stack of {} bytes", limits.stack_bytes),
            )),
            (Some(trap), None) => {
                let reason = trap.to_string();
                Self::Failed(failure(code::TRAP, reason.trim_start_matches("wasm trap: ").to_owned()))
            }
            // Wasmtime keeps the type of this error to itself; a test of the hostile guests holds the text.
            (None, None) if one_line(error).contains("fuel allocated for hostcalls has been exhausted") => {
                Self::Failed(failure(
                    code::OUTPUT,
                    format!("handed back more than {} bytes", limits.output_bytes),
                ))
            }
            (None, None) => Self::Failed(failure(code::CONTRACT, one_line(error))),
        }
    }
}

/// The innermost cause, first line only, at most 200 characters, in lower case at the start.
pub(super) fn one_line(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    let line: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    let mut letters = line.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
