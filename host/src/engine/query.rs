//! What the host asks of a model and what it gets back, in text.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::Seed,
    model::{ChatMessage, Finish},
};

/// Continuations to be scored in one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreQuery {
    /// Unique among the queries of a call.
    pub id: String,
    /// What stands before the continuations; raw text may be empty. Behind messages stands the header of the
    /// assistant's turn, and a continuation is scored as the beginning of that turn.
    pub context: Prompt,
    /// Each at least one token.
    pub continuations: Vec<String>,
}

impl ScoreQuery {
    /// The log-likelihood of a whole text, its first token included. It may be longer than the model's window.
    #[must_use]
    pub fn whole_text(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), context: Prompt::Raw(String::new()), continuations: vec![text.into()] }
    }
}

/// Scores of the continuations of one [`ScoreQuery`], in its order; all three lists have its length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreAnswer {
    /// Sums of natural log-probabilities.
    pub logprob: Vec<f64>,
    /// Tokens in each continuation.
    pub tokens: Vec<usize>,
    /// Whether every token of a continuation is the most probable one.
    pub greedy: Vec<bool>,
}

/// A prompt to be continued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateQuery {
    /// Unique among the queries of a call; its random numbers depend on it.
    pub id: String,
    /// What to continue.
    pub prompt: Prompt,
    /// Most tokens to make.
    pub max_tokens: u32,
    /// 0 is greedy.
    pub temperature: f32,
    /// Seed of the run; each query's own seed is derived from it and the id.
    pub seed: Seed,
    /// Texts at which to stop; not part of the result.
    pub stop: Vec<String>,
}

/// What a model is to continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prompt {
    /// Text as it is.
    Raw(String),
    /// A conversation, through the model's chat template.
    Messages(Vec<ChatMessage>),
}

/// The continuation of one [`GenerateQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateAnswer {
    /// The text, special tokens and stop text removed.
    pub text: String,
    /// Tokens that were made.
    pub tokens: usize,
    /// Why it ended.
    pub finish: Finish,
}

/// Refuses ids that appear twice: seeds, batches and recorded answers hang on them.
pub(crate) fn check_unique<'a>(ids: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(Error::bad_input(format!("request id {id:?} appears twice"))
                .hint("give every request an id of its own"));
        }
    }
    Ok(())
}
