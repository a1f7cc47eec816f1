use proptest::prelude::*;

use super::*;
use crate::stats::bootstrap::{below, replicate_rng};

/// Names of clusters of one text each.
fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{prefix}{index}")).collect()
}

fn apart<'a>(names: &'a [String], scores: &[f64]) -> Vec<Scored<'a>> {
    names.iter().map(String::as_str).zip(scores.iter().copied()).collect()
}

/// Area and variance of independent texts by the definition of `DeLong` and others, pair by pair.
fn by_pairs(positives: &[f64], negatives: &[f64]) -> (f64, f64) {
    let wins = |x: f64, y: f64| {
        if x > y {
            1.0
        } else if x < y {
            0.0
        } else {
            0.5
        }
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let variance = |values: &[f64]| {
        let middle = mean(values);
        values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (values.len() - 1) as f64
    };
    let above: Vec<f64> =
        positives.iter().map(|x| mean(&negatives.iter().map(|y| wins(*x, *y)).collect::<Vec<_>>())).collect();
    let below: Vec<f64> =
        negatives.iter().map(|y| mean(&positives.iter().map(|x| wins(*x, *y)).collect::<Vec<_>>())).collect();
    let error = variance(&above) / positives.len() as f64 + variance(&below) / negatives.len() as f64;
    (mean(&above), error)
}

#[test]
fn a_worked_example_agrees_with_counting_by_hand() {
    // 0.9 beats all three, 0.6 beats two, 0.4 beats one and ties with one: 3 + 2 + 1.5 of 9.
    let (positives, negatives) = ([0.9, 0.6, 0.4], [0.7, 0.4, 0.1]);
    let (left, right) = (names("p", 3), names("n", 3));
    let found = auc(&apart(&left, &positives), &apart(&right, &negatives)).expect("two sides");
    assert!((found.estimate.value - 6.5 / 9.0).abs() < 1e-12, "{found:?}");
    assert_eq!((found.estimate.n, found.estimate.clusters), (6, 6));
    assert_eq!(curve(&positives, &negatives).len(), 6);
}

#[test]
fn flawless_separation_is_no_proof_beyond_its_clusters() {
    let (left, right) = (names("p", 24), names("n", 24));
    let found = auc(&apart(&left, &[1.0; 24]), &apart(&right, &[0.0; 24])).expect("two sides");
    assert!((found.estimate.value - 1.0).abs() < 1e-12);
    assert!((found.lower - 0.05_f64.powf(1.0 / 24.0)).abs() < 1e-12, "{found:?}");
    let reversed = auc(&apart(&left, &[0.0; 24]), &apart(&right, &[1.0; 24])).expect("two sides");
    assert!((reversed.upper + found.lower - 1.0).abs() < 1e-12, "the other end is its mirror image");
}

#[test]
fn one_cluster_on_a_side_says_nothing_and_equal_scores_are_chance() {
    let (left, right) = (names("p", 8), names("n", 1));
    assert_eq!(auc(&apart(&left, &[1.0; 8]), &apart(&right, &[0.0])), None);
    assert_eq!(auc(&[], &apart(&left, &[0.0; 8])), None);
    let other = names("n", 8);
    let found = auc(&apart(&left, &[0.3; 8]), &apart(&other, &[0.3; 8])).expect("two sides");
    assert!((found.estimate.value - 0.5).abs() < 1e-12);
}

#[test]
fn repeating_every_text_in_its_cluster_proves_nothing_more() {
    let (left, right) = (names("p", 12), names("n", 12));
    let score = |index: usize, shift: f64| (index as f64 * 0.37).fract() + shift;
    let once: [Vec<Scored<'_>>; 2] = [(&left, 0.2), (&right, 0.0)].map(|(names, shift)| {
        names.iter().enumerate().map(|(i, name)| (name.as_str(), score(i, shift))).collect()
    });
    let thrice = once.clone().map(|side| side.repeat(3));
    let (single, three) =
        (auc(&once[0], &once[1]).expect("sides"), auc(&thrice[0], &thrice[1]).expect("sides"));
    assert!((single.lower - three.lower).abs() < 1e-9, "{single:?} {three:?}");
    assert_eq!((single.estimate.n, three.estimate.n), (24, 72));
}

