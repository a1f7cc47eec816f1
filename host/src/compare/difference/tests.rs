use proptest::prelude::*;

use super::*;
use crate::{
    compare::method::Correction,
    stats::bootstrap::{below, replicate_rng},
};

const PLAN: Method =
    Method { bootstrap: Bootstrap { replicates: 400, seed: 5 }, correction: Correction::Holm, margin: None };

fn pair(item: usize, cluster: usize, before: f64, after: f64) -> Pair {
    Pair { item: format!("i{item:04}"), cluster: format!("c{cluster:04}"), before, after }
}

/// Right-or-wrong items that are their own clusters.
fn answers(kept: usize, lost: usize, gained: usize) -> Vec<Pair> {
    let parts = [(kept, 1.0, 1.0), (lost, 1.0, 0.0), (gained, 0.0, 1.0)];
    parts
        .iter()
        .flat_map(|(count, before, after)| vec![(*before, *after); *count])
        .enumerate()
        .map(|(i, (before, after))| pair(i, i, before, after))
        .collect()
}

fn run(metrics: Vec<(&str, Direction, Vec<Pair>)>, method: Method) -> Vec<MetricComparison> {
    let info =
        metrics.iter().map(|(name, direction, _)| ((*name).to_owned(), describe(*direction))).collect();
    let metrics = metrics.into_iter().map(|(name, _, pairs)| (name.to_owned(), pairs)).collect();
    let aligned = Aligned { metrics, ..Aligned::default() };
    let mut found =
        differences(&aligned, &BothReported::default(), &info, method).expect("every metric is described");
    decide(&mut found, method);
    found
}

fn describe(direction: Direction) -> MetricInfo {
    MetricInfo { direction: Some(direction), range: None, chance: None, benchmark: false }
}

fn one(direction: Direction, pairs: Vec<Pair>) -> MetricComparison {
    run(vec![("m", direction, pairs)], PLAN).remove(0)
}

#[test]
fn a_clear_loss_is_regressed_or_improved_by_direction() {
    let lost = one(Direction::Higher, answers(100, 30, 5));
    assert_eq!((lost.change, lost.test), (Change::Regressed, Test::McnemarExact));
    assert_eq!(lost.discordant, Some(Discordant { lost: 30, gained: 5 }));
    assert_eq!(one(Direction::Lower, answers(100, 30, 5)).change, Change::Improved);
    assert_eq!(one(Direction::Higher, answers(100, 5, 30)).change, Change::Improved);
}

#[test]
fn a_model_against_itself_cannot_tell() {
    let same = one(Direction::Higher, answers(50, 0, 0));
    assert_eq!((same.change, same.items_needed), (Change::CannotTell, None));
    assert!((same.p - 1.0).abs() < f64::EPSILON);
    let difference = same.difference.expect("50 items");
    assert!(difference.low < -0.05 && difference.high > 0.05, "50 items prove little: {difference:?}");
    assert!(same.minimum_detectable.is_some_and(|least| least > 0.05 && least < 0.15));
}

#[test]
fn with_a_margin_the_same_answers_are_equivalent_once_there_are_enough() {
    let margin = Method { margin: Some(0.05), ..PLAN };
    let of = |kept| run(vec![("m", Direction::Higher, answers(kept, 0, 0))], margin).remove(0);
    let (few, many) = (of(30), of(100));
    assert_eq!((few.change, many.change), (Change::CannotTell, Change::Equivalent));
    let needed = few.items_needed.expect("a margin to see");
    assert!(needed > 30, "{needed}");
}

#[test]
fn what_is_right_or_wrong_has_tangos_interval_and_everything_else_halls() {
    let pairs = |clusters: usize| -> Vec<Pair> {
        (0..2 * clusters).map(|i| pair(i, i / 2, 0.5, 0.5 + (i % 7) as f64 / 10.0)).collect()
    };
    let method = |clusters| one(Direction::Higher, pairs(clusters)).interval;
    assert_eq!([method(20), method(60)], [Some(IntervalMethod::HallT); 2]);
    assert_eq!(one(Direction::Higher, answers(20, 3, 3)).interval, Some(IntervalMethod::Tango));
}

#[test]
fn answers_of_one_family_do_not_count_as_many() {
    let pairs: Vec<Pair> = (0..200).map(|i| pair(i, i / 50, 1.0, f64::from(u8::from(i < 100)))).collect();
    let found = one(Direction::Higher, pairs);
    assert_eq!((found.test, found.clusters, found.change), (Test::ClusterSignFlip, 4, Change::CannotTell));
    assert!(found.mcnemar_p.expect("right or wrong") < 1e-6, "as independent items it would look certain");
}

