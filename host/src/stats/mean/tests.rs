use proptest::prelude::*;

use super::*;
use crate::stats::bootstrap::{below, replicate_rng};

fn five_clusters() -> Vec<Vec<f64>> {
    vec![vec![0.2, 0.4, 0.9], vec![0.1, 0.5], vec![0.7, 0.8], vec![0.3], vec![0.6, 0.65]]
}

/// By matrices, as Bell and `McCaffrey` write it, with the inverse root of `I - H` for each cluster (numpy).
#[test]
fn the_standard_error_of_unequal_clusters_and_its_degrees_of_freedom_are_those_of_the_matrices() {
    let mean = clustered(&five_clusters()).expect("five clusters");
    assert!((mean.value - 0.515).abs() < 1e-12);
    assert!((mean.standard_error - 0.078_867_228_191_053).abs() < 1e-12, "{mean:?}");
    assert!((mean.df - 3.574_468_085_106_382).abs() < 1e-9, "{mean:?}");
    assert!((mean.plain_skewness - 0.112_643_090_519_615).abs() < 1e-9, "{mean:?}");
    // G1 of the standardised sums, and the gamma distribution's skewness from L-moments by all pairs and triples (scipy).
    assert!((mean.skewness.low - 0.128_213_914_024_430).abs() < 1e-9, "{mean:?}");
    assert!((mean.skewness.high - 0.277_135_454_294_868).abs() < 1e-4, "{mean:?}");
}

#[test]
fn clusters_of_one_size_have_one_degree_of_freedom_less_than_there_are() {
    let mean =
        clustered(&[vec![0.1, 0.5], vec![0.2, 0.9], vec![0.4, 0.3], vec![0.8, 0.6]]).expect("four clusters");
    // Sums of 0.6, 1.1, 0.7 and 1.4 around 0.95.
    let squares = 0.35_f64.powi(2) + 0.15_f64.powi(2) + 0.25_f64.powi(2) + 0.45_f64.powi(2);
    assert!((mean.standard_error - (4.0 / 3.0 * squares).sqrt() / 8.0).abs() < 1e-12, "{mean:?}");
    assert!((mean.df - 3.0).abs() < 1e-9, "{mean:?}");
}

#[test]
fn a_ratio_of_sums_weighs_long_documents_more() {
    let ratio = ratio_of_sums(&[vec![(10.0, 10.0)], vec![(90.0, 30.0)]]).expect("two clusters");
    assert!((ratio.value - 2.5).abs() < 1e-12);
    // Residuals of 15 both, leverages of a quarter and three quarters.
    let squares = 15.0_f64.powi(2) / 0.75 + 15.0_f64.powi(2) / 0.25;
    assert!((ratio.standard_error - squares.sqrt() / 40.0).abs() < 1e-12);
}

/// 40 documents of 1 to 1,000 tokens: rates that hang on the tokens alone have more degrees of freedom than rates of their own.
#[test]
fn long_documents_of_many_tokens_are_not_taken_for_one_draw_each() {
    let documents = |power: f64| -> Vec<Vec<(f64, f64)>> {
        let one = |index: u32| {
            let tokens = 10.0_f64.powi((index % 4).cast_signed());
            let away = if (index / 4).is_multiple_of(2) { 0.3 } else { -0.3 };
            vec![(2.0 * tokens + away * tokens.powf(power / 2.0), tokens)]
        };
        (0..40).map(one).collect()
    };
    let (tokens, levels) = (ratio_of_sums(&documents(1.0)), ratio_of_sums(&documents(2.0)));
    let (tokens, levels) = (tokens.expect("documents").df, levels.expect("documents").df);
    assert!(levels < 10.0 && tokens > levels, "{tokens}, {levels}");
}

#[test]
fn the_geometric_mean_agrees_with_scipy() {
    let evidence = geometric(&[vec![1.5], vec![2.0], vec![4.0], vec![8.0]]).expect("positive values");
    assert!((evidence.estimate.value - 3.130_169_160_146_574_6).abs() < 1e-12);
    assert!(evidence.estimate.low > 0.0);
}

#[test]
fn what_is_not_defined_is_none() {
    assert_eq!(clustered(&[]), None);
    assert_eq!(clustered(&[vec![1.0, 2.0]]), None, "one cluster does not know its spread");
    assert_eq!(clustered(&[vec![1.0], vec![f64::NAN]]), None);
    assert_eq!(ratio_of_sums(&[vec![(1.0, 0.0)], vec![(1.0, 0.0)]]), None);
    assert_eq!(geometric(&[vec![0.0], vec![1.0]]), None);
}

