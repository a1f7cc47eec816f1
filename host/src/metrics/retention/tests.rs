//! The fixture follows published persona-training results in which the mean over benchmarks is above 100 % while
//! one benchmark has provably lost more than 5 %: the case that a mean hides.

use proptest::prelude::*;

use super::*;

const UNIT: Option<Interval> = Some(Interval { low: 0.0, high: 1.0 });

/// Right and wrong answers: kept, lost, gained and never right.
fn accuracy(name: &str, chance: f64, kept: usize, lost: usize, gained: usize, wrong: usize) -> Benchmark {
    let parts = [(kept, 1.0, 1.0), (lost, 1.0, 0.0), (gained, 0.0, 1.0), (wrong, 0.0, 0.0)];
    let items = parts
        .iter()
        .flat_map(|(count, before, after)| vec![(*before, *after); *count])
        .enumerate()
        .map(|(index, (before, after))| ItemPair { group: format!("i{index}"), before, after })
        .collect();
    Benchmark {
        name: name.to_owned(),
        direction: Direction::Higher,
        chance,
        range: UNIT,
        items,
        reported: [None; 2],
    }
}

fn verdicts(retention: &Retention) -> Vec<Verdict> {
    retention.benchmarks.iter().map(|one| one.decision.verdict).collect()
}

#[test]
fn a_loss_on_one_benchmark_fails_though_the_mean_is_above_one_hundred_percent() {
    let found = retention(
        &[
            accuracy("truthfulqa", 0.25, 400, 90, 30, 280),
            accuracy("arc", 0.25, 560, 10, 60, 370),
            accuracy("winogrande", 0.5, 700, 20, 110, 170),
            accuracy("hellaswag", 0.25, 580, 10, 70, 340),
        ],
        KEPT,
    );
    let ratios: Vec<f64> = found.benchmarks.iter().filter_map(|one| one.ratio).collect();
    assert!(ratios.iter().sum::<f64>() / 4.0 > 1.02, "{ratios:?}");
    assert!(ratios[0] < 0.89, "{ratios:?}");
    assert_eq!(verdicts(&found), [Verdict::Fail, Verdict::Pass, Verdict::Pass, Verdict::Pass]);
    assert_eq!(found.decision.verdict, Verdict::Fail);
    insta::assert_snapshot!(found.decision.reason, @"truthfulqa: margin over 95 % kept lies in -0.067 to -0.022");
}

#[test]
fn pass_fail_and_inconclusive_are_told_apart_per_benchmark() {
    let found = retention(
        &[
            accuracy("kept", 0.25, 590, 10, 10, 390),
            accuracy("unclear", 0.25, 50, 5, 3, 42),
            accuracy("lost", 0.25, 400, 200, 10, 390),
        ],
        KEPT,
    );
    assert_eq!(verdicts(&found), [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail]);
    assert!(found.benchmarks[1].decision.further.is_some());
}

#[test]
fn an_unclear_benchmark_keeps_the_whole_from_passing() {
    let found =
        retention(&[accuracy("kept", 0.25, 590, 10, 10, 390), accuracy("unclear", 0.25, 50, 5, 3, 42)], KEPT);
    assert_eq!((found.counting, found.decision.verdict), (2, Verdict::Inconclusive));
}

#[test]
fn a_baseline_at_chance_has_no_headroom_and_never_passes() {
    let flat = accuracy("guessing", 0.25, 300, 0, 0, 700);
    let kept = accuracy("kept", 0.25, 590, 10, 10, 390);
    let found = retention(&[flat.clone(), kept.clone()], KEPT);
    assert_eq!(verdicts(&found), [Verdict::NoHeadroom, Verdict::Pass]);
    assert_eq!((found.counting, found.decision.verdict), (1, Verdict::NoHeadroom));
    insta::assert_snapshot!(found.decision.reason, @"1 of the 2 benchmarks needed count; guessing: baseline bound 0.276 is not 0.100 better than chance at 0.250");
    let enough = retention(&[flat, kept.clone(), Benchmark { name: "too".to_owned(), ..kept }], KEPT);
    assert_eq!(enough.decision.verdict, Verdict::Pass);
}

#[test]
fn one_benchmark_alone_is_insufficient_and_so_is_none() {
    let found = retention(&[accuracy("kept", 0.25, 590, 10, 10, 390)], KEPT);
    assert_eq!(found.decision.verdict, Verdict::Insufficient);
    assert_eq!(retention(&[], KEPT).decision.verdict, Verdict::Insufficient);
    let empty = accuracy("empty", 0.25, 0, 0, 0, 0);
    assert_eq!(retention(&[empty], KEPT).decision.verdict, Verdict::Insufficient);
}