#[test]
fn a_score_differs_from_itself_by_nothing_and_from_noise_by_its_lead() {
    let (left, right) = (names("p", 40), names("n", 40));
    let scores = |shift: f64, step: f64| -> Vec<f64> {
        (0..40).map(|i| (f64::from(i) * step).fract() + shift).collect()
    };
    let good = [apart(&left, &scores(0.6, 0.377)), apart(&right, &scores(0.0, 0.211))];
    let noise = [apart(&left, &scores(0.0, 0.593)), apart(&right, &scores(0.0, 0.457))];
    let same = difference([&good[0], &good[1]], [&good[0], &good[1]]).expect("sides");
    assert!(same.estimate.value.abs() < 1e-12, "{same:?}");
    let flawless = 1.0 - 0.05_f64.powf(1.0 / 40.0);
    assert!((same.upper - flawless).abs() < 1e-12 && (same.lower + flawless).abs() < 1e-12, "{same:?}");
    let lead = difference([&good[0], &good[1]], [&noise[0], &noise[1]]).expect("sides");
    let areas = [&good, &noise].map(|sides| auc(&sides[0], &sides[1]).expect("sides").estimate.value);
    assert!((lead.estimate.value - (areas[0] - areas[1])).abs() < 1e-12);
    assert!(lead.lower > 0.0, "{lead:?}");
}

/// 400 draws of 30 clusters with two texts of each side that share their cluster's shift: the true area of normal
/// scores 1 apart, with variances 1 and a shared part that cancels, is Phi(1 / sqrt 2) = 0.760.
#[test]
fn intervals_cover_the_truth_about_as_often_as_they_say() {
    let clusters = names("c", 30);
    let normal = |rng: &mut _| quantile::normal((below(rng, 1 << 30) as f64 + 0.5) / f64::from(1 << 30));
    let mut covered = 0;
    for draw in 0..400 {
        let mut rng = replicate_rng(5, draw);
        let (mut positives, mut negatives) = (Vec::new(), Vec::new());
        for name in &clusters {
            let shared = 0.7 * normal(&mut rng);
            for _ in 0..2 {
                positives.push((name.as_str(), shared + 0.714 * normal(&mut rng) + 1.0));
                negatives.push((name.as_str(), shared + 0.714 * normal(&mut rng)));
            }
        }
        let found = auc(&positives, &negatives).expect("sides").estimate;
        // Texts of one cluster are compared too, so the expected area is a little above that of strangers.
        let truth = 0.7634;
        covered += usize::from(found.low <= truth && truth <= found.high);
    }
    assert!((364..=396).contains(&covered), "{covered} of 400 intervals hold the truth");
}

proptest! {
    #[test]
    fn clusters_of_one_give_delongs_numbers(
        positives in prop::collection::vec((0..12_u8).prop_map(f64::from), 2..20),
        negatives in prop::collection::vec((0..12_u8).prop_map(f64::from), 2..20),
    ) {
        let (left, right) = (names("p", positives.len()), names("n", negatives.len()));
        let (first, second) = (apart(&left, &positives), apart(&right, &negatives));
        let found = area(&first, &second, &placements(&first, &second)).expect("two sides");
        let (value, variance) = by_pairs(&positives, &negatives);
        prop_assert!((found.value - value).abs() < 1e-12);
        prop_assert!((found.variance - variance).abs() < 1e-12, "{} {}", found.variance, variance);
    }

    #[test]
    fn an_interval_holds_its_area_and_does_not_depend_on_order(
        texts in prop::collection::vec((0..6_u8, any::<bool>(), -1.0_f64..1.0), 4..40),
    ) {
        let groups = names("g", 6);
        let side = |positive: bool, reversed: bool| -> Vec<Scored<'_>> {
            let all = texts.iter().filter(|text| text.1 == positive);
            let mut side: Vec<Scored<'_>> = all.map(|text| (groups[usize::from(text.0)].as_str(), text.2)).collect();
            if reversed { side.reverse(); }
            side
        };
        let found = auc(&side(true, false), &side(false, false));
        if let Some(found) = found {
            prop_assert!(found.lower <= found.estimate.value && found.estimate.value <= found.upper);
            prop_assert!(0.0 <= found.estimate.low && found.estimate.high <= 1.0);
            let again = auc(&side(true, true), &side(false, true)).expect("the same texts");
            prop_assert!((again.lower - found.lower).abs() < 1e-9);
        }
    }
}
