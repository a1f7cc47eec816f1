//! What is left over the share that has to be kept: the mean of d over a benchmark's items, with its bounds.
//!
//! Of values with a range the bounds are Gaffke's ([`gaffke`]), which reckon with groups that are lost whole. The worst group that there
//! could be loses all that it has: it has what the groups have on average, each weighed by the square of what it has, as if a group were
//! the likelier lost the more it has. Of single items that are right or wrong it is a right one. The best gains all that is left to it.
//! Where only the largest of unequal groups are ever lost, that is too little; the largest group itself would leave most such benchmarks
//! undecided.
//!
//! Values without a range, as bits per byte, have no worst group. Their bounds are Student's, and the groups that lost and gained most
//! count once more ([`mean::with_ends_again`]).

use super::{Benchmark, ItemPair};
use crate::{
    gates::Evidence,
    model::{Direction, Estimate, Verdict},
    stats::{
        CONFIDENCE, Interval, ONE_SIDED_ALPHA, by_cluster,
        gaffke::{self, Sum},
        mean,
    },
};

/// d of one item, and what it could be.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Item {
    d: f64,
    /// If the item lost all it had before.
    worst: f64,
    /// If it gained all that it had not.
    best: f64,
    /// If it kept what it had.
    same: f64,
}

/// Mean of d with its bounds; `None` with fewer than two groups or a number that is not finite.
pub(super) fn of(benchmark: &Benchmark, kept: f64) -> Option<Evidence> {
    let d = |item: &ItemPair| difference(benchmark.direction, item.before, item.after, kept);
    let clusters = by_cluster(benchmark.items.iter().map(|item| (item.group.as_str(), d(item))));
    let Some(range) = benchmark.range else { return mean::with_ends_again(&clusters) };
    let mean::Mean { value, n, clusters, .. } = mean::clustered(&clusters)?;
    let groups = groups(benchmark, range, kept);
    let (below, above) = (Side::worst(&groups), Side::best(&groups));
    let lower = |alpha: f64| below.bound(alpha).map_or(value, |bound| bound.min(value));
    let upper = |alpha: f64| above.bound(alpha).map_or(value, |bound| (-bound).max(value));
    let two_sided = (1.0 - CONFIDENCE) / 2.0;
    Evidence {
        estimate: Estimate { value, low: lower(two_sided), high: upper(two_sided), n, clusters },
        lower: lower(ONE_SIDED_ALPHA),
        upper: upper(ONE_SIDED_ALPHA),
        effective_n: None,
        long_tail: false,
    }
    .finite()
}

/// That so few groups cannot prove it, where they leave it open.
pub(super) fn few_groups(benchmark: &Benchmark, kept: f64, verdict: Verdict) -> Option<String> {
    // Of errors a share that is kept would be one of right answers.
    let counts = benchmark.range.is_some() && benchmark.direction == Direction::Higher;
    let sizes: Vec<usize> = by_cluster(benchmark.items.iter().map(|item| (item.group.as_str(), ())))
        .iter()
        .map(Vec::len)
        .collect();
    let proven = gaffke::unlost(sizes.iter().copied(), ONE_SIDED_ALPHA);
    if !counts || verdict != Verdict::Inconclusive || sizes.len() == benchmark.items.len() || proven >= kept {
        return None;
    }
    let (count, percent) = (sizes.len(), 100.0 * proven);
    Some(format!(": {count} groups, which may be lost whole, prove {percent:.1} % where nothing changes"))
}

/// Further groups like these that would decide; `by_root` where values have no range, and where they would have to fail.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of groups, below a million times as many"
)]
pub(super) fn further(
    benchmark: &Benchmark,
    margin: &Evidence,
    kept: f64,
    by_root: Option<usize>,
) -> Option<usize> {
    let Estimate { value, clusters, .. } = margin.estimate;
    let Some(range) = benchmark.range.filter(|_| value > 0.0) else { return by_root };
    let groups = groups(benchmark, range, kept);
    let repeated = Side::worst(&groups).repetitions()?;
    Some(((repeated - 1.0) * clusters as f64).ceil() as usize)
}

/// Groups as they are seen from one side, where less is worse.
struct Side {
    groups: Vec<Sum>,
    worst: Sum,
}

impl Side {
    fn worst(groups: &[Vec<Item>]) -> Self {
        Self::of(groups, |item| item.d, |item| item.worst, |item| item.same)
    }

    fn best(groups: &[Vec<Item>]) -> Self {
        Self::of(groups, |item| -item.d, |item| -item.best, |item| -item.same)
    }

    fn of(
        groups: &[Vec<Item>],
        d: fn(&Item) -> f64,
        worst: fn(&Item) -> f64,
        same: fn(&Item) -> f64,
    ) -> Self {
        let sum = |group: &[Item], value: fn(&Item) -> f64| group.iter().map(value).sum::<f64>();
        let to_lose = |group: &[Item]| sum(group, same) - sum(group, worst);
        // Where no group has anything to lose, or to gain, none is worse than another.
        let alike = !groups.iter().any(|group| to_lose(group) > 0.0);
        let (mut weights, mut worst_group) = (0.0, Sum { sum: 0.0, items: 0.0 });
        for group in groups {
            let least = sum(group, worst);
            let weight = if alike { 1.0 } else { to_lose(group).powi(2) };
            weights += weight;
            worst_group.sum += weight * least;
            worst_group.items += weight * group.len() as f64;
        }
        let worst = Sum { sum: worst_group.sum / weights, items: worst_group.items / weights };
        let groups =
            groups.iter().map(|group| Sum { sum: sum(group, d), items: group.len() as f64 }).collect();
        Self { groups, worst }
    }

    /// `None` where nothing could be worse.
    fn bound(&self, alpha: f64) -> Option<f64> {
        gaffke::lower(&self.groups, self.worst, 1.0, alpha)
    }

    fn repetitions(&self) -> Option<f64> {
        gaffke::repetitions(&self.groups, self.worst, 0.0, ONE_SIDED_ALPHA)
    }
}

fn groups(benchmark: &Benchmark, range: Interval, kept: f64) -> Vec<Vec<Item>> {
    let (worst, best) = match benchmark.direction {
        Direction::Higher => (range.low, range.high),
        Direction::Lower => (range.high, range.low),
    };
    let of = |item: &ItemPair| {
        let d = |after| difference(benchmark.direction, item.before, after, kept);
        Item { d: d(item.after), worst: d(worst), best: d(best), same: d(item.before) }
    };
    by_cluster(benchmark.items.iter().map(|item| (item.group.as_str(), of(item))))
}

fn difference(direction: Direction, before: f64, after: f64, kept: f64) -> f64 {
    match direction {
        Direction::Higher => after - kept * before,
        Direction::Lower => before - kept * after,
    }
}
