use proptest::prelude::*;

use super::*;
use crate::stats::{
    mean,
    proportion::{Count, clustered},
};

fn perfect(families: usize) -> Evidence {
    clustered(&vec![Count { hits: 5, n: 5 }; families]).expect("measured").evidence()
}

#[test]
fn twenty_four_perfect_scenarios_are_inconclusive_and_five_more_would_pass() {
    insta::assert_debug_snapshot!(decide(&Rule::at_least(0.9), Some(&perfect(24))), @r#"
    Decision {
        verdict: Inconclusive,
        reason: "95 % bounds 0.883 to 1.000 lie on both sides of 0.9",
        further: Some(
            5,
        ),
    }
    "#);
    assert!(decide(&Rule::at_least(0.9), Some(&perfect(29))).passed());
}

#[test]
fn a_share_whose_upper_bound_misses_fails() {
    let clusters: Vec<Count> = (0..60).map(|i| Count { hits: usize::from(i % 2 == 0), n: 1 }).collect();
    let evidence = clustered(&clusters).expect("measured").evidence();
    insta::assert_debug_snapshot!(decide(&Rule::at_least(0.9), Some(&evidence)), @r#"
    Decision {
        verdict: Fail,
        reason: "95 % upper bound 0.613 misses >= 0.9",
        further: None,
    }
    "#);
}

#[test]
fn a_share_below_the_threshold_that_may_be_luck_is_inconclusive() {
    let clusters: Vec<Count> = (0..50).map(|i| Count { hits: usize::from(i < 43), n: 1 }).collect();
    let evidence = clustered(&clusters).expect("measured").evidence();
    let decision = decide(&Rule::at_least(0.9), Some(&evidence));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.further.is_some());
}

#[test]
fn nothing_measured_is_insufficient() {
    insta::assert_debug_snapshot!(decide(&Rule::at_least(0.9), None), @r#"
    Decision {
        verdict: Insufficient,
        reason: "nothing was measured that has an interval",
        further: None,
    }
    "#);
}

#[test]
fn numbers_that_are_not_numbers_never_pass() {
    let mut broken = perfect(100);
    broken.lower = f64::NAN;
    assert_eq!(decide(&Rule::at_least(0.9), Some(&broken)).verdict, Verdict::Insufficient);
    assert_eq!(decide(&Rule::at_least(f64::NAN), Some(&perfect(100))).verdict, Verdict::Insufficient);
}

#[test]
fn a_decision_by_point_says_so() {
    let rule = Rule { decide: Decide::Point, ..Rule::at_least(0.9) };
    insta::assert_debug_snapshot!(decide(&rule, Some(&perfect(3))), @r#"
    Decision {
        verdict: Pass,
        reason: "value 1.000 against >= 0.9, decided by point",
        further: None,
    }
    "#);
}

#[test]
fn a_strict_rule_fails_on_a_value_that_is_proven_to_be_the_threshold() {
    let exact = mean::clustered(&[vec![0.15], vec![0.15]]).and_then(|mean| mean.evidence());
    assert_eq!(decide(&Rule::below(0.15), exact.as_ref()).verdict, Verdict::Fail);
    assert_eq!(decide(&Rule::at_most(0.15), exact.as_ref()).verdict, Verdict::Pass);
}

#[test]
fn an_undecided_mean_names_the_further_clusters_of_the_root_n_law() {
    let values: Vec<Vec<f64>> = (0..20).map(|i| vec![if i % 2 == 0 { 0.0 } else { 0.18 }]).collect();
    let evidence = mean::clustered(&values).and_then(|mean| mean.evidence());
    let decision = decide(&Rule::at_most(0.1), evidence.as_ref());
    assert_eq!((decision.verdict, decision.further), (Verdict::Inconclusive, Some(235)));
}

#[test]
fn of_several_gates_the_worst_decides_and_the_slowest_counts() {
    let undecided = |further| Decision { verdict: Verdict::Inconclusive, reason: "open".to_owned(), further };
    let pass = Decision::new(Verdict::Pass, "held");
    let both = Decision::all_of(&[undecided(Some(3)), pass.clone(), undecided(Some(9))]);
    assert_eq!((both.verdict, both.further), (Verdict::Inconclusive, Some(9)));
    assert_eq!(Decision::all_of(&[undecided(Some(3)), undecided(None)]).further, None);
    let lost =
        Decision::all_of(&[Decision::insufficient("none"), Decision::new(Verdict::Fail, "lost"), pass]);
    assert_eq!((lost.verdict, lost.reason.as_str()), (Verdict::Fail, "lost"));
    assert_eq!(Decision::all_of(&[]).verdict, Verdict::Insufficient);
}

proptest! {
    #[test]
    fn what_passes_by_bound_passes_by_point(hits in 0_usize..=60, threshold in 0.0..1.0_f64) {
        let clusters: Vec<Count> = (0..60).map(|i| Count { hits: usize::from(i < hits), n: 1 }).collect();
        let evidence = clustered(&clusters).expect("measured").evidence();
        for rule in [Rule::at_least(threshold), Rule::at_most(threshold), Rule::below(threshold)] {
            let bound = decide(&rule, Some(&evidence)).verdict;
            let point = decide(&Rule { decide: Decide::Point, ..rule }, Some(&evidence)).verdict;
            prop_assert!(bound == Verdict::Inconclusive || bound == point);
        }
    }
}
