//! `McNemar`'s values are statsmodels 0.15's; the sign-flip value was enumerated in Python.

use proptest::prelude::*;

use super::*;

const PLAN: Bootstrap = Bootstrap { replicates: 2000, seed: 1 };

fn singles(values: &[f64]) -> Vec<Vec<f64>> {
    values.iter().map(|value| vec![*value]).collect()
}

#[test]
fn exact_mcnemar_agrees_with_statsmodels() {
    for (b, c, expected) in
        [(1, 6, 0.125), (10, 25, 0.016_673_847_800_120_7), (3, 3, 1.0), (0, 8, 0.007_812_5)]
    {
        let found = mcnemar_exact(b, c);
        assert!((found - expected).abs() < 1e-12, "({b}, {c}): {found}");
    }
    assert!((mcnemar_exact(0, 0) - 1.0).abs() < f64::EPSILON);
}

/// McNemar's chi-square with continuity correction, `(|b - c| - 1)^2 / (b + c)`: what the exact test replaces.
fn chi_square(b: usize, c: usize) -> f64 {
    (b.abs_diff(c) as f64 - 1.0).powi(2) / (b + c) as f64
}

/// R's `mcnemar.test(matrix(c(101, 59, 121, 33), 2))`, as in statsmodels' tests: 20.67222, p = 5.450095e-06.
#[test]
fn the_exact_test_agrees_with_the_chi_square_of_many_items() {
    let statistic = chi_square(121, 59);
    assert!((statistic - 20.672_22).abs() < 5e-6, "{statistic}");
    let p = 2.0 * (1.0 - crate::stats::quantile::normal_cdf(statistic.sqrt()));
    assert!((p - 5.450_095e-6).abs() < 5e-12, "{p}");
    assert!((mcnemar_exact(121, 59) / p - 1.0).abs() < 0.25, "{}", mcnemar_exact(121, 59));
}

/// Student's sleep data in R: `t.test(extra ~ group, paired = TRUE)` gives -1.58, from -2.4598858 to -0.7001142.
#[test]
fn independent_pairs_have_the_interval_of_the_paired_t_test() {
    let differences = [-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4];
    let found = crate::stats::mean::clustered(&singles(&differences)).expect("ten pairs");
    assert!((found.value + 1.58).abs() < 1e-12);
    // R does not correct for skewness.
    let span = crate::stats::mean::Mean { skewness: crate::stats::skewness::NONE, ..found }.interval(0.95);
    assert!((span.low + 2.459_885_8).abs() < 1e-7 && (span.high + 0.700_114_2).abs() < 1e-7, "{span:?}");
}

#[test]
fn the_exact_sign_flip_counts_every_pattern() {
    let p = sign_flip(&singles(&[3.0, 1.0, -1.0, 4.0, 2.0, 2.0, -2.0, 5.0]), PLAN);
    assert!((p - 0.109_375).abs() < 1e-12, "{p}");
}

#[test]
fn the_sampled_sign_flip_is_close_to_mcnemar() {
    let mut values = vec![-1.0; 25];
    values.extend([1.0; 10]);
    let p = sign_flip(&singles(&values), Bootstrap { replicates: 20_000, seed: 8 });
    assert!((p - mcnemar_exact(10, 25)).abs() < 0.004, "{p}");
}

#[test]
fn items_of_one_cluster_flip_together() {
    let together = sign_flip(&[vec![1.0; 40], vec![1.0; 40]], PLAN);
    assert!((together - 0.5).abs() < 1e-12, "two clusters can prove nothing: {together}");
}

#[test]
fn no_change_has_a_p_value_of_one() {
    assert!((sign_flip(&singles(&[0.0; 30]), PLAN) - 1.0).abs() < f64::EPSILON);
    assert!((sign_flip(&[], PLAN) - 1.0).abs() < f64::EPSILON);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mcnemar_is_symmetric_and_falls_with_imbalance(b in 0_usize..60, c in 0_usize..60) {
        prop_assert!((mcnemar_exact(b, c) - mcnemar_exact(c, b)).abs() < 1e-12);
        if c >= b && b > 0 {
            prop_assert!(mcnemar_exact(b - 1, c + 1) <= mcnemar_exact(b, c));
        }
    }

    #[test]
    fn the_sign_flip_p_value_is_a_probability_and_ignores_direction(
        values in prop::collection::vec(-3.0..3.0_f64, 0..20)
    ) {
        let plan = Bootstrap { replicates: 200, seed: 2 };
        let p = sign_flip(&singles(&values), plan);
        let turned: Vec<f64> = values.iter().map(|value| -value).collect();
        prop_assert!(p > 0.0 && p <= 1.0);
        prop_assert!((p - sign_flip(&singles(&turned), plan)).abs() < 1e-12);
    }
}