#[test]
fn equal_values_in_a_range_do_not_prove_themselves() {
    let few = bounded(&vec![vec![0.05; 20]; 3], -0.95, 1.0).expect("three clusters");
    assert!(few.lower < 0.0, "three equal clusters prove nothing: {few:?}");
    let many = bounded(&vec![vec![0.05]; 200], -0.95, 1.0).expect("two hundred clusters");
    assert!(many.lower > 0.0, "{many:?}");
}

/// 500 data sets of 30 clusters that share a random shift.
#[test]
fn the_interval_of_clustered_means_covers_the_truth() {
    let mut covered = 0;
    for run in 0..500 {
        let mut rng = replicate_rng(5, run);
        let mut uniform = || below(&mut rng, 10_000) as f64 / 10_000.0 - 0.5;
        let clusters: Vec<Vec<f64>> = (0..30)
            .map(|_| {
                let shift = uniform();
                (0..4).map(|_| shift + uniform()).collect()
            })
            .collect();
        let estimate = clustered(&clusters).and_then(|mean| mean.evidence()).expect("finite").estimate;
        covered += usize::from(estimate.low <= 0.0 && 0.0 <= estimate.high);
    }
    assert!((460..=490).contains(&covered), "{covered} of 500 intervals cover");
}

proptest! {
    #[test]
    fn bounds_contain_the_mean_and_nest(
        clusters in prop::collection::vec(prop::collection::vec(0.0..=1.0_f64, 1..5), 2..20)
    ) {
        let plain = clustered(&clusters).and_then(|mean| mean.evidence()).expect("finite");
        for evidence in [plain, bounded(&clusters, 0.0, 1.0).expect("finite")] {
            let estimate = evidence.estimate;
            prop_assert!(estimate.low <= evidence.lower && evidence.lower <= estimate.value);
            prop_assert!(estimate.value <= evidence.upper && evidence.upper <= estimate.high);
        }
    }

    #[test]
    fn copies_of_all_clusters_shrink_the_interval(
        clusters in prop::collection::vec(prop::collection::vec(0.0..=1.0_f64, 1..5), 2..12)
    ) {
        let once = clustered(&clusters).expect("finite").standard_error;
        let four = clustered(&[clusters.clone(), clusters.clone(), clusters.clone(), clusters.clone()].concat()).expect("finite").standard_error;
        prop_assert!(four <= once);
    }
}

#[test]
fn an_interval_ends_where_the_range_does() {
    let found = bounded(&vec![vec![0.75; 2]; 8], -1.0, 1.0).expect("eight clusters");
    assert!((found.estimate.value - 0.75).abs() < 1e-12);
    assert!(found.estimate.high <= 1.0 && found.upper <= 1.0, "{found:?}");
    assert!(found.estimate.low < 0.5, "equal values do not prove themselves: {found:?}");
}

#[test]
fn clusters_that_lie_farthest_out_count_again_in_the_spread_and_in_nothing_else() {
    let clusters = five_clusters();
    let plain = clustered(&clusters).expect("clusters");
    let mut by_hand = clusters.clone();
    // The sums around 0.515 are -0.045, -0.43, 0.47, -0.215 and 0.22.
    by_hand.extend([vec![0.1, 0.5], vec![0.7, 0.8]]);
    let by_hand = clustered(&by_hand).expect("clusters").standard_error * 1.4_f64.sqrt();
    let again = with_ends_again(&clusters).expect("clusters");
    assert_eq!(Some(again), Mean { standard_error: by_hand, ..plain }.evidence());
    assert!(again.lower < plain.evidence().expect("finite").lower, "{again:?}");
}

proptest! {
    #[test]
    fn ends_that_count_again_bring_no_bound_nearer(
        clusters in prop::collection::vec(prop::collection::vec(-9.0..9.0_f64, 1..5), 2..20)
    ) {
        let plain = clustered(&clusters).and_then(|mean| mean.evidence()).expect("finite");
        let again = with_ends_again(&clusters).expect("finite");
        prop_assert!(again.lower <= plain.lower && plain.upper <= again.upper);
    }
}