#[test]
fn what_is_clear_alone_can_be_unclear_among_many() {
    let (lost, gained) = (10, 1);
    assert_eq!(one(Direction::Higher, answers(50, lost, gained)).change, Change::Regressed);
    let names: Vec<String> = (0..12).map(|i| format!("m{i:02}")).collect();
    let many = names.iter().map(|name| (name.as_str(), Direction::Higher, answers(50, 3, 3)));
    let mut many: Vec<_> = many.collect();
    many[4].2 = answers(50, lost, gained);
    let found = run(many, PLAN);
    assert!(found[4].p < 0.05 && found[4].p_adjusted > 0.05, "{:?}", found[4]);
    assert!(found.iter().all(|metric| metric.change == Change::CannotTell));
}

#[test]
fn another_metric_does_not_move_the_interval_of_the_first() {
    let alone = one(Direction::Higher, answers(50, 10, 3));
    let beside = run(
        vec![("a", Direction::Lower, answers(20, 1, 1)), ("m", Direction::Higher, answers(50, 10, 3))],
        PLAN,
    );
    assert_eq!(alone.difference, beside[1].difference);
}

#[test]
fn one_cluster_cannot_tell() {
    let pairs: Vec<Pair> = (0..40).map(|i| pair(i, 0, 1.0, 0.0)).collect();
    let found = one(Direction::Higher, pairs);
    assert_eq!((found.change, found.difference), (Change::CannotTell, None));
}

#[test]
fn a_metric_without_a_description_is_refused() {
    let metrics = BTreeMap::from([("m".to_owned(), answers(2, 0, 0))]);
    let aligned = Aligned { metrics, ..Aligned::default() };
    let error =
        differences(&aligned, &BothReported::default(), &BTreeMap::new(), PLAN).expect_err("not described");
    insta::assert_snapshot!(error, @"metric m has values but no description");
}

/// Nothing changes in truth: three metrics over 20 families that share shifts. Any claim is a false alarm; 5 % of
/// 300 comparisons are allowed, and three standard errors of the simulation on top.
#[test]
fn under_no_change_false_alarms_stay_below_alpha() {
    let plan = Method { bootstrap: Bootstrap { replicates: 199, seed: 1 }, ..PLAN };
    let mut alarms = 0;
    for round in 0..300 {
        let mut rng = replicate_rng(31, round);
        let mut metric = || -> Vec<Pair> {
            (0..20)
                .flat_map(|cluster| {
                    let shift = below(&mut rng, 1001) as f64 - 500.0;
                    let noise: Vec<f64> = (0..3).map(|_| below(&mut rng, 1001) as f64 - 500.0).collect();
                    noise
                        .into_iter()
                        .enumerate()
                        .map(move |(i, noise)| pair(i + 3 * cluster, cluster, 0.0, shift + noise))
                })
                .collect()
        };
        let metrics = ["a", "b", "c"].map(|name| (name, Direction::Higher, metric()));
        let found = run(metrics.into(), plan);
        alarms += usize::from(found.iter().any(|metric| metric.change != Change::CannotTell));
    }
    assert!(alarms <= 26, "{alarms} of 300 comparisons alarm");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn swapping_the_sides_swaps_the_verdict_and_order_changes_nothing(
        values in prop::collection::vec((0_u8..2, 0_u8..2, 0_usize..15), 2..80)
    ) {
        let pairs: Vec<Pair> = values
            .iter()
            .enumerate()
            .map(|(i, (before, after, cluster))| pair(i, *cluster, f64::from(*before), f64::from(*after)))
            .collect();
        let found = one(Direction::Higher, pairs.clone());
        let mut turned = pairs.clone();
        turned.reverse();
        prop_assert_eq!(&found, &one(Direction::Higher, turned));
        let swapped = pairs.into_iter().map(|p| Pair { before: p.after, after: p.before, ..p }).collect();
        let swapped = one(Direction::Higher, swapped);
        prop_assert!((found.p - swapped.p).abs() < 1e-12);
        let mirrored = match found.change {
            Change::Regressed => Change::Improved,
            Change::Improved => Change::Regressed,
            same @ (Change::Changed | Change::Equivalent | Change::CannotTell) => same,
        };
        // Ends mirror exactly only up to rounding, so an end at 0 may fall on either side.
        prop_assert!(swapped.change == mirrored || found.difference.is_some_and(|d| d.low.abs().min(d.high.abs()) < 1e-9));
    }
}

#[test]
fn a_long_tail_in_few_clusters_is_warned_of_and_in_many_it_is_not() {
    let drawn = |clusters: usize, quantile: fn(f64) -> f64| {
        let pairs = (0..clusters)
            .map(|index| pair(index, index, 0.0, quantile((index as f64 + 0.5) / clusters as f64)))
            .collect();
        one(Direction::Higher, pairs).long_tail
    };
    let (exponential, uniform) = (|p: f64| -p.ln(), |p: f64| p);
    assert_eq!([12, 30, 200].map(|clusters| drawn(clusters, exponential)), [true, true, false]);
    assert_eq!([12, 30].map(|clusters| drawn(clusters, uniform)), [false, false]);
    assert!(!one(Direction::Higher, answers(11, 1, 0)).long_tail, "right or wrong has no tail");
}
