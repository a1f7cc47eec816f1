//! What may be typed after `eval`.

use std::path::PathBuf;

use clap::Args;

use crate::suite::file::DeployPrompt;

/// Shown below the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  realign eval examples/harbor/suite.toml --model smollm2 --name before --limit 10
  realign eval examples/harbor/suite.toml --model recorded:responses.jsonl
  realign eval examples/harbor/suite.toml --model openai:http://127.0.0.1:8000/v1#qwen
  realign eval examples/harbor/suite.toml --power
  realign eval --task agreeableness.yaml --model smollm2
  realign eval --task arithmetic/group.yaml --model smollm2 --num-fewshot 5 --apply-chat-template --output results

Ends with 10 where a gate of the suite fails, 11 where the data do not decide one, else with 0;
tasks have no gates. With each of these the run is stored, to be reported and compared. A run that
was interrupted goes on where it stopped when the same command is given again.";

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// The suite.
    #[arg(value_name = "SUITE.toml", required_unless_present = "task", conflicts_with = "task")]
    pub suite: Option<PathBuf>,
    /// One lm-eval task file, or a group's, instead of a suite.
    #[arg(long, value_name = "FILE.yaml")]
    pub task: Option<PathBuf>,
    /// A GGUF file, a model folder or `smollm2` (the set-up's small model), each with `+ADAPTER_DIR` if wanted,
    /// `recorded:FILE.jsonl`, or `openai:BASE_URL#MODEL` (key in `$REALIGN_OPENAI_KEY`).
    #[arg(long, value_name = "MODEL", required_unless_present = "power")]
    pub model: Option<String>,
    /// Say what a comparison of two runs of the suite could see, and run nothing.
    #[arg(long, conflicts_with_all = ["task", "model", "name"])]
    pub power: bool,
    /// Where random numbers start, instead of the suite's own choice: a repetition shows the noise.
    #[arg(long, value_name = "S", conflicts_with = "task")]
    pub seed: Option<u64>,
    /// Name of the run; by default made from suite, model and prompt.
    #[arg(long, value_name = "RUN")]
    pub name: Option<String>,
    /// At most so many scenario families, a seeded choice, the same every time; of tasks the first so many documents.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// At most so many items of each benchmark, and so many neutral tasks.
    #[arg(long, value_name = "N", conflicts_with = "task")]
    pub items: Option<usize>,
    /// Which system prompt to deploy with, instead of the suite's own choice.
    #[arg(long, value_name = "PROMPT", conflicts_with = "task")]
    pub deploy_prompt: Option<DeployPrompt>,
    /// Examples in a prompt, instead of the task's own number; a task that says 0 keeps it.
    #[arg(long, value_name = "N", requires = "task")]
    pub num_fewshot: Option<u32>,
    /// Put prompts through the model's chat template; the description becomes the system message, examples are turns.
    #[arg(long, requires = "task")]
    pub apply_chat_template: bool,
    /// Put examples and question into one message instead.
    #[arg(long, requires = "apply_chat_template")]
    pub single_turn: bool,
    /// Folder for the task's results and samples as lm-eval writes them.
    #[arg(long, value_name = "DIR", requires = "task")]
    pub output: Option<PathBuf>,
}
