//! Known values are from scipy 1.17 and statsmodels 0.15; Korn-Graubard's from its formula in scipy.

use proptest::prelude::*;

use super::*;

/// Ten clusters of unequal size.
const TEN: [(usize, usize); 10] =
    [(4, 5), (5, 5), (3, 5), (5, 5), (2, 4), (5, 5), (4, 5), (5, 5), (1, 3), (5, 5)];

fn counts(pairs: &[(usize, usize)]) -> Vec<Count> {
    pairs.iter().map(|(hits, n)| Count { hits: *hits, n: *n }).collect()
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "found {found}, expected {expected}");
}

#[test]
fn wilson_agrees_with_statsmodels() {
    let interval = wilson(43, 50, 0.95).expect("there are observations");
    assert_near(interval.low, 0.738_138_062_894);
    assert_near(interval.high, 0.930_491_665_730);
}

#[test]
fn clopper_pearson_agrees_with_statsmodels() {
    let interval = clopper_pearson(8, 10, 0.95).expect("there are observations");
    assert_near(interval.low, 0.443_904_537_692);
    assert_near(interval.high, 0.974_789_273_673);
}

/// By Python: the sums of the doc comments over the ten clusters and, from below, one of 4.787 misses.
#[test]
fn bounds_of_unequal_clusters_are_those_of_their_formula_in_python() {
    let share = clustered(&counts(&TEN)).expect("there are observations");
    assert_near(share.value, 0.829_787_234_043);
    assert_near(share.variance, 0.004_459_484_704);
    assert_near(share.below_n(0.05), 14.318_087_340);
    assert_near(share.above_n(0.05), 25.792_348_948);
    assert_near(share.effective_n(0.05), share.below_n(0.05));
    assert_near(share.lower(0.025), 0.533_682_593_205);
    assert_near(share.upper(0.025), 0.950_210_863_167);
    assert_near(share.lower(0.05), 0.586_529_027_689);
    assert_near(share.upper(0.05), 0.935_790_728_401);
}

#[test]
fn thirty_scenarios_with_three_scattered_misses_do_not_prove_ninety_percent_and_sixty_do() {
    let scattered = |scenarios: usize| {
        let mut clusters = vec![Count { hits: 5, n: 5 }; scenarios];
        for cluster in clusters.iter_mut().step_by(10) {
            cluster.hits = 4;
        }
        clustered(&clusters).expect("there are observations").lower(0.05)
    };
    assert!(scattered(30) < 0.9, "{}", scattered(30));
    assert!(scattered(60) >= 0.9, "{}", scattered(60));
}

#[test]
fn what_was_not_seen_weighs_less_the_more_was() {
    let widths = [10, 100, 1000].map(|copies| {
        let share = clustered(&counts(&TEN).repeat(copies)).expect("there are observations");
        share.below_n(0.05) / (share.value * (1.0 - share.value) / share.variance)
    });
    assert!(widths[0] < widths[1] && widths[1] < widths[2], "{widths:?}");
    assert!(widths[2] > 0.99, "{widths:?}");
}

#[test]
fn misses_and_hits_are_mirror_images() {
    let turned: Vec<Count> =
        counts(&TEN).into_iter().map(|count| Count { hits: count.n - count.hits, n: count.n }).collect();
    let (share, mirrored) = (clustered(&counts(&TEN)).expect("seen"), clustered(&turned).expect("seen"));
    assert_near(share.lower(0.05), 1.0 - mirrored.upper(0.05));
    assert_near(share.upper(0.05), 1.0 - mirrored.lower(0.05));
}

#[test]
fn in_a_mean_of_shares_the_made_up_cluster_misses_where_it_weighs_most() {
    // Ten scenarios of 5 in one trait; in the other only three, one of 5 and two of 1.
    let many = counts(&TEN);
    let few = [counts(&[(4, 5), (1, 1), (1, 1)]), vec![Count::default(); 7]].concat();
    let lower = |rows: &[Vec<Count>]| mean_of_shares(rows).expect("there are observations").lower(0.05);
    assert_near(lower(&[many.clone(), few.clone()]), lower(&[few.clone(), many.clone()]));
    // By Python; in the other row it would be 44.4.
    assert_near(mean_of_shares(&[many, few]).expect("there are observations").below, 11.150_473_303_483);
}

#[test]
fn twenty_four_perfect_scenarios_do_not_prove_ninety_percent_and_twenty_nine_do() {
    let perfect = |families: usize| clustered(&vec![Count { hits: 15, n: 15 }; families]);
    let lower = |families| perfect(families).expect("there are observations").lower(0.05);
    assert!(lower(24) < 0.9, "{}", lower(24));
    assert!(lower(28) < 0.9, "{}", lower(28));
    assert!(lower(29) >= 0.9, "{}", lower(29));
}

#[test]
fn one_miss_among_many_never_proves_more_than_none() {
    let mut clusters = vec![Count { hits: 15, n: 15 }; 24];
    let perfect = clustered(&clusters).expect("there are observations").lower(0.05);
    clusters[3].hits = 14;
    let blemished = clustered(&clusters).expect("there are observations").lower(0.05);
    assert!(blemished <= perfect, "{blemished} above {perfect}");
}

