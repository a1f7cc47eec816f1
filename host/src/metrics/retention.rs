//! Capability retention: what the model could do before, it still can.
//!
//! Per benchmark, on the same items, `d = after - 0.95 * before` (lower is better: `0.95` moves to the other
//! side, `before - 0.95 * after`). The claim "at least 95 % is kept" is `mean d >= 0`, a test of non-inferiority
//! on pairs, with items clustered by group: no ratio of two noisy means, and no credit for items that both get.
//!
//! A benchmark **counts** only if there is something to lose: the baseline's one-sided bound must be at least a
//! tenth of the metric's range better than chance (10 points for accuracy; a tenth of the chance level where the
//! range is open, as for bits per byte). Else it is `no headroom`. At least two must count, and every one that
//! counts must hold.
//!
//! The bounds of d ([`margin`]) reckon with items that are lost one by one and with groups that are lost whole: 58 unchanged groups do not prove 95 %, and 59
//! do. `tests/it/simulation/claims.rs` measures how often a pass is wrong.
//!
//! A mean over benchmarks is not computed: a gain on one does not pay for a loss on another.

use serde::{Deserialize, Serialize};

use super::aggregate::mean_evidence;
use crate::{
    gates::{Decision, Evidence, Rule, decide, decide::number},
    model::{Direction, Verdict},
    stats::{Interval, by_cluster},
};

pub mod margin;

/// Share of the capability that has to be kept.
pub const KEPT: f64 = 0.95;
/// Distance of the baseline from chance, as a share of the range (or of the chance level).
pub const HEADROOM: f64 = 0.10;
/// Benchmarks that have to count.
pub const MIN_COUNTING: usize = 2;

/// One item before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemPair {
    /// Items of a group are not independent (passages, subjects); the item id where there are no groups.
    pub group: String,
    /// Value of the baseline.
    pub before: f64,
    /// Value of the trained model.
    pub after: f64,
}

/// A benchmark with its items; likelihoods enter as bits per byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Name in the suite.
    pub name: String,
    /// Which way is better.
    pub direction: Direction,
    /// What guessing gives; not a number where that is not known, which leaves no headroom.
    pub chance: f64,
    /// What a value cannot leave, where that is known.
    pub range: Option<Interval>,
    /// The items that both models answered.
    pub items: Vec<ItemPair>,
    /// What the runs report of exactly these items, before and after; else the means of the items stand for it.
    pub reported: [Option<Evidence>; 2],
}

/// What became of one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkRetention {
    /// Name in the suite.
    pub name: String,
    /// Which way is better.
    pub direction: Direction,
    /// The baseline.
    pub before: Option<Evidence>,
    /// The trained model.
    pub after: Option<Evidence>,
    /// Ratio of the means, better direction up, for display; `None` where the divisor is zero.
    pub ratio: Option<f64>,
    /// Mean of d, in the unit of the metric; the gate looks at this.
    pub margin: Option<Evidence>,
    /// The benchmark's own verdict; `no headroom` if it does not count.
    pub decision: Decision,
}

/// All benchmarks and the verdict over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retention {
    /// In the order given.
    pub benchmarks: Vec<BenchmarkRetention>,
    /// Benchmarks that count.
    pub counting: usize,
    /// The verdict over them.
    pub decision: Decision,
}

/// Retention of `kept` (0 to 1) of each benchmark.
#[must_use]
pub fn retention(benchmarks: &[Benchmark], kept: f64) -> Retention {
    let benchmarks: Vec<BenchmarkRetention> =
        benchmarks.iter().map(|benchmark| one_benchmark(benchmark, kept)).collect();
    let counts = |one: &&BenchmarkRetention| {
        !matches!(one.decision.verdict, Verdict::NoHeadroom | Verdict::Insufficient)
    };
    let counting = benchmarks.iter().filter(counts).count();
    let decision = conclude(&benchmarks, counting);
    Retention { benchmarks, counting, decision }
}

