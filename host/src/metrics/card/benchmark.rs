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
    /// Which way is better; no way of a part of a profile is.
    pub direction: Option<Direction>,
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
    /// What the baseline's bound has to reach for the benchmark to count; nothing where no way is better.
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
    /// Which way is better, if one is.
    pub direction: Option<Direction>,
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
    let needed = chance.zip(direction).map(|(chance, direction)| needed(chance, direction, range));
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
    let Some(direction) = input.direction else {
        return Decision::new(
            Verdict::Pass,
            "a part of a profile: no way of it is better, so none of it can be lost",
        );
    };
    let (Some(baseline), Some(needed)) = (input.baseline, needed) else {
        let missing =
            if input.baseline.is_none() { "no model was asked" } else { "no chance level is known" };
        return Decision::new(Verdict::NotReached, format!("{missing}, so headroom is not known"));
    };
    let (bound, enough) = match direction {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::aggregate::mean_evidence;

    #[test]
    fn of_a_part_of_a_profile_the_card_does_not_ask_for_headroom() {
        let values: Vec<Vec<f64>> = (0..20).map(|item| vec![2.9 + 0.01 * f64::from(item)]).collect();
        let range = Some(Interval { low: 1.0, high: 5.0 });
        let input = BenchmarkInput {
            metric: "score",
            direction: Some(Direction::Higher),
            range,
            items: 20,
            groups: 20,
            chance: Some(3.0),
            guessing: None,
            baseline: mean_evidence(&values, range),
            failed: 0,
        };
        assert_eq!(benchmark(&input).decision.verdict, Verdict::NoHeadroom);
        let found = benchmark(&BenchmarkInput { direction: None, ..input });
        assert_eq!((found.needed, found.decision.verdict), (None, Verdict::Pass));
        assert!(!found.decision.reason.contains("headroom"), "{}", found.decision.reason);
    }
}
