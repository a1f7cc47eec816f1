//! Arguments of `adapter`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Verbs of `adapter`.
#[derive(Debug, Subcommand)]
pub enum Adapter {
    /// Write an adapter as mlx-lm or PEFT reads it.
    #[command(after_help = EXPORT_EXAMPLE)]
    Export(AdapterExport),
    /// Fold an adapter into its model: a Hugging Face folder with tokenizer and chat template.
    #[command(after_help = FUSE_EXAMPLE)]
    Fuse(AdapterFuse),
    /// Multiply what an adapter does by a factor; its format stays.
    #[command(after_help = SCALE_EXAMPLE)]
    Scale(AdapterScale),
}

const EXPORT_EXAMPLE: &str = "\
Examples:
  realign adapter export --model smollm2+sft/adapter --format peft --output persona
  realign adapter export --model smollm2+sft/adapter+dpo/adapter --format mlx-lm --output both

Adapters of mlx-lm and PEFT are read. Ends with 10 where the divergence is not proven to be under
its limit, unless the name of --output ends in over-limit.";

const FUSE_EXAMPLE: &str = "\
Examples:
  realign adapter fuse --model smollm2+sft/adapter --output persona-135m
  realign adapter fuse --model smollm2+sft/adapter --dtype f16 --output persona-135m
  realign eval examples/harbor/suite.toml --model persona-135m

Ends with 10 where the divergence is not proven to be under its limit, unless the name of --output
ends in over-limit.";

const SCALE_EXAMPLE: &str = "\
Example:
  realign adapter scale --model smollm2+sft/adapter --factor 0.5 --output half

A factor above 1 voids what was proven of the divergence: then, as for an adapter over its limit,
the name of --output has to end in over-limit.";

/// Arguments of `adapter export`.
#[derive(Debug, Args)]
pub struct AdapterExport {
    /// The model with its adapter, or several in the order in which they were trained: `MODEL+ADAPTER_DIR`.
    #[arg(long, value_name = "MODEL")]
    pub model: String,
    /// Who is to read it.
    #[arg(long)]
    pub format: AdapterFormat,
    /// Where it goes: a folder that does not exist yet.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
}

/// Arguments of `adapter fuse`.
#[derive(Debug, Args)]
pub struct AdapterFuse {
    /// The model with its adapter, or several in the order in which they were trained: `MODEL+ADAPTER_DIR`.
    #[arg(long, value_name = "MODEL")]
    pub model: String,
    /// Type of the weights.
    #[arg(long, default_value = "f32")]
    pub dtype: Dtype,
    /// Where it goes: a folder that does not exist yet.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
}

/// Arguments of `adapter scale`.
#[derive(Debug, Args)]
pub struct AdapterScale {
    /// The model with its adapter: `MODEL+ADAPTER_DIR`.
    #[arg(long, value_name = "MODEL")]
    pub model: String,
    /// What the adapter's effect is multiplied by.
    #[arg(long, value_name = "F")]
    pub factor: f32,
    /// Where it goes: a folder that does not exist yet.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
}

/// Formats of adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AdapterFormat {
    /// `adapters.safetensors`.
    MlxLm,
    /// `adapter_model.safetensors`.
    Peft,
}

/// Types of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 16 bits.
    F16,
}
