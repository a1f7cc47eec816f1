//! Arguments of `init`, `run`, `resume`, `status` and `monitor`.

use std::path::PathBuf;

use clap::Args;

use crate::run::file::Mode;

pub(super) const RUN_EXAMPLE: &str = "\
Examples:
  realign run examples/harbor/pipeline.toml
  realign run examples/harbor/pipeline.toml --until 4
  realign run examples/harbor/pipeline.toml --from 5 --mode permissive

What was done before is kept: the same command goes on where it stopped. Ends with 0 where the
release passed every gate (or, with --until, the last stage did), 10 where one failed, 11 where
one is undecided.";

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The pipeline file.
    #[arg(value_name = "PIPELINE.toml")]
    pub pipeline: PathBuf,
    /// Name of the run, instead of the file's own.
    #[arg(long)]
    pub name: Option<String>,
    /// The model that everything begins with, instead of the file's own.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// What a gate that is not passed does, instead of the file's own choice.
    #[arg(long, value_parser = mode)]
    pub mode: Option<Mode>,
    /// The last stage.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=7))]
    pub until: u8,
    /// Gives up this stage and all later ones, keeps what they made in `history`, and does them again.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=7))]
    pub from: Option<u8>,
    /// Folder of the run; by default `.realign/run/NAME`.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder to write into; made if it is missing. Nothing that is there is changed.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// Name of the run, or its folder.
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Name of the run, or its folder.
    #[arg(value_name = "RUN")]
    pub run: String,
}

pub(super) const MONITOR_EXAMPLE: &str = "\
Lines:  {\"id\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"...\"}]}

Example:
  realign monitor harbor --input last-week.jsonl

Ends with 10 where something drifted, 11 where there are too few conversations to say, 12 where the
evaluators are not those of the release.";

/// Arguments of `monitor`.
#[derive(Debug, Args)]
pub struct Monitor {
    /// Name of the run that was released, or its folder.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Conversations that end with the model's reply, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "strict" => Ok(Mode::Strict),
        "permissive" => Ok(Mode::Permissive),
        _ => Err("`strict` or `permissive` is expected".into()),
    }
}
