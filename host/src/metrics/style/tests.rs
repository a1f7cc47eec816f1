use proptest::prelude::*;

use super::*;
use crate::stats::bootstrap::{below, replicate_rng};

const SEED: u64 = 7;
const EXEMPLARS: [f64; 8] = [9.0, 10.0, 11.0, 10.5, 9.5, 10.0, 10.2, 9.8];
const CONTRAST: [f64; 4] = [1.0, 3.0, 2.0, 2.0];

/// `families` families in two kinds whose scores lie within `spread` of `centre`.
fn scores(families: usize, centre: f64, spread: f64) -> Vec<StyleScore> {
    (0..families)
        .flat_map(|family| ["late", "plain"].map(|kind| (family, kind)))
        .enumerate()
        .map(|(index, (family, kind))| {
            let draw = below(&mut replicate_rng(2, index), 2001) as f64 / 1000.0 - 1.0;
            StyleScore {
                sample_id: format!("f{family:03}/{kind}"),
                family: format!("f{family:03}"),
                kind: kind.to_owned(),
                score: centre + spread * draw,
            }
        })
        .collect()
}

fn run(scores: &[StyleScore]) -> Style {
    let input = StyleInput { scores, exemplars: &EXEMPLARS, contrast: &CONTRAST };
    style(&input, &StyleGate::default(), SEED)
}

#[test]
fn anchoring_makes_contrast_zero_and_exemplars_one() {
    let input = StyleInput { scores: &scores(8, 6.0, 0.0), exemplars: &EXEMPLARS, contrast: &CONTRAST };
    let found = style(&input, &StyleGate::default(), SEED).mean_match.expect("two families").estimate;
    assert!((found.value - 0.5).abs() < 1e-12, "halfway between 2 and 10");
}

#[test]
fn a_steady_voice_passes() {
    let found = run(&scores(40, 9.5, 1.5));
    assert_eq!(found.decision.verdict, Verdict::Pass, "{found:?}");
    assert_eq!(found.left_out, 0);
}

#[test]
fn an_erratic_voice_fails() {
    let found = run(&scores(60, 8.0, 8.0));
    assert_eq!(found.decision.verdict, Verdict::Fail, "{found:?}");
}

#[test]
fn a_steady_voice_that_is_not_the_personas_fails() {
    let found = run(&scores(40, 3.5, 0.1));
    assert!(found.variation.expect("defined").upper < 0.15);
    assert_eq!(found.decision.verdict, Verdict::Fail);
    insta::assert_snapshot!(found.decision.reason, @"mean match: 95 % upper bound 0.190 misses >= 0.5");
}

#[test]
fn a_voice_opposite_to_the_persona_fails_without_a_relative_spread() {
    let found = run(&scores(40, 0.0, 0.5));
    assert_eq!((found.decision.verdict, found.variation), (Verdict::Fail, None));
}

#[test]
fn a_scorer_whose_exemplars_scatter_cannot_resolve_the_gate() {
    let scattered = [4.0, 16.0, 7.0, 13.0, 10.0, 10.0];
    let scores = scores(40, 9.5, 0.5);
    let input = StyleInput { scores: &scores, exemplars: &scattered, contrast: &CONTRAST };
    let found = style(&input, &StyleGate::default(), SEED);
    assert_eq!(found.decision.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(found.decision.reason, @"variation: the exemplars' own variation is 0.265 against < 0.15: the scorer cannot resolve the gate");
}

#[test]
fn a_scorer_that_prefers_the_contrast_decides_nothing() {
    let input = StyleInput { scores: &scores(40, 9.0, 1.0), exemplars: &CONTRAST, contrast: &EXEMPLARS };
    assert_eq!(style(&input, &StyleGate::default(), SEED).decision.verdict, Verdict::Inconclusive);
}

#[test]
fn too_little_of_anything_is_insufficient() {
    assert_eq!(run(&[]).decision.verdict, Verdict::Insufficient);
    assert_eq!(run(&scores(10, 9.5, 0.5)).decision.verdict, Verdict::Insufficient, "four blocks");
    let scores = scores(40, 9.5, 0.5);
    let input = StyleInput { scores: &scores, exemplars: &EXEMPLARS[..3], contrast: &CONTRAST };
    insta::assert_snapshot!(style(&input, &StyleGate::default(), SEED).decision.reason, @"3 held-out exemplars and 4 contrast texts, 4 of each are needed");
}

#[test]
fn the_length_control_counts_words_on_a_log_scale() {
    assert!((length_score("one two  three\nfour") - 4.0_f64.ln()).abs() < 1e-12);
    assert!(length_score("").abs() < 1e-12);
}

#[test]
fn blocks_are_planned_the_same_way_on_every_machine() {
    let ids: Vec<String> = (0..9).map(|i| format!("s{i}")).collect();
    let samples: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "plain")).collect();
    assert_eq!(plan_blocks(&samples, 1), [[8, 7, 6, 2], [5, 1, 4, 0]]);
}

proptest! {
    #[test]
    fn blocks_are_full_disjoint_of_one_kind_and_independent_of_order(
        kinds in prop::collection::vec(0_usize..3, 0..60), seed: u64
    ) {
        let names = ["late", "plain", "pressure"];
        let ids: Vec<String> = (0..kinds.len()).map(|i| format!("s{i:02}")).collect();
        let samples: Vec<(&str, &str)> =
            ids.iter().zip(&kinds).map(|(id, kind)| (id.as_str(), names[*kind])).collect();
        let blocks = plan_blocks(&samples, seed);
        let mut used: Vec<usize> = blocks.concat();
        used.sort_unstable();
        used.dedup();
        prop_assert_eq!(used.len(), blocks.len() * BLOCK);
        prop_assert!(blocks.iter().all(|block| block.iter().all(|i| samples[*i].1 == samples[block[0]].1)));

        let reversed: Vec<(&str, &str)> = samples.iter().rev().copied().collect();
        let named = |samples: &[(&str, &str)], blocks: &[Vec<usize>]| -> Vec<String> {
            blocks.iter().flatten().map(|i| samples[*i].0.to_owned()).collect()
        };
        prop_assert_eq!(named(&samples, &blocks), named(&reversed, &plan_blocks(&reversed, seed)));
    }
}
