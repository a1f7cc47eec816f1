//! What came of one sample or item, and why something could not be done.

use std::fmt;

/// An open key and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub key: String,
    /// What there is to say.
    pub value: String,
}

/// A stretch of the response, in UTF-8 bytes, end excluded, on character boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What was found there.
    pub label: String,
}

/// One measured value, kept as a ratio: the host aggregates.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Name of a metric of the description.
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

/// What was measured: one value per metric of the description, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scored {
    /// One per metric.
    pub values: Vec<Value>,
    /// Where it was found.
    pub spans: Vec<Span>,
    /// Anything else, for people.
    pub notes: Vec<Note>,
}

impl Scored {
    /// A single value, with denominator 1.
    #[must_use]
    pub fn value(metric: &str, value: f64) -> Self {
        Self::default().and(metric, value, 1.0)
    }

    /// One more value, as a ratio.
    #[must_use]
    pub fn and(mut self, metric: &str, numerator: f64, denominator: f64) -> Self {
        self.values.push(Value { metric: metric.to_owned(), numerator, denominator });
        self
    }

    /// Marks bytes `start..end` of the response. Stretches beyond 4 GiB cannot be marked and are left out.
    #[must_use]
    pub fn span(mut self, start: usize, end: usize, label: impl Into<String>) -> Self {
        if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
            self.spans.push(Span { start, end, label: label.into() });
        }
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn note(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.push(Note { key: key.into(), value: value.into() });
        self
    }
}

/// What came of one sample or item.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was measured.
    Scored(Scored),
    /// The sample gives no occasion to judge; the text says why.
    NotApplicable(String),
    /// It could not be measured.
    Cannot(Failure),
}

impl Outcome {
    /// The outcome of a trait detector: 0 for absent, 1 for present, or a degree between.
    #[must_use]
    pub fn presence(degree: f64) -> Self {
        Scored::value("presence", degree).into()
    }

    /// The outcome of a style scorer: higher is nearer to the voice.
    #[must_use]
    pub fn fit(score: f64) -> Self {
        Scored::value("match", score).into()
    }
}

impl From<Scored> for Outcome {
    fn from(scored: Scored) -> Self {
        Self::Scored(scored)
    }
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `config`, `profile`, `data`, `sample`, `answer` or `internal`.
    pub code: String,
    /// A lower-case line that names the thing, the value and the limit.
    pub message: String,
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    /// The suite's configuration is wrong.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new("config", message)
    }

    /// The persona's part is missing something.
    pub fn profile(message: impl Into<String>) -> Self {
        Self::new("profile", message)
    }

    /// A row of data cannot be used, or there are too few.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new("data", message)
    }

    /// This sample cannot be judged.
    pub fn sample(message: impl Into<String>) -> Self {
        Self::new("sample", message)
    }

    /// The host's answer is missing or does not fit.
    pub fn answer(message: impl Into<String>) -> Self {
        Self::new("answer", message)
    }

    /// A mistake of the evaluator's own.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("internal", message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}
