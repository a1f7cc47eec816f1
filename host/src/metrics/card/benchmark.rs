//! The numbers of a benchmark's card: what guessing gives, what losing would take, and whether there is room to lose.

use serde::{Deserialize, Serialize};

use crate::{
    gates::{Decision, Evidence, decide::number},
    metrics::retention::HEADROOM,
    model::{Direction, Verdict},
    stats::Interval,
};

use super::MIN_GROUPS;

/// What a benchmark's metric is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkNumbers {
    /// The metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Items.
    pub items: usize,
    /// Groups of them.
    pub groups: usize,
    /// What guessing gives, as the component says.
    pub chance: Option<f64>,
    /// What a model gives that knows nothing: seeded noise in place of its answers.
    pub guessing: Option<Evidence>,
    /// What the model gives, where one was asked.
    pub baseline: Option<Evidence>,
    /// What the baseline's bound has to reach for the benchmark to count.
    pub needed: Option<f64>,
    /// Items on which the component failed.
    pub failed: usize,
    /// What the card concludes.
    pub decision: Decision,
}

/// What was measured of a benchmark.
#[derive(Debug, Clone)]
pub struct BenchmarkInput<'a> {
    /// The metric.
    pub metric: &'a str,
    /// Which way is better.
    pub direction: Direction,
    /// What a value cannot leave.
    pub range: Option<Interval>,
    /// Items.
    pub items: usize,
    /// Groups of them.
    pub groups: usize,
    /// What the component says guessing gives.
    pub chance: Option<f64>,
    /// What noise gives.
    pub guessing: Option<Evidence>,
    /// What the model gives.
    pub baseline: Option<Evidence>,
    /// Items on which the component failed.
    pub failed: usize,
}

/// Numbers of a benchmark.
#[must_use]
pub fn benchmark(input: &BenchmarkInput<'_>) -> BenchmarkNumbers {
    let BenchmarkInput { direction, range, items, groups, chance, guessing, baseline, failed, .. } = *input;
    let needed = chance.map(|chance| needed(chance, direction, range));
    let decision = decide(input, needed);
    BenchmarkNumbers {
        metric: input.metric.into(),
        direction,
        items,
        groups,
        chance,
        guessing,
        baseline,
        needed,
        failed,
        decision,
    }
}

/// Where a baseline's bound has to lie for the benchmark to count: see [`retention`](crate::metrics::retention).
fn needed(chance: f64, direction: Direction, range: Option<Interval>) -> f64 {
    let room = HEADROOM * range.map_or(chance.abs(), |range| range.high - range.low);
    match direction {
        Direction::Higher => chance + room,
        Direction::Lower => chance - room,
    }
}

fn decide(input: &BenchmarkInput<'_>, needed: Option<f64>) -> Decision {
    if input.groups < MIN_GROUPS {
        return Decision::insufficient(format!("{} groups of items, {MIN_GROUPS} are needed", input.groups));
    }
    if input.failed > 0 {
        let reason = format!("the component failed on {} of {} items", input.failed, input.items);
        return Decision::new(Verdict::Inconclusive, reason);
    }
    if let (Some(chance), Some(guessing)) = (input.chance, input.guessing)
        && !(guessing.estimate.low..=guessing.estimate.high).contains(&chance)
    {
        let (low, high) = (number(guessing.estimate.low), number(guessing.estimate.high));
        let reason = format!("guessing gives {low} to {high}, the component says {}", number(chance));
        return Decision::new(Verdict::Fail, reason);
    }
    let (Some(baseline), Some(needed)) = (input.baseline, needed) else {
        let missing =
            if input.baseline.is_none() { "no model was asked" } else { "no chance level is known" };
        return Decision::new(Verdict::NotReached, format!("{missing}, so headroom is not known"));
    };
    let (bound, enough) = match input.direction {
        Direction::Higher => (baseline.lower, baseline.lower >= needed),
        Direction::Lower => (baseline.upper, baseline.upper <= needed),
    };
    let room = format!(
        "the model's bound is {}, {} is needed ({:.0} % of the range from chance)",
        number(bound),
        number(needed),
        100.0 * HEADROOM
    );
    Decision::new(if enough { Verdict::Pass } else { Verdict::NoHeadroom }, room)
}
