//! Messages for the host's log: the only thing that leaves an evaluator besides its outcomes.
//!
//! The host caps their length and number, and shows them to the operator who asks. Outside the sandbox, in native
//! tests, there is no host, and messages go nowhere.

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Probably wrong.
    Warn,
    /// Certainly wrong.
    Error,
}

/// Sends `message` to the host's log.
pub fn log(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::guest::log(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (level, message);
}
