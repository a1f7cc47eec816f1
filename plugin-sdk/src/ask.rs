//! Questions to the host's model, and its answers.
//!
//! An evaluator never waits for a model. It returns questions; the host answers all of them in bulk and calls the
//! evaluator again. Bodies are JSON, so that a new kind of question needs no new contract:
//!
//! | Kind | Body of the question | Body of the answer |
//! |---|---|---|
//! | `choose` | `{"prompt","choices","unconditional"}` | `{"choices":[{"logprob","tokens","bytes","greedy","unconditional"}]}` |
//! | `loglikelihood` | `{"text"}` | `{"logprob","tokens","bytes"}` |
//! | `generate` | `{"prompt","max_tokens","temperature","seed","stop"}` | `{"text","tokens","finish"}` |
//!
//! A prompt is a string (raw text) or `{"messages":[{"role","content"}]}`. Log-probabilities are natural logarithms.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::contract::{Failure, Prompt};

/// A question to the host as it crosses the border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Unique within the batch.
    pub id: String,
    /// What is asked for.
    pub kind: &'static str,
    /// JSON object.
    pub body: String,
}

/// The host's answer to the ask of the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The ask's id.
    pub id: String,
    /// JSON object.
    pub body: String,
}

/// A question about one sample or item.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Question {
    /// How likely is each continuation of the prompt?
    Choose {
        /// What comes before.
        prompt: Prompt,
        /// Continuations, verbatim: a leading space belongs to the choice.
        choices: Vec<String>,
        /// Also ask for each choice's log-probability without the prompt.
        unconditional: bool,
    },
    /// How likely is this raw text?
    Loglikelihood {
        /// The text.
        text: String,
    },
    /// What does the model say?
    Generate {
        /// What it is given.
        prompt: Prompt,
        /// Most tokens it may say.
        max_tokens: u32,
        /// 0 takes the likeliest token each time.
        temperature: f64,
        /// Decides the random choices at a temperature above 0.
        seed: u64,
        /// Texts that end the response.
        stop: Vec<String>,
    },
}

impl Question {
    /// Kind of a [`Choose`](Self::Choose) question.
    pub const CHOOSE: &'static str = "choose";
    /// Kind of a [`Loglikelihood`](Self::Loglikelihood) question.
    pub const LOGLIKELIHOOD: &'static str = "loglikelihood";
    /// Kind of a [`Generate`](Self::Generate) question.
    pub const GENERATE: &'static str = "generate";

    /// What does the model say, taking the likeliest token each time, until it ends by itself or after `max_tokens`?
    #[must_use]
    pub const fn greedy(prompt: Prompt, max_tokens: u32) -> Self {
        Self::Generate { prompt, max_tokens, temperature: 0.0, seed: 0, stop: Vec::new() }
    }

    /// The kind's name in the contract.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Choose { .. } => Self::CHOOSE,
            Self::Loglikelihood { .. } => Self::LOGLIKELIHOOD,
            Self::Generate { .. } => Self::GENERATE,
        }
    }

    /// The question as it crosses the border.
    pub(crate) fn ask(&self, id: String) -> Result<Ask, Failure> {
        let body = serde_json::to_string(self).map_err(|error| Failure::internal(error.to_string()))?;
        Ok(Ask { id, kind: self.kind(), body })
    }
}

/// What the model thinks of one continuation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Choice {
    /// Sum of the log-probabilities of its tokens, in nats.
    pub logprob: f64,
    /// Tokens.
    pub tokens: u64,
    /// UTF-8 bytes.
    pub bytes: u64,
    /// Whether greedy decoding would have said it.
    pub greedy: bool,
    /// Log-probability without the prompt, where it was asked for.
    pub unconditional: Option<f64>,
}

/// Answer to [`Question::Loglikelihood`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Likelihood {
    /// Sum of the log-probabilities of its tokens, in nats.
    pub logprob: f64,
    /// Tokens that were scored.
    pub tokens: u64,
    /// UTF-8 bytes of the text.
    pub bytes: u64,
}

/// Why a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model ended its turn.
    End,
    /// A stop text came.
    Stop,
    /// The most tokens allowed were said.
    Length,
}

/// Answer to [`Question::Generate`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Generated {
    /// What the model said, stop text excluded.
    pub text: String,
    /// Tokens.
    pub tokens: u64,
    /// Why it ended.
    pub finish: Finish,
}

/// Body of the answer to [`Question::Choose`].
#[derive(Deserialize)]
struct Chosen {
    choices: Vec<Choice>,
}

/// The answers to the questions about one sample or item, in the order of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers<'a> {
    bodies: Vec<&'a str>,
}

impl<'a> Answers<'a> {
    /// Answers in the order of the questions.
    pub(crate) fn new(bodies: Vec<&'a str>) -> Self {
        Self { bodies }
    }

    /// The answer to question `index`, a [`Question::Choose`] with `expected` choices.
    ///
    /// # Errors
    ///
    /// An `answer` failure if it is missing, does not fit, or has another number of choices.
    pub fn choose(&self, index: usize, expected: usize) -> Result<Vec<Choice>, Failure> {
        let Chosen { choices } = self.read(index)?;
        if choices.len() == expected {
            return Ok(choices);
        }
        Err(Failure::answer(format!(
            "answer {index} has {} choices, {expected} were asked about",
            choices.len()
        )))
    }

    /// The answer to question `index`, a [`Question::Loglikelihood`].
    ///
    /// # Errors
    ///
    /// An `answer` failure if it is missing or does not fit.
    pub fn loglikelihood(&self, index: usize) -> Result<Likelihood, Failure> {
        self.read(index)
    }

    /// The answer to question `index`, a [`Question::Generate`].
    ///
    /// # Errors
    ///
    /// An `answer` failure if it is missing or does not fit.
    pub fn generate(&self, index: usize) -> Result<Generated, Failure> {
        self.read(index)
    }

    fn read<T: DeserializeOwned>(&self, index: usize) -> Result<T, Failure> {
        let body = self.bodies.get(index).ok_or_else(|| {
            Failure::answer(format!("answer {index} was read, {} questions were asked", self.bodies.len()))
        })?;
        serde_json::from_str(body).map_err(|error| Failure::answer(format!("answer {index}: {error}")))
    }
}
