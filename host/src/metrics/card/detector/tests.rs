use super::*;
use crate::{
    metrics::card::{Label, Reading},
    model::Verdict,
    stats::bootstrap::{below, replicate_rng},
};

/// One text as a test makes it: group, label, words, reading.
type Made = (String, Label, usize, Reading);

fn numbers(texts: &[Made], wanted: bool, given: Option<f64>) -> DetectorNumbers {
    let ids: Vec<String> = (0..texts.len()).map(|place| format!("t{place:03}")).collect();
    let judged: Vec<Judged<'_>> = texts
        .iter()
        .zip(&ids)
        .map(|((group, label, words, reading), id)| Judged {
            id,
            group,
            label: *label,
            words: *words,
            reading: *reading,
        })
        .collect();
    detector(&judged, wanted, given, Seed(1))
}

/// Right and wrong texts by turns, in groups of two, with noise of `noise` around 0.7 and 0.3.
fn texts(count: usize, noise: f64, words: impl Fn(Label) -> usize) -> Vec<Made> {
    let mut rng = replicate_rng(3, 0);
    (0..count)
        .map(|place| {
            let label = if place % 2 == 0 { Label::Right } else { Label::Wrong };
            let middle = if label == Label::Right { 0.7 } else { 0.3 };
            let score = middle + noise * (below(&mut rng, 1001) as f64 / 500.0 - 1.0);
            (format!("g{}", place / 2), label, words(label) + below(&mut rng, 5), Reading::Score(score))
        })
        .collect()
}

#[test]
fn a_detector_that_tells_voices_apart_passes_and_its_threshold_lies_between_them() {
    let found = numbers(&texts(120, 0.3, |_| 30), true, Some(0.5));
    assert_eq!(found.decision.verdict, Verdict::Pass, "{}", found.decision.reason);
    let calibrated = found.at_calibrated.expect("both labels");
    assert!((0.4..0.6).contains(&calibrated.threshold), "{}", calibrated.threshold);
    let confusion = calibrated.operating.confusion;
    assert_eq!(confusion.right_taken + confusion.right_refused, 60);
    let shares =
        [calibrated.operating.accuracy, calibrated.operating.sensitivity].map(|share| share.expect("judged"));
    assert!(shares.iter().all(|share| share.estimate.value > 0.8 && share.lower < share.estimate.value));
}

#[test]
fn a_threshold_that_is_proven_worse_than_another_does_not_pass() {
    let found = numbers(&texts(200, 0.3, |_| 30), true, Some(0.1));
    assert_eq!(found.decision.verdict, Verdict::Inconclusive);
    assert!(found.decision.reason.starts_with("threshold 0.1 is proven worse"), "{}", found.decision.reason);
}

#[test]
fn a_forbidden_trait_is_the_same_detector_the_other_way_round() {
    let made = texts(120, 0.3, |_| 30);
    let turned: Vec<Made> = made
        .iter()
        .cloned()
        .map(|(group, label, words, reading)| match reading {
            Reading::Score(score) => (group, label, words, Reading::Score(1.0 - score)),
            other => (group, label, words, other),
        })
        .collect();
    let (found, mirrored) = (numbers(&made, true, Some(0.5)), numbers(&turned, false, Some(0.5)));
    let area =
        |numbers: &DetectorNumbers| numbers.separation.contrasts[0].auc.expect("two sides").estimate.value;
    assert!((area(&found) - area(&mirrored)).abs() < 1e-12);
    let [one, two] =
        [found, mirrored].map(|numbers| numbers.at_calibrated.expect("both").operating.confusion);
    assert_eq!(one, two);
}

#[test]
fn a_detector_that_measures_length_is_flagged_and_length_matched_texts_show_it() {
    let by_length: Vec<Made> = texts(120, 0.0, |label| if label == Label::Right { 20 } else { 22 })
        .into_iter()
        .map(|(group, label, words, _)| (group, label, words, Reading::Score(-(words as f64) / 100.0)))
        .collect();
    let found = numbers(&by_length, true, None);
    assert!(found.separation.length_alone);
    assert_eq!(found.decision.verdict, Verdict::Inconclusive);
    assert!(found.decision.reason.starts_with("length alone may do as well"), "{}", found.decision.reason);
    let matched = found.separation.contrasts.last().expect("length-matched");
    let area = |found: Option<crate::gates::Evidence>| found.expect("two sides").estimate.value;
    assert!(area(matched.auc) < area(found.separation.contrasts[0].auc), "{matched:?}");
}

#[test]
fn noise_is_inconclusive_and_the_opposite_of_the_truth_fails() {
    let noise: Vec<Made> = texts(120, 0.0, |_| 30)
        .into_iter()
        .enumerate()
        .map(|(place, (group, label, words, _))| {
            (group, label, words, Reading::Score((place as f64 * 0.377).fract()))
        })
        .collect();
    assert_eq!(numbers(&noise, true, None).decision.verdict, Verdict::Inconclusive);
    assert_eq!(numbers(&texts(120, 0.3, |_| 30), false, None).decision.verdict, Verdict::Fail);
}

#[test]
fn one_label_few_groups_and_few_occasions_are_insufficient_and_failures_inconclusive() {
    let reason = |texts: &[Made]| {
        let decision = numbers(texts, true, Some(0.5)).decision;
        format!("{:?}: {}", decision.verdict, decision.reason)
    };
    let whole = || texts(80, 0.3, |_| 30);
    let right: Vec<Made> = whole().into_iter().filter(|text| text.1 == Label::Right).collect();
    let with = |every: usize, reading: Reading| -> Vec<Made> {
        let mut texts = whole();
        texts.iter_mut().step_by(every).for_each(|text| text.3 = reading);
        texts
    };
    let mut most = with(2, Reading::NotApplicable);
    most[1].3 = Reading::NotApplicable;
    let lines = [
        reason(&[]),
        reason(&right),
        reason(&whole()[..38]),
        reason(&most),
        reason(&with(20, Reading::Failed)),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    Insufficient: 0 texts, none of them with the label right
    Insufficient: 40 texts, none of them with the label wrong or none
    Insufficient: 19 groups of texts, 20 are needed
    Insufficient: 41 of 80 texts give no occasion to judge, over half
    Inconclusive: 5.0 % of the applicable texts failed, over 1 %
    ");
}

#[test]
fn a_threshold_never_judges_the_group_that_it_was_learned_from() {
    // Scores that say which group they are from and nothing else: a threshold that had seen them would do better than chance.
    let mut rng = replicate_rng(9, 0);
    let texts: Vec<Made> = (0..200)
        .map(|place| {
            let label = if place % 2 == 0 { Label::Right } else { Label::None };
            (format!("g{}", place / 2), label, 30, Reading::Score(below(&mut rng, 10_000) as f64 / 10_000.0))
        })
        .collect();
    let found = numbers(&texts, true, None);
    let accuracy = found.at_calibrated.expect("both labels").operating.accuracy.expect("judged").estimate;
    assert!(accuracy.low < 0.5, "{accuracy:?}");
    assert_eq!(found.folds, 10);
}
