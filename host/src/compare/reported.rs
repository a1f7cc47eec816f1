//! What runs say of themselves: a comparison repeats it, and computes another number only where it is about other items.
//!
//! A run's own interval is not always that of the mean of its items: adherence is a mean over traits, bits per byte are a
//! ratio of sums, and failed cells weaken the bounds. Two intervals of one number in two reports would leave open which one holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{ItemValue, align::Aligned, identity::Identity};
use crate::{
    metrics::aggregate::mean_evidence,
    stats::{Evidence, Interval},
};

/// Metrics with what a run reports of them: nothing where it measured too little.
pub type Reported<'a> = BTreeMap<&'a str, Option<Evidence>>;

/// One run, as far as a comparison needs it.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// What made the values.
    pub identity: &'a Identity,
    /// One per metric and item.
    pub values: &'a [ItemValue],
    /// What the run reports of all of its items.
    pub reported: Reported<'a>,
}

/// What two runs report of exactly the items that are compared.
#[derive(Debug, Clone, Default)]
pub struct BothReported<'a> {
    before: Reported<'a>,
    after: Reported<'a>,
}

impl<'a> BothReported<'a> {
    /// The reports of both, without those of metrics of which the other run lacks an item.
    #[must_use]
    pub fn of(aligned: &Aligned, before: &Side<'a>, after: &Side<'a>) -> Self {
        let whole = |side: &Side<'a>, alone: &[(String, String)]| {
            let partial: BTreeSet<&str> = alone.iter().map(|(metric, _)| metric.as_str()).collect();
            let reported = side.reported.iter().filter(|(metric, _)| !partial.contains(*metric));
            reported.map(|(metric, evidence)| (*metric, *evidence)).collect()
        };
        Self { before: whole(before, &aligned.only_before), after: whole(after, &aligned.only_after) }
    }

    /// Both numbers of a metric, where there are any.
    #[must_use]
    pub fn both(&self, metric: &str) -> [Option<Evidence>; 2] {
        [&self.before, &self.after].map(|side| side.get(metric).copied().flatten())
    }

    /// The first run's number; `items` are the compared ones by cluster.
    #[must_use]
    pub fn before(&self, metric: &str, items: &[Vec<f64>], range: Option<Interval>) -> Option<Evidence> {
        of(&self.before, metric, items, range)
    }

    /// The second run's number.
    #[must_use]
    pub fn after(&self, metric: &str, items: &[Vec<f64>], range: Option<Interval>) -> Option<Evidence> {
        of(&self.after, metric, items, range)
    }
}

/// What is reported of a metric, or the mean of the items where nothing is said of these.
#[must_use]
pub fn of(
    reported: &Reported<'_>,
    metric: &str,
    items: &[Vec<f64>],
    range: Option<Interval>,
) -> Option<Evidence> {
    reported.get(metric).copied().unwrap_or_else(|| mean_evidence(items, range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::align, model::Estimate};

    fn values(count: usize) -> Vec<ItemValue> {
        let item = |index: usize| ItemValue {
            metric: "m".into(),
            item: format!("i{index:02}"),
            cluster: format!("i{index:02}"),
            value: f64::from(u8::from(index < 10)),
        };
        (0..count).map(item).collect()
    }

    #[test]
    fn a_run_speaks_for_itself_unless_items_of_it_are_left_out() {
        let estimate = Estimate { value: 0.4, low: 0.1, high: 0.9, n: 20, clusters: 20 };
        let own = Evidence { estimate, lower: 0.2, upper: 0.8, effective_n: None, long_tail: false };
        let (identity, long, short) = (Identity::default(), values(20), values(12));
        let side = |values| Side { identity: &identity, values, reported: [("m", Some(own))].into() };
        let (long, short) = (side(&long), side(&short));
        let aligned = align(long.values, short.values).expect("aligned");
        let both = BothReported::of(&aligned, &long, &short);
        let items: Vec<Vec<f64>> = short.values.iter().map(|item| vec![item.value]).collect();
        let value = |found: Option<Evidence>| found.map(|evidence| evidence.estimate.value);
        assert_eq!(value(both.before("m", &items, None)), Some(10.0 / 12.0), "its 8 others are left out");
        assert_eq!(value(both.after("m", &items, None)), Some(0.4));
        assert_eq!(both.both("m"), [None, Some(own)]);
    }

    #[test]
    fn where_a_run_measured_too_little_its_items_do_not_speak_instead() {
        assert_eq!(of(&[("m", None)].into(), "m", &[vec![1.0], vec![0.0]], None), None);
        assert!(of(&Reported::new(), "m", &[vec![1.0], vec![0.0]], None).is_some());
    }
}
