//! Requests, replies and events as plain serde data.
//!
//! The host decides everything that could change a number: it tokenizes first, then plans which rows share a
//! batch, and sends token ids. An engine computes exactly the batch it is given, so the same batch gives the
//! same bits whichever worker runs it.
//!
//! Log-probabilities are natural logarithms, summed over the tokens of a continuation.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    export::{Export, Exported},
    train::{Divergence, KlRow, LogProbs, StepReport, TrainBegin, TrainSave, TrainStep, TrainingInfo},
};

/// First frame on a worker's pipe, before any request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::ffi::ABI_VERSION`] of the worker.
    pub abi: u32,
    /// Version of the worker's program.
    pub version: String,
}

/// How an engine is made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineOptions {}

/// A request with the id that its events and its reply carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Chosen by the caller.
    pub id: u64,
    /// What to do.
    pub request: Request,
}

/// What a worker sends back on its pipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Id of the call.
    pub id: u64,
    /// An event, or the reply that ends the call.
    pub body: Body,
}

/// An event, or the reply that ends a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Something happened; the call goes on.
    Event(Event),
    /// The call has ended.
    Reply(Reply),
    /// The worker's process is running: sent every [`BEAT`] in the middle of a call, whatever the engine does.
    Beat,
}

/// How often a worker that is busy says that it is running.
pub const BEAT: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Load a model; replies with [`Reply::Model`].
    Load(Load),
    /// Describe the engine; replies with [`Reply::Engine`].
    Info,
    /// Texts to token ids; replies with [`Reply::Tokens`], one list per text.
    Tokenize(Vec<TokenizeInput>),
    /// Log-probabilities of continuations; replies with [`Reply::Scores`], one list per row.
    Score(Vec<ScoreRow>),
    /// Sampled or greedy continuations; replies with [`Reply::Texts`], one per row.
    Generate(Vec<GenerateRow>),
    /// Time one matrix product of the small model's shape; replies with [`Reply::SelfTest`].
    SelfTest,
    /// Put a trainable adapter on the loaded model; replies with [`Reply::Training`].
    TrainBegin(TrainBegin),
    /// One optimiser step; replies with [`Reply::Step`] or [`Reply::Diverged`].
    TrainStep(TrainStep),
    /// Write adapter and optimiser into a folder; replies with [`Reply::Saved`].
    TrainSave(TrainSave),
    /// Log-probabilities of the answers of examples; replies with [`Reply::LogProbs`], one list per example.
    LogProbs(LogProbs),
    /// Exact divergence of the adapted model from the model without its adapter; replies with [`Reply::Kl`].
    Kl(Vec<KlRow>),
    /// Multiply the adapter by a factor in whatever is asked until the next such request or the next step that
    /// updates; replies with [`Reply::Scaled`]. A step always trains the adapter as it is.
    AdapterFactor(f32),
    /// Put finished adapters on the loaded model as one that [`Request::Kl`] and [`Request::LogProbs`] can leave out, in
    /// place of one that is trained; replies with [`Reply::Adapted`].
    Adapt(Vec<AdapterFile>),
    /// Write adapters, or a model with adapters folded in, for other programs; replies with [`Reply::Exported`].
    Export(Export),
}

/// Which model to load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// A GGUF file or a Hugging Face model folder.
    pub model: PathBuf,
    /// Adapters that become part of the weights, one after the other.
    pub adapters: Vec<AdapterFile>,
}

/// An adapter on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterFile {
    /// A folder as mlx-lm or PEFT writes it.
    pub folder: PathBuf,
    /// Multiplies the scale that the folder states; 1 takes the adapter as it is.
    pub factor: f32,
}

/// A text to be tokenized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenizeInput {
    /// Raw text: no template, no special tokens added.
    Raw(String),
    /// A context and one continuation of it, split as lm-eval splits: spaces at the end of the context move to
    /// the continuation, both are encoded as one text, and the continuation is what follows the context's own
    /// number of tokens. An empty context becomes the model's prefix token.
    Pair {
        /// What is given.
        context: String,
        /// What is scored.
        continuation: String,
    },
    /// Messages through the model's chat template, with the header of the assistant's turn at the end.
    Chat(Vec<ChatMessage>),
    /// A finished conversation through the model's chat template, with a mark on every token that the assistant
    /// has to produce: the text of its turns and the token that ends each, never a header.
    Transcript(Vec<ChatMessage>),
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// Token ids of one [`TokenizeInput`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokenized {
    /// The context, the raw text or the templated messages.
    pub tokens: Vec<u32>,
    /// The continuation of a pair; empty otherwise.
    pub continuation: Vec<u32>,
    /// For a transcript, one mark per token of `tokens`: whether the assistant has to produce it; empty otherwise.
    pub scored: Vec<bool>,
}

