//! What may be typed after `report`.

use std::path::PathBuf;

use clap::Args;

/// Shown below the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  realign report before
  realign report before --html before.html
  realign report before --gates gates.toml --junit gates.xml --summary \"$GITHUB_STEP_SUMMARY\"

With --gates the command ends with 10 where a gate fails and 11 where it cannot be decided.
The page is one file that needs no network; it opens in any browser, light or dark.";

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// A run's name or id, or the path of a store, as in `old/runs.db#before`.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Where the page goes.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
    /// Thresholds of your own; the exit code follows them.
    #[arg(long, value_name = "GATES.toml")]
    pub gates: Option<PathBuf>,
    /// Where the gates go as a `JUnit` file.
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
    /// File to which a Markdown summary of the gates is appended.
    #[arg(long, value_name = "FILE.md")]
    pub summary: Option<PathBuf>,
}
