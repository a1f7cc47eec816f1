use proptest::prelude::*;

use super::*;
use crate::stats::ONE_SIDED_ALPHA;

const NOTHING: Sum = Sum { sum: 0.0, items: 1.0 };

fn one(value: f64) -> Sum {
    Sum { sum: value, items: 1.0 }
}

fn shares(hits: usize, misses: usize) -> Vec<Sum> {
    [vec![one(1.0); hits], vec![NOTHING; misses]].concat()
}

#[test]
fn the_bound_of_a_share_is_clopper_and_pearsons() {
    for (hits, n) in [(1, 2), (2, 2), (3, 5), (5, 5), (17, 20), (59, 60), (190, 200), (570, 600), (20, 600)] {
        for alpha in [0.05, 0.025] {
            let exact = quantile::beta(alpha, hits as f64, (n - hits) as f64 + 1.0);
            let found = lower(&shares(hits, n - hits), NOTHING, 1.0, alpha).expect("above nothing");
            let distance = hits as f64 / n as f64 - exact;
            let further = (exact - found) / distance;
            assert!((-1e-4..0.005).contains(&further), "{hits} of {n}: {found}, exactly {exact}");
        }
    }
}

#[test]
fn unchanged_groups_prove_what_is_left_if_the_next_is_lost_whole() {
    for n in [2, 14, 58, 59, 200] {
        let found = lower(&shares(n, 0), NOTHING, 1.0, ONE_SIDED_ALPHA).expect("above nothing");
        let exact = unlost(vec![1; n], ONE_SIDED_ALPHA);
        assert!(found <= exact && found > exact - 0.005 * (1.0 - exact), "{n}: {found}, exactly {exact}");
    }
}

#[test]
fn fifty_nine_groups_of_one_size_prove_95_percent_and_58_do_not() {
    assert!(unlost(vec![20; 59], 0.05) >= 0.95 && unlost(vec![20; 58], 0.05) < 0.95);
    let unequal = unlost([1, 1, 2, 3, 6, 12].repeat(24), 0.05);
    assert!(
        (unequal - 0.05_f64.powf(1981.0 / 195.0 / 600.0)).abs() < 1e-12,
        "large groups take more along: {unequal}"
    );
    assert!(unlost([], 0.05).abs() < f64::EPSILON);
}

/// Uniform weights drawn one by one instead of reckoned with: groups of unequal size, some of them lost.
#[test]
fn the_probability_is_that_of_random_weights() {
    let groups: Vec<Sum> = (0..15_u32)
        .map(|group| {
            let items = f64::from(1 + group % 4);
            Sum { sum: items * if group % 7 == 3 { -0.6 } else { 0.05 }, items }
        })
        .collect();
    let worst = Sum { sum: -2.0, items: 3.0 };
    let bound = lower(&groups, worst, 1.0, 0.05).expect("above the worst");
    let draws = 20_000;
    let low = (0..draws).filter(|draw| {
        let mut random = crate::stats::bootstrap::replicate_rng(11, *draw);
        let mut weighted = 0.0;
        for group in groups.iter().chain([&worst]) {
            let uniform =
                (crate::stats::bootstrap::below(&mut random, 1 << 30) as f64 + 0.5) / f64::from(1 << 30);
            weighted -= uniform.ln() * (group.sum - bound * group.items);
        }
        weighted <= 0.0
    });
    let found = low.count() as f64 / draws as f64;
    // Three standard errors.
    assert!((found - 0.05).abs() < 0.005, "{found}");
}

#[test]
fn bounds_come_near_the_mean_without_a_jump_as_alpha_nears_one_half() {
    let groups = shares(30, 10);
    let at = |alpha| lower(&groups, NOTHING, 1.0, alpha).expect("above nothing");
    let bounds = [0.3, 0.4, 0.45, 0.499, 0.4999].map(at);
    assert!(bounds.is_sorted() && bounds[4] < 0.75, "{bounds:?}");
}

#[test]
fn as_many_groups_again_as_are_asked_for_prove_it() {
    let groups = shares(20, 0);
    let repeated = repetitions(&groups, NOTHING, 0.95, 0.05).expect("no group was lost");
    assert!((58.4..59.1).contains(&(20.0 * repeated)), "{repeated}");
    assert!(lower(&groups, NOTHING, repeated * 1.001, 0.05).expect("above nothing") >= 0.95);
    assert!((repetitions(&groups, NOTHING, 0.5, 0.05).expect("proven already") - 1.0).abs() < f64::EPSILON);
    assert_eq!(repetitions(&groups, NOTHING, 1.0, 0.05), None, "that is the mean");
}

#[test]
fn what_has_no_bound_has_none() {
    assert_eq!(lower(&[], NOTHING, 1.0, 0.05), None);
    assert_eq!(lower(&shares(0, 5), NOTHING, 1.0, 0.05), None, "nothing is worse than nothing");
    assert_eq!(lower(&[one(f64::NAN)], NOTHING, 1.0, 0.05), None);
}

proptest! {
    #[test]
    fn it_lies_between_the_worst_and_the_mean_and_grows_with_every_value(
        values in prop::collection::vec((0.01_f64..1.0, 1_u8..9), 2..40), place in 0_usize..40
    ) {
        let groups: Vec<Sum> =
            values.iter().map(|(value, items)| Sum { sum: value * f64::from(*items), items: f64::from(*items) }).collect();
        let worst = Sum { sum: 0.0, items: 4.0 };
        let found = lower(&groups, worst, 1.0, 0.05).expect("above nothing");
        let mean = groups.iter().map(|group| group.sum).sum::<f64>() / groups.iter().map(|group| group.items).sum::<f64>();
        prop_assert!(0.0 < found && found < mean);
        let mut better = groups.clone();
        let count = better.len();
        better[place % count].sum += 0.1;
        prop_assert!(lower(&better, worst, 1.0, 0.05).expect("above nothing") > found);
        let mut turned = groups;
        turned.reverse();
        prop_assert_eq!(lower(&turned, worst, 1.0, 0.05), Some(found));
    }
}
