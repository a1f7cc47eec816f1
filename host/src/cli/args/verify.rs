//! What may be typed after `verify`.

use std::path::PathBuf;

use clap::Args;

/// Shown below the help.
pub(super) const EXAMPLE: &str = "\
Example:
  realign verify before

Ends with 10 where something differs, which is named with its byte, and with 12 where the suite or
an evaluator changed since the run was made. No model is needed: every answer was kept.";

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// A run, as `compare` takes it.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The suite or task file, where it is no longer where it was.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}
