//! Errors inside the engine, one step before they become an [`EngineError`] reply.
//!
//! A failure of the library below carries no advice that an operator could follow, so it converts by itself
//! into an internal error; what a model file or a request did wrong is written out where it is found.

use mlx_rs::error::{AsSliceError, Exception};
use realign_engine_abi::message::{EngineError, ErrorKind};

/// Shorthand for results inside the engine.
pub type Result<T> = std::result::Result<T, Error>;

/// An error on its way to becoming a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(EngineError);

impl Error {
    /// The model file is missing, damaged, or of a kind that the engine does not know.
    #[must_use]
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    /// The request does not fit the model.
    #[must_use]
    pub fn request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Request, message)
    }

    /// What was to be written could not be.
    #[must_use]
    pub fn unwritable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unwritable, message)
    }

    /// The library below failed, or the engine has a bug.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The caller asked to stop; nothing of the call is kept.
    #[must_use]
    pub fn stopped() -> Self {
        Self::request("stopped by the caller")
    }

    /// Adds advice that fixes it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = hint.into();
        self
    }

    /// Puts where it happened in front of the message.
    #[must_use]
    pub fn within(mut self, place: impl std::fmt::Display) -> Self {
        self.0.message = format!("{place}: {}", self.0.message);
        self
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(EngineError { kind, message: message.into(), hint: String::new() })
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl From<Exception> for Error {
    fn from(exception: Exception) -> Self {
        Self::internal(format!("mlx failed: {}", exception.what()))
            .hint("if it speaks of memory, ask for smaller batches; otherwise report it")
    }
}

impl From<AsSliceError> for Error {
    fn from(error: AsSliceError) -> Self {
        Self::internal(format!("mlx gave no readable result: {error}"))
    }
}
