//! Trait adherence: how often responses show what the profile requires.
//!
//! Per trait the share of hits among judged cells; the value is the mean over traits, each trait weighing the
//! same. Families are the clusters, of a trait and of the mean alike, because one family carries all traits:
//! see [`crate::stats::proportion`] for the linearised variance and its bounds.
//!
//! Failed cells are misses in lower bounds and hits in upper bounds; over 1 % of the applicable cells failed is
//! `inconclusive`. A trait that applies to under half of its cells is `insufficient`.
//!
//! The gate: the mean meets its rule, and no trait is proven to lie below the floor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cell::{CautiousShare, MAX_FAILED, Tally, TraitCell};
use crate::{
    gates::{Decision, Evidence, Rule, decide, decide::number},
    model::Verdict,
};

/// Share of a trait's cells that have to be applicable.
pub const MIN_APPLICABLE: f64 = 0.5;

/// What adherence has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdherenceGate {
    /// For the mean over traits.
    pub mean: Rule,
    /// No trait may be proven to lie below this share.
    pub floor: f64,
}

impl Default for AdherenceGate {
    /// Mean at least 90 %, no trait proven below 75 %.
    fn default() -> Self {
        Self { mean: Rule::at_least(0.90), floor: 0.75 }
    }
}

/// One trait's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraitAdherence {
    /// Trait of the profile.
    pub trait_id: String,
    /// Share of hits; `None` if nothing was judged.
    pub evidence: Option<Evidence>,
    /// Cells that gave occasion to judge, failed ones included.
    pub applicable: usize,
    /// All cells.
    pub cells: usize,
    /// Cells whose evaluator failed.
    pub failed: usize,
    /// Whether the upper bound lies below the floor.
    pub proven_below_floor: bool,
}

/// Adherence with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adherence {
    /// Mean over traits; `None` if a trait was never judged.
    pub evidence: Option<Evidence>,
    /// In the order of trait ids.
    pub traits: Vec<TraitAdherence>,
    /// Failed cells over applicable cells, 0 to 1.
    pub failed_share: f64,
    /// What the gate concluded.
    pub decision: Decision,
}

/// Adherence of a set of cells under a gate.
#[must_use]
pub fn adherence(cells: &[TraitCell], gate: &AdherenceGate) -> Adherence {
    let table = tally(cells);
    let traits: Vec<TraitAdherence> =
        table.iter().map(|(trait_id, row)| one_trait(trait_id, row, gate.floor)).collect();
    let rows: Vec<Vec<Tally>> = table.into_values().collect();
    let evidence = CautiousShare::of(&rows).map(|share| share.evidence());
    let applicable: usize = traits.iter().map(|one| one.applicable).sum();
    let failed: usize = traits.iter().map(|one| one.failed).sum();
    let failed_share = failed as f64 / applicable.max(1) as f64;
    let decision = conclude(&traits, evidence.as_ref(), failed_share, gate);
    Adherence { evidence, traits, failed_share, decision }
}

/// One row per trait, one entry per family, families in the same order in every row.
fn tally(cells: &[TraitCell]) -> BTreeMap<&str, Vec<Tally>> {
    let mut families: BTreeMap<&str, usize> = cells.iter().map(|cell| (cell.family.as_str(), 0)).collect();
    for (index, place) in families.values_mut().enumerate() {
        *place = index;
    }
    let mut table: BTreeMap<&str, Vec<Tally>> = BTreeMap::new();
    for cell in cells {
        let row = table.entry(&cell.trait_id).or_insert_with(|| vec![Tally::default(); families.len()]);
        row[families[cell.family.as_str()]].add(cell.state);
    }
    table
}

/// Share of one trait.
fn one_trait(trait_id: &str, row: &[Tally], floor: f64) -> TraitAdherence {
    let total = row.iter().fold(Tally::default(), |sum, tally| sum.plus(*tally));
    let evidence = CautiousShare::of(&[row.to_vec()]).map(|share| share.evidence());
    TraitAdherence {
        trait_id: trait_id.to_owned(),
        evidence,
        applicable: total.applicable(),
        cells: total.total(),
        failed: total.failed,
        proven_below_floor: evidence.is_some_and(|evidence| evidence.upper < floor),
    }
}

/// The gate: too little measured, too much failed, a trait below the floor, then the mean.
fn conclude(
    traits: &[TraitAdherence],
    evidence: Option<&Evidence>,
    failed_share: f64,
    gate: &AdherenceGate,
) -> Decision {
    if traits.is_empty() {
        return Decision::insufficient("there are no trait cells");
    }
    let rare = traits.iter().find(|one| (one.applicable as f64) < MIN_APPLICABLE * one.cells as f64);
    if let Some(one) = rare {
        return Decision::insufficient(format!(
            "trait {} applies to {} of {} cells, under {:.0} %",
            one.trait_id,
            one.applicable,
            one.cells,
            100.0 * MIN_APPLICABLE
        ));
    }
    if failed_share > MAX_FAILED {
        return Decision::new(
            Verdict::Inconclusive,
            format!(
                "{:.1} % of the applicable cells failed, over {:.0} %",
                100.0 * failed_share,
                100.0 * MAX_FAILED
            ),
        );
    }
    let low = traits.iter().find_map(|one| one.evidence.filter(|_| one.proven_below_floor).map(|e| (one, e)));
    if let Some((one, evidence)) = low {
        let (bound, floor) = (number(evidence.upper), gate.floor);
        return Decision::new(
            Verdict::Fail,
            format!("trait {} has a 95 % upper bound of {bound}, below the floor of {floor}", one.trait_id),
        );
    }
    decide(&gate.mean, evidence)
}

#[cfg(test)]
mod tests;