#[test]
fn one_hit_among_many_never_proves_more_absence_than_none() {
    let mut clusters = vec![Count { hits: 0, n: 15 }; 24];
    let absent = clustered(&clusters).expect("there are observations").upper(0.05);
    clusters[3].hits = 1;
    let almost = clustered(&clusters).expect("there are observations").upper(0.05);
    assert!(almost >= absent, "{almost} below {absent}");
}

#[test]
fn single_observations_are_exactly_clopper_pearson() {
    let clusters: Vec<Count> = (0..50).map(|i| Count { hits: usize::from(i < 43), n: 1 }).collect();
    let share = clustered(&clusters).expect("there are observations");
    let exact = clopper_pearson(43, 50, 0.95).expect("there are observations");
    assert_near(share.lower(0.025), exact.low);
    assert_near(share.upper(0.025), exact.high);
}

#[test]
fn answers_that_fail_together_count_as_one_answer() {
    let clusters = counts(&[(10, 10), (10, 10), (0, 10), (10, 10), (10, 10), (0, 10), (10, 10), (10, 10)]);
    let share = clustered(&clusters).expect("there are observations");
    assert!(share.effective_n(0.05) < 9.0, "{}", share.effective_n(0.05));
}

#[test]
fn without_variance_every_cluster_counts_once() {
    for hits in [0, 7, 14] {
        let share = clustered(&vec![Count { hits, n: 14 }; 24]).expect("there are observations");
        assert_near(share.effective_n(0.05), 24.0);
    }
    let alone = clustered(&counts(&[(9, 10)])).expect("there are observations");
    assert_near(alone.effective_n(0.05), 1.0);
}

#[test]
fn nothing_measured_is_no_share() {
    assert_eq!(clustered(&[]), None);
    assert_eq!(clustered(&counts(&[(0, 0)])), None);
    assert_eq!(mean_of_shares(&[counts(&[(1, 1)]), counts(&[(0, 0)])]), None);
    assert_eq!(wilson(0, 0, 0.95), None);
    assert_eq!(clopper_pearson(3, 2, 0.95), None);
}

/// 600 data sets of 40 families whose own rates differ; the two-sided interval should miss about 1 in 20.
#[test]
fn the_interval_of_clustered_shares_covers_the_truth() {
    let mut covered = 0;
    for run in 0..600 {
        let mut rng = super::super::bootstrap::replicate_rng(11, run);
        let mut draw = || super::super::bootstrap::below(&mut rng, 1000) as f64 / 1000.0;
        let clusters: Vec<Count> = (0..40)
            .map(|_| {
                let rate = if draw() < 0.5 { 0.55 } else { 0.85 };
                Count { hits: (0..5).filter(|_| draw() < rate).count(), n: 5 }
            })
            .collect();
        let share = clustered(&clusters).expect("there are observations");
        covered += usize::from(share.lower(0.025) <= 0.7 && 0.7 <= share.upper(0.025));
    }
    assert!((561..=595).contains(&covered), "{covered} of 600 intervals cover");
}

prop_compose! {
    fn some_clusters()(pairs in prop::collection::vec((0_usize..6, 1_usize..6), 1..30)) -> Vec<Count> {
        pairs.into_iter().map(|(hits, n)| Count { hits: hits.min(n), n }).collect()
    }
}

proptest! {
    #[test]
    fn every_interval_contains_its_share_and_lies_in_the_unit_interval(clusters in some_clusters()) {
        let evidence = clustered(&clusters).expect("every cluster has observations").evidence();
        let estimate = evidence.estimate;
        prop_assert!(0.0 <= estimate.low && estimate.low <= evidence.lower);
        prop_assert!(evidence.lower <= estimate.value && estimate.value <= evidence.upper);
        prop_assert!(evidence.upper <= estimate.high && estimate.high <= 1.0);
    }

    #[test]
    fn the_order_of_clusters_changes_nothing_but_rounding(clusters in some_clusters()) {
        let mut reversed = clusters.clone();
        reversed.reverse();
        let (one, other) = (clustered(&clusters).expect("measured"), clustered(&reversed).expect("measured"));
        prop_assert!((one.lower(0.05) - other.lower(0.05)).abs() < 1e-9);
        prop_assert!((one.upper(0.05) - other.upper(0.05)).abs() < 1e-9);
    }

    #[test]
    fn more_hits_raise_both_exact_bounds(n in 1_usize..200, hits in 0_usize..200) {
        let hits = hits.min(n - 1);
        let (few, more) = (clopper_pearson(hits, n, 0.95), clopper_pearson(hits + 1, n, 0.95));
        let (few, more) = (few.expect("valid counts"), more.expect("valid counts"));
        prop_assert!(few.low < more.low && few.high <= more.high);
    }

    #[test]
    fn four_times_the_observations_shrink_the_interval(n in 4_usize..100, hits in 0_usize..100) {
        let hits = hits.min(n);
        for interval in [wilson, clopper_pearson] {
            let small = interval(hits, n, 0.95).expect("valid counts");
            let large = interval(4 * hits, 4 * n, 0.95).expect("valid counts");
            prop_assert!(large.high - large.low < small.high - small.low);
        }
    }

    #[test]
    fn wilson_lies_inside_the_unit_interval_around_the_share(n in 1_usize..500, hits in 0_usize..500) {
        let hits = hits.min(n);
        let interval = wilson(hits, n, 0.95).expect("valid counts");
        prop_assert!(interval.contains(hits as f64 / n as f64));
        prop_assert!(interval.low >= 0.0 && interval.high <= 1.0);
    }
}
