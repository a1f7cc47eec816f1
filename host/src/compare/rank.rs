//! Many runs in order, with what is known of their places.
//!
//! Every pair of runs is compared on its common items, and all p-values of all pairs and metrics are corrected together.
//! A run's place then lies between 1 plus the number of runs that are proven better, and the number of runs minus those that are
//! proven worse: with 95 % confidence for all places at once (after Mogstad, Romano, Shaikh and Wilhelm 2024, with tests on
//! pairs of items).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    ItemValue,
    align::align,
    difference::{MetricComparison, MetricInfo, decide, differences},
    identity::identity_differences,
    method::Method,
    reported::{self, BothReported, Side},
};
use crate::{
    compare::Change,
    error::{Error, Result},
    exit::Exit,
    model::{Direction, Estimate},
    stats::by_cluster,
};

/// One run on one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranked {
    /// Place of the run in the list that was given.
    pub run: usize,
    /// What it reports of its own items.
    pub estimate: Option<Estimate>,
    /// The best place that it can have.
    pub best: usize,
    /// The worst place that it can have.
    pub worst: usize,
}

/// One metric: runs from the best value to the worst.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    /// Metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// All runs that have items of it.
    pub runs: Vec<Ranked>,
}

/// Ranks runs on every metric that all of them have, or on one. `names` are for errors.
///
/// # Errors
/// Exit 12 where two runs have different instruments, naming both and the keys; those of a comparison.
pub fn rank(
    runs: &[Side<'_>],
    names: &[&str],
    metrics: &BTreeMap<String, MetricInfo>,
    method: Method,
) -> Result<Vec<Ranking>> {
    let mut pairs: Vec<((usize, usize), Vec<MetricComparison>)> = Vec::new();
    for (one, before) in runs.iter().enumerate() {
        for (other, after) in runs.iter().enumerate().skip(one + 1) {
            let identity = identity_differences(before.identity, after.identity);
            if !identity.comparable() {
                let keys: Vec<&str> = identity.instrument.iter().map(|key| key.key.as_str()).collect();
                let message = format!(
                    "runs {} and {} are not comparable: their instruments differ in {}",
                    names[one],
                    names[other],
                    keys.join(", ")
                );
                return Err(Error::new(Exit::NotComparable, message)
                    .hint("leave one of them out, or evaluate it with the suite of the others"));
            }
            let aligned = align(before.values, after.values)?;
            let reported = BothReported::of(&aligned, before, after);
            pairs.push(((one, other), differences(&aligned, &reported, metrics, method)?));
        }
    }
    decide(pairs.iter_mut().flat_map(|(_, compared)| compared), method);
    Ok(metrics.iter().filter_map(|(metric, info)| ranking(metric, info, runs, &pairs)).collect())
}

/// One metric; `None` where no way is better, or a run has no items of it.
fn ranking(
    metric: &str,
    info: &MetricInfo,
    runs: &[Side<'_>],
    pairs: &[((usize, usize), Vec<MetricComparison>)],
) -> Option<Ranking> {
    let direction = info.direction?;
    let mut ranked = Vec::with_capacity(runs.len());
    for (run, side) in runs.iter().enumerate() {
        let items: Vec<&ItemValue> = side.values.iter().filter(|item| item.metric == metric).collect();
        if items.is_empty() {
            return None;
        }
        let clusters = by_cluster(items.iter().map(|item| (item.cluster.as_str(), item.value)));
        let evidence = reported::of(&side.reported, metric, &clusters, info.range);
        let estimate = evidence.map(|evidence| evidence.estimate);
        ranked.push(Ranked { run, estimate, best: 1, worst: runs.len() });
    }
    for ((one, other), compared) in pairs {
        let change =
            compared.iter().find(|compared| compared.metric == metric).map(|compared| compared.change);
        let (better, worse) = match change {
            Some(Change::Improved) => (*other, *one),
            Some(Change::Regressed) => (*one, *other),
            Some(Change::Changed | Change::Equivalent | Change::CannotTell) | None => continue,
        };
        ranked[better].worst -= 1;
        ranked[worse].best += 1;
    }
    let value = |ranked: &Ranked| {
        let value = ranked.estimate.map_or(f64::NEG_INFINITY, |estimate| estimate.value);
        if direction == Direction::Higher { -value } else { value }
    };
    ranked.sort_by(|a, b| value(a).total_cmp(&value(b)));
    Some(Ranking { metric: metric.to_owned(), direction, runs: ranked })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::{Correction, Identity, Reported},
        stats::bootstrap::Bootstrap,
    };

    const METHOD: Method = Method {
        bootstrap: Bootstrap { replicates: 200, seed: 1 },
        correction: Correction::Holm,
        margin: None,
    };

    fn items(right: usize) -> Vec<ItemValue> {
        let item = |i: usize| ItemValue {
            metric: "accuracy".to_owned(),
            item: format!("i{i}"),
            cluster: format!("i{i}"),
            value: f64::from(u8::from(i < right)),
        };
        (0..100).map(item).collect()
    }

    fn ranked(direction: Direction, right: &[usize]) -> Ranking {
        let identity = Identity::default();
        let values: Vec<Vec<ItemValue>> = right.iter().map(|right| items(*right)).collect();
        let side = |values| Side { identity: &identity, values, reported: Reported::new() };
        let sides: Vec<Side<'_>> = values.iter().map(|values| side(values)).collect();
        let info = MetricInfo { direction: Some(direction), range: None, chance: None, benchmark: true };
        let names = vec!["run"; right.len()];
        let metrics = BTreeMap::from([("accuracy".to_owned(), info)]);
        rank(&sides, &names, &metrics, METHOD).expect("comparable").remove(0)
    }

    fn places(ranking: &Ranking) -> Vec<(usize, usize, usize)> {
        ranking.runs.iter().map(|one| (one.run, one.best, one.worst)).collect()
    }

    #[test]
    fn runs_that_cannot_be_told_apart_share_their_places() {
        let found = ranked(Direction::Higher, &[50, 90, 52]);
        assert_eq!(places(&found), [(1, 1, 1), (2, 2, 3), (0, 2, 3)]);
    }

    #[test]
    fn where_less_is_better_the_order_turns() {
        assert_eq!(places(&ranked(Direction::Lower, &[50, 90])), [(0, 1, 1), (1, 2, 2)]);
    }

    #[test]
    fn another_instrument_is_refused_by_name() {
        let one = Identity::default();
        let other =
            Identity { instrument: BTreeMap::from([("suite".to_owned(), "s".to_owned())]), ..one.clone() };
        let values = items(50);
        let sides =
            [&one, &other].map(|identity| Side { identity, values: &values, reported: Reported::new() });
        let error = rank(&sides, &["a", "b"], &BTreeMap::new(), METHOD).expect_err("not comparable");
        insta::assert_snapshot!(error, @"runs a and b are not comparable: their instruments differ in suite");
        assert_eq!(error.exit(), Exit::NotComparable);
    }
}
