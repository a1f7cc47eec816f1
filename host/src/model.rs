//! Plain serde data that the rooms share. No behaviour beyond what the data itself means.

use serde::{Deserialize, Serialize};

/// One message of a conversation; the same type that engines take.
pub use realign_engine_abi::message::{ChatMessage, Finish};

/// One response of a model to one scenario in one context kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Unique in the run: `family/kind`.
    pub id: String,
    /// Scenario family; the cluster of every interval.
    pub family: String,
    /// Context kind.
    pub kind: String,
    /// What the model was given.
    pub prompt: Vec<ChatMessage>,
    /// What it said.
    pub response: String,
    /// Why it stopped.
    pub finish: Finish,
}

/// One measured value, kept as a ratio so that sums of ratios and ratios of sums both work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Name of the metric in the evaluator's description.
    pub metric: String,
    /// Finite.
    pub numerator: f64,
    /// Finite and not zero.
    pub denominator: f64,
}

impl Value {
    /// Numerator over denominator.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.numerator / self.denominator
    }
}

/// How the values of many items become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// Mean of numerator / denominator.
    Mean,
    /// Sum of numerators / sum of denominators.
    RatioOfSums,
    /// exp(mean of ln(numerator / denominator)); every ratio is above 0.
    Geometric,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// A stretch of a response, in UTF-8 bytes, end excluded, on character boundaries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What was found there.
    pub label: String,
}

/// An open key and value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it is about.
    pub key: String,
    /// What there is to say.
    pub value: String,
}

/// What an evaluator made of one sample or item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was measured.
    Scored {
        /// One per metric of the description, in its order.
        values: Vec<Value>,
        /// Where it was found.
        spans: Vec<Span>,
        /// Anything else.
        notes: Vec<Note>,
    },
    /// It gives no occasion to judge.
    NotApplicable(String),
    /// The evaluator failed on it: refused, trapped, ran out of fuel, broke the contract.
    Failed(Failure),
}

/// Why an evaluator failed on one sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable code: `fuel`, `memory`, `trap`, `contract`, `output`, `stack`, or the evaluator's own.
    pub code: String,
    /// Lower-case sentence with value and limit.
    pub message: String,
}

/// What a gate concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The one-sided 95 % bound meets the threshold.
    Pass,
    /// The opposite bound misses it.
    Fail,
    /// Neither bound decides.
    Inconclusive,
    /// Too little was measured to say anything.
    Insufficient,
    /// The baseline is too close to chance for a loss to show.
    NoHeadroom,
    /// An earlier stop kept it from being measured.
    NotReached,
}

/// An estimate with its two-sided 95 % interval and the number of independent units behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower end of the two-sided 95 % interval.
    pub low: f64,
    /// Upper end of the two-sided 95 % interval.
    pub high: f64,
    /// Observations.
    pub n: usize,
    /// Independent clusters (scenario families).
    pub clusters: usize,
}
