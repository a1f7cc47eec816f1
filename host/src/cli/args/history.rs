//! What may be typed after `history`.

use std::path::PathBuf;

use clap::Args;

/// Shown below the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  realign history
  realign history sft-step-0 sft-step-50 sft-step-100 --metric adherence
  realign history --html history.html

Without names: all finished evaluations that share the instrument of the newest one, oldest first.";

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct History {
    /// Names or ids of stored runs; the others are held against the first.
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// Show this metric alone.
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// Where the page goes.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
}
