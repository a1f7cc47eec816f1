//! Preference gap and length bias of pairs.
//!
//! - Gap: mean over pairs of chosen minus rejected under evaluators that took no part in the choice. It has to be at least
//!   0.15: a choice that held-out evaluators do not share has been made for a reason that is not the persona.
//! - Length bias: share of pairs whose chosen answer is the longer one, at most 70 %. Of pairs of equal length half count
//!   as longer.
//!
//! Both have families as clusters, because the kinds of one family tell one situation.

use serde::{Deserialize, Serialize};

use super::aggregate::mean_evidence;
use crate::{
    gates::{Evidence, Rule},
    stats::{Interval, by_cluster},
};

/// Name and version of both formulas.
pub const FORMULA: &str = "preference/1";

/// What a difference of two shares cannot leave.
pub const DIFFERENCE: Interval = Interval { low: -1.0, high: 1.0 };

/// One pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairScore {
    /// Scenario family; the cluster.
    pub family: String,
    /// Chosen minus rejected; absent where no evaluator could judge both.
    pub difference: Option<f64>,
    /// Words of the chosen answer.
    pub chosen_words: usize,
    /// Words of the rejected answer.
    pub rejected_words: usize,
}

/// The rule of the gap.
#[must_use]
pub const fn gap_rule() -> Rule {
    Rule::at_least(0.15)
}

/// The rule of the length bias.
#[must_use]
pub const fn length_rule() -> Rule {
    Rule::at_most(0.70)
}

/// Mean difference; a value lies in `range`, where one is known. `None` where there is nothing, or one family only.
#[must_use]
pub fn gap(pairs: &[PairScore], range: Option<Interval>) -> Option<Evidence> {
    let values = pairs.iter().filter_map(|pair| Some((pair.family.as_str(), pair.difference?)));
    mean_evidence(&by_cluster(values), range)
}

/// Share of pairs whose chosen answer is the longer one. `None` where there is nothing.
#[must_use]
pub fn length_bias(pairs: &[PairScore]) -> Option<Evidence> {
    let longer = |pair: &PairScore| match pair.chosen_words.cmp(&pair.rejected_words) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let values = pairs.iter().map(|pair| (pair.family.as_str(), longer(pair)));
    mean_evidence(&by_cluster(values), Some(Interval { low: 0.0, high: 1.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{gates::decide, model::Verdict};

    fn pairs(count: usize, difference: impl Fn(usize) -> Option<f64>) -> Vec<PairScore> {
        (0..count)
            .map(|i| PairScore {
                family: format!("f{i}"),
                difference: difference(i),
                chosen_words: 20 + i % 2,
                rejected_words: 20,
            })
            .collect()
    }

    #[test]
    fn a_choice_that_held_out_evaluators_share_passes_and_one_that_they_do_not_fails() {
        let verdict = |difference: f64| {
            let alternating = |i: usize| Some(difference + if i.is_multiple_of(2) { 0.1 } else { -0.1 });
            decide(&gap_rule(), gap(&pairs(60, alternating), Some(DIFFERENCE)).as_ref()).verdict
        };
        assert_eq!(verdict(0.6), Verdict::Pass);
        assert_eq!(verdict(-0.4), Verdict::Fail);
        assert_eq!(verdict(0.15), Verdict::Inconclusive);
    }

    #[test]
    fn pairs_that_nobody_could_judge_are_left_out_and_nothing_is_no_gap() {
        let found = gap(&pairs(10, |i| (i < 8).then_some(0.5)), Some(DIFFERENCE)).expect("eight pairs");
        assert_eq!((found.estimate.n, found.estimate.clusters), (8, 8));
        assert!((found.estimate.value - 0.5).abs() < 1e-12);
        assert_eq!(gap(&pairs(10, |_| None), Some(DIFFERENCE)), None);
    }

    #[test]
    fn pairs_of_equal_length_count_as_half_longer() {
        let found = length_bias(&pairs(40, |_| None)).expect("pairs");
        assert!((found.estimate.value - 0.75).abs() < 1e-12, "{found:?}");
        assert_eq!(length_bias(&[]), None);
    }
}
