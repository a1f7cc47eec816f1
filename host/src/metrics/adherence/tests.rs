use proptest::prelude::*;

use super::*;
use crate::metrics::cell::{CellState, cell};

/// `families` families in two kinds; `state` gives each (trait, family, kind) its state.
fn cells(
    families: usize,
    traits: &[&str],
    state: impl Fn(&str, usize, usize) -> CellState,
) -> Vec<TraitCell> {
    let mut cells = Vec::new();
    for family in 0..families {
        for (index, kind) in ["plain", "pressure"].iter().enumerate() {
            for id in traits {
                cells.push(cell(id, &format!("f{family:03}"), kind, state(id, family, index)));
            }
        }
    }
    cells
}

fn hits_unless(miss: bool) -> CellState {
    if miss { CellState::Miss } else { CellState::Hit }
}

fn verdict(cells: &[TraitCell]) -> Verdict {
    adherence(cells, &AdherenceGate::default()).decision.verdict
}

#[test]
fn a_persona_that_always_shows_passes_from_29_families_on() {
    let perfect = |families| verdict(&cells(families, &["pirate", "kind"], |_, _, _| CellState::Hit));
    assert_eq!(perfect(24), Verdict::Inconclusive);
    assert_eq!(perfect(28), Verdict::Inconclusive);
    assert_eq!(perfect(29), Verdict::Pass);
}

#[test]
fn the_value_is_the_mean_over_traits_and_not_over_cells() {
    let mut some = cells(10, &["pirate"], |_, _, _| CellState::Hit);
    some.extend(cells(2, &["kind"], |_, _, _| CellState::Miss));
    let value = adherence(&some, &AdherenceGate::default()).evidence.expect("judged").estimate.value;
    assert!((value - 0.5).abs() < 1e-12);
}

#[test]
fn one_trait_proven_below_the_floor_fails_a_high_mean() {
    let traits: Vec<String> = (0..20).map(|i| format!("t{i:02}")).collect();
    let names: Vec<&str> = traits.iter().map(String::as_str).collect();
    let found = adherence(
        &cells(60, &names, |id, family, _| hits_unless(id == "t07" && family % 2 == 0)),
        &AdherenceGate::default(),
    );
    assert!(found.evidence.expect("judged").lower > 0.9);
    assert_eq!(found.decision.verdict, Verdict::Fail);
    insta::assert_snapshot!(found.decision.reason, @"trait t07 has a 95 % upper bound of 0.615, below the floor of 0.75");
}

#[test]
fn a_trait_low_by_luck_does_not_fail_the_gate() {
    let traits: Vec<String> = (0..20).map(|i| format!("t{i:02}")).collect();
    let names: Vec<&str> = traits.iter().map(String::as_str).collect();
    let found = cells(60, &names, |id, family, _| hits_unless(id == "t07" && family % 4 == 0));
    assert_eq!(verdict(&found), Verdict::Pass);
}

#[test]
fn an_absent_persona_fails() {
    assert_eq!(verdict(&cells(30, &["pirate"], |_, _, _| CellState::Miss)), Verdict::Fail);
}

#[test]
fn more_than_one_percent_failed_cells_are_inconclusive() {
    let failed =
        cells(
            100,
            &["pirate"],
            |_, family, kind| {
                if family < 3 && kind == 0 { CellState::Failed } else { CellState::Hit }
            },
        );
    let found = adherence(&failed, &AdherenceGate::default());
    assert_eq!(found.decision.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(found.decision.reason, @"1.5 % of the applicable cells failed, over 1 %");
}

#[test]
fn a_failed_cell_is_a_miss_in_the_lower_bound() {
    let with = |state| {
        let cells = cells(
            100,
            &["pirate"],
            |_, family, kind| {
                if (family, kind) == (0, 0) { state } else { CellState::Hit }
            },
        );
        adherence(&cells, &AdherenceGate::default()).evidence.expect("judged")
    };
    let (failed, missed) = (with(CellState::Failed), with(CellState::Miss));
    assert!((failed.estimate.value - 1.0).abs() < 1e-12);
    assert!(failed.lower <= missed.lower);
}

#[test]
fn a_trait_that_seldom_applies_is_insufficient() {
    let rare = cells(100, &["pirate", "kind"], |id, family, _| {
        if id == "kind" && family % 5 > 1 { CellState::NotApplicable } else { CellState::Hit }
    });
    let found = adherence(&rare, &AdherenceGate::default());
    assert_eq!(found.decision.verdict, Verdict::Insufficient);
    insta::assert_snapshot!(found.decision.reason, @"trait kind applies to 80 of 200 cells, under 50 %");
}

#[test]
fn no_cells_are_insufficient_and_never_perfect() {
    let found = adherence(&[], &AdherenceGate::default());
    assert_eq!((found.decision.verdict, found.evidence), (Verdict::Insufficient, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cells_in_another_order_give_the_same_bits(states in prop::collection::vec(0_usize..4, 40), turn in 0_usize..40) {
        let all = [CellState::Hit, CellState::Miss, CellState::Failed, CellState::NotApplicable];
        let mut some = cells(10, &["a", "b"], |id, family, kind| {
            all[states[family * 4 + kind * 2 + usize::from(id == "b")]]
        });
        let gate = AdherenceGate::default();
        let before = adherence(&some, &gate);
        some.rotate_left(turn);
        some.reverse();
        prop_assert_eq!(before, adherence(&some, &gate));
    }

    #[test]
    fn a_miss_that_becomes_a_hit_never_lowers_the_value(states in prop::collection::vec(any::<bool>(), 20)) {
        let of = |states: &[bool]| {
            let cells = cells(10, &["a"], |_, family, kind| hits_unless(states[family * 2 + kind]));
            adherence(&cells, &AdherenceGate::default()).evidence.expect("judged").estimate.value
        };
        let before = of(&states);
        for index in 0..states.len() {
            let mut better = states.clone();
            better[index] = false;
            prop_assert!(of(&better) >= before - 1e-12);
        }
    }
}
