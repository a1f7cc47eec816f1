//! Reference intervals are scipy 1.17's `stats.bootstrap` with 50,000 resamples.

use proptest::prelude::*;

use super::*;

const VALUES: [f64; 12] = [2.1, 3.4, 1.9, 5.6, 4.4, 3.8, 2.7, 9.1, 3.3, 4.0, 2.2, 6.1];
const PLAN: Bootstrap = Bootstrap { replicates: 2000, seed: 3 };

#[expect(clippy::unnecessary_wraps, reason = "the bootstrap takes statistics that may be undefined")]
fn variation(drawn: &[usize]) -> Option<f64> {
    let n = drawn.len() as f64;
    let mean = drawn.iter().map(|i| VALUES[*i]).sum::<f64>() / n;
    let squares: f64 = drawn.iter().map(|i| (VALUES[*i] - mean).powi(2)).sum();
    Some((squares / (n - 1.0)).sqrt() / mean)
}

#[test]
fn the_bca_interval_agrees_with_scipy() {
    let interval = bca(12, 0.95, PLAN, variation).expect("defined");
    assert!((interval.low - 0.346).abs() < 0.02 && (interval.high - 0.735).abs() < 0.02, "{interval:?}");
}

#[test]
fn replicates_do_not_depend_on_how_many_there_are() {
    let alone: Vec<usize> = {
        let mut rng = replicate_rng(9, 5);
        (0..8).map(|_| below(&mut rng, 100)).collect()
    };
    let few = distribution(12, Bootstrap { replicates: 10, seed: 9 }, variation);
    let many = distribution(12, Bootstrap { replicates: 20, seed: 9 }, variation);
    assert!(few.iter().all(|value| many.contains(value)), "the first ten are the same");
    assert_eq!(alone, [57, 81, 5, 36, 46, 63, 26, 60], "the stream itself is part of the contract");
}

#[test]
fn another_seed_draws_other_samples() {
    let other = Bootstrap { seed: 4, ..PLAN };
    assert_ne!(distribution(12, PLAN, variation), distribution(12, other, variation));
}

#[test]
fn a_statistic_that_is_rarely_defined_has_no_interval() {
    let rare = |drawn: &[usize]| drawn.contains(&0).then(|| VALUES[drawn[0]]);
    assert_eq!(bca(12, 0.95, PLAN, rare), None);
    assert_eq!(bca(1, 0.95, PLAN, |_| Some(1.0)), None);
    assert_eq!(bca(0, 0.95, PLAN, |_| Some(1.0)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_interval_contains_the_value(values in prop::collection::vec(0.1..9.0_f64, 2..15), seed: u64) {
        let plan = Bootstrap { replicates: 100, seed };
        let mean = |drawn: &[usize]| {
            Some(drawn.iter().map(|i| values[*i]).sum::<f64>() / drawn.len() as f64)
        };
        let all: Vec<usize> = (0..values.len()).collect();
        let value = mean(&all).expect("defined");
        let found = bca(values.len(), 0.95, plan, mean).expect("defined");
        prop_assert!(found.contains(value));
    }
}
