//! What may be typed after `score` and `generate`, which ask a model for what a file lists.

use std::path::PathBuf;

use clap::Args;

/// Shown below the help of `score`.
pub(super) const SCORE_EXAMPLE: &str = "\
Input lines:   {\"id\":\"a\",\"context\":\"The capital of France is\",\"continuations\":[\" Paris\",\" Rome\"]}
Output lines:  {\"id\":\"a\",\"loglikelihood\":[-1.2,-7.9],\"tokens\":[1,1],\"greedy\":[true,false]}

Example:
  realign score --model smollm2 --input questions.jsonl --output scores.jsonl

With --model openai:URL#MODEL the server has to echo log-probabilities; it is held against itself
first, and refused (exit 2) where they are not what it generates with.";

/// Shown below the help of `generate`.
pub(super) const GENERATE_EXAMPLE: &str = "\
Input lines:   {\"id\":\"a\",\"prompt\":\"Once upon\"} or {\"id\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}
Output lines:  {\"id\":\"a\",\"response\":\"...\",\"tokens\":12,\"finish\":\"end\"}

Example:
  realign generate --model smollm2 --input prompts.jsonl --output responses.jsonl --max-tokens 64
  realign generate --model openai:http://127.0.0.1:8000/v1#qwen --input prompts.jsonl --output out.jsonl";

/// Which model.
#[derive(Debug, Args)]
pub struct ModelArgument {
    /// A GGUF file, a model folder or `smollm2` (the set-up's small model), each with `+ADAPTER_DIR` if wanted,
    /// `recorded:FILE.jsonl`, or `openai:BASE_URL#MODEL` (key in `$REALIGN_OPENAI_KEY`).
    #[arg(long, value_name = "MODEL")]
    pub model: String,
}

/// Arguments of `score`.
#[derive(Debug, Args)]
pub struct Score {
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgument,
    /// Contexts with their continuations, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Where the scores go, in the order of the input.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgument,
    /// Prompts, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Where the responses go, in the order of the input.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Most tokens in a response.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_tokens: u32,
    /// 0 is greedy.
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    pub temperature: f32,
    /// Where random numbers start; a response depends on this and on its id alone.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Text at which a response ends; may be given several times.
    #[arg(long, value_name = "STR")]
    pub stop: Vec<String>,
}
