//! Expected errors: what a user, a file, a component or a machine can do wrong.
//!
//! A message is one lower-case line that names the thing, the value and the limit. Advice is kept apart in the
//! hint. Each error carries the exit code that scripts see. Anything that is not expected is a bug and panics.

use std::{fmt, io, path::Path};

use crate::exit::Exit;

/// Shorthand for results whose error is an expected one.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An expected error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Error {
    /// An error that ends the command with `exit`.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// Wrong usage or configuration: exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Input data that cannot be used: exit 22.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Exit::BadInput, message)
    }

    /// Input that could not be read: exit 22, naming the file.
    #[must_use]
    pub fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::bad_input(format!("cannot read {}: {}", path.display(), plain(error)))
            .hint("check the name, and that you may read it")
    }

    /// Output that could not be written: exit 23, naming the file.
    #[must_use]
    pub fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::new(Exit::Unwritable, format!("cannot write {}: {}", path.display(), plain(error)))
            .hint("nothing was changed there; free some space or choose another place and run it again")
    }

    /// A result that standard output did not take: exit 23.
    #[must_use]
    pub fn unprintable(error: &io::Error) -> Self {
        Self::new(Exit::Unwritable, format!("cannot write to standard output: {}", plain(error)))
    }

    /// An evaluator was refused or failed too often: exit 20.
    pub fn evaluator(message: impl Into<String>) -> Self {
        Self::new(Exit::Evaluator, message)
    }

    /// The engine failed: exit 21.
    pub fn engine(message: impl Into<String>) -> Self {
        Self::new(Exit::Engine, message)
    }

    /// Adds advice that fixes it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts where it happened in front of the message: `"suite.toml: detector[2]"`.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// The exit code that scripts see.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The advice, if there is any.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// An operating system error without the "(os error N)" that says nothing to a reader.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}
