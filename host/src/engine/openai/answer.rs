//! What both completion endpoints have in common, read from untrusted JSON. Fields that are not named here are ignored.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// An answer of `/chat/completions` or `/completions`.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
    #[serde(flatten)]
    pub about: About,
}

/// What the server says of itself, the same in every answer of one model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct About {
    /// The name that it gives the model.
    pub model: Option<String>,
    /// What it says of its configuration.
    pub system_fingerprint: Option<String>,
}

/// The one choice.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    /// Of `/completions`.
    pub text: Option<String>,
    /// Of `/chat/completions`.
    pub message: Option<Message>,
    pub finish_reason: Option<String>,
    /// Which stop text came up, where a server tells.
    pub stop_reason: Option<Value>,
    pub logprobs: Option<LogProbs>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub content: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
}

/// Lists of one length. Another shape, such as that of chat endpoints, leaves them absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogProbs {
    pub tokens: Option<Vec<String>>,
    pub token_logprobs: Option<Vec<Option<f64>>>,
    pub top_logprobs: Option<Vec<Option<std::collections::BTreeMap<String, f64>>>>,
    pub text_offset: Option<Vec<i64>>,
}

/// Reads JSON; the error is one line.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("an answer that is not what was asked for: {error}"))
}

impl Answer {
    /// Reads an answer and takes its only choice.
    pub(super) fn read(body: &[u8]) -> Result<(Choice, Option<Usage>, About), String> {
        let Self { mut choices, usage, about } = read(body)?;
        match (choices.len(), choices.pop()) {
            (1, Some(choice)) => Ok((choice, usage, about)),
            (count, _) => Err(format!("{count} choices, 1 was asked for")),
        }
    }
}
