use proptest::prelude::*;

use super::*;
use crate::metrics::cell::{CellState, cell};

const KINDS: [&str; 3] = ["late", "plain", "pressure"];

/// One trait; `state` gives each (family, kind) its state.
fn cells(families: usize, state: impl Fn(usize, &str) -> CellState) -> Vec<TraitCell> {
    (0..families)
        .flat_map(|family| KINDS.map(|kind| (family, kind)))
        .map(|(family, kind)| cell("pirate", &format!("f{family:03}"), kind, state(family, kind)))
        .collect()
}

fn found(cells: &[TraitCell]) -> Consistency {
    consistency(cells, "plain", &GATE)
}

fn hit_if(hit: bool) -> CellState {
    if hit { CellState::Hit } else { CellState::Miss }
}

#[test]
fn the_weakest_kind_is_the_value() {
    let some = cells(40, |family, kind| hit_if(kind != "pressure" || family % 4 != 0));
    let result = found(&some);
    assert_eq!(result.weakest.as_deref(), Some("pressure"));
    assert!((result.evidence.expect("judged").estimate.value - 0.75).abs() < 1e-12);
}

#[test]
fn only_families_with_a_plain_hit_count() {
    let some = cells(40, |family, kind| hit_if(if kind == "plain" { family < 10 } else { family < 9 }));
    let estimate = found(&some).evidence.expect("judged").estimate;
    assert!((estimate.value - 0.9).abs() < 1e-12);
    assert_eq!((estimate.n, estimate.clusters), (10, 10));
}

#[test]
fn an_absent_persona_is_insufficient_and_not_consistent() {
    let result = found(&cells(40, |_, _| CellState::Miss));
    assert_eq!(result.decision.verdict, Verdict::Insufficient);
    insta::assert_snapshot!(result.decision.reason, @"trait pirate never shows in the plain form");
}

#[test]
fn one_absent_trait_among_two_is_insufficient() {
    let mut some = cells(40, |_, _| CellState::Hit);
    some.extend(
        (0..40).flat_map(|f| KINDS.map(|kind| cell("calm", &format!("f{f:03}"), kind, CellState::Miss))),
    );
    assert_eq!(found(&some).decision.verdict, Verdict::Insufficient);
}

#[test]
fn nothing_beside_the_plain_form_is_insufficient() {
    let plain: Vec<TraitCell> =
        cells(40, |_, _| CellState::Hit).into_iter().filter(|cell| cell.kind == "plain").collect();
    assert_eq!(found(&plain).decision.verdict, Verdict::Insufficient);
    assert_eq!(found(&[]).decision.verdict, Verdict::Insufficient);
}

#[test]
fn a_few_flawless_families_do_not_pass_and_many_do() {
    let flawless = |families| found(&cells(families, |_, _| CellState::Hit)).decision.verdict;
    assert_eq!(flawless(15), Verdict::Inconclusive);
    assert_eq!(flawless(19), Verdict::Pass);
}

#[test]
fn a_kind_that_loses_half_fails() {
    let some = cells(60, |family, kind| hit_if(kind != "late" || family % 2 == 0));
    assert_eq!(found(&some).decision.verdict, Verdict::Fail);
}

#[test]
fn more_than_one_percent_failed_cells_are_inconclusive() {
    let some = cells(
        60,
        |family, kind| {
            if kind == "late" && family < 3 { CellState::Failed } else { CellState::Hit }
        },
    );
    assert_eq!(found(&some).decision.verdict, Verdict::Inconclusive);
}

/// Plain and late agree on 35 of 50: 20 both hit, 15 both miss, 5 plain only, 10 late only: a common textbook table.
#[test]
fn kappa_agrees_with_the_worked_example() {
    let some = cells(50, |family, kind| {
        hit_if(match kind {
            "plain" => family < 25,
            "late" => family < 20 || (25..35).contains(&family),
            _ => true,
        })
    });
    let late = &found(&some).kinds[0];
    assert!((late.agreement.expect("pairs") - 0.7).abs() < 1e-12);
    assert!((late.kappa.expect("defined") - 0.4).abs() < 1e-12);
}

#[test]
fn kappa_is_undefined_where_chance_agreement_is_certain() {
    let result = found(&cells(5, |_, _| CellState::Hit));
    assert_eq!((result.kinds[0].agreement, result.kinds[0].kappa), (Some(1.0), None));
}

/// Three kinds at exactly the gate: a pass is a false alarm, and so is a fail.
#[test]
fn a_persona_at_the_gate_seldom_passes_or_fails() {
    let (mut passes, mut fails) = (0, 0);
    for run in 0..150 {
        let mut rng = crate::stats::bootstrap::replicate_rng(17, run);
        let draws: Vec<bool> = (0..240).map(|_| crate::stats::bootstrap::below(&mut rng, 100) < 85).collect();
        let some = cells(80, |family, kind| {
            hit_if(match kind {
                "plain" => true,
                "late" => draws[family],
                _ => draws[80 + family],
            })
        });
        match found(&some).decision.verdict {
            Verdict::Pass => passes += 1,
            Verdict::Fail => fails += 1,
            _ => {}
        }
    }
    assert!(passes <= 12 && fails <= 12, "{passes} passes and {fails} fails of 150 runs");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bounds_of_the_minimum_contain_it_in_any_order(states in prop::collection::vec(0_usize..4, 36), turn in 0_usize..36) {
        let all = [CellState::Hit, CellState::Miss, CellState::Hit, CellState::NotApplicable];
        let mut some = cells(12, |family, kind| {
            all[states[family * 3 + KINDS.iter().position(|known| *known == kind).expect("a known kind")]]
        });
        let result = found(&some);
        if let Some(evidence) = result.evidence {
            prop_assert!(evidence.estimate.low <= evidence.lower && evidence.lower <= evidence.estimate.value);
            prop_assert!(evidence.estimate.value <= evidence.upper && evidence.upper <= evidence.estimate.high);
        }
        some.rotate_left(turn);
        prop_assert_eq!(result, found(&some));
    }
}
