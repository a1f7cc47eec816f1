//! What may be typed. Types only; each verb's file says what it does.

mod adapter;
mod ask;
mod compare;
mod data;
mod eval;
mod history;
mod leaderboard;
mod machine;
mod persona;
mod plugin;
mod report;
mod run;
mod validate;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::{
    adapter::{Adapter, AdapterExport, AdapterFormat, AdapterFuse, AdapterScale, Dtype},
    ask::{Generate, ModelArgument, Score},
    compare::Compare,
    data::{Convert, Data, DataValidate, Decontaminate, Ifd, Mix, Pairs, Pii},
    eval::Eval,
    history::History,
    leaderboard::Leaderboard,
    machine::{Calibrate, Plan},
    persona::{Persona, PersonaImport},
    plugin::{Plugin, PluginCard},
    report::Report,
    run::{Init, Monitor, Resume, Run, Status},
    validate::Validate,
    verify::Verify,
};
use crate::engine::launch::{PATIENCE, RELAY_VERB, WORKER_VERB};

/// Keeps a language model in character, and proves it.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// One JSON document on standard output; everything for people goes to standard error.
    #[arg(long, global = true)]
    pub json: bool,
    /// Database of runs.
    #[arg(
        long,
        global = true,
        env = "REALIGN_STORE",
        value_name = "FILE",
        default_value = ".realign/runs.db"
    )]
    pub store: PathBuf,
    /// Worker processes, by default as many as cores and memory allow; for a server, most requests under way (16). The
    /// number changes no result.
    #[arg(long, global = true, value_name = "N")]
    pub workers: Option<usize>,
    /// How long a worker may be silent in the middle of a batch before it is killed and the batch tried once more; for a
    /// server, how long one answer may take.
    #[arg(
        long,
        global = true,
        env = "REALIGN_PATIENCE",
        value_name = "SECONDS",
        default_value_t = PATIENCE.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=7 * 24 * 3600)
    )]
    pub patience: u64,
}

const EXAMPLES: &str = "\
Examples:
  realign doctor
  realign eval examples/harbor/suite.toml --model smollm2 --limit 10
  realign compare RUN_A RUN_B

Exit codes: 0 done and passed, 1 bug, 2 usage, 10 failed or regressed, 11 inconclusive,
12 not comparable, 20 evaluators, 21 engine, 22 bad input, 23 could not write, 130 interrupted";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what is installed, what is missing and how to fix it; time the engine.
    #[command(after_help = "Example:\n  realign doctor --json")]
    Doctor,
    /// Log-likelihoods of continuations.
    #[command(after_help = ask::SCORE_EXAMPLE)]
    Score(Score),
    /// Responses to prompts.
    #[command(after_help = ask::GENERATE_EXAMPLE)]
    Generate(Generate),
    /// Evaluate a model with a suite, or with one lm-eval task, and store the run.
    #[command(after_help = eval::EXAMPLE)]
    Eval(Eval),
    /// Compare stored runs with a baseline, item by item.
    #[command(after_help = compare::EXAMPLE)]
    Compare(Compare),
    /// Write a persona, a suite and a pipeline to begin with, every option explained.
    #[command(
        after_help = "Example:\n  realign init fern\n  realign validate fern/suite.toml\n  realign run fern/pipeline.toml"
    )]
    Init(Init),
    /// The seven stages: bring a model into character, and prove it.
    #[command(after_help = run::RUN_EXAMPLE)]
    Run(Run),
    /// Go on with a pipeline that was interrupted.
    #[command(after_help = "Example:\n  realign resume harbor")]
    Resume(Resume),
    /// Show how far a pipeline has come, and why it is where it is.
    #[command(after_help = "Example:\n  realign status harbor --json")]
    Status(Status),
    /// Hold new transcripts against what a release showed.
    #[command(after_help = run::MONITOR_EXAMPLE)]
    Monitor(Monitor),
    /// Put runs in order, with what is known of their places.
    #[command(after_help = leaderboard::EXAMPLE)]
    Leaderboard(Leaderboard),
    /// Show runs in the order in which they were made, each beside the first.
    #[command(after_help = history::EXAMPLE)]
    History(History),
    /// Show a stored run again, and write it as a page.
    #[command(after_help = report::EXAMPLE)]
    Report(Report),
    /// Check suites, personas, gate files and tasks with everything that they name, without a model.
    #[command(after_help = validate::EXAMPLE)]
    Validate(Validate),
    /// Compute every score of a stored run again from what the model said, and compare.
    #[command(after_help = verify::EXAMPLE)]
    Verify(Verify),
    /// List stored runs.
    #[command(after_help = "Example:\n  realign runs")]
    Runs,
    /// Preference data.
    #[command(subcommand)]
    Data(Data),
    /// Personas that were written down elsewhere.
    #[command(subcommand)]
    Persona(Persona),
    /// Train an adapter, and hold it under a limit of divergence.
    #[command(subcommand)]
    Train(Train),
    /// Write an adapter for other programs, fold it into its model, or multiply it.
    #[command(subcommand)]
    Adapter(Adapter),
    /// Evaluators: list, inspect, build, and find out what they are worth.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Measure this machine: arithmetic, memory, and how fast a model runs on it.
    #[command(after_help = machine::CALIBRATE_EXAMPLE)]
    Calibrate(Calibrate),
    /// Place a job on measured machines.
    #[command(after_help = machine::PLAN_EXAMPLE)]
    Plan(Plan),
    /// Serve an engine on standard input and output; started by realign itself.
    #[command(hide = true, name = WORKER_VERB)]
    Worker(Worker),
    /// Serve an engine to another machine; started by realign itself.
    #[command(hide = true, name = RELAY_VERB)]
    Relay(Worker),
}

