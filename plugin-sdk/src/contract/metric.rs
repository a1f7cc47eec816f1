//! What an evaluator says about itself.

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// How the host makes one number of many values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// Mean of numerator / denominator.
    Mean,
    /// Sum of numerators / sum of denominators.
    RatioOfSums,
    /// exp(mean of ln(numerator / denominator)).
    Geometric,
}

/// A quantity that is measured on every sample or item.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Lower-case words joined by dashes.
    pub name: String,
    /// Unit, such as `share` or `bits/byte`.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// Smallest possible value, if there is one.
    pub low: Option<f64>,
    /// Largest possible value, if there is one.
    pub high: Option<f64>,
    /// What guessing gives, where it is the same for every item of every data file.
    pub chance: Option<f64>,
    /// How values become one number.
    pub aggregation: Aggregation,
}

impl Metric {
    /// A share between 0 and 1, higher is better, averaged over samples.
    #[must_use]
    pub fn share(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            unit: "share".to_owned(),
            direction: Direction::Higher,
            low: Some(0.0),
            high: Some(1.0),
            chance: None,
            aggregation: Aggregation::Mean,
        }
    }

    /// An unbounded score without a unit, higher is better, averaged over samples.
    #[must_use]
    pub fn score(name: &str) -> Self {
        Self { unit: "score".to_owned(), low: None, high: None, ..Self::share(name) }
    }
}

/// The fixed part of a description. The macro [`about!`](crate::about) fills it from `Cargo.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// `[a-z0-9-]+`, at most 64 bytes.
    pub id: &'static str,
    /// Semantic version.
    pub version: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// JSON Schema of the configuration.
    pub config_schema: &'static str,
}

/// Everything an evaluator says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Id, version, summary and schema.
    pub about: About,
    /// At least one; the first is the one that gates read.
    pub metrics: Vec<Metric>,
    /// Ask kinds wanted; the suite grants them or the evaluator is refused.
    pub asks: Vec<&'static str>,
}
