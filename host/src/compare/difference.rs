//! What changed, per metric.
//!
//! The difference is the mean over items of `after - before`, in the unit of the metric, on items that both runs
//! have. A metric that aggregates by ratio of sums enters with its per-item ratios here.
//!
//! - Interval: percentile cluster bootstrap, two-sided 95 %.
//! - Test: exact `McNemar` where items are 0 or 1 and each is a cluster of its own; else the cluster sign-flip test.
//! - `regressed` or `improved` needs both: a Holm-adjusted p below 0.05 **and** an interval without 0. Everything
//!   else is `cannot tell`, with the smallest difference that these pairs would have shown.
//!
//! Each metric has its own seed, derived from the caller's and the metric's name, so adding a metric does not move
//! the interval of another one. Holm's correction is over the metrics of the comparison.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::align::{Aligned, Pair};
use crate::{
    error::{Error, Result},
    ids::Seed,
    metrics::{
        Direction,
        aggregate::{as_counts, mean_evidence},
    },
    model::Estimate,
    stats::{CONFIDENCE, Interval, bootstrap::Bootstrap, by_cluster, mean, multiplicity, paired, power},
};

/// Error that Holm's correction keeps over all metrics.
pub const ALPHA: f64 = 0.05;

/// What a comparison needs to know of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricInfo {
    /// Which way is better.
    pub direction: Direction,
    /// What a value cannot leave, where that is known.
    pub range: Option<Interval>,
}

/// Which test gave the p-value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Exact `McNemar` on independent right-or-wrong items.
    McnemarExact,
    /// Sign-flip permutation of cluster sums.
    ClusterSignFlip,
}

/// What a metric did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Worse, and not by chance.
    Regressed,
    /// Better, and not by chance.
    Improved,
    /// The data do not say.
    CannotTell,
}

/// Items that are right on one side only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discordant {
    /// 1 before and 0 after (`McNemar`'s b).
    pub lost: usize,
    /// 0 before and 1 after (`McNemar`'s c).
    pub gained: usize,
}

/// One metric in two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricComparison {
    /// Metric.
    pub metric: String,
    /// Items in both runs.
    pub n: usize,
    /// Clusters of those items.
    pub clusters: usize,
    /// Mean of the first run over those items; `None` with fewer than two clusters.
    pub before: Option<Estimate>,
    /// Mean of the second run over those items.
    pub after: Option<Estimate>,
    /// Mean of `after - before`; `None` with fewer than two clusters.
    pub difference: Option<Estimate>,
    /// How `p` was found.
    pub test: Test,
    /// Two-sided, this metric alone.
    pub p: f64,
    /// Holm-adjusted over all metrics of the comparison.
    pub p_adjusted: f64,
    /// For 0/1 items.
    pub discordant: Option<Discordant>,
    /// Exact `McNemar` p-value of 0/1 items as if they were independent; `test` says whether it decides.
    pub mcnemar_p: Option<f64>,
    /// Smallest true difference that would show with 80 % power, before the correction over metrics.
    pub minimum_detectable: Option<f64>,
    /// What the metric did.
    pub change: Change,
}

/// Every metric's difference, in the order of names.
///
/// # Errors
/// A metric that `metrics` does not name.
pub fn differences(
    aligned: &Aligned,
    metrics: &BTreeMap<String, MetricInfo>,
    bootstrap: Bootstrap,
) -> Result<Vec<MetricComparison>> {
    let mut compared = Vec::new();
    let mut directions = Vec::new();
    for (metric, pairs) in &aligned.metrics {
        let info = metrics.get(metric).ok_or_else(|| {
            Error::bad_input(format!("metric {metric} has values but no description"))
                .hint("score both runs with the evaluators that the suite locks")
        })?;
        compared.push(one_metric(metric, pairs, info, bootstrap));
        directions.push(info.direction);
    }
    let p_values: Vec<f64> = compared.iter().map(|metric| metric.p).collect();
    for ((metric, p_adjusted), direction) in
        compared.iter_mut().zip(multiplicity::holm(&p_values)).zip(directions)
    {
        metric.p_adjusted = p_adjusted;
        metric.change = change(metric.difference.as_ref(), p_adjusted, direction);
    }
    Ok(compared)
}

/// One metric, before the correction over metrics.
fn one_metric(metric: &str, pairs: &[Pair], info: &MetricInfo, bootstrap: Bootstrap) -> MetricComparison {
    let side =
        |value: fn(&Pair) -> f64| by_cluster(pairs.iter().map(|pair| (pair.cluster.as_str(), value(pair))));
    let (before, after) = (side(|pair| pair.before), side(|pair| pair.after));
    let deltas = side(|pair| pair.after - pair.before);
    let bootstrap = Bootstrap { seed: Seed(bootstrap.seed).derive(metric).0, ..bootstrap };
    let discordant = (as_counts(&before).is_some() && as_counts(&after).is_some()).then(|| discordant(pairs));
    let mcnemar_p = discordant.map(|Discordant { lost, gained }| paired::mcnemar_exact(lost, gained));
    let (test, p) = match mcnemar_p {
        Some(p) if deltas.len() == pairs.len() => (Test::McnemarExact, p),
        _ => (Test::ClusterSignFlip, paired::sign_flip(&deltas, bootstrap)),
    };
    let spread = mean::clustered(&deltas);
    let interval = paired::bootstrap_difference(&deltas, CONFIDENCE, bootstrap);
    let difference = spread.zip(interval).map(|(spread, Interval { low, high })| Estimate {
        value: spread.value,
        low,
        high,
        n: spread.n,
        clusters: spread.clusters,
    });
    MetricComparison {
        metric: metric.to_owned(),
        n: pairs.len(),
        clusters: deltas.len(),
        before: mean_evidence(&before, info.range).map(|evidence| evidence.estimate),
        after: mean_evidence(&after, info.range).map(|evidence| evidence.estimate),
        difference,
        test,
        p,
        p_adjusted: p,
        discordant,
        mcnemar_p,
        minimum_detectable: spread
            .and_then(|spread| power::minimum_detectable_difference(spread.standard_error, spread.clusters)),
        change: Change::CannotTell,
    }
}

/// Items that are right on one side only, of items that are 0 or 1.
fn discordant(pairs: &[Pair]) -> Discordant {
    Discordant {
        lost: pairs.iter().filter(|pair| pair.before > pair.after).count(),
        gained: pairs.iter().filter(|pair| pair.after > pair.before).count(),
    }
}

/// Both the test and the interval have to say so.
fn change(difference: Option<&Estimate>, p_adjusted: f64, direction: Direction) -> Change {
    let Some(Estimate { low, high, .. }) = difference else {
        return Change::CannotTell;
    };
    let (up, down) = (*low > 0.0, *high < 0.0);
    if p_adjusted >= ALPHA || !(up || down) {
        return Change::CannotTell;
    }
    match (direction, up) {
        (Direction::Higher, true) | (Direction::Lower, false) => Change::Improved,
        (Direction::Higher, false) | (Direction::Lower, true) => Change::Regressed,
    }
}

#[cfg(test)]
mod tests;
