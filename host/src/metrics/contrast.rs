//! Contrast and coverage of pairs whose answers come from in and out of character.
//!
//! - Contrast: share of pairs whose consistent answer passes every held-out detector and whose inconsistent one fails at
//!   least one; at least 85 %. A detector that does not apply says nothing; one that failed counts against the pair on
//!   either side, so a failing evaluator can only make the claim weaker. Families are the clusters.
//! - Coverage: per trait in how many pairs the consistent answer alone shows it, and in how many the other one alone. A
//!   choosing trait that no pair shows on the consistent side alone is not covered: the pairs cannot teach it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CellState, aggregate::mean_evidence};
use crate::{
    gates::{Decision, Evidence, Rule},
    model::Verdict,
    stats::{Interval, by_cluster},
};

/// Name and version of both formulas.
pub const FORMULA: &str = "contrast/1";

/// One pair under the held-out detectors; entry `i` of both lists is the same detector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCells {
    /// Scenario family; the cluster.
    pub family: String,
    /// What they make of the consistent answer.
    pub consistent: Vec<CellState>,
    /// What they make of the inconsistent one.
    pub inconsistent: Vec<CellState>,
}

impl PairCells {
    /// Whether the consistent answer passes every detector and the inconsistent one fails one.
    #[must_use]
    pub fn contrasts(&self) -> bool {
        let passes = |state: &CellState| matches!(state, CellState::Hit | CellState::NotApplicable);
        self.consistent.iter().all(passes)
            && self.consistent.contains(&CellState::Hit)
            && self.inconsistent.contains(&CellState::Miss)
    }
}

/// The rule of the contrast.
#[must_use]
pub const fn contrast_rule() -> Rule {
    Rule::at_least(0.85)
}

/// Share of pairs that contrast. `None` where there is nothing.
#[must_use]
pub fn contrast(pairs: &[PairCells]) -> Option<Evidence> {
    let values = pairs.iter().map(|pair| (pair.family.as_str(), f64::from(u8::from(pair.contrasts()))));
    mean_evidence(&by_cluster(values), Some(Interval { low: 0.0, high: 1.0 }))
}

/// In how many pairs a trait differs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The consistent answer shows it and the other does not.
    pub toward: usize,
    /// The other way round.
    pub against: usize,
}

impl Coverage {
    /// Counts one trait's cells, of the consistent and of the inconsistent answer of each pair.
    #[must_use]
    pub fn of(pairs: impl IntoIterator<Item = (CellState, CellState)>) -> Self {
        let mut coverage = Self::default();
        for pair in pairs {
            match pair {
                (CellState::Hit, CellState::Miss) => coverage.toward += 1,
                (CellState::Miss, CellState::Hit) => coverage.against += 1,
                _ => {}
            }
        }
        coverage
    }
}