/// One benchmark: headroom first, then the margin.
fn one_benchmark(benchmark: &Benchmark, kept: f64) -> BenchmarkRetention {
    let side = |value: fn(&ItemPair) -> f64| {
        by_cluster(benchmark.items.iter().map(|item| (item.group.as_str(), value(item))))
    };
    let [before, after] = benchmark.reported;
    let before = before.or_else(|| mean_evidence(&side(|item| item.before), benchmark.range));
    let after = after.or_else(|| mean_evidence(&side(|item| item.after), benchmark.range));
    let margin = margin::of(benchmark, kept);
    let decision = match (&before, &margin) {
        (Some(before), Some(margin)) => no_headroom(benchmark, before).unwrap_or_else(|| {
            let decision = decide(&Rule::at_least(0.0), Some(margin));
            let (lower, upper) = (number(margin.lower), number(margin.upper));
            let tail = if margin.long_tail {
                format!(", less certain than it looks: a long tail in {} groups", margin.estimate.clusters)
            } else {
                String::new()
            };
            let groups = margin::few_groups(benchmark, kept, decision.verdict).unwrap_or_default();
            let further = match decision.verdict {
                Verdict::Inconclusive => margin::further(benchmark, margin, kept, decision.further),
                _ => None,
            };
            let more = further.map_or(String::new(), |further| {
                format!("; about {further} more {} would decide", unit(margin))
            });
            let reason = format!(
                "margin over {:.0} % kept lies in {lower} to {upper}{tail}{groups}{more}",
                100.0 * kept
            );
            Decision { reason, further, ..decision }
        }),
        _ => Decision::insufficient("fewer than two groups of items with finite values"),
    };
    let ratio = before.zip(after).and_then(|(before, after)| {
        let (before, after) = (before.estimate.value, after.estimate.value);
        let ratio = match benchmark.direction {
            Direction::Higher => after / before,
            Direction::Lower => before / after,
        };
        ratio.is_finite().then_some(ratio)
    });
    BenchmarkRetention {
        name: benchmark.name.clone(),
        direction: benchmark.direction,
        before,
        after,
        ratio,
        margin,
        decision,
    }
}

const fn unit(margin: &Evidence) -> &'static str {
    if margin.estimate.clusters == margin.estimate.n { "items" } else { "groups" }
}

/// Why the benchmark does not count, if it does not.
fn no_headroom(benchmark: &Benchmark, before: &Evidence) -> Option<Decision> {
    let scale = benchmark.range.map_or(benchmark.chance.abs(), |range| range.high - range.low);
    let (bound, distance) = match benchmark.direction {
        Direction::Higher => (before.lower, before.lower - benchmark.chance),
        Direction::Lower => (before.upper, benchmark.chance - before.upper),
    };
    if benchmark.chance.is_nan() {
        return Some(Decision::new(Verdict::NoHeadroom, "what guessing gives is not known"));
    }
    // Written so that any other number that is none leaves no headroom.
    if distance >= HEADROOM * scale {
        return None;
    }
    let (bound, chance, needed) = (number(bound), number(benchmark.chance), number(HEADROOM * scale));
    Some(Decision::new(
        Verdict::NoHeadroom,
        format!("baseline bound {bound} is not {needed} better than chance at {chance}"),
    ))
}

/// A proven loss fails; too few that count cannot pass; then every one that counts must hold.
fn conclude(benchmarks: &[BenchmarkRetention], counting: usize) -> Decision {
    let named: Vec<Decision> = benchmarks
        .iter()
        .map(|one| Decision {
            reason: format!("{}: {}", one.name, one.decision.reason),
            ..one.decision.clone()
        })
        .collect();
    let of = |wanted: &[Verdict]| -> Vec<Decision> {
        named.iter().filter(|decision| wanted.contains(&decision.verdict)).cloned().collect()
    };
    let (lost, unmeasured) = (of(&[Verdict::Fail]), of(&[Verdict::Insufficient]));
    if !lost.is_empty() {
        return Decision::all_of(&lost);
    }
    if !unmeasured.is_empty() || benchmarks.is_empty() {
        return Decision::all_of(&unmeasured);
    }
    if counting < MIN_COUNTING {
        let flat = of(&[Verdict::NoHeadroom]);
        let verdict = if flat.is_empty() { Verdict::Insufficient } else { Verdict::NoHeadroom };
        let flat = Decision::all_of(&flat).reason;
        let reason = format!("{counting} of the {MIN_COUNTING} benchmarks needed count");
        return Decision::new(
            verdict,
            if verdict == Verdict::NoHeadroom { format!("{reason}; {flat}") } else { reason },
        );
    }
    Decision::all_of(&of(&[Verdict::Pass, Verdict::Inconclusive]))
}

#[cfg(test)]
mod tests;
