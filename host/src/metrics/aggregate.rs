//! Values of many items as one estimate.
//!
//! How depends on what the evaluator's description says: the mean of `numerator / denominator`, the sum of
//! numerators over the sum of denominators (F1, bits per byte), or the geometric mean. Items come with a cluster.
//!
//! Means of values that are all 0 or 1 take the interval of shares; means with a declared range take bounds that
//! stay honest for few or equal values; everything else takes Student's t. See [`crate::stats`].

use crate::{
    gates::Evidence,
    model::{Aggregation, Value},
    stats::{
        Interval, by_cluster, mean,
        proportion::{self, Count},
    },
};

/// One estimate from (cluster, value) pairs; `range` is what a ratio cannot leave, where that is known.
///
/// `None` if there is nothing, fewer than two clusters where a spread is needed, or a number that is not finite.
#[must_use]
pub fn aggregate(
    values: &[(&str, &Value)],
    aggregation: Aggregation,
    range: Option<Interval>,
) -> Option<Evidence> {
    let ratios = || by_cluster(values.iter().map(|(cluster, value)| (*cluster, value.ratio())));
    match aggregation {
        Aggregation::Mean => mean_evidence(&ratios(), range),
        Aggregation::Geometric => mean::geometric(&ratios()),
        Aggregation::RatioOfSums => {
            let parts =
                values.iter().map(|(cluster, value)| (*cluster, (value.numerator, value.denominator)));
            mean::ratio_of_sums(&by_cluster(parts))?.evidence()
        }
    }
}

/// Mean of clustered values with the interval that suits them.
#[must_use]
pub(crate) fn mean_evidence(clusters: &[Vec<f64>], range: Option<Interval>) -> Option<Evidence> {
    if let Some(counts) = as_counts(clusters) {
        return proportion::clustered(&counts).map(|share| share.evidence());
    }
    match range {
        Some(Interval { low, high }) => mean::bounded(clusters, low, high),
        None => mean::clustered(clusters)?.evidence(),
    }
}

/// Hits per cluster, if every value is 0 or 1.
#[must_use]
pub(crate) fn as_counts(clusters: &[Vec<f64>]) -> Option<Vec<Count>> {
    clusters
        .iter()
        .map(|cluster| {
            let hits = cluster.iter().filter(|value| is(**value, 1.0)).count();
            let misses = cluster.iter().filter(|value| is(**value, 0.0)).count();
            (hits + misses == cluster.len()).then_some(Count { hits, n: cluster.len() })
        })
        .collect()
}

/// Whether a value is exactly this whole number.
fn is(value: f64, whole: f64) -> bool {
    value.total_cmp(&whole).is_eq() || (value == 0.0 && whole == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(numerator: f64, denominator: f64) -> Value {
        Value { metric: "m".to_owned(), numerator, denominator }
    }

    fn estimate(parts: &[(f64, f64)], aggregation: Aggregation, range: Option<Interval>) -> Option<Evidence> {
        let values: Vec<Value> = parts.iter().map(|(a, b)| value(*a, *b)).collect();
        let names: Vec<String> = (0..parts.len()).map(|i| format!("item {i}")).collect();
        let pairs: Vec<(&str, &Value)> = names.iter().map(String::as_str).zip(&values).collect();
        aggregate(&pairs, aggregation, range)
    }

    #[test]
    fn the_three_aggregations_differ_on_the_same_values() {
        let parts = [(1.0, 1.0), (8.0, 2.0), (48.0, 3.0)];
        let found = [Aggregation::Mean, Aggregation::RatioOfSums, Aggregation::Geometric]
            .map(|aggregation| estimate(&parts, aggregation, None).expect("defined").estimate.value);
        assert!((found[0] - 7.0).abs() < 1e-12);
        assert!((found[1] - 9.5).abs() < 1e-12);
        assert!((found[2] - 4.0).abs() < 1e-12);
    }

    #[test]
    fn right_and_wrong_take_the_interval_of_shares() {
        let parts: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(u8::from(i < 8)), 1.0)).collect();
        let found = estimate(&parts, Aggregation::Mean, None).expect("defined");
        assert!((found.estimate.low - 0.443_904_537_692).abs() < 1e-9, "{found:?}");
        assert!(found.effective_n.is_some());
    }

    #[test]
    fn equal_scores_in_a_range_keep_an_interval() {
        let unit = Interval { low: 0.0, high: 1.0 };
        let found = estimate(&[(0.9, 1.0); 10], Aggregation::Mean, Some(unit)).expect("defined");
        assert!(found.estimate.low < 0.8 && found.estimate.high > 0.9, "{found:?}");
    }

    #[test]
    fn nothing_is_no_estimate() {
        for aggregation in [Aggregation::Mean, Aggregation::RatioOfSums, Aggregation::Geometric] {
            assert_eq!(estimate(&[], aggregation, None), None);
            assert_eq!(estimate(&[(f64::NAN, 1.0), (1.0, 1.0)], aggregation, None), None);
        }
    }
}
