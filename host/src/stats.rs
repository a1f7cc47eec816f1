//! Intervals, tests and power: pure functions of numbers.
//!
//! Observations arrive grouped by cluster (scenario family, document, task group), because responses to one
//! scenario are not independent: `&[Vec<f64>]` is one inner list per cluster. [`by_cluster`] makes such a table
//! in an order that does not depend on the order of the input, so that results are equal to the last bit.
//!
//! # Invariants
//!
//! - Nothing returns NaN or an infinite value: where a number is not defined the answer is `None`.
//! - An interval contains its estimate.
//! - A bound is never stronger than flawless data from as many clusters could make it.
//! - Randomness comes from an explicit seed, one stream per replicate.

use std::collections::BTreeMap;

pub mod auc;
pub mod bootstrap;
pub mod evidence;
pub mod gaffke;
pub mod mean;
pub mod multiplicity;
pub mod paired;
pub mod paired_share;
pub mod power;
pub mod proportion;
pub mod quantile;
pub mod robust;
pub mod skewed;
pub mod skewness;
pub mod two_sample;
pub mod unseen;
pub mod variation;
pub mod working;

pub use evidence::{Evidence, Interval};

/// Two-sided confidence of every displayed interval, and twice the error of a one-sided bound below it.
pub const CONFIDENCE: f64 = 0.95;

/// Error of the one-sided bounds that gates decide by.
pub const ONE_SIDED_ALPHA: f64 = 0.05;

/// Groups values by cluster name: clusters in the order of their names, values in ascending order.
///
/// Both orders are independent of the input's, and so is every sum over the result.
#[must_use]
pub fn by_cluster<'a, T: PartialOrd>(values: impl IntoIterator<Item = (&'a str, T)>) -> Vec<Vec<T>> {
    let mut clusters: BTreeMap<&str, Vec<T>> = BTreeMap::new();
    for (cluster, value) in values {
        clusters.entry(cluster).or_default().push(value);
    }
    let mut groups: Vec<Vec<T>> = clusters.into_values().collect();
    for group in &mut groups {
        group.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_do_not_depend_on_the_order_of_the_input() {
        let forward = by_cluster([("b", 2.0), ("a", 3.0), ("b", 1.0)]);
        let backward = by_cluster([("b", 1.0), ("b", 2.0), ("a", 3.0)]);
        assert_eq!(forward, vec![vec![3.0], vec![1.0, 2.0]]);
        assert_eq!(forward, backward);
    }
}
