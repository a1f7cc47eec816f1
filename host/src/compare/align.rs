//! Pairs of the same item in two runs.
//!
//! Only items that both sides have are compared; the others are listed, because a comparison on half of the items
//! that does not say so is a lie.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The value of one metric for one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemValue {
    /// Metric, unique in the suite.
    pub metric: String,
    /// Item, unique within the metric.
    pub item: String,
    /// Scenario family or group of items; the item itself where there are no groups.
    pub cluster: String,
    /// Finite.
    pub value: f64,
}

/// One item in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Item.
    pub item: String,
    /// Its cluster, the same on both sides.
    pub cluster: String,
    /// Value in the first run.
    pub before: f64,
    /// Value in the second run.
    pub after: f64,
}

/// Items of two runs, paired.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Aligned {
    /// Pairs by metric, in the order of items; metrics without a pair are not here.
    pub metrics: BTreeMap<String, Vec<Pair>>,
    /// (metric, item) of the first run only.
    pub only_before: Vec<(String, String)>,
    /// (metric, item) of the second run only.
    pub only_after: Vec<(String, String)>,
}

/// Values of one side by metric and item.
type Keyed<'a> = BTreeMap<(&'a str, &'a str), &'a ItemValue>;

/// Pairs the items of two runs.
///
/// # Errors
/// An item that stands twice on a side, a value that is not finite, or an item whose cluster differs.
pub fn align(before: &[ItemValue], after: &[ItemValue]) -> Result<Aligned> {
    let (first, second) = (keyed(before, "first")?, keyed(after, "second")?);
    let mut aligned = Aligned::default();
    for ((metric, item), value) in &first {
        let Some(other) = second.get(&(*metric, *item)) else {
            aligned.only_before.push(((*metric).to_owned(), (*item).to_owned()));
            continue;
        };
        if value.cluster != other.cluster {
            return Err(Error::bad_input(format!(
                "item {item} of metric {metric} is in cluster {} on one side and {} on the other",
                value.cluster, other.cluster
            ))
            .hint("both runs have to come from the same scenarios; run the suite again on one of them"));
        }
        aligned.metrics.entry((*metric).to_owned()).or_default().push(Pair {
            item: (*item).to_owned(),
            cluster: value.cluster.clone(),
            before: value.value,
            after: other.value,
        });
    }
    let missing = second.keys().filter(|key| !first.contains_key(*key));
    aligned.only_after = missing.map(|(metric, item)| ((*metric).to_owned(), (*item).to_owned())).collect();
    Ok(aligned)
}

/// One side by metric and item.
fn keyed<'a>(values: &'a [ItemValue], side: &str) -> Result<Keyed<'a>> {
    let mut keyed = Keyed::new();
    for value in values {
        let ItemValue { metric, item, .. } = value;
        if !value.value.is_finite() {
            return Err(Error::bad_input(format!(
                "item {item} of metric {metric} has the value {} in the {side} run",
                value.value
            ))
            .hint("the run's records are damaged; score its responses again"));
        }
        if keyed.insert((metric, item), value).is_some() {
            return Err(Error::bad_input(format!(
                "item {item} of metric {metric} stands twice in the {side} run"
            ))
            .hint("give repeated samples ids of their own"));
        }
    }
    Ok(keyed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(item: &str, value: f64) -> ItemValue {
        ItemValue { metric: "m".to_owned(), item: item.to_owned(), cluster: format!("c-{item}"), value }
    }

    #[test]
    fn only_common_items_are_paired_and_the_others_are_listed() {
        let found =
            align(&[value("a", 1.0), value("b", 2.0)], &[value("c", 3.0), value("b", 4.0)]).expect("aligned");
        assert_eq!(found.metrics["m"].len(), 1);
        assert_eq!((found.metrics["m"][0].before, found.metrics["m"][0].after), (2.0, 4.0));
        assert_eq!(found.only_before, [("m".to_owned(), "a".to_owned())]);
        assert_eq!(found.only_after, [("m".to_owned(), "c".to_owned())]);
    }

    #[test]
    fn damaged_or_repeated_values_are_refused() {
        let nan = align(&[value("a", f64::NAN)], &[]).expect_err("not finite");
        insta::assert_snapshot!(nan, @"item a of metric m has the value NaN in the first run");
        let twice = align(&[], &[value("a", 1.0), value("a", 1.0)]).expect_err("repeated");
        insta::assert_snapshot!(twice, @"item a of metric m stands twice in the second run");
        let moved = ItemValue { cluster: "elsewhere".to_owned(), ..value("a", 1.0) };
        let moved = align(&[value("a", 1.0)], &[moved]).expect_err("another cluster");
        insta::assert_snapshot!(moved, @"item a of metric m is in cluster c-a on one side and elsewhere on the other");
    }

    #[test]
    fn nothing_aligns_to_nothing() {
        assert_eq!(align(&[], &[]).expect("aligned"), Aligned::default());
    }

    proptest! {
        #[test]
        fn every_item_is_paired_or_listed_once(
            left in prop::collection::btree_set("[a-f]{1,2}", 0..20),
            right in prop::collection::btree_set("[a-f]{1,2}", 0..20),
        ) {
            let values = |ids: &std::collections::BTreeSet<String>| -> Vec<ItemValue> {
                ids.iter().rev().map(|id| value(id, 1.0)).collect()
            };
            let found = align(&values(&left), &values(&right)).expect("aligned");
            let paired = found.metrics.values().map(Vec::len).sum::<usize>();
            prop_assert_eq!(paired, left.intersection(&right).count());
            prop_assert_eq!(found.only_before.len(), left.len() - paired);
            prop_assert_eq!(found.only_after.len(), right.len() - paired);
        }
    }
}
