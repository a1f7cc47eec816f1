//! What may be typed after `compare`.

use std::path::PathBuf;

use clap::Args;

/// Shown below the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  realign compare before after --json
  realign compare before after later --margin 0.02
  realign compare before after --html compared.html --junit compared.xml

Ends with 10 where something regressed or a capability was proven to be lost, 11 where something
cannot be told, 12 where the runs measured with different instruments.";

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The baseline: a run's name or id, or the path of a store, as in `old/runs.db#before`.
    #[arg(value_name = "RUN_A")]
    pub before: String,
    /// What is compared with it, one or more.
    #[arg(value_name = "RUN_B", required = true)]
    pub after: Vec<String>,
    /// Differences up to this share of the baseline's value do not matter: what is proven to lie within is equivalent.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub margin: f64,
    /// Correct for the share of false claims (Benjamini-Hochberg) instead of the chance of any (Holm).
    #[arg(long)]
    pub fdr: bool,
    /// A key of the instrument that may differ; every report shows it. May be given several times.
    #[arg(long, value_name = "KEY")]
    pub allow: Vec<String>,
    /// The baseline once more, evaluated under another name and seed: what it differs by stands beside every change.
    #[arg(long, value_name = "RUN")]
    pub noise: Option<String>,
    /// Where the page of two runs goes: every sample on both sides.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
    /// Where the verdicts go as a `JUnit` file.
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
    /// File to which a Markdown summary of the verdicts is appended.
    #[arg(long, value_name = "FILE.md")]
    pub summary: Option<PathBuf>,
}