#[test]
fn a_baseline_that_is_missing_or_zero_never_counts_as_kept() {
    let (missing, zero) = (accuracy("missing", 0.25, 0, 0, 0, 0), accuracy("zero", 0.0, 0, 0, 0, 400));
    let kept = accuracy("kept", 0.25, 590, 10, 10, 390);
    let found = retention(&[missing, zero, kept], KEPT);
    assert_eq!(verdicts(&found), [Verdict::Insufficient, Verdict::NoHeadroom, Verdict::Pass]);
    assert_eq!(
        found.benchmarks.iter().map(|one| one.ratio.is_some()).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert_eq!(found.counting, 1);
    assert_ne!(found.decision.verdict, Verdict::Pass);
}

#[test]
fn a_handful_of_unchanged_items_proves_nothing() {
    let found = retention(&[accuracy("a", 0.1, 20, 0, 0, 0), accuracy("b", 0.1, 20, 0, 0, 0)], KEPT);
    assert_eq!(found.decision.verdict, Verdict::Inconclusive);
}

#[test]
fn lower_is_better_turns_the_margin_around() {
    let bits = |factor: f64| Benchmark {
        name: "wikitext".to_owned(),
        direction: Direction::Lower,
        chance: 8.0,
        range: None,
        reported: [None; 2],
        items: (0..200)
            .map(|i| {
                let before = 0.8 + f64::from(i % 7) / 20.0;
                ItemPair {
                    group: format!("d{}", i / 4),
                    before,
                    after: factor * before + f64::from(i % 3) / 100.0,
                }
            })
            .collect(),
    };
    let verdict = |factor| retention(&[bits(factor)], KEPT).benchmarks[0].decision.verdict;
    assert_eq!(verdict(1.0), Verdict::Pass);
    assert_eq!(verdict(0.9), Verdict::Pass);
    assert_eq!(verdict(1.15), Verdict::Fail);
}

#[test]
fn wrong_answers_counted_instead_of_right_ones_prove_as_little_in_few_groups() {
    let verdict = |groups: usize| {
        let item = |index: usize| {
            let wrong = f64::from(u8::from(index.is_multiple_of(3)));
            ItemPair { group: format!("g{:03}", index % groups), before: wrong, after: wrong }
        };
        let (name, direction, chance) = ("errors".to_owned(), Direction::Lower, 0.75);
        let items = (0..1200).map(item).collect();
        let benchmark = Benchmark { name, direction, chance, range: UNIT, items, reported: [None; 2] };
        retention(&[benchmark], KEPT).benchmarks[0].decision.verdict
    };
    assert_eq!([20, 50].map(verdict), [Verdict::Inconclusive; 2]);
    assert_eq!(verdict(400), Verdict::Pass);
}

#[test]
fn items_of_one_group_count_together() {
    let mut grouped = accuracy("grouped", 0.25, 590, 10, 10, 390);
    for (index, item) in grouped.items.iter_mut().enumerate() {
        item.group = format!("g{}", index / 200);
    }
    let spread = |benchmark| {
        let margin = retention(&[benchmark], KEPT).benchmarks[0].margin.expect("measured");
        margin.upper - margin.lower
    };
    assert!(spread(grouped) > spread(accuracy("single", 0.25, 590, 10, 10, 390)));
}

/// The true retention is exactly 95 %, so a pass is a false alarm: 50 of 1,000 are allowed, and three standard
/// errors of the simulation on top. Without the two added values a plain t bound gives 58, and 115 on 100 items of
/// a baseline at 0.9 that loses 0.05 and gains almost nothing.
#[test]
fn a_model_at_the_margin_passes_seldom() {
    let mut passes = 0;
    for run in 0..1000 {
        let mut rng = crate::stats::bootstrap::replicate_rng(23, run);
        let items = (0..200)
            .map(|i| {
                let draw = crate::stats::bootstrap::below(&mut rng, 1000);
                // Before 0.6, after 0.57: lost 0.06, gained 0.03.
                let (before, after) = match draw {
                    0..540 => (1.0, 1.0),
                    540..600 => (1.0, 0.0),
                    600..630 => (0.0, 1.0),
                    _ => (0.0, 0.0),
                };
                ItemPair { group: format!("i{i}"), before, after }
            })
            .collect();
        let benchmark = Benchmark { items, ..accuracy("margin", 0.25, 0, 0, 0, 0) };
        passes += usize::from(retention(&[benchmark], KEPT).benchmarks[0].decision.passed());
    }
    assert!(passes <= 70, "{passes} of 1000 runs pass");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_items_changes_nothing(answers in prop::collection::vec((any::<bool>(), any::<bool>()), 2..60)) {
        let mut benchmark = accuracy("any", 0.25, 0, 0, 0, 0);
        benchmark.items = answers
            .iter()
            .enumerate()
            .map(|(i, (before, after))| ItemPair {
                group: format!("g{}", i / 3),
                before: f64::from(u8::from(*before)),
                after: f64::from(u8::from(*after)),
            })
            .collect();
        let forward = retention(std::slice::from_ref(&benchmark), KEPT);
        benchmark.items.reverse();
        prop_assert_eq!(forward, retention(&[benchmark], KEPT));
    }
}

#[test]
fn a_long_tail_of_few_texts_is_said_beside_the_margin() {
    let text = |texts: usize| {
        let item = |index: usize| {
            let loss = -((index as f64 + 0.5) / texts as f64).ln();
            ItemPair { group: format!("t{index}"), before: 2.0, after: 2.0 + 0.05 * loss }
        };
        let items = (0..texts).map(item).collect();
        let name = format!("{texts} texts");
        Benchmark { name, direction: Direction::Lower, chance: 8.0, range: None, items, reported: [None; 2] }
    };
    let found = retention(&[text(12), text(400)], KEPT);
    let reasons: Vec<&str> = found.benchmarks.iter().map(|one| one.decision.reason.as_str()).collect();
    assert!(reasons[0].contains(", less certain than it looks: a long tail in 12 groups"), "{reasons:?}");
    assert!(!reasons[1].contains("tail"), "{reasons:?}");
}

/// So many items right in so many groups, of which a few are lost and as many gained, each in another group.
fn grouped(groups: usize, items: usize, changed: usize) -> Decision {
    let wrong = items / 10;
    let mut benchmark = accuracy("grouped", 0.25, items - wrong - changed, changed, changed, wrong - changed);
    for (index, item) in benchmark.items.iter_mut().enumerate() {
        item.group = format!("g{:03}", index % groups);
    }
    retention(&[benchmark], KEPT).benchmarks.remove(0).decision
}

#[test]
fn unchanged_items_of_few_groups_prove_nothing_since_groups_may_be_lost_whole() {
    for (groups, items) in [(12, 240), (14, 280), (24, 480), (40, 800), (58, 1160)] {
        let found = grouped(groups, items, 0);
        assert_eq!(found.verdict, Verdict::Inconclusive, "{groups} groups: {}", found.reason);
        assert!(
            found.further.is_some_and(|further| (59..=62).contains(&(groups + further))),
            "{groups}: {found:?}"
        );
    }
    let reason = grouped(14, 280, 0).reason;
    let said = ": 14 groups, which may be lost whole, prove 80.7 % where nothing changes";
    assert!(reason.contains(said) && reason.ends_with("; about 45 more groups would decide"), "{reason}");
    assert_eq!((grouped(59, 1180, 0).verdict, grouped(600, 600, 0).verdict), (Verdict::Pass, Verdict::Pass));
}

#[test]
fn items_that_are_lost_one_by_one_do_not_tell_that_few_groups_are_never_lost_whole() {
    let few = grouped(30, 600, 6);
    assert_eq!(few.verdict, Verdict::Inconclusive, "{}", few.reason);
    let said = ": 30 groups, which may be lost whole, prove 90.5 % where nothing changes";
    assert!(few.reason.contains(said), "{}", few.reason);
    let enough = 30 + few.further.expect("more groups decide");
    assert!((59..65).contains(&enough), "{enough}");
    assert_eq!(grouped(enough, 20 * enough, 6 * enough / 30).verdict, Verdict::Pass);
    assert!(!grouped(70, 1400, 60).reason.contains("whole"), "enough groups, too many changes");
}

#[test]
fn a_baseline_with_everything_right_leaves_a_small_loss_open() {
    let found = retention(&[accuracy("full marks", 0.25, 94, 6, 0, 0)], KEPT).benchmarks.remove(0);
    assert_eq!(found.decision.verdict, Verdict::Inconclusive, "{}", found.decision.reason);
    let margin = found.margin.expect("measured");
    assert!(margin.lower < margin.estimate.value && margin.estimate.value < margin.upper, "{margin:?}");
}

#[test]
fn unequal_groups_prove_less_since_the_large_ones_may_be_lost() {
    let verdict = |sizes: &[usize]| {
        let groups = sizes.iter().cycle().take(120).enumerate();
        let items = groups.flat_map(|(group, size)| {
            let item = ItemPair { group: format!("g{group:03}"), before: 1.0, after: 1.0 };
            vec![item; *size]
        });
        let benchmark = Benchmark { items: items.collect(), ..accuracy("sizes", 0.25, 0, 0, 0, 0) };
        retention(&[benchmark], KEPT).benchmarks[0].decision.verdict
    };
    // 500 items each, as many as 120 groups or 49.
    assert_eq!(verdict(&[4, 4, 4, 4, 4, 5]), Verdict::Pass);
    assert_eq!(verdict(&[1, 1, 2, 3, 6, 12]), Verdict::Inconclusive);
}

#[test]
fn a_group_that_is_gained_whole_does_not_pay_for_groups_that_might_be_lost() {
    let mut benchmark = accuracy("gained", 0.25, 384, 0, 0, 96);
    for (index, item) in benchmark.items.iter_mut().enumerate() {
        item.group = format!("g{:02}", index % 24);
        if index % 24 < 2 {
            item.after = 1.0;
        }
    }
    let found = retention(&[benchmark], KEPT).benchmarks.remove(0);
    assert!(found.margin.expect("measured").estimate.value > 0.05);
    assert_eq!(found.decision.verdict, Verdict::Inconclusive, "{}", found.decision.reason);
}
