//! What a gate may look at: an estimate with its bounds.

use serde::{Deserialize, Serialize};

use crate::model::Estimate;

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies in it, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// An estimate with the two one-sided 95 % bounds that gates decide by.
///
/// All numbers are finite and `lower <= estimate.value <= upper`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The value with its two-sided 95 % interval, observations and clusters.
    pub estimate: Estimate,
    /// One-sided 95 % lower bound.
    pub lower: f64,
    /// One-sided 95 % upper bound.
    pub upper: f64,
    /// Where the value is a share: how many independent observations carry as much information as these.
    pub effective_n: Option<f64>,
    /// Whether these are bounds of a mean that miss more often than they say: [`super::mean::Mean::has_long_tail`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub long_tail: bool,
}

impl Evidence {
    /// The same evidence with the value and all bounds mapped by an increasing function.
    ///
    /// `None` if a mapped number is not finite.
    #[must_use]
    pub fn map_increasing(&self, map: impl Fn(f64) -> f64) -> Option<Self> {
        let Estimate { value, low, high, n, clusters } = self.estimate;
        let estimate = Estimate { value: map(value), low: map(low), high: map(high), n, clusters };
        let (lower, upper) = (map(self.lower), map(self.upper));
        Self { estimate, lower, upper, effective_n: None, long_tail: self.long_tail }.finite()
    }

    /// Both one-sided bounds.
    #[must_use]
    pub const fn bounds(&self) -> Interval {
        Interval { low: self.lower, high: self.upper }
    }

    /// Itself if every number is finite.
    #[must_use]
    pub fn finite(self) -> Option<Self> {
        let Estimate { value, low, high, .. } = self.estimate;
        [value, low, high, self.lower, self.upper].iter().all(|number| number.is_finite()).then_some(self)
    }
}
