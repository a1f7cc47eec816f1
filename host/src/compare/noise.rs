//! The noise floor: a baseline against itself, measured once more.
//!
//! Greedy answers on one machine repeat to the last bit and have none. What is sampled, or computed by other kernels, differs
//! from run to run by something that is no change of the model; a delta of that size means nothing, whatever its p.

use std::collections::BTreeMap;

use super::{
    Comparison, compare,
    difference::MetricInfo,
    identity::{KeyDifference, identity_differences},
    method::Method,
    reported::Side,
};
use crate::{
    error::{Error, Result},
    model::Estimate,
};

/// Key of the instrument in which a repetition may differ.
const SEED: &str = "seed";

/// Per metric, what a repetition of the baseline differs by. It may have another seed and another engine, nothing else.
///
/// # Errors
/// A usage error naming what else differs; those of a comparison.
pub fn floor(
    baseline: &Side<'_>,
    again: &Side<'_>,
    metrics: &BTreeMap<String, MetricInfo>,
    method: Method,
) -> Result<BTreeMap<String, Estimate>> {
    let differences = identity_differences(baseline.identity, again.identity);
    let other = differences.subject.iter().chain(&differences.instrument).filter(|key| key.key != SEED);
    let other: Vec<&str> = other.map(|KeyDifference { key, .. }| key.as_str()).collect();
    if !other.is_empty() {
        let message = format!("--noise: not the baseline again, it differs in {}", other.join(", "));
        return Err(Error::usage(message)
            .hint("evaluate the baseline's model with the same suite under another --name and --seed"));
    }
    let allowed: &[String] = if differences.instrument.is_empty() { &[] } else { &[SEED.to_owned()] };
    let Some(Comparison::Compared { metrics, .. }) =
        compare(baseline, std::slice::from_ref(again), metrics, method, allowed)?.pop()
    else {
        return Ok(BTreeMap::new());
    };
    Ok(metrics.into_iter().filter_map(|metric| Some((metric.metric, metric.difference?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::{Correction, Identity, ItemValue, Reported},
        model::Direction,
        stats::bootstrap::Bootstrap,
    };

    fn measured(model: &str, seed: &str, right: usize) -> (Identity, Vec<ItemValue>) {
        let part = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let item = |i: usize| ItemValue {
            metric: "m".to_owned(),
            item: format!("i{i}"),
            cluster: format!("i{i}"),
            value: f64::from(u8::from(i < right)),
        };
        let identity =
            Identity { subject: part("model", model), instrument: part("seed", seed), ..Identity::default() };
        (identity, (0..50).map(item).collect())
    }

    fn noise(
        one: &(Identity, Vec<ItemValue>),
        other: &(Identity, Vec<ItemValue>),
    ) -> Result<BTreeMap<String, Estimate>> {
        let side = |(identity, values)| Side { identity, values, reported: Reported::new() };
        let info =
            MetricInfo { direction: Some(Direction::Higher), range: None, chance: None, benchmark: true };
        let bootstrap = Bootstrap { replicates: 100, seed: 1 };
        let method = Method { bootstrap, correction: Correction::Holm, margin: None };
        let [one, other] = [one, other].map(|(identity, values)| (identity, values.as_slice())).map(side);
        floor(&one, &other, &BTreeMap::from([("m".to_owned(), info)]), method)
    }

    #[test]
    fn the_same_model_under_another_seed_has_a_floor_and_another_model_is_refused() {
        let found = noise(&measured("a", "1", 30), &measured("a", "2", 28)).expect("a repetition");
        assert!((found["m"].value + 0.04).abs() < 1e-12);
        let error = noise(&measured("a", "1", 30), &measured("b", "1", 28)).expect_err("another model");
        insta::assert_snapshot!(error, @"--noise: not the baseline again, it differs in model");
    }
}
