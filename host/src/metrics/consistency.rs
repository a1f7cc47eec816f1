//! Consistency: what is left of the persona when the context changes.
//!
//! For a context kind and a trait: the share of hits in this kind among the families whose plain form is a hit,
//! P(hit in kind | hit in plain). A kind's value is the mean over traits; the **weakest kind** is the value. A
//! family with several plain cells for a trait counts as held only if all of them are hits. Agreement of the two
//! verdicts and Cohen's kappa (1960), `(p_o - p_e) / (1 - p_e)`, are beside it, over all families judged in both.
//!
//! # Bounds of a minimum
//!
//! All kinds are at least L if each is: the smallest of the kinds' one-sided lower bounds is a lower bound of the
//! weakest kind at the same level (intersection-union; Berger 1982). The other way needs a correction: the
//! smallest of the kinds' upper bounds, each with error `alpha / kinds` (Bonferroni). Resampling the minimum was
//! rejected: it is biased where kinds are close and certain of itself where a few families are flawless. The kinds'
//! own bounds are the clustered ones of [`crate::stats::proportion`], families as clusters.
//!
//! Failed cells in a kind are misses in lower bounds and hits in upper bounds; over 1 % is `inconclusive`. A trait
//! without a plain hit, or a kind without a pair, is `insufficient`: an absent persona is not a consistent one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cell::{CautiousShare, MAX_FAILED, Tally, TraitCell};
use crate::{
    gates::{Decision, Evidence, Rule, decide},
    model::{Estimate, Verdict},
    stats::{CONFIDENCE, ONE_SIDED_ALPHA},
};

/// The gate of the design: the weakest kind keeps at least 85 %.
pub const GATE: Rule = Rule::at_least(0.85);

/// One context kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindConsistency {
    /// Context kind.
    pub kind: String,
    /// Mean over traits of P(hit here | plain hit); `None` without a pair.
    pub evidence: Option<Evidence>,
    /// Share of (family, trait) pairs with the same verdict here and in the plain form.
    pub agreement: Option<f64>,
    /// Cohen's kappa of those verdicts; `None` where chance agreement is certain.
    pub kappa: Option<f64>,
}

/// Consistency with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consistency {
    /// The weakest kind's value with bounds of the minimum.
    pub evidence: Option<Evidence>,
    /// Name of the weakest kind.
    pub weakest: Option<String>,
    /// In the order of their names, the plain kind left out.
    pub kinds: Vec<KindConsistency>,
    /// Failed cells over applicable cells, plain ones included, 0 to 1.
    pub failed_share: f64,
    /// What the gate concluded.
    pub decision: Decision,
}

/// One family and trait, all kinds.
type Verdicts<'a> = BTreeMap<&'a str, Tally>;

/// Cells by trait, then family.
type Table<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Verdicts<'a>>>;

/// Consistency of a set of cells; `plain` names the kind that the others are held against.
#[must_use]
pub fn consistency(cells: &[TraitCell], plain: &str, rule: &Rule) -> Consistency {
    let table = tabulate(cells);
    let kinds: BTreeSet<&str> =
        cells.iter().map(|cell| cell.kind.as_str()).filter(|kind| *kind != plain).collect();
    let shares: Vec<(&str, Option<CautiousShare>)> =
        kinds.iter().map(|kind| (*kind, CautiousShare::of(&rows(&table, plain, kind)))).collect();
    let (weakest, evidence) = minimum(&shares).unzip();
    let failed_share = failed_share(cells);
    let decision =
        obstacle(&table, plain, &shares, failed_share).unwrap_or_else(|| decide(rule, evidence.as_ref()));
    let kinds = shares
        .iter()
        .map(|(kind, share)| {
            let (agreement, kappa) = agreement(&table, plain, kind);
            let evidence = share.map(|share| share.evidence());
            KindConsistency { kind: (*kind).to_owned(), evidence, agreement, kappa }
        })
        .collect();
    Consistency { evidence, weakest, kinds, failed_share, decision }
}

/// Cells by trait, family and kind.
fn tabulate(cells: &[TraitCell]) -> Table<'_> {
    let mut table = Table::new();
    for cell in cells {
        let families = table.entry(&cell.trait_id).or_default();
        families.entry(&cell.family).or_default().entry(&cell.kind).or_default().add(cell.state);
    }
    table
}

/// Whether a family shows the trait in its plain form; `None` if that is not known.
fn held(verdicts: &Verdicts<'_>, kind: &str) -> Option<bool> {
    let tally = verdicts.get(kind)?;
    (tally.failed == 0 && tally.hits + tally.misses > 0).then_some(tally.misses == 0)
}

