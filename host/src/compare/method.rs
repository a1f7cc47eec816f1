//! How two runs are compared: resampling, correction over metrics, and how large a difference has to be to matter.

use serde::{Deserialize, Serialize};

use crate::stats::{bootstrap::Bootstrap, multiplicity};

/// How a comparison is made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Replicates of intervals and of permutation tests, and their seed.
    pub bootstrap: Bootstrap,
    /// What keeps many tests honest.
    pub correction: Correction,
    /// Differences up to this share of the baseline's value do not matter; without it nothing is `equivalent`.
    pub margin: Option<f64>,
}

/// What is kept below 5 % over all metrics and runs of one comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// The chance of any false claim.
    #[default]
    Holm,
    /// The expected share of false claims among the claims.
    BenjaminiHochberg,
}

impl Correction {
    /// Adjusted p-values, in the order given.
    #[must_use]
    pub fn adjust(self, p_values: &[f64]) -> Vec<f64> {
        match self {
            Self::Holm => multiplicity::holm(p_values),
            Self::BenjaminiHochberg => multiplicity::benjamini_hochberg(p_values),
        }
    }
}
