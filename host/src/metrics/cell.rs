//! Trait cells, and shares of them that count failed cells against the claim.
//!
//! A cell is one detector's verdict on one response, after polarity: a hit shows what the profile requires. A
//! failed cell is in neither the numerator nor the denominator of a value, but it is a miss in the lower bound
//! and a hit in the upper one. So a failing evaluator can only make a claim weaker, in either direction.

use serde::{Deserialize, Serialize};

use crate::{
    gates::Evidence,
    model::Estimate,
    stats::{
        CONFIDENCE, ONE_SIDED_ALPHA,
        proportion::{self, Count, Share},
    },
};

/// Share of failed cells above which nothing is concluded.
pub const MAX_FAILED: f64 = 0.01;

/// What is known about one trait in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellState {
    /// The response shows what the profile requires.
    Hit,
    /// It does not, or it is empty, looping or cut off.
    Miss,
    /// The evaluator failed.
    Failed,
    /// The response gives no occasion to judge.
    NotApplicable,
}

/// One trait in one response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraitCell {
    /// Trait of the profile.
    pub trait_id: String,
    /// Scenario family; the cluster.
    pub family: String,
    /// Context kind.
    pub kind: String,
    /// Sample the response belongs to.
    pub sample_id: String,
    /// What is known.
    pub state: CellState,
}

/// Cells counted by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) hits: usize,
    pub(crate) misses: usize,
    pub(crate) failed: usize,
    pub(crate) not_applicable: usize,
}

impl Tally {
    /// Counts one more cell.
    pub(crate) fn add(&mut self, state: CellState) {
        *match state {
            CellState::Hit => &mut self.hits,
            CellState::Miss => &mut self.misses,
            CellState::Failed => &mut self.failed,
            CellState::NotApplicable => &mut self.not_applicable,
        } += 1;
    }

    /// Sum of two tallies.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            failed: self.failed + other.failed,
            not_applicable: self.not_applicable + other.not_applicable,
        }
    }

    /// Cells that gave occasion to judge, judged or failed.
    pub(crate) const fn applicable(self) -> usize {
        self.hits + self.misses + self.failed
    }

    /// All cells.
    pub(crate) const fn total(self) -> usize {
        self.applicable() + self.not_applicable
    }
}

/// A mean of shares seen three ways: without failed cells, and with them as misses and as hits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CautiousShare {
    judged: Share,
    worst: Share,
    best: Share,
}

impl CautiousShare {
    /// Mean over rows (traits) of each row's share; entry `c` of every row is the same cluster.
    ///
    /// `None` if there is no row or one of them holds no judged cell.
    pub(crate) fn of(rows: &[Vec<Tally>]) -> Option<Self> {
        let count = |counted: fn(&Tally) -> Count| {
            let table: Vec<Vec<Count>> = rows.iter().map(|row| row.iter().map(counted).collect()).collect();
            proportion::mean_of_shares(&table)
        };
        Some(Self {
            judged: count(|tally| Count { hits: tally.hits, n: tally.hits + tally.misses })?,
            worst: count(|tally| Count { hits: tally.hits, n: tally.applicable() })?,
            best: count(|tally| Count { hits: tally.hits + tally.failed, n: tally.applicable() })?,
        })
    }

    /// The value: failed cells left out.
    pub(crate) const fn value(&self) -> f64 {
        self.judged.value
    }

    /// One-sided lower bound with error `alpha`.
    pub(crate) fn lower(&self, alpha: f64) -> f64 {
        self.worst.lower(alpha).min(self.judged.lower(alpha))
    }

    /// One-sided upper bound with error `alpha`.
    pub(crate) fn upper(&self, alpha: f64) -> f64 {
        self.best.upper(alpha).max(self.judged.upper(alpha))
    }

    /// Judged cells.
    pub(crate) const fn n(&self) -> usize {
        self.judged.n
    }

    /// Clusters with a judged cell.
    pub(crate) const fn clusters(&self) -> usize {
        self.judged.clusters
    }

    /// Effective sample size of the judged cells.
    pub(crate) fn effective_n(&self) -> f64 {
        self.judged.effective_n(ONE_SIDED_ALPHA)
    }

    /// As gates and reports take it.
    pub(crate) fn evidence(&self) -> Evidence {
        let tail = (1.0 - CONFIDENCE) / 2.0;
        Evidence {
            estimate: Estimate {
                value: self.value(),
                low: self.lower(tail),
                high: self.upper(tail),
                n: self.n(),
                clusters: self.clusters(),
            },
            lower: self.lower(ONE_SIDED_ALPHA),
            upper: self.upper(ONE_SIDED_ALPHA),
            effective_n: Some(self.effective_n()),
            long_tail: false,
        }
    }
}

/// A cell for tests.
#[cfg(test)]
pub(crate) fn cell(trait_id: &str, family: &str, kind: &str, state: CellState) -> TraitCell {
    TraitCell {
        trait_id: trait_id.to_owned(),
        family: family.to_owned(),
        kind: kind.to_owned(),
        sample_id: format!("{family}/{kind}"),
        state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hits: usize, misses: usize, failed: usize) -> Vec<Tally> {
        let mut row = vec![Tally { hits: 1, ..Tally::default() }; hits];
        row.extend(vec![Tally { misses: 1, ..Tally::default() }; misses]);
        row.extend(vec![Tally { failed: 1, ..Tally::default() }; failed]);
        row
    }

    #[test]
    fn failed_cells_weaken_both_bounds_and_leave_the_value() {
        let clean = CautiousShare::of(&[row(80, 20, 0)]).expect("judged");
        let shaky = CautiousShare::of(&[row(80, 20, 10)]).expect("judged");
        assert!((clean.value() - shaky.value()).abs() < 1e-12);
        assert!(shaky.lower(0.05) < clean.lower(0.05));
        assert!(shaky.upper(0.05) > clean.upper(0.05));
    }

    #[test]
    fn a_trait_with_only_failed_cells_has_no_share() {
        assert!(CautiousShare::of(&[row(10, 0, 0), row(0, 0, 10)]).is_none());
    }
}
