//! What changed, per metric.
//!
//! The difference is the mean over items of `after - before`, in the unit of the metric, on items that both runs
//! have. A metric that aggregates by ratio of sums enters with its per-item ratios here.
//!
//! - Interval: by what the data are, see [`super::interval`].
//! - Test: exact `McNemar` where items are 0 or 1 and each is a cluster of its own; else the cluster sign-flip test.
//! - What follows from both: [`super::change`].
//!
//! Each metric has its own seed, derived from the caller's and the metric's name, so adding a metric does not move
//! the interval of another one. Metrics are computed side by side; the number of threads changes nothing.

use std::{collections::BTreeMap, num::NonZero, thread};

use serde::{Deserialize, Serialize};

use super::{
    align::{Aligned, Pair},
    change::{Change, change},
    interval::{IntervalMethod, Intervals, intervals},
    method::Method,
    reported::BothReported,
};
use crate::{
    error::{Error, Result},
    ids::Seed,
    metrics::{Direction, aggregate::as_counts},
    model::Estimate,
    stats::{CONFIDENCE, Interval, bootstrap::Bootstrap, by_cluster, mean, paired, power, quantile},
};

/// What a comparison needs to know of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricInfo {
    /// Which way is better, if one is.
    pub direction: Option<Direction>,
    /// What a value cannot leave, where that is known.
    pub range: Option<Interval>,
    /// What guessing gives, where that is known.
    pub chance: Option<f64>,
    /// Whether it measures a capability that has to be kept, and not the persona.
    pub benchmark: bool,
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
    /// Which way is better, if one is.
    pub direction: Option<Direction>,
    /// Items in both runs.
    pub n: usize,
    /// Clusters of those items.
    pub clusters: usize,
    /// What the first run reports, or where it has items that are not compared, the mean over those that are; `None` where too
    /// little was measured.
    pub before: Option<Estimate>,
    /// The same of the second run.
    pub after: Option<Estimate>,
    /// Mean over items of `after - before`; `None` with fewer than two clusters.
    pub difference: Option<Estimate>,
    /// The two-sided 90 % interval of the difference, which equivalence is decided by.
    pub bounds: Option<Interval>,
    /// How the intervals were found.
    pub interval: Option<IntervalMethod>,
    /// Whether few clusters have so long a tail that the intervals miss more often than they say.
    #[serde(default)]
    pub long_tail: bool,
    /// How `p` was found.
    pub test: Test,
    /// Two-sided, this metric alone.
    pub p: f64,
    /// Adjusted over all metrics and runs of the comparison.
    pub p_adjusted: f64,
    /// For 0/1 items.
    pub discordant: Option<Discordant>,
    /// Exact `McNemar` p-value of 0/1 items as if they were independent; `test` says whether it decides.
    pub mcnemar_p: Option<f64>,
    /// Differences up to this size do not matter, in the unit of the metric.
    pub margin: Option<f64>,
    /// Smallest true difference that would show with 80 % power, before the correction over metrics.
    pub minimum_detectable: Option<f64>,
    /// Items after which a difference of the margin's size would show.
    pub items_needed: Option<usize>,
    /// What the metric did.
    pub change: Change,
}

/// Every metric's difference, in the order of names, before the correction over metrics: see [`decide`].
///
/// # Errors
/// A metric that `metrics` does not name.
///
/// # Panics
/// If the computation of a metric panics, which is a bug.
pub fn differences(
    aligned: &Aligned,
    reported: &BothReported<'_>,
    metrics: &BTreeMap<String, MetricInfo>,
    method: Method,
) -> Result<Vec<MetricComparison>> {
    let mut work = Vec::with_capacity(aligned.metrics.len());
    for (metric, pairs) in &aligned.metrics {
        let info = metrics.get(metric).ok_or_else(|| {
            Error::bad_input(format!("metric {metric} has values but no description"))
                .hint("score both runs with the evaluators that the suite locks")
        })?;
        work.push((metric, pairs, info));
    }
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(work.len()).max(1);
    let mut compared: Vec<(usize, MetricComparison)> = thread::scope(|scope| {
        let share = |worker: usize| {
            let work = &work;
            move || -> Vec<(usize, MetricComparison)> {
                let mine = work.iter().enumerate().skip(worker).step_by(workers);
                mine.map(|(index, (metric, pairs, info))| {
                    (index, one_metric(metric, pairs, reported, info, method))
                })
                .collect()
            }
        };
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(share(worker))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("statistics do not panic")).collect()
    });
    compared.sort_by_key(|(index, _)| *index);
    Ok(compared.into_iter().map(|(_, metric)| metric).collect())
}

