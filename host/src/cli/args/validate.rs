//! What may be typed after `validate`.

use std::path::PathBuf;

use clap::Args;

/// Shown below the help.
pub(super) const EXAMPLE: &str = "\
Example:
  realign validate suite.toml persona.toml gates.toml tasks/agreeableness.yaml

Everything that a file names is read, templates are rendered on every row, evaluators are loaded and
given their rows. No model is started. Ends as the first error would: 2, 20 or 22.";

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// Suites, personas, gate files (TOML) and lm-eval tasks (YAML).
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}