/// Verbs of `train`.
#[derive(Debug, Subcommand)]
pub enum Train {
    /// On answers: conversations, completions or texts.
    #[command(after_help = SFT_EXAMPLE)]
    Sft(TrainArguments),
    /// On pairs of answers: one is preferred to the other.
    #[command(after_help = PREFERENCE_EXAMPLE)]
    Preference(TrainArguments),
}

const SFT_EXAMPLE: &str = "\
Examples:
  realign train sft examples/harbor/sft.toml --model smollm2 --output sft
  realign train sft examples/harbor/sft.toml --max-steps 5 --output try
  realign train sft examples/harbor/sft.toml --ranks 2 --output sft-2
  realign train sft examples/harbor/sft.toml --hostfile hosts.json --output sft-3
  mlx.launch --backend ring -n 2 -- realign train sft examples/harbor/sft.toml --output sft-2
  realign eval examples/harbor/suite.toml --model smollm2+sft/adapter

Ctrl-C finishes the step, writes a checkpoint and ends with 130; the same command goes on from there.
Ends with 10 where the adapter's divergence is not proven to be under the limit, or where a suite
warned of what came out.";

const PREFERENCE_EXAMPLE: &str = "\
Examples:
  realign train preference examples/harbor/preference.toml --output dpo
  realign train preference examples/harbor/preference.toml --seed 2 --output dpo-2
  realign train preference examples/harbor/preference.toml --ranks 2 --output dpo-3

Ctrl-C finishes the step, writes a checkpoint and ends with 130; the same command goes on from there.
Ends with 10 where the adapter's divergence is not proven to be under the limit, or where a suite
warned of what came out.";

/// Arguments of `train sft` and `train preference`.
#[derive(Debug, Args)]
pub struct TrainArguments {
    /// The training.
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// Which model to start from, instead of the configuration's own.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Folder of the run; by default `.realign/train/` and the configuration's name.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// At most so many optimiser steps.
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u32>,
    /// Where random numbers start, instead of the configuration's own.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Worker processes on this machine that take every step together, instead of the configuration's own number. Each
    /// holds the model and computes with one thread; more of them than cores gain nothing.
    #[arg(long, value_name = "N")]
    pub ranks: Option<u32>,
    /// Train over several machines, a rank on each: a JSON array as `mlx.launch` reads it, with this machine first.
    #[arg(long, value_name = "HOSTS.json", conflicts_with = "ranks")]
    pub hostfile: Option<PathBuf>,
}

/// Arguments of the hidden worker verb.
#[derive(Debug, Args)]
pub struct Worker {
    /// The engine library.
    pub library: PathBuf,
}
