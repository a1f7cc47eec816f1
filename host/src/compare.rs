//! Two or more runs side by side: may they be compared, and what changed.
//!
//! Identities decide first: different instruments are `not comparable`, and the keys are named, unless each of them was
//! allowed by name. Then items are paired, and each metric's paired difference is tested. A correction over all metrics
//! and all runs of one command keeps false claims of `regressed` or `improved` below 5 %.

use serde::{Deserialize, Serialize};

pub mod align;
pub mod change;
pub mod difference;
pub mod identity;
pub mod interval;
pub mod method;
pub mod noise;
pub mod rank;
pub mod reported;
pub mod retention;

pub use align::{Aligned, ItemValue, Pair, align};
pub use change::{ALPHA, Change};
pub use difference::{MetricComparison, MetricInfo, Test};
pub use identity::{Identity, IdentityDifferences, KeyDifference, identity_differences};
pub use method::{Correction, Method};
pub use reported::{BothReported, Reported, Side};

use std::collections::BTreeMap;

use crate::{error::Result, metrics::Retention};

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
        /// What the second run kept of its benchmarks; `None` where there is none.
        retention: Option<Retention>,
    },
}

/// Compares runs with a baseline, in their order. `metrics` says per metric which way is better; `allowed` names keys of
/// the instrument that may differ.
///
/// # Errors
/// Values that cannot be aligned: see [`align()`]; a metric that `metrics` does not name; a name in `allowed` that no run
/// has.
pub fn compare(
    before: &Side<'_>,
    after: &[Side<'_>],
    metrics: &BTreeMap<String, MetricInfo>,
    method: Method,
    allowed: &[String],
) -> Result<Vec<Comparison>> {
    let identities: Vec<&Identity> = after.iter().chain([before]).map(|side| side.identity).collect();
    identity::check_allowed(allowed, &identities)?;
    let mut comparisons = Vec::with_capacity(after.len());
    for side in after {
        let identity = identity_differences(before.identity, side.identity).allowing(allowed);
        if !identity.comparable() {
            comparisons.push(Comparison::NotComparable(identity));
            continue;
        }
        let aligned = align(before.values, side.values)?;
        let reported = BothReported::of(&aligned, before, side);
        let compared = difference::differences(&aligned, &reported, metrics, method)?;
        let retention = retention::kept(&aligned, &reported, metrics);
        let Aligned { only_before, only_after, .. } = aligned;
        comparisons.push(Comparison::Compared {
            identity,
            metrics: compared,
            only_before,
            only_after,
            retention,
        });
    }
    let compared = comparisons.iter_mut().filter_map(|comparison| match comparison {
        Comparison::Compared { metrics, .. } => Some(metrics),
        Comparison::NotComparable(_) => None,
    });
    difference::decide(compared.flatten(), method);
    Ok(comparisons)
}

#[cfg(test)]
mod tests;
