//! Two runs side by side: may they be compared, and what changed.
//!
//! Identities decide first: different instruments are `not comparable`, and the keys are named. Then items are
//! paired, and each metric's paired difference is tested; Holm's correction over metrics keeps the chance of any
//! false `regressed` or `improved` below 5 %.

use serde::{Deserialize, Serialize};

pub mod align;
pub mod difference;
pub mod identity;

pub use align::{Aligned, ItemValue, Pair, align};
pub use difference::{Change, MetricComparison, MetricInfo, Test, differences};
pub use identity::{Identity, IdentityDifferences, KeyDifference, identity_differences};

use std::collections::BTreeMap;

use crate::{error::Result, stats::bootstrap::Bootstrap};

/// One run, as far as a comparison needs it.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What made the values.
    pub identity: &'a Identity,
    /// One per metric and item.
    pub values: &'a [ItemValue],
}

/// What there is to say about two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// They measured with different instruments.
    NotComparable(IdentityDifferences),
    /// They measured the same thing.
    Compared {
        /// Subject and engine differences; the instruments are equal.
        identity: IdentityDifferences,
        /// One per metric that both sides have items of, in the order of names.
        metrics: Vec<MetricComparison>,
        /// (metric, item) pairs that only the first side has.
        only_before: Vec<(String, String)>,
        /// (metric, item) pairs that only the second side has.
        only_after: Vec<(String, String)>,
    },
}

/// Compares two runs. `metrics` says per metric which way is better.
///
/// # Errors
/// Values that cannot be aligned: see [`align()`]; a metric that `metrics` does not name.
pub fn compare(
    before: Side<'_>,
    after: Side<'_>,
    metrics: &BTreeMap<String, MetricInfo>,
    bootstrap: Bootstrap,
) -> Result<Comparison> {
    let identity = identity_differences(before.identity, after.identity);
    if !identity.comparable() {
        return Ok(Comparison::NotComparable(identity));
    }
    let aligned = align(before.values, after.values)?;
    let compared = differences(&aligned, metrics, bootstrap)?;
    let Aligned { only_before, only_after, .. } = aligned;
    Ok(Comparison::Compared { identity, metrics: compared, only_before, only_after })
}

#[cfg(test)]
mod tests;
