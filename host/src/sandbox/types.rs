//! What crosses the border, as plain data. Values of these types have been checked.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::model::ChatMessage;
pub use crate::model::{Aggregation, Direction};

/// What an evaluator is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Finds a trait in a response.
    TraitDetector,
    /// Scores how well a response fits a voice.
    StyleScorer,
    /// Makes items and grades what a model does with them.
    Benchmark,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TraitDetector => "trait-detector",
            Self::StyleScorer => "style-scorer",
            Self::Benchmark => "benchmark",
        })
    }
}

/// What an evaluator says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// `[a-z0-9-]`, 1 to 64 bytes.
    pub id: String,
    /// Semantic version.
    pub version: String,
    /// One line for people.
    pub summary: String,
    /// JSON Schema of the configuration, an object.
    pub config_schema: String,
    /// At least one; the first is the one that verdicts are made of.
    pub metrics: Vec<Metric>,
    /// Ask kinds wanted.
    pub asks: BTreeSet<String>,
}

/// One quantity that an evaluator measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// `[a-z0-9-]`, unique in the description.
    pub name: String,
    /// Unit of numerator over denominator; may be empty.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// Smallest possible ratio, if there is one.
    pub low: Option<f64>,
    /// Largest possible ratio, if there is one.
    pub high: Option<f64>,
    /// What guessing gives, where it is the same for every item.
    pub chance: Option<f64>,
    /// How values become one number.
    pub aggregation: Aggregation,
}

/// One row of data for `prepare` or `items`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Names the row in messages.
    pub id: String,
    /// JSON object.
    pub body: String,
}

/// What a model is given for an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prompt {
    /// Raw text, no template.
    Raw(String),
    /// Messages, through the model's chat template.
    Messages(Vec<ChatMessage>),
}

/// One item of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Unique in the data file.
    pub id: String,
    /// Items of one group are not independent of each other.
    pub group: String,
    /// What the model is given.
    pub prompt: Prompt,
    /// JSON, the evaluator's own; handed back to it unchanged.
    pub body: String,
}

/// A question of an evaluator to the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ask {
    /// Unique within the batch.
    pub id: String,
    /// One of the kinds granted.
    pub kind: String,
    /// JSON object; nobody has looked inside yet.
    pub body: String,
}

/// The host's answer to the ask of the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Id of the ask.
    pub id: String,
    /// JSON object.
    pub body: String,
}