/// Adjusts all p-values of one comparison and says what each metric did.
pub fn decide<'a>(compared: impl IntoIterator<Item = &'a mut MetricComparison>, method: Method) {
    let mut compared: Vec<&mut MetricComparison> = compared.into_iter().collect();
    let p_values: Vec<f64> = compared.iter().map(|metric| metric.p).collect();
    for (metric, p_adjusted) in compared.iter_mut().zip(method.correction.adjust(&p_values)) {
        metric.p_adjusted = p_adjusted;
        let shown = metric.difference.map(|Estimate { low, high, .. }| Interval { low, high });
        if let (Some(shown), Some(bounds)) = (shown, metric.bounds) {
            metric.change = change(shown, bounds, p_adjusted, metric.direction, metric.margin);
        }
    }
}

/// One metric, before the correction over metrics.
fn one_metric(
    metric: &str,
    pairs: &[Pair],
    reported: &BothReported<'_>,
    info: &MetricInfo,
    method: Method,
) -> MetricComparison {
    let side =
        |value: fn(&Pair) -> f64| by_cluster(pairs.iter().map(|pair| (pair.cluster.as_str(), value(pair))));
    let (before, after) = (side(|pair| pair.before), side(|pair| pair.after));
    let deltas = side(|pair| pair.after - pair.before);
    let bootstrap = Bootstrap { seed: Seed(method.bootstrap.seed).derive(metric).0, ..method.bootstrap };
    let right_or_wrong = as_counts(&before).is_some() && as_counts(&after).is_some();
    let discordant = right_or_wrong.then(|| discordant(pairs));
    let mcnemar_p = discordant.map(|Discordant { lost, gained }| paired::mcnemar_exact(lost, gained));
    let (test, p) = match mcnemar_p {
        Some(p) if deltas.len() == pairs.len() => (Test::McnemarExact, p),
        _ => (Test::ClusterSignFlip, paired::sign_flip(&deltas, bootstrap)),
    };
    let spread = mean::clustered(&deltas);
    let found = spread.and_then(|spread| Some((spread, intervals(&deltas, right_or_wrong)?)));
    let before = reported.before(metric, &before, info.range).map(|evidence| evidence.estimate);
    let margin = method.margin.zip(before).map(|(share, before)| share * before.value.abs());
    let detectable = found.and_then(|(spread, intervals)| detectable(&spread, &intervals));
    MetricComparison {
        metric: metric.to_owned(),
        direction: info.direction,
        n: pairs.len(),
        clusters: deltas.len(),
        before,
        after: reported.after(metric, &after, info.range).map(|evidence| evidence.estimate),
        difference: found.map(|(spread, Intervals { shown: Interval { low, high }, .. })| Estimate {
            value: spread.value,
            low: low.min(spread.value),
            high: high.max(spread.value),
            n: spread.n,
            clusters: spread.clusters,
        }),
        bounds: found.map(|(_, intervals)| intervals.bounds),
        interval: found.map(|(_, intervals)| intervals.method),
        long_tail: found.is_some_and(|(spread, intervals)| {
            intervals.method == IntervalMethod::HallT && spread.has_long_tail()
        }),
        test,
        p,
        p_adjusted: p,
        discordant,
        mcnemar_p,
        margin,
        minimum_detectable: detectable,
        items_needed: detectable
            .zip(margin)
            .and_then(|(detectable, margin)| power::items_needed(detectable, pairs.len(), margin)),
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

/// The smallest difference that would show: one whose interval leaves out 0, which is what a claim of change needs.
fn detectable(spread: &mean::Mean, intervals: &Intervals) -> Option<f64> {
    let half = (intervals.shown.high - intervals.shown.low) / 2.0;
    let quantile = quantile::t_upper((1.0 - CONFIDENCE) / 2.0, (spread.clusters - 1) as f64);
    power::minimum_detectable_difference(half / quantile, spread.clusters)
}

#[cfg(test)]
mod tests;
