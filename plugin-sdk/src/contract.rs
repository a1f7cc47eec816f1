//! What passes between the host and an evaluator, as plain Rust data.
//!
//! The types mirror the records of `wit/evaluator.wit`, but they are written by hand: an author never sees generated
//! code, and they compile natively, where tests run. The generated ones stay behind the export macros.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

mod metric;
mod outcome;

pub use metric::{About, Aggregation, Description, Direction, Metric};
pub use outcome::{Failure, Note, Outcome, Scored, Span, Value};

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// What a model is given. As JSON a string, or an object with `messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prompt {
    /// Raw text, no template.
    Raw(String),
    /// Messages, through the model's chat template.
    Messages {
        /// In order, oldest first.
        messages: Vec<Message>,
    },
}

impl Prompt {
    /// One message from the user.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::Messages { messages: vec![Message { role: "user".to_owned(), content: content.into() }] }
    }
}

/// One row of data: for `prepare`, or for the items of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Unique in its file.
    pub id: String,
    /// A JSON object.
    pub body: String,
}

impl Row {
    /// The body as `T`.
    ///
    /// # Errors
    ///
    /// A `data` failure that names the row and what does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| Failure::data(format!("row {:?}: {error}", self.id)))
    }
}

/// One response to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Unique in the run.
    pub id: String,
    /// Scenario family: samples of one group are not independent of each other.
    pub group: String,
    /// Context kind, such as `plain` or `pressure`.
    pub context: String,
    /// What the model was given.
    pub prompt: Vec<Message>,
    /// What it said. May be empty.
    pub response: String,
    /// Anything else the host knows.
    pub notes: Vec<Note>,
}

/// One item of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The row's id.
    pub id: String,
    /// Items of one group are not independent of each other.
    pub group: String,
    /// What the model will be given; the host sees it before a model does.
    pub prompt: Prompt,
    /// JSON of the evaluator's own, such as the expected answer. Comes back unchanged.
    pub body: String,
}

impl Item {
    /// An item made of `row`, keeping `body` for grading.
    ///
    /// `group` defaults to the row's id, which says that the row is independent of all others.
    ///
    /// # Errors
    ///
    /// An `internal` failure if the body cannot be written as JSON.
    pub fn new<T: Serialize>(
        row: &Row,
        group: Option<String>,
        prompt: Prompt,
        body: &T,
    ) -> Result<Self, Failure> {
        let body = serde_json::to_string(body).map_err(|error| Failure::internal(error.to_string()))?;
        Ok(Self { id: row.id.clone(), group: group.unwrap_or_else(|| row.id.clone()), prompt, body })
    }

    /// The body as `T`.
    ///
    /// # Errors
    ///
    /// An `internal` failure: the body was written by the evaluator itself.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body)
            .map_err(|error| Failure::internal(format!("body of item {:?}: {error}", self.id)))
    }
}
