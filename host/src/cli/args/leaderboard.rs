//! What may be typed after `leaderboard`.

use std::path::PathBuf;

use clap::Args;

/// Shown below the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  realign leaderboard base tuned merged --metric facts/accuracy
  realign leaderboard base tuned merged --html board.html

A place such as `1 to 2` is what all pairs of runs leave possible, with 95 % confidence for all
places at once.";

/// Arguments of `leaderboard`.
#[derive(Debug, Args)]
pub struct Leaderboard {
    /// Names or ids of stored runs, two or more, or the path of a store, as in `old/runs.db#base`.
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub runs: Vec<String>,
    /// This metric alone; then nothing is corrected for the others.
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// Where the page goes.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
}