/// Whether every one of the `choosing` traits is covered.
#[must_use]
pub fn covered(coverage: &BTreeMap<String, Coverage>, choosing: &[String]) -> Decision {
    if choosing.is_empty() {
        return Decision::insufficient("no trait chose");
    }
    let bare = |name: &&String| coverage.get(*name).is_none_or(|found| found.toward == 0);
    let bare: Vec<&str> = choosing.iter().filter(bare).map(String::as_str).collect();
    if bare.is_empty() {
        return Decision::new(
            Verdict::Pass,
            format!("every one of {} choosing traits differs in some pair", choosing.len()),
        );
    }
    Decision::new(
        Verdict::Fail,
        format!("not covered, no pair shows it on one side alone: {}", bare.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gates::decide;

    const HIT: CellState = CellState::Hit;
    const MISS: CellState = CellState::Miss;
    const FAILED: CellState = CellState::Failed;
    const NONE: CellState = CellState::NotApplicable;

    fn pair(family: usize, consistent: &[CellState], inconsistent: &[CellState]) -> PairCells {
        PairCells {
            family: format!("f{family}"),
            consistent: consistent.into(),
            inconsistent: inconsistent.into(),
        }
    }

    #[test]
    fn a_pair_contrasts_if_one_answer_passes_every_detector_and_the_other_fails_one() {
        let contrasts = |a: &[CellState], b: &[CellState]| pair(0, a, b).contrasts();
        assert!(contrasts(&[HIT, HIT], &[HIT, MISS]));
        assert!(!contrasts(&[HIT, MISS], &[MISS, MISS]), "the consistent answer fails one, too");
        assert!(!contrasts(&[HIT, HIT], &[HIT, HIT]), "both pass");
        assert!(contrasts(&[HIT, NONE], &[MISS, NONE]), "what does not apply says nothing");
        assert!(!contrasts(&[NONE, NONE], &[MISS, MISS]), "nobody said that it is in character");
    }

    #[test]
    fn a_detector_that_failed_counts_against_the_pair() {
        assert!(!pair(0, &[HIT, FAILED], &[MISS, MISS]).contrasts());
        assert!(!pair(0, &[HIT, HIT], &[HIT, FAILED]).contrasts());
    }

    #[test]
    fn the_share_is_gated_and_families_are_its_clusters() {
        let verdict = |good: usize| {
            let pairs: Vec<PairCells> =
                (0..60).map(|i| pair(i, &[HIT], &[if i < good { MISS } else { HIT }])).collect();
            decide(&contrast_rule(), contrast(&pairs).as_ref()).verdict
        };
        assert_eq!(verdict(60), Verdict::Pass);
        assert_eq!(verdict(53), Verdict::Inconclusive);
        assert_eq!(verdict(30), Verdict::Fail);
        let one_family: Vec<PairCells> = (0..60).map(|_| pair(0, &[HIT], &[MISS])).collect();
        let found = contrast(&one_family).expect("sixty pairs");
        assert_eq!((found.estimate.n, found.estimate.clusters), (60, 1));
        assert!(found.lower < 0.85, "one situation told sixty times proves little: {found:?}");
        assert_eq!(contrast(&[]), None);
    }

    #[test]
    fn a_choosing_trait_that_never_differs_is_not_covered() {
        let counts = |pairs: &[(CellState, CellState)]| Coverage::of(pairs.iter().copied());
        let coverage: BTreeMap<String, Coverage> = [
            ("team".to_owned(), counts(&[(HIT, MISS), (HIT, HIT), (MISS, HIT)])),
            ("blame".to_owned(), counts(&[(HIT, HIT), (MISS, HIT), (HIT, FAILED)])),
            ("held".to_owned(), counts(&[(HIT, HIT)])),
        ]
        .into();
        assert_eq!(coverage["team"], Coverage { toward: 1, against: 1 });
        assert_eq!(coverage["blame"], Coverage { toward: 0, against: 1 });
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(covered(&coverage, &names(&["team"])).verdict, Verdict::Pass);
        let found = covered(&coverage, &names(&["team", "blame"]));
        assert_eq!(found.verdict, Verdict::Fail);
        assert!(found.reason.ends_with(": blame"), "{}", found.reason);
        assert_eq!(covered(&coverage, &[]).verdict, Verdict::Insufficient);
    }

    fn states() -> impl Strategy<Value = CellState> {
        prop::sample::select(vec![HIT, MISS, FAILED, NONE])
    }

    proptest! {
        #[test]
        fn a_failed_or_missed_detector_on_the_consistent_side_never_helps(
            cells in prop::collection::vec((states(), states()), 1..5),
            place in any::<prop::sample::Index>(),
            worse in prop::sample::select(vec![MISS, FAILED]),
        ) {
            let (consistent, inconsistent): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
            let before = pair(0, &consistent, &inconsistent);
            let mut after = before.clone();
            let place = place.index(consistent.len());
            after.consistent[place] = worse;
            prop_assert!(before.contrasts() || !after.contrasts());
            prop_assert!(!after.contrasts());
        }

        #[test]
        fn changing_the_sides_changes_the_sign_of_coverage(
            cells in prop::collection::vec((states(), states()), 0..30),
        ) {
            let there = Coverage::of(cells.iter().copied());
            let back = Coverage::of(cells.iter().map(|&(a, b)| (b, a)));
            prop_assert_eq!((there.toward, there.against), (back.against, back.toward));
            prop_assert!(there.toward + there.against <= cells.len());
        }
    }
}
