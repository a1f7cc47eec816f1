//! One document of a task: what the model is given, and what would be right.

use serde::Serialize;

use super::{field::Target, render::Row};
use crate::model::ChatMessage;

/// One row of the evaluated split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// Position in the data, from 0, as lm-eval counts.
    pub id: usize,
    /// The row.
    pub row: Row,
    /// What the model is given.
    pub context: Context,
    /// What is asked.
    pub work: Work,
    /// The answer as the task has it.
    pub target: Target,
}

/// What the model is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Context {
    /// Text as it is.
    Text(String),
    /// A conversation, through the model's chat template.
    Messages(Vec<ChatMessage>),
}

/// What is asked of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Work {
    /// Which choice is likeliest.
    Choices {
        /// Without the delimiter.
        choices: Vec<String>,
        /// What stands between context and choice.
        delimiter: String,
        /// Places of the right ones.
        right: Vec<usize>,
    },
    /// How likely this text is behind the context.
    Continuation(String),
    /// How likely this text is by itself.
    Whole(String),
    /// What the model says.
    Text {
        /// Texts that are right.
        right: Vec<String>,
    },
}

/// What the model thinks of the texts that it was shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    /// Log-likelihoods in nats.
    pub logprob: Vec<f64>,
    /// Whether greedy decoding would have said each.
    pub greedy: Vec<bool>,
    /// Log-likelihoods without the context, where they were asked for.
    pub unconditional: Vec<f64>,
}

/// What a document is measured by.
#[derive(Debug, Clone, Copy)]
pub enum Reply<'a> {
    /// Likelihoods.
    Scores(&'a Scores),
    /// A text behind its filters.
    Text(&'a str),
}

impl Document {
    /// The texts whose likelihood is asked for, in their order; none where a text is generated.
    #[must_use]
    pub fn continuations(&self) -> Vec<String> {
        match &self.work {
            Work::Choices { choices, delimiter, .. } => {
                choices.iter().map(|choice| format!("{delimiter}{choice}")).collect()
            }
            Work::Continuation(text) | Work::Whole(text) => vec![text.clone()],
            Work::Text { .. } => Vec::new(),
        }
    }
}
