//! What the second run kept of the first one's capabilities: [`mod@crate::metrics::retention`] on aligned benchmarks.

use std::collections::BTreeMap;

use super::{align::Aligned, difference::MetricInfo, reported::BothReported};
use crate::metrics::{
    Benchmark, ItemPair, Retention,
    retention::{KEPT, retention},
};

/// Retention of every benchmark that both runs have items of; `None` where there is none.
#[must_use]
pub fn kept(
    aligned: &Aligned,
    reported: &BothReported<'_>,
    metrics: &BTreeMap<String, MetricInfo>,
) -> Option<Retention> {
    let benchmark = |(name, pairs): (&String, &Vec<super::Pair>)| {
        let info = metrics.get(name).filter(|info| info.benchmark)?;
        // A profile is no capability that could be kept.
        let direction = info.direction?;
        let item = |pair: &super::Pair| ItemPair {
            group: pair.cluster.clone(),
            before: pair.before,
            after: pair.after,
        };
        Some(Benchmark {
            name: name.clone(),
            direction,
            // A benchmark that does not say what guessing gives has no headroom that could be shown.
            chance: info.chance.unwrap_or(f64::NAN),
            range: info.range,
            items: pairs.iter().map(item).collect(),
            reported: reported.both(name),
        })
    };
    let benchmarks: Vec<Benchmark> = aligned.metrics.iter().filter_map(benchmark).collect();
    (!benchmarks.is_empty()).then(|| retention(&benchmarks, KEPT))
}