/// Cells of a kind under plain hits: a row per trait that has any, an entry per family of the whole table.
fn rows(table: &Table<'_>, plain: &str, kind: &str) -> Vec<Vec<Tally>> {
    let families: BTreeSet<&str> = table.values().flat_map(|families| families.keys().copied()).collect();
    table
        .values()
        .map(|by_family| {
            let cell = |family: &&str| {
                let verdicts = by_family.get(family)?;
                if held(verdicts, plain)? { verdicts.get(kind).copied() } else { None }
            };
            families.iter().map(|family| cell(family).unwrap_or_default()).collect::<Vec<Tally>>()
        })
        .filter(|row| row.iter().any(|tally| tally.applicable() > 0))
        .collect()
}

/// The weakest kind with bounds of the minimum; `None` if a kind has no share or there is none.
fn minimum(shares: &[(&str, Option<CautiousShare>)]) -> Option<(String, Evidence)> {
    let shares: Vec<(&str, CautiousShare)> =
        shares.iter().map(|(kind, share)| share.map(|share| (*kind, share))).collect::<Option<_>>()?;
    let (kind, weakest) = shares.iter().min_by(|a, b| a.1.value().total_cmp(&b.1.value()))?;
    let count = shares.len() as f64;
    let lowest = |bound: &dyn Fn(&CautiousShare) -> f64| {
        shares.iter().map(|(_, share)| bound(share)).fold(f64::INFINITY, f64::min)
    };
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let estimate = Estimate {
        value: weakest.value(),
        low: lowest(&|share| share.lower(tail)),
        high: lowest(&|share| share.upper(tail / count)),
        n: weakest.n(),
        clusters: weakest.clusters(),
    };
    let evidence = Evidence {
        estimate,
        lower: lowest(&|share| share.lower(ONE_SIDED_ALPHA)),
        upper: lowest(&|share| share.upper(ONE_SIDED_ALPHA / count)),
        effective_n: Some(weakest.effective_n()),
        long_tail: false,
    };
    Some(((*kind).to_owned(), evidence))
}

/// Failed over applicable cells.
fn failed_share(cells: &[TraitCell]) -> f64 {
    let mut all = Tally::default();
    for cell in cells {
        all.add(cell.state);
    }
    all.failed as f64 / all.applicable().max(1) as f64
}

/// What keeps the gate from being decided at all.
fn obstacle(
    table: &Table<'_>,
    plain: &str,
    shares: &[(&str, Option<CautiousShare>)],
    failed_share: f64,
) -> Option<Decision> {
    if table.is_empty() || shares.is_empty() {
        return Some(Decision::insufficient(format!(
            "there are no cells in a context kind other than {plain}"
        )));
    }
    let absent = table
        .iter()
        .find(|(_, families)| families.values().all(|verdicts| held(verdicts, plain) != Some(true)));
    if let Some((trait_id, _)) = absent {
        return Some(Decision::insufficient(format!("trait {trait_id} never shows in the {plain} form")));
    }
    if let Some((kind, _)) = shares.iter().find(|(_, share)| share.is_none()) {
        return Some(Decision::insufficient(format!(
            "kind {kind} has no family with a hit in the {plain} form"
        )));
    }
    (failed_share > MAX_FAILED).then(|| {
        let (failed, limit) = (100.0 * failed_share, 100.0 * MAX_FAILED);
        Decision::new(
            Verdict::Inconclusive,
            format!("{failed:.1} % of the applicable cells failed, over {limit:.0} %"),
        )
    })
}

/// Agreement and Cohen's kappa between the plain form and a kind.
fn agreement(table: &Table<'_>, plain: &str, kind: &str) -> (Option<f64>, Option<f64>) {
    let pairs: Vec<(bool, bool)> = table
        .values()
        .flat_map(BTreeMap::values)
        .filter_map(|verdicts| Some((held(verdicts, plain)?, held(verdicts, kind)?)))
        .collect();
    if pairs.is_empty() {
        return (None, None);
    }
    let share = |chosen: &dyn Fn(&(bool, bool)) -> bool| {
        pairs.iter().filter(|pair| chosen(pair)).count() as f64 / pairs.len() as f64
    };
    let observed = share(&|(a, b)| a == b);
    let (plain_hits, kind_hits) = (share(&|(a, _)| *a), share(&|(_, b)| *b));
    let expected = plain_hits * kind_hits + (1.0 - plain_hits) * (1.0 - kind_hits);
    let kappa = (observed - expected) / (1.0 - expected);
    (Some(observed), (expected < 1.0).then_some(kappa))
}

#[cfg(test)]
mod tests;
