//! What may be typed after `calibrate` and `plan`, which are about machines.

use std::path::PathBuf;

use clap::Args;

use crate::hardware::calibration::Task;

/// Shown below the help of `calibrate`.
pub(super) const CALIBRATE_EXAMPLE: &str = "\
Examples:
  realign calibrate --quick
  realign calibrate --model model.gguf --json

What was measured goes into calibration.json in the home folder. Scoring and generation take their
number of workers from there, which changes no result. Measure while nothing else runs.";

/// Arguments of `calibrate`.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// Which model: a GGUF file, a model folder, or `smollm2` (the set-up's small model).
    #[arg(long, value_name = "MODEL", default_value = "smollm2")]
    pub model: String,
    /// Fewer repeats of smaller work: wider intervals.
    #[arg(long)]
    pub quick: bool,
}

/// Shown below the help of `plan`.
pub(super) const PLAN_EXAMPLE: &str = "\
Examples:
  realign plan --task score --tokens 5000000
  realign plan --task train --tokens 2000000 --machine here.json --machine there.json --link 10

A machine is named by the calibration.json that `realign calibrate` wrote on it.";

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// What is to be done.
    #[arg(long)]
    pub task: Task,
    /// How many tokens: scored, made or trained on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000_000))]
    pub tokens: u64,
    /// Calibration file of a machine, perhaps several; by default this machine's.
    #[arg(long, value_name = "FILE")]
    pub machine: Vec<PathBuf>,
    /// Weights of the model, where it is not the measured one: time and memory are taken in proportion.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000_000))]
    pub parameters: Option<u64>,
    /// Which measured model counts, where files hold several: its name, or the beginning of its digest.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Speed of the network between the machines in Gbit/s.
    #[arg(long, value_name = "GBIT", default_value_t = 1.0)]
    pub link: f64,
}
