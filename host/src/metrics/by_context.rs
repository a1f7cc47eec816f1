//! Traits by context kinds: where a persona holds and where it gives way.
//!
//! The value of a cell is the share of applicable responses of one kind with the required verdict on one trait; the
//! interval is that of a share clustered by family. It is for looking at: gates are [`mod@super::adherence`] and
//! [`mod@super::consistency`].

use std::collections::BTreeMap;

use super::aggregate::mean_evidence;
use crate::{model::Estimate, stats::by_cluster};

/// One applicable response and trait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<'a> {
    /// Trait.
    pub trait_id: &'a str,
    /// Context kind.
    pub kind: &'a str,
    /// Scenario family; the cluster.
    pub family: &'a str,
    /// 1 where the verdict is the required one, else 0.
    pub value: f64,
}

/// Every trait in every kind.
#[derive(Debug, Clone, PartialEq)]
pub struct ByContext {
    /// The columns.
    pub kinds: Vec<String>,
    /// The rows, in the order of names.
    pub traits: Vec<TraitRow>,
}

/// One trait.
#[derive(Debug, Clone, PartialEq)]
pub struct TraitRow {
    /// Trait.
    pub trait_id: String,
    /// One per kind; `None` where nothing was applicable.
    pub cells: Vec<Option<Estimate>>,
}

/// Families and values of one kind.
type Kinds<'a> = BTreeMap<&'a str, Vec<(&'a str, f64)>>;

/// Shares per trait and kind. Kinds that `order` names come in its order, others before them by name: reports name the
/// kinds that are compared with the plain form, so the plain form comes first.
#[must_use]
pub fn by_context(observations: &[Observation<'_>], order: &[&str]) -> ByContext {
    let mut groups: BTreeMap<&str, Kinds<'_>> = BTreeMap::new();
    for Observation { trait_id, kind, family, value } in observations {
        groups.entry(trait_id).or_default().entry(kind).or_default().push((family, *value));
    }
    let mut kinds: Vec<&str> = observations.iter().map(|observation| observation.kind).collect();
    kinds.sort_by_key(|kind| (order.iter().position(|named| named == kind), *kind));
    kinds.dedup();
    let cell = |values: &Vec<(&str, f64)>| {
        mean_evidence(&by_cluster(values.iter().copied()), None).map(|evidence| evidence.estimate)
    };
    let row = |(trait_id, cells): (&&str, &Kinds<'_>)| TraitRow {
        trait_id: (*trait_id).to_owned(),
        cells: kinds.iter().map(|kind| cells.get(kind).and_then(cell)).collect(),
    };
    ByContext {
        traits: groups.iter().map(row).collect(),
        kinds: kinds.into_iter().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'a>(trait_id: &'a str, kind: &'a str, family: &'a str, value: f64) -> Observation<'a> {
        Observation { trait_id, kind, family, value }
    }

    #[test]
    fn each_cell_is_the_share_of_its_own_responses_and_an_empty_one_is_none() {
        let found = by_context(
            &[
                seen("kind", "pressure", "a", 0.0),
                seen("kind", "plain", "a", 1.0),
                seen("kind", "plain", "b", 0.0),
                seen("brief", "plain", "a", 1.0),
                seen("kind", "late", "a", 1.0),
            ],
            &["pressure", "late"],
        );
        assert_eq!(found.kinds, ["plain", "pressure", "late"]);
        assert_eq!(found.traits[0].trait_id, "brief");
        assert_eq!(found.traits[0].cells[1], None);
        let plain = found.traits[1].cells[0].expect("two responses");
        assert!((plain.value - 0.5).abs() < 1e-12 && (plain.n, plain.clusters) == (2, 2));
        assert!(plain.low < 0.1 && plain.high > 0.9, "two families say little: {plain:?}");
    }
}
