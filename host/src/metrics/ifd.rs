//! Instruction-following difficulty: how much an instruction helps a model to its answer.
//!
//! Both forms that were published under this name, for an answer of T tokens with `given = -log p(answer | instruction) / T` and
//! `alone = -log p(answer | neutral prefix) / T`:
//!
//! - ratio of mean NLLs: `given / alone`, as Cherry LLM's code computes it (Li et al. 2023);
//! - ratio of perplexities: `exp(given - alone)`, as Superfiltering's text defines it (Li et al. 2024).
//!
//! Both are below 1 where the instruction helps and above 1 where it hurts, on the same rows; between, they order rows
//! differently. High and below 1 is a hard row that still belongs to its instruction.

use serde::{Deserialize, Serialize};

use crate::{
    model::Estimate,
    stats::{CONFIDENCE, bootstrap, mean, skewness},
};

/// Name and version of both formulas.
pub const FORMULA: &str = "ifd/1";

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ifd {
    /// Mean negative log-probability behind its instruction, in nats per token.
    pub given: f64,
    /// The same behind the neutral prefix.
    pub alone: f64,
    /// Tokens of the answer.
    pub tokens: usize,
    /// Ratio of mean NLLs.
    pub nll_ratio: f64,
    /// Ratio of perplexities.
    pub perplexity_ratio: f64,
}

impl Ifd {
    /// From the sums of natural log-probabilities of an answer's tokens. `None` where a ratio is not defined: no tokens, or
    /// an answer that is certain without its instruction.
    #[must_use]
    pub fn new(given: f64, alone: f64, tokens: usize) -> Option<Self> {
        if tokens == 0 {
            return None;
        }
        let (given, alone) = (-given / tokens as f64, -alone / tokens as f64);
        let (nll_ratio, perplexity_ratio) = (given / alone, (given - alone).exp());
        let defined = alone > 0.0 && nll_ratio.is_finite() && perplexity_ratio.is_finite();
        defined.then_some(Self { given, alone, tokens, nll_ratio, perplexity_ratio })
    }

    /// Whether the instruction makes the answer less probable: above 1 in both forms.
    #[must_use]
    pub fn hurts(&self) -> bool {
        self.given > self.alone
    }
}

/// A quantile of clustered values, linear between neighbours (Hyndman and Fan, type 7), with the interval of Woodruff (1952):
/// the share of values up to it has an interval, and the quantiles at its ends are those of the quantile. `None` with fewer
/// than two clusters.
#[must_use]
pub fn quantile(clusters: &[Vec<f64>], p: f64) -> Option<Estimate> {
    let mut sorted: Vec<f64> = clusters.iter().flatten().copied().collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let value = bootstrap::at(&sorted, p);
    let shares: Vec<Vec<f64>> = clusters
        .iter()
        .map(|cluster| cluster.iter().map(|other| f64::from(u8::from(*other <= value))).collect())
        .collect();
    let share = mean::clustered(&shares)?;
    let span = mean::Mean { value: p, skewness: skewness::NONE, ..share }.interval(CONFIDENCE);
    let low = bootstrap::at(&sorted, span.low).min(value);
    let high = bootstrap::at(&sorted, span.high).max(value);
    Some(Estimate { value, low, high, n: share.n, clusters: share.clusters })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_by_hand() {
        // Two tokens: 1 nat each behind the instruction, 2 nats each alone.
        let found = Ifd::new(-2.0, -4.0, 2).expect("defined");
        assert!((found.nll_ratio - 0.5).abs() < 1e-12);
        assert!((found.perplexity_ratio - (-1.0_f64).exp()).abs() < 1e-12);
        assert!(!found.hurts());
        assert!(Ifd::new(-4.0, -2.0, 2).expect("defined").hurts());
        assert_eq!(Ifd::new(-1.0, 0.0, 2), None, "certain without its instruction");
        assert_eq!(Ifd::new(0.0, 0.0, 0), None);
    }

    #[test]
    fn a_quantile_lies_in_its_interval_and_few_clusters_have_none() {
        let clusters: Vec<Vec<f64>> = (0..41).map(|i| vec![f64::from(i)]).collect();
        let median = quantile(&clusters, 0.5).expect("clusters");
        assert!((median.value - 20.0).abs() < 1e-12);
        assert!(
            median.low < 20.0 && 20.0 < median.high && median.low > 10.0 && median.high < 30.0,
            "{median:?}"
        );
        assert_eq!(quantile(&clusters[..1], 0.5), None);
    }

    proptest! {
        #[test]
        fn both_forms_say_on_the_same_rows_that_an_instruction_hurts(given in -500.0_f64..-0.01, alone in -500.0_f64..-0.01) {
            let found = Ifd::new(given, alone, 7).expect("defined");
            prop_assert_eq!(found.nll_ratio > 1.0, found.hurts());
            prop_assert_eq!(found.perplexity_ratio > 1.0, found.hurts());
        }
    }
}