/// One context with the continuations that are scored against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// At least one token.
    pub context: Vec<u32>,
    /// Each at least one token.
    pub continuations: Vec<Vec<u32>>,
}

/// The score of one continuation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Sum of natural log-probabilities of the continuation's tokens.
    pub logprob: f64,
    /// Whether every token of the continuation is the most probable one.
    pub greedy: bool,
}

/// One prompt to be continued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateRow {
    /// At least one token.
    pub prompt: Vec<u32>,
    /// Most tokens to make.
    pub max_tokens: u32,
    /// 0 is greedy; otherwise logits are divided by it.
    pub temperature: f32,
    /// Random numbers are a function of this and of the token's index, of nothing else.
    pub seed: u64,
    /// Texts at which to stop; they are not part of the result.
    pub stop: Vec<String>,
}

/// One continuation that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// The text, special tokens and stop string removed.
    pub text: String,
    /// The tokens that were made, the end-of-turn token excluded.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model ended its turn.
    End,
    /// A stop text came up.
    Stop,
    /// The token limit or the context window was reached.
    Length,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Of [`Request::Load`].
    Model(ModelInfo),
    /// Of [`Request::Info`].
    Engine(EngineInfo),
    /// Of [`Request::Tokenize`].
    Tokens(Vec<Tokenized>),
    /// Of [`Request::Score`].
    Scores(Vec<Vec<Score>>),
    /// Of [`Request::Generate`].
    Texts(Vec<Generated>),
    /// Of [`Request::SelfTest`].
    SelfTest(SelfTest),
    /// Of [`Request::TrainBegin`].
    Training(TrainingInfo),
    /// Of [`Request::TrainStep`]: the step was taken.
    Step(StepReport),
    /// Of [`Request::TrainStep`]: something was not finite, and nothing was changed.
    Diverged(Divergence),
    /// Of [`Request::TrainSave`].
    Saved,
    /// Of [`Request::LogProbs`]: for each example one sum per answer, natural logarithms.
    LogProbs(Vec<Vec<f64>>),
    /// Of [`Request::Kl`]: for each row the divergence at each token of its response, in nats.
    Kl(Vec<Vec<f32>>),
    /// Of [`Request::AdapterFactor`].
    Scaled,
    /// Of [`Request::Adapt`].
    Adapted,
    /// Of [`Request::Export`].
    Exported(Exported),
    /// The call failed; the engine is still usable.
    Error(EngineError),
}

/// The model that was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// `llama`.
    pub architecture: String,
    /// Name that the file gives itself.
    pub name: String,
    /// Weights, counted once where the head is tied.
    pub parameters: u64,
    /// Blocks.
    pub layers: u32,
    /// Tokens in the vocabulary.
    pub vocabulary: u32,
    /// Longest sequence in tokens.
    pub context_length: u32,
    /// Type in which it computes: `f32`.
    pub dtype: String,
    /// SHA-256 of the chat template, hexadecimal; empty where the model has none.
    pub template_digest: String,
    /// SHA-256 over tokens, merges and special ids, hexadecimal.
    pub tokenizer_digest: String,
}

/// The engine and what it computes with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// `mlx`.
    pub backend: String,
    /// Version of the engine library.
    pub version: String,
    /// Version of MLX.
    pub mlx: String,
    /// What the BLAS library says of itself, kernel type included; empty where none is used.
    pub blas: String,
    /// `cpu` or `gpu`.
    pub device: String,
}

/// What one timed matrix product gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// f32 products of 512 x 576 by 576 x 1536, best of several, in 10^9 operations per second.
    pub gflops: f64,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// Lower-case sentence naming the thing, the value and the limit.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

/// Whose fault an engine error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The model file is missing, damaged, or of a kind that the engine does not know.
    Model,
    /// The request does not fit the model: token out of range, sequence too long, no model loaded.
    Request,
    /// What was to be written could not be: no room, no right, something is in the way.
    Unwritable,
    /// The library below failed, or the engine has a bug.
    Internal,
}

/// Something happened during a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// So many of so many units (tensors, tokens, steps) are done.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
}
